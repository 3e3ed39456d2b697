# SPDX-License-Identifier: GPL-2.0
"""make explain: a rule, from the contract to the last run."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import replay
import results

SERIES = """# a comment that names walk.level
one-mutant   walk.level,walk.base-pfn  svm  default  good_test  page.*.mapped
two-mutant   walk.levels               svm  any      good_test  page.x
debug-mutant walk.level                svm  any      good_test  page.y  debug
"""

CONTRACT = """# Contract
## The walk
| rule | it says | source |
|---|---|---|
| `walk.level` | A level. | W; K: mmu.c |
| `walk.base-pfn` | A PFN. | W |
"""


class Explain(unittest.TestCase):
    """explain.py, as make calls it."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.out = Path(self.folder.name) / "out"
        replay.lay_out("mixed", self.out)
        (self.out / "contract.md").write_text(CONTRACT, "ascii")
        source = self.out / "tests" / "good_test.c"
        source.with_name("bad_test.c").write_text(
            "/* Rules: walk.level */\nTEST_F(page, level)\n", "ascii")

    def tearDown(self) -> None:
        self.folder.cleanup()

    def explain(self, rule: str) -> subprocess.CompletedProcess[str]:
        """Run it; whatever is not there, there is no traceback."""
        done = subprocess.run(
            [sys.executable, str(replay.RUNNER / "explain.py"),
             "--contract", str(self.out / "contract.md"),
             "--tests", str(self.out / "tests"),
             "--mutants", str(self.out / "series"),
             "--results", str(self.out / "results.json"),
             "--outcomes", str(self.out / "mutants.json"), "--", rule],
            capture_output=True, text=True, check=False, timeout=60)
        self.assertNotIn("Traceback", done.stderr)
        return done

    def test_all(self) -> None:
        """Text, source, cases with their place, mutants, results."""
        (self.out / "series").write_text(SERIES, "ascii")
        (self.out / "results.json").write_text(
            json.dumps(results.json_run(replay.replay(self.out))), "utf-8")
        (self.out / "mutants.json").write_text(json.dumps(
            {"mutants": [{"name": "one-mutant", "outcome": "noticed"}]}))
        done = self.explain("walk.level")
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in ("walk.level  (The walk)\n  A level.\n",
                      "Source: W; K: mmu.c", "Cases (2)",
                      "bad_test page.level", "bad_test.c:2)",
                      "Mutants (2)\n  one-mutant: on svm (default), good_test "
                      "page.*.mapped; noticed",
                      "debug-mutant: on svm (any, VARIANT=debug), good_test",
                      "Last results: fail (Linux 7.3.4",
                      "svm sw_protected: fail", "page.sw_protected.level: fail",
                      "Wanted level 2 (2M), got 1 (4K)"):
            self.assertIn(words, done.stdout)
        self.assertNotIn("two-mutant", done.stdout)

    def test_nothing_known(self) -> None:
        """Without mutants, results or cases it says so."""
        done = self.explain("walk.base-pfn")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Cases (0)\n  none", done.stdout)
        self.assertIn("Mutants\n  unknown", done.stdout)
        self.assertIn("Last results\n  unknown", done.stdout)
        (self.out / "results.json").write_text('{"rules": []}', "ascii")
        self.assertIn("does not know", self.explain("walk.base-pfn").stdout)

    def test_unknown(self) -> None:
        """No such rule: the nearest ones, and a failure."""
        for name, near in (("walk.levle", "walk.level"), ("pfn", "walk.base-pfn"),
                           ("", "lists them"), ("-x'\"", "lists them")):
            with self.subTest(name=name):
                done = self.explain(name)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn(near, done.stderr)

    def test_no_contract(self) -> None:
        """A contract that is not there is no traceback."""
        (self.out / "contract.md").unlink()
        self.assertEqual(self.explain("walk.level").returncode, 1)
