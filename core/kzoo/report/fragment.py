"""What came of a run as a part of another page: that of a notebook, below the cell that trained it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from kzoo.report import page
from kzoo.report.figures import curves
from kzoo.report.write import as_png

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.runs.folder import Run

__all__ = ["result_html"]


def result_html(run: Run, results: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    """Return the results as a table, the curves, and where the report of the run is."""
    manifest = run.manifest()
    parts = [f"<p><strong>{html.escape(run.name)}</strong>: {html.escape(manifest.status)}</p>"]
    if manifest.data.used == "sample":
        parts.append("<p>Trained on the embedded sample: these results say nothing about the real task.</p>")
    parts.append(page.table([{"metric": name, "test": value} for name, value in results.items()]))
    if history:
        best = manifest.training.best_epoch if manifest.training else None
        parts.append(page.picture(as_png(curves(history, best)), "Loss and metrics over the epochs"))
    report = run.path / "report.html"
    where = report if report.exists() else run.path
    parts.append(f"<p>{'Report' if report.exists() else 'Folder'}: <code>{html.escape(str(where))}</code></p>")
    # The style of the report's page is not here: what is wider than the screen is scrolled by itself.
    return f'<div style="overflow-x:auto">{"".join(parts)}</div>'
