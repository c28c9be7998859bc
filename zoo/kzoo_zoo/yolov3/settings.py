"""What a user says of detecting, checked: thresholds, limits, classes."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError
from kzoo_zoo.yolov3.letterbox import check_resize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo_zoo.yolov3.letterbox import Resize

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """How detections are made of a network's outputs.

    Attributes:
        threshold: Objects of a lower score are left out.
        iou: A box that overlaps a better one of its class by more is left out.
        most: The most objects in one picture.
        classes: The indices of the only classes that are wanted; None for all.
        soft: Whether a box that overlaps a better one is made less sure instead.
        agnostic: Whether boxes of different classes suppress each other.
        resize: How a frame becomes the network's input.
    """

    threshold: float = 0.25
    iou: float = 0.45
    most: int = 300
    classes: tuple[int, ...] | None = None
    soft: bool = False
    agnostic: bool = False
    resize: Resize = "letterbox"

    @classmethod
    def checked(
        cls,
        class_names: Sequence[str],
        *,
        threshold: Any,
        iou: Any,
        max_detections: Any,
        classes: Any,
        soft_nms: bool,
        agnostic: bool,
        resize: str,
    ) -> Settings:
        """Return the settings for values as a user gave them, or raise `UsageError`."""
        if not _number(threshold) or not 0 <= threshold < 1:
            message = f"`threshold` must be a number of at least 0 and less than 1, not {threshold!r}."
            raise UsageError(message)
        if not _number(iou) or not 0 < iou <= 1:
            message = f"`iou` must be a number above 0 and at most 1, not {iou!r}."
            raise UsageError(message)
        if isinstance(max_detections, bool) or not isinstance(max_detections, int) or max_detections < 1:
            message = f"`max_detections` must be a whole number of at least 1, not {max_detections!r}."
            raise UsageError(message)
        return cls(
            threshold=float(threshold),
            iou=float(iou),
            most=max_detections,
            classes=_classes(classes, class_names),
            soft=bool(soft_nms),
            agnostic=bool(agnostic),
            resize=check_resize(resize),
        )


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _classes(wanted: Any, class_names: Sequence[str]) -> tuple[int, ...] | None:
    """Return the indices of classes given by name or index, ``dog,cat`` or a list; None for an empty text."""
    if wanted is None or wanted == "":
        return None
    parts = wanted.split(",") if isinstance(wanted, str) else wanted if isinstance(wanted, (list, tuple)) else [wanted]
    found = []
    for part in parts:
        text = str(part).strip()
        if text in class_names:
            found.append(list(class_names).index(text))
        elif text.isdecimal() and int(text) < len(class_names):
            found.append(int(text))
        else:
            near = difflib.get_close_matches(text, class_names, n=1)
            hint = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(class_names[:20])}"
            hint += ", ..." if not near and len(class_names) > 20 else "" if near else "."  # noqa: PLR2004
            message = f"`classes` names {text!r}, which this network does not know. {hint}"
            raise UsageError(message)
    return tuple(dict.fromkeys(found))
