import os
import subprocess
import sys
import types

import pytest

from kzoo.cli import completing_search, completion, main
from kzoo.cli.completion import _joined
from kzoo.plugin import TASKS


def names(offers):
    return [name for name, _ in offers]


@pytest.fixture(autouse=True)
def _plugins(plugins):
    plugins("good", "same_names", "bad_import", "noisy")


class TestNames:
    def test_with_their_summaries(self):
        assert completion.complete_loss("good_l") == [("good_loss", r"Forgives \[small] mistakes.")]
        assert completion.complete_metric("good") == [("good_both", "A metric.")]
        assert completion.complete_optimizer("good") == [("good_optimizer", "An optimizer.")]
        assert completion.complete_regularizer("good") == [("good_regularizer", "A regularizer.")]
        assert completion.complete_pipeline("good") == [("good_pipeline", "A pipeline.")]

    def test_of_any_kind_each_once(self):
        assert names(completion.complete_component("good_b")) == ["good_both"]

    def test_in_the_spelling_that_was_begun(self):
        assert names(completion.complete_pipeline("good-p")) == ["good-pipeline"]

    def test_alias_only_when_no_name_fits(self):
        assert names(completion.complete_loss("goodl")) == ["goodloss"]
        assert names(completion.complete_loss("good_l")) == ["good_loss"]

    def test_conflicting_names_are_qualified(self):
        assert names(completion.complete_loss("kzoo-same")) == ["kzoo-same-a:contested", "kzoo-same-b:contested"]

    def test_after_a_colon(self):
        assert names(completion.complete_loss("kzoo-good:good_l")) == ["kzoo-good:good_loss"]
        assert names(completion.complete_loss("good_loss:")) == [
            "good_loss:slope=",
            "good_loss:steps=",
            "good_loss:name=",
        ]
        assert names(completion.complete_loss("good_loss:slope=")) == ["good_loss:slope="]
        assert names(completion.complete_loss("nothing_has_this_name:")) == []

    @pytest.mark.parametrize(
        ("typed", "offered"),
        [
            ("mixture:losses=[good_l", ["mixture:losses=[good_loss"]),
            ("mixture:losses=[emd, good_l", ["mixture:losses=[emd, good_loss"]),
            ("mixture:losses=[emd(p=1),good-l", ["mixture:losses=[emd(p=1),good-loss"]),
            ("mixture:losses=[mixture(losses=[good_l", ["mixture:losses=[mixture(losses=[good_loss"]),
            ("mixture(losses=[good_l", ["mixture(losses=[good_loss"]),
            ("mixture:losses=[emd],weights=[good_l", ["mixture:losses=[emd],weights=[good_l"]),
            ("mixture:losses=[emd(good_l", ["mixture:losses=[emd(good_l"]),
            ("mixture:weights=[1,2],good_l", ["mixture:weights=[1,2],good_l"]),
        ],
    )
    def test_inside_another_component(self, typed, offered):
        assert names(completion.complete_loss(typed)) == offered

    @pytest.mark.parametrize(
        ("typed", "offered"),
        [
            ("good_loss:sl", ["good_loss:slope=", "good_loss:slope=1"]),
            ("kzoo-good:good_loss:sl", ["kzoo-good:good_loss:slope=", "kzoo-good:good_loss:slope=1"]),
            ("good_loss(st", ["good_loss(steps="]),
            ("good_loss:slope=2,", ["good_loss:slope=2,steps=", "good_loss:slope=2,name="]),
            ("good_loss:slope=2,sl", ["good_loss:slope=2,sl"]),
            ("good_loss:zzz", []),
            ("mixture:losses=[good_loss(st", ["mixture:losses=[good_loss(steps="]),
            (
                "mixture:losses=[good_loss(slope=1),good_loss(st",
                ["mixture:losses=[good_loss(slope=1),good_loss(steps="],
            ),
            ("mixture:losses=[good_loss(slope=1)],wei", ["mixture:losses=[good_loss(slope=1)],weights="]),
        ],
    )
    def test_arguments(self, typed, offered):
        assert names(completion.complete_loss(typed)) == offered
        assert "kzoo_good.parts" not in sys.modules, "it is read, not imported"

    def test_info_takes_no_arguments(self):
        assert names(completion.complete_component("good_loss:sl")) == []
        assert names(completion.complete_component("good_loss:")) == ["good_loss:"]

    def test_inside_an_optimizer(self):
        assert names(completion.complete_optimizer("adam:learning_rate=good")) == ["adam:learning_rate=good_schedule"]
        typed = "lookahead:inner=sgd(learning_rate=warmup_cosi"
        assert names(completion.complete_optimizer(typed)) == [f"{typed}ne"]
        assert names(completion.complete_optimizer("lookahead:inner=good")) == ["lookahead:inner=good_optimizer"]

    @pytest.mark.parametrize(
        ("typed", "offered"),
        [
            ("tensorb", ["tensorboard"]),
            ("tensorboard,ml", ["tensorboard,mlflow"]),
            ("mlflow:ur", ["mlflow:uri="]),
            ("tensorboard,mlflow:exp", ["tensorboard,mlflow:experiment="]),
            ("mlflow:uri=a,wa", ["mlflow:uri=a,wandb"]),
            ("mlflow:uri=a,mod", ["mlflow:uri=a,models=", "mlflow:uri=a,models=True"]),
            ("nothing_has_this_name,ml", ["nothing_has_this_name,mlflow"]),
            ("zzz", []),
        ],
    )
    def test_trackers_with_commas(self, typed, offered):
        assert names(completion.complete_track(typed)) == offered

    def test_long_summaries_are_cut_at_a_word(self):
        assert completion._short("word " * 20).endswith("word ...")
        assert len(completion._short("word " * 20)) <= completion._HELP_WIDTH + 4

    def test_nothing_is_written(self, capfd):
        completion.complete_loss("")
        assert capfd.readouterr() == ("", "")

    def test_an_error_is_no_offer(self, monkeypatch):
        monkeypatch.setenv("KZOO_PLUGINS", "not-installed")
        assert completion.complete_loss("good") == []


