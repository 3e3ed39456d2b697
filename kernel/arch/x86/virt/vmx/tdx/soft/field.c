// SPDX-License-Identifier: GPL-2.0
/*
 * TDH.SYS.RD, TDH.MNG.RD and WR, TDH.VP.RD and WR.
 */
#include "cpuid.h"
#include "field.h"
#include "leaves.h"

#define TD_FIELD(id_, place_, type, member, ...)			\
	{ .id = (id_), .count = 1, .place = (place_),			\
	  .size = sizeof(((type *)0)->member),				\
	  .offset = offsetof(type, member), ##__VA_ARGS__ }

#define TD_ARRAY(id_, place_, type, member, count_, ...)		\
	{ .id = (id_), .count = (count_), .place = (place_), .size = 8,	\
	  .offset = offsetof(type, member), ##__VA_ARGS__ }

#define ALL_BITS		(~0ULL)

const struct soft_field td_fields[] = {
	TD_FIELD(0x8010000000000001, IN_TDR, struct tdr, fatal),
	TD_FIELD(0x8010000200000002, IN_TDR, struct tdr, nr_tdcx),
	TD_FIELD(0x8010000300000004, IN_TDR, struct tdr, children),
	TD_FIELD(0x8010000200000005, IN_TDR, struct tdr, lifecycle),
	TD_ARRAY(0x8010000300000010, IN_TDR, struct tdr, tdcx, TDCS_NR_PAGES),
	TD_ARRAY(0x8010000300000020, IN_TDR, struct tdr, uuid, 4,
		 .guest_read = ALL_BITS),
	TD_FIELD(0x8110000100000001, IN_TDR, struct tdr, keyid),
	TD_FIELD(0x8110000300000002, IN_TDR, struct tdr, packages),
	TD_FIELD(0x9010000200000001, IN_TDCS, struct tdcs, nr_vcpus,
		 .guest_read = ALL_BITS),
	TD_FIELD(0x9010000200000002, IN_TDCS, struct tdcs, nr_associated),
	TD_FIELD(0x9010000200000004, IN_TDCS, struct tdcs, op_state),
	TD_FIELD(0x1110000300000000, IN_TDCS, struct tdcs, attributes,
		 .guest_read = ALL_BITS),
	TD_FIELD(0x1110000300000001, IN_TDCS, struct tdcs, xfam,
		 .guest_read = ALL_BITS),
	TD_FIELD(0x1110000200000002, IN_TDCS, struct tdcs, max_vcpus,
		 .guest_read = ALL_BITS),
	TD_FIELD(0x1110000000000003, IN_TDCS, struct tdcs, gpaw,
		 .guest_read = ALL_BITS),
	TD_FIELD(0x111000030000000a, IN_TDCS, struct tdcs, tsc_offset),
	TD_FIELD(0x111000030000000b, IN_TDCS, struct tdcs, tsc_multiplier),
	TD_FIELD(0x111000010000000c, IN_TDCS, struct tdcs, tsc_frequency,
		 .guest_read = ALL_BITS),
	TD_FIELD(0x9110000300000010, IN_TDCS, struct tdcs, notify_enables,
		 .guest_read = 1, .guest_write = 1),
	TD_FIELD(0x9110000300000016, IN_TDCS, struct tdcs, config_flags,
		 .guest_read = ALL_BITS),
	TD_FIELD(0x9110000300000017, IN_TDCS, struct tdcs, td_ctls,
		 .guest_read = ALL_BITS, .guest_write = 1),
	TD_FIELD(0x9110000000000018, IN_TDCS, struct tdcs, virt_maxpa,
		 .guest_read = ALL_BITS),
	TD_FIELD(0x9110000000000019, IN_TDCS, struct tdcs, topology_configured,
		 .guest_read = ALL_BITS),
	TD_FIELD(0x9210000300000000, IN_TDCS, struct tdcs, epoch),
	TD_ARRAY(0x1310000300000000, IN_TDCS, struct tdcs, mrtd, 6,
		 .guest_read = ALL_BITS),
	TD_ARRAY(0x1310000300000010, IN_TDCS, struct tdcs, mrconfigid, 6,
		 .guest_read = ALL_BITS),
	TD_ARRAY(0x1310000300000018, IN_TDCS, struct tdcs, mrowner, 6,
		 .guest_read = ALL_BITS),
	TD_ARRAY(0x1310000300000020, IN_TDCS, struct tdcs, mrownerconfig, 6,
		 .guest_read = ALL_BITS),
	TD_ARRAY(0x1310000300000040, IN_TDCS, struct tdcs, rtmr, 24,
		 .guest_read = ALL_BITS),
	{ .id = 0x9410000300000000, .count = 1 << 17, .place = IN_CPUID,
	  .size = 8 },
};

const u32 nr_td_fields = ARRAY_SIZE(td_fields);

#define VMCS_PI_VECTOR		0x0002
#define VMCS_PI_DESCRIPTOR	0x2016
#define VMCS_SHARED_EPTP	0x203c
#define VMCS_PIN_CONTROLS	0x4000
#define VMCS_PROC2_CONTROLS	0x401e
#define VMCS_NOTIFY_WINDOW	0x4024

#define PIN_POSTED_INTERRUPTS	BIT(7)
#define PROC2_NOTIFY_BUS_LOCK	(3ULL << 30)

/* A TDVPS field that is computed when it is read. */
#define VP_STATE_DETAILS	0x100

static const struct soft_field vp_fields[] = {
	TD_FIELD(0x0024000100000002, IN_TDVPS, struct tdvps, pi_vector,
		 .write = 0xffff),
	TD_FIELD(0x0024000300002016, IN_TDVPS, struct tdvps, pi_descriptor,
		 .write = 0xffffffffffffffc0),
	TD_FIELD(0x002400030000203c, IN_TDVPS, struct tdvps, shared_eptp,
		 .write = 0x000ffffffffff000),
	TD_FIELD(0x0024000200004000, IN_TDVPS, struct tdvps, pin_controls,
		 .write = PIN_POSTED_INTERRUPTS),
	TD_FIELD(0x002400020000401e, IN_TDVPS, struct tdvps, proc2_controls,
		 .write = PROC2_NOTIFY_BUS_LOCK),
	TD_FIELD(0x0024000200004024, IN_TDVPS, struct tdvps,
		 instruction_timeout, .write = 0xffffffff),
	TD_FIELD(0x9120000300000100, IN_TDVPS, struct tdvps, cr2),
	TD_FIELD(0xa020000200000002, IN_TDVPS, struct tdvps, index),
	TD_FIELD(0xa020000000000003, IN_TDVPS, struct tdvps, nr_pages),
	TD_FIELD(0xa020000200000004, IN_TDVPS, struct tdvps, cpu),
	TD_FIELD(0xa020000300000006, IN_TDVPS, struct tdvps, epoch),
	TD_FIELD(0xa020000000000007, IN_TDVPS, struct tdvps,
		 cpuid_supervisor_ve),
	TD_FIELD(0xa020000000000008, IN_TDVPS, struct tdvps, cpuid_user_ve),
	TD_FIELD(0x202000000000000b, IN_TDVPS, struct tdvps, pend_nmi,
		 .write = 0xff),
	TD_FIELD(0x202000030000000c, IN_TDVPS, struct tdvps, xfam),
	TD_ARRAY(0xa020000300000010, IN_TDVPS, struct tdvps, pages,
		 TDVPS_NR_PAGES),
};

static u64 size_mask(u8 size)
{
	return size == 8 ? ~0ULL : (1ULL << (8 * size)) - 1;
}

static const struct soft_field *find_field(const struct soft_field *fields,
					   u32 nr_fields, u64 id, u32 *index)
{
	u32 i;

	for (i = 0; i < nr_fields; i++) {
		*index = (u32)((id & FIELD_KEY) - (fields[i].id & FIELD_KEY));
		if ((id & FIELD_KEY) >= (fields[i].id & FIELD_KEY) &&
		    (id & FIELD_KEY) - (fields[i].id & FIELD_KEY) <
		    fields[i].count)
			return &fields[i];
	}
	return NULL;
}

static void *field_address(const struct soft_call *call,
			   const struct soft_field *field, u32 index)
{
	void *bases[] = {
		[IN_TDR] = call->tdr,
		[IN_TDCS] = call->tdcs,
		[IN_TDVPS] = call->vp,
	};

	return (u8 *)bases[field->place] + field->offset + index * field->size;
}

static u64 load(const void *address, u8 size)
{
	u64 value = 0;

	memcpy(&value, address, size);
	return value;
}

/*
 * The leaf's bit 31 and bits 6:0, a bit for leaves without subleaves, the
 * subleaf's bits 6:0, and which half of the answer.
 */
static u64 read_cpuid(const struct soft_call *call, u32 index, u64 *value)
{
	u32 leaf = (index >> 16 & 1) << 31 | (index >> 9 & 0x7f);
	u32 subleaf = index & 0x100 ? CPUID_NO_SUBLEAF : index >> 1 & 0x7f;
	struct soft_cpuid_value cpuid;
	u32 first = index & 1 ? 2 : 0;

	if (!td_cpuid_exact(call->tdr, leaf, subleaf, &cpuid))
		return STAT_FIELD_NOT_READABLE;
	*value = (u64)cpuid.reg[first + 1] << 32 | cpuid.reg[first];
	return STAT_SUCCESS;
}

/* Bit 0: an interrupt waits in the virtual APIC page. */
static u64 vp_state_details(const struct tdvps *vp)
{
	const u8 *vapic = tdvps_page(vp, TDVPS_VAPIC);
	u32 ppr = vapic[0xa0];
	int vector;

	for (vector = 255; vector >= 16; vector--)
		if (vapic[0x200 + vector / 32 * 16 + vector % 32 / 8] &
		    1 << vector % 8)
			return (vector & 0xf0) > (ppr & 0xf0);
	return 0;
}

static bool is_state_details(const struct soft_field *field)
{
	return field->place == IN_TDVPS && field->id & FIELD_NON_ARCH &&
	       (field->id & FIELD_NUMBER) == VP_STATE_DETAILS;
}

u64 field_read(struct soft_call *call, const struct soft_field *fields,
	       u32 nr_fields, u64 id, enum field_user user, u64 *value)
{
	const struct soft_field *field;
	u32 index;

	if (id & FIELD_NOT_SINGLE)
		return STAT_FIELD_ID_INCORRECT;
	field = find_field(fields, nr_fields, id, &index);
	if (!field)
		return STAT_FIELD_ID_INCORRECT;
	if (user == BY_GUEST && !field->guest_read)
		return STAT_FIELD_NOT_READABLE;
	if (field->place == IN_CPUID)
		return read_cpuid(call, index, value);

	*value = is_state_details(field) ? vp_state_details(call->vp) :
		 load(field_address(call, field, index), field->size);
	if (user == BY_GUEST)
		*value &= field->guest_read;
	return STAT_SUCCESS;
}

static u64 check_vmcs_value(const struct tdvps *vp,
			    const struct soft_field *field, u64 value)
{
	u64 size = SOFT_PAGE_SIZE;

	if (field->id >> 56)
		return STAT_SUCCESS;

	switch (field->id & FIELD_NUMBER) {
	case VMCS_PI_VECTOR:
		return value > 255 ? STAT_FIELD_VALUE_NOT_VALID : STAT_SUCCESS;
	case VMCS_PIN_CONTROLS:
		if (!(value & PIN_POSTED_INTERRUPTS))
			return STAT_SUCCESS;
		if (vp->pi_vector == NO_VECTOR)
			return with_operand(STAT_VMCS_FIELD_NOT_INITIALIZED,
					    VMCS_PI_VECTOR);
		if (vp->pi_descriptor == NO_PA)
			return with_operand(STAT_VMCS_FIELD_NOT_INITIALIZED,
					    VMCS_PI_DESCRIPTOR);
		return STAT_SUCCESS;
	case VMCS_PI_DESCRIPTOR:
		size = 64;
		break;
	case VMCS_SHARED_EPTP:
		break;
	default:
		return STAT_SUCCESS;
	}
	return shared_address_check(value, size, size) ?
	       STAT_FIELD_VALUE_NOT_VALID : STAT_SUCCESS;
}

/* Bits that may not be written must be what they were. */
u64 field_write(struct soft_call *call, const struct soft_field *fields,
		u32 nr_fields, u64 id, enum field_user user, u64 value,
		u64 mask, u64 *old)
{
	const struct soft_field *field;
	u64 allowed, current_value, status;
	void *address;
	u32 index;

	if (id & FIELD_NOT_SINGLE)
		return STAT_FIELD_ID_INCORRECT;
	field = find_field(fields, nr_fields, id, &index);
	if (!field)
		return STAT_FIELD_ID_INCORRECT;
	allowed = user == BY_GUEST ? field->guest_write : field->write;
	if (!(allowed & mask))
		return STAT_FIELD_NOT_WRITABLE;

	address = field_address(call, field, index);
	current_value = load(address, field->size);
	/* An address that was never set reads as all ones. */
	if (current_value == NO_PA)
		current_value &= allowed;
	if ((current_value ^ value) & mask & ~allowed)
		return STAT_FIELD_VALUE_NOT_VALID;

	*old = current_value & size_mask(field->size);
	value = (current_value & ~(mask & allowed)) | (value & mask & allowed);
	status = call->vp && user == BY_HOST ?
		 check_vmcs_value(call->vp, field, value) : STAT_SUCCESS;
	if (!status)
		memcpy(address, &value, field->size);
	return status;
}

/* Version 1 lists the fields too; it ends where the table does. */
static u64 next_field(const struct soft_field *fields, u32 nr_fields, u64 id)
{
	u32 i, index;
	const struct soft_field *field = find_field(fields, nr_fields, id,
						    &index);

	i = field ? field - fields + 1 : nr_fields;
	return i < nr_fields ? fields[i].id : ~0ULL;
}

static u64 host_read(struct soft_call *call, const struct soft_field *fields,
		     u32 nr_fields)
{
	u64 id = call->in[RDX];
	u64 status;

	if (call->version)
		call->out[RDX] = ~0ULL;
	if (call->version && id == ~0ULL) {
		call->out[RDX] = fields[0].id;
		return STAT_FIRST_FIELD_ID;
	}
	status = field_read(call, fields, nr_fields, id, BY_HOST,
			    &call->out[R8]);
	if (!status && call->version)
		call->out[RDX] = next_field(fields, nr_fields, id);
	return status;
}

u64 leaf_mng_rd(struct soft_call *call)
{
	return host_read(call, td_fields, nr_td_fields);
}

u64 leaf_mng_wr(struct soft_call *call)
{
	return field_write(call, td_fields, nr_td_fields, call->in[RDX],
			   BY_HOST, call->in[R8], call->in[R9], &call->out[R8]);
}

u64 leaf_vp_rd(struct soft_call *call)
{
	bool is_new;
	u64 status = vp_associate(call, &is_new);

	return status ?: host_read(call, vp_fields, ARRAY_SIZE(vp_fields));
}

u64 leaf_vp_wr(struct soft_call *call)
{
	bool is_new;
	u64 status = vp_associate(call, &is_new);

	return status ?: field_write(call, vp_fields, ARRAY_SIZE(vp_fields),
				     call->in[RDX], BY_HOST, call->in[R8],
				     call->in[R9], &call->out[R8]);
}

/*
 * The module itself.  FEATURES0: RBP is preserved, and the host configures
 * the topology; nothing else that can be left out is there.
 */
#define FEATURE_NO_RBP_MOD	BIT_ULL(18)
#define FEATURE_TOPOLOGY	BIT_ULL(20)

/* Those of no module of Intel's: the day of the first one, and no build. */
#define BUILD_DATE		20261122
#define BUILD_NUM		0

struct sys_field {
	u64 id;
	u64 value;
};

static const struct sys_field sys_constants[] = {
	{ 0x0800000200000000, 0x8086 },
	{ 0x0800000100000003, 5 },
	{ 0x0800000100000004, 1 },
	{ 0x0800000100000005, 0 },
	{ 0x8800000200000001, BUILD_DATE },
	{ 0x8800000100000002, BUILD_NUM },
	{ 0x8900000100000000, 0 },
	{ 0x0a00000000000001, 1 },
	{ 0x0a00000300000008, FEATURE_NO_RBP_MOD | FEATURE_TOPOLOGY },
	{ 0x9100000100000008, TDMR_MAX },
	{ 0x9100000100000009, TDMR_MAX_RESERVED },
	{ 0x9100000100000010, sizeof(struct pamt_entry) },
	{ 0x9100000100000011, sizeof(struct pamt_entry) },
	{ 0x9100000100000012, sizeof(struct pamt_entry) },
	{ 0x9800000100000000, SOFT_PAGE_SIZE },
	{ 0x9800000100000100, TDCS_NR_PAGES * SOFT_PAGE_SIZE },
	{ 0x9800000100000200, TDVPS_NR_PAGES * SOFT_PAGE_SIZE },
	{ 0x1900000300000000, TD_ATTRIBUTES },
	{ 0x1900000300000001, 0 },
	{ 0x1900000300000003, XFAM_FIXED1 },
	{ 0x9900000300000006, TD_CONFIG_FLAGS },
	{ 0x9900000300000007, 0 },
	{ 0x9900000100000008, TD_MAX_VCPUS },
};

#define SYS_XFAM_FIXED0		0x1900000300000002ULL
#define SYS_NR_CPUID		0x9900000100000004ULL
#define SYS_CPUID_LEAVES	0x9900000300000400ULL
#define SYS_CPUID_VALUES	0x9900000300000500ULL

static bool in_array(u64 id, u64 first, u32 count, u32 *index)
{
	u64 key = id & FIELD_KEY;

	*index = key - (first & FIELD_KEY);
	return key >= (first & FIELD_KEY) && *index < count &&
	       key - (first & FIELD_KEY) < count;
}

static bool sys_constant(u64 id, u64 *value)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sys_constants); i++)
		if ((sys_constants[i].id & FIELD_KEY) == (id & FIELD_KEY)) {
			*value = sys_constants[i].value;
			return true;
		}
	return false;
}

u64 leaf_sys_rd(struct soft_call *call)
{
	u32 index, leaves = cpuid_nr_configurable();
	u64 id = call->in[RDX];
	u64 *value = &call->out[R8];

	if (!soft_module.cpu_ready[soft_this_cpu()])
		return STAT_SYS_LP_INIT_NOT_DONE;
	if (id & FIELD_NOT_SINGLE)
		return STAT_FIELD_ID_INCORRECT;

	if (in_array(id, SYS_XFAM_FIXED0, 1, &index))
		*value = soft_host.xfam;
	else if (in_array(id, SYS_NR_CPUID, 1, &index))
		*value = leaves;
	else if (in_array(id, SYS_CPUID_LEAVES, leaves, &index))
		*value = cpuid_configurable_leaf(index);
	else if (in_array(id, SYS_CPUID_VALUES, 2 * leaves, &index))
		*value = cpuid_configurable_bits(index / 2, index % 2);
	else if (!sys_constant(id, value))
		return STAT_FIELD_ID_INCORRECT;
	return STAT_SUCCESS;
}
