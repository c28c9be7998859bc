"""The model of `last`, and what is said of one before it is used."""

import pytest

from kzoo.cli.engines import run_by
from kzoo.errors import KzooError
from kzoo.models import saved
from kzoo.models.card import ModelCard
from kzoo.models.saved import SavedModel, find_model, locate_model
from kzoo.runs.configure import configure
from kzoo.runs.folder import create_run
from kzoo.runs.manifest import DataRecord, Manifest


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Make three runs; the first alone holds a model."""
    monkeypatch.chdir(tmp_path)
    record = Manifest(data=DataRecord(used="sample"))
    made = [create_run(tmp_path / "runs", configure("mnist", seed=seed), record) for seed in (1, 2, 3)]
    made[0].model_path.touch()
    made[0].update(status="done")
    return made


def test_runs_without_a_model_are_skipped_and_that_is_said(runs, tmp_path, monkeypatch):
    assert locate_model("last", tmp_path / "runs") == (runs[0].model_path, runs[0])
    monkeypatch.setattr(saved, "read_card", lambda path: ModelCard())
    found = find_model("last", tmp_path / "runs")
    assert found.skipped == (runs[1].name, runs[2].name)
    assert found.caution() == f"2 newer runs hold no model: `last` is {runs[0].name}."
    runs[1].best_path.touch()
    found = find_model("last", tmp_path / "runs")
    assert found.path == runs[1].best_path
    assert found.caution().startswith(f"{runs[2].name} holds no model: `last` is {runs[1].name}. The run ")
    assert find_model(str(runs[1].path)).skipped == ()


def test_none_has_a_model(runs, tmp_path):
    runs[0].model_path.unlink()
    with pytest.raises(KzooError, match=rf"The run .*{runs[2].path.name} holds no model"):
        locate_model("last", tmp_path / "runs")


def test_a_folder_of_that_name_is_meant_first(runs, tmp_path):
    runs[0].path.rename(tmp_path / "last")
    assert locate_model("last")[0].parent.name == "last"


@pytest.mark.parametrize(
    ("card", "recorded", "said"),
    [("sample", "real", True), ("real", "sample", False), ("", "sample", True), ("", "path", False)],
)
def test_a_model_of_the_sample_alone(card, recorded, said, runs):
    runs[0].update(data=DataRecord(used=recorded))
    model = SavedModel(runs[0].model_path, ModelCard(pipeline="mnist", trained_on=card), runs[0])
    assert ("trained on the embedded sample alone" in model.sample_only()) == said
    assert ("`kzoo run mnist --data PATH`" in model.sample_only()) == said
    assert SavedModel(runs[0].model_path, ModelCard(), None).sample_only() == ""


@pytest.mark.parametrize(
    ("installed", "refusing", "engine", "left_out"),
    [
        (["openvino", "onnx", "tensorflow"], [], "openvino", []),
        (["openvino", "onnx", "tensorflow"], ["openvino"], "onnx", ["OpenVINO"]),
        (["openvino", "onnx", "tensorflow"], ["openvino", "onnx"], "tensorflow", ["OpenVINO", "ONNX Runtime"]),
        (["tensorflow"], [], "tensorflow", []),
    ],
)
def test_auto_takes_the_fastest_engine_that_can(installed, refusing, engine, left_out, runs, monkeypatch):
    monkeypatch.setattr(saved, "read_card", lambda path: ModelCard())
    monkeypatch.setattr(saved, "engines_installed", lambda: installed)

    def export(model, asked):
        if asked in refusing:
            message = "The layer `odd` is not written."
            raise KzooError(message)
        return model.path.with_suffix(f".{asked}.onnx")

    found = find_model(str(runs[0].path), engine="auto", export=export)
    assert (found.engine, found.exported is None) == (engine, engine == "tensorflow")
    assert len(found.left_out) == len(left_out)
    for name, said in zip(left_out, found.left_out, strict=True):
        assert said.startswith(name)
        assert "does not run it: The layer `odd` is not written." in said
    assert run_by(found).endswith(f"{found.exported or found.path}.")
