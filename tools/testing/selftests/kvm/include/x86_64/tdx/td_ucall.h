/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ucalls from a TD.
 *
 * The library's ucall is an IN whose RDI holds a host address, and the host
 * reads RDI.  A TD's registers are its own, and an IN is a #VE.  So a TD asks
 * for the I/O by TDCALL, and hands the ucall's GPA over as what it writes to
 * the port; the ucall itself is in shared memory.  Neither of the library's
 * two functions is weak, hence they are wrapped by the linker.
 */
#ifndef SELFTEST_TDX_TD_UCALL_H
#define SELFTEST_TDX_TD_UCALL_H

#include "tdp_util.h"

/**
 * td_ucall_init() - let a TD make ucalls
 * @vm: a TD whose program is loaded, after ucall_init()
 */
void td_ucall_init(struct kvm_vm *vm);

/* The library's functions, and what the linker puts in their place. */
void __real_ucall_arch_do_ucall(gva_t uc);
void *__real_ucall_arch_get_ucall(struct kvm_vcpu *vcpu);
void __wrap_ucall_arch_do_ucall(gva_t uc);
void *__wrap_ucall_arch_get_ucall(struct kvm_vcpu *vcpu);

#endif /* SELFTEST_TDX_TD_UCALL_H */
