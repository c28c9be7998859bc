"""Labelled pictures in any of the forms that people hold them in: arrays, folders of classes, images with a list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from kzoo.data.arrays import is_idx_folder, read_idx_folder, read_npz
from kzoo.data.class_names import are_numbers, stated_names
from kzoo.data.images import read_image_folder
from kzoo.data.labels_of_lists import LIST_SUFFIXES
from kzoo.data.splits import ArraySplit
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kzoo.data.class_names import ImageSetSettings
    from kzoo.data.decoding import ImageMode
    from kzoo.data.splits import Dataset, Reading

__all__ = ["FORMS", "RealSet", "arrays_in", "named_classes", "read_labelled"]

FORMS = (
    "an .npz file with x_train, y_train, x_test and y_test, a folder with MNIST's idx files, a folder with one folder "
    "of images for each class, images with a list of their labels (a CSV with `image` and `label`), or that list"
)


@dataclass(frozen=True)
class RealSet:
    """What a pipeline's own data set is known by.

    Attributes:
        class_names: What its classes are called.
        digests: Those of `ArraySplit.digest` of its splits.
    """

    class_names: tuple[str, ...] = ()
    digests: frozenset[str] = frozenset()

    def is_in(self, found: Dataset) -> bool:
        """Return whether data is this set: one of its splits is bit for bit one of this set's."""
        return any(part.digest() in self.digests for part in (found.test, found.train) if len(part))

    def named(self, found: Dataset) -> Dataset:
        """Return data with this set's names for its classes, where it is this set, and they have none."""
        if not are_numbers(found.class_names) or len(found.class_names) != len(self.class_names):
            return found
        return replace(found, class_names=self.class_names) if self.is_in(found) else found


def named_classes(settings: ImageSetSettings, reading: Reading, real: RealSet | None = None) -> tuple[str, ...]:
    """Return the names that a user gave the classes; none where a model is measured, which has its own."""
    return () if reading.known else stated_names(settings.classes, real.class_names if real else ())


def read_labelled(
    path: Path,
    settings: ImageSetSettings,
    reading: Reading,
    *,
    size: Sequence[int],
    mode: ImageMode = "RGB",
    real: RealSet | None = None,
    resized: bool = False,
    what: str = "labelled pictures",
) -> Dataset:
    """Read labelled pictures from any of `FORMS`.

    Args:
        path: The file or folder.
        settings: How.
        reading: What it is read for.
        size: ``(height, width)`` that images are resized to.
        mode: ``RGB``, or ``L`` for gray, that images become.
        real: The pipeline's own data set, whose names its classes get where it is that set.
        resized: Whether arrays become of that size and mode too; else they stay as they are.
        what: What the pictures are called where they cannot be read.

    Returns:
        Pictures uint8 of shape (N, H, W, C); labels int64 of shape (N,).

    Raises:
        DataError: It is none of these, or damaged, and why.
    """
    names = named_classes(settings, reading, real)
    arrays = arrays_in(path, names, reading)
    if arrays is not None:
        named = real.named(arrays) if real else arrays
        return _resized(named, size, mode) if resized else named
    if path.is_dir() or path.suffix.lower() in LIST_SUFFIXES:
        return read_image_folder(
            path,
            size=size,
            mode=mode,
            unreadable=settings.unreadable,
            say=reading.say,
            whole=reading.whole,
            class_names=names,
            known=reading.known,
            outside=settings.outside,
        )
    message = f"{path} cannot be read as {what}: expected {FORMS}."
    raise DataError(message)


def arrays_in(path: Path, class_names: Sequence[str], reading: Reading) -> Dataset | None:
    """Return the data of an npz file, or of a folder with idx files, as they are; None where it is neither."""
    if path.is_file() and path.suffix.lower() == ".npz":
        return read_npz(path, class_names=class_names, known=reading.known, whole=reading.whole)
    if path.is_dir():
        # torchvision keeps the files one or two folders deeper.
        for folder in (path, path / "raw", path / "MNIST" / "raw"):
            if is_idx_folder(folder):
                return read_idx_folder(folder, class_names=class_names, known=reading.known, whole=reading.whole)
    return None


def _resized(found: Dataset, size: Sequence[int], mode: ImageMode) -> Dataset:
    """Return the data with all pictures of a size and a mode."""

    def part(split: ArraySplit) -> ArraySplit:
        channels = 3 if mode == "RGB" else 1
        if split.x.shape[1:] == (*size, channels):
            return split
        pixels = np.empty((len(split), *size, channels), np.uint8)
        for number, picture in enumerate(split.x):
            image = Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture).convert(mode)
            array = np.asarray(image.resize((size[1], size[0]), Image.Resampling.LANCZOS))
            pixels[number] = array.reshape(pixels.shape[1:])
        return ArraySplit(pixels, split.y)

    assert isinstance(found.train, ArraySplit)
    assert isinstance(found.test, ArraySplit)
    validation = part(found.validation) if isinstance(found.validation, ArraySplit) else None
    description = f"{found.description}, resized to {size[0]}x{size[1]}"
    return replace(
        found, train=part(found.train), validation=validation, test=part(found.test), description=description
    )
