# SPDX-License-Identifier: GPL-2.0
"""What verdict.py writes and prints, and how it ends."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

import replay
import judge
import report
import results
import tap


def check_tap(lines: list[str], at: int, depth: int) -> int:
    """Check one level of KTAP; returns where it ends."""
    indent = "  " * depth
    assert lines[at] == f"{indent}KTAP version 1", lines[at]
    at, plan, done = at + 1, None, 0
    while at < len(lines) and lines[at].startswith(indent):
        line = lines[at][len(indent):]
        if line == "  KTAP version 1":
            at = check_tap(lines, at, depth + 1)
            continue
        if match := re.match(r"1\.\.(\d+)", line):
            assert plan is None, line
            plan = int(match[1])
        elif match := re.match(r"(?:not )?ok (\d+) \S", line):
            done += 1
            assert int(match[1]) == done, line
        else:
            assert line.startswith("# "), line
        at += 1
    assert plan == done, f"{plan} planned, {done} results"
    return at


HOST_FILES = ("ktap.log", "serial.log", "timed.log", "watch.json",
              "host.json")


class Command(unittest.TestCase):
    """verdict.py, as make calls it."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.out = Path(self.folder.name) / "out"

    def tearDown(self) -> None:
        self.folder.cleanup()

    def verdict(self, *more: str) -> subprocess.CompletedProcess[str]:
        """Run it; whatever it met, there is no traceback."""
        done = replay.command(self.out, *more)
        self.assertNotIn("Traceback", done.stdout + done.stderr)
        return done

    def results(self) -> dict[str, Any]:
        """What results.json holds."""
        text = (self.out / "results.json").read_text(encoding="utf-8")
        return json.loads(text)

    def test_pass(self) -> None:
        """A good run: all that the report must name is there."""
        replay.lay_out("good", self.out)
        done = self.verdict("--hosts", "svm")
        self.assertEqual(done.returncode, 0, done.stdout)
        found = self.results()
        self.assertEqual(found["verdict"], "pass")
        self.assertEqual(found["failures"], [])
        self.assertEqual(found["kernel"], replay.KERNEL)
        host = found["hosts"][0]
        self.assertEqual((host["host"], host["emulator"], host["cpu"]),
                         ("svm", "QEMU TCG", "QEMU TCG CPU version 2.5+"))
        self.assertEqual(host["facts"]["probe"], "yes")
        self.assertIsInstance(host["boot_ms"], int)
        mapped = [case for case in found["cases"] if case["test"] ==
                  "good_test" and case["case"].endswith(".mapped")]
        self.assertEqual([case["rules"] for case in mapped],
                         [["walk.level"]] * 2)
        for case in found["cases"]:
            self.assertIsInstance(case["milliseconds"], int)
        self.assertEqual(found["totals"]["passed"], 17)
        self.assertEqual(found["totals"]["failed"], 0)
        self.assertTrue(done.stdout.endswith("Verdict: pass\n"))

    def test_failure_is_told(self) -> None:
        """Where, which rule, what came, what to do."""
        replay.lay_out("mixed", self.out)
        source = (self.out / "tests" / "good_test.c")
        source.rename(source.with_name("bad_test.c"))
        (self.out / "tests" / "bad_test.c").write_text(
            "/* Rules: walk.level */\nTEST_F(page, level)\n", "ascii")
        done = self.verdict()
        self.assertEqual(done.returncode, 1)
        for words in ("svm bad_test page.sw_protected.level",
                      "walk.level: A level.",
                      "Wanted level 2 (2M), got 1 (4K) at gpa 0x40000000",
                      "-> Read the messages", "| run-tests: begin plain_test",
                      "==== Test Assertion Failure ====", "Verdict: fail"):
            self.assertIn(words, done.stdout)

    def test_tap(self) -> None:
        """results.tap is KTAP, whatever came in."""
        for path in sorted(replay.LOGS.iterdir()):
            with self.subTest(log=path.name):
                shutil.rmtree(self.out, ignore_errors=True)
                replay.lay_out(path.name, self.out)
                run = replay.replay(self.out)
                lines = tap.tap(run).splitlines()
                self.assertEqual(check_tap(lines, 0, 0), len(lines))
                word = "ok" if run.verdict == "pass" else "not ok"
                self.assertIn(f"{word} 1 svm", lines)
                json.dumps(results.json_run(run))

    def test_failed_is_never_zero(self) -> None:
        """However a run fails, its numbers say so."""
        for path in sorted(replay.LOGS.iterdir()):
            with self.subTest(log=path.name):
                shutil.rmtree(self.out, ignore_errors=True)
                replay.lay_out(path.name, self.out)
                run = replay.replay(self.out)
                self.assertEqual(results.totals(run)["failed"] == 0,
                                 run.verdict == "pass")

    def judged(self) -> str:
        """Judge and render without a process of its own: the summary."""
        run = replay.replay(self.out)
        self.assertEqual(run.verdict, "fail")
        lines = tap.tap(run).splitlines()
        self.assertEqual(check_tap(lines, 0, 0), len(lines))
        json.dumps(results.json_run(run))
        return report.text(run)

    def test_missing_files(self) -> None:
        """Each file of a host that is not there is a failure."""
        for file in HOST_FILES:
            with self.subTest(file=file):
                shutil.rmtree(self.out, ignore_errors=True)
                replay.lay_out("default", self.out, without=[file])
                self.assertIn(f"{file} cannot be read: No such file",
                              self.judged())

    def test_broken_files(self) -> None:
        """So is each file that is empty or holds something else."""
        contents = [b"", b"\x00\xff" * 999, b"[]", b"null", b"[" * 99999]
        for file in HOST_FILES:
            for content in contents:
                with self.subTest(file=file, content=content[:9]):
                    shutil.rmtree(self.out, ignore_errors=True)
                    replay.lay_out("default", self.out)
                    (self.out / "svm" / file).write_bytes(content)
                    self.judged()

    def edited(self, file: str, old: bytes, new: bytes,
               log: str = "default") -> list[str]:
        """A saved log with one change: the reasons to fail."""
        shutil.rmtree(self.out, ignore_errors=True)
        replay.lay_out(log, self.out)
        return self.change(file, old, new)

    def change(self, file: str, old: bytes, new: bytes) -> list[str]:
        """Change what lies in out/ once more."""
        path = self.out / "svm" / file
        data = path.read_bytes()
        self.assertIn(old, data)
        path.write_bytes(data.replace(old, new))
        ktap = (self.out / "svm" / "ktap.log").read_bytes()
        (self.out / "svm" / "timed.log").write_bytes(replay.stamp(ktap))
        return [failure.reason for failure in
                replay.replay(self.out).all_failures()]

    def test_one_change(self) -> None:
        """Changes of a good run that are too small for a log of their own."""
        for file, old, new, words in (
                ("serial.log", b"run-tests: end good_test", b"",
                 "does not show the end of good_test"),
                ("ktap.log", b"ok 2 selftests", b"ok 7 selftests",
                 "result number 2 of the test that runs was due"),
                ("ktap.log", b"kvm: hello_test\n# host taint",
                 b"kvm: other_test\n# host taint",
                 "result number 2 of the test that runs was due"),
                ("ktap.log", b"# selftests: kvm: hello_test\n", b"",
                 "1 tests began where 2 were planned"),
                ("ktap.log", b"ok 2 selftests: kvm: hello_test",
                 b"ok 2 selftests: kvm: hello_test # SKIP",
                 "skipped as a whole, but it planned 2 cases"),
                ("ktap.log", b"taint: 4096", b"taint: -1", "is not known"),
                ("ktap.log", b"# host end", b"# host lockdep: off\n# host end",
                 "lockdep turned itself off"),
                ("ktap.log", b"1..2\n# selftests", b"1..3\n# selftests",
                 "planned 3 tests and counts 2")):
            with self.subTest(file=file, new=new):
                reasons = self.edited(file, old, new)
                self.assertTrue(any(words in reason for reason in reasons),
                                reasons)

    def test_skips_that_hide(self) -> None:
        """An assertion in a skipped test, and cases that are all skipped."""
        reasons = self.edited("ktap.log", b"  1..0 # SKIP",
                              b"  ==== Test Assertion Failure ====\n"
                              b"  1..0 # SKIP", "all-skipped")
        self.assertEqual(reasons, ["an assertion failed, and was reported "
                                   "as a skip"])
        self.edited("ktap.log", b"hello.default.one\n  #  RUN",
                    b"hello.default.one # SKIP no page\n  #  RUN")
        reasons = self.change("ktap.log", b"ok 2 hello.default.two",
                              b"ok 2 hello.default.two # SKIP no page")
        self.assertEqual(reasons, ["no case of the test ran"])

    def test_timeout_between_cases(self) -> None:
        """A test that ran too long while no case did."""
        reasons = self.edited("ktap.log", b"ok 2 selftests: kvm: hello_test",
                              b"not ok 2 selftests: kvm: hello_test # "
                              b"TIMEOUT 9 seconds")
        self.assertEqual(reasons, ["the test ran too long (TIMEOUT 9 "
                                   "seconds)"])

    def test_flood(self) -> None:
        """A kernel that complains without end does not flood the report."""
        flood = b"run-tests: begin good_test\n" + b"BUG: one more\n" * 99
        reasons = self.edited("serial.log", b"run-tests: begin good_test",
                              flood)
        self.assertEqual(len(reasons), judge.MAX_SPLATS + 1)
        self.assertIn("89 more", reasons[-1])

    def test_strange_reasons(self) -> None:
        """A watcher that does not say how the machine ended."""
        for content in ("{}", '{"reason": ["exit"]}', '{"reason": null}',
                        '{"reason": {"exit": 1}, "boot_ms": "x"}',
                        '{"reason": "exit", "trouble": "disk full"}'):
            with self.subTest(content=content):
                shutil.rmtree(self.out, ignore_errors=True)
                replay.lay_out("default", self.out)
                path = self.out / "svm" / "watch.json"
                path.write_text(content, "ascii")
                self.judged()

    def test_full_disk(self) -> None:
        """Every file is there, and every file is empty."""
        replay.lay_out("default", self.out)
        for path in self.out.rglob("*"):
            if path.is_file():
                path.write_bytes(b"")
        self.assertEqual(self.verdict().returncode, 1)

    def test_meta(self) -> None:
        """Without meta.json nobody knows what was asked for."""
        for content in (None, "", "{}", '{"tests": {}}', '{"tests": 3}',
                        '{"tests": {"svm": []}}', '{"tests": {"svm": [1]}}'):
            with self.subTest(content=content):
                shutil.rmtree(self.out, ignore_errors=True)
                replay.lay_out("default", self.out)
                if content is None:
                    (self.out / "meta.json").unlink()
                else:
                    (self.out / "meta.json").write_text(content, "ascii")
                self.assertIn("meta.json", self.judged())

    def test_host_not_there(self) -> None:
        """A host that was asked for and left nothing."""
        replay.lay_out("default", self.out)
        done = self.verdict("--hosts", "svm,tdx")
        self.assertEqual(done.returncode, 1)
        self.assertIn("host tdx left nothing behind", done.stdout)
        text = (self.out / "results.tap").read_text(encoding="utf-8")
        self.assertIn("\nok 1 svm\n", text)
        self.assertIn("\nnot ok 2 tdx\n", text)

    def test_native(self) -> None:
        """Only a machine that is not emulated may lack what is tested."""
        reasons = self.edited("host.json", b'"native": true',
                              b'"native": false', "native-absent")
        self.assertIn("the probe was not seen on this host (no. host probe: "
                      "no)".replace("no. ", "# "), reasons)
        # Taint that was there before is not of this run; more is.
        self.edited("host.json", b'{"emulator"', b'{"native": true, '
                    b'"emulator"')
        self.assertEqual(self.change("ktap.log", b"# host taint: 4096",
                                     b"# host taint-before: 512\n"
                                     b"# host taint: 4608"), [])
        self.assertEqual(len(self.change("ktap.log", b"taint-before: 512",
                                         b"taint-before: 0")), 1)
        # So is lockdep that was off before.
        for before, wrong in ((b"off", 0), (b"on", 1)):
            with self.subTest(before=before):
                self.edited("host.json", b'{"emulator"', b'{"native": true, '
                            b'"emulator"')
                self.assertEqual(len(self.change(
                    "ktap.log", b"# host end", b"# host lockdep-before: " +
                    before + b"\n# host lockdep: off\n# host end")), wrong)

    def test_could_not_judge(self) -> None:
        """One host that was not seen is no verdict, unless another failed."""
        for first, second, status in (("interrupted", "good", 2),
                                      ("interrupted", "not-ok", 1),
                                      ("not-ok", "emulator-failed", 1),
                                      ("emulator-failed", "interrupted", 2)):
            with self.subTest(first=first, second=second):
                shutil.rmtree(self.out, ignore_errors=True)
                replay.lay_out(first, self.out)
                shutil.copytree(self.out / "svm", self.out / "tdx")
                shutil.rmtree(self.out / "svm")
                shutil.rmtree(self.out / "tests")
                replay.lay_out(second, self.out)
                meta = json.loads((self.out / "meta.json").read_text("ascii"))
                meta["tests"]["tdx"] = ["good_test", "hello_test"]
                (self.out / "meta.json").write_text(json.dumps(meta), "ascii")
                done = self.verdict("--hosts", "svm,tdx")
                self.assertEqual(done.returncode, status, done.stdout)
                word = ("pass", "fail", "could not judge")[status]
                self.assertEqual(self.results()["verdict"], word)

    def test_no_host(self) -> None:
        """A run that was asked for nothing proves nothing."""
        replay.lay_out("default", self.out)
        self.assertEqual(self.verdict("--hosts", "").returncode, 1)
        self.assertEqual(self.results()["verdict"], "fail")

    def test_no_contract(self) -> None:
        """Rules that cannot be read are a failure too."""
        replay.lay_out("default", self.out)
        (self.out / "contract.md").unlink()
        self.assertEqual(self.verdict().returncode, 1)

    def test_cannot_write(self) -> None:
        """Results that cannot be written are a failure, old ones go."""
        replay.lay_out("default", self.out)
        (self.out / "results.json").write_text('{"verdict": "pass"}', "ascii")
        (self.out / "results.json.new").mkdir()
        done = self.verdict()
        self.assertEqual(done.returncode, 2)
        self.assertIn("results.json.new", done.stderr)
        self.assertFalse((self.out / "results.json").exists())

    def test_counts(self) -> None:
        """Three numbers for the shell."""
        for name, numbers, status in (("good", "17 0 6", 0),
                                      ("not-ok", "8 1 2", 1),
                                      ("lost-host", "0 1 0", 1)):
            with self.subTest(log=name):
                shutil.rmtree(self.out, ignore_errors=True)
                replay.lay_out(name, self.out)
                self.verdict()
                done = self.verdict("--counts",
                                    str(self.out / "results.json"))
                self.assertEqual(done.stdout, numbers + "\n")
                self.assertEqual(done.returncode, status)

    def test_counts_of_nothing(self) -> None:
        """No results are one failure."""
        self.out.mkdir()
        for content in (None, "", "{}", '{"totals": {"passed": "x"}}'):
            path = self.out / "results.json"
            if content is not None:
                path.write_text(content, "ascii")
            done = self.verdict("--counts", str(path))
            self.assertEqual((done.stdout, done.returncode), ("0 1 0\n", 1))
            self.assertIn("results.json", done.stderr)


if __name__ == "__main__":
    unittest.main()
