"""Layers of settings, their origins, their checks, and the file that replays them."""

import tomllib

import pytest

from kzoo.errors import KzooError, UsageError
from kzoo.runs.config import DEFAULTS, DataSettings, RunConfig, TrainSettings, layer_from_options, read_toml
from kzoo.runs.configure import configure

RECIPE = {
    "metrics": ["accuracy"],
    "loss": {"name": "focal", "gamma": 2},
    "optimizer": {"name": "sgd", "momentum": 0.9, "learning_rate": {"name": "one_cycle", "max_learning_rate": 0.1}},
    "train": {"epochs": 4},
}


def merged(*layers):
    base = [("default", DEFAULTS), ("recipe quick", RECIPE), ("command line", {"pipeline": "p", "recipe": "quick"})]
    return RunConfig.merge([*base, *layers])


def test_later_layers_win_and_origins_say_where_a_value_came_from():
    config = merged(("--epochs", {"train": {"epochs": 9}}))
    assert config.train.epochs == 9
    assert config.train.batch_size == DEFAULTS["train"]["batch_size"]
    assert config.origins["train.epochs"] == "--epochs"
    assert config.origins["train.batch_size"] == "default"
    assert config.origins["loss.gamma"] == "recipe quick"


def test_a_named_component_replaces_the_one_below():
    config = merged(("--loss", {"loss": {"name": "emd", "p": 1}}))
    assert str(config.loss) == "emd:p=1"
    assert "loss.gamma" not in config.origins


def test_without_a_name_the_arguments_are_laid_over():
    config = merged(("-o", {"loss": {"gamma": 3}}))
    assert str(config.loss) == "focal:gamma=3"


def test_a_nested_component_is_replaced_too():
    config = merged(("-o", layer_from_options(["optimizer.learning_rate.name=cosine_decay"])))
    assert config.optimizer.kwargs["learning_rate"] == {"name": "cosine_decay"}
    assert config.optimizer.kwargs["momentum"] == 0.9


def test_none_takes_a_component_away():
    config = merged(("x", {"regularizer": {"name": "l2"}}), ("--regularizer", {"regularizer": None}))
    assert config.regularizer is None


def test_null_is_the_default():
    below = {"seed": 3, "train": {"epochs": 2}, "data": {"limit": 5}, "model": {"depth": 3}, "pipeline": "mnist"}
    below |= {"loss": {"name": "emd"}, "optimizer": {"name": "sgd"}, "metrics": ["emd"]}
    nothing = {"seed": None, "train": None, "data": {"limit": None}, "model": {"depth": None}, "metrics": None}
    config = RunConfig.merge([("default", DEFAULTS), ("file", below), ("-o", nothing)])
    assert (config.seed, config.train, config.data, config.metrics) == (0, TrainSettings(), DataSettings(), [])
    assert config.values["model"] == {}
    assert config.origins["train.epochs"] == "default"


@pytest.mark.parametrize(
    ("option", "words"), [("recipe=quick", "--recipe"), ("pipeline=x", "first"), ("complete=1", "-c")]
)
def test_what_says_which_settings_are_read_is_no_setting(option, words):
    with pytest.raises(UsageError, match=f"cannot be set with -o.*{words}"):
        configure("mnist", options=[option])


def test_the_defaults_are_not_changed_by_merging():
    before = repr(DEFAULTS)
    merged(("-o", {"train": {"epochs": 77}, "model": {"width": 3}}))
    assert repr(DEFAULTS) == before


def test_the_file_replays_to_the_same_values(tmp_path):
    config = merged(("-o", {"loss": {"weights": [1, 2.5]}, "model": {"network": "classic"}, "data": {"limit": 7}}))
    file = tmp_path / "config.toml"
    file.write_text(config.to_toml())
    again = RunConfig.merge([("default", DEFAULTS), ("file", read_toml(file))])
    assert {k: v for k, v in again.values.items() if k != "complete"} == config.values
    assert "# recipe quick" in file.read_text()
    filled = {key: value for key, value in again.values.items() if value != {}}
    assert tomllib.loads(config.to_toml(origins=False)) == filled


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({"trian": {}}, ["`trian`", "`train`"]),
        ({"train": {"epoch": 3}}, ["`train.epoch`", "`train.epochs`", "from --x"]),
        ({"train": {"epochs": "3"}}, ["`train.epochs`", "whole number", "'3'"]),
        ({"train": {"epochs": True}}, ["`train.epochs`", "whole number"]),
        ({"train": {"epochs": 0}}, ["`train.epochs`", "at least 1"]),
        ({"train": {"keep": "first"}}, ["`train.keep`", "last or best"]),
        ({"train": 3}, ["`train`", "table"]),
        ({"data": {"validation_fraction": 1}}, ["`data.validation_fraction`", "at least 0 and below 1"]),
        ({"data": {"limit": 0}}, ["`data.limit`"]),
        ({"seed": -1}, ["`seed`"]),
        ({"seed": 1.5}, ["`seed`", "whole number"]),
        ({"loss": "emd"}, ["`loss`", "table"]),
        ({"metrics": ["accuracy", "accuracy"]}, ["twice"]),
    ],
)
def test_bad_settings_are_named_with_their_origin(layer, words):
    with pytest.raises(UsageError) as caught:
        merged(("--x", layer))
    for word in words:
        assert word in str(caught.value)


def test_options_are_json_or_text():
    layer = layer_from_options(["train.epochs=3", "model.network=classic", "model.widths=[1,2]", "a.b-c=true"])
    assert layer == {
        "train": {"epochs": 3},
        "model": {"network": "classic", "widths": [1, 2]},
        "a": {"b_c": True},
    }


@pytest.mark.parametrize("option", ["epochs", "=3", "a..b=3"])
def test_a_malformed_option_is_refused(option):
    with pytest.raises(UsageError, match="KEY=VALUE"):
        layer_from_options([option])


def test_options_that_contradict_each_other_are_refused():
    with pytest.raises(UsageError, match="plain value"):
        layer_from_options(["loss=emd", "loss.p=1"])


def test_an_unreadable_file_is_named_with_the_line(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text("a = 1\nb = = 2\n")
    with pytest.raises(KzooError, match=r"c\.toml.*line 2"):
        read_toml(file)
    with pytest.raises(KzooError, match="No such file"):
        read_toml(tmp_path / "missing.toml")
