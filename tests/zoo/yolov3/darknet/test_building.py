"""The networks against OpenCV's dnn, which reads the same files with other code."""

import os
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from darknet_cfgs import head, net, section
from darknet_oracle import decoded_rows, narrow, random_images, raw_heads, raw_outputs, write_random_weights

from kzoo_zoo.yolov3.darknet import build, fold, load_network, load_weights, parse_cfg, read_cfg
from kzoo_zoo.yolov3.decoding import decode

TOLERANCE = {"atol": 1e-4, "rtol": 1e-4}
DATA = Path(os.environ.get("KZOO_TEST_DATA", "nowhere")) / "yolo"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="KZOO_TEST_DATA names no folder with yolo/")


EVERYTHING = "".join(
    [
        net(72, 56),
        section("convolutional", batch_normalize=1, filters=12, size=3, stride=1, pad=1, activation="mish"),
        section("convolutional", batch_normalize=1, filters=24, size=5, groups=12, pad=1, stride=2, activation="swish"),
        section("convolutional", filters=16, size=3, groups=4, padding=2, activation="logistic"),
        section("maxpool", size=2, stride=2),
        section("maxpool", size=3, stride=1),
        section("maxpool", size=2, stride=1),
        section("convolutional", batch_normalize=1, filters=16, size=1, pad=1, activation="relu"),
        section("dropout", probability=0.3),
        section("convolutional", filters=10, size=1, activation="relu"),
        section("shortcut", **{"from": -2}, activation="linear"),
        section("convolutional", filters=16, size=1, activation="linear"),
        section("shortcut", **{"from": -2}, activation="linear"),
        section("shortcut", **{"from": 6}, activation="leaky"),
        section("route", layers="-1,-3"),
        section("route", layers=-1, groups=4, group_id=2),
        section("upsample", stride=2),
        head(),
        section("route", layers=5),
        section("convolutional", batch_normalize=1, filters=6, size=3, pad=0, activation="leaky"),
        head(),
    ]
)
"""Every section, odd sizes, a depthwise convolution with two filters a channel, and a grouped one."""


