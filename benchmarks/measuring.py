"""One way of measuring for all benchmarks: arms that take turns, medians, and ratios round by round.

Machines are shared and their speed drifts, so no number stands alone: the arms of a benchmark run one after the other,
round after round (A B C A B C ...), and each is compared with the first of the same round. What is told of a ratio is
its median over the rounds, and how far it went. `results` keeps it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """What one process took: seconds by the clock and of processors, the most memory in bytes, and what it wrote."""

    wall: float
    cpu: float
    memory: int
    out: str


def ended(command, *, terminal=False, **environment):
    """Run a command to its end, with bytecode as users have it; a failure of it ends the benchmark."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept = {name: str(value) for name, value in {**kept, **environment}.items() if value is not None}
    main, side = os.openpty() if terminal else os.pipe()
    began = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=side, stderr=subprocess.PIPE, env=kept)
    os.close(side)
    written = bytearray()
    said = bytearray()

    def listen():
        for line in process.stderr:
            said.extend(line)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # how a terminal ends
            break
        if not part:
            break
        written += part
    os.close(main)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    thread.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        message = (
            f"{' '.join(map(str, command))} ended with {process.returncode}:\n{said.decode(errors='replace')[-4000:]}"
        )
        raise SystemExit(message)
    scale = 1024 if sys.platform != "darwin" else 1
    return Ended(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale, written.decode(errors="replace"))


def in_turns(arms, rounds, *, warm=False, quiet=False):
    """Return what each arm gave in each round: a list for each name; ``arms`` maps names to functions.

    Args:
        arms: The first is what the others are compared with.
        rounds: How often each has its turn.
        warm: Whether each is called once before, which is not counted.
        quiet: Whether to leave out the line that is written to stderr for each.
    """
    if warm:
        for arm in arms.values():
            arm()
    found = {name: [] for name in arms}
    for number in range(rounds):
        for name, arm in arms.items():
            found[name].append(arm())
            if not quiet:
                said = f"  round {number + 1} of {rounds}  {name:<24}{_short(found[name][-1])}"
                print(said, file=sys.stderr, flush=True)
    return found


def rows_of(found, *, unit, more_is_better, what=lambda value: value):
    """Return a row for each arm: its median, its spread, and how much better the first one is, above 1 where it is.

    Args:
        found: What `in_turns` returned.
        unit: Of the numbers.
        more_is_better: Whether larger numbers are better, as speeds are.
        what: The number of what an arm gave.
    """
    first, *_ = found
    base = [what(value) for value in found[first]]
    rows = []
    for name, values in found.items():
        own = [what(value) for value in values]
        ratios = [(ours / other if more_is_better else other / ours) for ours, other in zip(base, own, strict=True)]
        rows.append(
            {
                "arm": name,
                "median": statistics.median(own),
                "from": min(own),
                "to": max(own),
                "unit": unit,
                "ratio": statistics.median(ratios),
                "ratio_from": min(ratios),
                "ratio_to": max(ratios),
                "rounds": len(own),
            }
        )
    return rows


def ratio_to(rows, arm):
    """Return how much better the first arm is than another one, or None where that one was left out."""
    return next((row["ratio"] for row in rows if row["arm"] == arm), None)


def available(arms, needed, report):
    """Return the arms whose packages are installed; of each other one the report says why it is left out.

    Args:
        arms: Names of arms.
        needed: The package that an arm needs, by the arm's name.
        report: A `results.Report`.
    """
    there = []
    for arm in arms:
        if arm in needed and find_spec(needed[arm]) is None:
            report.note(f"`{arm}` is left out: {needed[arm]} is not installed (pip install {needed[arm]}).")
        else:
            there.append(arm)
    return there


class _Parser(argparse.ArgumentParser):
    """Remembers the defaults, so that a result names only what was given."""

    def parse_args(self, *given, **how):
        asked = super().parse_args(*given, **how)
        asked.defaults = {key: self.get_default(key) for key in vars(asked)}
        return asked


def parser_of(text):
    """Return a parser with the options that all benchmarks have."""
    parser = _Parser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables and the machine to a file")
    parser.add_argument("--keep", action="store_true", help="and to benchmarks/results, for docs/benchmarks.md")
    return parser


def _short(value):
    if isinstance(value, Ended):
        return f"{value.wall:8.2f} s  {value.cpu:8.2f} CPU-s  {value.memory / 2**20:7.0f} MiB"
    return f"{value:8.4g}" if isinstance(value, int | float) else str(value)[:80]
