// SPDX-License-Identifier: GPL-2.0
/*
 * The probe's device: checks what userspace asks for, and collects the answers.
 *
 * Answers are gathered in kernel memory and copied out afterwards, as a fault on
 * userspace's memory cannot be handled with mmu_lock held: the handler may need
 * mmu_lock itself to zap what KVM has mapped.
 */
#include <linux/cleanup.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/magic.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "mmu.h"

#include "compat.h"
#include "probe.h"

/*
 * NULL on a kernel without the helper.  The declaration is repeated so that the
 * compiler compares it with the one of a kernel that has it.
 */
int __weak kvm_tdp_mmu_gpa_to_pfn(struct kvm_vcpu *vcpu, gpa_t gpa,
				  bool is_private, kvm_pfn_t *pfn);

/*
 * KVM gives other modules no way to ask whether a file is a vCPU: neither the
 * file operations nor file_is_kvm() are for them, and the latter is about VMs.
 *
 * Two facts together tell it.  The superblock of anonymous inodes is mounted by
 * the kernel alone, so that only kernel code places a file there; and kernel
 * code picks the name.  Those names that userspace has a say in are prefixed
 * ("[luo_session] ..."), and KVM's statistics of a vCPU are a different name.
 * A file of any name in any other filesystem does not pass the first test.
 *
 * The vCPU is complete when its file appears, and lives as long as the file.
 */
static bool file_is_vcpu(struct file *file)
{
	return file_inode(file)->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       strstarts(file_dentry(file)->d_name.name, "kvm-vcpu:");
}

static int check_file(struct fd f, bool (*is_wanted)(struct file *file))
{
	if (fd_empty(f))
		return -EBADF;
	if (!is_wanted(fd_file(f)))
		return -EINVAL;

	return 0;
}

static int check_count(u64 count)
{
	if (!count)
		return -EINVAL;
	if (count > KVM_TDP_WALK_MAX_COUNT)
		return -E2BIG;

	return 0;
}

/* Range [first, first + (count - 1) * stride + size - 1] ends below 2^64. */
static int check_range(u64 first, u64 stride, u64 count, u64 size)
{
	u64 span, last;

	if (check_mul_overflow(stride, count - 1, &span) ||
	    check_add_overflow(first, span, &last) ||
	    check_add_overflow(last, size - 1, &last))
		return -EINVAL;

	return 0;
}

static void helper_walk_one(struct kvm_vcpu *vcpu, gpa_t gpa, bool private,
			    struct kvm_tdp_walk_entry *entry)
{
	kvm_pfn_t pfn = KVM_TDP_WALK_NO_PFN;

	entry->ret = kvm_tdp_mmu_gpa_to_pfn(vcpu, gpa, private, &pfn);
	entry->level = max(entry->ret, 0);
	entry->pfn = pfn;
	entry->spte = 0;
}

static void helper_walk(struct tdp_range *range, u64 count)
{
	while (count--) {
		helper_walk_one(range->vcpu, range->gpa, range->private,
				range->entry++);
		range->gpa += range->stride;
	}
}

/* NULL for a method that this kernel lacks, or that nobody knows. */
static tdp_walk_fn method_function(u32 method)
{
	switch (method) {
	case KVM_TDP_WALK_HELPER:
		return kvm_tdp_mmu_gpa_to_pfn ? helper_walk : NULL;
	case KVM_TDP_WALK_TABLE:
		return tdp_table_walk;
	default:
		return NULL;
	}
}

static int ioctl_info(void __user *argp)
{
	struct kvm_tdp_walk_info info = {
		.abi = KVM_TDP_WALK_ABI,
		.max_count = KVM_TDP_WALK_MAX_COUNT,
	};
	u32 method;

	for (method = 0; method < KVM_TDP_WALK_NR_METHODS; method++)
		if (method_function(method))
			info.methods |= BIT(method);

	return copy_to_user(argp, &info, sizeof(info)) ? -EFAULT : 0;
}

static int ioctl_roots(void __user *argp)
{
	struct kvm_tdp_roots in, out = {};
	struct kvm_vcpu *vcpu;
	int r;

	if (copy_from_user(&in, argp, sizeof(in)))
		return -EFAULT;
	if (in.flags || in.reserved32 || memchr_inv(in.reserved, 0, sizeof(in.reserved)))
		return -EINVAL;

	CLASS(fd, f)(in.vcpu_fd);
	r = check_file(f, file_is_vcpu);
	if (r)
		return r;

	vcpu = fd_file(f)->private_data;
	out.vcpu_fd = in.vcpu_fd;
	scoped_guard(read_lock, &vcpu->kvm->mmu_lock)
		tdp_table_roots(vcpu, &out);

	return copy_to_user(argp, &out, sizeof(out)) ? -EFAULT : 0;
}

