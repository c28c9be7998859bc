"""Trainings over several workers against the same with one: how far their weights are apart, and how long they took.

    python benchmarks/several_workers.py --workers 2 -- regression --recipe quick
    python benchmarks/several_workers.py --workers 2 --workers 3 -- mnist --recipe quick --data sample

What stands after ``--`` is given to ``kzoo run``. Each training is a process of its own, with more processes under it
where it has several workers. The distance is the largest absolute difference between any two numbers in the weights of
the final models, batch normalization's moving statistics among them; beside it stands how much these changed from the
first step on, and how far a second training with one worker is from the first, which is 0 where runs repeat to the bit.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def trained(arguments: list[str], workers: int, out: Path) -> tuple[Path, float]:
    """Return the run of a training, and its seconds from start to end."""
    command = [sys.executable, "-P", "-m", "kzoo", "run", *arguments, "--out", str(out), "--json", "-q"]
    began = time.perf_counter()
    done = subprocess.run([*command, "--workers", str(workers)], stdout=subprocess.PIPE, text=True, check=True)
    return Path(json.loads(done.stdout)["run"]), time.perf_counter() - began


def weights(run: Path) -> dict[str, Any]:
    """Return the weights of a run's final model, by path."""
    import numpy as np

    import kzoo

    model = kzoo.load_model(run / "model.keras")
    return {variable.path: np.asarray(variable) for variable in model.weights}


def apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Return the largest absolute difference."""
    import numpy as np

    pairs = zip(one.values(), other.values(), strict=True)
    return max(float(np.abs(a.astype(float) - b.astype(float)).max()) for a, b in pairs)


def main() -> None:
    """Train, compare and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, action="append", help="how many; may be repeated")
    parser.add_argument("--twice", action="store_true", help="train with one worker a second time")
    parser.add_argument("arguments", nargs="+", help="those of kzoo run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = [1, *([1] if options.twice else []), *(options.workers or [2])]
        runs = [(count, *trained(options.arguments, count, Path(folder))) for count in counts]
        first = weights(runs[0][1])
        largest = max(float(abs(one).max()) for one in first.values())
        print(f"kzoo run {' '.join(options.arguments)}: {len(first)} weights, the largest number {largest:.3g}")
        for count, run, seconds in runs:
            record = json.loads((run / "run.json").read_text())
            result = record["results"]["test"]
            shown = "  ".join(f"{name} {value:.6g}" for name, value in result.items() if isinstance(value, float))
            trained_in = record["timings"]["train"]
            print(
                f"{count} worker{'s' * (count > 1)}  weights {apart(first, weights(run)):.1e} apart  "
                f"{seconds:.1f} s, {trained_in:.1f} s of them training  {shown}",
                flush=True,
            )


if __name__ == "__main__":
    main()
