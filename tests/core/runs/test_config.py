"""Layers of settings, their origins, their checks, and the file that replays them."""

import os
import tomllib

import pytest

from kzoo.errors import KzooError, UsageError
from kzoo.plugins.reference import Reference
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


MIXED = {
    "name": "mix",
    "losses": ["dice", {"name": "focal", "gamma": 2, "alpha": [1, 0.5]}, {"name": "mix", "losses": [{"name": "emd"}]}],
    "weights": [1, 0.5, 2.5],
    "inner": {"name": "sgd", "learning_rate": {"name": "warm", "steps": 5}},
}


def test_components_inside_a_component_are_tables_in_the_file(tmp_path):
    text = (
        "mix:losses=[dice,focal(gamma=2,alpha=[1,0.5]),mix(losses=[emd()])],weights=[1,0.5,2.5],"
        "inner=sgd(learning_rate=warm(steps=5))"
    )
    config = merged(("--loss", {"loss": Reference.parse(text).to_mapping()}))
    assert config.values["loss"] == MIXED
    written = config.to_toml()
    assert tomllib.loads(written)["loss"] == MIXED
    assert 'losses = ["dice", {name = "focal", gamma = 2, alpha = [1, 0.5]}' in written
    file = tmp_path / "config.toml"
    file.write_text(written)
    again = RunConfig.merge([("default", DEFAULTS), ("file", read_toml(file))])
    assert str(again.loss) == str(config.loss) == text
    assert again.label == f"quick-{text}"


def test_tables_in_a_file_by_hand():
    table = tomllib.loads("""
        [loss]
        name = "mix"
        weights = [1, 0.5]
        [[loss.losses]]
        name = "dice"
        [[loss.losses]]
        name = "focal"
        gamma = 2
        """)
    assert str(merged(("file", table)).loss) == "mix:weights=[1,0.5],losses=[dice(),focal(gamma=2)]"


def test_null_inside_a_list_is_kept_as_text():
    config = merged(("--loss", {"loss": {"name": "mix", "losses": [{"name": "focal", "alpha": None}]}}))
    assert tomllib.loads(config.to_toml())["loss"]["losses"] == ["focal:alpha=null"]


def test_an_argument_of_a_component_that_was_given_by_name_alone():
    inner = {"optimizer": {"name": "ahead", "inner": "adam:beta_1=0.5"}}
    config = merged(("--optimizer", inner), ("-o", layer_from_options(["optimizer.inner.learning_rate=0.1"])))
    assert str(config.optimizer) == "ahead:inner=adam(beta_1=0.5,learning_rate=0.1)"
    assert config.origins["optimizer.inner.beta_1"] == "--optimizer"
    assert config.origins["optimizer.inner.learning_rate"] == "-o"
    assert "optimizer.inner" not in config.origins


def test_options_of_components_take_components():
    layer = layer_from_options(
        [
            "loss.losses=[dice,focal(gamma=2)]",
            "optimizer.learning_rate=warm(steps=5)",
            "metrics=[accuracy,ece(n_bins=5)]",
            "data.source=photos(a=1)",
            "model.widths=[a]",
        ]
    )
    assert layer == {
        "loss": {"losses": ["dice", {"name": "focal", "gamma": 2}]},
        "optimizer": {"learning_rate": {"name": "warm", "steps": 5}},
        "metrics": ["accuracy", {"name": "ece", "n_bins": 5}],
        "data": {"source": "photos(a=1)"},
        "model": {"widths": "[a]"},
    }
    with pytest.raises(UsageError, match=r"`\[dice` is not a component reference"):
        layer_from_options(["loss.losses=[dice"])


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


@pytest.mark.parametrize(
    "text",
    [
        ".".join(["a"] * 100_000) + " = 1",
        "[" + ". ".join(["'a'"] * 100_000) + "]",
        "a = " + "[" * 10**5,
        "a=" + "{a=" * 99,
    ],
)
def test_a_file_that_is_nested_without_end_is_refused_by_a_limit(text, tmp_path):
    (tmp_path / "c.toml").write_text(text + ("1" + "}" * 99 if text.endswith("{a=") else ""))
    with pytest.raises(KzooError, match=r"c\.toml is not valid TOML: it is nested too deeply, the limit being 32"):
        read_toml(tmp_path / "c.toml")


