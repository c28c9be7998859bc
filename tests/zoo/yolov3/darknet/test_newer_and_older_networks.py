"""Heads with new_coords (Scaled-YOLOv4, YOLOv7) and regions (YOLOv2), attention, holes, classifiers: as OpenCV's."""

import numpy as np
import pytest
from darknet_cfgs import convolution as c
from darknet_cfgs import net, section
from darknet_oracle import decoded_rows, probabilities, random_images, raw_heads, raw_outputs, write_random_weights

from kzoo_zoo.yolov3.darknet import build, fold, load_weights, parse_cfg, save_weights
from kzoo_zoo.yolov3.decoding import candidates, decode
from kzoo_zoo.yolov3.suppression import suppress

TOLERANCE = {"atol": 1e-4, "rtol": 1e-4}
ANCHORS = "12,16, 19,36, 40,28, 36,75, 76,55, 72,146"
UPSAMPLE = section("upsample", stride=2)
OPENCVS_IOU = 0.4
"""What OpenCV suppresses by inside of a region."""


def route(*layers):
    return section("route", layers=",".join(map(str, layers)))


def pool(size, stride):
    return section("maxpool", size=size, stride=stride)


def new_head(mask):
    keys = {"classes": 2, "num": 6, "scale_x_y": 2.0, "objectness_smooth": 1, "new_coords": 1, "max_delta": 2}
    filters = len(mask.split(",")) * 7
    return c(filters, 1, activation="logistic", normalized=False) + section("yolo", mask=mask, anchors=ANCHORS, **keys)


def region(classes=3, **keys):
    anchors = "0.57273, 0.677385, 1.87446, 2.06253, 3.33843, 5.47434"
    keys = {
        "bias_match": 1,
        "classes": classes,
        "coords": 4,
        "num": 3,
        "softmax": 1,
        "absolute": 1,
        "thresh": 0.6,
        **keys,
    }
    return c(3 * (5 + classes), 1, activation="linear", normalized=False) + section("region", anchors=anchors, **keys)


def scaled_yolov4():
    """A stage that parts and meets, a pyramid of poolings, a path down again."""
    yield net(96, 64)
    yield from (c(8, 3, 1, "mish"), c(16, 3, 2, "mish"), c(8, 1, 1, "mish"), route(-2), c(8, 1, 1, "mish"))
    yield from (c(8, 3, 1, "mish"), section("shortcut", **{"from": -2}, activation="linear"), route(-1, -5))
    yield from (c(16, 3, 2, "mish"), pool(5, 1), route(-2), pool(9, 1), route(-1, -2, -4), c(16, 1, 1, "mish"))
    yield from (new_head("3,4,5"), route(-3), UPSAMPLE, route(-1, 7), c(8, 3, 1, "mish"), new_head("0,1,2"))


def yolov7_tiny():
    """Blocks of four that meet, leaky and swish."""
    yield net(64, 64)
    yield from (c(8, 3, 2), c(8, 1), route(-2), c(8, 1), c(8, 3), c(8, 3), route(-1, -2, -3, -5), c(16, 1))
    yield from (pool(2, 2), c(16, 1, 1, "swish"), new_head("0,1,2"))


def yolov2():
    """An earlier map, its cells put into the channels, beside the last one."""
    yield net(96, 64)
    yield from (c(4, 3), pool(2, 2), c(8, 3), pool(2, 2), c(8, 3), pool(2, 2), c(16, 3), c(16, 3))
    yield from (route(4), c(4, 1), section("reorg", stride=2), route(-1, -4), c(16, 3), region())


def yolov2_tiny():
    yield net(64, 64)
    yield from (c(4, 3), pool(2, 2), c(8, 3), pool(2, 2), c(8, 3), pool(2, 1), c(16, 3), region(classes=4))


def attentive():
    """A map multiplied with what was made of it."""
    yield net(64, 64)
    yield from (c(8, 3, 2), c(8, 1), c(8, 3, activation="logistic"), section("sam", **{"from": -2}), new_head("0,1,2"))


NETWORKS = (scaled_yolov4, yolov2, yolov7_tiny, yolov2_tiny, attentive)


