"""How much faster steps are whose batch normalization is one operation, as `kzoo.engine.fused_layers` makes them.

For each pipeline the steps of one network take turns in one process (A B A B ...): as Keras makes them, and fused. The
processor time of a step is told, on the embedded sample. Asked for: none is slower.

    python -m benchmarks fused-layers [--of mnist,yolov3] [--rounds 6]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

from measuring import parser_of
from results import Report
from training_arms import assembled

STEPS = {
    "mnist": ("default", "float32", 128, 8),
    "mnist in bfloat16": ("default", "mixed_bfloat16", 128, 8),
    "cifar10": ("default", "float32", 128, 3),
    "cifar10 in bfloat16": ("default", "mixed_bfloat16", 128, 3),
    "cats_vs_dogs": ("default", "float32", 16, 2),
    "fingers": ("default", "float32", 32, 3),
    "segmentation": ("default", "float32", 4, 2),
    "embedding": ("default", "float32", 64, 3),
    "yolov3": ("quick", "float32", 4, 2),
}
"""Recipe, type of numbers, examples of a batch, and steps of a call."""


def main() -> int:
    """Measure, print the table, and return 1 if a fused step is slower."""
    parser = parser_of(__doc__)
    parser.add_argument("--of", default=",".join(STEPS), help="some of the pipelines, separated by commas")
    parser.add_argument("--rounds", type=int, default=6)
    asked = parser.parse_args()
    if unknown := set(asked.of.split(",")) - set(STEPS):
        parser.error(f"--of: {', '.join(sorted(unknown))}: there are {', '.join(STEPS)}")
    from kzoo.engine import runtime

    runtime.start()  # before anything that imports TensorFlow, or its flags come too late
    report = Report("fused-layers", asked)
    rows = []
    for name in asked.of.split(","):
        found = measured(name.split()[0], *STEPS[name], rounds=asked.rounds)
        ratios = [ours / theirs for ours, theirs in zip(found["Keras's"], found["fused"], strict=True)]
        medians = {f"{way}, CPU-ms": 1000 * statistics.median(taken) for way, taken in found.items()}
        spread = {"from": min(ratios), "to": max(ratios)}
        rows.append({"arm": name, **medians, "times as fast": statistics.median(ratios), **spread})
    report.table("steps", "processor time of a training step", rows)
    held = report.limit("the least gain", min(row["times as fast"] for row in rows), least=1.0)
    report.keep()
    return int(not held)


def measured(name: str, recipe: str, precision: str, size: int, count: int, *, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of the processor that each way took for a step, in turns."""
    import tensorflow as tf

    from kzoo.engine.fused_layers import with_fused_layers
    from kzoo.engine.steps import compiled_steps, make_variables

    data = {"data": "sample", "limit": 2 * size, "batch_size": size, "epochs": 1000}  # more than are taken
    asked = argparse.Namespace(pipeline=name, recipe=recipe, **data)
    parts, _ = assembled(asked, precision)
    model, strategy, batches = parts.model, tf.distribute.get_strategy(), iter(parts.batches.dataset(asked.epochs))
    make_variables(model, parts.batches.element_spec, strategy)
    ways = {
        "Keras's": compiled_steps(model, model.train_step, strategy),
        "fused": compiled_steps(model, with_fused_layers(model, model.train_step), strategy),
    }
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for step in ways.values():
        step(batches, tf.constant(count))  # compiles
    for _ in range(rounds):
        for way, step in ways.items():
            began = time.process_time()
            step(batches, tf.constant(count))
            taken[way].append((time.process_time() - began) / count)
    return taken


if __name__ == "__main__":
    sys.exit(main())
