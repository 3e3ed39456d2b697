// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input to the probe: each gets the errno that kvm_tdp_walk.h documents,
 * and harms nothing.  Beside each input that is refused stands the closest one
 * that is served, so that no refusal is for another reason than the meant one.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tdp_test.h"

#define NPAGES		8
#define MAX_COUNT	((u64)KVM_TDP_WALK_MAX_COUNT)

/* Every structure begins with the file descriptor. */
union request {
	__s32 fd;
	struct kvm_tdp_roots roots;
	struct kvm_tdp_walk walk;
	struct kvm_tdp_gmem gmem;
	u8 bytes[sizeof(struct kvm_tdp_walk)];
};

/* Return: 0 or the negative errno. */
static int probe(unsigned long cmd, void *arg)
{
	return ioctl(__tdp_probe_open(), cmd, arg) ? -errno : 0;
}

/*
 * What kvm_tdp_walk.h says about an ioctl, written down a second time: where
 * the flags are, which ones exist, and what must be zero.
 */
struct kind {
	unsigned long cmd;
	struct tdp_mem mem;
	u32 method;
	size_t size;
	size_t flags;
	u32 known_flags;
	size_t reserved32;
	size_t reserved;
};

struct client {
	const struct kind *kind;
	struct tdp_vm t;
	/* A request that is served, and what the latest one sent became. */
	union request good, done;
	/* Where the good request's answers go. */
	u64 answer[NPAGES][3];
	/* What the good request became and was answered at first. */
	union request want_done;
	u64 want[NPAGES][3];
};

static const struct kind helper_kind = {
	.cmd = KVM_TDP_WALK,
	.mem = TDP_MEM_DEFAULT,
	.method = KVM_TDP_WALK_HELPER,
	.size = sizeof(struct kvm_tdp_walk),
	.flags = offsetof(struct kvm_tdp_walk, flags),
	.known_flags = KVM_TDP_WALK_PRIVATE,
	.reserved32 = offsetof(struct kvm_tdp_walk, reserved32),
	.reserved = offsetof(struct kvm_tdp_walk, reserved),
};

static const struct kind table_kind = {
	.cmd = KVM_TDP_WALK,
	.mem = TDP_MEM_DEFAULT,
	.method = KVM_TDP_WALK_TABLE,
	.size = sizeof(struct kvm_tdp_walk),
	.flags = offsetof(struct kvm_tdp_walk, flags),
	.known_flags = KVM_TDP_WALK_PRIVATE,
	.reserved32 = offsetof(struct kvm_tdp_walk, reserved32),
	.reserved = offsetof(struct kvm_tdp_walk, reserved),
};

static const struct kind roots_kind = {
	.cmd = KVM_TDP_ROOTS,
	.mem = TDP_MEM_DEFAULT,
	.size = sizeof(struct kvm_tdp_roots),
	.flags = offsetof(struct kvm_tdp_roots, flags),
	.reserved32 = offsetof(struct kvm_tdp_roots, reserved32),
	.reserved = offsetof(struct kvm_tdp_roots, reserved),
};

static const struct kind gmem_kind = {
	.cmd = KVM_TDP_GMEM,
	.mem = TDP_MEM_SW_PROTECTED_PRIVATE,
	.size = sizeof(struct kvm_tdp_gmem),
	.flags = offsetof(struct kvm_tdp_gmem, flags),
	.reserved = offsetof(struct kvm_tdp_gmem, reserved),
};

static bool is_walk(const struct client *c)
{
	return c->kind->cmd == KVM_TDP_WALK;
}

/* The kinds that have a count of elements, and an array for the answers. */
static bool has_array(const struct client *c)
{
	return c->kind->cmd != KVM_TDP_ROOTS;
}

static size_t element_size(const struct client *c)
{
	return is_walk(c) ? sizeof(struct kvm_tdp_walk_entry) : sizeof(u64);
}

static __u64 *request_count(struct client *c, union request *r)
{
	return is_walk(c) ? &r->walk.count : &r->gmem.count;
}

static __u64 *request_array(struct client *c, union request *r)
{
	return is_walk(c) ? &r->walk.entries : &r->gmem.pfns;
}

static void fill_good(struct client *c)
{
	union request *r = &c->good;

	r->fd = c->t.vcpu->fd;
	if (!has_array(c))
		return;

	*request_count(c, r) = NPAGES;
	*request_array(c, r) = (uintptr_t)c->answer;
	if (is_walk(c)) {
		r->walk.method = c->kind->method;
		r->walk.gpa = c->t.gpa;
		r->walk.stride = PAGE_SIZE;
	} else {
		r->fd = c->t.gmem_fd;
	}
}

