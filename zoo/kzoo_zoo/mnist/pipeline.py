"""The MNIST pipeline: handwritten digits."""

from __future__ import annotations

from typing import Any

from kzoo_zoo.classifier import ZooClassifier
from kzoo_zoo.mnist import data

__all__ = ["Mnist"]


class Mnist(ZooClassifier):
    """Handwritten digits, 28x28 in grayscale, light on dark."""

    name = "mnist"
    data = data
    networks = "kzoo_zoo.mnist.model"

    def augment(self, x: Any, *, seed: Any, epoch: Any, reach: int = 2) -> Any:
        """Shift every image by up to ``reach`` pixels each way."""
        from kzoo_zoo.mnist.augment import shift

        del epoch
        return shift(x, seed=seed, reach=reach)
