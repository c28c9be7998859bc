"""The Lovasz losses: what they extend, and what a sample's value is; test_masks.py has what they share with others."""

import itertools

import numpy as np
import pytest
from gradients import with_gradient

from kzoo_plugins.losses.lovasz import LovaszHinge, LovaszSoftmax, lovasz_hinge, lovasz_softmax
from kzoo_plugins.losses.overlap import jaccard

RNG = np.random.default_rng(9)
LABELS = RNG.integers(0, 3, (4, 3, 5))
PRED = RNG.dirichlet(np.ones(3), (4, 3, 5)).astype("float32")
MASK = (LABELS == 1).astype("float32")[..., None]
LOGITS = (RNG.normal(size=MASK.shape) * 2).astype("float32")


def test_for_certain_predictions_it_is_the_jaccard_loss():
    y_true = np.array([[1, 1, 0, 0, 1]], "float32")[..., None]
    for predicted in itertools.product([0.0, 1.0], repeat=5):
        y_pred = np.array(predicted, "float32").reshape(1, 5, 1)
        expected = float(jaccard(y_true, y_pred)[0])
        assert float(lovasz_softmax(y_true, y_pred)[0]) == pytest.approx(expected, abs=1e-6)
        # A margin of 2 on the wrong side is a hinge error of 2, on the right side of 0.
        assert float(lovasz_hinge(y_true, 2 * y_pred - 1)[0]) == pytest.approx(2 * expected, abs=1e-6)


def test_between_certain_predictions_it_is_convex():
    one, other = RNG.uniform(size=(2, 1, 30, 1)).astype("float32")
    y_true = (RNG.uniform(size=(1, 30, 1)) < 0.4).astype("float32")
    for share in (0.25, 0.5, 0.75):
        between = float(lovasz_softmax(y_true, share * one + (1 - share) * other)[0])
        ends = share * float(lovasz_softmax(y_true, one)[0]) + (1 - share) * float(lovasz_softmax(y_true, other)[0])
        assert between <= ends + 1e-6


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred"), [(LovaszSoftmax, LABELS, PRED), (LovaszHinge, MASK, LOGITS)], ids=["softmax", "hinge"]
)
class TestSamples:
    def test_the_batch_is_one_image(self, loss, y_true, y_pred):
        whole = y_true.reshape(1, -1, *y_true.shape[3:]), y_pred.reshape(1, -1, y_pred.shape[-1])
        alone = float(loss(per_image=True)(*whole))
        assert float(loss()(y_true, y_pred)) == pytest.approx(alone, rel=1e-6)
        assert float(loss(reduction="sum")(y_true, y_pred)) == pytest.approx(4 * alone, rel=1e-6)
        assert float(loss(per_image=True)(y_true, y_pred)) != pytest.approx(alone, rel=1e-3)

    def test_images_on_their_own(self, loss, y_true, y_pred):
        values = loss(per_image=True, reduction=None)(y_true, y_pred)
        alone = [float(loss()(y_true[i : i + 1], y_pred[i : i + 1])) for i in range(4)]
        np.testing.assert_allclose(values, alone, rtol=1e-6)

    def test_a_sample_s_value_is_its_share_in_the_batch(self, loss, y_true, y_pred):
        # The loss is linear in the errors while their order stays: a sample's share is what its gradient makes of them.
        _, slopes = with_gradient(loss())(y_true, y_pred)
        one_hot = y_true if y_true.shape == slopes.shape else np.eye(3)[y_true]
        matched = one_hot if loss is LovaszSoftmax else 2 * one_hot - 1  # where all errors are 0
        shares = (slopes * (y_pred - matched)).sum((1, 2, 3))
        np.testing.assert_allclose(loss(reduction=None)(y_true, y_pred), 4 * shares, rtol=1e-5)

    def test_a_weight_of_0_leaves_a_share_out(self, loss, y_true, y_pred):
        shares = np.asarray(loss(reduction=None)(y_true, y_pred)) / 4
        weighted = float(loss()(y_true, y_pred, sample_weight=[1.0, 0.0, 1.0, 1.0]))
        assert weighted == pytest.approx(shares[[0, 2, 3]].sum(), rel=1e-6)


def test_present_and_all_classes():
    y_true = np.zeros((2, 6), "int64")
    y_true[1, :3] = 1
    y_pred = np.broadcast_to(np.array([0.5, 0.25, 0.25], "float32"), (2, 6, 3))
    # The class that is nowhere: the extension of a Jaccard loss that is 1 for any prediction is the largest error.
    present, every = (float(LovaszSoftmax(classes=c)(y_true, y_pred)) for c in ("present", "all"))
    assert every == pytest.approx((2 * present + 0.25) / 3, rel=1e-6)
    # On its own the first image has one class, the second two.
    present, every = (
        LovaszSoftmax(classes=c, per_image=True, reduction=None)(y_true, y_pred) for c in ("present", "all")
    )
    np.testing.assert_allclose(every[0], (present[0] + 0.25 + 0.25) / 3, rtol=1e-6)
    np.testing.assert_allclose(every[1], (2 * present[1] + 0.25) / 3, rtol=1e-6)


def test_no_class_at_all():
    empty = np.zeros_like(MASK)
    assert float(LovaszSoftmax()(empty, PRED[..., :1])) == 0
    assert float(LovaszSoftmax(classes="all")(empty, PRED[..., :1])) == pytest.approx(PRED[..., 0].max())
    assert float(LovaszHinge()(empty, LOGITS)) == pytest.approx(1 + LOGITS.max())


def test_the_hinge_is_0_beyond_the_margin():
    assert float(LovaszHinge()(MASK, 2 * MASK - 1)) == 0
    assert float(LovaszHinge()(MASK, 20 * MASK - 10)) == 0


def test_channels_are_masks_of_their_own():
    y_true, y_pred = np.concatenate([MASK, 1 - MASK], -1), np.concatenate([LOGITS, LOGITS], -1)
    expected = (float(LovaszHinge()(MASK, LOGITS)) + float(LovaszHinge()(1 - MASK, LOGITS))) / 2
    assert float(LovaszHinge()(y_true, y_pred)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.long
def test_a_million_positions_keep_their_digits():
    # The Jaccard losses of neighbours differ by 1e-6 here, in float32 hardly more than their rounding.
    y_true = (RNG.uniform(size=(1, 10**6, 1)) < 0.3).astype("float32")
    y_pred = RNG.uniform(size=y_true.shape).astype("float32")
    (value, gradient), (exact, slopes) = (
        with_gradient(LovaszSoftmax(dtype=dtype))(y_true, y_pred.astype(dtype)) for dtype in ("float32", "float64")
    )
    assert value == pytest.approx(exact, rel=1e-5)
    np.testing.assert_allclose(gradient, slopes, atol=1e-5 * np.abs(slopes).max())


@pytest.mark.parametrize("make", [LovaszSoftmax, lambda classes: lovasz_softmax(LABELS, PRED, classes=classes)])
def test_unknown_classes_are_refused(make):
    with pytest.raises(ValueError, match="`classes` must be one of 'present', 'all', not 'some'"):
        make(classes="some")
