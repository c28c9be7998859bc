"""AdEMAMix beyond its references: what it is without the slow mean, and its warm-up."""

import keras
import numpy as np
import pytest

from kzoo_plugins.optimizers.ademamix import AdEMAMix


def run(optimizer, steps=20):
    weight = keras.Variable(np.ones((2, 2), "float32"))
    for step in range(steps):
        optimizer.apply([np.random.default_rng(step).normal(size=(2, 2)).astype("float32")], [weight])
    return np.asarray(weight)


def test_without_the_slow_mean_it_is_adam():
    np.testing.assert_allclose(run(AdEMAMix(0.1, alpha=0.0)), run(keras.optimizers.Adam(0.1, epsilon=1e-8)), rtol=1e-4)


def test_a_warm_up_doubles_its_memory_when_half_as_much_is_left():
    # Memory is 1 / ln(1 / beta); from 10 to 1000 steps, in 100 steps, it is 505 after 50.
    optimizer = AdEMAMix(beta_1=np.exp(-1 / 10), beta_3=np.exp(-1 / 1000), alpha=4.0, warmup_steps=100)
    alpha, share = optimizer._slow(keras.ops.convert_to_tensor(50.0))
    assert float(alpha) == pytest.approx(2.0)
    assert float(share) == pytest.approx(-np.expm1(-1 / 505), rel=1e-5)


def test_a_warm_up_ends_at_what_was_asked_for():
    optimizer = AdEMAMix(beta_3=0.9999, warmup_steps=100)
    for steps in (100.0, 101.0, 1e6):
        alpha, share = optimizer._slow(keras.ops.convert_to_tensor(steps))
        assert float(alpha) == 5.0
        assert float(share) == pytest.approx(1e-4, rel=1e-5)


@pytest.mark.parametrize("beta_1", [0.0, 0.999])
def test_a_warm_up_from_no_memory_or_from_more_is_finite(beta_1):
    assert np.isfinite(run(AdEMAMix(0.1, beta_1=beta_1, beta_3=0.99, warmup_steps=5))).all()
