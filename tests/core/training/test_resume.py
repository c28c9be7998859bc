"""A training that goes on from a state comes to the same weights, logs and callbacks as one that was never stopped."""

import functools
import json
import math

import keras
import numpy as np
import pytest

import kzoo
from kzoo.data.splits import ArraySplit
from kzoo.engine.batches import TrainingBatches, ordered_batches
from kzoo.errors import KzooError
from kzoo.runs.state import SavedState, StateFolder
from kzoo.tasks.labels import label_encoder
from kzoo.training.callbacks import BestEpoch, EarlyStopping, LogFile, WeightDigests
from kzoo.training.keeping import StateKeeper
from kzoo.training.state import gather, put_back
from kzoo.training.trainer import Trainer

CLASSES, EPOCHS = 3, 3


@pytest.fixture
def split():
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (44, 4, 4, 1), dtype=np.uint8)
    return ArraySplit(x, generator.integers(0, CLASSES, 44))


class EveryState(StateKeeper):
    """Remembers each state in place of writing it; one after every call."""

    def __init__(self, model, callbacks):
        super().__init__(StateFolder(None), model, callbacks, every=1, warn=None)
        self.states = []

    def keep(self, place, *, ended=False, at_once=False):
        state = gather(self._model, place, self._callbacks)
        # As a file has it: nothing is shared with the training that goes on.
        self.states.append(SavedState(json.loads(json.dumps(state.data)), dict(state.tensors), dict(state.beside)))


def _model(optimizer, policy="float32"):
    keras.utils.set_random_seed(1)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(6, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.4),
            keras.layers.Dense(CLASSES, activation="softmax", dtype="float32"),
        ]
    )
    keras.config.set_dtype_policy(before)
    _compile(model, optimizer())
    return model


def _compile(model, optimizer):
    metrics = [
        "accuracy",
        keras.metrics.AUC(num_thresholds=5, name="auc"),
        kzoo.metric("mcc"),
        kzoo.metric("confusion_matrix"),
    ]
    model.compile(optimizer, "categorical_crossentropy", metrics=metrics, jit_compile=False)


def _train(split, tmp_path, optimizer, policy="float32", begin=None, changes=None):
    """Return the model, what it logged, its callbacks and all states of a training."""
    model = _model(optimizer, policy)
    encode = label_encoder("dense", CLASSES)
    batches = TrainingBatches(split, 8, 0, None, encode)
    best = BestEpoch("val_accuracy", "max", lambda model: None, lambda optimizer: _compile(model, optimizer))
    stopping = EarlyStopping("val_loss", patience=2, mode="min")
    callbacks = [WeightDigests(), LogFile(tmp_path / "metrics.csv"), best, stopping]
    keeper = EveryState(model, callbacks)
    trainer = Trainer(model, steps_per_execution=2)
    result = trainer.fit(
        batches,
        epochs=EPOCHS,
        validation=ordered_batches(split, 16, encode),
        callbacks=callbacks,
        changes={at: functools.partial(change, model) for at, change in (changes or {}).items()},
        begin=begin,
        keeper=keeper,
    )
    found = {
        "history": result.history,
        "steps": result.steps,
        "examples": result.examples,
        "variables": [np.asarray(v).tobytes() for v in [*model.variables, *model.optimizer.variables]],
        "digests": (callbacks[0].initial, callbacks[0].epochs),
        "log": (tmp_path / "metrics.csv").read_text("utf-8"),
        "best": (best.epoch, best.value, [w.tobytes() for w in [*best.weights, *best.optimizer_state]]),
        "stopping": stopping.state(),
    }
    best.put_in()
    found["best put in"] = [np.asarray(v).tobytes() for v in [*model.variables, *model.optimizer.variables]]
    return found, keeper.states


def _check(split, tmp_path, which, *arguments, **more):
    expected, states = _train(split, tmp_path, *arguments, **more)
    assert len(states) == 3 * EPOCHS  # six steps in calls of two, and the end of each epoch
    for state in states[which]:
        found, _ = _train(split, tmp_path, *arguments, begin=state, **more)
        assert {name for name in expected if found[name] != expected[name]} == set()


def _adam():
    return keras.optimizers.Adam(0.05)


