"""The tracker of docs/tracking.md is what the page says: short, and sound."""

import re
from pathlib import Path

from kzoo.testing import check_tracker

PAGE = (Path(__file__).parents[1] / "docs" / "tracking.md").read_text("utf-8")


def test_the_tracker_of_the_page_passes_the_kit(monkeypatch, tmp_path):
    tracker, plugin = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    code = [line for line in tracker.splitlines() if line and not line.startswith(("#", "import", "from"))]
    assert len(code) <= 20
    package = tmp_path / "kzoo_lines"
    package.mkdir()
    (package / "tracker.py").write_text(tracker, "utf-8")
    (package / "plugin.py").write_text(plugin, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    from kzoo_lines.plugin import kzoo_trackers
    from kzoo_lines.tracker import Lines

    [spec] = kzoo_trackers()
    assert spec.faults() == []
    assert spec.target == f"{Lines.__module__}:{Lines.__name__}"
    report = check_tracker(Lines)
    report.raise_if_failed()
    assert not report.skipped
