"""Each known mistake of ports of YOLOv3 is found by the comparison with OpenCV."""

import keras
import numpy as np
import pytest
from darknet_cfgs import convolution, head, net, section
from darknet_oracle import random_images, raw_heads, raw_outputs, write_random_weights

from kzoo.errors import DataError
from kzoo_zoo.yolov3.darknet import build, building, load_weights, parse_cfg, weight_files
from kzoo_zoo.yolov3.darknet.layers import Upsample

TOLERANCE = {"atol": 1e-4, "rtol": 1e-4}


SMALL = "".join(
    [
        net(64, 64),
        convolution(8, 3, 2),
        convolution(8, 3),
        section("shortcut", **{"from": -2}, activation="linear"),
        section("upsample", stride=2),
        head(),
    ]
)
"""Just what the known mistakes touch."""


def _agree(found, wanted):
    return all(np.allclose(a, b, **TOLERANCE) for a, b in zip(found, wanted, strict=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("darknet")


@pytest.fixture(scope="module")
def small(folder):
    network, path = parse_cfg(SMALL, "small"), folder / "small.weights"
    write_random_weights(network, path)
    images = random_images(2, 64, 64)
    return network, path, images, raw_heads(network, path, images)


class TestKnownMistakes:
    """Ports of YOLOv3 have made them all; the boxes still look plausible."""

    def _found(self, small, images=None):
        network, path, given, _ = small
        model = build(network)
        load_weights(model, path)
        return raw_outputs(model, given if images is None else images)

    def test_without_any_the_comparison_holds(self, small):
        assert _agree(self._found(small), small[3])

    def test_epsilon_of_keras(self, small, monkeypatch):
        monkeypatch.setattr(building, "EPSILON", 1e-3)
        assert not _agree(self._found(small), small[3])

    def test_padding_same_where_the_stride_is_two(self, small, monkeypatch):
        monkeypatch.setattr(building, "_is_same", lambda size, stride, padding: True)
        assert not _agree(self._found(small), small[3])

    def test_blue_before_red(self, small):
        assert not _agree(self._found(small, small[2][..., ::-1]), small[3])

    def test_bilinear_upsampling(self, small, monkeypatch):
        bilinear = keras.layers.UpSampling2D(2, interpolation="bilinear")
        monkeypatch.setitem(building._LAYERS, Upsample, lambda layer, x, passed, regularizer: bilinear(x))
        assert not _agree(self._found(small), small[3])

    @pytest.mark.parametrize("slope", [0.3, 0.2, 0.01])
    def test_slope_of_the_leaky_relu(self, slope, small, monkeypatch):
        monkeypatch.setattr(building, "_SLOPE", slope)
        assert not _agree(self._found(small), small[3])

    def test_header_of_another_size_is_refused_before_any_comparison(self, small, monkeypatch):
        monkeypatch.setattr(weight_files.Header, "size", 16)
        with pytest.raises(DataError, match="4 bytes are left over"):
            self._found(small)

    def test_header_of_another_size_in_a_file_of_the_right_length(self, small, tmp_path, monkeypatch):
        """Without the check of the length: every number is then the one that belongs a place before."""
        network, path, images, wanted = small
        shifted = tmp_path / "shifted.weights"
        shifted.write_bytes(path.read_bytes()[:-4])
        monkeypatch.setattr(weight_files.Header, "size", 16)
        monkeypatch.setattr(weight_files, "_refuse_nonsense", lambda *arguments: None)
        model = build(network)
        load_weights(model, shifted)
        assert not _agree(raw_outputs(model, images), wanted)