SQUEEZE = "".join(
    [
        net(56, 56),
        section("convolutional", batch_normalize=1, filters=8, size=3, stride=2, pad=1, activation="leaky"),
        section("convolutional", batch_normalize=1, filters=12, size=3, stride=2, pad=1, activation="leaky"),
        section("route", layers=-2),
        section("maxpool", size=8, stride=2),
        section("route", layers="-1,1"),
        section("convolutional", batch_normalize=1, filters=16, size=1, pad=1, activation="relu"),
        section("avgpool"),
        section("convolutional", filters=4, size=1, stride=1, activation="relu"),
        section("convolutional", filters=16, size=1, stride=1, activation="logistic"),
        section("scale_channels", **{"from": -4}),
        section("maxpool", size=4, stride=2),
        section("maxpool", size=3, stride=2),
        head(),
    ]
)
"""Channels weighted by squeeze and excitation, and windows that overlap."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("darknet")


class TestAgainstOpenCV:
    @pytest.mark.long_but_first
    @pytest.mark.parametrize(("name", "by"), [("yolov3-tiny", 1), ("yolov3", 8), ("yolov3-spp", 8)])
    def test_built_in_networks_with_random_weights(self, name, by, folder):
        network, path = narrow(name, by), folder / f"{name}.weights"
        write_random_weights(network, path)
        model = build(network, input_shape=(None, None, 3))
        load_weights(model, path)
        for batch, height, width in [(1, 320, 320), (4, 160, 160), (1, 416, 224)]:
            images = random_images(batch, height, width)
            for found, wanted in zip(raw_outputs(model, images), raw_heads(network, path, images), strict=True):
                assert np.std(wanted, axis=(0, 1, 2)).mean() > 0.05, "outputs that are all bias would prove nothing"
                np.testing.assert_allclose(found, wanted, **TOLERANCE)

    def test_every_section_and_odd_sizes(self, folder):
        network, path = parse_cfg(EVERYTHING, "everything"), folder / "everything.weights"
        write_random_weights(network, path)
        model = build(network)
        load_weights(model, path)
        images = random_images(3, 56, 72)
        outputs = raw_outputs(model, images)
        assert [output.shape[1:] for output in outputs] == [(30, 38, 21), (13, 17, 21)]
        for found, wanted in zip(outputs, raw_heads(network, path, images), strict=True):
            np.testing.assert_allclose(found, wanted, **TOLERANCE)
        boxes, objectness, classes = decode(outputs, network.heads, (56, 72))
        rows = decoded_rows(network, path, images)
        np.testing.assert_allclose(boxes, rows[..., :4], **TOLERANCE)
        scores = objectness[..., None] * classes
        kept = scores > 0.21  # OpenCV sets the others to zero, and what is near its limit may fall either way
        assert kept.mean() > 0.1
        np.testing.assert_allclose(scores[kept], rows[..., 5:][kept], **TOLERANCE)
        for found, wanted in zip(raw_outputs(fold(model, network), images), outputs, strict=True):
            np.testing.assert_allclose(found, wanted, **TOLERANCE)

    def test_squeeze_and_excitation_and_overlapping_windows(self, folder):
        network, path = parse_cfg(SQUEEZE, "squeeze"), folder / "squeeze.weights"
        write_random_weights(network, path)
        model = build(network, input_shape=(None, None, 3))
        load_weights(model, path)
        for side in (56, 112):
            images = random_images(1, side, side)
            (found,), (wanted,) = raw_outputs(model, images), raw_heads(network, path, images)
            np.testing.assert_allclose(found, wanted, **TOLERANCE)

    @pytest.mark.long
    @needs_data
    @pytest.mark.parametrize("name", ["yolo-fastest-1.1", "MobileNetV2-YOLOv3-Nano-voc"])
    def test_trained_networks_on_a_photo(self, name):
        loaded = load_network(str(DATA / f"cfg/{name}.cfg"), str(DATA / f"weights/{name}.weights"))
        photo = cv2.imread(str(DATA / "images/dog.jpg"))
        images = cv2.dnn.blobFromImage(photo, 1 / 255, (320, 320), swapRB=True).transpose(0, 2, 3, 1)
        with np.load(DATA / f"oracle/{name}.dog.raw.npz") as stored:
            wanted = [stored[key].transpose(0, 2, 3, 1) for key in stored if key.startswith("conv_")]
        for found, expected in zip(raw_outputs(loaded.model, images), wanted, strict=True):
            np.testing.assert_allclose(found, expected, **TOLERANCE)
        for found, expected in zip(raw_outputs(fold(loaded.model, loaded.network), images), wanted, strict=True):
            np.testing.assert_allclose(found, expected, **TOLERANCE)


def test_relu6_is_relu_up_to_six():
    network = parse_cfg("[net]\nwidth=4\nheight=4\n[convolutional]\nfilters=3\nactivation=relu6\n", "relu6")
    model = build(network)
    model.get_layer("conv_0").set_weights([np.eye(3, dtype="float32").reshape(1, 1, 3, 3) * 20, np.full(3, -5.0)])
    images = random_images(1, 4, 4)
    found = raw_outputs(model, images)[0]
    np.testing.assert_allclose(found, np.clip(images * 20 - 5, 0, 6), rtol=1e-6)


def test_a_saved_network_says_the_same(tmp_path):
    network = parse_cfg(EVERYTHING, "everything")
    model = build(network)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    images = random_images(1, 56, 72)
    for found, wanted in zip(raw_outputs(again, images), raw_outputs(model, images), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_gradients_reach_every_kernel():
    import tensorflow as tf

    model = build(parse_cfg(EVERYTHING, "everything"))
    with tf.GradientTape() as tape:
        loss = sum(tf.reduce_sum(tf.square(output)) for output in model(random_images(2, 56, 72), training=True))
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, [v.value for v in model.trainable_variables]), strict=True
    ):
        assert gradient is not None, variable.path
        assert np.all(np.isfinite(gradient)), variable.path


def test_the_regularizer_is_of_kernels_alone():
    network = parse_cfg(SQUEEZE, "small")
    model = build(network, regularizer=keras.regularizers.L2(0.1))
    assert len(model.losses) == len(network.convolutions)


def test_the_layers_bear_darknets_numbers():
    network = read_cfg("yolov3-tiny")
    model = build(network, input_shape=(None, None), channels=3)
    assert model.input_shape == (None, None, None, 3)
    assert [output.shape[-1] for output in model.outputs] == [255, 255]
    assert {f"conv_{layer.index}" for layer in network.convolutions} <= {layer.name for layer in model.layers}
