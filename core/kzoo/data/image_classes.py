"""Which images are of which class and split: as folders say, or a list of labels in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.data.class_folders import ClassFolders, are_known, classes_in, unknown, with_names
from kzoo.data.class_names import number_of
from kzoo.data.labels_of_lists import LIST_SUFFIXES
from kzoo.data.listed_images import lists_in, read_lists
from kzoo.data.split_names import SPLITS
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kzoo.data.listed_images import Listed

__all__ = ["image_classes"]

_MOST_NAMED = 10


def image_classes(
    root: Path,
    *,
    whole: bool = False,
    class_names: Sequence[str] = (),
    known: Sequence[str] = (),
    outside: bool = False,
    skip: bool = False,
) -> ClassFolders:
    """Return the images of a folder, or of a list of labels, by split and class.

    A folder whose images are in a folder for each class is read as `classes_in` does; one in which a list says other
    labels than the folders, or where there are no folders of classes, by its lists, see `read_lists`.

    Args:
        root: The folder or the list.
        whole: Whether the images are only measured on.
        class_names: What the classes are called, by their numbers; or none.
        known: The classes of the model that is measured on them; or none.
        outside: Whether a list may name files that are neither below its own folder nor beside it.
        skip: Whether images that a list names and that are not there are left out, which is said.

    Raises:
        DataError: It is laid out otherwise, or a list names images that are not there.
    """
    if root.is_file() and root.suffix.lower() in LIST_SUFFIXES:
        lists, found = [root], None
    else:
        lists = lists_in(root) if root.is_dir() else []
        found = _of_folders(root, lists, whole=whole, known=known)
    if found is None:
        listed = read_lists(root, lists, outside=outside)
        found = _of_lists(root, listed, whole=whole, known=known, skip=skip)
    return with_names(found, root, class_names, known, other=whole)


def _of_folders(root: Path, lists: Sequence[Path], *, whole: bool, known: Sequence[str]) -> ClassFolders | None:
    """Return the images by the folders of their classes; None where there are none, or lists say other labels.

    Raises:
        DataError: There are neither folders of classes nor lists.
    """
    try:
        found = classes_in(root, alone=whole, known=known)
    except DataError:
        if not lists:
            raise
        return None
    if lists:
        try:
            listed = read_lists(root, lists, called=True)
        except DataError:
            return found  # some other table: it is named among what is left out
        if not _are_folders(listed, root):
            return None
    return found


def _are_folders(listed: Listed, root: Path) -> bool:
    """Return whether every label of a list is the name of a folder that its image is in."""
    rows = [row for images in listed.images.values() for row in images]
    return all(label in path.relative_to(root).parts[:-1] for path, label in rows if path.is_relative_to(root))


def _of_lists(root: Path, listed: Listed, *, whole: bool, known: Sequence[str], skip: bool) -> ClassFolders:
    """Return the images of lists by their labels: numbers in their order, else the sorted texts."""
    names = " and ".join(path.name for path in listed.lists)
    notes = list(listed.notes)
    if listed.missing:
        more = f"; and {len(listed.missing) - _MOST_NAMED} more" if len(listed.missing) > _MOST_NAMED else ""
        said = f"{len(listed.missing)} image(s) that {names} names are not there"
        shown = f"{'; '.join(listed.missing[:_MOST_NAMED])}{more}"
        if not skip:
            message = (
                f"{said} (looked in {root if root.is_dir() else root.parent}): {shown}. Add them, or leave these rows "
                "out with -o data.unreadable=skip."
            )
            raise DataError(message)
        notes.append(f"{said}, and these rows are left out: {shown}.")
    splits = {split: listed.images[split] for split in SPLITS if split in listed.images}
    if whole and "test" in splits:
        splits = {"test": splits["test"]}
    labels = {label for images in splits.values() for _, label in images}
    if len(labels) < 2 and not are_known(labels, known):  # noqa: PLR2004 - one class is nothing to tell apart
        where = f"{names} in {root if root.is_dir() else root.parent} has"
        if labels and known:
            raise DataError(unknown(f"{where} only the label", next(iter(labels)), known))
        only = f"only the label `{next(iter(labels))}`" if labels else "no labels of images that are there"
        message = f"{where} {only}: there must be at least two classes."
        raise DataError(message)
    if not whole:
        _check_learned(root, names, splits)
    numbers = {label: number_of(label) for label in labels}
    by_number = all(number is not None for number in numbers.values())
    class_names = tuple(sorted(labels, key=lambda label: (numbers[label] if by_number else 0, label)))
    images = {
        split: [[path for path, label in rows if label == name] for name in class_names]
        for split, rows in splits.items()
    }
    return ClassFolders(class_names, images, tuple(notes))


def _check_learned(root: Path, names: str, splits: dict[str, list[tuple[Path, str]]]) -> None:
    """Raise `DataError` where there is nothing to learn from, or nothing of a class that is tested."""
    if "train" not in splits:
        message = f"{names} in {root} has images to {' and '.join(splits)} and none to train on."
        raise DataError(message)
    learned = {label for _, label in splits["train"]}
    for split, rows in splits.items():
        if strange := sorted({label for _, label in rows} - learned):
            message = (
                f"The {split} split of {names} in {root} has the class `{strange[0]}`, of which there is no image to "
                "train on."
            )
            raise DataError(message)
