"""Four losses, five seeds, on MNIST or CIFAR-10: the comparison that docs/comparing.md speaks of.

    python benchmarks/comparison.py --data DIR [--pipeline mnist] [--seeds 5] [--jobs 1] [--epochs N] [--save DIR]

``DIR`` holds ``mnist.npz`` and ``cifar10.npz``, or folders ``mnist`` and ``cifar10``. Runs and comparison go to
``--out``, ``runs`` by default; a call that was stopped goes on where it was. Printed: the table, and as the last line
in JSON the time that this call took and that of all trainings together. ``--save`` copies the pictures, the tables and
the page.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

LOSSES = {
    "mnist": ("categorical_crossentropy", "focal:gamma=2", "poly1", "emd"),
    "cifar10": ("categorical_crossentropy", "focal:gamma=2", "poly1", "smoothed_crossentropy"),
}
KEPT = ("compare.html", "compare.csv", "runs.csv", "comparison.json")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pipeline", choices=list(LOSSES), default="mnist")
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--save", type=Path)
    asked = parser.parse_args()
    import kzoo
    from kzoo.comparing.words import COLUMNS, rows

    file = asked.data / f"{asked.pipeline}.npz"
    began = time.perf_counter()
    found = kzoo.compare(
        asked.pipeline,
        loss=LOSSES[asked.pipeline],
        recipe=asked.recipe,
        seeds=asked.seeds,
        jobs=asked.jobs,
        epochs=asked.epochs,
        limit=asked.limit,
        data=file if file.exists() else asked.data / asked.pipeline,
        out=asked.out,
        verbose=2,
    )
    seconds = time.perf_counter() - began
    print("\t".join(COLUMNS.values()))
    for row in rows(found.judgement):
        print("\t".join(row[key] for key in COLUMNS))
    print(*found.summary, *found.notes, sep="\n")
    if asked.save:
        asked.save.mkdir(parents=True, exist_ok=True)
        for path in [*(found.folder.path / name for name in KEPT), *(found.folder.path / "plots").glob("*.png")]:
            shutil.copy(path, asked.save / path.name)
    trained = sum(row.get("seconds") or 0.0 for row in found.runs)
    print(json.dumps({"seconds": seconds, "training_seconds": trained, "runs": len(found.runs), "jobs": asked.jobs}))
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
