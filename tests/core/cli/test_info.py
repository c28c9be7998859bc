import inspect
import json

import pytest

from kzoo.cli import docstrings
from kzoo.errors import KzooError
from kzoo.plugin import LossSpec
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target


@pytest.fixture(autouse=True)
def _light(monkeypatch, plugins):
    """The fixture's classes need no TensorFlow, so it is not started."""
    monkeypatch.setattr("kzoo.engine.runtime.start", lambda **_: None)
    plugins("good")


def test_component_as_json(kzoo):
    code, out, err = kzoo("info", "good-loss", "--json")
    assert (code, err) == (0, "")
    known = json.loads(out)
    assert known["parameters"] == [
        {"name": "slope", "required": False, "default": 1, "help": "How steep it is, in units of loss. Defaults to 1."},
        {"name": "steps", "required": False, "default": None, "help": "How long."},
        {"name": "name", "required": False, "default": "good", "help": "Its name."},
    ]
    assert known["formula"] == "loss = slope * |error|"
    assert known["example_code"] == ">>> GoodLoss(2).slope\n2"
    assert known["references"] == "- [Nobody, 2024](https://example.org)"
    assert known["description"] == "A loss that is not one.\n\nIt has a second paragraph."
    assert known["python"] == 'kzoo.loss("good_loss:slope=2")'
    assert known["command"].endswith(" --loss good_loss:slope=2")
    assert known["cautions"] == {"regression": "Only a fixture."}


def test_component_as_text(kzoo):
    code, out, err = kzoo("info", "good_loss")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == ["good_loss: loss of kzoo-good 1.2", "Forgives [small] mistakes."]
    for line in (
        "Tasks:    regression",
        "Labels:   one-hot, class indices",
        "Aliases:  gl, goodloss",
        "Target:   kzoo_good.parts:GoodLoss",
        "Source:   Nobody 2024",
        "Caution:  regression: Only a fixture.",
        "Note:     Nobody should train with it.",
        "  slope = 1",
        "      How steep it is, in units of loss. Defaults to 1.",
        "  loss = slope * |error|",
        "  >>> GoodLoss(2).slope",
        "  - [Nobody, 2024](https://example.org)",
        '  kzoo.loss("good_loss:slope=2")',
    ):
        assert line in lines
    headings = [line for line in lines if line in {"Parameters", "Formula", "Example", "References", "Use"}]
    assert headings == ["Parameters", "Formula", "Example", "References", "Use"]


@pytest.mark.parametrize("name", ["gl", "kzoo-good:good_loss", "Kzoo_Good:GL", "good_loss:slope=3"])
def test_every_name_of_it_finds_it(name, kzoo):
    assert json.loads(kzoo("info", name, "--json")[1])["qualified"] == "kzoo-good:good_loss"


def test_a_name_of_several_kinds(kzoo):
    both = json.loads(kzoo("info", "good_both", "--json")[1])
    assert [known["kind"] for known in both] == ["loss", "metric"]
    assert json.loads(kzoo("info", "good_both", "--kind", "metric", "--json")[1])["kind"] == "metric"
    _, out, _ = kzoo("info", "good_both")
    assert "good_both: loss of kzoo-good 1.2" in out
    assert "good_both: metric of kzoo-good 1.2" in out


def test_a_function_with_a_required_parameter(kzoo):
    known = json.loads(kzoo("info", "good_both", "--kind", "metric", "--json")[1])
    assert [(p["name"], p["required"]) for p in known["parameters"]] == [("k", True), ("threshold", False)]
    assert known["parameters"][1]["default"] is None, "JSON has no infinity"
    assert "  k required" in kzoo("info", "good_both", "-k", "metric")[1].splitlines()


def test_schedule(kzoo):
    known = json.loads(kzoo("info", "good_schedule", "--json")[1])
    assert known["command"].endswith("-o optimizer.learning_rate.name=good_schedule -o optimizer.learning_rate.slope=2")


