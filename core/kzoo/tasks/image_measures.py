"""How near one picture is to another: PSNR, SSIM and MS-SSIM of bytes, whatever their size.

They give what the metrics of these names give for pictures between 0 and 1, and what TensorFlow's `tf.image` gives,
which is not called: an exported network is measured without TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.frames.video import opencv

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EXACT", "LEAST_SIDE", "ms_ssim", "nearness", "psnr", "ssim"]

EXACT = 100.0
"""The PSNR of equal pictures, in decibels: infinite, it would make the mean of all pictures infinite."""

LEAST_SIDE = 176
"""The least side of a picture at five scales; a smaller one is mirrored at its lower and right edge until it has it."""

_RANGE = 255.0
_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = (0.01 * _RANGE) ** 2, (0.03 * _RANGE) ** 2
_POWERS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, table 1


def nearness(true: np.ndarray, said: np.ndarray) -> dict[str, float]:
    """Return ``psnr``, ``ssim`` and ``ms_ssim`` of two pictures.

    Args:
        true: The true picture, uint8 of shape (H, W, C).
        said: Another one of that shape.
    """
    return {"psnr": psnr(true, said), "ssim": ssim(true, said), "ms_ssim": ms_ssim(true, said)}


def psnr(true: np.ndarray, said: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio of two pictures in decibels, at most `EXACT`.

    ```
    psnr = 10 log10(255^2 / mean((true - said)^2))
    ```
    """
    error = np.square(true.astype(np.float64) - said).mean()
    return EXACT if error == 0 else float(min(EXACT, 10 * np.log10(_RANGE**2 / error)))


def ssim(true: np.ndarray, said: np.ndarray) -> float:
    """Return the structural similarity of two pictures, the mean over channels and places of the window.

    The window is a Gaussian of 11 pixels and the standard deviation 1.5, at the places where it fits in whole; a
    picture that is smaller is mirrored at its edges.

    References:
        - [Wang et al., 2004](https://doi.org/10.1109/TIP.2003.819861), Image quality assessment
    """
    whole, _ = _similarities(*(_enlarged(one, _WINDOW) for one in (true, said)))
    return float(whole.mean())


def ms_ssim(true: np.ndarray, said: np.ndarray) -> float:
    """Return the structural similarity of two pictures at five scales, each half the one before.

    A picture with a side of less than `LEAST_SIDE` pixels is mirrored at its lower and right edge until it has that.

    References:
        - [Wang et al., 2003](https://doi.org/10.1109/ACSSC.2003.1292216), Multiscale structural similarity
    """
    true, said = (_enlarged(one, LEAST_SIDE) for one in (true, said))
    product = np.ones(true.shape[-1])
    for scale, power in enumerate(_POWERS):
        if scale:
            true, said = _halved(true), _halved(said)
        whole, structure = _similarities(true, said)
        last = scale == len(_POWERS) - 1
        product *= np.maximum(whole if last else structure, 0) ** power
    return float(product.mean())


def _enlarged(pixels: np.ndarray, least: int) -> np.ndarray:
    """Return a picture as float32, mirrored at its lower and right edge where it is smaller than ``least``."""
    below, beside = (max(0, least - side) for side in pixels.shape[:2])
    return np.pad(pixels.astype(np.float32), ((0, below), (0, beside), (0, 0)), mode="symmetric")


def _halved(pixels: np.ndarray) -> np.ndarray:
    """Return the mean of each block of 2 x 2 pixels; of an odd side the last pixel is left out."""
    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    blocks = pixels[:height, :width].reshape(height // 2, 2, width // 2, 2, -1)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))


def _similarities(true: np.ndarray, said: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return SSIM and its part without the luminance, each the mean over the places, shape (C,)."""
    mean_true, mean_said, squares, product = _windowed([true, said, true**2 + said**2, true * said])
    luminance = (2 * mean_true * mean_said + _C1) / (mean_true**2 + mean_said**2 + _C1)
    covariance = product - mean_true * mean_said
    variances = squares - mean_true**2 - mean_said**2
    structure = (2 * covariance + _C2) / (variances + _C2)
    places = (0, 1)
    return tuple(one.mean(axis=places, dtype=np.float64) for one in (luminance * structure, structure))


def _windowed(maps: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the weighted means of the window at each place where it fits in whole, of each map (H, W, C)."""
    cv2, reach = opencv(), _WINDOW // 2
    weights = cv2.getGaussianKernel(_WINDOW, _SIGMA, cv2.CV_32F)
    found = []
    for one in maps:
        filtered = cv2.sepFilter2D(one, -1, weights, weights).reshape(one.shape)  # OpenCV drops a last axis of 1
        found.append(filtered[reach : one.shape[0] - reach, reach : one.shape[1] - reach])
    return found
