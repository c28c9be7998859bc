"""The mnist pipeline: its data, its networks and its training-time changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError
from kzoo.pipeline import ImageClassifier
from kzoo_zoo.mnist import data

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kzoo.data.splits import Dataset

__all__ = ["Mnist"]


class Mnist(ImageClassifier):
    """Handwritten digits."""

    name = "mnist"

    def fetch_real(self, *, download: bool, progress: Any = None) -> Path:
        """Return the file of the real data, downloading it first where it is not cached."""
        return data.fetch_real(download=download, progress=progress)

    def load_path(self, path: Path) -> Dataset:
        """Read data from a file or folder; see `kzoo_zoo.mnist.data.load_path`."""
        return data.load_path(path)

    def load_sample(self) -> Dataset:
        """Return the embedded sample; see `kzoo_zoo.mnist.data.load_sample`."""
        return data.load_sample()

    def build_model(
        self,
        input_shape: Sequence[int],
        num_classes: int,
        *,
        regularizer: Any = None,
        network: str = "default",
        widths: Sequence[int] = (16, 32, 64),
    ) -> Any:
        """Return the network of that name: ``default``, with these widths of its convolutions, or ``classic``."""
        from kzoo_zoo.mnist import model

        if network == "classic":
            return model.build_classic(input_shape, num_classes, regularizer)
        if network == "default":
            return model.build_default(input_shape, num_classes, regularizer, widths=widths)
        message = f"`model.network` must be default or classic, not {network!r}."
        raise UsageError(message)

    def augment(self, x: Any, *, seed: Any, epoch: Any, reach: int = 2) -> Any:
        """Shift every image by up to ``reach`` pixels each way."""
        from kzoo_zoo.mnist.augment import shift

        del epoch
        return shift(x, seed=seed, reach=reach)
