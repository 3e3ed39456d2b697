// SPDX-License-Identifier: GPL-2.0
/*
 * TDH.VP.*: a vCPU's life.
 *
 *	  VP.CREATE, VP.ADDCX ...       VP.INIT
 *	----------------------> UNINITIALIZED --> READY <--> ACTIVE
 *	                                            |  VP.ENTER
 *	                                  triple fault or the like
 *	                                            v
 *	                                        DISABLED
 *
 * While it is ready a vCPU is associated with at most one CPU, the one that
 * may hold its VMCS.  VP.FLUSH, on that CPU, ends the association.
 */
#include "leaves.h"

u64 leaf_vp_create(struct soft_call *call)
{
	u64 page = call->in[RCX];
	struct pamt_entry *entry;
	struct tdvps *vp;
	u64 status;

	status = pamt_lock_free(call, page, LEVEL_4K, RCX, &entry);
	if (status)
		return status;

	vp = soft_memory(page);
	memset(vp, 0, SOFT_PAGE_SIZE);
	vp->cpu = NO_CPU;
	vp->pages[TDVPS_TDVPR] = page;
	vp->nr_pages = 1;
	td_add_children(call->tdr, 1);
	pamt_give(entry, PT_TDVPR, call->tdr_pa);
	return STAT_SUCCESS;
}

u64 leaf_vp_addcx(struct soft_call *call)
{
	u64 page = call->in[RCX];
	struct tdvps *vp = call->vp;
	struct pamt_entry *entry;
	u64 status;

	if (vp->nr_pages >= TDVPS_NR_PAGES)
		return STAT_TDCX_NUM_INCORRECT;
	status = pamt_lock_free(call, page, LEVEL_4K, RCX, &entry);
	if (status)
		return status;

	memset(soft_memory(page), 0, SOFT_PAGE_SIZE);
	vp->pages[vp->nr_pages++] = page;
	td_add_children(call->tdr, 1);
	pamt_give(entry, PT_TDCX, call->tdr_pa);
	return STAT_SUCCESS;
}

static u64 note_x2apic_id(struct soft_call *call, u32 index)
{
	u32 *ids = tdcs_page(call->tdr, TDCS_X2APIC_IDS);
	u64 id = call->in[R8];
	u32 i;

	if (id >> 32)
		return with_operand(STAT_OPERAND_INVALID, R8);
	for (i = 0; i < index; i++)
		if (ids[i] == id)
			return with_operand(STAT_X2APIC_ID_NOT_UNIQUE, id);
	ids[index] = id;
	return STAT_SUCCESS;
}

/* What the TD finds in its registers when it is entered for the first time. */
static void reset_registers(struct tdvps *vp, const struct tdcs *tdcs, u64 rcx)
{
	u32 cpuid[4];

	soft_cpuid(1, 0, cpuid);
	vp->regs.gpr[RBX] = tdcs->gpaw ? 52 : 48;
	vp->regs.gpr[RCX] = rcx;
	vp->regs.gpr[R8] = rcx;
	vp->regs.gpr[RDX] = cpuid[0];
	vp->regs.gpr[RSI] = vp->index;
	vp->xcr0 = 1;
	vp->dr6 = 0xffff0ff0;
	vp->fmask = 0x20200;
}

static void reset_controls(struct tdvps *vp)
{
	vp->pi_descriptor = NO_PA;
	vp->pi_vector = NO_VECTOR;
	vp->last_exit = LAST_EXIT_ASYNC;
}

u64 leaf_vp_init(struct soft_call *call)
{
	struct tdcs *tdcs = call->tdcs;
	struct tdvps *vp = call->vp;
	u64 status = STAT_SUCCESS;
	u32 index;

	index = __atomic_fetch_add(&tdcs->nr_vcpus, 1, __ATOMIC_RELAXED);
	if (index >= tdcs->max_vcpus)
		status = STAT_MAX_VCPUS_EXCEEDED;
	else if (!call->version)
		tdcs->topology_configured = false;
	else
		status = note_x2apic_id(call, index);
	if (status) {
		__atomic_fetch_sub(&tdcs->nr_vcpus, 1, __ATOMIC_RELAXED);
		return status;
	}

	vp->index = index;
	vp->xfam = tdcs->xfam;
	vp->last_exit_tsc = soft_tsc();
	reset_registers(vp, tdcs, call->in[RDX]);
	reset_controls(vp);
	vp->cpu = soft_this_cpu();
	__atomic_fetch_add(&tdcs->nr_associated, 1, __ATOMIC_RELAXED);
	vp->state = VCPU_READY;
	return STAT_SUCCESS;
}

