"""SAM beyond its reference: which weights are in the model, gradients without a direction, schedules, refusals."""

import keras
import numpy as np
import pytest

from kzoo.training.averaged_weights import SwapAveragedWeights, averaged_weights, use_training_weights
from kzoo_plugins.optimizers.averaging import StochasticWeightAveraging
from kzoo_plugins.optimizers.centralization import GradientCentralization
from kzoo_plugins.optimizers.lookahead import Lookahead
from kzoo_plugins.optimizers.sam import SAM

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5]], "float32")


def network(optimizer, steps=0):
    """Return a model that was trained for some steps of four samples each."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    go_on(model, range(steps))
    return model


def go_on(model, steps):
    for step in steps:
        at = 4 * (step % 5)
        model.train_on_batch(X[at : at + 4], Y[at : at + 4])


def weights(model):
    return np.concatenate([np.ravel(weight) for weight in model.get_weights()])


def test_the_climb_has_the_length_that_was_asked_for():
    model = network(SAM(keras.optimizers.SGD(0.1), rho=0.3), steps=2)
    below = weights(model)
    go_on(model, [2])
    assert np.linalg.norm(weights(model) - below) == pytest.approx(0.3, rel=1e-5)
    with averaged_weights(model):
        np.testing.assert_array_equal(weights(model), below)
    assert np.linalg.norm(weights(model) - below) == pytest.approx(0.3, rel=1e-5)


def test_a_model_saved_uphill_has_the_weights_below_and_goes_on_as_if_it_had_not_been(tmp_path):
    model = network(SAM(keras.optimizers.SGD(0.1, momentum=0.9)), steps=3)
    with averaged_weights(model):
        model.save(tmp_path / "model.keras")
        below = weights(model)
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(weights(again), below)
    use_training_weights(again)
    for one in (model, again):
        go_on(one, range(3, 8))
    np.testing.assert_array_equal(weights(again), weights(model))


@pytest.mark.long
def test_fit_ends_below():
    model = network(SAM(keras.optimizers.SGD(0.1), rho=0.5))
    model.fit(X, Y, batch_size=4, epochs=1, shuffle=False, verbose=0, callbacks=[SwapAveragedWeights()])
    np.testing.assert_array_equal(weights(model), weights(network(SAM(keras.optimizers.SGD(0.1), rho=0.5), steps=4)))


def test_without_a_gradient_it_stays_where_it_is():
    weight, optimizer = keras.Variable([1.0, 2.0]), SAM(keras.optimizers.SGD(0.1))
    for _ in range(2):
        optimizer.apply([keras.ops.zeros(2)], [weight])
        np.testing.assert_array_equal(weight, [1.0, 2.0])


def test_gradients_too_small_to_be_squared_have_a_direction():
    weight, optimizer = keras.Variable([0.0, 0.0]), SAM(keras.optimizers.SGD(0.1), rho=1.0)
    optimizer.apply([keras.ops.array([3e-30, 4e-30])], [weight])
    np.testing.assert_allclose(weight, [0.6, 0.8], rtol=1e-5)


def test_a_schedule_goes_on_with_every_batch():
    seen = keras.optimizers.schedules.PiecewiseConstantDecay([3], [1.0, 0.0])
    weight, optimizer = keras.Variable([0.0]), SAM(keras.optimizers.SGD(seen), rho=1.0)
    found = []
    for _ in range(6):
        optimizer.apply([keras.ops.ones(1)], [weight])
        found.append(float(weight[0]))
    assert found == [1.0, -1.0, 0.0, -2.0, -1.0, -2.0]
    assert int(optimizer.iterations) == 6


def test_another_wrapper_may_be_around_it():
    weight = keras.Variable(np.ones((2, 2), "float32"))
    optimizer = GradientCentralization(SAM(keras.optimizers.SGD(0.1)))
    optimizer.apply([keras.ops.ones((2, 2))], [weight])
    np.testing.assert_array_equal(weight, 1.0)  # the gradient less its mean is 0


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        (lambda: Lookahead("sgd"), "put it around this one"),
        (lambda: StochasticWeightAveraging("sgd"), "keeps averages"),
        (lambda: keras.optimizers.SGD(use_ema=True), "keeps averages"),
        (lambda: keras.optimizers.SGD(gradient_accumulation_steps=2), "accumulates gradients"),
    ],
)
def test_what_it_cannot_wrap(inner, words):
    with pytest.raises(ValueError, match=words):
        SAM(inner())


@pytest.mark.parametrize("wrapper", [Lookahead, StochasticWeightAveraging])
def test_what_cannot_wrap_it(wrapper):
    with pytest.raises(ValueError, match="cannot wrap"):
        wrapper(SAM("sgd"))


def test_a_climb_of_no_length_is_refused():
    with pytest.raises(ValueError, match="`rho` must"):
        SAM("sgd", rho=0)
