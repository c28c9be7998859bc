"""A saved model on a test split: loss and metrics, for classes the confusion matrix, for boxes average precision."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.data.sources import load_splits, within_limit
from kzoo.data.splits import DataRequest
from kzoo.errors import DataError, KzooError, UsageError
from kzoo.models.saving import load_model, read_card
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target
from kzoo.runs.folder import DEFAULT_ROOT, Run, find_run
from kzoo.settings.predict_settings import check_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kzoo.data.splits import Splits
    from kzoo.detection import DetectionOutcome
    from kzoo.pipeline import Pipeline
    from kzoo.report import ClassOutcome, ValueOutcome
    from kzoo.training.run import Listener

__all__ = ["Evaluation", "SavedModel", "evaluate", "find_model"]


@dataclass(frozen=True)
class SavedModel:
    """A model on the disk and what is known of it.

    Attributes:
        path: The ``.keras`` file.
        card: What kzoo stored inside it.
        run: The run it belongs to, or None.
    """

    path: Path
    card: dict[str, Any]
    run: Run | None

    def pipeline(self) -> Any:
        """Return the pipeline that reads its inputs; raise `KzooError` where the file does not say which."""
        name = self.card.get("pipeline")
        if not name:
            message = (
                f"{self.path} was not saved by kzoo: it does not say which pipeline its inputs belong to. Load it with "
                "kzoo.load_model in Python instead."
            )
            raise KzooError(message)
        pipeline = load_target(get_registry().get("pipeline", name))()
        pipeline.restore(self.card)
        return pipeline


@dataclass(frozen=True)
class Evaluation:
    """What a model is worth on a test split.

    Attributes:
        metrics: Loss and metrics by name.
        per_class: For each class ``precision``, ``recall``, ``f1`` and ``support``, or of boxes average precision and
            more; empty for other tasks.
        confusion: Counts with the true class in the row and the predicted one in the column. Of boxes there is one more
            row and column, for nothing.
        class_names: The classes, in the order of rows and columns.
        data: Where the test data came from.
        size: The number of test examples.
        notes: What was said about the data.
        outcome: What was predicted of each example, for the pictures; None where it is neither classes nor numbers.
    """

    metrics: dict[str, Any]
    per_class: dict[str, dict[str, Any]]
    confusion: list[list[int]]
    class_names: tuple[str, ...]
    data: str
    size: int
    notes: list[str] = field(default_factory=list)
    outcome: ClassOutcome | ValueOutcome | DetectionOutcome | None = None


def find_model(text: str, root: Path = DEFAULT_ROOT) -> SavedModel:
    """Return the model that ``text`` means: a ``.keras`` file, or a run as `kzoo.runs.folder.find_run` finds it."""
    path = Path(text).expanduser()
    if path.suffix == ".keras":
        run = Run(path.parent) if (path.parent / "run.json").exists() else None
    else:
        run = find_run(text, root)
        path = run.saved_model()
    return SavedModel(path, read_card(path), run)


def evaluate(
    saved: SavedModel,
    *,
    data: str | None,
    listener: Listener,
    batch_size: int | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Measure a model on the test split of its own data, or of other data.

    Args:
        saved: The model.
        data: ``real``, ``sample``, ``auto`` or a path; None for the data that its run used.
        listener: Who is told what happens.
        batch_size: Examples in one step; by default that of the run.
        settings: Of a detector's predictor, as for ``kzoo predict``.

    Raises:
        KzooError: A component's distribution is missing, or the data cannot be used.
    """
    from kzoo.engine.batches import label_transform, ordered_batches
    from kzoo.report import ClassOutcome
    from kzoo.training.outcome import outcome_of
    from kzoo.training.trainer import Trainer

    pipeline = saved.pipeline()
    if saved.card.get("task", pipeline.task) == "detection":
        return _evaluate_detector(saved, pipeline, data, listener, settings or {})
    if settings:
        message = f"`{pipeline.name}` is no detector: measuring it has no settings."
        raise UsageError(message)
    model = load_model(saved.path)
    if getattr(model, "optimizer", None) is None or not model.compiled:
        message = f"{saved.path} was saved without its loss and metrics, so there is nothing to evaluate."
        raise KzooError(message)
    splits = load_splits(pipeline, _request(saved, data), listener.warn)
    classes = tuple(saved.card["class_names"])
    if splits.class_names != classes:
        message = (
            f"The model knows the classes {', '.join(classes)}, but the data ({splits.provenance.description}) has "
            f"{', '.join(splits.class_names)}. Give data with the same classes."
        )
        raise UsageError(message)
    notes = _check_fingerprint(saved, splits, data)
    for note in notes:
        listener.warn(note)
    size = batch_size or (saved.run.config().train.batch_size if saved.run else 128)
    labels = label_transform(saved.card.get("label_form", ""), len(classes))
    metrics = Trainer(model).evaluate(ordered_batches(splits.test, size, labels))
    outcome = outcome_of(model, pipeline, splits, batch_size=size)
    found = outcome if isinstance(outcome, ClassOutcome) else None
    return Evaluation(
        metrics=metrics,
        per_class=found.per_class() if found else {},
        confusion=found.confusion().tolist() if found else [],
        class_names=classes,
        data=splits.provenance.description,
        size=len(splits.test),
        notes=notes,
        outcome=outcome,
    )


