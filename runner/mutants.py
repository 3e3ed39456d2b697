#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Plan a run of mutants, and judge what it left behind.

A mutant counts as noticed only if a case that mutants/series names for it
failed, or the kernel complained while one ran, on a kernel that says that it
is this mutant.  What is proven is kept with a hash of all that it rests on:
the kernel, the patch, the line of the series, the test.
"""

import argparse
import dataclasses
import hashlib
import json
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import judge
import known
import ktap
import report
import results as results_file
import series

NOTICED, ELSEWHERE, SURVIVED, BROKEN, EQUIVALENT = \
    "noticed", "noticed elsewhere", "survived", "broken", "equivalent"
ASSERTED = re.compile(r"\b(?:Wanted|Expected)\b")
# Where the harness' list of cases has its second column.
LIST_COLUMN = 20


def select(mutants: list[series.Mutant], pattern: str, hosts: list[str],
           variant: str) -> list[series.Mutant]:
    """The mutants of a run: by name, by host, and by variant of the kernel."""
    return [mutant for mutant in mutants
            if mutant.host in hosts and mutant.variant == variant and
            any(fnmatchcase(mutant.name, word) for word in pattern.split())]


def share(mutants: list[series.Mutant], shard: str) -> list[series.Mutant]:
    """Every n-th of them, from the i-th on."""
    part, _, parts = shard.partition("/")
    return mutants[int(part) - 1::int(parts)]


def others(mutants: list[series.Mutant],
           options: argparse.Namespace) -> list[str]:
    """How many more need a kernel of another variant, a sentence each."""
    counts = {variant: len(select(mutants, options.select,
                                  options.hosts.split(), variant))
              for variant in series.VARIANTS if variant != options.variant}
    return [f"{count} more need a kernel " +
            (f"with VARIANT={variant}" if variant else "without VARIANT=")
            for variant, count in counts.items() if count]


def watermark(mutant: series.Mutant) -> str:
    """What the mutated module says of itself."""
    digest = hashlib.sha256(mutant.patch.read_bytes()).hexdigest()
    return f"{mutant.name}-{digest[:12]}"


def key(mutant: series.Mutant, kernel: str, installed: Path) -> str:
    """A hash of all that a result rests on."""
    digest = hashlib.sha256(kernel.encode())
    line = dataclasses.asdict(mutant)
    # The kernel is told by its hash.
    for name in ("where", "patch", "variant"):
        del line[name]
    digest.update(json.dumps(line, sort_keys=True).encode())
    digest.update(mutant.patch.read_bytes())
    digest.update((installed / mutant.test).read_bytes())
    return digest.hexdigest()


def read_result(state: Path, mutant: series.Mutant) -> dict[str, Any]:
    """What is stored of a mutant; empty if nothing is."""
    return judge.read_json(state / f"{mutant.name}.json")[0]


def proven(state: Path, mutant: series.Mutant, due: str) -> bool:
    """Whether a result is stored that still holds."""
    result = read_result(state, mutant)
    return result.get("key") == due and result.get("outcome") == NOTICED


def split_row(row: str, first: bool) -> tuple[str, str]:
    """Variant and case of a row of the harness' list."""
    start = max(LIST_COLUMN, len(row.split()[0])) if first else LIST_COLUMN
    rest = row[start + 1:]
    words = rest.split()
    if rest.startswith(" ") or not words:
        return "", words[0] if words else ""
    return words[0], words[1] if len(words) > 1 else ""


def parse_list(text: str) -> list[str]:
    """The full names of all cases, from what a test says to -l.

    The list has a block a fixture, in which variants and cases stand side by
    side in two columns that have nothing to do with each other.
    """
    names = []
    for block in text.split("-" * 80):
        rows = [row for row in block.splitlines()
                if row.strip() and not row.startswith("#")]
        if not rows:
            continue
        fixture = rows[0].split()[0]
        pairs = [split_row(row, row is rows[0]) for row in rows]
        variants = [variant for variant, _ in pairs if variant] or [""]
        names += [".".join(filter(None, (fixture, variant, case)))
                  for variant in variants for _, case in pairs if case]
    return names


def list_cases(binary: Path) -> list[str]:
    """The full names of all cases of a test."""
    done = subprocess.run([str(binary), "-l"], capture_output=True, text=True,
                          timeout=20, check=False)
    return parse_list(done.stderr)