/* The vCPU belongs to this CPU from now on, unless it does to another. */
u64 vp_associate(struct soft_call *call, bool *is_new)
{
	u32 cpu = soft_this_cpu();
	u32 old = NO_CPU;

	*is_new = __atomic_compare_exchange_n(&call->vp->cpu, &old, cpu, false,
					      __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE);
	if (!*is_new && old != cpu)
		return STAT_VCPU_ASSOCIATED;
	if (*is_new)
		__atomic_fetch_add(&call->tdcs->nr_associated, 1,
				   __ATOMIC_RELAXED);
	return STAT_SUCCESS;
}

u64 leaf_vp_flush(struct soft_call *call)
{
	u32 cpu = soft_this_cpu();
	struct tdcs *tdcs;

	if (call->tdr->lifecycle != TD_KEYS_CONFIGURED)
		return STAT_TD_KEYS_NOT_CONFIGURED;
	if (call->vp->nr_pages < TDVPS_NR_PAGES)
		return STAT_TDCX_NUM_INCORRECT;
	if (call->vp->cpu != cpu)
		return STAT_VCPU_NOT_ASSOCIATED;

	tdcs = tdcs_page(call->tdr, TDCS_CONTROL);
	soft_flush_translations();
	soft_flush_vmcs(call->vp->pages[TDVPS_VMCS]);
	call->vp->launched = false;
	soft_module.last_vcpu[cpu] = NO_PA;
	__atomic_fetch_sub(&tdcs->nr_associated, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&call->vp->cpu, NO_CPU, __ATOMIC_RELEASE);
	return STAT_SUCCESS;
}

/*
 * The vCPU goes inside the TD in the current epoch.  It must not keep a
 * translation from an older one: see sept_is_tracked().
 */
u64 vp_enter_epoch(struct soft_call *call, bool is_new)
{
	struct tdcs *tdcs = call->tdcs;
	u64 epoch;

	if (soft_trylock(&tdcs->epoch_lock, SHARED))
		return with_operand(STAT_OPERAND_BUSY, OPERAND_TD_EPOCH);
	epoch = tdcs->epoch;
	__atomic_fetch_add(&tdcs->running[epoch & 1], 1, __ATOMIC_ACQ_REL);
	soft_unlock(&tdcs->epoch_lock, SHARED);

	if (epoch != call->vp->epoch && !is_new)
		soft_flush_translations();
	call->vp->epoch = epoch;
	return STAT_SUCCESS;
}

void vp_leave_epoch(struct tdcs *tdcs, struct tdvps *vp)
{
	__atomic_fetch_sub(&tdcs->running[vp->epoch & 1], 1, __ATOMIC_ACQ_REL);
}

u64 leaf_vp_enter(struct soft_call *call)
{
	u32 cpu = soft_this_cpu();
	bool is_new;
	u64 status;

	status = vp_associate(call, &is_new);
	if (status)
		return status;
	status = vp_enter_epoch(call, is_new);
	if (status)
		return status;

	/* All vCPUs of a TD have one tag for translations. */
	if (soft_module.last_vcpu[cpu] != call->vp_pa)
		soft_flush_translations();
	soft_module.last_vcpu[cpu] = call->vp_pa;

	call->vp->state = VCPU_ACTIVE;
	status = soft_run_vcpu(call);
	if (call->vp->state == VCPU_ACTIVE)
		call->vp->state = VCPU_READY;
	call->vp->last_exit_tsc = soft_tsc();
	vp_leave_epoch(call->tdcs, call->vp);
	return status;
}
