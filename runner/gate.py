#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compare what two kernels showed, and say what changed between them.

Reads two results.json, of the base and of the head, and judges the change and
not the kernel: what failed before and fails still is no regression.  Exit
status 0: nothing got worse; 1: something did; 2: one of the runs could not
judge, so nobody can say.
"""

import argparse
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import judge
import ktap
import results

# A case is slower if it takes so much longer, in parts and in milliseconds:
# an emulator that shares its CPU is not steady.
SLOWER_TIMES = 2.0
SLOWER_MS = 500
# How much of what is for information is shown.
MAX_SHOWN = 20

# What differs from one boot to the next in a sentence about the same thing.
NUMBER = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{16}\b|\d+")

Key = tuple[str, str, str]
Object = dict[str, Any]


@dataclass
class Change:
    """What changed, each entry one line for people."""
    newly_failing: list[str] = field(default_factory=list)
    no_longer_judged: list[str] = field(default_factory=list)
    newly_passing: list[str] = field(default_factory=list)
    still_failing: list[str] = field(default_factory=list)
    slower: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    unknown: str = ""

    @property
    def status(self) -> int:
        """The exit status."""
        if self.unknown:
            return judge.STATUS[judge.UNKNOWN]
        worse = self.newly_failing or self.no_longer_judged
        return judge.STATUS[judge.FAIL if worse else judge.PASS]


def by_key(read: Object) -> dict[Key, Object]:
    """The cases of a run by host, test and name."""
    return {(case["host"], case["test"], case["case"]): case
            for case in read["cases"]}


def whole(read: Object) -> dict[tuple[str, ...], str]:
    """Failures that are about no case: a splat, a lost host, a lost test."""
    return {(failure["host"], failure["test"], failure["kind"],
             NUMBER.sub("N", failure["reason"])): failure["reason"]
            for failure in read["failures"] if not failure["case"]}


def name(key: tuple[str, ...]) -> str:
    """Where something is, for people."""
    return " ".join(part for part in key[:3] if part)


def compare_cases(change: Change, base: Object, head: Object) -> None:
    """Sort every case of either run by what became of it."""
    before, after = by_key(base), by_key(head)
    for key in list(before) + [key for key in after if key not in before]:
        was = before[key]["result"] if key in before else "not there"
        now = after[key]["result"] if key in after else "not there"
        line = f"{name(key)}: {now}, was {was}"
        if now in ktap.BAD:
            known = was in ktap.BAD
            (change.still_failing if known else
             change.newly_failing).append(line)
        elif was in ktap.BAD and now in ktap.RAN:
            change.newly_passing.append(line)
        elif was in ktap.RAN and now not in ktap.RAN:
            change.no_longer_judged.append(line)


def compare_whole(change: Change, base: Object, head: Object) -> None:
    """The same for what is about no case."""
    before, after = whole(base), whole(head)
    for key, reason in after.items():
        line = f"{name(key[:2]) or 'run'}: {reason}"
        (change.still_failing if key in before else
         change.newly_failing).append(line)
    for key, reason in before.items():
        if key not in after:
            change.newly_passing.append(
                f"{name(key[:2]) or 'run'}: no longer: {reason}")


def compare_times(change: Change, base: Object, head: Object) -> None:
    """Cases that take longer, the slowest first."""
    after, slower = by_key(head), []
    for key, case in by_key(base).items():
        was = case["milliseconds"]
        now = after[key]["milliseconds"] if key in after else None
        if None in (was, now) or now < was * SLOWER_TIMES or \
                now < was + SLOWER_MS:
            continue
        slower.append((was - now, f"{name(key)}: {now / 1000:.1f} s, was "
                                  f"{was / 1000:.1f} s"))
    change.slower = [line for _, line in sorted(slower)]


def pages_text(pages: Object) -> str:
    """How many leaves of which size."""
    return ", ".join(f"{pages[size]} of {size}" for size in results.SIZES
                     if pages[size]) or "none"


def compare_pages(change: Change, base: Object, head: Object) -> None:
    """Cases at whose end KVM had mapped other leaves than before."""
    after = by_key(head)
    for key, case in by_key(base).items():
        was = case.get("pages")
        now = after[key].get("pages") if key in after else None
        if was and now and was != now:
            change.pages.append(f"{name(key)}: {pages_text(now)}, was "
                                f"{pages_text(was)}")


def why_unknown(base: Object, head: Object) -> str:
    """Why the two cannot be compared, or nothing."""
    for read, which in ((base, "the base"), (head, "the head")):
        if read["verdict"] == judge.UNKNOWN:
            why = "; ".join(failure["reason"]
                            for failure in read["failures"][:1])
            return f"the run of {which} could not judge: {why}"
    return ""


def compare(base: Object, head: Object) -> Change:
    """All that changed from base to head."""
    change = Change(unknown=why_unknown(base, head))
    compare_cases(change, base, head)
    compare_whole(change, base, head)
    compare_times(change, base, head)
    compare_pages(change, base, head)
    return change


PARTS = (("newly_failing", "Newly failing", None),
         ("no_longer_judged", "No longer judged", None),
         ("newly_passing", "Newly passing", None),
         ("still_failing", "Failing as before", MAX_SHOWN),
         ("slower", "Slower (for information)", MAX_SHOWN),
         ("pages", "Other leaves at the end (for information)", MAX_SHOWN))
WORDS = {0: "nothing got worse", 1: "regression", 2: judge.UNKNOWN}


def text(change: Change) -> str:
    """What changed, for people."""
    lines = []
    for attribute, title, limit in PARTS:
        found = getattr(change, attribute)
        if not found:
            continue
        lines += [f"{title}: {len(found)}"]
        lines += [f"  {line}" for line in found[:limit]]
        if limit and len(found) > limit:
            lines.append(f"  and {len(found) - limit} more")
    why = f": {change.unknown}" if change.unknown else ""
    return "\n".join(lines + [f"Gate: {WORDS[change.status]}{why}"]) + "\n"


def as_json(change: Change, options: argparse.Namespace) -> Object:
    """What changed, for programs."""
    return {"base": options.base_name, "head": options.head_name,
            "result": WORDS[change.status],
            **{attribute: getattr(change, attribute)
               for attribute, _, _ in PARTS}}


def read_results(path: Path) -> tuple[Object, str]:
    """A results.json, and a sentence if it is none."""
    read, wrong = judge.read_json(path)
    if not wrong and not all(part in read for part in
                             ("verdict", "cases", "failures")):
        wrong = f"{path} holds no results"
    return read, wrong


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--head", type=Path, required=True)
    parser.add_argument("--base-name", default="base")
    parser.add_argument("--head-name", default="head")
    parser.add_argument("--json", type=Path, help="write it down here too")
    return parser.parse_args()


def main() -> int:
    """Compare two runs."""
    options = arguments()
    sys.stdout.reconfigure(errors="replace")
    base, wrong_base = read_results(options.base)
    head, wrong_head = read_results(options.head)
    if wrong := wrong_base or wrong_head:
        change = Change(unknown=wrong)
    else:
        change = compare(base, head)
    if options.json:
        results.replace(options.json,
                        json.dumps(as_json(change, options), indent=1) + "\n")
    sys.stdout.write(text(change))
    return change.status


if __name__ == "__main__":
    sys.exit(main())
