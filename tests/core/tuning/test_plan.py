"""A study before anything is trained: what is wrong with it is said at once, and what it makes better is known."""

import pytest

from kzoo.errors import KzooError, UsageError
from kzoo.plugins.registry import get_registry
from kzoo.tuning.plan import Asked, plan_of, seconds_of

COMMON = {"recipe": "quick", "data": "sample", "limit": 64}


def planned(*search, pipeline="mnist", common=None, **asked):
    return plan_of(Asked(pipeline=pipeline, search=search, common={**COMMON, **(common or {})}, **asked))


@pytest.mark.parametrize(
    ("search", "asked", "words"),
    [
        (
            ["optimizer.learning_rat=1..2"],
            {},
            "no setting `learning_rat` (from --search). Did you mean `learning_rate`",
        ),
        (["loss=emd,focal", "loss.gamma=1..2"], {}, "The loss `emd` (from kzoo"),
        (["model.wdth=1..2"], {}, "The pipeline `mnist` has no setting `model.wdth` (from --search)"),
        (["train.epoch=1..2:int"], {}, "no setting `train.epoch`"),
        (["train.batch_size=0..64:int"], {}, "`train.batch_size` must be a whole number of at least 1, not 0 (from --"),
        (["train.batch_size=8..64"], {}, "is written train.batch_size=8..64:int"),
        (["model.network=default,foo"], {}, "must be default, general or classic, not 'foo'"),
        (["loss=emd,giou"], {}, "is for detection, not for classification"),
        (["loss=emd,focl"], {}, "No loss named `focl`. Did you mean `focal`"),
        (["optimizer.momentum=0..1"], {"metric": "val_acuracy"}, "No metric named `acuracy`"),
        (["optimizer.momentum=0..1"], {"metric": "val_acuracy"}, "logs val_loss, val_accuracy;"),
        (["optimizer.momentum=0..1"], {"metric": "val_r2_score"}, "not for classification"),
        (["optimizer.momentum=0..1"], {"metric": "accuracy"}, "measured on what is trained on"),
        (["optimizer.momentum=0..1"], {"metric": "loss"}, "Take --metric val_loss"),
        (["loss=emd,focal"], {"metric": "val_loss"}, "`val_loss` says nothing where `loss` is searched"),
        (["regularizer.l2=1e-6..1e-2:log"], {"metric": "val_loss"}, "where `regularizer.l2` is searched"),
        (["optimizer.momentum=0..1"], {"sampler": "tp"}, "There is no sampler `tp`"),
        (["optimizer.momentum=0..1"], {"sampler": "tpe:n_startup=3"}, "Did you mean `n_startup_trials`"),
        (["optimizer.momentum=0..1"], {"sampler": "grid"}, "has no end of values"),
        (["loss=emd,focal"], {"sampler": "cmaes"}, "searches ranges"),
        (["optimizer.momentum=0..1"], {"pruner": "medan"}, "There is no pruner `medan`"),
        (["optimizer.momentum=0..1"], {"pruner": "percentile:percentile=200"}, "refused by Optuna"),
        (["optimizer.momentum=0..1"], {"budget": "soon"}, "`budget` must be a time"),
        (["optimizer.momentum=0..1"], {"trials": 0}, "`trials` must be a whole number"),
        (["optimizer.momentum=0..1"], {"seeds": -1}, "`seeds` must be a whole number"),
        (["optimizer.momentum=0..1"], {"study": "../mine"}, "`study` must be a name"),
    ],
)
def test_what_cannot_be_tuned_is_refused_at_once(search, asked, words):
    common = {"regularizer": "l2"} if "regularizer" in search[0] else {}
    with pytest.raises(UsageError) as caught:
        planned(*search, common=common, **asked)
    assert words in str(caught.value)


def test_the_metric_and_its_direction_are_those_of_the_specs():
    epochs = "train.epochs=1..3:int"
    assert planned(epochs).metric.name == "val_accuracy"
    assert planned(epochs, pipeline="regression").metric.name == "val_r2_score"
    for name, pipeline in (("mcc", "mnist"), ("ece", "mnist"), ("brier", "mnist"), ("mape", "regression")):
        found = planned(epochs, pipeline=pipeline, metric=f"val_{name}")
        assert found.metric.direction == get_registry().metric(name).spec.direction
        assert name in map(str, found.default.metrics)
    found = planned(epochs, metric="val_ece:n_bins=5")
    assert (found.metric.name, found.metric.direction) == ("val_ece_n_bins_5", "min")
    assert planned(epochs, metric="val_loss").metric.direction == "min"
    boxes = planned(epochs, pipeline="yolov3")
    assert (boxes.metric.name, boxes.metric.direction) == ("val_ap50", "max")
    assert boxes.default.train.measure_every == 1
    with pytest.raises(UsageError, match="has no direction"):
        planned(epochs, metric="val_confusion_matrix")


