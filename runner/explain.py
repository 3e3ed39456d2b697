#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Explain a rule: what it says and where it comes from, the cases that show it,
the mutants that break it, and what came of it in the last run.
"""

import argparse
import difflib
import sys
import textwrap
from pathlib import Path
from typing import Any

import judge
import rules as contract_rules
import series
from report import NOISE, seconds

NEAREST = 5
BAD_SHOWN = 10
MESSAGES = 3


def nearest(name: str, known: list[str]) -> list[str]:
    """The ids that were probably meant: those that hold it, or look like it."""
    inside = [rule for rule in known if name and name in rule]
    alike = difflib.get_close_matches(name, known, NEAREST, 0.4)
    return list(dict.fromkeys(inside + alike))[:NEAREST]


def wrapped(text: str, indent: str = "  ") -> list[str]:
    """Text in lines that fit."""
    return textwrap.wrap(text, 96, initial_indent=indent,
                         subsequent_indent=indent)


def case_lines(name: str, cases: list[contract_rules.SourceCase]) -> list[str]:
    """The cases in the source that name the rule."""
    lines = [f"  {case.test} {case.fixture}.{case.name}  ({case.where})"
             for case in cases if name in case.rules]
    return ["", f"Cases ({len(lines)})"] + (lines or ["  none"])


def outcomes(path: Path) -> dict[str, str]:
    """What came of each mutant in the last `make mutants`, if there was one."""
    found = judge.read_json(path)[0].get("mutants", [])
    return {result["name"]: result["outcome"] for result in found}


def mutant_line(mutant: series.Mutant, outcome: str) -> str:
    """Where a mutant shows, what must notice it, and where it comes from."""
    origin = f", a bug once fixed by {mutant.fixed_by[0]}" \
        if mutant.fixed_by else ""
    origin += f", equivalent: {mutant.equivalent}" if mutant.equivalent else ""
    variant = f", VARIANT={mutant.variant}" if mutant.variant else ""
    return (f"  {mutant.name}: on {mutant.host} ({mutant.vm}{variant}), "
            f"{mutant.test} {mutant.cases}{origin}"
            f"{f'; {outcome}' if outcome else ''}")


def mutant_lines(name: str, options: argparse.Namespace) -> list[str]:
    """The mutants that break the rule; without a series nothing is known."""
    path, last = options.mutants, outcomes(options.outcomes)
    try:
        mutants = series.read_series(path)[0]
    except OSError:
        return ["", "Mutants", f"  unknown: there is no {path}"]
    found = [mutant_line(mutant, last.get(mutant.name, ""))
             for mutant in mutants if name in mutant.rules]
    why = series.not_mutable(options.contract).get(name)
    none = wrapped(f"none: {why}") if why else ["  none"]
    return ["", f"Mutants ({len(found)})"] + (found or none)


def result_lines(rule: dict[str, Any], cases: list[dict[str, Any]]) -> list[str]:
    """What came of the rule, by host and VM type, and which cases failed."""
    lines = []
    for host, types in rule["results"].items():
        for vm_type, cell in types.items():
            said = ", ".join(f"{number} {result}" for result, number in
                             cell["cases"].items())
            lines.append(f"  {host} {vm_type}: {cell['result']} ({said})")
    bad = [case for case in cases if rule["rule"] in case["rules"] and
           case["result"] not in ("pass", "skip", "xfail")]
    for case in bad[:BAD_SHOWN]:
        lines.append(f"    {case['host']} {case['test']} {case['case']}: "
                     f"{case['result']} ({seconds(case['milliseconds'])})")
        said = [line for line in case["messages"] if not NOISE.match(line)]
        lines += [f"      {line}" for line in said[:MESSAGES]]
    if len(bad) > BAD_SHOWN:
        lines.append(f"    ({len(bad) - BAD_SHOWN} more)")
    return lines or ["  not judged"]


def last_lines(name: str, path: Path) -> list[str]:
    """What the last run says of the rule."""
    found, wrong = judge.read_json(path)
    if wrong:
        return ["", "Last results", f"  unknown: {wrong}"]
    kernel = (found.get("kernel") or {}).get("version", "unknown")
    for rule in found.get("rules", []):
        if rule.get("rule") == name:
            return ["", f"Last results: {rule['result'] or 'none'} "
                    f"(Linux {kernel}, {path})"] + \
                result_lines(rule, found["cases"])
    return ["", "Last results", f"  {path} does not know the rule"]


def explain(rule: contract_rules.Rule, options: argparse.Namespace) -> str:
    """All that is known of a rule."""
    cases = contract_rules.read_tests(options.tests)[0]
    lines = [f"{rule.name}  ({rule.section})"]
    lines += wrapped(rule.text)
    lines += wrapped(f"Source: {rule.source}")
    lines += case_lines(rule.name, cases)
    lines += mutant_lines(rule.name, options)
    lines += last_lines(rule.name, options.results)
    return "\n".join(lines) + "\n"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rule", help="a rule's id, as docs/contract.md has it")
    parser.add_argument("--contract", type=Path,
                        default=Path("docs/contract.md"))
    parser.add_argument("--tests", type=Path, default=Path(
        "tools/testing/selftests/kvm/x86_64"))
    parser.add_argument("--mutants", type=Path, default=Path("mutants/series"))
    parser.add_argument("--outcomes", type=Path,
                        default=Path("out/mutants.json"))
    parser.add_argument("--results", type=Path,
                        default=Path("out/results.json"))
    return parser.parse_args()


def main() -> int:
    """Exit status 0 only if there is such a rule."""
    options = arguments()
    try:
        rules = {rule.name: rule
                 for rule in contract_rules.read_rules(options.contract)}
        if options.rule in rules:
            sys.stdout.write(explain(rules[options.rule], options))
            return 0
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    names = nearest(options.rule, list(rules))
    near = f"; near it: {', '.join(names)}" if names else \
        f"; {options.contract} lists them"
    print(f"there is no rule {options.rule or '(RULE= is empty)'}{near}",
          file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
