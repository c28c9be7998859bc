"""Annotated images as examples for a network: fitted to its input, with their boxes in parts of its sides."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.annotations import AnnotatedImage as FileImage
from kzoo.data.annotations import Annotations, AnnotationSets, read_annotations
from kzoo.data.decoding import read_image
from kzoo.data.images import MEMORY_LIMIT, TEST_FRACTION
from kzoo.data.splits import Dataset, Split, digest_of
from kzoo.detection import AnnotatedImage, AnnotatedSet
from kzoo.errors import DataError, UsageError
from kzoo_zoo.yolov3.letterbox import Letterbox
from kzoo_zoo.yolov3.shapes import SHAPES, draw_scenes

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DetectionSplit", "annotated_from", "load_path", "load_sample"]

IMAGE_SIZE = 416
"""The side of the network's input unless ``data.image_size`` says otherwise."""
_STRIDE = 32
_LARGEST = 1600
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
        annotated: The same images as a detector is measured on them, in their own size and with all their boxes.
        category_ids: The numbers of the classes in a COCO annotations file.
    """

    def __init__(
        self,
        images: Sequence[Path | np.ndarray],
        sizes: Sequence[tuple[int, int]],
        boxes: Sequence[np.ndarray],
        labels: Sequence[np.ndarray],
        input_shape: tuple[int, int, int],
        annotated: Sequence[AnnotatedImage] = (),
        category_ids: tuple[int, ...] = (),
    ) -> None:
        self.images, self.input_shape = list(images), input_shape
        self.annotated, self.category_ids = list(annotated), category_ids
        self._y = _rows(sizes, boxes, labels, input_shape)
        self._pixels: np.ndarray | None = None
        if len(images) * int(np.prod(input_shape)) <= MEMORY_LIMIT:
            self._pixels = np.stack([self._fitted(number) for number in range(len(images))])

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
        if self._pixels is not None:
            return np.asarray(self._pixels[indices])
        return np.stack([self._fitted(int(number)) for number in indices])

    def _fitted(self, number: int) -> np.ndarray:
        image = self.images[number]
        pixels = read_image(image) if isinstance(image, Path) else image
        # In whole steps of 1/255, a quarter of the memory of what the network gets; the gray is 128 for 127.5.
        return np.rint(Letterbox.of(pixels.shape, self.input_shape).apply(pixels) * 255).astype(np.uint8)

    def fetch(self, indices: Any) -> tuple[Any, Any]:
        """Return images, float32 in [0, 1], and boxes at ``indices``."""
        import tensorflow as tf

        indices = tf.convert_to_tensor(indices)
        x = tf.numpy_function(self.read, [indices], tf.uint8, stateful=False)
        x = tf.ensure_shape(x, (indices.shape[0], *self.input_shape))
        return tf.cast(x, tf.float32) / 255.0, tf.gather(tf.constant(self._y), indices)

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
        part.annotated = [self.annotated[int(i)] for i in indices] if self.annotated else []
        part.category_ids = self.category_ids
        part._y = self._y[indices]
        part._pixels = None if self._pixels is None else self._pixels[indices]
        return part

    def digest(self) -> str:
        """Return the SHA-256 of the boxes and the images: of their pixels in memory, else of their files' bytes."""
        if self._pixels is not None:
            return digest_of((array.shape, array.dtype, [array]) for array in (self._pixels, self._y))
        digest = hashlib.sha256(np.ascontiguousarray(self._y).data)
        for image in self.images:
            digest.update(image.read_bytes() if isinstance(image, Path) else image.tobytes())
        return digest.hexdigest()


