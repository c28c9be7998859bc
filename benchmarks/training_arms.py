"""The ways of training that `training` compares: each returns the speeds of its epochs but the first."""

import io
import itertools
import os
import tempfile
import time
from pathlib import Path

from tutorial import network


def settings(options, precision):
    from kzoo.runs.configure import configure

    return configure(options.pipeline, recipe=options.recipe, data=options.data, limit=options.limit,
                     batch_size=options.batch_size, epochs=options.epochs,
                     options=["train.early_stopping=0", "train.keep=last", f"train.precision={precision}"])  # fmt: skip


def epoch_timer(examples):
    import keras

    class EpochTimer(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.speeds = []

        def on_epoch_begin(self, epoch, logs=None):
            self.began = time.perf_counter(), time.process_time()

        def on_train_batch_end(self, batch, logs=None):
            self.ended = time.perf_counter(), time.process_time()

        def on_epoch_end(self, epoch, logs=None):
            if epoch:
                self.speeds.append(
                    [examples / (end - begin) for begin, end in zip(self.began, self.ended, strict=True)]
                )

    return EpochTimer()


def with_kzoo(options, precision="float32"):
    from rich.console import Console

    from kzoo.engine import runtime

    runtime.start()  # before anything that imports TensorFlow, or its flags come too late
    from kzoo.engine.listener import Silent
    from kzoo.training.progress import ProgressLines, TerminalScreen
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
            return Timed(TerminalScreen(console, live=True), examples=examples, **how)

    with tempfile.TemporaryDirectory() as folder:
        train(settings(options, precision), root=Path(folder), listener=Shown())
    return timers[0].speeds


def assembled(options, precision="float32"):
    """Return what `kzoo run` makes of these options before it trains, and its data."""
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
    parts = Assembly(settings(options, precision), pipeline, task, registry)
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


def arrays(options):
    """Return images and labels of the training split and of the validation split, as uint8, and the classes."""
    from kzoo.data.sources import load_splits
    from kzoo.data.splits import DataRequest
    from kzoo.engine.listener import Silent
    from kzoo.models.saved import find_pipeline

    splits = load_splits(
        find_pipeline(options.pipeline).source(), DataRequest(options.data, limit=options.limit), Silent()
    )
    return (splits.train.x, splits.train.y), (splits.validation.x, splits.validation.y), len(splits.class_names)


def with_script(options):
    """Train as the tutorial does, with the same images."""
    import keras
    import numpy as np

    train, validation, classes = arrays(options)
    keras.utils.set_random_seed(0)
    x_train, y_train = train[0].astype("float32") / 255, keras.utils.to_categorical(train[1], classes)
    held_out = validation[0].astype("float32") / 255, keras.utils.to_categorical(validation[1], classes)
    model = network(options.pipeline, x_train.shape[1:], classes)
    model.compile(loss="categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
    timer = epoch_timer(len(x_train))
    model.fit(
        np.ascontiguousarray(x_train),
        y_train,
        batch_size=options.batch_size,
        epochs=options.epochs,
        validation_data=held_out,
        callbacks=[timer],
    )
    return timer.speeds


def with_loop(options):
    """Train by a tf.function that somebody wrote by hand: 16 steps in a call, on tf.data by index."""
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import keras
    import tensorflow as tf

    (x, y), _, classes = arrays(options)
    keras.utils.set_random_seed(0)
    steps, count = by_hand(options, x, y, network(options.pipeline, x.shape[1:], classes), classes)

    def epoch():
        for begin in range(0, count, 16):
            seen = steps(tf.constant(min(16, count - begin)))
        seen.numpy()

    return timed(epoch, options.epochs, count * options.batch_size)


def by_hand(options, x, y, model, classes):
    """Return a function that takes n steps of a model, and how many an epoch has."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.RMSprop()
    optimizer.build(model.trainable_variables)
    images, labels, count = (
        tf.constant(x),
        tf.one_hot(tf.constant(y.reshape(-1)), classes),
        len(x) // options.batch_size,
    )
    seen, right = tf.Variable(0.0), tf.Variable(0.0)

    def batch(at):
        return tf.cast(tf.gather(images, at), tf.float32) / 255, tf.gather(labels, at)

    order = tf.data.Dataset.range(len(x)).shuffle(len(x), seed=0).batch(options.batch_size, drop_remainder=True)
    batches = iter(order.map(batch, num_parallel_calls=tf.data.AUTOTUNE).repeat().prefetch(tf.data.AUTOTUNE))

    @tf.function
    def steps(n):
        for _ in tf.range(n):
            inputs, targets = next(batches)
            with tf.GradientTape() as tape:
                outputs = model(inputs, training=True)
                loss = tf.reduce_mean(keras.losses.categorical_crossentropy(targets, outputs))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            seen.assign_add(loss)
            right.assign_add(tf.reduce_sum(tf.cast(tf.argmax(outputs, 1) == tf.argmax(targets, 1), tf.float32)))
        return seen.read_value()

    return steps, count


def in_turns_by_calls(options, calls=60):
    """Return for ``kzoo``, ``fit`` and ``loop`` the speeds of calls of 16 steps, which take turns in this process.

    They take the steps of one network, so that nothing else differs than what each of them does in a step and between
    two calls; processes of their own differ by several percent from one start to the next.
    """
    parts, splits = assembled(options)
    import keras
    import tensorflow as tf
    from rich.console import Console

    from kzoo.engine.steps import make_variables
    from kzoo.training.progress import ProgressLines, TerminalScreen
    from kzoo.training.trainer import Trainer

    model, n = parts.model, 16
    batches = iter(parts.batches.dataset(10_000))
    model.steps_per_execution = n
    make_variables(model, parts.batches.element_spec, tf.distribute.get_strategy())
    trainer = Trainer(model)
    model.make_train_function()
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    shown = ProgressLines(
        TerminalScreen(console, live=True), examples=len(splits.train), batch_size=options.batch_size, unit="img"
    )
    shown.set_model(model)
    shown.set_params({"epochs": 1, "steps": calls * n})
    shown.on_epoch_begin(0)
    (x, y), _, classes = arrays(options)
    steps, _ = by_hand(options, x, y, model, classes)
    taken = itertools.count()

    def kzoo():
        logs, _ = trainer.take(batches, tf.constant(n))
        shown.on_train_batch_end(next(taken) * n % (calls * n), logs)

    ways = {
        "kzoo": kzoo,
        "fit": lambda: keras.tree.map_structure(float, model.train_function(batches)),
        "loop": lambda: steps(tf.constant(n)).numpy(),
    }
    for way in ways.values():
        way()  # compiles
    found = {name: [] for name in ways}
    for at in range(calls):
        for name in list(ways)[:: 1 if at % 2 else -1]:
            began = time.perf_counter(), time.process_time()
            ways[name]()
            ended_at = time.perf_counter(), time.process_time()
            found[name].append([n * options.batch_size / (b - a) for a, b in zip(began, ended_at, strict=True)])
    shown.close()  # or it keeps what is printed
    return found


def with_torch(options, *, narrow=False):
    """Train the same network in PyTorch, channels last, which is its faster layout on a processor."""
    import torch

    (x, y), _, classes = arrays(options)
    torch.manual_seed(0)
    if options.threads:
        torch.set_num_threads(options.threads)
    blocks, channels, side = [], x.shape[-1], x.shape[1]
    for _ in range(2 if options.pipeline == "cifar10" else 1):
        blocks += [torch.nn.Conv2d(channels, 32, 4), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
        channels, side = 32, (side - 3) // 2
    hidden = 256 if options.pipeline == "cifar10" else 128
    blocks += [torch.nn.Flatten(), torch.nn.Linear(32 * side * side, hidden), torch.nn.ReLU(),
               torch.nn.Linear(hidden, classes)]  # fmt: skip
    model = torch.nn.Sequential(*blocks).to(memory_format=torch.channels_last)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9)
    images = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    labels, count = torch.from_numpy(y.reshape(-1).astype("int64")), len(x) // options.batch_size
    right = torch.zeros(())

    def epoch():
        order = torch.randperm(len(x))
        for at in range(count):
            chosen = order[at * options.batch_size : (at + 1) * options.batch_size]
            inputs, targets = images[chosen].float().div_(255), labels[chosen]
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
                outputs = model(inputs)
            torch.nn.functional.cross_entropy(outputs.float(), targets).backward()
            optimizer.step()
            right.add_((outputs.argmax(1) == targets).sum())

    return timed(epoch, options.epochs, count * options.batch_size)


def timed(epoch, epochs, examples):
    """Return the speeds of all epochs but the first, by the clock and by processor time."""
    epoch()
    speeds = []
    for _ in range(epochs - 1):
        began = time.perf_counter(), time.process_time()
        epoch()
        ended_at = time.perf_counter(), time.process_time()
        speeds.append([examples / (end - begin) for begin, end in zip(began, ended_at, strict=True)])
    return speeds


def with_half_precision(options):
    return with_kzoo(options, precision="auto")


def with_jax(options):
    """Train the script on Keras's other backend, with few images, since it is slow on a processor."""
    options.epochs, options.limit = min(options.epochs, 2), min(options.limit, 2048)
    return with_script(options)


def with_single_steps(options):
    return with_fit(options, steps_per_execution=1)


def with_narrow_torch(options):
    return with_torch(options, narrow=True)


ARMS = {
    "kzoo": with_kzoo,
    "auto": with_half_precision,
    "fit": with_fit,
    "single": with_single_steps,
    "script": with_script,
    "loop": with_loop,
    "torch": with_torch,
    "torch_bf16": with_narrow_torch,
    "jax": with_jax,
}
