"""Which data a run uses: the real set, the embedded sample or the user's own, and what is kept aside for validation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kzoo.arguments import path_text
from kzoo.data.download import fetch, several_files
from kzoo.data.image_rows import caching
from kzoo.data.limits import check_regular
from kzoo.data.shares import FEW, aside_of, class_labels, label_rows, rare_classes
from kzoo.data.splits import DataRequest, Dataset, Provenance, Reading, Split, Splits
from kzoo.errors import DataError, NetworkUnreachableError, UsageError
from kzoo.settings import known_names, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from kzoo.data.download import RemoteFile

__all__ = ["Sourced", "Told", "check_there", "load_splits"]

_MOST_NAMED = 10


class _FromPath(Protocol):
    @property
    def settings(self) -> type: ...
    @property
    def several(self) -> bool: ...
    def load(self, paths: Sequence[Path], chosen: Any, reading: Reading, /) -> Dataset: ...


class _FromSample(Protocol):
    @property
    def settings(self) -> type: ...
    @property
    def make(self) -> Any: ...


class Sourced(Protocol):
    """What data there is: a `kzoo.pipeline.DataSource`."""

    @property
    def path(self) -> _FromPath:
        """The user's own."""

    @property
    def sample(self) -> _FromSample:
        """The embedded sample."""

    @property
    def real(self) -> RemoteFile | Sequence[RemoteFile] | None:
        """The published file, or several; None where there is none."""

    @property
    def without_real(self) -> str:
        """Where there is none, what a user can do instead."""


class Told(Protocol):
    """Who is told what happens: a `kzoo.engine.listener.Listener`."""

    def say(self, text: str, /) -> None:
        """Take a message that can be missed."""

    def warn(self, text: str, /) -> None:
        """Take a message that must not be missed."""

    def download(self, done: int, total: int | None, name: str, /) -> None:
        """Take the progress of a download, in bytes."""


def load_splits(source: Sourced, request: DataRequest, listener: Told) -> Splits:
    """Return the splits that ``request`` asks for.

    ``auto`` takes the real data, and the embedded sample where the network cannot be reached, or there is no real data;
    the first is said in a warning, and either is recorded in the provenance. Every other failure is an error.

    Raises:
        DataError: The data cannot be had or read, and why.
        UsageError: The request is neither a known word nor an existing path, or a setting has no such value.
    """
    with caching(request.cache):
        dataset, provenance = _choose(source, request, listener)
    for note in dataset.notes:
        listener.warn(note)
    train, validation, test = dataset.train, dataset.validation, dataset.test
    whole = request.whole and not dataset.declares_test
    if whole:
        test = dataset.everything()
    elif validation is None and not request.whole:
        train, validation = _keep_aside(train, request, dataset)
    limit = None
    if request.limit is not None:
        uncut = train, validation, test
        train, test = _limited(train, request, dataset), _limited(test, request, dataset)
        validation = _limited(validation, request, dataset) if validation is not None else None
        if any(part is not before for part, before in zip((train, validation, test), uncut, strict=True)):
            limit = request.limit
    if not (request.whole or request.measured):
        _warn_of_rare_classes(train, dataset.class_names, request, listener)
    return Splits(
        train=train,
        validation=validation,
        test=test,
        class_names=dataset.class_names,
        provenance=provenance,
        input_names=dataset.input_names,
        output_names=dataset.output_names,
        schema=dataset.schema,
        task=dataset.task,
        whole=whole,
        limit=limit,
    )


def _choose(source: Sourced, request: DataRequest, listener: Told) -> tuple[Dataset, Provenance]:
    asked = request.source
    if asked == "sample" or (asked == "auto" and source.real is None):
        dataset = _sample(source, request)
        if asked == "auto":
            listener.warn(
                f"{_doing(request)} on the embedded sample ({dataset.description}): there is no data set to download "
                f"for this pipeline. {source.without_real}".rstrip()
            )
        return dataset, Provenance(asked, "sample", dataset.description)
    if asked in ("auto", "real"):
        if source.real is None:
            message = f"There is no data set to download for this pipeline. {source.without_real}".rstrip()
            raise DataError(message)
        try:
            paths = [fetch(one, progress=listener.download) for one in several_files(source.real)]
        except NetworkUnreachableError as error:
            if asked == "real":
                message = f"{error} Name your own copy with --data PATH, or take the embedded sample, --data sample."
                raise NetworkUnreachableError(message) from error
            dataset = _sample(source, request)
            listener.warn(
                f"{_doing(request)} on the embedded sample, NOT on the real data: {error} The results say nothing "
                f"about the real task. Sample: {dataset.description}. To use real data, connect once and run "
                "`kzoo fetch`, or name it with --data PATH; --data sample asks for the sample and silences this "
                "warning."
            )
            return dataset, Provenance(asked, "sample", dataset.description, reason=str(error))
        dataset = _read(source, paths, request, listener)
        return dataset, Provenance(asked, "real", dataset.description, ",".join(map(str, paths)))
    paths = _paths(source, asked)
    dataset = _read(source, paths, request, listener)
    return dataset, Provenance(asked, "path", dataset.description, ",".join(map(str, paths)))


