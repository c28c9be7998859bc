"""How fast ``kzoo run`` trains, as ratios: beside a bare ``fit`` on the same batches, and beside the tutorial's script.

Four ways train the same network on the same images with the same batch size, each in a process of its own, in turn
(A B C D A B C D ...), so that a machine whose speed drifts treats them alike:

- ``kzoo``: ``kzoo run`` with its progress display;
- ``fit``: plain ``model.fit`` on the very same tf.data with the same flags and steps per execution, showing nothing;
- ``single``: the same with one step per execution, which is what ``compile`` does by itself;
- ``script``: what the tutorial's reader writes: float32 NumPy arrays, one-hot labels, ``model.fit``, default flags.

The speed of an epoch is its images over the time from its begin to the end of its last step; the first epoch, which
compiles, is left out. Printed: the median over epochs and rounds, and the median of the ratios round by round.

    python benchmarks/training.py --data cifar10.npz --pipeline cifar10 --rounds 5
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipeline", default="cifar10")
    parser.add_argument("--recipe", default="classic")
    parser.add_argument("--data", default="sample", help="sample, or a file of the pipeline's data")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--limit", type=int, default=20480)  # whole calls of 16 steps: fit would take more
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--script-onednn", choices=("default", "off"), default="default",
                        help="off: as on processors where TensorFlow does not turn oneDNN on by itself")  # fmt: skip
    parser.add_argument("--arms", default=",".join(ARMS), help="some of the ways besides kzoo, separated by commas")
    parser.add_argument("--arm", choices=list(ARMS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm:
        print(json.dumps(ARMS[options.arm](options)))
        return
    chosen = {"kzoo", *options.arms.split(",")}
    if unknown := chosen - set(ARMS):
        parser.error(f"--arms: {', '.join(sorted(unknown))}: there are {', '.join(ARMS)}")
    speeds = {arm: [] for arm in ARMS if arm in chosen}
    for number in range(options.rounds):
        for arm, seen in speeds.items():
            seen.append(statistics.median(measure(arm, options)))
            print(f"round {number + 1} {arm:7} {seen[-1]:8.0f} img/s", flush=True)
    print()
    for arm, seen in speeds.items():
        ratios = [ours / other for ours, other in zip(speeds["kzoo"], seen, strict=True)]
        print(f"{arm:7} {statistics.median(seen):8.0f} img/s   kzoo / {arm}: {statistics.median(ratios):.3f} "
              f"(from {min(ratios):.3f} to {max(ratios):.3f})")  # fmt: skip


def measure(arm, options):
    """Return the speed of each epoch but the first, measured in a fresh process."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    if arm == "script":  # whoever writes a script sets no flags
        environment.pop("TF_ENABLE_ONEDNN_OPTS", None)
        if options.script_onednn == "off":
            environment["TF_ENABLE_ONEDNN_OPTS"] = "0"
    command = [sys.executable, __file__, *sys.argv[1:], "--arm", arm]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def settings(options):
    from kzoo.runs.configure import configure

    return configure(options.pipeline, recipe=options.recipe, data=options.data, limit=options.limit,
                     batch_size=options.batch_size, epochs=options.epochs,
                     options=["train.early_stopping=0", "train.keep=last"])  # fmt: skip


