"""The flags that a pipeline adds to ``kzoo run``, and the settings that other commands take as flags."""

from typing import Annotated

import pytest

from kzoo.cli.flags import settings_of
from kzoo.errors import UsageError
from kzoo.pipeline import setting, settings
from kzoo.plugin import PipelineSpec
from kzoo.plugins.registry import get_registry


def _settings(kzoo, *arguments):
    code, out, err = kzoo("run", *arguments, "--print-config")
    assert (code, err) == (0, "")
    return out


@pytest.mark.parametrize(
    "arguments",
    [
        ["yolov3", "--fix", "clip"],
        ["yolov3", "--fix=clip"],
        ["--fix", "clip", "yolov3"],
        ["yolov3", "--fix", "clip", "--seed", "3"],
        ["yolov3", "-o", "data.fix=skip", "--fix", "clip"],
    ],
)
def test_a_flag_is_a_setting(arguments, kzoo):
    assert 'fix = "clip"' in _settings(kzoo, *arguments)


def test_a_flag_beside_a_file_of_settings(kzoo, tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('pipeline = "yolov3"\n', encoding="utf-8")
    assert 'anchors = "auto"' in _settings(kzoo, "-c", str(file), "--anchors", "auto")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["yolov3", "--fxi", "clip"], "There is no option `--fxi`. Did you mean `--fix`?"),
        (["mnist", "--epoch", "3"], "There is no option `--epoch`. Did you mean `--epochs`?"),
        (["mnist", "--fix", "clip"], "`mnist` adds none of its own"),
        (["mnist", "-x", "3"], "There is no option `-x`."),
        (["yolov3", "--fix"], "--fix needs a value: --fix VALUE"),
        (["a.toml"], "`a.toml` is no pipeline. The settings of a file are given with -c: kzoo run -c a.toml."),
        (["mnist", "my/a.toml"], "with -c: kzoo run mnist -c my/a.toml."),
        (["mnist", "-o", "trian.epochs=3"], "There is no setting `trian` (from -o). Did you mean `train`?"),
        (
            ["mnist", "-o", "loss.x.y=3", "-o", "sede.a.b=3"],
            "There is no setting `sede` (from -o). Did you mean `seed`?",
        ),
        (["mnist", "cifar10"], "One run trains one pipeline, not `mnist` and `cifar10`."),
    ],
)
def test_a_wrong_flag_is_refused(arguments, said, kzoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = kzoo("run", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_info_has_the_flags(kzoo):
    assert "--fix VALUE for -o data.fix=VALUE" in kzoo("info", "yolov3")[1]


@pytest.mark.parametrize("entry", get_registry().entries("pipeline"), ids=lambda entry: entry.name)
def test_every_flag_gives_a_setting_that_there_is(entry, kzoo):
    known = kzoo("info", entry.name)[1]
    for flag, name in entry.spec.flags.items():
        assert f"  {name} = " in known, flag


@pytest.mark.parametrize("flags", [{"Fix": "data.fix"}, {"--fix": "data.fix"}, {"fix": "fix"}, {"fix": "nix.fix"}])
def test_malformed_flags_are_a_fault(flags):
    spec = PipelineSpec(name="one", target="module:One", task="detection", flags=flags)
    assert [fault for fault in spec.faults() if "`flags` must be like" in fault]


@settings
class ReaderSettings:
    draw_marks: Annotated[bool, setting("Whether marks are drawn.")] = True
    crop: Annotated[bool, setting("Whether it is cropped.")] = False
    no_crop: Annotated[bool, setting("A setting that has the name of another's flag.")] = False
    names: Annotated[str, setting("A file.")] = ""


def _read(*arguments):
    return settings_of(arguments, ReaderSettings, whose="the reader", own=["--top"])


@pytest.mark.parametrize(
    ("arguments", "words", "given"),
    [
        (["--draw-marks", "a.png"], ["a.png"], {"draw_marks": True}),
        (["a.png", "--draw-marks=false"], ["a.png"], {"draw_marks": False}),
        (["--no-draw-marks", "a.png"], ["a.png"], {"draw_marks": False}),
        (["a.png", "--no_draw_marks"], ["a.png"], {"draw_marks": False}),
        (["--draw-marks", "--no-draw-marks"], [], {"draw_marks": False}),
        (["--no-draw-marks", "--draw-marks"], [], {"draw_marks": True}),
        (["--no-crop"], [], {"no_crop": True}),
        (["--no-no-crop"], [], {"no_crop": False}),
        (["--names", "--draw-marks", "false"], ["false"], {"names": "--draw-marks"}),
        (["--draw-marks", "./false"], ["./false"], {"draw_marks": True}),
        (["false", "--draw-marks", "a.png"], ["false", "a.png"], {"draw_marks": True}),
    ],
)
def test_a_yes_or_no_setting(arguments, words, given):
    assert _read(*arguments) == (words, given)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--draw-marks", "false"], "write `--no-draw-marks` or `--draw-marks=false`. A file of the name `false`"),
        (["--draw_marks", "False", "a.png"], "write `--no-draw-marks` or `--draw-marks=false`"),
        (["--draw-marks", "true"], "write `--draw-marks` alone"),
        (["--no-draw-marks", "true"], "write `--no-draw-marks` alone"),
        (["--no-draw-marks=true"], "--no-draw-marks takes no value, not `true`: write --no-draw-marks for false, --dr"),
        (["--no-names"], "There is no option `--no-names`."),
        (["--no-draw-mark"], "Did you mean `--no-draw-marks`?"),
    ],
)
def test_a_yes_or_no_setting_in_a_wrong_form(arguments, said):
    with pytest.raises(UsageError) as caught:
        _read(*arguments)
    assert said in str(caught.value)
