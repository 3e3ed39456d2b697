# SPDX-License-Identifier: GPL-2.0
"""What the gate makes of two results.json."""

import copy
import functools
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

import replay
import gate
import results

HUGE = "svm good_test page.sw_protected.huge"
MAPPED = "svm good_test page.default_vm.mapped"


@functools.lru_cache
def text_of(name: str) -> str:
    """The results.json of a saved log, as a run would have written it."""
    with tempfile.TemporaryDirectory() as folder:
        replay.lay_out(name, Path(folder) / "out")
        run = replay.replay(Path(folder) / "out")
        return json.dumps(results.json_run(run))


def saved(name: str) -> dict[str, Any]:
    """The same, read."""
    return json.loads(text_of(name))


def case_of(read: dict[str, Any], where: str) -> dict[str, Any]:
    """One case of results."""
    return next(case for case in read["cases"] if " ".join(
        (case["host"], case["test"], case["case"])) == where)


class Compare(unittest.TestCase):
    """Each kind of change, and nothing else beside it."""

    def setUp(self) -> None:
        self.base = saved("good")
        self.head = copy.deepcopy(self.base)

    def compared(self) -> gate.Change:
        """What the gate says now."""
        return gate.compare(self.base, self.head)

    def only(self, attribute: str, words: str, status: int) -> None:
        """One entry of one kind."""
        change = self.compared()
        for part, _, _ in gate.PARTS:
            found = getattr(change, part)
            self.assertEqual(len(found), int(part == attribute), found)
        self.assertIn(words, getattr(change, attribute)[0])
        self.assertEqual(change.status, status)

    def test_nothing(self) -> None:
        """The same twice."""
        change = self.compared()
        self.assertEqual(change, gate.Change())
        self.assertEqual(change.status, 0)
        self.assertEqual(gate.text(change), "Gate: nothing got worse\n")

    def test_newly_failing(self) -> None:
        """A case that passed."""
        case_of(self.head, MAPPED)["result"] = "fail"
        self.only("newly_failing", f"{MAPPED}: fail, was pass", 1)

    def test_every_bad_result(self) -> None:
        """A crash is as bad as a failure, and a known one no news."""
        for result in ("crash", "timeout", "xpass"):
            case_of(self.head, MAPPED)["result"] = result
            self.only("newly_failing", f"{MAPPED}: {result}", 1)
        case_of(self.base, MAPPED)["result"] = "fail"
        self.only("still_failing", "xpass, was fail", 0)

    def test_newly_passing(self) -> None:
        """A case that failed."""
        case_of(self.base, MAPPED)["result"] = "timeout"
        self.only("newly_passing", f"{MAPPED}: pass, was timeout", 0)

    def test_no_longer_judged(self) -> None:
        """A skip, or nothing at all, where a case ran hides what it found."""
        case_of(self.head, MAPPED)["result"] = "skip"
        self.only("no_longer_judged", f"{MAPPED}: skip, was pass", 1)
        self.head["cases"].remove(case_of(self.head, MAPPED))
        self.only("no_longer_judged", f"{MAPPED}: not there, was pass", 1)

    def test_failed_and_gone(self) -> None:
        """A failure that is skipped now does not pass."""
        case_of(self.base, MAPPED)["result"] = "fail"
        case_of(self.head, MAPPED)["result"] = "skip"
        self.assertEqual(self.compared().newly_passing, [])

    def test_new_case(self) -> None:
        """A case that the base did not have is judged like any other."""
        self.base["cases"].remove(case_of(self.base, MAPPED))
        self.assertEqual(self.compared(), gate.Change())
        case_of(self.head, MAPPED)["result"] = "fail"
        self.only("newly_failing", "fail, was not there", 1)

    def test_slower(self) -> None:
        """Slower is told, and is no regression; a little is not told."""
        case_of(self.base, MAPPED)["milliseconds"] = 100
        case_of(self.head, MAPPED)["milliseconds"] = 550
        self.assertEqual(self.compared(), gate.Change())
        case_of(self.base, MAPPED)["milliseconds"] = 5000
        case_of(self.head, MAPPED)["milliseconds"] = 5700
        self.assertEqual(self.compared(), gate.Change())
        case_of(self.base, MAPPED)["milliseconds"] = 100
        case_of(self.head, MAPPED)["milliseconds"] = 1700
        self.only("slower", f"{MAPPED}: 1.7 s, was 0.1 s", 0)
        case_of(self.head, MAPPED)["milliseconds"] = None
        self.assertEqual(self.compared(), gate.Change())

    def test_pages(self) -> None:
        """Other leaves are told, and are no regression."""
        case_of(self.base, HUGE)["pages"] = {"4K": 0, "2M": 1, "1G": 0}
        self.assertEqual(self.compared(), gate.Change())
        case_of(self.head, HUGE)["pages"] = {"4K": 512, "2M": 0, "1G": 0}
        self.only("pages", f"{HUGE}: 512 of 4K, was 1 of 2M", 0)

    def test_splat(self) -> None:
        """A splat that the base did not have, though every case passed."""
        self.base, self.head = saved("default"), saved("circular")
        change = self.compared()
        self.assertEqual(change.status, 1)
        self.assertTrue(any("possible circular locking" in line
                            for line in change.newly_failing))
        self.assertEqual(gate.compare(self.head, self.base).status, 1,
                         "its cases are those of another test")
        self.base = copy.deepcopy(self.head)
        self.assertEqual(self.compared().status, 0)

    def test_numbers_in_splats(self) -> None:
        """An address makes no other splat of it."""
        for read, number in ((self.base, "0xffff888100a0"),
                             (self.head, "0xffff888200b1")):
            read["failures"].append(
                {"host": "svm", "test": "good_test", "case": "", "log": [],
                 "kind": "splat", "reason": f"BUG: at {number} pid 71"})
        self.only("still_failing", "BUG: at", 0)

    def test_unknown(self) -> None:
        """A run that could not judge is compared with nothing."""
        seen = saved("emulator-failed")
        for base, head, which in ((self.base, seen, "head"),
                                  (seen, self.base, "base")):
            change = gate.compare(base, head)
            self.assertEqual(change.status, 2)
            self.assertIn(f"the run of the {which} could not judge: the "
                          "emulator did not start", gate.text(change))


class Command(unittest.TestCase):
    """gate.py, as gate.sh calls it."""

    def run_gate(self, base: str, head: str) -> tuple[int, str]:
        """Run it on two texts; what it wrote must say what it printed."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "base.json").write_text(base, "utf-8")
            (folder / "head.json").write_text(head, "utf-8")
            done = subprocess.run(
                [sys.executable, str(replay.RUNNER / "gate.py"), "--base",
                 str(folder / "base.json"), "--head",
                 str(folder / "head.json"), "--json",
                 str(folder / "gate.json")],
                capture_output=True, text=True, check=False, timeout=60)
            self.assertNotIn("Traceback", done.stderr)
            written = json.loads((folder / "gate.json").read_text("utf-8"))
            self.assertIn(f"Gate: {written['result']}", done.stdout)
            return done.returncode, done.stdout

    def test_statuses(self) -> None:
        """What a shell sees."""
        good, bad = (text_of(name) for name in ("good", "not-ok"))
        for base, head, status in ((good, good, 0), (good, bad, 1),
                                   (bad, good, 0), (bad, bad, 0),
                                   (good, "", 2), ("{}", good, 2),
                                   (good, "[", 2)):
            self.assertEqual(self.run_gate(base, head)[0], status)


if __name__ == "__main__":
    unittest.main()
