"""Drawn hands of zero to five fingers, and drawn scenes without one: a sample that is made, not downloaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from kzoo.data.drawn import drawn_once
from kzoo.data.frames.video import opencv
from kzoo_zoo.fingers.scenes import draw_scene

__all__ = ["THUMB", "USUAL", "draw_hand", "draw_hands"]

_SKINS = (
    (255, 219, 190),
    (240, 195, 160),
    (224, 172, 135),
    (198, 140, 100),
    (160, 105, 72),
    (120, 76, 50),
    (84, 54, 38),
)
# Length and place of each finger from the wrist's middle, in palm widths: index, middle, ring, little.
_ROOTS = ((-0.36, -0.95), (-0.12, -1.05), (0.13, -1.02), (0.36, -0.9))
_LENGTHS = (0.95, 1.05, 0.98, 0.75)
_SPREADS = (-0.16, -0.04, 0.08, 0.22)
THUMB = 4
USUAL = {
    0: ((),), 1: ((0,), (0,), (THUMB,)), 2: ((0, 1), (0, 1), (0, THUMB)),
    3: ((0, 1, 2), (1, 2, 3), (0, 1, THUMB)), 4: ((0, 1, 2, 3), (0, 1, 2, 3), (0, 1, 2, THUMB)),
    5: ((0, 1, 2, 3, THUMB),),
}  # fmt: skip
"""The fingers that people show for a number: 0 is the index finger, 3 the little one."""


@drawn_once
def draw_hands(per_class: int, *, size: int, seed: int, easy: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return drawn pictures of no hand and of hands with 0 to 5 fingers, the same for the same seed.

    Args:
        per_class: How many of each of the seven classes.
        size: Height and width.
        seed: Decides everything.
        easy: Whether most hands are large and before a wall.

    Returns:
        Images uint8 of shape (7 * per_class, size, size, 3); labels int64, 0 for no hand and 1 + n for n fingers.
    """
    images, labels = [], []
    for number in range(7 * per_class):
        rng = np.random.default_rng([seed, number])
        label = number % 7
        scene = draw_scene(rng, size, walls=0.8 if easy else 0.35)
        images.append(scene if label == 0 else draw_hand(rng, scene, label - 1, least=0.22 if easy else 0.13))
        labels.append(label)
    return np.stack(images), np.asarray(labels, dtype=np.int64)


def draw_hand(rng: np.random.Generator, scene: np.ndarray, count: int, *, least: float = 0.13) -> np.ndarray:
    """Return the scene with a hand before it that shows ``count`` fingers, its palm at least so wide a part of it."""
    cv2 = opencv()
    size = scene.shape[0]
    canvas = 3 * size
    shape = np.zeros((canvas, canvas), np.uint8)
    lines = np.zeros((canvas, canvas), np.uint8)
    choices = USUAL[count]
    shown = choices[rng.integers(len(choices))]
    palm = canvas * rng.uniform(least, 0.3)
    # A thumb alone is held upwards, the arm coming from the side.
    place = _Placed(rng, canvas, palm, upright=1.0 if shown == (THUMB,) and rng.random() < 0.7 else 0.0)  # noqa: PLR2004
    _palm_and_arm(cv2, shape, place, rng)
    for finger, (root, length, spread) in enumerate(zip(_ROOTS, _LENGTHS, _SPREADS, strict=True)):
        raised = finger in shown
        _finger(cv2, (shape, lines), place, rng, root, length if raised else 0.12, spread, 0.115)
    _finger(cv2, (shape, lines), place, rng, (-0.42, -0.45), 0.75 if THUMB in shown else 0.1,
            rng.uniform(-1.2, -0.75), 0.13)  # fmt: skip
    skin = np.asarray(_SKINS[rng.integers(len(_SKINS))]) * rng.uniform(0.75, 1.08)
    return _painted(cv2, rng, scene, shape, lines, skin)


