"""Images with many labels each, or with shares of classes, as a data set: found, divided into splits and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import numpy as np

from kzoo.data.annotations.coco import find_coco
from kzoo.data.class_folders import classes_in
from kzoo.data.class_names import stated_names
from kzoo.data.image_index import ImageIndex
from kzoo.data.images import TEST_FRACTION, read_images, unreadable_note
from kzoo.data.label_rows import DISTRIBUTION, MANY, NUMBERS, ONE, meaning_of
from kzoo.data.label_sets import of_annotations, of_lists, with_known, with_stated
from kzoo.data.labels_of_lists import LIST_SUFFIXES, ImageTable, is_table
from kzoo.data.shares import aside_of
from kzoo.data.split_names import split_of
from kzoo.data.splits import ArraySplit, Dataset
from kzoo.data.walking import Tree, own_files, walk
from kzoo.errors import DataError
from kzoo.settings import setting, settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kzoo.data.decoding import ImageMode
    from kzoo.data.label_sets import LabelSet
    from kzoo.data.splits import Reading

__all__ = ["LabelSettings", "has_label_files", "read_label_set"]

_AUTO = "auto"
_NO_LABELS = "submission"
_FOLDER_OF_ANNOTATIONS = "annotations"
_WANTED = {MANY: "labels", DISTRIBUTION: "shares of classes"}


@settings
class LabelSettings:
    """What the labels of images are."""

    labels: Annotated[
        Literal["auto", "one", "many", "distribution", "counts"],
        setting(
            "What an image has: one class, many labels, shares of classes that sum to 1 (distribution), or counts that "
            "are to become such. By itself what the data shows, else one."
        ),
    ] = "auto"


class _Asked(Protocol):
    """How they are read."""

    @property
    def labels(self) -> str: ...
    @property
    def classes(self) -> str | Sequence[str]: ...
    @property
    def outside(self) -> bool: ...
    @property
    def format(self) -> str: ...
    @property
    def fix(self) -> str: ...


def has_label_files(folder: Path) -> bool:
    """Return whether a folder itself says the labels of images in it and below: by a table, or by a json of COCO."""
    return bool(_json(folder) or _lists(folder)[0])


def read_label_set(
    path: Path,
    asked: _Asked,
    reading: Reading,
    *,
    size: Sequence[int],
    mode: ImageMode = "RGB",
    unreadable: str = "stop",
) -> Dataset | None:
    """Read images with many labels each or with shares of classes; None where each has one class instead.

    The task of the data set is ``multilabel`` or ``distribution``. Where nothing says which images are for testing, a
    fifth of them is kept for it, of each kind its share, always the same for the same names.

    Args:
        path: A table, a list, a json of COCO, or a folder with these or with other annotations.
        asked: How.
        reading: What it is read for.
        size: ``(height, width)`` that images are resized to.
        mode: ``RGB``, or ``L`` for gray, that they become.
        unreadable: What to do with files that cannot be read: ``stop`` and name them, or ``skip`` them.

    Returns:
        Images uint8 of shape (N, height, width, C); labels float32 of shape (N, L).

    Raises:
        DataError: It cannot be read, or has nothing to learn from.
        UsageError: ``data.classes`` does not fit.
    """
    found = _found(path, asked, reading, skip=unreadable == "skip")
    if found is None:
        return None
    if not reading.known:
        found = with_stated(found, stated_names(asked.classes))
    found = with_known(found, reading.known)
    parts, note = _parts(found, reading)
    order = [name for name in ("train", "validation", "test") if name in parts]
    paths = [image for name in order for image, _ in parts[name]]
    labels = np.asarray([row for name in order for _, row in parts[name]], np.float32).reshape(-1, len(found.names))
    everything, failures = read_images(path, paths, labels, size, mode, reading.say)
    notes = (*found.notes, *unreadable_note(path, paths, failures, skip=unreadable == "skip"))
    rows, start, splits = np.arange(len(paths)), 0, {}
    for name in order:
        own = rows[start : start + len(parts[name])]
        start += len(own)
        splits[name] = everything.take(own[~np.isin(own, list(failures))])
        if len(own) and not len(splits[name]):
            message = f"No image of the {name} split of {found.whose} can be read."
            raise DataError(message)
    counts = ", ".join(f"{len(split):,} {name}" for name, split in splits.items() if len(split))
    what = "shares of" if found.shares else "any of"
    kinds = "classes" if found.shares else "labels"
    return Dataset(
        train=splits.get("train", everything.take(np.zeros(0, int))),
        validation=splits.get("validation"),
        test=splits["test"],
        class_names=found.names,
        description=(
            f"{counts} images with {what} {len(found.names)} {kinds} from {path.name} at {size[0]}x{size[1]} {mode}"
            f"{note}"
        ),
        location=str(path),
        notes=notes,
        task="distribution" if found.shares else "multilabel",
        declares_test="test" in found.images,
    )


def _found(path: Path, asked: _Asked, reading: Reading, *, skip: bool) -> LabelSet | None:
    """Return what is said of which images; None where each has one class."""
    if asked.labels == ONE:
        return None
    if path.is_dir():
        lists, meaning = _of_folder(path, asked.labels, reading)
    elif path.suffix.lower() == ".json":
        lists, meaning = [], MANY
    elif path.suffix.lower() in LIST_SUFFIXES:
        lists, meaning = [path], asked.labels
        if meaning == _AUTO:
            meaning = meaning_of(path, ImageIndex(walk(path.parent)).has)
    elif asked.labels == _AUTO:
        return None
    else:
        raise _unread(path, asked.labels)
    if meaning in ("", ONE):
        return None
    if lists:
        meaning = DISTRIBUTION if meaning == NUMBERS else meaning  # it says what is wrong, and what else they may be
        return of_lists(path, lists, meaning, skip=skip)
    if asked.labels not in (_AUTO, MANY):
        raise _unread(path, asked.labels)
    return of_annotations(path, form=asked.format, fix=asked.fix, outside=asked.outside, whole=reading.whole)


def _unread(path: Path, labels: str) -> DataError:
    what = _WANTED.get(labels, "counts of classes")
    message = (
        f"{path} cannot be read as images with {what} (data.labels={labels}): expected a table (CSV) with the column "
        "`image` and a column for each name, or the folder that it is in"
    )
    if labels == MANY:
        message += "; or one column `labels`, or boxes in COCO's, VOC's or YOLO's format"
    return DataError(f"{message}.")


def _of_folder(path: Path, labels: str, reading: Reading) -> tuple[list[Path], str]:
    """Return the lists in a folder and what their labels are; no list where annotations say it."""
    if labels != _AUTO:
        return _tables(path), labels
    lists, index = _lists(path)
    meanings = [meaning_of(one, index.has) for one in lists]
    said = set(meanings) - {ONE}
    if not lists and _json(path) and not _has_class_folders(path):
        return [], MANY
    if len(said) != 1 or (ONE in meanings and not all(split_of(one.stem) for one in lists)):
        return [], ONE
    if _has_class_folders(path):
        if NUMBERS in said:
            return [], ONE
        names = " and ".join(one.name for one in lists)
        reading.say(
            f"{path} has a folder for each class, and these are read; {names} says more of the images: -o "
            "data.labels=many, distribution or counts reads that instead."
        )
        return [], ONE
    return lists, said.pop()


def _lists(folder: Path) -> tuple[list[Path], ImageIndex]:
    """Return the tables in a folder itself that say something of images in it and below, and these images."""
    found, tables = [], _own_tables(folder)
    index = _index(folder, tables)
    for path in tables:
        try:
            if meaning_of(path, index.has):
                found.append(path)
        except DataError:  # any other table, or one that is not clear: whoever reads it says so
            if _is_called_so(path):
                found.append(path)
    return found, index


def _tables(folder: Path) -> list[Path]:
    """Return the tables in a folder itself that name images in it and below, or that are called as lists of labels."""
    found, tables = [], _own_tables(folder)
    index = _index(folder, tables)
    for path in tables:
        try:
            names_images = ImageTable.open(path, index.has).image is not None
        except DataError:
            names_images = False
        if names_images or _is_called_so(path):
            found.append(path)
    return found


def _own_tables(folder: Path) -> list[Path]:
    files = own_files(folder)
    return [path for path in files if is_table(path) and _NO_LABELS not in path.stem.lower() and path.is_file()]


def _index(folder: Path, tables: Sequence[Path]) -> ImageIndex:
    """Return what is below a folder, which is not walked through where there is no table to look it up for."""
    return ImageIndex(walk(folder) if tables else Tree(folder, ()))


def _is_called_so(path: Path) -> bool:
    return split_of(path.stem) is not None or path.stem.lower().startswith("label")


def _json(folder: Path) -> list[Path]:
    """Return the files of COCO in a folder itself, or in its folder of annotations."""
    inside = folder / _FOLDER_OF_ANNOTATIONS
    files = [*own_files(folder), *(own_files(inside) if inside.is_dir() else ())]
    return find_coco(Tree(folder, tuple(files)))


def _has_class_folders(path: Path) -> bool:
    try:
        found = classes_in(path)
    except DataError:
        return False
    return len(found.class_names) > 1


_Rows = list[tuple["Path", tuple[float, ...]]]


def _parts(found: LabelSet, reading: Reading) -> tuple[dict[str, _Rows], str]:
    """Return the rows of each split, and how they were divided, for the description."""
    images = {split: list(rows) for split, rows in found.images.items()}
    if reading.whole:
        test = images.get("test") or [row for rows in images.values() for row in rows]
        if not test:
            message = f"{found.whose} has no image to measure on."
            raise DataError(message)
        return {"test": test}, ""
    if not images.get("train"):
        message = f"{found.whose} has no image to train on."
        raise DataError(message)
    learned = found.rows("train")
    if not learned.any():
        message = f"No image to train on in {found.whose} has a label: there is nothing to learn."
        raise DataError(message)
    if "test" in images:
        return images, ""
    rows = images["train"]
    if len(rows) < 2:  # noqa: PLR2004 - one to learn from and one to test on
        message = f"{found.whose} has a single image: one is needed to learn from and another to test on."
        raise DataError(message)
    count = max(1, round(len(rows) * TEST_FRACTION))
    kept = aside_of(ArraySplit(np.zeros(len(rows)), learned), found.names, count, (0x7E57, 0))
    images["train"] = [row for row, aside in zip(rows, kept, strict=True) if not aside]
    images["test"] = [row for row, aside in zip(rows, kept, strict=True) if aside]
    return images, f"; {TEST_FRACTION:.0%} kept for the test"
