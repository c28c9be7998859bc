"""The sample: scikit-learn's handwritten digits side by side, from a seed, with texts that are known exactly."""

from __future__ import annotations

import functools

import numpy as np

__all__ = ["digit_lines"]

_BRIGHTEST = 16  # the digits of scikit-learn count ink in blocks of 4 x 4
_SIZES = (20, 30)  # the heights of digits, in pixels of a line of 32
_GAPS = (-3, 7)
_LINE = 32
_NOISE = 24.0


@functools.cache
def _digits(*, test: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return drawings, float32 of shape (N, 8, 8) from 0 to 255, and their digits; every fifth is for the test."""
    from sklearn.datasets import load_digits

    found = load_digits()
    chosen = (np.arange(len(found.target)) % 5 == 0) == test
    return (found.images[chosen] * (255 / _BRIGHTEST)).astype(np.float32), found.target[chosen]


def digit_lines(count: int, seed: int, digits: tuple[int, int], *, test: bool) -> list[tuple[np.ndarray, str]]:
    """Return lines of digits, each a picture, uint8 of shape (32, W, 1) in its own width, and its text.

    Digits have heights of 20 to 30 pixels, widths of their own and stand higher or lower; some touch, and there is
    noise. Those of the test were drawn by hand other times than those of the training.

    Args:
        count: How many.
        seed: Decides all of it.
        digits: The fewest and the most digits of a line.
        test: Whether they are for the test.
    """
    rng = np.random.default_rng([seed, int(test)])
    return [_line(rng, int(rng.integers(digits[0], digits[1] + 1)), test=test) for _ in range(count)]


def _line(rng: np.random.Generator, length: int, *, test: bool) -> tuple[np.ndarray, str]:
    from PIL import Image

    drawings, targets = _digits(test=test)
    chosen = rng.integers(len(targets), size=length)
    heights = rng.integers(_SIZES[0], _SIZES[1] + 1, size=length)
    widths = np.maximum(12, (heights * rng.uniform(0.65, 0.95, length)).astype(int))
    gaps = rng.integers(_GAPS[0], _GAPS[1], size=length)
    gaps[0] = rng.integers(1, _GAPS[1])
    places = np.cumsum(gaps + np.concatenate([[0], widths[:-1]]))
    ink = np.zeros((_LINE, int(places[-1] + widths[-1] + rng.integers(1, _GAPS[1]))), np.float32)
    for number, height, width, left in zip(chosen, heights, widths, places, strict=True):
        drawing = Image.fromarray(drawings[number]).resize((int(width), int(height)), Image.Resampling.BICUBIC)
        top = int(rng.integers(0, _LINE - height + 1))
        part = ink[top : top + height, left : left + width]
        np.maximum(part, np.asarray(drawing)[:, : part.shape[1]], out=part)
    paper, pen = rng.uniform(150, 255), rng.uniform(0, 90)
    picture = paper + (pen - paper) * np.clip(ink, 0, 255) / 255
    picture += rng.normal(0, rng.uniform(0, _NOISE), picture.shape)
    text = "".join(str(digit) for digit in targets[chosen])
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)[..., None], text
