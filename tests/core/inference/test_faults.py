"""A network that is not its pipeline's is said to be that, whatever it makes the pipeline fail with."""

import keras
import numpy as np
import pytest

import kzoo as package
from kzoo.errors import DataError, KzooError
from kzoo.inference.faults import naming
from kzoo.models.card import ModelCard
from kzoo.models.saving import save_model
from kzoo.pipeline import picture_shape


class Odd:
    pass


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (IndexError("too far."), KzooError, r"Odd` cannot work with m\.keras: IndexError: too far\. Either .*--debug"),
        (DataError("ours"), DataError, r"^ours$"),
        (KeyboardInterrupt("stop"), KeyboardInterrupt, r"^stop$"),
    ],
)
def test_errors_of_others_get_the_names_and_ours_stay(raised, kind, said):
    with pytest.raises(kind, match=said), naming("m.keras", Odd()):
        raise raised


@pytest.mark.parametrize("shape", [(), (5,), (28, 28), (28, 28, 2), (2, 28, 28, 1)])
def test_what_is_no_picture_is_refused(shape):
    with pytest.raises(KzooError, match="belongs to another pipeline"):
        picture_shape({"input_shape": shape})


def test_pictures_are_taken():
    assert picture_shape({"input_shape": [28, 20, 1]}) == (28, 20, 1)


def heads(*anchor):
    return {"heads": [{"anchors": [anchor], "classes": 3}]}


BOXES = ("yolov3", (32, 32, 3), "detection")
NETWORKS = {
    "numbers for pictures": ("mnist", (5,), "classification", {}, "belongs to another pipeline"),
    "numbers for hands": ("fingers", (28,), "classification", {}, "belongs to another pipeline"),
    "no heads": (*BOXES, {"heads": 5}, "does not say what its heads are"),
    "heads of nothing": (*BOXES, heads(0, 1), "must be above 0"),
    "another network": (*BOXES, heads(9, 9), r"failed in `reader\(\)\.load`.* another model than .*m\.keras"),
    "a list for a table": (*BOXES, {"darknet": [1], "schema": "x"}, "does not say which anchors"),
    "no columns": ("regression", (2,), "regression", {"schema": {"target": 3}}, "what the columns of its table are"),
    "other columns": (
        "regression", (2,), "regression", {"schema": {"target": "y", "columns": [{"name": "x"}]}}, "network takes 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NETWORKS)
def test_a_card_in_another_model_is_one_clear_error(case, tmp_path):
    pipeline, shape, task, own, said = NETWORKS[case]
    network = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(3)])
    classes = () if task == "regression" else ("a", "b", "c")
    card = ModelCard(pipeline=pipeline, task=task, class_names=classes, input_shape=shape, own=own)
    save_model(network, tmp_path / "m.keras", card)
    given = {"x": 1.0} if task == "regression" else np.zeros((40, 40, 3), np.uint8)
    with pytest.raises(KzooError, match=said):
        package.open(tmp_path / "m.keras").predict(given)
