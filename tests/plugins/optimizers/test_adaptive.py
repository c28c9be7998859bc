"""RAdam, AdaBelief and Yogi beyond their references: first steps, lengths, rare gradients, refusals."""

import decimal

import keras
import numpy as np
import pytest

from kzoo_plugins.optimizers.adabelief import AdaBelief
from kzoo_plugins.optimizers.radam import RAdam, rectification, seen_length
from kzoo_plugins.optimizers.yogi import Yogi


def run(optimizer, gradients, start=1.0):
    """Return the weight after each gradient."""
    weight, found = keras.Variable(np.full(1, start, "float32")), []
    optimizer.build([weight])
    for gradient in gradients:
        optimizer.apply([keras.ops.full((1,), gradient)], [weight])
        found.append(float(weight[0]))
    return found


@pytest.mark.parametrize("beta", [0.3, 0.6, 0.9, 0.99, 0.999, 0.99999])
def test_the_length_of_a_running_mean_is_exact_in_float32(beta):
    decimal.getcontext().prec = 60
    exact = decimal.Decimal(beta)
    for step in (1, 2, 5, 6, 10, 100, 1000, 5000, 20000):
        power = exact**step
        expected = 2 / (1 - exact) - 1 - 2 * step * power / (1 - power)
        found = float(seen_length(beta, keras.ops.convert_to_tensor(step, "float32")))
        assert found == pytest.approx(float(expected), rel=2e-6), step


def test_the_usual_form_of_the_length_is_not_exact_in_float32():
    one, beta, step = np.float32(1), np.float32(0.999), np.float32(6)
    usual = 2 / (one - beta) - 1 - 2 * step * beta**step / (one - beta**step)
    assert abs(usual / 5.994164 - 1) > 1e-4


def test_the_factor_of_radam_rises_from_0_to_1():
    steps = keras.ops.arange(1, 20001, dtype="float32")
    found = np.asarray(rectification(0.999, steps, 5))
    assert (found[:5] == 0).all()
    assert (found[5:] > 0).all()
    assert (np.diff(found[5:]) > -1e-6).all()
    assert found[-1] == pytest.approx(1, abs=1e-3)


def test_radam_never_divides_where_its_mean_is_too_short():
    # With beta_2 = 0.5 the mean is like one of three gradients. Plain momentum moves by the gradient itself.
    found = run(RAdam(0.1, beta_1=0.0, beta_2=0.5), [0.5] * 20)
    np.testing.assert_allclose(np.diff(found), -0.05, rtol=1e-4)


def test_adabelief_takes_larger_steps_than_adam_where_gradients_are_as_expected():
    gradients = [0.5] * 50
    belief = run(AdaBelief(0.001), gradients)
    adam = run(keras.optimizers.Adam(0.001), gradients)
    assert 1 - belief[-1] > 2 * (1 - adam[-1])


def test_a_constant_gradient_leaves_adabelief_finite():
    assert np.isfinite(run(AdaBelief(0.001, beta_1=0.0), [0.5] * 20)).all()  # g - m is 0 at every step


@pytest.mark.long
def test_yogi_remembers_a_large_gradient_longer_than_adam():
    # The paper's case: after one large gradient, Adam forgets it at a rate that does not look at the gradients.
    gradients = [10.0] + [0.01] * 150
    yogi = run(Yogi(0.01, beta_2=0.9), gradients)
    adam = run(keras.optimizers.Adam(0.01, beta_2=0.9), gradients)
    assert yogi[-2] - yogi[-1] < (adam[-2] - adam[-1]) / 100


@pytest.mark.parametrize("cls", [RAdam, AdaBelief, Yogi])
@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"beta_1": 1.0}, "`beta_1` must lie in"),
        ({"beta_2": -0.1}, "`beta_2` must lie in"),
        ({"epsilon": 0.0}, "`epsilon` must be a finite number above 0"),
        ({"weight_decay": -1.0}, "`weight_decay` must be a finite number of at least 0"),
    ],
)
def test_a_wrong_argument_is_refused(cls, arguments, match):
    with pytest.raises(ValueError, match=match):
        cls(**arguments)


def test_a_threshold_below_the_shortest_length_is_refused():
    with pytest.raises(ValueError, match="`threshold` must be a finite number of at least 4"):
        RAdam(threshold=3.0)


def test_yogi_cannot_begin_below_0():
    with pytest.raises(ValueError, match="`initial_accumulator_value` must be a finite number of at least 0"):
        Yogi(initial_accumulator_value=-1.0)
