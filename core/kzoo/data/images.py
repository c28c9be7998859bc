"""Image files in folders: found by name, read into arrays, one folder for each class."""

from __future__ import annotations

import glob
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kzoo.arguments import path_text
from kzoo.data.cache import readable_size
from kzoo.data.class_folders import left_out_note
from kzoo.data.decoding import IMAGE_SUFFIXES, ImageMode, UnreadableImageError, read_image
from kzoo.data.image_classes import image_classes
from kzoo.data.image_rows import DecodedSplit, StoredSplit, cached_in
from kzoo.data.image_store import decode_all, open_store
from kzoo.data.splits import ArraySplit, Dataset, Split
from kzoo.data.walking import sample_of, walk
from kzoo.errors import DataError, UsageError
from kzoo.files import kind_of
from kzoo.streams import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

__all__ = [
    "IMAGE_SUFFIXES",
    "UnreadableImageError",
    "expand",
    "find_images",
    "looked_for",
    "read_image",
    "read_image_folder",
    "read_images",
    "unreadable_note",
]

TEST_FRACTION = 0.2
"""The part of each class that is kept for the test where a folder has no test split."""
MOST_NAMED = 20
"""At most this many unreadable files are named in one error."""
MEMORY_LIMIT = 256 * 10**6
"""Images that need more are decoded into a file of the cache and read from there."""


def find_images(folder: Path, suffixes: Collection[str] = IMAGE_SUFFIXES) -> list[Path]:
    """Return the image files in a folder and the folders below it, sorted by path; hidden ones are left out.

    Args:
        folder: Where to look.
        suffixes: How the names of the files end that are wanted.

    Raises:
        DataError: The folder is that of a whole disk, or cannot be listed.
    """
    return walk(folder).named(suffixes)


def expand(source: str | Path, *, suffixes: Collection[str] = IMAGE_SUFFIXES, what: str = "images") -> list[Path]:
    """Return the files that `looked_for` finds, without the sentence on what is left out."""
    return looked_for(source, suffixes=suffixes, what=what)[0]


