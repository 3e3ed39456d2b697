// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "ktap.h"
#include "machine.h"

struct machine machine;
struct soft_host soft_host;

static u8 *memory;

static void die(const char *why)
{
	printf("Bail out! %s\n", why);
	exit(EXIT_FAILURE);
}

/* What the module asks of its environment. */
bool soft_is_memory(u64 pa)
{
	return pa < MACHINE_MEMORY;
}

void *soft_memory(u64 pa)
{
	if (!soft_is_memory(pa))
		die("The module touched an address that is no memory");
	return memory + pa;
}

bool soft_sha512(u64 state[8], const u8 block[128], const u64 constants[80])
{
	/* So that what is written in C is tested. */
	return !(state && block && constants);
}

void soft_copy_page(void *to, const void *from)
{
	memmove(to, from, SOFT_PAGE_SIZE);
}

u32 soft_this_cpu(void)
{
	return machine.cpu;
}

u32 soft_this_package(void)
{
	return machine.package;
}

u64 soft_tsc(void)
{
	return machine.tsc++;
}

bool soft_random(u64 *value)
{
	*value = 0x5eed + machine.tsc++;
	return !machine.no_entropy;
}

/* An interrupt comes after so many questions; 0 is never. */
bool soft_interrupt_pending(void)
{
	return machine.interrupt_after && !--machine.interrupt_after;
}

void soft_flush_translations(void)
{
	machine.flushes++;
}

void soft_flush_vmcs(u64 pa)
{
	machine.vmcs_flushes += soft_is_memory(pa);
}

/* Every leaf says which one it is, so that a mix-up shows. */
void soft_cpuid(u32 leaf, u32 subleaf, u32 regs[4])
{
	int reg;

	for (reg = 0; reg < 4; reg++)
		regs[reg] = leaf << 24 | subleaf << 16 | 0xff00 | reg;
	if (leaf == 0xd && subleaf >= 2) {
		regs[0] = 64;
		regs[1] = 512 + 64 * subleaf;
	}
	if (leaf == 7 && !subleaf)
		regs[1] = ~0u;
}

u64 soft_run_vcpu(struct soft_call *call)
{
	return machine.run ? machine.run(call) : STAT_SUCCESS;
}

/* The host. */
static void describe_host(void)
{
	memset(&soft_host, 0, sizeof(soft_host));
	soft_host.max_pa = MACHINE_MAX_PA;
	soft_host.keyid_shift = MACHINE_KEYID_SHIFT;
	soft_host.keyid_first = MACHINE_GLOBAL_KEYID;
	soft_host.keyid_count = MACHINE_KEYIDS;
	soft_host.cpus = 2;
	soft_host.packages = 3;
	soft_host.tsc_khz = 2000000;
	soft_host.xfam = 0xe7;
	soft_host.ept5 = true;
	soft_host.cmrs[0].base = 1 << 20;
	soft_host.cmrs[0].size = MACHINE_MEMORY - (1 << 20);
	soft_host.nr_cmrs = 1;
}

void machine_power_on(void)
{
	if (!memory)
		memory = mmap(NULL, MACHINE_MEMORY, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			      -1, 0);
	if (memory == MAP_FAILED ||
	    madvise(memory, MACHINE_MEMORY, MADV_DONTNEED))
		die("No memory for the machine");

	/* PAMTs are written anew in every test; where this fails it is slow. */
	madvise(memory, MACHINE_MEMORY, MADV_HUGEPAGE);

	memset(&machine, 0, sizeof(machine));
	memset(&soft_module, 0, sizeof(soft_module));
	memset(soft_counts, 0, sizeof(soft_counts));
	memset(soft_refusals, 0, sizeof(soft_refusals));
	soft_module.state = SYS_INIT_PENDING;
	machine.next_private = MACHINE_TDMR;
	machine.next_shared = 16 << 20;
	describe_host();
}

void ktap_prepare(void)
{
	machine_power_on();
}

