"""Registers the metrics; light, since specs are imported when a list needs them, and targets on use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.plugin import hookimpl

if TYPE_CHECKING:
    from kzoo.plugin import MetricSpec

__all__ = ["kzoo_metrics"]


@hookimpl
def kzoo_metrics() -> list[MetricSpec]:
    """Return kzoo's own metrics."""
    from kzoo_plugins.metrics.specs import calibration, classification, embedding, images, ordinal, regression

    families = (calibration, classification, embedding, images, ordinal, regression)
    return [spec for family in families for spec in family.METRICS]
