// SPDX-License-Identifier: GPL-2.0
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "tdp_random.h"

/* Seconds of the host after which an episode hangs. */
#define EPISODE_SECONDS		60

/* Operations that a vCPU is at work beside, between two quiet points. */
#define BESIDE			4

/* GPAs that a vCPU at work accesses. */
#define WORK_PAGES		96

/* A line on how far it is, in seconds: silence is taken for a hang. */
#define SOAK_NEWS_SECONDS	10

static struct {
	unsigned long long seed;
	unsigned int ops;
	unsigned int minutes;
	bool known;
} options;

static unsigned long long number(const char *text, unsigned long long other)
{
	return text && *text ? strtoull(text, NULL, 0) : other;
}

/*
 * A run that judges says the same of the same kernel each time.  One that is to
 * find something new begins elsewhere each time.
 */
#define DEFAULT_SEED		1

static unsigned long long fresh_seed(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec * 1000000000ULL + now.tv_nsec) % 1000000000;
}

void tdp_random_arguments(int *argc, char **argv)
{
	int from, to = 1;

	options.minutes = number(getenv("SOAK"), 0);
	options.seed = number(getenv("TDP_SEED"),
			      options.minutes ? fresh_seed() : DEFAULT_SEED);
	options.ops = number(getenv("TDP_OPS"), 0);
	options.known = number(getenv("TDP_KNOWN"), 0);

	for (from = 1; from < *argc; from++) {
		if (!strcmp(argv[from], "-s") && from + 1 < *argc)
			options.seed = number(argv[++from], 0);
		else if (!strcmp(argv[from], "-n") && from + 1 < *argc)
			options.ops = number(argv[++from], 0);
		else if (!strcmp(argv[from], "-k"))
			options.known = true;
		else
			argv[to++] = argv[from];
	}
	*argc = to;
	argv[to] = NULL;
}

unsigned int tdp_random_minutes(void)
{
	return options.minutes;
}

static void *work(void *arg)
{
	struct tdp_world *w = arg;

	while (!READ_ONCE(w->stop))
		w->vm->work(w, w->work.first +
			       tdp_random(&w->seed, w->work.nr),
			    tdp_random(&w->seed, 2));
	return NULL;
}

/*
 * Where the vCPU is at work: what is elsewhere must be as if there were no vCPU.
 * The first operation says where, so that it is the same in a shorter sequence.
 */
static void start_work(struct tdp_world *w, const struct tdp_op *first,
		       pthread_t *thread)
{
	unsigned int n = 37 * (first->first + first->nr) + 11 * first->kind;

	w->stop = false;
	w->work = (struct tdp_op) {
		.kind = w->vm->access ? TDP_OP_READ : TDP_OP_PREFAULT,
		.first = n % (TDP_MODEL_PAGES - WORK_PAGES),
		.nr = WORK_PAGES,
	};
	TDP_ASSERT(!pthread_create(thread, NULL, work, w),
		   "Cannot create a thread");
}

/* Operations beside a vCPU at work, as far as the next quiet point. */
static bool do_beside(struct tdp_world *w, const struct tdp_op *ops,
		      unsigned int nr)
{
	pthread_t thread;
	unsigned int i;
	bool ok = true;

	start_work(w, ops, &thread);
	for (i = 0; i < nr && ok; i++) {
		tdp_model_may_access(&w->model, w->work.first, w->work.nr);
		if (tdp_op_applies(&ops[i], &w->model))
			ok = tdp_world_do(w, &ops[i]);
		tdp_model_may_access(&w->model, w->work.first, w->work.nr);
	}
	WRITE_ONCE(w->stop, true);
	pthread_join(thread, NULL);
	return ok;
}

/* What may be mapped after work is mapped then, and the model knows it. */
static bool settle_work(struct tdp_world *w)
{
	if (!tdp_op_applies(&w->work, &w->model))
		return true;
	return tdp_world_do(w, &w->work) && tdp_world_check(w, &w->work);
}

static unsigned int nr_beside(const struct tdp_world *w,
			      const struct tdp_op *ops, unsigned int nr)
{
	unsigned int i;

	if (!w->test->concurrent)
		return 0;
	for (i = 0; i < nr && i < BESIDE && tdp_op_runs_beside(&ops[i]); i++)
		;
	return i;
}

/* From one quiet point to the next.  Return: false if anything is wrong. */
static bool do_some(struct tdp_world *w, const struct tdp_op *ops,
		    unsigned int nr, unsigned int *done)
{
	unsigned int beside = nr_beside(w, ops, nr);

	*done = beside + !beside;
	if (beside)
		return do_beside(w, ops, beside) &&
		       tdp_world_check(w, &ops[beside - 1]) && settle_work(w);
	if (tdp_op_applies(ops, &w->model) && !tdp_world_do(w, ops))
		return false;
	return tdp_world_check(w, ops);
}

/* An episode, in a process of its own, which ends with it. */
struct episode {
	const struct tdp_random_test *test;
	struct tdp_random_result *shared;
	unsigned long long seed;
	/* The operations if they are there, else what to make of the seed. */
	const struct tdp_op *ops;
	unsigned int nr;
	bool silent;
};

