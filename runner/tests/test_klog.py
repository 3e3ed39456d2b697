# SPDX-License-Identifier: GPL-2.0
"""What counts as a complaint of the kernel, and what does not."""

import unittest

import replay  # noqa: F401  pylint: disable=unused-import
import klog

COMPLAINTS = [
    ("panic", "Kernel panic - not syncing: Fatal exception"),
    ("panic", "PANIC: double fault, error_code: 0x0"),
    ("panic", "PANIC: early exception 0x0e IP 10:ffffffff81 error 0 cr2 0x0"),
    ("panic", "half a liKernel panic - not syncing: VFS: Unable to mount"),
    ("WARNING", "WARNING: arch/x86/kvm/mmu/tdp_mmu.c:842 at "
                "kvm_tdp_mmu_zap_leafs+0x1/0x2 [kvm], CPU#1: walk_test/93"),
    ("WARNING", "WARNING: CPU: 1 PID: 93 at arch/x86/kvm/mmu/tdp_iter.c:15 "
                "tdp_iter_start+0x1/0x2 [kvm]"),
    ("WARNING", "WARNING: at f+0x1/0x2, CPU#1: walk_test/93"),
    ("splat", "------------[ cut here ]------------"),
    ("splat", "half a li------------[ cut here ]------------"),
    ("splat", "Call Trace:"),
    ("BUG", "kernel BUG at arch/x86/kvm/mmu/mmu.c:123!"),
    ("BUG", "BUG: Bad page state in process walk_test  pfn:12345"),
    ("BUG", "BUG: spinlock bad magic on CPU#0, walk_test/93"),
    ("BUG", "BUG: workqueue lockup - pool cpus=0 node=0 stuck for 31s!"),
    ("BUG", "BUG: using smp_processor_id() in preemptible [00000000] code: x"),
    ("BUG", "BUG: MAX_LOCKDEP_CHAINS too low!"),
    ("bad memory access",
     "BUG: unable to handle page fault for address: ffffffffa02c4100"),
    ("bad memory access",
     "BUG: kernel NULL pointer dereference, address: 0000000000000010"),
    ("bad memory access",
     "unable to handle kernel paging request at ffff888"),
    ("Oops", "Oops: Oops: 0002 [#1] SMP"),
    ("Oops", "Oops: 0000 [#1] PREEMPT SMP NOPTI"),
    ("Oops", "invalid opcode: 0000 [#1] SMP"),
    ("Oops", "divide error: 0000 [#1] PREEMPT SMP"),
    ("general protection fault",
     "Oops: general protection fault, probably for non-canonical address "
     "0x8000123412341234: 0000 [#1] SMP"),
    ("general protection fault", "general protection fault: 0000 [#1] SMP"),
    ("lockdep", "WARNING: possible circular locking dependency detected"),
    ("lockdep", "WARNING: possible recursive locking detected"),
    ("lockdep", "WARNING: possible irq lock inversion dependency detected"),
    ("lockdep", "WARNING: inconsistent lock state"),
    ("lockdep", "WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected"),
    ("lockdep", "WARNING: bad unlock balance detected!"),
    ("lockdep", "WARNING: bad contention detected!"),
    ("lockdep", "WARNING: held lock freed!"),
    ("lockdep", "WARNING: lock held when returning to user space!"),
    ("lockdep", "WARNING: walk_test/93 still has locks held!"),
    ("lockdep", "WARNING: Nested lock was not taken"),
    ("lockdep", "[ BUG: Invalid wait context ]"),
    ("lockdep", "INFO: trying to register non-static key."),
    ("lockdep", "INFO: lockdep is turned off."),
    ("RCU usage", "WARNING: suspicious RCU usage"),
    ("RCU stall", "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:"),
    ("RCU stall", "rcu: INFO: rcu_sched self-detected stall on CPU"),
    ("RCU stall", "rcu: INFO: rcu_preempt detected expedited stalls on "
                  "CPUs/tasks: {"),
    ("RCU stall", "INFO: rcu_tasks detected stalls on tasks:"),
    ("RCU stall", "rcu: rcu_preempt kthread starved for 5252 jiffies! g9"),
    ("RCU stall", "rcu: rcu_preempt kthread timer wakeup didn't happen for "
                  "5252 jiffies! g9"),
    ("sleep in atomic context",
     "BUG: sleeping function called from invalid context at mm/slab.h:401"),
    ("schedule in atomic context",
     "BUG: scheduling while atomic: insmod/76/0x00000002"),
    ("hung task", "INFO: task walk_test:93 blocked for more than 120 "
                  "seconds."),
    ("hung task", "INFO: task walk_test:93 blocked in I/O wait for more than "
                  "120 seconds."),
    ("soft lockup", "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [w:9]"),
    ("hard lockup", "watchdog: CPU1: Watchdog detected hard LOCKUP on cpu 0"),
    ("hard lockup", "NMI watchdog: Watchdog detected hard LOCKUP on cpu 2"),
    ("KASAN", "BUG: KASAN: slab-use-after-free in f+0x1/0x2 [kvm]"),
    ("KCSAN", "BUG: KCSAN: data-race in f / g"),
    ("KFENCE", "BUG: KFENCE: use-after-free read in f+0x1/0x2"),
    ("UBSAN", "UBSAN: shift-out-of-bounds in arch/x86/kvm/mmu/spte.c:1:2"),
    ("kmemleak", "kmemleak: 3 new suspected memory leaks (see /sys/kernel/"
                 "debug/kmemleak)"),
    ("refcount", "refcount_t: underflow; use-after-free."),
    ("list corruption", "list_del corruption. prev->next should be ff110001"),
    ("out of memory", "Out of memory: Killed process 93 (walk_test)"),
    ("module not loaded", "init: insmod kvm_tdp_walk failed"),
]

