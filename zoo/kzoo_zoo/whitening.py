"""A frozen first layer: principal components of image patches, each scaled to variance one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kzoo.data.splits import Split

__all__ = ["COMPONENTS", "PATCH", "WHITENING", "whiten", "whiten_by", "whitening"]

WHITENING = "whitening"
"""The name of the layer in a network."""

PATCH = 4
"""Side of a patch where no other is asked for, in pixels."""

COMPONENTS = 16
"""Principal components that are kept, where a patch has as many; each has a filter and its negative."""

_WHITENED_BY = 5000  # images; more change nothing


def whitening(channels: int, patch: int = PATCH) -> Any:
    """Return the frozen convolution, every ``patch / 2`` pixels, to be set from the training images.

    Args:
        channels: Of the images.
        patch: Side of a patch, in pixels.
    """
    from keras import layers

    # Every component and its negative: after the ReLU nothing of the whitened patch is lost.
    filters = 2 * min(COMPONENTS, patch * patch * channels)
    strides = patch // 2
    # Where the patches are a pixel apart, those that are whole leave out nothing.
    padding = "valid" if strides == 1 else "same"
    return layers.Conv2D(
        filters, patch, strides=strides, padding=padding, activation="relu", trainable=False, name=WHITENING
    )


def whiten_by(model: Any, train: Split) -> None:
    """Set the layer `WHITENING` of a network, where it has one, from the first few thousand training images."""
    layer = next((layer for layer in _layers_of(model) if layer.name == WHITENING), None)
    if layer is not None:
        images, _ = train.fetch(np.arange(min(_WHITENED_BY, len(train))))
        whiten(layer, np.asarray(images))


def _layers_of(model: Any) -> Iterator[Any]:
    """Yield the layers of a network, and of the networks that its layers are around."""
    for layer in model.layers:
        yield layer
        if hasattr(inner := getattr(layer, "layer", None), "layers"):
            yield from _layers_of(inner)


def whiten(layer: Any, images: np.ndarray, *, epsilon: float = 1e-2) -> None:
    """Set a convolution from the patches of training images.

    Its filters are the leading eigenvectors of the patches' covariance, each divided by the square root of its
    eigenvalue plus ``epsilon`` times the mean one; the bias takes the patches' mean away.

    Args:
        layer: The built convolution, with a kernel of shape ``(patch, patch, channels, 2 * components)``.
        images: uint8 array of shape (n, height, width, channels), from the training split only. A few thousand are
            enough: the covariance of 16 components is settled long before all of them.
        epsilon: Damping of the weak components, which are mostly noise.
    """
    components = layer.filters // 2
    mean, values, vectors = _principal_components(_patches(images, layer.kernel_size[0]))
    scale = np.sqrt(values[:components] + epsilon * values.mean())
    filters = vectors[:, :components] / scale
    filters = np.concatenate([filters, -filters], axis=1)
    kernel = filters.reshape(layer.kernel.shape)
    layer.set_weights([kernel.astype("float32"), (-mean @ filters).astype("float32")])


def _patches(images: np.ndarray, side: int) -> np.ndarray:
    """Return the non-overlapping patches of the images as float64 rows, scaled to [0, 1] as the network does."""
    images = images[:, : images.shape[1] // side * side, : images.shape[2] // side * side]
    n, height, width, channels = images.shape
    blocks = images.reshape(n, height // side, side, width // side, side, channels)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(-1, side * side * channels) / 255.0


def _principal_components(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows' mean and their covariance's eigenvalues and eigenvectors (columns), largest first."""
    values, vectors = np.linalg.eigh(np.cov(rows, rowvar=False))
    return rows.mean(axis=0), values[::-1], vectors[:, ::-1]
