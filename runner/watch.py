#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Follow an emulated host while it runs, and end it when it hangs.

Notes when each line of KTAP arrived, shows how far the tests are, and leaves
in watch.json how the machine ended.  Judges nothing: that is for verdict.py.
Exit status 0: the machine ended by itself; 3: it was silent for too long;
4: it took too long; 5: it failed, and was to be ended at the first failure;
130: somebody interrupted.
"""

import argparse
import json
import os
import select
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Callable

import klog
import ktap

EXIT, SILENCE, LIMIT, FAILURE, INTERRUPTED = \
    "exit", "silence", "limit", "failure", "interrupted"
STATUS = {EXIT: 0, SILENCE: 3, LIMIT: 4, FAILURE: 5, INTERRUPTED: 130}

POLL_MS = 20
CHUNK = 1 << 16
KILL_AFTER_S = 3.0


@dataclass
class Process:
    """A process that need not be a child of this one.

    The descriptor stands for the process itself, so that a number which the
    system gives to another one can never be hit.
    """
    pid: int
    fd: int | None = None
    started: str = ""


@dataclass
class Follower:
    """A file that someone else appends to, and may not have made yet."""
    path: Path
    file: BinaryIO | None = None
    size: int = 0
    first_ms: int | None = None


@dataclass
class Watch:
    """What was seen of the host so far."""
    host: str
    begin: float
    serial: Follower
    ktap: Follower
    timed: BinaryIO | None
    first_failure: bool = False
    said: bytes = b""
    last_output_ms: int = 0
    rest: bytes = b""
    log: ktap.HostLog = field(default_factory=ktap.HostLog)
    told: int = 0
    shown: str = ""
    trouble: str = ""


def start_time(pid: int) -> str:
    """When the process started, empty if it is no more (or a zombie)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii",
                                                   errors="replace")
    except OSError:
        return ""
    words = stat.rpartition(")")[2].split()
    return "" if len(words) < 20 or words[0] in "ZX" else words[19]


def open_process(pid: int) -> Process:
    """Take hold of a process; one that is gone already is no error."""
    try:
        return Process(pid, os.pidfd_open(pid))
    except ProcessLookupError:
        return Process(pid)
    except (OSError, AttributeError):
        # A kernel without pidfd: its start time tells a process apart.
        return Process(pid, None, start_time(pid))


def alive(process: Process, timeout_ms: int) -> bool:
    """Wait a little; whether the process runs after it."""
    if process.fd is not None:
        poll = select.poll()
        poll.register(process.fd, select.POLLIN)
        return not poll.poll(timeout_ms)
    if not process.started:
        return False
    time.sleep(timeout_ms / 1000)
    return start_time(process.pid) == process.started


def send(process: Process, number: signal.Signals) -> None:
    """Signal the process, if it is still the one."""
    try:
        if process.fd is not None:
            signal.pidfd_send_signal(process.fd, number)
        elif process.started and start_time(process.pid) == process.started:
            os.kill(process.pid, number)
    except ProcessLookupError:
        pass


def end_process(process: Process) -> None:
    """End the process: ask, then insist."""
    send(process, signal.SIGTERM)
    if alive(process, int(KILL_AFTER_S * 1000)):
        deadline = time.monotonic() + KILL_AFTER_S
        send(process, signal.SIGKILL)
        while alive(process, POLL_MS) and time.monotonic() < deadline:
            pass


def elapsed_ms(watch: Watch) -> int:
    """Milliseconds since the watch began."""
    return int((time.monotonic() - watch.begin) * 1000)


def read_new(follower: Follower, now_ms: int) -> bytes:
    """What was appended since the last call."""
    try:
        if follower.file is None:
            follower.file = open(follower.path, "rb", buffering=0)
        data = follower.file.read(CHUNK) or b""
    except OSError:
        return b""
    if data and follower.first_ms is None:
        follower.first_ms = now_ms
    follower.size += len(data)
    return data


def write_timed(watch: Watch, data: bytes) -> None:
    """Write to timed.log; a full disk must not end the watch."""
    if watch.timed is None:
        return
    try:
        watch.timed.write(data)
    except OSError as error:
        watch.trouble = f"timed.log could not be written: {error.strerror}"
        watch.timed = None


def take_ktap(watch: Watch, data: bytes, now_ms: int) -> None:
    """Stamp and count the lines that are complete."""
    lines, watch.rest = ktap.split_lines(watch.rest + data)
    for line in lines:
        write_timed(watch, b"%d\t%s\n" % (now_ms, line))
        ktap.feed(watch.log, line, now_ms)


def read_all(watch: Watch) -> bool:
    """Read what both files have; whether anything had come."""
    came = False
    while True:
        now_ms = elapsed_ms(watch)
        serial = read_new(watch.serial, now_ms)
        data = read_new(watch.ktap, now_ms)
        if watch.first_failure:
            watch.said += serial
        if data:
            take_ktap(watch, data, now_ms)
        if not data and not serial:
            return came
        came = True
        watch.last_output_ms = now_ms


def count(test: ktap.Test) -> tuple[int, int]:
    """Cases done and failed so far."""
    failed = sum(case.result in ktap.BAD for case in test.cases)
    return len(test.cases), failed


def seconds(milliseconds: int | None) -> str:
    """A duration as people read it."""
    return "?" if milliseconds is None else f"{milliseconds / 1000:.1f} s"


