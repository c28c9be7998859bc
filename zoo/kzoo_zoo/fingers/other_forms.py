"""Pictures of hands that are not in folders of counts: arrays, and images with a list of their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.arrays import read_npz
from kzoo.data.class_names import number_of
from kzoo.data.labels_of_lists import LIST_SUFFIXES
from kzoo.data.listed_images import lists_in, read_lists
from kzoo.errors import DataError
from kzoo_zoo.fingers.framing import framed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

__all__ = ["arrays_of", "listed_of"]

_RGB = 3


def arrays_of(
    path: Path, counts: Sequence[str], size: Sequence[int], *, whole: bool
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], list[str]] | None:
    """Return the pictures of an npz file by split, framed, with the places of their labels; None for any other path.

    Args:
        path: The file.
        counts: What the counts are called, in their order: a label is a count of fingers.
        size: Height and width that they become.
        whole: Whether they are only measured on.

    Raises:
        DataError: A label is no count.
    """
    if not path.is_file() or path.suffix.lower() != ".npz":
        return None
    found = read_npz(path, known=counts, whole=whole)
    if found.class_names != tuple(counts):
        message = (
            f"{path} has the labels {', '.join(found.class_names)}, and a label is the number of fingers, "
            f"{counts[0]} to {counts[-1]}. Pictures without a hand go into a folder `none`."
        )
        raise DataError(message)
    parts = {}
    for name, split in (("train", found.train), ("validation", found.validation), ("test", found.test)):
        if split is None or not len(split):
            continue
        x, y = split.examples(np.arange(len(split)))
        colours = x if x.shape[-1] == _RGB else x.repeat(_RGB, axis=-1)
        parts[name] = np.stack([framed(picture, size) for picture in colours]), y
    return parts, list(found.notes)


def listed_of(
    root: Path, class_names: Sequence[str], none: str, none_names: Collection[str], *, outside: bool, skip: bool
) -> tuple[dict[str, dict[str, list[Path]]], list[str]] | None:
    """Return the images of a list of labels by split and class, and what must be said; None where there is no list.

    Args:
        root: A list, or a folder with one.
        class_names: What labels may be, or numbers of fingers as in ``3.0``.
        none: The class without a hand.
        none_names: What else that is called.
        outside: Whether a list may name files that are neither below its own folder nor beside it.
        skip: Whether images that are not there are left out.

    Raises:
        DataError: A label is no count, or images are not there.
    """
    lists = [root] if root.is_file() and root.suffix.lower() in LIST_SUFFIXES else []
    lists = lists or (lists_in(root) if root.is_dir() else [])
    if not lists:
        return None
    listed = read_lists(root, lists, outside=outside)
    notes = list(listed.notes)
    if listed.missing:
        said = f"{len(listed.missing)} image(s) of a list in {root} are not there: {'; '.join(listed.missing[:10])}."
        if not skip:
            message = f"{said} Add them, or leave these rows out with -o data.unreadable=skip."
            raise DataError(message)
        notes.append(said)
    parts: dict[str, dict[str, list[Path]]] = {}
    for split, rows in listed.images.items():
        for path, label in rows:
            number, text = number_of(label), label.lower()
            name = none if text in none_names else text if number is None else str(number)
            if name not in class_names:
                message = f"{path} has the label `{label}` in {root}, which is no count of fingers."
                raise DataError(message)
            parts.setdefault(split, {}).setdefault(name, []).append(path)
    return parts, notes
