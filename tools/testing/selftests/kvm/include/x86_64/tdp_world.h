/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM that does what the model is told, and walks of all its GPAs.
 */
#ifndef SELFTEST_TDP_WORLD_H
#define SELFTEST_TDP_WORLD_H

#include "tdp_sequence.h"
#include "tdp_vm.h"

/* Operations of an episode, at most. */
#define TDP_EPISODE	100

struct tdp_world;

/**
 * struct tdp_random_vm - a kind of VM, and how it differs from others
 * @mem: its type, and whether slots may have a guest_memfd
 * @config: what the model has to know
 * @create: create it in @w->t and @w->vcpus
 * @access: a vCPU accesses pages that can all be reached; returns false and
 *	leaves a message if it does not come to the end.  NULL without a guest.
 * @special: do TDP_OP_ADD or TDP_OP_FINALIZE, as far as the model says.  NULL
 *	for what is no TD.
 * @work: what a vCPU does meanwhile with a page, reachable or not
 */
struct tdp_random_vm {
	struct tdp_mem mem;
	struct tdp_model_config config;
	void (*create)(struct tdp_world *w);
	bool (*access)(struct tdp_world *w, const struct tdp_op *op,
		       unsigned int first, unsigned int nr);
	bool (*special)(struct tdp_world *w, const struct tdp_op *op,
			unsigned int done);
	void (*work)(struct tdp_world *w, unsigned int page, bool write);
};

/* default VMs, and KVM_X86_SW_PROTECTED_VM. */
extern const struct tdp_random_vm tdp_random_default_vm;
extern const struct tdp_random_vm tdp_random_sw_protected_vm;

/**
 * struct tdp_random_test - what a case does
 * @vm: on which kind of VM
 * @ops: how many operations, unless told otherwise
 * @concurrent: a vCPU is at work during operations
 * @seed: where to begin; 0: where the command line says
 * @shrinks: how many tries there are to shorten a sequence that fails
 * @omit: for negative controls: a kind of operation that the model is told of
 *	and that is not done; 0 for none (TDP_OP_READ cannot be omitted)
 * @quiet: for negative controls: print nothing
 * @known: do what this kernel is known to fail at, too; set by tdp_random_run()
 * @stale_mmio: set by tdp_random_run(), struct tdp_model_config
 */
struct tdp_random_test {
	const struct tdp_random_vm *vm;
	unsigned int ops;
	bool concurrent;
	unsigned long long seed;
	unsigned int shrinks;
	enum tdp_op_kind omit;
	bool quiet;
	bool known;
	bool stale_mmio;
};

/**
 * struct tdp_tally - how much was asked, and how much of it was decided
 * @ops: operations that were done
 * @must: GPAs in slots that must be mapped
 * @must_not: GPAs in slots that must not
 * @may: GPAs in slots of which the contract leaves it open
 * @levels: of @must, those with one level alone
 * @outside: GPAs outside slots, which must not be mapped either
 */
struct tdp_tally {
	u64 ops;
	u64 must;
	u64 must_not;
	u64 may;
	u64 levels;
	u64 outside;
};

/**
 * struct tdp_random_result - what came of it
 * @failed: an answer was wrong, or an operation failed
 * @tally: what was asked
 * @backing: how each range of memory is backed
 * @nr: operations of the shortest sequence that fails
 * @ops: that sequence
 * @msg: what was wrong
 */
struct tdp_random_result {
	bool failed;
	struct tdp_tally tally;
	enum tdp_model_backing backing[TDP_MODEL_RANGES];
	unsigned int nr;
	struct tdp_op ops[TDP_EPISODE];
	struct tdp_msg msg;
};

/**
 * struct tdp_world - a VM and all that an episode knows of it
 * @vm: what kind it is
 * @test: the case
 * @model: what it may be
 * @before: the same before the last operation
 * @t: the VM; @t.hva is its memory, @t.gmem_fd its guest_memfd
 * @vcpus: its vCPUs
 * @shared: what the process that watches this one sees
 * @start: registers of vCPU 0 when it takes commands
 * @kmsg: the kernel's log, from the beginning of the episode on
 * @stop: for the vCPU that is at work
 * @work: the pages where that vCPU is, and how to have them mapped for certain
 * @seed: of what that vCPU does
 */
struct tdp_world {
	const struct tdp_random_vm *vm;
	const struct tdp_random_test *test;
	struct tdp_model model;
	struct tdp_model before;
	struct tdp_vm t;
	struct kvm_vcpu *vcpus[TDP_MODEL_VCPUS];
	struct tdp_random_result *shared;
	struct kvm_regs start;
	int kmsg;
	bool stop;
	struct tdp_op work;
	unsigned long long seed;
	u64 memory_pfns[TDP_MODEL_PAGES];
	u64 file_pfns[TDP_MODEL_PAGES];
	struct kvm_tdp_walk_entry got[KVM_TDP_WALK_NR_METHODS][TDP_MODEL_PAGES];
};

/**
 * tdp_world_wrong() - leave a message
 * @w: the world
 * @fmt: as printf()
 *
 * Return: false.
 */
__printf(2, 3)
bool tdp_world_wrong(struct tdp_world *w, const char *fmt, ...);

/**
 * tdp_world_create() - a VM, and a model that knows as much of it
 * @w: the world, of which @vm, @test and @shared are set
 * @rng: decides how memory is backed
 */
void tdp_world_create(struct tdp_world *w, unsigned long long *rng);

/**
 * tdp_world_do() - tell the model of an operation, and do it
 * @w: the world
 * @op: the operation, which applies
 *
 * Return: false, and a message, if it did not come to the end that it must.
 */
bool tdp_world_do(struct tdp_world *w, const struct tdp_op *op);

/**
 * tdp_world_check() - walk all GPAs, and look at the kernel's log
 * @w: the world
 * @last: the last operation; what makes no difference to the answers depends on
 *	it, and on nothing before it, so that it is the same in a shorter sequence
 *
 * TABLE walks the whole guest, HELPER a part around the operation.
 *
 * Return: false, and a message, if the model does not allow an answer, methods
 * do not agree, or the kernel complained.
 */
bool tdp_world_check(struct tdp_world *w, const struct tdp_op *last);

/**
 * tdp_page_gpa() - where a page of the model is
 * @page: of the GPAs
 *
 * Return: the GPA, in bytes.
 */
static inline u64 tdp_page_gpa(unsigned int page)
{
	return TDP_GPA + page * PAGE_SIZE;
}

#endif /* SELFTEST_TDP_WORLD_H */