def good_cases(test: str, options: argparse.Namespace) -> list[str]:
    """All cases of a test but those that the kernel is known to fail."""
    rows = known.of_kernel(options.known, options.version)
    return [name for name in list_cases(options.installed / test)
            if not any(row.names(test, name) for row in rows)]


def write_cases(mutants: list[series.Mutant], options: argparse.Namespace,
                folder: Path) -> None:
    """One file a test, with the cases that must notice these mutants."""
    wanted: dict[str, list[str]] = {}
    for mutant in mutants:
        names = [name for name in good_cases(mutant.test, options)
                 if fnmatchcase(name, mutant.cases)]
        if not names:
            raise ValueError(f"{mutant.name}: {mutant.test} has no case "
                             f"{mutant.cases}")
        wanted.setdefault(mutant.test, []).extend(names)
    folder.mkdir(parents=True, exist_ok=True)
    for test, names in wanted.items():
        text = "\n".join(dict.fromkeys(names)) + "\n"
        (folder / test).write_text(text, encoding="ascii")


def first_words(case: ktap.Case) -> str:
    """What a failed case said first, an assertion if there is one."""
    said = [text.removeprefix("#").strip() for text in case.messages
            if not report.NOISE.match(text)]
    found = [text for text in said if ASSERTED.search(text)]
    return (found + [text for text in said if text] + [""])[0]


def complaint(host: judge.Host) -> str:
    """What the kernel complained of while tests ran, or how it ended."""
    for splat in host.kernel.splats:
        if splat.test:
            return f"{splat.kind}: {splat.title}"
    reason = str(host.watch.get("reason"))
    if reason in ("silence", "limit"):
        return f"the machine hung ({reason})"
    panics = [text for text in host.emulator_panics
              if text != judge.POWER_OFF]
    return panics[0] if panics else ""


def find_notice(host: judge.Host) -> dict[str, str]:
    """The first case that failed, or that ran when the kernel complained."""
    for test in host.log.tests:
        for case in test.cases:
            if case.result not in ktap.BAD:
                continue
            # What it said last may be half a word.
            lost = case.reason == ktap.NO_RESULT
            how = complaint(host) if lost else case.result
            if how:
                return {"test": test.name, "case": case.name, "how": how,
                        "message": "" if lost else first_words(case)}
    last = host.log.tests[-1] if host.log.tests else None
    if last and (how := complaint(host)):
        case = last.cases[-1].name if last.cases else ""
        return {"test": last.name, "case": case, "how": how, "message": ""}
    return {}


def outcome(mutant: series.Mutant, host: judge.Host,
            notice: dict[str, str]) -> tuple[str, str]:
    """What a boot of the mutant proves, and why if it proves nothing."""
    said = set(host.log.facts.get("mutant", "").split())
    if said != {watermark(mutant)}:
        return BROKEN, ("the mutated kernel is not the one that ran: it says "
                        f"{' '.join(sorted(said)) or 'nothing'}")
    if notice:
        expected = notice["test"] == mutant.test and \
            fnmatchcase(notice["case"], mutant.cases)
        return (NOTICED, "") if expected else \
            (ELSEWHERE, "correct the series, or strengthen the case")
    if judge.finished(host) and any(case.result == ktap.PASS for test in
                                    host.log.tests for case in test.cases):
        return SURVIVED, "every case passed"
    return BROKEN, "the tests did not come to an end"


def judge_mutant(mutant: series.Mutant,
                 options: argparse.Namespace) -> dict[str, Any]:
    """What a boot of a mutant left behind."""
    host = judge.read_host(mutant.host, options.out / mutant.host, None)
    notice = find_notice(host)
    result, why = outcome(mutant, host, notice)
    return {"name": mutant.name, "outcome": result, "why": why,
            "rules": mutant.rules, "host": mutant.host, "vm": mutant.vm,
            "names": f"{mutant.test} {mutant.cases}",
            "fixed_by": mutant.fixed_by, "notice": notice,
            "watermark": host.log.facts.get("mutant", ""),
            "build_ms": options.build_ms,
            "boot_ms": host.watch.get("boot_ms"),
            "run_ms": host.watch.get("elapsed_ms"),
            "key": key(mutant, options.kernel, options.installed)}


