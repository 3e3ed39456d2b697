# SPDX-License-Identifier: GPL-2.0
"""results.json against its schema, and its rules against the cases."""

import copy
import json
import shutil
import tempfile
import unittest
from pathlib import Path
from typing import Any, Iterator

import replay
import ktap
import results
import schema

SCHEMA = schema.load("results.schema.json")

CONTRACT = """# Contract
## One
| rule | it says | source |
|---|---|---|
| `walk.level` | A level. | W |
| `walk.base-pfn` | A `pfn`. | K: mmu.c, `x()` |
## Two
| rule | it says | source |
|---|---|---|
| `map.access` | Nobody shows it. | P |
"""

SOURCE = """/* Rules: walk.level */
TEST_F(page, one)
/* Rules: walk.level walk.base-pfn */
TEST_F(page, two)
"""

OTHER = "/* Rules: walk.base-pfn */\nTEST_F(td, three)\n"

HEAD = """KTAP version 1
# host cpu: A CPU
# host probe: yes
1..2
"""

ONE = """# selftests: kvm: one_test
  TAP version 13
  1..4
"""

END = "# host taint: 4096\n# host end: 2\n"


def case(number: int, name: str, word: str = "ok", vm_type: str = "",
         more: str = "") -> str:
    """KTAP of a case."""
    told = f"  # tdp-vm: {vm_type}\n" if vm_type else ""
    return (f"  #  RUN           {name} ...\n{told}"
            f"  {word} {number} {name}{more}\n")


def valid(value: dict[str, Any]) -> list[str]:
    """What the schema has against it."""
    return schema.check(SCHEMA, SCHEMA, value)


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Every place in a value."""
    members = value.items() if isinstance(value, dict) else \
        enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield path + (name,)
        yield from places(member, path + (name,))


class InFolder(unittest.TestCase):
    """Tests with a place for a run."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.out = Path(self.folder.name) / "out"

    def tearDown(self) -> None:
        self.folder.cleanup()

    def replay(self, name: str) -> dict[str, Any]:
        """results.json of a saved log."""
        shutil.rmtree(self.out, ignore_errors=True)
        replay.lay_out(name, self.out)
        return results.json_run(replay.replay(self.out))


class Schema(InFolder):
    """What is written is what the schema says."""

    def test_every_log(self) -> None:
        """Whatever came in."""
        for path in sorted(replay.LOGS.iterdir()):
            with self.subTest(log=path.name):
                self.assertEqual(valid(self.replay(path.name)), [])

    def test_it_bites(self) -> None:
        """Whatever is left out, or is of another kind, is noticed."""
        whole = self.replay("mapped")
        self.assertTrue(any(case["maps"] for case in whole["cases"]))
        # Once each: what is in a list is looked at in its first two elements.
        for path in places(whole):
            if any(isinstance(name, int) and name > 1 for name in path):
                continue
            with self.subTest(path=path):
                broken = copy.deepcopy(whole)
                at = broken
                for name in path[:-1]:
                    at = at[name]
                at[path[-1]] = 1.5
                self.assertNotEqual(valid(broken), [])

    def test_members(self) -> None:
        """A member that readers rely on is not left out unnoticed."""
        whole = self.replay("mapped")
        optional = {"package", "commit", "difference", "cpus", "memory_mib",
                    "cmdline", "native", "date"}
        seen = set()
        for path in places(whole):
            names = tuple("#" if isinstance(name, int) else name
                          for name in path)
            if isinstance(path[-1], int) or names in seen or \
                    "facts" in names or names[:1] == ("totals",) or \
                    len(names) > 2 and "results" in names or \
                    path[-1] in optional:
                continue
            seen.add(names)
            with self.subTest(path=names):
                broken = copy.deepcopy(whole)
                at = broken
                for name in path[:-1]:
                    at = at[name]
                del at[path[-1]]
                self.assertNotEqual(valid(broken), [])
        self.assertGreater(len(seen), 50)

    def test_checker(self) -> None:
        """The checker knows what it is asked, or says that it does not."""
        for rule, good, bad in (
                ({"type": "integer"}, 1, True), ({"type": "null"}, None, 0),
                ({"const": 1}, 1, True), ({"enum": ["a"]}, "a", "b"),
                ({"minimum": 1}, 1, 0), ({"pattern": "^a$"}, "a", "ab"),
                ({"required": ["a"]}, {"a": 1}, {}),
                ({"additionalProperties": False}, {}, {"a": 1}),
                ({"additionalProperties": {"type": "null"}}, {"a": None},
                 {"a": 1}),
                ({"properties": {"a": {"type": "null"}}}, {"b": 1}, {"a": 1}),
                ({"items": {"type": "string"}}, ["a"], ["a", 1]),
                ({"anyOf": [{"type": "null"}, {"const": 2}]}, 2, 3)):
            with self.subTest(rule=rule):
                self.assertEqual(schema.check({}, rule, good), [])
                self.assertEqual(len(schema.check({}, rule, bad)), 1)
        self.assertEqual(len(schema.check({}, {"maximum": 1}, 0)), 1)


