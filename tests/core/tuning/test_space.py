"""What is searched, as it is written: read into the distributions of Optuna."""

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from kzoo.errors import UsageError
from kzoo.tuning.space import axis_of, searchable, space_of


@pytest.mark.parametrize(
    ("text", "distribution"),
    [
        ("optimizer.learning_rate=1e-4..1e-1:log", FloatDistribution(1e-4, 1e-1, log=True)),
        ("optimizer.momentum = .5 .. 0.99", FloatDistribution(0.5, 0.99)),
        ("loss.alpha=-1..-.5", FloatDistribution(-1.0, -0.5)),
        ("model.dropout=0..0.55:step=0.1", FloatDistribution(0.0, 0.5, step=0.1)),
        ("model.width=16..64:int", IntDistribution(16, 64)),
        ("model.width=16..70:int,step=16", IntDistribution(16, 64, step=16)),
        ("train.batch-size=8..512:log,int", IntDistribution(8, 512, log=True)),
        ("loss=emd,focal", CategoricalDistribution(("emd", "focal"))),
        (
            "loss=emd:p=1,focal:gamma=2,alpha=0.25,poly1",
            CategoricalDistribution(("emd:p=1", "focal:gamma=2,alpha=0.25", "poly1")),
        ),
        ("regularizer=none,l2(l2=1e-4)", CategoricalDistribution(("none", "l2:l2=0.0001"))),
        (
            "loss=mixture:losses=[emd,focal(gamma=2)],poly1",
            CategoricalDistribution(("mixture:losses=[emd,focal(gamma=2)]", "poly1")),
        ),
        ("model.widths=[16,32],[32,64]", CategoricalDistribution(("[16,32]", "[32,64]"))),
        ("train.keep=last,best", CategoricalDistribution(("last", "best"))),
    ],
)
def test_a_search_is_what_optuna_takes(text, distribution):
    found = axis_of(text)
    assert found.distribution() == distribution
    assert axis_of(str(found)) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("optimizer.momentum", "must have the form KEY=LOW..HIGH"),
        ("=1..2", "must have the form"),
        ("loss=focal", "only one value"),
        ("loss=", "empty value"),
        ("train.keep=last,", "empty value"),
        ("loss=emd,focal,emd", "the value `emd` twice"),
        ("loss=emd,focal:gamma=", "not a component reference"),
        ("a.b=2..1", "must be below"),
        ("a.b=1..1", "must be below"),
        ("a.b=0..1:log", "`log` needs a range above 0"),
        ("a.b=1..9:log,step=2", "exclude each other"),
        ("a.b=1..9.5:int", "`int` needs whole numbers"),
        ("a.b=1..9:step=0", "`step` must be above 0"),
        ("a.b=1..9:step=10", "no longer than the range"),
        ("a.b=1..9:lg", "`lg` is none of what may stand behind a range"),
        ("a.b=1..9:", "`` is none of what"),
        ("a.b=1e400..2e400", "must be below"),
        ("seed=1,2,3", "--seed is that of all trials"),
        ("data.limit=10..20:int", "judged on the same validation data"),
        ("recipe=quick,default", "`recipe` cannot be searched"),
    ],
)
def test_what_cannot_be_searched_is_said(text, words):
    with pytest.raises(UsageError) as caught:
        axis_of(text)
    assert words in str(caught.value)


def test_a_setting_is_searched_once_and_something_is():
    with pytest.raises(UsageError, match="names `loss` twice"):
        space_of(["loss=emd,focal", "loss=poly1,emd"])
    with pytest.raises(UsageError, match="Name what to search"):
        space_of([])
    assert [searchable(key) for key in ("train.epochs", "seed", "data.source")] == [True, False, False]


def test_numbers_are_written_as_what_they_are():
    # Keras's SGD refuses a momentum of 0 where it takes 0.0.
    assert axis_of("optimizer.momentum=0..1").option(0.0) == "optimizer.momentum=0.0"
    assert axis_of("train.batch_size=1..8:int").option(4) == "train.batch_size=4"
    assert axis_of("a.b=1e-4..1e-1:log").option(0.1234567890123456) == "a.b=0.1234567890123456"
    assert axis_of("loss=emd:p=1,focal").option("emd:p=1") == "loss=emd:p=1"


def test_ends_hold_all_of_a_list_and_a_number_between_that_is_not_round():
    assert axis_of("loss=emd,focal,poly1").ends() == ["emd", "focal", "poly1"]
    low, between, high = axis_of("train.batch_size=16..64").ends()
    assert (low, high) == (16, 64)
    assert between != int(between)
    assert axis_of("a.b=1..4:int").ends() == [1, 3, 4]
    assert axis_of("a.b=0..1:step=0.25").values() == [0, 0.25, 0.5, 0.75, 1]
    assert axis_of("a.b=0..1").values() is None


def test_a_setting_has_its_place_in_the_space():
    assert axis_of("a.b=0..1:step=0.1").place_of("0.3") == 0.3
    assert axis_of("a.b=0..1:step=0.1").place_of("0.35") is None
    assert axis_of("a.b=0..1").place_of("1.5") is None
    assert axis_of("a.b=1..9:int").place_of("4") == 4
    assert axis_of("a.b=1..9:int").place_of("4.5") is None
    assert axis_of("loss=emd,focal").place_of("focal") == "focal"


def test_a_value_is_told_as_what_it_is():
    assert [axis_of("train.batch_size=16,1e3").told(one) for one in ("16", "1e3")] == [16, 1000.0]
    assert axis_of("loss=emd:p=1,focal").told("emd:p=1") == "emd:p=1"
    assert axis_of("a.b=0..1").told(0.5) == 0.5
    assert axis_of("loss=emd,focal").place_of("poly1") is None
    assert axis_of("a.b=0..1").place_of("adam") is None
