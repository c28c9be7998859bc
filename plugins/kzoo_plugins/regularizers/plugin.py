"""Registers the regularizers; light, since specs are imported when a list needs them, and targets on use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.plugin import hookimpl

if TYPE_CHECKING:
    from kzoo.plugin import RegularizerSpec

__all__ = ["kzoo_regularizers"]


@hookimpl
def kzoo_regularizers() -> list[RegularizerSpec]:
    """Return kzoo's own regularizers."""
    from kzoo_plugins.regularizers.specs import activity, weights

    return [*weights.REGULARIZERS, *activity.REGULARIZERS]
