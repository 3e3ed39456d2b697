// SPDX-License-Identifier: GPL-2.0
/*
 * TDH.SYS.*: the module as a whole comes up and goes down.
 *
 *	            SYS.INIT            SYS.CONFIG, after
 *	                                LP.INIT on every CPU
 *	INIT_PENDING -------> INIT_DONE -----------------> CONFIG_DONE
 *	                                                        |
 *	             SYS.SHUTDOWN, DISABLE       KEY.CONFIG on  |
 *	    SHUTDOWN <------------------- READY <---------------+
 *	                                         every package
 *
 * PAMTs are written piece by piece in state READY, by SYS.TDMR.INIT.
 */
#include "leaves.h"

/* How many 4K pages one TDMR.INIT is good for. */
#define PAGES_PER_TDMR_INIT	1024

static u64 lock_module(struct soft_call *call)
{
	return call_lock(call, &soft_module.lock, EXCLUSIVE) ?
	       STAT_SYS_BUSY : STAT_SUCCESS;
}

u64 leaf_sys_init(struct soft_call *call)
{
	u64 status = lock_module(call);

	if (status)
		return status;
	if (call->in[RCX])
		return with_operand(STAT_OPERAND_INVALID, RCX);
	if (soft_module.state != SYS_INIT_PENDING)
		return STAT_SYS_INIT_NOT_PENDING;

	soft_module.state = SYS_INIT_DONE;
	return STAT_SUCCESS;
}

u64 leaf_sys_lp_init(struct soft_call *call)
{
	u32 cpu = soft_this_cpu();
	u64 status = lock_module(call);

	if (status)
		return status;
	if (soft_module.state != SYS_INIT_DONE)
		return STAT_SYS_LP_INIT_NOT_PENDING;
	if (soft_module.cpu_ready[cpu])
		return STAT_SYS_LP_INIT_DONE;

	soft_module.cpu_ready[cpu] = true;
	soft_module.last_vcpu[cpu] = NO_PA;
	soft_module.cpus_ready++;
	return STAT_SUCCESS;
}

static u64 tdmr_status(u64 status, u32 tdmr, u32 area, u32 other)
{
	return status | tdmr | area << 8 | other << 16;
}

static bool range_wraps(u64 base, u64 size)
{
	return base + size < base;
}

static bool ranges_overlap(u64 base, u64 size, u64 other, u64 other_size)
{
	return base < other + other_size && other < base + size;
}

static bool range_is_addressable(u64 base, u64 size)
{
	return !private_address_check(base, SOFT_PAGE_SIZE) &&
	       !private_address_check(base + size - SOFT_PAGE_SIZE,
				      SOFT_PAGE_SIZE);
}

static u64 check_tdmr(const struct tdmr_info_page *info, u32 i)
{
	const struct tdmr *before = i ? &soft_module.tdmrs[i - 1] : NULL;

	if (range_wraps(info->base, info->size))
		return tdmr_status(STAT_INVALID_TDMR, i, 0, 0);
	if (before && info->base < before->base + before->size)
		return tdmr_status(STAT_NON_ORDERED_TDMR, i, 0, 0);
	if (info->base % LEVEL_SIZE(LEVEL_1G) ||
	    info->size % LEVEL_SIZE(LEVEL_1G) || !info->size ||
	    !range_is_addressable(info->base, info->size))
		return tdmr_status(STAT_INVALID_TDMR, i, 0, 0);
	return STAT_SUCCESS;
}

/* The first reserved area that is empty ends the list. */
static u64 check_reserved(const struct tdmr_info_page *info, u32 i, u32 j)
{
	const struct tdmr_reserved *area = &info->reserved[j];

	if (!area->size)
		return j + 1 < TDMR_MAX_RESERVED && area[1].size ?
		       tdmr_status(STAT_NON_ORDERED_RESERVED, i, j, 0) :
		       STAT_SUCCESS;
	if (range_wraps(area->offset, area->size))
		return tdmr_status(STAT_INVALID_RESERVED, i, j, 0);
	if (j && area->offset < area[-1].offset + area[-1].size)
		return tdmr_status(STAT_NON_ORDERED_RESERVED, i, j, 0);
	if (area->offset % SOFT_PAGE_SIZE || area->size % SOFT_PAGE_SIZE ||
	    area->offset + area->size > info->size)
		return tdmr_status(STAT_INVALID_RESERVED, i, j, 0);
	return STAT_SUCCESS;
}

static const struct tdmr_pamt *info_pamt(const struct tdmr_info_page *info,
					 int level)
{
	return level == LEVEL_4K ? &info->pamt_4k :
	       level == LEVEL_2M ? &info->pamt_2m : &info->pamt_1g;
}

