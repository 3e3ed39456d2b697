// SPDX-License-Identifier: GPL-2.0
#include <sys/mman.h>

#include "tdx/td_random.h"
#include "tdx/td_vm.h"

static void create_td(struct tdp_world *w)
{
	td_vm_create_idle(&w->t);
	w->vcpus[0] = w->t.vcpu;
}

/* What pages of the TD start with matters to nobody here: zeroes. */
static void *source_pages(void)
{
	static void *pages;

	if (pages)
		return pages;
	pages = mmap(NULL, TDP_MODEL_PAGES * PAGE_SIZE, PROT_READ,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	TDP_ASSERT(pages != MAP_FAILED, "mmap() failed: %s", strerror(errno));
	return pages;
}

static bool add_pages(struct tdp_world *w, const struct tdp_op *op,
		      unsigned int done)
{
	struct kvm_tdx_init_mem_region region = {
		.source_addr = (uintptr_t)source_pages(),
		.gpa = tdp_page_gpa(op->first),
		.nr_pages = op->nr,
	};
	bool early = done < op->nr;
	int r;

	do {
		r = __tdx_init_mem_region(w->vcpus[op->vcpu], &region, 0);
	} while (r == -EINTR);

	if (region.nr_pages != op->nr - done)
		return tdp_world_wrong(w,
				       "Wanted KVM_TDX_INIT_MEM_REGION to leave %u pages, got %llu (%s)",
				       op->nr - done, region.nr_pages,
				       strerror(-r));
	if (!r == early)
		return tdp_world_wrong(w,
				       "KVM_TDX_INIT_MEM_REGION added %u of %u pages and gave %d",
				       done, op->nr, r);
	return true;
}

static bool special(struct tdp_world *w, const struct tdp_op *op,
		    unsigned int done)
{
	int r;

	if (op->kind == TDP_OP_ADD)
		return add_pages(w, op, done);
	r = __tdx_finalize_vm(w->t.vm);
	return !r || tdp_world_wrong(w, "KVM_TDX_FINALIZE_VM gave %d", r);
}

/* What is not there just now is refused, which is as well. */
static void prefault_page(struct tdp_world *w, unsigned int page, bool write)
{
	struct kvm_pre_fault_memory range = {
		.gpa = tdp_page_gpa(page),
		.size = PAGE_SIZE,
	};

	__tdp_prefault(w->vcpus[0], &range);
}

const struct tdp_random_vm td_random_vm = {
	.mem = {
		.vm_type = KVM_X86_TDX_VM,
		.gmem = true,
	},
	.config = {
		.has_private = true,
		.has_mirror = true,
		.vcpus = 1,
	},
	.create = create_td,
	.special = special,
	.work = prefault_page,
};
