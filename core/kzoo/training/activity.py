"""A regularizer of what a layer puts out, given to a layer of a network that is built already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["regularize_activity"]


def regularize_activity(model: keras.Model, regularizer: Any, layer: str) -> None:
    """Have what a layer puts out regularized.

    Args:
        model: The network; those in it, and those that a wrapper calls, are looked into.
        regularizer: A `keras.regularizers.Regularizer` of outputs.
        layer: ``outputs`` for the layer whose outputs are the network's, ``features`` for the one whose outputs the
            last layer with a kernel takes.

    Raises:
        UsageError: The network has no such layer.
    """
    chosen = {"outputs": _of_outputs, "features": _of_features}[layer]
    _each(model, regularizer, chosen)


def _each(model: Any, regularizer: Any, choose: Callable[[Any], Any]) -> None:
    found = choose(model)
    if found is None or isinstance(found, keras.layers.InputLayer):
        message = (
            f"The regularizer `{type(regularizer).__name__}` is for what a layer puts out, and the network "
            f"`{model.name}` has no layer of that kind. Take a regularizer of weights: `kzoo list-regularizers`."
        )
        raise UsageError(message)
    found.activity_regularizer = regularizer


def _of_outputs(model: Any) -> Any:
    """Return the layer that gives the first output, within networks and wrappers."""
    found = _made_by(model.outputs[0]) if getattr(model, "outputs", None) else None
    inner = found.layer if isinstance(found, keras.layers.Wrapper) else found
    return _of_outputs(inner) if isinstance(inner, keras.Model) else inner


def _of_features(model: Any) -> Any:
    """Return the layer whose outputs the last layer with a kernel takes."""
    layer = _of_outputs(model)
    while layer is not None and not hasattr(layer, "kernel"):
        layer = _before(layer)
    return None if layer is None else _before(layer)


def _before(layer: Any) -> Any:
    """Return the layer whose outputs a layer takes; None for that of the inputs."""
    return None if isinstance(layer, keras.layers.InputLayer) else _made_by(layer.input)


def _made_by(tensor: Any) -> Any:
    """Return the layer that gives a symbolic tensor, or the first of several."""
    while isinstance(tensor, (list, tuple, dict)):
        tensor = next(iter(tensor.values() if isinstance(tensor, dict) else tensor))
    return tensor._keras_history.operation  # noqa: SLF001 - Keras tells it nowhere else