def test_plugins_without_importing_them():
    assert completion.complete_plugin("kzoo-g") == [("kzoo-good", "version 1.2")]
    assert "kzoo_good.plugin" not in sys.modules


def test_tasks_and_kinds():
    assert names(completion.complete_task("")) == list(TASKS)
    assert names(completion.complete_task("reg")) == ["regression"]
    assert names(completion.complete_kind("l")) == ["loss"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["kzoo", "info", "em"], ["kzoo", "info", "em"]),
        (["kzoo", "info", ""], ["kzoo", "info", ""]),
        (["kzoo", "info", "kzoo-foo", ":", "em"], ["kzoo", "info", "kzoo-foo:em"]),
        (["kzoo", "info", "kzoo-foo", ":"], ["kzoo", "info", "kzoo-foo:"]),
        (["kzoo", "run", "--loss", "=", "em"], ["kzoo", "run", "--loss", "em"]),
        (["kzoo", "run", "--loss", "="], ["kzoo", "run", "--loss", ""]),
        (["kzoo", "run", "--loss", "a", ":", "b", "=", "2,c"], ["kzoo", "run", "--loss", "a:b=2,c"]),
        (["kzoo", "run", "--loss", "=", "d", ":", "a"], ["kzoo", "run", "--loss", "d:a"]),
    ],
)
def test_the_words_that_bash_split(typed, words):
    assert _joined("\n".join(typed), len(typed) - 1) == (words, len(words) - 1)


def test_the_cursor_in_the_middle():
    words, position = _joined("kzoo\ninfo\nkzoo-foo\n:\nem\n--json", 4)
    assert (words, position) == (["kzoo", "info", "kzoo-foo:em", "--json"], 2)


