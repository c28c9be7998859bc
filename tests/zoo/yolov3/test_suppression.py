"""Overlapping boxes, against OpenCV's suppression class by class."""

import cv2
import numpy as np
import pytest

from kzoo_zoo.yolov3.suppression import suppress


def made(seed, count=200, classes=3):
    rng = np.random.default_rng(seed)
    corner, size = rng.integers(-60, 300, (count, 2)), rng.integers(20, 120, (count, 2))
    boxes = np.concatenate([corner, corner + size], -1).astype(np.float32)
    return boxes, rng.integers(0, classes, count), rng.uniform(0.05, 1, count).astype(np.float32)


def sides(boxes):
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], -1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("iou", [0.3, 0.45, 0.7])
def test_each_class_is_as_if_it_were_alone(seed, iou):
    boxes, labels, scores = made(seed)
    expected = set()
    for label in range(3):
        own = np.flatnonzero(labels == label)
        kept = cv2.dnn.NMSBoxes(sides(boxes[own]).astype(float).tolist(), scores[own].tolist(), 0.0, iou)
        expected |= set(own[np.asarray(kept).reshape(-1)].tolist())
    kept, ranked = suppress(boxes, labels, scores, iou=iou)
    assert set(kept.tolist()) == expected
    np.testing.assert_array_equal(ranked, scores[kept])
    assert (np.diff(ranked) <= 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_soft_suppression_is_opencvs(seed):
    boxes, labels, scores = made(seed, 60)
    expected = {}
    for label in range(3):
        own = np.flatnonzero(labels == label)
        rects = sides(boxes[own]).astype(int).tolist()
        updated, kept = cv2.dnn.softNMSBoxes(
            rects, scores[own].tolist(), 0.1, 0.3, 0, 0.5, cv2.dnn.SoftNMSMethod_SOFTNMS_GAUSSIAN
        )
        expected |= dict(zip(own[np.asarray(kept).reshape(-1)].tolist(), updated.reshape(-1).tolist(), strict=True))
    kept, ranked = suppress(boxes, labels, scores, soft=True, threshold=0.1)
    assert set(kept.tolist()) == set(expected)
    np.testing.assert_allclose(ranked, [expected[number] for number in kept.tolist()], atol=1e-5)


def test_boxes_left_of_the_picture_do_not_meet_those_of_the_next_class():
    # OpenCV moves each class by the largest coordinate: a box that begins below zero would land on another class.
    boxes = np.array([[0, 0, 100, 100], [-101, -101, -1, -1]], np.float32)
    kept, _ = suppress(boxes, np.array([0, 1]), np.array([0.9, 0.8], np.float32), iou=0.1)
    assert kept.tolist() == [0, 1]


def test_agnostic():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 11]], np.float32)
    arguments = (boxes, np.array([0, 1]), np.array([0.8, 0.9], np.float32))
    assert suppress(*arguments)[0].tolist() == [1, 0]
    assert suppress(*arguments, agnostic=True)[0].tolist() == [1]


def test_the_best_are_kept():
    boxes, labels, scores = made(0)
    every, few = suppress(boxes, labels, scores)[0], suppress(boxes, labels, scores, most=5)[0]
    assert few.tolist() == every[:5].tolist()
    every, few = (suppress(boxes, labels, scores, soft=True, most=most)[0] for most in (300, 5))
    assert few.tolist() == every[:5].tolist()


def test_nothing():
    for soft in (False, True):
        kept, scores = suppress(np.zeros((0, 4), "f"), np.zeros(0, int), np.zeros(0, "f"), soft=soft)
        assert kept.shape == scores.shape == (0,)
