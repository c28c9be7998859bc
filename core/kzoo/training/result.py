"""What a run came to, as an object that shows itself: a line of text, or a part of a page in a notebook."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from kzoo.runs.folder import Run

__all__ = ["RunResult"]


@dataclass(repr=False)
class RunResult:
    """What a run came to.

    Attributes:
        run: Its folder.
        status: ``done`` or ``interrupted``.
        results: Loss and metrics on the test split; empty when it was interrupted.
        history: Logs of each epoch.
        model: The trained Keras model.
        completed: What came to its end, of `kzoo.runs.manifest.STAGES`.
    """

    run: Run
    status: str
    results: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    model: Any = None
    completed: tuple[str, ...] = ()

    @property
    def report(self) -> Path | None:
        """The page of the run, ``report.html``; None where there is none."""
        path = self.run.path / "report.html"
        return path if path.exists() else None

    def __repr__(self) -> str:
        numbers = {name: value for name, value in self.results.items() if isinstance(value, (int, float))}
        parts = [self.status, *(f"{name} {value:.4g}" for name, value in numbers.items())]
        where = f"report {self.report}" if self.report else f"folder {self.run.path}"
        return f"<kzoo run {self.run.name}: {', '.join(parts)}; {where}>"

    def _repr_html_(self) -> str:
        from kzoo.report import result_html

        return result_html(self.run, self.results, self.history)
