"""ADOPT beyond its references: the first step, outliers, and the problem that Adam fails on."""

import keras
import numpy as np
import pytest

from kzoo_plugins.optimizers.adopt import ADOPT


def run(optimizer, gradients):
    weight = keras.Variable([1.0])
    found = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor([gradient])], [weight])
        found.append(float(weight[0]))
    return found


def test_the_first_step_only_looks():
    assert run(ADOPT(0.5), [3.0])[0] == 1.0


def test_an_outlier_moves_no_further_than_its_bound():
    gradients = [1e-3, 1e6]
    assert run(ADOPT(0.5, beta_1=0.0), gradients)[-1] == pytest.approx(0.5)  # the bound is 1 at the second step
    assert run(ADOPT(0.5, beta_1=0.0, clip=False), gradients)[-1] < -1e6


def test_zero_gradients_at_first_do_not_throw_the_weights_far():
    assert run(ADOPT(0.5, beta_1=0.0), [0.0, 0.0, 1.0])[-1] == pytest.approx(1 - 0.5 * 2**0.25)


@pytest.mark.long
def test_it_converges_where_adam_with_the_same_beta_does_not():
    # Reddi et al. 2018: a large gradient now and then, small ones against it between; on the mean, w should fall.
    def last(optimizer):
        weight = keras.Variable([0.0])
        for step in range(300):
            optimizer.apply([keras.ops.convert_to_tensor([10.0 if step % 10 == 5 else -1.0])], [weight])
        return float(weight[0])

    assert last(keras.optimizers.Adam(0.01, beta_1=0.0, beta_2=0.1)) > 0.5
    assert last(ADOPT(0.01, beta_1=0.0, beta_2=0.1, clip=False)) < -0.5


def test_a_decay_acts_at_every_step():
    np.testing.assert_allclose(run(ADOPT(0.5, weight_decay=0.5), [0.0, 0.0]), [0.75, 0.5625])
