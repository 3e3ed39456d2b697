// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <linux/sizes.h>

#include "tdp_world.h"

bool tdp_world_wrong(struct tdp_world *w, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(w->shared->msg.text, sizeof(w->shared->msg.text), fmt, args);
	va_end(args);
	return false;
}

/*
 * Memory, of which each range of 2M is backed in its own way.  Nobody puts small
 * pages together behind the model's back.
 */
static void *map_memory(void)
{
	u64 size = TDP_MODEL_PAGES * PAGE_SIZE;
	void *memory = mmap(NULL, size + SZ_2M, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	TDP_ASSERT(memory != MAP_FAILED, "mmap() failed: %s", strerror(errno));
	return align_ptr_up(memory, SZ_2M);
}

static void touch_memory(void *memory, unsigned int first, unsigned int nr)
{
	unsigned int i;

	for (i = first; i < first + nr; i++)
		WRITE_ONCE(*(u64 *)(memory + i * PAGE_SIZE), i);
}

static bool back_range(void *at, enum tdp_model_backing backing)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	if (backing == TDP_HUGETLB)
		flags |= MAP_HUGETLB | MAP_HUGE_2MB;
	if (mmap(at, SZ_2M, PROT_READ | PROT_WRITE, flags, -1, 0) != at)
		return false;

	if (backing != TDP_HUGETLB)
		madvise(at, SZ_2M, backing == TDP_THP ? MADV_HUGEPAGE :
							MADV_NOHUGEPAGE);
	touch_memory(at, 0, TDP_MODEL_HUGE);
	if (backing == TDP_THP && !tdp_hva_is_huge(at, SZ_2M))
		madvise(at, SZ_2M, MADV_COLLAPSE);
	if (backing != TDP_SMALL && !tdp_hva_is_huge(at, SZ_2M))
		return false;
	if (backing != TDP_HUGETLB)
		madvise(at, SZ_2M, MADV_NOHUGEPAGE);
	return true;
}

/* What the host has not is small; the sequence is the same but for that. */
static void create_memory(struct tdp_world *w, struct tdp_model_config *config)
{
	unsigned int i;
	void *at;

	w->t.hva = map_memory();
	for (i = 0; i < TDP_MODEL_RANGES; i++) {
		at = w->t.hva + i * SZ_2M;
		if (back_range(at, config->backing[i]))
			continue;
		config->backing[i] = TDP_SMALL;
		TDP_ASSERT(back_range(at, TDP_SMALL), "No memory");
	}
}

/* A kernel WARNs once, unless it is told to forget that it did. */
static void open_kmsg(struct tdp_world *w)
{
	__tdp_write_line("/sys/kernel/debug/clear_warn_once", "1");
	w->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (w->kmsg >= 0)
		lseek(w->kmsg, 0, SEEK_END);
}

void tdp_world_create(struct tdp_world *w, unsigned long long *rng)
{
	struct tdp_model_config config = w->vm->config;
	unsigned int i;

	open_kmsg(w);
	w->vm->create(w);
	for (i = 0; i < TDP_MODEL_RANGES; i++)
		config.backing[i] = tdp_random(rng, TDP_HUGETLB + 1);
	create_memory(w, &config);
	/* It would end the KVM_RUN of a vCPU at work. */
	config.never_denied = w->test->concurrent;
	config.stale_mmio = w->test->stale_mmio;
	config.log_warns = config.has_private && !w->test->known;
	config.splits_eagerly =
		tdp_read_line("/sys/module/kvm/parameters/eager_page_split")[0] == 'Y';
	if (config.has_private)
		w->t.gmem_fd = vm_create_guest_memfd(w->t.vm, TDP_MODEL_PAGES *
						     PAGE_SIZE, 0);
	tdp_model_init(&w->model, &config);
	memcpy(w->shared->backing, config.backing, sizeof(config.backing));
	w->seed = *rng;
}

static void create_guest(struct tdp_world *w)
{
	struct tdp_vm *t = &w->t;
	unsigned int i;

	tdp_vm_create(t, &w->vm->mem);
	w->vcpus[0] = t->vcpu;
	for (i = 1; i < w->vm->config.vcpus; i++) {
		w->vcpus[i] = vm_vcpu_add(t->vm, i, guest_loop);
		guest_init(w->vcpus[i]);
	}
	guest_map(t->vm, TDP_GPA, TDP_MODEL_PAGES * PAGE_SIZE);
}