HARMLESS = [
    "x86/fpu: FPU on this CPU: no BUG here",
    "Checking for spectre bugs...",
    "[Firmware Bug]: TSC ADJUST: CPU0: -1 force to 0",
    "ACPI BIOS Warning (bug): 32/64X length mismatch in FADT",
    "ACPI BIOS Error (bug): Could not resolve symbol [_SB.PCI0]",
    "Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on",
    "RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable",
    "WARNING: 'bootconfig' found on the kernel command line but ...",
    "Command line: console=ttyS0 panic=-1 oops=panic",
    "rcu: \tRCU CPU stall warnings timeout set to 21.",
    "rcu: INFO: Stall ended before state dump start",
    "kmemleak: Kernel memory leak detector initialized (mem pool: 15679)",
    "NMI watchdog: Perf NMI watchdog permanently disabled",
    "clocksource: timekeeping watchdog on CPU0: Marking 'tsc' as unstable",
    "Lock dependency validator: Copyright (c) 2006 Red Hat, Inc.",
    "traps: walk_test[93] general protection fault ip:401 sp:7ff error:0",
    "walk_test[93]: segfault at 0 ip 0000000000401136 sp 00007ff error 4",
    "INFO: NMI handler (f) took too long to run: 1.337 msecs",
    "run-tests: begin bug_warning_oops_test",
    "kvm_tdp_walk: loading out-of-tree module taints kernel.",
    "HugeTLB: allocating 1 of page size 1.00 GiB failed.",
    "LSM: no list_add in use",
    "kasan: KernelAddressSanitizer initialized",
    "reboot: Power down",
]

PREFIXES = ["", "[    0.123456] ", "[   12.345678][   T93] ",
            "[    1.000000][    C0] ", "<4>[    1.000000] ", "<1>"]


def kinds(text: str) -> list[str]:
    """What a log of this text is said to hold."""
    return [splat.kind for splat in klog.parse(text.encode()).splats]


