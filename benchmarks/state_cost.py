"""What it costs to keep the state of a training, in per cent of the training time.

Each pipeline is trained with its state kept, as by default, and with ``train.save_every=off``, in turn (A B A B ...),
in one process each. ``DIR`` holds ``mnist.npz``, ``cifar10.npz`` and ``coco128/``; what is missing is left out, which
is said. What counts is the processor time from the begin of the first step to the end of the last epoch. Two runs of
the same thing differ by some per cent on a shared machine, so that it is also told what the runs cannot: the processor
time of the two threads in which states are taken and written. Asked for: under 2 per cent of the training.

    python -m benchmarks state --data DIR [--pipelines mnist,cifar10,yolov3] [--rounds 5]
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from measuring import ended, in_turns, parser_of, rows_of
from results import Report

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
    parser = parser_of(__doc__)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--pipelines", default=",".join(RUNS))
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    report, shares = Report("state", asked), []
    for name in asked.pipelines.split(","):
        data, arguments = RUNS[name]
        if not (asked.data / data).exists():
            report.note(f"{name} is left out: there is no {data}.")
            continue
        place = (asked.data / data).absolute()
        arms = {arm: lambda m=more: measured(name, place, f"{arguments} {m}") for arm, more in ARMS.items()}  # noqa: B023 - called here
        found = in_turns(arms, asked.rounds)
        rows = rows_of(found, unit="CPU-s", more_is_better=False, what=lambda one: one[1])
        report.table(name, f"{name}: processor time of the training", rows)
        written = found["kept"][0][2]
        own = statistics.median(100 * one[3] / one[1] for one in found["kept"])
        shares.append(own)
        report.note(f"{name}: {written} states were written, which took {own:.2f} % of the training.")
    if shares:
        report.limit("processor time of keeping the state, %", max(shares), most=2)
    report.keep()


def measured(name, data, arguments):
    """Return seconds by the clock and of the processor, how many states were written, and what that took."""
    with tempfile.TemporaryDirectory() as place:
        words = ["run", name, *arguments.split(), "--data", data, "-o", "report=false", "-q", "--out", place]
        return json.loads(ended([sys.executable, "-c", INNER, *words]).out.splitlines()[-1])


if __name__ == "__main__":
    main()
