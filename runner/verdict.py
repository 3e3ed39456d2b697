#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Give the verdict on a run.

Reads what the hosts left in out/, writes it down for people and programs, and
prints a summary.  Exit status 0 means "pass", and nothing else does; 1 means
"fail", 2 "could not judge".
"""

import argparse
import json
import os
import sys
import traceback
from datetime import datetime, timezone
from pathlib import Path

import certificate
import judge
import junit
import known
import page
import report
import results
import tap

OUTPUTS = ("results.json", "results.tap", "results.junit.xml", "report.html",
           "certificate.json")
SKIPPED = ("skipped", "skipped_tests", "expected_failures")


def counts(path: Path) -> int:
    """Print passed, failed and skipped of a results.json, for the shell.

    What is no pass and no failure counts as skipped: a case, a test that was
    skipped as a whole, and a case that failed as expected.
    """
    read, wrong = judge.read_json(path)
    number = read.get("totals")
    if not wrong and not isinstance(number, dict):
        wrong = f"{path.name} has no totals"
    if not wrong:
        try:
            print(int(number["passed"]), int(number["failed"]),
                  sum(int(number[name]) for name in SKIPPED))
            return 0 if read.get("verdict") == "pass" else 1
        except (KeyError, TypeError, ValueError):
            wrong = f"{path.name} has no totals"
    print(f"verdict: {wrong}", file=sys.stderr)
    print("0 1 0")
    return 1


def forget(out: Path) -> None:
    """Remove old results: they must not outlive a run that is not judged."""
    for name in OUTPUTS:
        (out / name).unlink(missing_ok=True)


def write(out: Path, run: judge.Run) -> None:
    """All outputs but the summary."""
    found = results.json_run(run)
    results.replace(out / "results.tap", tap.tap(run))
    results.replace(out / "results.json", json.dumps(found, indent=1) + "\n")
    results.replace(out / "results.junit.xml", junit.render(found))
    results.replace(out / "report.html", page.render(found))
    sealed = certificate.of_run(found, datetime.now(timezone.utc))
    if sealed:
        results.replace(out / "certificate.json",
                        json.dumps(sealed, indent=1) + "\n")


def give(options: argparse.Namespace) -> int:
    """Judge a run and write it down."""
    forget(options.out)
    hosts = [name for name in options.hosts.split(",") if name]
    run = judge.judge_run(options.out, options.meta, hosts,
                          options.contract, options.tests)
    known.apply(run, options.known)
    write(options.out, run)
    sys.stdout.write(report.text(run, str(options.out / "report.html")))
    sys.stdout.flush()
    return judge.STATUS[run.verdict]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=Path, metavar="RESULTS",
                        help="print passed, failed and skipped of a "
                        "results.json, and do nothing else")
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--meta", type=Path, default=Path("out/meta.json"))
    parser.add_argument("--hosts", default="svm")
    parser.add_argument("--contract", type=Path,
                        default=Path("docs/contract.md"))
    parser.add_argument("--known", type=Path,
                        default=Path("docs/known-failures.md"))
    parser.add_argument("--tests", type=Path, default=Path(
        "tools/testing/selftests/kvm/x86_64"))
    return parser.parse_args()


def main() -> int:
    """Never end with a traceback, and never with a pass that was not seen."""
    options = arguments()
    sys.stdout.reconfigure(errors="replace")
    try:
        return counts(options.counts) if options.counts else give(options)
    except OSError as error:
        wrong = f"{error.filename or 'output'}: {error.strerror}"
    except Exception as error:  # pylint: disable=broad-exception-caught
        if os.environ.get("V") == "1":
            traceback.print_exc()
        wrong = (f"the verdict itself is broken ({error!r}); V=1 shows "
                 "where, please report it")
    print(f"Verdict: {judge.UNKNOWN}: {wrong}", file=sys.stderr)
    return judge.STATUS[judge.UNKNOWN]


if __name__ == "__main__":
    sys.exit(main())
