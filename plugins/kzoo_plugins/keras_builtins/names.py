"""The names under which Keras itself finds its components."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from kzoo.plugin import Spec

__all__ = ["with_class_names"]

_S = TypeVar("_S", bound=Spec)


def with_class_names(*specs: _S) -> list[_S]:
    """Return the specs with their Keras class's name as a further alias, since Keras takes that for a name too.

    A spec with variants stands for several classes and gets none of their names.

    Example:
        >>> [spec] = with_class_names(Spec(name="mean_squared_error", target="keras.losses:MeanSquaredError"))
        >>> spec.aliases
        ('meansquarederror',)
    """
    return [_with_class_name(spec) for spec in specs]


def _with_class_name(spec: _S) -> _S:
    class_name = spec.target.partition(":")[2].lower()
    if class_name in (spec.name, *spec.aliases) or getattr(spec, "variants", None):
        return spec
    return replace(spec, aliases=(*spec.aliases, class_name))
