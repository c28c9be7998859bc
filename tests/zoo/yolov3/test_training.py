import csv
import json
import math
import re

import keras
import numpy as np
import pytest
from darknet_cfgs import convolution, head, net
from PIL import Image
from pipelines import read, reader, request, sample

from kzoo.cli import main
from kzoo.data.decoding import read_image
from kzoo.data.frames import Frame
from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.engine.forward import Forward
from kzoo.engine.listener import Silent
from kzoo.errors import DataError, KzooError, UsageError
from kzoo.inference.evaluation import evaluate
from kzoo.models.card import ModelCard
from kzoo.models.saved import find_model
from kzoo.models.saving import load_model, read_card, save_model
from kzoo.plugins.registry import get_registry
from kzoo.runs.configure import configure
from kzoo.tasks import Measured
from kzoo.tasks.boxes import Detection
from kzoo.training.assembly import Assembly
from kzoo.training.run import train
from kzoo.training.trainer import Trainer
from kzoo_zoo.yolov3 import examples
from kzoo_zoo.yolov3.darknet import Head, build, parse_cfg, read_cfg, save_weights
from kzoo_zoo.yolov3.detecting import DetectorReader, Loaded
from kzoo_zoo.yolov3.letterbox import Letterbox
from kzoo_zoo.yolov3.pipeline import Yolo
from kzoo_zoo.yolov3.shapes import SHAPES, draw_scenes
from kzoo_zoo.yolov3.transfer import backbone_layers, freeze, start_from, trainable_network, widened


def cfg(classes=3):
    body = convolution(8, 3, 2) + convolution(16, 3, 2) + convolution(16, 3, 2, normalized=False)
    return net(64, 64) + body + head(classes, anchors="10,12,24,20")


def network(classes=3):
    return parse_cfg(cfg(classes), "small.cfg")


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.cfg"
    path.write_text(cfg())
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
    parts = Assembly(config, Yolo(), "detection", get_registry())
    parts.compile(load_splits(Yolo().source(), request("sample", image_size=64), Silent()))
    return parts


@pytest.mark.long
@pytest.mark.parametrize("loss", ["yolo", "yolo:box=giou,objectness=focal", "yolo:box=diou", "yolo:box=siou"])
def test_parts_of_the_loss_are_shown_and_add_up(small, shapes, loss):
    parts = assembled(small, loss=loss)
    logs = Trainer(parts.model).fit(parts.batches, epochs=1).history[-1]
    assert logs["loss"] == pytest.approx(sum(logs[name] for name in ("box", "objectness", "class")), rel=1e-4)
    assert all(math.isfinite(value) for value in logs.values())


@pytest.mark.long
def test_a_run_saves_what_predicting_and_exporting_need(small, shapes, tmp_path):
    result = train(settings(small), root=tmp_path)
    assert result.status == "done"
    model = load_model(result.run.model_path)
    assert model.output_shape == (None, 8 * 8 * 2, 5 + len(SHAPES))
    card = read_card(result.run.model_path)
    assert card.class_names == SHAPES
    assert card.own["heads"][0]["stride"] == 8
    assert card.own["heads"][0]["anchors"] != [[10, 12], [24, 20]]  # the recipe finds them from the boxes
    assert parse_cfg(card.own["darknet"]["cfg"], "the card").heads[0].to_dict() == card.own["heads"][0]
    assert {"box", "objectness", "class", "val_box"} <= set(result.history[-1])


@pytest.mark.long
def test_ten_steps_on_one_batch_learn(small, shapes):
    parts = assembled(small, "augment.enabled=false", "optimizer.learning_rate=0.01", epochs=12)
    losses = [logs["loss"] for logs in Trainer(parts.model).fit(parts.batches, epochs=12).history]
    assert losses[-1] < 0.7 * losses[0]


