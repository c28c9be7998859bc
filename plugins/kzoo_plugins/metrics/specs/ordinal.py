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
        tasks={"classification", "ordinal", "distribution"},
        cautions={
            "classification": "Its value depends on the order of the classes, and these classes have none.",
        },
        example={"p": 1},
        direction="min",
        reference="Talebi, Milanfar 2018, https://arxiv.org/abs/1709.05424",
    ),
    MetricSpec(
        name="ordinal_mae",
        target="kzoo_plugins.metrics.ordinal:OrdinalMAE",
        summary="Mean absolute error in ranks: how many ordered classes the predicted one is away from the true one.",
        aliases=("mean_absolute_rank_error",),
        tasks={"classification", "ordinal"},
        cautions={
            "classification": "Its value depends on the order of the classes, and these classes have none.",
        },
        example={"expected_rank": True},
        properties={"zero_at_equality": True, "range": (0, None)},
        direction="min",
        note="By default the predicted rank is that of the most probable class; with `expected_rank=true` it is the "
        "mean of the predicted distribution.",
        reference="Gaudette, Japkowicz 2009, https://doi.org/10.1007/978-3-642-01818-3_25",
    ),
]
