"""NovoGrad and LARS beyond their references: scale of gradients and weights, decay, idle layers, refusals."""

import keras
import numpy as np
import pytest

from kzoo_plugins.optimizers.lars import LARS
from kzoo_plugins.optimizers.novograd import NovoGrad

BOTH = pytest.mark.parametrize("cls", [NovoGrad, LARS])


def run(optimizer, gradients, start=((3.0, 1.0), (-1.0, 2.0))):
    """Return the weights after each gradient."""
    weights = [keras.Variable(np.asarray(start, "float32"), name="kernel")]
    optimizer.build(weights)
    found = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], weights)
        found.append(weights[0].numpy())
    return found


def gradients(scale=1.0):
    return np.random.default_rng(1).normal(size=(10, 2, 2)) * scale


@BOTH
def test_the_size_of_the_gradients_does_not_matter(cls):
    np.testing.assert_allclose(run(cls(0.1), gradients(64.0)), run(cls(0.1), gradients()), rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-15, 1e15])
def test_lars_takes_the_same_step_where_squares_are_beyond_float32(scale):
    scale *= 1e10 if scale > 1 else 1e-10
    np.testing.assert_allclose(run(LARS(1.0), gradients(scale)), run(LARS(1.0), gradients()), rtol=1e-5)


def test_a_step_of_lars_is_the_trust_coefficient_of_the_weights():
    start = np.array([[3.0, 1.0], [-1.0, 2.0]])
    moved = run(LARS(1.0, trust_coefficient=0.01), gradients(), start)[0] - start
    assert np.linalg.norm(moved) == pytest.approx(0.01 * np.linalg.norm(start), rel=1e-5)


def test_weights_of_0_move_at_the_plain_rate():
    (found,) = run(LARS(0.5), gradients()[:1], start=np.zeros((2, 2)))
    np.testing.assert_allclose(found, -0.5 * gradients()[0], rtol=1e-6)


def test_without_a_gradient_lars_takes_the_trust_coefficient_off_the_weights():
    # The formula's ratio is trust_coefficient / decay then, and what is left of the gradient is decay * w.
    start = np.array([[3.0, 1.0], [-1.0, 2.0]])
    (found,) = run(LARS(1.0, weight_decay=0.1), np.zeros((1, 2, 2)), start)
    np.testing.assert_allclose(found, 0.999 * start, rtol=1e-6)


def test_an_idle_layer_begins_with_a_step_of_the_usual_length():
    idle = np.concatenate([np.zeros((3, 2, 2)), gradients()])
    np.testing.assert_allclose(run(NovoGrad(0.1), idle)[3:], run(NovoGrad(0.1), gradients()), rtol=1e-6)


def test_grad_averaging_makes_the_momentum_a_mean():
    plain, mean = (run(NovoGrad(0.1, beta_1=0.9, grad_averaging=g), np.ones((100, 2, 2))) for g in (False, True))
    assert np.linalg.norm(mean[-1] - mean[-2]) == pytest.approx(0.1, rel=1e-3)  # the rate, times a gradient of norm 1
    assert np.linalg.norm(plain[-1] - plain[-2]) == pytest.approx(1.0, rel=1e-3)


@BOTH
def test_spared_variables_do_not_decay(cls):
    decayed, spared = cls(0.5, weight_decay=0.5), cls(0.5, weight_decay=0.5)
    spared.exclude_from_weight_decay(var_names=["kernel"])
    expected = run(cls(0.5), gradients())
    np.testing.assert_array_equal(run(spared, gradients()), expected)
    assert not np.allclose(run(decayed, gradients()), expected)


@BOTH
def test_half_precision_weights_have_the_step_of_float32(cls):
    start = np.array([[3.0, 1.0], [-1.0, 2.0]])
    found = []
    for dtype in ("float32", "bfloat16"):
        weight, optimizer = keras.Variable(start, dtype=dtype), cls(0.5)
        optimizer.build([weight])
        optimizer.apply([keras.ops.convert_to_tensor(gradients()[0], dtype)], [weight])
        found.append(keras.ops.convert_to_numpy(keras.ops.cast(weight, "float32")))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-2)


@pytest.mark.parametrize(
    ("cls", "arguments", "match"),
    [
        (NovoGrad, {"beta_1": 1.0}, "`beta_1` must lie in"),
        (NovoGrad, {"beta_2": 1.0}, "`beta_2` must lie in"),
        (NovoGrad, {"epsilon": 0.0}, "`epsilon` must be a finite number above 0"),
        (LARS, {"momentum": 1.0}, "`momentum` must lie in"),
        (LARS, {"trust_coefficient": 0.0}, "`trust_coefficient` must be a finite number above 0"),
        (LARS, {"weight_decay": -0.1}, "`weight_decay` must be a finite number of at least 0"),
    ],
)
def test_a_wrong_argument_is_refused(cls, arguments, match):
    with pytest.raises(ValueError, match=match):
        cls(**arguments)
