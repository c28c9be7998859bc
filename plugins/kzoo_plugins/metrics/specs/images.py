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
        note=(
            "Give `data_range=255` for images of bytes. An exact match counts as 100 dB, where `tf.image.psnr` "
            "gives inf: one such image would make the mean of all infinite."
        ),
        reference="Hore, Ziou 2010, https://doi.org/10.1109/ICPR.2010.579",
    ),
    MetricSpec(
        name="ssim",
        target="kzoo_plugins.metrics.ssim:MeanSSIM",
        summary="Structural similarity of images, from local means, variances and covariance; 1 for equal images.",
        aliases=("structural_similarity",),
        tasks={"restoration"},
        targets=frozenset(),
        inputs="images",
        example={"data_range": 1.0},
        properties={"symmetric": True, "range": (-1, 1)},
        direction="max",
        note="Give `data_range=255` for images of bytes. Images must be at least as large as the window, 11 pixels.",
        reference="Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861",
    ),
    MetricSpec(
        name="ms_ssim",
        target="kzoo_plugins.metrics.ssim:MeanMultiScaleSSIM",
        summary="Structural similarity of images at five scales, each half the one before; 1 for equal images.",
        aliases=("multi_scale_ssim",),
        tasks={"restoration"},
        targets=frozenset(),
        inputs="large_images",
        example={"data_range": 1.0},
        properties={"symmetric": True, "range": (0, 1)},
        direction="max",
        note="It needs sides of at least 176 pixels: 11 for the window, halved four times. For smaller images take a "
        "smaller `kernel_size` or fewer `power_factors`, and `data_range=255` for images of bytes.",
        reference="Wang et al. 2003, https://doi.org/10.1109/ACSSC.2003.1292216",
    ),
]
