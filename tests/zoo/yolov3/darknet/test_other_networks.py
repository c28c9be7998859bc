"""Patterns of other networks that Darknet's users have, with few filters, against OpenCV's dnn."""

import numpy as np
import pytest
from darknet_cfgs import convolution as c
from darknet_cfgs import net, section
from darknet_oracle import decoded_rows, random_images, raw_heads, raw_outputs, write_random_weights

from kzoo_zoo.yolov3.darknet import build, load_weights, parse_cfg
from kzoo_zoo.yolov3.decoding import decode

TOLERANCE = {"atol": 1e-4, "rtol": 1e-4}
UPSAMPLE = section("upsample", stride=2)
ANCHORS = "10,14, 23,27, 37,58, 81,82, 135,169, 344,319"


def route(*layers, half=False):
    """Return a route, or one through the second half of a layer's channels."""
    listed = ", ".join(map(str, layers))
    return f"[route]\nlayers = {listed}\n" + ("groups=2\ngroup_id=1\n" if half else "")


def add(layer, activation="linear"):
    return section("shortcut", activation=activation, **{"from": layer})


def pool(size, stride):
    return section("maxpool", size=size, stride=stride)


def head(mask, **keys):
    keys = {"mask": mask, "anchors": ANCHORS, "classes": 2, "num": 6, "jitter": ".3", "random": 0, **keys}
    return c(len(mask.split(",")) * 7, 1, activation="linear", normalized=False) + section("yolo", **keys)


def half_and_half(filters):
    """The block of YOLOv4-tiny: half of the channels go through two convolutions, and all meet again."""
    return (
        c(filters, 3), route(-1, half=True), c(filters // 2, 3), c(filters // 2, 3), route(-1, -2), c(filters, 1),
        route(-6, -1), pool(2, 2),
    )  # fmt: skip


def yolov4_tiny():
    keys = {"scale_x_y": 1.05, "iou_loss": "ciou", "nms_kind": "greedynms", "beta_nms": 0.6, "resize": 1.5}
    yield net(96, 96, batch=64, letter_box=1)
    yield from (c(8, 3, 2), c(8, 3, 2), *half_and_half(8), *half_and_half(16), *half_and_half(32), c(32, 3))
    yield from (c(16, 1), c(32, 3), head("3,4,5", **keys), route(-4), c(8, 1), UPSAMPLE)
    yield from (route(-1, 23), c(16, 3), head("1,2,3", **keys))


def tiny_with_residuals():
    """YOLOv3-tiny-PRN: sums of maps with different channels, and a pooling with stride 1."""
    yield net(96, 96)
    for filters in (4, 4, 8, 8, 16):
        yield from (c(filters, 3), pool(2, 2))
    yield from (c(32, 3), pool(2, 1), c(32, 3), add(-3, "leaky"), c(16, 1), c(16, 3), add(-2, "leaky"), head("3,4,5"))
    yield from (route(-4), c(8, 1), UPSAMPLE, add(8, "leaky"), c(8, 3), add(-3, "leaky"))
    yield from (add(8, "leaky"), head("1,2,3"))


def squeezed(filters, size, stride, narrow):
    """The block of EfficientNet: a depthwise convolution whose channels are weighted."""
    return (
        c(filters, 1, pad=0, activation="swish"), c(filters, size, stride, "swish", groups=filters), "[avgpool]\n",
        c(4, 1, activation="swish", normalized=False), c(filters, 1, activation="logistic", normalized=False),
        "[scale_channels]\nfrom=-4\n", c(narrow, 1, pad=0, activation="linear"),
    )  # fmt: skip


def efficient():
    yield net(96, 64)
    yield from (c(8, 3, 2, "swish"), *squeezed(16, 3, 2, 8), *squeezed(24, 5, 1, 8))
    yield from ("[dropout]\nprobability=.0\n", add(-9), *squeezed(24, 5, 2, 12), c(16, 1), c(16, 3), add(-2, "leaky"))
    yield head("0,1,2")


def lite():
    """Yolo-fastest and MobileNet: depthwise convolutions, a pyramid of poolings, relu."""
    yield net(96, 96)
    yield from (c(8, 3, 2, "relu"), c(8, 3, 1, "relu", groups=8), c(4, 1, activation="linear"), c(16, 1, 1, "relu"))
    yield from (c(16, 3, 2, "relu", groups=16), c(4, 1, activation="linear"), c(16, 1, 1, "relu"))
    yield from (c(16, 3, 1, "relu", groups=16), c(4, 1, activation="linear"), "[dropout]\nprobability=.2\n")
    yield from (add(-5), pool(3, 1), route(-2), pool(5, 1), route(-4), pool(9, 1), route(-1, -3, -5, -6), c(16, 1))
    yield from (c(16, 5, groups=16), c(16, 1, activation="linear"), head("0,1,2", scale_x_y=1.1))
    yield from (route(-5), UPSAMPLE, route(-1, 3), c(32, 5, groups=32), head("3,4,5", scale_x_y=1.05))


def grouped():
    """CSResNeXt: a wide first window, convolutions in groups, stages that part and meet; mish as in YOLOv4."""
    yield net(96, 96)
    yield from (c(16, 7, 2), pool(2, 2), c(16, 1), route(-2), c(8, 1), c(16, 1), c(16, 3, groups=8))
    yield from (c(8, 1, activation="linear"), add(-4, "leaky"), c(16, 1, activation="mish"), route(-1, -8))
    yield from (c(32, 1, activation="mish"), c(32, 3, 2, groups=8), head("0, 1 ,2", max_delta=5))


NETWORKS = (yolov4_tiny, tiny_with_residuals, efficient, lite, grouped)


@pytest.mark.long_but_first(2)
@pytest.mark.parametrize("network", NETWORKS, ids=lambda pattern: pattern.__name__)
def test_raw_and_decoded_are_opencvs(network, tmp_path):
    network = parse_cfg("\n".join(network()), network.__name__)
    path = tmp_path / "network.weights"
    write_random_weights(network, path)
    model = build(network)
    load_weights(model, path)
    batch = 1 if network.name == "efficient" else 2  # OpenCV weights the channels of one image alone
    images = random_images(batch, network.height, network.width)
    outputs = raw_outputs(model, images)
    for found, wanted in zip(outputs, raw_heads(network, path, images), strict=True):
        assert np.std(wanted, axis=(0, 1, 2)).mean() > 0.05, "outputs that are all bias would prove nothing"
        np.testing.assert_allclose(found, wanted, **TOLERANCE)
    boxes, objectness, classes = decode(outputs, network.heads, (network.height, network.width))
    rows = decoded_rows(network, path, images)
    np.testing.assert_allclose(boxes, rows[..., :4], **TOLERANCE)
    scores = objectness[..., None] * classes
    kept = scores > 0.21  # OpenCV sets the others to zero, and what is near its limit may fall either way
    assert kept.any()
    np.testing.assert_allclose(scores[kept], rows[..., 5:][kept], **TOLERANCE)
