"""What a user says of changes at random, checked before anything is trained; `scales` has a check of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_augment"]

# Of each number the least and the most that it may be.
_PARTS = {
    "stretch": (0, 10),
    "shift": (0, 1),
    "hue": (0, 0.5),
    "saturation": (1, 10),
    "exposure": (1, 10),
    "mosaic": (0, 1),
}
_COUNTS = {"mosaic_epochs": 0, "scale_steps": 1}
_LARGEST_ZOOM = 10


def check_augment(settings: Mapping[str, Any]) -> None:
    """Raise `UsageError` for a setting of ``[augment]`` that has no such value.

    In the graph that changes the images, the same mistake would be found only when the training begins.
    """
    for name, value in settings.items():
        if allowed := _refused(name, value):
            message = f"`augment.{name}` must be {allowed}, not {value!r}."
            raise UsageError(message)


def _refused(name: str, value: Any) -> str:
    """Return what a setting may be where it is something else; an empty text where all is well."""
    if name in _PARTS:
        low, high = _PARTS[name]
        return "" if _is_number(value) and low <= value <= high else f"a number from {low} to {high}"
    if name in _COUNTS:
        fits = type(value) is int and value >= _COUNTS[name]
        return "" if fits else f"a whole number of at least {_COUNTS[name]}"
    if name == "mirror":
        return "" if isinstance(value, bool) else "true or false"
    if name == "zoom":
        pair = isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))  # noqa: PLR2004
        fits = pair and 0 < value[0] <= value[1] <= _LARGEST_ZOOM
        return "" if fits else f"the smallest and the largest scale, in (0, {_LARGEST_ZOOM}], as in [0.6, 1.4]"
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
