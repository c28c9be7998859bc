"""Train a pipeline with every component that fits it, one at a time, in one process, and print one table.

    python benchmarks/every_component.py
    python benchmarks/every_component.py --kind loss --kind schedule
    python benchmarks/every_component.py --only emd --only adam

Each run is `kzoo run mnist --recipe quick` with one thing changed, and the arguments of the component's example (but
for a schedule's number of steps, which is that of the run). A component is `ok` when the run ends and the training
loss, the test loss and every metric are finite numbers. Where the test accuracy is no better than the commonest class's
share of the test split, that is said beside it: the run ended well, and the network has learned nothing that accuracy
sees. Exit code 1 when a component is not ok.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import textwrap
import time
import warnings
from dataclasses import dataclass, field

KINDS = ("loss", "metric", "optimizer", "schedule", "regularizer")


@dataclass(frozen=True)
class Outcome:
    """What came of one run: numbers that are NaN and an error, or no error."""

    loss: float = float("nan")
    accuracy: float = float("nan")
    error: str = ""


@dataclass
class Tally:
    """The components that were not ok, and the number of those that were tried."""

    tried: int = 0
    failed: list[str] = field(default_factory=list)


def main():
    options = _options()
    from kzoo.engine import runtime
    from kzoo.errors import UsageError

    try:
        chosen = _chosen(options)
    except UsageError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    runtime.start()
    chance = _chance(options)
    width = max(len(reference) for _, reference in chosen)
    print(f"kzoo run {options.pipeline} --recipe {options.recipe}, seed {options.seed}: {len(chosen)} components, "
          f"chance {chance:.3f}\n")  # fmt: skip
    print(f"{'kind':<12}{'component':<{width}}{'loss':>11}{'accuracy':>10}{'seconds':>9}  result")
    tally = Tally()
    began = time.perf_counter()
    for kind, reference in chosen:
        start = time.perf_counter()
        outcome = _train(options, kind, reference)
        result = textwrap.shorten(outcome.error, 60) or (
            "ok" if outcome.accuracy > chance else "ok, accuracy of chance"
        )
        numbers = f"{outcome.loss:>11.4g}{outcome.accuracy:>10.3f}{time.perf_counter() - start:>9.1f}"
        print(f"{kind:<12}{reference:<{width}}{numbers}  {result}", flush=True)
        tally.tried += 1
        if outcome.error:
            tally.failed.append(f"{kind} {reference}: {outcome.error}")
    print(f"\n{tally.tried} components in {time.perf_counter() - began:.0f} s; {len(tally.failed)} not ok")
    for line in tally.failed:
        print(f"  {line}")
    return 1 if tally.failed else 0


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", action="append", choices=KINDS, help="these kinds; by default all")
    parser.add_argument("--only", action="append", metavar="NAME", help="these components, of whatever kind")
    parser.add_argument("--pipeline", default="mnist")
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--data", default="sample", help="as in `kzoo run`")
    parser.add_argument("--epochs", type=int, help="by default the recipe's")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _chosen(options):
    """Return kind and reference of every component to try; raise `UsageError` for a name that stands for none."""
    from kzoo.errors import UsageError
    from kzoo.plugins.reference import Reference
    from kzoo.plugins.registry import get_registry

    registry = get_registry()
    task = registry.get("pipeline", options.pipeline).spec.task
    found = [
        (kind, entry)
        for kind in options.kind or KINDS
        for entry in registry.fitting(kind, task)
        if getattr(entry.spec, "applies_to", "weights") == "weights" or entry.spec.layer  # a run knows which layer
    ]
    if options.only:
        named = [entry for name in options.only for entry in registry.find(name)]
        found = [(kind, entry) for kind, entry in found if entry in named]
    if not found:
        message = f"None of these is for {options.pipeline}, whose task is {task}: {', '.join(options.only or KINDS)}."
        raise UsageError(message)
    return [(kind, str(Reference(registry.shown_name(entry), _example(entry.spec)))) for kind, entry in found]


def _example(spec):
    """Return the arguments of a component's example; kzoo itself fills in the number of steps of a schedule."""
    return {name: value for name, value in spec.example.items() if name != getattr(spec, "steps_argument", "")}


def _chance(options):
    """Return the share of the commonest class in the test split."""
    import numpy as np

    from kzoo.data.sources import load_splits
    from kzoo.data.splits import DataRequest
    from kzoo.engine.listener import Silent
    from kzoo.models.saved import find_pipeline

    source = find_pipeline(options.pipeline).source()
    labels = load_splits(source, DataRequest(options.data, options.seed), Silent()).test.labels
    return np.bincount(np.ravel(labels)).max() / len(labels)


def _train(options, kind, reference):
    """Run the pipeline with one component and return what came of it; a failure is one line."""
    import keras

    import kzoo

    asked = {"data": options.data, "seed": options.seed, **_asked(kind, reference)}
    asked["options"] = {**asked.get("options", {}), "report": False}  # pictures are the same for every component
    if options.epochs:
        asked["epochs"] = options.epochs
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cautions, such as that classes have no order
            result = kzoo.run(options.pipeline, recipe=options.recipe, out=folder, **asked)
    except Exception as error:
        return Outcome(error=" ".join(f"{type(error).__name__}: {error}".split()))
    finally:
        keras.backend.clear_session()
        gc.collect()
    if result.status == "interrupted":
        sys.exit(130)
    return _outcome(result)


def _outcome(result):
    import numpy as np

    trained = result.history[-1]
    measured = {**{f"train {k}": v for k, v in trained.items()}, **{f"test {k}": v for k, v in result.results.items()}}
    broken = [f"{name} is {value}" for name, value in measured.items() if not np.isfinite(value).all()]
    accuracy = result.results.get("accuracy", float("nan"))
    return Outcome(float(trained["loss"]), float(accuracy), "; ".join(broken))


def _asked(kind, reference):
    """Return the arguments of `kzoo.run` that put one component in the recipe's place."""
    from kzoo.plugins.reference import Reference

    if kind == "metric":
        return {"metrics": [reference]}
    if kind != "schedule":
        return {kind: reference}
    table = Reference.parse(reference).to_mapping()
    return {"options": {"optimizer.name": "sgd", **{f"optimizer.learning_rate.{k}": v for k, v in table.items()}}}


if __name__ == "__main__":
    sys.exit(main())
