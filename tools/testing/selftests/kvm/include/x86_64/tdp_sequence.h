/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations on a VM as data: made at random, told to the model, printed, and
 * left out one after the other until no fewer of them fail.
 */
#ifndef SELFTEST_TDP_SEQUENCE_H
#define SELFTEST_TDP_SEQUENCE_H

#include "tdp_model.h"

enum tdp_op_kind {
	/* A vCPU reads, writes, or runs and touches nothing. */
	TDP_OP_READ,
	TDP_OP_WRITE,
	TDP_OP_RUN,
	/* KVM_PRE_FAULT_MEMORY */
	TDP_OP_PREFAULT,
	/* KVM_TDX_INIT_MEM_REGION, KVM_TDX_FINALIZE_VM */
	TDP_OP_ADD,
	TDP_OP_FINALIZE,
	/* KVM_SET_MEMORY_ATTRIBUTES */
	TDP_OP_PRIVATE,
	TDP_OP_SHARED,
	/* fallocate() of the guest_memfd */
	TDP_OP_HOLE,
	TDP_OP_ALLOCATE,
	/* madvise(MADV_DONTNEED), mprotect(), and writes to memory */
	TDP_OP_DROP,
	TDP_OP_DENY,
	TDP_OP_ALLOW,
	TDP_OP_TOUCH,
	/* KVM_SET_USER_MEMORY_REGION2 */
	TDP_OP_CREATE,
	TDP_OP_DELETE,
	TDP_OP_MOVE,
	/* One that KVM must refuse: a slot does not change its size. */
	TDP_OP_RESIZE,
	TDP_OP_LOG,
	TDP_OP_END_LOG,
	/* KVM_GET_DIRTY_LOG, which write-protects what it reports. */
	TDP_OP_GET_LOG,
	TDP_NR_OPS,
};

/**
 * struct tdp_op - one operation
 * @kind: enum tdp_op_kind
 * @vcpu: of the kinds that have one
 * @slot: of the kinds that have one
 * @first: first page: of the GPAs, of memory, or of the guest_memfd
 * @nr: number of pages
 * @memory: TDP_OP_CREATE: first page of memory
 * @file: TDP_OP_CREATE: first page of the guest_memfd, or TDP_MODEL_NO_FILE
 */
struct tdp_op {
	unsigned char kind;
	unsigned char vcpu;
	unsigned short slot;
	unsigned short first;
	unsigned short nr;
	unsigned short memory;
	unsigned short file;
};

/**
 * tdp_random() - the next number of a sequence that is the same everywhere
 * @rng: state of the sequence, any number at first
 * @below: how many numbers there are to choose from, at least 1
 *
 * Return: a number from 0 to @below - 1.
 */
unsigned int tdp_random(unsigned long long *rng, unsigned int below);

/**
 * tdp_op_random() - an operation that makes sense now
 * @op: out: the operation
 * @m: the model before it
 * @rng: as above
 */
void tdp_op_random(struct tdp_op *op, const struct tdp_model *m,
		   unsigned long long *rng);

/**
 * tdp_op_applies() - whether an operation makes sense now
 * @op: the operation
 * @m: the model before it
 *
 * What does not is left out when a sequence is replayed, as there always are
 * operations that depend on others that were left out.
 *
 * Return: true if it does.
 */
bool tdp_op_applies(const struct tdp_op *op, const struct tdp_model *m);

/**
 * tdp_op_has_range() - whether an operation concerns pages that could be fewer
 * @op: the operation
 *
 * Not that of a slot, whose edges are what a failure is often about.
 *
 * Return: true if it does.
 */
bool tdp_op_has_range(const struct tdp_op *op);

/**
 * tdp_op_runs_beside() - whether an operation can be done while a vCPU works
 * @op: the operation
 *
 * Not where a vCPU takes part, nor where the vCPU's KVM_RUN would fail.  And not
 * where a slot appears: a fault that began without it does not notice it, and
 * KVM 7.3 WARNs when it then finds what another vCPU mapped.
 *
 * Return: true if it can.
 */
bool tdp_op_runs_beside(const struct tdp_op *op);

/**
 * tdp_op_tell() - tell the model of an operation
 * @op: the operation, which applies
 * @m: the model
 *
 * Return: how many pages the operation is to come to, of TDP_OP_PREFAULT and
 * TDP_OP_ADD, which may end early; otherwise @op->nr.
 */
unsigned int tdp_op_tell(const struct tdp_op *op, struct tdp_model *m);

/**
 * tdp_op_print() - an operation for people
 * @op: the operation
 * @text: out: one line without a newline
 * @size: size of @text in bytes
 */
void tdp_op_print(const struct tdp_op *op, char *text, unsigned long size);

/**
 * typedef tdp_fails_fn - whether a sequence fails
 * @ops: the operations
 * @nr: how many
 * @arg: the caller's
 *
 * Return: the number of operations after which it has failed, 0 if it does not.
 */
typedef unsigned int (*tdp_fails_fn)(const struct tdp_op *ops, unsigned int nr,
				     void *arg);

/**
 * tdp_shrink() - the shortest sequence that fails
 * @ops: in: a sequence that fails; out: one that fails, from which no operation
 *	can be taken and whose ranges are as short as could be, if the budget
 *	was large enough
 * @nr: how many operations @ops has
 * @fails: tries a sequence from the beginning
 * @arg: for @fails
 * @budget: how often @fails may be called
 *
 * Return: how many operations are left.
 */
unsigned int tdp_shrink(struct tdp_op *ops, unsigned int nr, tdp_fails_fn fails,
			void *arg, unsigned int budget);

#endif /* SELFTEST_TDP_SEQUENCE_H */