def _evaluate_detector(
    saved: SavedModel, pipeline: Pipeline, data: str | None, listener: Listener, settings: Mapping[str, Any]
) -> Evaluation:
    """Measure a detector on the boxes of a test set."""
    from kzoo.training.detecting import detector_outcome
    from kzoo.training.trainer import predictor

    check_settings(pipeline, settings)
    if data is None and saved.run is None:
        message = f"Name the data to measure {saved.path} on: `--data sample`, or a path."
        raise UsageError(message)
    request = _request(saved, data)
    source = request.source if request.source == "sample" else Path(request.source).expanduser()
    # Other data than a run's own is measured on as a whole; of its own, the pictures it learned from are left out.
    own = saved.run is not None and _location(saved.run) in (str(source), str(Path(source).resolve()))
    dataset = pipeline.annotated(source, request.settings, whole=data is not None and not own)
    dataset = dataset.in_classes(saved.card["class_names"])  # before the model is loaded
    if (kept := within_limit(len(dataset.images), request)) is not None:
        described = f"{len(kept)} of {dataset.description}"
        dataset = replace(dataset, images=[dataset.images[number] for number in kept], description=described)
    for note in dataset.notes:
        listener.warn(note)
    forward = predictor(load_model(saved.path, compile=False))
    outcome = detector_outcome(pipeline, forward, saved.card, dataset, settings)
    return Evaluation(
        metrics=outcome.metrics(),
        per_class=outcome.per_class(),
        confusion=outcome.confusion().tolist(),
        class_names=outcome.dataset.class_names,
        data=dataset.description,
        size=len(dataset.images),
        notes=list(dataset.notes),
        outcome=outcome,
    )


def _location(run: Run) -> str:
    location: str = run.manifest()["data"]["location"]
    return location and str(Path(location).resolve())


def _request(saved: SavedModel, data: str | None) -> DataRequest:
    """Return the request for the data of the model's run, so that seed and limit give the very same splits."""
    settings = saved.card.get("data_settings", {})
    if saved.run is None:
        return DataRequest(data or "auto", settings=settings)
    stored = saved.run.manifest()["data"]
    values = saved.run.config().values["data"]
    source = data or (stored["location"] if stored["used"] == "path" else stored["used"])
    if data is None and stored["used"] == "path":
        _check_location(stored["location"])
    limit = values.get("limit") if data is None else None
    return DataRequest(source, saved.run.config().seed, values["validation_fraction"], limit, settings)


def _check_location(location: str) -> None:
    """Raise `DataError` where the data of a run is gone; it may have been read from several places."""
    places = [location] if Path(location).exists() else location.split(",")
    if gone := [place for place in places if not Path(place).exists()]:
        message = f"The data of this run, {', '.join(gone)}, is not there any more. Name where it is now with --data."
        raise DataError(message)


def _check_fingerprint(saved: SavedModel, splits: Splits, data: str | None) -> list[str]:
    if saved.run is None or data is not None:
        return []
    before = saved.run.manifest()["data"]["fingerprint"].get("test")
    if before == splits.fingerprint.get("test"):
        return []
    return ["The test data is not the one that this run was tested on: its contents have changed since."]
