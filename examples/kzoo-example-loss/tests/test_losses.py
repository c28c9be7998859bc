"""The loss: kzoo's conformance checks, and its values against NumPy."""

import kzoo.testing
import numpy as np
import pytest

from kzoo_example_loss.losses import ExampleLoss

NAME = "kzoo-example-loss:example"


@kzoo.testing.parametrize("loss", NAME)
def test_conformance(check):
    check()


@pytest.mark.parametrize("tolerance", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("shape", [(6, 3), (1, 1), (4, 5, 2)])
def test_values_are_those_of_numpy(shape, tolerance):
    y_true, y_pred = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    expected = np.maximum(0, np.abs(y_true - y_pred) - tolerance) ** 2
    loss = ExampleLoss(tolerance=tolerance, reduction=None)
    np.testing.assert_allclose(loss(y_true, y_pred), expected.reshape(len(y_true), -1).mean(-1), rtol=1e-5)


@pytest.mark.parametrize("tolerance", [-0.1, float("nan"), float("inf")])
def test_a_wrong_tolerance_is_refused(tolerance):
    with pytest.raises(ValueError, match="tolerance"):
        ExampleLoss(tolerance=tolerance)
