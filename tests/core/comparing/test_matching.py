"""Runs that are there already are used again where they are what a new one would be, and not otherwise."""

import json
from dataclasses import replace

import pytest
from made_up_runs import made_up

from kzoo.comparing.grid import Asked, grid_of
from kzoo.comparing.matching import find
from kzoo.errors import KzooError
from kzoo.plugins.registry import get_registry
from kzoo.runs.lock import training
from kzoo.training.record import components_of


@pytest.fixture
def jobs():
    common = {"recipe": "quick", "data": "sample"}
    return grid_of(Asked(pipeline="mnist", losses=["emd", "focal"], seeds=2, common=common)).jobs


def run_of(job, root, **more):
    """Return a run that was made up for a job, with the components that are installed."""
    run = made_up(root, str(job.config.loss), job.seed, **more)
    used = components_of(job.config, get_registry())
    run.update(plugins={what: {"name": entry.qualified, "version": entry.version} for what, entry in used.items()})
    return run


def fingerprint(config):
    return {split: f"a-{split}-{config.seed}" for split in ("train", "validation")} | {"test": "a-test"}


def test_what_is_done_is_used_and_what_is_not_goes_on(jobs, tmp_path):
    done, killed = run_of(jobs[0], tmp_path), run_of(jobs[1], tmp_path, status="running")
    begun = run_of(jobs[2], tmp_path, status="failed")  # without a state there is nothing to go on with
    killed.state.path.mkdir()
    found = find(jobs, tmp_path, fingerprint)
    assert (found.done, found.unfinished, found.notes) == ({jobs[0]: done}, {jobs[1]: killed}, [])
    again = run_of(jobs[1], tmp_path)
    found = find(jobs, tmp_path, fingerprint)
    assert (found.done, found.unfinished) == ({jobs[0]: done, jobs[1]: again}, {})
    assert begun.path.exists()


def test_a_run_that_is_not_what_a_new_one_would_be_is_passed_over(jobs, tmp_path):
    run = run_of(jobs[0], tmp_path)
    record = run.manifest()
    [*_, note] = find(jobs, tmp_path, lambda config: {"test": "another"}).notes
    assert "its data was not what is there now" in note
    older = {**record.plugins, "loss": {"name": "kzoo:emd", "version": "0.0.1"}}
    for changes, words in (
        ({"plugins": older}, "its loss was kzoo:emd 0.0.1"),
        ({"callbacks": ["Mine"]}, "callbacks of its own"),
        ({"resumed": [{"forced": ["x"]}]}, "--force"),
    ):
        run.update(**{"plugins": record.plugins, "callbacks": [], "resumed": [], **changes})
        found = find(jobs, tmp_path, fingerprint)
        assert not found.done
        assert words in found.notes[0]
    run.manifest_path.write_text(json.dumps({**replace(record).to_dict(), "schema_version": 99}), "utf-8")
    assert "newer kzoo" in find(jobs, tmp_path, fingerprint).notes[0]


def test_a_run_that_is_being_trained_elsewhere_is_waited_for_and_then_named(jobs, tmp_path, monkeypatch):
    monkeypatch.setattr("kzoo.comparing.matching._PATIENCE", 0.0)
    run = run_of(jobs[0], tmp_path, status="running")
    with training(run.path), pytest.raises(KzooError, match="being trained by another process"):
        find(jobs, tmp_path, fingerprint)