def of_kind(kind):
    """Return the small cfg with a head of another kind, whose numbers are read in another way."""
    if kind == "new_coords":
        linear = "size=1\nactivation=linear"
        return cfg().replace(linear, linear.replace("linear", "logistic")) + "new_coords=1\nscale_x_y=2\n"
    return cfg().replace("[yolo]\nmask=0,1", "[region]\nsoftmax=1")


@pytest.mark.long
@pytest.mark.parametrize("kind", ["new_coords", "region"])
def test_heads_of_other_kinds_learn_predict_and_are_exported(kind, shapes, tmp_path, capsys):
    (tmp_path / "small.cfg").write_text(of_kind(kind))
    options = ("augment.enabled=false", "optimizer.learning_rate=0.01", "train.keep=last")
    run = train(settings(tmp_path / "small.cfg", *options, epochs=4), root=tmp_path / "runs").run
    losses = [float(row["loss"]) for row in csv.DictReader((run.path / "metrics.csv").open())]
    assert losses[-1] < 0.9 * losses[0]
    card = read_card(run.model_path)
    assert card.own["heads"][0]["kind"] == kind
    assert parse_cfg(card.own["darknet"]["cfg"], "the card").heads[0].to_dict() == card.own["heads"][0]
    Image.fromarray(draw_scenes(1, 5)[0][0]).save(tmp_path / "scene.png")
    assert main(["predict", str(run.path), str(tmp_path / "scene.png"), "--threshold", "0.01"]) == 0
    names = [str(tmp_path / f"again.{suffix}") for suffix in ("weights", "cfg", "keras")]
    assert main(["export-darknet", str(run.path), "-o", names[0], "--cfg", names[1]]) == 0
    assert main(["import-darknet", names[1], names[0], "-o", names[2]]) == 0
    trained, imported = load_model(run.model_path), load_model(names[2])
    images = np.random.default_rng(1).random((1, 64, 64, 3)).astype("float32")
    rows = np.asarray(trained(images, training=False))
    np.testing.assert_allclose(np.asarray(imported(images, training=False)).reshape(rows.shape), rows, atol=1e-5)


