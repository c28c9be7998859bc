"""Metrics of embeddings."""

from __future__ import annotations

from kzoo.plugin import MetricSpec

__all__ = ["METRICS"]

METRICS: list[MetricSpec] = [
    MetricSpec(
        name="recall_at_k",
        target="kzoo_plugins.metrics.ranking:RecallAtK",
        summary="Share of samples with one of their own class among their k nearest neighbours in an embedding.",
        tasks={"embedding"},
        targets={"sparse"},
        example={"k": 5},
        properties={"range": (0, 1)},
        direction="max",
        note="It keeps at most `capacity`, 1024, samples; of more it keeps a part that is spread evenly, among which "
        "neighbours are easier to find. It measures on one device. Keras's `recall` is of classes, not of neighbours.",
        expected_failures={
            "additive_state": "it keeps samples in a buffer, and the buffers of two replicas do not add up",
            "sample_weight": "a sample that is given twice is its own nearest neighbour, one with a weight of 2 is not",
        },
        reference="Song et al. 2016, https://arxiv.org/abs/1511.06452",
    ),
]
