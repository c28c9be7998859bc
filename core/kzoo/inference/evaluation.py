"""A saved model on a test split: loss and metrics, and what its task measures besides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.arguments import whole_number
from kzoo.engine.forward import TENSORFLOW, Forward
from kzoo.errors import KzooError, UsageError
from kzoo.inference.faults import naming
from kzoo.inference.test_data import differences, load_test_data
from kzoo.models.saving import load_model
from kzoo.plugins.foreign_code import watching
from kzoo.settings import known_names, read_settings, refuse_unknown
from kzoo.tasks import Measured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from kzoo.data.splits import Split, Splits
    from kzoo.engine.listener import Listener
    from kzoo.engine.steps import Tester
    from kzoo.models.saved import SavedModel
    from kzoo.pipeline import Pipeline, Reader
    from kzoo.tasks import Confusion, Outcome, Task

__all__ = ["Evaluation", "Measuring", "evaluate", "measured_with", "measuring_of", "reader_of"]

_BATCH_SIZE = 128


@dataclass(frozen=True, eq=False)
class Measuring:
    """A model that is ready to be measured; kept, it need not be compiled again.

    Attributes:
        forward: The model as a function.
        tester: Of loss and metrics that it was compiled with; None where its task has measures of its own.
    """

    forward: Forward
    tester: Tester | None = None


@dataclass(frozen=True)
class Evaluation:
    """What a model is worth on a test split.

    Attributes:
        metrics: Loss and metrics by name.
        per_class: A row of figures for each class by name, or for each of what `rows` says; it may be empty.
        confusion: What was taken for what, or None.
        class_names: The classes.
        data: Where the test data came from.
        size: The number of test examples.
        measured: Which part of the data was measured on, in words.
        notes: What was said about the data.
        outcome: What was predicted of each example, for pictures and files; None where there is nothing to show.
        rows: What the rows of `per_class` are.
    """

    metrics: dict[str, Any]
    per_class: dict[str, dict[str, Any]]
    confusion: Confusion | None
    class_names: tuple[str, ...]
    data: str
    size: int
    measured: str = ""
    notes: list[str] = field(default_factory=list)
    outcome: Outcome | None = None
    rows: str = "class"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, without the outcome."""
        return {
            "metrics": self.metrics,
            "per_class": self.per_class,
            "confusion": [] if self.confusion is None else self.confusion.counts.tolist(),
            "class_names": list(self.class_names),
            "data": self.data,
            "size": self.size,
            "measured": self.measured,
            "notes": self.notes,
        }


def evaluate(
    saved: SavedModel,
    *,
    data: str | Path | None,
    listener: Listener,
    batch_size: int | None = None,
    settings: Mapping[str, Any] | None = None,
    data_settings: Mapping[str, Any] | None = None,
    measuring: Callable[[], Measuring] | None = None,
) -> Evaluation:
    """Measure a model on the test split of its own data, or on other data as a whole.

    Of other data the examples for testing are taken where it says which these are; where it does not, all of them.

    Args:
        saved: The model.
        data: ``real``, ``sample``, ``auto`` or a path; None for the data that its run used.
        listener: Who is told what happens.
        batch_size: Examples in one step; by default that of the run.
        settings: Of the pipeline's reader, where the task is measured by what that says, as for ``kzoo predict``.
        data_settings: How the pipeline's files are read, by the names of the table ``[data]``; those of the model's run
            hold where it says nothing.
        measuring: Returns what `measuring_of` does for this model, where the caller keeps it; called once the data is
            read.

    Raises:
        UsageError: ``data`` is no text or an empty one, or ``batch_size`` no whole number of at least 1.
        KzooError: A component's distribution is missing or its code fails, or the data cannot be used.
    """
    if batch_size is not None:
        batch_size = whole_number(batch_size, "batch_size")
    pipeline, task = saved.pipeline(), saved.task()
    settings = settings or {}
    if settings and not task.own_measures:
        message = f"`{pipeline.name}` is for the task {task.name}: measuring it has no settings."
        raise UsageError(message)
    refuse_unknown(settings, known_names(pipeline.reader_settings), whose=_reader_of(pipeline))
    task.check_measurable()
    splits = load_test_data(saved, data, listener, data_settings)
    notes = [*filter(None, [saved.changed()]), *differences(saved, splits, data)]
    for note in notes:
        listener.warn(note)
    size = batch_size or (saved.run.config().train.batch_size if saved.run else _BATCH_SIZE)
    ready = measuring() if measuring else measuring_of(saved)
    measured = measured_with(saved, ready.forward, splits, splits.test, batch_size=size, settings=settings)
    with naming(str(saved.path), pipeline), watching((), "in the test"):
        metrics = _compiled_metrics(saved, task, splits, size, ready.tester)
        outcome = task.measure(measured)
    if outcome:
        metrics = {**metrics, **(outcome.metrics() if ready.tester else outcome.measures())}
    return Evaluation(
        metrics=metrics,
        per_class=outcome.per_class() if outcome else {},
        confusion=outcome.confusion() if outcome else None,
        class_names=tuple(saved.card.class_names),
        data=splits.described,
        size=len(splits.test),
        measured="all of it" if splits.whole else "its test split",
        notes=notes,
        outcome=outcome,
        rows=task.rows,
    )


