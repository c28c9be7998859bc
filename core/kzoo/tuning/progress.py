"""What a person sees while the trials of a study are trained: a table that changes in place, else lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.comparing.live import LiveTable, plain
from kzoo.comparing.words import number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console
    from rich.table import Table

    from kzoo.comparing.grid import Job
    from kzoo.runs.folder import Run
    from kzoo.tuning.study import Study

__all__ = ["Progress"]

_BEST = 5


class Progress(LiveTable):
    """Shows how the trials of a study go on: those in training, and the best so far.

    Args:
        study: The study.
        say: Takes a line for each trial, where there is no table; None where nobody wants them.
        warn: Takes warnings.
        console: What shows a table that changes in place; None for none.
    """

    def __init__(
        self,
        study: Study,
        *,
        say: Callable[[str], None] | None,
        warn: Callable[[str], None],
        console: Console | None = None,
    ) -> None:
        super().__init__(say=say, warn=warn, console=console)
        self._study = study
        self._metric = study.plan.metric.name
        self._now: dict[str, str] = {}
        self._best: list[tuple[str, str, str]] = []
        self._done = 0
        self._read()

    def began(self, job: Job) -> None:
        """Show that a trial is being trained."""
        self._now[job.cell] = "starting"

    def epoch(self, job: Job, epoch: int, epochs: int, logs: Mapping[str, float]) -> None:
        """Show an epoch that a trial came through."""
        value = logs.get(self._metric)
        shown = "" if value is None else f" {self._metric} {number(value)}"
        self._now[job.cell] = f"{epoch}/{epochs}{shown}"

    def ended(self, job: Job, status: str, run: Run | None) -> None:
        """Show what became of a trial; where there is no table, in a line."""
        self._now.pop(job.cell, None)
        self._read()
        value = None if run is None else _value(run, self._metric)
        shown = "" if value is None else f"  {self._metric} {number(value)}"
        place = f"  {run.path}" if run else ""
        limit = self._study.plan.limit
        count = f"{self._done}/{limit}" if limit else str(self._done)
        self.line(f"{count}  {job.cell}: {status}{shown}{self._at(job)}{place}")

    def table(self) -> Table:
        """Return the table as it is now."""
        from rich.table import Table

        limit = self._study.plan.limit
        of = f" of {limit}" if limit else ""
        title = f"{self._study.folder.name}: {self._done}{of} trials, {self.elapsed}"
        found = Table(title=title, title_justify="left", title_style="bold")
        for heading in ("trial", self._metric, "settings"):
            found.add_column(heading)
        for cell, now in self._now.items():
            found.add_row(plain(cell), plain(now), "")
        for cell, value, settings in self._best:
            found.add_row(plain(cell), value, plain(settings))
        return found

    def _at(self, job: Job) -> str:
        """Return the settings of a trial that are searched."""
        trial = next((one for one in self._study.trials() if f"trial {one.number}" == job.cell), None)
        return "" if trial is None else "".join(f"  {key}={_short(value)}" for key, value in trial.params.items())

    def _read(self) -> None:
        """Read from the storage what all processes came to."""
        trials = self._study.trials()
        self._done = sum(trial.state.is_finished() for trial in trials)
        sign = 1 if self._study.plan.metric.direction == "min" else -1
        done = sorted((one for one in trials if one.state.name == "COMPLETE"), key=lambda one: sign * one.value)
        self._best = [
            (
                f"trial {one.number}",
                number(one.value),
                " ".join(f"{key}={_short(value)}" for key, value in one.params.items()),
            )
            for one in done[:_BEST]
        ]


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _value(run: Run, metric: str) -> float | None:
    record = run.manifest()
    return record.training.kept(metric) if record.training else None
