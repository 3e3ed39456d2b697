// SPDX-License-Identifier: GPL-2.0
#include <linux/kvm_para.h>
#include <ucall_common.h>

#include "tdp_vm.h"

#include "tdx/td.h"
#include "tdx/td_boot.h"
#include "tdx/td_ucall.h"

/* What slot 0 has room for besides stacks and ucalls: code, data, tables. */
#define TD_SLOT0_PAGES	768

const char *td_host_lacks(void)
{
	const char *why = tdp_host_lacks();

	if (!why && !(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_TDX_VM)))
		why = "KVM does not offer KVM_X86_TDX_VM";
	return why;
}

/* Of the next TD. */
static u32 td_gpa_bits = TD_GPA_BITS;

void td_use_gpa_bits(u32 bits)
{
	td_gpa_bits = bits;
}

struct kvm_vm *td_open(void)
{
	u64 shared_bit = BIT_ULL(td_gpa_bits - 1);
	struct kvm_vm *vm;

	tdp_tell_vm_type("td");
	vm = vm_create_barebones_type(KVM_X86_TDX_VM);
	/* What the host's processor has does not count for a TD. */
	vm->pa_bits = td_gpa_bits;
	vm->max_gfn = shared_bit / PAGE_SIZE - 1;
	vm->arch.s_bit = shared_bit;
	vm->gpa_tag_mask = shared_bit;
	return vm;
}

/* Turn the bits that the host may choose into the choice. */
static void td_choose_cpuid(struct kvm_cpuid_entry2 *entry)
{
	const struct kvm_cpuid2 *supported = kvm_get_supported_cpuid();
	struct kvm_cpuid_entry2 choice = {};
	u32 i;

	for (i = 0; i < supported->nent; i++) {
		if (supported->entries[i].function == entry->function &&
		    supported->entries[i].index == entry->index)
			choice = supported->entries[i];
	}

	entry->eax &= choice.eax;
	entry->ebx &= choice.ebx;
	entry->ecx &= choice.ecx;
	entry->edx &= choice.edx;

	/* Without it KVM takes the first entry of a leaf for all subleaves. */
	entry->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	if (entry->function == X86_PROPERTY_GUEST_MAX_PHY_ADDR.function)
		entry->eax = (entry->eax & ~GENMASK(23, 16)) | td_gpa_bits << 16;
}

struct kvm_tdx_init_vm *td_init_params(struct kvm_vm *vm)
{
	struct kvm_tdx_capabilities *caps = tdx_capabilities(vm);
	size_t size = caps->cpuid.nent * sizeof(caps->cpuid.entries[0]);
	struct kvm_tdx_init_vm *init = calloc(1, sizeof(*init) + size);
	u32 i;

	TDP_ASSERT(init, "No memory for parameters of a TD");
	init->attributes = caps->supported_attrs & TD_ATTR_SEPT_VE_DISABLE;
	init->xfam = caps->supported_xfam & TD_XFAM_FP_SSE;
	for (i = 0; i < TD_NR_MR_WORDS; i++) {
		init->mrconfigid[i] = TD_MRCONFIGID + i;
		init->mrowner[i] = TD_MROWNER + i;
		init->mrownerconfig[i] = TD_MROWNERCONFIG + i;
	}
	init->cpuid.nent = caps->cpuid.nent;
	memcpy(init->cpuid.entries, caps->cpuid.entries, size);
	for (i = 0; i < init->cpuid.nent; i++)
		td_choose_cpuid(&init->cpuid.entries[i]);
	free(caps);
	return init;
}

void td_init(struct kvm_vm *vm)
{
	struct kvm_tdx_init_vm *init = td_init_params(vm);

	tdx_init_vm(vm, init);
	free(init);
}

static void td_add_slot0(struct kvm_vm *vm, u32 nr_vcpus)
{
	u64 npages = TD_SLOT0_PAGES + nr_vcpus * DEFAULT_STACK_PGS +
		     ucall_nr_pages_required(PAGE_SIZE);
	int i;

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, 0, 0, npages,
				    KVM_MEM_GUEST_MEMFD);
	for (i = 0; i < NR_MEM_REGIONS; i++)
		vm->memslots[i] = 0;
}

struct kvm_vm *td_create(u32 nr_vcpus)
{
	struct kvm_vm *vm = td_open();

	kvm_set_files_rlimit(nr_vcpus);
	vm_enable_cap(vm, KVM_CAP_EXIT_HYPERCALL, BIT(KVM_HC_MAP_GPA_RANGE));
	td_init(vm);

	td_add_slot0(vm, nr_vcpus);
	kvm_vm_elf_load(vm, program_invocation_name);
	ucall_init(vm, 0);
	td_ucall_init(vm);
	sync_global_to_guest(vm, kvm_rng);

	/* The interrupt controller, GDT and IDT are as any VM has them. */
	kvm_arch_vm_post_create(vm, nr_vcpus);
	td_boot_add(vm);
	return vm;
}

struct kvm_vcpu *td_vcpu_add_bare(struct kvm_vm *vm, u32 id)
{
	struct kvm_vcpu *vcpu = __vm_vcpu_add(vm, id);

	/* KVM takes a GPA with the shared bit for a legal one only then. */
	vcpu_init_cpuid(vcpu, kvm_get_supported_cpuid());
	vcpu_set_cpuid_property(vcpu, X86_PROPERTY_MAX_PHY_ADDR, vm->pa_bits);
	vcpu_set_cpuid_property(vcpu, X86_PROPERTY_GUEST_MAX_PHY_ADDR,
				vm->pa_bits);
	return vcpu;
}

