# SPDX-License-Identifier: GPL-2.0
"""Replay every saved log: the verdict, and exactly why."""

import tempfile
import unittest
from pathlib import Path

import replay

# What each saved log must bring: kind, test and case of every failure in
# order, and words of the first one.  An empty list is a pass.
TAINT = ("taint", "", "")
MAPPED = "page.default_vm.mapped"
HUGE = "page.sw_protected.huge"
LOST = ("cut", "good_test", MAPPED)

LOGS = {
    # Nothing wrong.
    "default": ([], ""),
    "good": ([], ""),
    "xfail": ([], ""),
    "benign": ([], ""),
    "garbage": ([], ""),
    "interleaved": ([], ""),
    "nested-plan": ([], ""),
    # The machine was lost.
    "panic": ([("panic", "panic_test", ""),
               ("cut", "panic_test", "global.panic")],
              "Kernel panic - not syncing: splat: no way on"),
    "hang": ([("silence", "hang_test", ""),
              ("cut", "hang_test", "global.hang")],
             "ended while hang_test ran, after 1 of 2 tests"),
    "silence": ([("silence", "good_test", ""), LOST], "no output for 60"),
    "limit": ([("limit", "good_test", ""), LOST], "not finished within 900"),
    "interrupted": ([("interrupted", "good_test", ""), LOST], "interrupted"),
    "emulator-crashed": ([("emulator", "good_test", ""), LOST],
                         "exit status 139"),
    "emulator-failed": ([("start", "", "")],
                        "did not start (exit status 1): qemu-system-x86_64: "
                        "unable to find CPU model"),
    # Bochs ends with a panic of its own, status 1: of a power-off, of a
    # triple fault with which the kernel's panic ends, or of its own making.
    "bochs-power-off": ([], ""),
    "bochs-after-panic": ([("panic", "panic_test", ""),
                           ("cut", "panic_test", "global.panic")],
                          "Kernel panic - not syncing: splat: no way on"),
    "bochs-triple-fault": ([("emulator", "good_test", ""), LOST],
                           "itself panicked: exception(): 3rd (13)"),
    "bochs-panic": ([("emulator", "good_test", ""), LOST],
                    "itself panicked: VMENTRY: CR4.LA57"),
    "bochs-panic-at-boot": ([("emulator", "", ""), ("boot", "", "")],
                            "itself panicked: SMM restore: CR4"),
    "bochs-power-off-early": ([("cut", "good_test", ""), LOST],
                              "the output ends while good_test ran"),
    "never-booted": ([("silence", "", ""), ("boot", "", "")],
                     "before the tests began"),
    "lost-host": ([("boot", "", "")], "never got as far"),
    "garbage-only": ([("boot", "", "")], "never got as far"),
    "cut-mid-line": ([("cut", "good_test", ""), LOST],
                     "in the middle of a line ('ok')"),
    "cut-between-tests": ([("cut", "", "")], "after 1 of 2 tests"),
    # The kernel complained, and every case passed.
    "warn": ([("splat", "warn_test", "")] * 2 + [TAINT],
             "WARNING: splat.c:13 at"),
    # A test had announced it; it must be that one, then, and once.
    "wanted-splat": ([], ""),
    "wanted-splat-missing": ([("wanted", "warn_test", ""), TAINT],
                             "'splat.c:13' was wanted and did not come"),
    "wanted-splat-twice": ([("splat", "warn_test", "")],
                           "WARNING: splat.c:13 at"),
    "wanted-splat-other": ([("splat", "warn_test", ""),
                            ("wanted", "warn_test", ""), TAINT],
                           "WARNING: splat.c:13 at"),
    "wanted-splat-open": ([("splat", "warn_test", ""),
                           ("wanted", "warn_test", ""), TAINT],
                          "WARNING: splat.c:13 at"),
    "wanted-splat-late": ([("splat", "warn_test", ""),
                           ("wanted", "warn_test", ""), TAINT],
                          "WARNING: splat.c:13 at"),
    "circular": ([("splat", "circular_test", "")],
                 "lockdep: WARNING: possible circular locking"),
    "rcu-usage": ([("splat", "rcu_test", "")] * 2, "suspicious RCU usage"),
    "rcu-stall": ([("splat", "stall_test", "")], "self-detected stall"),
    "hung": ([("splat", "hung_test", "")] * 2 + [TAINT],
             "task hung:77 blocked for more than 5 seconds"),
    "oops": ([("splat", "oops_test", ""), TAINT],
             "BUG: kernel NULL pointer dereference"),
    "gpf": ([("splat", "gp_test", ""), TAINT], "general protection fault"),
    "bug": ([("splat", "bug_test", ""), TAINT], "kernel BUG at splat.c:14!"),
    "atomic": ([("splat", "atomic_test", "")] * 5 + [TAINT],
               "scheduling while atomic"),
    "sleep-in-atomic": ([("splat", "might_test", "")] * 2 + [TAINT],
                        "sleeping function called from invalid context"),
    "taint-only": ([TAINT], "W: the kernel issued a warning"),
    "taint-missing": ([TAINT], "is not known"),
    "module-not-loaded": ([("module", "", ""), ("probe", "", "")],
                          "insmod kvm_tdp_walk failed"),
    # The kernel's log cannot be trusted.
    "serial-empty": ([("log", "good_test", "")], "was not all seen"),
    "serial-cut": ([("log", "hello_test", "")], "was not all seen"),
    # The host did not do what was asked for.
    "probe-missing": ([("probe", "", "")], "host probe: no"),
    "probe-unknown": ([("probe", "", "")], "host probe: missing"),
    "plan-missing-host": ([("plan", "", "")], "the host printed no plan"),
    "end-differs": ([("cut", "", "")], "planned 2 tests and counts 3"),
    "no-tests": ([("none-ran", "", ""), ("missing", "good_test", ""),
                  ("missing", "hello_test", "")], "planned no test"),
    "never-began": ([("missing", "huge_test", "")], "never began"),
    "not-requested": ([("input", "good_test", "")], "was not asked for"),
    "all-skipped": ([("none-ran", "", "")],
                    "no case ran on this host: Requirement not met"),
    # The machine itself lacks what the tests are about.
    "native-absent": ([("absent", "", "")], "every test was skipped on this "
                      "machine: neither kvm_intel nor kvm_amd is loaded"),
    # A test went wrong.
    "binary-missing": ([("missing", "nothere_test", "")], "is not there"),
    "timeout": ([("timeout", "slow_test", "global.slow")], "too long"),
    "wrong-exit": ([("crash", "hello_test", "")], "killed by signal 11"),
    "plan-missing-test": ([("plan", "good_test", "")], "printed no plan"),
    "no-plan-plain": ([("plan", "plain_test", "")], "printed no plan"),
    "fewer-results": ([("results", "good_test", "")] * 3,
                      "result number 2 was due"),
    "lost-result": ([("crash", "good_test", MAPPED)], "no result line"),
    "duplicate-number": ([("results", "good_test", "")] * 2,
                         "result number 2 was due, this came: ok 1"),
    "stray-result": ([("results", "good_test", "")], "while no case ran"),
    "whole-skip-no-reason": ([("reason", "skip_test", "")],
                             "without a reason"),
    # A case went wrong.
    "mapped": ([("case", "good_test", MAPPED)], "fail"),
    "mutant": ([("case", "tdp_huge_test", "shape.sw_protected_vm.levels")],
               "fail"),
    "not-ok": ([("case", "good_test", MAPPED)], "fail"),
    "interleaved-not-ok": ([("case", "good_test", MAPPED)], "fail"),
    "xpass": ([("xpass", "good_test", MAPPED)], "xpass"),
    "skip-without-reason": ([("reason", "good_test", HUGE)],
                            "without a reason"),
    "skip-empty-reason": ([("reason", "good_test", HUGE)],
                          "without a reason"),
    "eacces-skip": ([("case", "good_test", "page.sw_protected.mapped")],
                    "reported as a skip"),
    "mixed": ([("case", "bad_test", "page.sw_protected.level"),
               ("crash", "bad_test", "page.sw_protected.dies"),
               ("timeout", "bad_test", "page.sw_protected.sleeps"),
               ("reason", "bad_test", "page.sw_protected.noreason"),
               ("case", "bad_test", "page.sw_protected.eacces"),
               ("plan", "plain_test", ""),
               ("timeout", "slow_test", "global.slow"),
               ("missing", "nothere_test", "")], "fail"),
    # The runner's own files.
    "timed-short": ([("watch", "", "")], "differs from ktap.log in line 2"),
    "watch-empty": ([("watch", "", "")], "watch.json is empty"),
    "host-broken": ([("input", "", "")], "host.json is no JSON"),
}

