"""A head that says the sides of boxes as distributions over bins: read, labelled, built, begun with, refused."""

import dataclasses
import re

import numpy as np
import pytest
from darknet_cfgs import convolution, head, net
from gradients import with_gradient
from PIL import Image
from pipelines import request
from scipy.special import logit, softmax

from kzoo.cli import main
from kzoo.data.sources import load_splits
from kzoo.engine.listener import Silent
from kzoo.errors import DataError, UsageError
from kzoo.models.card import ModelCard
from kzoo.models.saving import load_model, read_card, save_model
from kzoo.plugins.registry import get_registry
from kzoo.runs.configure import configure
from kzoo.training.assembly import Assembly
from kzoo.training.run import train
from kzoo_plugins.losses.yolo import YOLO, yolo_parts
from kzoo_zoo.yolov3 import examples
from kzoo_zoo.yolov3.assignment import assign, places
from kzoo_zoo.yolov3.darknet import Head, build, parse_cfg, save_weights
from kzoo_zoo.yolov3.decoding import candidates, decode
from kzoo_zoo.yolov3.pipeline import Yolo
from kzoo_zoo.yolov3.shapes import SHAPES, draw_scenes
from kzoo_zoo.yolov3.transfer import start_from, trainable_network

B = 8
HEADS = (
    Head(anchors=((60, 40), (90, 120)), classes=3, stride=32, kind="bins", bins=B),
    Head(anchors=((10, 12), (30, 20)), classes=3, stride=16, kind="bins", bins=B),
)
SHAPE = (96, 128)
WIDTH = 4 * B + 1 + 3
RNG = np.random.default_rng(3)


def cfg(classes=3, more=""):
    body = convolution(8, 3, 2) + convolution(16, 3, 2) + convolution(16, 3, 2, normalized=False)
    return net(64, 64) + body + head(classes, anchors="10,12,24,20") + more


def network(classes=3, bins=0):
    plain = parse_cfg(cfg(classes), "small.cfg")
    return plain.adapted(bins=bins) if bins else plain


def two_bins(length, bins=B):
    """Return logits of bins of which the two around a length alone have a part, so that their mean is the length."""
    share = np.maximum(1 - np.abs(np.asarray(length)[..., None] - np.arange(bins)), 0)
    return np.log(np.maximum(share, 1e-12))