static bool guest_access(struct tdp_world *w, const struct tdp_op *op,
			 unsigned int first, unsigned int nr)
{
	int reason = __guest_do(w->vcpus[op->vcpu],
				op->kind == TDP_OP_WRITE ? GUEST_WRITE : GUEST_READ,
				tdp_page_gpa(first), PAGE_SIZE, nr, 0);

	if (!reason)
		return true;
	return tdp_world_wrong(w,
			       "Wanted the guest to touch GPA pages %u to %u, got exit %d (%s)",
			       first, first + nr - 1, reason,
			       exit_reason_str(reason));
}

/*
 * An access to what is not there just now leaves the guest amid its command:
 * have it begin anew.
 */
static void guest_work(struct tdp_world *w, unsigned int page, bool write)
{
	int reason = __guest_do(w->vcpus[0], write ? GUEST_WRITE : GUEST_READ,
				tdp_page_gpa(page), PAGE_SIZE, 1, 0);

	while (reason == KVM_EXIT_MMIO)
		reason = __guest_resume(w->vcpus[0]);
	if (!reason)
		return;
	TDP_ASSERT(reason == KVM_EXIT_MEMORY_FAULT, "Wanted exit %d, got %d (%s)",
		   KVM_EXIT_MEMORY_FAULT, reason, exit_reason_str(reason));
	vcpu_regs_set(w->vcpus[0], &w->start);
	__guest_resume(w->vcpus[0]);
}

const struct tdp_random_vm tdp_random_default_vm = {
	.mem = TDP_MEM_DEFAULT,
	.config = {
		.zaps_all = true,
		.has_guest = true,
		.vcpus = 2,
	},
	.create = create_guest,
	.access = guest_access,
	.work = guest_work,
};

const struct tdp_random_vm tdp_random_sw_protected_vm = {
	.mem = TDP_MEM_SW_PROTECTED_SHARED,
	.config = {
		.has_private = true,
		.has_guest = true,
		.vcpus = 2,
	},
	.create = create_guest,
	.access = guest_access,
	.work = guest_work,
};

/* An errno that came, and whether there was to be one. */
static bool expect_result(struct tdp_world *w, const char *what, int r, bool ok)
{
	if (!r == ok)
		return true;
	return tdp_world_wrong(w, "Wanted %s to %s, got %s", what,
			       ok ? "succeed" : "be refused",
			       r ? strerror(-r) : "success");
}

static int negative(int r)
{
	return r < 0 ? -errno : 0;
}

/* All of them, or as far as what cannot be reached. */
static bool run_prefault(struct tdp_world *w, const struct tdp_op *op,
			 unsigned int done)
{
	struct kvm_pre_fault_memory range = {
		.gpa = tdp_page_gpa(op->first),
		.size = op->nr * PAGE_SIZE,
	};
	int r;

	do {
		r = __tdp_prefault(w->vcpus[op->vcpu], &range);
	} while (r == -EINTR || (!r && range.size));

	if (range.size != (op->nr - done) * PAGE_SIZE)
		return tdp_world_wrong(w,
				       "Wanted KVM_PRE_FAULT_MEMORY to leave %u pages, got %llu",
				       op->nr - done, range.size / PAGE_SIZE);
	return expect_result(w, "KVM_PRE_FAULT_MEMORY", r, done == op->nr);
}

static bool run_access(struct tdp_world *w, const struct tdp_op *op)
{
	unsigned int end = op->first + op->nr, first = op->first, nr;

	while (first < end) {
		nr = 0;
		while (first + nr < end &&
		       tdp_model_guest_reaches(&w->before, first + nr))
			nr++;
		if (nr && !w->vm->access(w, op, first, nr))
			return false;
		first += nr + !nr;
	}
	return true;
}

static int set_slot(struct tdp_world *w, unsigned int id,
		    const struct tdp_model_slot *s, u64 npages)
{
	bool has_file = s->file != TDP_MODEL_NO_FILE;
	u32 flags = (s->logging ? KVM_MEM_LOG_DIRTY_PAGES : 0) |
		    (has_file ? KVM_MEM_GUEST_MEMFD : 0);

	return negative(__vm_set_user_memory_region2(w->t.vm, TDP_SLOT + id,
			flags, tdp_page_gpa(s->gpa), npages * PAGE_SIZE,
			w->t.hva + s->memory * PAGE_SIZE,
			has_file ? w->t.gmem_fd : 0,
			has_file ? s->file * PAGE_SIZE : 0));
}

