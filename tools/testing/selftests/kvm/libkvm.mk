# SPDX-License-Identifier: GPL-2.0
#
# Runs in the KVM selftests' folder of the kernel under test, with that
# folder's own makefile, which knows the library's files and flags of this
# kernel.  Makefile, beside this file, starts it and sets all TDP_ variables.

.DEFAULT_GOAL := tdp_tests

include Makefile

tdp_c_objs := $(TDP_LIB:%=$(TDP_OBJ)/%.o)
tdp_asm_objs := $(TDP_LIB_ASM:%=$(TDP_OBJ)/%.o)
tdp_lib_objs := $(tdp_c_objs) $(tdp_asm_objs)
tdp_test_objs := $(TDP_PROGS:%=$(TDP_OBJ)/%.o)
tdp_progs := $(TDP_PROGS:%=$(TDP_BIN)/%)

# Some of what the library links with serves tests of devices and cgroups, and
# needs libraries that not every machine has: take of it only what is called.
libkvm_extra := $(filter $(LIBCGROUP_O) $(LIBVFIO_O),$(LIBKVM_OBJS))
libkvm_core := $(filter-out $(libkvm_extra),$(LIBKVM_OBJS))
libkvm := $(OUTPUT)/libkvm.a
libextra := $(OUTPUT)/libkvm_extra.a

# The kernel's headers are not clean under -Wextra: pass their folders as those
# of a system, in the same order.
tdp_cflags = $(subst -I,-isystem ,$(filter-out -I$(<D) -MD,$(CFLAGS))) \
	-MD -MP -Wall -Wextra \
	-Wno-unused-parameter -Wno-missing-field-initializers \
	$(if $(TDP_WERROR),-Werror) $(TDP_LACKS) $(TDP_INCLUDE:%=-I%) \
	-ffile-prefix-map=$(TDP_SRC)/=
tdp_ldlibs = $(filter-out -luuid,$(LDLIBS))

# The library's ucall is not for TDs, and not weak: lib/x86_64/tdx/td_ucall.c.
tdp_wrap := ucall_arch_do_ucall ucall_arch_get_ucall
ifneq ($(findstring td_ucall,$(TDP_LIB)),)
tdp_wrap_flags := $(tdp_wrap:%=-Wl,--wrap=%)
endif

# The library clears 1 MiB for every VM, one byte after the other: an emulator is
# grateful for vectors.  -ffreestanding, which the kernel's makefile sets, keeps
# the compiler from calling memset() in memset().
$(LIBKVM_STRING_OBJ): CFLAGS += -O3

$(shell mkdir -p $(sort $(dir $(tdp_lib_objs) $(tdp_test_objs) $(tdp_progs))))

tdp_tests: $(tdp_progs)
	@:

$(libkvm): $(libkvm_core)
$(libextra): $(libkvm_extra)
$(libkvm) $(libextra):
	$(call msg,AR,,$@)
	$(Q)$(RM) $@
	$(Q)$(AR) rcs $@ $^

$(tdp_asm_objs): $(TDP_OBJ)/%.o: $(TDP_SRC)/%.S
$(tdp_c_objs) $(tdp_test_objs): $(TDP_OBJ)/%.o: $(TDP_SRC)/%.c
$(tdp_lib_objs) $(tdp_test_objs):
	$(call msg,CC,,$@)
	$(Q)$(CC) $(tdp_cflags) $(CPPFLAGS) -c $< -o $@

# Weak functions of the library give way to others in it only if all of its
# objects are linked.
$(tdp_progs): $(TDP_BIN)/%: $(TDP_OBJ)/%.o $(tdp_lib_objs) $(libkvm) $(libextra)
	$(call msg,LINK,,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static $< $(tdp_lib_objs) \
		$(tdp_wrap_flags) \
		-Wl,--whole-archive $(libkvm) -Wl,--no-whole-archive \
		$(libextra) $(tdp_ldlibs) -o $@

-include $(tdp_lib_objs:.o=.d) $(tdp_test_objs:.o=.d)

.PHONY: tdp_tests