def epoch_timer(examples):
    import keras

    class EpochTimer(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.speeds = []

        def on_epoch_begin(self, epoch, logs=None):
            self.began = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            self.ended = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            if epoch:
                self.speeds.append(examples / (self.ended - self.began))

    return EpochTimer()


def with_kzoo(options):
    from pathlib import Path

    from rich.console import Console

    from kzoo.engine import runtime

    runtime.start()  # before anything that imports TensorFlow, or its flags come too late
    from kzoo.engine.listener import Silent
    from kzoo.training.progress import ProgressLines
    from kzoo.training.run import train

    timers = []

    class Timed(ProgressLines):
        """The progress display, its own time counted in."""

        def set_model(self, model):
            super().set_model(model)
            timers[0].set_model(model)

        def on_epoch_begin(self, epoch, logs=None):
            timers[0].on_epoch_begin(epoch, logs)
            super().on_epoch_begin(epoch, logs)

        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            timers[0].on_train_batch_end(batch, logs)

        def on_epoch_end(self, epoch, logs=None):
            timers[0].on_epoch_end(epoch, logs)
            super().on_epoch_end(epoch, logs)

    class Shown(Silent):
        def progress(self, *, examples, **how):
            timers.append(epoch_timer(examples))
            console = Console(file=io.StringIO(), force_terminal=True, width=120)
            return Timed(console, examples=examples, **how, live=True)

    with tempfile.TemporaryDirectory() as folder:
        train(settings(options), root=Path(folder), listener=Shown())
    return timers[0].speeds


def assembled(options):
    from kzoo.engine import runtime

    runtime.start()  # before anything that imports TensorFlow, or its flags come too late
    from kzoo.data.sources import load_splits
    from kzoo.data.splits import DataRequest
    from kzoo.engine.listener import Silent
    from kzoo.models.saved import find_pipeline
    from kzoo.plugins.registry import get_registry
    from kzoo.training.assembly import Assembly

    runtime.seed_everything(0)
    pipeline, registry = find_pipeline(options.pipeline), get_registry()
    splits = load_splits(pipeline.source(), DataRequest(options.data, limit=options.limit), Silent())
    task = splits.task or registry.get("pipeline", options.pipeline).spec.task
    parts = Assembly(settings(options), pipeline, task, registry)
    parts.compile(splits)
    return parts, splits


def with_fit(options, steps_per_execution=None):
    parts, splits = assembled(options)
    from kzoo.engine.batches import ordered_batches

    if steps_per_execution:
        parts.model.steps_per_execution = steps_per_execution
    timer = epoch_timer(len(splits.train))
    parts.model.fit(
        parts.batches.dataset(options.epochs),
        epochs=options.epochs,
        steps_per_epoch=parts.batches.steps_per_epoch,
        validation_data=ordered_batches(splits.validation, options.batch_size, parts.encode),
        callbacks=[timer],
        verbose=0,
    )
    return timer.speeds


def with_script(options):
    """Train as the tutorial does. Its data comes from the same file; its network is built from plain layers."""
    import keras
    import numpy as np

    from kzoo.data.sources import load_splits
    from kzoo.data.splits import DataRequest
    from kzoo.engine.listener import Silent
    from kzoo.models.saved import find_pipeline

    source = find_pipeline(options.pipeline).source()
    splits = load_splits(source, DataRequest(options.data, limit=options.limit), Silent())
    classes = len(splits.class_names)
    keras.utils.set_random_seed(0)
    x_train = splits.train.x.astype("float32") / 255
    y_train = keras.utils.to_categorical(splits.train.y, classes)
    validation = (splits.validation.x.astype("float32") / 255, keras.utils.to_categorical(splits.validation.y, classes))
    layers = [keras.Input(x_train.shape[1:])]
    for _ in range(2 if options.pipeline == "cifar10" else 1):
        layers += [keras.layers.Conv2D(32, (4, 4), activation="relu"), keras.layers.MaxPool2D((2, 2))]
    hidden = 256 if options.pipeline == "cifar10" else 128
    layers += [keras.layers.Flatten(), keras.layers.Dense(hidden, activation="relu"),
               keras.layers.Dense(classes, activation="softmax")]  # fmt: skip
    model = keras.Sequential(layers)
    model.compile(loss="categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
    timer = epoch_timer(len(x_train))
    model.fit(
        np.ascontiguousarray(x_train),
        y_train,
        batch_size=options.batch_size,
        epochs=options.epochs,
        validation_data=validation,
        callbacks=[timer],
    )
    return timer.speeds


def with_single_steps(options):
    return with_fit(options, steps_per_execution=1)


ARMS = {"kzoo": with_kzoo, "fit": with_fit, "single": with_single_steps, "script": with_script}

if __name__ == "__main__":
    main()
