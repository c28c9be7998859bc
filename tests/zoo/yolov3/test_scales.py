"""Training on inputs of several sizes: which, when, and that pictures, boxes and labels go together in each."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo.errors import UsageError
from kzoo_zoo.yolov3.assignment import assign
from kzoo_zoo.yolov3.augment import augment_boxes
from kzoo_zoo.yolov3.darknet import Head
from kzoo_zoo.yolov3.scales import draw_size, of_size, sizes_between

HEADS = (Head(anchors=((10, 12), (30, 20)), classes=2, stride=16), Head(anchors=((50, 60),), classes=2, stride=32))
STILL = {"zoom": (1, 1), "stretch": 0, "shift": 0, "mirror": False, "hue": 0, "saturation": 1, "exposure": 1}


def test_sizes_are_the_multiples_between():
    assert sizes_between([320, 416], (416, 416, 3), HEADS) == [(320, 320), (352, 352), (384, 384), (416, 416)]
    assert sizes_between((64, 128), (96, 192, 3), HEADS) == [(32, 64), (64, 96), (64, 128)]
    assert sizes_between([], (416, 416, 3), HEADS) == []
    coarse = (Head(anchors=((9, 9),), classes=2, stride=64),)
    assert sizes_between([64, 128], (128, 128, 3), coarse) == [(64, 64), (128, 128)]


@pytest.mark.parametrize("scales", [[320], [320, 100], [416, 320], 416, "big", [0, 64], [32.0, 64.0], [32, 3200], True])
def test_other_sizes_are_refused(scales):
    with pytest.raises(UsageError, match=r"augment\.scales"):
        sizes_between(scales, (416, 416, 3), HEADS)


def test_a_size_holds_for_some_steps_and_depends_on_seed_and_step_alone():
    sizes = sizes_between([320, 608], (416, 416, 3), HEADS)

    def drawn(seed, steps):
        return [int(draw_size(sizes, tf.constant([seed, 3], tf.int64), step, every=10)[1]) for step in steps]

    first = drawn(0, range(400))
    assert first == drawn(0, range(400))
    assert first[137:150] == drawn(0, range(137, 150))
    assert first != drawn(1, range(400))
    turns = [set(first[start : start + 10]) for start in range(0, 400, 10)]
    assert all(len(turn) == 1 for turn in turns)
    assert set.union(*turns) == {width for _, width in sizes}
    with pytest.raises(UsageError, match="scale_steps"):
        draw_size(sizes, (0, 0), 0, every=0)


def scene(count, seed=0, height=64, width=96):
    """Return images with one white rectangle each, and their boxes."""
    rng = np.random.default_rng(seed)
    images, boxes = np.zeros((count, height, width, 3), "float32"), np.zeros((count, 1, 5), "float32")
    for image, own in zip(images, boxes, strict=True):
        x, y = rng.integers(4, 30, 2)
        w, h = rng.integers(14, 30, 2)
        image[y : y + h, x : x + w] = 1
        own[0] = [(x + w / 2) / width, (y + h / 2) / height, w / width, h / height, 1]
    return images, boxes


@pytest.mark.long_but_first(2)
@pytest.mark.parametrize("size", [(32, 64), (64, 96), (128, 160)])
@pytest.mark.parametrize("changes", [{}, {"mirror": True, "zoom": (0.7, 1.2), "shift": 0.1}, {"mosaic": 1.0}], ids=str)
def test_boxes_are_around_what_they_were_around_in_every_size(size, changes):
    images, boxes = scene(24)
    traced = tf.function(
        lambda size: augment_boxes(images, boxes, seed=tf.constant([1, 2]), epoch=0, size=size, **{**STILL, **changes})
    )
    x, y = (part.numpy() for part in traced(tf.constant(size)))
    assert x.shape == (24, *size, 3)
    seen = 0
    for image, own in zip(x, y, strict=True):
        white = image[..., 0] > 0.75
        there = own[own[:, 4] >= 0]
        seen += len(there)
        sides = np.array([size[1], size[0]])
        for row in there:
            (x1, y1), (x2, y2) = ((row[:2] + half * row[2:4]) * sides for half in (-0.5, 0.5))
            inside = white[int(np.ceil(y1)) + 1 : int(y2) - 1, int(np.ceil(x1)) + 1 : int(x2) - 1]
            assert inside.all()
            if "mosaic" not in changes:
                rows, columns = np.nonzero(white)
                found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                np.testing.assert_allclose([x1, y1, x2, y2], found, atol=1.6)
    assert seen >= 20


def test_labels_are_those_of_the_size():
    sizes = sizes_between([64, 160], (96, 96, 3), HEADS)
    _, boxes = scene(5, height=96)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((None, None, 5))])
    def made(x, y):
        return of_size(x, sizes, lambda shape: assign(y, HEADS, shape, 2))

    for size in sizes:
        expected = assign(boxes, HEADS, size, 2)
        np.testing.assert_array_equal(made(np.zeros((5, *size, 3), "float32"), boxes), expected)
    assert made.get_concrete_function().output_shapes[1:] == (None, 14)
    fixed = of_size(tf.zeros((5, 96, 96, 3)), sizes, lambda shape: assign(boxes, HEADS, shape, 2))
    np.testing.assert_array_equal(fixed, assign(boxes, HEADS, (96, 96), 2))