@pytest.mark.parametrize("which", [slice(1, 2), pytest.param(slice(0, None, 2), marks=pytest.mark.long)])
def test_from_any_state(split, tmp_path, which):
    _check(split, tmp_path, which, _adam)


OPTIMIZERS = {
    "swa": lambda: kzoo.optimizer("swa", inner="sgd", start=2, period=3),
    "schedule_free_adamw": lambda: kzoo.optimizer("schedule_free_adamw"),
    "lookahead": lambda: kzoo.optimizer("lookahead", inner="adam", k=4),
    "ema and accumulation": lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=2, use_ema=True),
    "schedule": lambda: keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 18), momentum=0.9),
    "nadam": lambda: keras.optimizers.Nadam(0.05),
}


@pytest.mark.long
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_with_any_optimizer(split, tmp_path, name, policy):
    which = slice(1, 9, 6) if policy == "float32" else slice(4, 5)
    _check(split, tmp_path, which, OPTIMIZERS[name], policy)


def _thaw(model, steps):
    del steps
    model.layers[2].trainable = True
    _compile(model, _adam())


def _frozen():
    return keras.optimizers.SGD(0.1, momentum=0.9)


@pytest.mark.long
def test_before_and_after_layers_are_thawed(split, tmp_path, monkeypatch):
    made = _model

    def model(optimizer, policy):
        found = made(optimizer, policy)
        found.layers[2].trainable = False
        _compile(found, optimizer())
        return found

    monkeypatch.setattr("test_resume._model" if __name__ == "test_resume" else f"{__name__}._model", model)
    _check(split, tmp_path, slice(1, 9, 2), _frozen, changes={2: _thaw})


def test_a_state_of_another_network_or_other_callbacks_is_refused(split):
    model, other = _model(_adam), _model(lambda: keras.optimizers.SGD(0.1))
    for one in (model, other):
        one.optimizer.build(one.trainable_variables)
    class_of = type("Counts", (), {"state": lambda self: {"count": 1}, "restore": lambda self, state: None})
    from kzoo.training.state import Place

    state = gather(model, Place(), [class_of()])
    with pytest.raises(KzooError, match="of another network or optimizer"):
        put_back(state, other, [class_of()])
    with pytest.raises(KzooError, match=r"what `Counts` keep, and the callbacks of this training .* are none"):
        put_back(state, model)


def test_a_callback_keeps_what_it_likes(split):
    from kzoo.training.state import Place

    class Kept(keras.callbacks.Callback):
        kept = None

        def state(self):
            return self.kept

        def restore(self, state):
            self.kept = state

    model, callback = _model(_adam), Kept()
    callback.kept = {"a": [np.arange(3), {"b": np.float32(0.1)}], "best": -math.inf, "text": None}
    state = gather(model, Place(), [callback])
    other = Kept()
    put_back(SavedState(json.loads(json.dumps(state.data)), state.tensors), model, [other])
    np.testing.assert_array_equal(other.kept["a"][0], np.arange(3))
    assert other.kept["a"][1] == {"b": float(np.float32(0.1))}
    assert other.kept["best"] == -math.inf
    assert other.kept["text"] is None


@pytest.mark.parametrize("hidden", [True, False])
def test_random_numbers_that_no_state_holds_are_said(split, hidden):
    import tensorflow as tf

    class Noise(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.seed = keras.random.SeedGenerator(0)

        def call(self, x):
            drawn = tf.random.normal(tf.shape(x)) if hidden else keras.random.normal(keras.ops.shape(x), seed=self.seed)
            return x + drawn

    model = keras.Sequential([keras.Input((4, 4, 1)), Noise(), keras.layers.Flatten(), keras.layers.Dense(CLASSES)])
    model.compile("sgd", "mse", jit_compile=False)
    said = []
    keeper = StateKeeper(StateFolder(None), model, [], every=0, warn=said.append)
    keeper.keep = lambda place, **how: None
    batches = TrainingBatches(
        ArraySplit(np.asarray(split.x, "float32"), split.y), 8, 0, None, label_encoder("dense", 3)
    )
    Trainer(model).fit(batches, epochs=2, keeper=keeper)
    drawn = "draws random numbers from TensorFlow itself (RandomStandardNormal)"
    assert [drawn in words for words in said] == [True] * hidden
