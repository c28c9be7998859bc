"""Near-duplicates kept together: a camera's frames of one moment must not lie on both sides of a split."""

from __future__ import annotations

import numpy as np

__all__ = ["bursts", "keep_apart"]

_SIDE = 24
_NEAR = 6.0
"""Two pictures belong together where their thumbnails differ by less, root mean square, in levels of 0 to 255."""


def bursts(images: np.ndarray, *, near: float = _NEAR) -> np.ndarray:
    """Return the number of the burst that each picture belongs to, shape (N,), counted from 0.

    Pictures whose thumbnails hardly differ are joined, and so are those joined with the same one: frames of a hand
    that moves slowly are a chain. Names and times have no part in it: many collections have been renamed and copied.

    Args:
        images: uint8 of shape (N, H, W, C).
        near: The largest difference of two pictures that are joined.
    """
    thumbnails = _thumbnails(images)
    lengths = (thumbnails**2).sum(axis=1)
    found = np.full(len(images), -1)
    count = 0
    for first in range(len(images)):
        if found[first] >= 0:
            continue
        waiting = [first]
        found[first] = count
        while waiting:
            one = waiting.pop()
            distances = lengths + lengths[one] - 2 * thumbnails @ thumbnails[one]
            joined = np.flatnonzero((distances < near**2 * thumbnails.shape[1]) & (found < 0))
            found[joined] = count
            waiting.extend(joined.tolist())
        count += 1
    return found


def keep_apart(groups: np.ndarray, fraction: float, *, seed: int) -> np.ndarray:
    """Return which pictures are kept aside, bool of shape (N,): whole groups, about ``fraction`` of all pictures.

    A single group cannot be divided, so nothing of it is kept aside.
    """
    names, sizes = np.unique(groups, return_counts=True)
    kept = np.zeros(len(groups), dtype=bool)
    wanted = fraction * len(groups)
    if len(names) < 2:  # noqa: PLR2004 - one side would be empty
        return kept
    for place in np.random.default_rng(seed).permutation(len(names)):
        if kept.sum() >= wanted:
            break
        # A long chain may be more than the rest of what is wanted; a smaller group does instead.
        if kept.sum() + sizes[place] <= 1.25 * wanted + 1:
            kept |= groups == names[place]
    return kept


def _thumbnails(images: np.ndarray) -> np.ndarray:
    from PIL import Image

    gray = [np.asarray(Image.fromarray(image.squeeze()).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX))
            for image in images]  # fmt: skip
    return np.stack(gray).reshape(len(images), -1).astype(np.float32)
