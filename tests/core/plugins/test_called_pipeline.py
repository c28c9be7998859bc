"""A pipeline behaves as its author's object does, and what its reader returns is looked at."""

import copy

import pytest

from kzoo.errors import ComponentError, DataError
from kzoo.pipeline import ClassPrediction, DataSource, FromPath, FromSample, Pipeline, Reader, Recordable
from kzoo.plugin import PipelineSpec
from kzoo.plugins.called_pipeline import called_pipeline
from kzoo.plugins.registry import Entry

ENTRY = Entry(
    PipelineSpec(name="told", target=f"{__name__}:Told", task="classification", summary="x"), "kzoo-x", "2", ""
)
ANSWERS = {}


class TellingReader(Reader):
    def predict(self, items):
        return ANSWERS["predict"]


class Told(Pipeline):
    name = "told"

    def source(self, card=None):
        return DataSource(path=FromPath(self.read), sample=FromSample(lambda settings: 1 / 0))

    def read(self, path, settings, reading):
        message = "There is nothing in it."
        raise DataError(message)

    def build(self, problem, train, settings):
        raise NotImplementedError

    def reader(self, card, forward, settings):
        return ANSWERS.get("reader", TellingReader())


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setattr("kzoo.plugins.called_pipeline.load_target", lambda entry: Told)
    ANSWERS.clear()
    return called_pipeline(ENTRY)


def test_it_has_what_the_authors_object_has(told):
    assert (told.name, told.unit, told.augment_settings) == ("told", "img", None)
    assert not isinstance(told, Recordable)
    assert told.source().without_real == ""
    assert told.reader({}, None, None).batch_size == 32
    assert copy.copy(told).name == "told"
    with pytest.raises(AttributeError):
        _ = told.nothing_of_the_kind


def test_errors_for_people_stay_what_they_are(told):
    with pytest.raises(DataError, match=r"^There is nothing in it\.$"):
        told.source().path.load(["x"], None, None)
    with pytest.raises(
        ComponentError, match=r"The pipeline `told` of kzoo-x 2 failed in `source\(\)\.sample\.make`: Zero"
    ):
        told.source().sample.make(None)


RIGHT = ClassPrediction("a", 0, 1.0, {"a": 1.0})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "returned None from `reader().predict`"),
        ("ab", "type `str` from `reader().predict`"),
        ([RIGHT, "b"], "type `list` from `reader().predict`, where a list of predictions is due"),
        ([RIGHT], "returned 1 predictions for 2 inputs"),
    ],
)
def test_what_a_reader_predicts_is_looked_at(told, answer, words):
    ANSWERS["predict"] = answer
    with pytest.raises(ComponentError) as caught:
        told.reader({}, None, None).predict(["x", "y"])
    assert words in str(caught.value)
    ANSWERS["predict"] = [RIGHT, RIGHT]
    assert told.reader({}, None, None).predict(["x", "y"]) == [RIGHT, RIGHT]


def test_a_reader_must_be_one(told):
    ANSWERS["reader"] = {}
    with pytest.raises(ComponentError, match="type `dict` from `reader`, where a Reader is due"):
        told.reader({}, None, None)
