"""``run.json`` in types: what was written comes back, and the file is the one that kzoo 0.1 wrote."""

import json
from dataclasses import fields

import pytest

from kzoo.errors import KzooError
from kzoo.runs.folder import Run
from kzoo.runs.manifest import SCHEMA_VERSION, DataRecord, Manifest, TrainingRecord

WRITTEN = {
    "schema_version": 1,
    "status": "done",
    "pipeline": "mnist",
    "recipe": "quick",
    "seed": 3,
    "label": "quick-emd",
    "started": "2026-11-22T05:34:38+00:00",
    "argv": ["kzoo", "run", "mnist"],
    "host": "here",
    "versions": {"kzoo": "0.1.0", "keras": "3.15.0"},
    "platform": "Linux",
    "processor": "x86_64",
    "cpus": 2,
    "flags": {"TF_ENABLE_ONEDNN_OPTS": "1"},
    "threads": {"intra_op": 0, "inter_op": 0},
    "devices": ["/physical_device:CPU:0"],
    "plugins": {"loss": {"name": "kzoo:emd", "version": "0.1.0"}},
    "data": {
        "requested": "auto",
        "used": "sample",
        "description": "digits",
        "location": "",
        "reason": "no route",
        "sizes": {"train": 9, "validation": 1, "test": 2},
        "class_names": ["0", "1"],
        "schema": {"target": "y"},
        "fingerprint": {"train": "ab", "validation": "cd", "test": "ef"},
    },
    "task": "classification",
    "model": {"parameters": 10, "input_shape": [28, 28, 1], "label_form": "dense", "augmented": True},
    "timings": {"train": 1.5},
    "training": {
        "epochs": 2,
        "steps": 8,
        "weights": "best (epoch 1, val_loss 0.25)",
        "best_epoch": 1,
        "images_per_second": 100.0,
        "history": [{"loss": 0.5, "val_loss": None}, {"loss": 0.25, "val_loss": 0.5}],
    },
    "results": {"test": {"loss": 0.25, "accuracy": 0.5}},
}
"""A file of kzoo 0.1, written down; only whether a key is there counts, not its place."""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(WRITTEN), encoding="utf-8")
    return Run(tmp_path)


def on_disk(run):
    return json.loads(run.manifest_path.read_text("utf-8"))


def test_a_file_of_the_first_version_is_read(run):
    manifest = run.manifest()
    assert (manifest.status, manifest.pipeline, manifest.recipe, manifest.seed) == ("done", "mnist", "quick", 3)
    assert manifest.data == DataRecord(**WRITTEN["data"])
    assert manifest.training == TrainingRecord(**WRITTEN["training"])
    assert manifest.test_results == {"loss": 0.25, "accuracy": 0.5}
    assert manifest.environment["versions"]["kzoo"] == "0.1.0"
    assert set(manifest.environment) == {
        "host", "versions", "platform", "processor", "cpus", "flags", "threads", "devices",
    }  # fmt: skip


def test_what_is_written_again_is_the_same_file(run):
    assert Manifest.from_dict(WRITTEN).to_dict() == WRITTEN
    run.update()
    assert on_disk(run) == WRITTEN
    run.update(status="interrupted", signal="SIGINT", timings={"train": 2.5})
    assert on_disk(run) == {**WRITTEN, "status": "interrupted", "signal": "SIGINT", "timings": {"train": 2.5}}


def test_a_run_that_only_began_says_nothing_of_training_and_results(run):
    begun = {key: value for key, value in WRITTEN.items() if key not in ("training", "results", "timings")}
    manifest = Manifest.from_dict(begun)
    assert (manifest.training, manifest.results, manifest.test_results) == (None, None, {})
    assert manifest.to_dict() == begun


def test_every_field_comes_back():
    different = {
        "schema_version": SCHEMA_VERSION,
        "seed": 1,
        "argv": ["a"],
        "callbacks": ["g"],
        "completed": ["trained"],
        "number": 2,
        "resumed": [{"epoch": 1}],
        "environment": {"host": "b"},
        "plugins": {"loss": {"name": "c"}},
        "data": DataRecord(requested="d", sizes={"train": 1}),
        "model": {"parameters": 2},
        "models": {"model.keras": "ab"},
        "results": {"test": {"loss": 0.0}},
        "measures": {"test": {"nll": 0.25}},
        "timings": {"train": 0.5},
        "part_of": {"study": "j", "trial": 3},
        "trackers": {"h": {"id": "i", "logged": 1}},
        "training": TrainingRecord(epochs=1, history=[{"loss": 1.0}], initial_weights="e", epoch_weights=["f"]),
    }
    texts = {field.name: field.name for field in fields(Manifest) if field.name not in different}
    manifest = Manifest(**different, **texts)
    assert Manifest.from_dict(json.loads(json.dumps(manifest.to_dict()))) == manifest


def test_a_newer_version_is_refused_before_it_is_changed(run):
    newer = {**WRITTEN, "schema_version": SCHEMA_VERSION + 1}
    run.manifest_path.write_text(json.dumps(newer), encoding="utf-8")
    with pytest.raises(KzooError, match=r"newer kzoo .*pip install --upgrade kzoo"):
        run.update(status="failed")
    assert on_disk(run) == newer
