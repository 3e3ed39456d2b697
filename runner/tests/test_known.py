# SPDX-License-Identifier: GPL-2.0
"""Known failures, on saved logs."""

import json
import tempfile
import unittest
from pathlib import Path

import replay
import judge
import known
import ktap
import tap

HEAD = """| rule | cases | kernels | what happens | why it is wrong |
|---|---|---|---|---|
"""
ROW = "| `walk.level` | `good_test page.*` | 7.3* | It is off. | It says so. |\n"

KTAP = b"""KTAP version 1
# host probe: yes
1..1
# selftests: kvm: good_test
  TAP version 13
  1..2
  #  RUN           page.mapped ...
  # good_test.c:1:mapped:Wanted level 1
  %s
  #  RUN           page.other ...
  %s
%s
# host taint: 0
# host end: 1
"""
SOURCE = ("/* Rules: walk.level */\nTEST_F(page, mapped)\n{\n}\n"
          "/* Rules: walk.level */\nTEST_F(page, other)\n{\n}\n")
SERIAL = (b"run-tests: begin good_test\nrun-tests: end good_test status 1\n")


class Waivers(unittest.TestCase):
    """One test of two cases, the first of which is known to fail."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.out = Path(self.folder.name) / "out"

    def tearDown(self) -> None:
        self.folder.cleanup()

    def run_with(self, first: bytes, second: bytes, row: str = ROW,
                 serial: bytes = SERIAL) -> judge.Run:
        """Judge a run of these two results."""
        folder = self.out / "svm"
        folder.mkdir(parents=True)
        bad = b"not ok" in first + second
        text = KTAP % (first, second, b"not ok 1 selftests: kvm: good_test "
                       b"# exit=1" if bad else b"ok 1 selftests: kvm: "
                       b"good_test")
        (folder / "ktap.log").write_bytes(text)
        (folder / "timed.log").write_bytes(replay.stamp(text))
        (folder / "serial.log").write_bytes(serial)
        for name in ("host.json", "watch.json"):
            (folder / name).write_text('{"reason": "exit"}', encoding="ascii")
        (self.out / "meta.json").write_text(
            json.dumps({"kernel": replay.KERNEL,
                        "tests": {"svm": ["good_test"]}}), encoding="ascii")
        (self.out / "contract.md").write_text(replay.CONTRACT,
                                              encoding="ascii")
        (self.out / "tests").mkdir()
        (self.out / "tests" / "good_test.c").write_text(SOURCE,
                                                        encoding="ascii")
        (self.out / "known.md").write_text(HEAD + row, encoding="ascii")
        run = replay.replay(self.out)
        known.apply(run, self.out / "known.md")
        return run

    FIRST_FAILS = (b"not ok 1 page.mapped", b"ok 2 page.other")

    def test_waived(self) -> None:
        """It counts as failed as expected, and the verdict says so."""
        run = self.run_with(*self.FIRST_FAILS)
        self.assertEqual(run.all_failures(), [])
        self.assertEqual(run.sentence, "pass with 1 known failure")
        case = run.hosts[0].log.tests[0].cases[0]
        self.assertEqual(case.result, ktap.XFAIL)
        self.assertIn("# XFAIL known failure: It is off.", tap.tap(run))
        self.assertEqual(run.stale, [])

    def test_other_case_fails(self) -> None:
        """A failure that is not known is one."""
        run = self.run_with(b"ok 1 page.mapped", b"not ok 2 page.other",
                            ROW.replace("page.*", "page.mapped"))
        self.assertEqual(run.verdict, judge.FAIL)
        self.assertEqual(len(run.stale), 1)

    def test_both_fail(self) -> None:
        """One that is known does not hide one that is not."""
        run = self.run_with(b"not ok 1 page.mapped", b"not ok 2 page.other",
                            ROW.replace("page.*", "page.mapped"))
        self.assertEqual([failure.case for failure in run.all_failures()],
                         ["page.other"])
        self.assertEqual(run.sentence, judge.FAIL)

    def test_other_kernel(self) -> None:
        """The failure is known of some kernels only."""
        run = self.run_with(*self.FIRST_FAILS, ROW.replace("7.3*", "7.2*"))
        self.assertEqual(run.verdict, judge.FAIL)

    def test_other_rule(self) -> None:
        """The case must show the rule."""
        run = self.run_with(*self.FIRST_FAILS,
                            ROW.replace("walk.level", "walk.pfn"))
        self.assertEqual(run.verdict, judge.FAIL)

    def test_crash(self) -> None:
        """A case that died is never expected to."""
        run = self.run_with(b"# mapped: Test terminated unexpectedly by "
                            b"signal 11\n  not ok 1 page.mapped",
                            b"ok 2 page.other")
        self.assertEqual(run.verdict, judge.FAIL)

    def test_splat(self) -> None:
        """A splat is not waived along with the case in which it came."""
        splat = b"WARNING: CPU: 0 PID: 9 at mmu.c:7 map+0x1/0x2\n"
        run = self.run_with(*self.FIRST_FAILS,
                            serial=SERIAL.replace(b"run-tests: end",
                                                  splat + b"run-tests: end"))
        self.assertEqual(run.verdict, judge.FAIL)

    def test_stale(self) -> None:
        """A case that passes is reported, and the run passes."""
        run = self.run_with(b"ok 1 page.mapped", b"ok 2 page.other")
        self.assertEqual(run.sentence, judge.PASS)
        self.assertEqual(len(run.stale), 1)

    def test_not_run_is_not_stale(self) -> None:
        """Nothing is said of a case that did not run."""
        run = self.run_with(b"ok 1 page.mapped", b"ok 2 page.other",
                            ROW.replace("good_test", "other_test"))
        self.assertEqual(run.stale, [])

    def test_real_file(self) -> None:
        """The project's own list can be read, and names cases."""
        path = replay.RUNNER.parent / "docs" / "known-failures.md"
        lines = [line for line in path.read_text(encoding="utf-8")
                 .splitlines() if line.startswith("| `")]
        self.assertEqual(len(known.read(path)), len(lines))
