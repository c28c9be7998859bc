"""Files of weights: read, written back byte for byte, refused with the difference."""

import hashlib
import os
import struct

import numpy as np
import pytest
from darknet_cfgs import convolution, head, net
from darknet_oracle import random_images, raw_heads, raw_outputs, write_random_weights

from kzoo.errors import DataError, NetworkUnreachableError, UsageError
from kzoo_zoo.yolov3.darknet import (
    BACKBONES,
    PRETRAINED,
    Header,
    build,
    fetch_pretrained,
    load_network,
    load_weights,
    parse_cfg,
    read_cfg,
    save_weights,
)
from kzoo_zoo.yolov3.darknet.weight_files import blocks_of, read_weights

CFG = net(32, 32) + convolution(6, 3, groups=3) + convolution(8, 3, 2, groups=2) + head()
NETWORK = parse_cfg(CFG, "small")
FIRST, SECOND, THIRD = (4 * layer.count for layer in NETWORK.convolutions)


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "small.weights"
    write_random_weights(NETWORK, path)
    return path


@pytest.fixture
def cfg(tmp_path):
    path = tmp_path / "small.cfg"
    path.write_text(CFG)
    return path


def _refusal(path, **arguments):
    with pytest.raises(DataError) as caught:
        read_weights(path, blocks_of(NETWORK), **arguments)
    return str(caught.value)


class TestThereAndBack:
    @pytest.mark.parametrize(
        "header", [Header(0, 2, 0, 32013312), Header(0, 2, 5, 2**40), Header(0, 1, 0, 77), Header(1, 0, 0, 0)]
    )
    def test_byte_for_byte(self, weights, header, tmp_path):
        size = 20 if header.minor >= 2 or header.major else 16
        weights.write_bytes(header.pack() + weights.read_bytes()[20:])
        model = build(NETWORK)
        assert load_weights(model, weights) == header
        save_weights(model, tmp_path / "again.weights", header)
        assert (tmp_path / "again.weights").read_bytes() == weights.read_bytes()
        assert weights.stat().st_size == size + FIRST + SECOND + THIRD

    def test_the_header_of_the_official_files(self):
        assert Header(0, 2, 0, 32013312).pack() == struct.pack("<iiiQ", 0, 2, 0, 32013312)

    def test_of_the_first_layers_alone(self, weights, tmp_path):
        backbone = tmp_path / "backbone"
        backbone.write_bytes(weights.read_bytes()[: 20 + FIRST + SECOND])
        whole, part, cut = build(NETWORK), build(NETWORK), build(NETWORK)
        load_weights(whole, weights)
        before = part.get_layer("conv_2").get_weights()[0]
        load_weights(part, backbone, partial=True)
        load_weights(cut, weights, layers=2)
        for model in (part, cut):
            for name in ("conv_0", "bn_0", "conv_1", "bn_1"):
                for mine, other in zip(*(m.get_layer(name).get_weights() for m in (model, whole)), strict=True):
                    np.testing.assert_array_equal(mine, other)
        np.testing.assert_array_equal(part.get_layer("conv_2").get_weights()[0], before)

    def test_nothing_is_set_by_a_file_that_is_refused(self, weights):
        model = build(NETWORK)
        before = model.get_weights()
        weights.write_bytes(weights.read_bytes()[:-4])
        with pytest.raises(DataError):
            load_weights(model, weights)
        for variable, old in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(variable, old)

    def test_a_model_of_other_origin_is_not_written(self, tmp_path):
        import keras

        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        with pytest.raises(DataError, match="not made from a Darknet cfg"):
            save_weights(model, tmp_path / "x.weights")
        assert not list(tmp_path.iterdir())