class Rules(InFolder):
    """Rule by rule: cases, and results by host and VM type."""

    def judge(self, ktap_text: str, requested: list[str],
              source: str = SOURCE) -> dict[str, Any]:
        """Rules by id, of a run that said this."""
        shutil.rmtree(self.out, ignore_errors=True)
        replay.lay_out("default", self.out)
        text = ktap_text.encode()
        (self.out / "svm" / "ktap.log").write_bytes(text)
        (self.out / "svm" / "timed.log").write_bytes(replay.stamp(text))
        (self.out / "contract.md").write_text(CONTRACT, "ascii")
        tests = self.out / "tests"
        (tests / "good_test.c").unlink()
        (tests / "one_test.c").write_text(source, "ascii")
        (tests / "tdx_test.c").write_text(OTHER, "ascii")
        meta = json.loads((self.out / "meta.json").read_text("ascii"))
        meta["tests"]["svm"] = requested
        (self.out / "meta.json").write_text(json.dumps(meta), "ascii")
        found = results.json_run(replay.replay(self.out))
        self.assertEqual(valid(found), [])
        return {rule["rule"]: rule for rule in found["rules"]}

    def test_cells(self) -> None:
        """Each case counts for its rules, under the VM types it created."""
        rules = self.judge(
            HEAD + ONE + case(1, "page.default_vm.one") +
            case(2, "page.sw_protected_vm.one", "not ok") +
            case(3, "page.default_vm.two", vm_type="td") +
            case(4, "page.x.two", more=" # SKIP not today") +
            "not ok 1 selftests: kvm: one_test # exit=1\n"
            "# selftests: kvm: tdx_test\n  TAP version 13\n  1..1\n" +
            case(1, "td.three") + "ok 2 selftests: kvm: tdx_test\n" + END,
            ["one_test", "tdx_test"])
        level = rules["walk.level"]
        self.assertEqual(level["section"], "One")
        self.assertEqual(level["result"], "fail")
        self.assertEqual(level["cases"], [
            {"test": "one_test", "case": "page.one"},
            {"test": "one_test", "case": "page.two"}])
        self.assertEqual(level["results"], {"svm": {
            "default": {"result": "pass", "cases": {"pass": 1}},
            "sw_protected": {"result": "fail", "cases": {"fail": 1}},
            "td": {"result": "pass", "cases": {"pass": 1}},
            "other": {"result": "skip", "cases": {"skip": 1}}}})
        pfn = rules["walk.base-pfn"]
        self.assertEqual(pfn["source"], "K: mmu.c, `x()`")
        self.assertEqual(pfn["result"], "pass")
        self.assertEqual(pfn["results"]["svm"]["td"]["cases"], {"pass": 2})
        self.assertEqual((rules["map.access"]["result"],
                          rules["map.access"]["results"],
                          rules["map.access"]["section"]), (None, {}, "Two"))

    def test_never_seen(self) -> None:
        """What should have run and did not is no pass, whatever else passed."""
        rules = self.judge(HEAD + ONE + case(1, "page.default_vm.one"),
                           ["one_test", "tdx_test"])
        self.assertEqual(rules["walk.level"]["result"], "missing")
        self.assertEqual(rules["walk.base-pfn"]["results"]["svm"],
                         {"other": {"result": "missing",
                                    "cases": {"missing": 1}},
                          "td": {"result": "missing",
                                 "cases": {"missing": 1}}})

    def test_lost_variants(self) -> None:
        """A case that passed in a variant may have others that were lost."""
        more = "/* Rules: walk.base-pfn */\nTEST_F(done, four)\n"
        rules = self.judge(
            HEAD + ONE + case(1, "done.default_vm.four") +
            case(2, "page.default_vm.one") + case(3, "page.default_vm.two"),
            ["one_test"], SOURCE.replace("/*", more + "/*", 1))
        self.assertEqual(rules["walk.level"]["result"], "missing")
        cells = rules["walk.base-pfn"]["results"]["svm"]
        self.assertEqual(cells, {
            "default": {"result": "pass", "cases": {"pass": 2}},
            "other": {"result": "missing", "cases": {"missing": 1}}})

    def test_not_asked_for(self) -> None:
        """A test that was not to run is not missed."""
        rules = self.judge(HEAD + ONE + case(1, "page.default_vm.one"),
                           ["one_test"])
        self.assertNotIn("td", rules["walk.base-pfn"]["results"]["svm"])

    def test_whole_skip(self) -> None:
        """A test that skips as a whole skips each of its rules."""
        rules = self.judge(
            HEAD + "# selftests: kvm: one_test\n  1..0 # SKIP not here\n"
            "ok 1 selftests: kvm: one_test # SKIP\n"
            "# selftests: kvm: tdx_test\n  1..1\n" + case(1, "td.three") +
            "ok 2 selftests: kvm: tdx_test\n" + END, ["one_test", "tdx_test"])
        self.assertEqual(rules["walk.level"]["result"], "skip")
        self.assertEqual(rules["walk.base-pfn"]["result"], "pass")

    def test_bad_is_never_pass(self) -> None:
        """No word that the verdict calls bad is counted as another."""
        for word in ktap.BAD:
            self.assertEqual(results.matrix.outcome(ktap.Case("x", word)),
                             "fail")
