// SPDX-License-Identifier: GPL-2.0
#include <elf.h>
#include <sys/auxv.h>

#include "tdp_program.h"

static void map_file(int fd, const Elf64_Phdr *segment, void *base)
{
	u64 skip = segment->p_vaddr % PAGE_SIZE;
	void *at = base + segment->p_vaddr - TDP_PROGRAM_GPA;
	void *end = at + segment->p_filesz;
	void *map;

	map = mmap(at - skip, skip + segment->p_filesz, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_FIXED, fd, segment->p_offset - skip);
	TDP_ASSERT(map == at - skip, "mmap() of this program failed: %s",
		   strerror(errno));

	/* Past the end the last page shows more of the file: .bss is zero. */
	if (segment->p_memsz > segment->p_filesz)
		memset(end, 0, -(uintptr_t)end % PAGE_SIZE);
}

static void map_segment(int fd, const Elf64_Phdr *segment, void *base)
{
	TDP_ASSERT(segment->p_vaddr >= TDP_PROGRAM_GPA &&
		   segment->p_vaddr + segment->p_memsz <=
		   TDP_PROGRAM_GPA + TDP_PROGRAM_SIZE,
		   "The program is not linked into 0x%llx and the %d bytes from there",
		   TDP_PROGRAM_GPA, TDP_PROGRAM_SIZE);
	if (segment->p_filesz)
		map_file(fd, segment, base);
}

void tdp_program_map(struct kvm_vm *vm)
{
	const Elf64_Phdr *segments = (void *)getauxval(AT_PHDR);
	u64 i, nr = getauxval(AT_PHNUM);
	void *base;
	int fd;

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, TDP_PROGRAM_GPA,
				    TDP_PROGRAM_SLOT,
				    TDP_PROGRAM_SIZE / PAGE_SIZE, 0);
	base = memslot2region(vm, TDP_PROGRAM_SLOT)->host_mem;

	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	TDP_ASSERT(fd >= 0, "open(/proc/self/exe) failed: %s", strerror(errno));
	for (i = 0; i < nr; i++)
		if (segments[i].p_type == PT_LOAD)
			map_segment(fd, &segments[i], base);
	close(fd);

	virt_pgd_alloc(vm);
	virt_map_level(vm, TDP_PROGRAM_GPA, TDP_PROGRAM_GPA, TDP_PROGRAM_SIZE,
		       PG_LEVEL_2M);
}
