"""Registers the losses; light, since targets are imported only on use."""

from __future__ import annotations

from kzoo.plugin import LossSpec, hookimpl
from kzoo_plugins.losses.specs import (
    boxes,
    classification,
    composition,
    embedding,
    ordinal,
    regression,
    restoration,
    segmentation,
)

__all__ = ["kzoo_losses"]

_FAMILIES = (boxes, classification, composition, embedding, ordinal, regression, restoration, segmentation)


@hookimpl
def kzoo_losses() -> list[LossSpec]:
    """Return kzoo's own losses."""
    return [spec for family in _FAMILIES for spec in family.LOSSES]
