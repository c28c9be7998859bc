"""Metrics between masks and between images."""

from __future__ import annotations

from kzoo.plugin import MetricSpec

__all__ = ["METRICS"]

METRICS: list[MetricSpec] = []
