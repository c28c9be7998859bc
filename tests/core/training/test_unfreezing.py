"""Frozen layers first, then all of them: against Keras's own ``fit``, called twice."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.data.splits import ArraySplit
from kzoo.engine.batches import TrainingBatches, ordered_batches
from kzoo.models.saving import load_model, save_model
from kzoo.pipeline import unfreeze_all
from kzoo.tasks.labels import label_encoder
from kzoo.training.callbacks import BestEpoch
from kzoo.training.trainer import Trainer
from kzoo.training.unfreezing import Phase, continued, count_trainable
from kzoo.wrappers.continued_schedule import ContinuedSchedule

CLASSES = 3
STEPS = 5
EPOCHS = 4


class Falling(keras.optimizers.schedules.LearningRateSchedule):
    """1 / (10 + 2 step), from a later step on."""

    def __init__(self, start=0):
        self.start = start

    def __call__(self, step):
        return 1.0 / (10.0 + 2.0 * (tf.cast(step, tf.float32) + self.start))

    def get_config(self):
        return {"start": self.start}


def batches():
    generator = np.random.default_rng(0)
    x = generator.normal(0, 1, (8 * STEPS, 6)).astype("float32")
    split = ArraySplit(x, generator.integers(0, CLASSES, len(x)))
    return TrainingBatches(split, 8, 5, labels=label_encoder("dense", CLASSES))


def make_model():
    keras.utils.set_random_seed(1)
    inner = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8), keras.layers.BatchNormalization()], name="inner"
    )
    inner.trainable = False
    return keras.Sequential([keras.Input((6,)), inner, keras.layers.Dense(CLASSES, activation="softmax")])


def compiled(model, optimizer):
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"], jit_compile=False)


def adam(start=0):
    return keras.optimizers.Adam(Falling(start), weight_decay=0.01)


def thaw(model):
    def change(steps):
        unfreeze_all(model)
        compiled(model, continued(adam(), steps))

    return change


@pytest.mark.long
@pytest.mark.parametrize("frozen", [1, 2])
def test_it_is_two_trainings_of_keras_on_the_same_data(frozen):
    ours, theirs, data = make_model(), make_model(), batches()
    compiled(ours, adam())
    before = ours.get_weights()
    kept = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(ours.get_weights()))
    result = Trainer(ours, steps_per_execution=1).fit(
        data, epochs=EPOCHS, changes={frozen: thaw(ours)}, callbacks=[note]
    )
    assert result.steps == EPOCHS * STEPS
    inner = range(len(ours.layers[0].weights))
    for place in inner:  # averages of the batch normalization too
        np.testing.assert_array_equal(kept[frozen - 1][place], before[place])
        assert not np.array_equal(kept[frozen][place], before[place])

    compiled(theirs, adam())
    theirs.fit(data.dataset(frozen), epochs=1, steps_per_epoch=frozen * STEPS, verbose=0)
    theirs.layers[0].trainable = True
    compiled(theirs, adam(start=frozen * STEPS))
    theirs.fit(data.dataset(EPOCHS, epoch=frozen), epochs=1, steps_per_epoch=(EPOCHS - frozen) * STEPS, verbose=0)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


@pytest.mark.long
def test_the_same_training_gives_the_same_weights():
    found = []
    for _ in range(2):
        model = make_model()
        compiled(model, adam())
        Trainer(model, steps_per_execution=3).fit(batches(), epochs=3, changes={1: thaw(model)})
        found.append(model.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.long
def test_metrics_and_validation_go_on():
    model, data = make_model(), batches()
    compiled(model, adam())
    validation = ordered_batches(data.split, 8, data.labels)
    result = Trainer(model).fit(data, epochs=3, validation=validation, changes={1: thaw(model)})
    assert all(set(logs) == {"loss", "accuracy", "val_loss", "val_accuracy"} for logs in result.history)
    now = Trainer(model).evaluate(validation)
    assert now["loss"] == pytest.approx(result.history[-1]["val_loss"], rel=1e-5)


@pytest.mark.long
def test_averaged_weights_are_what_the_second_part_begins_with():
    model = make_model()
    averaging = {"use_ema": True, "ema_momentum": 0.5}
    compiled(model, keras.optimizers.SGD(0.1, **averaging))
    seen = {}

    def change(steps):
        assert steps == STEPS
        average = model.optimizer._model_variables_moving_average
        seen["averages"] = [np.asarray(value) for value in average]
        seen["weights"] = [np.asarray(value) for value in model.trainable_variables]
        unfreeze_all(model)
        compiled(model, keras.optimizers.SGD(0.0, **averaging))

    Trainer(model).fit(batches(), epochs=2, changes={1: change})
    for weight, average in zip(seen["weights"], seen["averages"], strict=True):
        np.testing.assert_allclose(weight, average, rtol=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("better", [0, 2])
def test_the_best_epoch_may_be_of_either_part(better, tmp_path):
    model, data = make_model(), batches()
    compiled(model, adam())
    best = BestEpoch("value", "max", lambda model: None, lambda optimizer: compiled(model, optimizer))
    states = []

    def note(epoch):
        states.append((model.get_weights(), len(model.trainable_variables), int(model.optimizer.iterations.numpy())))
        return {"value": float(epoch == better)}

    Trainer(model).fit(data, epochs=4, changes={2: thaw(model)}, callbacks=[best], measure=note)
    best.put_in()
    weights, trainable, steps = states[better]
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(model.trainable_variables) == trainable
    assert int(model.optimizer.iterations.numpy()) == steps
    keras.saving.get_custom_objects()["Falling"] = Falling
    save_model(model, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert len(loaded.optimizer.variables) == len(model.optimizer.variables)
    for a, b in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-6)


def test_a_schedule_goes_on_inside_of_a_wrapper_and_through_a_file():
    whole = keras.optimizers.schedules.PolynomialDecay(0.1, 100, 0.01)
    wrapped = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(whole))
    inner = continued(wrapped, 40).inner_optimizer
    assert float(inner.learning_rate) == pytest.approx(float(whole(40)))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(ContinuedSchedule(whole, 40)))
    for step in (0, 7, 60):
        assert float(again(step)) == pytest.approx(float(whole(step + 40)))
    assert float(continued(keras.optimizers.SGD(0.3), 40).learning_rate) == pytest.approx(0.3)


def test_counting_leaves_the_model_as_it_is():
    model = make_model()
    before = Phase.of(model).trainable
    head = 8 * CLASSES + CLASSES
    assert count_trainable(model, unfreeze_all) == (head, head + 6 * 8 + 8 + 2 * 8)
    assert Phase.of(model).trainable == before
