"""Classes that count alike in training, beside scikit-learn's formula and Keras's own ``fit``."""

import inspect
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.utils.class_weight import compute_class_weight

import kzoo
from kzoo import run
from kzoo.data.splits import ArraySplit
from kzoo.engine.batches import TrainingBatches
from kzoo.errors import DataError, UsageError
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target
from kzoo.runs.configure import configure
from kzoo.tasks import task_named
from kzoo.tasks.labels import label_encoder
from kzoo.training.class_weights import balanced_weights, of_whole_masks, weighing
from kzoo.training.trainer import Trainer

LABELS = np.array([0] * 30 + [1] * 15 + [2] * 5)


def make_model(loss, outputs=3):
    keras.utils.set_random_seed(1)
    layers = [keras.Input((4,)), keras.layers.Dense(outputs, activation="softmax" if outputs > 1 else "sigmoid")]
    model = keras.Sequential(layers)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss, jit_compile=False)
    return model


@pytest.mark.parametrize("column", [False, True])
def test_the_weights_are_those_of_scikit_learn(column):
    labels = LABELS[:, None] if column else LABELS
    weights = balanced_weights(ArraySplit(np.zeros((50, 1)), labels), "abc")
    np.testing.assert_allclose(weights, compute_class_weight("balanced", classes=np.arange(3), y=LABELS), rtol=1e-12)
    np.testing.assert_allclose(weights, [50 / 90, 50 / 45, 50 / 15], rtol=1e-12)


def test_a_class_without_an_example_is_none_of_the_classes():
    weights = balanced_weights(ArraySplit(np.zeros((50, 1)), LABELS * 2), "abcde")
    np.testing.assert_allclose(weights, [50 / 90, 1, 50 / 45, 1, 50 / 15], rtol=1e-12)


@pytest.mark.long
@pytest.mark.parametrize(
    ("form", "loss", "outputs"),
    [("dense", "categorical_crossentropy", 3), ("sparse", "sparse_categorical_crossentropy", 3),
     ("column", "binary_crossentropy", 1)],
)  # fmt: skip
def test_training_is_that_of_keras_with_these_weights(form, loss, outputs):
    labels = LABELS if outputs > 1 else np.minimum(LABELS, 1)
    split = ArraySplit(np.random.default_rng(0).normal(size=(50, 4)).astype("float32"), labels)
    weights = balanced_weights(split, "abc"[: labels.max() + 1])
    encode = label_encoder(form, 3)
    batches = TrainingBatches(split, 8, 3, labels=encode, class_weight=weights)
    ours, theirs = make_model(loss, outputs), make_model(loss, outputs)
    logs = Trainer(ours, steps_per_execution=3).fit(batches, epochs=2).history
    expected = []
    plain = TrainingBatches(split, 8, 3, labels=encode)
    for epoch in range(2):
        data = plain.dataset(epoch + 1, epoch=epoch).apply(tf.data.experimental.assert_cardinality(7))
        fitted = theirs.fit(data, class_weight=dict(enumerate(weights)), verbose=0)
        expected.append({name: values[0] for name, values in fitted.history.items()})
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
    for one, other in zip(logs, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-5)
    unweighed = make_model(loss, outputs)
    Trainer(unweighed).fit(plain, epochs=2)
    assert not np.allclose(unweighed.get_weights()[0], ours.get_weights()[0], rtol=1e-3)


def test_the_root_is_half_the_way_to_classes_that_count_alike():
    weights = balanced_weights(ArraySplit(np.zeros((50, 1)), LABELS), "abc", 0.5)
    alike = compute_class_weight("balanced", classes=np.arange(3), y=LABELS)
    np.testing.assert_allclose(weights / weights[0], np.sqrt(alike / alike[0]), rtol=1e-12)
    assert weights[LABELS].mean() == pytest.approx(1)


class Masks(ArraySplit):
    """Masks of two classes; 255 is none."""

    def class_counts(self):
        return np.bincount(self.labels[self.labels < 2], minlength=2)


def test_of_masks_each_pixel_counts_by_its_class_and_one_without_nothing():
    masks = np.array([[[0, 0, 0], [1, 255, 0]], [[0, 1, 255], [255, 0, 0]]], np.uint8)
    split = Masks(np.zeros((2, 2, 3, 1), np.uint8), masks)
    weights = balanced_weights(split, "ab")
    np.testing.assert_allclose(weights, compute_class_weight("balanced", classes=np.arange(2), y=masks[masks < 2]))
    ((_, y, each),) = TrainingBatches(split, 2, 0, class_weight=weights).dataset(1)
    np.testing.assert_allclose(each, np.where(y == 255, 0, weights[np.minimum(y, 1)]), rtol=1e-6)
    with pytest.raises(DataError, match="not one class index for each"):
        balanced_weights(ArraySplit(np.zeros((2, 1)), masks), "ab")


