"""Shifted images are cut out of NumPy's padded ones, and mirrored ones are read backwards."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo.augmentation import alternating_mirror, mirror, random_shift

IMAGES = np.random.default_rng(0).integers(1, 256, (60, 7, 9, 2), dtype=np.uint8)
PADS = {"constant": "constant", "nearest": "edge", "reflect": "symmetric", "mirror": "reflect", "wrap": "wrap"}


def places(moved, image, fill_mode):
    """Return by how much an image was moved, down and to the right, tried out by NumPy."""
    around = np.pad(image, [(3, 3), (3, 3), (0, 0)], mode=PADS[fill_mode])
    height, width = image.shape[:2]
    return [
        (3 - row, 3 - column)
        for row in range(7)
        for column in range(7)
        if (around[row : row + height, column : column + width] == moved).all()
    ]


@pytest.mark.parametrize("fill_mode", PADS)
def test_each_image_is_moved_within_reach_and_the_gap_is_numpys(fill_mode):
    moved = random_shift(IMAGES, seed=[1, 2], reach=3, fill_mode=fill_mode)
    assert moved.dtype == tf.uint8
    found = [places(one, image, fill_mode) for one, image in zip(moved.numpy(), IMAGES, strict=True)]
    assert all(len(ways) == 1 for ways in found)
    for axis in range(2):
        assert {ways[0][axis] for ways in found} == set(range(-3, 4))


@pytest.mark.parametrize("fill_mode", PADS)
def test_chosen_images_are_mirrored_before_they_are_moved(fill_mode):
    which = np.arange(60) % 3 == 0
    plain = random_shift(IMAGES, seed=[3, 4], reach=3, fill_mode=fill_mode).numpy()
    found = random_shift(IMAGES, seed=[3, 4], reach=3, fill_mode=fill_mode, mirrored=tf.constant(which)).numpy()
    np.testing.assert_array_equal(found[~which], plain[~which])
    for one, image, was in zip(found[which], IMAGES[which], plain[which], strict=True):
        assert places(one, image[:, ::-1], fill_mode) == places(was, image, fill_mode)


def test_the_gap_has_the_value_that_was_asked_for():
    moved = random_shift(IMAGES, seed=[1, 2], reach=3, fill_value=0).numpy()
    gray = random_shift(IMAGES, seed=[1, 2], reach=3, fill_value=200).numpy()
    np.testing.assert_array_equal(gray, np.where(moved == 0, 200, moved))


def test_shifts_follow_from_the_seed_alone_also_in_a_graph_of_any_batch():
    graph = tf.function(
        lambda x, seed: random_shift(x, seed=seed, reach=2),
        input_signature=[tf.TensorSpec((None, 7, 9, 2), tf.uint8), tf.TensorSpec((2,), tf.int64)],
    )
    found = graph(IMAGES, tf.constant([5, 6], tf.int64))
    assert found.shape == IMAGES.shape
    np.testing.assert_array_equal(found, random_shift(IMAGES, seed=[5, 6], reach=2))
    assert (found.numpy() != random_shift(IMAGES, seed=[6, 5], reach=2).numpy()).any()
    np.testing.assert_array_equal(random_shift(IMAGES, seed=[5, 6], reach=0), IMAGES)


def test_mirrored_images_are_read_backwards():
    which = np.arange(60) < 7
    found = mirror(IMAGES, which).numpy()
    np.testing.assert_array_equal(found[:7], IMAGES[:7, :, ::-1])
    np.testing.assert_array_equal(found[7:], IMAGES[7:])


def test_two_epochs_show_both_sides_of_an_image_wherever_it_is_in_the_order():
    first, second = (alternating_mirror(IMAGES, tf.constant(epoch, tf.int64)).numpy() for epoch in (4, 5))
    np.testing.assert_array_equal(first, ~second)
    assert 15 < first.sum() < 45
    np.testing.assert_array_equal(alternating_mirror(IMAGES[::-1], 4), first[::-1])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"reach": -1}, "`reach` must be a number of pixels of at least 0, not -1"),
        ({"reach": 1, "fill_mode": "black"}, "must be one of constant, mirror, nearest, reflect, wrap, not 'black'"),
    ],
)
def test_what_cannot_be_done_is_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        random_shift(IMAGES, seed=[1, 2], **settings)
