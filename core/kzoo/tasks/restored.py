"""One picture, restored, as a prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.tasks.predictions import Prediction

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Restored"]


@dataclass(frozen=True, eq=False)
class Restored(Prediction):
    """A picture as a network restored it.

    Attributes:
        pixels: uint8 of shape (H, W, C), 1 or 3 channels.
        before: What it was made of, uint8 of shape (H / s, W / s, C).
        scale: How many times as long its sides are, s.
    """

    pixels: np.ndarray
    before: np.ndarray
    scale: int = 1

    @property
    def changed(self) -> float:
        """How far its pixels are from those before on average, of 255; each pixel enlarged is compared s x s times."""
        before = self.before.repeat(self.scale, axis=0).repeat(self.scale, axis=1)
        return float(abs(self.pixels.astype("int16") - before).mean())

    @property
    def text(self) -> str:
        """The size, and how much was changed: ``384 x 288, changed by 6.1 of 255``."""
        return f"{self.pixels.shape[1]} x {self.pixels.shape[0]}, changed by {self.changed:.1f} of 255"

    def columns(self, top: int = 1) -> dict[str, Any]:
        """Return width, height and how much was changed on average."""
        del top
        return {"width": self.pixels.shape[1], "height": self.pixels.shape[0], "changed": f"{self.changed:.2f}"}

    def to_dict(self, top: int = 1) -> dict[str, Any]:
        """Return width, height, scale and how much was changed on average; the pixels are in the pictures written."""
        del top
        height, width = self.pixels.shape[:2]
        return {"width": width, "height": height, "scale": self.scale, "changed": self.changed}

    def rows(self) -> list[dict[str, Any]]:
        """Return the same as one row."""
        return [self.to_dict()]
