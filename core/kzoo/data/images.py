"""Image files in folders: found by name, read into arrays, one folder for each class."""

from __future__ import annotations

import glob
import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.cache import readable_size
from kzoo.data.decoding import ImageMode, UnreadableImageError, read_image
from kzoo.data.splits import ArraySplit, Dataset
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["IMAGE_SUFFIXES", "UnreadableImageError", "expand", "find_images", "read_image", "read_image_folder"]

IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Names that end so are taken for images when a folder is searched; a file named by itself may have any name."""

TEST_FRACTION = 0.2
"""The part of each class that is kept for the test where a folder has no test split."""
MOST_NAMED = 20
"""At most this many unreadable files are named in one error."""

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
    """
    path = Path(source).expanduser()
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


def read_image_folder(root: Path, *, size: Sequence[int], mode: ImageMode = "RGB") -> Dataset:
    """Read a folder of images per class into memory.

    ``root`` holds one folder for each class, or the folders ``train`` and, as far as there are any, ``validation``
    (or ``val``, ``valid``) and ``test``, each with the same class folders. Without a test split, 20 % of each class are
    kept for it, always the same files for the same names. The classes are the sorted names of the folders.

    Args:
        root: The folder.
        size: ``(height, width)`` that every image is resized to.
        mode: ``RGB``, or ``L`` for gray.

    Returns:
        Images uint8 of shape (N, height, width, 3) or (N, height, width, 1); labels int64 of shape (N,).

    Raises:
        DataError: The folders are not laid out so, a class has no image, the splits have different classes, or files
            cannot be read: all of them are found before the error is raised.
    """
    folders = _split_folders(root)
    class_names = _class_names(folders)
    parts = {name: _listed(folder, class_names) for name, folder in folders.items()}
    note = ""
    if "test" not in parts:
        parts["train"], parts["test"] = _keep_for_test(root, parts["train"], class_names)
        note = f"; {TEST_FRACTION:.0%} of each class kept for the test"
    order = ("train", "validation", "test")
    pixels = _read_all(root, [path for name in order if name in parts for path in parts[name].paths], size, mode)
    splits, start = {}, 0
    for name in (name for name in order if name in parts):
        labels = np.asarray(parts[name].labels, dtype=np.int64)
        splits[name] = ArraySplit(pixels[start : start + len(labels)], labels)
        start += len(labels)
    counts = ", ".join(f"{len(split)} {name}" for name, split in splits.items())
    return Dataset(
        train=splits["train"],
        validation=splits.get("validation"),
        test=splits["test"],
        class_names=class_names,
        description=(
            f"{counts} images of {len(class_names)} classes from {root.name} at {size[0]}x{size[1]} {mode}{note}"
        ),
        location=str(root),
    )


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__MACOSX")))


def _split_folders(root: Path) -> dict[str, Path]:
    """Return the folders of the splits; without any, the root is the training split."""
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
    if "train" in folders:
        return folders
    if folders and len(folders) == len(subfolders):
        message = f"{root} has `{'`, `'.join(f.name for f in subfolders)}` but no `train`. Expected {_LAYOUT}."
        raise DataError(message)
    return {"train": root}


def _class_names(folders: dict[str, Path]) -> tuple[str, ...]:
    """Return the names of the classes, the same in every split."""
    names = {name: tuple(folder.name for folder in _subfolders(path)) for name, path in folders.items()}
    expected = names["train"]
    if len(expected) < 2:  # noqa: PLR2004 - one class is nothing to tell apart
        found = f"only the folder `{expected[0]}`" if expected else "no folders"
        message = f"{folders['train']} holds {found}. Expected {_LAYOUT}; at least two classes."
        if expected and _subfolders(folders["train"] / expected[0]):
            message += f" Did you mean {folders['train'] / expected[0]}?"
        raise DataError(message)
    for name, classes in names.items():
        only_there = sorted(set(classes) - set(expected))
        missing = sorted(set(expected) - set(classes))
        if only_there or missing:
            differences = [f"lacks `{'`, `'.join(missing)}`"] if missing else []
            differences += [f"has `{'`, `'.join(only_there)}` besides"] if only_there else []
            message = (
                f"The classes in {folders[name]} differ from those in {folders['train']}: it "
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


def _read_all(root: Path, paths: Sequence[Path], size: Sequence[int], mode: ImageMode) -> np.ndarray:
    """Return all images in one array; Pillow decodes outside the interpreter lock, so threads help."""
    shape = (len(paths), size[0], size[1], 3 if mode == "RGB" else 1)
    try:
        pixels = np.empty(shape, dtype=np.uint8)
    except MemoryError as error:
        message = f"{len(paths)} images of {root} need {readable_size(math.prod(shape))} of memory, more than is free."
        raise DataError(message) from error

    def read(index: int) -> UnreadableImageError | None:
        try:
            pixels[index] = read_image(paths[index], size=size, mode=mode)
        except UnreadableImageError as error:
            return error
        return None

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        failures = [failure for failure in pool.map(read, range(len(paths))) if failure is not None]
    if failures:
        failures.sort(key=lambda failure: failure.path)
        lines = [f"{failure.path.relative_to(root)}: {failure.reason}" for failure in failures[:MOST_NAMED]]
        if len(failures) > MOST_NAMED:
            lines.append(f"and {len(failures) - MOST_NAMED} more")
        message = (
            f"{len(failures)} of {len(paths)} images in {root} cannot be read; mend or remove them. {'; '.join(lines)}."
        )
        raise DataError(message)
    return pixels
