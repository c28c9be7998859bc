"""Averaged weights are what is measured and saved; training goes on as if nothing had been swapped."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import kzoo
from kzoo.data.splits import ArraySplit
from kzoo.engine.batches import TrainingBatches, ordered_batches
from kzoo.engine.interrupt import Stopped, StopRequest
from kzoo.errors import ComponentError
from kzoo.models.saving import load_model, save_model
from kzoo.tasks.labels import label_encoder
from kzoo.training import trainer as trainer_module
from kzoo.training.averaged_weights import SwapAveragedWeights, averaged_weights
from kzoo.training.callbacks import BestEpoch
from kzoo.training.trainer import Trainer
from kzoo_plugins.optimizers.lookahead import Lookahead

CLASSES = 3
LABELS = label_encoder("dense", CLASSES)


@keras.saving.register_keras_serializable(package="tests")
class Mean(keras.optimizers.SGD):
    """A third party's optimizer: the mean of the weights so far, in the few lines that docs/plugins.md shows."""

    averaged = False

    def build(self, variables):
        super().build(variables)
        self.means = self.add_optimizer_variables(variables, "mean")

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient, variable, learning_rate)
        mean = self.means[self._get_variable_index(variable)]
        share = 1 / keras.ops.cast(self.iterations + 1, "float32")
        self.assign(mean, mean + share * (keras.ops.convert_to_tensor(variable) - mean))

    def swap_weights(self, averaged):
        before = self.averaged
        if averaged != before:
            for variable, mean in zip(self._trainable_variables, self.means, strict=True):
                held = keras.ops.copy(variable)
                variable.assign(mean)
                mean.assign(held)
            self.averaged = averaged
        return before


OPTIMIZERS = {
    "schedule_free_sgd": lambda: kzoo.optimizer("schedule_free_sgd:learning_rate=0.5,warmup_steps=3"),
    "schedule_free_adamw": lambda: kzoo.optimizer("schedule_free_adamw:learning_rate=0.05"),
    "swa": lambda: kzoo.optimizer("swa:inner=sgd,start=2,period=2"),
    "third party": lambda: Mean(0.1),
    "inside a wrapper": lambda: kzoo.optimizer("gradient_centralization:inner=schedule_free_sgd"),
    "scaled": lambda: keras.optimizers.LossScaleOptimizer(kzoo.optimizer("swa:inner=sgd,period=1")),
    "several": lambda: keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(Mean(0.1))),
}
EXACT = ("schedule_free_sgd", "schedule_free_adamw", "swa", "inside a wrapper", "scaled")
every = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)


@pytest.fixture
def split():
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (40, 4, 4, 1), dtype=np.uint8)
    return ArraySplit(x, generator.integers(0, CLASSES, 40))


