"""Image files in folders: found by name, read into arrays, one folder for each class."""

from __future__ import annotations

import glob
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kzoo.arguments import path_text
from kzoo.data.decoding import ImageMode, UnreadableImageError, read_image
from kzoo.data.image_store import StoredSplit, decode_all, open_store
from kzoo.data.splits import ArraySplit, Dataset, Split
from kzoo.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

__all__ = ["IMAGE_SUFFIXES", "UnreadableImageError", "expand", "find_images", "read_image", "read_image_folder"]

IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Names that end so are taken for images when a folder is searched; a file named by itself may have any name."""

TEST_FRACTION = 0.2
"""The part of each class that is kept for the test where a folder has no test split."""
MOST_NAMED = 20
"""At most this many unreadable files are named in one error."""
MEMORY_LIMIT = 256 * 10**6
"""Images that need more are decoded into a file of the cache and read from there."""

_SPLIT_NAMES = {
    "train": "train", "training": "train", "validation": "validation", "val": "validation", "valid": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
_LAYOUT = "one folder of images for each class (root/cat/1.jpg), or such folders inside train, validation and test"


def find_images(folder: Path, suffixes: Collection[str] = IMAGE_SUFFIXES) -> list[Path]:
    """Return the image files in a folder and the folders below it, sorted by path; hidden ones are left out.

    Args:
        folder: Where to look.
        suffixes: How the names of the files end that are wanted.
    """
    found = []
    for parent, folders, files in os.walk(folder):
        # Hidden files are no pictures: macOS puts a `._name.jpg` beside every file of a zip.
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        found += [
            Path(parent, name) for name in files if not name.startswith(".") and Path(name).suffix.lower() in suffixes
        ]
    return sorted(found)


def expand(source: str | Path, *, suffixes: Collection[str] = IMAGE_SUFFIXES, what: str = "images") -> list[Path]:
    """Return the image files that a file, a folder or a pattern like ``photos/*.jpg`` stands for, sorted.

    A file named by itself is taken whatever its name; folders and patterns give files with an image's name.

    Args:
        source: File, folder or pattern.
        suffixes: How the names of the files end that are wanted, if not those of images.
        what: What files named so are called in errors.

    Raises:
        DataError: Nothing of that name exists, or it holds or matches no image.
        UsageError: The name is empty, or no text at all.
    """
    path = Path(path_text(source, "source", expected=f"a file, a folder or a pattern of {what}")).expanduser()
    if path.is_file():
        return [path]
    endings = ", ".join(sorted(suffixes))
    if path.is_dir():
        if images := find_images(path, suffixes):
            return images
        message = f"The folder {path} holds no {what} (files named {endings}), not in the folders below it either."
        raise DataError(message)
    if not glob.has_magic(str(path)):
        message = f"`{source}` cannot be found: no file or folder of that name exists (looked in {Path.cwd()})."
        raise DataError(message)
    matches = sorted(match for match in map(Path, glob.iglob(str(path), recursive=True)) if match.is_file())  # noqa: PTH207 - Path.glob takes no absolute pattern
    if images := [match for match in matches if match.suffix.lower() in suffixes]:
        return images
    what = f"{len(matches)} file(s), but none is named like {what} ({endings})" if matches else "nothing"
    message = f"The pattern `{source}` matches {what} (looked in {Path.cwd()})."
    raise DataError(message)


@dataclass(frozen=True)
class _Part:
    """The files of one split, class by class, with the index of each one's class."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...]

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
) -> Dataset:
    """Read a folder of images per class: into memory, or where they need more than `MEMORY_LIMIT`, into the cache.

    ``root`` holds one folder for each class, or the folders ``train`` and, as far as there are any, ``validation``
    (or ``val``, ``valid``) and ``test``, each with the same class folders. Without a test split, 20 % of each class are
    kept for it, always the same files for the same names. The classes are the sorted names of the folders.

    Args:
        root: The folder.
        size: ``(height, width)`` that every image is resized to.
        mode: ``RGB``, or ``L`` for gray.
        unreadable: What to do with files that cannot be read: ``stop`` and name them, or ``skip`` them, which is said.
        say: Called with a line of text now and then where images are decoded into the cache.
        whole: Whether they are only measured on: without a test split all of them are the test, and none need be there
            to learn from.

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
    folders = _split_folders(root, alone=whole)
    class_names = _class_names(folders)
    parts = {name: _listed(folder, class_names) for name, folder in folders.items()}
    note, declares_test = "", "test" in parts
    if whole:
        rest = [parts.pop(name) for name in ("train", "validation") if name in parts]
        parts = {"train": _Part((), ()), "test": parts["test"] if declares_test else _Part.joined(rest)}
    elif not declares_test:
        parts["train"], parts["test"] = _keep_for_test(root, parts["train"], class_names)
        note = f"; {TEST_FRACTION:.0%} of each class kept for the test"
    order = [name for name in ("train", "validation", "test") if name in parts]
    paths = [path for name in order for path in parts[name].paths]
    labels = np.asarray([label for name in order for label in parts[name].labels], dtype=np.int64)
    everything, failures = _read_all(root, paths, labels, size, mode, say)
    notes = _report(root, paths, failures, skip=unreadable == "skip")
    splits, start = {}, 0
    for name in order:
        rows = np.arange(start, start + len(parts[name].paths))
        start += len(rows)
        splits[name] = everything.take(rows[~np.isin(rows, list(failures))]) if failures else everything.take(rows)
        if failures and len(rows):  # there is no training split where all images are only measured on
            _check_classes(root, name, splits[name], class_names)
    counts = ", ".join(f"{len(split)} {name}" for name, split in splits.items() if len(split))
    return Dataset(
        train=splits["train"],
        validation=splits.get("validation"),
        test=splits["test"],
        class_names=class_names,
        description=(
            f"{counts} images of {len(class_names)} classes from {root.name} at {size[0]}x{size[1]} {mode}{note}"
        ),
        location=str(root),
        notes=notes,
        declares_test=declares_test,
    )


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__MACOSX")))


def _split_folders(root: Path, *, alone: bool = False) -> dict[str, Path]:
    """Return the folders of the splits; without any, the root is the training split.

    Args:
        root: The folder.
        alone: Whether a test split may be there alone.
    """
    if not root.is_dir():
        message = f"{root} is not a folder. Images are read from {_LAYOUT}."
        raise DataError(message)
    subfolders = _subfolders(root)
    folders: dict[str, Path] = {}
    for folder in subfolders:
        name = _SPLIT_NAMES.get(folder.name.lower())
        if name is None:
            continue
        if name in folders:
            message = f"{root} has both `{folders[name].name}` and `{folder.name}`: one {name} split too many."
            raise DataError(message)
        folders[name] = folder
    if "train" in folders or (alone and "test" in folders):
        return folders
    if folders and len(folders) == len(subfolders):
        message = f"{root} has `{'`, `'.join(f.name for f in subfolders)}` but no `train`. Expected {_LAYOUT}."
        raise DataError(message)
    return {"train": root}


def _class_names(folders: dict[str, Path]) -> tuple[str, ...]:
    """Return the names of the classes, the same in every split."""
    names = {name: tuple(folder.name for folder in _subfolders(path)) for name, path in folders.items()}
    first = next(name for name in ("train", "test") if name in names)
    expected = names[first]
    if len(expected) < 2:  # noqa: PLR2004 - one class is nothing to tell apart
        found = f"only the folder `{expected[0]}`" if expected else "no folders"
        message = f"{folders[first]} holds {found}. Expected {_LAYOUT}; at least two classes."
        if expected and _subfolders(folders[first] / expected[0]):
            message += f" Did you mean {folders[first] / expected[0]}?"
        raise DataError(message)
    for name, classes in names.items():
        only_there = sorted(set(classes) - set(expected))
        missing = sorted(set(expected) - set(classes))
        if only_there or missing:
            differences = [f"lacks `{'`, `'.join(missing)}`"] if missing else []
            differences += [f"has `{'`, `'.join(only_there)}` besides"] if only_there else []
            message = (
                f"The classes in {folders[name]} differ from those in {folders[first]}: it "
                f"{' and '.join(differences)}. Every split needs a folder for each class, named alike."
            )
            raise DataError(message)
    return expected


def _listed(folder: Path, class_names: Sequence[str]) -> _Part:
    paths: list[Path] = []
    labels: list[int] = []
    for index, name in enumerate(class_names):
        images = find_images(folder / name)
        if not images:
            message = f"The class folder {folder / name} holds no images. Add some, or remove the folder."
            raise DataError(message)
        paths += images
        labels += [index] * len(images)
    return _Part(tuple(paths), tuple(labels))


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


def _read_all(
    root: Path,
    paths: Sequence[Path],
    labels: np.ndarray,
    size: Sequence[int],
    mode: ImageMode,
    say: Callable[[str], None] | None,
) -> tuple[Split, dict[int, str]]:
    """Return all images as one split, and why some cannot be read, by their number."""
    shape = (size[0], size[1], 3 if mode == "RGB" else 1)
    if len(paths) * math.prod(shape) > MEMORY_LIMIT:
        stored, failures = open_store(root, paths, size=size, mode=mode, say=say)
        return StoredSplit(stored, shape, np.arange(len(paths)), labels), failures
    pixels = np.empty((len(paths), *shape), dtype=np.uint8)
    failures, start = {}, 0
    for piece, reasons in decode_all(paths, size=size, mode=mode):
        pixels[start : start + len(piece)] = piece
        start += len(piece)
        failures |= reasons
    return ArraySplit(pixels, labels), failures


def _report(root: Path, paths: Sequence[Path], failures: dict[int, str], *, skip: bool) -> tuple[str, ...]:
    """Return the note that names the files left out; raise `DataError` where none may be."""
    if not failures:
        return ()
    named = sorted((paths[number].relative_to(root).as_posix(), reason) for number, reason in failures.items())
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


def _check_classes(root: Path, name: str, split: Split, class_names: Sequence[str]) -> None:
    """Raise `DataError` for a class of which no image could be read."""
    missing = sorted(set(range(len(class_names))) - set(split.labels.tolist()))
    if missing:
        message = f"No image of the class `{class_names[missing[0]]}` in the {name} split of {root} can be read."
        raise DataError(message)
