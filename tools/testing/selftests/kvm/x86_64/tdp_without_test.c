// SPDX-License-Identifier: GPL-2.0
/*
 * Without the TDP MMU there is nothing to walk, and a walk says so.
 *
 * No VM of a host that uses the TDP MMU is without it: the choice is made when
 * the vendor's module is loaded.  So on an emulated host, whose modules are in
 * /modules and in nobody else's use, this program loads that module again with
 * nested paging off, and once more as it was when the cases are through.  It
 * compares the parameters afterwards and fails if any is not as before, as all
 * later tests would then judge another host.  Anywhere else it leaves the
 * modules alone: a machine of somebody's own is not for a test to change.
 */
#include <fcntl.h>
#include <glob.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tdp_test.h"

#define TDP_MMU_PARAM	"/sys/module/kvm/parameters/tdp_mmu"
#define NPAGES		16

/* Modules of this kind, and the parameter that turns nested paging off. */
struct vendor {
	const char *name;
	const char *ko;
	const char *off;
};

static const struct vendor vendors[] = {
	{ "kvm_amd", "/modules/kvm-amd.ko", "npt=0" },
	{ "kvm_intel", "/modules/kvm-intel.ko", "ept=0" },
};

/* What every parameter of KVM's modules was. */
#define MAX_PARAMS	128

struct param {
	char path[96];
	char value[64];
};

static struct param params[MAX_PARAMS];
static size_t nr_params;

static void note_params(const char *module)
{
	char pattern[64];
	glob_t files;
	size_t i;

	snprintf(pattern, sizeof(pattern), "/sys/module/%s/parameters/*", module);
	TDP_ASSERT(!glob(pattern, 0, NULL, &files), "Nothing in %s", pattern);
	TDP_ASSERT(nr_params + files.gl_pathc <= MAX_PARAMS,
		   "More than %u parameters", MAX_PARAMS);

	for (i = 0; i < files.gl_pathc; i++, nr_params++) {
		snprintf(params[nr_params].path, sizeof(params[0].path), "%s",
			 files.gl_pathv[i]);
		snprintf(params[nr_params].value, sizeof(params[0].value), "%s",
			 tdp_read_line(files.gl_pathv[i]));
	}
	globfree(&files);
}

static bool param_changed(const struct param *p)
{
	return strncmp(tdp_read_line(p->path), p->value, sizeof(p->value) - 1);
}

/*
 * The options that bring changed parameters of a module back.  Those that are
 * as they were need none, and some of them show what they would not accept.
 */
static const char *restoring_options(const char *module)
{
	static char options[1024];
	size_t i, len = 0;

	options[0] = '\0';
	for (i = 0; i < nr_params; i++) {
		if (strstr(params[i].path, module) && param_changed(&params[i]))
			len += snprintf(options + len, sizeof(options) - len,
					"%s=%s ", strrchr(params[i].path, '/') + 1,
					params[i].value);
		TDP_ASSERT(len < sizeof(options), "Too many options");
	}
	return options;
}

static int count_changed_params(void)
{
	int nr = 0;
	size_t i;

	for (i = 0; i < nr_params; i++) {
		if (!param_changed(&params[i]))
			continue;
		printf("# %s was %s and is %s\n", params[i].path,
		       params[i].value, tdp_read_line(params[i].path));
		nr++;
	}
	return nr;
}

static const struct vendor *loaded_vendor(void)
{
	char path[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vendors); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s/refcnt",
			 vendors[i].name);
		if (!access(path, R_OK))
			return &vendors[i];
	}
	return NULL;
}

static const char *cannot_reload(const struct vendor *v)
{
	char path[64];

	if (!v)
		return "KVM uses the TDP MMU, and its vendor module is built in";
	if (access(v->ko, R_OK))
		return "KVM uses the TDP MMU, and its modules are not in /modules";

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", v->name);
	if (strcmp(tdp_read_line(path), "0"))
		return "KVM uses the TDP MMU, and is in use by others";
	return NULL;
}