static void prepare_world(struct tdp_world *w, const struct episode *e,
			  unsigned long long *rng)
{
	static const struct tdp_op finalize = { .kind = TDP_OP_FINALIZE };

	w->test = e->test;
	w->vm = e->test->vm;
	w->shared = e->shared;
	*rng = e->seed;
	tdp_world_create(w, rng);
	if (!e->test->concurrent)
		return;
	tdp_probe_info();
	/* What vCPUs of a TD do, they do once it is final. */
	if (w->model.config.has_mirror)
		TDP_ASSERT(tdp_world_do(w, &finalize), "%s",
			   w->shared->msg.text);
	if (w->vm->access) {
		guest_idle(w->vcpus[0]);
		vcpu_regs_get(w->vcpus[0], &w->start);
		tdp_model_run(&w->model, 0);
	}
}

/*
 * Random operations are made for the state they find, which for operations
 * beside others is that at the last quiet point.
 */
static void make_ops(struct tdp_world *w, const struct episode *e,
		     unsigned int have, unsigned long long *rng)
{
	unsigned int i, nr = e->test->concurrent ? BESIDE : 1;

	for (i = have; i < have + nr && i < e->nr; i++)
		tdp_op_random(&w->shared->ops[i], &w->model, rng);
	w->shared->nr = i;
}

static bool play_episode(struct tdp_world *w, const struct episode *e,
			 unsigned long long *rng)
{
	unsigned int at = 0, done;
	bool ok = true;

	while (at < e->nr && ok) {
		if (!e->ops && at == w->shared->nr)
			make_ops(w, e, at, rng);
		ok = do_some(w, w->shared->ops + at, w->shared->nr - at, &done);
		at += done;
	}
	if (!ok)
		w->shared->nr = at;
	return ok;
}

static void __noreturn run_child(const struct episode *e)
{
	struct tdp_world *w = calloc(1, sizeof(*w));
	unsigned long long rng;
	bool ok;

	TDP_ASSERT(w, "No memory for an episode");
	if (e->silent && !freopen("/dev/null", "w", stderr))
		_exit(1);
	alarm(EPISODE_SECONDS);
	prepare_world(w, e, &rng);
	ok = play_episode(w, e, &rng);
	w->shared->failed = !ok;
	_exit(0);
}

/* A process that does not come to its end has failed at its last operation. */
static bool wait_child(const struct episode *e, pid_t pid)
{
	struct tdp_random_result *shared = e->shared;
	int status;

	TDP_ASSERT(waitpid(pid, &status, 0) == pid, "waitpid() failed: %s",
		   strerror(errno));
	if (!status)
		return !shared->failed;

	shared->failed = true;
	if (!shared->msg.text[0])
		snprintf(shared->msg.text, sizeof(shared->msg.text),
			 WIFSIGNALED(status) ?
			 "The episode was ended by signal %d" :
			 "The episode ended early, with status %d",
			 WIFSIGNALED(status) ? WTERMSIG(status) :
					       WEXITSTATUS(status));
	return false;
}

static bool run_episode(const struct episode *e)
{
	struct tdp_random_result *shared = e->shared;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	if (e->ops) {
		memcpy(shared->ops, e->ops, e->nr * sizeof(*e->ops));
		shared->nr = e->nr;
	}
	fflush(NULL);
	pid = fork();
	TDP_ASSERT(pid >= 0, "fork() failed: %s", strerror(errno));
	if (!pid)
		run_child(e);
	return wait_child(e, pid);
}

/* tdp_fails_fn */
static unsigned int replay_fails(const struct tdp_op *ops, unsigned int nr,
				 void *arg)
{
	struct episode e = *(struct episode *)arg;

	e.ops = ops;
	e.nr = nr;
	e.silent = true;
	return run_episode(&e) ? 0 : e.shared->nr;
}

static void add_tally(struct tdp_tally *sum, const struct tdp_tally *more)
{
	sum->ops += more->ops;
	sum->must += more->must;
	sum->must_not += more->must_not;
	sum->may += more->may;
	sum->levels += more->levels;
	sum->outside += more->outside;
}

static const char * const backing_names[] = {
	[TDP_SMALL] = "4K",
	[TDP_THP] = "THP",
	[TDP_HUGETLB] = "hugetlb",
};

static void print_failure(const struct episode *e,
			  const struct tdp_random_result *result)
{
	char text[160];
	unsigned int i;

	fprintf(stderr,
		"# %s\n# Seed %llu (-s %llu -n %u), %u operations fail, on memory of %s and %s pages:\n",
		result->msg.text, e->seed, e->seed, TDP_EPISODE, result->nr,
		backing_names[result->backing[0]],
		backing_names[result->backing[1]]);
	for (i = 0; i < result->nr; i++) {
		tdp_op_print(&result->ops[i], text, sizeof(text));
		fprintf(stderr, "#   %2u. %s\n", i + 1, text);
	}
}

