# The TDP tests have a library of their own, which isn't for all users of
# LIBKVM: it defines a hook of LIBKVM's, and wraps functions of it.
LIBTDP_C_OBJ := $(patsubst %.c, $(OUTPUT)/%.o, $(filter %.c,$(LIBTDP_@SUFFIX@)))
LIBTDP_S_OBJ := $(patsubst %.S, $(OUTPUT)/%.o, $(filter %.S,$(LIBTDP_@SUFFIX@)))
LIBTDP_OBJS := $(LIBTDP_C_OBJ) $(LIBTDP_S_OBJ)
LIBTDP_PROGS := $(addprefix $(OUTPUT)/,$(TEST_TDP_@SUFFIX@) $(BENCH_TDP_@SUFFIX@))

ifneq ($(LIBTDP_C_OBJ),)
$(shell mkdir -p $(sort $(dir $(LIBTDP_OBJS))))

$(LIBTDP_OBJS) $(LIBTDP_PROGS:%=%.o): CFLAGS += -I$(top_srcdir)/arch/x86/kvm/tdp_walk
$(LIBTDP_C_OBJ): $(OUTPUT)/%.o: %.c
	$(CC) $(CFLAGS) $(CPPFLAGS) $(TARGET_ARCH) -c $< -o $@
$(LIBTDP_S_OBJ): $(OUTPUT)/%.o: %.S
	$(CC) $(CFLAGS) $(CPPFLAGS) $(TARGET_ARCH) -c $< -o $@

$(LIBTDP_PROGS): LIBKVM_OBJS += $(LIBTDP_OBJS)
$(LIBTDP_PROGS): LDFLAGS += $(LIBTDP_WRAP_@SUFFIX@:%=-Wl,--wrap=%)
$(LIBTDP_PROGS): $(LIBTDP_OBJS)

-include $(LIBTDP_OBJS:.o=.d)
EXTRA_CLEAN += $(LIBTDP_OBJS) $(LIBTDP_OBJS:.o=.d)
endif

