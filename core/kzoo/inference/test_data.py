"""The data that a model is measured on: that of its run, or other data in the classes that it knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.arguments import path_text
from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest, RenumberedSplit
from kzoo.errors import DataError, UsageError
from kzoo.settings import known_names, refuse_unknown
from kzoo.tasks.classes import check_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kzoo.data.splits import Splits
    from kzoo.engine.listener import Listener
    from kzoo.models.saved import SavedModel
    from kzoo.runs.folder import Run
    from kzoo.tasks import Task

__all__ = ["differences", "load_test_data"]

_MOST_LOOKED_AT = 256  # test inputs that are compared with those of the training
_AT_ONCE = 32
_MOST_FAR = 0.05  # the part of them that may be far before it is said

_DATA = "`real`, `sample`, `auto` or the path of a file or folder"


def load_test_data(
    saved: SavedModel, data: str | Path | None, listener: Listener, settings: Mapping[str, Any] | None = None
) -> Splits:
    """Return the data that a model is measured on, with the classes as the model numbers them.

    Args:
        saved: The model.
        data: ``real``, ``sample``, ``auto`` or a path; None for the data that its run used.
        listener: Who is told what happens.
        settings: How the pipeline's files are read, where that is another way than in the model's run.

    Raises:
        UsageError: ``data`` is no text or an empty one, none is named and there is no other, or it has other classes.
        KzooError: The data cannot be used.
    """
    if data is not None:
        data = path_text(data, "data", expected=_DATA, instead="Arrays are saved as a file that the pipeline reads.")
    source = saved.pipeline().source(saved.card.for_reader())
    if data is None and saved.run is None and source.real is None:
        message = f"Name the data to measure {saved.path} on: `--data sample`, or a path."
        raise UsageError(message)
    given = settings or {}
    tables = (source.path.settings, source.sample.settings)
    whose = f"The data of the pipeline `{saved.card.pipeline}`"
    refuse_unknown(given, known_names(*tables), prefix="data.", whose=whose)
    splits = load_splits(source, _request(saved, data, given), listener)
    splits = _in_known_classes(saved, saved.task(), splits, listener)
    _check_shape(saved, splits)
    if saved.card.label_form:
        check_labels(splits)
    return splits


def _check_shape(saved: SavedModel, splits: Splits) -> None:
    """Raise `UsageError` where the pictures of the data are not of the shape that the network takes."""
    test, shape = splits.test, tuple(saved.card.input_shape)
    if saved.task().own_measures or not shape or not len(test):
        return
    found = test.examples(np.arange(1))[0].shape[1:]
    if len(found) == len(shape) and all(wanted in (None, side) for wanted, side in zip(shape, found, strict=True)):
        return
    message = (
        f"The model takes inputs of {_sides(shape)}, and those of the data ({splits.provenance.description}) are "
        f"{_sides(found)}. Arrays are measured as they are; save them in that shape, or give pictures, which are "
        "resized."
    )
    raise UsageError(message)


def _sides(shape: tuple[int | None, ...]) -> str:
    return "x".join("any" if side is None else str(side) for side in shape)


def differences(saved: SavedModel, splits: Splits, data: str | Path | None) -> list[str]:
    """Return how the data is not as a model's own: changed since its run, or far from what it learned from."""
    return [*_check_fingerprint(saved, splits, data), *_far_inputs(saved, splits)]


def _far_inputs(saved: SavedModel, splits: Splits) -> list[str]:
    """Return what must be said where many test inputs are far from what the model learned from."""
    from kzoo.models.input_ranges import InputRanges

    ranges, test = InputRanges.from_dict(saved.card.inputs), splits.test
    if ranges is None or not len(test):
        return []
    chosen = np.unique(np.linspace(0, len(test) - 1, min(len(test), _MOST_LOOKED_AT)).astype(int))
    parts = np.split(chosen, range(_AT_ONCE, len(chosen), _AT_ONCE))
    found = [doubt for part in parts for doubt in ranges.doubts(test.examples(part)[0])]
    far = [doubt for doubt in found if doubt]
    if len(far) <= _MOST_FAR * len(found):
        return []
    note = (
        f"{len(far):,} of {len(found):,} test examples that were looked at are far from what the network learned from; "
        f"the results say how it does on such. The first: {far[0]}"
    )
    return [note]


def _in_known_classes(saved: SavedModel, task: Task, splits: Splits, listener: Listener) -> Splits:
    """Return the splits with the classes of the model; data may lack some of them, which is said."""
    classes = tuple(saved.card.class_names)
    if task.own_measures or splits.class_names == classes:
        return splits  # a task with measures of its own knows what to do about classes in another order
    if splits.class_names and set(splits.class_names) < set(classes):
        absent = [name for name in classes if name not in splits.class_names]
        listener.warn(f"The data ({splits.provenance.description}) has no example of {', '.join(absent)}.")
        indices = np.asarray([classes.index(name) for name in splits.class_names])
        return replace(splits, test=RenumberedSplit(splits.test, indices), class_names=classes)
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


def _request(saved: SavedModel, data: str | None, given: Mapping[str, Any]) -> DataRequest:
    """Return the request for the data of the model's run, so that seed and limit give the very same splits."""
    settings, known = {**saved.card.data_settings, **given}, tuple(saved.card.class_names)
    if saved.run is None:
        return DataRequest(data or "auto", settings=settings, whole=True, known=known)
    stored = saved.run.manifest().data
    config = saved.run.config()
    source = data or (stored.location if stored.used == "path" else stored.used)
    if not source:
        message = f"The data that {saved.path} was trained on did not come with it. Name data with --data."
        raise DataError(message)
    if data is None and stored.used == "path":
        _check_location(stored.location)
    limit = config.data.limit if data is None else None
    own = data is None or _is_own(saved.run, source)
    fraction = config.data.validation_fraction
    return DataRequest(source, config.seed, fraction, limit, settings, whole=not own, known=known, measured=True)


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


def _check_fingerprint(saved: SavedModel, splits: Splits, data: str | Path | None) -> list[str]:
    if saved.run is None or data is not None:
        return []
    before = saved.run.manifest().data.fingerprint.get("test")
    if before == splits.fingerprint.get("test"):
        return []
    return ["The test data is not the one that this run was tested on: its contents have changed since."]
