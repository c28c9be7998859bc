"""Registers the losses; light, since specs are imported when a list needs them, and targets on use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.plugin import hookimpl

if TYPE_CHECKING:
    from kzoo.plugin import LossSpec

__all__ = ["kzoo_losses"]


@hookimpl
def kzoo_losses() -> list[LossSpec]:
    """Return kzoo's own losses."""
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

    families = (boxes, classification, composition, embedding, ordinal, regression, restoration, segmentation)
    return [spec for family in families for spec in family.LOSSES]
