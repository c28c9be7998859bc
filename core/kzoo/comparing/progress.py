"""What a person sees while runs of a comparison are trained: a table that changes in place, else lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.comparing.live import LiveTable, plain
from kzoo.models.saved import find_pipeline
from kzoo.plugins.registry import get_registry
from kzoo.runs.choices import possible_tasks
from kzoo.tasks import task_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from kzoo.comparing.grid import Grid, Job
    from kzoo.runs.folder import Run

__all__ = ["Progress"]

_MOST_SHOWN = 2  # values of an epoch


@dataclass
class _Row:
    """What is known of one way to train."""

    done: int = 0
    failed: int = 0
    now: dict[int, str] = field(default_factory=dict)
    values: list[float] = field(default_factory=list)


class Progress(LiveTable):
    """Shows how a grid of runs goes on.

    Args:
        grid: The runs.
        say: Takes a line for each run, where there is no table; None where nobody wants them.
        warn: Takes warnings.
        console: What shows a table that changes in place; None for none.
    """

    def __init__(
        self,
        grid: Grid,
        *,
        say: Callable[[str], None] | None,
        warn: Callable[[str], None],
        console: Console | None = None,
    ) -> None:
        super().__init__(say=say, warn=warn, console=console)
        self._grid = grid
        # What says most of a model by the first of the pipeline's tasks; data may decide for another one.
        config = grid.jobs[0].config
        tasks = possible_tasks(config, find_pipeline(config.pipeline), get_registry())
        self._quality = task_named(tasks[0]).quality
        self._rows = {cell: _Row() for cell in grid.cells}
        self._count = 0

    def began(self, job: Job) -> None:
        """Show that a run is being trained."""
        self._rows[job.cell].now[job.seed] = "starting"

    def epoch(self, job: Job, epoch: int, epochs: int, logs: Mapping[str, float]) -> None:
        """Show an epoch that a run came through."""
        values = [f"{name} {value:.4g}" for name, value in logs.items() if _says_something(name)][:_MOST_SHOWN]
        self._rows[job.cell].now[job.seed] = f"{epoch}/{epochs} {' '.join(values)}".rstrip()

    def ended(self, job: Job, status: str, run: Run | None) -> None:
        """Show what became of a run; where there is no table, in a line."""
        row = self._rows[job.cell]
        row.now.pop(job.seed, None)
        row.done += status in ("done", "reused")
        row.failed += status == "failed"
        value = _quality(run, self._quality)
        if value is not None:
            row.values.append(value)
        self._count += 1
        shown = "" if value is None else f"  {self._quality} {value:.4f}"
        place = f"  {run.path}" if run else ""
        self.line(f"{self._count}/{len(self._grid.jobs)}  {job.cell} seed {job.seed}: {status}{shown}{place}")

    def table(self) -> Table:
        """Return the table as it is now."""
        from rich.table import Table

        done = sum(row.done for row in self._rows.values())
        title = f"{self._grid.pipeline}: {done} of {len(self._grid.jobs)} runs, {self.elapsed}"
        table = Table(title=title, title_justify="left", title_style="bold")
        for heading in ("trained with", "done", f"mean {self._quality}", "now"):
            table.add_column(heading)
        for cell, row in self._rows.items():
            mean = f"{sum(row.values) / len(row.values):.4f}" if row.values else ""
            failed = f", {row.failed} failed" if row.failed else ""
            now = "; ".join(f"seed {seed}: {what}" for seed, what in row.now.items())
            table.add_row(plain(cell), f"{row.done}/{len(self._grid.seeds)}{failed}", mean, plain(now))
        return table


def _says_something(name: str) -> bool:
    """Return whether a value of an epoch can be read beside those of other losses."""
    return name.startswith("val_") and not name.endswith("loss")


def _quality(run: Run | None, name: str) -> float | None:
    """Return the measure of a run that is done, as its record has it."""
    if run is None:
        return None
    record = run.manifest()
    value: Sequence[Any] | Any = {**record.test_results, **record.measures.get("test", {})}.get(name)
    return float(value) if isinstance(value, (int, float)) else None
