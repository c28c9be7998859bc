"""The loop against Keras's own ``fit``: the same batches give the same weights, logs and callback calls."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.data.splits import ArraySplit
from kzoo.engine.batches import TrainingBatches, ordered_batches
from kzoo.engine.interrupt import StopRequest
from kzoo.engine.steps import compiled_steps, make_variables
from kzoo.tasks.labels import label_encoder
from kzoo.training.trainer import Trainer

CLASSES = 3


@pytest.fixture
def split():
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (50, 6, 6, 1), dtype=np.uint8)
    return ArraySplit(x, generator.integers(0, CLASSES, 50))


def make_model(**kwargs):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    settings = {"optimizer": "adam", "loss": "categorical_crossentropy", "metrics": ["accuracy"]}
    model.compile(**{**settings, **kwargs}, jit_compile=False)
    return model


def sgd_with_extras():
    return keras.optimizers.SGD(0.1, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.5)


class Calls(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def _note(self, name, logs):
        self.seen.append((name, tuple(sorted(logs or {}))))

    def on_train_begin(self, logs=None):
        self._note("train_begin", logs)

    def on_epoch_begin(self, epoch, logs=None):
        self._note(f"epoch_begin {epoch}", logs)

    def on_train_batch_begin(self, batch, logs=None):
        self._note(f"batch_begin {batch}", logs)

    def on_train_batch_end(self, batch, logs=None):
        self._note(f"batch_end {batch}", logs)

    def on_test_begin(self, logs=None):
        self._note("test_begin", logs)

    def on_test_batch_begin(self, batch, logs=None):
        self._note(f"test_batch_begin {batch}", logs)

    def on_test_batch_end(self, batch, logs=None):
        self._note(f"test_batch_end {batch}", logs)

    def on_test_end(self, logs=None):
        self._note("test_end", logs)

    def on_epoch_end(self, epoch, logs=None):
        self._note(f"epoch_end {epoch}", logs)

    def on_train_end(self, logs=None):
        self._note("train_end", logs)


def train_both(split, steps, epochs, **kwargs):
    """Train one model here and one with fit on the very same batches."""
    labels = label_encoder("dense", CLASSES)
    batches = TrainingBatches(split, 8, 5, labels=labels)
    validation = ordered_batches(split, 8, labels)
    ours, theirs, our_calls, their_calls = (
        *(make_model(**{k: v() for k, v in kwargs.items()}) for _ in "ab"),
        Calls(),
        Calls(),
    )
    result = Trainer(ours, steps_per_execution=steps).fit(
        batches, epochs=epochs, validation=validation, callbacks=[our_calls]
    )
    theirs.steps_per_execution = steps
    history = theirs.fit(
        batches.dataset(epochs).apply(tf.data.experimental.assert_cardinality(epochs * batches.steps_per_epoch)),
        epochs=epochs,
        steps_per_epoch=batches.steps_per_epoch if epochs > 1 else None,
        validation_data=validation,
        callbacks=[their_calls],
        verbose=0,
    )
    return ours, theirs, result, history.history, our_calls.seen, their_calls.seen


# One epoch where several steps make a call: fit would take the last call's spare steps from the next epoch.
@pytest.mark.long_but_first
@pytest.mark.parametrize(("steps", "epochs"), [(1, 2), (3, 1), (100, 1)])
def test_weights_logs_and_calls_are_those_of_fit(split, steps, epochs):
    ours, theirs, result, history, our_calls, their_calls = train_both(split, steps, epochs)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
    for name, values in history.items():
        np.testing.assert_allclose([logs[name] for logs in result.history], values, rtol=1e-5)
    assert our_calls == [(clipped(name), logs) for name, logs in their_calls]


def clipped(call, last=6):
    """Return a call of fit with the last step that there was, where fit counts the steps it had room for."""
    name, _, number = call.partition(" ")
    return f"{name} {min(int(number), last)}" if "batch_end" in name else call


@pytest.mark.long
def test_the_number_of_steps_in_a_call_changes_nothing(split):
    labels = label_encoder("dense", CLASSES)
    weights = []
    for steps in (1, 4, 16):
        model = make_model()
        Trainer(model, steps_per_execution=steps).fit(TrainingBatches(split, 8, 5, labels=labels), epochs=2)
        weights.append(model.get_weights())
    for other in weights[1:]:
        for a, b in zip(weights[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.long
def test_gradient_accumulation_and_moving_average_keep_their_meaning(split):
    ours, theirs, *_ = train_both(split, 3, 1, optimizer=sgd_with_extras)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_models_own_train_step_is_the_one_that_runs(split):
    class Doubled(keras.Sequential):
        def train_step(self, data):
            logs = super().train_step(data)
            return {**logs, "twice_loss": 2 * logs["loss"]}

    keras.utils.set_random_seed(1)
    model = Doubled(
        [keras.Input((6, 6, 1), dtype="uint8"), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(),
         keras.layers.Dense(CLASSES, activation="softmax")]
    )  # fmt: skip
    model.compile("sgd", "categorical_crossentropy", jit_compile=False)
    batches = TrainingBatches(split, 8, 5, labels=label_encoder("dense", CLASSES))
    logs = Trainer(model, steps_per_execution=4).fit(batches, epochs=1).history[-1]
    assert logs["twice_loss"] == pytest.approx(2 * logs["loss"])


class AsksAt(keras.callbacks.Callback):
    """Asks for a stop at the n-th call of one of its hooks."""

    def __init__(self, stop, hook, at=1):
        super().__init__()
        self.stop, self.left = stop, at
        setattr(self, hook, self._count)

    def _count(self, *args, **kwargs):
        self.left -= 1
        if self.left == 0:
            self.stop.ask("SIGTERM")


# Of 7 steps an epoch: where it is asked for, the steps taken, the epochs gone through, and what is logged of the last.
@pytest.mark.long_but_first
@pytest.mark.parametrize(
    ("hook", "at", "steps", "epochs", "logged"),
    [
        ("on_train_begin", 1, 0, 0, None),  # no step, no epoch
        ("on_train_batch_begin", 2, 3, 0, {"loss"}),  # inside a compiled call, which ends early
        ("on_train_batch_end", 2, 4, 0, {"loss"}),
        ("on_train_batch_end", 4, 7, 0, {"loss"}),  # the last step of the epoch, but not its end
        ("on_test_batch_begin", 1, 7, 0, {"loss"}),
        ("on_epoch_end", 1, 7, 1, None),  # heard at the beginning of the next one, of which nothing is told
        ("on_train_batch_end", 8, 14, 1, {"loss"}),  # the last step of all
    ],
)
def test_a_stop_is_heard_between_any_two_things(split, hook, at, steps, epochs, logged):
    model, stop, calls = make_model(metrics=[]), StopRequest(), Calls()
    labels = label_encoder("dense", CLASSES)
    result = Trainer(model, steps_per_execution=2, stop=stop).fit(
        TrainingBatches(split, 8, 5, labels=labels),
        epochs=2,
        validation=ordered_batches(split, 8, labels),
        callbacks=[calls, AsksAt(stop, hook, at)],
    )
    assert (result.stopped, result.steps, result.epochs) == (True, steps, epochs)
    ended = [set(logs) for name, logs in calls.seen if name.startswith("epoch_end")]
    assert ended == [set(logs) for logs in result.history]
    assert ended[epochs:] == ([] if logged is None else [logged])
    assert model.optimizer.iterations.numpy() == steps


def test_a_stop_after_all_is_done_stops_nothing(split):
    stop = StopRequest()
    batches = TrainingBatches(split, 8, 5, labels=label_encoder("dense", CLASSES))
    result = Trainer(make_model(), stop=stop).fit(batches, epochs=1, callbacks=[AsksAt(stop, "on_epoch_end")])
    assert (result.stopped, result.epochs) == (False, 1)


def test_a_callback_can_end_the_training(split):
    model = make_model()

    class Enough(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    batches = TrainingBatches(split, 8, 5, labels=label_encoder("dense", CLASSES))
    result = Trainer(model).fit(batches, epochs=9, callbacks=[Enough()])
    assert (result.epochs, result.stopped) == (2, False)


def test_evaluate_is_that_of_keras(split):
    model, labels = make_model(), label_encoder("dense", CLASSES)
    dataset = ordered_batches(split, 8, labels)
    ours = Trainer(model, steps_per_execution=3).evaluate(dataset)
    theirs = model.evaluate(dataset, verbose=0, return_dict=True)
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_a_dataset_of_unknown_length_is_refused_rather_than_skipped(split):
    dataset = ordered_batches(split, 8, label_encoder("dense", CLASSES))
    for unknown in (dataset.repeat(), dataset.filter(lambda *_: True)):
        with pytest.raises(ValueError, match="number of batches"):
            Trainer(make_model()).evaluate(unknown)


@pytest.mark.long
def test_a_strategy_of_one_device_gives_the_same_weights(split):
    weights = []
    for strategy in (None, tf.distribute.OneDeviceStrategy("/cpu:0")):
        with strategy.scope() if strategy else tf.init_scope():
            model = make_model()
        batches = TrainingBatches(split, 8, 5, labels=label_encoder("dense", CLASSES))
        Trainer(model, strategy=strategy).fit(batches, epochs=1)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_tensorflow_is_given_the_step_once(split):
    """It optimizes every copy of a large network's step for seconds; the only one is inside of the loop."""
    model = make_model()
    batches = TrainingBatches(split, 8, 5, labels=label_encoder("dense", CLASSES))
    dataset = batches.dataset(1)
    make_variables(model, dataset.element_spec, tf.distribute.get_strategy())
    steps = compiled_steps(model, model.train_step, tf.distribute.get_strategy())
    graph = steps.get_concrete_function(iter(dataset), tf.constant(3)).graph.as_graph_def()
    called = [[node for node in nodes if "step" in node.attr["f"].func.name] for nodes in
              (graph.node, *(function.node_def for function in graph.library.function))]  # fmt: skip
    assert not called[0]
    assert sum(map(len, called)) == 1


def test_a_step_is_traced_once_for_all_epochs_the_validation_and_the_test(split, monkeypatch):
    """Also where the last batch and the last call are smaller than the others."""
    traced = []
    for name in ("train_step", "test_step"):
        step = getattr(keras.Model, name)
        monkeypatch.setattr(
            keras.Sequential, name, lambda *given, n=name, s=step: traced.append(n) or s(*given), raising=False
        )
    trainer = Trainer(make_model(), steps_per_execution=4)
    encode = label_encoder("dense", CLASSES)
    batches = TrainingBatches(split, 8, 0, labels=encode)
    trainer.fit(batches, epochs=3, validation=ordered_batches(split, 8, encode))
    trainer.evaluate(ordered_batches(split, 8, encode))
    assert traced == ["train_step", "test_step"]
