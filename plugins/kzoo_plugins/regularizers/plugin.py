"""Registers the regularizers; light, since targets are imported only on use."""

from __future__ import annotations

from kzoo.plugin import RegularizerSpec, hookimpl
from kzoo_plugins.regularizers.specs import activity, weights

__all__ = ["kzoo_regularizers"]

_FAMILIES = (weights, activity)


@hookimpl
def kzoo_regularizers() -> list[RegularizerSpec]:
    """Return kzoo's own regularizers."""
    return [spec for family in _FAMILIES for spec in family.REGULARIZERS]