/* Return: 0 or the negative errno; what a request returns in place is kept. */
static int ask(struct client *c, const union request *r)
{
	c->done = *r;
	return probe(c->kind->cmd, &c->done);
}

/* The good request gets the answer that it got in the beginning. */
static bool still_served(struct client *c)
{
	memset(c->answer, 0x5a, sizeof(c->answer));
	return !ask(c, &c->good) &&
	       !memcmp(&c->done, &c->want_done, sizeof(c->done)) &&
	       !memcmp(c->answer, c->want, sizeof(c->want));
}

/* Each answer says something: a request served with nothing shows nothing. */
static bool answer_is_real(struct client *c)
{
	const struct kvm_tdp_walk_entry *entries = (void *)c->answer;
	const u64 *pfns = (void *)c->answer;
	int i;

	if (!has_array(c))
		return c->done.roots.roots ==
		       (KVM_TDP_ROOT_DIRECT | KVM_TDP_ROOT_TDP_MMU);

	for (i = 0; i < NPAGES; i++) {
		if (is_walk(c) && entries[i].ret != PG_LEVEL_4K)
			return false;
		if ((is_walk(c) ? entries[i].pfn : pfns[i]) == TDP_NO_PFN)
			return false;
	}

	return true;
}

/* Return: one sentence without a full stop, or NULL if client_create() works. */
static const char *client_lacks(const struct kind *kind)
{
	if (kind->cmd == KVM_TDP_WALK && !tdp_has_method(kind->method))
		return "this kernel has no kvm_tdp_mmu_gpa_to_pfn()";
	return tdp_mem_lacks(&kind->mem);
}

/* A VM with a populated slot, and a request about it that is served. */
static void client_create(struct client *c, const struct kind *kind)
{
	c->kind = kind;
	tdp_vm_create(&c->t, &kind->mem);
	tdp_vm_add_slot(&c->t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	tdp_vm_touch(&c->t);
	tdp_prefault(c->t.vcpu, TDP_GPA, NPAGES * PAGE_SIZE);

	fill_good(c);
	memset(c->answer, 0x5a, sizeof(c->answer));
	TDP_ASSERT(!ask(c, &c->good), "The good request is refused: %s",
		   strerror(errno));
	TDP_ASSERT(answer_is_real(c), "The good request gets an empty answer");
	c->want_done = c->done;
	memcpy(c->want, c->answer, sizeof(c->want));
}

static bool check_served(struct client *c, const union request *good,
			 const char *what, u64 value, struct tdp_msg *msg)
{
	int r = ask(c, good);

	snprintf(msg->text, sizeof(msg->text),
		 "Wanted %s 0x%lx to be served, got %d", what, value, r);
	return !r;
}

/* Refused with @err, and the good request is served as before. */
static bool check_refused(struct client *c, const union request *bad, int err,
			  const char *what, u64 value, struct tdp_msg *msg)
{
	int r = ask(c, bad);
	bool served = still_served(c);

	snprintf(msg->text, sizeof(msg->text),
		 "Wanted %s 0x%lx to be refused with %d, got %d%s", what, value,
		 -err, r, served ? "" : "; what is served has changed");
	return r == -err && served;
}

/* client, request, what is special about it and its value */
#define EXPECT_SERVED(...)	__TDP_JUDGE(0, check_served, __VA_ARGS__)

/* client, request, errno, what is wrong with the request and its value */
#define EXPECT_REFUSED(...)	__TDP_JUDGE(0, check_refused, __VA_ARGS__)

/* Every ioctl that takes a file descriptor. */
FIXTURE(request) {
	struct client c;
};

FIXTURE_VARIANT(request) {
	const struct kind *kind;
};

FIXTURE_VARIANT_ADD(request, helper) { .kind = &helper_kind };
FIXTURE_VARIANT_ADD(request, table) { .kind = &table_kind };
FIXTURE_VARIANT_ADD(request, roots) { .kind = &roots_kind };
FIXTURE_VARIANT_ADD(request, gmem) { .kind = &gmem_kind };

FIXTURE_SETUP(request)
{
	TDP_REQUIRE_NOT(client_lacks(variant->kind));
	client_create(&self->c, variant->kind);
}

FIXTURE_TEARDOWN(request)
{
	tdp_vm_free(&self->c.t);
}

/* Those that fill an array. */
FIXTURE(array) {
	struct client c;
};

FIXTURE_VARIANT(array) {
	const struct kind *kind;
};

FIXTURE_VARIANT_ADD(array, helper) { .kind = &helper_kind };
FIXTURE_VARIANT_ADD(array, table) { .kind = &table_kind };
FIXTURE_VARIANT_ADD(array, gmem) { .kind = &gmem_kind };

FIXTURE_SETUP(array)
{
	TDP_REQUIRE_NOT(client_lacks(variant->kind));
	client_create(&self->c, variant->kind);
}

FIXTURE_TEARDOWN(array)
{
	tdp_vm_free(&self->c.t);
}

/* Those that walk. */
FIXTURE(walk) {
	struct client c;
};

FIXTURE_VARIANT(walk) {
	const struct kind *kind;
};

FIXTURE_VARIANT_ADD(walk, helper) { .kind = &helper_kind };
FIXTURE_VARIANT_ADD(walk, table) { .kind = &table_kind };

FIXTURE_SETUP(walk)
{
	TDP_REQUIRE_NOT(client_lacks(variant->kind));
	client_create(&self->c, variant->kind);
}

FIXTURE_TEARDOWN(walk)
{
	tdp_vm_free(&self->c.t);
}

/* The one about guest_memfd. */
FIXTURE(gmem) {
	struct client c;
};

FIXTURE_SETUP(gmem)
{
	TDP_REQUIRE_NOT(client_lacks(&gmem_kind));
	client_create(&self->c, &gmem_kind);
}

FIXTURE_TEARDOWN(gmem)
{
	tdp_vm_free(&self->c.t);
}

/* Rules: probe.input */
TEST_F(request, flags)
{
	struct client *c = &self->c;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		union request r = c->good;
		u32 flags = 1U << bit;

		memcpy(r.bytes + c->kind->flags, &flags, sizeof(flags));
		if (flags & c->kind->known_flags) {
			EXPECT_SERVED(c, &r, "flag", flags);
			continue;
		}
		EXPECT_REFUSED(c, &r, EINVAL, "flag", flags);
	}
}

