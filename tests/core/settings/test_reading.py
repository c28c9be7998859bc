"""What a user may set, of every kind of type that tables of settings use, and what is said of anything else."""

from dataclasses import FrozenInstanceError, field
from typing import Annotated, Literal

import pytest

from kzoo.errors import UsageError
from kzoo.models.saved import find_pipeline
from kzoo.plugins.registry import get_registry
from kzoo.runs.config import DataSettings, RunConfig, RunSettings, TrainSettings, layer_from_options
from kzoo.settings import NoSettings, defaults_of, described, read_settings, refuse_unknown, setting, settings

Side = Annotated[int, setting("A side.", ge=16, le=1024)]
SIDE = "a whole number of at least 16 and at most 1024"


@settings
class Table:
    """One setting of every kind."""

    count: Annotated[int, setting("How many.", ge=1)] = 3
    share: Annotated[float, setting("Which part.", gt=0, lt=1)] = 0.5
    on: Annotated[bool, setting("Whether.")] = False
    name: Annotated[str, setting("Its name.")] = ""
    keep: Annotated[Literal["last", "best"], setting("Which.")] = "last"
    limit: Annotated[int, setting("At most.", ge=1)] | None = None
    size: Annotated[Side | tuple[Side, Side], setting("A side, or height and width.")] = 96
    range: Annotated[tuple[float, float], setting("From and to.")] = (0.5, 2.0)
    widths: Annotated[tuple[int, ...], setting("Of the layers.")] | None = None
    names: Annotated[str | tuple[str, ...], setting("Columns.")] = ()
    classes: Annotated[str | int | tuple[str | int, ...], setting("Classes.")] = ""
    items: Annotated[list[str], setting("Things.")] = field(default_factory=list)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("count", 1, 1),
        ("share", 0.25, 0.25),
        ("on", True, True),
        ("name", "a", "a"),
        ("keep", "best", "best"),
        ("limit", 5, 5),
        ("limit", None, None),
        ("size", 16, 16),
        ("size", [64, 1024], (64, 1024)),
        ("range", [1, 2.5], (1.0, 2.5)),
        ("widths", [8, 16], (8, 16)),
        ("widths", [], ()),
        ("names", "a,b", "a,b"),
        ("names", ["a", "b"], ("a", "b")),
        ("classes", 3, 3),
        ("classes", [3, "dog"], (3, "dog")),
        # A name that is a number looks like a number on a command line.
        ("name", 1, "1"),
        ("name", 2.5, "2.5"),
        ("names", 1, "1"),
        ("names", [1, "b"], ("1", "b")),
        ("items", ["a"], ["a"]),
    ],
)
def test_what_is_allowed_becomes_the_type(name, given, expected):
    found = getattr(read_settings(Table, {name: given}), name)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("count", 0, "`t.count` must be a whole number of at least 1, not 0."),
        ("count", 2.5, "`t.count` must be a whole number of at least 1, not 2.5."),
        ("count", "3", "`t.count` must be a whole number of at least 1, not '3'."),
        ("count", True, "`t.count` must be a whole number of at least 1, not True."),
        ("share", 1, "`t.share` must be a number above 0 and below 1, not 1."),
        ("share", 0, "`t.share` must be a number above 0 and below 1, not 0."),
        ("share", "half", "`t.share` must be a number above 0 and below 1, not 'half'."),
        ("on", 1, "`t.on` must be true or false, not 1."),
        ("on", "yes", "`t.on` must be true or false, not 'yes'."),
        ("name", True, "`t.name` must be text, not True."),
        ("name", ["a"], "`t.name` must be text, not ['a']."),
        ("keep", "first", "`t.keep` must be last or best, not 'first'."),
        ("keep", 3, "`t.keep` must be last or best, not 3."),
        ("limit", 0, "`t.limit` must be a whole number of at least 1, not 0."),
        ("size", 8, f"`t.size` must be {SIDE} or a list of 2: {SIDE} each, not 8."),
        ("size", [64, 2048], "not [64, 2048]."),
        ("size", [64], "not [64]."),
        ("size", [64, 64, 3], "not [64, 64, 3]."),
        ("range", [1], "`t.range` must be a list of 2: a number each, not [1]."),
        ("range", 1, "`t.range` must be a list of 2: a number each, not 1."),
        ("widths", [8, 0.5], "`t.widths` must be a list of whole numbers, not [8, 0.5]."),
        ("names", {"a": 1}, "`t.names` must be text or a list of texts, not {'a': 1}."),
        ("classes", [True], "`t.classes` must be text, a whole number or a list of text or a whole number, not [True]"),
    ],
)
def test_anything_else_is_refused_in_words(name, given, words):
    with pytest.raises(UsageError) as caught:
        read_settings(Table, {name: given}, prefix="t.")
    assert words in str(caught.value)


