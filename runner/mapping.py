# SPDX-License-Identifier: GPL-2.0
"""What a failed check wanted and found, as the tests' library writes it.

include/tdp_map.h of the collection says what a line looks like.  It comes out
of a test that has failed, so a line that makes no sense is no map.
"""

import re
from dataclasses import dataclass, field

PAGE = 4096
LEVELS = {"4K": 1, "2M": 512, "1G": 512 * 512}

HEAD = re.compile(r"(?P<where>[^:]+): gpa 0x(?P<gpa>[0-9a-f]{1,16}) "
                  r"stride 0x(?P<stride>[0-9a-f]{1,16}) "
                  r"nr (?P<count>\d{1,12}):(?P<runs>(?: \S+)*)$")
RUN = re.compile(r"(?P<count>\d{1,12})\*(?P<want>[^>]+)(?:>(?P<got>[^>]+))?$")
LEAF = re.compile(r"(?:(?P<level>4K|2M|1G|L\d+)(?:\.(?P<state>[a-z-]+))?|"
                  r"-(?P<errno>\d*))"
                  r"(?:@(?P<pfn>[0-9a-f]{1,16}|\*|none))?$")


@dataclass
class Leaf:
    """The answer for a GPA; a run's next PFN is as far on as its GPA."""
    text: str
    level: str = ""
    state: str = ""
    errno: str = ""
    pfn: int | None = None

    @property
    def pages(self) -> int:
        """How many 4K pages the leaf covers; 0 if it is none."""
        return LEVELS.get(self.level, 0)

    def name(self) -> str:
        """The answer without its PFN, as people read it."""
        if self.level:
            return f"{self.level} {self.state}".rstrip()
        return f"errno {self.errno}" if self.errno else "-ENOENT"


@dataclass
class Run:
    """GPAs in a row for which the same is to be said."""
    count: int
    want: Leaf
    got: Leaf
    differs: bool


@dataclass
class Map:
    """A range of GPAs: what was wanted, what was found."""
    where: str
    gpa: int
    stride: int
    count: int
    runs: list[Run] = field(default_factory=list)
    message: str = ""

    @property
    def is_private(self) -> bool:
        """Which root it shows."""
        return self.where.endswith("private")

    @property
    def told(self) -> int:
        """For how many GPAs something is said."""
        return sum(run.count for run in self.runs)

    @property
    def differs(self) -> bool:
        """Whether anything is not as it was wanted."""
        return any(run.differs for run in self.runs)


def parse_leaf(text: str) -> Leaf | None:
    """One answer."""
    match = LEAF.match(text)
    if not match:
        return None
    pfn = match["pfn"]
    return Leaf(text, match["level"] or "", match["state"] or "",
                match["errno"] or "",
                int(pfn, 16) if pfn and pfn not in ("*", "none") else None)


def parse_run(text: str) -> Run | None:
    """One run."""
    match = RUN.match(text)
    want = parse_leaf(match["want"]) if match else None
    got = parse_leaf(match["got"]) if match and match["got"] else want
    if not match or not want or not got or not int(match["count"]):
        return None
    return Run(int(match["count"]), want, got, match["got"] is not None)


def parse(text: str) -> Map | None:
    """A whole line, or None if it is no map."""
    match = HEAD.match(text)
    if not match:
        return None
    found = Map(match["where"], int(match["gpa"], 16),
                int(match["stride"], 16), int(match["count"]))
    words = match["runs"].split()
    whole = not words or words[-1] != "..."
    for word in words if whole else words[:-1]:
        run = parse_run(word)
        if not run:
            return None
        found.runs.append(run)
    if found.told > found.count or (whole and found.told != found.count):
        return None
    return found


def to_json(found: Map) -> dict[str, object]:
    """For results.json."""
    return {"where": found.where, "gpa": found.gpa, "stride": found.stride,
            "count": found.count, "message": found.message,
            "runs": [{"count": run.count, "want": run.want.text,
                      "got": run.got.text if run.differs else None}
                     for run in found.runs]}


def from_json(value: dict) -> Map:
    """From results.json."""
    runs = []
    for run in value["runs"]:
        want = parse_leaf(run["want"])
        got = want if run["got"] is None else parse_leaf(run["got"])
        if not want or not got:
            raise ValueError(f"no leaf: {run}")
        runs.append(Run(run["count"], want, got, run["got"] is not None))
    return Map(value["where"], value["gpa"], value["stride"], value["count"],
               runs, value["message"])
