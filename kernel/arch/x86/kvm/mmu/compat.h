/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What KVM has had several names for.
 */
#ifndef _KVM_TDP_COMPAT_H
#define _KVM_TDP_COMPAT_H

#include <linux/fs.h>
#include <linux/kvm_host.h>
#include <linux/magic.h>
#include <linux/string.h>

#ifdef KVM_X86_TDX_VM
static inline bool vm_has_mirror(struct kvm *kvm)
{
	return kvm->arch.vm_type == KVM_X86_TDX_VM;
}

static inline gfn_t vm_shared_bit(struct kvm *kvm)
{
	return kvm->arch.gfn_direct_bits;
}

static inline hpa_t vcpu_mirror_root(struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.root_mmu.mirror_root_hpa);
}
#else /* !KVM_X86_TDX_VM: a VM has one root */
static inline bool vm_has_mirror(struct kvm *kvm)
{
	return false;
}

static inline gfn_t vm_shared_bit(struct kvm *kvm)
{
	return 0;
}

static inline hpa_t vcpu_mirror_root(struct kvm_vcpu *vcpu)
{
	return INVALID_PAGE;
}
#endif /* KVM_X86_TDX_VM */

#ifdef GUEST_MEMFD_MAGIC
/* Nobody but KVM has a superblock of this kind, and it holds nothing else. */
static inline bool file_is_gmem(struct file *file)
{
	return file_inode(file)->i_sb->s_magic == GUEST_MEMFD_MAGIC;
}
#else /* !GUEST_MEMFD_MAGIC: told as a vCPU's file is */
static inline bool file_is_gmem(struct file *file)
{
	return file_inode(file)->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       !strcmp(file_dentry(file)->d_name.name, "[kvm-gmem]");
}
#endif /* GUEST_MEMFD_MAGIC */

#endif /* _KVM_TDP_COMPAT_H */