class TestShells:
    """What the scripts that typer installs call."""

    def bash(self, capsys, monkeypatch, *words):
        monkeypatch.setenv("_KZOO_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "\n".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        assert main([]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out.splitlines()

    @pytest.mark.parametrize(
        ("words", "offers"),
        [
            (["kzoo", "list-l"], ["list-losses"]),
            (["kzoo", "info", "good_l"], ["good_loss"]),
            (["kzoo", "info", "kzoo-good", ":", "good_lo"], ["good_loss"]),
            (["kzoo", "info", "good_loss", ":"], []),
            (["kzoo", "list-losses", "--task", "cl"], ["classification"]),
            (["kzoo", "list-losses", "--task", "=", "cl"], ["classification"]),
            (["kzoo", "--no-plugin", "kzoo-good"], ["kzoo-good"]),
            (["kzoo", "list-losses", "--se"], ["--search"]),
            (["kzoo", "run", "mnist", "--loss", "mixture", ":", "losses", "=", "[emd,good_lo"], ["[emd,good_loss"]),
        ],
    )
    def test_bash(self, words, offers, capsys, monkeypatch):
        assert [line for line in self.bash(capsys, monkeypatch, *words) if line] == offers

    def test_zsh_and_fish(self, capsys, monkeypatch):
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "kzoo info good_l")
        monkeypatch.setenv("_KZOO_COMPLETE", "complete_zsh")
        with pytest.raises(SystemExit):
            main([])
        assert '"good_loss":"Forgives [small] mistakes."' in capsys.readouterr().out
        monkeypatch.setenv("_KZOO_COMPLETE", "complete_fish")
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        with pytest.raises(SystemExit):
            main([])
        assert capsys.readouterr().out == "good_loss\tForgives [small] mistakes.\n"

    def test_the_script_that_bash_gets_is_valid_bash(self):
        environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
        script = "from kzoo.cli import main; main(['--show-completion', 'bash'])"
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False, timeout=60
        )
        assert "_KZOO_COMPLETE=complete_bash" in done.stdout
        checked = subprocess.run(["bash", "-n"], input=done.stdout, text=True, check=False)
        assert checked.returncode == 0


class TestSettings:
    """Of the pipeline on the line; what is expected is in the fixture's classes."""

    bash = TestShells.bash

    @pytest.fixture(autouse=True)
    def _loom(self, plugins):
        plugins("loom")

    @pytest.mark.parametrize(
        ("words", "offers"),
        [
            (["run", "-o", "se"], ["seed=", "seed=0"]),
            (["run", "loom", "-o", "data.so"], ["data.source=", "data.source=auto"]),
            (["run", "-o", "data.t"], []),
            (["run", "loom", "-o", "data.t"], ["data.torn=", "data.torn=stop", "data.torn=skip", "data.torn=mend"]),
            (["run", "loom", "-o", "model."], ["model.thread_count=", "model.pattern="]),
            (["run", "loom", "-o", "model.thread-"], ["model.thread-count=", "model.thread-count=8"]),
            (["run", "loom", "--option", "augment."], ["augment.enabled=", "augment.fading="]),
            (["run", "loom", "--torn", "skip", "-o", "augment."], ["augment.enabled=", "augment.fading="]),
            (["run", "--torn", "skip", "loom", "-o", "augment."], ["augment.enabled=", "augment.fading="]),
            (["run", "loom", "-o", "data.torn", "="], ["stop", "skip", "mend"]),
            (["run", "loom", "-o", "data.torn", "=", "s"], ["stop", "skip"]),
            (["run", "loom", "-o", "model.pattern", "="], ["twill", "satin"]),
            (["run", "loom", "-o", "model.thread-count", "=", "8"], []),
            (["run", "-o", "report", "=", "t"], ["true"]),
            (["run", "-o", "train.keep", "=", "b"], ["best"]),
            (["run", "loom", "--t"], ["--track", "--torn", "--thread-count"]),
            (["run", "--t"], ["--track"]),
            (["run", "loom", "--torn", ""], ["stop", "skip", "mend"]),
            (["run", "loom", "--torn", "=", "m"], ["mend"]),
            (["run", "loom", "--thread-count", ""], []),
            (["run", "loom", "--recipe", ""], ["default"]),
            (["predict", "loom", "--up"], ["--upside-down"]),
            (["predict", "loom", "a.png", "--no-"], ["--no-upside-down"]),
            (["predict", "loom", "a.png", "--upside-down", ""], []),
            (["run", "loom", "--no-"], []),
            (["predict", "loom", "a.png", "--lamp", "n"], ["night"]),
            (["predict", "loom", "-o", "up"], ["upside_down=", "upside_down=true", "upside_down=false"]),
            (["predict", "loom", "-o", "upside_down", "="], ["true", "false"]),
            (["capture", "loom", "0", "--la"], ["--label", "--lamp"]),
            (["capture", "loom", "0", "--lamp", ""], ["day", "night"]),
            (["capture", "loom", "0", "-o", "la"], ["lamp=", "lamp=day", "lamp=night"]),
            (["run", "nothing_has_this_name", "-o", "se"], []),
            (["predict", "nothing_has_this_name", "--lamp", ""], []),
        ],
    )
    def test_bash(self, words, offers, capsys, monkeypatch):
        assert [line for line in self.bash(capsys, monkeypatch, "kzoo", *words) if line] == offers

    def test_with_their_docs(self, capsys, monkeypatch):
        monkeypatch.setenv("_KZOO_COMPLETE", "complete_fish")
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        for line, answer in (
            ("kzoo run loom -o model.th", "model.thread_count=\tThe threads of the network.\nmodel.thread_count=8\n"),
            ("kzoo run loom --to", "--torn\tWhat is done about torn cloth.\n"),
        ):
            monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
            with pytest.raises(SystemExit):
                main([])
            assert capsys.readouterr().out == answer

    def test_the_parts_of_every_run(self, capsys, monkeypatch):
        import dataclasses

        from kzoo.runs.config import TrainSettings

        offers = self.bash(capsys, monkeypatch, "kzoo", "run", "-o", "train.")
        assert offers == [f"train.{field.name}=" for field in dataclasses.fields(TrainSettings)]

    def test_a_pipeline_that_fails_offers_nothing(self, capsys, monkeypatch):
        from kzoo.cli import offers

        def fail(pipeline):
            raise RuntimeError(pipeline.name)

        monkeypatch.setattr(offers, "tables_of", fail)
        for words in (["-o", "model."], ["--to"], ["--torn", ""]):
            assert [one for one in self.bash(capsys, monkeypatch, "kzoo", "run", "loom", *words) if one] == []