def test_pipeline(kzoo, plugins):
    plugins("loom")
    known = json.loads(kzoo("info", "loom", "--json")[1])
    assert (known["task"], known["formats"]) == ("regression", ["jacquard"])
    look = {"upside_down": False, "lamp": "day", "name": ""}
    assert known["settings"] == {
        "data": {"torn": "stop"},
        "model": {"thread_count": 8, "pattern": ""},
        "augment": {"enabled": True, "fading": None},
        "predict": look,
        "capture": look,
    }
    assert known["settings_help"]["augment"][1:] == [
        {"name": "fading", "allowed": "a number of at least 0", "default": None, "help": "How much colours fade."}
    ]
    assert known["recipe_settings"]["default"]["augment"] == {"enabled": False}
    lines = kzoo("info", "loom")[1].splitlines()
    for line in (
        "Task:     regression",
        "Formats:  jacquard",
        '  data.torn = "stop"',
        "      What is done about torn cloth. (stop, skip or mend)",
        "  model.thread_count = 8",
        "      The threads of the network. (a whole number of at least 1 and at most 2147483648)",
        '  model.pattern = ""',
        "  augment.fading = null",
        "  --upside-down = false",
        "  --thread-count VALUE for -o model.thread_count=VALUE",
        "Recipe default",
        "  augment.enabled = false",
        '  loss.name = "mean_squared_error"',
    ):
        assert line in lines


def test_a_pipeline_is_shown_without_tensorflow(kzoo, monkeypatch):
    monkeypatch.setattr("kzoo.engine.runtime.start", None)
    code, out, err = kzoo("info", "yolov3")
    assert (code, err) == (0, "")
    assert "Formats:  darknet" in out


def test_only_pipelines_have_formats(kzoo):
    assert "formats" not in json.loads(kzoo("info", "good_loss", "--json")[1])
    assert "Formats" not in kzoo("info", "cifar10")[1]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("good_missing", "module 'kzoo_good.parts' has no attribute 'Missing'"),
        ("good_torch", "No module named 'kzoo_fixture_that_nobody_has'"),
    ],
)
def test_a_target_that_does_not_load(name, reason, kzoo):
    code, out, err = kzoo("info", name)
    assert code == 1
    assert f"{name}: loss of kzoo-good 1.2" in out, "what the spec says is shown all the same"
    assert f"The loss `{name}` of kzoo-good 1.2 could not be loaded: its target" in err
    assert reason in err
    assert "upgrade kzoo-good" in err
    code, out, _ = kzoo("info", name, "--json")
    assert (code, reason in json.loads(out)["error"]) == (1, True)


def test_unknown_name_and_kind(kzoo):
    code, _, err = kzoo("info", "good_lost")
    assert code == 2
    assert "No component or pipeline named `good_lost`. Did you mean `good_loss`" in err
    code, _, err = kzoo("info", "good_loss", "--kind", "metric")
    assert code == 2
    assert "There is a loss of that name." in err
    assert "There is no kind `lose`" in kzoo("info", "good_loss", "--kind", "lose")[2]


def test_an_old_name_shows_its_successor_without_importing_it(kzoo, monkeypatch):
    monkeypatch.setattr("kzoo.plugins.targets.load_target", None)
    for name in ("FormerLoss", "old.losses.FormerLoss", "old_package.losses.former.FormerLoss"):
        code, out, err = kzoo("info", name)
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert lines[0] == "`old.losses.FormerLoss` is now the loss `good_loss`. Its slope was steeper."
        assert "good_loss: loss of kzoo-good 1.2" in lines
        assert "Replaces: old.losses.FormerLoss" in lines
        assert '  kzoo.loss("good_loss:slope=2")' in lines
    known = json.loads(kzoo("info", "FormerLoss", "--json")[1])
    assert known["former"] == [
        {
            "former_name": "old.losses.FormerLoss",
            "is_now": ["good_loss"],
            "succession": "`old.losses.FormerLoss` is now the loss `good_loss`.",
            "answer": "Its slope was steeper.",
        }
    ]
    assert [successor["qualified"] for successor in known["successors"]] == ["kzoo-good:good_loss"]


def test_an_old_name_that_nothing_replaces_says_what_to_do(kzoo):
    code, out, err = kzoo("info", "old.losses.Gone")
    assert (code, err) == (0, "")
    assert out == "Nothing in kzoo has taken the place of `old.losses.Gone`. Use your hands.\n"


def test_an_old_name_that_is_also_a_component_shows_the_whole_page(kzoo):
    code, out, _ = kzoo("info", "Lookahead", "--json")
    known = json.loads(out)
    assert (code, known["name"]) == (0, "lookahead")
    assert known["former"][0]["former_name"] == "tfa.optimizers.Lookahead"
    assert {parameter["name"] for parameter in known["parameters"]} >= {"inner", "k", "alpha"}
    assert "former" not in json.loads(kzoo("info", "lookahead", "--json")[1])


