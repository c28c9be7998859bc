"""What the regularizers ask of their arguments."""

from __future__ import annotations

import math

__all__ = ["check_at_least_0", "check_axis", "check_positive"]


def check_at_least_0(**arguments: float) -> None:
    """Raise ``ValueError`` for an argument that is not a finite number of at least 0."""
    for name, value in arguments.items():
        if not (math.isfinite(value) and value >= 0):
            message = f"`{name}` must be a finite number of at least 0, not {value}."
            raise ValueError(message)


def check_positive(**arguments: float) -> None:
    """Raise ``ValueError`` for an argument that is not a finite number above 0."""
    for name, value in arguments.items():
        if not (math.isfinite(value) and value > 0):
            message = f"`{name}` must be a finite number above 0, not {value}."
            raise ValueError(message)


def check_axis(axis: int) -> None:
    """Raise ``ValueError`` for an axis that is no integer."""
    if isinstance(axis, bool) or not isinstance(axis, int):
        message = f"`axis` must be an integer, such as -1 for the outputs or -2 for the inputs, not {axis!r}."
        raise ValueError(message)  # noqa: TRY004 - an argument is refused in one way, whatever is wrong with it
