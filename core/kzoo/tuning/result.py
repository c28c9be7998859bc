"""What came of a study: its trials, its winner, and whether that is better than the default."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kzoo.comparing import words
from kzoo.comparing.judging import BETTER, WORSE
from kzoo.report import page
from kzoo.tuning.storage import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.comparing.comparison import Comparison
    from kzoo.comparing.judging import Judged
    from kzoo.tuning.folder import StudyFolder
    from kzoo.tuning.space import Axis
    from kzoo.tuning.study import Study

__all__ = ["STATUSES", "Tuned"]

STATUSES = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running", "WAITING": "waiting"}
"""What became of a trial, by Optuna's word."""

_SHOWN = 10
"""The trials that are shown, the best first."""


@dataclass(eq=False, repr=False)
class Tuned:
    """What came of a study.

    Attributes:
        study: The study.
        comparison: The winner beside the default, both trained with new seeds; None where they were not.
        budget_reached: Whether the time was over before all trials were begun.
        notes: What must be known beside the numbers.
    """

    study: Study
    comparison: Comparison | None = None
    budget_reached: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def folder(self) -> StudyFolder:
        """The folder of the study."""
        return self.study.folder

    @cached_property
    def best(self) -> Any:
        """The best trial, as Optuna has it; None where none came to its end."""
        return self.study.best()

    @cached_property
    def is_default(self) -> bool:
        """Whether the winner has the default settings."""
        plan = self.study.plan
        return self.best is not None and plan.settings(self.best.params).values == plan.default.values

    @property
    def pruner(self) -> str:
        """What ends trials early."""
        return self.study.plan.asked.pruner

    @property
    def params(self) -> dict[str, Any]:
        """The values of the best trial, by setting; empty where there is none."""
        return {} if self.best is None else _told(self.best.params, self.study.plan.axes)

    @property
    def value(self) -> float | None:
        """The metric of the best trial on its validation data: the best of many, and therefore partly luck."""
        return None if self.best is None else float(self.best.value)

    @cached_property
    def trials(self) -> list[dict[str, Any]]:
        """A flat row for each trial, in their order."""
        return [_row(trial, self.study.plan.axes) for trial in self.study.trials()]

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The rows of the best trials, the best first, then of those that were pruned or failed."""
        sign = 1 if self.study.plan.metric.direction == "min" else -1
        order = list(STATUSES.values())
        ranked = sorted(
            self.trials,
            key=lambda row: (order.index(row["status"]), 0.0 if row["value"] is None else sign * row["value"]),
        )
        return ranked[:_SHOWN]

    @property
    def summary(self) -> list[str]:
        """What follows, a sentence each."""
        metric = self.study.plan.metric
        counts = {status: sum(row["status"] == status for row in self.trials) for status in STATUSES.values()}
        told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        over = " The budget was over before all were begun." if self.budget_reached and self._open else ""
        found = [f"{len(self.trials)} trials: {told}.{over}"]
        if self.best is None:
            return found
        at = ", ".join(f"{key} {value}" for key, value in self.params.items())
        found.append(
            f"The best is trial {self.best.number} with {metric.name} {words.number(self.value or 0.0)}: {at}."
        )
        if self.is_default:
            found.append("These are the default settings: nothing better was found.")
        elif self.comparison is None:
            found.append(
                "That is the best of many on the data it was chosen by, and partly luck: what the settings are worth, "
                "only new seeds tell."
            )
        else:
            found += [self._verdict, *self.comparison.summary]
        return found

    @property
    def _open(self) -> bool:
        limit = self.study.plan.limit
        return limit is None or len(self.trials) < limit

    @property
    def verdict(self) -> Judged | None:
        """How the winner stands to the default by the metric of the study, with new seeds; None where nobody looked."""
        if self.comparison is None:
            return None
        rows = self.comparison.judgement.of(self.study.plan.metric.name)
        return next((row for row in rows if row.difference), None)

    @property
    def _verdict(self) -> str:
        """Return what new seeds say of the winner by the metric of the study."""
        row, metric = self.verdict, self.study.plan.metric
        assert self.comparison is not None, "it was looked"
        if row is None or row.difference is None or not row.difference.n:
            return f"With new seeds, {metric.name} could not be compared."
        first = next(one for one in self.comparison.judgement.of(metric.name) if not one.difference)
        seeds = f"seed{'s' * (len(row.values) > 1)} {', '.join(map(str, sorted(row.values)))}"
        said = {BETTER: "which beats the default", WORSE: "which is worse than the default"}.get(
            row.verdict, f"which does not show that it beats the default ({row.verdict})"
        )
        return (
            f"Trained again with the new {seeds}, its {metric.name} is {words.number(row.mean.mean)} on average, "
            f"and {words.number(first.mean.mean)} with the default settings, {said}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        metric = self.study.plan.metric
        return {
            "study": self.folder.name,
            "folder": str(self.folder.path),
            "storage": shown(self.study.storage),
            "pipeline": self.study.plan.pipeline,
            "metric": metric.name,
            "direction": metric.direction,
            "search": list(self.study.plan.space.values()),
            "best": None
            if self.best is None
            else {"trial": self.best.number, "value": self.value, "params": self.params},
            "trials": self.trials,
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "summary": self.summary,
            "notes": self.notes,
        }

    def __repr__(self) -> str:
        return f"<kzoo study {self.folder.name}: {' '.join(self.summary)}>"

    def _repr_html_(self) -> str:
        parts = [page.paragraph(text) for text in (*self.summary, *self.notes)]
        parts.append(page.table([{key: value for key, value in row.items() if key != "path"} for row in self.shown]))
        return f"<div>{''.join(parts)}</div>"


def _told(params: Mapping[str, Any], axes: Sequence[Axis]) -> dict[str, Any]:
    """Return the values of a trial as JSON has them."""
    known = {axis.key: axis for axis in axes}
    return {key: known[key].told(value) if key in known else value for key, value in params.items()}


def _row(trial: Any, axes: Sequence[Axis]) -> dict[str, Any]:
    last = trial.last_step
    done = trial.state.name == "COMPLETE"
    value = trial.value if done else trial.intermediate_values.get(last)
    seconds = trial.duration.total_seconds() if trial.duration else None
    return {
        "trial": trial.number,
        "status": STATUSES[trial.state.name],
        "value": None if value is None else float(value),
        "epochs": last,
        **_told(trial.params, axes),
        "seconds": None if seconds is None else round(seconds, 1),
        "run": trial.user_attrs.get("run", "").rpartition("/")[2],
        "path": trial.user_attrs.get("run", ""),
        "error": trial.user_attrs.get("error", ""),
    }
