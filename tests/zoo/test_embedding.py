"""Pictures as vectors: what the network learns with, batches and views, and runs that go on and are exported."""

import json
import math
import os
import signal
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from pipelines import built, moment, read, sample

import kzoo
from kzoo.cli import main
from kzoo.data.splits import ArraySplit
from kzoo.engine.listener import Silent
from kzoo.errors import UsageError
from kzoo.inference.evaluation import evaluate
from kzoo.models.saved import find_model
from kzoo.models.saving import load_model
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry
from kzoo.runs.comparison import comparison_of
from kzoo_zoo.embedding.model import ClassDirections
from kzoo_zoo.embedding.pipeline import Embedding

PIPELINE = Embedding()
SHAPE = (16, 16, 1)
COSINES = {"task": "embedding", "predicts": "cosines"}
BRIEF = {"recipe": "quick", "epochs": 1, "limit": 64, "verbose": 0}


@pytest.fixture
def omniglot():
    folder = Path(os.environ.get("KZOO_TEST_DATA", "nowhere")) / "omniglot"
    if not folder.is_dir():
        pytest.skip("needs real data: set KZOO_TEST_DATA to a folder with omniglot")
    return folder


def network(predicts="embeddings", views="", augment=None, train=None, **model):
    problem = {"task": "embedding", "predicts": predicts, "views": views}
    return built(PIPELINE, SHAPE, problem=problem, train=train, augment=augment, widths=[8], dimensions=6, **model)


def noise(count=5):
    return np.random.default_rng(1).integers(0, 256, (count, *SHAPE), dtype=np.uint8)


@pytest.mark.long_but_first
@pytest.mark.parametrize("predicts", ["cosines", "embeddings", "distances"])
def test_whatever_it_learns_with_a_network_gives_vectors_of_length_1(predicts):
    vectors = np.asarray(network(predicts).model(noise()))
    assert vectors.shape == (5, 6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_vectors_point_in_all_directions_before_the_training():
    """Else losses of the hardest pairs draw them into one point. What a network knows of pictures is not touched."""
    pictures = noise(40)
    fresh = network(train=ArraySplit(pictures, np.arange(40))).model
    for weight in fresh.non_trainable_variables:
        np.testing.assert_array_equal(weight, np.full(weight.shape, "variance" in weight.path, "float32"))
    vectors = np.asarray(fresh(pictures, training=True))
    assert np.linalg.norm(vectors.mean(axis=0)) < 0.2


def test_a_loss_of_cosines_is_given_those_with_the_directions_of_the_classes():
    model = network("cosines").model
    model.compile(loss=kzoo.loss("arcface"), optimizer="sgd")
    x, labels = noise(), np.array([0, 1, 1, 0, 1])
    directions = np.asarray(model.layers[-1].directions)
    assert directions.shape == (2, 6)
    cosines = np.asarray(model(x)) @ (directions / np.linalg.norm(directions, axis=1, keepdims=True)).T
    expected = float(kzoo.loss("arcface")(labels, cosines))
    assert float(model.compute_loss(x, labels, model(x))) == pytest.approx(expected, rel=1e-4)
    before = directions.copy()
    model.train_on_batch(x, labels)
    assert (np.asarray(model.layers[-1].directions) != before).any()


def test_a_class_without_a_direction_has_no_part_in_the_loss():
    model = network("cosines").model
    model.compile(loss=kzoo.loss("cosface"), optimizer="sgd")
    x = noise()
    known = float(model.compute_loss(x[:2], np.array([0, 1]), model(x[:2])))
    both = float(model.compute_loss(x[:4], np.array([0, 1, 2, 7]), model(x[:4])))
    assert both == pytest.approx(known / 2, rel=1e-4)  # half of the samples weigh nothing
    assert float(model.compute_loss(x[:2], np.array([5, 6]), model(x[:2]))) == 0.0


@pytest.mark.long_but_first
@pytest.mark.parametrize(("views", "labels"), [("of_classes", [1, 0, 1] * 2), ("of_samples", [0, 1, 2] * 2)])
def test_two_views_of_each_picture_one_batch_after_the_other(views, labels):
    augment = network(views=views, augment={"rotation": 20, "mirror": True}).augment
    x, y = augment(tf.constant(noise(3)), tf.constant([1, 0, 1]), moment((1, 2)))
    again, _ = augment(tf.constant(noise(3)), tf.constant([1, 0, 1]), moment((1, 2)))
    assert x.shape == (6, *SHAPE)
    assert y.numpy().tolist() == labels
    assert (x[:3].numpy() != x[3:].numpy()).any()
    np.testing.assert_array_equal(x, again)


def test_a_loss_that_numbers_pictures_takes_them_in_a_random_order():
    assert network(views="of_samples", augment={}).batch_order is None
    assert network(views="of_classes", augment={}).batch_order is not None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"views": "of_samples"}, "two views of each picture.*`augment.enabled` is false"),
        ({"network": "classic"}, "`model.widths` is a setting of the default network"),
    ],
)
def test_settings_that_do_not_fit_are_refused(asked, said):
    with pytest.raises(UsageError, match=said):
        network(**asked)


