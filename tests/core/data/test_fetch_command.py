"""``kzoo fetch`` over the pipelines that there are, from a server on this machine."""

import dataclasses
import json
from pathlib import Path

import pytest

from kzoo.cli import main
from kzoo.models import saved
from kzoo.plugins.registry import get_registry

NAMES = get_registry().names("pipeline")
WITH_DATA = {name for name in NAMES if saved.find_pipeline(name).source().real is not None}


@pytest.fixture
def served(server, monkeypatch, home):
    """Let every pipeline that has a published file have it on this machine's server."""
    find = saved.find_pipeline

    def of_this_machine(name):
        pipeline = find(name)
        source, inner_source = pipeline.source(), pipeline._inner.source()
        if source.real is not None:
            own = server.remote(urls=(f"{server.url}/{name}.bin",), filename=f"{name}.bin")
            inner = type(pipeline._inner)  # that of the author
            monkeypatch.setattr(inner, "source", lambda self, card=None: dataclasses.replace(inner_source, real=own))
        return pipeline

    monkeypatch.setattr(saved, "find_pipeline", of_this_machine)
    return server


def test_there_are_pipelines_of_both_kinds():
    assert {"mnist", "cifar10", "cats_vs_dogs"} <= WITH_DATA
    assert {"fingers", "regression", "yolov3"} <= set(NAMES) - WITH_DATA


def test_all_is_what_there_is_to_download(served, home, capsys):
    assert main(["fetch", "--all", "--json"]) == 0
    said = capsys.readouterr()
    rows = json.loads(said.out)
    assert {row["pipeline"] for row in rows} == WITH_DATA
    assert said.err == ""
    for row in rows:
        assert Path(row["file"]).read_bytes() == served.content
        assert Path(row["file"]).is_relative_to(home)
    assert sorted(served.paths) == sorted(f"/{name}.bin" for name in WITH_DATA)


def test_a_pipeline_without_data_that_is_named_is_refused_and_the_others_are_fetched(served, capsys):
    assert main(["fetch", "regression", "mnist"]) == 1
    said = capsys.readouterr()
    assert "regression: There is no data set to download for this pipeline" in said.err
    assert "mnist.bin" in said.out
    assert served.paths == ["/mnist.bin"]


def test_one_that_fails_does_not_keep_the_others(served, capsys):
    served.statuses = [404]
    assert main(["fetch", "--all"]) == 1
    assert len(served.paths) == len(WITH_DATA)
    assert capsys.readouterr().out.count(".bin") == len(WITH_DATA) - 1
