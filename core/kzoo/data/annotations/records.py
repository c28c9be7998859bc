"""What annotations come to: before they are checked, with the place of each box in its file, and after."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kzoo.data.walking import sample_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np

__all__ = [
    "MOST_BOXES",
    "TOO_MANY",
    "AnnotatedImage",
    "AnnotationSets",
    "Annotations",
    "FoundBox",
    "FoundImage",
    "FoundSet",
    "Place",
]


MOST_BOXES = 10_000
"""An image with more is refused: every image of a split takes room for as many boxes as the one with the most has."""

TOO_MANY = f"it has more than {MOST_BOXES:,} boxes, which is the limit"


@dataclass(frozen=True)
class Place:
    """Where something is written.

    Attributes:
        file: The file.
        line: The line, from 1; 0 for the file as a whole.
        item: What it is called there, such as ``annotation 17``.
    """

    file: Path
    line: int = 0
    item: str = ""

    def seen_from(self, root: Path) -> str:
        """Return it in words, its file named from a folder: files of two splits often have one name."""
        name = sample_of([self.file], root)
        where = f"{name}:{self.line}" if self.line else name
        return f"{where} ({self.item})" if self.item else where


@dataclass
class FoundBox:
    """A box as a file has it.

    Attributes:
        label: The name or the number of its class, as the file says it.
        corners: x1, y1, x2, y2: in pixels, or as parts of the image's sides where `relative`.
        place: Where it is written.
        fault: What is wrong with its text, such as a number that is none; empty where it could be read.
        relative: Whether `corners` are parts of the sides.
        difficult: Whether whoever drew it thought that it need not be found.
        crowd: Whether it stands for a crowd, which is not to be learned from.
        area: The area of the thing itself in square pixels, where the file says it.
    """

    label: str | int
    corners: tuple[float, float, float, float]
    place: Place
    fault: str = ""
    relative: bool = False
    difficult: bool = False
    crowd: bool = False
    area: float | None = None


@dataclass
class FoundImage:
    """An image that a file speaks of.

    Attributes:
        path: The image; None where there is none of that name.
        place: Where the image is named.
        name: How it is named there.
        boxes: Its boxes.
        size: Width and height as the file says them; None where it does not.
        fault: Why the annotations of it cannot be read; empty where they can.
        id: Its number in the file, if it has one.
        split: The split that its annotation is of, as its file, its folders or a list say; empty where nothing does.
        folder_split: The split that the folders of the image itself speak of; empty where none does.
    """

    path: Path | None
    place: Place
    name: str
    boxes: list[FoundBox] = field(default_factory=list)
    size: tuple[int, int] | None = None
    fault: str = ""
    id: int | str | None = None
    split: str = ""
    folder_split: str = ""


@dataclass
class FoundSet:
    """Everything that was found, before it is checked.

    Attributes:
        images: By split: ``train``, ``validation``, ``test``.
        class_names: The classes by their number; None where the names in the boxes decide, sorted.
        class_numbers: The index of each class by the number that the files give it, where that is not its index.
        form: ``voc``, ``coco`` or ``yolo``.
        notes: What a user should know of how it was found.
    """

    images: dict[str, list[FoundImage]]
    class_names: tuple[str, ...] | None
    form: str
    class_numbers: dict[int, int] | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AnnotatedImage:
    """An image and its boxes, checked.

    Attributes:
        path: The image file.
        size: Width and height in pixels, upright.
        boxes: Corners x1, y1, x2, y2 in pixels, float32 of shape (M, 4), inside the image.
        labels: Class indices, int64 of shape (M,).
        difficult: Boolean of shape (M,).
        crowd: Boolean of shape (M,).
        areas: The areas of the things themselves in square pixels, float64 of shape (M,); of their boxes, where no file
            says them.
        id: The image's number in the file, if it has one.
    """

    path: Path
    size: tuple[int, int]
    boxes: np.ndarray
    labels: np.ndarray
    difficult: np.ndarray
    crowd: np.ndarray
    areas: np.ndarray
    id: int | str | None = None

    def learnable(self) -> AnnotatedImage:
        """Return the same without the boxes around crowds."""
        keep = ~self.crowd
        return AnnotatedImage(
            self.path,
            self.size,
            self.boxes[keep],
            self.labels[keep],
            self.difficult[keep],
            self.crowd[keep],
            self.areas[keep],
            self.id,
        )


@dataclass(frozen=True)
class Annotations:
    """The images of one split with their boxes, sorted by path."""

    images: tuple[AnnotatedImage, ...]

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[AnnotatedImage]:
        return iter(self.images)

    @property
    def box_count(self) -> int:
        """The number of boxes."""
        return sum(len(image.labels) for image in self.images)

    def take(self, indices: Sequence[int] | np.ndarray) -> Annotations:
        """Return the annotations of the images at ``indices``."""
        return Annotations(tuple(self.images[int(i)] for i in indices))


@dataclass(frozen=True)
class AnnotationSets:
    """The splits that a data set comes with.

    Attributes:
        train: Images to learn from.
        validation: As declared by the data set, or None.
        test: As declared by the data set, or None.
        class_names: The classes in the order of their indices.
        form: ``voc``, ``coco`` or ``yolo``.
        notes: What a user must be told: what was mended or left out, and how the data was understood.
        category_ids: The number of each class in COCO's files, in the order of the classes; empty for other formats.
    """

    train: Annotations
    validation: Annotations | None
    test: Annotations | None
    class_names: tuple[str, ...]
    form: str
    notes: tuple[str, ...] = ()
    category_ids: tuple[int, ...] = ()
