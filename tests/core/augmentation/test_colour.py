"""Colours are those of Pillow's enhancers and of colorsys."""

import colorsys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance

from kzoo.augmentation import (
    brightness_contrast_saturation,
    colour_jitter,
    contrast,
    hue_jitter,
    hue_saturation_exposure,
    log_uniform,
    saturation,
    split_seed,
    to_uint8,
)

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(60, 190, (12, 10, 3), dtype=np.uint8)
GRAY = np.repeat(PHOTO[..., :1], 3, axis=-1)
FLAT = np.full((300, 2, 2, 3), 100, np.uint8)
FACTORS = (0.0, 0.6, 1.0, 1.4)


def batch(image):
    return np.repeat(image[None], len(FACTORS), axis=0).astype("float32")


def test_contrast_is_pillows():
    """Pillow weighs the channels, so that only of gray images it has the same mean, which it rounds."""
    for ours, factor in zip(contrast(batch(GRAY), FACTORS).numpy(), FACTORS, strict=True):
        theirs = np.asarray(ImageEnhance.Contrast(Image.fromarray(GRAY)).enhance(factor), float)
        np.testing.assert_allclose(ours, theirs, atol=1.3)


def test_saturation_is_pillows_blend_with_the_gray_image():
    mean = PHOTO.astype(int).sum(-1, keepdims=True) // 3
    gray = Image.fromarray(np.repeat(mean, 3, axis=-1).astype(np.uint8))
    for ours, factor in zip(saturation(batch(PHOTO), FACTORS).numpy(), FACTORS, strict=True):
        theirs = np.asarray(Image.blend(gray, Image.fromarray(PHOTO), factor), float)
        np.testing.assert_allclose(ours.clip(0, 255), theirs, atol=2)


def test_all_three_at_once_are_one_after_another():
    x = batch(PHOTO)
    keys = {"brightness": np.array([1.2, 0.8, 1, 1], "f"), "contrast": np.array([1, 0.5, 2, 1], "f")}
    found = brightness_contrast_saturation(x, saturation=np.array(FACTORS, "f"), **keys).numpy()
    for ours, light, more, factor in zip(found, *keys.values(), FACTORS, strict=True):
        coloured = PHOTO.mean(-1, keepdims=True) + factor * (PHOTO - PHOTO.mean(-1, keepdims=True))
        expected = light * PHOTO.mean() + more * (coloured - PHOTO.mean())
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-3)


def test_brightness_with_as_much_contrast_is_pillows_brightness():
    for factor in (0.5, 1.2):
        ours = brightness_contrast_saturation(batch(PHOTO), brightness=factor, contrast=factor, saturation=1.0)[0]
        theirs = ImageEnhance.Brightness(Image.fromarray(PHOTO)).enhance(factor)
        np.testing.assert_allclose(ours, np.asarray(theirs, float), atol=1)


def test_jitter_changes_each_image_by_up_to_what_was_asked_for():
    factors = colour_jitter(FLAT, seed=[1, 2], brightness=0.4).numpy().reshape(300, -1) / 100
    assert np.ptp(factors, axis=1).max() == 0
    assert 0.6 <= factors.min() < 0.63
    assert 1.37 < factors.max() <= 1.4
    np.testing.assert_array_equal(colour_jitter(PHOTO[None], seed=[1, 2]), PHOTO[None])


@pytest.mark.parametrize(("name", "measure"), [("contrast", np.std), ("saturation", np.ptp)])
def test_jitter_has_a_strength_of_its_own_for_each_change(name, measure):
    x = np.repeat(GRAY[None] if name == "contrast" else PHOTO[None, :1, :1], 300, axis=0)
    factors = np.array([measure(image) for image in colour_jitter(x, seed=[1, 2], **{name: 0.3}).numpy()]) / measure(x)
    assert 0.68 <= factors.min() < 0.74
    assert 1.26 < factors.max() <= 1.32


