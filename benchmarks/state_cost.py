"""What it costs to keep the state of a training, in per cent of the training time.

    python benchmarks/state_cost.py --data DIR [--pipelines mnist,cifar10,yolov3] [--rounds 5]

Each pipeline is trained with its state kept, as by default, and with ``train.save_every=off``, in turn (A B A B ...),
in one process each. ``DIR`` holds ``mnist.npz``, ``cifar10.npz`` and ``coco128/``; what is missing is left out, which
is said. Printed: the medians of the time from the begin of the first step to the end of the last epoch and of the time
that the processor worked meanwhile, each with the median of its ratios round by round, and how often a state was
written. Two runs of the same thing differ by some per cent on a shared machine, so that the last column says what the
runs cannot: the processor time of the two threads in which states are taken and written, in per cent of the training.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = {
    "mnist": ("mnist.npz", "-r default --epochs 3"),
    "cifar10": ("cifar10.npz", "-r default --epochs 2"),
    "yolov3": ("coco128", "-r default --epochs 2 -b 8"),
}
ARMS = {"off": "-o train.save_every=off", "kept": ""}
INNER = """
import json, sys, time
from kzoo.cli import main
from kzoo.training.keeping import StateKeeper
from kzoo.training.trainer import Trainer

fit, keep, write, count, own = Trainer.fit, StateKeeper.keep, StateKeeper._write, [0], [0.0]

def timed(*given, **more):
    began = time.perf_counter(), time.process_time()
    try:
        return fit(*given, **more)
    finally:
        seconds.extend((time.perf_counter() - began[0], time.process_time() - began[1]))

def counted(*given):
    began = time.thread_time()
    write(*given)
    count[0] += 1
    own[0] += time.thread_time() - began

def kept(*given, **more):
    began = time.thread_time()
    keep(*given, **more)
    own[0] += time.thread_time() - began

seconds = []
Trainer.fit, StateKeeper.keep, StateKeeper._write = timed, kept, counted
code = main(sys.argv[1:])
print(json.dumps([*seconds, count[0], own[0]]))
sys.exit(code)
"""


def main():
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--pipelines", default=",".join(RUNS))
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    print(
        f"{'pipeline':<10}{'off, s':>9}{'kept, s':>9}{'cost, %':>9}{'CPU off':>9}{'CPU kept':>9}{'cost, %':>9}"
        "  states  own, %"
    )
    for name in asked.pipelines.split(","):
        data, arguments = RUNS[name]
        if not (asked.data / data).exists():
            print(f"{name} is left out: there is no {asked.data / data}")
            continue
        seen = {arm: [] for arm in ARMS}
        for _ in range(asked.rounds):
            for arm, more in ARMS.items():
                seen[arm].append(_measured(name, asked.data / data, f"{arguments} {more}"))
        _print(name, seen)


def _measured(name, data, arguments):
    place = tempfile.mkdtemp()
    words = [
        "run",
        name,
        *arguments.split(),
        "--data",
        str(data.absolute()),
        "-o",
        "report=false",
        "-q",
        "--out",
        place,
    ]
    try:
        done = subprocess.run([sys.executable, "-c", INNER, *words], capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(place)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def _print(name, seen):
    columns = []
    for at in range(2):
        off, kept = ([one[at] for one in seen[arm]] for arm in ("off", "kept"))
        ratio = statistics.median(b / a for a, b in zip(off, kept, strict=True))
        columns += [statistics.median(off), statistics.median(kept), 100 * (ratio - 1)]
    own = statistics.median(100 * one[3] / one[1] for one in seen["kept"])
    figures = "".join(f"{value:>9.2f}" for value in columns)
    print(f"{name:<10}{figures}{seen['kept'][0][2]:>8}{own:>8.2f}", flush=True)


if __name__ == "__main__":
    main()
