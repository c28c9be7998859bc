"""Run lengths and polygons are those of COCO's own program, bit for bit."""

import numpy as np
import pytest
from pycocotools import mask as coco

from kzoo.tasks.run_lengths import counts_of, from_counts, from_polygons, from_text, text_of


def masks(count=60):
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield rng.random(rng.integers(1, 40, 2)) < rng.random()


def test_run_lengths_are_cocos():
    for mask in masks():
        theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
        counts = counts_of(mask)
        assert text_of(counts) == theirs
        assert from_text(theirs) == counts
        np.testing.assert_array_equal(from_counts(counts, mask.shape), mask)


@pytest.mark.parametrize("whole", [False, True])
def test_polygons_are_filled_as_coco_fills_them(whole):
    rng = np.random.default_rng(1)
    for _ in range(80):
        height, width = (int(side) for side in rng.integers(2, 60, 2))
        corners = rng.uniform(-0.3, 1.3, (rng.integers(3, 9), 2)) * (width, height)
        polygon = (np.round(corners) if whole else corners).ravel().tolist()
        theirs = coco.decode(coco.frPyObjects([polygon], height, width))[..., 0]
        np.testing.assert_array_equal(from_polygons([polygon], (height, width)), theirs.astype(bool))


def test_several_polygons_are_one_mask():
    squares = [[0, 0, 2, 0, 2, 2, 0, 2], [4, 4, 6, 4, 6, 6, 4, 6]]
    theirs = coco.decode(coco.merge(coco.frPyObjects(squares, 8, 8)))
    np.testing.assert_array_equal(from_polygons(squares, (8, 8)), theirs.astype(bool))


def test_a_corner_far_away_takes_no_time_and_no_memory():
    assert from_polygons([[0, 0, 1e12, 0, 1e12, 1e12, 0, 1e12]], (4, 4)).all()


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: from_counts([3, 4], (2, 4)), "add up to 7"),
        (lambda: from_counts([9, -1], (2, 4)), "add up to"),
        (lambda: from_text("\n"), "no letter"),
        (lambda: from_text("P"), "cut off"),
        (lambda: from_polygons([[0, 0, 1, 1]], (4, 4)), "three corners"),
        (lambda: from_polygons([[0, 0, 1, 1, 2]], (4, 4)), "three corners"),
        (lambda: from_polygons([[0, 0, 1, 1, 2, float("nan")]], (4, 4)), "finite"),
    ],
)
def test_what_is_no_mask_is_refused(make, fault):
    with pytest.raises(ValueError, match=fault):
        make()
