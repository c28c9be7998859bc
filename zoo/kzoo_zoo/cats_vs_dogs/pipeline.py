"""The pipeline for photos of the user's own: cats and dogs by itself, any classes by ``--data``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError
from kzoo_zoo.cats_vs_dogs import data
from kzoo_zoo.classifier import ZooClassifier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kzoo.data.splits import Dataset
    from kzoo.pipeline import Task

__all__ = ["CatsVsDogs"]


class CatsVsDogs(ZooClassifier):
    """Photos in one folder for each class; two classes are one yes or no, more are told apart by softmax."""

    name = "cats_vs_dogs"
    task = "binary"
    data = data
    networks = "kzoo_zoo.cats_vs_dogs.model"
    _network = "default"

    def task_of(self, class_names: Sequence[str]) -> Task:
        """Return ``binary`` for two classes, ``classification`` for more."""
        return "binary" if len(class_names) == 2 else "classification"  # noqa: PLR2004 - yes and no

    def load_path(
        self,
        path: Path,
        *,
        image_size: Any = data.IMAGE_SIZE,
        unreadable: str = "",
        say: Callable[[str], None] | None = None,
    ) -> Dataset:
        """Read a folder of images per class, or an archive of one; see `data.load_path`."""
        return data.load_path(path, image_size=image_size, unreadable=unreadable, say=say)

    def load_sample(self, *, image_size: Any = data.IMAGE_SIZE) -> Dataset:
        """Return drawn heads of cats and dogs."""
        return data.load_sample(image_size=image_size)

    def build_model(
        self,
        input_shape: Sequence[int],
        num_classes: int,
        *,
        regularizer: Any = None,
        network: str = "default",
        widths: Sequence[int] | None = None,
        dropout: float | None = None,
        weights: str | None = None,
        unfrozen: int | None = None,
    ) -> Any:
        """Return the network of that name: ``default``, ``classic`` or ``transfer``.

        Args:
            input_shape: Height, width and channels of the images.
            num_classes: The number of classes.
            regularizer: For the kernels of all convolutions and dense layers that are not pretrained, or None.
            network: Which network.
            widths: The channels of the default network's stages; None for its own.
            dropout: The part of the features before the last layer that is dropped in training; None for the
                network's own.
            weights: For ``transfer``: a file with the pretrained weights of the backbone, or the ``.keras`` file of a
                run of ``transfer`` to go on from; None downloads those of ImageNet.
            unfrozen: For ``transfer``: how many of the backbone's last layers are trained; by default none.
        """
        given = {"widths": widths, "dropout": dropout, "weights": weights, "unfrozen": unfrozen}
        given = {name: value for name, value in given.items() if value is not None}
        takes = {"default": ("widths", "dropout"), "classic": (), "transfer": ("dropout", "weights", "unfrozen")}
        if network not in takes:
            message = f"`model.network` must be default, classic or transfer, not {network!r}."
            raise UsageError(message)
        if wrong := [name for name in given if name not in takes[network]]:
            message = f"`model.{wrong[0]}` is no setting of the network `{network}`."
            raise UsageError(message)
        module = "kzoo_zoo.cats_vs_dogs.transfer" if network == "transfer" else self.networks
        build = getattr(importlib.import_module(module), f"build_{network}")
        self._network = network
        return build(input_shape, num_classes, regularizer, **given)

    def unfreeze(self, model: Any) -> None:
        """Have all layers trained, but not the batch normalizations of a pretrained backbone."""
        if self._network == "transfer":
            from kzoo_zoo.cats_vs_dogs.transfer import unfreeze

            unfreeze(model)
        else:
            super().unfreeze(model)

    def augment(
        self,
        x: Any,
        *,
        seed: Any,
        epoch: Any,
        rotation: float = 0.0,
        shift: float = 0.0,
        shear: float = 0.0,
        zoom: Sequence[float] = (1.0, 1.0),
        stretch: float = 0.0,
        mirror: bool = True,
        colour: float = 0.0,
    ) -> Any:
        """Move, turn, stretch, mirror and recolour every image; see `augment.warp` and `augment.recolour`."""
        import tensorflow as tf

        from kzoo_zoo.cats_vs_dogs.augment import recolour, warp

        del epoch
        low, high = zoom
        x = warp(
            x, seed=seed, rotation=rotation, shift=shift, shear=shear, zoom=(low, high), stretch=stretch, mirror=mirror
        )
        if not colour:
            return x
        return recolour(x, seed=tf.random.experimental.stateless_fold_in(seed, 1), strength=colour)
