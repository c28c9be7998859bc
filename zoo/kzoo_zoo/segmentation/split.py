"""Pictures and masks as examples of one size: made to fit with their shape kept, and padded to the network's stride."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image

from kzoo.data.image_rows import cached_in
from kzoo.data.images import MEMORY_LIMIT
from kzoo.data.splits import Split, digest_of
from kzoo.tasks.mask_measures import NO_CLASS
from kzoo_zoo.segmentation.settings import padded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo_zoo.segmentation.pictures import Picture

__all__ = ["MaskSplit", "fitted_mask", "fitted_picture", "fitted_size", "in_channels"]


def fitted_size(size: Sequence[int], box: Sequence[int]) -> tuple[int, int]:
    """Return height and width of a picture made as large as fits into a box, with its shape kept.

    Example:
        >>> fitted_size((360, 480), (180, 240)), fitted_size((100, 400), (200, 200))
        ((180, 240), (50, 200))
    """
    scale = min(box[0] / size[0], box[1] / size[1])
    return max(1, min(box[0], round(size[0] * scale))), max(1, min(box[1], round(size[1] * scale)))


def fitted_picture(pixels: np.ndarray, box: Sequence[int]) -> np.ndarray:
    """Return a picture of shape (H, W, C) that fits into a box, padded by its own edge to multiples of the stride."""
    height, width = fitted_size(pixels.shape, box)
    if pixels.shape[:2] != (height, width):
        image = Image.fromarray(pixels if pixels.shape[-1] > 1 else pixels[..., 0])
        resized = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0))
        pixels = resized if resized.ndim == 3 else resized[..., None]  # noqa: PLR2004 - rows, columns, channels
    below, beside = padded(box[0]) - height, padded(box[1]) - width
    return np.pad(pixels, ((0, below), (0, beside), (0, 0)), mode="edge")


def fitted_mask(labels: np.ndarray, box: Sequence[int]) -> np.ndarray:
    """Return a mask of shape (H, W) as `fitted_picture` makes its picture; what is added has no class."""
    height, width = fitted_size(labels.shape, box)
    if labels.shape != (height, width):
        labels = np.asarray(Image.fromarray(labels).resize((width, height), Image.Resampling.NEAREST))
    below, beside = padded(box[0]) - height, padded(box[1]) - width
    return np.pad(labels, ((0, below), (0, beside)), constant_values=NO_CLASS)


def in_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Return an RGB picture with 1 or 3 channels."""
    if channels == pixels.shape[-1]:
        return pixels
    return np.asarray(Image.fromarray(pixels).convert("L"))[..., None]


class MaskSplit(Split):
    """Pictures with a class for every pixel, as examples of one size.

    Inputs are uint8 of shape (N, H, W, C), labels class indices, uint8 of shape (N, H, W), 255 for a pixel without a
    class, as those are that fill a picture up. They are kept in memory where they take no more than `MEMORY_LIMIT`,
    else read anew from their files every time; ``data.cache`` makes it ``memory`` or ``off`` whatever they take. There
    is no file of them on the disk.

    Args:
        pictures: The pictures and masks, in their own sizes.
        box: Height and width that they are made to fit into.
        channels: 1 or 3.
        num_classes: The number of classes.
    """

    def __init__(self, pictures: Sequence[Picture], box: tuple[int, int], channels: int, num_classes: int) -> None:
        self.pictures = list(pictures)
        self.box, self.channels, self.num_classes = box, channels, num_classes
        self.shape = (padded(box[0]), padded(box[1]), channels)
        self.cache = cached_in()
        self._reading = threading.Lock()
        self._arrays: tuple[np.ndarray, np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.pictures)

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pictures and masks at ``indices``."""
        if (arrays := self._in_memory()) is not None:
            return arrays[0][indices], arrays[1][indices]
        return self._fitted(indices)

    def _in_memory(self) -> tuple[np.ndarray, np.ndarray] | None:
        needed = len(self) * int(np.prod(self.shape[:2])) * (self.channels + 1)
        if not needed or self.cache in ("disk", "off") or (self.cache == "auto" and needed > MEMORY_LIMIT):
            return None
        with self._reading:  # several threads of a tf.data graph may ask at once
            if self._arrays is None:
                self._arrays = self._fitted(np.arange(len(self)))
        return self._arrays

    def _fitted(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x = np.empty((len(indices), *self.shape), np.uint8)
        y = np.empty((len(indices), *self.shape[:2]), np.uint8)
        for place, number in enumerate(indices):
            picture = self.pictures[int(number)]
            x[place] = fitted_picture(in_channels(picture.read(), self.channels), self.box)
            y[place] = fitted_mask(picture.mask(), self.box)
        return x, y

    def fetch(self, indices: Any) -> tuple[Any, Any]:
        """Return pictures and masks at ``indices``."""
        import tensorflow as tf

        indices = tf.convert_to_tensor(indices)
        x, y = tf.numpy_function(self.read, [indices], (tf.uint8, tf.uint8), stateful=False)
        count = indices.shape[0]
        return tf.ensure_shape(x, (count, *self.shape)), tf.ensure_shape(y, (count, *self.shape[:2]))

    def examples(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pictures and masks at ``indices``."""
        return self.read(np.asarray(indices))

    @property
    def labels(self) -> np.ndarray:
        """Which classes each picture has, booleans of shape (N, K): the masks of all would fill the memory."""
        found = np.zeros((len(self), self.num_classes), bool)
        for number, picture in enumerate(self.pictures):
            found[number, list(picture.present)] = True
        return found

    def class_counts(self) -> np.ndarray:
        """Return how many pixels each class has in all masks as they are learned, int64 of shape (K,)."""
        counts = np.zeros(NO_CLASS + 1, np.int64)
        arrays = self._in_memory()
        for number in range(len(self)):
            mask = arrays[1][number] if arrays is not None else fitted_mask(self.pictures[number].mask(), self.box)
            counts += np.bincount(mask.ravel(), minlength=NO_CLASS + 1)
        return counts[: self.num_classes]

    def take(self, indices: np.ndarray) -> MaskSplit:
        """Return the split of the pictures at ``indices``."""
        part = MaskSplit([self.pictures[int(i)] for i in indices], self.box, self.channels, self.num_classes)
        part.cache = self.cache
        if self._arrays is not None:
            part._arrays = (self._arrays[0][indices], self._arrays[1][indices])
        return part

    def join(self, other: Self) -> MaskSplit:
        """Return the split of both."""
        both = MaskSplit([*self.pictures, *other.pictures], self.box, self.channels, self.num_classes)
        both.cache = self.cache
        return both

    def digest(self) -> str:
        """Return the SHA-256 of the examples: of their pixels in memory, else of their files' bytes."""
        if (arrays := self._in_memory()) is not None:
            return digest_of((array.shape, array.dtype, [array]) for array in arrays)
        digest = hashlib.sha256(f"{self.shape}".encode())
        for picture in self.pictures:
            digest.update(picture.stamp())
        return digest.hexdigest()
