"""Proxy anchor beyond its reference: what of a batch it cannot see, hard samples, and its refusals."""

import numpy as np
import pytest
from gradients import with_gradient

from kzoo_plugins.losses.proxy_anchor import ProxyAnchor

RNG = np.random.default_rng(2)
LABELS, COSINES = np.array([0, 2, 2, 1, 0]), RNG.uniform(-0.9, 0.9, (5, 4)).astype("float32")


def slope_of(labels, cosines, **arguments):
    return with_gradient(ProxyAnchor(**arguments))(labels, cosines)[1]


def test_the_hardest_sample_of_a_class_is_drawn_the_most():
    cosines = np.array([[0.8, 0.0], [0.5, 0.0], [-0.2, 0.0]], "float32")
    pulled = -slope_of(np.zeros(3, "int64"), cosines, alpha=8.0)[:, 0]
    assert 0 < pulled[0] < pulled[1] < pulled[2]


def test_an_ignored_class_has_no_part():
    labels, loss = np.array([0, 2, 2, 255, 0]), ProxyAnchor(ignore_class=255)
    others = LABELS != 1
    assert float(loss(labels, COSINES)) == pytest.approx(
        float(ProxyAnchor()(LABELS[others], COSINES[others])), rel=1e-6
    )
    wild = COSINES.copy()
    wild[3] = np.nan
    assert float(loss(labels, wild)) == float(loss(labels, COSINES))
    assert (slope_of(labels, wild, ignore_class=255)[3] == 0).all()
    assert np.isfinite(slope_of(labels, wild, ignore_class=255)).all()


@pytest.mark.parametrize("label", [-1, 4])
def test_a_label_that_is_no_class_or_a_nan_shows_in_the_whole_batch(label):
    wrong, nan = LABELS.copy(), COSINES.copy()
    wrong[1], nan[1, 3] = label, np.nan
    for labels, cosines in ((wrong, COSINES), (LABELS, nan)):
        assert np.isnan(ProxyAnchor(reduction=None)(labels, cosines)).all()
        assert np.isnan(slope_of(labels, cosines)).any()


def test_multi_hot_labels_are_of_each_of_their_classes():
    hot = np.eye(4, dtype="float32")[LABELS]
    hot[0, 1] = 1
    cosines = COSINES.copy()
    before = slope_of(hot, cosines)
    assert before[0, 0] < 0 > before[0, 1]
    assert slope_of(LABELS, cosines)[0, 1] > 0


@pytest.mark.parametrize(("argument", "value"), [("margin", -0.1), ("alpha", 0.0), ("class_weight", [0.0, 0.0])])
def test_arguments_out_of_range(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must"):
        ProxyAnchor(**{argument: value})


def test_every_position_is_a_sample():
    labels, cosines = RNG.integers(0, 4, (2, 3)), RNG.uniform(-0.9, 0.9, (2, 3, 4)).astype("float32")
    values = ProxyAnchor(reduction=None)(labels, cosines)
    flat = ProxyAnchor(reduction=None)(labels.reshape(6), cosines.reshape(6, 4))
    np.testing.assert_array_equal(np.reshape(values, 6), flat)
