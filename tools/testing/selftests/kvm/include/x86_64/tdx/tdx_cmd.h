/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The commands of KVM_MEMORY_ENCRYPT_OP on TDs.
 *
 * __tdx_foo() returns 0 or the negative errno, tdx_foo() ends the case as
 * failed unless it is 0.  Source of every rule: Documentation/virt/kvm/x86/
 * intel-tdx.rst.
 */
#ifndef SELFTEST_TDX_CMD_H
#define SELFTEST_TDX_CMD_H

#include "tdp_util.h"

/**
 * __tdx_cmd() - one command, filled in by the caller
 * @fd: file descriptor of a VM or a vCPU, or what is to be refused
 * @cmd: in: the command; out: hw_error
 *
 * Return: 0, or the negative errno.
 */
int __tdx_cmd(int fd, struct kvm_tdx_cmd *cmd);

/**
 * __tdx_capabilities() - what TDs of this host can be
 * @vm: a TD
 * @caps: in: cpuid.nent, the number of entries that there is room for; out: all
 *
 * Return: 0; -E2BIG if KVM has more entries; -EFAULT.
 */
int __tdx_capabilities(struct kvm_vm *vm, struct kvm_tdx_capabilities *caps);

/**
 * tdx_capabilities() - the same, or end the case as failed
 * @vm: a TD
 *
 * Return: the capabilities; free() them.
 */
struct kvm_tdx_capabilities *tdx_capabilities(struct kvm_vm *vm);

/**
 * __tdx_init_vm() - create the TD proper
 * @vm: a TD without vCPUs
 * @init: its attributes, XFAM and CPUID configuration
 *
 * Return: 0; -EINVAL for a TD that was initialized before or a configuration
 * that KVM or the TDX module refuses; -EBUSY if there are vCPUs; -E2BIG;
 * -EFAULT.
 */
int __tdx_init_vm(struct kvm_vm *vm, struct kvm_tdx_init_vm *init);

/**
 * tdx_init_vm() - the same, or end the case as failed
 * @vm: as above
 * @init: as above
 */
void tdx_init_vm(struct kvm_vm *vm, struct kvm_tdx_init_vm *init);

/**
 * __tdx_init_vcpu() - create the vCPU proper
 * @vcpu: a vCPU that has CPUID with X2APIC
 * @rcx: what the TD finds in RCX and R8 when the vCPU starts
 *
 * Return: 0; -EINVAL for a vCPU that was initialized before, or after the TD
 * was finalized.
 */
int __tdx_init_vcpu(struct kvm_vcpu *vcpu, u64 rcx);

/**
 * tdx_init_vcpu() - the same, or end the case as failed
 * @vcpu: as above
 * @rcx: as above
 */
void tdx_init_vcpu(struct kvm_vcpu *vcpu, u64 rcx);

/**
 * __tdx_init_mem_region() - put pages with contents into the TD
 * @vcpu: an initialized vCPU of a TD that is not finalized
 * @region: in: source, GPA and number of 4K pages; out: what is left
 * @flags: KVM_TDX_MEASURE_MEMORY_REGION or 0
 *
 * Return: 0; -EINVAL for a range that is unaligned, empty, shared or without
 * guest_memfd; -EFAULT for a source that cannot be read; -EINTR for a signal;
 * -EIO for a page that the TD has already.
 */
int __tdx_init_mem_region(struct kvm_vcpu *vcpu,
			  struct kvm_tdx_init_mem_region *region, u32 flags);

/**
 * tdx_init_mem_region() - the same, or end the case as failed
 * @vcpu: as above
 * @source: the contents, a multiple of the page size
 * @gpa: the first GPA, a multiple of the page size
 * @nr_pages: number of 4K pages
 * @flags: as above
 *
 * Repeats the command after signals.
 */
void tdx_init_mem_region(struct kvm_vcpu *vcpu, const void *source, u64 gpa,
			 u64 nr_pages, u32 flags);

/**
 * __tdx_finalize_vm() - end the TD's construction: it can run
 * @vm: a TD
 *
 * Return: 0; -EINVAL for a TD that is not initialized, or finalized already;
 * -EBUSY if the TDX module is busy.
 */
int __tdx_finalize_vm(struct kvm_vm *vm);

/**
 * tdx_finalize_vm() - the same, or end the case as failed
 * @vm: as above
 */
void tdx_finalize_vm(struct kvm_vm *vm);

/**
 * __tdx_get_cpuid() - the CPUID that the TDX module shows to a TD
 * @vcpu: a vCPU of a TD that is not finalized
 * @cpuid: in: nent, the number of entries that there is room for; out: nent,
 *	and the entries unless there were too few
 *
 * Return: 0; -E2BIG if there are more; -EINVAL once the TD is finalized;
 * -EFAULT.
 */
int __tdx_get_cpuid(struct kvm_vcpu *vcpu, struct kvm_cpuid2 *cpuid);

/**
 * tdx_get_cpuid() - the same, or end the case as failed
 * @vcpu: as above
 *
 * Return: the CPUID; free() it.
 */
struct kvm_cpuid2 *tdx_get_cpuid(struct kvm_vcpu *vcpu);

#endif /* SELFTEST_TDX_CMD_H */