def test_what_nobody_gave_is_as_the_table_says():
    assert read_settings(Table, {}) == Table()
    assert read_settings(NoSettings, {}) == NoSettings()
    with pytest.raises(FrozenInstanceError):
        Table().count = 4


def test_where_a_value_came_from_is_said():
    with pytest.raises(UsageError, match=r"`t\.count` must be .*, not 0 \(from -o of t\.count\)\.$"):
        read_settings(Table, {"count": 0}, prefix="t.", origin=lambda key: f" (from -o of {key})")
    with pytest.raises(UsageError, match=r"`t\.cuont` \(from t\.cuont\)\. Did you mean `t\.count`\?"):
        read_settings(Table, {"cuont": 1}, prefix="t.", origin=lambda key: f" (from {key})")


@pytest.mark.parametrize(
    ("known", "more", "words"),
    [
        (["epochs", "keep"], {"prefix": "train."}, "There is no setting `train.epoch`. Did you mean `train.epochs`?"),
        (
            ["keep", "mode"],
            {"prefix": "train."},
            "There is no setting `train.epoch`. There are: train.keep, train.mode.",
        ),
        (["keep"], {"whose": "The pipeline `p`"}, "The pipeline `p` has no setting `epoch`. It has: keep."),
        ([], {"whose": "The pipeline `p`"}, "The pipeline `p` has no setting `epoch`. It has none."),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_or_all(known, more, words):
    refuse_unknown(known, known, **more)
    with pytest.raises(UsageError) as caught:
        refuse_unknown(["epoch"], known, **more)
    assert str(caught.value) == words


@settings
class Pair:
    """What one field alone does not decide."""

    low: Annotated[float, setting("The smallest.")] = 0.0
    high: Annotated[float, setting("The largest.")] = 1.0

    def __post_init__(self):
        if self.low > self.high:
            message = f"`low` is {self.low}, above `high`, {self.high}."
            raise UsageError(message)


def test_what_one_field_does_not_decide_is_the_tables_to_check():
    assert read_settings(Pair, {"low": 1}).low == 1.0
    with pytest.raises(UsageError, match=r"`low` is 2\.0, above `high`"):
        read_settings(Pair, {"low": 2})


def tables():
    """Return every table of settings that kzoo and its pipelines have, by a name."""
    found = {table.__name__: table for table in (RunSettings, DataSettings, TrainSettings)}
    for entry in get_registry().entries("pipeline"):
        pipeline = find_pipeline(entry.name)
        source = pipeline.source()
        own = {
            "model": pipeline.model_settings,
            "augment": pipeline.augment_settings,
            "predict": pipeline.reader_settings,
            "record": getattr(pipeline, "record_settings", None),
            "path": source.path.settings,
            "sample": source.sample.settings,
        }
        found |= {f"{entry.name} {name}": table for name, table in own.items() if table is not None}
    return found


ALL = tables()


@pytest.mark.parametrize("table", ALL.values(), ids=ALL)
def test_every_table_reads_its_own_defaults_and_refuses_what_is_no_value(table):
    for one in described(table):
        assert one.doc.endswith("."), one.name
        default = list(one.default) if isinstance(one.default, tuple) else one.default
        if default not in ("", None):
            assert getattr(read_settings(table, {one.name: default}), one.name) == one.default
        with pytest.raises(UsageError, match=f"`x.{one.name}` must be "):
            read_settings(table, {one.name: object()}, prefix="x.")
    assert read_settings(table, {}) == table()


def test_a_default_that_is_made_anew_is_the_tables_alone():
    defaults_of(RunSettings)["metrics"].append("accuracy")
    assert RunSettings().metrics == []


def test_a_column_with_a_number_for_its_name_can_be_the_target():
    base = {"pipeline": "regression", "loss": {"name": "mse"}, "optimizer": {"name": "adam"}, "metrics": []}
    layer = layer_from_options(["data.target=1", "data.exclude=[2,3]"])
    config = RunConfig.merge([("x", {**base, "train": {}, "seed": 0}), ("-o", layer)])
    path = find_pipeline("regression").source().path.settings
    chosen = config.read(path, "data", config.data_settings)
    assert (chosen.target, chosen.excluded) == ("1", ("2", "3"))