static int check_walk(const struct kvm_tdp_walk *walk)
{
	int r;

	if (walk->flags & ~KVM_TDP_WALK_PRIVATE || walk->reserved32 ||
	    memchr_inv(walk->reserved, 0, sizeof(walk->reserved)) ||
	    walk->method >= KVM_TDP_WALK_NR_METHODS)
		return -EINVAL;

	r = check_count(walk->count);
	if (r)
		return r;

	return check_range(walk->gpa, walk->stride, walk->count, 1);
}

/*
 * One hold of mmu_lock for the whole range makes the answers a snapshot with
 * respect to everything that takes mmu_lock for write.  The price is that a
 * range of the largest size keeps one CPU busy, without preemption, for tens of
 * milliseconds.
 *
 * RCU is the walk's own business: KVM's helper asks of its caller no more than
 * mmu_lock, and here is where a kernel that proves RCU would see it forgotten.
 *
 * Lockdep sees the first walk only.  The others take and rely on the same locks,
 * and a walk is short enough for its checks to cost many times what it does.
 */
static void walk_range(struct kvm_vcpu *vcpu, tdp_walk_fn walk_some,
		       const struct kvm_tdp_walk *walk,
		       struct kvm_tdp_walk_entry *entries)
{
	struct tdp_range range = {
		.vcpu = vcpu,
		.private = walk->flags & KVM_TDP_WALK_PRIVATE,
		.gpa = walk->gpa,
		.stride = walk->stride,
		.entry = entries,
	};

	guard(read_lock)(&vcpu->kvm->mmu_lock);

	walk_some(&range, 1);
	if (walk->count == 1)
		return;

	lockdep_off();
	walk_some(&range, walk->count - 1);
	lockdep_on();
}

