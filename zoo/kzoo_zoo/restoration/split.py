"""Pictures as examples: patches cut from them and damaged, each a function of its number alone."""

from __future__ import annotations

import hashlib
import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from kzoo.data.splits import Split
from kzoo_zoo.restoration.methods import methods_for
from kzoo_zoo.restoration.shelf import in_channels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kzoo_zoo.restoration.damage import Damage
    from kzoo_zoo.restoration.methods import Enlarged, NonLocalMeans, Sharpened
    from kzoo_zoo.restoration.shelf import Held

__all__ = ["Form", "PatchSplit", "Picture"]

_WHOLE, _PART = 0xD0, 0xD1  # what a random stream is for


@dataclass(frozen=True)
class Form:
    """How pictures become examples.

    Attributes:
        patch: The side of a patch of the true picture.
        channels: 1 or 3.
        damage: What is done to a true picture; None where damaged pictures came with the data.
        scale: How many times as long the sides of the true pictures are as those of the damaged ones.
    """

    patch: int
    channels: int
    damage: Damage | None
    scale: int

    @property
    def block(self) -> int:
        """Patches begin at multiples of this, and their sides are."""
        own = 1 if self.damage is None else self.damage.block
        return math.lcm(own, self.scale, 2 if self.scale == 1 else 1)

    @property
    def side(self) -> int:
        """The side of a patch: `patch`, or the next multiple of `block`."""
        return -(-self.patch // self.block) * self.block


@dataclass(frozen=True, eq=False)
class Picture:
    """A true picture with its damaged form; a `kzoo.tasks.images.DamagedPicture`.

    Attributes:
        name: What it is called, which decides on the chance in its damage.
        true: The true picture.
        form: How it becomes examples.
        worn: The damaged picture where there is one.
        path: Its file; None where it is in memory.
    """

    name: str
    true: Held
    form: Form
    worn: Held | None = None
    path: Path | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the true picture, cut to multiples of the scale."""
        scale = self.form.scale
        return self.true.shape[0] // scale * scale, self.true.shape[1] // scale * scale

    def clean(self) -> np.ndarray:
        """Return the true picture, uint8 of shape (H, W, C)."""
        height, width = self.size
        return in_channels(self.true.part(slice(height), slice(width)), self.form.channels)

    def damaged(self) -> np.ndarray:
        """Return what is to be restored, uint8 of shape (H / scale, W / scale, C), the same every time."""
        if self.worn is not None:
            height, width = (side // self.form.scale for side in self.size)
            return in_channels(self.worn.part(slice(height), slice(width)), self.form.channels)
        assert self.form.damage is not None, "a picture is damaged, or a damage is done to it"
        return self.form.damage.apply(self.clean(), self._rng(_WHOLE))

    def example(self, draw: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a patch, damaged and true, which ``draw`` decides."""
        form, rng = self.form, self._rng(_PART, draw)
        side, block = form.side, form.block
        top, left = (int(rng.integers((whole - side) // block + 1)) * block for whole in self.size)
        if self.worn is not None or form.damage is None:
            assert self.worn is not None, "a picture is damaged, or a damage is done to it"
            small = [slice(at // form.scale, (at + side) // form.scale) for at in (top, left)]
            return (
                in_channels(self.worn.part(*small), form.channels),
                in_channels(self.true.part(slice(top, top + side), slice(left, left + side)), form.channels),
            )
        # What lies around a patch has a say in its damage, as far as there is anything.
        margin = -(-form.damage.margin // block) * block
        around = [
            (max(0, at - margin), min(whole, at + side + margin))
            for at, whole in zip((top, left), self.size, strict=True)
        ]
        wide = in_channels(self.true.part(*(slice(*ends) for ends in around)), form.channels)
        inner = [at - ends[0] for at, ends in zip((top, left), around, strict=True)]
        true = wide[inner[0] : inner[0] + side, inner[1] : inner[1] + side]
        damaged = form.damage.apply(wide, rng)
        top, left = (at // form.scale for at in inner)
        side //= form.scale
        return damaged[top : top + side, left : left + side], true

    def stamp(self) -> bytes:
        """Return a digest of the pixels."""
        parts = [one.part(slice(None), slice(None)) for one in (self.true, self.worn) if one is not None]
        digest = hashlib.sha256(f"{[part.shape for part in parts]}".encode())
        for part in parts:
            digest.update(np.ascontiguousarray(part).data)
        return digest.digest()

    def _rng(self, *stream: int) -> np.random.Generator:
        return np.random.default_rng([zlib.crc32(self.name.encode(errors="surrogateescape")), *stream])


class PatchSplit(Split):
    """Patches of pictures, damaged ones as inputs and true ones as labels.

    Everything about an example follows from its number: number modulo the count of pictures is the picture, and the
    rest of it decides where in the picture the patch lies and what chance does to it. So numbers of any size are
    examples, and those below the length of the split are some of these.

    Inputs are uint8 of shape (N, P / scale, P / scale, C), labels uint8 of shape (N, P, P, C).

    Args:
        pictures: The pictures, in their own sizes.
        form: How they become examples.
        copies: How many patches of each picture count as examples.
    """

    def __init__(self, pictures: Sequence[Picture], form: Form, copies: int = 1) -> None:
        self.pictures = list(pictures)
        self.form, self.copies = form, copies

    @property
    def methods(self) -> tuple[NonLocalMeans | Enlarged | Sharpened, ...]:
        """What OpenCV has against the damage."""
        return methods_for(self.form.damage)

    def __len__(self) -> int:
        return len(self.pictures) * self.copies

    def patches(self, copies: int) -> PatchSplit:
        """Return the split of so many patches of each picture."""
        return PatchSplit(self.pictures, self.form, copies)

    def read(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return damaged and true patches of these numbers."""
        side, channels = self.form.side, self.form.channels
        small = side // self.form.scale
        x = np.empty((len(numbers), small, small, channels), np.uint8)
        y = np.empty((len(numbers), side, side, channels), np.uint8)
        for place, number in enumerate(numbers.tolist()):
            draw, picture = divmod(number, len(self.pictures))
            x[place], y[place] = self.pictures[picture].example(draw)
        return x, y

    def fetch(self, indices: Any) -> tuple[Any, Any]:
        """Return damaged and true patches of these numbers."""
        import tensorflow as tf

        indices = tf.convert_to_tensor(indices)
        x, y = tf.numpy_function(self.read, [indices], (tf.uint8, tf.uint8), stateful=False)
        side, channels, count = self.form.side, self.form.channels, indices.shape[0]
        small = side // self.form.scale
        return tf.ensure_shape(x, (count, small, small, channels)), tf.ensure_shape(y, (count, side, side, channels))

    def examples(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return damaged and true patches of these numbers."""
        return self.read(np.asarray(indices))

    @property
    def labels(self) -> np.ndarray:
        """The true patches of all examples."""
        return self.read(np.arange(len(self)))[1]

    def take(self, indices: np.ndarray) -> PatchSplit:
        """Return the split of the pictures of the examples at ``indices``, one patch of each."""
        return PatchSplit([self.pictures[int(i) % len(self.pictures)] for i in indices], self.form)

    def join(self, other: Self) -> PatchSplit:
        """Return the split of the pictures of both."""
        return PatchSplit([*self.pictures, *other.pictures], self.form, self.copies)

    def digest(self) -> str:
        """Return the SHA-256 of the pictures and of what is done to them."""
        digest = hashlib.sha256(f"{self.form}".encode())
        for picture in self.pictures:
            digest.update(picture.name.encode(errors="surrogateescape") + picture.stamp())
        return digest.hexdigest()
