"""COCOB, conditional gradient and proximal Adagrad beyond their references: what each is for, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo_plugins.optimizers.cocob import COCOB
from kzoo_plugins.optimizers.conditional_gradient import ConditionalGradient
from kzoo_plugins.optimizers.proximal_adagrad import ProximalAdagrad


def minimize(optimizer, target, steps, start=0.0):
    """Return where the optimizer goes for the square distance to a target, and the norms on its way."""
    target = np.asarray(target, "float32")
    weight, norms = keras.Variable(np.full(target.shape, start, "float32")), []
    optimizer.build([weight])
    step = tf.function(lambda: optimizer.apply([2 * (weight - target)], [weight]))
    for _ in range(steps):
        step()
        norms.append(float(np.linalg.norm(weight.numpy())))
    return weight.numpy(), norms


@pytest.mark.parametrize("norm", ["frobenius", "nuclear"])
def test_the_weights_stay_in_the_ball_and_reach_its_nearest_point(norm):
    target = np.diag([3.0, 4.0])

    class Step(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 2 / (keras.ops.cast(step, "float32") + 2)

    found, norms = minimize(ConditionalGradient(2.0, norm, Step()), target, 400)
    assert max(norms) <= 2 * (1 + 1e-6)
    # On the Frobenius ball that is the target, shortened; on the nuclear one, the singular values less 2.5, or 0.
    nearest = target * 2 / 5 if norm == "frobenius" else np.diag([0.5, 1.5])
    np.testing.assert_allclose(found, nearest, atol=0.02)


@pytest.mark.long_but_first
@pytest.mark.parametrize("mode", ["graph", "xla"])
def test_a_kernel_is_a_matrix_with_its_outputs_as_columns(mode):
    gradient = np.random.default_rng(3).normal(size=(3, 3, 2, 4)).astype("float32")
    weight, optimizer = keras.Variable(np.zeros_like(gradient)), ConditionalGradient(1.0, "nuclear", 1.0)
    optimizer.build([weight])
    tf.function(lambda g: optimizer.apply([g], [weight]), jit_compile=mode == "xla")(tf.constant(gradient))
    left, _, right = np.linalg.svd(gradient.reshape(18, 4).astype("float64"))
    np.testing.assert_allclose(weight, -np.outer(left[:, 0], right[0]).reshape(gradient.shape), atol=1e-5)


def test_without_a_gradient_the_weights_stay():
    for norm in ("frobenius", "nuclear"):
        weight, optimizer = keras.Variable(np.ones((2, 2), "float32")), ConditionalGradient(1.0, norm, 0.5)
        optimizer.apply([keras.ops.zeros((2, 2))], [weight])
        np.testing.assert_array_equal(weight, np.ones((2, 2)))


def test_proximal_adagrad_sets_useless_weights_to_exactly_0():
    target = [2.0, 0.2, -0.3, -1.0]
    proximal = ProximalAdagrad(0.5, l1_regularization_strength=1.0)
    found, _ = minimize(proximal, target, 500, start=0.5)
    # The minimum of (w - t)^2 + |w| is t less 1/2, or 0.
    np.testing.assert_allclose(found, [1.5, 0, 0, -0.5], atol=1e-4)
    assert (found[1:3] == 0).all()


def sparse_kernel(weights, sums, rows, values, **numbers):
    """Take a step of TensorFlow's own kernel for rows, in which each row stands once."""
    unique = np.unique(rows)
    total = np.stack([values[rows == row].sum(0) for row in unique])
    numbers = {name: tf.constant(value, "float64") for name, value in numbers.items()}
    tf.raw_ops.ResourceSparseApplyProximalAdagrad(
        var=weights.handle, accum=sums.handle, grad=total, indices=unique, **numbers
    )


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_proximal_adagrad_moves_only_the_rows_that_were_looked_up(mode):
    rng = np.random.default_rng(7)
    start = rng.normal(size=(6, 3)).astype("float32")
    start[5] = 2.0
    variable = keras.Variable(start)
    optimizer = ProximalAdagrad(0.5, l1_regularization_strength=0.05, l2_regularization_strength=0.1)
    optimizer.build([variable])

    def step(values, rows):
        optimizer.apply([tf.IndexedSlices(values, rows, tf.constant([6, 3]))], [variable])

    step = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
    weights, sums = tf.Variable(start.astype("float64")), tf.Variable(np.full((6, 3), 0.1))
    for _ in range(10):
        rows, values = rng.integers(0, 5, 4), rng.normal(size=(4, 3)).astype("float32")  # some of them twice
        step(tf.constant(values), tf.constant(rows))
        sparse_kernel(weights, sums, rows, values.astype("float64"), lr=0.5, l1=0.05, l2=0.1)
        np.testing.assert_allclose(variable, weights.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(variable[5], [2.0] * 3)


def test_proximal_adagrad_trains_an_embedding_of_which_some_rows_are_never_looked_up():
    model = keras.Sequential([keras.Input((2,), dtype="int32"), keras.layers.Embedding(5, 3, "ones")])
    model.compile(ProximalAdagrad(0.5, l1_regularization_strength=0.1), "mse")
    model.train_on_batch(np.array([[0, 2], [2, 2]]), np.zeros((2, 2, 3)))
    found = model.weights[0].numpy()
    assert (found[[1, 3, 4]] == 1).all()
    assert (found[[0, 2]] < 0.9).all()


@pytest.mark.parametrize("scale", [2.0**-10, 2.0**20])
def test_cocob_takes_the_same_steps_whatever_the_size_of_the_loss(scale):
    gradients, found = np.random.default_rng(4).normal(0.5, 1, size=(30, 3)), []
    for factor in (1.0, scale):
        weight, optimizer = keras.Variable(np.zeros(3, "float32")), COCOB(alpha=4)
        for gradient in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(factor * gradient, "float32")], [weight])
        found.append(weight.numpy())
    assert np.abs(found[0]).min() > 0.01
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5)


def test_the_weight_decay_of_cocob_is_not_undone_by_its_bets():
    weight, optimizer = keras.Variable(np.ones(2, "float32")), COCOB(weight_decay=0.1)
    for _ in range(3):
        optimizer.apply([keras.ops.zeros(2)], [weight])
    np.testing.assert_allclose(weight, 0.9**3, rtol=1e-6)


@pytest.mark.parametrize(
    ("cls", "arguments", "match"),
    [
        (COCOB, {"alpha": 0.5}, "`alpha` must be at least 1"),
        (COCOB, {"epsilon": 0.0}, "`epsilon` must be a finite number above 0"),
        (ConditionalGradient, {"radius": 0.0}, "`radius` must be a finite number above 0"),
        (ConditionalGradient, {"radius": 1.0, "norm": "spectral"}, "`norm` must be one of frobenius, nuclear"),
        (ProximalAdagrad, {"initial_accumulator_value": 0.0}, "`initial_accumulator_value` must be a finite number"),
        (ProximalAdagrad, {"l1_regularization_strength": -1.0}, "`l1_regularization_strength` must be a finite number"),
        (ProximalAdagrad, {"l2_regularization_strength": -1.0}, "`l2_regularization_strength` must be a finite number"),
    ],
)
def test_a_wrong_argument_is_refused(cls, arguments, match):
    with pytest.raises(ValueError, match=match):
        cls(**arguments)
