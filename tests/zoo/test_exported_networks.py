"""Every network of the zoo says the same in ONNX Runtime."""

import keras
import numpy as np
import pipelines
import pytest
from darknet_cfgs import convolution, net, section

from kzoo.errors import KzooError
from kzoo.export.formats import FORMATS
from kzoo.export.replay import TOLERANCE, difference
from kzoo.models.saved import find_pipeline
from kzoo_zoo.restoration.network import build as build_restoration
from kzoo_zoo.transcription.network import build_default as build_transcription
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


def trained_detector(**settings):
    problem = {"task": "detection", "predicts": "places", "class_names": ("a", "b", "c")}
    pipeline = find_pipeline("yolov3")
    noise = np.random.default_rng(0)
    boxes = [np.add(noise.uniform(0, 30, (3, 4)), (0, 0, 31, 31)).astype(np.float32) for _ in range(8)]
    train = DetectionSplit(
        [np.zeros((64, 64, 3), np.uint8)] * 8, [(64, 64)] * 8, boxes, [np.arange(3)] * 8, (64, 64, 3)
    )
    return pipelines.built(
        pipeline, (64, 64, 3), 3, train=train, problem=problem, network="yolov3-tiny", width=0.25, **settings
    ).model


def restoration(scale):
    def made():
        model = build_restoration((24, 24, 3), scale, width=8, blocks=1)
        noise = np.random.default_rng(0)
        model.set_weights([noise.normal(0, 0.1, weight.shape) for weight in model.get_weights()])
        return model

    return made


def backbone():
    return keras.applications.EfficientNetV2B0(include_top=False, weights=None, input_shape=(64, 64, 3))


NETWORKS = {
    "mnist": of_pipeline("mnist", (28, 28, 1), 10),
    "mnist classic": of_pipeline("mnist", (28, 28, 1), 10, network="classic"),
    "cifar10": of_pipeline("cifar10", (32, 32, 3), 10),
    "cifar10 staged": of_pipeline("cifar10", (32, 32, 3), 10, network="staged", widths=[8, 12], patch=2, shift=1),
    "cats_vs_dogs": of_pipeline("cats_vs_dogs", (48, 48, 3), 2),
    "cats_vs_dogs transfer": backbone,
    "fingers": of_pipeline("fingers", (96, 96, 3), 7),
    "regression": of_pipeline("regression", (4,), 1),
    "regression gaussians": of_pipeline("regression", (4,), 1, problem={"predicts": "gaussians"}),
    "embedding": of_pipeline("embedding", (32, 32, 3), 2, problem={"task": "embedding"}),
    "embedding cosines": of_pipeline("embedding", (28, 28, 1), 2, problem={"predicts": "cosines"}, network="classic"),
    "restoration": restoration(1),
    "restoration x3": restoration(3),
    "transcription": lambda: build_transcription((32, 64, 1), 11, width=8),
    "yolov3": trained_detector,
    "yolov3 bins": lambda: trained_detector(bins=16),
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


def _outputs(found):
    return found if isinstance(found, (list, tuple)) else [found]


# LiteRT takes some seconds for each, so it has one network of each sort: pictures in uint8, two outputs, 64 bits.
OTHERS = [
    *(("openvino", name) for name in NETWORKS if name != "cats_vs_dogs transfer"),
    ("litert", "mnist classic"), ("litert", "cifar10"), ("litert", "yolov3-tiny"), ("litert", "regression"),
    ("litert", "transcription"),
]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(("form", "name"), OTHERS, ids=map(" ".join, OTHERS))
def test_it_says_the_same_in_another_format(form, name, tmp_path):
    for needed in FORMATS[form].needs:
        pytest.importorskip(needed, reason=f"the format {form} needs {needed}")
    model, writer = NETWORKS[name](), FORMATS[form].writer()
    (given,) = model.inputs
    noise = np.random.default_rng(0)
    path = tmp_path / f"m{FORMATS[form].suffix}"
    if (form, name) == ("litert", "regression"):
        with pytest.raises(KzooError, match=r"it lacks RealDiv, Sub for numbers of this type\. LiteRT has no "):
            writer.write(model, path, {}, None)
        assert not path.exists()
        return
    writer.write(model, path, {"card": "{}"}, None)
    forward = writer.opened(path)
    for size in (2, 3):  # a batch of another size is read by the same file
        x = noise.uniform(0, 255 if given.dtype == "uint8" else 1, (size, *given.shape[1:])).astype(given.dtype)
        assert difference(model(x, training=False), forward(x)) < TOLERANCE
        assert [np.shape(one) for one in _outputs(forward(x))] == [one.shape for one in _outputs(model(x))]
