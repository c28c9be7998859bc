"""The objects found in one picture."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from kzoo.tasks.predictions import Prediction

__all__ = ["Detections"]

_SHOWN = 6  # classes in one line of text


@dataclass(frozen=True, eq=False)
class Detections(Prediction):
    """Objects, the surest first.

    Attributes:
        boxes: x1, y1, x2, y2 in pixels of the picture, float32 of shape (N, 4). A box of an object that is cut off may
            reach beyond the picture; `clipped` does not.
        labels: Class indices, shape (N,).
        scores: In [0, 1], float32 of shape (N,).
        class_names: The names of all classes.
        size: Height and width of the picture.
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    class_names: tuple[str, ...]
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def names(self) -> list[str]:
        """The name of each object's class."""
        return [self.class_names[label] for label in self.labels]

    @property
    def clipped(self) -> np.ndarray:
        """The parts of the boxes within the picture, shape (N, 4)."""
        height, width = self.size
        return np.asarray(np.clip(self.boxes, 0, np.array([width, height, width, height], np.float32)))

    @property
    def text(self) -> str:
        """How many of each class: ``2 car, 1 dog``."""
        counts = Counter(self.names).most_common()
        shown = ", ".join(f"{count} {name}" for name, count in counts[:_SHOWN])
        more = sum(count for _, count in counts[_SHOWN:])
        return f"{shown} and {more} more" if more else shown or "nothing"

    def columns(self, top: int = 1) -> dict[str, Any]:
        """Return what there is, and the ``top`` surest ones."""
        best = zip(self.names[:top], self.scores[:top], strict=True)
        return {"objects": self.text, "surest": ", ".join(f"{name} {score:.3f}" for name, score in best)}

    def to_dict(self, top: int = 1) -> dict[str, Any]:
        """Return all objects with class, index, score and box."""
        del top
        return {"detections": [self._as_dict(number) for number in range(len(self))]}

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each object."""
        found = []
        for number in range(len(self)):
            whole = self._as_dict(number)
            corners = dict(zip(("x1", "y1", "x2", "y2"), whole.pop("box"), strict=True))
            found.append({**whole, **corners})
        return found

    def _as_dict(self, number: int) -> dict[str, Any]:
        label = int(self.labels[number])
        return {
            "class": self.class_names[label],
            "index": label,
            "score": round(float(self.scores[number]), 6),
            "box": [round(float(side), 2) for side in self.boxes[number]],
        }
