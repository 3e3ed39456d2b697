#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""certificate.json: what held on a real host, and on exactly which.

Usage: certificate.py FILE, to check one.

The SHA-256 is over everything else in the file, in one canonical form: whatever
is changed afterwards no longer fits.  It is a seal and no signature: who changes
a certificate can compute another, so keep its digest where it cannot be changed,
or sign the file.
"""

import hashlib
import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

VERSION = 1
UNKNOWN = "unknown"

# Facts of run-tests, and the names that they have here.
FACTS = (("cpu", "cpu"), ("microcode", "microcode"), ("bios", "bios"),
         ("board", "board"), ("kernel", "kernel_release"),
         ("build", "kernel_build"), ("cmdline", "kernel_cmdline"))

# What the software TDX module does to a kernel, and nobody can undo.
TAINT_TEST = 1 << 18

RESULTS = {"pass", "fail", "known", "skip", "missing", "not judged"}


def canonical(value: Any) -> bytes:
    """The one way to write a value: sorted, without spaces, in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"),
                      ensure_ascii=True, allow_nan=False).encode("ascii")


def digest(certificate: dict[str, Any]) -> str:
    """The SHA-256 of all that is in a certificate but the digest itself."""
    rest = {name: value for name, value in certificate.items()
            if name != "sha256"}
    return hashlib.sha256(canonical(rest)).hexdigest()


def is_software(facts: dict[str, str]) -> bool:
    """Whether the software TDX module may have answered for a real one."""
    taint = facts.get("taint", "")
    return taint.isascii() and taint.isdigit() and \
        bool(int(taint) & TAINT_TEST)


def why_not(host: dict[str, Any]) -> str:
    """Why a host is not certified, or nothing."""
    facts = host["facts"]
    if host.get("native") is not True:
        return "it is not the machine itself"
    if host["emulator"]:
        return f"it is emulated by {host['emulator']}"
    if facts.get("hypervisor") != "no":
        return "its CPU does not say that it runs without a hypervisor"
    if "end" not in facts:
        return "its tests did not come to their end"
    if facts.get("mutant", "none") not in ("", "none"):
        return f"its kernel is a mutant, {facts['mutant']}"
    taint = facts.get("taint", "")
    if not (taint.isascii() and taint.isdigit()) or is_software(facts):
        return "its kernel has a software TDX module, or tests of its own"
    return ""


def rule_results(results: dict[str, Any], name: str) -> dict[str, Any]:
    """Every rule of the contract: what came of it on one host."""
    found = {}
    for rule in results["rules"]:
        cells = rule["results"].get(name, {})
        found[rule["rule"]] = {vm_type: cell["result"]
                               for vm_type, cell in cells.items()} or \
            {"other": "not judged"}
    return found


def host_verdict(results: dict[str, Any], name: str) -> str:
    """Pass only without a failure, of the host or of the run as such."""
    failed = any(failure["host"] in (name, "")
                 for failure in results["failures"])
    return "fail" if failed else "pass"


def machine(host: dict[str, Any]) -> dict[str, Any]:
    """On what the rules were judged."""
    facts = host["facts"]
    return {**{name: facts.get(fact) or UNKNOWN for fact, name in FACTS},
            "tdx_module": {"version": facts.get("tdx-module") or "none",
                           "build": facts.get("tdx-build") or UNKNOWN}}


def certify(results: dict[str, Any], host: dict[str, Any],
            now: datetime) -> dict[str, Any]:
    """The certificate of a host that may have one."""
    kernel = results["kernel"] or {}
    name = host["host"]
    waivers = [{"test": case["test"], "case": case["case"],
                "rules": case["rules"], "reason": case["reason"]}
               for case in results["cases"]
               if case["host"] == name and case["result"] == "xfail"]
    tests = {test["test"]: test["result"] for test in host["tests"]}
    certificate = {
        "certificate_version": VERSION,
        "issued": now.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "suite": (results["suite"] or {}).get("commit", UNKNOWN),
        "kernel": {"version": kernel.get("version", UNKNOWN),
                   "origin": kernel.get("commit") or kernel.get("package") or
                   UNKNOWN,
                   "patches": kernel.get("patches") or [],
                   "config_sha256": host["facts"].get("config-sha256") or
                   kernel.get("config_sha256", UNKNOWN)},
        "host": machine(host),
        "verdict": host_verdict(results, name),
        "tests": tests,
        "rules": rule_results(results, name),
        "waivers": waivers,
    }
    certificate["sha256"] = digest(certificate)
    return certificate


