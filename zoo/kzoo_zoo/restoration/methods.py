"""What OpenCV has for each damage, to compare a network with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.frames.video import opencv
from kzoo_zoo.restoration.damage import Blur, Damage, Downscale, Jpeg, Noise

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Enlarged", "NonLocalMeans", "Sharpened", "methods_for"]


@dataclass(frozen=True)
class NonLocalMeans:
    """OpenCV's `fastNlMeansDenoisingColored`, for gray pictures `fastNlMeansDenoising`, with its usual windows.

    Attributes:
        name: What it is called.
        strengths: Its ``h``, for brightness and colours alike.
    """

    name: str = "fast_nl_means"
    strengths: Sequence[float] = (3, 6, 10, 15, 20, 25, 30)

    def restored(self, pixels: np.ndarray, strength: float) -> np.ndarray:
        """Return the picture denoised."""
        cv2 = opencv()
        if pixels.shape[-1] == 1:
            return np.asarray(cv2.fastNlMeansDenoising(pixels[..., 0], None, strength))[..., None]
        bgr = np.ascontiguousarray(pixels[..., ::-1])  # OpenCV takes colours apart by this order
        found = cv2.fastNlMeansDenoisingColored(bgr, None, strength, strength)
        return np.ascontiguousarray(found[..., ::-1])


@dataclass(frozen=True)
class Enlarged:
    """OpenCV's `resize`.

    Attributes:
        name: ``bicubic`` or ``lanczos``.
        factor: How many times as long the sides become.
        strengths: None of it: a number that is not used.
    """

    name: str
    factor: int
    strengths: Sequence[float] = (0,)

    def restored(self, pixels: np.ndarray, strength: float) -> np.ndarray:
        """Return the picture enlarged."""
        del strength
        cv2 = opencv()
        how = {"bicubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}[self.name]
        size = (pixels.shape[1] * self.factor, pixels.shape[0] * self.factor)
        found = np.asarray(cv2.resize(pixels, size, interpolation=how))
        return found.reshape(size[1], size[0], pixels.shape[-1])


@dataclass(frozen=True)
class Sharpened:
    """An unsharp mask of OpenCV's `GaussianBlur`: what a blur takes away is added once more, so many times.

    Attributes:
        sigma: The standard deviation of the blur.
        name: What it is called.
        strengths: How many times.
    """

    sigma: float
    name: str = "unsharp_mask"
    strengths: Sequence[float] = (0.25, 0.5, 1, 1.5, 2, 3)

    def restored(self, pixels: np.ndarray, strength: float) -> np.ndarray:
        """Return the picture sharpened."""
        cv2 = opencv()
        blurred = cv2.GaussianBlur(pixels, (0, 0), self.sigma)
        return np.asarray(cv2.addWeighted(pixels, 1 + strength, blurred.reshape(pixels.shape), -strength, 0)).reshape(
            pixels.shape
        )


def methods_for(damage: Damage | None) -> tuple[NonLocalMeans | Enlarged | Sharpened, ...]:
    """Return what OpenCV has against a damage; of a damage that is not known, nothing."""
    if isinstance(damage, (Noise, Jpeg)):
        return (NonLocalMeans(),)
    if isinstance(damage, Downscale):
        return Enlarged("bicubic", damage.scale), Enlarged("lanczos", damage.scale)
    if isinstance(damage, Blur):
        return (Sharpened(max(0.3, sum(damage.sigma) / 2)),)
    return ()