def test_a_picture_too_small_for_the_stages_is_refused():
    with pytest.raises(UsageError, match="halves a picture 6 times, and one of 16x16 is too small"):
        built(PIPELINE, SHAPE, problem={"task": "embedding"}, widths=[4] * 6)


@pytest.mark.parametrize(
    ("loss", "predicts", "views"),
    [
        ("supcon", "embeddings", "of_classes"),
        ("ntxent", "embeddings", "of_samples"),
        ("mixture:losses=[supcon,triplet_hard]", "embeddings", "of_classes"),
        ("mixture:losses=[contrastive,triplet_hard]", "embeddings", ""),
        ("mixture:losses=[arcface,cosface]", "cosines", ""),
    ],
)
def test_what_a_loss_compares(loss, predicts, views):
    found = comparison_of(Reference.parse(loss), "embedding", get_registry())
    assert (found.label_form, found.predicts, found.views) == ("", predicts, views)


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ("mixture:losses=[ntxent,supcon]", "`ntxent` takes the number of each sample, and `supcon` its class"),
        ("mixture:losses=[arcface,triplet_hard]", "one network cannot give what they want: `arcface` compares cosines"),
    ],
)
def test_losses_that_want_other_labels_or_outputs_are_no_mixture(loss, said):
    with pytest.raises(UsageError, match=said):
        comparison_of(Reference.parse(loss), "embedding", get_registry())


def test_the_sample_has_digits_that_are_never_learned():
    found, again = sample(PIPELINE, image_size=16), sample(PIPELINE, image_size=16)
    assert found.train.digest() == again.train.digest()
    assert (len(found.train), len(found.test)) == (1264, 533)
    assert set(found.train.labels) == set(range(7))
    assert set(found.test.labels) == {7, 8, 9}
    assert found.class_names == tuple("0123456")
    assert found.test.kinds[7] == "7"
    coloured = sample(PIPELINE, card={"input_shape": (20, 24, 3)})
    assert coloured.test.examples(np.arange(2))[0].shape == (2, 20, 24, 3)