def make_model(optimizer, *, eager=True):
    """Return a small model; eagerly, since compiling takes longer than the few steps here."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(5, activation="relu"),
            keras.layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile(optimizer, "categorical_crossentropy", jit_compile=False, run_eagerly=eager)
    return model


def fit(model, split, epochs=2, callbacks=()):
    batches = TrainingBatches(split, 8, 5, labels=LABELS)
    validation = ordered_batches(split, 8, LABELS)
    return Trainer(model, steps_per_execution=3).fit(batches, epochs=epochs, validation=validation, callbacks=callbacks)


def untouched(monkeypatch, model, split, epochs=2):
    """Train without any swap and return the training weights."""
    with monkeypatch.context() as patch:
        patch.setattr(trainer_module, "averaged_weights", lambda model: contextlib.nullcontext())
        patch.setattr(trainer_module, "leave_averaged_weights", lambda model: None)
        fit(model, split, epochs)
    return model.get_weights()


def swapping(model):
    """Return the optimizer with the averages."""
    optimizer = getattr(model.optimizer, "optimizers", [model.optimizer])[0]
    while not hasattr(optimizer, "swap_weights"):
        optimizer = optimizer.inner_optimizer
    return optimizer


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


class Seen(keras.callbacks.Callback):
    """Notes the weights at the end of training batches, of validation and of epochs."""

    def __init__(self):
        super().__init__()
        self.train, self.test, self.epoch = [], [], []

    def on_train_batch_end(self, batch, logs=None):
        self.train.append(self.model.get_weights())

    def on_test_end(self, logs=None):
        self.test.append(self.model.get_weights())

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(self.model.get_weights())


def test_validation_of_schedule_free_is_at_x_computed_by_hand(split):
    momentum, rate = 0.8, 0.5
    model = make_model(
        kzoo.optimizer(f"schedule_free_sgd:learning_rate={rate},momentum={momentum},warmup_steps=4"), eager=False
    )
    batches = TrainingBatches(split, 8, 5, labels=LABELS)
    by_hand = make_model("sgd")
    # z, x and y of the paper, in float64, with gradients from Keras.
    z = x = y = [np.asarray(weight, "float64") for weight in by_hand.get_weights()]
    total, expected = 0.0, []
    for step, (images, labels) in enumerate(batches.dataset(2), start=1):
        by_hand.set_weights(y)
        gradients = gradients_of(by_hand, images, labels)
        now = rate * min(step / 4, 1)
        total += now**2
        z = [a - now * g for a, g in zip(z, gradients, strict=True)]
        x = [a + now**2 / total * (b - a) for a, b in zip(x, z, strict=True)]
        y = [(1 - momentum) * b + momentum * a for a, b in zip(x, z, strict=True)]
        if step % batches.steps_per_epoch == 0:
            by_hand.set_weights(x)
            expected.append(by_hand.evaluate(ordered_batches(split, 8, LABELS), verbose=0))
    history = fit(model, split).history
    assert [logs["val_loss"] for logs in history] == pytest.approx(expected, rel=1e-5)
    assert expected[0] != pytest.approx(history[0]["loss"], rel=1e-3)
    for saw, wanted in zip(model.get_weights(), x, strict=True):
        np.testing.assert_allclose(saw, wanted, rtol=1e-4, atol=1e-6)


def gradients_of(model, images, labels):
    with tf.GradientTape() as tape:
        loss = keras.losses.CategoricalCrossentropy()(labels, model(images))
    return [np.asarray(g, "float64") for g in tape.gradient(loss, [w.value for w in model.trainable_weights])]


@pytest.mark.long
@every
def test_training_goes_on_as_if_nothing_was_swapped(make, split, monkeypatch):
    model = make_model(make())
    fit(model, split)
    averages = model.get_weights()
    assert swapping(model).swap_weights(False)
    assert equal(model.get_weights(), untouched(monkeypatch, make_model(make()), split))
    assert not equal(model.get_weights(), averages)


@pytest.mark.long_but_first(2)
@every
def test_batches_see_training_weights_and_the_end_of_an_epoch_the_averages(make, split):
    model, seen = make_model(make()), Seen()
    fit(model, split, callbacks=[seen])
    for at in range(2):
        assert equal(seen.test[at], seen.epoch[at])
        assert not equal(seen.epoch[at], seen.train[2 * at + 1])
    assert equal(model.get_weights(), seen.epoch[-1])


@pytest.mark.long
@pytest.mark.parametrize("name", EXACT)
def test_a_saved_model_has_the_averages_and_training_goes_on_from_it_bit_for_bit(name, split, tmp_path):
    model = make_model(OPTIMIZERS[name]())
    fit(model, split, epochs=1)
    save_model(model, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert equal(loaded.get_weights(), model.get_weights())
    fit(model, split)
    fit(loaded, split)
    assert equal(loaded.get_weights(), model.get_weights())
    assert equal([v.numpy() for v in loaded.optimizer.variables], [v.numpy() for v in model.optimizer.variables])


@pytest.mark.long
def test_the_best_epoch_has_its_averages_and_goes_on_from_there(split, tmp_path):
    best = BestEpoch("val_loss", "max", lambda model: save_model(model, tmp_path / "best.keras"))
    model, seen = make_model(OPTIMIZERS["swa"]()), Seen()
    fit(model, split, epochs=3, callbacks=[seen, best])
    assert best.epoch == 1, "the loss falls, and the largest is taken"
    best.put_in()
    loaded = load_model(tmp_path / "best.keras")
    assert equal(model.get_weights(), seen.epoch[0])
    assert equal(loaded.get_weights(), seen.epoch[0])
    fit(model, split, epochs=1)
    fit(loaded, split, epochs=1)
    assert equal(loaded.get_weights(), model.get_weights())


@pytest.mark.long
@pytest.mark.parametrize("wrapped", [False, True])
def test_keras_moving_average_is_validated_and_kept(wrapped, split, monkeypatch, tmp_path):
    def make():
        inner = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)
        return Lookahead(inner) if wrapped else inner

    best = BestEpoch("val_loss", "min", lambda model: save_model(model, tmp_path / "best.keras"))
    model, seen = make_model(make()), Seen()
    result = fit(model, split, callbacks=[seen, best])
    plain = make_model(make())
    training = untouched(monkeypatch, plain, split)
    assert equal(seen.train[-1], training)
    plain.optimizer.finalize_variable_values(plain.trainable_variables)
    assert equal(model.get_weights(), plain.get_weights())
    assert equal(seen.epoch[-1], plain.get_weights())
    expected = plain.evaluate(ordered_batches(split, 8, LABELS), verbose=0)
    assert result.history[-1]["val_loss"] == pytest.approx(expected, rel=1e-6)
    assert equal(load_model(tmp_path / "best.keras").get_weights(), seen.epoch[best.epoch - 1])


class Weights(keras.callbacks.Callback):
    """Notes the weights after each step, and may fail after some epochs, so that the run can be resumed."""

    def __init__(self, stop=None):
        super().__init__()
        self.seen, self.stop = [], stop

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append([weight.numpy() for weight in self.model.trainable_weights])

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.stop:
            raise RuntimeError

    def state(self):
        return {}

    def restore(self, state):
        assert not state


@pytest.mark.long
def test_a_run_keeps_the_average_that_an_option_asks_for_also_where_it_was_stopped(tmp_path):
    asked = {
        "data": "sample",
        "recipe": "quick",
        "epochs": 3,
        "limit": 40,
        "batch_size": 10,
        "options": {
            "optimizer.use_ema": True,
            "optimizer.ema_momentum": 0.75,
            "train.steps_per_execution": 1,
            "report": False,
        },
        "verbose": 0,
    }
    whole, first, rest = Weights(), Weights(stop=2), Weights()
    result = kzoo.run("regression", callbacks=[whole], out=tmp_path / "whole", **asked)
    with pytest.raises(ComponentError, match="`Weights` failed"):
        kzoo.run("regression", callbacks=[first], out=tmp_path / "stopped", **asked)
    resumed = kzoo.run(resume="last", callbacks=[rest], out=tmp_path / "stopped", verbose=0)
    assert 0 < len(rest.seen) < len(whole.seen) == 12
    assert all(map(equal, whole.seen, first.seen))
    assert all(map(equal, reversed(whole.seen), reversed(rest.seen)))

    kept = load_model(result.run.path / "model.keras")
    assert equal(kept.get_weights(), load_model(resumed.run.path / "model.keras").get_weights())
    averages = tf.train.ExponentialMovingAverage(0.75)
    variables = [tf.Variable(weight) for weight in whole.seen[0]]
    averages.apply(variables)  # begins with the weights after the first step, as Keras's do
    for weights in whole.seen[1:]:
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(weight)
        averages.apply(variables)
    for weight, variable in zip(kept.trainable_weights, variables, strict=True):
        np.testing.assert_allclose(weight.numpy(), averages.average(variable), rtol=1e-5, atol=1e-7)
    assert not equal([weight.numpy() for weight in kept.trainable_weights], whole.seen[-1])
    assert result.results == resumed.results


def test_a_training_that_takes_no_step_changes_no_weight(split):
    for make in (lambda: keras.optimizers.SGD(0.1, use_ema=True), OPTIMIZERS["schedule_free_sgd"], OPTIMIZERS["swa"]):
        model = make_model(make())
        before = model.get_weights()
        batches = TrainingBatches(split, 8, 5, labels=LABELS)
        stop = StopRequest()
        stop.ask("SIGINT")
        with pytest.raises(Stopped):
            Trainer(model, stop=stop).fit(batches, epochs=1)
        assert equal(model.get_weights(), before)


def test_weights_come_back_when_the_measuring_fails(split):
    model = make_model(OPTIMIZERS["schedule_free_sgd"]())
    fit(model, split, epochs=1)
    swapping(model).swap_weights(False)
    before = model.get_weights()
    inside = []

    def measure():
        inside.append(model.get_weights())
        raise KeyError

    with pytest.raises(KeyError), averaged_weights(model), averaged_weights(model):
        measure()
    assert not equal(inside[0], before)
    assert equal(model.get_weights(), before)


# --- the callback, in Keras's own fit


def keras_fit(model, split, callbacks, epochs=2, **more):
    data = ordered_batches(split, 8, LABELS)
    return model.fit(data, validation_data=data, epochs=epochs, callbacks=callbacks, verbose=0, **more)


@pytest.mark.long
@pytest.mark.parametrize(
    "make", [OPTIMIZERS[n] for n in ("swa", "several", "scaled")], ids=["swa", "several", "scaled"]
)
def test_the_callback_measures_and_leaves_the_averages(make, split, tmp_path):
    model, seen = make_model(make()), Seen()
    saved = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True)
    history = keras_fit(model, split, [SwapAveragedWeights(), seen, saved]).history
    assert equal(seen.epoch[-1], model.get_weights())
    assert not equal(seen.train[-1], model.get_weights())
    averages = model.evaluate(ordered_batches(split, 8, LABELS), verbose=0)
    assert history["val_loss"][-1] == pytest.approx(averages, rel=1e-6)
    model.load_weights(tmp_path / "1.weights.h5")
    assert equal(model.get_weights(), seen.epoch[0])


@pytest.mark.long
@pytest.mark.parametrize("name", EXACT[:3])
def test_fit_after_fit_goes_on_bit_for_bit_with_the_callback(name, split, tmp_path):
    once, twice = (make_model(OPTIMIZERS[name]()) for _ in range(2))
    keras_fit(once, split, [SwapAveragedWeights()], epochs=2)
    keras_fit(twice, split, [SwapAveragedWeights()], epochs=1)
    twice.save(tmp_path / "model.keras")
    twice = load_model(tmp_path / "model.keras")
    keras_fit(twice, split, [SwapAveragedWeights()], epochs=1)
    assert equal(once.get_weights(), twice.get_weights())


def test_without_the_callback_only_the_gradient_of_the_first_step_is_another(split):
    model = make_model(OPTIMIZERS["swa"]())
    keras_fit(model, split, [], epochs=1)
    optimizer = swapping(model)
    assert optimizer.swap_weights(False), "fit leaves the averages in"
    training = model.get_weights()
    optimizer.swap_weights(True)
    model.optimizer.learning_rate = 0.0
    keras_fit(model, split, [], epochs=1)
    optimizer.swap_weights(False)
    assert equal(model.get_weights(), training)


def test_the_callback_refuses_an_optimizer_without_averages(split):
    with pytest.raises(ValueError, match=r"`adam(_\d+)?` has no averaged weights.*SwapEMAWeights"):
        keras_fit(make_model("adam"), split, [SwapAveragedWeights()])


def test_predict_is_of_the_averages(split):
    model = make_model(OPTIMIZERS["swa"]())
    fit(model, split, epochs=1)
    expected = model.predict(split.x, verbose=0)
    swapping(model).swap_weights(False)
    assert not np.array_equal(model.predict(split.x, verbose=0), expected)
    np.testing.assert_array_equal(model.predict(split.x, verbose=0, callbacks=[SwapAveragedWeights()]), expected)
