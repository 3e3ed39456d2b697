#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Read mutants/series, and check it against contract and tests.

A line names a mutant, the rules that it breaks, the host and the type of VM
that can show it, the test and the cases that must fail, and the variant of the
kernel where the ordinary one does not show it.  What the bug is, and which
commit fixed it where KVM once had it, is said at the top of the patch: that is
for people, and travels with it.
"""

import argparse
import re
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import rules as contract_rules

COLUMNS = (6, 7)
VMS = ("any", "default", "sw-protected", "td")
# What VARIANT= may be; without it the kernel is the ordinary one.
ORDINARY = ""
VARIANTS = (ORDINARY, "debug")
NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*$")
FIXED_BY = re.compile(r'Fixed-by: ([0-9a-f]{12}) \("(.+)"\)$')
EQUIVALENT = re.compile(r"Equivalent: (.+)$")
TOUCHED = re.compile(r"\+\+\+ b/(\S+)$", re.MULTILINE)
NOT_MUTABLE = re.compile(r"- `([^`]+)`: (.+)$")


@dataclass
class Mutant:
    """A small bug, and what must notice it."""
    name: str
    rules: list[str]
    host: str
    vm: str
    test: str
    cases: str
    variant: str = ORDINARY
    where: str = ""
    patch: Path = Path()
    fixed_by: list[str] = field(default_factory=list)
    equivalent: str = ""
    touches: list[str] = field(default_factory=list)


def read_patch(mutant: Mutant) -> list[str]:
    """What the patch says about itself; returns what is wrong with it."""
    try:
        text = mutant.patch.read_text(encoding="utf-8")
    except OSError as error:
        return [f"{mutant.where}: {mutant.patch.name}: {error.strerror}"]
    head, _, _ = text.partition("\n--- a/")
    mutant.touches = TOUCHED.findall(text)
    for line in head.splitlines():
        if match := FIXED_BY.match(line):
            mutant.fixed_by.append(match[1])
        elif match := EQUIVALENT.match(line):
            mutant.equivalent = match[1]
        elif line.startswith(("Fixed-by", "Equivalent")):
            return [f"{mutant.patch.name}: cannot read: {line}"]
    if not head.strip():
        return [f"{mutant.patch.name} does not say what the bug is"]
    if not mutant.touches:
        return [f"{mutant.patch.name} changes nothing"]
    return []


def parse_line(line: str, where: str) -> Mutant | str:
    """A mutant, or what is wrong with the line."""
    words = line.split()
    if len(words) not in COLUMNS:
        return f"{where}: {len(words)} columns where {COLUMNS[0]} are due, or " \
            f"{COLUMNS[1]} with a variant of the kernel"
    name, broken, host, vm, test, cases, *last = words
    variant = last[0] if last else ORDINARY
    if not NAME.match(name):
        return f"{where}: {name} is no name"
    if vm not in VMS:
        return f"{where}: {vm} is no type of VM"
    if variant not in VARIANTS:
        return f"{where}: there is no kernel {variant}"
    return Mutant(name, broken.split(","), host, vm, test, cases, variant,
                  where)


def read_series(path: Path) -> tuple[list[Mutant], list[str]]:
    """The mutants in their order, and what is wrong with the series."""
    mutants: dict[str, Mutant] = {}
    wrong = []
    for number, line in enumerate(path.read_text(encoding="utf-8")
                                  .splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        mutant = parse_line(line, f"{path}:{number}")
        if isinstance(mutant, str):
            wrong.append(mutant)
            continue
        if mutant.name in mutants:
            wrong.append(f"{mutant.where}: {mutant.name} is there twice")
        mutant.patch = path.parent / f"{mutant.name}.patch"
        wrong += read_patch(mutant)
        mutants[mutant.name] = mutant
    return list(mutants.values()), wrong


def shows(mutant: Mutant, case: contract_rules.SourceCase) -> bool:
    """Whether the mutant names this case, with whatever variant."""
    words = mutant.cases.split(".")
    return case.test == mutant.test and fnmatchcase(case.fixture, words[0]) \
        and fnmatchcase(case.name, words[-1])


def check_cases(mutant: Mutant,
                cases: list[contract_rules.SourceCase]) -> list[str]:
    """The cases must be there, and show what the mutant breaks."""
    named = [case for case in cases if shows(mutant, case)]
    if not named:
        return [f"{mutant.where}: {mutant.test} has no case {mutant.cases}"]
    shown = {rule for case in named for rule in case.rules}
    return [f"{mutant.where}: no case that it names shows {rule}"
            for rule in mutant.rules if rule not in shown]


def not_mutable(contract: Path) -> dict[str, str]:
    """Rules that no mutant can break, and why."""
    lines = contract.read_text(encoding="utf-8").splitlines()
    return {match[1]: match[2] for line in lines
            if (match := NOT_MUTABLE.match(line))}


def check_rules(mutants: list[Mutant], contract: Path) -> list[str]:
    """Every rule is broken by a mutant, or it is said why none can."""
    broken = {rule for mutant in mutants if not mutant.equivalent
              for rule in mutant.rules}
    excused = not_mutable(contract)
    known = contract_rules.read_contract(contract)
    wrong = [f"{contract}: no mutant breaks {rule}" for rule in known
             if rule not in broken and rule not in excused]
    wrong += [f"{contract}: {rule} is said not to be mutable, and a mutant "
              "breaks it" for rule in excused if rule in broken]
    return wrong + [f"{contract}: {rule} is not mutable, and no rule"
                    for rule in excused if rule not in known]


def check_files(mutants: list[Mutant], folder: Path) -> list[str]:
    """No patch may lie about that the series does not have."""
    named = {mutant.patch.name for mutant in mutants}
    return [f"{path} is not in the series"
            for path in sorted(folder.glob("*.patch"))
            if path.name not in named]


def violations(series: Path, contract: Path, tests: Path,
               machines: Path) -> list[str]:
    """Every way in which the series is wrong."""
    mutants, wrong = read_series(series)
    cases = contract_rules.read_tests(tests)[0]
    for mutant in mutants:
        if not (machines / f"{mutant.host}.sh").exists():
            wrong.append(f"{mutant.where}: there is no host {mutant.host}")
        wrong += check_cases(mutant, cases)
    if not mutants:
        wrong.append(f"{series}: no mutant found")
    return wrong + check_rules(mutants, contract) + \
        check_files(mutants, series.parent)


def main() -> int:
    """Print one line for every violation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=Path, default=Path("mutants/series"))
    parser.add_argument("--contract", type=Path,
                        default=Path("docs/contract.md"))
    parser.add_argument("--tests", type=Path, default=Path(
        "tools/testing/selftests/kvm/x86_64"))
    parser.add_argument("--machines", type=Path,
                        default=Path("runner/machines"))
    options = parser.parse_args()
    wrong = violations(options.series, options.contract, options.tests,
                       options.machines)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