class _Placed:
    """Where a hand is, how large and how it is turned: from palm widths to pixels."""

    def __init__(self, rng: np.random.Generator, canvas: int, palm: float, upright: float = 0.0) -> None:
        self.palm = palm
        self.mirror = rng.choice((-1, 1))
        angle = rng.normal(0, 0.35) + self.mirror * upright
        self.matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        room = max(0.0, canvas - 2.3 * palm) / 2
        # The middle of the hand, about a palm above the wrist, is near the picture's middle.
        middle = canvas / 2 + rng.uniform(-0.75, 0.75, 2) * room
        self.wrist = middle - self.matrix @ np.array([0.0, -0.85]) * palm

    def __call__(self, point: tuple[float, float] | np.ndarray) -> tuple[int, int]:
        x, y = self.wrist + self.matrix @ (np.asarray(point) * (self.mirror, 1.0)) * self.palm
        return round(float(x)), round(float(y))

    def length(self, palms: float) -> int:
        return max(1, round(palms * self.palm))


def _palm_and_arm(cv2: Any, shape: np.ndarray, place: _Placed, rng: np.random.Generator) -> None:
    width = rng.uniform(0.44, 0.52)
    palm = [(-0.3, 0.0), (-width, -0.5), (-width + 0.02, -0.92), (-0.1, -1.08), (0.2, -1.05), (width, -0.85),
            (width, -0.4), (0.32, 0.0)]  # fmt: skip
    arm = rng.uniform(0.27, 0.33)
    for outline in (palm, [(-arm, -0.1), (arm, -0.1), (1.15 * arm, 4.0), (-1.15 * arm, 4.0)]):
        cv2.fillPoly(shape, [np.array([place(p) for p in outline], np.int32)], 255, cv2.LINE_AA)
    for p in palm:
        cv2.circle(shape, place(p), place.length(0.09), 255, -1, cv2.LINE_AA)


def _finger(
    cv2: Any,
    layers: tuple[np.ndarray, np.ndarray],
    place: _Placed,
    rng: np.random.Generator,
    root: tuple[float, float],
    length: float,
    spread: float,
    radius: float,
) -> None:
    """Draw a finger as two bones with round ends, and a line beside it where it lies on the palm."""
    shape, lines = layers
    angle = spread * rng.uniform(0.6, 1.9) + rng.normal(0, 0.04)
    bend = rng.normal(0, 0.08)
    length *= rng.uniform(0.88, 1.08)
    start = np.asarray(root)
    joint = start + 0.55 * length * np.array([np.sin(angle), -np.cos(angle)])
    tip = joint + 0.45 * length * np.array([np.sin(angle + bend), -np.cos(angle + bend)])
    thick = 2 * place.length(radius * rng.uniform(0.85, 1.05))
    for a, b in ((start, joint), (joint, tip)):
        cv2.line(shape, place(a), place(b), 255, thick, cv2.LINE_AA)
    cv2.line(
        lines,
        place(start + np.array([radius, 0.35])),
        place(tip + np.array([radius, 0.05])),
        255,
        max(1, thick // 10),
        cv2.LINE_AA,
    )


def _painted(
    cv2: Any, rng: np.random.Generator, scene: np.ndarray, shape: np.ndarray, lines: np.ndarray, skin: np.ndarray
) -> np.ndarray:
    """Return the scene with the drawn shape in skin colour: lit from one side, with lines and a shadow."""
    size = scene.shape[0]

    def small(layer: np.ndarray) -> np.ndarray:
        found = cv2.resize(layer, (size, size), interpolation=cv2.INTER_AREA)
        scaled: np.ndarray = found.astype(np.float32)[..., None] / 255
        return scaled

    alpha, ink = small(shape), small(lines)
    depth = cv2.GaussianBlur(alpha, (0, 0), size / 24)
    gradient = np.stack(np.gradient(depth), axis=0)
    direction = rng.normal(size=2)
    light = np.tensordot(direction / np.linalg.norm(direction), gradient, 1)[..., None] * size / 6
    grain = cv2.GaussianBlur(rng.normal(0, 1, (size, size)).astype(np.float32), (0, 0), 1.5)[..., None]
    colour = skin * (0.92 + rng.uniform(0, 0.45) * light + 0.05 * grain) * (1 - rng.uniform(0.2, 0.5) * ink)
    offset = np.rint(rng.uniform(-0.05, 0.05, 2) * size).astype(int)
    shadow = np.roll(cv2.GaussianBlur(alpha, (0, 0), size / 20), offset, axis=(0, 1))[..., None]
    behind = scene * (1 - rng.uniform(0, 0.4) * shadow)
    picture = alpha * colour + (1 - alpha) * behind + rng.normal(0, rng.uniform(0, 5), scene.shape)
    drawn: np.ndarray = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return drawn
