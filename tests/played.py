"""Trainings without TensorFlow's steps: what a run reads and writes in its folder is real, in half a second."""

import io
import threading

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from kzoo.engine import batches, steps
from kzoo.engine.forward import Forward
from kzoo.report import write
from kzoo.runs.config import RunConfig
from kzoo.tasks.classes import ClassOutcome
from kzoo.training import run, state, trainer
from kzoo.training.trainer import Trainer
from kzoo_zoo.mnist import data

__all__ = ["TRAIN", "Played", "written"]

TRAIN = [
    *("run", "mnist", "--recipe", "quick", "--data", "sample", "--limit", "48", "--epochs", "2", "--batch-size", "16"),
    *("-o", "train.steps_per_execution=1", "-o", "train.save_every=1e-9"),
]
"""A training of six steps in two epochs that writes its state after each."""

_stream = io.BytesIO()
Image.new("L", (2, 2)).save(_stream, "PNG")
PICTURE = _stream.getvalue()


def _framed(digit):
    """Return a digit in the middle of 28x28, not enlarged: nobody learns from it."""
    return np.pad(digit * 15, 10).astype(np.uint8)


def _foreseen(forward, x):
    """Return what a network might say of so many digits; the model is read all the same."""
    assert forward.model is not None
    return np.eye(10, dtype=np.float32)[np.arange(len(x)) % 10]


class Played:
    """Patches: a step adds to a weight, and the loss tells how many there were; nothing is compiled and nothing drawn.

    Data and network are made once for the same settings, since no file of the run is read or written for them.

    Attributes:
        before_step: Called with the number of the step, from 1, before each.
        steps: How many were taken since somebody set it to 0.
    """

    def __init__(self, patch):
        self.before_step, self.steps = (lambda number: None), 0
        self._prepared = {}
        real = run._prepared
        patch.setattr(run, "_prepared", lambda config, *given, **more: self.prepared(real, config, *given, **more))
        patch.setattr(batches.TrainingBatches, "dataset", _kept(batches.TrainingBatches.dataset, 1))
        patch.setattr(batches, "ordered_batches", _kept(batches.ordered_batches, 3))
        patch.setattr(trainer, "make_variables", lambda *given: None)
        patch.setattr(Trainer, "trace", lambda trainer, iterator, n: True)
        patch.setattr(Trainer, "take", lambda trainer, iterator, n: self.take(trainer, iterator, n))  # noqa: PLW0108 - not bound
        patch.setattr(Trainer, "evaluate", self.evaluate)
        patch.setattr(steps.Tester, "evaluate", lambda tester, *given: {"loss": 0.5, "accuracy": 0.5})
        patch.setattr(Forward, "__call__", _foreseen)
        patch.setattr(write, "as_png", lambda figure: PICTURE)
        patch.setattr(write, "curves", lambda history, best: None)
        patch.setattr(ClassOutcome, "figures", lambda outcome: dict.fromkeys(("confusion", "examples")))
        patch.setattr(data, "_framed", _framed)

    def prepared(self, real, config, *given, **more):
        """Return data, model and record for these settings; after the first time the same, as they were then."""
        if (key := RunConfig({**config.values, "track": []}).to_toml()) not in self._prepared:
            found = real(config, *given, **more)
            parts = found[1]
            steps.make_variables(parts.model, parts.batches.dataset(1).element_spec, tf.distribute.get_strategy())
            variables = [variable for _, variable in state.variables_of(parts.model)]
            self._prepared[key] = found, [(one, keras.ops.convert_to_numpy(one)) for one in variables]
        found, values = self._prepared[key]
        for variable, value in values:
            variable.assign(value)
        return found

    def take(self, trainer, iterator, n):
        self.before_step(int(trainer.model.optimizer.iterations) + 1)
        self.steps += 1
        weight = trainer.model.trainable_weights[0]
        weight.assign_add(keras.ops.full_like(weight, 0.001))
        trainer.model.optimizer.iterations.assign_add(1)
        return self.evaluate(trainer, None), int(n)

    @staticmethod
    def evaluate(trainer, dataset, called=None):
        steps = int(trainer.model.optimizer.iterations)
        return {"loss": 1 / (2 + steps), "accuracy": steps / (1 + steps)}


def _kept(real, count):
    """Return a function that makes the batches of the same arguments, the first so many, once: TensorFlow is slow."""
    made = {}

    def call(*given, **more):
        key = tuple(map(id, given[:count]))
        if key not in made:
            made[key] = real(*given, **more), given  # kept, so that no other object gets its number
        return made[key][0]

    return call


def written():
    """Wait until no state is being written."""
    for thread in threading.enumerate():
        if thread.name == "kzoo-state":
            thread.join()
