import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from pycocotools import mask

from kzoo_plugins.losses.yolo import yolo_parts
from kzoo_zoo.yolov3.anchors import find_anchors, mean_iou, shape_iou
from kzoo_zoo.yolov3.assignment import assign, places
from kzoo_zoo.yolov3.darknet import Head
from kzoo_zoo.yolov3.decoding import candidates

HEADS = (
    Head(anchors=((60, 40), (90, 120)), classes=3, scale_x_y=1.05, stride=32),
    Head(anchors=((10, 12), (30, 20)), classes=3, stride=16),
)
SHAPE = (96, 128)
NOTHING = [0, 0, 0, 0, -1]


def assigned(*boxes, match=1.0):
    return assign(np.array([boxes], "float32"), HEADS, SHAPE, 3, match=match).numpy()[0]


def decoded(rows):
    """Return the boxes of places whose raw outputs are all 0, the definition in plain numbers."""
    column, row, columns, rows_, width, height, scale = rows.T
    half = 0.5 * scale - (scale - 1) / 2
    return np.stack([(column + half) / columns, (row + half) / rows_, width, height], -1)


def test_places_are_in_the_order_of_the_output():
    rows = places(HEADS, SHAPE)
    assert len(rows) == 3 * 4 * 2 + 6 * 8 * 2
    raw = [np.arange(3 * 4 * 2).reshape(3, 4, 2), 24 + np.arange(6 * 8 * 2).reshape(6, 8, 2)]
    for head, numbers in zip(HEADS, raw, strict=True):
        for row, column, anchor in np.ndindex(numbers.shape):
            at = rows[numbers[row, column, anchor]]
            expected = [column, row, 128 // head.stride, 96 // head.stride]
            assert at[:4].tolist() == expected
            np.testing.assert_allclose(at[4:6] * (128, 96), head.anchors[anchor], rtol=1e-6)
            assert at[6] == np.float32(head.scale_x_y)


def test_a_box_goes_to_the_cell_of_its_centre_and_the_anchor_of_its_shape():
    box = [70 / 128, 50 / 96, 28 / 128, 22 / 96, 2]
    found = assigned(box)
    (at,) = np.flatnonzero(found[:, 4] == 1)
    # The second head (stride 16): row 3, column 4, anchor 30x20.
    assert at == 24 + (3 * 8 + 4) * 2 + 1
    np.testing.assert_allclose(found[at, :4], box[:4])
    assert found[at, 5:8].tolist() == [0, 0, 1]
    assert not found[np.arange(len(found)) != at, :8].any()


def test_every_assignment_is_that_of_a_search_over_all_places():
    rng = np.random.default_rng(3)
    rows = places(HEADS, SHAPE)
    for _ in range(50):
        sides = rng.uniform(0.05, 0.9, 2)
        box = [*rng.uniform(0.01, 0.99, 2), *sides, rng.integers(3)]
        (at,) = np.flatnonzero(assigned(box)[:, 4] == 1)
        inside = (np.floor(box[0] * rows[:, 2]) == rows[:, 0]) & (np.floor(box[1] * rows[:, 3]) == rows[:, 1])
        same_centre = np.concatenate([np.zeros((len(rows), 2)), rows[:, 4:6]], -1)
        overlap = mask.iou(same_centre.astype(float), np.array([[0.0, 0.0, *sides]]), [0])[:, 0]
        assert at == np.where(inside, overlap, -1).argmax()


def test_other_anchors_that_fit_learn_as_well():
    box = [0.5, 0.5, 50 / 128, 40 / 96, 0]
    assert assigned(box)[:, 4].sum() == 1
    close = assigned(box, match=0.2)
    # IoU of the sides: 60x40 0.83, 90x120 0.19, 10x12 0.06, 30x20 0.3.
    assert close[:, 4].sum() == 2
    assert assigned(box, match=0.1)[:, 4].sum() == 3


def test_the_box_whose_best_anchor_it_is_wins_the_place():
    best, other = [0.51, 0.51, 30 / 128, 20 / 96, 1], [0.52, 0.52, 14 / 128, 14 / 96, 2]
    for boxes in ((best, other), (other, best)):
        found = assigned(*boxes, match=0.2)
        at = np.flatnonzero((found[:, 4] == 1) & np.isclose(found[:, -3], 30 / 128))
        assert found[at, 6].tolist() == [1.0]


def test_empty_images_edges_and_padding():
    assert not assigned(NOTHING)[:, :8].any()
    found = assigned([1.0, 1.0, 0.2, 0.2, 0], NOTHING, [0.0, 0.0, 0.2, 0.2, 1])
    assert found[:, 4].sum() == 2
    assert not assigned([0.5, 0.5, 0.0, 0.2, 0])[:, 4].any()


def test_the_number_of_images_need_not_be_known():
    traced = tf.function(lambda y: assign(y, HEADS, SHAPE, 3), input_signature=[tf.TensorSpec((None, None, 5))])
    boxes = np.random.default_rng(0).uniform(0.1, 0.9, (5, 4, 5)).astype("float32")
    np.testing.assert_array_equal(traced(boxes), assign(boxes, HEADS, SHAPE, 3))


def test_shape_iou_is_that_of_boxes_with_one_corner():
    rng = np.random.default_rng(0)
    one, other = rng.uniform(1, 50, (6, 2)), rng.uniform(1, 50, (4, 2))
    expected = mask.iou(np.pad(one, ((0, 0), (2, 0))), np.pad(other, ((0, 0), (2, 0))), [0] * 4)
    np.testing.assert_allclose(shape_iou(one, other), expected)


def test_anchors_find_the_groups_that_are_there():
    rng = np.random.default_rng(1)
    centres = np.array([[10, 20], [40, 30], [100, 120]])
    sides = np.concatenate([centre * rng.uniform(0.95, 1.05, (40, 2)) for centre in centres])
    found = find_anchors(sides, 3)
    np.testing.assert_allclose(found, centres, rtol=0.02)
    assert mean_iou(sides, found) > 0.94
    np.testing.assert_array_equal(found, find_anchors(sides, 3))


@pytest.mark.parametrize("count", [1, 6])
def test_anchors_of_a_single_shape(count):
    found = find_anchors(np.full((5, 2), 20.0), count)
    assert found.shape == (count, 2)
    assert np.isfinite(found).all()
    assert mean_iou(np.full((5, 2), 20.0), found) == pytest.approx(1)


@pytest.mark.parametrize("kind", ["yolo", "new_coords", "region"])
def test_what_decodes_to_the_true_box_is_right_for_the_loss(kind):
    """Labels, loss and decoding read a place's numbers in the same way."""
    heads = [dataclasses.replace(head, kind=kind, scale_x_y=2.0 if kind == "new_coords" else 1.0) for head in HEADS]
    box = np.array([0.55, 0.52, 0.21, 0.22, 1], np.float32)
    labels = assign(box[None, None], heads, SHAPE, 3).numpy()
    assert labels.shape[-1] == 5 + 3 + (7 if kind == "yolo" else 8)
    (at,) = np.flatnonzero(labels[0, :, 4] == 1)
    column, row, columns, rows, *anchor, scale = labels[0, at, 8:15]
    raw = np.full((1, labels.shape[1], 8), -20, np.float32)
    inside = (box[:2] * (columns, rows) - (column, row) + (scale - 1) / 2) / scale
    raw[0, at, :2] = np.log(inside / (1 - inside))
    factors = box[2:4] / anchor
    half = np.sqrt(factors) / 2
    raw[0, at, 2:4] = np.log(half / (1 - half)) if kind == "new_coords" else np.log(factors)
    raw[0, at, 4:] = 20, -20, 20, -20
    for name in ("mse", "ciou"):
        parts = {key: float(value[0]) for key, value in yolo_parts(labels, raw, box=name).items()}
        assert parts == pytest.approx({"box": 0, "objectness": 0, "class": 0}, abs=1e-4)
    (found,) = candidates(raw, heads, SHAPE, threshold=0.5)
    assert found.labels.tolist() == [1]
    np.testing.assert_allclose(found.boxes[0], [*box[:2] - box[2:4] / 2, *box[:2] + box[2:4] / 2], atol=1e-5)
    raw[0, at, 2:4] += 0.5
    assert float(yolo_parts(labels, raw)["box"][0]) > 0.01
