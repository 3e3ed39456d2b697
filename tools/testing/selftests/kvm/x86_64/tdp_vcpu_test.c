// SPDX-License-Identifier: GPL-2.0
/* One VM's mapping as its vCPUs see it: several of them, and one in SMM. */
#ifndef TDP_LACKS_SMM
#include <smm.h>
#endif /* TDP_LACKS_SMM */

#include "tdp_slot.h"
#include "tdp_test.h"

#define NPAGES	64

FIXTURE(vcpus) {
	struct tdp_vm t;
};

TDP_MEM_VARIANTS(vcpus);

FIXTURE_SETUP(vcpus)
{
	TDP_SETUP_SLOT(&self->t, &variant->mem, VM_MEM_SRC_ANONYMOUS, TDP_GPA,
		       NPAGES);
	tdp_vm_touch(&self->t);
}

FIXTURE_TEARDOWN(vcpus)
{
	tdp_vm_free(&self->t);
}

/* The same slot through a vCPU that is new, and has not run. */
static struct tdp_vm add_vcpu(const struct tdp_vm *t)
{
	struct tdp_vm other = *t;

	other.vcpu = vm_vcpu_add(t->vm, t->vcpu->id + 1, guest_loop);
	guest_init(other.vcpu);
	return other;
}

/* Let a vCPU drop its root, by a change of mode that is undone at once. */
static void drop_root(struct kvm_vcpu *vcpu)
{
	struct kvm_sregs sregs;

	vcpu_sregs_get(vcpu, &sregs);
	sregs.efer ^= EFER_SCE;
	vcpu_sregs_set(vcpu, &sregs);
	sregs.efer ^= EFER_SCE;
	vcpu_sregs_set(vcpu, &sregs);
}