@pytest.mark.long
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
        ("model.weights=old.keras", "A trained model is named so: --from old.keras"),
    ):
        with pytest.raises(UsageError, match=says):
            assembled(small, option)
    for size in (100, 0, "big", [64], [64, 100]):
        with pytest.raises(
            UsageError, match=r"`data.image_size` must be .*(multiple of 32|a whole number or a list of 2)"
        ):
            sample(Yolo(), image_size=size)


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
    save_model(model, tmp_path / "old.keras", ModelCard(pipeline="yolov3"))
    fresh = trainable_network(network(), (64, 64, 3), None, momentum=0.9)
    start_from(fresh, network(), str(tmp_path / "old.keras"), network())
    for new, old in zip(fresh.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    inputs = keras.Input((4,))
    save_model(keras.Model(inputs, keras.layers.Dense(2)(inputs)), tmp_path / "foreign.keras")
    with pytest.raises(DataError, match="no layer of"):
        start_from(fresh, network(), str(tmp_path / "foreign.keras"), network())


@pytest.mark.long
@pytest.mark.parametrize("classes", [2, len(SHAPES)])
def test_a_run_begins_with_a_trained_detector_of_other_classes(small, shapes, tmp_path, classes):
    old = trainable_network(network(classes), (64, 64, 3), None, momentum=0.9)
    names = tuple("abcdefgh"[:classes])
    save_model(old, tmp_path / "old.keras", ModelCard(pipeline="yolov3", class_names=names))
    parts = assembled(small, f"train.start_from={tmp_path / 'old.keras'}", "model.frozen=backbone")
    for name in ("conv_0", "bn_1"):
        for new, before in zip(
            parts.model.get_layer(name).get_weights(), old.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(new, before)
    assert frozen(parts.model) == {"conv_0", "bn_0", "conv_1", "bn_1", "conv_2"}
    (head,) = parts.started.anew
    assert "of a head, what says where boxes are is kept" in head


def frozen(model):
    return {layer.name for layer in model.layers if layer.weights and not layer.trainable}


def test_the_first_layers_are_frozen():
    model = trainable_network(network(), (64, 64, 3), None, momentum=0.9)
    freeze(model, network(), 2, {0, 1})
    assert frozen(model) == {"conv_0", "bn_0", "conv_1", "bn_1"}
    with pytest.raises(UsageError, match="from 0 to 4, or backbone, not 99"):
        freeze(model, network(), 99, {0, 1})
    with pytest.raises(UsageError, match="Freeze at most 2 layers"):
        freeze(model, network(), 3, {0, 1})


def test_a_backbone_ends_before_the_heads_begin():
    sizes = {name: backbone_layers(read_cfg(name)) for name in ("yolov3", "yolov3-spp", "yolov3-tiny")}
    assert sizes == {"yolov3": 75, "yolov3-spp": 75, "yolov3-tiny": 14}
    model = trainable_network(network(), (64, 64, 3), None, momentum=0.9)
    freeze(model, network(), "backbone", {0, 1, 2})
    assert frozen(model) == {"conv_0", "bn_0", "conv_1", "bn_1", "conv_2"}


def test_a_wider_network_keeps_its_heads():
    wide = widened(network(), 2)
    assert [layer.filters for layer in wide.convolutions] == [16, 32, 32, 16]
    assert widened(network(), 1) == network()


def test_examples_are_what_predict_sees_and_boxes_are_where_they_were(tmp_path):
    lines = scenes(tmp_path, 6, 3)
    dataset = read(Yolo(), tmp_path, image_size=[96, 128])
    assert (len(dataset.train), len(dataset.test), dataset.class_names) == (5, 1, SHAPES)
    seen = []
    heads = [Head(anchors=((10, 10),), classes=len(SHAPES), stride=32)]
    blind = Loaded(lambda x: seen.append(x[0]) or [np.full((1, 3, 4, 10), -9.0)], heads, (96, 128, 3), SHAPES)
    detector = DetectorReader(lambda: blind)
    x, y = (np.asarray(part) for part in dataset.train.fetch(np.arange(5)))
    for number, path in enumerate(dataset.train.images):
        frame = read_image(path)
        detector.predict([Frame(index=0, pixels=frame)])
        np.testing.assert_allclose(x[number], seen[-1], atol=0.5 / 255 + 1e-6)
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
    kept = read(Yolo(), tmp_path, image_size=64).train
    monkeypatch.setattr(examples, "MEMORY_LIMIT", 0)
    anew = read(Yolo(), tmp_path, image_size=64).train
    for one, other in zip(kept.fetch(np.arange(3)), anew.take(np.arange(3)).fetch(np.arange(3)), strict=True):
        np.testing.assert_array_equal(one, other)


def scenes(folder, count, seed):
    """Write drawn scenes with YOLO's text files; return the boxes and labels of each."""
    (folder / "images").mkdir(parents=True)
    found = {}
    for number, (pixels, boxes, labels) in enumerate(draw_scenes(count, seed)):
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        height, width = pixels.shape[:2]
        rows = [
            f"{label} {(x1 + x2) / 2 / width} {(y1 + y2) / 2 / height} {(x2 - x1) / width} {(y2 - y1) / height}"
            for (x1, y1, x2, y2), label in zip(boxes, labels, strict=True)
        ]
        (folder / "images" / f"{number}.txt").write_text("\n".join(rows))
        found[number] = boxes, labels
    (folder / "classes.txt").write_text("\n".join(SHAPES))
    return found


@pytest.mark.long
def test_new_boxes_are_measured_on_as_a_whole_and_those_of_the_run_on_their_test_split(small, tmp_path, capsys):
    scenes(tmp_path / "own", 10, 3)
    lines = scenes(tmp_path / "new", 3, 4)
    scenes(tmp_path / "single", 1, 5)
    run = train(settings(small, data=str(tmp_path / "own"), epochs=1), root=tmp_path / "runs").run
    assert main(["evaluate", str(run.path), "--data", str(tmp_path / "new"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["size"], found["measured"]) == (3, "all of it")
    assert sum(row["objects"] for row in found["per_class"].values()) == sum(len(own) for own, _ in lines.values())
    assert main(["evaluate", str(run.path), "--data", str(tmp_path / "single")]) == 0
    assert "1 test examples, all of it" in capsys.readouterr().out
    assert main(["evaluate", str(run.path), "--data", str(tmp_path / "own")]) == 0
    assert "2 test examples, its test split" in capsys.readouterr().out


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


@pytest.fixture
def old(tmp_path):
    """Return a file with weights of the small network."""
    save_weights(build(network()), tmp_path / "old.weights")
    return tmp_path / "old.weights"


@pytest.mark.long
def test_a_frozen_backbone_then_all_layers_in_one_run(small, shapes, old, tmp_path):
    options = (f"model.weights={old}", "model.frozen=backbone", "train.frozen_epochs=1", "train.keep=last")
    said = []

    class Listening(Silent):
        def say(self, text):
            said.append(text)

    runs = [
        train(settings(small, *options, epochs=epochs), root=tmp_path / f"{epochs}-{turn}", listener=Listening())
        for epochs, turn in ((3, 0), (3, 1), (1, 0))
    ]
    assert any("weights are trained in the first 1 of 3 epochs, then all." in text for text in said)
    assert any("weights are trained to the end" in text for text in said)
    longer, again, short = (load_model(run.run.model_path) for run in runs)
    loaded = trainable_network(network(5), (64, 64, 3), None, momentum=0.9)
    start_from(loaded, network(5), str(old), network())
    for name, stays in (("conv_0", True), ("bn_1", True), ("conv_3", False)):
        begun = loaded.get_layer(name).get_weights()
        for weights, kept in (
            (short.get_layer(name).get_weights(), stays),
            (longer.get_layer(name).get_weights(), False),
        ):
            assert all(np.array_equal(one, other) for one, other in zip(weights, begun, strict=True)) == kept
    for one, other in zip(longer.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert frozen(short) == {"conv_0", "bn_0", "conv_1", "bn_1", "conv_2"}
    assert not frozen(longer)
    assert int(longer.optimizer.iterations.numpy()) == 2 * 3  # of 11 images in batches of 4


def test_frozen_epochs_need_something_frozen(small, shapes):
    with pytest.raises(UsageError, match="begins with no frozen layers"):
        assembled(small, "train.frozen_epochs=1")


@pytest.mark.long
def test_a_run_on_several_sizes_traces_its_step_once_and_predicts_as_any(small, shapes, tmp_path, monkeypatch):
    options = ("augment.scales=[32, 96]", "augment.scale_steps=2")
    parts = assembled(small, *options)
    sizes = [tuple(x.shape[1:3]) for x, _ in parts.batches.dataset(4)]
    assert sizes[::2] == sizes[1::2]
    assert set(sizes) <= {(32, 32), (64, 64), (96, 96)}
    assert len(set(sizes)) > 1
    for (x, y), (again, labels) in zip(
        parts.batches.dataset(4, epoch=1, step=1), list(parts.batches.dataset(4))[4:], strict=True
    ):
        np.testing.assert_array_equal(x, again)
        np.testing.assert_array_equal(y, labels)
        assert y.shape[1] == (x.shape[1] // 8) ** 2 * 2
    traced = []
    step = parts.model.train_step
    monkeypatch.setattr(parts.model, "train_step", lambda data: traced.append(data[0].shape) or step(data))
    result = Trainer(parts.model).fit(parts.batches, epochs=4)
    assert math.isfinite(result.history[-1]["loss"])
    assert len(traced) <= 2  # Keras builds the model once, TensorFlow traces once

    run = train(settings(small, *options), root=tmp_path).run
    Image.fromarray(draw_scenes(1, 5)[0][0]).save(tmp_path / "scene.png")
    assert main(["predict", str(run.path), str(tmp_path / "scene.png"), "--threshold", "0.01"]) == 0
    assert main(["export-darknet", str(run.model_path), "-o", str(tmp_path / "out.weights")]) == 0


@pytest.mark.long
def test_the_best_epoch_by_average_precision(small, shapes, tmp_path):
    options = ("train.monitor=val_ap50", "train.measure_every=2", "train.keep=best", "data.validation_fraction=0.5")
    result = train(settings(small, *options, "train.early_stopping=9", epochs=5, optimizer="adam"), root=tmp_path)
    assert [logs.get("val_ap50") is not None for logs in result.history] == [False, True, False, True, True]
    with (result.run.path / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["val_ap50"] != "" for row in rows] == [False, True, False, True, True]
    values = {number: logs["val_ap50"] for number, logs in enumerate(result.history, 1) if "val_ap50" in logs}
    best = max(values, key=values.get)
    assert result.run.manifest().training.best_epoch == best
    # The same figure, from the saved model and its file of weights.
    asked = DataRequest("sample", 0, 0.5, settings={"image_size": 64})
    splits = load_splits(Yolo().source(), asked, Silent())
    assert len(splits.validation) == 6
    card = read_card(result.run.model_path).for_reader()
    forward = Forward(load_model(result.run.model_path))
    measured = Measured(
        forward=forward,
        test=splits.validation,
        class_names=SHAPES,
        reader=lambda chosen: reader(Yolo(), forward, card, **chosen),
        settings=Yolo.evaluation_settings,
    )
    outcome = Detection().measure(measured)
    assert outcome.metrics()["AP50"] == pytest.approx(values[best], abs=1e-3)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("train.monitor=val_ap50", "data.validation_fraction=0"), "measured on validation data, and there is none"),
        (
            ("train.monitor=ap50",),
            "which this run does not log. It logs: val_loss, val_box, val_objectness, val_class, val_ap",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(small, shapes, tmp_path, options, says):
    with pytest.raises(UsageError, match=says):
        train(settings(small, *options), root=tmp_path)
    assert not list(tmp_path.glob("*/run.json"))


@pytest.mark.long
def test_a_limit_holds_for_what_is_measured(small, shapes, tmp_path):
    result = train(settings(small, limit=3, epochs=1), root=tmp_path)
    saved = find_model(str(result.run.path), tmp_path)
    again = evaluate(saved, data=None, listener=Silent())
    assert again.size == 3
    assert again.data == result.run.manifest().data.description
    assert again.data == "at most 3 of each split of 12 train, 4 test drawn scenes of 5 shapes"
    assert again.outcome.dataset.description == "3 examples of 12 train, 4 test drawn scenes of 5 shapes"
    assert again.outcome.dataset.images[0].name in {f"scene-{number:04}" for number in range(4)}
    for name in ("AP", "AP50", "AR_100"):
        assert again.metrics[name] == pytest.approx(result.results[name], abs=1e-6, nan_ok=True)
    assert evaluate(saved, data="sample", listener=Silent()).size == 4


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("augment.scale_steps=0", "must be a whole number of at least 1, not 0"),
        ("augment.mosaic_epochs=1.5", "must be a whole number of at least 0, not 1.5"),
        ("augment.zoom=[1.2]", "must be a list of 2: a number each, not [1.2]"),
        ("augment.zoom=[1.4, 0.6]", "must be the smallest and the largest scale"),
        ("augment.saturation=0", "must be a number of at least 1 and at most 10, not 0"),
        ("augment.mosaic=25", "must be a number of at least 0 and at most 1, not 25"),
        ("augment.hue=much", "must be a number of at least 0 and at most 0.5, not 'much'"),
        ("augment.mirror=1", "must be true or false, not 1"),
        ("augment.scales=[100, 200]", "must be two multiples of 32"),
    ],
)
def test_a_wrong_change_is_refused_before_the_run_has_a_folder(small, shapes, tmp_path, option, says):
    with pytest.raises(UsageError, match=f"^`{option.partition('=')[0]}` {re.escape(says)}"):
        train(settings(small, option), root=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
