"""Networks that give a vector of length 1 for each picture, and the directions of classes that some losses want."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers, ops

from kzoo_zoo.blocks import pooled_convolution, residual

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.data.splits import Split

__all__ = ["ClassDirections", "ClassifiedVectors", "build_classic", "build_default", "centre"]

_LARGEST_MAP = 4
"""Of the last features: larger ones are averaged in windows, so that large pictures make no larger a last layer."""

_PICTURES = 64
"""As many as in a batch are looked at before the training."""


def build_default(
    input_shape: Sequence[int],
    dimensions: int,
    regularizer: Any = None,
    *,
    widths: Sequence[int] = (32, 64, 128, 128),
    dropout: float = 0.0,
) -> tuple[Any, Any]:
    """Return input and vectors of stages of batch-normalized convolutions, each but the first with a residual block."""
    regularized = {"kernel_regularizer": regularizer}
    inputs = keras.Input(input_shape, dtype="uint8")
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for stage, width in enumerate(widths):
        x = pooled_convolution(x, width, regularized)
        if stage > 0:
            x = residual(x, width, regularized)
    return inputs, _vectors(x, dimensions, dropout, regularized)


def build_classic(
    input_shape: Sequence[int], dimensions: int, regularizer: Any = None, *, dropout: float = 0.0
) -> tuple[Any, Any]:
    """Return input and vectors of the network of Vinyals et al.: four convolutions of 64 channels, each pooled."""
    regularized = {"kernel_regularizer": regularizer}
    inputs = keras.Input(input_shape, dtype="uint8")
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for _ in range(4):
        x = pooled_convolution(x, 64, regularized)
    return inputs, _vectors(x, dimensions, dropout, regularized)


def _vectors(x: Any, dimensions: int, dropout: float, regularized: dict[str, Any]) -> Any:
    window = -(-max(x.shape[1:3]) // _LARGEST_MAP)
    if window > 1:
        x = layers.AveragePooling2D(window, padding="same")(x)
    x = layers.Flatten()(x)
    if dropout:
        x = layers.Dropout(dropout)(x)
    x = layers.Dense(dimensions, dtype="float32", name="features", **regularized)(x)
    return layers.UnitNormalization(dtype="float32", name="vectors")(x)


def centre(model: keras.Model, train: Split) -> None:
    """Have the vectors of an untrained network spread around the origin, by the bias of its last layer.

    A network with ReLU gives nearly the same vector for all pictures at first. Losses of the hardest pairs then draw
    them into one point and stay there, since the gradient of a squared distance ends with the distance. Only where the
    training begins is changed, not the network.

    Args:
        model: From pictures to vectors, untrained; its last but one layer has a bias.
        train: The pictures; `_PICTURES` of them are looked at, evenly spread over all.
    """
    last = model.layers[-2]
    chosen = np.unique(np.linspace(0, len(train) - 1, _PICTURES).astype(int))
    features = keras.Model(model.input, last.output)
    statistics = [(variable, variable.numpy()) for variable in model.non_trainable_variables]
    found = features(train.examples(chosen)[0], training=True)
    last.bias.assign(-np.asarray(found).mean(axis=0))
    for variable, value in statistics:
        variable.assign(value)


@keras.saving.register_keras_serializable(package="kzoo_zoo")
class ClassDirections(layers.Layer):  # type: ignore[misc] # Keras has no types
    """Hands vectors on as they are, and holds a direction for each class that is learned.

    Args:
        classes: The number of classes C.
        **options: Those of every layer.
    """

    def __init__(self, classes: int, **options: Any) -> None:
        super().__init__(**options)
        self.classes = classes

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the directions, shape (C, D)."""
        shape = (self.classes, input_shape[-1])
        self.directions = self.add_weight(shape=shape, initializer="glorot_uniform", name="directions")

    def call(self, vectors: Any) -> Any:
        """Return the vectors."""
        return ops.reshape(vectors, (-1, vectors.shape[-1]))

    def cosines(self, vectors: Any) -> Any:
        """Return the cosines of vectors of length 1 with the directions, shape (N, C)."""
        return ops.matmul(vectors, ops.transpose(ops.normalize(self.directions, axis=-1)))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "classes": self.classes}


@keras.saving.register_keras_serializable(package="kzoo_zoo")
class ClassifiedVectors(keras.Model):  # type: ignore[misc]
    """A network of vectors whose loss is given their cosines with the directions of the classes.

    So it is a network of vectors for all who use it, whatever it learns with. A picture of a class that is not learned
    has no direction to be compared with, and no part in the loss; where a batch has no other picture, the loss is 0.
    Its last layer is a `ClassDirections`.
    """

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,  # noqa: FBT001, FBT002 - the signature is Keras's
    ) -> Any:
        """Return the loss of the cosines."""
        head = self.layers[-1]
        labels = ops.cast(ops.reshape(y, (-1,)), "int32")
        known = ops.less(labels, head.classes)
        weight = ops.cast(known, "float32")
        if sample_weight is not None:
            weight = weight * ops.reshape(ops.cast(sample_weight, "float32"), (-1,))
        labels = ops.where(known, labels, ops.zeros_like(labels))
        return super().compute_loss(x, labels, head.cosines(y_pred), weight, training)
