"""The CIFAR-10 pipeline: small colour photos of ten classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo_zoo.cifar10 import data
from kzoo_zoo.classifier import ZooClassifier

if TYPE_CHECKING:
    from kzoo.data.splits import Split

__all__ = ["Cifar10"]

_WHITENED_BY = 5000  # images; more change nothing


class Cifar10(ZooClassifier):
    """Small colour photos, 32x32, ten classes of animals and vehicles."""

    name = "cifar10"
    data = data
    networks = "kzoo_zoo.cifar10.model"

    def adapt(self, model: Any, train: Split) -> None:
        """Whiten the default network's first layer by the first few thousand training images."""
        import numpy as np

        from kzoo_zoo.cifar10.model import WHITENING
        from kzoo_zoo.cifar10.whitening import whiten

        layer = next((layer for layer in model.layers if layer.name == WHITENING), None)
        if layer is not None:
            images, _ = train.fetch(np.arange(min(_WHITENED_BY, len(train))))
            whiten(layer, np.asarray(images))

    def augment(self, x: Any, *, seed: Any, epoch: Any, reach: int = 2) -> Any:
        """Mirror every image in every other epoch, and shift it by up to ``reach`` pixels each way."""
        from kzoo_zoo.cifar10.augment import mirror_and_shift

        return mirror_and_shift(x, seed=seed, epoch=epoch, reach=reach)
