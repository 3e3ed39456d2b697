// SPDX-License-Identifier: GPL-2.0
#include "tdp_slot.h"

static void *tdp_slot_mmap(enum vm_mem_backing_src_type src, u64 size)
{
	int flags = vm_mem_backing_src_alias(src)->flag;
	void *hva = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);

	TDP_ASSERT(hva != MAP_FAILED, "mmap of %lu bytes with flags 0x%x: %s",
		   size, flags, strerror(errno));

	/* Fails where the kernel has no THP at all, which is as well. */
	if (src == VM_MEM_SRC_ANONYMOUS)
		madvise(hva, size, MADV_NOHUGEPAGE);
	return hva;
}

static int tdp_slot_gmem(struct kvm_vm *vm, u64 size)
{
	int fd = __vm_create_guest_memfd(vm, size, 0);

	TDP_ASSERT(fd >= 0, "guest_memfd of %lu bytes: %s", size,
		   strerror(errno));
	return fd;
}

struct tdp_vm tdp_slot_memory(const struct tdp_vm *t,
			      enum vm_mem_backing_src_type src, u64 gpa,
			      u64 npages)
{
	u64 size = npages * PAGE_SIZE;
	struct tdp_vm s = *t;

	s.gpa = gpa;
	s.npages = npages;
	s.hva = tdp_slot_mmap(src, size);
	s.gmem_fd = t->mem.gmem ? tdp_slot_gmem(t->vm, size) : -1;

	tdp_vm_touch(&s);
	return s;
}

struct tdp_vm tdp_slot_add(const struct tdp_vm *t,
			   enum vm_mem_backing_src_type src, u32 id, u64 gpa,
			   u64 npages)
{
	struct tdp_vm s = tdp_slot_memory(t, src, gpa, npages);

	tdp_slot_set(&s, id, 0);
	if (t->mem.is_private)
		vm_mem_set_private(t->vm, gpa, npages * PAGE_SIZE);
	guest_map(t->vm, gpa, npages * PAGE_SIZE);
	return s;
}

int __tdp_slot_set(const struct tdp_vm *s, u32 id, u32 flags)
{
	if (s->mem.gmem)
		flags |= KVM_MEM_GUEST_MEMFD;

	return __vm_set_user_memory_region2(s->vm, id, flags, s->gpa,
					    s->npages * PAGE_SIZE, s->hva,
					    s->gmem_fd, 0) ? -errno : 0;
}

void tdp_slot_set(const struct tdp_vm *s, u32 id, u32 flags)
{
	int r = __tdp_slot_set(s, id, flags);

	TDP_ASSERT(!r, "Slot %u at gpa 0x%lx, %lu pages, flags 0x%x: %s", id,
		   s->gpa, s->npages, flags, strerror(-r));
}

void tdp_slot_delete(const struct tdp_vm *t, u32 id)
{
	int r = __vm_set_user_memory_region2(t->vm, id, 0, 0, 0, NULL, 0, 0);

	TDP_ASSERT(!r, "Deleting slot %u: %s", id, strerror(errno));
}