@pytest.mark.long
@pytest.mark.parametrize("loss", ["multi_similarity", "arcface", "ntxent", "contrastive"])
def test_a_run_that_was_stopped_goes_on_bit_for_bit(loss, tmp_path):
    asked = {"loss": loss, **BRIEF, "batch_size": 16, "options": {"train.steps_per_execution": 2, "report": False}}

    class StopAfter(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            signal.raise_signal(signal.SIGINT)  # after two of four steps

    whole = kzoo.run("embedding", out=tmp_path / "whole", **asked)
    with pytest.raises(KeyboardInterrupt):
        kzoo.run("embedding", out=tmp_path / "cut", callbacks=[StopAfter()], **asked)
    rest = kzoo.run(resume="last", out=tmp_path / "cut", verbose=0, force=True)  # without the callback
    for one, other in zip(
        load_model(whole.run.model_path).weights, load_model(rest.run.model_path).weights, strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.long_but_first
@pytest.mark.parametrize("loss", ["arcface", "contrastive", "multi_similarity"])
def test_a_saved_model_is_one_of_vectors_and_measured_without_its_loss(loss, tmp_path):
    result = kzoo.run("embedding", loss=loss, out=tmp_path, options={"report": False}, **{**BRIEF, "limit": 32})
    again = load_model(result.run.model_path)
    assert again.compiled
    assert again.output_shape == (None, 16)
    found = evaluate(find_model(str(result.run.path)), data=None, listener=Silent()).metrics
    trained = result.run.manifest().test_results
    assert found == pytest.approx({name: trained[name] for name in found}, abs=1e-4)
    assert {"recall_1", "recall_5", "recall_10", "map_r", "verification_auc", "equal_error_rate"} <= set(found)


@pytest.mark.long
def test_it_is_exported_and_looks_pictures_up_without_tensorflow(tmp_path, capsys):
    pytest.importorskip("onnx", reason="ONNX files are written by the extra `onnx`")
    result = kzoo.run("embedding", loss="cosface", out=tmp_path, **BRIEF)
    assert (result.run.path / "report.html").is_file()
    exported = tmp_path / "m.onnx"
    assert main(["export", str(result.run.path), "--format", "onnx", "--output", str(exported)]) == 0
    capsys.readouterr()
    photo = tmp_path / "photo.png"
    keras.utils.save_img(photo, noise(1)[0])
    said = []
    for model in (str(result.run.model_path), str(exported)):
        assert main(["predict", model, str(photo), "--json"]) == 0
        said.append(json.loads(capsys.readouterr().out)["vector"])
    np.testing.assert_allclose(*said, atol=1e-4)


def test_a_layer_of_directions_is_saved_with_its_number_of_classes():
    layer = ClassDirections(7, dtype="float32")
    assert ClassDirections.from_config(layer.get_config()).classes == 7
    assert math.prod(layer(np.eye(3, dtype="float32")).shape) == 9


@pytest.mark.long
def test_it_reads_omniglot(omniglot):
    found = read(PIPELINE, omniglot, image_size=16)
    assert (len(found.train), len(found.test)) == (2860, 1140)
    assert len(found.class_names) == 143
    assert found.train.examples(np.arange(1))[0].shape == (1, 16, 16, 1)
    assert {found.test.kinds[label].partition("_")[0] for label in found.test.labels} == {"Korean", "Tagalog"}


def test_where_no_kind_has_two_pictures_to_validate_it_is_said_and_no_epoch_is_best(tmp_path):
    rng = np.random.default_rng(0)
    for kind in "abcd":
        (tmp_path / "set" / kind).mkdir(parents=True)
        for number in range(4):
            keras.utils.save_img(tmp_path / f"set/{kind}/{number}.png", rng.integers(0, 256, (16, 16, 1)))
    asked = {"recipe": "quick", "data": str(tmp_path / "set"), "epochs": 1, "out": tmp_path, "batch_size": 8}
    options = {"report": False, "model.widths": [4]}
    with pytest.warns(UserWarning, match="`val_loss`, `val_recall_at_k` says nothing: no two of .* one kind") as said:
        result = kzoo.run("embedding", options=options, verbose=0, **asked)
    assert sum("says nothing" in str(one.message) for one in said) == 1
    assert not result.run.best_path.exists()
    with pytest.raises(UsageError, match=r"`train.monitor` is `val_loss`, which says nothing .*train.monitor=loss"):
        kzoo.run("embedding", options={**options, "train.keep": "best"}, **asked)
