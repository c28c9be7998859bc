"""Beginning from a backbone: its layers are taken, and the rest begins as if there were none."""

import hashlib
import math

import numpy as np
import pytest
from darknet_cfgs import convolution, head, net
from darknet_oracle import write_random_weights

from kzoo.data.download import RemoteFile
from kzoo.errors import DataError, NetworkUnreachableError, UsageError
from kzoo_zoo.yolov3.darknet import build, load_weights, parse_cfg, pretrained
from kzoo_zoo.yolov3.darknet.pretrained import Backbone
from kzoo_zoo.yolov3.transfer import start_from, trainable_network

CFG = net(64, 64) + convolution(8, 3, 2) + convolution(8, 3) + head(anchors="9,8,20,30")
FIRST = 20 + 4 * (4 * 8 + 8 * 3 * 9)
"""The bytes up to the end of the first convolution."""


@pytest.fixture
def source(tmp_path):
    network = parse_cfg(CFG, "small")
    (tmp_path / "small.cfg").write_text(CFG)
    write_random_weights(network, tmp_path / "small.weights")
    return network, tmp_path / "small.weights"


def _begun(network, weights, source):
    model = trainable_network(network, (64, 64, 3), None, momentum=0.9)
    start_from(model, network, str(weights), source)
    return model


def _same(model, other, name):
    pairs = zip(model.get_layer(name).get_weights(), other.get_layer(name).get_weights(), strict=True)
    return all(np.array_equal(mine, theirs) for mine, theirs in pairs)


def _check(model, network, weights):
    """Check that the first convolution is the file's, and that the others are not: a box is still unlikely."""
    whole = build(network)
    load_weights(whole, weights)
    assert _same(model, whole, "conv_0")
    assert _same(model, whole, "bn_0")
    assert not _same(model, whole, "conv_1")
    objectness = model.get_layer("conv_2").get_weights()[1].reshape(2, -1)[:, 4]
    np.testing.assert_allclose(objectness, -math.log(99), rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 5])
def test_a_file_of_the_first_layers(source, classes, tmp_path):
    network, weights = source
    backbone = tmp_path / "small.conv.1"
    backbone.write_bytes(weights.read_bytes()[:FIRST])
    _check(_begun(network.adapted(classes=classes), backbone, network), network, weights)


def test_a_backbone_by_name(source, tmp_path, monkeypatch):
    network, weights = source
    content = weights.read_bytes()
    remote = RemoteFile(("http://127.0.0.1:9/x",), hashlib.sha256(content).hexdigest(), len(content), "x", "yolov3")
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "cache"))
    named = Backbone(str(tmp_path / "small.cfg"), 1, remote, "a test")
    monkeypatch.setitem(pretrained.BACKBONES, "darknet53.conv.74", named)
    with pytest.raises(NetworkUnreachableError, match=r"darknet53\.conv\.74 are not in the cache.*name it instead"):
        _begun(network, "darknet53.conv.74", network)
    remote.path().parent.mkdir(parents=True, exist_ok=True)
    remote.path().write_bytes(content)
    _check(_begun(network, "darknet53.conv.74", network), network, weights)


def test_the_whole_file_is_taken_whole(source):
    network, weights = source
    model, whole = _begun(network, weights, network), build(network)
    load_weights(whole, weights)
    assert all(_same(model, whole, name) for name in ("conv_0", "bn_0", "conv_1", "bn_1", "conv_2"))


def test_a_name_that_is_none_tells_those_that_are(source):
    with pytest.raises(UsageError, match=r"yolov3-spp, darknet53\.conv\.74, yolov3-tiny\.conv\.15"):
        _begun(source[0], "darknet53.conv.75", source[0])


def test_a_model_that_is_damaged_is_named(source, tmp_path):
    network, _ = source
    (tmp_path / "m.keras").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(DataError, match=r"--from: The model file .*m\.keras is not read: it is damaged or cut off"):
        start_from(build(network), network, str(tmp_path / "m.keras"), network)
