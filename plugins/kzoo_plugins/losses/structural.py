"""Structural similarity of images, at one scale and at several: what losses and metrics of it share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from keras import ops

from kzoo.component import widen
from kzoo_plugins.losses.logs import safe_power

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["POWER_FACTORS", "Window", "check_power_factors", "multi_scale_dissimilarity", "structural_dissimilarity"]

POWER_FACTORS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""How much each scale counts, from the finest to the coarsest: Wang et al. 2003, table 1."""

_PLANE = 3
_IMAGES = 4


class Window:
    """How local statistics are taken: the window, and what stabilises the quotients.

    Args:
        data_range: The difference of the largest and the smallest possible value, above 0.
        kernel_size: The side of the Gaussian window in pixels, at least 1.
        sigma: The standard deviation of the window in pixels, above 0.
        k1: What stabilises the quotient of means, relative to `data_range`, above 0.
        k2: What stabilises the quotient of variances, relative to `data_range`, above 0.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(self, data_range: float, kernel_size: int, sigma: float, k1: float, k2: float) -> None:
        for name, value in {"data_range": data_range, "sigma": sigma, "k1": k1, "k2": k2}.items():
            if not (math.isfinite(value) and value > 0):
                message = f"`{name}` must be a finite number above 0, not {value}."
                raise ValueError(message)
        if kernel_size < 1 or kernel_size != int(kernel_size):
            message = f"`kernel_size` must be a whole number of at least 1, not {kernel_size}."
            raise ValueError(message)
        self.data_range = data_range
        self.size = int(kernel_size)
        self.c1, self.c2 = k1**2, k2**2
        middle = (self.size - 1) / 2
        heights = [math.exp(-(((at - middle) / sigma) ** 2) / 2) for at in range(self.size)]
        self.heights = [height / sum(heights) for height in heights]


def structural_dissimilarity(y_true: Any, y_pred: Any, window: Window, what: str) -> Any:
    """Return 1 - SSIM of each image, the mean over positions and channels, shape ``(N,)``.

    Raises:
        ValueError: The images are of another rank than 3 or 4, or smaller than the window.
    """
    y_true, y_pred = (_images(value, window, 1, what) for value in (y_true, y_pred))
    similarity_lost, _ = _lost(y_true, y_pred, window)
    return ops.mean(similarity_lost, axis=-1)


def multi_scale_dissimilarity(
    y_true: Any, y_pred: Any, window: Window, power_factors: Sequence[float], what: str
) -> Any:
    """Return 1 - MS-SSIM of each image, the mean over channels, shape ``(N,)``.

    Raises:
        ValueError: The images are of another rank than 3 or 4, or smaller than the window at the coarsest scale.
    """
    scales = len(power_factors)
    y_true, y_pred = (_images(value, window, scales, what) for value in (y_true, y_pred))
    product: Any = 1.0
    for scale, power in enumerate(power_factors):
        if scale:
            y_true, y_pred = (
                ops.average_pool(value, 2, strides=2, padding="valid", data_format="channels_last")
                for value in (y_true, y_pred)
            )
        similarity_lost, structure_lost = _lost(y_true, y_pred, window)
        lost = similarity_lost if scale == scales - 1 else structure_lost
        # A negative similarity has no power; where a factor is 0 no scale has a gradient.
        product = product * safe_power(ops.relu(1 - lost), power)
    return 1 - ops.mean(product, axis=-1)


def check_power_factors(power_factors: Sequence[float]) -> None:
    """Raise ``ValueError`` where the scales' powers are not finite numbers of at least 0."""
    if not power_factors or not all(math.isfinite(power) and power >= 0 for power in power_factors):
        message = f"`power_factors` must hold finite numbers of at least 0, not {list(power_factors)}."
        raise ValueError(message)


def _images(value: Any, window: Window, scales: int, what: str) -> Any:
    """Return images of shape (N, H, W, C) in units of their range."""
    value = widen(value)
    shape = tuple(value.shape)
    if len(shape) == _PLANE:
        value = ops.expand_dims(value, -1)
    elif len(shape) != _IMAGES or shape[-1] is None:
        message = f"`{what}` takes images of shape (N, H, W, C) with a known number of channels, not {shape}."
        raise ValueError(message)
    smallest = window.size * 2 ** (scales - 1)
    if any(side is not None and side < smallest for side in shape[1:3]):
        at = f" at each of {scales} scales, so sides of at least {smallest} pixels" if scales > 1 else ""
        message = (
            f"`{what}` got images of shape {shape}. Its window of {window.size} pixels must fit into them{at}; take "
            f"larger images or a smaller `kernel_size`{', or fewer `power_factors`' if scales > 1 else ''}."
        )
        raise ValueError(message)
    return value / window.data_range


def _lost(y_true: Any, y_pred: Any, window: Window) -> tuple[Any, Any]:
    """Return 1 - SSIM, and 1 - its product of contrast and structure, as means over positions, (N, C)."""
    # 1 - luminance and 1 - contrast * structure are quotients of the difference's mean and variance. In this form they
    # keep their digits where images are nearly equal, and a similarity near 1 would have none left.
    difference = y_true - y_pred
    # Variances are those of deviations from each image's mean: of squares near 1 little would be left of them.
    centres = [ops.stop_gradient(ops.mean(value, axis=(1, 2), keepdims=True)) for value in (y_true, y_pred)]
    true, pred = y_true - centres[0], y_pred - centres[1]
    shift = centres[0] - centres[1]
    parts = [true, pred, difference - shift, ops.square(true) + ops.square(pred), ops.square(difference - shift)]
    true, pred, apart, squares, square_apart = ops.split(_filtered(ops.concatenate(parts, -1), window), 5, axis=-1)
    structure = (square_apart - ops.square(apart)) / (squares - ops.square(true) - ops.square(pred) + window.c2)
    true, pred, apart = true + centres[0], pred + centres[1], apart + shift
    luminance = ops.square(apart) / (ops.square(true) + ops.square(pred) + window.c1)
    lost = luminance + structure - luminance * structure
    return tuple(ops.mean(value, axis=(1, 2)) for value in (lost, structure))


def _filtered(maps: Any, window: Window) -> Any:
    """Return the weighted means of the window at every position where it fits whole."""
    heights = ops.convert_to_tensor(window.heights, dtype=maps.dtype)
    for shape in ((window.size, 1, 1, 1), (1, window.size, 1, 1)):
        kernel = ops.tile(ops.reshape(heights, shape), (1, 1, maps.shape[-1], 1))
        maps = ops.depthwise_conv(maps, kernel, padding="valid", data_format="channels_last")
    return maps