def test_the_path_of_a_class(kzoo):
    for name in ("keras.losses.Huber", "tf.keras.losses.huber", "keras.losses.Huber:delta=3"):
        known = json.loads(kzoo("info", name, "--json")[1])
        assert (known["qualified"], known["kind"], "former" in known) == ("kzoo:huber", "loss", False)
    kinds = {known["kind"] for known in json.loads(kzoo("info", "kzoo_good.parts.GoodLoss", "--json")[1])}
    assert kinds == {"loss", "optimizer", "schedule", "regularizer", "tracker"}, "the fixture has one class for all"
    assert json.loads(kzoo("info", "keras.metrics.MeanSquaredError", "--json")[1])["kind"] == "metric"
    both = json.loads(kzoo("info", "MeanSquaredError", "--json")[1])
    assert [known["kind"] for known in both] == ["loss", "metric"]


def test_a_dotted_name_that_nobody_had(kzoo):
    code, _, err = kzoo("info", "old.metrics.FormerLoss")
    assert code == 2
    assert "No library whose names kzoo knows has `old.metrics.FormerLoss`. `kzoo info FormerLoss` has" in err


def test_load_target_takes_variants_and_refuses_what_cannot_be_called():
    entry = get_registry().get("loss", "good_loss")
    assert load_target(entry).__name__ == "GoodLoss"
    assert load_target(entry, variant="kzoo_good.parts:good_metric").__name__ == "good_metric"
    assert load_target(entry, variant="kzoo_good.parts:GoodLoss.__init__").__name__ == "__init__"
    with pytest.raises(KzooError, match="not a class or function"):
        load_target(entry, variant="kzoo_good.parts:__doc__")


def test_load_target_keeps_noise_from_stdout(plugins, capsys):
    plugins("noisy")
    entry = get_registry().get("loss", "noisy")
    capsys.readouterr()
    load_target(entry)
    assert capsys.readouterr() == ("", "noise of the target\n")


class TestDocstrings:
    TEXT = """Return a thing.

        More of it.

        Arguments:
            x: A tensor
                of some shape: (N, K).
            **kwargs: The rest.
            y (float, optional): Another.

        Formula, for one sample:

        ```python
        Args: = x
        ```

        Example:

        >>> thing()
        1

        Examples:
            >>> other()

        Reference: Somebody 1999.
        """

    def test_sections(self):
        found = docstrings.sections(self.TEXT)
        examples = [line.strip() for line in found.pop("Example").splitlines() if line.strip()]
        assert examples == [">>> thing()", "1", ">>> other()"]
        assert found == {
            "": "Return a thing.\n\nMore of it.",
            "Args": "x: A tensor\n    of some shape: (N, K).\n**kwargs: The rest.\ny (float, optional): Another.",
            "Formula": "for one sample:\n\nArgs: = x",
            "References": "Somebody 1999.",
        }

    def test_a_heading_may_go_on_in_the_next_line(self):
        found = docstrings.sections("Do.\n\nFormula, with the areas I and U, and the\ndiagonal c:\n\n```\na = b\n```")
        assert found == {"": "Do.", "Formula": "with the areas I and U, and the diagonal c:\n\na = b"}
        sentence = "Do.\n\nFormula, they say, is a word\nfor something else.\n\nArgs:\n    x: It."
        assert docstrings.sections(sentence) == {
            "": "Do.\n\nFormula, they say, is a word for something else.",
            "Args": "x: It.",
        }

    def test_fences_are_kept_where_they_are_asked_for(self):
        assert docstrings.sections(self.TEXT, fences=True)["Formula"] == "for one sample:\n\n```python\nArgs: = x\n```"

    def test_arguments(self):
        section = docstrings.sections(self.TEXT)["Args"]
        assert docstrings.arguments(section) == {
            "x": "A tensor of some shape: (N, K).",
            "kwargs": "The rest.",
            "y": "Another.",
        }

    def test_nothing(self):
        assert docstrings.sections("") == {}
        assert docstrings.arguments("") == {}

    def test_own_docstrings_name_the_parameters_that_inspect_sees(self):
        for function in (load_target, docstrings.sections):
            named = docstrings.arguments(docstrings.sections(function.__doc__).get("Args", ""))
            assert set(named) <= set(inspect.signature(function).parameters)


@pytest.mark.parametrize("key", ["bins", "run.bins", "model.", 3])
def test_settings_of_a_loss_that_are_none_of_a_run_are_a_fault(key):
    faults = LossSpec(name="one", target="module:One", settings={key: 16}).faults()
    assert faults == [f"`settings` must be of a run, as model.width, not {key!r}"]
    assert LossSpec(name="one", target="module:One", settings={"model.bins": 16}).faults() == []
