// SPDX-License-Identifier: GPL-2.0
/*
 * What KVM says of itself on this machine, as facts for run-tests: nothing but
 * KVM knows whether it can run TDs.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

/* Of the x86 ABI; older headers lack them. */
#ifndef KVM_CAP_VM_TYPES
#define KVM_CAP_VM_TYPES	235
#endif
#ifndef KVM_X86_DEFAULT_VM
#define KVM_X86_DEFAULT_VM	0
#endif
#ifndef KVM_X86_TDX_VM
#define KVM_X86_TDX_VM		5
#endif

int main(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int types;

	if (fd < 0) {
		fprintf(stderr, "/dev/kvm cannot be opened: %s\n", strerror(errno));
		return 1;
	}

	types = ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_VM_TYPES);
	/* A kernel without the capability has the default type alone. */
	if (types <= 0)
		types = 1 << KVM_X86_DEFAULT_VM;

	printf("vm-types 0x%x\n", types);
	printf("tdx %s\n", types & 1 << KVM_X86_TDX_VM ? "yes" : "no");
	return 0;
}
