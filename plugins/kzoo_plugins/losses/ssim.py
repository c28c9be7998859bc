"""Losses of structural similarity: how far images differ in what the eye compares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from kzoo.component import Loss, align_shapes, finite_or_nan, widen
from kzoo_plugins.losses.structural import (
    POWER_FACTORS,
    Window,
    check_power_factors,
    multi_scale_dissimilarity,
    structural_dissimilarity,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SSIM", "MultiScaleSSIM", "ms_ssim_loss", "ssim_loss"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SSIM(Loss):
    """Structural dissimilarity of images: 1 - SSIM, from means, variances and covariance in a sliding window.

    Formula, for the window at one position of one channel, with c_1 = (k1 data_range)^2, c_2 = (k2 data_range)^2 and
    the means m, variances v and covariance v_tp of label t and prediction p in it, weighed by a Gaussian:

    ```
    luminance = (2 m_t m_p + c_1) / (m_t^2 + m_p^2 + c_1)
    structure = (2 v_tp + c_2) / (v_t + v_p + c_2)
    ssim = 1 - mean over positions and channels of (luminance * structure)
    ```

    Positions are those where the window fits into the image whole, as in the authors' code and in `tf.image.ssim`.

    Args:
        data_range: The difference of the largest and the smallest possible value, above 0: 1 for images between 0 and
            1, 255 for bytes. Defaults to 1.
        kernel_size: The side of the window in pixels. Defaults to 11.
        sigma: The standard deviation of the window's Gaussian in pixels, above 0. Defaults to 1.5.
        k1: What stabilises the luminance where both means are near 0, above 0. Defaults to 0.01.
        k2: What stabilises the structure where both variances are near 0, above 0. Defaults to 0.03.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "ssim".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Images of shape (N, H, W, C) or (N, H, W), not smaller than the window.
        y_pred: Images of the same shape.

    Raises:
        ValueError: An argument is out of its range; the images are smaller than the window; the shapes do not belong
            together.

    Example:
        >>> dark, light = keras.ops.zeros((1, 16, 16, 1)), keras.ops.ones((1, 16, 16, 1))
        >>> round(float(SSIM()(dark, light)), 4), float(SSIM()(light, light))
        (0.9999, 0.0)

    References:
        - [Wang et al., 2004](https://doi.org/10.1109/TIP.2003.819861), Image quality assessment: from error visibility
          to structural similarity
        - [Zhao et al., 2017](https://arxiv.org/abs/1511.08861), Loss functions for image restoration with neural
          networks
    """

    def __init__(
        self,
        data_range: float = 1.0,
        kernel_size: int = 11,
        sigma: float = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        reduction: str | None = "sum_over_batch_size",
        name: str = "ssim",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self._window = Window(data_range, kernel_size, sigma, k1, k2)

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return images of equal shape; an infinite pixel becomes NaN."""
        y_true, y_pred = super().align(y_true, y_pred)
        return y_true, finite_or_nan(y_pred)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each image, shape ``(N,)``."""
        return structural_dissimilarity(y_true, y_pred, self._window, self.name)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MultiScaleSSIM(Loss):
    """Structural dissimilarity at several scales: 1 - MS-SSIM, for an eye at several distances.

    Formula, for one channel of one image, halved from scale to scale by averaging blocks of 2 x 2 pixels (of an odd
    side the last pixel is left out), with luminance and structure as in `SSIM` and the mean over positions:

    ```
    cs_s = max(0, mean(structure at scale s)),   l_M = max(0, mean(luminance * structure at the last scale M))
    ms_ssim = 1 - mean over channels of (product over s < M of cs_s^power_s * l_M^power_M)
    ```

    Where the structure of a scale is negative on average, the image has the loss 1 and no gradient; it happens to
    images that have nothing in common. Start from a network that does better, or train with `ssim` first.

    Args:
        data_range: The difference of the largest and the smallest possible value, above 0: 1 for images between 0 and
            1, 255 for bytes. Defaults to 1.
        kernel_size: The side of the window in pixels, at every scale. Defaults to 11.
        sigma: The standard deviation of the window's Gaussian in pixels, above 0. Defaults to 1.5.
        k1: What stabilises the luminance where both means are near 0, above 0. Defaults to 0.01.
        k2: What stabilises the structure where both variances are near 0, above 0. Defaults to 0.03.
        power_factors: How much each scale counts, from the finest to the coarsest; their number is that of the scales.
            Defaults to the paper's five.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "ms_ssim".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Images of shape (N, H, W, C) or (N, H, W) with sides of at least `kernel_size` times 2 for each scale
            after the first: 176 pixels by default.
        y_pred: Images of the same shape.

    Raises:
        ValueError: An argument is out of its range; the images are too small; the shapes do not belong together.

    Example:
        >>> dark, light = keras.ops.zeros((1, 32, 32, 1)), keras.ops.ones((1, 32, 32, 1))
        >>> loss = MultiScaleSSIM(power_factors=[0.5, 0.5])
        >>> round(float(loss(dark, light)), 4), float(loss(light, light))
        (0.99, 0.0)

    References:
        - [Wang et al., 2003](https://doi.org/10.1109/ACSSC.2003.1292216), Multiscale structural similarity for image
          quality assessment
    """

    def __init__(
        self,
        data_range: float = 1.0,
        kernel_size: int = 11,
        sigma: float = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        power_factors: Sequence[float] = POWER_FACTORS,
        reduction: str | None = "sum_over_batch_size",
        name: str = "ms_ssim",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self._window = Window(data_range, kernel_size, sigma, k1, k2)
        check_power_factors(power_factors)
        self.power_factors = power_factors

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return images of equal shape; an infinite pixel becomes NaN."""
        y_true, y_pred = super().align(y_true, y_pred)
        return y_true, finite_or_nan(y_pred)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each image, shape ``(N,)``."""
        return multi_scale_dissimilarity(y_true, y_pred, self._window, self.power_factors, self.name)


def ssim_loss(
    y_true: Any,
    y_pred: Any,
    *,
    data_range: float = 1.0,
    kernel_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Any:
    """Return 1 - SSIM of each image; see `SSIM` for the formula and the arguments.

    Example:
        >>> images = keras.ops.ones((2, 16, 16, 3))
        >>> [round(float(value), 4) for value in ssim_loss(images, images / 2)]
        [0.2, 0.2]
    """
    window = Window(data_range, kernel_size, sigma, k1, k2)
    return structural_dissimilarity(*align_shapes(widen(y_true), widen(y_pred), "ssim"), window, "ssim")


def ms_ssim_loss(
    y_true: Any,
    y_pred: Any,
    *,
    data_range: float = 1.0,
    kernel_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    power_factors: Sequence[float] = POWER_FACTORS,
) -> Any:
    """Return 1 - MS-SSIM of each image; see `MultiScaleSSIM` for the formula and the arguments.

    Example:
        >>> images = keras.ops.ones((2, 176, 176, 3))
        >>> [round(float(value), 4) for value in ms_ssim_loss(images, images / 2)]
        [0.0293, 0.0293]
    """
    window = Window(data_range, kernel_size, sigma, k1, k2)
    check_power_factors(power_factors)
    y_true, y_pred = align_shapes(widen(y_true), widen(y_pred), "ms_ssim")
    return multi_scale_dissimilarity(y_true, y_pred, window, power_factors, "ms_ssim")