static int get_log(struct tdp_world *w, unsigned int id)
{
	unsigned long bits[TDP_MODEL_PAGES / 64];
	struct kvm_dirty_log log = {
		.slot = TDP_SLOT + id,
		.dirty_bitmap = bits,
	};

	return negative(__vm_ioctl(w->t.vm, KVM_GET_DIRTY_LOG, &log));
}

static bool run_slot_op(struct tdp_world *w, const struct tdp_op *op)
{
	const struct tdp_model_slot *s = &w->model.slots[op->slot];
	char what[128];
	int r;

	switch (op->kind) {
	case TDP_OP_DELETE:
		r = set_slot(w, op->slot, s, 0);
		break;
	case TDP_OP_RESIZE:
		r = set_slot(w, op->slot, s, s->npages + 1);
		break;
	case TDP_OP_GET_LOG:
		r = get_log(w, op->slot);
		break;
	default:
		r = set_slot(w, op->slot, s, s->npages);
	}
	tdp_op_print(op, what, sizeof(what));
	return expect_result(w, what, r, op->kind != TDP_OP_RESIZE);
}

static int set_attributes(struct tdp_world *w, const struct tdp_op *op)
{
	struct kvm_memory_attributes attributes = {
		.address = tdp_page_gpa(op->first),
		.size = op->nr * PAGE_SIZE,
		.attributes = op->kind == TDP_OP_PRIVATE ?
			      KVM_MEMORY_ATTRIBUTE_PRIVATE : 0,
	};

	return negative(__vm_ioctl(w->t.vm, KVM_SET_MEMORY_ATTRIBUTES,
				   &attributes));
}

static int allocate(struct tdp_world *w, const struct tdp_op *op)
{
	int mode = op->kind == TDP_OP_HOLE ? FALLOC_FL_PUNCH_HOLE : 0;

	return negative(fallocate(w->t.gmem_fd, FALLOC_FL_KEEP_SIZE | mode,
				  op->first * PAGE_SIZE, op->nr * PAGE_SIZE));
}

static void touch_allowed(struct tdp_world *w, const struct tdp_op *op)
{
	unsigned int i;

	for (i = op->first; i < op->first + op->nr; i++)
		if (!w->model.memory[i].denied)
			touch_memory(w->t.hva, i, 1);
}

static bool run_memory_op(struct tdp_world *w, const struct tdp_op *op)
{
	void *at = w->t.hva + op->first * PAGE_SIZE;
	u64 size = op->nr * PAGE_SIZE;
	char what[128];
	int r = 0;

	switch (op->kind) {
	case TDP_OP_PRIVATE:
	case TDP_OP_SHARED:
		r = set_attributes(w, op);
		break;
	case TDP_OP_HOLE:
	case TDP_OP_ALLOCATE:
		r = allocate(w, op);
		break;
	case TDP_OP_DROP:
		r = negative(madvise(at, size, MADV_DONTNEED));
		break;
	case TDP_OP_DENY:
		r = negative(mprotect(at, size, PROT_NONE));
		break;
	case TDP_OP_ALLOW:
		r = negative(mprotect(w->t.hva, TDP_MODEL_PAGES * PAGE_SIZE,
				      PROT_READ | PROT_WRITE));
		break;
	case TDP_OP_TOUCH:
		touch_allowed(w, op);
		break;
	}
	tdp_op_print(op, what, sizeof(what));
	return expect_result(w, what, r, true);
}

/* The VM does what the model was told already. */
static bool run_op(struct tdp_world *w, const struct tdp_op *op,
		   unsigned int done)
{
	if (w->test->omit && op->kind == w->test->omit)
		return true;

	switch (op->kind) {
	case TDP_OP_READ:
	case TDP_OP_WRITE:
		return run_access(w, op);
	case TDP_OP_RUN:
		return w->vm->access(w, op, 0, 0);
	case TDP_OP_PREFAULT:
		return run_prefault(w, op, done);
	case TDP_OP_ADD:
	case TDP_OP_FINALIZE:
		return w->vm->special(w, op, done);
	case TDP_OP_CREATE:
	case TDP_OP_DELETE:
	case TDP_OP_MOVE:
	case TDP_OP_RESIZE:
	case TDP_OP_LOG:
	case TDP_OP_END_LOG:
	case TDP_OP_GET_LOG:
		return run_slot_op(w, op);
	default:
		return run_memory_op(w, op);
	}
}

bool tdp_world_do(struct tdp_world *w, const struct tdp_op *op)
{
	w->shared->tally.ops++;
	w->before = w->model;
	return run_op(w, op, tdp_op_tell(op, &w->model));
}
