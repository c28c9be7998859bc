"""Metrics between masks and between images."""

from __future__ import annotations

from kzoo.plugin import MetricSpec

__all__ = ["METRICS"]

METRICS: list[MetricSpec] = [
    MetricSpec(
        name="dice_score",
        target="kzoo_plugins.metrics.images:DiceScore",
        summary="Dice score of predicted masks: overlap of each class, averaged over classes and then over images.",
        tasks={"segmentation"},
        example={"include_background": False},
        properties={"range": (0, 1)},
        direction="max",
        note="It is the Dice score of the predicted classes, not of the probabilities: a class is predicted where its "
        "score is the largest.",
        reference="Dice 1945, https://doi.org/10.2307/1932409",
    ),
    MetricSpec(
        name="psnr",
        target="kzoo_plugins.metrics.images:PeakSignalNoiseRatio",
        summary="Peak signal-to-noise ratio of images in decibels, averaged over images.",
        aliases=("peak_signal_noise_ratio",),
        tasks={"restoration"},
        targets=frozenset(),
        example={"data_range": 1.0},
        properties={"symmetric": True, "range": (None, 100)},
        direction="max",
        note="Give `data_range=255` for images of bytes. An exact match counts as 100 dB.",
        reference="Hore, Ziou 2010, https://doi.org/10.1109/ICPR.2010.579",
    ),
]