static int ioctl_walk(void __user *argp)
{
	struct kvm_tdp_walk_entry *entries __free(kvfree) = NULL;
	struct kvm_tdp_walk walk;
	tdp_walk_fn walk_some;
	int r;

	if (copy_from_user(&walk, argp, sizeof(walk)))
		return -EFAULT;
	r = check_walk(&walk);
	if (r)
		return r;

	CLASS(fd, f)(walk.vcpu_fd);
	r = check_file(f, file_is_vcpu);
	if (r)
		return r;

	walk_some = method_function(walk.method);
	if (!walk_some)
		return -EOPNOTSUPP;

	entries = kvmalloc_array(walk.count, sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;

	walk_range(fd_file(f)->private_data, walk_some, &walk, entries);

	return copy_to_user(u64_to_user_ptr(walk.entries), entries,
			    array_size(walk.count, sizeof(*entries))) ? -EFAULT : 0;
}

static int check_gmem(const struct kvm_tdp_gmem *gmem)
{
	int r;

	if (gmem->flags || gmem->offset % PAGE_SIZE ||
	    memchr_inv(gmem->reserved, 0, sizeof(gmem->reserved)))
		return -EINVAL;

	r = check_count(gmem->count);
	if (r)
		return r;

	return check_range(gmem->offset, PAGE_SIZE, gmem->count, PAGE_SIZE);
}

/* Not a snapshot: the page cache may change from one page to the next. */
static int ioctl_gmem(void __user *argp)
{
	u64 *pfns __free(kvfree) = NULL;
	struct kvm_tdp_gmem gmem;
	pgoff_t first;
	int r;
	u64 i;

	if (copy_from_user(&gmem, argp, sizeof(gmem)))
		return -EFAULT;
	r = check_gmem(&gmem);
	if (r)
		return r;

	CLASS(fd, f)(gmem.gmem_fd);
	r = check_file(f, file_is_gmem);
	if (r)
		return r;

	pfns = kvcalloc(gmem.count, sizeof(*pfns), GFP_KERNEL_ACCOUNT);
	if (!pfns)
		return -ENOMEM;

	first = gmem.offset >> PAGE_SHIFT;
	for (i = 0; i < gmem.count; i++) {
		pfns[i] = tdp_gmem_pfn(fd_file(f)->f_mapping, first + i);
		cond_resched();
	}

	return copy_to_user(u64_to_user_ptr(gmem.pfns), pfns,
			    array_size(gmem.count, sizeof(*pfns))) ? -EFAULT : 0;
}

static int check_sept(const struct kvm_tdp_sept *sept)
{
	int r;

	if (sept->flags || !PAGE_ALIGNED(sept->gpa | sept->stride) ||
	    memchr_inv(sept->reserved, 0, sizeof(sept->reserved)))
		return -EINVAL;

	r = check_count(sept->count);
	if (r)
		return r;

	return check_range(sept->gpa, sept->stride, sept->count, PAGE_SIZE);
}

/* kvm->lock keeps the TDR where it is, and mmu_lock free for the TD's vCPUs. */
static int read_sept(struct kvm *kvm, struct kvm_tdp_sept *sept,
		     struct kvm_tdp_sept_entry *entries)
{
	u64 i;
	int r;

	if (mutex_lock_killable(&kvm->lock))
		return -EINTR;

	r = tdp_sept_tdr(kvm, &sept->tdr);
	for (i = 0; !r && i < sept->count; i++) {
		tdp_sept_read(sept->tdr, sept->gpa + i * sept->stride,
			      &entries[i]);
		cond_resched();
	}
	mutex_unlock(&kvm->lock);

	return r;
}

static int ioctl_sept(void __user *argp)
{
	struct kvm_tdp_sept_entry *entries __free(kvfree) = NULL;
	struct kvm_tdp_sept sept;
	struct kvm_vcpu *vcpu;
	int r;

	if (copy_from_user(&sept, argp, sizeof(sept)))
		return -EFAULT;
	r = check_sept(&sept);
	if (r)
		return r;

	CLASS(fd, f)(sept.vcpu_fd);
	r = check_file(f, file_is_vcpu);
	if (r)
		return r;

	entries = kvcalloc(sept.count, sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;

	vcpu = fd_file(f)->private_data;
	r = read_sept(vcpu->kvm, &sept, entries);
	if (r)
		return r;

	if (copy_to_user(u64_to_user_ptr(sept.entries), entries,
			 array_size(sept.count, sizeof(*entries))))
		return -EFAULT;

	return copy_to_user(argp, &sept, sizeof(sept)) ? -EFAULT : 0;
}

static int read_module(struct kvm *kvm, struct kvm_tdp_module *module)
{
	u64 tdr;
	int r;

	if (mutex_lock_killable(&kvm->lock))
		return -EINTR;

	r = tdp_sept_tdr(kvm, &tdr);
	if (!r)
		tdp_module_read(module);
	mutex_unlock(&kvm->lock);

	return r;
}

static int ioctl_module(void __user *argp)
{
	struct kvm_tdp_module module;
	struct kvm_vcpu *vcpu;
	int r;

	if (copy_from_user(&module, argp, sizeof(module)))
		return -EFAULT;
	if (module.flags ||
	    memchr_inv(module.reserved, 0, sizeof(module.reserved)))
		return -EINVAL;

	CLASS(fd, f)(module.vcpu_fd);
	r = check_file(f, file_is_vcpu);
	if (r)
		return r;

	vcpu = fd_file(f)->private_data;
	r = read_module(vcpu->kvm, &module);
	if (r)
		return r;

	return copy_to_user(argp, &module, sizeof(module)) ? -EFAULT : 0;
}

static long tdp_walk_ioctl(struct file *file, unsigned int ioctl,
			   unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	switch (ioctl) {
	case KVM_TDP_WALK_INFO:
		return ioctl_info(argp);
	case KVM_TDP_ROOTS:
		return ioctl_roots(argp);
	case KVM_TDP_WALK:
		return ioctl_walk(argp);
	case KVM_TDP_GMEM:
		return ioctl_gmem(argp);
	case KVM_TDP_SEPT:
		return ioctl_sept(argp);
	case KVM_TDP_MODULE:
		return ioctl_module(argp);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations tdp_walk_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = tdp_walk_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/*
 * Physical addresses of guest memory are of use to an attacker, hence not for
 * anyone but root.
 */
static struct miscdevice tdp_walk_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kvm_tdp_walk",
	.fops = &tdp_walk_fops,
	.mode = 0600,
};
module_misc_device(tdp_walk_device);

/* The weak symbol is resolved when the module is loaded, and only from KVM. */
MODULE_SOFTDEP("pre: kvm");
MODULE_DESCRIPTION("Probe into KVM's second-level page tables");
MODULE_LICENSE("GPL");
