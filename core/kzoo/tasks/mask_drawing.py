"""Masks as colours: a palette that tells classes apart, and masks laid over pictures."""

from __future__ import annotations

import colorsys

import numpy as np

from kzoo.tasks.mask_measures import NO_CLASS

__all__ = ["overlaid", "painted", "palette_of"]

_GOLDEN = 0.618033988749895
_NOTHING = (0, 0, 0)


def palette_of(num_classes: int) -> np.ndarray:
    """Return a colour for each class, uint8 of shape (K, 3): neighbours in their order are far apart.

    Example:
        >>> palette_of(2).shape
        (2, 3)
    """
    found = []
    for label in range(num_classes):
        hue, value = (0.58 + label * _GOLDEN) % 1.0, (0.95, 0.7, 0.5)[label // 2 % 3]
        found.append(colorsys.hsv_to_rgb(hue, 0.85 if label % 2 else 0.6, value))
    return np.asarray(np.rint(255 * np.array(found).reshape(-1, 3)), np.uint8)


def painted(labels: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Return a map of classes as a picture, uint8 of shape (H, W, 3); pixels without a class are black."""
    table = np.zeros((NO_CLASS + 1, 3), np.uint8)
    table[: len(colours)] = colours
    table[NO_CLASS] = _NOTHING
    return np.asarray(table[labels])


def overlaid(pixels: np.ndarray, labels: np.ndarray, colours: np.ndarray, *, strength: float = 0.55) -> np.ndarray:
    """Return a picture with the colours of its classes over it, and a line where they meet.

    Args:
        pixels: RGB, uint8 of shape (H, W, 3).
        labels: Class indices of shape (H, W); where there is no class, the picture stays as it is.
        colours: Of shape (K, 3).
        strength: How much of the colour is seen, in [0, 1].
    """
    mixed = (1 - strength) * pixels + strength * painted(labels, colours)
    shown = np.where((labels == NO_CLASS)[..., None], pixels, mixed)
    edges = np.zeros(labels.shape, bool)
    edges[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edges[1:] |= labels[1:] != labels[:-1]
    shown[edges] = 0.6 * shown[edges] + 0.4 * 255 * (shown[edges].mean(axis=-1, keepdims=True) < 128)  # noqa: PLR2004
    return np.rint(shown).astype(np.uint8)
