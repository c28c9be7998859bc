"""Every network of the zoo says the same in ONNX Runtime."""

import keras
import numpy as np
import pipelines
import pytest
from darknet_cfgs import convolution, net, section

from kzoo.models.saved import find_pipeline
from kzoo_zoo.yolov3.examples import DetectionSplit

onnx = pytest.importorskip("onnx", reason="ONNX files are written by the extra `onnx`")
onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX files are run by the extra `onnx`")

from kzoo.export.onnx_network import onnx_model


def of_pipeline(name, shape, outputs, **settings):
    problem = settings.pop("problem", None)
    return lambda: pipelines.built(find_pipeline(name), shape, outputs, problem=problem, **settings).model


def tiny():
    from kzoo_zoo.yolov3.darknet import build, read_cfg

    return build(read_cfg("yolov3-tiny").resized(96, 96))


def of_cfg(*parts):
    def make():
        from kzoo_zoo.yolov3.darknet import build, parse_cfg

        return build(parse_cfg("".join(parts), "parts"))

    return make


def trained_detector():
    problem = {"task": "detection", "predicts": "places", "class_names": ("a", "b", "c")}
    pipeline = find_pipeline("yolov3")
    noise = np.random.default_rng(0)
    boxes = [np.add(noise.uniform(0, 30, (3, 4)), (0, 0, 31, 31)).astype(np.float32) for _ in range(8)]
    train = DetectionSplit(
        [np.zeros((64, 64, 3), np.uint8)] * 8, [(64, 64)] * 8, boxes, [np.arange(3)] * 8, (64, 64, 3)
    )
    return pipelines.built(
        pipeline, (64, 64, 3), 3, train=train, problem=problem, network="yolov3-tiny", width=0.25
    ).model


def backbone():
    return keras.applications.EfficientNetV2B0(include_top=False, weights=None, input_shape=(64, 64, 3))


NETWORKS = {
    "mnist": of_pipeline("mnist", (28, 28, 1), 10),
    "mnist classic": of_pipeline("mnist", (28, 28, 1), 10, network="classic"),
    "cifar10": of_pipeline("cifar10", (32, 32, 3), 10),
    "cats_vs_dogs": of_pipeline("cats_vs_dogs", (48, 48, 3), 2),
    "cats_vs_dogs transfer": backbone,
    "fingers": of_pipeline("fingers", (96, 96, 3), 7),
    "regression": of_pipeline("regression", (4,), 1),
    "regression gaussians": of_pipeline("regression", (4,), 1, problem={"predicts": "gaussians"}),
    "yolov3": trained_detector,
    "yolov3-tiny": tiny,
    "cells in channels": of_cfg(
        net(32, 24), convolution(8, 3), section("sam", **{"from": -1}), section("reorg", stride=2),
        section("reorg3d", stride=2), convolution(14, 1, activation="logistic", normalized=False),
        section("yolo", classes=2, num=2, anchors="9,8,20,30", mask="0,1", new_coords=1),
    ),
    "a classifier of Darknet's": of_cfg(
        net(16, 16), convolution(8, 3, dilation=2), "[avgpool]\n", convolution(5, 1, normalized=False), "[softmax]\n"
    ),
}  # fmt: skip


@pytest.mark.long_but_first
@pytest.mark.parametrize("name", NETWORKS)
def test_it_says_the_same(name):
    model = NETWORKS[name]()
    (given,) = model.inputs
    noise = np.random.default_rng(0)
    x = noise.uniform(0, 255 if given.dtype == "uint8" else 1, (2, *given.shape[1:])).astype(given.dtype)
    made = onnx_model(model)
    onnx.checker.check_model(made, full_check=True)
    found = onnxruntime.InferenceSession(made.SerializeToString()).run(None, {"input": x})
    expected = model(x, training=False)
    expected = expected if isinstance(expected, (list, tuple)) else [expected]
    assert len(found) == len(expected)
    for ours, theirs in zip(found, map(np.asarray, expected), strict=True):
        assert np.ptp(theirs) > 0  # nothing was compared with itself alone
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * max(1, np.abs(theirs).max()))
