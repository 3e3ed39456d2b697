# SPDX-License-Identifier: GPL-2.0
#
# The two commands are `make run` and `make test`; `make help` lists the rest.

export KDIR KERNEL HOSTS TESTS INSTALLED OUT CACHE V JOBS KCONFIG CMDLINE SEED OPS SOAK RULE FILE MUTANTS SHARD VARIANT BASE OBJECTS

help:
	@sed -n 's/^#@ //p' $(MAKEFILE_LIST)

#@ make run      judge a kernel: build it and the tests, boot the hosts, give a verdict
#@ make test     the project's own tests, and `make run` among them
#@ make check    the linters and the consistency of rules and cases
#@ make mutants  break KVM in many ways, one at a time, and see that the tests notice
#@ make gate     what a git tree's HEAD, with uncommitted changes, does worse than BASE=
#@ make bundle   all that a machine without compiler and network needs to be judged
#@ make bench    how fast the probe walks
#@ make explain RULE=id
#@              a rule: its text and source, its cases, its mutants, its last results
#@ make verify-certificate FILE=out/certificate.json
#@              whether a real host's certificate is as it was issued
#@ make series   patches that add the tests, the probe and the walk helper to a kernel tree
#@ make test-series  the series on a fresh tree: each patch built, its tests run on all hosts
#@ make clean    remove out/; make distclean also what is cached for all clones
#@
#@ KDIR=path     the kernel tree to judge (default: Debian's source package)
#@ KERNEL=6.12   another of Debian's kernels than 7.3
#@ HOSTS="svm"   the hosts to run on; without it svm, svm-smp, tdx and tdx-smp
#@ TESTS="..."   the tests to run, by name (default: all)
#@ INSTALLED=dir run what `make kselftest-install` left there, not this collection
#@ V=1           show every command and its output
#@ CACHE=path    where downloads and kernel objects are kept (default: ~/.cache)
#@ OUT=path      where results go (default: out)
#@ MUTANTS=glob  the mutants to run, by name; SHARD=2/5 runs the second fifth of them;
#@               VARIANT=debug those that only this kernel shows
#@ BASE=revision the commit of KDIR that make gate compares with
#@ OBJECTS=path  where the kernel of the machine was built that make bundle is for
#@ VARIANT=debug a kernel with KASAN, UBSAN, lockdep and RCU checks; slow
#@ KCONFIG=file  more kernel options; CMDLINE="..." more kernel parameters
#@ SEED=n OPS=n  where random sequences begin, and their length; SOAK=minutes of each

run:
	@runner/run.sh

test:
	@runner/test.sh

check:
	@runner/check.sh

mutants:
	@runner/mutants.sh

gate:
	@runner/gate.sh

bundle:
	@runner/bundle.sh

bench:
	@runner/bench.sh

series:
	@runner/series.sh

test-series:
	@runner/series-lane.sh

explain:
	@python3 runner/explain.py --results "$${OUT:-out}/results.json" \
		--outcomes "$${OUT:-out}/mutants.json" -- "$$RULE"

verify-certificate:
	@python3 runner/certificate.py "$$FILE"

clean:
	rm -rf out

distclean: clean
	@runner/distclean.sh

.PHONY: help run test check mutants bench series test-series explain verify-certificate clean distclean gate bundle
