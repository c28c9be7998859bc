"""What components ask of their arguments; each check raises ``ValueError`` and names the argument."""

from __future__ import annotations

import math

__all__ = ["check_at_least_0", "check_positive", "number"]


def number(name: str, value: float, *, above: float | None = None, at_least: float | None = None) -> float:
    """Return an argument as a float; refuse what is not a finite number, above or at least some other.

    Example:
        >>> number("margin", 1, at_least=0)
        1.0
    """
    if (
        not math.isfinite(value)
        or (above is not None and value <= above)
        or (at_least is not None and value < at_least)
    ):
        bound = f"above {above}" if above is not None else f"of at least {at_least}" if at_least is not None else ""
        message = f"`{name}` must be a finite number {bound}".rstrip() + f", not {value}."
        raise ValueError(message)
    return float(value)


def check_at_least_0(**arguments: float) -> None:
    """Refuse an argument that is not a finite number of at least 0."""
    for name, value in arguments.items():
        number(name, value, at_least=0)


def check_positive(**arguments: float) -> None:
    """Refuse an argument that is not a finite number above 0."""
    for name, value in arguments.items():
        number(name, value, above=0)
