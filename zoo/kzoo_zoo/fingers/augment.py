"""How training pictures are changed at random, so that a network survives another camera, room and hand.

Each picture is changed by itself, by OpenCV: TensorFlow's operations on whole batches take more than twice as long on
a processor. All randomness follows from the seed of the step and the place in the batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.data.frames.video import opencv
from kzoo_zoo.fingers.cutouts import Cutouts
from kzoo_zoo.fingers.sleeves import sleeved

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo_zoo.fingers.cutouts import Cutout

__all__ = ["Pasting", "disturbed", "moved", "pasted"]

_EASY, _EASY_SIZE = 0.25, 0.75
"""What there is at least of turns and of other light, and how large hands are, where a training begins with ease."""
_GAIN = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Pasting:
    """How hands are moved and pasted.

    Attributes:
        paste: The share of the hands before a plain wall that get another background.
        rotation: The largest turn of most of them, in degrees; a few are turned by half as much more.
        smallest: The least height or width of a hand, as a part of the picture's.
        largest: The most.
        sleeves: The share of the arms that get a drawn sleeve.
    """

    paste: float = 0.6
    rotation: float = 40.0
    smallest: float = 0.35
    largest: float = 1.05
    sleeves: float = 0.4

    def eased(self, share: float) -> Pasting:
        """Return a part of it: at 0 hands are large, nearly upright and before their own walls."""
        if share >= 1:
            return self
        least = max(self.smallest, min(_EASY_SIZE, self.largest))
        return replace(
            self,
            paste=share * self.paste,
            rotation=(_EASY + (1 - _EASY) * share) * self.rotation,
            smallest=least * (self.smallest / least) ** share,
            sleeves=share * self.sleeves,
        )


def pasted(
    images: Any,
    backgrounds: Any,
    *,
    seed: Any,
    labels: Any = None,
    cutouts: Cutouts | None = None,
    share: Any = 1.0,
    **how: float,
) -> Any:
    """Return the batch with every hand moved, turned, scaled and mirrored, many of them before another background.

    Where a hand is before a plain wall, the wall is estimated from the border, and what differs from it is the hand. It
    is brought to a random size and place, whole, in other light, and pasted on one of the backgrounds; some arms get a
    sleeve. Other pictures are zoomed and moved as they are; as many of those without a hand as of the hands become one
    of the backgrounds, so that it is not what hands are pasted on that tells a hand.

    Args:
        images: uint8 tensor of shape (batch, height, width, 3).
        backgrounds: uint8 array of shape (N, height, width, 3), N at least 1; None where there are none, so that hands
            stay before their walls.
        seed: Integer tensor of shape (2,), different in every step.
        labels: Integer tensor of shape (batch,), 0 where there is no hand; None where it is not known.
        cutouts: Hands that are known from steps before.
        share: How much of it is done, from 0 to 1; see `Pasting.eased`.
        **how: As for `Pasting`.
    """
    known, chosen = cutouts or Cutouts(), Pasting(**how)
    scenes = None if backgrounds is None else np.asarray(backgrounds)

    def change(x: np.ndarray, seed: np.ndarray, share: np.ndarray, labels: np.ndarray) -> np.ndarray:
        how, found = chosen.eased(float(share)), []
        for place, (one, hand, label) in enumerate(zip(x, known.of(x), labels, strict=True)):
            rng = _rng(seed, place)
            if scenes is not None and label == 0 and rng.random() < how.paste:
                found.append(_background(scenes, rng))
            else:
                found.append(_pasted(one, hand, scenes, how, rng))
        return np.stack(found)

    images = tf.convert_to_tensor(images)
    known_labels = -tf.ones(tf.shape(images)[0], tf.int64) if labels is None else tf.reshape(labels, [-1])
    return _within_graph(change, images, seed, share, known_labels)


def moved(images: Any, *, seed: Any, rotation: float = 40.0) -> Any:
    """Return the batch with every picture zoomed, moved, turned and mirrored as it is.

    Args:
        images: uint8 tensor of shape (batch, height, width, 3).
        seed: Integer tensor of shape (2,), different in every step.
        rotation: The largest turn, in degrees.
    """

    def change(x: np.ndarray, seed: np.ndarray, _: np.ndarray) -> np.ndarray:
        how = Pasting(rotation=rotation)
        maps = [_placement(one.shape[:2], None, how, _rng(seed, place)) for place, one in enumerate(x)]
        return np.stack([_warped(one, matrix) for one, matrix in zip(x, maps, strict=True)])

    return _within_graph(change, images, seed)


def disturbed(images: Any, *, seed: Any, strength: float = 1.0, share: Any = 1.0) -> Any:
    """Return the batch under other light and through another camera: contrast, colour, sharpness, noise, patches.

    Args:
        images: uint8 tensor of shape (batch, height, width, 3).
        seed: Integer tensor of shape (2,), different in every step.
        strength: 0 changes nothing, 1 is meant for pictures of a few cameras.
        share: How much of that strength is used, from 0 to 1; a quarter at least.
    """

    def change(x: np.ndarray, seed: np.ndarray, share: np.ndarray) -> np.ndarray:
        used = (_EASY + (1 - _EASY) * float(share)) * strength
        return np.stack([_disturbed(one, used, _rng(seed, place)) for place, one in enumerate(x)])

    return _within_graph(change, images, seed, share) if strength else tf.convert_to_tensor(images)


def _within_graph(change: Callable[..., np.ndarray], images: Any, seed: Any, share: Any = 1.0, *more: Any) -> Any:
    images = tf.convert_to_tensor(images)
    inputs = [images, tf.cast(seed, tf.int64), tf.cast(share, tf.float32), *more]
    found = tf.numpy_function(change, inputs, tf.uint8, stateful=False)
    return tf.ensure_shape(found, images.shape)


def _rng(seed: np.ndarray, place: int) -> np.random.Generator:
    first, second = (int(part) & 0xFFFFFFFFFFFFFFFF for part in seed)
    return np.random.default_rng((first, second, place))


def _pasted(
    pixels: np.ndarray, hand: Cutout | None, scenes: np.ndarray | None, how: Pasting, rng: np.random.Generator
) -> np.ndarray:
    chosen = rng.random() < how.paste
    if hand is None:
        return _warped(pixels, _placement(pixels.shape[:2], None, how, rng))
    if rng.random() < how.sleeves:
        pixels, hand = sleeved(pixels, hand, rng)
    placed = _warped(np.dstack([pixels, hand.alpha]), _placement(pixels.shape[:2], hand, how, rng))
    if not chosen or scenes is None:
        return np.ascontiguousarray(placed[..., :3])
    alpha = placed[..., 3:].astype(np.float32) / 255
    x = _relit(placed[..., :3].astype(np.float32), alpha, rng)
    scene = _background(scenes, rng).astype(np.float32)
    return np.clip(np.rint(scene + alpha * (x - scene)), 0, 255).astype(np.uint8)


def _placement(size: tuple[int, ...], hand: Cutout | None, how: Pasting, rng: np.random.Generator) -> np.ndarray:
    """Return an affine map of shape (2, 3), from the place in the picture to the place in the result, x before y."""
    height, width = size
    u = rng.uniform(-1, 1, 8)
    scale, centre_y, centre_x, room = math.exp(0.25 * u[0]), height / 2, width / 2, 0.1
    if hand is not None:
        top, left, bottom, right = hand.box
        extent = max((bottom - top) / height, (right - left) / width)
        low, high = math.log(how.smallest), math.log(how.largest)
        scale = min(max(math.exp(low + (high - low) * (u[0] + 1) / 2) / extent, 0.3), 2.5)
        centre_y, centre_x = (top + bottom) / 2, (left + right) / 2
        room = max(0.04, (1 - scale * extent) / 2)
    ratio = math.exp(0.15 * u[3])
    # Most hands are upright; the more they are turned, the fewer.
    angle, shear = u[4] * abs(u[5]) * math.radians(how.rotation) * 1.5, 0.15 * u[6]
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turn @ np.array([[1.0, shear], [0.0, 1.0]]) @ np.diag([math.copysign(scale * ratio, u[7]), scale / ratio])
    to = np.array([width * (0.5 + room * u[2]), height * (0.5 + room * u[1])])
    return np.column_stack([linear, to - linear @ (centre_x, centre_y)])


def _warped(x: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return the picture under its map; the border goes on outwards: no arm ends in the air."""
    cv2 = opencv()
    shrink = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    if shrink < 0.7:  # noqa: PLR2004 - else thin fingers would fall between the pixels
        x = cv2.GaussianBlur(x, (3, 3), 0.5 / shrink)
    found: np.ndarray = cv2.warpAffine(
        x, matrix, (x.shape[1], x.shape[0]), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return found


def _background(scenes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return one of the backgrounds, zoomed in on a random part, half of them mirrored."""
    cv2 = opencv()
    scene = scenes[rng.integers(len(scenes))]
    height, width = scene.shape[:2]
    seen = rng.uniform(0.4, 1.0)
    rows, columns = max(2, round(seen * height)), max(2, round(seen * width))
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    part = scene[top : top + rows, left : left + columns]
    part = part[:, ::-1] if rng.random() < 0.5 else part  # noqa: PLR2004 - half of them
    found: np.ndarray = cv2.resize(np.ascontiguousarray(part), (width, height), interpolation=cv2.INTER_LINEAR)
    return found


def _relit(x: np.ndarray, alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture with its hand in other light than its old background's."""
    total = float(alpha.sum()) + 1.0
    mean = (alpha * x).sum(axis=(0, 1)) / total
    n = rng.normal(0, 1, 5)
    # Between a bright and a dark skin there is a factor of about 3.
    relit: np.ndarray = mean * np.exp(0.4 * n[0] + 0.1 * n[1:4]) + (x - mean) * math.exp(0.25 * n[0] + 0.15 * n[4])
    return relit.astype(np.float32)


def _disturbed(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    cv2 = opencv()
    n, u = strength * rng.normal(0, 1, 6), rng.random(10)
    x = _soft(x, u[0] / strength, rng)
    # Colour: more or less of it, seldom none.
    keep = 0.0 if u[1] < 0.04 * strength else math.exp(0.3 * n[1])
    x = cv2.transform(x, (keep * np.eye(3) + (1 - keep) * _GAIN[None]).astype(np.float32))
    # Contrast, light, warmer or colder, a little of green or magenta, and a gamma, as one table for each channel.
    gains = math.exp(0.25 * n[4]) * np.exp([0.12 * n[2] + 0.05 * n[3], -0.05 * n[3], -0.12 * n[2] + 0.05 * n[3]])
    middle, ramp = float(x.mean()), np.arange(256, dtype=np.float64)
    ramp = middle + (ramp - middle) * math.exp(0.2 * n[0])
    table = np.clip(ramp[:, None] * gains / 255, 0, 1) ** math.exp(0.2 * n[5])
    x = cv2.LUT(x, np.rint(255 * table).astype(np.uint8)[:, None])
    if u[2] < 0.5:  # noqa: PLR2004 - half of them
        most = 14.0 * strength * u[3]
        x = np.clip(x + np.rint(most * _noise(x.shape[:2], rng)), 0, 255).astype(np.uint8)
    # A patch of a random colour, up to a fifth of the side: less than a hand, about a finger.
    if u[4] < 0.3 * strength:
        x = np.ascontiguousarray(x)
        (height, width), size = x.shape[:2], 0.05 + 0.15 * u[5:7]
        top, left = int(u[7] * height), int(u[8] * width)
        x[top : top + round(size[0] * height), left : left + round(size[1] * width)] = rng.integers(0, 256, 3)
    return x


def _soft(x: np.ndarray, chance: float, rng: np.random.Generator) -> np.ndarray:
    """Return a picture, some out of focus, some moved while it was taken, some of a coarse camera."""
    cv2 = opencv()
    if chance < 0.2:  # noqa: PLR2004 - a fifth of them
        return np.asarray(cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.6)))
    if chance < 0.32:  # noqa: PLR2004 - an eighth
        length, angle = int(rng.integers(3, 10)), rng.uniform(0, math.pi)
        kernel = np.zeros((length, length), np.float32)
        middle, reach = (length - 1) / 2, (length - 1) / 2 * np.array([math.cos(angle), math.sin(angle)])
        ends = [tuple(round(middle + sign * part) for part in reach) for sign in (-1, 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0)
        return np.asarray(cv2.filter2D(x, -1, kernel / kernel.sum()))
    if chance < 0.42:  # noqa: PLR2004 - a tenth
        height, width = x.shape[:2]
        part = rng.uniform(0.4, 0.9)
        small = cv2.resize(x, (round(part * width), round(part * height)), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
    return x


def _noise(size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return even noise from -1 to 1 of shape (H, W, 3): a random part of more of it, which is drawn only once."""
    height, width = size
    bank = _noise_bank(height, width)
    top, left = rng.integers(height), rng.integers(width)
    return bank[top : top + height, left : left + width]


@lru_cache(maxsize=4)
def _noise_bank(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (2 * height, 2 * width, 3)).astype(np.float32)
