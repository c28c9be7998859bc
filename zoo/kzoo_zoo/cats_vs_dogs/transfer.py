"""A network that others trained on a million photos, and a new last layer: the way to go with few photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from kzoo.command import load_weights
from kzoo.data.download import RemoteFile, fetch
from kzoo.errors import DataError, KzooError, NetworkUnreachableError, UsageError
from kzoo_zoo.cats_vs_dogs.model import probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["WEIGHTS", "build_transfer", "unfreeze"]

# The file and the checksum of `keras.applications.EfficientNetV2B0`, without the last layer.
WEIGHTS = RemoteFile(
    urls=("https://storage.googleapis.com/tensorflow/keras-applications/efficientnet_v2/efficientnetv2-b0_notop.h5",),
    sha256="",
    md5="893217f2bb855e2983157299931e43ff",
    size=None,
    filename="efficientnetv2-b0_notop.h5",
    subdir="models",
)

_BACKBONE = "efficientnetv2-b0"


def build_transfer(
    input_shape: Sequence[int],
    num_classes: int,
    regularizer: Any = None,
    *,
    dropout: float = 0.2,
    weights: str | None = None,
    unfrozen: int = 0,
    bare: bool = False,
    task: str = "",
) -> keras.Model:
    """Return EfficientNetV2-B0 with ImageNet's weights, frozen, under one new dense layer.

    Its batch normalizations stay as they are in every case: their averages are of a million photos, those of a small
    set would be worse.

    Args:
        input_shape: Height, width and channels of the images; at least 32x32 in colour.
        num_classes: The number of classes.
        regularizer: For the kernel of the last layer, or None.
        dropout: The part of the averaged features that is dropped in training.
        weights: A file with the backbone's weights (``.h5``); None downloads the weights of ImageNet.
        unfrozen: How many of the backbone's last layers are trained as well.
        bare: Whether the backbone gets no weights here, as where it gets those of a trained model.
        task: As for `kzoo_zoo.cats_vs_dogs.model.probabilities`.

    Raises:
        NetworkUnreachableError: The weights are not in the cache and cannot be downloaded.
        KzooError: They are damaged, or the file does not hold this network's weights.
        UsageError: ``unfrozen`` is no number of layers.
    """
    inputs = keras.Input(input_shape, dtype="uint8")
    backbone = keras.applications.EfficientNetV2B0(
        include_top=False, weights=None, input_shape=tuple(input_shape), name=_BACKBONE
    )
    if not isinstance(unfrozen, int) or not 0 <= unfrozen <= len(backbone.layers):
        message = f"`model.unfrozen` must be a number of layers from 0 to {len(backbone.layers)}, not {unfrozen!r}."
        raise UsageError(message)
    x = layers.Rescaling(1.0)(inputs)  # to floating point; the backbone scales by itself
    x = backbone(x, training=False)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    model = keras.Model(inputs, probabilities(x, num_classes, regularizer, task), name="cats_vs_dogs_transfer")
    if not bare:
        _load(backbone, _pretrained() if weights is None else Path(weights).expanduser())
    backbone.trainable = unfrozen > 0
    if unfrozen:
        for number, layer in enumerate(backbone.layers):
            trains = number >= len(backbone.layers) - unfrozen
            layer.trainable = trains and not isinstance(layer, layers.BatchNormalization)
    return model


def unfreeze(model: keras.Model) -> None:
    """Have all of the backbone's layers trained but its batch normalizations."""
    backbone = model.get_layer(_BACKBONE)
    backbone.trainable = True
    for layer in backbone.layers:
        layer.trainable = not isinstance(layer, layers.BatchNormalization)


def _pretrained() -> Path:
    """Return the file with ImageNet's weights, downloaded if it is not in the cache."""
    other = "Name a file that you have with -o model.weights=FILE, or train from scratch with --recipe default."
    try:
        return fetch(WEIGHTS)
    except NetworkUnreachableError as error:
        message = f"The recipe needs the pretrained weights {WEIGHTS.filename}. {error} {other}"
        raise NetworkUnreachableError(message) from error
    except DataError as error:
        message = f"The recipe needs the pretrained weights {WEIGHTS.filename}. {error} {other}"
        raise DataError(message) from error


def _load(model: keras.Model, path: Path) -> None:
    if not path.is_file():
        message = f"`model.weights`: there is no file {path}."
        raise UsageError(message)
    if path.suffix == ".keras":
        message = f"`model.weights` takes the weights of the backbone. A trained model is named so: --from {path}."
        raise UsageError(message)
    try:
        load_weights(model, path)
    except KzooError as error:
        message = f"`model.weights`: {error}"
        raise KzooError(message) from error