def plain_lines(watch: Watch) -> None:
    """One line for every test that has finished since the last call."""
    tests = watch.log.tests
    while watch.told < len(tests) and \
            tests[watch.told] is not watch.log.running:
        test = tests[watch.told]
        done, failed = count(test)
        watch.told += 1
        text = (f"{watch.host}: {test.name}: {test.result}, {done} cases, "
                f"{failed} failed, {seconds(test.milliseconds)}")
        print(text, file=sys.stderr, flush=True)


def progress_line(watch: Watch) -> None:
    """Rewrite the one line on a terminal, if it says something new."""
    tests = watch.log.tests
    counts = [count(test) for test in tests]
    name = watch.log.running.name if watch.log.running else \
        ("tests done" if tests else "boots")
    text = (f"{watch.host}: {name}: {sum(done for done, _ in counts)} cases "
            f"done, {sum(failed for _, failed in counts)} failed, "
            f"{elapsed_ms(watch) // 1000} s")
    if text != watch.shown:
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
        watch.shown = text


def clear_line(watch: Watch) -> None:
    """Leave the terminal as it was."""
    if watch.shown:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def has_failed(watch: Watch) -> bool:
    """Whether a case failed, or the kernel complained while tests ran."""
    if any(count(test)[1] for test in watch.log.tests):
        return True
    # What the tests write is slower than the kernel: wait for the case's name.
    test = watch.log.running
    if test is None or not (test.running or test.cases):
        return False
    return any(splat.test and not splat.weak
               for splat in klog.parse(watch.said).splats)


def overdue(watch: Watch, silence_s: float, limit_s: float) -> str:
    """Why the host must be ended now, or nothing."""
    now_ms = elapsed_ms(watch)
    if now_ms > limit_s * 1000:
        return LIMIT
    if now_ms - watch.last_output_ms > silence_s * 1000:
        return SILENCE
    return ""


def follow(watch: Watch, process: Process, show: Callable[[Watch], None],
           silence_s: float, limit_s: float) -> str:
    """Watch until the host ends or must be ended; returns the reason."""
    while True:
        running = alive(process, POLL_MS)
        # Once more after the end, for what was written last.
        came = read_all(watch)
        show(watch)
        if not running:
            return EXIT
        if watch.first_failure and came and has_failed(watch):
            return FAILURE
        if reason := overdue(watch, silence_s, limit_s):
            return reason


def watch_host(watch: Watch, process: Process,
               options: argparse.Namespace) -> str:
    """Follow the host, end it if need be, and read what is left."""
    on_line = sys.stderr.isatty() and not options.plain
    show = progress_line if on_line else plain_lines
    try:
        reason = follow(watch, process, show, options.silence, options.limit)
    except KeyboardInterrupt:
        reason = INTERRUPTED
    if reason != EXIT:
        end_process(process)
    read_all(watch)
    show(watch)
    clear_line(watch)
    if watch.rest:
        write_timed(watch, b"%d\t%s" % (elapsed_ms(watch), watch.rest))
    return reason


def summary(watch: Watch, reason: str,
            options: argparse.Namespace) -> dict[str, object]:
    """What watch.json says."""
    return {
        "host": watch.host,
        "reason": reason,
        "elapsed_ms": elapsed_ms(watch),
        "boot_ms": watch.ktap.first_ms,
        "first_serial_ms": watch.serial.first_ms,
        "last_output_ms": watch.last_output_ms,
        "serial_bytes": watch.serial.size,
        "ktap_bytes": watch.ktap.size,
        "silence_s": options.silence,
        "limit_s": options.limit,
        "trouble": watch.trouble,
    }


def write_json(path: Path, value: object) -> str:
    """Replace a file at once; returns what went wrong, if anything."""
    temporary = path.with_name(path.name + ".new")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)
            file.write("\n")
        os.replace(temporary, path)
    except OSError as error:
        return f"{path} could not be written: {error.strerror}"
    return ""


def say_end(host: str, reason: str, options: argparse.Namespace) -> None:
    """Say why the machine was ended."""
    why = {SILENCE: f"was silent for {options.silence:g} s and was ended",
           LIMIT: f"ran for more than {options.limit:g} s and was ended",
           INTERRUPTED: "was ended because somebody interrupted"}
    if reason in why:
        print(f"{host}: the machine {why[reason]}", file=sys.stderr)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--serial", type=Path, required=True)
    parser.add_argument("--ktap", type=Path, required=True)
    parser.add_argument("--timed", type=Path, required=True)
    parser.add_argument("--silence", type=float, default=60)
    parser.add_argument("--limit", type=float, default=900)
    parser.add_argument("--first-failure", action="store_true",
                        help="end the machine at the first failed case or "
                        "splat")
    parser.add_argument("--plain", action="store_true",
                        help="no progress line: others use the terminal too")
    return parser.parse_args()


def interrupt(*_: object) -> None:
    """End the machine on SIGTERM as on control-C."""
    raise KeyboardInterrupt


def main() -> int:
    """Watch one host."""
    options = arguments()
    begin = time.monotonic()
    process = open_process(options.pid)
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    watch = Watch(options.host, begin, Follower(options.serial),
                  Follower(options.ktap), None, options.first_failure)
    try:
        watch.timed = open(options.timed, "wb", buffering=0)
    except OSError as error:
        watch.trouble = f"{options.timed}: {error.strerror}"
    reason = watch_host(watch, process, options)
    say_end(options.host, reason, options)
    wrong = write_json(options.timed.with_name("watch.json"),
                       summary(watch, reason, options))
    for text in filter(None, (watch.trouble, wrong)):
        print(f"{options.host}: {text}", file=sys.stderr)
    return STATUS[reason]


if __name__ == "__main__":
    sys.exit(main())
