"""Boxes that follow: bright rectangles on black are moved, and where the bright pixels end up is measured."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance

from kzoo_zoo.yolov3.augment import augment_boxes, recolour

SIDE = 96
QUIET = {"hue": 0, "saturation": 1, "exposure": 1}
STILL = {"zoom": (1, 1), "stretch": 0, "shift": 0, "mirror": False, **QUIET}


def scene(count, seed=0):
    """Return images with one white rectangle each, and their boxes."""
    rng = np.random.default_rng(seed)
    images, boxes = np.zeros((count, SIDE, SIDE, 3), "float32"), np.zeros((count, 2, 5), "float32")
    boxes[:, 1, 4] = -1
    for image, own in zip(images, boxes, strict=True):
        x1, y1 = rng.integers(4, 50, 2)
        w, h = rng.integers(12, 40, 2)
        image[y1 : y1 + h, x1 : x1 + w] = 1
        own[0] = [(x1 + w / 2) / SIDE, (y1 + h / 2) / SIDE, w / SIDE, h / SIDE, 3]
    return images, boxes


def bright(image):
    """Return x1, y1, x2, y2 of the white pixels, in pixels; padding is gray and does not count."""
    rows, columns = np.nonzero(image[..., 0] > 0.75)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


def corners(rows):
    centre, sides = rows[..., :2] * SIDE, rows[..., 2:4] * SIDE
    return np.concatenate([centre - sides / 2, centre + sides / 2], -1)


def seed(number):
    return tf.constant([number, 7], tf.int64)


def test_nothing_changes_where_nothing_is_asked_for():
    images, boxes = scene(4)
    x, y = augment_boxes(images, boxes, seed=seed(0), epoch=0, **STILL)
    np.testing.assert_array_equal(x, images)
    np.testing.assert_allclose(y[:, 0], boxes[:, 0], atol=1e-6)


@pytest.mark.parametrize(
    "changes",
    [
        {"mirror": True},
        {"zoom": (0.5, 0.9)},
        {"zoom": (1.1, 1.8)},
        {"stretch": 0.5},
        {"shift": 0.3},
        {"zoom": (0.5, 1.5), "stretch": 0.3, "shift": 0.2, "mirror": True},
    ],
    ids=str,
)
def test_boxes_follow_what_they_are_around(changes):
    images, boxes = scene(64)
    x, y = (part.numpy() for part in augment_boxes(images, boxes, seed=seed(1), epoch=0, **{**STILL, **changes}))
    assert np.abs(x - images).max() > 0.5  # something moved at all
    kept = np.flatnonzero(y[:, 0, 4] == 3)
    assert len(kept) > 40
    for number in kept:
        np.testing.assert_allclose(corners(y[number, 0]), bright(x[number]), atol=1.6)
    for number in np.flatnonzero(y[:, 0, 4] < 0):  # little is left to see of what has no box any more
        left = (x[number][..., 0] > 0.75).mean()
        assert left < 0.35 * boxes[number, 0, 2] * boxes[number, 0, 3] * 1.8**2


def test_the_boxes_of_a_mosaic_are_around_its_bright_parts():
    images, boxes = scene(32)
    x, y = (part.numpy() for part in augment_boxes(images, boxes, seed=seed(2), epoch=0, mosaic=1.0, **STILL))
    assert y.shape == (32, 8, 5)
    assert (y[..., 4] >= 0).sum() > 40
    for image, rows in zip(x, y, strict=True):
        white = image[..., 0] > 0.75
        covered = np.zeros_like(white)
        for row in rows[rows[:, 4] >= 0]:
            x1, y1, x2, y2 = np.rint(corners(row)).astype(int)
            inside = white[y1 + 1 : y2 - 1, x1 + 1 : x2 - 1]
            assert inside.all()
            covered[max(0, y1 - 2) : y2 + 2, max(0, x1 - 2) : x2 + 2] = True
        assert (white & ~covered).sum() < 0.3 * 40 * 40  # only what was cut too much is bright without a box


def test_mosaic_ends_after_its_epochs():
    images, boxes = scene(8)
    arguments = {"seed": seed(3), "mosaic": 1.0, "mosaic_epochs": 2, **STILL}
    early, _ = augment_boxes(images, boxes, epoch=tf.constant(1, tf.int64), **arguments)
    late, rows = augment_boxes(images, boxes, epoch=tf.constant(2, tf.int64), **arguments)
    assert np.abs(early - images).max() > 0.2
    np.testing.assert_array_equal(late, images)
    assert rows.shape == (8, 8, 5)


def test_one_seed_gives_one_result():
    images, boxes = scene(8)
    first, second = (augment_boxes(images, boxes, seed=seed(4), epoch=0, mosaic=0.5)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other, _ = augment_boxes(images, boxes, seed=seed(5), epoch=0, mosaic=0.5)
    assert np.abs(first - other).max() > 0.1


def test_exposure_is_a_factor_gray_stays_gray_and_saturation_is_pillows():
    images = np.random.default_rng(0).uniform(0.2, 0.6, (1, 4, 4, 3)).astype("float32")
    lighter = recolour(images, tf.constant([[0.5], [0.5], [1.0]]), hue=0.1, saturation=1.5, exposure=1.5)
    np.testing.assert_allclose(lighter, images * 1.5, rtol=1e-5)
    gray = np.full((1, 2, 2, 3), 0.4, "float32")
    np.testing.assert_allclose(
        recolour(gray, tf.constant([[0.9], [0.1], [0.5]]), hue=0.2, saturation=2, exposure=2), gray, atol=2e-3
    )
    more = recolour(images, tf.constant([[0.5], [1.0], [0.5]]), hue=0.1, saturation=1.2, exposure=1.5)[0].numpy()
    pixels = Image.fromarray(np.rint(images[0] * 255).astype("uint8"))
    expected = np.asarray(ImageEnhance.Color(pixels).enhance(1.2)) / 255
    np.testing.assert_allclose(more, expected, atol=0.01)