class Complaints(unittest.TestCase):
    """Every row of the table finds what it is for, and nothing else."""

    def test_found(self) -> None:
        """Each complaint, behind each form of prefix."""
        for kind, text in COMPLAINTS:
            for prefix in PREFIXES:
                with self.subTest(text=text, prefix=prefix):
                    self.assertEqual(kinds(f"{prefix}{text}\r\n"), [kind])

    def test_harmless(self) -> None:
        """Words in messages that are no complaint, behind each prefix."""
        for text in HARMLESS:
            for prefix in PREFIXES:
                with self.subTest(text=text, prefix=prefix):
                    self.assertEqual(kinds(f"{prefix}{text}\r\n"), [])

    def test_rows_shown(self) -> None:
        """No row of the table is without an example."""
        shown = {kind for kind, _ in COMPLAINTS}
        self.assertEqual({row[0] for row in klog.COMPLAINTS} - shown, set())

    def test_any_warning_while_testing(self) -> None:
        """A message that begins so counts only while a test runs."""
        text = "kvm: WARNING: something that has no form of its own"
        self.assertEqual(kinds(text), [])
        self.assertEqual(kinds(f"run-tests: begin a_test\n{text}"),
                         ["WARNING"])

    def test_test_is_named(self) -> None:
        """The marks tell whose complaint it is."""
        text = ("BUG: a 1\nrun-tests: begin a_test\nBUG: b 2\n"
                "run-tests: end a_test status 0\nBUG: c 3\n")
        self.assertEqual([splat.test for splat in
                          klog.parse(text.encode()).splats],
                         ["", "a_test", ""])

    def test_one_splat_once(self) -> None:
        """The lines of one splat are one complaint, those of two are two."""
        one = ("------------[ cut here ]------------\n"
               "WARNING: a.c:1 at f+0x1/0x2, CPU#1: t/93\nCall Trace:\n"
               " f+0x1/0x2\n---[ end trace 0000000000000000 ]---\n")
        self.assertEqual(kinds(one), ["WARNING"])
        self.assertEqual(kinds(one + one), ["WARNING", "WARNING"])
        self.assertEqual(kinds(one + "WARNING: suspicious RCU usage\n"),
                         ["WARNING", "RCU usage"])

    def test_message_of_a_warning(self) -> None:
        """A WARN prints its message before the line that names it."""
        text = "what is odd\nWARNING: a.c:1 at f+0x1/0x2, CPU#1: t/93\n"
        splat = klog.parse(text.encode()).splats[0]
        self.assertEqual(splat.lines[0], "what is odd")

    def test_during(self) -> None:
        """What was said while one test ran, and nothing else."""
        text = ("<4>run-tests: begin one_test\nfirst\n"
                "<4>run-tests: end one_test status 0\nbetween\n"
                "<4>run-tests: begin two_test\n\nsecond\nthird\n")
        log = klog.parse(text.encode())
        self.assertEqual(klog.during(log, "one_test"), ["first"])
        self.assertEqual(klog.during(log, "two_test"), ["second", "third"])
        self.assertEqual(klog.during(log, "two_test", 1), ["third"])
        self.assertEqual(klog.during(log, "three_test"), [])

    def test_wanted(self) -> None:
        """A mark excuses the first splat with its text, and no other."""
        begin, end = "run-tests: splat wanted a.c:1\n", "run-tests: splat end\n"
        one = ("------------[ cut here ]------------\n"
               "WARNING: a.c:1 at f+0x1/0x2, CPU#1: t/93\n"
               "---[ end trace 0000000000000000 ]---\n")
        other = one.replace("a.c:1", "b.c:2")
        for text, came, rest in (
                (begin + one + end, True, []),
                (begin + other + one + end, True, ["b.c:2"]),
                (begin + one + one + end, True, ["a.c:1"]),
                (one + begin + end, False, ["a.c:1"]),
                (begin + end + one, False, ["a.c:1"]),
                (begin + one, False, ["a.c:1"]),
                (begin + one + "run-tests: end t status 0\n" + end, False,
                 ["a.c:1"]),
                (end + one, None, ["a.c:1"])):
            with self.subTest(text=text):
                log = klog.parse(f"run-tests: begin t\n{text}".encode())
                self.assertEqual([want.came for want in log.wanted],
                                 [] if came is None else [came])
                self.assertEqual([splat.title.split()[1] for splat in
                                  klog.unwanted(log)], rest)

    def test_wanted_outside_tests(self) -> None:
        """Nobody but a running test can want a splat."""
        log = klog.parse(b"run-tests: splat wanted a.c:1\n"
                         b"WARNING: a.c:1 at f+0x1/0x2, CPU#1: t/93\n"
                         b"run-tests: splat end\n")
        self.assertEqual(len(klog.unwanted(log)), 1)
        self.assertFalse(log.wanted[0].came)

    def test_taint(self) -> None:
        """Which bits matter, and which the suite itself causes."""
        for bit in range(20):
            with self.subTest(bit=bit):
                self.assertEqual(bool(klog.bad_taint(1 << bit)),
                                 bit in (4, 5, 7, 9, 14))
        self.assertEqual(klog.bad_taint(4096 | 8192 | 262144), [])
        self.assertEqual(len(klog.bad_taint(512 | 128 | 4096)), 2)
        self.assertEqual(klog.bad_taint(512 | 4096, True), [])
        self.assertEqual(len(klog.bad_taint(512 | 128, True)), 1)


if __name__ == "__main__":
    unittest.main()