/* Rules: probe.input */
TEST_F(request, reserved)
{
	struct client *c = &self->c;
	size_t i;
	int bit;

	for (i = 0; i < c->kind->size; i++) {
		bool in32 = c->kind->reserved32 &&
			    i - c->kind->reserved32 < sizeof(u32);

		if (!in32 && i < c->kind->reserved)
			continue;

		for (bit = 0; bit < 8; bit++) {
			union request r = c->good;

			r.bytes[i] = 1 << bit;
			EXPECT_REFUSED(c, &r, EINVAL, "reserved byte", i);
		}
	}
}

/* Rules: probe.input */
TEST_F(request, not_open)
{
	struct client *c = &self->c;
	union request r = c->good;
	int closed = dup(c->good.fd);
	int path = open("/", O_PATH);
	int fds[] = { -1, INT_MIN, INT_MAX, closed, path };
	unsigned int i;

	ASSERT_LE(0, closed);
	ASSERT_LE(0, path);
	r.fd = closed;
	EXPECT_SERVED(c, &r, "a duplicate, file descriptor", closed);
	close(closed);

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		r.fd = fds[i];
		EXPECT_REFUSED(c, &r, EBADF, "file descriptor", fds[i]);
	}

	close(path);
}

struct wrong_file {
	const char *what;
	int fd;
};

/* A regular file whose name is that of a vCPU's file. */
static int open_impostor(void)
{
	char dir[] = "/tmp/probe_input.XXXXXX";
	char path[64];
	int fd;

	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/kvm-vcpu:0", dir);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	unlink(path);
	rmdir(dir);
	return fd;
}

static int open_pipe(void)
{
	int fds[2];

	if (pipe(fds))
		return -1;
	close(fds[1]);
	return fds[0];
}

