"""The card inside a saved model: what was stored comes back, also from cards of the first version."""

import json
import zipfile
from dataclasses import fields

import keras
import pytest

from kzoo.errors import KzooError
from kzoo.models.card import CARD_VERSION, ModelCard
from kzoo.models.saved import SavedModel, find_model
from kzoo.models.saving import CARD, read_card

DETECTOR = {
    "schema_version": 1,
    "pipeline": "yolov3",
    "task": "detection",
    "class_names": ["square", "disc"],
    "input_shape": [416, 416, 3],
    "label_form": "",
    "data_settings": {"image_size": 416},
    "output_names": [],
    "schema": {"heads": [{"stride": 32, "anchors": [[10, 14]]}]},
    "run": "yolov3/20261122T053438Z-quick-yolo-s0",
    "heads": [{"stride": 32, "anchors": [[10, 14]]}],
    "darknet": {"cfg": "[net]", "header": [0, 2, 0, 7]},
    "components": [{"name": "kzoo_plugins>Yolo", "distribution": "kzoo", "version": "0.1.0"}],
}
"""A card of the first version, in which what the pipeline stored stood among the other keys."""


def stored(path, card):
    """Save a model of plain Keras and put a card into it."""
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    if card is not None:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(CARD, json.dumps(card))
    return path


def test_a_card_of_the_first_version_is_read(tmp_path):
    card = read_card(stored(tmp_path / "m.keras", DETECTOR))
    assert card.schema_version == CARD_VERSION
    assert (card.pipeline, card.task, card.run) == ("yolov3", "detection", DETECTOR["run"])
    assert card.class_names == ("square", "disc")
    assert card.input_shape == (416, 416, 3)
    assert card.data_settings == {"image_size": 416}
    assert card.components == tuple(DETECTOR["components"])
    assert card.own == {key: DETECTOR[key] for key in ("schema", "heads", "darknet")}


def test_a_reader_is_given_what_the_pipeline_stored_beside_inputs_and_classes():
    given = ModelCard.from_dict(DETECTOR).for_reader()
    assert given["class_names"] == ("square", "disc")
    assert given["input_shape"] == (416, 416, 3)
    assert given["heads"] == DETECTOR["heads"]
    assert given["darknet"]["header"] == [0, 2, 0, 7]


def test_every_field_comes_back():
    tuples = {"class_names": ("a",), "input_shape": (1, 2), "output_names": ("y",), "components": ({"name": "x"},)}
    mappings = {"data_settings": {"a": 1}, "own": {"heads": [1]}}
    known = {**tuples, **mappings, "schema_version": CARD_VERSION}
    card = ModelCard(**known, **{field.name: field.name for field in fields(ModelCard) if field.name not in known})
    again = ModelCard.from_dict(json.loads(json.dumps(card.to_dict())))
    assert again == card


def test_a_card_of_a_newer_kzoo_or_of_nobody_is_refused(tmp_path):
    newer = stored(tmp_path / "newer.keras", {**DETECTOR, "schema_version": CARD_VERSION + 1})
    with pytest.raises(KzooError, match=r"newer\.keras was written by a newer kzoo .*pip install --upgrade kzoo"):
        read_card(newer)
    for name, broken in (("text", {**DETECTOR, "schema_version": "one"}), ("list", [1]), ("number", 3)):
        with pytest.raises(KzooError, match=rf"{name}\.keras holds a card that kzoo did not write"):
            read_card(stored(tmp_path / f"{name}.keras", broken))


def test_a_damaged_card_is_named(tmp_path):
    path = stored(tmp_path / "m.keras", None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(CARD, "{")
    with pytest.raises(KzooError, match=r"m\.keras, its member kzoo\.json, is damaged"):
        read_card(path)


def test_a_model_without_a_card_does_not_say_its_pipeline(tmp_path):
    saved = find_model(str(stored(tmp_path / "m.keras", None)))
    assert saved == SavedModel(tmp_path / "m.keras", ModelCard(), None)
    with pytest.raises(KzooError, match="does not say which pipeline"):
        saved.pipeline()


def test_the_task_of_an_old_card_is_its_pipelines(tmp_path):
    older = {key: value for key, value in DETECTOR.items() if key != "task"}
    assert find_model(str(stored(tmp_path / "m.keras", older))).task().name == "detection"