@pytest.mark.long_but_first(2)
@pytest.mark.parametrize("pattern", NETWORKS, ids=lambda pattern: pattern.__name__)
def test_raw_decoded_detected_and_exported_are_opencvs(pattern, tmp_path):
    network = parse_cfg("\n".join(pattern()), pattern.__name__)
    path = tmp_path / "network.weights"
    write_random_weights(network, path)
    model = build(network)
    header = load_weights(model, path)
    images = random_images(2, network.height, network.width)
    outputs = raw_outputs(model, images)
    for found, wanted in zip(outputs, raw_heads(network, path, images), strict=True):
        assert np.std(wanted, axis=(0, 1, 2)).mean() > 0.05, "outputs that are all bias would prove nothing"
        np.testing.assert_allclose(found, wanted, **TOLERANCE)
    size = (network.height, network.width)
    boxes, objectness, classes = decode(outputs, network.heads, size)
    rows = decoded_rows(network, path, images)
    np.testing.assert_allclose(boxes, rows[..., :4], **TOLERANCE)
    np.testing.assert_allclose(objectness, rows[..., 4], **TOLERANCE)
    scores = objectness[..., None] * classes
    kept = rows[..., 5:] > 0
    assert kept.any()
    np.testing.assert_allclose(scores[kept], rows[..., 5:][kept], **TOLERANCE)
    if pattern.__name__.startswith("yolov2"):  # the others leave suppression to their users
        for seen, theirs in zip(candidates(outputs, network.heads, size, threshold=0.01), rows, strict=True):
            _, found = suppress(seen.boxes, seen.labels, seen.scores, iou=OPENCVS_IOU, most=10_000)
            wanted = theirs[:, 5:][theirs[:, 5:] > 0]
            np.testing.assert_allclose(np.sort(found), np.sort(wanted), **TOLERANCE)
    else:
        assert (scores[~kept] < 0.2001).all()
    for found, wanted in zip(raw_outputs(fold(model, network), images), outputs, strict=True):
        np.testing.assert_allclose(found, wanted, **TOLERANCE)
    save_weights(model, tmp_path / "again.weights", header)
    assert (tmp_path / "again.weights").read_bytes() == path.read_bytes()
    assert parse_cfg(network.text, network.name).layers == network.layers


@pytest.mark.long_but_first(1)
@pytest.mark.parametrize("average_first", [False, True], ids=("darknet19", "darknet53"))
def test_classifiers_are_opencvs(average_first, tmp_path):
    average, last = "[avgpool]\n", c(7, 1, activation="linear", normalized=False)
    end = average + last if average_first else last + average
    text = net(32, 48) + c(8, 3, 2) + pool(2, 2) + c(12, 3) + end + "[softmax]\ngroups=1\n[cost]\ntype=sse\n"
    network = parse_cfg(text, "classifier")
    assert network.classifier
    assert network.classes == 7
    path = tmp_path / "network.weights"
    write_random_weights(network, path)
    model = build(network)
    header = load_weights(model, path)
    images = random_images(3, 48, 32)
    (found,) = raw_outputs(model, images)
    assert np.ptp(found) > 0.05
    np.testing.assert_allclose(found, probabilities(network, path, images), **TOLERANCE)
    save_weights(model, tmp_path / "again.weights", header)
    assert (tmp_path / "again.weights").read_bytes() == path.read_bytes()


def test_holes_are_zeros_of_a_larger_window(tmp_path):
    """OpenCV reads past `dilation`, so it is given the window that is meant, with zeros in its holes."""
    parts = (net(24, 32) + c(6, 3), c(15, 3, activation="linear", normalized=False, groups=3))
    end = section("yolo", mask="0,1,2", classes=1, num=3, anchors="9,8,20,30,60,50")
    with_holes = parse_cfg(parts[0] + parts[1].replace("filters=15", "filters=18\ndilation=2") + end, "holes")
    larger = parse_cfg(
        parts[0] + parts[1].replace("filters=15", "filters=18").replace("size=3", "size=5") + end, "larger"
    )
    path = tmp_path / "network.weights"
    write_random_weights(with_holes, path)
    model = build(with_holes)
    load_weights(model, path)
    values = np.fromfile(path, "<f4")
    kernel = np.zeros((18, 2, 5, 5), "<f4")
    kernel[..., ::2, ::2] = values[-18 * 2 * 9 :].reshape(18, 2, 3, 3)
    other = tmp_path / "larger.weights"
    other.write_bytes(values[: -18 * 2 * 9].tobytes() + kernel.tobytes())
    images = random_images(2, 32, 24)
    (found,), (wanted,) = raw_outputs(model, images), raw_heads(larger, other, images)
    np.testing.assert_allclose(found, wanted, **TOLERANCE)


def test_cells_in_the_channels_are_tensorflows(tmp_path):
    """OpenCV has no [reorg3d]; TensorFlow's space_to_depth is the same."""
    import tensorflow as tf

    model = build(parse_cfg(net(12, 8) + "[reorg3d]\nstride=2\n", "cells"), input_shape=(None, None))
    images = random_images(2, 8, 12)
    (found,) = raw_outputs(model, images)
    np.testing.assert_array_equal(found, tf.nn.space_to_depth(images, 2))
