"""What is done to a true picture to have something to restore: noise, a smaller size, JPEG, blur."""

from __future__ import annotations

import abc
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image

from kzoo.data.frames.video import opencv
from kzoo.errors import UsageError
from kzoo.plugins.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["DAMAGES", "Blur", "Damage", "Downscale", "Jpeg", "Noise", "damage_of"]

DAMAGES = "noise:sigma=25, downscale:factor=2, jpeg:quality=20, blur:sigma=2"
"""How damages are written, an example of each."""

_FACTORS = (2, 3, 4)


@dataclass(frozen=True)
class Damage(abc.ABC):
    """One kind of damage.

    Attributes:
        scale: How many times as long the sides of the true picture are.
        margin: How many pixels around a part of the true picture have a say in the part's damage; a multiple of
            `block`.
        block: Parts of a picture begin at multiples of it, so that they are damaged as the whole is.
    """

    scale: ClassVar[int] = 1
    block: ClassVar[int] = 1

    @property
    def margin(self) -> int:
        """See the class."""
        return 0

    @abc.abstractmethod
    def apply(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a picture, uint8 of shape (H, W, C), damaged: uint8 of shape (H / scale, W / scale, C).

        Args:
            pixels: The true picture; its sides are multiples of `scale`.
            rng: Where chance comes from.
        """


@dataclass(frozen=True)
class Noise(Damage):
    """Gaussian noise, rounded and cut off to bytes, as a file holds it.

    Attributes:
        sigma: The least and the largest standard deviation, of 255; one is drawn for each picture.
    """

    sigma: tuple[float, float] = (25.0, 25.0)

    def apply(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the picture with noise."""
        sigma = np.float32(_drawn(self.sigma, rng))
        noise = rng.standard_normal(pixels.shape, np.float32)
        noise *= sigma
        noise += pixels
        return np.clip(np.rint(noise, out=noise), 0, 255, out=noise).astype(np.uint8)


@dataclass(frozen=True)
class Downscale(Damage):
    """Made smaller by Pillow's bicubic filter, which averages over what a new pixel covers.

    Attributes:
        factor: How many times shorter the sides are: 2, 3 or 4.
    """

    factor: int = 2

    @property
    def scale(self) -> int:  # type: ignore[override]
        """The factor."""
        return self.factor

    @property
    def block(self) -> int:  # type: ignore[override]
        """The factor: small pixels lie over whole blocks of it."""
        return self.factor

    @property
    def margin(self) -> int:
        """As far as the filter reaches, two small pixels."""
        return 2 * self.factor

    def apply(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the picture made smaller."""
        del rng
        image = Image.fromarray(pixels if pixels.shape[-1] > 1 else pixels[..., 0])
        size = (pixels.shape[1] // self.factor, pixels.shape[0] // self.factor)
        small = np.asarray(image.resize(size, Image.Resampling.BICUBIC))
        return small.reshape(*small.shape[:2], pixels.shape[-1])


@dataclass(frozen=True)
class Jpeg(Damage):
    """Saved as a JPEG and read again.

    Attributes:
        quality: The least and the largest quality, from 1 to 95; one is drawn for each picture.
    """

    block: ClassVar[int] = 16
    quality: tuple[float, float] = (20.0, 20.0)

    @property
    def margin(self) -> int:
        """One block: colours are smoothed over its edge."""
        return self.block

    def apply(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return what is left of the picture."""
        stream = io.BytesIO()
        image = Image.fromarray(pixels if pixels.shape[-1] > 1 else pixels[..., 0])
        image.save(stream, "JPEG", quality=round(_drawn(self.quality, rng)))
        return np.asarray(Image.open(stream)).reshape(pixels.shape)


@dataclass(frozen=True)
class Blur(Damage):
    """Blurred by a Gaussian.

    Attributes:
        sigma: Its least and its largest standard deviation in pixels; one is drawn for each picture.
    """

    sigma: tuple[float, float] = (2.0, 2.0)

    @property
    def margin(self) -> int:
        """As far as the Gaussian reaches."""
        return math.ceil(4 * self.sigma[1])

    def apply(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the picture blurred; it is mirrored at its edges."""
        blurred = opencv().GaussianBlur(pixels, (0, 0), _drawn(self.sigma, rng), borderType=opencv().BORDER_REFLECT)
        return np.asarray(blurred).reshape(pixels.shape)


def damage_of(text: str) -> Damage:
    """Return what is written as ``noise:sigma=25``; a number that is drawn for each picture as ``noise:sigma=[0,50]``.

    Raises:
        UsageError: It is unknown, or a number is none or out of its range.
    """
    try:
        reference = Reference.parse(text)
    except UsageError as error:
        why = "it has not the form name:key=value"
        raise _wrong(text, why) from error
    known: dict[str, tuple[Callable[..., Damage], str, float, float]] = {
        "noise": (Noise, "sigma", 0.0, 200.0),
        "jpeg": (Jpeg, "quality", 1.0, 95.0),
        "blur": (Blur, "sigma", 0.1, 20.0),
        "downscale": (Downscale, "factor", 2.0, 4.0),
    }
    if reference.name not in known:
        raise _wrong(text, f"`{reference.name}` is no damage that kzoo does")
    kind, key, low, high = known[reference.name]
    if unknown := [name for name in reference.kwargs if name != key]:
        raise _wrong(text, f"`{reference.name}` has no `{unknown[0]}`, only `{key}`")
    if key not in reference.kwargs:
        return kind()
    value = reference.kwargs[key]
    if kind is Downscale:
        if not _is_number(value) or value not in _FACTORS:
            raise _wrong(text, f"`factor` must be 2, 3 or 4, not {value!r}")
        return Downscale(factor=int(value))
    ends: Sequence[Any] = value if isinstance(value, (list, tuple)) else [value, value]
    if len(ends) != 2 or not all(map(_is_number, ends)) or not low <= ends[0] <= ends[1] <= high:  # noqa: PLR2004
        what = (
            f"`{key}` must be a number from {low:g} to {high:g}, or the least and the largest as in [{low:g},{high:g}]"
        )
        raise _wrong(text, f"{what}, not {value!r}")
    return kind(**{key: (float(ends[0]), float(ends[1]))})


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(f"`data.damage` is `{text}`: {why}. Damages are written like these: {DAMAGES}.")


def _drawn(ends: tuple[float, float], rng: np.random.Generator) -> float:
    low, high = ends
    return low if low == high else float(rng.uniform(low, high))
