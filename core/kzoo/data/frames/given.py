"""Pictures that are given in Python, as arrays or PIL images."""

from __future__ import annotations

from typing import Any

import numpy as np

from kzoo.arguments import described
from kzoo.errors import UsageError

__all__ = ["pixels_of"]

_GRAY, _RGB = 2, 3  # dimensions

_EXPECTED = "A picture must be uint8 of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), or a PIL image"


def pixels_of(value: Any) -> np.ndarray:
    """Return a picture as RGB, uint8 of shape (H, W, 3).

    Args:
        value: uint8 of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), where the fourth is transparency, which shows
            white; or a PIL image, which is turned as its EXIF data says.

    Raises:
        UsageError: It is something else, or a PIL image that is closed or cannot be read; floating-point pixels could
            mean 0 to 1 or 0 to 255.
    """
    from PIL import Image, ImageOps

    if isinstance(value, Image.Image):
        try:
            image = ImageOps.exif_transpose(value)
        except (ValueError, OSError, SyntaxError) as error:
            message = f"The PIL image cannot be read: {error}. Give it before its file is closed, or name the file."
            raise UsageError(message) from error
    else:
        array = _array_of(value)
        if array.ndim == _RGB and array.shape[-1] == 1:
            array = array[..., 0]
        fits = array.ndim == _GRAY or (array.ndim == _RGB and array.shape[-1] in (3, 4))
        if array.dtype != np.uint8 or not fits or not array.size:
            message = f"{_EXPECTED}, not {array.dtype} of shape {array.shape}."
            raise UsageError(message)
        image = Image.fromarray(array)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(ground, image)
    return np.asarray(image.convert("RGB"))


def _array_of(value: Any) -> np.ndarray:
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:
        message = f"{_EXPECTED}, not {described(value)}. Several pictures are given as one flat list."
        raise UsageError(message) from error