def check_there(source: Sourced, request: DataRequest) -> None:
    """Raise `UsageError` where a request names a file or folder that does not exist; nothing is read."""
    if request.source not in ("auto", "real", "sample"):
        _paths(source, request.source)


def _doing(request: DataRequest) -> str:
    """Return what data is asked for, as the beginning of a sentence."""
    return "Measuring" if request.whole or request.measured else "Training"


def _paths(source: Sourced, asked: str) -> list[Path]:
    """Return the path that was asked for, or those of a list like ``a,b`` where all exist and several can be read."""
    path = Path(path_text(asked, "data")).expanduser()
    if path.exists():
        check_regular(path)
        return [path.resolve()]
    several = [Path(part.strip()).expanduser() for part in asked.split(",")]
    if source.path.several and len(several) > 1 and all(one.exists() for one in several):
        return [one.resolve() for one in several]
    message = (
        f"--data `{asked}` is neither auto, real nor sample, and no file or folder of that name exists "
        f"(looked in {Path.cwd()})."
    )
    raise UsageError(message)


def _read(source: Sourced, paths: Sequence[Path], request: DataRequest, listener: Told) -> Dataset:
    measured = request.whole or request.measured
    reading = Reading(listener.say, request.whole, request.known, measured)
    return source.path.load(paths, _chosen(source.path.settings, request), reading)


def _sample(source: Sourced, request: DataRequest) -> Dataset:
    dataset: Dataset = source.sample.make(_chosen(source.sample.settings, request))
    return dataset


def _chosen(table: type, request: DataRequest) -> Any:
    """Return the settings of a table: how files are read means nothing to a sample that is drawn."""
    known = known_names(table)
    given: Mapping[str, Any] = {name: value for name, value in request.settings.items() if name in known}
    return read_settings(table, given, prefix="data.")


def _keep_aside(train: Split, request: DataRequest, dataset: Dataset) -> tuple[Split, Split | None]:
    """Split validation data off the training data, of each class its share: which examples the seed alone decides."""
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
    paired: Literal["", "aside"] = "aside" if dataset.paired else ""
    aside = aside_of(train, dataset.class_names, count, (request.seed, 0x5A11D), paired)
    return train.take(np.flatnonzero(~aside)), train.take(np.flatnonzero(aside))


def _warn_of_rare_classes(train: Split, class_names: Sequence[str], request: DataRequest, listener: Told) -> None:
    """Say of which classes there is next to nothing to learn from."""
    labels = class_labels(train, class_names)
    one_class = labels is not None
    labels = labels if one_class else label_rows(train, class_names)
    rare = {} if labels is None or not len(labels) else rare_classes(labels, class_names)
    if request.limit is not None:  # then few of each are what was asked for
        rare = {name: count for name, count in rare.items() if not count}
    if not rare:
        return
    named = [f"`{name}` {count}" for name, count in list(rare.items())[:_MOST_NAMED]]
    if len(rare) > _MOST_NAMED:
        named.append(f"and {len(rare) - _MOST_NAMED} more {'classes' if one_class else 'labels'}")
    listener.warn(
        f"Some {'classes' if one_class else 'labels'} have fewer than {FEW} examples to train on ({', '.join(named)} "
        f"of {len(train):,}): a network learns little of them, and may never say them. Give more examples of these"
        f"{', or let each count for more with -o train.class_weight=balanced' if one_class else ''}."
    )


def _limited(split: Split, request: DataRequest, dataset: Dataset) -> Split:
    """Return at most as many examples as a request takes, of each class its share: labels are often sorted."""
    if request.limit is None or len(split) <= request.limit:
        return split
    paired: Literal["", "left"] = "left" if dataset.paired else ""
    left = aside_of(split, dataset.class_names, len(split) - request.limit, (request.seed, 0x11317), paired)
    return split.take(np.flatnonzero(~left))
