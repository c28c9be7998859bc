"""Runs that come back through a store: one of files, by fsspec, as two machines without a common folder have it."""

from pathlib import Path

import pytest
from made_up_runs import made_up

from kzoo.comparing import away
from kzoo.comparing.away import Fetched, fetch_left, trained_away
from kzoo.errors import KzooError
from kzoo.runs.folder import Run, list_runs

pytest.importorskip("fsspec")


@pytest.fixture
def url(tmp_path):
    return f"file://{tmp_path / 'store'}"


def trained(task, *, killed_after=None):
    """Make up a run in the folder of the task, as a worker does that trains; return the names that were told."""
    told = []
    with trained_away(task, lambda event, **more: told.append((event, more.get("run")))) as (there, tell):
        run = Run(Path(there["resume"])) if there["resume"] else None
        assert there["out"] != task["out"]
        if run is None:
            run = made_up(Path(there["out"]), "emd", 0, accuracy=0.9)
            run.update(status="running")
        tell("begun", run=str(run.path))
        for epoch in (1, 2):
            (run.path / "state").mkdir(exist_ok=True)
            (run.path / "state" / "a.json").write_text(str(epoch), "utf-8")
            tell("epoch", epoch=epoch, epochs=2, logs={})
            if epoch == killed_after:
                raise SystemExit
        (run.path / "state" / "a.json").unlink()
        run.update(status="done")
        tell("done", run=str(run.path))
    return told


def test_a_run_comes_back_whole_and_takes_its_number_here(tmp_path, url):
    here = tmp_path / "here"
    first = made_up(here, "focal", 0, accuracy=0.8)
    first.update(number=4)
    told = trained({"store": url, "resume": None, "out": str(here)})
    assert [event for event, _ in told] == ["begun", "epoch", "epoch", "done"]
    name = told[-1][1]
    store = Fetched(url, here)
    run = Run(store.take(name))
    assert run.path == here / name
    assert (run.status(), run.number()) == ("done", 5)
    assert run.manifest().measures["test"]["accuracy"] == 0.9
    assert not (run.path / "state" / "a.json").exists()  # it was gone when the run was done
    assert fetch_left(url, here) == []


def test_one_that_was_killed_is_fetched_and_goes_on_there(tmp_path, url, monkeypatch):
    monkeypatch.setattr(away, "_EVERY", 0.0)
    here = tmp_path / "here"
    with pytest.raises(SystemExit):
        trained({"store": url, "resume": None, "out": str(here)}, killed_after=1)
    [name] = fetch_left(url, here)
    [run] = list_runs(here)
    assert run.status() == "killed"
    assert (run.path / "state" / "a.json").read_text("utf-8") == "1"
    store = Fetched(url, here)
    assert store.give(run.path) == name
    told = trained({"store": url, "resume": name, "out": str(here)})
    assert told[-1] == ("done", name)
    assert Run(store.take(name)).status() == "done"
    assert run.number() == 1


def test_a_store_that_there_is_not_is_said(tmp_path):
    with pytest.raises(KzooError, match="nowhere://x cannot be opened"):
        fetch_left("nowhere://x", tmp_path)
