"""One way of measuring for all benchmarks: arms that take turns, medians, ratios round by round, and which machine.

Machines are shared and their speed drifts, so no number stands alone: the arms of a benchmark run one after the other,
round after round (A B C A B C ...), and each is compared with the first of the same round. What is told of a ratio is
its median over the rounds, and how far it went.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("kzoo", "keras", "tensorflow", "numpy", "torch", "jax", "onnxruntime", "openvino", "opencv-python-headless")
INSTRUCTIONS = ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd")


@dataclass(frozen=True)
class Ended:
    """What one process took: seconds by the clock and of processors, the most memory, and what it wrote."""

    wall: float
    cpu: float
    memory: int
    out: str


def ended(command, *, terminal=False, **environment):
    """Run a command to its end, with bytecode as users have it; a failure of it ends the benchmark."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept = {name: value for name, value in {**kept, **environment}.items() if value is not None}
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
    """Return a row for each arm: its median, its spread, and its ratio to the first one, above 1 where that is better.

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


def show(rows, title):
    """Print rows as a table."""
    first = rows[0]["arm"]
    print(f"{title}")
    print(f"{'':<26}{'median':>10} {rows[0]['unit']:<9}{'from':>9} {'to':>9}   {first} is better by (from to)")
    for row in rows:
        numbers = f"{row['median']:>10.4g} {'':<9}{row['from']:>9.4g} {row['to']:>9.4g}"
        ratio = f"{row['ratio']:.3f} ({row['ratio_from']:.3f} {row['ratio_to']:.3f})" if row is not rows[0] else ""
        print(f"{row['arm']:<26}{numbers}   {ratio}")


def keep(name, asked, **tables):
    """Write the tables of a benchmark with the machine's description to ``--json``, and for the page where asked."""
    told = {
        "benchmark": name,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "arguments": {key: str(value) for key, value in vars(asked).items() if key not in ("json", "keep")},
        "machine": machine(),
        "tables": tables,
    }
    places = [asked.json] if asked.json else []
    if asked.keep:
        RESULTS.mkdir(exist_ok=True)
        places.append(RESULTS / f"{name}.json")
    for place in places:
        place.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def parser_of(text):
    """Return a parser with the options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables and the machine to a file")
    parser.add_argument("--keep", action="store_true", help="and to benchmarks/results, for docs/benchmarks.md")
    return parser


def machine():
    """Return what the numbers depend on: processor, its instructions, cores, memory, system, versions; no name."""
    told = Path("/proc/cpuinfo").read_text("utf-8") if Path("/proc/cpuinfo").exists() else ""
    name = re.search(r"(?m)^model name\s*:\s*(.+)$", told)
    flags = re.search(r"(?m)^(?:flags|Features)\s*:\s*(.+)$", told)
    there = set(flags[1].split()) if flags else set()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": name[1].strip() if name else platform.processor() or platform.machine(),
        "instructions": [one for one in INSTRUCTIONS if one in there],
        "cores": cores,
        "memory_gb": round(memory / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "versions": {one: found for one in PACKAGES if (found := _version(one))},
    }


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _short(value):
    if isinstance(value, Ended):
        return f"{value.wall:8.2f} s  {value.cpu:8.2f} CPU-s  {value.memory / 2**20:7.0f} MiB"
    return f"{value:8.4g}" if isinstance(value, int | float) else str(value)[:80]
