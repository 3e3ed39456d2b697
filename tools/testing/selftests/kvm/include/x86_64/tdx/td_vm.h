/* SPDX-License-Identifier: GPL-2.0 */
/* TDs as struct tdp_vm, which tdp_vm_add_slot() and its like take. */
#ifndef SELFTEST_TDX_TD_VM_H
#define SELFTEST_TDX_TD_VM_H

#include "tdp_vm.h"
#include "tdx/td.h"

/**
 * td_vm_create() - a TD with one vCPU, to which a private slot can be added
 * @t: out: the TD; no slot under test yet
 * @guest_code: where the vCPU starts
 *
 * Not finalized; tdp_vm_add_slot() gives the slot a guest_memfd and the private
 * attribute, td_map_private() and td_map_shared() show it to the TD.
 */
void td_vm_create(struct tdp_vm *t, void *guest_code);

/**
 * td_vm_create_idle() - the same with a vCPU that never runs
 * @t: out: the TD; no slot at all yet
 */
void td_vm_create_idle(struct tdp_vm *t);

#endif /* SELFTEST_TDX_TD_VM_H */
