"""YOLO's text files in folders: one for each image, a line for each box: class, centre, width, height, as parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.data.annotations.images_of import by_split, split_between, unused_notes
from kzoo.data.annotations.labels_of import NAME_FILES, LabelFinder
from kzoo.data.annotations.records import FoundImage, FoundSet, Place
from kzoo.data.annotations.split_dirs import without_strays
from kzoo.data.decoding import IMAGE_SUFFIXES
from kzoo.data.texts import reason_of, text_of
from kzoo.data.walking import sample_of
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kzoo.data.walking import Tree

__all__ = ["background_note", "find_labels", "lines_of", "read_yolo"]


def find_labels(tree: Tree) -> list[Path]:
    """Return the text files below a folder that belong to an image by their name."""
    images = tree.named(IMAGE_SUFFIXES)
    names = {path.stem for path in images} | {path.name for path in images}
    return [path for path in tree.named({".txt"}) if path.stem in names and path.name not in NAME_FILES]


def read_yolo(tree: Tree) -> FoundSet:
    """Read a folder: each image with its text file, the splits by the names of the folders.

    Raises:
        DataError: The folders of an image speak of two splits, two folders of the same, or lists of class names differ.
    """
    root = tree.root
    labels = LabelFinder(root, bound=True)
    images = [labels.read(path, split_between(root, path)) for path in tree.named(IMAGE_SUFFIXES)]
    images += [
        FoundImage(None, Place(path), path.stem, split=split_between(root, path))
        for path in labels.without_image(tree.named({".txt"}))
    ]
    taken, _, notes = without_strays(images, root)
    names, named = _class_names(tree)
    divided, of_splits = by_split(taken, root)
    background = [image.path for image in taken if image.path is not None and image.place.file == image.path]
    notes += of_splits + labels.repeated_note(root)
    notes += background_note(root, background, len(taken))
    notes += unused_notes(tree, images, {*labels.read_files, *named, *(image.place.file for image in images)})
    return FoundSet(divided, names, "yolo", notes=notes)


def background_note(root: Path, images: Sequence[Path], count: int) -> list[str]:
    """Return what must be said of images without a text file."""
    if not images:
        return []
    listed = sample_of(images, root)
    return [f"{len(images)} of {count} images in {root} have no text file and count as images without a box: {listed}."]


def lines_of(path: Path) -> list[str]:
    """Return the lines of a text file that are not blank.

    Raises:
        DataError: It cannot be read.
    """
    try:
        text = text_of(path, 10**9)
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {reason_of(error)}."
        raise DataError(message) from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _class_names(tree: Tree) -> tuple[tuple[str, ...] | None, list[Path]]:
    """Return the names of the classes, and the files that have them: in the root, or all the same below it."""
    there = [path for path in tree.files if path.name in NAME_FILES or path.suffix.lower() == ".names"]
    order = (*NAME_FILES, "")
    there.sort(key=lambda path: order.index(path.name if path.name in NAME_FILES else ""))
    chosen = next(([path] for path in there if path.parent == tree.root), there)
    found = {path: tuple(lines_of(path)) for path in chosen}
    if len(set(found.values())) > 1:
        one, other = list(found)[0], next(path for path in found if found[path] != found[chosen[0]])  # noqa: RUF015
        message = (
            f"{one} and {other} list different classes, and {tree.root} has no list itself: copy the right one there."
        )
        raise DataError(message)
    return (found[chosen[0]] or None if chosen else None), there