def looked_for(
    source: str | Path, *, suffixes: Collection[str] = IMAGE_SUFFIXES, what: str = "images"
) -> tuple[list[Path], str]:
    """Return the image files that a file, a folder or a pattern like ``photos/*.jpg`` stands for, sorted.

    A file named by itself is taken whatever its name; folders and patterns give files with an image's name.

    Args:
        source: File, folder or pattern.
        suffixes: How the names of the files end that are wanted, if not those of images.
        what: What files named so are called in errors.

    Returns:
        The files, and a sentence on those that are left out, which is empty where there are none.

    Raises:
        DataError: Nothing of that name exists, it is no file, or it holds or matches no image.
        UsageError: The name is empty, or no text at all.
    """
    path = Path(path_text(source, "source", expected=f"a file, a folder or a pattern of {what}")).expanduser()
    if path.is_file():
        return [path], ""
    if path.exists() and not path.is_dir():
        message = f"`{source}` is {kind_of(path.stat().st_mode) or 'something else'}, neither a file nor a folder."
        raise DataError(message)
    folder = path.is_dir()
    if not folder and not glob.has_magic(str(path)):
        message = f"`{source}` cannot be found: no file or folder of that name exists (looked in {Path.cwd()})."
        raise DataError(message)
    if folder:
        matches = list(walk(path).files)
    else:
        found = map(Path, glob.iglob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        matches = sorted(match for match in found if not match.is_dir())  # who reads them says what is no file
    wanted = [match for match in matches if match.suffix.lower() in suffixes]
    left = left_out_note([match for match in matches if match.suffix.lower() not in suffixes], path, what)
    if wanted:
        return wanted, left
    endings = ", ".join(sorted(suffixes))
    if folder:
        message = f"The folder {path} holds no {what} (files named {endings}), not in the folders below it either."
    else:
        there = f"{len(matches)} file(s), but none is named like {what} ({endings})" if matches else "nothing"
        message = f"The pattern `{source}` matches {there} (looked in {Path.cwd()})."
    raise DataError(f"{message} {left if folder else ''}".rstrip())


@dataclass(frozen=True)
class _Part:
    """The files of one split, class by class, with the index of each one's class."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...]

    @classmethod
    def of(cls, classes: Sequence[Sequence[Path]]) -> _Part:
        """Return the images of the classes in their order."""
        return cls(
            tuple(path for images in classes for path in images),
            tuple(index for index, images in enumerate(classes) for _ in images),
        )

    @classmethod
    def joined(cls, parts: Iterable[_Part]) -> _Part:
        """Return the files of several parts."""
        parts = list(parts)
        return cls(tuple(p for part in parts for p in part.paths), tuple(n for part in parts for n in part.labels))


def read_image_folder(
    root: Path,
    *,
    size: Sequence[int],
    mode: ImageMode = "RGB",
    unreadable: str = "stop",
    say: Callable[[str], None] | None = None,
    whole: bool = False,
    class_names: Sequence[str] = (),
    known: Sequence[str] = (),
    outside: bool = False,
) -> Dataset:
    """Read images and their classes: into memory, or where they need more than `MEMORY_LIMIT`, into the cache.

    ``root`` holds one folder for each class, or the folders ``train`` and, as far as there are any, ``validation`` and
    ``test``, each with the same class folders, or images and a list of their labels; or it is such a list. See
    `image_classes`. Without a test split, 20 % of each class are kept for it, always the same files for the same names.
    The classes are the sorted names of the folders, or the labels of the list.

    Args:
        root: The folder or the list.
        size: ``(height, width)`` that every image is resized to.
        mode: ``RGB``, or ``L`` for gray.
        unreadable: What to do with files that cannot be read: ``stop`` and name them, or ``skip`` them, which is said.
        say: Called with a line of text now and then where images are decoded into the cache.
        whole: Whether they are only measured on: without a test split all of them are the test, and none need be there
            to learn from.
        class_names: What the classes are called, by their numbers, where the folders or the list do not say it.
        known: The classes of the model that is measured on them, by which they are then called.
        outside: Whether a list may name files that are neither below its own folder nor beside it.

    Returns:
        Images uint8 of shape (N, height, width, 3) or (N, height, width, 1); labels int64 of shape (N,).

    Raises:
        DataError: The folders are not laid out so, a class has no image, the splits have different classes, or files
            cannot be read: all of them are found before the error is raised.
        UsageError: ``unreadable`` is neither stop nor skip.
    """
    if unreadable not in ("stop", "skip"):
        message = f"`data.unreadable` must be stop or skip, not {unreadable!r}."
        raise UsageError(message)
    found = image_classes(
        root, whole=whole, class_names=class_names, known=known, outside=outside, skip=unreadable == "skip"
    )
    class_names = found.class_names
    parts = {name: _Part.of(classes) for name, classes in found.images.items()}
    note, declares_test = "", "test" in parts
    if whole:
        rest = [parts[name] for name in ("train", "validation") if name in parts]
        parts = {"train": _Part((), ()), "test": parts["test"] if declares_test else _Part.joined(rest)}
    elif not declares_test:
        parts["train"], parts["test"] = _keep_for_test(root, parts["train"], class_names)
        note = f"; {TEST_FRACTION:.0%} of each class kept for the test"
    order = [name for name in ("train", "validation", "test") if name in parts]
    paths = [path for name in order for path in parts[name].paths]
    labels = np.asarray([label for name in order for label in parts[name].labels], dtype=np.int64)
    everything, failures = read_images(root, paths, labels, size, mode, say)
    notes = (*found.notes, *unreadable_note(root, paths, failures, skip=unreadable == "skip"))
    splits, start = {}, 0
    for name in order:
        rows = np.arange(start, start + len(parts[name].paths))
        start += len(rows)
        splits[name] = everything.take(rows[~np.isin(rows, list(failures))]) if failures else everything.take(rows)
        if failures:
            _check_classes(root, name, parts[name].labels, splits[name], class_names)
    counts = ", ".join(f"{len(split):,} {name}" for name, split in splits.items() if len(split))
    return Dataset(
        train=splits["train"],
        validation=splits.get("validation"),
        test=splits["test"],
        class_names=tuple(map(readable, class_names)),  # pictures and tables cannot show all bytes
        description=(
            f"{counts} images of {len(class_names)} classes from {root.name} at {size[0]}x{size[1]} {mode}{note}"
        ),
        location=str(root),
        notes=notes,
        declares_test=declares_test,
    )


def _keep_for_test(root: Path, part: _Part, class_names: Sequence[str]) -> tuple[_Part, _Part]:
    """Divide the files of each class between train and test; which ones depends on their order by name alone."""
    labels = np.asarray(part.labels)
    kept = np.zeros(len(labels), dtype=bool)
    for index, name in enumerate(class_names):
        members = np.flatnonzero(labels == index)
        if len(members) < 2:  # noqa: PLR2004 - one to learn from and one to test on
            message = (
                f"The class `{name}` in {root} has a single image: there is no `test` folder, so one image of each "
                "class is needed to learn from and another to test on. Add images, or a `test` folder."
            )
            raise DataError(message)
        count = max(1, round(len(members) * TEST_FRACTION))
        kept[np.random.default_rng([0x7E57, index]).permutation(members)[:count]] = True
    train, test = (
        _Part(tuple(part.paths[i] for i in chosen), tuple(part.labels[i] for i in chosen))
        for chosen in (np.flatnonzero(~kept), np.flatnonzero(kept))
    )
    return train, test


def read_images(
    root: Path,
    paths: Sequence[Path],
    labels: np.ndarray,
    size: Sequence[int],
    mode: ImageMode,
    say: Callable[[str], None] | None,
) -> tuple[Split, dict[int, str]]:
    """Return all images as one split, and why some cannot be read, by their number.

    Those that need more than `MEMORY_LIMIT` are decoded into a file of the cache.

    Args:
        root: The folder that the files are named from.
        paths: The files.
        labels: Whole numbers of shape (N,).
        size: ``(height, width)`` that every image is resized to.
        mode: ``RGB`` or ``L``.
        say: Called with a line of text now and then where images are decoded into the cache.
    """
    shape = (size[0], size[1], 3 if mode == "RGB" else 1)
    where, needed = cached_in(), len(paths) * math.prod(shape)
    if where == "off":
        failures = {
            row: reason for _, found in decode_all(paths, size=size, mode=mode) for row, reason in found.items()
        }
        return DecodedSplit(paths, size, mode, labels), failures
    if where == "disk" or (where == "auto" and needed > MEMORY_LIMIT):
        stored, failures = open_store(root, paths, size=size, mode=mode, say=say)
        return StoredSplit(stored, shape, np.arange(len(paths)), labels), failures
    try:
        pixels = np.empty((len(paths), *shape), dtype=np.uint8)
    except MemoryError as error:
        message = (
            f"{len(paths):,} images of {root} at {size[0]}x{size[1]} need {readable_size(needed)} of memory, which is "
            "not there. Leave out data.cache=memory, or take smaller images (-o data.image_size=...) or fewer."
        )
        raise DataError(message) from error
    failures, start = {}, 0
    for piece, reasons in decode_all(paths, size=size, mode=mode):
        pixels[start : start + len(piece)] = piece
        start += len(piece)
        failures |= reasons
    return ArraySplit(pixels, labels), failures


def unreadable_note(root: Path, paths: Sequence[Path], failures: dict[int, str], *, skip: bool) -> tuple[str, ...]:
    """Return the note that names the files left out; raise `DataError` where none may be."""
    if not failures:
        return ()
    folder = root if root.is_dir() else root.parent
    named = sorted((sample_of([paths[number]], folder), reason) for number, reason in failures.items())
    lines = [f"{name}: {reason}" for name, reason in named[:MOST_NAMED]]
    if len(named) > MOST_NAMED:
        lines.append(f"and {len(named) - MOST_NAMED} more")
    listed = "; ".join(lines)
    if skip:
        return (f"{len(failures)} of {len(paths)} images in {root} cannot be read and are left out. {listed}.",)
    message = (
        f"{len(failures)} of {len(paths)} images in {root} cannot be read; mend or remove them, or leave them out with "
        f"-o data.unreadable=skip. {listed}."
    )
    raise DataError(message)


def _check_classes(root: Path, name: str, labels: Sequence[int], split: Split, class_names: Sequence[str]) -> None:
    """Raise `DataError` for a class whose images are in a split and of which none could be read."""
    missing = sorted(set(labels) - set(split.labels.tolist()))
    if missing:
        message = f"No image of the class `{class_names[missing[0]]}` in the {name} split of {root} can be read."
        raise DataError(message)