/* Rules: probe.input */
TEST_F(request, wrong_file)
{
	struct client *c = &self->c;
	bool wants_gmem = c->kind->cmd == KVM_TDP_GMEM;
	struct wrong_file files[] = {
		{ "a socket", socket(AF_NETLINK, SOCK_RAW, 0) },
		{ "a pipe", open_pipe() },
		{ "an eventfd", eventfd(0, 0) },
		{ "an epoll instance", epoll_create1(0) },
		{ "a memfd named like a vCPU", memfd_create("kvm-vcpu:0", 0) },
		{ "a file named like a vCPU", open_impostor() },
		{ "a directory", open("/", O_RDONLY | O_DIRECTORY) },
		{ "/dev/null", open("/dev/null", O_RDWR) },
		{ "/dev/kvm", open_kvm_dev_path_or_exit() },
		{ "the probe", dup(__tdp_probe_open()) },
		{ "a VM", dup(c->t.vm->fd) },
		{ "a VM's statistics", vm_get_stats_fd(c->t.vm) },
		{ "a vCPU's statistics", vcpu_get_stats_fd(c->t.vcpu) },
		{ wants_gmem ? "a vCPU" : "a guest_memfd", wants_gmem ?
		  dup(c->t.vcpu->fd) :
		  vm_create_guest_memfd(c->t.vm, PAGE_SIZE, 0) },
	};
	union request r = c->good;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		ASSERT_LE(0, files[i].fd)
			TH_LOG("Cannot open %s: %s", files[i].what, strerror(errno));
		r.fd = files[i].fd;
		EXPECT_REFUSED(c, &r, EINVAL, files[i].what, files[i].fd);
		close(files[i].fd);
	}
}

/* Rules: probe.input */
TEST_F(array, count)
{
	static const u64 too_many[] = {
		MAX_COUNT + 1, BIT_ULL(31), BIT_ULL(32), BIT_ULL(32) + 1,
		BIT_ULL(61), BIT_ULL(63), -1ULL,
	};
	struct client *c = &self->c;
	union request r = c->good;
	unsigned int i;
	void *array = calloc(MAX_COUNT, element_size(c));

	ASSERT_NE(NULL, array);
	*request_array(c, &r) = (uintptr_t)array;

	*request_count(c, &r) = 0;
	EXPECT_REFUSED(c, &r, EINVAL, "count", 0);
	*request_count(c, &r) = 1;
	EXPECT_SERVED(c, &r, "count", 1);
	*request_count(c, &r) = MAX_COUNT;
	EXPECT_SERVED(c, &r, "count", MAX_COUNT);

	/* Else the size of the range could be the reason. */
	if (is_walk(c))
		r.walk.stride = 0;
	for (i = 0; i < ARRAY_SIZE(too_many); i++) {
		*request_count(c, &r) = too_many[i];
		EXPECT_REFUSED(c, &r, E2BIG, "count", too_many[i]);
	}

	free(array);
}

/* Ranges whose last byte is that of the address space, and one step more. */
static const struct {
	u64 gpa, stride, count;
} last_ranges[] = {
	{ -1ULL, 1, 1 },
	{ -2ULL, 1, 2 },
	{ -(u64)NPAGES * PAGE_SIZE, PAGE_SIZE, NPAGES },
	{ 0, -1ULL, 2 },
	{ BIT_ULL(63) - 1, BIT_ULL(63), 2 },
	{ 3, (-1ULL - 3) / 4, 5 },
};

/* Rules: probe.input */
TEST_F(walk, range)
{
	struct client *c = &self->c;
	union request r = c->good;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(last_ranges); i++) {
		r.walk.gpa = last_ranges[i].gpa;
		r.walk.stride = last_ranges[i].stride;
		r.walk.count = last_ranges[i].count;
		EXPECT_SERVED(c, &r, "range", i);

		r.walk.count++;
		EXPECT_REFUSED(c, &r, EINVAL, "one more in range", i);
	}

	/* The product wraps to a small number. */
	r.walk = (struct kvm_tdp_walk) {
		.vcpu_fd = c->good.fd, .method = c->kind->method, .count = 3,
		.entries = c->good.walk.entries, .stride = BIT_ULL(63),
	};
	EXPECT_REFUSED(c, &r, EINVAL, "twice a stride of", BIT_ULL(63));
	r.walk.count = 2;
	EXPECT_SERVED(c, &r, "once a stride of", BIT_ULL(63));

	/* The last GPA again and again goes nowhere. */
	r.walk.gpa = -1ULL;
	r.walk.stride = 0;
	EXPECT_SERVED(c, &r, "no stride from", r.walk.gpa);
}

