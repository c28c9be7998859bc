"""Trainings over several workers against the same with one: how far their weights are apart, and how long they took.

    python benchmarks/several_workers.py --workers 2 -- regression --recipe quick
    python benchmarks/several_workers.py --workers 2 --workers 3 -- mnist --recipe quick --data sample

What stands after ``--`` is given to ``kzoo run``. Each training is a process of its own, with more processes under it
where it has several workers. The distance is the largest absolute difference between any two numbers in the weights of
the final models, batch normalization's moving statistics among them. ``--rounding`` adds a training with one worker
whose sums are rounded in another way, with TensorFlow's own kernels in the place of oneDNN's: what a difference in the
last bits comes to in that training, whoever makes it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def trained(arguments: list[str], workers: int, out: Path, *, plain: bool = False) -> tuple[Path, float]:
    """Return the run of a training, and its seconds from start to end."""
    command = [sys.executable, "-P", "-m", "kzoo", "run", *arguments, "--out", str(out), "--json", "-q"]
    more = {"TF_ENABLE_ONEDNN_OPTS": "0"} if plain else {}
    began = time.perf_counter()
    done = subprocess.run(
        [*command, "--workers", str(workers)], stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **more}
    )
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
    parser.add_argument("--rounding", action="store_true", help="train with one worker and other kernels, too")
    parser.add_argument("arguments", nargs="+", help="those of kzoo run")
    options = parser.parse_args()
    ways = [("1 worker", 1, False), *((f"{n} workers", n, False) for n in options.workers or [2])]
    ways += [("1 worker, other kernels", 1, True)] if options.rounding else []
    with tempfile.TemporaryDirectory() as folder:
        first: dict[str, Any] = {}
        for name, count, plain in ways:
            run, seconds = trained(options.arguments, count, Path(folder), plain=plain)
            found = weights(run)
            if not first:
                first = found
                largest = max(float(abs(one).max()) for one in first.values())
                print(f"kzoo run {' '.join(options.arguments)}: the largest number in the weights is {largest:.3g}")
            record = json.loads((run / "run.json").read_text())
            shown = [f"{k} {v:.6g}" for k, v in record["results"]["test"].items() if isinstance(v, float)]
            print(
                f"{name}: weights {apart(first, found):.1e} apart; {seconds:.1f} s, {record['timings']['train']:.1f} s "
                f"of them training; {', '.join(shown)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
