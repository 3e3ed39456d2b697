/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KVM selftest library of the newest kernel has, and an older one's
 * lacks or has in another form.  Beside each TDP_LACKS_ stands the text that is
 * looked for in the headers of the tree at hand: lacks.sh.
 */
#ifndef SELFTEST_TDP_COMPAT_H
#define SELFTEST_TDP_COMPAT_H

#include <kvm_util.h>
#include <processor.h>

#ifdef TDP_LACKS_NR_VCPUS /* void kvm_arch_vm_post_create(struct kvm_vm *vm, unsigned int */
#define kvm_arch_vm_post_create(vm, ...) kvm_arch_vm_post_create(vm)
#endif /* TDP_LACKS_NR_VCPUS */

#ifdef TDP_LACKS_STATS /* #define vm_get_stat(vm, stat) */
#define vm_get_stat(vm, stat) vm_get_stat(vm, #stat)
#endif /* TDP_LACKS_STATS */

#ifdef TDP_LACKS_RNG /* extern struct kvm_random_state kvm_rng; */
#define kvm_rng guest_rng
#endif /* TDP_LACKS_RNG */

#ifdef TDP_LACKS_MMAP /* void *kvm_mmap( */
static inline void *kvm_mmap(size_t size, int prot, int flags, int fd)
{
	void *mem = mmap(NULL, size, prot, flags, fd, 0);

	TEST_ASSERT(mem != MAP_FAILED, "mmap() of %zu bytes failed", size);
	return mem;
}
#endif /* TDP_LACKS_MMAP */

#ifdef TDP_LACKS_RELOAD /* void vm_mem_region_reload( */
/* Delete a memslot, and create it again as it was. */
static inline void vm_mem_region_reload(struct kvm_vm *vm, u32 slot)
{
	struct kvm_userspace_memory_region2 region;

	region = memslot2region(vm, slot)->region;
	region.memory_size = 0;
	vm_ioctl(vm, KVM_SET_USER_MEMORY_REGION2, &region);
	vm_ioctl(vm, KVM_SET_USER_MEMORY_REGION2,
		 &memslot2region(vm, slot)->region);
}
#endif /* TDP_LACKS_RELOAD */

#ifdef TDP_LACKS_FREE /* void vm_mem_region_reload( */
/* Freeing a VM deletes its slots there, and fails if KVM has lost one before. */
static inline void tdp_restore_slots(struct kvm_vm *vm)
{
	struct userspace_mem_region *region;
	int i;

	if (!vm)
		return;
	hash_for_each(vm->regions.slot_hash, i, region, slot_node)
		__vm_ioctl(vm, KVM_SET_USER_MEMORY_REGION2, &region->region);
}

#define kvm_vm_free(vm)							\
do {									\
	tdp_restore_slots(vm);						\
	kvm_vm_free(vm);						\
} while (0)
#endif /* TDP_LACKS_FREE */

#ifdef TDP_LACKS_GMEM_FLAGS /* #define GUEST_MEMFD_FLAG_MMAP */
/* What KVM_CHECK_EXTENSION says of it is 0 then: no flag is offered. */
#define KVM_CAP_GUEST_MEMFD_FLAGS	244
#define GUEST_MEMFD_FLAG_MMAP		BIT_ULL(0)
#define GUEST_MEMFD_FLAG_INIT_SHARED	BIT_ULL(1)
#endif /* TDP_LACKS_GMEM_FLAGS */

#ifdef TDP_LACKS_ABORT /* ->teardown_fn( */
#include <setjmp.h>

/* An assertion that fails jumps to the harness there, and that calls abort(). */
#define tdp_abort_at_assert(_metadata)					\
do {									\
	if (setjmp((_metadata)->env))					\
		abort();						\
} while (0)
#endif /* TDP_LACKS_ABORT */

#ifdef TDP_LACKS_STACK /* gva_t vm_alloc_stack( */
/* Its top, aligned as if a call had left a return address there. */
#define vm_alloc_stack(vm, nr_pages)					\
	(__vm_alloc(vm, (nr_pages) * PAGE_SIZE,				\
		    DEFAULT_GUEST_STACK_VADDR_MIN, MEM_REGION_DATA) +	\
	 (nr_pages) * PAGE_SIZE - sizeof(u64))
#endif /* TDP_LACKS_STACK */

#ifdef TDP_LACKS_NESTED_STACK /* generic_svm_setup(struct svm_test_data *svm, void *guest_rip); */
#include <svm_util.h>
#include <vmx.h>

/* Who starts an L2 brings its stack there. */
static __maybe_unused u64 tdp_l2_stack[512] __aligned(16);

#define prepare_vmcs(vmx, rip)						\
	prepare_vmcs(vmx, rip, &tdp_l2_stack[ARRAY_SIZE(tdp_l2_stack)])
#define generic_svm_setup(svm, rip)					\
	generic_svm_setup(svm, rip, &tdp_l2_stack[ARRAY_SIZE(tdp_l2_stack)])
#endif /* TDP_LACKS_NESTED_STACK */

#ifdef TDP_LACKS_SMM /* void setup_smram( */
#define SMRAM_SIZE	65536
#define SMRAM_MEMSLOT	((1 << 16) | 1)
/* Where in SMRAM a vCPU begins. */
#define SMRAM_ENTRY	0x8000

static inline void setup_smram(struct kvm_vm *vm, struct kvm_vcpu *vcpu,
			       u64 gpa, const void *handler, size_t size)
{
	void *smram;

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, gpa,
				    SMRAM_MEMSLOT, SMRAM_SIZE / PAGE_SIZE, 0);
	smram = memslot2region(vm, SMRAM_MEMSLOT)->host_mem;
	memset(smram, 0, SMRAM_SIZE);
	memcpy(smram + SMRAM_ENTRY, handler, size);
	vcpu_set_msr(vcpu, MSR_IA32_SMBASE, gpa);
}

static inline void inject_smi(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_events events;

	vcpu_events_get(vcpu, &events);
	events.smi.pending = 1;
	events.flags |= KVM_VCPUEVENT_VALID_SMM;
	vcpu_events_set(vcpu, &events);
}
#endif /* TDP_LACKS_SMM */

#endif /* SELFTEST_TDP_COMPAT_H */
