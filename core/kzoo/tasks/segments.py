"""The class of every pixel of one picture, as a prediction."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from kzoo.tasks.predictions import Prediction
from kzoo.tasks.run_lengths import counts_of, text_of

__all__ = ["Segments", "coco_segments"]

_SHOWN = 5  # classes in one line of text


@dataclass(frozen=True, eq=False)
class Segments(Prediction):
    """The classes of a picture's pixels.

    Attributes:
        labels: Class indices, uint8 of shape (H, W).
        class_names: The names of all classes.
        scores: How sure the network is of each class on average where it says it, shape (K,).
        colours: The colour of each class, RGB, uint8 of shape (K, 3).
    """

    labels: np.ndarray
    class_names: tuple[str, ...]
    scores: np.ndarray
    colours: np.ndarray

    @functools.cached_property
    def pixels(self) -> np.ndarray:
        """How many pixels each class has, int64 of shape (K,)."""
        return np.bincount(self.labels.ravel(), minlength=len(self.class_names))

    @property
    def shares(self) -> dict[str, float]:
        """The part of the picture that each class has, by name, the largest first; classes that it lacks are left out.

        Of classes with equally many pixels the first one comes first.
        """
        order = [index for index in np.argsort(-self.pixels, kind="stable").tolist() if self.pixels[index]]
        return {self.class_names[index]: float(self.pixels[index] / self.labels.size) for index in order}

    @property
    def text(self) -> str:
        """The largest classes with their shares: ``road 31%, building 25%``."""
        shares = list(self.shares.items())
        shown = ", ".join(f"{name} {share:.0%}" for name, share in shares[:_SHOWN])
        return f"{shown} and {len(shares) - _SHOWN} more" if len(shares) > _SHOWN else shown

    def columns(self, top: int = 1) -> dict[str, Any]:
        """Return the ``top`` largest classes with their shares, and how many more there are."""
        shares = list(self.shares.items())
        shown = ", ".join(f"{name} {share:.1%}" for name, share in shares[:top])
        more = len(shares) - top
        return {"classes": shown, "more": more} if more > 0 else {"classes": shown}

    def to_dict(self, top: int = 1) -> dict[str, Any]:
        """Return size, share of each class, and the mask of each as COCO's run lengths."""
        del top
        height, width = self.labels.shape
        segments = [
            {**row, "segmentation": coco_segments(self.labels == row["index"])}
            for row in (self._row(name) for name in self.shares)
        ]
        return {"height": height, "width": width, "segments": segments}

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each class that the picture has."""
        return [self._row(name) for name in self.shares]

    def _row(self, name: str) -> dict[str, Any]:
        index = self.class_names.index(name)
        return {
            "class": name,
            "index": index,
            "share": round(self.shares[name], 6),
            "pixels": int(self.pixels[index]),
            "score": round(float(self.scores[index]), 6),
        }


def coco_segments(mask: np.ndarray) -> dict[str, Any]:
    """Return a mask of shape (H, W) as COCO has it: its ``size``, and ``counts``, its run lengths as text."""
    return {"size": [int(side) for side in mask.shape], "counts": text_of(counts_of(mask))}
