"""Pictures whose objects are known, and what a detector says of one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, Self

from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np

__all__ = ["Found", "TruthImage", "TruthSet"]

_SHOWN = 10  # classes in a message


class Found(Protocol):
    """The objects that a detector sees in one picture."""

    @property
    def boxes(self) -> np.ndarray:
        """x1, y1, x2, y2 in pixels of the picture, shape (N, 4)."""

    @property
    def labels(self) -> np.ndarray:
        """Class indices, shape (N,)."""

    @property
    def scores(self) -> np.ndarray:
        """Shape (N,)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TruthImage:
    """One picture and its objects.

    Attributes:
        name: What it is called in messages and tables.
        boxes: x1, y1, x2, y2 in pixels, shape (M, 4).
        labels: Class indices, shape (M,).
        crowd: 1 for a box of many objects, in which found boxes count neither as right nor as wrong, shape (M,); None
            where there are none.
        difficult: 1 for an object that nobody must find, by Pascal VOC's rules, shape (M,); None where there are none.
            COCO's rules know no such objects, so by those they count as any other.
        area: The objects' areas in square pixels, where they are known to be less than their boxes', shape (M,).
        path: The file; None where the picture is only in memory.
        pixels: Returns the picture, RGB, uint8 of shape (H, W, 3), where there is no file.
        id: Its number in a COCO annotations file, or None.
    """

    name: str
    boxes: np.ndarray
    labels: np.ndarray
    crowd: np.ndarray | None = None
    difficult: np.ndarray | None = None
    area: np.ndarray | None = None
    path: Path | None = None
    pixels: Callable[[], np.ndarray] | None = None
    id: int | str | None = None

    def read(self) -> np.ndarray:
        """Return the picture, RGB, uint8 of shape (H, W, 3).

        Raises:
            DataError: The file is missing or damaged.
        """
        from kzoo.data.decoding import read_image

        if self.pixels is not None:
            return self.pixels()
        assert self.path is not None, "a picture is in a file or in memory"
        return read_image(self.path)


@dataclass(frozen=True)
class TruthSet:
    """Pictures to measure a detector on.

    Attributes:
        images: The pictures.
        class_names: The name of each class index.
        description: One line for people: what it is and how much of it.
        category_ids: The number of each class in a COCO annotations file; empty where there is no such file.
        notes: What a user must be told, such as boxes that were left out.
    """

    images: Sequence[TruthImage]
    class_names: tuple[str, ...]
    description: str
    category_ids: tuple[int, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def in_classes(self, class_names: Sequence[str]) -> Self:
        """Return the same pictures with labels that are a detector's, whose classes may be more or in another order.

        Raises:
            UsageError: The detector does not know a class.
        """
        import numpy as np

        known = tuple(class_names)
        if known == self.class_names:
            return self
        unknown = [name for name in self.class_names if name not in known]
        if unknown:
            shown = ", ".join(unknown[:_SHOWN]) + (", ..." if len(unknown) > _SHOWN else "")
            message = (
                f"The data ({self.description}) has classes that the detector does not know: {shown}. It knows "
                f"{', '.join(known[:_SHOWN])}{', ...' if len(known) > _SHOWN else ''}. Give data with its classes; "
                "where only the names differ, write them into the data's list of classes."
            )
            raise UsageError(message)
        moved = np.array([known.index(name) for name in self.class_names], int)
        images = [replace(image, labels=moved[np.asarray(image.labels, int)]) for image in self.images]
        ids = dict(zip(moved.tolist(), self.category_ids, strict=False))
        # A category that the data does not have still needs a number of its own.
        spare = max(ids.values(), default=0) + 1
        categories = tuple(ids.get(label, spare + label) for label in range(len(known))) if ids else ()
        return replace(self, images=images, class_names=known, category_ids=categories)
