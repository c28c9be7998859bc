"""Frames into the network's input, and boxes back."""

import cv2
import numpy as np
import pytest

from kzoo.errors import UsageError
from kzoo.settings import read_settings
from kzoo_zoo.yolov3.letterbox import PAD, Letterbox
from kzoo_zoo.yolov3.settings import DetectorSettings

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("frame", "net", "expected"),
    [
        ((576, 768), (416, 416), (312, 416, 52, 0)),  # darknet's dog.jpg
        ((512, 773), (320, 320), (211, 320, 54, 0)),  # 211.95: whole numbers are cut, not rounded
        ((424, 640), (416, 416), (275, 416, 70, 0)),  # 70.5 above
        ((640, 480), (416, 416), (416, 312, 0, 52)),
        ((416, 416), (416, 416), (416, 416, 0, 0)),
        ((100, 100), (320, 608), (320, 320, 0, 144)),
        ((1, 5000), (416, 416), (1, 416, 207, 0)),  # never nothing
    ],
)
def test_where_a_frame_lies(frame, net, expected):
    box = Letterbox.of(frame, net)
    assert (box.height, box.width, box.top, box.left) == expected


def test_the_picture_is_opencvs_and_the_rest_is_gray():
    frame = RNG.integers(0, 256, (90, 160, 3), np.uint8)
    box = Letterbox.of(frame.shape, (64, 64))
    found = box.apply(frame)
    inside = np.zeros((64, 64), bool)
    inside[14:50] = True
    np.testing.assert_allclose(found[inside].reshape(36, 64, 3), cv2.resize(frame, (64, 36)) / 255, atol=1e-7)
    assert (found[~inside] == PAD).all()
    assert found.dtype == np.float32


def test_stretched_it_is_what_opencvs_blob_holds():
    frame = RNG.integers(0, 256, (90, 160, 3), np.uint8)
    blob = cv2.dnn.blobFromImage(frame, 1 / 255, (64, 96), crop=False)
    found = Letterbox.of(frame.shape, (96, 64), "stretch").apply(frame)
    np.testing.assert_allclose(found, blob[0].transpose(1, 2, 0), atol=1e-7)


def test_a_frame_of_the_inputs_size_is_not_resampled():
    frame = RNG.integers(0, 256, (64, 64, 3), np.uint8)
    np.testing.assert_allclose(Letterbox.of(frame.shape, (64, 64)).apply(frame), frame / 255, atol=1e-7)


def test_a_network_of_gray_pictures():
    frame = np.full((64, 32, 3), (255, 0, 0), np.uint8)
    found = Letterbox.of(frame.shape, (64, 64)).apply(frame, 1)
    assert found.shape == (64, 64, 1)
    assert found[:, 16:48].mean() == pytest.approx(76 / 255, abs=1e-3)


@pytest.mark.parametrize("resize", ["letterbox", "stretch"])
@pytest.mark.parametrize("frame", [(512, 773), (1080, 1920), (33, 20), (416, 416)])
def test_boxes_go_there_and_back(frame, resize):
    box = Letterbox.of(frame, (416, 320), resize)
    boxes = np.array([[3.5, 7, 19, 30], [-10, 0, frame[1], frame[0]]], np.float32)
    np.testing.assert_allclose(box.undo(box.forward(boxes)), boxes, atol=1e-3)
    whole = np.array([[0, 0, frame[1], frame[0]]], np.float32)
    edges = [box.left, box.top, box.left + box.width, box.top + box.height]
    np.testing.assert_allclose(box.forward(whole)[0], edges, atol=1e-3)


def test_an_object_is_where_its_box_says():
    frame = np.zeros((200, 300, 3), np.uint8)
    frame[40:120, 60:90] = 255
    box = Letterbox.of(frame.shape, (416, 416))
    seen = box.apply(frame)[..., 0]
    seen[: box.top] = seen[box.top + box.height :] = 0
    rows, columns = np.nonzero(seen > 0.5)
    found = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
    np.testing.assert_allclose(box.undo(found)[0], [60, 40, 90, 120], atol=0.75)


def test_an_unknown_way_of_resizing():
    with pytest.raises(UsageError, match="`resize` must be letterbox or stretch, not 'crop'"):
        read_settings(DetectorSettings, {"resize": "crop"})