/* Rules: probe.input */
TEST_F(gmem, range)
{
	struct client *c = &self->c;
	union request r = c->good;
	int bit;

	for (bit = 0; bit < PAGE_SHIFT; bit++) {
		r.gmem.offset = BIT_ULL(bit);
		EXPECT_REFUSED(c, &r, EINVAL, "offset", BIT_ULL(bit));
	}
	r.gmem.offset = PAGE_SIZE;
	EXPECT_SERVED(c, &r, "offset", PAGE_SIZE);

	/* The end of the file is no limit: behind it there are only holes. */
	r.gmem.offset = -(u64)NPAGES * PAGE_SIZE;
	EXPECT_SERVED(c, &r, "offset", r.gmem.offset);
	EXPECT_EQ(TDP_NO_PFN, c->answer[0][0]);
	r.gmem.count++;
	EXPECT_REFUSED(c, &r, EINVAL, "one page more at offset", r.gmem.offset);
}

/* How memory that cannot be written comes about. */
static void make_none(void *page)
{
	mprotect(page, PAGE_SIZE, PROT_NONE);
}

static void make_read_only(void *page)
{
	mprotect(page, PAGE_SIZE, PROT_READ);
}

static void make_unmapped(void *page)
{
	munmap(page, PAGE_SIZE);
}

static const struct {
	const char *what;
	void (*make)(void *page);
	bool readable;
} bad_pages[] = {
	{ "memory beside a PROT_NONE page", make_none, false },
	{ "memory beside a read-only page", make_read_only, true },
	{ "memory beside an unmapped page", make_unmapped, false },
};

/* Addresses that no process can write to. */
static const u64 bad_addresses[] = {
	0,			/* NULL */
	BIT_ULL(47) - 8,	/* ends past the user half */
	BIT_ULL(63),		/* not canonical */
	0xffff888000000000,	/* the kernel's */
	-8ULL,			/* wraps */
};

/* Return: the second of two pages, with the first one writable. */
static void *map_two_pages(void)
{
	void *pages = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pages == MAP_FAILED ? NULL : pages + PAGE_SIZE;
}

/* Rules: probe.input */
TEST_F(array, faults)
{
	struct client *c = &self->c;
	union request r = c->good;
	size_t size = element_size(c);
	unsigned int i;
	void *second;

	for (i = 0; i < ARRAY_SIZE(bad_addresses); i++) {
		*request_array(c, &r) = bad_addresses[i];
		EXPECT_REFUSED(c, &r, EFAULT, "array at", bad_addresses[i]);
	}

	for (i = 0; i < ARRAY_SIZE(bad_pages); i++) {
		second = map_two_pages();
		ASSERT_NE(NULL, second);
		bad_pages[i].make(second);

		*request_array(c, &r) = (uintptr_t)second - NPAGES * size;
		EXPECT_SERVED(c, &r, bad_pages[i].what, *request_array(c, &r));
		*request_array(c, &r) += size / 2;
		EXPECT_REFUSED(c, &r, EFAULT, bad_pages[i].what, *request_array(c, &r));
		*request_array(c, &r) += size;
		EXPECT_REFUSED(c, &r, EFAULT, bad_pages[i].what, *request_array(c, &r));
		munmap(second - PAGE_SIZE, 2 * PAGE_SIZE);
	}
}

/* Rules: probe.input */
TEST_F(request, argument_faults)
{
	struct client *c = &self->c;
	bool writes = c->kind->cmd == KVM_TDP_ROOTS;
	unsigned int i;
	void *second;

	for (i = 0; i < ARRAY_SIZE(bad_addresses); i++)
		EXPECT_EQ(-EFAULT, probe(c->kind->cmd, (void *)bad_addresses[i]));

	for (i = 0; i < ARRAY_SIZE(bad_pages); i++) {
		bool served = bad_pages[i].readable && !writes;

		second = map_two_pages();
		ASSERT_NE(NULL, second);
		memcpy(second - 8, &c->good, c->kind->size);
		bad_pages[i].make(second);
		EXPECT_EQ(served ? 0 : -EFAULT, probe(c->kind->cmd, second - 8))
			TH_LOG("argument half in, %s", bad_pages[i].what);

		memcpy(second - c->kind->size, &c->good, c->kind->size);
		EXPECT_EQ(0, probe(c->kind->cmd, second - c->kind->size))
			TH_LOG("argument up to, %s", bad_pages[i].what);
		munmap(second - PAGE_SIZE, 2 * PAGE_SIZE);
	}
}

/* Rules: probe.input */
TEST_F(walk, unknown_method)
{
	struct client *c = &self->c;
	union request r = c->good;
	int bit;

	r.walk.method = KVM_TDP_WALK_NR_METHODS;
	EXPECT_REFUSED(c, &r, EINVAL, "method", KVM_TDP_WALK_NR_METHODS);
	for (bit = 1; bit < 32; bit++) {
		r.walk.method = c->kind->method | 1U << bit;
		EXPECT_REFUSED(c, &r, EINVAL, "method", r.walk.method);
	}
}