/* Rules: vcpu.same-root walk.no-root */
TEST_F(vcpus, second_vcpu)
{
	struct tdp_vm *a = &self->t, b = add_vcpu(a);

	guest_write_pages(a->vcpu, a->gpa, 16, 1);
	EXPECT_TDP_MAPPED(a, a->gpa, 16, PG_LEVEL_4K);
	EXPECT_EQ(tdp_roots(b.vcpu).roots, 0);
	EXPECT_TDP_ABSENT(b.vcpu, a->gpa, NPAGES);

	guest_idle(b.vcpu);
	EXPECT_TDP_MAPPED(&b, a->gpa, 16, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(b.vcpu, a->gpa + 16 * PAGE_SIZE, NPAGES - 16);

	guest_write_pages(b.vcpu, a->gpa + 32 * PAGE_SIZE, 16, 1);
	EXPECT_TDP_MAPPED(a, a->gpa + 32 * PAGE_SIZE, 16, PG_LEVEL_4K);
	EXPECT_TDP_MAPPED(a, a->gpa, 16, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(a->vcpu, a->gpa + 16 * PAGE_SIZE, 16);
	EXPECT_TDP_ABSENT(a->vcpu, a->gpa + 48 * PAGE_SIZE, 16);
}

/* Rules: vcpu.same-root */
TEST_F(vcpus, added_later)
{
	struct tdp_vm *a = &self->t, b;

	guest_write_pages(a->vcpu, a->gpa, NPAGES, 1);

	b = add_vcpu(a);
	EXPECT_TDP_ABSENT(b.vcpu, b.gpa, NPAGES);
	guest_idle(b.vcpu);
	EXPECT_TDP_MAPPED(&b, b.gpa, NPAGES, PG_LEVEL_4K);
}

/* Rules: vcpu.same-root map.prefault */
TEST_F(vcpus, prefault)
{
	struct tdp_vm *a = &self->t, b = add_vcpu(a);
	const u64 half = NPAGES / 2 * PAGE_SIZE;

	guest_idle(a->vcpu);
	tdp_prefault(a->vcpu, a->gpa, half);
	EXPECT_TDP_ABSENT(b.vcpu, b.gpa, NPAGES);

	/* A vCPU that never ran gets its root here, the one that there is. */
	tdp_prefault(b.vcpu, b.gpa + half, half);
	EXPECT_TDP_MAPPED(a, a->gpa, NPAGES, PG_LEVEL_4K);
	EXPECT_TDP_MAPPED(&b, b.gpa, NPAGES, PG_LEVEL_4K);
}

/* Rules: walk.no-root vcpu.same-root */
TEST_F(vcpus, dropped_root)
{
	struct tdp_vm *a = &self->t, b = add_vcpu(a);

	guest_idle(a->vcpu);
	guest_write_pages(b.vcpu, b.gpa, NPAGES, 1);
	EXPECT_TDP_MAPPED(&b, b.gpa, NPAGES, PG_LEVEL_4K);

	drop_root(b.vcpu);
	EXPECT_EQ(tdp_roots(b.vcpu).roots, 0);
	EXPECT_TDP_ABSENT(b.vcpu, b.gpa, NPAGES);
	EXPECT_TDP_MAPPED(a, a->gpa, NPAGES, PG_LEVEL_4K);

	guest_idle(b.vcpu);
	EXPECT_TDP_MAPPED(&b, b.gpa, NPAGES, PG_LEVEL_4K);
}

/* Rules: slot.zap-all slot.zap-own walk.no-root vcpu.same-root */
TEST_F(vcpus, slot_deleted)
{
	struct tdp_vm *a = &self->t, b = add_vcpu(a);

	guest_write_pages(a->vcpu, a->gpa, NPAGES, 1);
	guest_idle(b.vcpu);
	tdp_slot_add(a, VM_MEM_SRC_ANONYMOUS, TDP_SLOT2, TDP_GPA + SZ_1G, 1);
	tdp_slot_delete(a, TDP_SLOT2);

	if (variant->mem.vm_type == KVM_X86_DEFAULT_VM) {
		EXPECT_NE(tdp_roots(a->vcpu).roots & KVM_TDP_ROOT_INVALID, 0);
		guest_write_pages(a->vcpu, a->gpa, NPAGES, 1);
		EXPECT_NE(tdp_roots(b.vcpu).roots & KVM_TDP_ROOT_INVALID, 0);
		EXPECT_TDP_ABSENT(b.vcpu, b.gpa, NPAGES);
		guest_idle(b.vcpu);
	}

	EXPECT_TDP_MAPPED(a, a->gpa, NPAGES, PG_LEVEL_4K);
	EXPECT_TDP_MAPPED(&b, b.gpa, NPAGES, PG_LEVEL_4K);
}

/*
 * System management mode: an address space of its own, in the same GPAs.
 *
 *	GPA	SMRAM_GPA	SMM_GPA
 *	normal	  nothing	| self->t   |
 *	SMM	| handler |	| self->smm |
 */
#define SMRAM_GPA	SZ_16M
#define SMM_GPA		SZ_1G
#define SMM_PAGES	16
#define SMM_PAGE	5
#define SMM_PORT	0xe

#define SMI_HANDLER_SIZE	32

/* Starts in real mode with limits of 4 GiB: code and data must be below. */
static __attribute__((naked)) void smi_handler(void)
{
	asm(".code16\n"
	    "1:	movl	$" __stringify(SMM_GPA + SMM_PAGE * 4096) ", %ebx\n"
	    "	movl	(%ebx), %ecx\n"
	    "	inb	$" __stringify(SMM_PORT) ", %al\n"
	    "	rsm\n"
	    "	.org	1b + " __stringify(SMI_HANDLER_SIZE) "\n"
	    ".code64\n");
}

FIXTURE(smm) {
	struct tdp_vm t;
	/* What the same vCPU has at the same GPA while in SMM. */
	struct tdp_vm smm;
};

FIXTURE_SETUP(smm)
{
	const struct tdp_mem mem = TDP_MEM_DEFAULT;
	struct tdp_vm *t = &self->t;

	TDP_REQUIRE(kvm_has_cap(KVM_CAP_X86_SMM), "KVM does not offer SMM");
	TDP_SETUP_SLOT(t, &mem, VM_MEM_SRC_ANONYMOUS, SMM_GPA, SMM_PAGES);
	TDP_REQUIRE(vm_check_cap(t->vm, KVM_CAP_MULTI_ADDRESS_SPACE) > 1,
		    "KVM has no address space for SMM");
	tdp_vm_touch(t);

	setup_smram(t->vm, t->vcpu, SMRAM_GPA, smi_handler, SMI_HANDLER_SIZE);
	self->smm = tdp_slot_memory(t, VM_MEM_SRC_ANONYMOUS, SMM_GPA, SMM_PAGES);
}

FIXTURE_TEARDOWN(smm)
{
	tdp_vm_free(&self->t);
}

/* Run until the vCPU leaves for userspace from within SMM. */
static void enter_smm(struct kvm_vcpu *vcpu)
{
	int r;

	/* What the guest does once it is back. */
	guest_idle(vcpu);

	r = __vcpu_ioctl(vcpu, KVM_SMI, NULL) || _vcpu_run(vcpu);
	TDP_ASSERT(!r, "KVM_SMI or KVM_RUN: %s", strerror(errno));
	TDP_ASSERT(vcpu->run->exit_reason == KVM_EXIT_IO &&
		   vcpu->run->io.port == SMM_PORT,
		   "Wanted an exit of the SMI handler, got exit %u",
		   vcpu->run->exit_reason);
}

static void leave_smm(struct kvm_vcpu *vcpu)
{
	int reason = __guest_resume(vcpu);

	TDP_ASSERT(!reason, "Wanted the guest back from SMM, got exit %d",
		   reason);
}

/* Rules: walk.smm */
TEST_F(smm, own_slot)
{
	struct tdp_vm *t = &self->t, *s = &self->smm;
	const u64 gpa = SMM_GPA + SMM_PAGE * PAGE_SIZE;
	struct kvm_regs regs;

	WRITE_ONCE(*(u64 *)(s->hva + SMM_PAGE * PAGE_SIZE), 0x534d4d);
	tdp_slot_set(s, TDP_SMM_SLOT(TDP_SLOT), 0);
	guest_write_pages(t->vcpu, t->gpa, SMM_PAGES, 1);
	EXPECT_EQ(tdp_roots(t->vcpu).as_id, 0);

	enter_smm(t->vcpu);
	vcpu_regs_get(t->vcpu, &regs);
	EXPECT_EQ(regs.rcx, 0x534d4d);
	EXPECT_EQ(tdp_roots(t->vcpu).as_id, 1);
	EXPECT_TDP_MAPPED(s, gpa, 1, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, SMM_GPA, SMM_PAGE);
	EXPECT_TDP_ABSENT(t->vcpu, gpa + PAGE_SIZE, SMM_PAGES - SMM_PAGE - 1);

	leave_smm(t->vcpu);
	EXPECT_EQ(tdp_roots(t->vcpu).as_id, 0);
	EXPECT_TDP_MAPPED(t, t->gpa, SMM_PAGES, PG_LEVEL_4K);
}

/* Rules: walk.smm map.prefault map.prefault-errno */
TEST_F(smm, prefault)
{
	struct kvm_pre_fault_memory range = { .gpa = TDP_GPA, .size = PAGE_SIZE };
	struct tdp_vm *t = &self->t, *s = &self->smm, normal;

	tdp_slot_set(s, TDP_SMM_SLOT(TDP_SLOT), 0);
	normal = tdp_slot_add(t, VM_MEM_SRC_ANONYMOUS, TDP_SLOT2, TDP_GPA, 1);
	guest_write(t->vcpu, normal.gpa, 1);

	enter_smm(t->vcpu);
	tdp_prefault(t->vcpu, s->gpa, SMM_PAGES * PAGE_SIZE);
	EXPECT_TDP_MAPPED(s, s->gpa, SMM_PAGES, PG_LEVEL_4K);
	EXPECT_EQ(__tdp_prefault(t->vcpu, &range), -ENOENT);
	EXPECT_TDP_ABSENT(t->vcpu, normal.gpa, 1);

	leave_smm(t->vcpu);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, SMM_PAGES);
	EXPECT_TDP_MAPPED(&normal, normal.gpa, 1, PG_LEVEL_4K);
}

/* Rules: walk.smm vcpu.same-root */
TEST_F(smm, vcpu_beside)
{
	struct tdp_vm *t = &self->t, *s = &self->smm, b = add_vcpu(t);
	const u64 gpa = SMM_GPA + SMM_PAGE * PAGE_SIZE;

	tdp_slot_set(s, TDP_SMM_SLOT(TDP_SLOT), 0);
	guest_write_pages(b.vcpu, b.gpa, SMM_PAGES, 1);

	enter_smm(t->vcpu);
	EXPECT_TDP_MAPPED(s, gpa, 1, PG_LEVEL_4K);
	EXPECT_EQ(tdp_roots(b.vcpu).as_id, 0);
	EXPECT_TDP_MAPPED(&b, b.gpa, SMM_PAGES, PG_LEVEL_4K);
	leave_smm(t->vcpu);
	EXPECT_TDP_MAPPED(t, t->gpa, SMM_PAGES, PG_LEVEL_4K);
}

/* Rules: walk.smm slot.alias */
TEST_F(smm, alias)
{
	struct tdp_vm *t = &self->t;
	const u64 gpa = SMM_GPA + SMM_PAGE * PAGE_SIZE;
	int r;

	tdp_slot_set(t, TDP_SMM_SLOT(TDP_SLOT), 0);
	guest_write_pages(t->vcpu, t->gpa, SMM_PAGES, 1);

	enter_smm(t->vcpu);
	EXPECT_EQ(tdp_roots(t->vcpu).as_id, 1);
	EXPECT_TDP_MAPPED(t, gpa, 1, PG_LEVEL_4K);

	r = madvise(t->hva + SMM_PAGE * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);
	ASSERT_EQ(r, 0);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, SMM_PAGES);

	leave_smm(t->vcpu);
	EXPECT_TDP_ABSENT(t->vcpu, gpa, 1);
	EXPECT_TDP_MAPPED(t, t->gpa, SMM_PAGE, PG_LEVEL_4K);
	EXPECT_TDP_MAPPED(t, gpa + PAGE_SIZE, SMM_PAGES - SMM_PAGE - 1,
			  PG_LEVEL_4K);
}

