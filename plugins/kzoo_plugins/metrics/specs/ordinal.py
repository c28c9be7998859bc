"""Metrics between classes that have an order."""

from __future__ import annotations

from kzoo.plugin import MetricSpec

__all__ = ["METRICS"]

METRICS: list[MetricSpec] = [
    MetricSpec(
        name="emd",
        target="kzoo_plugins.metrics.emd:MeanEMD",
        summary="Mean earth mover's distance, by default the exact Wasserstein-1 distance in classes.",
        aliases=("earth_movers_distance",),
        tasks={"classification", "ordinal"},
        cautions={
            "classification": "Its value depends on the order of the classes, and these classes have none.",
        },
        example={"p": 1},
        direction="min",
        reference="Talebi, Milanfar 2018, https://arxiv.org/abs/1709.05424",
    ),
]