def test_decoded_boxes_are_the_means_of_distances_from_the_centres_of_cells():
    """Bins stand for -1/2, 1/2, 3/2, ... strides from the middle of a cell, in the four directions."""
    outputs = [RNG.normal(size=(2, 96 // h.stride, 128 // h.stride, 2 * WIDTH)) * 2 for h in HEADS]
    boxes, objectness, classes = decode(outputs, HEADS, SHAPE)
    at = 0
    for raw, one in zip(outputs, HEADS, strict=True):
        for row, column, anchor in np.ndindex(*raw.shape[1:3], 2):
            said = raw[1, row, column].reshape(2, WIDTH)[anchor]
            distance = softmax(said[: 4 * B].reshape(4, B), -1) @ (np.arange(B) - 0.5) * one.stride
            x, y = (column + 0.5) * one.stride, (row + 0.5) * one.stride
            across, down = sorted((x - distance[0], x + distance[2])), sorted((y - distance[1], y + distance[3]))
            expected = [sum(across) / 256, sum(down) / 192, np.diff(across)[0] / 128, np.diff(down)[0] / 96]
            np.testing.assert_allclose(boxes[1, at], expected, atol=1e-6)
            assert logit(objectness[1, at]) == pytest.approx(said[4 * B], abs=1e-6)
            np.testing.assert_allclose(logit(classes[1, at]), said[4 * B + 1 :], atol=1e-6)
            at += 1


def test_candidates_and_outputs_side_by_side_are_the_decoded_rows():
    outputs = [RNG.normal(size=(2, 96 // h.stride, 128 // h.stride, 2 * WIDTH)) * 2 for h in HEADS]
    joined = np.concatenate([raw.reshape(2, -1, WIDTH) for raw in outputs], axis=1)
    boxes, objectness, classes = decode(outputs, HEADS, SHAPE)
    for one, other in zip((boxes, objectness, classes), decode(joined, HEADS, SHAPE), strict=True):
        np.testing.assert_array_equal(one, other)
    (found, _) = candidates(joined, HEADS, SHAPE, threshold=0.4)
    row, label = np.nonzero(objectness[0][:, None] * classes[0] > 0.4)
    assert found.labels.tolist() == label.tolist()
    centre, sides = boxes[0, row, :2], boxes[0, row, 2:]
    np.testing.assert_allclose(found.boxes, np.concatenate([centre - sides / 2, centre + sides / 2], -1), atol=1e-6)


def labels_and_outputs(box):
    """Return the labels of one box, and outputs of which each side is the two bins around the label."""
    labels = assign(np.array([[box]], "float32"), HEADS, SHAPE, 3).numpy()
    (at,) = np.flatnonzero(labels[0, :, 4] == 1)
    column, row, columns, rows = labels[0, at, 8:12]
    x, y, w, h = labels[0, at, :4]
    lengths = [column + 1 - (x - w / 2) * columns, row + 1 - (y - h / 2) * rows]
    lengths += [(x + w / 2) * columns - column, (y + h / 2) * rows - row]
    raw = np.full((1, labels.shape[1], WIDTH), -20, np.float32)
    raw[0, at, : 4 * B] = two_bins(lengths).ravel()
    raw[0, at, 4 * B :] = 20, -20, 20, -20
    return labels, raw, at, np.array(lengths)


# The last has its centre in the corner of a cell, and all of it is on one side of the cell's own centre.
@pytest.mark.parametrize("sides", [(0.4, 0.6), (0.21, 0.22), (0.02, 0.03)])
@pytest.mark.parametrize("centre", [(0.55, 0.52), (0.5001, 0.5001), (0.4999, 0.4999)])
def test_a_box_as_labels_and_as_bins_is_the_box_itself(centre, sides):
    box = np.array([*centre, *sides, 1], np.float32)
    labels, raw, at, lengths = labels_and_outputs(box)
    assert labels.shape[-1] == 5 + 3 + 8
    np.testing.assert_allclose(labels[0, at, :4], box[:4], atol=1e-6)
    (found,) = candidates(raw, HEADS, SHAPE, threshold=0.5)
    assert found.labels.tolist() == [1]
    np.testing.assert_allclose(found.boxes[0], [*box[:2] - box[2:4] / 2, *box[:2] + box[2:4] / 2], atol=1e-5)
    parts = {name: float(value[0]) for name, value in yolo_parts(labels, raw, box="ciou", sides="dfl").items()}
    # Of two bins no loss is less than their entropy.
    share = np.stack([lengths % 1, 1 - lengths % 1])
    least = (2 - box[2] * box[3]) * -(share * np.log(np.maximum(share, 1e-12))).sum(0).mean()
    assert parts == pytest.approx({"box": 0, "objectness": 0, "class": 0, "sides": least}, abs=1e-3)


def test_what_lies_beyond_the_last_bin_is_cut_where_labels_are_made():
    one = [dataclasses.replace(HEADS[1], bins=4)]  # from a cell's far edge 3 strides, which are 48 pixels
    box = [70 / 128, 50 / 96, 120 / 128, 20 / 96, 2]  # from 10 to 130 across, in the cell from 64 to 80
    labels = assign(np.array([[box]], "float32"), one, SHAPE, 3).numpy()
    (at,) = np.flatnonzero(labels[0, :, 4] == 1)
    x, y, w, h = labels[0, at, :4] * (128, 96, 128, 96)
    np.testing.assert_allclose([x - w / 2, x + w / 2], [80 - 48, 64 + 48], atol=0.02)
    np.testing.assert_allclose([y - h / 2, y + h / 2], [40, 60], atol=1e-4)
    raw = np.zeros((1, labels.shape[1], 4 * 4 + 4), np.float32)
    values, gradient = with_gradient(YOLO(sides="dfl", reduction=None))(labels, raw)
    assert np.isfinite(values).all()
    assert np.isfinite(gradient).all()
    assert not labels[0, np.arange(labels.shape[1]) != at, :8].any()


@pytest.mark.parametrize("arguments", [{"box": "ciou"}, {"box": "giou"}, {"sides": "dfl"}])
def test_every_bin_of_a_place_with_a_box_learns_and_no_other(arguments):
    labels = assign(np.array([[[0.55, 0.52, 0.21, 0.22, 1]]], "float32"), HEADS, SHAPE, 3).numpy()
    raw = RNG.normal(size=(1, labels.shape[1], WIDTH)).astype("float32")
    _, gradient = with_gradient(YOLO(**arguments, reduction=None))(labels, raw)
    held = labels[0, :, 4] == 1
    assert (gradient[0, held, : 4 * B] != 0).all()
    assert not gradient[0, ~held, : 4 * B].any()


def test_a_network_begins_with_boxes_of_its_anchors():
    large = dataclasses.replace(network(bins=B).heads[0], anchors=((10, 12), (24, 200)))
    model = trainable_network(network(bins=B).adapted(anchors=large.anchors), (64, 64, 3), None, momentum=0.9)
    assert model.output_shape == (None, 8 * 8 * 2, WIDTH)
    bias = model.get_layer("conv_3").get_weights()[1].reshape(2, WIDTH)
    means = softmax(bias[:, : 4 * B].reshape(2, 4, B), -1) @ (np.arange(B) - 0.5) * 8
    np.testing.assert_allclose(means[0], [5, 6, 5, 6], rtol=1e-4)
    np.testing.assert_allclose(means[1], [12, 48, 12, 48], rtol=1e-4)  # as far as the last bin but one and a half
    np.testing.assert_allclose(bias[:, 4 * B], logit(0.01), rtol=1e-5)


def test_a_cfg_says_its_bins_and_a_card_too():
    made = network(bins=16)
    assert made.convolutions[-1].filters == 2 * (4 * 16 + 1 + 3)
    assert (made.bins, made.heads[0].kind) == (16, "bins")
    assert parse_cfg(made.text, "small.cfg").layers == made.layers
    assert made.resized(96).adapted(classes=7).heads[0].numbers == 4 * 16 + 1 + 7
    assert Head.from_dict(made.heads[0].to_dict()) == made.heads[0]
    before = {name: value for name, value in network().heads[0].to_dict().items() if name != "bins"}
    assert Head.from_dict(before) == network().heads[0]  # as runs of before have it
    for wrong in ({"bins": 1}, {"bins": 65}, {"kind": "yolo"}, {"bins": 0}):
        with pytest.raises(ValueError, match=r"its kind is \w+, and its sides have \d+ bins"):
            Head.from_dict({**made.heads[0].to_dict(), **wrong})
    for more, says in (
        ("bins=16\n", "2 anchors of 3 classes and 16 bins need filters=136"),
        ("bins=1\n", "by 2 bins or more, not by 1"),
        ("bins=65\n", "`bins` must be from 0 to 64"),
    ):
        with pytest.raises(DataError, match=says):
            parse_cfg(cfg(more=more), "small.cfg")


def test_places_tell_that_they_have_bins():
    assert (places(HEADS, SHAPE)[:, 7] == 3).all()


def settings(path, *options, **asked):
    fixed = (f"model.network={path}", "model.width=1.0", "data.image_size=64", "report=false", "augment.mosaic=0.5")
    return configure("yolov3", recipe="quick", options=(*fixed, *options), **{"epochs": 1, "batch_size": 4, **asked})


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Make the sample small, and return a small network's cfg."""
    monkeypatch.setattr(examples, "_SAMPLE", {"train": (8, 0), "test": (4, 1)})
    path = tmp_path / "small.cfg"
    path.write_text(cfg())
    return path


def assembled(path, *options, **asked):
    parts = Assembly(settings(path, *options, **asked), Yolo(), "detection", get_registry())
    parts.compile(load_splits(Yolo().source(), request("sample", image_size=64), Silent()))
    return parts


def test_a_run_trains_saves_predicts_and_is_refused_by_darknet(small, tmp_path, capsys):
    run = train(settings(small, "model.bins=8", loss="yolo:sides=dfl"), root=tmp_path / "runs").run
    row = (run.path / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"box", "sides", "objectness", "class", "val_sides"} <= set(row)
    assert load_model(run.model_path).output_shape == (None, 8 * 8 * 2, 4 * 8 + 1 + len(SHAPES))
    stored = read_card(run.model_path).own
    assert (stored["heads"][0]["kind"], stored["heads"][0]["bins"]) == ("bins", 8)
    assert parse_cfg(stored["darknet"]["cfg"], "the card").heads[0].to_dict() == stored["heads"][0]
    Image.fromarray(draw_scenes(1, 5)[0][0]).save(tmp_path / "scene.png")
    assert main(["predict", str(run.path), str(tmp_path / "scene.png"), "--threshold", "0.001"]) == 0
    capsys.readouterr()
    assert main(["export-darknet", str(run.path), "-o", str(tmp_path / "out.weights")]) == 2
    assert re.search(r"over 8 bins \(`model\.bins`\), and Darknet has no\s+head", capsys.readouterr().err)
    assert not (tmp_path / "out.weights").exists()


@pytest.mark.parametrize(
    ("loss", "options", "says"),
    [
        ("yolo:sides=dfl", (), "the network says each box by four numbers. Give it bins, such as -o model.bins=16"),
        ("yolo:box=mse", ("model.bins=16",), "Take a loss between boxes, such as box=ciou, and sides=dfl beside it"),
        ("dfl", ("model.bins=16",), "`--loss yolo:sides=dfl -o model.bins=16`"),
        ("yolo:sides=ciou", ("model.bins=16",), "`sides` must be dfl"),
        ("yolo", ("model.bins=1",), "`model.bins` must be 0 or from 2 to 64, not 1"),
        ("yolo", ("model.bins=65",), "`model.bins` must be a whole number of at least 0 and at most 64"),
    ],
)
def test_what_does_not_go_together_is_refused_before_the_training(small, loss, options, says):
    with pytest.raises(UsageError, match=re.escape(says)):
        assembled(small, *options, loss=loss)


def test_heads_of_other_kinds_get_no_bins(small):
    small.write_text(cfg().replace("[yolo]\nmask=0,1", "[region]\nsoftmax=1"))
    with pytest.raises(
        UsageError, match=r"`model\.bins` is for heads of YOLOv3's kind, and those of small are .*region"
    ):
        assembled(small, "model.bins=16", loss="yolo:sides=dfl")


def test_boxes_beyond_the_bins_are_told(small):
    _, said = assembled(small, "model.bins=2", loss="yolo:box=ciou").built.notes
    told = (
        r"over 2 bins, which reach 4 pixels from the centre of a cell\. (\d+) of (\d+) boxes are larger, and learned as"
    )
    cut, boxes = map(int, re.search(told, said).groups())
    assert 0 < cut <= boxes


def random_weights(model):
    rng = np.random.default_rng(1)
    for layer in model.layers:
        layer.set_weights([rng.uniform(0.1, 1, weight.shape) for weight in layer.get_weights()])
    return model


def by_anchor(model, numbers):
    return [weight.reshape(-1, 2, numbers) for weight in model.get_layer("conv_3").get_weights()]


@pytest.mark.parametrize("classes", [3, 32])  # 4 x 8 + 1 + 3 numbers are 5 + 31: the same shape is another head
def test_weights_of_darknet_are_a_start_but_for_the_boxes_of_the_head(tmp_path, classes):
    source = network(31)
    old = random_weights(build(source))
    save_weights(old, tmp_path / "old.weights")
    target = network(classes, bins=8)
    model = trainable_network(target, (64, 64, 3), None, momentum=0.9)
    begun = by_anchor(model, 4 * 8 + 1 + classes)
    taken = start_from(model, target, str(tmp_path / "old.weights"), source)
    assert taken == {0, 1, 2}
    for name in ("conv_0", "bn_1", "conv_2"):
        for mine, theirs in zip(model.get_layer(name).get_weights(), old.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    for mine, first, theirs in zip(by_anchor(model, 4 * 8 + 1 + classes), begun, by_anchor(old, 36), strict=True):
        np.testing.assert_array_equal(mine[..., 32], theirs[..., 4])
        np.testing.assert_array_equal(np.delete(mine, 32, -1), np.delete(first, 32, -1))


@pytest.mark.long_but_first
@pytest.mark.parametrize("bins", [8, 4, 0])
def test_a_run_with_bins_is_a_start_of_one_with_as_many(small, tmp_path, bins):
    before = network(2, bins=8)
    old = random_weights(trainable_network(before, (64, 64, 3), None, momentum=0.9))
    card = ModelCard(pipeline="yolov3", class_names=("a", "b"), own={"heads": [one.to_dict() for one in before.heads]})
    save_model(old, tmp_path / "old.keras", card)
    loss = "yolo:sides=dfl" if bins else "yolo"
    parts = assembled(small, f"train.start_from={tmp_path / 'old.keras'}", f"model.bins={bins}", loss=loss)
    at = 4 * (bins or 1)
    for mine, theirs in zip(by_anchor(parts.model, at + 1 + len(SHAPES)), by_anchor(old, 35), strict=True):
        np.testing.assert_array_equal(mine[..., at], theirs[..., 32])
        assert (mine[..., :at] == theirs[..., :at]).all() == (bins == 8)
    # What is recorded of it is what was done.
    (head,) = parts.started.anew
    said = "what says where boxes are is kept" if bins == 8 else "only what says whether there is a box is kept"
    assert said in head
