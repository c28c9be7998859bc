"""What is before a plain wall, in a single picture."""

from __future__ import annotations

import numpy as np

__all__ = ["before_wall"]

_BAND = 3
_LUMA, _CHROMA = 0.35, 1.5
_LEAST = 16.0


def before_wall(pixels: np.ndarray) -> np.ndarray | None:
    """Return a mask of what is before a plain wall, uint8 of shape (H, W), or None where there is no such wall.

    The wall is a quadratic surface through the picture's border, in brightness and colour. The arm comes in at one of
    its edges, and counts for little, as all does that is far off the surface.

    Args:
        pixels: RGB, uint8 of shape (H, W, 3).
    """
    height, width = pixels.shape[:2]
    x = pixels.astype(np.float32)
    luma = x @ np.array([0.299, 0.587, 0.114], np.float32)
    x = np.stack([_LUMA * luma, _CHROMA * (x[..., 0] - luma), _CHROMA * (x[..., 2] - luma)], axis=-1)
    rows, columns = np.indices((height, width), dtype=np.float32)
    border = (rows < _BAND) | (rows >= height - _BAND) | (columns < _BAND) | (columns >= width - _BAND)
    r, c = (rows / (height / 2) - 1).ravel(), (columns / (width / 2) - 1).ravel()
    design = np.stack([np.ones_like(r), r, c, r * r, c * c, r * c], axis=1)
    at_border, levels = design[border.ravel()][::3], x[border][::3]
    weights = np.ones((len(levels), 1), np.float32)
    for _ in range(4):  # what is far off, such as a sleeve, counts ever less
        surface = np.linalg.solve(
            (weights * at_border).T @ at_border + 1e-3 * np.eye(6), (weights * at_border).T @ levels
        )
        off = np.linalg.norm(levels - at_border @ surface, axis=1)
        weights = (1 / (1 + (off / 5) ** 2))[:, None].astype(np.float32)
    usual = float(np.quantile(off, 0.6))
    if usual > _LEAST / 2:
        return None
    distance = np.linalg.norm(x.reshape(-1, 3) - design @ surface.astype(np.float32), axis=1).reshape(height, width)
    return np.where(distance > max(_LEAST, 3 * usual), 255, 0).astype(np.uint8)
