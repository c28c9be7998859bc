"""Numbers on a test split."""

import keras
import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from kzoo.data.splits import ArraySplit
from kzoo.engine.forward import Forward
from kzoo.tasks import Measured, task_named
from kzoo.tasks.values import ValueOutcome

X = np.arange(10.0, dtype="float32")[:, None]


def measured(model, x, **more):
    split = ArraySplit(x, 3 * X)
    return task_named("regression").measure(Measured(forward=Forward(model), test=split, batch_size=4, **more))


def doubling(outputs=1):
    """Return a network of one input that gives twice of it, and as its variance the same again."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(outputs, use_bias=False)])
    model.set_weights([np.full((1, outputs), 2.0)])
    return model


def test_a_single_input_is_drawn_over():
    found = measured(doubling(), X, output_names=("y",), input_names=("x",))
    np.testing.assert_array_equal(found.predicted, 2 * X)
    np.testing.assert_array_equal(found.true, 3 * X)
    np.testing.assert_array_equal(found.inputs, X[:, 0])
    assert found.input_name == "x"
    assert list(found.figures()) == list(task_named("regression").pictures)
    assert len(found.figures()["values"].axes) == 2


def test_of_mean_and_variance_the_mean_counts():
    found = measured(doubling(outputs=2), X, output_names=("y",), input_names=("x",))
    np.testing.assert_array_equal(found.predicted, 2 * X)


def test_several_inputs_are_not():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    found = measured(model, np.repeat(X, 2, axis=1), output_names=("y",), input_names=("a", "b"))
    assert found.inputs is None
    assert len(found.figures()["values"].axes) == 1


def test_outputs_without_names_say_nothing():
    assert measured(doubling(), X) is None


def test_without_a_loss_there_are_errors_and_what_of_the_spread_is_explained():
    noise = np.random.default_rng(0)
    true, predicted = noise.normal(size=(40, 2)) * (1, 50), noise.normal(size=(40, 2))
    found = ValueOutcome(true, predicted, ("a", "b")).measures()
    assert found["mae"] == pytest.approx(mean_absolute_error(true, predicted))
    assert found["rmse"] == pytest.approx(np.sqrt(mean_squared_error(true, predicted)))
    assert found["r2_score"] == pytest.approx(r2_score(true, predicted))
