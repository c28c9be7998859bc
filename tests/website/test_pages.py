"""The pages that are made: what those of each kind have, and what the pictures show."""

import importlib
import json
import re

import numpy as np
import pytest
from website import api, command_line, components, gallery, places
from website.places import DATA, FOLDERS
from website.plots.drawing import Panel, svg

from kzoo.plugins.registry import get_registry

PAGES = [
    (
        "loss",
        "emd",
        ["<math", "0.9 on one class", "scipy", "../pipelines/mnist.md", "../metrics/emd.md", "## References"],
    ),
    ("loss", "huber", ["Keras 3.15 loses `delta`", "<math", "<svg", "It is Keras's own class"]),
    ("loss", "yolo", ["<math", "an object in one of four places", "../pipelines/yolov3.md"]),
    ("metric", "ece", ["the smaller the better", "<math", "<svg", "torchmetrics", "`n_bins`"]),
    ("optimizer", "lion", ["<math", "height above the minimum"]),
    ("schedule", "one_cycle", ["<math", "1,000 steps", "-o optimizer.learning_rate.name=one_cycle"]),
    ("regularizer", "spectral", ["<math", "penalty", "kzoo run", "spectral_norm"]),
    ("regularizer", "decov", ["<math", "activity_regularizer", "../pipelines/cats_vs_dogs.md"]),
]


@pytest.mark.long_but_first
@pytest.mark.parametrize(("kind", "name", "parts"), PAGES, ids=lambda value: value if isinstance(value, str) else "")
def test_the_page_of_a_component(kind, name, parts):
    text = components.page(get_registry().component(kind, name))
    assert [part for part in parts if part not in text] == []
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[:4] == ["Use", "Formula", "Picture", "Parameters"]
    assert len(headings) == len(set(headings))
    assert text.count("```") % 2 == 0


def test_a_picture_has_the_colours_and_the_letters_of_its_page():
    panel = Panel("a <title>", "x", "y", [("one", [0, 1, 2], [0, 1, 4]), ("two", [0, 1, 2], [4, 1, 0])])
    drawn = svg([panel], 'says "it"', "a-name")
    assert 'aria-label="says &quot;it&quot;"' in drawn
    assert {"currentColor", "var(--kz-faint)", "var(--kz-line-1)", "var(--kz-line-2)"} <= set(
        re.findall(r"currentColor|var\([\w-]+\)", drawn)
    )
    assert re.findall(r"<style|<metadata|http://www.w3.org/1999/xlink|DejaVu|#0\d0\d0\d", drawn) == []
    assert "a &lt;title&gt;" in drawn
    assert drawn == svg([panel], 'says "it"', "a-name")


@pytest.mark.long
@pytest.mark.parametrize("kind", ["loss", "metric", "schedule", "regularizer"])
def test_every_component_has_a_picture_that_shows_something(kind, monkeypatch):
    """Some value is finite in every curve, and not all are the same."""
    monkeypatch.setattr("website.plots.ways.POINTS", 4)
    monkeypatch.setattr("website.plots.metrics.SHARES", np.linspace(0, 1, 3))
    maker = importlib.import_module(f"website.plots.{FOLDERS[kind]}")
    for entry in get_registry().entries(kind):
        curves = [curve for panel in maker.panels(entry) for curve in panel.curves]
        values = [np.asarray(y, float) for _, _, y in curves]
        assert all(np.isfinite(one).any() for one in values), entry.name
        assert any(np.ptp(one[np.isfinite(one)]) > 0 for one in values), entry.name


def test_a_logarithmic_axis_has_numbers_that_can_be_read():
    drawn = svg([Panel("falls", "x", "y", [("", [0, 1, 2], [10, 1, 0.0001])], log=True)], "it falls", "a-name")
    assert ">0.001</text>" in drawn
    assert "$" not in drawn


@pytest.mark.long  # the references of today are asked for all their cases
def test_the_agreement_that_the_pages_show_is_that_of_the_cases_there_are():
    from agreement.collect import cases_of

    shown = json.loads((DATA / "agreement.json").read_text("utf-8"))["components"]
    there = {f"{kind} {name}": len(cases) for kind in FOLDERS for name, cases in cases_of(kind).items()}
    assert {name: one["cases"] for name, one in shown.items()} == there, (
        "write it again: python benchmarks/agreement.py --json website/data/agreement.json"
    )


def test_the_gallery_has_every_pipeline_and_its_pictures():
    runs = gallery.recorded()
    assert {run["pipeline"] for run in runs} == {
        entry.name for entry in get_registry().pipelines() if entry.first_party
    }
    named = {picture["file"] for run in runs for picture in run["pictures"]}
    assert {path.name for path in (DATA / "gallery").iterdir()} == named
    for run in runs:
        assert run["command"].startswith(f"kzoo run {run['pipeline'].replace('_', '-')}")
        assert run["results"]
        assert run["seconds"] > 0


def test_the_pages_of_commands_and_modules(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "SOURCE", tmp_path)
    command_line.write_pages()
    page = (tmp_path / "commands" / "run.md").read_text("utf-8")
    assert "`-l, --loss" in page or "--loss" in page
    assert "## Options" in page
    assert "| [`kzoo run`](run.md) | Train and test a pipeline" in (tmp_path / "commands" / "index.md").read_text(
        "utf-8"
    )
    api.write_pages()
    page = (tmp_path / "api" / "kzoo.md").read_text("utf-8")
    assert "::: kzoo.api.run\n" in page
    assert "::: kzoo.errors.KzooError\n" in page
    assert "::: kzoo.component.losses." in (tmp_path / "api" / "kzoo.component.md").read_text("utf-8")
