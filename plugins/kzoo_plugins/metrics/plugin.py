"""Registers the metrics; light, since targets are imported only on use."""

from __future__ import annotations

from kzoo.plugin import MetricSpec, hookimpl
from kzoo_plugins.metrics.specs import calibration, classification, embedding, images, ordinal, regression

__all__ = ["kzoo_metrics"]

_FAMILIES = (calibration, classification, embedding, images, ordinal, regression)


@hookimpl
def kzoo_metrics() -> list[MetricSpec]:
    """Return kzoo's own metrics."""
    return [spec for family in _FAMILIES for spec in family.METRICS]
