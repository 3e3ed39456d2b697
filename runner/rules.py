#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Check the contract against the tests that show it.

Every rule needs a case, every case a rule, and every rule that a case names
must exist.  There is no way to mark a rule as one for later: a rule without
a case is a promise that nobody keeps.
"""

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

RULE_ID = re.compile(r"[a-z][a-z0-9]*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+$")
RULE_ROW = re.compile(r"\|\s*`([^`]+)`\s*\|\s*(.*?)\s*\|"
                      r"(?:\s*(.*?)\s*\|)?")
HEADING = re.compile(r"## +(.*\S)")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
DEFINE = re.compile(r"^[ \t]*#[ \t]*define\b(?:[^\n]*\\\n)*[^\n]*",
                    re.MULTILINE)
CALL = re.compile(r"^(\w+)\s*\(\s*([^)]*?)\s*\)", re.MULTILINE)

# Which argument of the harness's macros names the fixture, and which the
# case; without a fixture the harness says "global".
MACROS = {
    "TEST": (None, 0),
    "TEST_SIGNAL": (None, 0),
    "TEST_F": (0, 1),
    "TEST_F_SIGNAL": (0, 1),
    "TEST_F_TIMEOUT": (0, 1),
    "KVM_ONE_VCPU_TEST": (0, 1),
}


@dataclass
class Rule:
    """A row of the contract."""
    name: str
    text: str
    source: str
    section: str


@dataclass
class SourceCase:
    """A case in a test's source."""
    test: str
    fixture: str
    name: str
    where: str
    rules: list[str] = field(default_factory=list)


def read_rules(path: Path) -> list[Rule]:
    """The rules of the contract, in its order; of a double the first."""
    rules: dict[str, Rule] = {}
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := HEADING.match(line):
            section = match[1]
        match = RULE_ROW.match(line)
        if match and RULE_ID.match(match[1]):
            rules.setdefault(match[1], Rule(match[1], match[2],
                                            match[3] or "", section))
    return list(rules.values())


def read_contract(path: Path) -> dict[str, str]:
    """The rules of the contract: id and sentence."""
    return {rule.name: rule.text for rule in read_rules(path)}


def duplicate_rules(path: Path) -> list[str]:
    """Ids that two rows of the contract claim."""
    seen: set[str] = set()
    twice = []
    for line in path.read_text(encoding="utf-8").splitlines():
        match = RULE_ROW.match(line)
        if not match or not RULE_ID.match(match[1]):
            continue
        if match[1] in seen:
            twice.append(f"{path}: {match[1]} is there twice")
        seen.add(match[1])
    return twice


def blank(match: re.Match[str]) -> str:
    """Hide a text, and keep the place of everything else."""
    return re.sub(r"[^\n]", " ", match[0])


def named_rules(comment: str) -> list[str] | None:
    """The words after "Rules:" in a comment, or None."""
    body = comment.removeprefix("/*").removesuffix("*/")
    body = re.sub(r"^[ \t]*\*", "", body, flags=re.MULTILINE)
    _, found, rest = body.partition("Rules:")
    return rest.replace(",", " ").split() if found else None


def line_number(text: str, offset: int) -> int:
    """The line of a place in a file, counted from 1."""
    return text.count("\n", 0, offset) + 1


def rules_above(text: str) -> dict[int, tuple[int, list[str]]]:
    """Comments with rules: where code goes on after them, line and rules."""
    above = {}
    for match in COMMENT.finditer(text):
        rules = named_rules(match[0])
        if rules is None:
            continue
        rest = text[match.end():]
        start = match.end() + len(rest) - len(rest.lstrip())
        above[start] = (line_number(text, match.start()), rules)
    return above


def case_of(path: Path, text: str, match: re.Match[str]) -> SourceCase | None:
    """The case that a macro at the start of a line defines."""
    if match[1] not in MACROS:
        return None
    fixture, name = MACROS[match[1]]
    words = [word.strip() for word in match[2].split(",")]
    if len(words) <= name:
        return None
    return SourceCase(path.stem, "global" if fixture is None else
                      words[fixture], words[name],
                      f"{path}:{line_number(text, match.start())}")


def read_source(path: Path) -> tuple[list[SourceCase], list[str]]:
    """The cases of one test, and comments that belong to none."""
    text = path.read_text(encoding="utf-8", errors="replace")
    above = rules_above(text)
    code = DEFINE.sub(blank, COMMENT.sub(blank, text))
    cases = []
    for match in CALL.finditer(code):
        case = case_of(path, text, match)
        if case is None:
            continue
        case.rules = above.pop(match.start(), (0, []))[1]
        cases.append(case)
    stray = [f"{path}:{line}: these rules stand above no case"
             for line, _ in above.values()]
    return cases, stray


def read_tests(folder: Path) -> tuple[list[SourceCase], list[str]]:
    """The cases of every test of a folder."""
    cases: list[SourceCase] = []
    stray: list[str] = []
    for path in sorted(folder.glob("*_test.c")):
        found, lost = read_source(path)
        cases += found
        stray += lost
    return cases, stray


def rules_of(cases: list[SourceCase]) -> dict[tuple[str, str, str], list[str]]:
    """Rules by test, fixture and case."""
    return {(case.test, case.fixture, case.name): case.rules
            for case in cases}


def lookup(rules: dict[tuple[str, str, str], list[str]], test: str,
           name: str) -> list[str]:
    """Rules of a case as KTAP names it, fixture.variant.name."""
    words = name.split(".")
    return rules.get((test, words[0], words[-1]), [])


def check_case(case: SourceCase, contract: dict[str, str]) -> list[str]:
    """What is wrong with the rules that a case names."""
    title = f"{case.where}: {case.fixture}.{case.name}"
    if not case.rules:
        return [f"{title} names no rule"]
    return [f"{title} names {rule}, which the contract does not have"
            for rule in case.rules if rule not in contract]


def violations(contract_path: Path, folder: Path) -> list[str]:
    """Every way in which contract and tests disagree."""
    contract = read_contract(contract_path)
    cases, wrong = read_tests(folder)
    wrong += duplicate_rules(contract_path)
    if not contract:
        wrong.append(f"{contract_path}: no rule found")
    if not cases:
        wrong.append(f"{folder}: no case found")
    for case in cases:
        wrong += check_case(case, contract)
    shown = {rule for case in cases for rule in case.rules}
    wrong += [f"{contract_path}: {rule} has no case"
              for rule in contract if rule not in shown]
    return wrong


def main() -> int:
    """Print one line for every violation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contract", type=Path,
                        default=Path("docs/contract.md"))
    parser.add_argument("--tests", type=Path, default=Path(
        "tools/testing/selftests/kvm/x86_64"))
    options = parser.parse_args()
    try:
        wrong = violations(options.contract, options.tests)
    except OSError as error:
        wrong = [f"{error.filename}: {error.strerror}"]
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
