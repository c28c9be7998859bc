"""The card inside a saved model: what was stored comes back, also from cards of the first version."""

import json
import zipfile
from dataclasses import fields

import keras
import pytest

import kzoo
from kzoo.errors import KzooError
from kzoo.models.card import CARD_VERSION, ModelCard
from kzoo.models.saved import SavedModel, find_model
from kzoo.models.saving import CARD, read_card, save_model

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
    layers = [keras.Input((416, 416, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)]
    keras.Sequential(layers).save(path)
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
    mappings = {"data_settings": {"a": 1}, "own": {"heads": [1]}, "inputs": {"low": [1]}}
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
    with pytest.raises(
        KzooError, match=r"m\.keras is not read: its member kzoo\.json is damaged: Expecting property name"
    ):
        read_card(path)


DAMAGE = {
    "a number for names": ({"class_names": 3}, "`class_names` must be a list of texts, not 3"),
    "a text for names": ({"class_names": "ab"}, "`class_names` must be a list of texts, not 'ab'"),
    "numbers for names": ({"class_names": [1, 2]}, "`class_names` must be"),
    "a text for a shape": (
        {"input_shape": "x"},
        "`input_shape` must be a list of whole numbers of at least 1, not 'x'",
    ),
    "no pixels": ({"input_shape": [0, 4, 3]}, "`input_shape` must be"),
    "no shape": ({"input_shape": None}, "`input_shape` is missing"),
    "a number for a pipeline": ({"pipeline": 3}, "`pipeline` must be a text, not 3"),
    "a list for a task": ({"task": ["detection"]}, "`task` must be a text"),
    "a text for settings": ({"data_settings": "x" * 100}, f"`data_settings` must be a table, not '{'x' * 79} ...."),
    "a text for components": ({"components": "x"}, "`components` must be a list of tables of texts"),
    "texts for components": ({"components": ["x"]}, "`components` must be"),
    "a list for its own": ({"own": [1]}, "`own` must be a table"),
}


@pytest.mark.parametrize("version", [1, CARD_VERSION])
@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_field_is_named(case, version):
    change, said = DAMAGE[case]
    with pytest.raises(KzooError) as caught:
        ModelCard.from_dict({**DETECTOR, "schema_version": version, **change}, "m.keras")
    assert str(caught.value).startswith("m.keras holds a damaged card, its member kzoo.json: ")
    assert said in str(caught.value)


def test_a_field_that_is_null_is_one_that_is_not_there():
    nothing = dict.fromkeys(("run", "own", "label_form", "output_names", "components", "data_settings"))
    card = ModelCard.from_dict({**DETECTOR, **nothing})
    assert (card.run, card.output_names, card.components, card.data_settings) == ("", (), (), {})


def test_a_model_of_classes_names_them(tmp_path):
    card = ModelCard.from_dict({**DETECTOR, "class_names": None})
    with pytest.raises(KzooError, match=r"m\.keras holds a damaged card.*`class_names` is missing or empty"):
        SavedModel(tmp_path / "m.keras", card, None).pipeline()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "does not say which plugin has it"),
        ({"plugin": "kzoo-gone==1.2"}, "It came from kzoo-gone 1.2: install that with `pip install kzoo-gone==1.2`"),
        ({"pipeline": "kzoo-gone:gone"}, "It came from kzoo-gone: install that with `pip install kzoo-gone`"),
    ],
)
def test_a_pipeline_that_is_not_installed(change, said, tmp_path):
    path = stored(tmp_path / "m.keras", {**DETECTOR, "pipeline": "gone", **change})
    with pytest.raises(KzooError) as caught:
        find_model(str(path)).pipeline()
    assert str(caught.value).startswith(f"{path} was made by the pipeline `{change.get('pipeline', 'gone')}`")
    assert said in str(caught.value)


def test_a_task_that_is_not_known(tmp_path):
    path = stored(tmp_path / "m.keras", {**DETECTOR, "task": "guessing"})
    with pytest.raises(KzooError, match=r"m\.keras was trained for the task `guessing`\. kzoo cannot run"):
        find_model(str(path)).task()


def test_the_plugin_of_the_pipeline_is_stored(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    save_model(model, tmp_path / "m.keras", ModelCard(pipeline="yolov3"))
    assert read_card(tmp_path / "m.keras").plugin == f"kzoo=={kzoo.__version__}"


def test_a_model_without_a_card_does_not_say_its_pipeline(tmp_path):
    saved = find_model(str(stored(tmp_path / "m.keras", None)))
    assert saved == SavedModel(tmp_path / "m.keras", ModelCard(), None)
    with pytest.raises(KzooError, match="does not say which pipeline"):
        saved.pipeline()


def test_the_task_of_an_old_card_is_its_pipelines(tmp_path):
    older = {key: value for key, value in DETECTOR.items() if key != "task"}
    assert find_model(str(stored(tmp_path / "m.keras", older))).task().name == "detection"
