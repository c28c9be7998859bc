"""The distribution focal loss: where a network says a number as a distribution over bins, as detectors do of sides."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import Loss, widen

__all__ = ["DistributionFocal", "dfl"]

_FEWEST_BINS = 2


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class DistributionFocal(Loss):
    """Distribution focal loss, DFL: crossentropy of the two bins around a number, weighed by how near each one is.

    Formula, for one number y between the bins l and l + 1 of B, p being the softmax of its logits; for a box the mean
    over its sides:

    ```
    dfl = -(l + 1 - y) log p_l - (y - l) log p_(l+1)
    ```

    Bins stand for the whole numbers 0 to B - 1, in the unit of the labels: for boxes, the distances from a point to the
    four sides, in cells of the grid. What the network says is the mean of its bins, `sum_l l p_l`. The loss is least,
    though not 0, where the two bins alone have a probability, each by how near it is.

    A label below 0 or above B - 1 has no bins around it and gives NaN; clip longer distances to B - 1 where labels are
    made, as other libraries do in the loss.

    Args:
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "dfl".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Numbers between 0 and B - 1, shape (..., S), such as (N, 4) or (N, places, 4).
        y_pred: Logits of shape (..., S * B), the bins of the first number first, as the last layer of a network makes
            them; or of shape (..., S, B).

    Raises:
        ValueError: The shapes of labels and logits do not belong together, or there are fewer than two bins.

    Example:
        >>> loss = DistributionFocal()
        >>> round(float(loss([[0.25]], [[0.0, 0.0]])), 6)  # log(2)
        0.693147

    References:
        - [Li et al., 2020](https://arxiv.org/abs/2006.04388), Generalized Focal Loss: Learning Qualified and
          Distributed Bounding Boxes for Dense Object Detection
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "dfl", dtype: Any = None) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels, NaN where they lie beyond the bins, and logits of shape ``(..., S, B)``."""
        return _in_bins(y_true, y_pred, self.name)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each row of numbers, shape ``(...)``."""
        return dfl(y_true, y_pred)


def dfl(y_true: Any, y_pred: Any) -> Any:
    """Return the distribution focal loss of each row of numbers; see `DistributionFocal` for the formula.

    Example:
        >>> [round(float(value), 4) for value in dfl([[1.0], [1.5]], [[[0.0, 9.0, 0.0]], [[0.0, 9.0, 9.0]]])]
        [0.0002, 0.6932]
    """
    y_pred = widen(y_pred)
    y_true, y_pred = _in_bins(ops.cast(ops.convert_to_tensor(y_true), y_pred.dtype), y_pred, "dfl")
    bins = y_pred.shape[-1]
    place = ops.arange(bins, dtype=y_pred.dtype)
    # The two bins around a number share it out: each has 1 less its distance, all others nothing.
    near = ops.relu(1 - ops.abs(ops.expand_dims(y_true, -1) - place))
    logs = ops.log_softmax(y_pred, axis=-1)
    # Selected, not multiplied: a bin that is ruled out has a logarithm of -inf, and 0 times that is NaN.
    return ops.mean(-ops.sum(ops.where(ops.equal(near, 0), ops.zeros_like(logs), near * logs), axis=-1), axis=-1)


def _in_bins(y_true: Any, y_pred: Any, what: str) -> tuple[Any, Any]:
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    bins = _bins_of(true_shape, pred_shape)
    if bins is None or bins < _FEWEST_BINS:
        message = (
            f"`{what}` got y_true of shape {true_shape} and y_pred of shape {pred_shape}. It takes numbers of shape "
            "(..., S), and logits of shape (..., S * B) or (..., S, B) of the B bins of each, with B of at least 2."
        )
        raise ValueError(message)
    if len(pred_shape) == len(true_shape):
        y_pred = ops.reshape(y_pred, (*ops.shape(y_true), bins))
    inside = ops.logical_and(y_true >= 0, y_true <= bins - 1)
    return ops.where(inside, y_true, float("nan")), y_pred


def _bins_of(true_shape: tuple[Any, ...], pred_shape: tuple[Any, ...]) -> int | None:
    """Return how many bins each number has; None where the shapes do not belong together."""
    numbers, logits = (shape[-1] if shape else None for shape in (true_shape, pred_shape))
    if not numbers or logits is None or len(pred_shape) - len(true_shape) not in (0, 1):
        return None
    flat = len(pred_shape) == len(true_shape)
    before = zip(true_shape[:-1] if flat else true_shape, pred_shape[:-1], strict=True)
    if not all(a is None or b is None or a == b for a, b in before):
        return None
    return (logits // numbers if logits % numbers == 0 else None) if flat else int(logits)