u64 private_range(int level)
{
	u64 size = LEVEL_SIZE(level);
	u64 page = (machine.next_private + size - 1) & ~(size - 1);

	machine.next_private = page + size;
	if (machine.next_private > MACHINE_RESERVED)
		die("No private memory left");
	return page;
}

u64 private_page(void)
{
	return private_range(LEVEL_4K);
}

u64 shared_page(void)
{
	machine.next_shared += SOFT_PAGE_SIZE;
	return machine.next_shared - SOFT_PAGE_SIZE;
}

u64 seamcall(u64 leaf, u64 rcx, u64 rdx, u64 r8, u64 r9)
{
	machine.regs.gpr[RAX] = leaf;
	machine.regs.gpr[RCX] = rcx;
	machine.regs.gpr[RDX] = rdx;
	machine.regs.gpr[R8] = r8;
	machine.regs.gpr[R9] = r9;
	soft_seamcall(&machine.regs);
	return machine.regs.gpr[RAX];
}

static void must(u64 status, const char *what)
{
	if (status) {
		printf("# %s: %#llx\n", what, (unsigned long long)status);
		die("A step that other tests rely on failed");
	}
}

#define MUST(call)	must((call), #call)

u64 machine_tdmr_info(void)
{
	u64 pa = shared_page();
	struct tdmr_info_page *info = soft_memory(pa);

	info->base = MACHINE_TDMR;
	info->size = MACHINE_TDMR_SIZE;
	info->pamt_4k.base = MACHINE_PAMT;
	info->pamt_4k.size = 4 << 20;
	info->pamt_2m.base = info->pamt_4k.base + info->pamt_4k.size;
	info->pamt_2m.size = 8 << 10;
	info->pamt_1g.base = info->pamt_2m.base + info->pamt_2m.size;
	info->pamt_1g.size = 4 << 10;
	info->reserved[0].offset = MACHINE_RESERVED - MACHINE_TDMR;
	info->reserved[0].size = 16 << 20;
	return pa;
}

static void initialize_cpus(void)
{
	for (machine.cpu = 0; machine.cpu < soft_host.cpus; machine.cpu++)
		MUST(seamcall(SOFT_SYS_LP_INIT, 0, 0, 0, 0));
	machine.cpu = 0;
}

static void configure(void)
{
	u64 array = shared_page();

	*(u64 *)soft_memory(array) = machine_tdmr_info();
	MUST(seamcall(SOFT_SYS_CONFIG, array, 1, MACHINE_GLOBAL_KEYID, 0));
}

static void make_ready(void)
{
	for (machine.package = 0; machine.package < 2; machine.package++)
		MUST(seamcall(SOFT_SYS_KEY_CONFIG, 0, 0, 0, 0));
	machine.package = 0;
	do
		MUST(seamcall(SOFT_SYS_TDMR_INIT, MACHINE_TDMR, 0, 0, 0));
	while (machine.regs.gpr[RDX] < MACHINE_TDMR + MACHINE_TDMR_SIZE);
}

void machine_start(enum soft_system_state until)
{
	if (until == SYS_INIT_PENDING)
		return;
	MUST(seamcall(SOFT_SYS_INIT, 0, 0, 0, 0));
	initialize_cpus();
	if (until == SYS_INIT_DONE)
		return;
	configure();
	if (until == SYS_CONFIG_DONE)
		return;
	make_ready();
	if (until == SYS_SHUTDOWN)
		MUST(seamcall(SOFT_SYS_SHUTDOWN, 0, 0, 0, 0));
}

/* The PAMT, read without the module's help. */
struct pamt_entry *pamt_of(u64 pa, int level)
{
	static const u64 base[] = {
		MACHINE_PAMT,
		MACHINE_PAMT + (4 << 20),
		MACHINE_PAMT + (4 << 20) + (8 << 10),
	};

	return (struct pamt_entry *)soft_memory(base[level]) +
	       ((pa - MACHINE_TDMR) >> (12 + 9 * level));
}

struct tdr *tdr_of(const struct td *td)
{
	return soft_memory(td->tdr);
}

struct tdcs *tdcs_of(const struct td *td)
{
	return soft_memory(td->pages[TDCS_CONTROL]);
}