static int load(const struct vendor *v, const char *options)
{
	int fd = open(v->ko, O_RDONLY | O_CLOEXEC);
	int r = 0;

	if (fd < 0 || syscall(SYS_finit_module, fd, options, 0)) {
		printf("# Loading %s with \"%s\": %s\n", v->name, options,
		       strerror(errno));
		r = -1;
	}
	if (fd >= 0)
		close(fd);
	return r;
}

static int reload(const struct vendor *v, const char *options)
{
	if (syscall(SYS_delete_module, v->name, O_NONBLOCK)) {
		printf("# Unloading %s: %s\n", v->name, strerror(errno));
		return -1;
	}
	return load(v, options);
}

FIXTURE(without) {
	struct tdp_vm t;
};

FIXTURE_SETUP(without)
{
	const struct tdp_mem mem = TDP_MEM_DEFAULT;

	ASSERT_STREQ(tdp_read_line(TDP_MMU_PARAM), "N");
	TDP_SETUP_SLOT(&self->t, &mem, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	tdp_vm_touch(&self->t);
}

FIXTURE_TEARDOWN(without)
{
	tdp_vm_free(&self->t);
}

/* Rules: walk.no-tdp-mmu */
TEST_F(without, no_root)
{
	const struct tdp_expect low = {
		.stride = PAGE_SIZE,
		.nr = 512,
		.ret = -EOPNOTSUPP,
	};
	const struct tdp_expect beyond = {
		.gpa = BIT_ULL(63),
		.nr = 1,
		.ret = -EOPNOTSUPP,
	};
	struct tdp_vm *t = &self->t;

	EXPECT_EQ(tdp_roots(t->vcpu).roots, 0);
	EXPECT_TDP_WALKS(t->vcpu, &low);
	EXPECT_TDP_WALKS(t->vcpu, &beyond);
}

/* Rules: walk.no-tdp-mmu */
TEST_F(without, shadow_root)
{
	const struct tdp_expect slot = {
		.gpa = TDP_GPA,
		.stride = PAGE_SIZE,
		.nr = NPAGES + 1,
		.ret = -EOPNOTSUPP,
	};
	struct tdp_vm *t = &self->t;

	guest_write_pages(t->vcpu, t->gpa, NPAGES, 1);
	EXPECT_EQ(tdp_roots(t->vcpu).roots & KVM_TDP_ROOT_TDP_MMU, 0);
	EXPECT_NE(tdp_roots(t->vcpu).roots & KVM_TDP_ROOT_DIRECT, 0);
	EXPECT_TDP_WALKS(t->vcpu, &slot);
	EXPECT_EQ(READ_ONCE(*(u64 *)(t->hva + 3 * PAGE_SIZE)), 4);
}

/* The harness does not return but exits. */
static int run_in_child(int argc, char **argv)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		exit(test_harness_run(argc, argv));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return KSFT_FAIL;
	return WEXITSTATUS(status);
}

static int run_reloaded(const struct vendor *v, int argc, char **argv)
{
	int r = KSFT_FAIL;

	note_params("kvm");
	note_params(v->name);

	if (!reload(v, v->off))
		r = run_in_child(argc, argv);

	/* A module that could not be loaded cannot be unloaded either. */
	if (loaded_vendor() ? reload(v, restoring_options(v->name)) : load(v, ""))
		return KSFT_FAIL;
	return count_changed_params() ? KSFT_FAIL : r;
}

int main(int argc, char **argv)
{
	const struct vendor *v = loaded_vendor();
	const char *why = NULL;
	bool is_on;

	if (argc == 2 && (!strcmp(argv[1], "-l") || !strcmp(argv[1], "-h")))
		return test_harness_run(argc, argv);

	is_on = tdp_read_line(TDP_MMU_PARAM)[0] != 'N';
	if (access(KVM_DEV_PATH, R_OK | W_OK) || __tdp_probe_open() < 0)
		why = "no " KVM_DEV_PATH ", or no " KVM_TDP_WALK_DEVICE;
	else if (is_on)
		why = cannot_reload(v);
	if (why) {
		ksft_print_header();
		ksft_exit_skip("%s\n", why);
	}

	return is_on ? run_reloaded(v, argc, argv) : test_harness_run(argc, argv);
}
