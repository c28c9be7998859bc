"""Mask files: what each pixel's value is, a number or a colour."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from kzoo.data.decoding import UnreadableImageError, opened

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["COLOURS", "NUMBERS", "RawMask", "colour_of", "read_mask", "written"]

NUMBERS, COLOURS = "numbers", "colours"

_EXACT = 0.99  # of the pixels of a JPEG must be nearly black or white for it to be a mask of these
_NEAR = 32
_BYTE = 255
_JPEG = ("JPEG", "JPEG2000", "WEBP")


@dataclass(frozen=True, eq=False)
class RawMask:
    """The values of a mask file's pixels.

    Attributes:
        values: int32 of shape (H, W): numbers, or colours as 0xRRGGBB.
        kind: `NUMBERS` or `COLOURS`.
        palette: Of a file with a palette: the colour of each number, uint8 of shape (256, 3) or fewer; else None.
    """

    values: np.ndarray
    kind: str
    palette: np.ndarray | None = None

    def seen(self) -> RawMask:
        """Return the values that occur, each once, in a row: what a large mask need not be kept for."""
        return RawMask(np.unique(self.values)[None], self.kind, self.palette)

    def in_colours(self) -> RawMask:
        """Return the same mask in colours: gray where there is no palette."""
        if self.kind == COLOURS:
            return self
        if self.palette is not None and self.values.max(initial=0) < len(self.palette):
            table = self.palette.astype(np.int32)
            packed = (table[:, 0] << 16) | (table[:, 1] << 8) | table[:, 2]
            return RawMask(packed[self.values], COLOURS)
        return RawMask(self.values * 0x010101, COLOURS)


def read_mask(path: Path) -> RawMask:
    """Return the values of a mask file's pixels, exactly as they are in it: nothing is turned, resized or blended.

    A file with a palette has numbers; one in gray has numbers; one in colours has colours, or numbers where all of
    its pixels are gray. Black and white of one bit are 0 and 255. A JPEG, whose values are not exact, is read where it
    is nearly black and white throughout.

    Raises:
        DataError: It is missing, damaged, too large, no image, or not exact.
    """
    try:
        with opened(path) as image:
            return _values(path, image)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as error:
        reason = "its content is none of the image formats that are read"
        raise UnreadableImageError(path, reason) from error
    except Exception as error:  # a damaged file can make a decoder fail with anything
        text = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        strerror = getattr(error, "strerror", None)
        raise UnreadableImageError(path, strerror.lower() if strerror else text) from error


def _values(path: Path, image: Image.Image) -> RawMask:
    image.load()
    if image.format in _JPEG and not (image.format == "WEBP" and not _is_lossy(image)):
        return _black_and_white(path, image)
    palette = None
    if image.mode == "P":
        with contextlib.suppress(ValueError):
            palette = np.asarray(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        return RawMask(np.asarray(image).astype(np.int32), NUMBERS, palette)
    if image.mode == "1":
        return RawMask(np.asarray(image).astype(np.int32) * _BYTE, NUMBERS)
    if image.mode in ("LA", "La"):
        image = image.convert("LA").getchannel(0)
    if image.mode == "L" or image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min(initial=0) < 0 or values.max(initial=0) >= 2**31:
            reason = "its values are no class numbers: they are below 0 or above 2147483647"
            raise UnreadableImageError(path, reason)
        return RawMask(values.astype(np.int32), NUMBERS)
    if image.mode == "F":
        reason = "its values are numbers with fractions, which are no classes"
        raise UnreadableImageError(path, reason)
    rgb = np.asarray(image.convert("RGB")).astype(np.int32)
    if (rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all():
        return RawMask(rgb[..., 0], NUMBERS)
    return RawMask((rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2], COLOURS)


def _is_lossy(image: Image.Image) -> bool:
    return not bool(image.info.get("lossless"))


def _black_and_white(path: Path, image: Image.Image) -> RawMask:
    """Return the mask in a file whose values are not exact."""
    gray = np.asarray(image.convert("L")).astype(np.int32)
    near = np.minimum(gray, _BYTE - gray) <= _NEAR
    if near.mean() < _EXACT:
        reason = (
            f"it is a {image.format}, which changes values a little, and so it can hold no mask but one in black and "
            "white; save it as PNG"
        )
        raise UnreadableImageError(path, reason)
    return RawMask(np.where(gray > _BYTE // 2, _BYTE, 0).astype(np.int32), NUMBERS)


def colour_of(value: int) -> tuple[int, int, int]:
    """Return red, green and blue of a colour as 0xRRGGBB.

    Example:
        >>> colour_of(0x804000)
        (128, 64, 0)
    """
    return (value >> 16) & _BYTE, (value >> 8) & _BYTE, value & _BYTE


def written(value: int, kind: str) -> str:
    """Return a value for people: a number, or a colour as in ``#804000``."""
    return f"#{value:06x}" if kind == COLOURS else str(value)
