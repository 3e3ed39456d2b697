// SPDX-License-Identifier: GPL-2.0
/*
 * TDH.MNG.*: a TD's life.
 *
 *	 MNG.CREATE                 KEY.CONFIG on
 *	----------> HKID_ASSIGNED ----------------> KEYS_CONFIGURED
 *	                  |        every package           |
 *	                  |           VPFLUSHDONE          |
 *	                  +---------------+----------------+
 *	                                  v
 *	   TEARDOWN <----------------- BLOCKED
 *	              KEY.FREEID, after PHYMEM.CACHE.WB on every package
 *
 * With keys configured, MNG.ADDCX gives it its control pages, MNG.INIT makes
 * it INITIALIZED, MR.FINALIZE RUNNABLE.
 */
#include "cpuid.h"
#include "leaves.h"
#include "sept.h"

static u64 lock_keyids(struct soft_call *call)
{
	return with_operand(call_lock(call, &soft_module.keyid_lock, EXCLUSIVE),
			    OPERAND_KOT);
}

static bool make_uuid(u64 uuid[4])
{
	int i;

	for (i = 0; i < 4; i++)
		if (!soft_random(&uuid[i]))
			return false;
	return true;
}

u64 leaf_mng_create(struct soft_call *call)
{
	u64 page = call->in[RCX], keyid = call->in[RDX];
	struct pamt_entry *entry;
	u64 status, uuid[4];
	struct tdr *tdr;

	if (!keyid_is_private(keyid))
		return with_operand(STAT_OPERAND_INVALID, RDX);
	status = pamt_lock_free(call, page, LEVEL_4K, RCX, &entry);
	if (status)
		return status;
	status = lock_keyids(call);
	if (status)
		return status;
	if (soft_module.keyids[keyid].state != KEYID_FREE)
		return STAT_HKID_NOT_FREE;
	if (!make_uuid(uuid))
		return STAT_RND_NO_ENTROPY;

	tdr = soft_memory(page);
	memset(tdr, 0, SOFT_PAGE_SIZE);
	memcpy(tdr->uuid, uuid, sizeof(uuid));
	tdr->keyid = keyid;
	tdr->lifecycle = TD_HKID_ASSIGNED;
	soft_module.keyids[keyid].state = KEYID_ASSIGNED;
	pamt_give(entry, PT_TDR, 0);
	return STAT_SUCCESS;
}

u64 leaf_mng_key_config(struct soft_call *call)
{
	u32 package = 1u << soft_this_package();
	struct tdr *tdr = call->tdr;

	if (tdr->fatal)
		return STAT_TD_FATAL;
	if (tdr->lifecycle != TD_HKID_ASSIGNED)
		return STAT_LIFECYCLE_INCORRECT;
	if (tdr->packages & package)
		return STAT_KEY_CONFIGURED;

	tdr->packages |= package;
	if (tdr->packages == soft_host.packages)
		tdr->lifecycle = TD_KEYS_CONFIGURED;
	return STAT_SUCCESS;
}

static void fill_tdcs_page(u64 page, u32 index)
{
	u64 *entries = soft_memory(page);
	int i;

	memset(entries, index == TDCS_MSR_BITMAP ? 0xff : 0, SOFT_PAGE_SIZE);
	for (i = 0; index == TDCS_SEPT_ROOT && i < SOFT_ENTRIES; i++)
		entries[i] = sept_make_free();
}

u64 leaf_mng_addcx(struct soft_call *call)
{
	u64 page = call->in[RCX];
	struct tdr *tdr = call->tdr;
	struct pamt_entry *entry;
	u64 status;

	if (tdr->fatal)
		return STAT_TD_FATAL;
	if (tdr->lifecycle != TD_KEYS_CONFIGURED)
		return STAT_TD_KEYS_NOT_CONFIGURED;
	if (tdr->nr_tdcx >= TDCS_NR_PAGES)
		return STAT_TDCX_NUM_INCORRECT;
	status = pamt_lock_free(call, page, LEVEL_4K, RCX, &entry);
	if (status)
		return status;

	fill_tdcs_page(page, tdr->nr_tdcx);
	tdr->tdcx[tdr->nr_tdcx++] = page;
	td_add_children(tdr, 1);
	pamt_give(entry, PT_TDCX, call->tdr_pa);
	return STAT_SUCCESS;
}

