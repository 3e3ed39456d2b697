// SPDX-License-Identifier: GPL-2.0
#include "tdx/td_sept.h"

/* Source: TDX Module ABI, TDH.MEM.SEPT.RD, TDH.PHYMEM.PAGE.RDMD, status codes. */
#define SEPT_ADDRESS		GENMASK_ULL(51, 12)
#define SEPT_INFO_LEVEL		GENMASK_ULL(2, 0)
#define PAGE_TYPE_REGULAR	3
#define STATUS_CLASS		GENMASK_ULL(63, 32)
#define STATUS_WALK_FAILED	0xc0000b0000000000ULL

static enum td_sept_state sept_state(const struct kvm_tdp_sept_entry *entry)
{
	return entry->info >> 8 & 0xff;
}

static bool is_mapped(const struct kvm_tdp_sept_entry *entry, u64 pfn,
		      enum td_sept_state state, u64 tdr)
{
	return !entry->status && !(entry->info & SEPT_INFO_LEVEL) &&
	       sept_state(entry) == state &&
	       (entry->entry & SEPT_ADDRESS) == pfn * PAGE_SIZE &&
	       !entry->page_status && entry->page_type == PAGE_TYPE_REGULAR &&
	       entry->page_owner == tdr;
}

static bool is_free(const struct kvm_tdp_sept_entry *entry)
{
	if (entry->status &&
	    (entry->status & STATUS_CLASS) != STATUS_WALK_FAILED)
		return false;
	return sept_state(entry) == TD_SEPT_FREE;
}

static void describe(u64 gpa, const struct kvm_tdp_sept_entry *entry, u64 tdr,
		     const char *want, struct tdp_msg *msg)
{
	snprintf(msg->text, sizeof(msg->text),
		 "Wanted %s, got status 0x%llx, level %llu, state %d, HPA 0x%llx, page status 0x%llx, type %llu, owner 0x%llx (this TD: 0x%lx) at gpa 0x%lx (Secure EPT)",
		 want, entry->status, entry->info & SEPT_INFO_LEVEL,
		 sept_state(entry), entry->entry & SEPT_ADDRESS,
		 entry->page_status, entry->page_type, entry->page_owner, tdr,
		 gpa);
}

/* What an entry says, as a leaf; what is odd in another way is in the message. */
static struct tdp_leaf sept_leaf(const struct kvm_tdp_sept_entry *entry)
{
	static const char * const names[] = {
		[TD_SEPT_BLOCKED] = "blocked",
		[TD_SEPT_PENDING] = "pending",
		[TD_SEPT_PENDING_BLOCKED] = "pending-blocked",
		[TD_SEPT_MAPPED] = "mapped",
	};
	unsigned int state = sept_state(entry);

	if (entry->status || state == TD_SEPT_FREE)
		return (struct tdp_leaf) { .ret = -ENOENT, .pfn = TDP_NO_PFN };
	return (struct tdp_leaf) {
		.ret = PG_LEVEL_4K + (entry->info & SEPT_INFO_LEVEL),
		.pfn = (entry->entry & SEPT_ADDRESS) / PAGE_SIZE,
		.state = state < ARRAY_SIZE(names) ? names[state] : "unknown",
	};
}

/* @pfns is NULL where nothing must be mapped. */
static void draw(u64 gpa, u64 nr, const struct kvm_tdp_sept_entry *entries,
		 const u64 *pfns, enum td_sept_state state, struct tdp_msg *msg)
{
	const char *name = state == TD_SEPT_PENDING ? "pending" : "mapped";
	struct tdp_leaf want = { .ret = -ENOENT, .pfn = TDP_NO_PFN }, got;
	struct tdp_map map;
	u64 i;

	tdp_map_clear(msg);
	tdp_map_begin(&map, msg, "Secure EPT, private", gpa, PAGE_SIZE, nr);
	for (i = 0; i < nr; i++) {
		if (pfns)
			want = (struct tdp_leaf) { PG_LEVEL_4K, pfns[i], name };
		got = sept_leaf(&entries[i]);
		tdp_map_add(&map, &want, &got);
	}
	tdp_map_end(&map);
}

/* The answers, for the caller to free(); NULL, and a message, without them. */
static struct kvm_tdp_sept_entry *read_sept(struct kvm_vcpu *vcpu, u64 gpa,
					    u64 nr, u64 *tdr,
					    struct tdp_msg *msg)
{
	struct kvm_tdp_sept_entry *entries = calloc(nr, sizeof(*entries));
	int r;

	TDP_ASSERT(entries, "No memory for %lu entries", nr);
	r = __tdp_sept(vcpu, gpa, nr, entries, tdr);
	if (!r)
		return entries;

	snprintf(msg->text, sizeof(msg->text),
		 "The Secure EPT cannot be read at gpa 0x%lx: %s", gpa,
		 strerror(-r));
	free(entries);
	return NULL;
}

bool td_check_sept(struct kvm_vcpu *vcpu, u64 gpa, u64 nr, const u64 *pfns,
		   enum td_sept_state state, struct tdp_msg *msg)
{
	struct kvm_tdp_sept_entry *entries;
	char want[64];
	u64 i, tdr;

	entries = read_sept(vcpu, gpa, nr, &tdr, msg);
	if (!entries)
		return false;

	for (i = 0; i < nr; i++)
		if (!is_mapped(&entries[i], pfns[i], state, tdr))
			break;
	if (i < nr) {
		snprintf(want, sizeof(want), "state %d, HPA 0x%lx", state,
			 (u64)(pfns[i] * PAGE_SIZE));
		describe(gpa + i * PAGE_SIZE, &entries[i], tdr, want, msg);
		draw(gpa, nr, entries, pfns, state, msg);
	}
	free(entries);
	return i == nr;
}

bool td_check_sept_free(struct kvm_vcpu *vcpu, u64 gpa, u64 nr,
			struct tdp_msg *msg)
{
	struct kvm_tdp_sept_entry *entries;
	u64 i, tdr;

	entries = read_sept(vcpu, gpa, nr, &tdr, msg);
	if (!entries)
		return false;

	for (i = 0; i < nr; i++)
		if (!is_free(&entries[i]))
			break;
	if (i < nr) {
		describe(gpa + i * PAGE_SIZE, &entries[i], tdr, "nothing", msg);
		draw(gpa, nr, entries, NULL, TD_SEPT_FREE, msg);
	}
	free(entries);
	return i == nr;
}