def measured_with(
    saved: SavedModel,
    forward: Forward,
    splits: Splits,
    examples: Split,
    *,
    batch_size: int = _BATCH_SIZE,
    settings: Mapping[str, Any] | None = None,
) -> Measured:
    """Return what a task needs to measure a model.

    Args:
        saved: The model.
        forward: What is called for its outputs: the model, or what stands for it.
        splits: The data.
        examples: Those of it to measure on.
        batch_size: Examples in one call.
        settings: Of the pipeline's reader.
    """
    pipeline = saved.pipeline()
    return Measured(
        forward=forward,
        test=examples,
        class_names=splits.class_names,
        input_names=splits.input_names,
        output_names=splits.output_names,
        description=f"{len(examples):,} examples of {splits.provenance.description}",
        known_classes=saved.card.class_names,
        batch_size=batch_size,
        reader=lambda chosen: reader_of(pipeline, saved.card.for_reader(), forward, chosen),
        settings={**pipeline.evaluation_settings, **(settings or {})},
    )


def measuring_of(saved: SavedModel) -> Measuring:
    """Return a model ready to be measured: loaded, with its loss and metrics unless its task has measures of its own.

    An exported model has neither, and is measured by what its task tells without a loss.

    Raises:
        KzooError: It was saved without them, or a component's distribution is missing.
    """
    if saved.task().own_measures or saved.engine != TENSORFLOW:
        return Measuring(saved.forward())
    from kzoo.engine.steps import Tester

    model = load_model(saved.path)
    if getattr(model, "optimizer", None) is None or not model.compiled:
        message = f"{saved.path} was saved without its loss and metrics, so there is nothing to evaluate."
        raise KzooError(message)
    return Measuring(Forward(model), Tester(model))


def reader_of(pipeline: Pipeline, card: Mapping[str, Any], forward: Forward | None, given: Mapping[str, Any]) -> Reader:
    """Return a pipeline's reader with settings that a user gave.

    Raises:
        UsageError: The pipeline has no such setting, a value is wrong, or it predicts nothing without a model.
    """
    refuse_unknown(given, known_names(pipeline.reader_settings), whose=_reader_of(pipeline))
    chosen: Any = read_settings(pipeline.reader_settings, given)
    with naming("", pipeline):
        reader = pipeline.reader(card, forward, chosen)
    reader.watch = getattr(forward, "watch", None)  # any function of a batch may be a forward
    return reader


def _reader_of(pipeline: Pipeline) -> str:
    return f"Predicting with the pipeline `{pipeline.name}`"


def _compiled_metrics(
    saved: SavedModel, task: Task, splits: Splits, batch_size: int, tester: Tester | None
) -> dict[str, Any]:
    """Return loss and metrics that the model was compiled with; of a task with measures of its own there are none."""
    if tester is None:
        return {}
    from kzoo.engine.batches import ordered_batches

    encode = task.encoder(saved.card.label_form, len(saved.card.class_names))
    return tester.evaluate(ordered_batches(splits.test, batch_size, encode))
