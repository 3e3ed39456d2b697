// SPDX-License-Identifier: GPL-2.0
/*
 * The probe's own reading of the TDP page tables.
 *
 * The walk is a second opinion on KVM's, so it shares no code with KVM's
 * iterator: it takes the format of an SPTE and the description of a root from
 * KVM's headers, and nothing else.
 *
 * Locking
 *
 * What is read here changes under three regimes, and the probe does not stop
 * the vCPU, so all three have to be borne at once.
 *
 * - Whoever holds mmu_lock for write changes anything: a memslot or its
 *   attributes, a hole in the backing memory, the end of the VM.  Holding
 *   mmu_lock for read keeps all of them out for the whole range, so that its
 *   answers belong together.  The fields of a root, role.invalid above all,
 *   change in no other way.
 *
 * - A vCPU that faults holds mmu_lock for read as well, and installs, splits or
 *   replaces SPTEs beside the walk, each by one atomic store.  Hence every SPTE
 *   is read exactly once, and all decisions are taken from that one value.
 *   Page tables that are unlinked meanwhile are freed after a grace period:
 *   RCU keeps them readable, and KVM leaves their entries frozen, which reads
 *   as not present.  Under the shadow MMU, whose tables are not RCU protected,
 *   freeing takes mmu_lock for write; no table of such a root is walked though.
 *
 * - A vCPU loads a root with no lock at all, and drops one with mmu_lock held
 *   for read: it puts its reference first, and clears the root's address then.
 *   A root address that is read here may thus belong to a root whose last
 *   reference is gone.  The root is freed by call_rcu(), and the vCPU cannot
 *   have left its own read-side section between the two steps, as rwlock_t is
 *   one: before its end no grace period ends either.  An RCU critical section
 *   that begins later finds the address cleared, one that began earlier keeps
 *   the root alive.  So it takes no more than reading the address once, inside
 *   the critical section.
 *
 * A vCPU in use has a reference to the VM, and the probe has one to the vCPU's
 * file: neither goes away.  The process that owns the VM may exit any time;
 * KVM then zaps all SPTEs under mmu_lock held for write, and the walk finds
 * none.
 */
#include <linux/rcupdate.h>

#include "mmu.h"
#include "mmu/mmu_internal.h"
#include "mmu/spte.h"

#include "compat.h"
#include "probe.h"

/*
 * Each level of tables consumes nine bits of the GFN.  Deliberately not the
 * kernel's definition.
 */
#define BITS_PER_TABLE		9
#define ENTRIES_PER_TABLE	512

/*
 * A frozen SPTE and an MMIO SPTE are not present in this sense, whatever their
 * other bits say: the software-available bit tells, not the hardware's.
 */
static bool spte_is_present(u64 spte)
{
	return spte & SPTE_MMU_PRESENT_MASK;
}

static bool spte_is_leaf(u64 spte, int level)
{
	return level == PG_LEVEL_4K || (spte & PT_PAGE_SIZE_MASK);
}

static u64 spte_address(u64 spte)
{
	return spte & SPTE_BASE_ADDR_MASK;
}

/*
 * KVM sets the list of roots up for VMs that use the TDP MMU and leaves it
 * zeroed for all others; tdp_mmu_enabled itself is not for other modules.
 */
static bool vm_has_tdp_mmu(struct kvm *kvm)
{
	return kvm->arch.tdp_mmu_roots.next;
}

/*
 * root_mmu translates the GPAs of the VM itself, vcpu->arch.mmu those of its
 * own guest while the vCPU runs one.
 */
static hpa_t root_address(struct kvm_vcpu *vcpu, bool mirror)
{
	if (mirror)
		return vcpu_mirror_root(vcpu);

	return READ_ONCE(vcpu->arch.root_mmu.root.hpa);
}

/* NULL for no root, and for one that no struct kvm_mmu_page describes. */
static struct kvm_mmu_page *describe_root(hpa_t root)
{
	return VALID_PAGE(root) ? root_to_sp(root) : NULL;
}

/* True if the tables below @root have a place for @gfn. */
static bool root_reaches(const struct kvm_mmu_page *root, gfn_t gfn)
{
	return !(gfn >> (BITS_PER_TABLE * root->role.level));
}

static int table_index(gfn_t gfn, int level)
{
	return (gfn >> (BITS_PER_TABLE * (level - 1))) % ENTRIES_PER_TABLE;
}

/*
 * The page table that held the last leaf, if @table is not NULL: the level of
 * its entries, and the GFN bits that all of them have in common.
 */
struct kept_table {
	const u64 *table;
	int level;
	gfn_t region;
};

static void keep_table(struct kept_table *kept, const u64 *table, int level,
		       gfn_t gfn)
{
	kept->table = table;
	kept->level = level;
	kept->region = gfn >> (BITS_PER_TABLE * level);
}

