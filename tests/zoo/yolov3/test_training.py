import math

import keras
import numpy as np
import pytest
from PIL import Image

from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.errors import DataError, KzooError, UsageError
from kzoo.registry import get_registry
from kzoo.saving import load_model, save_model
from kzoo.targets import load_target
from kzoo.training.assembly import Assembly
from kzoo.training.configure import configure
from kzoo.training.run import train
from kzoo.training.trainer import Trainer
from kzoo_zoo.yolov3 import examples
from kzoo_zoo.yolov3.darknet import build, parse_cfg, save_weights
from kzoo_zoo.yolov3.shapes import SHAPES, draw_scenes
from kzoo_zoo.yolov3.transfer import freeze, start_from, trainable_network, widened

CFG = """[net]
width=64
height=64
channels=3
[convolutional]
batch_normalize=1
filters=8
size=3
stride=2
pad=1
activation=leaky
[convolutional]
batch_normalize=1
filters=16
size=3
stride=2
pad=1
activation=leaky
[convolutional]
filters=16
size=3
stride=2
pad=1
activation=leaky
[convolutional]
filters={filters}
size=1
activation=linear
[yolo]
mask=0,1
anchors=10,12,24,20
classes={classes}
num=2
"""


def network(classes=3):
    return parse_cfg(CFG.format(filters=2 * (5 + classes), classes=classes), "small.cfg")


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.cfg"
    path.write_text(CFG.format(filters=2 * 8, classes=3))
    return path


@pytest.fixture
def shapes(tmp_path, monkeypatch):
    """Make the sample small."""
    monkeypatch.setattr(examples, "_SAMPLE", {"train": (12, 0), "test": (4, 1)})


def settings(cfg, *options, **asked):
    asked = {"epochs": 2, "batch_size": 4, **asked}
    fixed = (f"model.network={cfg}", "model.width=1.0", "data.image_size=64", "report=false", "augment.mosaic=0.5")
    return configure("yolov3", recipe="quick", options=(*fixed, *options), **asked)


def assembled(cfg, *options, **asked):
    config = settings(cfg, *options, **asked)
    pipeline = load_target(get_registry().get("pipeline", "yolov3"))()
    parts = Assembly(config, pipeline, get_registry())
    parts.compile(load_splits(pipeline, DataRequest("sample", settings={"image_size": 64}), pytest.fail))
    return parts


@pytest.mark.parametrize("loss", ["yolo", "yolo:box=giou,objectness=focal", "yolo:box=diou", "yolo:box=siou"])
def test_parts_of_the_loss_are_shown_and_add_up(small, shapes, loss):
    parts = assembled(small, loss=loss)
    logs = Trainer(parts.model).fit(parts.batches, epochs=1).history[-1]
    assert logs["loss"] == pytest.approx(sum(logs[name] for name in ("box", "objectness", "class")), rel=1e-4)
    assert all(math.isfinite(value) for value in logs.values())


def test_a_run_saves_what_predicting_and_exporting_need(small, shapes, tmp_path):
    result = train(settings(small), root=tmp_path)
    assert result.status == "done"
    model = load_model(result.run.model_path)
    assert model.output_shape == (None, 8 * 8 * 2, 5 + len(SHAPES))
    from kzoo.saving import read_card

    card = read_card(result.run.model_path)
    assert card["class_names"] == list(SHAPES)
    assert card["heads"][0]["stride"] == 8
    assert card["heads"][0]["anchors"] != [[10, 12], [24, 20]]  # the recipe finds them from the boxes
    assert parse_cfg(card["darknet"]["cfg"], "the card").heads[0].to_dict() == card["heads"][0]
    assert {"box", "objectness", "class", "val_box"} <= set(result.history[-1])


def test_ten_steps_on_one_batch_learn(small, shapes):
    parts = assembled(small, "augment.enabled=false", "optimizer.learning_rate=0.01", epochs=12)
    losses = [logs["loss"] for logs in Trainer(parts.model).fit(parts.batches, epochs=12).history]
    assert losses[-1] < 0.7 * losses[0]


def test_nan_says_which_part_it_is(small, shapes, tmp_path):
    with pytest.raises(KzooError, match=r"stopped being a finite number.*Its part `\w+` is"):
        train(settings(small, optimizer="sgd:learning_rate=1e30"), root=tmp_path)


def test_losses_between_boxes_are_refused_with_the_way_to_use_them(small, shapes):
    with pytest.raises(UsageError, match="yolo:box=giou"):
        assembled(small, loss="giou")


def test_settings_are_checked(small, shapes):
    for option, says in (
        ("model.anchors=kmeans", "cfg or auto"),
        ("model.match=2", "model.match"),
        ("model.width=9", "model.width"),
        ("model.frozen=2", "needs weights"),
        ("model.weights=nowhere.weights", "there is no file"),
    ):
        with pytest.raises(UsageError, match=says):
            assembled(small, option)
    for size in (100, 0, "big", [64]):
        with pytest.raises(UsageError, match="multiple of 32"):
            examples.load_sample(image_size=size)


