# SPDX-License-Identifier: GPL-2.0
"""What CI systems are given: the files of docs/ci, and the reports for them."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import replay
import results

TOP = replay.RUNNER.parent
CI = TOP / "docs" / "ci"
PATH_OF_TEST = re.compile(r"[.a-zA-Z0-9_-]*")


def stub(folder: Path, name: str, text: str = 'echo "$@"') -> dict[str, str]:
    """A command that says how it was called; the environment to find it."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", "ascii")
    path.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


class Files(unittest.TestCase):
    """Whatever a file calls is there."""

    def test_make(self) -> None:
        """Every target and every variable is one of the Makefile."""
        makefile = (TOP / "Makefile").read_text("utf-8")
        targets = set(re.findall(r"^(\w[\w-]*):", makefile, re.M))
        exported = set(re.search(r"^export (.*)$", makefile,
                                 re.M)[1].split())
        calls = 0
        for path in sorted(CI.iterdir()):
            if path.suffix == ".md":
                continue
            for line in path.read_text("utf-8").splitlines():
                call = re.search(r"(?:^|- |run: |exec |^ +)make ((?:-C \S+ )?)"
                                 r"([a-z][\w-]*)(.*)$", line)
                if not call or line.lstrip().startswith("#"):
                    continue
                calls += 1
                self.assertIn(call[2], targets, line)
                for name in re.findall(r" ([A-Z]+)=", call[3]):
                    self.assertIn(name, exported, line)
        self.assertGreaterEqual(calls, 6)

    def test_named(self) -> None:
        """docs/ci/README.md names each file, and no other."""
        text = (CI / "README.md").read_text("utf-8")
        named = set(re.findall(r"^\| `([\w./-]+)`", text, re.M))
        there = {path.name for path in CI.iterdir()} - {"README.md"}
        self.assertEqual({name for name in named if "/" not in name}, there)
        for name in named:
            self.assertTrue((CI / name).exists(), name)


class Slurm(unittest.TestCase):
    """A task of an array takes its share."""

    def task(self, number: int, *more: str) -> subprocess.CompletedProcess:
        """Run one task, with a make that says how it was called."""
        with tempfile.TemporaryDirectory() as folder:
            env = {**stub(Path(folder), "make"),
                   "SLURM_ARRAY_TASK_ID": str(number),
                   "SLURM_ARRAY_TASK_COUNT": "3"}
            return subprocess.run([str(CI / "slurm.sh"), *more], env=env,
                                  capture_output=True, text=True,
                                  check=False, timeout=60)

    def test_shares(self) -> None:
        """The shares are those that make mutants knows."""
        self.assertEqual(self.task(2, "mutants").stdout,
                         "mutants SHARD=2/3 OUT=out/share-2\n")
        self.assertEqual(self.task(3, "kernels", "/a", "/b", "/c").stdout,
                         "run KDIR=/c OUT=out/share-3\n")

    def test_refused(self) -> None:
        """A task without a share does not end well."""
        self.assertEqual(self.task(1, "gates").returncode, 2)
        self.assertNotEqual(self.task(3, "kernels", "/a").returncode, 0)


class Lava(unittest.TestCase):
    """Cases as LAVA hears of them."""

    def told(self, name: str) -> list[str]:
        """What LAVA is told of a saved log."""
        with tempfile.TemporaryDirectory() as folder:
            env = stub(Path(folder), "lava-test-case")
            done = subprocess.run(
                [str(TOP / "runner" / "native" / "lava"),
                 str(replay.find(name, "ktap.log"))], env=env,
                capture_output=True, text=True, check=True, timeout=60)
            return done.stdout.splitlines()

    def test_every_case(self) -> None:
        """All cases with their test's name, and the host at the end."""
        told = self.told("default")
        self.assertEqual(len(told), 9 + 2 + 1)
        self.assertIn("good_test.page.default_vm.mapped --result pass", told)
        self.assertIn("good_test.page.sw_protected.huge --result skip", told)
        self.assertEqual(told[-1], "host --result pass")

    def test_nothing_ran(self) -> None:
        """A host that skips every test did not pass."""
        self.assertEqual(self.told("all-skipped")[-1], "host --result skip")

    def test_failures(self) -> None:
        """A failed case, a test that was lost, a host that was."""
        self.assertIn("good_test.page.default_vm.mapped --result fail",
                      self.told("not-ok"))
        self.assertIn("nothere_test --result fail",
                      self.told("binary-missing"))
        self.assertEqual(self.told("lost-host"), ["host --result fail"])
        self.assertEqual(self.told("cut-mid-line")[-1], "host --result fail")


class Kcidb(unittest.TestCase):
    """results.json as KCIDB takes it."""

    def convert(self, name: str, *more: str) -> subprocess.CompletedProcess:
        """Convert the results of a saved log."""
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            replay.lay_out(name, out)
            path = out / "results.json"
            path.write_text(json.dumps(results.json_run(replay.replay(out))),
                            "utf-8")
            return subprocess.run(
                [sys.executable, str(TOP / "runner" / "kcidb.py"), str(path),
                 *(more or ("--origin", "lab", "--build", "lab:1"))],
                capture_output=True, text=True, check=False, timeout=60)

    def statuses(self, name: str) -> dict[str, str]:
        """The status of each path, in a report that is as it must be."""
        report = json.loads(self.convert(name).stdout)
        self.assertEqual(report["version"], {"major": 5, "minor": 3})
        tests = report["tests"]
        for test in tests:
            self.assertTrue(PATH_OF_TEST.fullmatch(test["path"]), test)
            self.assertEqual((test["origin"], test["build_id"]),
                             ("lab", "lab:1"))
            self.assertNotIn(None, test.values())
        self.assertEqual(len({test["id"] for test in tests}), len(tests))
        return {test["path"]: test["status"] for test in tests}

    def test_good(self) -> None:
        """A good run."""
        found = self.statuses("good")
        self.assertEqual(found["kvm-tdp.svm.good_test.page.default_vm.mapped"],
                         "PASS")
        self.assertEqual(found["kvm-tdp.svm.good_test.page.sw_protected.huge"],
                         "SKIP")
        self.assertEqual(found["kvm-tdp.svm"], "PASS")

    def test_bad(self) -> None:
        """Failures, and what was not seen."""
        where = "kvm-tdp.svm.good_test.page.default_vm.mapped"
        self.assertEqual(self.statuses("not-ok")[where], "FAIL")
        self.assertEqual(self.statuses("warn")["kvm-tdp.svm"], "FAIL")
        found = self.statuses("emulator-failed")
        self.assertEqual(set(found.values()), {"MISS"})
        self.assertIn("kvm-tdp.svm.good_test", found)

    def test_refused(self) -> None:
        """Ids that KCIDB would not take."""
        for more in (("--origin", "a lab", "--build", "lab:1"),
                     ("--origin", "lab", "--build", "1")):
            done = self.convert("good", *more)
            self.assertEqual((done.returncode, done.stdout), (2, ""))


if __name__ == "__main__":
    unittest.main()
