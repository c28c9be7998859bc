"""Losses between images."""

from __future__ import annotations

from kzoo.plugin import LossSpec

__all__ = ["LOSSES"]

LOSSES: list[LossSpec] = [
    LossSpec(
        name="ssim",
        target="kzoo_plugins.losses.ssim:SSIM",
        summary="One minus the structural similarity of images: local means, variances and covariance compared.",
        aliases=("ssim_loss", "structural_dissimilarity"),
        tasks={"restoration"},
        targets=frozenset(),
        inputs="images",
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, 2)},
        example={"data_range": 1.0},
        note=(
            "Give `data_range=255` for images of bytes. Images must be at least as large as the window, 11 pixels. It "
            "hardly sees a slow change of colour or brightness; add an absolute error for that."
        ),
        reference="Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861",
    ),
    LossSpec(
        name="ms_ssim",
        target="kzoo_plugins.losses.ssim:MultiScaleSSIM",
        summary="One minus the structural similarity of images at five scales, each half the one before.",
        aliases=("ms_ssim_loss", "multi_scale_ssim"),
        tasks={"restoration"},
        targets=frozenset(),
        inputs="large_images",
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, 1)},
        example={"data_range": 1.0},
        note=(
            "It needs sides of at least 176 pixels: 11 for the window, halved four times. For smaller images take a "
            "smaller `kernel_size` or fewer `power_factors`, and `data_range=255` for images of bytes. Images with "
            "nothing in common have the loss 1 and no gradient."
        ),
        reference="Wang et al. 2003, https://doi.org/10.1109/ACSSC.2003.1292216",
    ),
]
