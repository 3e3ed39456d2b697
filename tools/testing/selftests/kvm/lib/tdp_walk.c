// SPDX-License-Identifier: GPL-2.0
#include "tdp_walk.h"

void (*tdp_falsify)(enum kvm_tdp_walk_method method, bool is_private, u64 nr,
		    struct kvm_tdp_walk_entry *entries);

int __tdp_probe_open(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open(KVM_TDP_WALK_DEVICE, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int tdp_probe_fd(void)
{
	int fd = __tdp_probe_open();

	TDP_ASSERT(fd >= 0, "Cannot open %s: %s", KVM_TDP_WALK_DEVICE,
		   strerror(-fd));
	return fd;
}

static int tdp_probe_ioctl(unsigned long cmd, void *arg)
{
	return ioctl(tdp_probe_fd(), cmd, arg) ? -errno : 0;
}

const struct kvm_tdp_walk_info *tdp_probe_info(void)
{
	static struct kvm_tdp_walk_info info;
	int r;

	if (info.abi)
		return &info;

	r = tdp_probe_ioctl(KVM_TDP_WALK_INFO, &info);
	TDP_ASSERT(!r, "KVM_TDP_WALK_INFO failed: %s", strerror(-r));
	TDP_ASSERT(info.abi == KVM_TDP_WALK_ABI,
		   "The probe speaks ABI %u, these tests %u: build both from one tree",
		   info.abi, KVM_TDP_WALK_ABI);
	return &info;
}

bool tdp_has_method(enum kvm_tdp_walk_method method)
{
	return tdp_probe_info()->methods & BIT(method);
}

const char *tdp_method_name(enum kvm_tdp_walk_method method)
{
	return method == KVM_TDP_WALK_HELPER ? "HELPER" : "TABLE";
}

int __tdp_walk_range(struct kvm_vcpu *vcpu, enum kvm_tdp_walk_method method,
		     bool is_private, u64 gpa, u64 stride, u64 nr,
		     struct kvm_tdp_walk_entry *entries)
{
	struct kvm_tdp_walk walk = {
		.vcpu_fd = vcpu->fd,
		.method = method,
		.flags = is_private ? KVM_TDP_WALK_PRIVATE : 0,
		.gpa = gpa,
		.stride = stride,
		.count = nr,
		.entries = (uintptr_t)entries,
	};

	return tdp_probe_ioctl(KVM_TDP_WALK, &walk);
}

void tdp_walk_range(struct kvm_vcpu *vcpu, enum kvm_tdp_walk_method method,
		    bool is_private, u64 gpa, u64 stride, u64 nr,
		    struct kvm_tdp_walk_entry *entries)
{
	u64 done, step;
	int r;

	for (done = 0; done < nr; done += step) {
		step = min_t(u64, nr - done, KVM_TDP_WALK_MAX_COUNT);
		r = __tdp_walk_range(vcpu, method, is_private,
				     gpa + done * stride, stride, step,
				     entries + done);
		TDP_ASSERT(!r, "KVM_TDP_WALK of %llu GPAs at 0x%llx (%s) failed: %s",
			   (unsigned long long)step,
			   (unsigned long long)(gpa + done * stride),
			   tdp_method_name(method), strerror(-r));
	}

	if (tdp_falsify)
		tdp_falsify(method, is_private, nr, entries);
}

struct kvm_tdp_roots tdp_roots(struct kvm_vcpu *vcpu)
{
	struct kvm_tdp_roots roots = { .vcpu_fd = vcpu->fd };
	int r = tdp_probe_ioctl(KVM_TDP_ROOTS, &roots);

	TDP_ASSERT(!r, "KVM_TDP_ROOTS failed: %s", strerror(-r));
	return roots;
}

void tdp_gmem_pfns(int gmem_fd, u64 offset, u64 nr, u64 *pfns)
{
	struct kvm_tdp_gmem gmem = { .gmem_fd = gmem_fd };
	u64 done;
	int r;

	for (done = 0; done < nr; done += gmem.count) {
		gmem.offset = offset + done * PAGE_SIZE;
		gmem.count = min_t(u64, nr - done, KVM_TDP_WALK_MAX_COUNT);
		gmem.pfns = (uintptr_t)(pfns + done);
		r = tdp_probe_ioctl(KVM_TDP_GMEM, &gmem);
		TDP_ASSERT(!r, "KVM_TDP_GMEM at offset 0x%llx failed: %s",
			   gmem.offset, strerror(-r));
	}
}

int __tdp_module(struct kvm_vcpu *vcpu, u64 field, u64 *status, u64 *value)
{
	struct kvm_tdp_module module = { .vcpu_fd = vcpu->fd, .field = field };
	int r = tdp_probe_ioctl(KVM_TDP_MODULE, &module);

	*status = module.status;
	*value = module.value;
	return r;
}

int __tdp_sept(struct kvm_vcpu *vcpu, u64 gpa, u64 nr,
	       struct kvm_tdp_sept_entry *entries, u64 *tdr)
{
	struct kvm_tdp_sept sept = {
		.vcpu_fd = vcpu->fd,
		.gpa = gpa,
		.stride = PAGE_SIZE,
		.count = nr,
		.entries = (uintptr_t)entries,
	};
	int r = tdp_probe_ioctl(KVM_TDP_SEPT, &sept);

	*tdr = sept.tdr;
	return r;
}