def of_run(results: dict[str, Any], now: datetime) -> dict[str, Any] | None:
    """The certificate of a run: of its one real host, if it judged anything."""
    real = [host for host in results["hosts"] if not why_not(host)]
    if len(real) != 1 or results["verdict"] not in ("pass", "fail"):
        return None
    certificate = certify(results, real[0], now)
    judged = any(result in ("pass", "fail", "known")
                 for cells in certificate["rules"].values()
                 for result in cells.values())
    return certificate if judged else None


def only_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object no name of which is there twice."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name is there twice in one object")
    return dict(pairs)


def no_constant(text: str) -> None:
    """Refuse what JSON does not have."""
    raise ValueError(f"{text} is no JSON")


def read(path: Path) -> dict[str, Any]:
    """A certificate, or ValueError."""
    value = json.loads(path.read_text(encoding="utf-8"),
                       object_pairs_hook=only_once,
                       parse_constant=no_constant)
    if not isinstance(value, dict):
        raise ValueError("it holds no object")
    return value


NAMES = {"certificate_version", "issued", "suite", "kernel", "host",
         "verdict", "tests", "rules", "waivers", "sha256"}


def wrong(certificate: dict[str, Any]) -> str:
    """What is wrong with a certificate, in a sentence, or nothing."""
    if certificate.get("certificate_version") != VERSION:
        return (f"certificate_version is "
                f"{certificate.get('certificate_version')}, not {VERSION}")
    if set(certificate) != NAMES:
        odd = ", ".join(sorted(set(certificate) ^ NAMES))
        return f"it has other members than a certificate: {odd}"
    if certificate["sha256"] != digest(certificate):
        return ("it was changed: its SHA-256 is "
                f"{digest(certificate)}, not {certificate['sha256']}")
    said = {result for cells in certificate["rules"].values()
            for result in cells.values()}
    if said - RESULTS:
        return f"it has results that there are not: {sorted(said - RESULTS)}"
    if certificate["verdict"] == "pass" and said & {"fail", "missing"}:
        return "its verdict is pass, but not every rule held"
    return ""


def describe(certificate: dict[str, Any]) -> str:
    """A certificate in a few lines."""
    host, kernel = certificate["host"], certificate["kernel"]
    module = host["tdx_module"]
    rules = list(certificate["rules"].values())
    held = sum(set(cells.values()) <= {"pass", "skip"} and
               "pass" in cells.values() for cells in rules)
    judged = sum(bool(set(cells.values()) - {"skip", "not judged"})
                 for cells in rules)
    return (f"{certificate['verdict']}: {held} of {judged} rules that were "
            f"judged held, {len(rules) - judged} were not judged; "
            f"{len(certificate['waivers'])} waivers\n"
            f"  {host['cpu']}, microcode {host['microcode']}, "
            f"BIOS {host['bios']}\n"
            f"  TDX module {module['version']}, build {module['build']}\n"
            f"  Linux {kernel['version']} ({kernel['origin']}), config "
            f"{kernel['config_sha256'][:12]}\n"
            f"  suite {certificate['suite'][:12]}, {certificate['issued']}\n"
            f"  SHA-256 {certificate['sha256']}\n")


def main() -> int:
    """Check a certificate: exit status 0 only if nothing is wrong with it."""
    if len(sys.argv) != 2 or not sys.argv[1]:
        print("usage: make verify-certificate FILE=certificate.json",
              file=sys.stderr)
        return 2
    path = Path(sys.argv[1])
    try:
        certificate = read(path)
        why = wrong(certificate)
        said = "" if why else describe(certificate)
    except OSError as error:
        why = str(error.strerror)
    except (ValueError, RecursionError) as error:
        why = f"it is no certificate: {error}"
    except (AttributeError, KeyError, TypeError) as error:
        why = f"it is no certificate: {error!r}"
    if why:
        print(f"{path}: {why}", file=sys.stderr)
        return 1
    sys.stdout.write(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
