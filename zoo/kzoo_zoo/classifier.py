"""What the zoo's image classifiers share: their data comes from a module, and so do their networks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, ClassVar

from kzoo.errors import UsageError
from kzoo.pipeline import ImageClassifier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import ModuleType

    from kzoo.data.splits import Dataset

__all__ = ["ZooClassifier"]


class ZooClassifier(ImageClassifier):
    """An image classifier with the networks ``default`` and ``classic``.

    Attributes:
        data: The module with ``fetch_real``, ``load_path`` and ``load_sample``.
        networks: The name of the module with ``build_default`` and ``build_classic``; it is imported on use, since it
            imports Keras.
    """

    data: ClassVar[ModuleType]
    networks: ClassVar[str]

    def fetch_real(self, *, download: bool, progress: Any = None) -> Path:
        """Return the file of the real data, downloading it first where it is not cached."""
        path: Path = self.data.fetch_real(download=download, progress=progress)
        return path

    def load_path(self, path: Path) -> Dataset:
        """Read data from a file or folder, in the formats that the pipeline's ``data`` module names."""
        dataset: Dataset = self.data.load_path(path)
        return dataset

    def load_sample(self) -> Dataset:
        """Return the embedded sample."""
        dataset: Dataset = self.data.load_sample()
        return dataset

    def build_model(
        self,
        input_shape: Sequence[int],
        num_classes: int,
        *,
        regularizer: Any = None,
        network: str = "default",
        widths: Sequence[int] | None = None,
    ) -> Any:
        """Return the network of that name, ``default`` or ``classic``.

        Args:
            input_shape: Height, width and channels of the images.
            num_classes: The number of classes.
            regularizer: For the kernels of all convolutions and dense layers, or None.
            network: Which network.
            widths: The channels of the default network's convolutions; None for its own.
        """
        networks = importlib.import_module(self.networks)
        if network == "default":
            own = {} if widths is None else {"widths": widths}
            return networks.build_default(input_shape, num_classes, regularizer, **own)
        if network != "classic":
            message = f"`model.network` must be default or classic, not {network!r}."
            raise UsageError(message)
        if widths is not None:
            message = "`model.widths` is a setting of the default network; the classic one has fixed widths."
            raise UsageError(message)
        return networks.build_classic(input_shape, num_classes, regularizer)