def test_runs_the_newest_first(tmp_path):
    from kzoo.runs.configure import configure
    from kzoo.runs.folder import create_run
    from kzoo.runs.manifest import Manifest

    context = types.SimpleNamespace(params={"out": str(tmp_path)})
    assert completion.complete_run(context, "") == []
    old, new = (create_run(tmp_path, configure("mnist", seed=seed), Manifest()) for seed in (1, 2))
    assert names(completion.complete_run(context, "")) == ["last", new.name, old.name]
    assert names(completion.complete_run(context, "la")) == ["last"]
    assert names(completion.complete_run(context, old.name)) == [old.name]
    assert names(completion.complete_model(context, "good-p")) == ["good-pipeline"]
    (tmp_path / "mnist" / old.path.name / "run.json").write_text("broken")
    assert len(completion.complete_run(context, "mnist/")) == 2


def test_the_pipeline_decides_on_recipes():
    context = types.SimpleNamespace(params={"pipeline": "good-pipeline"})
    assert names(completion.complete_recipe(context, "q")) == ["quick"]
    context.params = {}
    assert completion.complete_recipe(context, "") == []


class TestTune:
    @pytest.fixture
    def context(self):
        from kzoo.cli.offers import of_run

        command = types.SimpleNamespace(offers=of_run)
        return types.SimpleNamespace(command=command, params={"pipeline": "mnist"})

    def test_settings_that_can_be_searched(self, context):
        assert names(completing_search.complete_search(context, "train.batch")) == [
            "train.batch_size=",
            "train.batch_size=128",
        ]
        assert names(completing_search.complete_search(context, "augment.re")) == ["augment.reach=", "augment.reach=2"]
        assert names(completing_search.complete_search(context, "data.li")) == []
        assert names(completing_search.complete_search(context, "see")) == []
        assert names(completing_search.complete_search(context, "train.keep=")) == [
            "train.keep=last",
            "train.keep=best",
        ]
        assert names(completing_search.complete_search(context, "lo")) == ["loss="]

    def test_components_and_those_behind_a_comma(self, context):
        assert names(completing_search.complete_search(context, "loss=good_l")) == ["loss=good_loss"]
        assert names(completing_search.complete_search(context, "loss=emd:p=1,good_l")) == ["loss=emd:p=1,good_loss"]
        assert names(completing_search.complete_search(context, "optimizer=good")) == ["optimizer=good_optimizer"]

    def test_what_is_logged_samplers_and_pruners(self):
        assert names(completing_search.complete_logged("val_good")) == ["val_good_both"]
        assert names(completing_search.complete_logged("val_los")) == ["val_loss"]
        assert "val_accuracy" in names(completing_search.complete_logged("va"))
        assert completing_search.complete_logged("acc") == []
        assert names(completing_search.complete_sampler("g")) == ["gp", "grid"]
        assert names(completing_search.complete_pruner("m")) == ["median"]
