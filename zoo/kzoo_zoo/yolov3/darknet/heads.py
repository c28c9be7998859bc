"""The outputs of a detector: which anchors each has, and how its numbers are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Head", "Kind"]

Kind: TypeAlias = Literal["yolo", "new_coords", "region"]
"""How the numbers of a head are read: YOLOv3's way, with ``new_coords=1`` as Scaled-YOLOv4 and YOLOv7, or YOLOv2's."""


@dataclass(frozen=True)
class Head:
    """One output of the network.

    Attributes:
        anchors: Width and height in pixels of the network's input, those that the head's mask chooses.
        classes: The number of classes.
        scale_x_y: By how much the sigmoid of the centre is stretched.
        stride: Pixels of the input for each cell of its grid.
        mask: Which of the cfg's anchors these are.
        ignore_thresh: A box that overlaps a true one by more than this is not held against the objectness in training.
        kind: How its numbers are read.
    """

    anchors: tuple[tuple[float, float], ...]
    classes: int
    scale_x_y: float = 1.0
    stride: int = 32
    mask: tuple[int, ...] = ()
    ignore_thresh: float = 0.5
    kind: Kind = "yolo"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, for a model's card."""
        return {
            "anchors": [list(anchor) for anchor in self.anchors],
            "classes": self.classes,
            "scale_x_y": self.scale_x_y,
            "stride": self.stride,
            "mask": list(self.mask),
            "ignore_thresh": self.ignore_thresh,
            "kind": self.kind,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Head:
        """Return the head that `to_dict` made plain; raise `ValueError` where it did not."""
        head = msgspec.convert(data, cls)
        sizes = [side for anchor in head.anchors for side in anchor]
        if min((head.classes, head.stride, head.scale_x_y, *sizes), default=0) <= 0 or not sizes:
            message = "its anchors, its classes and its stride must be above 0"
            raise ValueError(message)
        return head
