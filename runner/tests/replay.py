# SPDX-License-Identifier: GPL-2.0
"""Lay out a saved log as a run would have left it, and judge it.

A folder of logs/ holds ktap.log, serial.log and so on; what it lacks comes
from logs/default, a run in which nothing is wrong.  Each log but that one has
one thing wrong, and most were written by a real machine.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterable

TESTS = Path(__file__).resolve().parent
RUNNER = TESTS.parent
LOGS = TESTS / "logs"
sys.path.insert(0, str(RUNNER))

import judge  # noqa: E402  pylint: disable=wrong-import-position

FILES = ("ktap.log", "serial.log", "timed.log", "watch.json", "host.json",
         "emulator.log", "emulator.status")
CONTRACT = "| rule | it says |\n|---|---|\n| `walk.level` | A level. |\n"
SOURCE = "/* Rules: walk.level */\nTEST_F(page, mapped)\n{\n}\n"
KERNEL = {"version": "7.3.4", "tree": "/src", "config_sha256": "9f" * 32,
          "package": "linux-source-7.3 7.3.4-1~bpo13+1",
          "patches": ["0001-kvm_tdp_mmu_gpa_to_pfn.patch"]}


def find(name: str, file: str) -> Path:
    """A file of a saved log, or the default one."""
    own = LOGS / name / file
    return own if own.exists() else LOGS / "default" / file


def stamp(ktap: bytes) -> bytes:
    """What the watcher would have written for this output."""
    *lines, rest = ktap.split(b"\n")
    text = b"".join(b"%d\t%s\n" % (1700 + 20 * at, line)
                    for at, line in enumerate(lines))
    return text + (b"99999\t" + rest if rest else b"")


def lay_out(name: str, out: Path, host: str = "svm",
            without: Iterable[str] = ()) -> None:
    """Make out/ of a saved log."""
    folder = out / host
    folder.mkdir(parents=True)
    for file in FILES:
        if find(name, file).exists():
            shutil.copy(find(name, file), folder / file)
    if not (folder / "timed.log").exists():
        ktap = (folder / "ktap.log").read_bytes()
        (folder / "timed.log").write_bytes(stamp(ktap))
    for file in without:
        (folder / file).unlink()
    requested = find(name, "requested").read_text(encoding="ascii").split()
    meta = {"kernel": KERNEL, "suite": {"commit": "d22e242"},
            "tests": {host: requested}}
    (out / "meta.json").write_text(json.dumps(meta), encoding="ascii")
    (out / "contract.md").write_text(CONTRACT, encoding="ascii")
    (out / "tests").mkdir()
    (out / "tests" / "good_test.c").write_text(SOURCE, encoding="ascii")


def replay(out: Path, hosts: Iterable[str] = ("svm",)) -> judge.Run:
    """Judge what lies in out/."""
    return judge.judge_run(out, out / "meta.json", list(hosts),
                           out / "contract.md", out / "tests")


def command(out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run verdict.py on what lies in out/, as make does."""
    return subprocess.run(
        [sys.executable, str(RUNNER / "verdict.py"), "--out", str(out),
         "--meta", str(out / "meta.json"), "--contract",
         str(out / "contract.md"), "--tests", str(out / "tests"), *more],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