def text_result(result: dict[str, Any]) -> str:
    """A result in one line."""
    notice = result.get("notice") or {}
    spent = f"build {report.seconds(result.get('build_ms'))}, run " \
        f"{report.seconds(result.get('run_ms'))}"
    if notice:
        what = f"{notice['test']} {notice['case']}: " \
            f"{notice['message'] or notice['how']}" + \
            (f"; {result['why']}" if result.get("why") else "")
    else:
        what = result.get("why", "")
    return f"{result['name']:32} {result['outcome']}: {what} ({spent})"


def command_plan(mutants: list[series.Mutant],
                 options: argparse.Namespace) -> int:
    """Print the mutants that are still to be run."""
    for mutant in mutants:
        if mutant.equivalent or proven(options.state, mutant, key(
                mutant, options.kernel, options.installed)):
            continue
        print(mutant.name, mutant.host, mutant.test, watermark(mutant))
    return 0


def command_judge(mutants: list[series.Mutant],
                  options: argparse.Namespace) -> int:
    """Judge one mutant, store the result and print it."""
    result = judge_mutant(mutants[0], options)
    options.state.mkdir(parents=True, exist_ok=True)
    results_file.replace(options.state / f"{result['name']}.json",
                   json.dumps(result, indent=1) + "\n")
    if options.more and result["outcome"] == SURVIVED:
        return 2
    print(text_result(result), flush=True)
    return 0 if result["outcome"] == NOTICED else 1


def command_broken(mutants: list[series.Mutant],
                   options: argparse.Namespace) -> int:
    """Store that a mutant could not be run."""
    mutant = mutants[0]
    result = {"name": mutant.name, "outcome": BROKEN, "why": options.why,
              "rules": mutant.rules, "host": mutant.host}
    options.state.mkdir(parents=True, exist_ok=True)
    results_file.replace(options.state / f"{mutant.name}.json",
                   json.dumps(result, indent=1) + "\n")
    print(text_result(result), flush=True)
    return 1


def command_cases(mutants: list[series.Mutant],
                  options: argparse.Namespace) -> int:
    """Write down which cases of which tests must notice these mutants."""
    write_cases(mutants, options, options.into)
    return 0


def command_rest(_: list[series.Mutant],
                 options: argparse.Namespace) -> int:
    """Write down the cases of every test that the kernel is known to fail."""
    options.into.mkdir(parents=True, exist_ok=True)
    rows = known.of_kernel(options.known, options.version)
    for test in {row.test for row in rows}:
        text = "\n".join(good_cases(test, options)) + "\n"
        (options.into / test).write_text(text, encoding="ascii")
    return 0


def control_failures(name: str, folder: Path, cases: Path) -> list[str]:
    """Why the unmutated kernel is no control, or nothing."""
    host = judge.read_host(name, folder, sorted(
        path.name for path in cases.iterdir()))
    judge.judge_host(host)
    wrong = [f"{failure.test} {failure.case}: {failure.reason}".strip(" :")
             for failure in host.failures]
    if host.log.facts.get("mutant") != "none":
        wrong.append("it says that it is a mutant")
    ran = {(test.name, case.name) for test in host.log.tests
           for case in test.cases if case.result == ktap.PASS}
    for path in sorted(cases.iterdir()):
        wrong += [f"{path.name} {case}: not seen to pass" for case in
                  path.read_text(encoding="ascii").split()
                  if (path.name, case) not in ran]
    return wrong


def command_control(_: list[series.Mutant],
                    options: argparse.Namespace) -> int:
    """Judge the unmutated kernel by the cases that are to notice mutants."""
    wrong = control_failures(options.name, options.out / options.name,
                             options.into)
    count = sum(len(path.read_text(encoding="ascii").split())
                for path in options.into.iterdir())
    print(f"{'(control, ' + options.name + ')':32} " +
          (f"FAILED: {wrong[0]}" if wrong else f"{count} cases pass"),
          flush=True)
    for text in wrong[1:20]:
        print(f"    {text}")
    results_file.replace(options.state / f"control.{options.name}",
                   json.dumps({"host": options.name, "cases": count,
                               "failures": wrong}, indent=1) + "\n")
    return 1 if wrong else 0