class TestRefusals:
    def test_too_short(self, weights):
        weights.write_bytes(weights.read_bytes()[:-400])
        message = _refusal(weights)
        assert (
            f"it has {weights.stat().st_size:,} bytes, and the 3 convolutions need {weights.stat().st_size + 400:,}"
            in message
        )
        assert "400 bytes are missing" in message
        assert "It ends within layer 2" in message

    def test_by_a_part_of_a_number(self, weights):
        weights.write_bytes(weights.read_bytes()[:-1])
        assert "1 bytes are missing" in _refusal(weights)

    def test_too_long(self, weights):
        weights.write_bytes(weights.read_bytes() + bytes(12))
        assert "12 bytes are left over" in _refusal(weights)

    def test_only_the_first_layers(self, weights):
        weights.write_bytes(weights.read_bytes()[: 20 + FIRST])
        message = _refusal(weights)
        assert "It ends before layer 1" in message
        assert "import it as partial" in message

    def test_partial_and_cut_in_a_layer(self, weights):
        weights.write_bytes(weights.read_bytes()[: 20 + FIRST + 8])
        assert "after 1 of its 3 convolutions 8 bytes are left over" in _refusal(weights, partial=True)

    def test_partial_and_too_long(self, weights):
        weights.write_bytes(weights.read_bytes() + bytes(4))
        assert "4 bytes are left over" in _refusal(weights, partial=True)

    def test_partial_and_empty(self, weights):
        weights.write_bytes(weights.read_bytes()[:20])
        assert "after 0 of its 3 convolutions" in _refusal(weights, partial=True)

    @pytest.mark.parametrize("size", [0, 1, 15, 16, 19])
    def test_shorter_than_the_header(self, weights, size):
        weights.write_bytes(weights.read_bytes()[:size])
        assert "no file of Darknet weights" in _refusal(weights)

    @pytest.mark.parametrize(
        "start", [b"<!DOCTYPE html><html>", b"\x89HDF\r\n\x1a\n" + bytes(20), b"PK\x03\x04" + bytes(30), b"\xff" * 40]
    )
    def test_another_kind_of_file(self, weights, start):
        weights.write_bytes(start + weights.read_bytes()[len(start) :])
        assert "no file of Darknet weights" in _refusal(weights)

    def test_of_another_cfg_of_the_same_size(self, weights):
        raw = bytearray(weights.read_bytes())
        raw[20 + 18 * 4 : 20 + 19 * 4] = struct.pack("<f", -0.25)  # beta, gamma and mean of six filters stand before it
        weights.write_bytes(raw)
        assert "the variance of layer 0 would be -0.25 at place 0" in _refusal(weights)

    def test_numbers_that_are_none(self, weights):
        weights.write_bytes(weights.read_bytes()[:-4] + struct.pack("<f", float("nan")))
        assert "the kernel of layer 2 would be nan" in _refusal(weights)

    def test_how_many_and_where(self, weights):
        raw = np.frombuffer(weights.read_bytes()[20:], "<f4").copy()
        raw[[18, 20]], raw[-3:] = -0.25, np.inf
        weights.write_bytes(weights.read_bytes()[:20] + raw.tobytes())
        refused = _refusal(weights)
        assert f"5 of its {raw.size:,} numbers cannot be a network's" in refused
        assert "2 in the variance of layer 0, 3 in the kernel of layer 2. The first: the variance of layer 0" in refused
        assert "--trust-weights" in refused
        contents = read_weights(weights, blocks_of(NETWORK), trust=True)
        assert (contents.arrays[0][1]["variance"] < 0).sum() == 2

    def test_denormal_and_hardly_negative_variances_are_numbers(self, weights, cfg, tmp_path):
        """As MobileNetV2-YOLO-Fastest was published: sums in float32 left some of its variances at -7e-44."""
        raw = np.frombuffer(weights.read_bytes()[20:], "<f4").copy()
        raw[18:22] = -7e-44, 1e-42, -0.0, -9e-7
        raw[6:10] *= 1e-3  # else what is a thousand times as large afterwards differs a thousand times as much
        weights.write_bytes(weights.read_bytes()[:20] + raw.tobytes())
        model = build(NETWORK)
        header = load_weights(model, weights)
        images = random_images(1, NETWORK.height, NETWORK.width)
        for found, wanted in zip(raw_outputs(model, images), raw_heads(NETWORK, weights, images), strict=True):
            assert np.isfinite(found).all()
            np.testing.assert_allclose(found, wanted, atol=1e-4, rtol=1e-4)
        save_weights(model, tmp_path / "again.weights", header)
        assert (tmp_path / "again.weights").read_bytes() == weights.read_bytes()

    def test_any_revision(self, weights):
        raw = bytearray(weights.read_bytes())
        raw[8:12] = struct.pack("<i", 20_240_131)
        weights.write_bytes(raw)
        assert read_weights(weights, blocks_of(NETWORK)).header.revision == 20_240_131

    def test_no_file(self, tmp_path):
        assert "cannot be read" in _refusal(tmp_path / "none.weights")
        assert "cannot be read" in _refusal(tmp_path)
        os.mkfifo(tmp_path / "pipe.weights")
        assert "cannot be read: it is a named pipe, not a file" in _refusal(tmp_path / "pipe.weights")