static u64 pamt_size(u64 tdmr_size, int level)
{
	return (tdmr_size >> LEVEL_SHIFT(level)) * sizeof(struct pamt_entry);
}

static u64 check_pamt(const struct tdmr_info_page *info, u32 i, int level)
{
	const struct tdmr_pamt *pamt = info_pamt(info, level);

	if (range_wraps(pamt->base, pamt->size) || !pamt->size ||
	    pamt->size % SOFT_PAGE_SIZE ||
	    !range_is_addressable(pamt->base, pamt->size) ||
	    pamt->size < pamt_size(info->size, level))
		return tdmr_status(STAT_INVALID_PAMT, i, level, 0);
	if (!range_is_convertible(pamt->base, pamt->base + pamt->size))
		return tdmr_status(STAT_PAMT_OUTSIDE_CMRS, i, level, 0);
	return STAT_SUCCESS;
}

/* The end of what is free for pages in @tdmr, from @offset on. */
static u64 available_end(const struct tdmr *tdmr, u64 offset, u64 *next)
{
	u32 i;

	for (i = 0; i < tdmr->nr_reserved; i++) {
		const struct tdmr_reserved *area = &tdmr->reserved[i];

		if (area->offset >= offset) {
			*next = area->offset + area->size;
			return area->offset;
		}
	}
	*next = tdmr->size;
	return tdmr->size;
}

static bool overlaps_available(const struct tdmr *tdmr, u64 base, u64 size)
{
	u64 offset, end, next;

	for (offset = 0; offset < tdmr->size; offset = next) {
		end = available_end(tdmr, offset, &next);
		if (end > offset &&
		    ranges_overlap(base, size, tdmr->base + offset,
				   end - offset))
			return true;
	}
	return false;
}

static u64 check_available(const struct tdmr *tdmr, u32 i)
{
	u64 offset, end, next;

	for (offset = 0; offset < tdmr->size; offset = next) {
		end = available_end(tdmr, offset, &next);
		if (end > offset && !range_is_convertible(tdmr->base + offset,
							  tdmr->base + end))
			return tdmr_status(STAT_TDMR_OUTSIDE_CMRS, i, 0, 0);
	}
	return STAT_SUCCESS;
}

/* What is for PAMTs cannot be given to TDs, nor to another PAMT. */
static u64 check_overlaps(u32 i)
{
	const struct tdmr *tdmrs = soft_module.tdmrs;
	u32 a, b;
	int x, y;

	for (a = 0; a <= i; a++)
		for (x = LEVEL_4K; x <= LEVEL_1G; x++)
			for (b = 0; b <= i; b++) {
				u64 base = tdmrs[a].pamt[x];
				u64 size = pamt_size(tdmrs[a].size, x);

				if (overlaps_available(&tdmrs[b], base, size))
					return tdmr_status(STAT_PAMT_OVERLAP,
							   a, x, b);
				for (y = LEVEL_4K; y <= LEVEL_1G; y++)
					if ((a != b || x != y) &&
					    ranges_overlap(base, size,
							   tdmrs[b].pamt[y],
							   pamt_size(tdmrs[b].size, y)))
						return tdmr_status(STAT_PAMT_OVERLAP,
								   a, x, b);
			}
	return STAT_SUCCESS;
}

static void note_tdmr(struct tdmr *tdmr, const struct tdmr_info_page *info)
{
	int level;
	u32 j;

	memset(tdmr, 0, sizeof(*tdmr));
	tdmr->base = info->base;
	tdmr->size = info->size;
	tdmr->initialized = info->base;
	for (level = LEVEL_4K; level <= LEVEL_1G; level++)
		tdmr->pamt[level] = info_pamt(info, level)->base;
	for (j = 0; j < TDMR_MAX_RESERVED && info->reserved[j].size; j++)
		tdmr->reserved[tdmr->nr_reserved++] = info->reserved[j];
}

static u64 configure_tdmr(u64 info_pa, u32 i)
{
	struct tdmr_info_page *info = &soft_module.tdmr_copy;
	u64 status;
	int level;
	u32 j;

	status = shared_address_check(info_pa, sizeof(*info), TDMR_INFO_ALIGN);
	if (status)
		return with_operand(status, RCX);

	/* The host can change its own while it is being looked at. */
	*info = *(struct tdmr_info_page *)soft_memory(info_pa);
	status = check_tdmr(info, i);
	for (j = 0; !status && j < TDMR_MAX_RESERVED; j++)
		status = check_reserved(info, i, j);
	for (level = LEVEL_1G; !status && level >= LEVEL_4K; level--)
		status = check_pamt(info, i, level);
	if (status)
		return status;

	note_tdmr(&soft_module.tdmrs[i], info);
	status = check_overlaps(i);
	return status ?: check_available(&soft_module.tdmrs[i], i);
}

