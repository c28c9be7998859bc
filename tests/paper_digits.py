"""Digits of MNIST as people photograph them: dark ink on paper, off centre, of another size, in uneven light."""

import cv2
import numpy as np

__all__ = ["on_paper"]


def on_paper(digit, seed, *, tall=None, ink=None, paper=None, size=None):
    """Return a photo of a digit on paper, uint8 RGB of shape (H, W, 3).

    Args:
        digit: uint8 of shape (28, 28), light on dark, as in MNIST.
        seed: Decides all that is not given.
        tall: The height of the digit in pixels.
        ink: The brightness of the ink.
        paper: That of the paper.
        size: ``(height, width)`` of the photo.
    """
    draw = np.random.default_rng(seed)
    height, width = size or [(240, 320), (480, 640), (300, 300), (640, 480)][int(draw.integers(4))]
    tall = tall or int(draw.uniform(0.22, 0.6) * min(height, width))
    rows, columns = np.flatnonzero(digit.max(axis=1) > 40), np.flatnonzero(digit.max(axis=0) > 40)
    cut = np.pad(digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 1).astype(np.float32) / 255
    wide = max(2, round(tall * cut.shape[1] / cut.shape[0]))
    large = cv2.GaussianBlur(cv2.resize(cut, (wide, tall), interpolation=cv2.INTER_CUBIC), (0, 0), tall / 50)
    stroke = np.clip((large - 0.45) * 6 + 0.5, 0, 1)  # the sharp edge of a pen
    top = int(draw.uniform(0.05, 0.95) * (height - tall - 16)) + 8
    left = int(draw.uniform(0.05, 0.95) * (width - wide - 16)) + 8
    covered = np.zeros((height, width), np.float32)
    covered[top : top + tall, left : left + wide] = stroke
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle, fall = draw.uniform(0, 2 * np.pi), draw.uniform(0.05, 0.25)
    light = 1 + fall * (np.cos(angle) * x + np.sin(angle) * y) - 0.08 * (x**2 + y**2)
    paper = draw.uniform(185, 230) if paper is None else paper
    ink = draw.uniform(25, 80) if ink is None else ink
    tint = np.array([1.0, 0.99, 0.95]), np.array([0.8, 0.85, 1.3])
    scene = (paper * tint[0])[None, None] * (1 - covered[..., None]) + (ink * tint[1])[None, None] * covered[..., None]
    scene = scene * light[..., None] + draw.normal(0, draw.uniform(2, 6), (height, width, 3))
    return np.clip(scene, 0, 255).astype(np.uint8)