def test_weights_of_darknet_are_taken_over_layer_by_layer(tmp_path):
    source = network(classes=3)
    other = build(source)
    for layer in other.layers:
        layer.set_weights([np.random.default_rng(1).uniform(0.1, 1, w.shape) for w in layer.get_weights()])
    save_weights(other, tmp_path / "old.weights")
    target = network(classes=1)
    model = trainable_network(target, (64, 64, 3), None, momentum=0.9)
    start_from(model, target, str(tmp_path / "old.weights"), source)
    for name in ("conv_0", "bn_0", "conv_1", "bn_1", "conv_2"):
        for new, old in zip(model.get_layer(name).get_weights(), other.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(new, old)
    # Of a head for other classes, where a box is and whether: the same numbers for the same image.
    image = np.random.default_rng(0).uniform(0, 1, (1, 64, 64, 3)).astype("float32")
    said = model(image).numpy().reshape(8, 8, 2, 6)
    heads = other(image)
    before = np.asarray(heads[0] if isinstance(heads, list) else heads).reshape(8, 8, 2, 8)
    np.testing.assert_allclose(said[..., :5], before[..., :5], rtol=1e-5)


def test_a_kzoo_model_is_a_start_too_and_a_foreign_one_is_refused(tmp_path):
    model = trainable_network(network(), (64, 64, 3), None, momentum=0.9)
    save_model(model, tmp_path / "old.keras", {"pipeline": "yolov3"})
    fresh = trainable_network(network(), (64, 64, 3), None, momentum=0.9)
    start_from(fresh, network(), str(tmp_path / "old.keras"), network())
    for new, old in zip(fresh.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    inputs = keras.Input((4,))
    save_model(keras.Model(inputs, keras.layers.Dense(2)(inputs)), tmp_path / "foreign.keras")
    with pytest.raises(DataError, match="no layer of"):
        start_from(fresh, network(), str(tmp_path / "foreign.keras"), network())


def test_frozen_layers_stay_as_they_are():
    model = trainable_network(network(), (64, 64, 3), None, momentum=0.9)
    freeze(model, 2)
    kept = {layer.name for layer in model.layers if layer.weights and not layer.trainable}
    assert kept == {"conv_0", "bn_0", "conv_1", "bn_1"}
    with pytest.raises(UsageError, match="from 0 to"):
        freeze(model, 99)


def test_a_wider_network_keeps_its_heads():
    wide = widened(network(), 2)
    assert [layer.filters for layer in wide.convolutions] == [16, 32, 32, 16]
    assert widened(network(), 1) == network()


def test_examples_are_what_predict_sees_and_boxes_are_where_they_were(tmp_path):
    (tmp_path / "images").mkdir()
    lines = {}
    for number, (pixels, boxes, labels) in enumerate(draw_scenes(6, 3)):
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number}.png")
        height, width = pixels.shape[:2]
        lines[number] = (boxes, labels)
        rows = [
            f"{label} {(x1 + x2) / 2 / width} {(y1 + y2) / 2 / height} {(x2 - x1) / width} {(y2 - y1) / height}"
            for (x1, y1, x2, y2), label in zip(boxes, labels, strict=True)
        ]
        (tmp_path / "images" / f"{number}.txt").write_text("\n".join(rows))
    (tmp_path / "classes.txt").write_text("\n".join(SHAPES))
    dataset = examples.load_path(tmp_path, image_size=[96, 128])
    assert (len(dataset.train), len(dataset.test), dataset.class_names) == (5, 1, SHAPES)
    pipeline = load_target(get_registry().get("pipeline", "yolov3"))()
    from kzoo.data.decoding import read_image
    from kzoo_zoo.yolov3.letterbox import Letterbox

    x, y = (np.asarray(part) for part in dataset.train.fetch(np.arange(5)))
    for number, path in enumerate(dataset.train.images):
        frame = read_image(path)
        np.testing.assert_allclose(x[number], pipeline.prepare(frame, (96, 128, 3)), atol=0.5 / 255 + 1e-6)
        boxes, labels = lines[int(path.stem)]
        rows = y[number][y[number][:, 4] >= 0]
        assert rows[:, 4].tolist() == labels.tolist()
        centre, sides = rows[:, :2] * (128, 96), rows[:, 2:4] * (128, 96)
        back = Letterbox.of(frame.shape, (96, 128)).undo(np.concatenate([centre - sides / 2, centre + sides / 2], -1))
        np.testing.assert_allclose(back, boxes, atol=1e-3)


def test_files_beyond_the_memory_are_read_anew_and_are_the_same(tmp_path, monkeypatch):
    for number, (pixels, boxes, _) in enumerate(draw_scenes(4, 3)):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        (x1, y1, x2, y2), (height, width) = boxes[0], pixels.shape[:2]
        row = f"0 {(x1 + x2) / 2 / width} {(y1 + y2) / 2 / height} {(x2 - x1) / width} {(y2 - y1) / height}"
        (tmp_path / f"{number}.txt").write_text(row)
    kept = examples.load_path(tmp_path, image_size=64).train
    monkeypatch.setattr(examples, "MEMORY_LIMIT", 0)
    anew = examples.load_path(tmp_path, image_size=64).train
    for one, other in zip(kept.fetch(np.arange(3)), anew.take(np.arange(3)).fetch(np.arange(3)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_boxes_of_the_sample_are_exactly_around_the_shapes():
    """On a plain ground a shape's pixels are those that differ from it."""
    from kzoo_zoo.yolov3.shapes import _coverage

    rng = np.random.default_rng(0)
    for _ in range(20):
        outline = rng.uniform(3, 60, (5, 2))
        (rows, columns), covered = _coverage(outline)
        seen = np.argwhere(covered > 0)
        start = np.array([rows.start, columns.start])
        low, high = seen.min(0) + start, seen.max(0) + 1 + start
        np.testing.assert_allclose(
            np.concatenate([low[::-1], high[::-1]]), [*outline.min(0), *outline.max(0)], atol=1.01
        )
