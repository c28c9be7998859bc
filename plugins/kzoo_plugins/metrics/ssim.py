"""Structural similarity of images as a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from kzoo.component import MeanMetric, finite_or_nan
from kzoo_plugins.losses.structural import (
    POWER_FACTORS,
    Window,
    check_power_factors,
    multi_scale_dissimilarity,
    structural_dissimilarity,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MeanMultiScaleSSIM", "MeanSSIM"]


# Not named SSIM: Keras knows a saved object by package and class name, and `kzoo_plugins>SSIM` is the loss.
@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MeanSSIM(MeanMetric):
    """Structural similarity of images (SSIM), calculated for each image and averaged over images; 1 for equal ones.

    Formula: one minus the loss, `kzoo_plugins.losses.ssim.SSIM`.

    Args:
        data_range: The difference of the largest and the smallest possible value, above 0: 1 for images between 0 and
            1, 255 for bytes. Defaults to 1.
        kernel_size: The side of the window in pixels. Defaults to 11.
        sigma: The standard deviation of the window's Gaussian in pixels, above 0. Defaults to 1.5.
        k1: What stabilises the luminance where both means are near 0, above 0. Defaults to 0.01.
        k2: What stabilises the structure where both variances are near 0, above 0. Defaults to 0.03.
        name: Defaults to "ssim".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Images of shape (N, H, W, C) or (N, H, W), not smaller than the window.
        y_pred: Images of the same shape.
        sample_weight: One weight for each image, of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range; the images are smaller than the window; the shapes do not belong
            together.

    Example:
        >>> metric = MeanSSIM()
        >>> images = keras.ops.ones((2, 16, 16, 1))
        >>> metric.update_state(images, images / 2)
        >>> round(float(metric.result()), 4)
        0.8

    References:
        - [Wang et al., 2004](https://doi.org/10.1109/TIP.2003.819861), Image quality assessment: from error visibility
          to structural similarity
    """

    def __init__(
        self,
        data_range: float = 1.0,
        kernel_size: int = 11,
        sigma: float = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        name: str = "ssim",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._window = Window(data_range, kernel_size, sigma, k1, k2)

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return images of equal shape; an infinite pixel becomes NaN."""
        y_true, y_pred = super().align(y_true, y_pred)
        return y_true, finite_or_nan(y_pred)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the similarity of each image, shape ``(N,)``."""
        return 1 - structural_dissimilarity(y_true, y_pred, self._window, self.name)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MeanMultiScaleSSIM(MeanMetric):
    """Structural similarity at several scales (MS-SSIM), averaged over images; 1 for equal ones.

    Formula: one minus the loss, `kzoo_plugins.losses.ssim.MultiScaleSSIM`.

    Args:
        data_range: As in `MeanSSIM`. Defaults to 1.
        kernel_size: The side of the window in pixels, at every scale. Defaults to 11.
        sigma: As in `MeanSSIM`. Defaults to 1.5.
        k1: As in `MeanSSIM`. Defaults to 0.01.
        k2: As in `MeanSSIM`. Defaults to 0.03.
        power_factors: How much each scale counts, from the finest to the coarsest; their number is that of the scales.
            Defaults to the paper's five.
        name: Defaults to "ms_ssim".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Images of shape (N, H, W, C) or (N, H, W) with sides of at least `kernel_size` times 2 for each scale
            after the first: 176 pixels by default.
        y_pred: Images of the same shape.
        sample_weight: One weight for each image, of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range; the images are too small; the shapes do not belong together.

    Example:
        >>> metric = MeanMultiScaleSSIM()
        >>> images = keras.ops.ones((2, 176, 176, 1))
        >>> metric.update_state(images, images / 2)
        >>> round(float(metric.result()), 4)
        0.9707

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
        name: str = "ms_ssim",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._window = Window(data_range, kernel_size, sigma, k1, k2)
        check_power_factors(power_factors)
        self.power_factors = power_factors

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return images of equal shape; an infinite pixel becomes NaN."""
        y_true, y_pred = super().align(y_true, y_pred)
        return y_true, finite_or_nan(y_pred)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the similarity of each image, shape ``(N,)``."""
        return 1 - multi_scale_dissimilarity(y_true, y_pred, self._window, self.power_factors, self.name)
