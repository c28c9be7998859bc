"""The outputs of a detector: which anchors each has, and how its numbers are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FEWEST_BINS", "MOST_BINS", "Head", "Kind", "bins_of"]

Kind: TypeAlias = Literal["yolo", "new_coords", "region", "bins"]
"""How the numbers of a head are read: YOLOv3's way, with ``new_coords=1`` as Scaled-YOLOv4 and YOLOv7, YOLOv2's, or
with each side of a box as a distribution over bins."""

FEWEST_BINS = 2
MOST_BINS = 64


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
        bins: How many bins each side of a box has, where the kind is ``bins``; else 0.
    """

    anchors: tuple[tuple[float, float], ...]
    classes: int
    scale_x_y: float = 1.0
    stride: int = 32
    mask: tuple[int, ...] = ()
    ignore_thresh: float = 0.5
    kind: Kind = "yolo"
    bins: int = 0

    @property
    def box_numbers(self) -> int:
        """How many numbers say where a box is: tx, ty, tw, th, or a logit for each bin of each of the four sides."""
        return 4 * (self.bins or 1)

    @property
    def numbers(self) -> int:
        """How many numbers an anchor says in each cell: where its box is, the objectness, and one for each class."""
        return self.box_numbers + 1 + self.classes

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
            "bins": self.bins,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Head:
        """Return the head that `to_dict` made plain; raise `ValueError` where it did not."""
        head = msgspec.convert(data, cls)
        sizes = [side for anchor in head.anchors for side in anchor]
        if min((head.classes, head.stride, head.scale_x_y, *sizes), default=0) <= 0 or not sizes:
            message = "its anchors, its classes and its stride must be above 0"
            raise ValueError(message)
        if (head.kind == "bins") != bool(head.bins) or not (head.bins == 0 or FEWEST_BINS <= head.bins <= MOST_BINS):
            message = f"its kind is {head.kind}, and its sides have {head.bins} bins"
            raise ValueError(message)
        return head


def bins_of(card: Mapping[str, Any]) -> int:
    """Return how many bins the sides of boxes have in a saved detector, by what its card tells of it; 0 for none."""
    heads = card.get("heads") or ()
    return next((head["bins"] for head in heads if isinstance(head, dict) and isinstance(head.get("bins"), int)), 0)