def test_pixels_weighed_by_their_class_are_the_weighted_mean_of_those_that_have_one():
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 2, 255], (2, 5, 7), p=[0.5, 0.3, 0.1, 0.1])
    y_true = np.eye(256, 3, dtype="float32")[labels]
    y_pred = rng.dirichlet(np.ones(3), labels.shape).astype("float32")
    weights = np.pad([0.5, 1.0, 4.0], (0, 253)).astype("float32")
    kept = labels != 255
    expected = (-np.log((y_pred * y_true).sum(-1)[kept]) * weights[labels][kept]).mean()
    for name in ("categorical_crossentropy", "poly1:epsilon=0"):
        loss = task_named("segmentation").fit_loss(kzoo.loss(name), "classes")
        assert float(loss(y_true, y_pred, sample_weight=weights[labels])) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("pipeline", "loss", "says"),
    [
        ("segmentation", "soft_dice", "`soft_dice` has one value for a whole mask"),
        ("segmentation", "mixture:losses=[focal,jaccard]", "`jaccard` has one value for a whole mask"),
        ("segmentation", "focal", ""),
        ("mnist", "crossentropy", ""),
    ],
)
def test_of_a_loss_of_whole_masks_it_is_said_that_all_pixels_count_alike(pipeline, loss, says):
    settings = configure(pipeline, loss=loss, options=["train.class_weight=root"])
    task = task_named({"mnist": "classification"}.get(pipeline, pipeline))
    assert says in of_whole_masks(settings, task, get_registry())
    assert bool(says) == bool(of_whole_masks(settings, task, get_registry()))
    none = configure(pipeline, loss=loss, options=["train.class_weight=none"])
    assert of_whole_masks(none, task, get_registry()) == ""


def test_without_weights_batches_are_pairs():
    split = ArraySplit(np.zeros((50, 1)), LABELS)
    assert len(TrainingBatches(split, 8, 0).dataset(1).element_spec) == 2
    spec = TrainingBatches(split, 8, 0, class_weight=np.ones(3)).dataset(1).element_spec[2]
    assert (spec.dtype, spec.shape.rank) == (tf.float32, 1)


def test_labels_that_are_no_classes_are_refused():
    with pytest.raises(DataError, match="not one class index for each"):
        balanced_weights(ArraySplit(np.zeros((3, 1)), np.zeros((3, 2), int)), "ab")


@pytest.mark.parametrize(
    ("pipeline", "more", "says"),
    [
        ("regression", {}, r"`balanced`.*, and the task here is regression"),
        ("yolov3", {}, "the task here is detection"),
        ("mnist", {"loss": "focal:class_weight=[1,1,1,1,1,1,1,1,1,2]"}, "would weigh each class twice"),
        ("mnist", {"loss": "mixture:losses=[focal(class_weight=[1,2]),crossentropy]"}, "the loss `focal:.*twice"),
        ("mnist", {"options": {"train.class_weight": "fair"}}, "must be none, root or balanced, not 'fair'"),
    ],
)
def test_where_it_means_nothing_it_is_refused_before_data_is_read(tmp_path, pipeline, more, says):
    options = {"options": {"train.class_weight": "balanced"}, **more}
    with pytest.raises(UsageError, match=says):
        run(pipeline, recipe="quick", data="sample", out=tmp_path, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_a_run_says_and_records_what_each_class_counts(tmp_path, kzoo):
    arguments = ["run", "mnist", "-r", "quick", "--data", "sample", "--limit", "40", "-e", "1", "-o", "report=false"]
    code, _, said = kzoo(*arguments, "-o", "train.class_weight=balanced", "--out", str(tmp_path))
    assert code == 0
    assert "In training an example counts by its class: `0` 1" in said
    (record,) = tmp_path.rglob("run.json")
    weights = json.loads(record.read_text())["model"]["class_weight"]
    assert set(weights) == set("0123456789")
    assert 'class_weight = "balanced"' in (record.parent / "config.toml").read_text()


def test_the_page_names_the_losses_that_weigh_classes_themselves():
    registry = get_registry()
    weighing_losses = {
        entry.name
        for entry in registry.entries("loss")
        if "class_weight" in inspect.signature(load_target(entry)).parameters
    }
    page = (Path(__file__).parents[3] / "docs" / "running.md").read_text()
    paragraph = page[page.index("It is an argument of") : page.index("Every other loss between classes")]
    assert set(re.findall("`([a-z0-9_]+)`", paragraph)) == weighing_losses


def test_of_many_classes_the_first_are_named():
    assert weighing({}) == ""
    assert weighing({str(n): 1.0 for n in range(12)}).count("`") == 20
    assert "and 2 more" in weighing({str(n): 1.0 for n in range(12)})
