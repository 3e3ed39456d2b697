// SPDX-License-Identifier: GPL-2.0
/*
 * What instruction a TD is at: TDCALL is an invalid one to this processor.
 */
#include <asm/processor-flags.h>

#include "vmx.h"

#define PTE_PRESENT		BIT_ULL(0)
#define PTE_HUGE		BIT_ULL(7)
#define PTE_ADDRESS		0x000ffffffffff000ULL

static bool paging_is_on(void)
{
	return vmcs_read(GUEST_CR0) & X86_CR0_PG;
}

/*
 * A TD that pages is in long mode: EFER.LME is always set, and cannot be
 * cleared.
 */
static bool linear_to_gpa(const struct tdg_call *tdg, u64 linear, u64 *gpa)
{
	int level = vmcs_read(GUEST_CR4) & X86_CR4_LA57 ? 4 : 3;
	u64 entry = vmcs_read(GUEST_CR3);

	for (; level >= 0; level--) {
		u64 index = (linear >> (12 + 9 * level)) % SOFT_ENTRIES;
		const u64 *slot = soft_td_peek(tdg, (entry & PTE_ADDRESS) +
					       index * sizeof(entry));

		if (!slot)
			return false;
		entry = READ_ONCE(*slot);
		if (!(entry & PTE_PRESENT))
			return false;
		if (!level || (level < 3 && entry & PTE_HUGE))
			break;
	}

	*gpa = (entry & PTE_ADDRESS & ~(LEVEL_SIZE(level) - 1)) |
	       (linear & (LEVEL_SIZE(level) - 1));
	return true;
}

static bool read_byte(const struct tdg_call *tdg, u64 linear, u8 *byte)
{
	const u8 *memory;
	u64 gpa = linear;

	if (paging_is_on() && !linear_to_gpa(tdg, linear, &gpa))
		return false;
	memory = soft_td_peek(tdg, gpa);
	if (!memory)
		return false;
	*byte = *memory;
	return true;
}

bool soft_td_is_at_tdcall(struct tdg_call *tdg)
{
	static const u8 tdcall[] = { 0x66, 0x0f, 0x01, 0xcc };
	u64 linear = vmcs_read(GUEST_CS_BASE) + vmcs_read(GUEST_RIP);
	u8 byte;
	u32 i;

	for (i = 0; i < sizeof(tdcall); i++)
		if (!read_byte(tdg, linear + i, &byte) || byte != tdcall[i])
			return false;
	return true;
}