class TestLoading:
    def test_names_and_card(self, weights, cfg, tmp_path):
        names = tmp_path / "my.names"
        names.write_text("hen\negg\n")
        loaded = load_network(str(cfg), str(weights), names=str(names), size="64x32")
        assert loaded.class_names == ("hen", "egg")
        assert loaded.card["input_shape"] == [32, 64, 3]
        assert loaded.card["heads"] == [head.to_dict() for head in loaded.network.heads]
        assert loaded.card["darknet"]["header"] == {"major": 0, "minor": 2, "revision": 5, "seen": 32013312}
        assert parse_cfg(loaded.card["darknet"]["cfg"], "card").layers == loaded.network.layers
        assert loaded.card["darknet"]["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()

    def test_the_cfg_beside_the_weights(self, weights, cfg):
        assert load_network("", str(weights)).network.layers == NETWORK.layers

    def test_without_a_cfg(self, weights):
        with pytest.raises(UsageError, match="--network CFG"):
            load_network("", str(weights))

    def test_names_of_another_number(self, weights, cfg, tmp_path):
        names = tmp_path / "my.names"
        names.write_text("hen\n")
        with pytest.raises(DataError, match="1 classes, and the network small has 2"):
            load_network(str(cfg), str(weights), names=str(names))

    @pytest.mark.parametrize("size", ["0", "-32", "33", "32x", "ax32", "32x32x3", "1e3"])
    def test_sizes_that_are_none(self, size, weights, cfg):
        with pytest.raises(UsageError, match="multiples of 2"):
            load_network(str(cfg), str(weights), size=size)

    def test_neither_a_detector_nor_a_classifier(self, weights, tmp_path):
        path = tmp_path / "c.cfg"
        path.write_text("[net]\n[convolutional]\n")
        with pytest.raises(
            DataError, match=r"has no \[yolo\] or \[region\], so it is no detector, and does not end in \[softmax\]"
        ):
            load_network(str(path), str(weights))


class TestPretrained:
    @pytest.mark.parametrize("name", PRETRAINED)
    def test_sizes_are_what_the_cfgs_need(self, name):
        assert PRETRAINED[name].size == 20 + 4 * sum(block.count for block in blocks_of(read_cfg(name)))

    @pytest.mark.parametrize(
        ("name", "size"), [("darknet53.conv.74", 162_482_580), ("yolov3-tiny.conv.15", 30_973_396)]
    )
    def test_backbones_are_the_first_layers_of_their_cfgs(self, name, size):
        backbone = BACKBONES[name]
        blocks = [block for block in blocks_of(read_cfg(backbone.cfg)) if block.number < backbone.layers]
        assert 20 + 4 * sum(block.count for block in blocks) == size
        assert backbone.remote.size == (size if name == "darknet53.conv.74" else PRETRAINED["yolov3-tiny"].size)

    def test_offline(self, tmp_path, monkeypatch):
        monkeypatch.setenv("KZOO_DATA", str(tmp_path))
        monkeypatch.setenv("KZOO_MIRROR", "http://127.0.0.1:9")
        with pytest.raises(NetworkUnreachableError, match=r"there is no network to fetch them.*--weights FILE"):
            fetch_pretrained("yolov3-tiny")

    def test_not_to_be_downloaded(self, tmp_path, monkeypatch):
        monkeypatch.setenv("KZOO_DATA", str(tmp_path))
        with pytest.raises(DataError, match=r"not in the cache.*--weights FILE"):
            fetch_pretrained("yolov3-tiny", download=False)
