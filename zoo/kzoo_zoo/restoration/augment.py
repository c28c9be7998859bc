"""How patches change at random: mirrored and turned by right angles, damaged and true alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from kzoo_zoo.restoration.settings import AugmentSettings

__all__ = ["augmented"]


def augmented(x: Any, y: Any, seed: Any, chosen: AugmentSettings) -> tuple[Any, Any]:
    """Return damaged and true patches, each pair mirrored, turned upside down and turned by a right angle, or not.

    Args:
        x: Damaged patches, uint8 of shape (B, p, p, C).
        y: True ones, uint8 of shape (B, P, P, C).
        seed: Integer tensor of shape (2,), different in every step.
        chosen: What of it.
    """
    draws = tf.random.stateless_uniform((3, tf.shape(x)[0], 1, 1, 1), seed) < 0.5  # noqa: PLR2004 - half of them

    def changed(patches: Any) -> Any:
        if chosen.mirror:
            patches = tf.where(draws[0], patches[:, :, ::-1], patches)
        if chosen.turn:
            patches = tf.where(draws[1], patches[:, ::-1], patches)
            patches = tf.where(draws[2], tf.transpose(patches, (0, 2, 1, 3)), patches)
        return patches

    return changed(x), changed(y)