u64 td_params(void)
{
	u64 pa = shared_page();
	struct td_params_page *params = soft_memory(pa);

	params->attributes = TD_ATTR_DEBUG;
	params->xfam = 3;
	params->max_vcpus = 2;
	params->eptp_controls = 6 | 3 << 3;
	params->config_flags = TD_CONFIG_NO_RBP_MOD;
	params->tsc_frequency = 40;
	return pa;
}

void td_create(struct td *td)
{
	static u64 keyid = MACHINE_TD_KEYID;

	for (td->keyid = MACHINE_TD_KEYID;
	     soft_module.keyids[td->keyid].state != KEYID_FREE; td->keyid++)
		;
	keyid = td->keyid;
	td->tdr = private_page();
	MUST(seamcall(SOFT_MNG_CREATE, td->tdr, keyid, 0, 0));
}

void td_configure(struct td *td)
{
	td_create(td);
	for (machine.package = 0; machine.package < 2; machine.package++)
		MUST(seamcall(SOFT_MNG_KEY_CONFIG, td->tdr, 0, 0, 0));
	machine.package = 0;
}

void td_add_pages(struct td *td)
{
	int i;

	td_configure(td);
	for (i = 0; i < TDCS_NR_PAGES; i++) {
		td->pages[i] = private_page();
		MUST(seamcall(SOFT_MNG_ADDCX, td->pages[i], td->tdr, 0, 0));
	}
}

void td_init(struct td *td)
{
	td_add_pages(td);
	td->params = td_params();
	MUST(seamcall(SOFT_MNG_INIT, td->tdr, td->params, 0, 0));
}

u64 vcpu_create(struct td *td)
{
	u64 tdvpr = private_page();

	MUST(seamcall(SOFT_VP_CREATE, tdvpr, td->tdr, 0, 0));
	return tdvpr;
}

void vcpu_add_pages(u64 tdvpr)
{
	int i;

	for (i = 1; i < TDVPS_NR_PAGES; i++)
		MUST(seamcall(SOFT_VP_ADDCX, private_page(), tdvpr, 0, 0));
}

u64 td_add_vcpu(struct td *td)
{
	u64 tdvpr = vcpu_create(td);

	vcpu_add_pages(tdvpr);
	MUST(seamcall(SOFT_VP_INIT | 1 << 16, tdvpr, 0x1234,
		      tdcs_of(td)->nr_vcpus, 0));
	return tdvpr;
}

void td_finalize(struct td *td)
{
	td_init(td);
	td_add_vcpu(td);
	MUST(seamcall(SOFT_MR_FINALIZE, td->tdr, 0, 0, 0));
}

void td_tear_down(struct td *td)
{
	MUST(seamcall(SOFT_MNG_VPFLUSHDONE, td->tdr, 0, 0, 0));
	for (machine.package = 0; machine.package < 2; machine.package++)
		MUST(seamcall(SOFT_PHYMEM_CACHE_WB, 0, 0, 0, 0));
	machine.package = 0;
	MUST(seamcall(SOFT_MNG_KEY_FREEID, td->tdr, 0, 0, 0));
}

u64 *td_entry(struct td *td, u64 gpa, int level)
{
	u64 *table = soft_memory(td->pages[TDCS_SEPT_ROOT]);
	int at;

	for (at = tdcs_of(td)->ept_top; ; at--) {
		u64 *entry = &table[gpa >> (12 + 9 * at) & 511];

		if (at == level)
			return entry;
		if (!(*entry & 7) || *entry & 1 << 7)
			return NULL;
		table = soft_memory(*entry & 0x000ffffffffff000ULL);
	}
}

void td_map_tables(struct td *td, u64 gpa, int level)
{
	int at;

	for (at = tdcs_of(td)->ept_top; at > level; at--) {
		u64 start = gpa & ~(LEVEL_SIZE(at) - 1);

		if (!(*td_entry(td, gpa, at) & 7))
			MUST(seamcall(SOFT_MEM_SEPT_ADD, start | at, td->tdr,
				      private_page(), 0));
	}
}