def test_jitter_rounds_and_stays_within_uint8():
    x = np.array([0, 255] * 6, np.uint8).reshape(1, 2, 2, 3)
    found = colour_jitter(np.repeat(x, 50, axis=0), seed=[1, 2], brightness=0.5, contrast=0.5, saturation=0.5)
    assert found.dtype == tf.uint8
    values = [-1.0, 0.4, 0.6, 254.7, 300.0]
    np.testing.assert_array_equal(to_uint8(values), np.clip(np.rint(values), 0, 255))


def by_colorsys(pixel, angle, factor, light):
    y, i, q = colorsys.rgb_to_yiq(*pixel)
    i, q = np.cos(angle) * i - np.sin(angle) * q, np.sin(angle) * i + np.cos(angle) * q
    return np.clip(light * np.array(colorsys.yiq_to_rgb(y, factor * i, factor * q)), 0, 1)


def test_hue_saturation_and_exposure_are_a_turn_in_the_yiq_of_colorsys():
    pixels = RNG.uniform(0.3, 0.6, (4, 5, 5, 3)).astype("float32")
    angles, factors, lights = [0.0, 0.7, -0.7, 3.0], [1.3, 1.0, 0.5, 1.0], [1.0, 1.0, 0.7, 1.2]
    ours = hue_saturation_exposure(
        pixels, angle=tf.constant(angles), saturation=tf.constant(factors), exposure=tf.constant(lights)
    ).numpy()
    for image, found, angle, factor, light in zip(pixels, ours, angles, factors, lights, strict=True):
        expected = np.apply_along_axis(by_colorsys, -1, image.astype(float), angle, factor, light)
        np.testing.assert_allclose(found, expected, atol=0.02)
    np.testing.assert_allclose(hue_saturation_exposure(pixels, angle=tf.zeros(4), saturation=tf.ones(4),
                                                       exposure=tf.ones(4)), pixels, atol=1e-5)  # fmt: skip


def test_hue_jitter_changes_each_image_by_up_to_what_was_asked_for():
    gray = np.full((400, 2, 2, 3), 0.4, "float32")
    light = hue_jitter(gray, seed=[1, 2], hue=0.3, saturation=1.5, exposure=2.0).numpy()[:, 0, 0] / 0.4
    assert np.ptp(light, axis=1).max() < 0.01  # gray has no hue
    assert 0.49 < light.min() < 0.52
    assert 1.92 < light.max() < 2.01
    assert np.median(light) == pytest.approx(1, abs=0.1)
    red = np.tile(np.array([0.5, 0.3, 0.3], "float32"), (400, 2, 2, 1))
    turned = [
        np.arctan2(*colorsys.rgb_to_yiq(*pixel)[:0:-1]) for pixel in hue_jitter(red, seed=[1, 2], hue=0.1)[:, 0, 0]
    ]
    turned = np.array(turned) - np.arctan2(*colorsys.rgb_to_yiq(0.5, 0.3, 0.3)[:0:-1])
    assert np.abs(turned).max() == pytest.approx(0.2 * np.pi, rel=0.06)
    assert np.median(turned) == pytest.approx(0, abs=0.1)


def test_changes_follow_from_the_seed_alone():
    x = np.repeat(PHOTO[None], 3, axis=0)
    one, again, other = (colour_jitter(x, seed=seed, contrast=0.5).numpy() for seed in ([1, 2], [1, 2], [2, 1]))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any((1, 2, 3)).all()
    assert (one[0] != one[1]).any()


def test_seeds_made_from_one_are_all_different_and_the_same_every_time():
    first, more = split_seed([1, 2], 2), split_seed(tf.constant([1, 2], tf.int32), 5)
    np.testing.assert_array_equal(first, more[:2])
    assert len({tuple(seed.numpy()) for seed in (*more, *split_seed([1, 3], 5))}) == 10


def test_log_uniform_factors_are_as_often_below_1_as_above():
    draw = np.linspace(0, 1, 5)
    np.testing.assert_allclose(log_uniform(draw, 4.0), np.exp(np.linspace(-np.log(4), np.log(4), 5)), rtol=1e-6)
