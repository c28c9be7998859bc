"""Annotated images as examples for a network: fitted to its input, with their boxes in parts of its sides."""

from __future__ import annotations

import functools
import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from kzoo.data.annotations import AnnotatedImage as FileImage
from kzoo.data.annotations import Annotations, AnnotationSets, read_annotations
from kzoo.data.decoding import read_image
from kzoo.data.images import MEMORY_LIMIT, TEST_FRACTION
from kzoo.data.splits import Dataset, Split, digest_of
from kzoo.detection import TruthImage
from kzoo.errors import DataError
from kzoo_zoo.yolov3.letterbox import Letterbox
from kzoo_zoo.yolov3.shapes import SHAPES, draw_scenes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.data.splits import Reading
    from kzoo_zoo.yolov3.data_settings import BoxSettings, SampleSettings

__all__ = ["DetectionSplit", "read", "sample"]

_SAMPLE = {"train": (800, 0), "test": (200, 1)}  # count and seed


class DetectionSplit(Split):
    """Images of any size with their boxes, as examples of one size.

    An image is fitted to the input as for `kzoo predict`: its shape is kept and the rest is gray. Labels are float32 of
    shape ``(N, M, 5)``: centre x, centre y, width, height in parts of the input's sides, and the class; rows whose
    class is -1 fill up. The images are kept in memory, fitted, if they take no more than `MEMORY_LIMIT`; otherwise
    they are read anew from their files every time.

    Args:
        images: Files, or pixels uint8 of shape (H, W, 3).
        sizes: Width and height of each, upright.
        boxes: Corners in pixels of each, float32 of shape (M, 4).
        labels: The classes of each, shape (M,).
        input_shape: Height, width and channels of the input.
        pictures: The same images as a detector is measured on them, in their own size and with all their boxes.
        category_ids: The numbers of the classes in a COCO annotations file.
    """

    def __init__(
        self,
        images: Sequence[Path | np.ndarray],
        sizes: Sequence[tuple[int, int]],
        boxes: Sequence[np.ndarray],
        labels: Sequence[np.ndarray],
        input_shape: tuple[int, int, int],
        pictures: Sequence[TruthImage] = (),
        category_ids: tuple[int, ...] = (),
    ) -> None:
        self.images, self.input_shape = list(images), input_shape
        self.pictures, self.category_ids = list(pictures), category_ids
        self._y = _rows(sizes, boxes, labels, input_shape)
        self._fitting = threading.Lock()
        self._pixels: np.ndarray | None = None

    @classmethod
    def of(
        cls, annotations: Annotations, input_shape: tuple[int, int, int], category_ids: tuple[int, ...] = ()
    ) -> DetectionSplit:
        """Return the split of annotated files; boxes around crowds are not learned."""
        learned = [image.learnable() for image in annotations]
        return cls(
            [image.path for image in learned],
            [image.size for image in learned],
            [image.boxes for image in learned],
            [image.labels for image in learned],
            input_shape,
            [_measured(image) for image in annotations],
            category_ids,
        )

    def __len__(self) -> int:
        return len(self.images)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """Return the fitted images at ``indices``, uint8 of shape ``(len(indices), H, W, 3)``."""
        if (pixels := self._in_memory()) is not None:
            return np.asarray(pixels[indices])
        return np.stack([self._fitted(int(number)) for number in indices])

    def _in_memory(self) -> np.ndarray | None:
        """Return all fitted images, or None where they would take more than `MEMORY_LIMIT`.

        They are fitted when they are first needed: whoever measures a detector looks at the pictures as they are.
        """
        if not self.images or len(self.images) * int(np.prod(self.input_shape)) > MEMORY_LIMIT:
            return None
        with self._fitting:  # several threads of a tf.data graph may ask at once
            if self._pixels is None:
                self._pixels = np.stack([self._fitted(number) for number in range(len(self.images))])
        return self._pixels

    def _fitted(self, number: int) -> np.ndarray:
        image = self.images[number]
        pixels = read_image(image) if isinstance(image, Path) else image
        # In whole steps of 1/255, a quarter of the memory of what the network gets; the gray is 128 for 127.5.
        fitted: np.ndarray = np.rint(Letterbox.of(pixels.shape, self.input_shape).apply(pixels) * 255).astype(np.uint8)
        return fitted

    def fetch(self, indices: Any) -> tuple[Any, Any]:
        """Return images, float32 in [0, 1], and boxes at ``indices``."""
        import tensorflow as tf

        indices = tf.convert_to_tensor(indices)
        x = tf.numpy_function(self.read, [indices], tf.uint8, stateful=False)
        x = tf.ensure_shape(x, (indices.shape[0], *self.input_shape))
        return tf.cast(x, tf.float32) / 255.0, tf.gather(tf.constant(self._y), indices)

    def examples(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return images, float32 in [0, 1], and boxes at ``indices``."""
        return self.read(indices).astype(np.float32) / np.float32(255), self._y[indices]

    @property
    def labels(self) -> np.ndarray:
        """The boxes of all images, in their order."""
        return self._y

    @property
    def sides(self) -> np.ndarray:
        """Width and height of every box in pixels of the input, shape (n, 2)."""
        rows = self._y[self._y[..., 4] >= 0]
        return np.asarray(rows[:, 2:4] * (self.input_shape[1], self.input_shape[0]))

    def take(self, indices: np.ndarray) -> DetectionSplit:
        """Return the split of the images at ``indices``."""
        part = object.__new__(DetectionSplit)
        part.images, part.input_shape = [self.images[int(i)] for i in indices], self.input_shape
        part.pictures = [self.pictures[int(i)] for i in indices] if self.pictures else []
        part.category_ids = self.category_ids
        part._y, part._fitting = self._y[indices], threading.Lock()
        part._pixels = None if self._pixels is None else self._pixels[indices]
        return part

    def join(self, other: Self) -> DetectionSplit:
        """Return the split of both; an image may have as many boxes as any of both has."""
        part = self.take(np.arange(len(self)))
        part.images, part.pictures = [*self.images, *other.images], [*self.pictures, *other.pictures]
        most = max(self._y.shape[1], other._y.shape[1])
        return part._relabelled(np.concatenate([_padded(self._y, most), _padded(other._y, most)]))  # noqa: SLF001 - its own

    def _relabelled(self, y: np.ndarray) -> Self:
        """Return this split with other labels, of images that are not fitted yet."""
        self._y, self._pixels = y, None
        return self

    def digest(self) -> str:
        """Return the SHA-256 of the boxes and the images: of their pixels in memory, else of their files' bytes."""
        if (pixels := self._in_memory()) is not None:
            return digest_of((array.shape, array.dtype, [array]) for array in (pixels, self._y))
        digest = hashlib.sha256(np.ascontiguousarray(self._y).data)
        for image in self.images:
            digest.update(image.read_bytes() if isinstance(image, Path) else image.tobytes())
        return digest.hexdigest()


def read(path: Path, settings: BoxSettings, reading: Reading) -> Dataset:
    """Read annotated images: a folder, a ``data.yaml`` or a COCO json file; see `read_annotations`.

    The test split is the one that the data set declares; where it has only a validation split, that one; where it has
    neither, 20 % of the images, always the same for the same names.

    Args:
        path: The folder or file.
        settings: How.
        reading: What they are read for: where they are only measured on and the data set declares neither a test nor a
            validation split, all of them are the test.
    """
    shape = settings.input_shape
    sets = read_annotations(path, form=settings.format, fix=settings.fix, outside=settings.outside, whole=reading.whole)
    declared = sets.test is not None or sets.validation is not None
    if reading.whole and not declared:
        train, test, how = sets.train.take(np.arange(0)), sets.train, ""
    else:
        train, test, how = _divided(path, sets)
    how = "" if reading.whole else how
    validation = sets.validation if sets.test is not None else None
    counts = f"{len(train):,} train, {len(test):,} test images with {train.box_count + test.box_count:,} boxes"
    if reading.whole:
        counts = f"{len(test):,} images with {test.box_count:,} boxes"
    return Dataset(
        train=DetectionSplit.of(train, shape, sets.category_ids),
        validation=DetectionSplit.of(validation, shape, sets.category_ids) if validation is not None else None,
        test=DetectionSplit.of(test, shape, sets.category_ids),
        class_names=sets.class_names,
        description=f"{counts} of {len(sets.class_names)} classes from {path.name} ({sets.form}){how}",
        location=str(path),
        notes=sets.notes,
        declares_test=declared,
    )


def sample(settings: SampleSettings) -> Dataset:
    """Return drawn scenes of shapes, the same bytes on every call with the same size."""
    shape = settings.input_shape
    parts = {}
    for name, (count, seed) in _SAMPLE.items():
        pixels, boxes, labels = zip(*draw_scenes(count, seed), strict=True)
        sizes = [(image.shape[1], image.shape[0]) for image in pixels]
        parts[name] = DetectionSplit(pixels, sizes, boxes, labels, shape, _scenes(pixels, boxes, labels))
    described = ", ".join(f"{count:,} {name}" for name, (count, _) in _SAMPLE.items())
    return Dataset(
        train=parts["train"],
        test=parts["test"],
        class_names=SHAPES,
        description=f"{described} drawn scenes of {len(SHAPES)} shapes",
    )


def _scenes(
    pixels: Sequence[np.ndarray], boxes: Sequence[np.ndarray], labels: Sequence[np.ndarray]
) -> list[TruthImage]:
    return [
        TruthImage(name=f"scene-{number:04}", boxes=own, labels=classes, pixels=functools.partial(np.copy, image))
        for number, (image, own, classes) in enumerate(zip(pixels, boxes, labels, strict=True))
    ]


def _measured(image: FileImage) -> TruthImage:
    return TruthImage(
        name=image.path.name,
        boxes=image.boxes,
        labels=image.labels,
        crowd=image.crowd,
        difficult=image.difficult,
        area=image.areas,
        path=image.path,
        id=image.id,
    )


def _divided(path: Path, sets: AnnotationSets) -> tuple[Annotations, Annotations, str]:
    """Return the images to learn from, those to test on, and how they were divided, for the description."""
    if sets.test is not None:
        return sets.train, sets.test, ""
    if sets.validation is not None:
        return sets.train, sets.validation, "; its validation split is the test"
    count = max(1, round(len(sets.train) * TEST_FRACTION))
    if count >= len(sets.train):
        message = f"{path} has a single image: one is needed to learn from and another to test on."
        raise DataError(message)
    kept = np.random.default_rng([0x7E57, 0]).permutation(len(sets.train))[:count]
    rest = np.setdiff1d(np.arange(len(sets.train)), kept)
    return sets.train.take(rest), sets.train.take(np.sort(kept)), f"; {TEST_FRACTION:.0%} kept for the test"


def _rows(
    sizes: Sequence[tuple[int, int]],
    boxes: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    input_shape: tuple[int, int, int],
) -> np.ndarray:
    """Return the labels of all images, (N, M, 5), M being the most boxes of any image."""
    most = max(1, *(len(own) for own in labels)) if len(labels) else 1
    rows = np.zeros((len(labels), most, 5), np.float32)
    rows[..., 4] = -1
    height, width = input_shape[:2]
    for number, (size, own, classes) in enumerate(zip(sizes, boxes, labels, strict=True)):
        if not len(own):
            continue
        fitted = Letterbox.of((size[1], size[0]), input_shape).forward(own) / (width, height, width, height)
        rows[number, : len(own), :2] = (fitted[:, :2] + fitted[:, 2:]) / 2
        rows[number, : len(own), 2:4] = fitted[:, 2:] - fitted[:, :2]
        rows[number, : len(own), 4] = classes
    return rows


def _padded(rows: np.ndarray, most: int) -> np.ndarray:
    """Return labels with room for so many boxes in each image."""
    more = np.zeros((len(rows), most - rows.shape[1], rows.shape[2]), rows.dtype)
    more[..., 4] = -1
    return np.concatenate([rows, more], axis=1)