static void shrink_failure(struct episode *e, struct tdp_random_result *result)
{
	unsigned int nr = e->shared->nr;

	result->failed = true;
	result->msg = e->shared->msg;
	memcpy(result->ops, e->shared->ops, sizeof(result->ops));
	result->nr = tdp_shrink(result->ops, nr, replay_fails, e,
				e->test->shrinks);
	/* Once more, for what is wrong with what is left. */
	if (e->test->shrinks && replay_fails(result->ops, result->nr, e))
		result->msg = e->shared->msg;
	memcpy(result->backing, e->shared->backing, sizeof(result->backing));
	if (!e->test->quiet)
		print_failure(e, result);
}

static u64 seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Controls are the same whatever is asked of the others. */
static u64 nr_ops(const struct tdp_random_test *test)
{
	if (test->quiet)
		return test->ops;
	return options.ops ? options.ops : tdp_repeat(test->ops);
}

static bool is_soak(const struct tdp_random_test *test)
{
	return options.minutes && !test->quiet;
}

/* Whether a case has done its share, be it of operations or of time. */
static bool is_enough(const struct tdp_random_test *test, u64 ops, u64 begin,
		      u64 *news)
{
	u64 now = seconds_now();

	if (!is_soak(test))
		return ops >= nr_ops(test);
	if (now >= *news + SOAK_NEWS_SECONDS) {
		*news = now;
		fprintf(stderr, "# %lu operations in %lu s\n", ops, now - begin);
	}
	return now >= begin + 60 * options.minutes;
}

static void print_tally(const struct tdp_tally *tally)
{
	u64 all = tally->must + tally->must_not + tally->may;

	fprintf(stderr,
		"# Seed %llu: %lu operations, %lu GPAs in slots: %.1f%% must be mapped (%.1f%% of them at one level), %.1f%% must not, %.1f%% may\n",
		options.seed, tally->ops, all, all ? 100. * tally->must / all : 0,
		tally->must ? 100. * tally->levels / tally->must : 0,
		all ? 100. * tally->must_not / all : 0,
		all ? 100. * tally->may / all : 0);
}

/*
 * Known to fail in KVM 7.3, against mmio.replaced, attr.private-pfn: when a page
 * of a KVM_X86_SW_PROTECTED_VM that was accessed without a slot becomes private
 * memory, the guest's access finds the stale MMIO SPTE, and its fault is taken for
 * a shared one (kvm_mmu_page_fault() looks at the attribute only where no
 * reserved bit is set).  KVM_RUN ends with KVM_EXIT_MEMORY_FAULT each time.
 */
static const struct tdp_op stale_mmio[] = {
	{ .kind = TDP_OP_PREFAULT, .first = 0, .nr = 1 },
	{ .kind = TDP_OP_PRIVATE, .first = 0, .nr = 1 },
	{ .kind = TDP_OP_CREATE, .first = 0, .nr = 1, .memory = 0, .file = 0 },
	{ .kind = TDP_OP_WRITE, .first = 0, .nr = 1 },
};

/* The model shall not stumble over it again and again, and says so. */
static bool has_stale_mmio(const struct tdp_random_test *test,
			   struct tdp_random_result *shared)
{
	struct tdp_random_test plain = { .vm = test->vm };
	const struct episode e = {
		.test = &plain,
		.shared = shared,
		.ops = stale_mmio,
		.nr = ARRAY_SIZE(stale_mmio),
	};

	if (!test->vm->config.has_private || test->vm->config.has_mirror ||
	    options.known || run_episode(&e))
		return false;
	if (!test->quiet)
		fprintf(stderr,
			"# Known failure, mmio.replaced: %s; guests leave private pages that were MMIO alone (-k: they do not)\n",
			shared->msg.text);
	return true;
}

bool tdp_random_run(const struct tdp_random_test *asked,
		    struct tdp_random_result *result)
{
	struct tdp_random_result *shared = mmap(NULL, sizeof(*shared),
						PROT_READ | PROT_WRITE,
						MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct tdp_random_test with = *asked, *test = &with;
	struct episode e = {
		.test = test,
		.shared = shared,
		.seed = asked->seed ? asked->seed : options.seed,
	};
	u64 begin = seconds_now(), news = begin;

	TDP_ASSERT(shared != MAP_FAILED, "mmap() failed: %s", strerror(errno));
	memset(result, 0, sizeof(*result));
	with.known = options.known;
	with.stale_mmio = has_stale_mmio(asked, shared);
	while (!result->failed &&
	       !is_enough(test, result->tally.ops, begin, &news)) {
		e.nr = TDP_EPISODE;
		if (!is_soak(test))
			e.nr = min_t(u64, e.nr, nr_ops(test) - result->tally.ops);
		if (run_episode(&e)) {
			add_tally(&result->tally, &shared->tally);
			e.seed++;
		} else {
			shrink_failure(&e, result);
		}
	}
	if (!test->quiet)
		print_tally(&result->tally);
	munmap(shared, sizeof(*shared));
	return !result->failed;
}

bool tdp_random_has(const struct tdp_random_result *result,
		    enum tdp_op_kind kind)
{
	unsigned int i;

	for (i = 0; i < result->nr; i++)
		if (result->ops[i].kind == kind)
			return true;
	return false;
}
