"""Which data a run uses: the real set, the embedded sample or the user's own, and what is kept aside for validation."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kzoo.data.splits import DataRequest, Dataset, Provenance, Split, Splits
from kzoo.errors import DataError, NetworkUnreachableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["DataSource", "load_splits", "within_limit"]


class DataSource(Protocol):
    """The three ways in which a pipeline gets at data."""

    def fetch_real(self, *, download: bool) -> Path:
        """Return the file of the real data, downloading it if allowed and needed."""

    @property
    def load_path(self) -> Callable[..., Dataset]:
        """Read a file or folder; keyword arguments are settings of the table ``[data]``."""

    @property
    def load_sample(self) -> Callable[..., Dataset]:
        """Return the embedded sample; likewise."""


def load_splits(source: DataSource, request: DataRequest, warn: Callable[[str], None]) -> Splits:
    """Return the splits that ``request`` asks for.

    ``auto`` takes the real data, and the embedded sample only where the network cannot be reached; that is said
    through ``warn`` and recorded in the provenance. Every other failure is an error.

    Raises:
        DataError: The data cannot be had or read, and why.
        UsageError: The request is neither a known word nor an existing path.
    """
    dataset, provenance = _choose(source, request, warn)
    for note in dataset.notes:
        warn(note)
    train, validation = dataset.train, dataset.validation
    if validation is None:
        train, validation = _keep_aside(train, request)
    test = dataset.test
    if request.limit is not None:
        train, test = _limited(train, request), _limited(test, request)
        validation = _limited(validation, request) if validation is not None else None
    parts = {"train": train, "validation": validation, "test": test}
    return Splits(
        train=train,
        validation=validation,
        test=test,
        class_names=dataset.class_names,
        provenance=provenance,
        fingerprint={name: part.digest() for name, part in parts.items() if part is not None},
        input_names=dataset.input_names,
        output_names=dataset.output_names,
        schema=dataset.schema,
    )


def _choose(source: DataSource, request: DataRequest, warn: Callable[[str], None]) -> tuple[Dataset, Provenance]:
    asked = request.source
    if asked == "sample":
        dataset = _sample(source, request)
        return dataset, Provenance(asked, "sample", dataset.description)
    if asked in ("auto", "real"):
        try:
            path = source.fetch_real(download=True)
        except NetworkUnreachableError as error:
            if asked == "real":
                message = f"{error} Name your own copy with --data PATH, or take the embedded sample, --data sample."
                raise NetworkUnreachableError(message) from error
            dataset = _sample(source, request)
            warn(
                f"Training on the embedded sample, NOT on the real data: {error} The results say nothing about the "
                f"real task. Sample: {dataset.description}. To use real data, connect once and run `kzoo fetch`, or "
                "name it with --data PATH; --data sample asks for the sample and silences this warning."
            )
            return dataset, Provenance(asked, "sample", dataset.description, reason=str(error))
        dataset = _read(source, path, request)
        return dataset, Provenance(asked, "real", dataset.description, str(path))
    path = Path(asked).expanduser()
    if not path.exists() and (several := _several(source, asked)):
        dataset = _read(source, several[0], request, also=several[1:])
        return dataset, Provenance(asked, "path", dataset.description, ",".join(map(str, several)))
    if not path.exists():
        message = (
            f"--data `{asked}` is neither auto, real nor sample, and no file or folder of that name exists "
            f"(looked in {Path.cwd()})."
        )
        raise UsageError(message)
    dataset = _read(source, path.resolve(), request)
    return dataset, Provenance(asked, "path", dataset.description, str(path.resolve()))


def _read(source: DataSource, path: Path, request: DataRequest, **given: Any) -> Dataset:
    return source.load_path(path, **{**_taken(source.load_path, request.settings), **given})


def _several(source: DataSource, asked: str) -> list[Path]:
    """Return the paths of a list like ``a,b``, if all of them exist and the source reads several: it takes `also`."""
    paths = [Path(part.strip()).expanduser() for part in asked.split(",")]
    takes = "also" in inspect.signature(source.load_path).parameters
    return [path.resolve() for path in paths] if takes and len(paths) > 1 and all(p.exists() for p in paths) else []


def _sample(source: DataSource, request: DataRequest) -> Dataset:
    return source.load_sample(**_taken(source.load_sample, request.settings))


def _taken(method: Callable[..., Dataset], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a method takes: how files are read means nothing to a sample that is drawn."""
    known = inspect.signature(method).parameters
    return {name: value for name, value in settings.items() if name in known}


def _keep_aside(train: Split, request: DataRequest) -> tuple[Split, Split | None]:
    """Split validation data off the training data: which examples depends on the seed alone."""
    count = round(len(train) * request.validation_fraction)
    if request.validation_fraction > 0:
        count = max(count, 1)
    if count >= len(train):
        message = (
            f"The training data has {len(train)} example(s), too few to keep {request.validation_fraction:.0%} aside "
            "for validation. Give more data, or set -o data.validation_fraction=0."
        )
        raise DataError(message)
    if count == 0:
        return train, None
    order = np.random.default_rng([request.seed, 0x5A11D]).permutation(len(train))
    return train.take(np.sort(order[count:])), train.take(np.sort(order[:count]))


def within_limit(count: int, request: DataRequest) -> np.ndarray | None:
    """Return which of a split's examples a request takes, drawn over all of it so that no class is dropped; None: all.

    Labels are often sorted, so the first ones alone would not do.
    """
    if request.limit is None or count <= request.limit:
        return None
    order = np.random.default_rng([request.seed, 0x11317]).permutation(count)
    return np.sort(order[: request.limit])


def _limited(split: Split, request: DataRequest) -> Split:
    kept = within_limit(len(split), request)
    return split if kept is None else split.take(kept)
