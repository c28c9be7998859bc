"""A saved model on a test split: loss and metrics, and what its task measures besides."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.arguments import path_text, whole_number
from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.engine.forward import Forward
from kzoo.errors import DataError, KzooError, UsageError
from kzoo.models.saving import load_model
from kzoo.settings import known_names, read_settings, refuse_unknown
from kzoo.tasks import Measured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kzoo.data.splits import Splits
    from kzoo.engine.listener import Listener
    from kzoo.engine.steps import Tester
    from kzoo.models.saved import SavedModel
    from kzoo.pipeline import Pipeline, Reader
    from kzoo.runs.folder import Run
    from kzoo.tasks import Confusion, Outcome, Task

__all__ = ["Evaluation", "Measuring", "evaluate", "measuring_of", "reader_of"]

_BATCH_SIZE = 128

_DATA = "`real`, `sample`, `auto` or the path of a file or folder"


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
        per_class: A row of figures for each class by name; empty where there are no classes.
        confusion: What was taken for what, or None.
        class_names: The classes.
        data: Where the test data came from.
        size: The number of test examples.
        measured: Which part of the data was measured on, in words.
        notes: What was said about the data.
        outcome: What was predicted of each example, for pictures and files; None where there is nothing to show.
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
        measuring: Returns what `measuring_of` does for this model, where the caller keeps it; called once the data is
            read.

    Raises:
        UsageError: ``data`` is no text or an empty one, or ``batch_size`` no whole number of at least 1.
        KzooError: A component's distribution is missing, or the data cannot be used.
    """
    if data is not None:
        data = path_text(data, "data", expected=_DATA, instead="Arrays are saved as a file that the pipeline reads.")
    if batch_size is not None:
        batch_size = whole_number(batch_size, "batch_size")
    pipeline, task = saved.pipeline(), saved.task()
    settings = settings or {}
    if settings and not task.own_measures:
        message = f"`{pipeline.name}` is for the task {task.name}: measuring it has no settings."
        raise UsageError(message)
    refuse_unknown(settings, known_names(pipeline.reader_settings), whose=_reader_of(pipeline))
    task.check_measurable()
    source = pipeline.source(saved.card.for_reader())
    if data is None and saved.run is None and source.real is None:
        message = f"Name the data to measure {saved.path} on: `--data sample`, or a path."
        raise UsageError(message)
    request = _request(saved, data)
    splits = load_splits(source, request, listener)
    _check_classes(saved, task, splits)
    notes = _check_fingerprint(saved, splits, data)
    for note in notes:
        listener.warn(note)
    size = batch_size or (saved.run.config().train.batch_size if saved.run else _BATCH_SIZE)
    ready = measuring() if measuring else measuring_of(saved)
    measured = Measured(
        forward=ready.forward,
        test=splits.test,
        class_names=splits.class_names,
        input_names=splits.input_names,
        output_names=splits.output_names,
        description=f"{len(splits.test):,} examples of {splits.provenance.description}",
        known_classes=saved.card.class_names,
        batch_size=size,
        reader=lambda chosen: reader_of(pipeline, saved.card.for_reader(), ready.forward, chosen),
        settings={**pipeline.evaluation_settings, **settings},
    )
    metrics = _compiled_metrics(saved, task, splits, size, ready.tester)
    outcome = task.measure(measured)
    return Evaluation(
        metrics={**metrics, **(outcome.metrics() if outcome else {})},
        per_class=outcome.per_class() if outcome else {},
        confusion=outcome.confusion() if outcome else None,
        class_names=tuple(saved.card.class_names),
        data=splits.provenance.description,
        size=len(splits.test),
        measured="all of it" if splits.whole else "its test split",
        notes=notes,
        outcome=outcome,
    )


def measuring_of(saved: SavedModel) -> Measuring:
    """Return a model ready to be measured: loaded, with its loss and metrics unless its task has measures of its own.

    Raises:
        KzooError: It was saved without them, or a component's distribution is missing.
    """
    if saved.task().own_measures:
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
    return pipeline.reader(card, forward, read_settings(pipeline.reader_settings, given))


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


def _check_classes(saved: SavedModel, task: Task, splits: Splits) -> None:
    classes = tuple(saved.card.class_names)
    if task.own_measures or splits.class_names == classes:
        return  # a task with measures of its own knows what to do about classes in another order
    known, found = ", ".join(classes), ", ".join(splits.class_names)
    message = (
        f"The model knows the classes {known}, but the data ({splits.provenance.description}) has {found}. "
        "Give data with the same classes."
    )
    if set(splits.class_names) == set(classes):
        message = (
            f"The model's classes are {known}, in this order, and those of the data ({splits.provenance.description}) "
            f"are {found}: the same in another order, and a class is known by its place. Train on data that is read in "
            "the order of this one, such as a folder for each class, to measure on this."
        )
    raise UsageError(message)


def _request(saved: SavedModel, data: str | None) -> DataRequest:
    """Return the request for the data of the model's run, so that seed and limit give the very same splits."""
    settings = saved.card.data_settings
    if saved.run is None:
        return DataRequest(data or "auto", settings=settings, whole=True)
    stored = saved.run.manifest().data
    config = saved.run.config()
    source = data or (stored.location if stored.used == "path" else stored.used)
    if data is None and stored.used == "path":
        _check_location(stored.location)
    limit = config.data.limit if data is None else None
    own = data is None or _is_own(saved.run, source)
    return DataRequest(source, config.seed, config.data.validation_fraction, limit, settings, whole=not own)


def _is_own(run: Run, source: str) -> bool:
    """Return whether a source is the data that a run was trained on, of which only the test split may be measured."""
    stored = run.manifest().data
    if source in ("auto", stored.used):
        return True
    if not stored.location or source in ("real", "sample"):
        return False
    places = {str(Path(part.strip()).expanduser().resolve()) for part in source.split(",")}
    return bool(places & {str(Path(part).resolve()) for part in stored.location.split(",")})


def _check_location(location: str) -> None:
    """Raise `DataError` where the data of a run is gone; it may have been read from several places."""
    places = [location] if Path(location).exists() else location.split(",")
    if gone := [place for place in places if not Path(place).exists()]:
        message = f"The data of this run, {', '.join(gone)}, is not there any more. Name where it is now with --data."
        raise DataError(message)


def _check_fingerprint(saved: SavedModel, splits: Splits, data: str | None) -> list[str]:
    if saved.run is None or data is not None:
        return []
    before = saved.run.manifest().data.fingerprint.get("test")
    if before == splits.fingerprint.get("test"):
        return []
    return ["The test data is not the one that this run was tested on: its contents have changed since."]