# Runs that say nothing about the kernel under test.
UNKNOWN = {"emulator-failed", "interrupted", "native-absent"}

# Failures that a report must show the end of the kernel's log with.
WITH_LOG = {"panic", "silence", "limit", "emulator", "start", "boot", "cut", "missing",
            "plan", "probe", "splat", "log", "timeout"}


class SavedLogs(unittest.TestCase):
    """Every saved log brings its verdict for its reasons, and no others."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.out = Path(self.folder.name) / "out"

    def tearDown(self) -> None:
        self.folder.cleanup()

    def check(self, name: str) -> None:
        """Replay one log."""
        expected, words = LOGS[name]
        replay.lay_out(name, self.out)
        run = replay.replay(self.out)
        failures = run.all_failures()
        self.assertEqual([(failure.kind, failure.test, failure.case)
                          for failure in failures], expected)
        self.assertEqual(run.verdict, "could not judge" if name in UNKNOWN
                         else "fail" if expected else "pass")
        if failures:
            self.assertIn(words, failures[0].reason)
        for failure in failures:
            self.assertTrue(failure.advice.endswith("."), failure.kind)
            if failure.kind in WITH_LOG:
                self.assertTrue(failure.log, failure.reason)

    def test_none_forgotten(self) -> None:
        """Every folder of logs/ is replayed."""
        saved = {path.name for path in replay.LOGS.iterdir()}
        self.assertEqual(saved, set(LOGS))


def add(name: str) -> None:
    """One test for each log, so that a report names it."""
    def test(self: SavedLogs) -> None:
        self.check(name)
    test.__doc__ = f"The saved log {name}."
    setattr(SavedLogs, "test_" + name.replace("-", "_"), test)


for log_name in LOGS:
    add(log_name)


if __name__ == "__main__":
    unittest.main()
