"""What kzoo computes with, said as the machine is."""

import pytest

from kzoo.doctor import choices as module
from kzoo.doctor.choices import choices


@pytest.fixture
def said(monkeypatch, tmp_path):
    """Return a function of instructions and variables that returns what is said."""

    def call(*instructions, gpus=0, **variables):
        for name in ("TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        for number in range(gpus):
            (tmp_path / f"gpu{number}").mkdir()
        monkeypatch.setattr(module, "_GPUS", tmp_path if gpus else tmp_path / "none")
        return dict(choices(frozenset(instructions), 2))

    return call


@pytest.mark.parametrize(
    ("instructions", "variables", "says"),
    [
        (("avx2", "avx512f"), {}, "on: kzoo sets TF_ENABLE_ONEDNN_OPTS=1"),
        (("avx512f", "avx512_vnni"), {}, "on: TensorFlow turns it on by itself on a processor with avx512_vnni"),
        (("avx512_vnni",), {"TF_ENABLE_ONEDNN_OPTS": "0"}, "off: TF_ENABLE_ONEDNN_OPTS is 0"),
        ((), {"TF_ENABLE_ONEDNN_OPTS": "1"}, "on: TF_ENABLE_ONEDNN_OPTS is 1"),
    ],
)
def test_onednn(said, instructions, variables, says):
    assert said(*instructions, **variables)["oneDNN"].startswith(says)


def test_what_is_worth_a_try(said, monkeypatch):
    monkeypatch.setattr(module, "computes_in_bfloat16", lambda: False)
    plain = said()
    assert (plain["GPU"], plain["precision"]) == ("none found", "float32, without XLA: the same on every machine")
    monkeypatch.setattr(module, "computes_in_bfloat16", lambda: True)
    assert "faster in bfloat16: `-o train.precision=auto`" in said()["precision"]
    found = said(gpus=2, TF_NUM_INTRAOP_THREADS="3")
    assert found["GPU"].startswith("2 of Nvidia")
    assert "-o train.precision=auto" in found["precision"]
    assert found["TensorFlow's threads"].startswith("3: TF_NUM_INTRAOP_THREADS")


def test_what_runs_predictions(said, monkeypatch):
    monkeypatch.setattr(module, "engines_installed", lambda: ["onnx", "tensorflow"])
    assert said()["predictions"].startswith("TensorFlow; with `--engine auto` ONNX Runtime")
    monkeypatch.setattr(module, "engines_installed", lambda: ["tensorflow"])
    assert "pip install 'kzoo[openvino]'" in said()["predictions"]