/* Rules: slot.delete slot.zap-own walk.smm */
TEST_F(smm, delete_slot)
{
	struct tdp_vm *t = &self->t, *s = &self->smm;
	const u64 gpa = SMM_GPA + SMM_PAGE * PAGE_SIZE;

	ASSERT_EQ(__vm_enable_cap(t->vm, KVM_CAP_DISABLE_QUIRKS2,
				  KVM_X86_QUIRK_SLOT_ZAP_ALL), 0);
	tdp_slot_set(s, TDP_SMM_SLOT(TDP_SLOT), 0);
	guest_write_pages(t->vcpu, t->gpa, SMM_PAGES, 1);

	enter_smm(t->vcpu);
	tdp_slot_delete(t, TDP_SLOT);
	EXPECT_TDP_MAPPED(s, gpa, 1, PG_LEVEL_4K);
	tdp_slot_set(t, TDP_SLOT, 0);

	tdp_prefault(t->vcpu, s->gpa, SMM_PAGES * PAGE_SIZE);
	tdp_slot_delete(s, TDP_SMM_SLOT(TDP_SLOT));
	EXPECT_EQ(tdp_roots(t->vcpu).roots & KVM_TDP_ROOT_INVALID, 0);
	EXPECT_TDP_ABSENT(t->vcpu, s->gpa, SMM_PAGES);

	leave_smm(t->vcpu);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, SMM_PAGES);
	guest_read(t->vcpu, gpa);
	EXPECT_TDP_MAPPED(t, gpa, 1, PG_LEVEL_4K);
}