def summary(mutants: list[series.Mutant],
            options: argparse.Namespace) -> list[dict[str, Any]]:
    """A result for every mutant that was asked for."""
    results = []
    for mutant in mutants:
        result = read_result(options.state, mutant)
        due = key(mutant, options.kernel, options.installed)
        if mutant.equivalent:
            result = {"outcome": EQUIVALENT, "why": mutant.equivalent}
        elif not result:
            result = {"outcome": BROKEN, "why": "it was not run"}
        elif result["outcome"] == NOTICED and result.get("key") != due:
            result = {"outcome": BROKEN, "why": "it was run on another "
                      "kernel or by another test"}
        results.append({**result, "name": mutant.name})
    return results


def command_report(mutants: list[series.Mutant],
                   options: argparse.Namespace) -> int:
    """Write out/mutants.json and say what is not as it must be."""
    results = summary(mutants, options)
    controls = [judge.read_json(path)[0]
                for path in sorted(options.state.glob("control.*"))]
    number = {name: sum(result["outcome"] == name for result in results)
              for name in (NOTICED, ELSEWHERE, SURVIVED, BROKEN, EQUIVALENT)}
    good = bool(results) and not (number[ELSEWHERE] or number[SURVIVED] or
                                  number[BROKEN])
    results_file.replace(options.into, json.dumps(
        {"verdict": "pass" if good else "fail", "variant": options.variant,
         "totals": number, "controls": controls, "mutants": results},
        indent=1) + "\n")
    print("\n".join(f"    {text_result(result)}" for result in results
                    if result["outcome"] not in (NOTICED, EQUIVALENT)))
    equivalent = f", {number[EQUIVALENT]} equivalent" \
        if number[EQUIVALENT] else ""
    print(f"Mutants: {number[NOTICED]} of "
          f"{len(results) - number[EQUIVALENT]} noticed{equivalent}")
    for text in options.others:
        print(f"    {text}")
    return 0 if good else 1


def command_counts(_: list[series.Mutant],
                   options: argparse.Namespace) -> int:
    """Print how many were noticed and how many were not, for the shell."""
    number, wrong = judge.read_json(options.into)
    totals = number.get("totals", {})
    failed = sum(totals.get(name, 0) for name in (ELSEWHERE, SURVIVED, BROKEN))
    print(totals.get(NOTICED, 0), failed + bool(wrong))
    return 1 if wrong or failed else 0


COMMANDS = {"plan": command_plan, "cases": command_cases,
            "rest": command_rest,
            "judge": command_judge, "broken": command_broken,
            "control": command_control, "report": command_report,
            "counts": command_counts}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--series", type=Path, default=Path("mutants/series"))
    parser.add_argument("--select", default="*", metavar="PATTERNS")
    parser.add_argument("--shard", default="1/1", metavar="I/N")
    parser.add_argument("--hosts", default="svm svm-smp tdx tdx-smp")
    parser.add_argument("--variant", default=series.ORDINARY,
                        choices=series.VARIANTS)
    parser.add_argument("--kernel", default="", metavar="HASH")
    parser.add_argument("--installed", type=Path, default=Path("install"))
    parser.add_argument("--state", type=Path, default=Path("state"))
    parser.add_argument("--known", type=Path,
                        default=Path("docs/known-failures.md"))
    parser.add_argument("--version", default="", metavar="KERNEL")
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--into", type=Path, default=Path("cases"))
    parser.add_argument("--name", default="")
    parser.add_argument("--why", default="")
    parser.add_argument("--build-ms", type=int, default=None)
    parser.add_argument("--more", action="store_true",
                        help="more tests follow if it was not noticed")
    return parser.parse_args()


def main() -> int:
    """Run one command on the mutants that were selected."""
    options = arguments()
    sys.stdout.reconfigure(errors="replace")
    mutants, wrong = series.read_series(options.series)
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    if options.name and options.command != "control":
        chosen = [mutant for mutant in mutants if mutant.name == options.name]
    else:
        chosen = share(select(mutants, options.select, options.hosts.split(),
                              options.variant), options.shard)
    options.others = others(mutants, options)
    if not chosen:
        print("; ".join([f"no mutant for {options.variant or 'this'} kernel "
                         f"is called {options.name or options.select}"] +
                        options.others), file=sys.stderr)
        return 1
    try:
        return COMMANDS[options.command](chosen, options)
    except (OSError, ValueError) as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
