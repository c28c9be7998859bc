"""The flags that a pipeline adds to ``kzoo run``."""

import pytest

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
    for flag, setting in entry.spec.flags.items():
        assert f"  {setting} = " in known, flag


@pytest.mark.parametrize("flags", [{"Fix": "data.fix"}, {"--fix": "data.fix"}, {"fix": "fix"}, {"fix": "nix.fix"}])
def test_malformed_flags_are_a_fault(flags):
    spec = PipelineSpec(name="one", target="module:One", task="detection", flags=flags)
    assert [fault for fault in spec.faults() if "`flags` must be like" in fault]
