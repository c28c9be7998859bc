"""Metrics of probabilities."""

from __future__ import annotations

from kzoo.plugin import MetricSpec

__all__ = ["METRICS"]

_TASKS = ("classification", "ordinal", "binary")

METRICS: list[MetricSpec] = [
    MetricSpec(
        name="ece",
        target="kzoo_plugins.metrics.calibration:CalibrationError",
        summary="Expected calibration error: how far confidence is from how often predictions are right.",
        aliases=("calibration_error", "expected_calibration_error"),
        tasks=_TASKS,
        inputs="classes",
        example={"n_bins": 10, "norm": "l1"},
        properties={"range": (0, 1)},
        direction="min",
        expected_failures={
            "direction": "It asks whether confidence is as high as predictions are right, and not whether they are."
        },
        note="A single column is read as two classes, so that its confidence is at least 0.5; torchmetrics bins the "
        "probability of class 1 there. A confidence on the border of two bins belongs to the lower one.",
        reference="Guo et al. 2017, https://arxiv.org/abs/1706.04599",
    ),
    MetricSpec(
        name="brier",
        target="kzoo_plugins.metrics.calibration:BrierScore",
        summary="Brier score: mean squared distance of the probabilities from what happened.",
        aliases=("brier_score",),
        tasks=_TASKS,
        inputs="classes",
        example={"scale_by_half": True},
        properties={"zero_at_equality": True, "range": (0, 2)},
        direction="min",
        note="The sum over classes, between 0 and 2; for a single column of probabilities half of it, as is usual.",
        reference="Brier 1950, https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2",
    ),
]