/* Rules: slot.zap-all walk.no-root walk.smm */
TEST_F(smm, zap_all)
{
	struct tdp_vm *t = &self->t, *s = &self->smm;
	const u64 gpa = SMM_GPA + SMM_PAGE * PAGE_SIZE;

	tdp_slot_set(s, TDP_SMM_SLOT(TDP_SLOT), 0);
	enter_smm(t->vcpu);
	EXPECT_TDP_MAPPED(s, gpa, 1, PG_LEVEL_4K);

	tdp_slot_delete(t, TDP_SLOT);
	EXPECT_NE(tdp_roots(t->vcpu).roots & KVM_TDP_ROOT_INVALID, 0);
	EXPECT_TDP_ABSENT(t->vcpu, gpa, 1);
	leave_smm(t->vcpu);
	EXPECT_EQ(tdp_roots(t->vcpu).roots & KVM_TDP_ROOT_INVALID, 0);
}

/* Rules: slot.refused */
TEST(smm_and_private_memory)
{
	const struct tdp_mem mem = TDP_MEM_SW_PROTECTED_SHARED;
	struct tdp_vm t, s;

	TDP_REQUIRE_NOT(tdp_mem_lacks(&mem));
	tdp_vm_create(&t, &mem);
	EXPECT_EQ(vm_check_cap(t.vm, KVM_CAP_MULTI_ADDRESS_SPACE), 1);
	s = tdp_slot_memory(&t, VM_MEM_SRC_ANONYMOUS, SMM_GPA, SMM_PAGES);
	EXPECT_EQ(__tdp_slot_set(&s, TDP_SMM_SLOT(TDP_SLOT), 0), -EINVAL);
	guest_idle(t.vcpu);
	EXPECT_TDP_ABSENT(t.vcpu, s.gpa, SMM_PAGES);
	tdp_vm_free(&t);
}

TDP_HARNESS_MAIN
