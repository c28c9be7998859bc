"""What a study makes better: a value that each epoch logs of the validation data, with its direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kzoo.errors import UsageError
from kzoo.plugins.reference import Reference
from kzoo.runs.config import RunConfig
from kzoo.training.logged import direction_of, logged_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.plugins.registry import Registry
    from kzoo.tasks import Task
    from kzoo.tuning.space import Axis

__all__ = ["Metric", "metric_of", "with_metric"]

_BEHIND_LOSS = ("loss", "regularizer")
"""Tables that the value of a loss depends on: one of another loss, or with another penalty, is no better or worse."""


@dataclass(frozen=True)
class Metric:
    """What is made better.

    Attributes:
        name: What is logged: ``val_accuracy``.
        direction: Which way it is better, ``min`` or ``max``, as its spec says.
        added: The reference of the metric, where the recipe does not measure it.
        figure: Whether it is a figure of the task, which is measured after epochs only where somebody asks for it.
    """

    name: str
    direction: str
    added: str = ""
    figure: bool = False

    @property
    def better(self) -> str:
        """Which way it is better, as comparisons call it: ``lower`` or ``higher``."""
        return "lower" if self.direction == "min" else "higher"


def metric_of(asked: str | None, config: RunConfig, task: Task, axes: Sequence[Axis], registry: Registry) -> Metric:
    """Return what is to be made better.

    Args:
        asked: What is logged by a run of these settings, or ``val_`` and the reference of a metric that is then
            measured too; None for what says most of a model, where that is logged, else for ``train.monitor``.
        config: The settings.
        task: The task.
        axes: What is searched.
        registry: Where metrics are found.

    Raises:
        UsageError: There is no such metric, it has no direction or no validation data, or it cannot be compared between
            trials.
    """
    logged = logged_names(config, task)
    if asked is None:
        best = [f"val_{task.quality}", *(one for one in task.epoch_figures if task.epoch_figures[one] == task.quality)]
        asked = next((one for one in best if one in logged), config.train.monitor)
    searched = [axis.key for axis in axes if axis.key.partition(".")[0] in _BEHIND_LOSS]
    if asked == "val_loss" and searched:
        others = [name for name in logged if name != "val_loss"]
        instead = f"Take --metric {others[0]}" if others else "Take a metric, as in --metric val_accuracy"
        message = (
            f"`val_loss` says nothing where `{searched[0]}` is searched: it is the value of another loss in each "
            f"trial. {instead}."
        )
        raise UsageError(message)
    added = ""
    if asked not in logged:
        name = asked.removeprefix("val_")
        if name == asked:
            raise UsageError(_unknown(asked, logged))
        reference = Reference.parse(name)
        try:
            registry.metric(reference.name)
        except UsageError as error:
            message = f"{error} {_unknown(asked, logged)}"
            raise UsageError(message) from error
        added, asked = str(reference), f"val_{reference.slug}"
        config = with_metric(config, Metric(asked, "", added))
    direction = direction_of(asked, config, task, registry)
    if not direction:
        message = f"`{asked}` has no direction: its spec does not say whether more or less of it is better."
        raise UsageError(message)
    return Metric(asked, direction, added, asked in task.epoch_figures)


def with_metric(config: RunConfig, metric: Metric) -> RunConfig:
    """Return settings that measure it."""
    if metric.figure and not config.train.measure_every and config.train.monitor != metric.name:
        train = {**config.values["train"], "measure_every": 1}
        return RunConfig({**config.values, "train": train}, {**config.origins, "train.measure_every": "--metric"})
    if not metric.added or metric.added in map(str, config.metrics):
        return config
    metrics = [*map(str, config.metrics), metric.added]
    return RunConfig({**config.values, "metrics": metrics}, {**config.origins, "metrics": "--metric"})


def _unknown(asked: str, logged: Sequence[str]) -> str:
    listed = ", ".join(logged)
    if f"val_{asked}" in logged or asked == "loss":
        return (
            f"`{asked}` is measured on what is trained on, and would choose what learns that by heart. Take "
            f"--metric val_{asked}."
        )
    return (
        f"There is no metric `{asked}` to tune by. A run of these settings logs {listed}; `val_` before the name of "
        "another metric measures that too, as in --metric val_mcc (`kzoo list-metrics` has them)."
    )
