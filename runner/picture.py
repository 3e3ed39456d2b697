# SPDX-License-Identifier: GPL-2.0
"""A picture of guest memory: what was wanted beside what was found.

A square is a page and a block is a leaf, so that a level is seen as a size.
Rows of squares run from left to right as addresses do.  Where the range is too
large for pages, a square is 2M or 1G.
"""

from dataclasses import dataclass
from html import escape
from typing import Iterator

import mapping
from mapping import Leaf, Map

# Of so many squares is a block of the picture: 2M, if a square is a page.
BLOCK = 512
# A range of more is drawn with larger squares.
MAX_SQUARES = 16 * BLOCK
# Blocks without a difference that are drawn all the same, and blocks in all.
MAX_ALIKE = 1
MAX_BLOCKS = 6
MAX_ROWS = 8

UNITS = (("4K", 1), ("2M", 512), ("1G", 512 * 512))


@dataclass
class Span:
    """Squares in a row that look alike; end is not part of it."""
    start: int
    end: int
    want: Leaf | None
    got: Leaf | None
    differs: bool

    @property
    def mixed(self) -> bool:
        """More than one answer in one square."""
        return self.want is None


@dataclass
class Grid:
    """How squares are laid out."""
    columns: int
    size: int


@dataclass
class Scene:
    """A map in squares, counted from address 0 or, if strided, from its first."""
    unit: str
    pages: int
    first: int
    end: int
    spans: list[Span]
    strided: bool


def choose_unit(found: Map) -> tuple[str, int]:
    """What a square is: its name, and how many pages it has."""
    for name, pages in UNITS:
        if found.count <= MAX_SQUARES * pages:
            return name, pages
    return UNITS[-1]


def page_spans(found: Map) -> Iterator[Span]:
    """The runs of a map in pages, from the first one on."""
    at = 0
    for run in found.runs:
        yield Span(at, at + run.count, run.want, run.got, run.differs)
        at += run.count


def merge_mixed(spans: list[Span], square: int, differs: bool) -> None:
    """Add a piece of a square to what is known of it."""
    if spans and spans[-1].mixed and spans[-1].start == square:
        spans[-1].differs |= differs
    else:
        spans.append(Span(square, square + 1, None, None, differs))


