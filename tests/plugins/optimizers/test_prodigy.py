"""Prodigy beyond its references: one estimate for all variables, its limits, starts, late gradients, a strategy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo_plugins.optimizers.prodigy import Prodigy

TARGET = np.array([3.0, -1.0, 2.0, 0.5], "float32")


def slope(weights, at):
    return np.asarray(weights) - TARGET[at]


def learn(optimizer, parts, steps=60):
    """Minimize half the squared distance from `TARGET`, whose four numbers are spread over variables."""
    weights = [keras.Variable(np.zeros(len(TARGET[at]), "float32")) for at in parts]
    for _ in range(steps):
        optimizer.apply([slope(w, at) for w, at in zip(weights, parts, strict=True)], weights)
    return np.concatenate([np.asarray(weight) for weight in weights])


@pytest.mark.long
def test_the_estimate_is_that_of_all_variables_together():
    one, other = Prodigy(d0=1e-3), Prodigy(d0=1e-3)
    together = learn(one, [slice(0, 4)])
    np.testing.assert_allclose(learn(other, [slice(0, 1), slice(1, 4)]), together, rtol=1e-4)
    assert other.estimate == pytest.approx(one.estimate, rel=1e-4)


@pytest.mark.long
@pytest.mark.parametrize("d0", [1e-6, 1e-3])
def test_it_learns_without_a_rate(d0):
    optimizer = Prodigy(d0=d0)
    assert optimizer.estimate == d0
    np.testing.assert_allclose(learn(optimizer, [slice(0, 4)], 400), TARGET, atol=0.2)
    assert d0 < optimizer.estimate < np.abs(TARGET).max()  # Theorem: the estimate stays below the distance


def test_the_growth_of_the_estimate_can_be_limited():
    optimizer, estimates = Prodigy(d0=1e-4, growth_rate=1.25), []
    weight = keras.Variable(np.zeros(4, "float32"))
    for _ in range(60):
        optimizer.apply([slope(weight, slice(0, 4))], [weight])
        estimates.append(optimizer.estimate)
    ratios = np.array(estimates[1:]) / estimates[:-1]
    # From its arbitrary start the estimate may jump once.
    left = int(np.argmax(np.array(estimates) > 1.001e-4))
    assert (ratios >= 1).all()
    assert ratios[left:].max() == pytest.approx(1.25, rel=1e-5)


def test_steps_without_a_gradient_or_a_rate_leave_the_estimate_as_it_is():
    # optax divides 0 by 0 here.
    weight, optimizer = keras.Variable(TARGET), Prodigy()
    optimizer.apply([np.zeros(4, "float32")], [weight])
    optimizer.learning_rate = 0.0
    optimizer.apply([np.ones(4, "float32")], [weight])
    assert optimizer.estimate == pytest.approx(1e-6)
    np.testing.assert_array_equal(weight, TARGET)


@pytest.mark.long
def test_distances_are_from_the_weights_of_the_first_step():
    first, optimizer = Prodigy(d0=1e-3), Prodigy(d0=1e-3)
    expected = learn(first, [slice(0, 4)])
    weight = keras.Variable(np.full(4, 7.0, "float32"))
    optimizer.build([weight])
    weight.assign(np.zeros(4))  # as when weights are loaded after the model was built
    for _ in range(60):
        optimizer.apply([slope(weight, slice(0, 4))], [weight])
    np.testing.assert_array_equal(weight, expected)


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_a_variable_whose_gradients_come_later_is_measured_from_its_first_weights_too():
    early, late = keras.Variable(np.zeros(2, "float32")), keras.Variable(np.full(2, 1000.0, "float32"))
    optimizer = Prodigy(d0=1e-3)
    optimizer.build([early, late])
    for step in range(20):
        optimizer.apply([np.ones(2, "float32"), None if step < 3 else np.full(2, -1e-6, "float32")], [early, late])
    # Measured from 0, the distance of 1000 would be taken for progress.
    alone, optimizer_alone = keras.Variable(np.zeros(2, "float32")), Prodigy(d0=1e-3)
    for _ in range(20):
        optimizer_alone.apply([np.ones(2, "float32")], [alone])
    assert optimizer.estimate == pytest.approx(optimizer_alone.estimate, rel=1e-3)


def test_it_takes_the_same_steps_under_a_strategy():
    expected = learn(Prodigy(d0=1e-3), [slice(0, 1), slice(1, 4)], 20)
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        weights = [keras.Variable(np.zeros(size, "float32")) for size in (1, 3)]
        optimizer = Prodigy(d0=1e-3)
        optimizer.build(weights)

    @tf.function
    def step():
        def replica():
            parts = (TARGET[:1], TARGET[1:])
            optimizer.apply([w.value - part for w, part in zip(weights, parts, strict=True)], weights)

        strategy.run(replica)

    for _ in range(20):
        step()
    np.testing.assert_allclose(np.concatenate([keras.ops.convert_to_numpy(w) for w in weights]), expected, rtol=1e-4)