static bool is_zero(const void *data, size_t size)
{
	const u8 *bytes = data;
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static bool xfam_is_valid(u64 xfam)
{
	u64 avx512 = xfam & 0xe0, cet = xfam & 0x1800, amx = xfam & 0x60000;

	if (xfam & ~soft_host.xfam || (xfam & XFAM_FIXED1) != XFAM_FIXED1)
		return false;
	if (avx512 && (avx512 != 0xe0 || !(xfam & 4)))
		return false;
	return (!cet || cet == 0x1800) && (!amx || amx == 0x60000);
}

/* EPTP: write-back in bits 2:0, the walk's length less one in bits 5:3. */
static bool eptp_is_valid(u64 eptp, bool gpaw)
{
	u64 top = eptp >> 3 & 7;

	if ((eptp & 7) != 6 || eptp >> 6)
		return false;
	if (top != LEVEL_PML4 && (top != LEVEL_PML5 || !soft_host.ept5))
		return false;
	return !gpaw || top == LEVEL_PML5;
}

/* Operands of TD_PARAMS are checked in this order. */
static u64 check_params(const struct td_params_page *params)
{
	u64 flags = params->config_flags;

	if (params->attributes & ~TD_ATTRIBUTES)
		return with_operand(STAT_OPERAND_INVALID, OPERAND_ATTRIBUTES);
	if (!xfam_is_valid(params->xfam))
		return with_operand(STAT_OPERAND_INVALID, OPERAND_XFAM);
	if (!params->max_vcpus || params->max_vcpus > TD_MAX_VCPUS)
		return with_operand(STAT_OPERAND_INVALID, OPERAND_MAX_VCPUS);
	if (params->num_l2_vms ||
	    !is_zero(params->reserved0, sizeof(params->reserved0)))
		return with_operand(STAT_OPERAND_INVALID, RDX);
	if (flags & ~TD_CONFIG_FLAGS)
		return with_operand(STAT_OPERAND_INVALID, OPERAND_EXEC_CONTROLS);
	if (!eptp_is_valid(params->eptp_controls, flags & TD_CONFIG_GPAW))
		return with_operand(STAT_OPERAND_INVALID, OPERAND_EPTP_CONTROLS);
	if (params->tsc_frequency < TD_TSC_MIN ||
	    params->tsc_frequency > TD_TSC_MAX)
		return with_operand(STAT_OPERAND_INVALID, OPERAND_TSC_FREQUENCY);
	if (!is_zero(params->reserved1, sizeof(params->reserved1)) ||
	    !is_zero(params->reserved2, sizeof(params->reserved2)))
		return with_operand(STAT_OPERAND_INVALID, RDX);
	return STAT_SUCCESS;
}

static void copy_params(struct tdcs *tdcs, const struct tdr *tdr,
			const struct td_params_page *params)
{
	tdcs->attributes = params->attributes;
	tdcs->td_ctls = !!(params->attributes & TD_ATTR_SEPT_VE_DISABLE);
	tdcs->xfam = params->xfam;
	tdcs->max_vcpus = params->max_vcpus;
	tdcs->config_flags = params->config_flags;
	tdcs->gpaw = !!(params->config_flags & TD_CONFIG_GPAW);
	tdcs->virt_maxpa = tdcs->gpaw ? 52 : 48;
	tdcs->ept_top = params->eptp_controls >> 3 & 7;
	tdcs->sept_root = tdr->tdcx[TDCS_SEPT_ROOT];
	tdcs->tsc_frequency = params->tsc_frequency;
	memcpy(tdcs->mrconfigid, params->mrconfigid, sizeof(tdcs->mrconfigid));
	memcpy(tdcs->mrowner, params->mrowner, sizeof(tdcs->mrowner));
	memcpy(tdcs->mrownerconfig, params->mrownerconfig,
	       sizeof(tdcs->mrownerconfig));
}

/* @value / @by, in units of 2^-48. */
static u64 divide_fixed48(u64 value, u64 by)
{
	u64 result = value / by, rest = value % by;
	int i;

	for (i = 0; i < 2; i++) {
		rest <<= 24;
		result = result << 24 | rest / by;
		rest %= by;
	}
	return result;
}

/* The TD's time runs at its own frequency, and starts now. */
static void start_tsc(struct tdcs *tdcs)
{
	u64 khz = (u64)tdcs->tsc_frequency * TD_TSC_UNIT_KHZ;
	u64 multiplier = divide_fixed48(khz, soft_host.tsc_khz);
	u64 now = soft_tsc();

	/* In two halves, as the product has more than 64 bits. */
	now = ((now >> 32) * multiplier >> 16) +
	      ((now & 0xffffffff) * (multiplier >> 16) >> 32);
	tdcs->tsc_multiplier = multiplier;
	tdcs->tsc_offset = -now;
}

u64 leaf_mng_init(struct soft_call *call)
{
	u64 pa = call->in[RDX];
	struct td_params_page *params;
	struct tdcs *tdcs = call->tdcs;
	u64 status;

	status = shared_address_check(pa, sizeof(*params), TD_PARAMS_ALIGN);
	if (status)
		return with_operand(status, RDX);

	/* A copy that the host cannot change; the page has no IDs in it yet. */
	params = tdcs_page(call->tdr, TDCS_X2APIC_IDS);
	memcpy(params, soft_memory(address_without_keyid(pa)), sizeof(*params));
	status = check_params(params);
	if (status)
		return status;

	/* From here on only fields change that a later attempt sets again. */
	copy_params(tdcs, call->tdr, params);
	status = cpuid_configure(call, params);
	if (status)
		return status;

	start_tsc(tdcs);
	measure_begin(tdcs);
	tdcs->topology_configured = true;
	tdcs->epoch = 1;
	tdcs->op_state = OP_INITIALIZED;
	return STAT_SUCCESS;
}

u64 leaf_mr_finalize(struct soft_call *call)
{
	if (!call->tdcs->nr_vcpus)
		return STAT_NO_VCPUS;

	measure_end(call->tdcs);
	call->tdcs->op_state = OP_RUNNABLE;
	return STAT_SUCCESS;
}

static bool has_associated_vcpus(const struct tdr *tdr)
{
	const struct tdcs *tdcs;

	if (tdr->nr_tdcx < TDCS_NR_PAGES)
		return false;
	tdcs = tdcs_page(tdr, TDCS_CONTROL);
	return tdcs->op_state != OP_UNINITIALIZED && tdcs->nr_associated;
}

u64 leaf_mng_vpflushdone(struct soft_call *call)
{
	struct tdr *tdr = call->tdr;
	struct keyid *keyid = &soft_module.keyids[tdr->keyid];
	u64 status = lock_keyids(call);

	if (status)
		return status;
	if (tdr->lifecycle != TD_KEYS_CONFIGURED &&
	    tdr->lifecycle != TD_HKID_ASSIGNED)
		return STAT_LIFECYCLE_INCORRECT;
	if (has_associated_vcpus(tdr))
		return STAT_FLUSHVP_NOT_DONE;

	keyid->packages_to_flush = soft_host.packages;
	keyid->state = KEYID_FLUSHED;
	tdr->lifecycle = TD_BLOCKED;
	return STAT_SUCCESS;
}

u64 leaf_mng_key_freeid(struct soft_call *call)
{
	struct keyid *keyid = &soft_module.keyids[call->tdr->keyid];
	u64 status;

	if (call->tdr->lifecycle != TD_BLOCKED)
		return STAT_LIFECYCLE_INCORRECT;
	status = lock_keyids(call);
	if (status)
		return status;
	if (keyid->packages_to_flush)
		return STAT_WBCACHE_NOT_COMPLETE;

	keyid->state = KEYID_FREE;
	call->tdr->lifecycle = TD_TEARDOWN;
	return STAT_SUCCESS;
}
