"""The loss against NumPy, and through kzoo."""

import numpy as np
import pytest

import kzoo


def test_the_value_is_that_of_numpy():
    generator = np.random.default_rng(0)
    true, predicted = generator.normal(size=(2, 5, 3))
    expected = np.mean(np.maximum(0, np.abs(true - predicted) - 0.2) ** 2)
    assert float(kzoo.loss("kzoo-example-loss:example", tolerance=0.2)(true, predicted)) == pytest.approx(expected)


def test_a_negative_tolerance_is_refused():
    with pytest.raises(kzoo.KzooError, match="tolerance"):
        kzoo.loss("example", tolerance=-1)
