# SPDX-License-Identifier: GPL-2.0
"""The picture that is drawn of a mapping, measured."""

import re
import unittest

import replay  # noqa: F401  pylint: disable=unused-import
import mapping
import picture

HEAD = "HELPER, shared: gpa 0x100000000 stride 0x1000 nr "


def area(path: str) -> float:
    """The area of what an SVG path of straight lines encloses."""
    total = 0.0
    for part in re.findall(r"M([^Z]+)Z", path):
        points = [tuple(map(float, point.split()))
                  for point in part.split("L")]
        total += abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in
                         zip(points, points[1:] + points[:1]))) / 2
    return total


def squares(drawn: str, css: str, size: int) -> list[float]:
    """How many squares each shape of a class covers, in order."""
    return [area(path) / size ** 2 for path in
            re.findall(rf'<path class="{css}" d="([^"]+)"', drawn)]


class Picture(unittest.TestCase):
    """Squares are pages, blocks are leaves, what differs is marked."""

    def draw(self, runs: str, head: str = HEAD) -> str:
        """The picture of one line."""
        found = mapping.parse(head + runs)
        self.assertIsNotNone(found)
        return picture.draw_views([found])

    def test_pages(self) -> None:
        """One page of 64 that is there and must not be."""
        drawn = self.draw("64: 63*- 1*->4K@1f3a7")
        self.assertEqual(squares(drawn, "void", 20), [63, 1, 63])
        self.assertEqual(squares(drawn, "leaf diff", 20), [1])
        self.assertEqual(squares(drawn, "mark", 20), [1, 1])
        self.assertIn("0x10003f000", drawn)
        self.assertIn("pfn 0x1f3a7", drawn)

    def test_leaves(self) -> None:
        """A leaf of 2M that fell into pages; its neighbours are whole."""
        drawn = self.draw("1536: 512*2M@400 512*2M@600>4K@600 512*2M@a00")
        self.assertEqual(squares(drawn, "leaf", 10), [512] * 5)
        self.assertEqual(squares(drawn, "leaf diff", 10), [512])
        self.assertEqual(squares(drawn, "g10", 10), [512])
        self.assertEqual(drawn.count(">2M</text>"), 5)

    def test_parts_of_leaves(self) -> None:
        """A range that begins and ends within leaves."""
        drawn = self.draw("8: 3*2M@5fd 5*4K@600>2M@600",
                          HEAD.replace("0x100000000", "0x1001fd000"))
        self.assertEqual(squares(drawn, "leaf", 40), [3, 3, 5])
        self.assertEqual(squares(drawn, "leaf diff", 40), [5])

    def test_every_range(self) -> None:
        """Whatever the range, as many squares are drawn as it has pages."""
        for first in (0, 1, 31, 33, 500):
            for count in (1, 2, 9, 31, 64, 65, 100, 600):
                with self.subTest(first=first, count=count):
                    head = HEAD.replace("0x100000000", f"0x{first << 12:x}")
                    drawn = self.draw(f"{count}: {count}*->4K@9", head)
                    size = picture.grid_of(count).size
                    self.assertEqual(sum(squares(drawn, "void", size)), count)
                    self.assertEqual(sum(squares(drawn, "leaf diff", size)),
                                     count)

    def test_large(self) -> None:
        """A gigabyte is drawn in squares of 2M, pieces of them mixed."""
        drawn = self.draw("524288: 262144*1G@0 256*1G@40000>4K@40000 "
                          "261888*1G@40100>2M@40100")
        self.assertIn("a square is 2M", drawn)
        self.assertEqual(squares(drawn, "mixed diff", 10), [1])
        self.assertEqual(sum(squares(drawn, "leaf diff", 10)), 511)

    def test_left_out(self) -> None:
        """Of a long range what differs is drawn, and the rest is named."""
        drawn = self.draw("8192: 2048*2M@0 512*2M@800>4K@800 5632*2M@a00")
        self.assertEqual(squares(drawn, "leaf diff", 10), [512])
        self.assertEqual(squares(drawn, "leaf", 10), [512] * 5)
        self.assertEqual(drawn.count("as wanted"), 2)

    def test_views(self) -> None:
        """Two roots apart; what is alike once."""
        one = mapping.parse(HEAD + "2: 2*4K@1")
        other = mapping.parse(HEAD.replace("shared", "private") + "2: 2*-")
        alike = mapping.parse(HEAD.replace("shared", "private") + "2: 2*4K@1")
        drawn = picture.draw_views([one, other])
        self.assertIn('"map shared"', drawn)
        self.assertIn('"map private"', drawn)
        self.assertEqual(picture.draw_views([one, alike]).count("<figure"), 1)

    def test_not_told(self) -> None:
        """What was cut off is neither wanted nor found."""
        drawn = self.draw("64: 1*4K@1>- ...")
        self.assertEqual(squares(drawn, "untold", 20), [63, 63])

    def test_strided(self) -> None:
        """GPAs that are not next to each other are no picture of leaves."""
        drawn = self.draw("4: 3*2M@400 1*2M@a00>-",
                          HEAD.replace("0x1000 ", "0x200000 "))
        self.assertEqual(squares(drawn, "leaf", 40), [3, 1, 3])
        self.assertIn("0x100600000", drawn)