static void set_leaf(struct kvm_tdp_walk_entry *entry, u64 spte, int level)
{
	entry->ret = level;
	entry->level = level;
	entry->pfn = spte_address(spte) >> PAGE_SHIFT;
	entry->spte = spte;
}

/*
 * Neighbours share the page table that has their leaves, and going there at
 * once is what makes a range walk fast.  Take only a leaf from it: should the
 * table have been unlinked meanwhile, a leaf that is still there is what a walk
 * would have found just before, but an entry that is frozen or gone may have
 * been replaced above.
 */
static __always_inline bool walk_kept_table(const struct kept_table *kept,
					    gfn_t gfn,
					    struct kvm_tdp_walk_entry *entry)
{
	u64 spte;

	if (!kept->table ||
	    gfn >> (BITS_PER_TABLE * kept->level) != kept->region)
		return false;

	spte = READ_ONCE(kept->table[table_index(gfn, kept->level)]);
	if (!spte_is_present(spte) || !spte_is_leaf(spte, kept->level))
		return false;

	set_leaf(entry, spte, kept->level);
	return true;
}

static void walk_tables(const u64 *table, int level, gfn_t gfn,
			struct kvm_tdp_walk_entry *entry,
			struct kept_table *kept)
{
	for (;;) {
		u64 spte = READ_ONCE(table[table_index(gfn, level)]);

		entry->level = level;
		entry->spte = spte;
		if (!spte_is_present(spte))
			return;
		if (spte_is_leaf(spte, level))
			break;

		table = __va(spte_address(spte));
		level--;
	}

	set_leaf(entry, entry->spte, level);
	keep_table(kept, table, level, gfn);
}

/* @gfn as the root holds it: the direct root with @shared_bit, if there is one. */
static void walk_from_root(struct kvm_vcpu *vcpu, bool mirror, gfn_t gfn,
			   gfn_t shared_bit, struct kvm_tdp_walk_entry *entry,
			   struct kept_table *kept)
{
	struct kvm_mmu_page *root;

	entry->ret = -EOPNOTSUPP;
	entry->level = 0;
	entry->pfn = KVM_TDP_WALK_NO_PFN;
	entry->spte = 0;
	if (!vm_has_tdp_mmu(vcpu->kvm))
		return;

	root = describe_root(root_address(vcpu, mirror));
	if (root && !root->tdp_mmu_page)
		return;

	entry->ret = -ENOENT;
	if (!root || root->role.invalid || !root_reaches(root, gfn & ~shared_bit))
		return;

	walk_tables(root->spt, root->role.level, gfn, entry, kept);
}

void tdp_table_walk(struct tdp_range *range, u64 count)
{
	struct kvm *kvm = range->vcpu->kvm;
	bool mirror = range->private && vm_has_mirror(kvm);
	gfn_t shared_bit = vm_shared_bit(kvm);
	struct kvm_tdp_walk_entry *entry = range->entry;
	struct kept_table kept = {};
	gpa_t gpa = range->gpa;

	/* The whole range: a table is kept from one page to the next. */
	guard(rcu)();

	for (; count--; entry++, gpa += range->stride) {
		/* A page has one GFN, and the direct root holds it with the bit set. */
		gfn_t gfn = gpa_to_gfn(gpa) & ~shared_bit;

		if (!mirror)
			gfn |= shared_bit;
		if (!walk_kept_table(&kept, gfn, entry))
			walk_from_root(range->vcpu, mirror, gfn, shared_bit,
				       entry, &kept);
	}

	range->entry = entry;
	range->gpa = gpa;
}

static void describe_direct_root(struct kvm_vcpu *vcpu,
				 struct kvm_tdp_roots *roots)
{
	hpa_t address = root_address(vcpu, false);
	struct kvm_mmu_page *root = describe_root(address);

	if (VALID_PAGE(address))
		roots->roots |= KVM_TDP_ROOT_DIRECT;
	if (!root)
		return;

	if (root->tdp_mmu_page)
		roots->roots |= KVM_TDP_ROOT_TDP_MMU;
	if (root->role.invalid)
		roots->roots |= KVM_TDP_ROOT_INVALID;
	roots->level = root->role.level;
	roots->as_id = root->role.smm;
}

/* The caller holds mmu_lock for read. */
void tdp_table_roots(struct kvm_vcpu *vcpu, struct kvm_tdp_roots *roots)
{
	guard(rcu)();

	describe_direct_root(vcpu, roots);
	if (VALID_PAGE(root_address(vcpu, true)))
		roots->roots |= KVM_TDP_ROOT_MIRROR;
	roots->shared_bits = gfn_to_gpa(vm_shared_bit(vcpu->kvm));
}
