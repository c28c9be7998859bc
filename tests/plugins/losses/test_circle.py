"""Circle loss beyond its reference: which pairs are moved, and its refusals."""

import numpy as np
import pytest
from gradients import with_gradient

from kzoo_plugins.losses.circle import Circle


def test_the_gradient_of_a_pair_is_in_proportion_to_its_weight():
    # One positive and one negative: the gradient by their cosines is -gamma w_p and gamma w_n times one factor.
    angles = np.array([0.0, 0.7, 1.1])
    vectors = np.stack([np.cos(angles), np.sin(angles)], -1).astype("float32")
    _, slope = with_gradient(Circle(margin=0.25, gamma=2.0, normalize=False))(np.array([0, 0, 1]), vectors)
    # Anchor 0 has the pairs (0, 1) and (0, 2), anchor 1 has (1, 0) and (1, 2); 2 is alone in its class.
    near, far, other = np.cos(0.7), np.cos(1.1), np.cos(0.4)

    def factors(positive, negative):
        weights = np.array([1.25 - positive, negative + 0.25])
        z = 2.0 * (-weights[0] * (positive - 0.75) + weights[1] * (negative - 0.25))
        return np.array([-1, 1]) * 2.0 * weights / (1 + np.exp(-z)) / 2  # the mean of two anchors

    (p, n), (q, m) = factors(near, far), factors(near, other)
    expected = [
        (p + q) * vectors[1] + n * vectors[2],
        (p + q) * vectors[0] + m * vectors[2],
        n * vectors[0] + m * vectors[1],
    ]
    np.testing.assert_allclose(slope, expected, rtol=1e-4, atol=1e-6)


def test_pairs_that_are_where_they_shall_be_cost_next_to_nothing():
    vectors = np.array([[1, 0], [1, 0], [-1, 0], [-1, 0]], "float32")
    assert float(Circle()([0, 0, 1, 1], vectors)) < 1e-4
    assert float(Circle()([0, 1, 0, 1], vectors)) > 50


@pytest.mark.parametrize(("argument", "value"), [("margin", 0.0), ("margin", 1.0), ("gamma", 0.0)])
def test_arguments_out_of_range(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must"):
        Circle(**{argument: value})