def load_path(path: Path, *, image_size: Any = IMAGE_SIZE, format: str = "", fix: str = "stop") -> Dataset:  # noqa: A002 - the user's word
    """Read annotated images: a folder, a ``data.yaml`` or a COCO json file; see `read_annotations`.

    The test split is the one that the data set declares; where it has only a validation split, that one; where it has
    neither, 20 % of the images, always the same for the same names.

    Args:
        path: The folder or file.
        image_size: The side of the network's input in pixels, a multiple of 32, or ``[height, width]``.
        format: ``voc``, ``coco`` or ``yolo``; found by looking where it is empty.
        fix: What to do about boxes and images that are wrong: ``stop``, ``clip`` or ``skip``.
    """
    shape = _input_shape(image_size)
    sets = read_annotations(path, form=format, fix=fix)
    train, test, how = _divided(path, sets)
    validation = sets.validation if sets.test is not None else None
    counts = f"{len(train)} train, {len(test)} test images with {train.box_count + test.box_count} boxes"
    return Dataset(
        train=DetectionSplit.of(train, shape, sets.category_ids),
        validation=DetectionSplit.of(validation, shape, sets.category_ids) if validation is not None else None,
        test=DetectionSplit.of(test, shape, sets.category_ids),
        class_names=sets.class_names,
        description=f"{counts} of {len(sets.class_names)} classes from {path.name} ({sets.form}){how}",
        location=str(path),
        notes=sets.notes,
    )


def load_sample(*, image_size: Any = IMAGE_SIZE) -> Dataset:
    """Return drawn scenes of shapes, the same bytes on every call with the same size."""
    shape = _input_shape(image_size)
    parts = {}
    for name, (count, seed) in _SAMPLE.items():
        pixels, boxes, labels = zip(*draw_scenes(count, seed), strict=True)
        sizes = [(image.shape[1], image.shape[0]) for image in pixels]
        parts[name] = DetectionSplit(pixels, sizes, boxes, labels, shape, _scenes(pixels, boxes, labels))
    described = ", ".join(f"{count} {name}" for name, (count, _) in _SAMPLE.items())
    return Dataset(
        train=parts["train"],
        test=parts["test"],
        class_names=SHAPES,
        description=f"{described} drawn scenes of {len(SHAPES)} shapes",
    )


def annotated_from(source: str | Path, *, whole: bool = False, **settings: Any) -> AnnotatedSet:
    """Return what a detector is measured on: the test split of annotated images, in their own size.

    Args:
        source: ``sample``, or the path of annotated images.
        whole: Where the data says of no image that it is for testing, take all of them and not the part that a training
            keeps for its test.
        **settings: Those of `load_path`; the size of the input does not matter here.
    """
    if str(source) == "sample":
        count, seed = _SAMPLE["test"]
        images = _scenes(*zip(*draw_scenes(count, seed), strict=True))
        return AnnotatedSet(images, SHAPES, f"{count} drawn scenes of {len(SHAPES)} shapes")
    path = Path(source)
    sets = read_annotations(path, form=settings.get("format", ""), fix=settings.get("fix", "stop"))
    declared = sets.test is not None or sets.validation is not None
    _, test, how = (None, sets.train, "") if whole and not declared else _divided(path, sets)
    found = [_measured(image) for image in test]
    described = f"{len(found)} images with {test.box_count} boxes from {path.name} ({sets.form}){how}"
    return AnnotatedSet(found, sets.class_names, described, sets.category_ids, sets.notes)


def _scenes(
    pixels: Sequence[np.ndarray], boxes: Sequence[np.ndarray], labels: Sequence[np.ndarray]
) -> list[AnnotatedImage]:
    return [
        AnnotatedImage(name=f"scene-{number:04}", boxes=own, labels=classes, pixels=functools.partial(np.copy, image))
        for number, (image, own, classes) in enumerate(zip(pixels, boxes, labels, strict=True))
    ]


def _measured(image: FileImage) -> AnnotatedImage:
    return AnnotatedImage(
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


def _input_shape(image_size: Any) -> tuple[int, int, int]:
    sides = image_size if isinstance(image_size, list | tuple) else [image_size, image_size]
    fits = len(sides) == 2 and all(  # noqa: PLR2004 - height and width
        type(side) is int and _STRIDE <= side <= _LARGEST and side % _STRIDE == 0 for side in sides
    )
    if not fits:
        message = (
            f"`data.image_size` must be a multiple of {_STRIDE} from {_STRIDE} to {_LARGEST}, or two of them as "
            f"[height, width], not {image_size!r}."
        )
        raise UsageError(message)
    return sides[0], sides[1], 3


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