def to_squares(pages: list[Span], base: int, per: int) -> list[Span]:
    """Spans of pages as spans of squares; pieces of a square are mixed."""
    spans: list[Span] = []
    for span in pages:
        start, end = base + span.start, base + span.end
        first, last = -(-start // per), end // per
        if first > last or start // per == (end - 1) // per and \
                (start % per or end % per):
            merge_mixed(spans, start // per, span.differs)
            continue
        if start % per:
            merge_mixed(spans, start // per, span.differs)
        if first < last:
            spans.append(Span(first, last, span.want, span.got, span.differs))
        if end % per:
            merge_mixed(spans, last, span.differs)
    return spans


def scene_of(found: Map) -> Scene:
    """Lay a map out."""
    if found.stride != mapping.PAGE and found.count > 1:
        spans = list(page_spans(found))
        return Scene("GPA", 1, 0, found.count, spans, True)
    unit, per = choose_unit(found)
    base = found.gpa // mapping.PAGE
    spans = to_squares(list(page_spans(found)), base, per)
    return Scene(unit, per, base // per, -(-(base + found.count) // per),
                 spans, False)


def grid_of(squares: int) -> Grid:
    """Few squares are large."""
    if squares <= 8:
        return Grid(8, 40)
    return Grid(16, 20) if squares <= 64 else Grid(32, 10)


def outline(grid: Grid, start: int, end: int) -> str:
    """SVG path of squares in reading order, end not among them."""
    width, size = grid.columns, grid.size
    top, left = divmod(start, width)
    bottom, right = divmod(end - 1, width)
    right += 1
    if top == bottom:
        corners = [(left, top), (right, top), (right, top + 1),
                   (left, top + 1)]
    elif bottom == top + 1 and right <= left:
        return (outline(grid, start, bottom * width) +
                outline(grid, bottom * width, end))
    else:
        corners = [(left, top), (width, top), (width, bottom),
                   (right, bottom), (right, bottom + 1), (0, bottom + 1),
                   (0, top + 1), (left, top + 1)]
    points = "L".join(f"{x * size} {y * size}" for x, y in corners)
    return f"M{points}Z"


def leaves(scene: Scene, leaf: Leaf, start: int,
           end: int) -> Iterator[tuple[int, int]]:
    """The squares of each leaf that is larger than a square."""
    size = leaf.pages // scene.pages
    while start < end:
        stop = min(end, (start // size + 1) * size)
        yield start, stop
        start = stop


def label(grid: Grid, start: int, end: int, text: str) -> str:
    """A word in the middle of squares that have room for it."""
    width, size = grid.columns, grid.size
    top, left = divmod(start, width)
    bottom, right = divmod(end - 1, width)
    if top != bottom:
        left, right = 0, width - 1
        if bottom - top > 1:
            top, bottom = top + 1, bottom - 1
    if (right - left + 1) * size < 9 * len(text) or \
            (bottom - top + 1) * size < 18:
        return ""
    x = (left + right + 1) * size / 2
    y = (top + bottom + 1) * size / 2
    return f'<text x="{x:g}" y="{y:g}">{escape(text)}</text>'


def shape(scene: Scene, grid: Grid, origin: int, span: Span,
          leaf: Leaf | None, css: str) -> str:
    """A span as one side of the picture shows it."""
    start, end = span.start - origin, span.end - origin
    if leaf is None or not leaf.level:
        kind = "mixed" if leaf is None else "void"
        path = outline(grid, start, end)
        return (f'<path class="{kind}{css}" d="{path}"/>'
                f'<path class="g{grid.size}" d="{path}"/>')
    if not scene.strided and leaf.pages > scene.pages:
        return "".join(
            f'<path class="leaf{css}" d="{outline(grid, a - origin, b - origin)}"/>'
            + label(grid, a - origin, b - origin, leaf.level)
            for a, b in leaves(scene, leaf, span.start, span.end))
    path = outline(grid, start, end)
    fine = " fine" if leaf.pages < scene.pages else ""
    text = "".join(label(grid, at, at + 1, leaf.level)
                   for at in range(start, end)) if grid.size == 40 else ""
    return (f'<path class="leaf{fine}{css}" d="{path}"/>'
            f'<path class="g{grid.size}" d="{path}"/>{text}')


def clip(span: Span, start: int, end: int) -> Span:
    """The part of a span in a block."""
    return Span(max(span.start, start), min(span.end, end), span.want,
                span.got, span.differs)


def blocks(scene: Scene) -> list[tuple[int, int, list[Span]]]:
    """The blocks of a scene: first square, end, spans."""
    found = []
    start = scene.first
    while start < scene.end:
        end = min(scene.end, (start // BLOCK + 1) * BLOCK)
        found.append((start, end, [clip(span, start, end)
                                   for span in scene.spans
                                   if span.start < end and span.end > start]))
        start = end
    return found


def side(scene: Scene, grid: Grid, block: tuple[int, int, list[Span]],
         found: bool) -> str:
    """One block of one side, as SVG."""
    start, end, spans = block
    columns = grid.columns
    # Few squares begin at the left, more in their column of the address space.
    origin = start if scene.strided or grid.size == 40 else \
        start // columns * columns
    rows = -(-(end - origin) // columns)
    width, height = columns * grid.size, rows * grid.size
    parts, marks = [], []
    for span in spans:
        css = " diff" if found and span.differs else ""
        parts.append(shape(scene, grid, origin, span,
                           span.got if found else span.want, css))
        if span.differs:
            marks.append(f'<path class="mark" d="'
                         f'{outline(grid, span.start - origin, span.end - origin)}"/>')
    told = spans[-1].end if spans else start
    if told < end:
        parts.append(f'<path class="untold" d="'
                     f'{outline(grid, told - origin, end - origin)}"/>')
    return (f'<svg viewBox="-1 -1 {width + 2} {height + 2}" '
            f'width="{width + 2}" height="{height + 2}" role="img">'
            f'{"".join(parts + marks)}</svg>')


def address(found: Map, scene: Scene, square: int) -> str:
    """The GPA of a square."""
    at = found.gpa + square * found.stride if scene.strided else \
        max(found.gpa, square * scene.pages * mapping.PAGE)
    return f"0x{at:x}"


def kept(all_blocks: list[tuple[int, int, list[Span]]]) -> set[int]:
    """Which blocks are drawn: those that differ, and a neighbour or two."""
    differing = [number for number, block in enumerate(all_blocks)
                 if any(span.differs for span in block[2])][:MAX_BLOCKS]
    near = {number + step for number in differing[:1] for step in (-1, 1)}
    if len(all_blocks) <= 3:
        return set(range(len(all_blocks)))
    return set(differing) | {number for number in near
                             if 0 <= number < len(all_blocks)}


def what_is_left(found: Map, scene: Scene,
                 left: list[tuple[int, int, list[Span]]]) -> str:
    """A line in place of blocks that are not drawn."""
    differs = any(span.differs for block in left for span in block[2])
    told = left[-1][2] and left[-1][2][-1].end == left[-1][1]
    words = "differs too" if differs else \
        "as wanted" if told else "not told"
    return (f'<p class="rest"><code>{address(found, scene, left[0][0])}</code>'
            f' … <code>{address(found, scene, left[-1][1])}</code> {words}</p>')


def block_rows(found: Map, scene: Scene) -> str:
    """The whole picture, row by row."""
    grid = grid_of(scene.end - scene.first)
    all_blocks = blocks(scene)
    drawn, rows, left = kept(all_blocks), [], []
    for number, block in enumerate(all_blocks):
        if number not in drawn:
            left.append(block)
            continue
        if left:
            rows.append(what_is_left(found, scene, left))
            left = []
        where = f'<code>{address(found, scene, block[0])}</code>'
        rows.append(f'<div class="pair"><div>{where}'
                    f'{side(scene, grid, block, False)}</div><div>{where}'
                    f'{side(scene, grid, block, True)}</div></div>')
    if left:
        rows.append(what_is_left(found, scene, left))
    return "".join(rows)


def leaf_text(leaf: Leaf) -> str:
    """An answer in words."""
    pfn = f' <span class="pfn">pfn 0x{leaf.pfn:x}</span>' \
        if leaf.pfn is not None else ""
    return f"{escape(leaf.name())}{pfn}"


def difference_rows(found: Map, unit: str) -> str:
    """What differs, in numbers."""
    spans = [span for span in page_spans(found) if span.differs]
    rows = "".join(
        f"<tr><td>0x{found.gpa + span.start * found.stride:x}</td>"
        f"<td>{span.end - span.start}</td><td>{leaf_text(span.want)}</td>"
        f"<td>{leaf_text(span.got)}</td></tr>" for span in spans[:MAX_ROWS])
    more = len(spans) - MAX_ROWS
    if more > 0:
        rows += f'<tr><td colspan="4">and {more} more</td></tr>'
    return ('<table class="runs"><thead><tr><th>GPA</th>'
            f"<th>{unit}</th>"
            f"<th>wanted</th><th>found</th></tr></thead><tbody>{rows}"
            "</tbody></table>") if rows else ""


def draw(found: Map, title: str, view: str) -> str:
    """One map: its title, both sides, and the differences in numbers."""
    scene = scene_of(found)
    square = f"{found.count} GPAs, 0x{found.stride:x} apart" \
        if scene.strided else f"a square is {scene.unit}"
    return (f'<figure class="map {view}"><figcaption>{escape(title)}'
            f' <small>{square}</small></figcaption>'
            '<div class="pair heads"><div>Wanted</div><div>Found</div></div>'
            f"{block_rows(found, scene)}"
            f"{difference_rows(found, 'GPAs' if scene.strided else 'pages')}"
            "</figure>")


def same_answers(one: Map, other: Map) -> bool:
    """Whether two views of a range say the same."""
    return (one.gpa, one.stride, one.count, one.runs) == \
        (other.gpa, other.stride, other.count, other.runs)


def draw_views(views: list[Map]) -> str:
    """The maps of one message: two roots apart, one root once."""
    if len(views) == 2 and same_answers(*views):
        title = views[0].where.rpartition(",")[0] + ", private and shared alike"
        return draw(views[0], title, "both")
    return "".join(draw(found, found.where,
                        "private" if found.is_private else "shared")
                   for found in views)
