"""The cifar10 pipeline: its data, its networks and its training-time changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError
from kzoo.pipeline import ImageClassifier
from kzoo_zoo.cifar10 import data

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kzoo.data.splits import Dataset, Split

__all__ = ["Cifar10"]

_WHITENED_BY = 5000  # images; more change nothing


class Cifar10(ImageClassifier):
    """Small colour photos of ten classes."""

    name = "cifar10"

    def fetch_real(self, *, download: bool, progress: Any = None) -> Path:
        """Return the file of the real data, downloading it first where it is not cached."""
        return data.fetch_real(download=download, progress=progress)

    def load_path(self, path: Path) -> Dataset:
        """Read data from a file or folder; see `kzoo_zoo.cifar10.data.load_path`."""
        return data.load_path(path)

    def load_sample(self) -> Dataset:
        """Return the embedded sample; see `kzoo_zoo.cifar10.data.load_sample`."""
        return data.load_sample()

    def build_model(
        self,
        input_shape: Sequence[int],
        num_classes: int,
        *,
        regularizer: Any = None,
        network: str = "default",
        widths: Sequence[int] = (32, 64, 128),
    ) -> Any:
        """Return the network of that name: ``default``, with these widths of its convolutions, or ``classic``."""
        from kzoo_zoo.cifar10 import model

        if network == "classic":
            return model.build_classic(input_shape, num_classes, regularizer)
        if network == "default":
            return model.build_default(input_shape, num_classes, regularizer, widths=widths)
        message = f"`model.network` must be default or classic, not {network!r}."
        raise UsageError(message)

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