struct kvm_vcpu *td_vcpu_add(struct kvm_vm *vm, u32 id, void *guest_code,
			     u64 arg)
{
	struct kvm_vcpu *vcpu = td_vcpu_add_bare(vm, id);

	tdx_init_vcpu(vcpu, td_boot_stack(vm, guest_code, arg));
	return vcpu;
}

int __td_try_vcpu(struct kvm_vm *vm, u32 id)
{
	int fd = __vm_ioctl(vm, KVM_CREATE_VCPU, (void *)(unsigned long)id);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

struct kvm_vm *td_create_idle(struct kvm_vcpu **vcpu)
{
	struct kvm_vm *vm = td_open();

	td_init(vm);
	vm_create_irqchip(vm);
	*vcpu = td_vcpu_add_bare(vm, 0);
	tdx_init_vcpu(*vcpu, 0);
	return vm;
}

static void td_populate_range(struct kvm_vcpu *vcpu, u64 gpa, void *source,
			      u64 npages, void *arg)
{
	vm_mem_set_private(vcpu->vm, gpa, npages * PAGE_SIZE);
	/* Nobody attests the TD, and measuring takes an emulator long. */
	tdx_init_mem_region(vcpu, source, gpa, npages, 0);
}

/* A page may be mapped as private and not be allocated: td_map_private(). */
static bool td_is_populated(const struct userspace_mem_region *region, u64 pfn)
{
	return sparsebit_is_set(region->protected_phy_pages, pfn) &&
	       !sparsebit_is_set(region->unused_phy_pages, pfn);
}

static void td_visit_ranges_of(struct kvm_vcpu *vcpu,
			       const struct userspace_mem_region *region,
			       td_range_fn fn, void *arg)
{
	u64 base = region->region.guest_phys_addr / PAGE_SIZE, pfn = base;
	u64 end = base + region->region.memory_size / PAGE_SIZE;
	u64 first;

	while (pfn < end) {
		first = pfn;
		while (pfn < end && td_is_populated(region, pfn))
			pfn++;
		if (pfn > first)
			fn(vcpu, first * PAGE_SIZE,
			   region->host_mem + (first - base) * PAGE_SIZE,
			   pfn - first, arg);
		else
			pfn++;
	}
}

void td_visit_ranges(struct kvm_vm *vm, td_range_fn fn, void *arg)
{
	struct userspace_mem_region *region;
	struct kvm_vcpu *vcpu;
	int bucket;

	TDP_ASSERT(!list_empty(&vm->vcpus), "A TD without vCPU has no pages");
	vcpu = list_first_entry(&vm->vcpus, struct kvm_vcpu, list);
	hash_for_each(vm->regions.slot_hash, bucket, region, slot_node)
		td_visit_ranges_of(vcpu, region, fn, arg);
}

void td_finalize(struct kvm_vm *vm)
{
	td_visit_ranges(vm, td_populate_range, NULL);
	tdx_finalize_vm(vm);
}

/* The library's hook for what follows the last vCPU. */
void kvm_arch_vm_finalize_vcpus(struct kvm_vm *vm)
{
	if (vm->type == KVM_X86_TDX_VM)
		td_finalize(vm);
}

struct kvm_vm *td_create_with_one_vcpu(struct kvm_vcpu **vcpu,
				       void *guest_code)
{
	struct kvm_vm *vm = td_create(1);

	*vcpu = td_vcpu_add(vm, 0, guest_code, 0);
	kvm_arch_vm_finalize_vcpus(vm);
	return vm;
}

static struct userspace_mem_region *td_region(struct kvm_vm *vm, u64 gpa)
{
	struct userspace_mem_region *region;
	int bucket;

	hash_for_each(vm->regions.slot_hash, bucket, region, slot_node) {
		if (gpa - region->region.guest_phys_addr <
		    region->region.memory_size)
			return region;
	}

	TDP_ASSERT(false, "gpa 0x%lx is in no slot", gpa);
	return NULL;
}

/* The library marks what it maps by whether the page was allocated as private. */
void td_map_private(struct kvm_vm *vm, u64 gva, u64 gpa, u64 npages)
{
	sparsebit_set_num(td_region(vm, gpa)->protected_phy_pages,
			  gpa / PAGE_SIZE, npages);
	virt_map(vm, gva, gpa, npages);
}

void td_map_shared(struct kvm_vm *vm, u64 gva, u64 gpa, u64 npages)
{
	sparsebit_clear_num(td_region(vm, gpa)->protected_phy_pages,
			    gpa / PAGE_SIZE, npages);
	virt_map(vm, gva, gpa, npages);
}

void td_handle_map_gpa(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 gpa = run->hypercall.args[0], npages = run->hypercall.args[1];
	u64 attributes = 0;

	TDP_ASSERT(run->exit_reason == KVM_EXIT_HYPERCALL &&
		   run->hypercall.nr == KVM_HC_MAP_GPA_RANGE,
		   "Wanted a MapGPA, got exit %d (%s)", run->exit_reason,
		   exit_reason_str(run->exit_reason));

	if (run->hypercall.args[2] & KVM_MAP_GPA_RANGE_ENCRYPTED)
		attributes = KVM_MEMORY_ATTRIBUTE_PRIVATE;
	vm_set_memory_attributes(vcpu->vm, gpa, npages * PAGE_SIZE, attributes);
	run->hypercall.ret = 0;
}