/* Rules: probe.input */
TEST(unknown_ioctl)
{
	static const unsigned long known[] = {
		KVM_TDP_WALK_INFO, KVM_TDP_ROOTS, KVM_TDP_WALK, KVM_TDP_GMEM,
	};
	struct kvm_tdp_walk_info info;
	char arg[256] = {};
	unsigned int i;

	for (i = ARRAY_SIZE(known); i < 256; i++) {
		EXPECT_EQ(-ENOTTY, probe(_IO(0xB7, i), arg));
		EXPECT_EQ(-ENOTTY, probe(_IOWR(0xB7, i, arg), arg));
	}

	/* Another size, direction or type of the known ones. */
	for (i = 0; i < ARRAY_SIZE(known); i++) {
		EXPECT_EQ(-ENOTTY, probe(known[i] ^ (8UL << _IOC_SIZESHIFT), arg));
		EXPECT_EQ(-ENOTTY, probe(known[i] & ~IOCSIZE_MASK, arg));
		EXPECT_EQ(-ENOTTY, probe(_IO(0xB7, i), arg));
		EXPECT_EQ(-ENOTTY, probe(known[i] ^ (1UL << _IOC_TYPESHIFT), arg));
	}
	EXPECT_EQ(-ENOTTY, probe(KVM_CREATE_VM, NULL));

	EXPECT_EQ(0, probe(KVM_TDP_WALK_INFO, &info));
}

/* Rules: probe.input */
TEST(info)
{
	const u32 all = BIT(KVM_TDP_WALK_NR_METHODS) - 1;
	struct kvm_tdp_walk_info info;
	void *second = map_two_pages();
	unsigned int i;

	memset(&info, 0x5a, sizeof(info));
	ASSERT_EQ(0, probe(KVM_TDP_WALK_INFO, &info));
	EXPECT_EQ(KVM_TDP_WALK_ABI, info.abi);
	EXPECT_EQ(MAX_COUNT, info.max_count);
	EXPECT_EQ(0, info.methods & ~all);
	EXPECT_NE(0, info.methods & BIT(KVM_TDP_WALK_TABLE));
	EXPECT_EQ(0, info.reserved[0] | info.reserved[1]);

	for (i = 0; i < ARRAY_SIZE(bad_addresses); i++)
		EXPECT_EQ(-EFAULT, probe(KVM_TDP_WALK_INFO, (void *)bad_addresses[i]));

	ASSERT_NE(NULL, second);
	make_none(second);
	EXPECT_EQ(-EFAULT, probe(KVM_TDP_WALK_INFO, second - sizeof(info) + 1));
	EXPECT_EQ(0, probe(KVM_TDP_WALK_INFO, second - sizeof(info)));
}

/* Rules: probe.input */
TEST(helper_is_optional)
{
	struct kvm_tdp_walk_entry entry;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	int want;

	TDP_REQUIRE(!access("/proc/kallsyms", R_OK),
		    "this kernel does not list its symbols");
	want = tdp_kernel_has("kvm_tdp_mmu_gpa_to_pfn") ? 0 : -EOPNOTSUPP;
	EXPECT_EQ(!want, tdp_has_method(KVM_TDP_WALK_HELPER));

	vm = vm_create_barebones();
	vcpu = __vm_vcpu_add(vm, 0);
	EXPECT_EQ(want, __tdp_walk(vcpu, KVM_TDP_WALK_HELPER, false, 0, &entry));
	EXPECT_EQ(0, __tdp_walk(vcpu, KVM_TDP_WALK_TABLE, false, 0, &entry));
	kvm_vm_free(vm);
}

/* Return: 0, or the errno of opening the probe as user @uid. */
static int open_as(uid_t uid)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		if (uid && (setgid(uid) || setuid(uid)))
			_exit(255);
		_exit(open(KVM_TDP_WALK_DEVICE, O_RDONLY) < 0 ? errno : 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Rules: probe.input */
TEST(root_only)
{
	struct stat st;

	ASSERT_EQ(0, stat(KVM_TDP_WALK_DEVICE, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0600, st.st_mode & 07777);
	EXPECT_EQ(0, st.st_uid);

	TDP_REQUIRE(!geteuid(), "only root can become another user");
	EXPECT_EQ(0, open_as(0));
	EXPECT_EQ(EACCES, open_as(65534));
}

TDP_HARNESS_MAIN
