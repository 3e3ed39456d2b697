# SPDX-License-Identifier: GPL-2.0
"""Rules, the cases that name them, and their agreement."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import replay
import rules

CONTRACT = """# Contract
Text that names `walk.text` in passing.
| rule | it says | source |
|---|---|---|
| `walk.level` | A level. | W |
| `walk.base-pfn` | A PFN, `*pfn`. | W |
"""

SOURCE = """// SPDX-License-Identifier: GPL-2.0
/* Rules: walk.level */
TEST_F(page, one)
{
	TEST_ASSERT(1, "TEST_F(page, string) ");
}

/*
 * Why this case is needed.
 *
 * Rules: walk.level,
 *	  walk.base-pfn
 */
TEST_F_TIMEOUT(page, two, 30)
{
}

/* Rules: walk.level */
KVM_ONE_VCPU_TEST(suite, three, guest_code)
{
}

/* Rules: walk.base-pfn */
TEST(four)
{
}
"""


class Source(unittest.TestCase):
    """What is read from a test's source."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)

    def tearDown(self) -> None:
        self.folder.cleanup()

    def check(self, source: str = SOURCE,
              contract: str = CONTRACT) -> list[str]:
        """The violations, without the folder's name."""
        (self.path / "a_test.c").write_text(source, encoding="ascii")
        (self.path / "contract.md").write_text(contract, encoding="ascii")
        found = rules.violations(self.path / "contract.md", self.path)
        return [line.replace(f"{self.path}/", "") for line in found]

    def test_agree(self) -> None:
        """Nothing to say."""
        self.assertEqual(self.check(), [])

    def test_lookup(self) -> None:
        """KTAP's names find their case, whatever the variant."""
        self.check()
        table = rules.rules_of(rules.read_tests(self.path)[0])
        for name, wanted in (("page.one", ["walk.level"]),
                             ("page.huge_2m.one", ["walk.level"]),
                             ("page.v.two", ["walk.level", "walk.base-pfn"]),
                             ("suite.three", ["walk.level"]),
                             ("global.four", ["walk.base-pfn"]),
                             ("page.nine", []), ("", [])):
            with self.subTest(name=name):
                self.assertEqual(rules.lookup(table, "a_test", name), wanted)
        self.assertEqual(rules.lookup(table, "b_test", "page.one"), [])

    def test_case_without_rule(self) -> None:
        """No comment, or one that is not directly above."""
        more = "TEST(five)\n{\n}\n"
        self.assertEqual(self.check(SOURCE + more),
                         ["a_test.c:27: global.five names no rule"])
        self.assertEqual(
            self.check(SOURCE + "/* Rules: walk.level */\nint x;\n" + more),
            ["a_test.c:27: these rules stand above no case",
             "a_test.c:29: global.five names no rule"])

    def test_unknown_rule(self) -> None:
        """A rule that the contract does not have."""
        found = self.check(SOURCE.replace("walk.level */\nTEST_F",
                                          "walk.levl */\nTEST_F"))
        self.assertEqual(found, ["a_test.c:3: page.one names walk.levl, "
                                 "which the contract does not have"])

    def test_empty_list(self) -> None:
        """A comment that names nothing."""
        found = self.check(SOURCE.replace("Rules: walk.level */\nTEST_F",
                                          "Rules: */\nTEST_F"))
        self.assertEqual(found, ["a_test.c:3: page.one names no rule"])

    def test_rule_without_case(self) -> None:
        """There is no mark that excuses it."""
        found = self.check(contract=CONTRACT +
                           "| `walk.later` | Not built yet (todo). | W |\n")
        self.assertEqual(found, ["contract.md: walk.later has no case"])

    def test_rule_twice(self) -> None:
        """Two rows with one id."""
        found = self.check(contract=CONTRACT +
                           "| `walk.level` | Again. | W |\n")
        self.assertEqual(found, ["contract.md: walk.level is there twice"])

    def test_rules_of_nothing(self) -> None:
        """Rules above something that is no case."""
        found = self.check(SOURCE + "/* Rules: walk.level */\n"
                           "static void helper(void)\n{\n}\n")
        self.assertEqual(found,
                         ["a_test.c:27: these rules stand above no case"])

    def test_macro_is_no_case(self) -> None:
        """What a #define would make is not there yet."""
        self.assertEqual(self.check(
            SOURCE + "#define MAKE(name) \\\nTEST_F(page, name) \\\n{ }\n"),
            [])

    def test_command(self) -> None:
        """One line for each violation, and the exit status."""
        self.check(contract=CONTRACT + "| `walk.later` | Later. | W |\n")
        run = [sys.executable, str(replay.RUNNER / "rules.py"), "--tests",
               str(self.path), "--contract"]
        done = subprocess.run(run + [str(self.path / "contract.md")],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        done = subprocess.run(run + [str(self.path / "none.md")],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("none.md", done.stdout)
        self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    unittest.main()