def test_the_default_has_its_place_in_the_space():
    plan = planned(
        "optimizer.learning_rate.max_learning_rate=1e-3..1:log",
        "train.batch_size=16,32,64",
        "loss=emd,categorical_crossentropy",
        "regularizer=none,l2:l2=1e-4",
        "augment.reach=0..3:int",
        "optimizer.weight_decay=0..0.1",
    )
    assert plan.default_values() is None  # SGD's own weight decay is None
    plan = planned(*(str(axis) for axis in plan.axes[:-1]))
    assert plan.default_values() == {
        "optimizer.learning_rate.max_learning_rate": 0.1,
        "train.batch_size": "64",
        "loss": "categorical_crossentropy",
        "regularizer": "none",
        "augment.reach": 2,
    }
    assert plan.settings(plan.default_values()).values["loss"] == plan.default.values["loss"]
    assert planned("optimizer.momentum=0..0.5").default_values() is None
    # Of a component and of an argument of it: the argument is left out of the comparison of the component.
    plan = planned("optimizer=sgd:momentum=0.9,nesterov=true,adam", "optimizer.learning_rate=1e-4..1:log")
    assert plan.default_values() is None
    plan = planned(
        "optimizer=adam,sgd", "optimizer.learning_rate=1e-4..1:log", common={"optimizer": "adam:learning_rate=0.01"}
    )
    assert plan.default_values() == {"optimizer": "adam", "optimizer.learning_rate": 0.01}
    assert planned("optimizer.beta_1=0.5..0.99", common={"optimizer": "adam"}).default_values() == {
        "optimizer.beta_1": 0.9
    }


def test_settings_of_a_trial_are_those_of_a_run_with_their_origin():
    plan = planned("loss=emd:p=1,focal:gamma=2", "optimizer.momentum=0..1", seed=3)
    found = plan.settings({"loss": "focal:gamma=2", "optimizer.momentum": 0.25}, seed=7, origin="trial 4")
    assert (str(found.loss), found.optimizer.kwargs["momentum"], found.seed) == ("focal:gamma=2", 0.25, 7)
    assert found.origins["optimizer.momentum"] == found.origins["loss.name"] == "trial 4"
    assert plan.default.seed == 3


def test_the_name_of_a_study_follows_from_what_is_searched_and_trained():
    one = planned("optimizer.momentum=0..1")
    assert one.name == planned("optimizer.momentum=0..1", trials=50, sampler="random", pruner="none", seeds=3).name
    others = [
        planned("optimizer.momentum=0..0.9"),
        planned("optimizer.momentum=0..1", metric="val_loss"),
        planned("optimizer.momentum=0..1", seed=1),
        planned("optimizer.momentum=0..1", common={"epochs": 2}),
    ]
    assert len({one.name, *(other.name for other in others)}) == 5
    assert planned("optimizer.momentum=0..1", study="mine").name == "mine"


def test_how_many_trials_there_are():
    assert planned("optimizer.momentum=0..1").limit == 20
    assert planned("optimizer.momentum=0..1", trials=3).limit == 3
    assert planned("optimizer.momentum=0..1", budget="30m").limit is None
    assert planned("optimizer.momentum=0..1", budget="30m", trials=3).limit == 3
    grid = ("loss=emd,focal,poly1", "augment.reach=0..3:int")
    assert planned(*grid, sampler="grid").limit == 12
    assert planned(*grid, sampler="grid", trials=5).limit == 5


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("30min", 1800), ("1h30m", 5400), ("0.5h", 1800), ("45", 45)]
)
def test_times_are_read(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "0s", "-3m", "3d", "m30"])
def test_what_is_no_time_is_said(text):
    with pytest.raises(UsageError, match="must be a time"):
        seconds_of(text)


def test_without_optuna_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(KzooError, match=r"pip install 'kzoo\[tune\]'"):
        planned("optimizer.momentum=0..1")
