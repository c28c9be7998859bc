"""A picture and its mask: where they are, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.decoding import read_image
from kzoo.errors import DataError
from kzoo_zoo.segmentation.mask_files import read_mask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kzoo_zoo.segmentation.legend import Legend

__all__ = ["Found", "Picture", "size_fault"]


@dataclass(frozen=True)
class Found:
    """A picture with its mask, as a data set has them, before it is known what the mask's values mean.

    Attributes:
        image: The picture's file.
        mask: The mask's file, or None where `drawn` makes it.
        drawn: Makes the mask, class indices of shape (H, W), from height and width.
        name: What it is called in messages: where it is below the data's folder.
        split: ``train``, ``validation``, ``test``, or an empty text.
    """

    image: Path
    mask: Path | None = None
    drawn: Callable[[tuple[int, int]], np.ndarray] | None = None
    name: str = ""
    split: str = ""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture with its true mask, in files or in memory; a `kzoo.tasks.mask_outcome.MaskedPicture`.

    Attributes:
        name: What it is called.
        size: Height and width.
        path: The picture's file; None where it is in memory.
        mask_path: The mask's file, or None.
        legend: What its values mean.
        drawn: Makes the mask where there is no file.
        arrays: Pixels and mask where both are in memory.
        present: The indices of the classes in its mask.
    """

    name: str
    size: tuple[int, int]
    path: Path | None = None
    mask_path: Path | None = None
    legend: Legend | None = None
    drawn: Callable[[tuple[int, int]], np.ndarray] | None = None
    arrays: tuple[np.ndarray, np.ndarray] | None = field(default=None, repr=False)
    present: tuple[int, ...] = ()

    def read(self) -> np.ndarray:
        """Return the pixels, RGB, uint8 of shape (H, W, 3)."""
        if self.arrays is not None:
            pixels = self.arrays[0]
            return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
        assert self.path is not None, "a picture is in a file or in memory"
        return read_image(self.path)

    def mask(self) -> np.ndarray:
        """Return the class index of every pixel, uint8 of shape (H, W); 255 where there is none.

        Raises:
            DataError: It cannot be read, has another size than the picture, or a value that is no class.
        """
        if self.arrays is not None:
            return self.arrays[1]
        if self.drawn is not None:
            return self.drawn(self.size)
        assert self.mask_path is not None, "a mask is in a file, in memory, or drawn"
        assert self.legend is not None, "a mask in a file has values"
        raw = read_mask(self.mask_path)
        if raw.values.shape != self.size:
            raise DataError(size_fault(self.mask_path.name, raw.values.shape, self.name, self.size))
        return self.legend.indices(raw, self.mask_path.name)

    def stamp(self) -> bytes:
        """Return the bytes of the files, for a fingerprint."""
        files = [path.read_bytes() for path in (self.path, self.mask_path) if path is not None]
        return b"".join(files) if self.drawn is None else b"".join([*files, self.mask().tobytes()])


def size_fault(mask: str, found: Any, image: str, size: tuple[int, int]) -> str:
    """Return what to say of a mask of another size than its picture."""
    return (
        f"the mask {mask} has {found[1]} x {found[0]} pixels and the picture {image} {size[1]} x {size[0]}: each pixel "
        "of a mask is one of its picture"
    )
