"""What a run came to, as it shows itself."""

import re

import pytest

from kzoo.runs.configure import configure
from kzoo.runs.folder import create_run
from kzoo.runs.manifest import DataRecord, Manifest, TrainingRecord
from kzoo.training.result import RunResult

HISTORY = [{"loss": 1.0, "val_loss": 2.0}, {"loss": 0.5, "val_loss": 2.5}]
RESULTS = {"loss": 0.123456, "accuracy": 0.5, "per_class": [0.1, 0.9]}


@pytest.fixture
def result(tmp_path):
    run = create_run(tmp_path, configure("mnist", recipe="quick"), Manifest(data=DataRecord(used="sample")))
    run.update(status="done", training=TrainingRecord(history=HISTORY, best_epoch=1))
    return RunResult(run, "done", RESULTS, HISTORY, object(), ("trained",))


def test_as_text(result):
    where = result.run.path
    assert repr(result) == f"<kzoo run {result.run.name}: done, loss 0.1235, accuracy 0.5; folder {where}>"
    assert result.report is None
    (where / "report.html").touch()
    assert repr(result).endswith(f"; report {where / 'report.html'}>")
    assert result.report == where / "report.html"


def test_as_html(result):
    page = result._repr_html_()
    assert '<td>loss</td><td class="number">0.1235</td>' in page
    assert "[0.1, 0.9]" in page
    assert page.count('src="data:image/png;base64,') == 1
    assert "say nothing about the real task" in page
    assert f"Folder: <code>{result.run.path}</code>" in page
    (result.run.path / "report.html").touch()
    assert f"Report: <code>{result.run.path / 'report.html'}</code>" in result._repr_html_()
    assert not re.search(r"<(script|link|style)", page)
    # The report's style is not there: a picture that is made narrower by its cell keeps its form all the same.
    [style] = re.findall(r'<img [^>]*style="([^"]*)"', page)
    assert {"max-width:100%", "height:auto"} <= set(style.split(";"))


def test_a_run_that_was_stopped_at_once_has_no_curves(result):
    page = RunResult(result.run, "interrupted")._repr_html_()
    assert "<img" not in page
    assert "<table" not in page
