"""Arguments of components that must be finite numbers: infinity and what is no number are refused by name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kzoo.plugin import ComponentSpec
    from kzoo.plugins.registry import Entry

__all__ = ["check_finite"]

_TEXTS = frozenset({"name", "dtype"})
"""Arguments of Keras's components that are text whatever stands there."""


def check_finite(
    entry: Entry[ComponentSpec],
    arguments: Mapping[str, Any],
    *,
    whose: str = "",
    origin: Callable[[str], str] = lambda _: "",
) -> None:
    """Raise `UsageError` for an argument that is infinite or no number (NaN), where only a finite one has a meaning.

    That is so where a component may stand instead, such as a schedule for a learning rate, and for all numbers of
    Keras's own components, which let such a value through and fail later or train to NaN. kzoo's own know what infinity
    means to them; what NaN means to those of others is theirs to say. Needs no Keras.

    Args:
        entry: The component.
        arguments: What it is given; what stands in components inside it is looked at where they are.
        whose: What the argument's name is put behind in the message, as in ``optimizer.``; by default the component is
            named instead.
        origin: Says where an argument came from, as the end of a sentence.
    """
    of_keras = entry.spec.target.startswith("keras.")
    for name, value in arguments.items():
        strict = of_keras or name in entry.spec.resolves
        found = "" if of_keras and name in _TEXTS else _unfit(value, texts=strict)
        if found and (strict or (entry.first_party and "nan" in found.lower())):
            inside = "must be a finite number" if not isinstance(value, (list, tuple)) else "must hold finite numbers"
            of = "" if whose else f" of the {entry.kind} `{entry.name}` (from {entry.origin})"
            message = f"`{whose}{name}`{of} {inside}, not {found}{origin(name)}."
            raise UsageError(message)


def _unfit(value: Any, *, texts: bool) -> str:
    """Return the first number in a value that is not finite, as text; an empty text where all are."""
    if isinstance(value, (list, tuple)):
        return next(filter(None, (_unfit(item, texts=texts) for item in value)), "")
    # A settings file has `nan` as a number; on the command line it is a word.
    if not (isinstance(value, float) or (texts and isinstance(value, str))):
        return ""
    try:
        return "" if math.isfinite(float(value)) else str(value)
    except ValueError:
        return ""  # another text, such as the name of a component
