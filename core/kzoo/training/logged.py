"""What a run logs after each epoch, and which way each of it is better."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.data.splits import Splits
    from kzoo.plugins.registry import Registry
    from kzoo.runs.config import RunConfig
    from kzoo.tasks import Task

__all__ = ["direction_of", "logged_names", "silent_names"]


def logged_names(config: RunConfig, task: Task, parts: Sequence[str] = ()) -> list[str]:
    """Return what a run of these settings logs of its validation data.

    Args:
        config: The settings.
        task: The task.
        parts: The names of the parts of the loss.
    """
    return [*(f"val_{name}" for name in ("loss", *parts, *(m.slug for m in config.metrics))), *task.epoch_figures]


def direction_of(name: str, config: RunConfig, task: Task, registry: Registry, parts: Sequence[str] = ()) -> str | None:
    """Return which way a logged value is better, ``min`` or ``max``; empty where its metric does not say.

    Args:
        name: What is logged, with or without ``val_`` in front.
        config: The settings of the run.
        task: Its task.
        registry: Where metrics are found.
        parts: The names of the parts of the loss.

    Returns:
        The direction, or None where the run logs nothing by this name.
    """
    plain = name.removeprefix("val_")
    if plain in ("loss", *parts):
        return "min"
    if name in task.epoch_figures:
        return "min" if task.compared.get(task.epoch_figures[name]) == "lower" else "max"
    found = next((one for one in config.metrics if one.slug == plain), None)
    return None if found is None else registry.metric(found.name).spec.direction


def silent_names(
    config: RunConfig, task: Task, splits: Splits, predicts: str, parts: Sequence[str] = (), *, measured: bool
) -> dict[str, str]:
    """Return which of the logged values say nothing of the validation data, each with why.

    Args:
        config: The settings of the run.
        task: Its task.
        splits: Its data.
        predicts: What its loss compares with the labels.
        parts: The names of the parts of the loss.
        measured: Whether the task's own figures are logged too.
    """
    if splits.validation is None:
        return {}
    why = task.silent(splits.validation, predicts, len(splits.class_names))
    losses = {f"val_{name}" for name in ("loss", *parts)}
    logged = [n for n in logged_names(config, task, parts) if measured or n not in task.epoch_figures]
    of = {name: "loss" if name in losses else "metrics" for name in logged}
    return {name: why[kind] for name, kind in of.items() if kind in why}
