"""Raw outputs into boxes, against OpenCV's region layer."""

from types import SimpleNamespace

import numpy as np
import pytest

from kzoo_zoo.yolov3.decoding import candidates, decode, raw_rows

RNG = np.random.default_rng(0)

FASTEST = (
    ("conv_120", "yolo_121", [(115, 73), (119, 199), (242, 238)], 80, 1.0),
    ("conv_129", "yolo_130", [(12, 18), (37, 49), (52, 132)], 80, 1.0),
)
NANO = (
    ("conv_68", "yolo_69", [(189, 126), (137, 236), (265, 259)], 20, 1.1),
    ("conv_78", "yolo_79", [(26, 48), (67, 84), (72, 175)], 20, 1.05),
)
INPUT = (320, 320, 3)


def head(anchors, classes, scale_x_y=1.0, stride=32, kind="yolo"):
    return SimpleNamespace(anchors=anchors, classes=classes, scale_x_y=scale_x_y, stride=stride, kind=kind)


HEADS = [head([(10, 20), (30, 30)], 3, 1.2, 32), head([(5, 6), (7, 9)], 3, 1.0, 16)]
SHAPE = (64, 96, 3)


def made(batch=2):
    return [RNG.normal(size=(batch, 2, 3, 16)).astype("f") * 2, RNG.normal(size=(batch, 4, 6, 16)).astype("f") * 2]


@pytest.mark.parametrize(("name", "parts"), [("yolo-fastest-1.1", FASTEST), ("MobileNetV2-YOLOv3-Nano-voc", NANO)])
def test_decoded_rows_are_opencvs(real_data, name, parts):
    stored = np.load(real_data / f"yolo/oracle/{name}.dog.raw.npz")
    outputs = [stored[raw].transpose(0, 2, 3, 1) for raw, *_ in parts]
    heads = [head(anchors, classes, s) for _, _, anchors, classes, s in parts]
    boxes, objectness, classes = decode(outputs, heads, INPUT)
    expected = np.concatenate([stored[rows] for _, rows, *_ in parts])
    np.testing.assert_allclose(boxes[0], expected[:, :4], atol=1e-6)
    np.testing.assert_allclose(objectness[0], expected[:, 4], atol=1e-6)
    scores = objectness[0][:, None] * classes[0]
    scores[scores <= 0.2] = 0  # what OpenCV's layer leaves out
    np.testing.assert_allclose(scores, expected[:, 5:], atol=1e-6)


def test_candidates_are_the_decoded_rows_above_the_threshold():
    outputs = made()
    boxes, objectness, classes = decode(outputs, HEADS, SHAPE)
    scores = objectness[..., None] * classes
    for image, found in enumerate(candidates(outputs, HEADS, SHAPE, threshold=0.3)):
        row, label = np.nonzero(scores[image] > 0.3)
        assert len(row) > 5
        assert found.labels.tolist() == label.tolist()
        np.testing.assert_allclose(found.scores, scores[image][row, label], rtol=1e-6)
        center, size = boxes[image][row, :2], boxes[image][row, 2:]
        np.testing.assert_allclose(found.boxes, np.concatenate([center - size / 2, center + size / 2], -1), atol=1e-6)


def test_all_heads_side_by_side_in_one_output_are_the_same():
    outputs = made()
    joined = np.concatenate([raw.reshape(2, -1, 8) for raw in outputs], axis=1)
    for one, other in zip(decode(outputs, HEADS, SHAPE), decode(joined, HEADS, SHAPE), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_output_of_a_single_head_may_come_alone():
    raw = made()[0]
    for one, other in zip(decode(raw, HEADS[:1], SHAPE), decode([raw], HEADS[:1], SHAPE), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(candidates(raw, HEADS[:1], SHAPE, threshold=0.2)) == 2


def test_at_threshold_zero_every_class_of_every_cell_is_there():
    found = candidates(made(1), HEADS, SHAPE, threshold=0.0)[0]
    assert len(found.scores) == (2 * 3 + 4 * 6) * 2 * 3


def test_a_filter_of_classes_leaves_the_others_out():
    outputs = made()
    every = candidates(outputs, HEADS, SHAPE, threshold=0.2)[0]
    some = candidates(outputs, HEADS, SHAPE, threshold=0.2, classes=[2, 0])[0]
    wanted = np.isin(every.labels, [0, 2])
    np.testing.assert_array_equal(some.boxes, every.boxes[wanted])
    assert set(some.labels.tolist()) == {0, 2}


def test_nothing_seen():
    found = candidates([np.full((1, 2, 3, 16), -9, "f"), np.full((1, 4, 6, 16), -9, "f")], HEADS, SHAPE, threshold=0.5)
    assert [len(one.scores) for one in found] == [0]
    assert found[0].boxes.shape == (0, 4)


def test_outputs_that_are_no_numbers_are_no_objects():
    outputs = made(1)
    cells = outputs[0].reshape(1, 2, 3, 2, 8)
    cells[..., 4] = 9
    cells[..., 2] = 1000  # exp overflows
    outputs[1][...] = np.nan
    assert len(candidates(outputs, HEADS, SHAPE, threshold=0.5)[0].scores) == 0


def test_outputs_of_other_heads_are_refused():
    with pytest.raises(ValueError, match="1 outputs, and 2 heads"):
        raw_rows(made()[:1], HEADS, SHAPE)
    with pytest.raises(ValueError, match=r"has the shape \(B, rows, columns, 16\), not \(2, 2, 3, 15\)"):
        raw_rows([made()[0][..., :15], made()[1]], HEADS, SHAPE)
    with pytest.raises(ValueError, match="has 61 rows, and its heads have 60"):
        raw_rows(np.zeros((1, 61, 8)), HEADS, SHAPE)
