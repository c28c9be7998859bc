"""Structural similarity: against TensorFlow's own, near equality, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf
from gradients import with_gradient

from kzoo_plugins.losses.ssim import SSIM, MultiScaleSSIM, ms_ssim_loss, ssim_loss
from kzoo_plugins.metrics.ssim import MeanMultiScaleSSIM, MeanSSIM

RNG = np.random.default_rng(8)
TRUE = RNG.uniform(size=(2, 24, 20, 3)).astype("float32")
PRED = np.clip(TRUE + RNG.normal(size=TRUE.shape) * 0.2, 0, 1).astype("float32")
SMALL = {"kernel_size": 3, "power_factors": (0.2, 0.3, 0.5)}
ALL = pytest.mark.parametrize("make", [SSIM, MultiScaleSSIM, MeanSSIM, MeanMultiScaleSSIM])


def test_it_is_tensorflows():
    for arguments in ({}, {"kernel_size": 6, "sigma": 0.8, "k1": 0.02, "k2": 0.05}):
        theirs = {"filter_size": 11, "filter_sigma": 1.5, "k1": 0.01, "k2": 0.03}
        names = {"filter_size": "kernel_size", "filter_sigma": "sigma", "k1": "k1", "k2": "k2"}
        theirs |= {name: arguments[ours] for name, ours in names.items() if ours in arguments}
        expected = 1 - tf.image.ssim(TRUE, PRED, 1.0, **theirs)
        np.testing.assert_allclose(ssim_loss(TRUE, PRED, **arguments), expected, rtol=1e-4)


def test_several_scales_are_tensorflows():
    true, pred = TRUE[:, :, :16], PRED[:, :, :16]  # even at every scale; an odd last row is mirrored there
    expected = 1 - tf.image.ssim_multiscale(true, pred, 1.0, SMALL["power_factors"], filter_size=3)
    np.testing.assert_allclose(ms_ssim_loss(true, pred, **SMALL), expected, rtol=1e-4)


def test_one_scale_with_power_1_is_the_single_one():
    np.testing.assert_allclose(ms_ssim_loss(TRUE, PRED, power_factors=[1.0]), ssim_loss(TRUE, PRED), rtol=1e-5)


def test_nearly_equal_images_keep_their_digits():
    # A similarity of 1 - 1e-7 is 1 in float32.
    true = (0.5 + TRUE.astype("float64") / 4)[:1]
    pred = true + RNG.normal(size=true.shape) * 1e-5
    exact = float(ssim_loss(true, pred)[0])
    assert 1e-10 < exact < 1e-7
    narrow = true.astype("float32"), pred.astype("float32")
    rounded = float(ssim_loss(*(value.astype("float64") for value in narrow))[0])
    assert float(ssim_loss(*narrow)[0]) == pytest.approx(rounded, rel=1e-3)


def test_the_range_is_a_unit():
    np.testing.assert_allclose(ssim_loss(TRUE * 255, PRED * 255, data_range=255), ssim_loss(TRUE, PRED), rtol=1e-5)
    found = ms_ssim_loss(TRUE * 255, PRED * 255, data_range=255, **SMALL)
    np.testing.assert_allclose(found, ms_ssim_loss(TRUE, PRED, **SMALL), rtol=1e-5)


def test_images_without_channels():
    expected = ssim_loss(TRUE[..., :1], PRED[..., :1])
    np.testing.assert_allclose(ssim_loss(TRUE[..., 0], PRED[..., 0]), expected, rtol=1e-6)
    np.testing.assert_allclose(ssim_loss(TRUE[..., 0], PRED[..., :1]), expected, rtol=1e-6)


def test_an_image_and_its_negative_have_no_similarity_at_several_scales():
    value, slope = with_gradient(MultiScaleSSIM(**SMALL))(TRUE, 1 - TRUE)
    assert value == 1
    assert np.isfinite(slope).all()
    assert float(SSIM()(TRUE, 1 - TRUE)) > 1


def test_sides_known_only_later():
    images = tf.TensorSpec((None, None, None, 3))
    compiled = tf.function(SSIM(), input_signature=[images, images])
    assert float(compiled(TRUE, PRED)) == pytest.approx(float(SSIM()(TRUE, PRED)), rel=1e-5)


def test_metrics_are_what_the_losses_lack():
    for metric, loss in ((MeanSSIM(), SSIM()), (MeanMultiScaleSSIM(**SMALL), MultiScaleSSIM(**SMALL))):
        for at in range(2):
            metric.update_state(TRUE[at : at + 1], PRED[at : at + 1])
        assert float(metric.result()) == pytest.approx(1 - float(loss(TRUE, PRED)), rel=1e-6)


@pytest.mark.parametrize(
    ("function", "shape", "says"),
    [
        (ssim_loss, (1, 10, 30, 1), r"`ssim` got images of shape \(1, 10, 30, 1\). Its window of 11 pixels must fit"),
        (ms_ssim_loss, (1, 176, 175, 1), "at each of 5 scales, so sides of at least 176 pixels"),
        (ssim_loss, (16, 16), r"takes images of shape \(N, H, W, C\)"),
        (ssim_loss, (1, 16, 16, 16, 1), r"takes images of shape \(N, H, W, C\)"),
    ],
)
def test_images_that_do_not_fit_are_refused(function, shape, says):
    with pytest.raises(ValueError, match=says):
        function(np.zeros(shape, "float32"), np.zeros(shape, "float32"))


@ALL
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"data_range": 0}, "`data_range` must be a finite number above 0, not 0"),
        ({"sigma": float("inf")}, "`sigma` must be a finite number above 0"),
        ({"k1": -0.1}, "`k1` must be a finite number above 0"),
        ({"k2": 0.0}, "`k2` must be a finite number above 0"),
        ({"kernel_size": 2.5}, "`kernel_size` must be a whole number of at least 1, not 2.5"),
        ({"kernel_size": 0}, "`kernel_size` must be a whole number of at least 1, not 0"),
    ],
)
def test_wrong_arguments_are_refused(make, arguments, says):
    with pytest.raises(ValueError, match=says):
        make(**arguments)


@pytest.mark.parametrize("make", [MultiScaleSSIM, MeanMultiScaleSSIM])
@pytest.mark.parametrize("factors", [(), (0.5, -0.5), (float("nan"),)])
def test_wrong_power_factors_are_refused(make, factors):
    with pytest.raises(ValueError, match="`power_factors` must hold finite numbers of at least 0"):
        make(power_factors=factors)