u64 leaf_sys_config(struct soft_call *call)
{
	u64 array = call->in[RCX], count = call->in[RDX];
	u64 keyid = call->in[R8];
	u64 status;
	u32 i;

	status = lock_module(call);
	if (status)
		return status;
	if (soft_module.state != SYS_INIT_DONE ||
	    soft_module.cpus_ready < soft_host.cpus)
		return STAT_SYS_CONFIG_NOT_PENDING;
	status = shared_address_check(array, TDMR_MAX * sizeof(u64),
				      TDMR_INFO_ALIGN);
	if (status)
		return with_operand(status, RCX);
	if (!count || count > TDMR_MAX)
		return with_operand(STAT_OPERAND_INVALID, RDX);
	if (!keyid_is_private(keyid))
		return with_operand(STAT_OPERAND_INVALID, R8);

	for (i = 0; i < count; i++) {
		const u64 *pas = soft_memory(array);

		status = configure_tdmr(pas[i], i);
		if (status)
			return status;
	}

	soft_module.nr_tdmrs = count;
	soft_module.global_keyid = keyid;
	soft_module.keyids[keyid].state = KEYID_RESERVED;
	soft_module.state = SYS_CONFIG_DONE;
	return STAT_SUCCESS;
}

u64 leaf_sys_key_config(struct soft_call *call)
{
	u32 package = 1u << soft_this_package();
	u64 status = lock_module(call);

	if (status)
		return status;
	if (soft_module.state != SYS_CONFIG_DONE)
		return STAT_SYS_KEY_CONFIG_NOT_PENDING;
	if (soft_module.packages_ready & package)
		return STAT_KEY_CONFIGURED;

	soft_module.packages_ready |= package;
	if (soft_module.packages_ready == soft_host.packages)
		soft_module.state = SYS_READY;
	return STAT_SUCCESS;
}

u64 leaf_sys_tdmr_init(struct soft_call *call)
{
	u64 base = call->in[RCX];
	struct tdmr *tdmr;
	u64 status;

	if (private_address_check(base, LEVEL_SIZE(LEVEL_1G)))
		return with_operand(STAT_OPERAND_INVALID, RCX);
	tdmr = pamt_tdmr(base);
	if (!tdmr || tdmr->base != base)
		return with_operand(STAT_OPERAND_INVALID, RCX);
	status = call_lock(call, &tdmr->lock, EXCLUSIVE);
	if (status)
		return with_operand(status, RCX);
	if (tdmr->initialized >= tdmr->base + tdmr->size)
		return STAT_TDMR_ALREADY_INITIALIZED;

	pamt_initialize(tdmr, tdmr->initialized, PAGES_PER_TDMR_INIT);
	__atomic_fetch_add(&tdmr->initialized,
			   PAGES_PER_TDMR_INIT * SOFT_PAGE_SIZE,
			   __ATOMIC_RELEASE);
	/* A gigabyte can be used when all of it has been written. */
	call->out[RDX] = tdmr->initialized & ~(LEVEL_SIZE(LEVEL_1G) - 1);
	return STAT_SUCCESS;
}

u64 leaf_sys_shutdown(struct soft_call *call)
{
	u64 status;

	/* The handoff data's version: only 0 is known, and nothing follows. */
	if (call->in[RCX])
		return with_operand(STAT_OPERAND_INVALID, RCX);
	status = lock_module(call);
	if (status)
		return status;

	soft_module.state = SYS_SHUTDOWN;
	return STAT_SUCCESS;
}

/* There is no module before this one that could have left anything. */
u64 leaf_sys_update(struct soft_call *call)
{
	u64 status = lock_module(call);

	if (status)
		return status;
	if (soft_module.state != SYS_INIT_DONE ||
	    soft_module.cpus_ready < soft_host.cpus)
		return STAT_SYS_STATE_INCORRECT;
	return STAT_SYS_INVALID_HANDOFF;
}

/* So many pieces are done before all is. */
#define DISABLE_STEPS		4

/* From the first step on nothing else is served; each call goes on from there. */
u64 leaf_sys_disable(struct soft_call *call)
{
	u64 status = lock_module(call);

	if (status)
		return status;

	soft_module.state = SYS_DISABLING;
	while (++soft_module.disabled_steps < DISABLE_STEPS)
		if (soft_must_stop(call))
			return STAT_INTERRUPTED_RESUMABLE;
	soft_module.state = SYS_SHUTDOWN;
	return STAT_SUCCESS;
}
