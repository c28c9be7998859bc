"""How training pictures are changed at random, and whether mirroring them changes what they show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

__all__ = ["MirrorTest", "changed", "mirror_test", "shift"]

_LOOKED_AT = 5000  # examples; a fifth of them is asked for, the others answer
_ASKED = 5  # one of so many
_LARGEST = 32  # pixels on a side; of larger pictures rows and columns are left out
_KEPT = 0.6  # of what neighbours know, what they must still know of mirrored pictures
_SURE = 3.0  # standard errors by which neighbours must do better than the most frequent class


def shift(images: Any, *, seed: Any, reach: int) -> Any:
    """Return the batch, each image moved by its own whole number of pixels in ``[-reach, reach]`` per axis.

    Args:
        images: uint8 tensor of shape (batch, height, width, channels); the gap is black, as the border of a digit is.
        seed: Integer tensor of shape (2,), different in every step.
        reach: The longest way, in pixels.
    """
    from kzoo.augmentation import random_shift

    return random_shift(images, seed=seed, reach=reach, fill_mode="constant")


def changed(
    images: Any, *, seed: Any, epoch: Any, reach: int, border: str, mirror: bool, rotation: float = 0, zoom: float = 0
) -> Any:
    """Return the batch, each image turned, made larger or smaller, moved as by `shift`, and mirrored.

    Args:
        images: uint8 tensor of shape (batch, height, width, channels).
        seed: Integer tensor of shape (2,), different in every step.
        epoch: The epoch's number, an integer tensor.
        reach: The longest way, in pixels; it ends where the image has no more to reflect.
        border: What is seen in the gap: ``black``, or ``reflected`` for the image mirrored at its border.
        mirror: Whether images are mirrored, left and right, each in every other epoch.
        rotation: The largest turn, in degrees.
        zoom: By which part of its size an image becomes larger or smaller at most.
    """
    from kzoo.augmentation import alternating_mirror, random_affine_maps, random_shift, split_seed, transform

    black = border == "black"
    mirrored = alternating_mirror(images, epoch) if mirror else None
    if rotation or zoom:
        _, own_seed = split_seed(seed, 2)
        seen = (1 - zoom, 1 + zoom)
        maps = random_affine_maps(images, seed=own_seed, rotation=rotation, zoom=seen, mirror=False)
        images = transform(images, maps, fill_mode="constant" if black else "reflect")
    if black:
        return random_shift(images, seed=seed, reach=reach, fill_mode="constant", mirrored=mirrored)
    most = min(images.shape[1:3]) - 1
    return random_shift(images, seed=seed, reach=min(reach, most), fill_mode="mirror", mirrored=mirrored)


@dataclass(frozen=True)
class MirrorTest:
    """How often the nearest neighbour of a picture, and of its mirror image, has the picture's class.

    Attributes:
        own: The part of the pictures whose neighbour has it.
        mirrored: The same of their mirror images.
        chance: The part that the most frequent class alone would name.
        asked: How many pictures were asked for.
    """

    own: float
    mirrored: float
    chance: float
    asked: int

    @property
    def verdict(self) -> Literal["same", "other", "unknown"]:
        """Whether a mirrored picture shows the ``same``, or something ``other``; ``unknown`` where neighbours fail."""
        spread = (self.chance * (1 - self.chance) / max(self.asked, 1)) ** 0.5
        if self.asked == 0 or self.own - self.chance <= _SURE * spread:
            return "unknown"
        return "same" if self.mirrored - self.chance >= _KEPT * (self.own - self.chance) else "other"

    @property
    def words(self) -> str:
        """What was found, in a sentence."""
        if self.verdict == "unknown":
            return (
                "Whether mirrored pictures show the same cannot be told from these, so none is mirrored; where they "
                "do, -o augment.mirror=yes helps."
            )
        known = (
            f"the nearest of the others has the class of {self.own:.0%} of {self.asked:,} pictures, and of "
            f"{self.mirrored:.0%} of their mirror images"
        )
        if self.verdict == "same":
            return f"Pictures are mirrored in every other epoch: {known}. -o augment.mirror=no leaves them."
        return f"Pictures are not mirrored: {known}. -o augment.mirror=yes does it all the same."


def mirror_test(images: np.ndarray, labels: np.ndarray) -> MirrorTest:
    """Return what nearest neighbours say of mirrored pictures: a 2 is none any more, a shirt still is.

    Pictures are compared by the correlation of their pixels, the first fifth of them with all the others.

    Args:
        images: uint8 of shape (N, H, W, C); the first few thousand decide.
        labels: Class indices of shape (N,).
    """
    images, labels = images[:_LOOKED_AT], labels[:_LOOKED_AT]
    step = -(-max(images.shape[1:3], default=1) // _LARGEST)
    images, asked = images[:, ::step, ::step], len(images) // _ASKED
    if asked == 0:
        return MirrorTest(0.0, 0.0, 0.0, 0)
    others, theirs, wanted = _centred(images[asked:]), labels[asked:], labels[:asked]

    def known(pictures: np.ndarray) -> float:
        nearest = (_centred(pictures) @ others.T).argmax(axis=1)
        return float((theirs[nearest] == wanted).mean())

    frequent = np.bincount(theirs).argmax()
    chance = float((wanted == frequent).mean())
    return MirrorTest(known(images[:asked]), known(images[:asked, :, ::-1]), chance, asked)


def _centred(images: np.ndarray) -> np.ndarray:
    """Return images as rows of mean 0 and length 1, so that their products are correlations."""
    rows = images.reshape(len(images), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))
