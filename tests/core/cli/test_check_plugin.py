"""``kzoo check-plugin``: what it finds in plugins that are made here, each with one thing wrong or nothing."""

import json
import os
import re
import subprocess
import sys
import textwrap

import pytest

import kzoo.testing
from kzoo.cli import main
from kzoo.plugins.registry import set_plugin_choice
from kzoo.testing.publication import CHECKS

PUBLICATION = [part for check in CHECKS for part in ("--only", check)]
"""All that goes without TensorFlow."""

SOUND = """
    import keras

    @keras.saving.register_keras_serializable(package="kzoo_made")
    class Sum(keras.regularizers.Regularizer):
        def __init__(self, rate=0.1):
            self.rate = rate
        def __call__(self, x):
            return self.rate * keras.ops.sum(keras.ops.square(keras.ops.cast(x, "float32")))
        def get_config(self):
            return {"rate": self.rate}
"""


@pytest.fixture
def kzoo_(capsys):
    """Return a function that calls the command; exit code, stdout and stderr."""

    def call(*arguments):
        code = main(["check-plugin", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Return a function that installs the distribution kzoo-made 0.3 with these modules."""

    def install(plugin, parts=""):
        package = tmp_path / "kzoo_made"
        info = tmp_path / "kzoo_made-0.3.dist-info"
        for folder in (package, info):
            folder.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kzoo-made\nVersion: 0.3\n")
        (info / "entry_points.txt").write_text("[kzoo]\nmade = kzoo_made.plugin\n")
        (package / "__init__.py").write_text("")
        (package / "plugin.py").write_text(f"from kzoo.plugin import *\n{textwrap.dedent(plugin)}")
        (package / "parts.py").write_text(textwrap.dedent(parts))
        monkeypatch.syspath_prepend(str(tmp_path))
        set_plugin_choice(None)

    yield install
    for name in [name for name in sys.modules if name.startswith("kzoo_made")]:
        del sys.modules[name]
    if "keras" in sys.modules:
        objects = sys.modules["keras"].saving.get_custom_objects()
        for name in [name for name in objects if name.startswith("kzoo_made>")]:
            del objects[name]
    set_plugin_choice(None)


def failed(report):
    """Return what failed in a report in JSON, as (component, check): reason."""
    return {
        (one["name"], check["check"]): check["reason"]
        for one in report["reports"]
        for check in one["checks"]
        if check["state"] == "failed"
    }


class TestWhatCannotBeChecked:
    @pytest.mark.parametrize(
        ("name", "code", "text"),
        [
            ("kzoo-nowhere", 2, "The distribution `kzoo-nowhere` is not installed here."),
            ("kzoo-goods", 2, "Did you mean `kzoo-good`?"),
            ("pluggy", 1, "is installed, but has no entry point in the group `kzoo`"),
            ("./kzoo-good", 2, "takes the name of an installed distribution, not the folder `./kzoo-good`"),
            (".", 2, "python -m pip install -e ."),
            ("", 2, "takes the name of an installed distribution"),
        ],
    )
    def test_one_paragraph_says_why(self, name, code, text, kzoo_, plugins):
        plugins("good")
        found, out, err = kzoo_(name)
        assert (found, out) == (code, "")
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert text in err

    def test_switched_off(self, kzoo_, plugins):
        plugins("good")
        code, _, err = kzoo_("kzoo-good", "--no-plugins")
        assert code == 2
        assert "switched off by --no-plugins" in err

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (["--kind", "layer"], "There is no kind `layer`. The kinds are loss,"),
            (["--component", "good_los"], "publishes no component `good_los`. Did you mean `good_loss`?"),
            (["--kind", "metric", "--component", "good_loss"], "publishes no metric `good_loss`"),
            (["--only", "magic"], "There is no check `magic`. There are: of a distribution metadata,"),
        ],
    )
    def test_choices_that_do_not_exist(self, arguments, text, kzoo_, plugins):
        plugins("good")
        code, out, err = kzoo_("kzoo-good", *arguments)
        assert (code, out) == (2, "")
        assert text in err

    def test_a_kind_that_it_has_nothing_of(self, kzoo_, plugins):
        plugins("same_names")
        code, _, err = kzoo_("kzoo-same-a", "--kind", "optimizer")
        assert code == 2
        assert re.search(r"kzoo-same-a 1\.0 publishes no optimizer\. It publishes \d loss", err)


class TestPublication:
    @pytest.mark.parametrize(
        ("case", "name", "check", "reason"),
        [
            ("malformed", "kzoo-malformed", "metadata", "entry_points.txt is malformed"),
            ("bad_import", "kzoo-bad-import", "import", "`bad`: No module named 'kzoo_fixture_that_nobody_has'"),
            ("bad_exit", "kzoo-bad-exit", "import", "it called sys.exit(3)"),
            ("newer_api", "kzoo-newer-api", "api", "upgrade kzoo"),
            ("bad_argument", "kzoo-bad-argument", "hooks", "`kzoo_losses` takes no argument"),
            ("bad_hook_name", "kzoo-bad-hook-name", "hooks", "did you mean `kzoo_losses`?"),
            ("no_hooks", "kzoo-no-hooks", "hooks", "implements no hook"),
            ("bad_hook", "kzoo-bad-hook", "call", "entry point `bad`: "),
            ("bad_spec", "kzoo-bad-spec", "spec", "`name` must be lower case letters"),
        ],
    )
    def test_a_fault_is_found_where_it_is(self, case, name, check, reason, kzoo_, plugins):
        plugins(case)
        code, out, _ = kzoo_(name, "--json", *PUBLICATION)
        assert code == 1
        report = json.loads(out)
        assert report["ok"] is False
        faults = failed(report)
        assert reason in faults.pop((name, check))
        assert set(faults) <= {(name, "publishes")}  # a hook that raised published nothing
        states = {row["check"]: row["state"] for row in report["reports"][0]["checks"]}
        assert list(states) == list(CHECKS)
        if check in ("metadata", "import", "api", "hooks"):
            assert {states[later] for later in CHECKS[CHECKS.index(check) + 1 :]} == {"skipped"}

    def test_nothing_published(self, kzoo_, make):
        make("@hookimpl\ndef kzoo_losses(): return []")
        code, out, _ = kzoo_("kzoo-made")
        assert code == 1
        assert "failed: distribution kzoo-made, publishes: saw no valid spec from any hook" in out

    @pytest.mark.parametrize(
        ("plugin", "line"),
        [
            ("import numpy\n@hookimpl\ndef kzoo_losses(): return [LossSpec(name='x', target='a:b')]", 2),
            (
                "@hookimpl\ndef kzoo_losses():\n    import numpy.linalg\n    return [LossSpec(name='x', target='a:b')]",
                4,
            ),
        ],
    )
    def test_a_heavy_import_is_named_with_its_line(self, plugin, line, kzoo_, make):
        make(plugin)
        code, out, _ = kzoo_("Kzoo_Made", "--only", "light")
        assert code == 1
        assert f"light: saw numpy imported by line {line} of kzoo_made/plugin.py; expected" in out

    def test_to_ask_whether_a_package_is_there_is_no_import(self, kzoo_, make):
        make(
            "import importlib.util as u\nu.find_spec('numpy')\nprint('hello')\n"
            "@hookimpl\ndef kzoo_losses(): return [LossSpec(name='x', target='a:b')]"
        )
        code, out, _ = kzoo_("kzoo-made", "--only", "light", "--json")
        assert code == 0
        assert 0 < json.loads(out)["listing_milliseconds"] < 10_000

    def test_names_and_summaries_to_think_about(self, kzoo_, plugins):
        plugins("first_party_name", "bad_spec")
        code, _, err = kzoo_("kzoo-taker", "--only", "spec")
        assert code == 0
        assert "A loss `emd` is published by kzoo " in err
        assert "this one is called `kzoo-taker:emd`" in err
        assert "The loss `spec_in_order` has no summary" in kzoo_("kzoo-bad-spec", "--only", "spec")[2]

    def test_it_goes_without_tensorflow(self):
        code = (
            "import sys; from kzoo.cli import main; print(main(sys.argv[1:])); "
            "print(sorted({'keras', 'numpy', 'tensorflow'} & set(sys.modules)))"
        )
        command = [sys.executable, "-c", code, "check-plugin", "kzoo", *PUBLICATION]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-2:] == ["0", "[]"]


class TestComponents:
    @pytest.mark.long
    def test_one_that_is_in_order(self, kzoo_, make):
        spec = "RegularizerSpec(name='sum', target='kzoo_made.parts:Sum', summary='The sum of squares.')"
        make(f"@hookimpl\ndef kzoo_regularizers(): return [{spec}]", SOUND)
        code, out, err = kzoo_("kzoo-made")
        assert (code, err) == (0, ""), out
        rows = [line.split() for line in out.splitlines()[1:3]]
        assert rows[0] == ["distribution", "kzoo-made", str(len(CHECKS)), "0", "0", "0"]
        kit = kzoo.testing.check_regularizer("kzoo-made:sum")
        assert rows[1] == ["regularizer", "sum", str(len(kit.passed) + 1), "0", str(len(kit.skipped)), "0"]
        total = len(CHECKS) + 1 + len(kit.passed)
        assert f"kzoo-made 0.3: {total} checks ran: {total} passed, {len(kit.skipped)} skipped, 0 failed." in out
        assert re.search(r"Its plugins add \d+\.\d ms to every list\.$", out.strip())

    def test_one_that_is_not(self, kzoo_, make):
        lost = SOUND.replace('return {"rate": self.rate}', "return {}")
        make(
            "@hookimpl\ndef kzoo_regularizers(): return [RegularizerSpec(name='sum', target='kzoo_made.parts:Sum')]",
            lost,
        )
        only = [part for check in ("target", "registered", "arguments_saved", "graph") for part in ("--only", check)]
        code, out, _ = kzoo_("kzoo-made", "--component", "sum", "--json", *only)
        report = json.loads(out)
        assert (code, report["ok"]) == (1, False)
        assert ("kzoo-made:sum", "arguments_saved") in failed(report)
        assert "no such entry in get_config()" in failed(report)["kzoo-made:sum", "arguments_saved"]
        states = [row["state"] for one in report["reports"] for row in one["checks"]]
        counts = report["counts"]
        assert [counts[name] for name in ("passed", "failed", "skipped")] == [
            states.count(state) for state in ("passed", "failed", "skipped")
        ]
        assert counts["ran"] == len(states) - states.count("skipped")

    @pytest.mark.parametrize(
        ("expected", "code", "text"),
        [
            ("{'finite_at_edges': 'it says so'}", 1, "finite_at_edges: it passes; take it off the expected failures"),
            ("{'magic': 'it says so'}", 1, "failed: regularizer sum, spec: There is no check magic of a regularizer."),
            ("{}", 0, "1 passed, 0 skipped, 0 failed"),
        ],
    )
    def test_expected_failures_are_held_to(self, expected, code, text, kzoo_, make):
        spec = f"RegularizerSpec(name='sum', target='kzoo_made.parts:Sum', expected_failures={expected})"
        make(f"@hookimpl\ndef kzoo_regularizers(): return [{spec}]", SOUND)
        found, out, _ = kzoo_("kzoo-made", "--only", "finite-at-edges")
        assert found == code
        assert text in out

    def test_a_failure_that_is_expected_is_shown_with_its_reason(self, kzoo_, make):
        lost = SOUND.replace('return {"rate": self.rate}', "return {}")
        spec = (
            "RegularizerSpec(name='sum', target='kzoo_made.parts:Sum', expected_failures={'arguments_saved': 'by vow'})"
        )
        make(f"@hookimpl\ndef kzoo_regularizers(): return [{spec}]", lost)
        code, out, _ = kzoo_("kzoo-made", "--only", "arguments_saved")
        assert code == 0
        assert "failed as expected: regularizer sum, arguments_saved: by vow" in out
        assert "1 check ran: 0 passed, 1 failed as expected, 0 skipped, 0 failed." in out

    def test_what_cannot_even_be_made_is_said_once(self, kzoo_, make):
        make(
            "@hookimpl\ndef kzoo_regularizers(): return [RegularizerSpec(name='sum', target='kzoo_made.parts:Sum')]",
            SOUND.replace("rate=0.1", "rate"),
        )
        code, out, _ = kzoo_("kzoo-made", "--kind", "regularizer")
        assert code == 1
        [line] = [line for line in out.splitlines() if line.startswith("failed: ")]
        assert line.startswith("failed: regularizer sum, right_base, registered, ")
        assert "more: raised UsageError: The regularizer `kzoo-made:sum` (from kzoo-made 0.3) needs `rate`" in line

    def test_a_constructor_that_ends_the_process(self, kzoo_, make):
        make(
            "@hookimpl\ndef kzoo_regularizers(): return [RegularizerSpec(name='sum', target='kzoo_made.parts:Sum')]",
            SOUND.replace("self.rate = rate", "raise SystemExit(3)"),
        )
        code, out, _ = kzoo_("kzoo-made", "--only", "graph")
        assert code == 1
        assert "failed: regularizer sum, graph: raised ComponentError: The regularizer `sum` of kzoo-made 0.3" in out
        assert "failed when it was made: it called sys.exit(3)" in out

    def test_targets(self, kzoo_, plugins):
        plugins("good")
        code, out, _ = kzoo_("kzoo-good", "--only", "target")
        assert code == 1
        for kind, base in [
            ("loss good_loss", "keras.losses.Loss"),
            ("optimizer good_optimizer", "keras.optimizers.Optimizer"),
            ("schedule good_schedule", "keras.optimizers.schedules.LearningRateSchedule"),
            ("regularizer good_regularizer", "keras.regularizers.Regularizer"),
            ("tracker good_tracker", "kzoo.tracker.Tracker"),
        ]:
            assert re.search(rf"failed: {kind}, target: saw `kzoo_good.parts:\w+`, expected a subclass of {base}", out)
        assert "failed: loss good_missing, target: " in out
        assert "No module named 'kzoo_fixture_that_nobody_has'" in out

    def test_a_pipeline_is_what_its_spec_says(self, kzoo_, make):
        make(
            """
            @hookimpl
            def kzoo_pipelines():
                return [PipelineSpec(name="made", target="kzoo_made.parts:Made", task="binary", recipes=("default",))]
            """,
            """
            from kzoo_zoo.mnist.pipeline import Mnist

            class Made(Mnist):
                name = "made"

                def source(self, card=None):
                    return None
            """,
        )
        code, out, _ = kzoo_("kzoo-made", "--only", "states")
        assert code == 1
        assert "states: `recipes`: saw [" in out
        assert "expected ['default']; `source()`: saw 'NoneType', expected 'DataSource'" in out
        assert "`name`" not in out
        assert kzoo_("kzoo", "--kind", "pipeline", "--only", "states")[0] == 0


class TestNoChecks:
    def test_none_ran(self, kzoo_):
        code, out, _ = kzoo_("kzoo", "--component", "l1", "--only", "mask")
        assert code == 1
        assert "0 checks ran: 0 passed, 0 skipped, 0 failed. Nothing is shown by that" in out

    def test_none_ran_of_a_component(self, kzoo_, make, monkeypatch):
        make(
            "@hookimpl\ndef kzoo_regularizers(): return [RegularizerSpec(name='sum', target='kzoo_made.parts:Sum')]",
            SOUND,
        )
        monkeypatch.setattr("kzoo.testing.distribution._outcomes", lambda *_: [])
        code, out, _ = kzoo_("kzoo-made")
        assert code == 1
        assert "No check ran of kzoo-made:sum, which counts as a failure." in out


def test_completion(plugins, capsys, monkeypatch):
    plugins("good")
    monkeypatch.setenv("_KZOO_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "kzoo\ncheck-plugin\nkzoo-g")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert main([]) == 0
    assert capsys.readouterr().out.split() == ["kzoo-good"]


def test_from_python(make):
    make(
        "@hookimpl\ndef kzoo_regularizers(): return [RegularizerSpec(name='sum', target='kzoo_made.parts:Sum')]", SOUND
    )
    report = kzoo.testing.check_distribution("kzoo-made", only=("target", "graph", "import"))
    assert report.ok
    assert report.counts == {"ran": 3, "passed": 3, "expected_failures": 0, "skipped": 0, "failed": 0}
    assert report.milliseconds is None


def test_the_folder_that_it_is_called_in_does_not_count(tmp_path, make):
    """A file of the user's with a package's name is not imported by the process that lists."""
    make("@hookimpl\ndef kzoo_losses(): return [LossSpec(name='x', target='a:b')]")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "pluggy.py").write_text("raise SystemExit('shadowed')")
    code = "import sys; sys.path.remove(''); from kzoo.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "check-plugin", "kzoo-made", "--only", "light"],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
