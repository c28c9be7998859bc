"""Shapes of labels, predictions, weights and masks: what belongs together, and nothing broadcast by accident."""

from __future__ import annotations

from typing import Any

from keras import ops

__all__ = ["align_shapes", "check_mask", "fit_weight", "mask_of", "may_be_equal"]


def align_shapes(y_true: Any, y_pred: Any, what: str) -> tuple[Any, Any]:
    """Return the two with equal shapes: a last dimension of one is squeezed, anything else that differs is refused.

    Raises:
        ValueError: The shapes differ in a way that would broadcast.
    """
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    if len(true_shape) == len(pred_shape) + 1 and true_shape[-1] == 1:
        y_true, true_shape = ops.squeeze(y_true, -1), true_shape[:-1]
    elif len(pred_shape) == len(true_shape) + 1 and pred_shape[-1] == 1:
        y_pred, pred_shape = ops.squeeze(y_pred, -1), pred_shape[:-1]
    if not may_be_equal(true_shape, pred_shape):
        message = f"`{what}` got y_true of shape {true_shape} and y_pred of shape {pred_shape}; they must be equal."
        raise ValueError(message)
    return y_true, y_pred


def may_be_equal(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Return whether two shapes are equal as far as they are known: None stands for a size known only later."""
    return len(one) == len(other) and all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))


def fit_weight(weight: Any, values: Any, what: str) -> Any:
    """Return sample weights in a shape that multiplies ``values`` sample by sample and can broadcast no other way.

    Raises:
        ValueError: The weights are for another number of samples or positions.
    """
    if weight is None:
        return None
    weight = ops.convert_to_tensor(weight)
    rank, shape = len(values.shape), tuple(weight.shape)
    while len(shape) > max(rank, 1) and shape[-1] == 1:
        weight, shape = ops.squeeze(weight, -1), shape[:-1]
    fits = len(shape) <= rank and may_be_equal(
        tuple(None if size == 1 and at else size for at, size in enumerate(shape)), tuple(values.shape)[: len(shape)]
    )
    if not fits:
        message = (
            f"`{what}` got sample weights of shape {shape} for values of shape {tuple(values.shape)}. "
            "It takes one weight for each sample."
        )
        raise ValueError(message)
    for _ in range(rank - len(shape)):
        weight = ops.expand_dims(weight, -1)
    return ops.broadcast_to(weight, ops.shape(values))


def mask_of(y_pred: Any) -> Any:
    """Return the mask that Keras layers left on predictions, or None."""
    return getattr(y_pred, "_keras_mask", None)


def check_mask(mask: Any, values: Any, what: str) -> None:
    """Raise ``ValueError`` where a mask speaks of steps and the values do not, so that Keras would broadcast them."""
    if mask is not None and not may_be_equal(tuple(mask.shape), tuple(values.shape)):
        message = (
            f"`{what}` returns values of shape {tuple(values.shape)}, and the predictions carry a mask of shape "
            f"{tuple(mask.shape)}. A masked step can be left out only where each step has a value of its own."
        )
        raise ValueError(message)