def test_a_byte_order_mark_does_no_harm(tmp_path):
    (tmp_path / "c.toml").write_text("[train]\nepochs = 3\n", encoding="utf-8-sig")
    assert read_toml(tmp_path / "c.toml") == {"train": {"epochs": 3}}


def test_a_file_too_long_a_number_too_long_and_a_pipe_are_refused(tmp_path):
    (tmp_path / "c.toml").write_text("a = " + "9" * 5000)
    with pytest.raises(KzooError, match="not valid TOML: Exceeds the limit"):
        read_toml(tmp_path / "c.toml")
    (tmp_path / "c.toml").write_bytes(b"#" * 10**6 + b"\n")
    with pytest.raises(KzooError, match="more than 1,000,000 bytes, which is the limit"):
        read_toml(tmp_path / "c.toml")
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(KzooError, match=r"pipe\.toml cannot be read: it is a named pipe"):
        read_toml(tmp_path / "pipe.toml")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("metrics=[3]", "`metrics` names no component (from -o). A component is named by text"),
        ("metrics=[null]", "`metrics` must be a list of text or a table, not [None] (from -o)"),
        ("loss=mse", "`loss` must be a table, not 'mse' (from -o). Write `loss.name=mse`, or --loss mse."),
        ("loss.name=[1]", "`loss` names no component (from -o). A component table needs a `name`"),
        ("optimizer.learning_rate=[1,[null]]", "`optimizer.learning_rate` must be a list without null, which a"),
        ("data.source=", "`data.source` names no data: it is an empty text, perhaps of a variable that is not set"),
        (f"train.epochs={10**30}", f"`train.epochs` must be a whole number of at least 1, not {10**30} (from -o)"),
        (f"{'a.' * 100_000}b=1", "`a.a.a...` has more than 32 parts (from -o), and no setting has so many"),
        (f"loss.{'a.' * 100_000}b=1", "`loss.a.a...` has more than 32 parts (from -o), and no setting has so many"),
        ("pipeline=cifar10", "`pipeline` cannot be set with -o: it says which settings are read. Name it first."),
    ],
    ids=lambda value: value[:24],
)
def test_a_value_of_the_wrong_type_is_named_with_its_origin(option, said):
    with pytest.raises(UsageError) as caught:
        configure("mnist", options=[option])
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("text", ["focal:gamma=2", "emd", "mixture:losses=[emd,focal(gamma=2)],weights=[1,2]"])
def test_a_component_as_text_in_a_file_is_told_in_the_form_of_the_file(text, tmp_path):
    file = tmp_path / "a.toml"
    file.write_text(f'pipeline = "mnist"\nloss = "{text}"\n', encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        configure(file=file)
    advice = str(caught.value).partition(" Write `")[2].removesuffix("`.")
    file.write_text(f'pipeline = "mnist"\n{advice}\n', encoding="utf-8")
    assert str(configure(file=file).loss) == text


def test_null_gives_the_metrics_of_nobody():
    assert configure("mnist", options=["metrics=null"]).metrics == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recipe = 3", r"`recipe` must be text, not 3 \(int\) \(from .*a\.toml\)"),
        ("pipeline = [1]", r"`pipeline` must be text, not \[1\] \(list\) \(from .*a\.toml\)"),
        ("pipeline = 'mnist'\nseed = 1979-05-27", r"`seed` must be a whole number .*\(from file .*a\.toml\)"),
        ("a = " + "[" * 100_000, r"a\.toml is not valid TOML: it is nested too deeply"),
    ],
    ids=["recipe", "pipeline", "date", "deep"],
)
def test_odd_types_in_a_file_are_named_with_it(text, said, tmp_path):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(KzooError, match=said):
        configure(file=tmp_path / "a.toml")


def test_a_path_that_is_no_utf8_leaves_the_settings_file_whole():
    config = configure("mnist", data="d\udce9 d")
    assert tomllib.loads(config.to_toml())["data"]["source"] == r"d\xe9 d"
