# SPDX-License-Identifier: GPL-2.0
"""The series of mutants, and its agreement with contract and tests."""

import tempfile
import unittest
from pathlib import Path

import replay  # noqa: F401  pylint: disable=unused-import
import series

CONTRACT = """| rule | it says | source |
|---|---|---|
| `walk.level` | A level. | W |
| `probe.input` | Errnos. | P |

- `probe.input`: it is not about KVM.
"""

SOURCE = """/* Rules: walk.level */
TEST_F(page, mapped)
{
}
/* Rules: probe.input */
TEST_F(page, refused)
{
}
"""

LINE = "level-off walk.level svm any good_test page.*.mapped\n"
PATCH = """The level is one off.

Fixed-by: 0123456789ab ("KVM: x86/mmu: Return the level")

--- a/arch/x86/kvm/mmu/tdp_mmu.c
+++ b/arch/x86/kvm/mmu/tdp_mmu.c
@@ -1 +1 @@
-a
+b
"""


class Series(unittest.TestCase):
    """Each test changes one thing of a series in which nothing is wrong."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        top = Path(self.folder.name)
        self.top, self.mutants = top, top / "mutants"
        for name in ("mutants", "tests", "machines"):
            (top / name).mkdir()
        (top / "machines" / "svm.sh").write_text("", encoding="ascii")
        (top / "contract.md").write_text(CONTRACT, encoding="ascii")
        (top / "tests" / "good_test.c").write_text(SOURCE, encoding="ascii")
        (self.mutants / "series").write_text("# why\n\n" + LINE,
                                             encoding="ascii")
        (self.mutants / "level-off.patch").write_text(PATCH,
                                                      encoding="ascii")

    def tearDown(self) -> None:
        self.folder.cleanup()

    def wrong(self) -> list[str]:
        """What is wrong with the series as it lies there."""
        return series.violations(self.mutants / "series",
                                 self.top / "contract.md",
                                 self.top / "tests", self.top / "machines")

    def read(self) -> series.Mutant:
        """The first mutant."""
        return series.read_series(self.mutants / "series")[0][0]

    def series_is(self, text: str) -> None:
        """Write another series."""
        (self.mutants / "series").write_text(text, encoding="ascii")

    def expect(self, part: str) -> None:
        """One violation, which says this."""
        wrong = self.wrong()
        self.assertEqual(len(wrong), 1, wrong)
        self.assertIn(part, wrong[0])

    def test_good(self) -> None:
        """Nothing is wrong, and the patch is read."""
        self.assertEqual(self.wrong(), [])
        mutant = self.read()
        self.assertEqual(mutant.fixed_by, ["0123456789ab"])
        self.assertEqual(mutant.touches, ["arch/x86/kvm/mmu/tdp_mmu.c"])

    def test_columns(self) -> None:
        """A line has six columns, or seven."""
        self.series_is(LINE + "one two three\n")
        self.expect("3 columns")
        self.series_is(LINE + LINE.rstrip() + " debug more\n")
        self.expect("8 columns")

    def test_variant(self) -> None:
        """The seventh is a variant of the kernel; without it, the ordinary."""
        self.assertEqual(self.read().variant, series.ORDINARY)
        self.series_is(LINE.rstrip() + " debug\n")
        self.assertEqual(self.wrong(), [])
        self.assertEqual(self.read().variant, "debug")

    def test_no_variant(self) -> None:
        """The kernel is one that there is."""
        self.series_is(LINE + LINE.rstrip() + " slow\n")
        self.expect("there is no kernel slow")

    def test_twice(self) -> None:
        """A name is there once."""
        self.series_is(LINE + LINE)
        self.expect("twice")

    def test_no_patch(self) -> None:
        """Each has a patch."""
        (self.mutants / "level-off.patch").unlink()
        self.expect("No such file")

    def test_no_line(self) -> None:
        """Each patch has a line."""
        (self.mutants / "other.patch").write_text(PATCH, encoding="ascii")
        self.expect("other.patch is not in the series")

    def test_says_nothing(self) -> None:
        """A patch says what the bug is."""
        (self.mutants / "level-off.patch").write_text(
            PATCH[PATCH.index("\n--- a/"):], encoding="ascii")
        self.expect("does not say what the bug is")

    def test_bad_fix(self) -> None:
        """A fix is named by twelve digits and its subject."""
        (self.mutants / "level-off.patch").write_text(
            PATCH.replace("0123456789ab", "0123"), encoding="ascii")
        self.expect("cannot read: Fixed-by")

    def test_no_host(self) -> None:
        """The host is one of the machines."""
        self.series_is(LINE.replace("svm", "arm"))
        self.expect("there is no host arm")

    def test_no_vm(self) -> None:
        """The type of VM is known."""
        self.series_is(LINE.replace(" any ", " some "))
        self.assertIn("some is no type of VM", "\n".join(self.wrong()))

    def test_no_case(self) -> None:
        """The cases are there."""
        self.series_is(LINE.replace("mapped", "gone"))
        self.expect("good_test has no case page.*.gone")

    def test_other_rule(self) -> None:
        """The cases show what the mutant breaks."""
        self.series_is(LINE.replace("mapped", "refused"))
        self.expect("no case that it names shows walk.level")

    def test_rule_without_mutant(self) -> None:
        """Each rule is broken by a mutant."""
        with open(self.top / "contract.md", "a", encoding="ascii") as file:
            file.write("| `walk.pfn` | A PFN. | W |\n")
        self.expect("no mutant breaks walk.pfn")

    def test_equivalent_breaks_nothing(self) -> None:
        """An equivalent mutant is no proof of a rule."""
        (self.mutants / "level-off.patch").write_text(
            PATCH.replace("Fixed-by:", "Equivalent: nobody sees it\nFixed-by:"),
            encoding="ascii")
        self.expect("no mutant breaks walk.level")

    def test_excused_in_vain(self) -> None:
        """A rule that is broken is mutable."""
        with open(self.top / "contract.md", "a", encoding="ascii") as file:
            file.write("- `walk.level`: nobody knows.\n")
        self.expect("walk.level is said not to be mutable")

    def test_excused_is_no_rule(self) -> None:
        """What is excused is a rule."""
        with open(self.top / "contract.md", "a", encoding="ascii") as file:
            file.write("- `walk.gone`: nobody knows.\n")
        self.expect("walk.gone is not mutable, and no rule")
