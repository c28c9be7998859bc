"""The sample of the regression pipeline: a noisy function of one number."""

from __future__ import annotations

import numpy as np

from kzoo.data.splits import ArraySplit, Dataset
from kzoo.data.tables import Column, TableSchema

__all__ = ["SAMPLE_SCHEMA", "draw", "function", "sample"]

SAMPLE_SCHEMA = TableSchema("y", (Column("x"),))

_TRAIN, _TEST = 1000, 200
_NOISE = 1.0
_REACH = 5.0


def function(x: np.ndarray) -> np.ndarray:
    """Return what the sample's ``y`` is without noise: a wave on a slope, y = 20 + 2 x + 10 sin x."""
    y: np.ndarray = 20 + 2 * x + 10 * np.sin(x)
    return y


def draw(count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x, uniform in [-5, 5], and y with normal noise of standard deviation 1; each of shape (count, 1)."""
    generator = np.random.default_rng([0x7AB1E, seed])
    x = generator.uniform(-_REACH, _REACH, (count, 1))
    y = function(x) + generator.normal(0, _NOISE, (count, 1))
    return x, y.astype(np.float32)


def sample() -> Dataset:
    """Return the sample, the same numbers on every call."""
    return Dataset(
        train=ArraySplit(*draw(_TRAIN, seed=0)),
        test=ArraySplit(*draw(_TEST, seed=1)),
        class_names=(),
        description=f"{_TRAIN:,} train, {_TEST} test points of y = 20 + 2 x + 10 sin x, x in [-5, 5], with noise of 1",
        input_names=("x",),
        output_names=("y",),
        schema=SAMPLE_SCHEMA.to_dict(),
    )
