"""Adan beyond its references: its decay, and gradients that do not change."""

import keras
import numpy as np

from kzoo_plugins.optimizers.adan import Adan


def run(optimizer, gradients, start=1.0):
    weight = keras.Variable([start])
    found = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor([gradient])], [weight])
        found.append(float(weight[0]))
    return found


def test_a_constant_gradient_makes_steps_of_the_rate():
    np.testing.assert_allclose(run(Adan(0.125), [2.0] * 4), [0.875, 0.75, 0.625, 0.5], rtol=1e-5)


def test_a_gradient_that_falls_brakes():
    falling, constant = run(Adan(0.125), [2.0, 1.0]), run(Adan(0.125), [2.0, 2.0])
    assert falling[0] == constant[0]
    assert falling[1] > constant[1]


def test_a_large_decay_leads_to_zero_and_not_beyond_it():
    # Keras's own decay would multiply by 1 - 10 and change the sign.
    np.testing.assert_allclose(run(Adan(1.0, weight_decay=10.0), [0.0, 0.0]), [1 / 11, 1 / 121], rtol=1e-5)
