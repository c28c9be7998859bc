"""Checks of what the schedules' constructors are given; each raises ``ValueError`` and names the argument."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["check_choice", "check_rate", "check_steps", "steps_of"]


def check_rate(name: str, value: float, *, zero: bool = False) -> None:
    """Refuse what is not a finite number above 0, or, with ``zero``, of at least 0."""
    if not (math.isfinite(value) and (value > 0 or (zero and value == 0))):
        message = f"`{name}` must be a finite number {'of at least' if zero else 'above'} 0, not {value}."
        raise ValueError(message)


def check_steps(name: str, value: float, least: int = 1) -> None:
    """Refuse what is not a whole number of at least ``least``."""
    if not math.isfinite(value) or value < least or value != int(value):
        message = f"`{name}` must be a whole number of at least {least}, not {value}."
        raise ValueError(message)


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Refuse what is none of the choices."""
    if value not in choices:
        message = f"`{name}` must be one of {', '.join(choices)}, not {value!r}."
        raise ValueError(message)


def steps_of(name: str, value: float, total_steps: int) -> int:
    """Return a number of steps that was given as such, or, below 1, as a share of all steps.

    Example:
        >>> steps_of("warmup_steps", 50, 1000), steps_of("warmup_steps", 0.1, 1000), steps_of("warmup_steps", 1, 1000)
        (50, 100, 1)
    """
    if 0 < value < 1:
        return round(value * total_steps)
    if not math.isfinite(value) or value < 0 or value != int(value):
        message = f"`{name}` must be a whole number of steps, or a share of `total_steps` below 1, not {value}."
        raise ValueError(message)
    return int(value)
