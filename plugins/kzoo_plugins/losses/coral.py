"""CORAL: the rank of an ordered class as one yes-or-no question for each threshold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import widen
from kzoo_plugins.losses.thresholds import ThresholdLoss, above_thresholds

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Coral", "coral"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Coral(ThresholdLoss):
    """CORAL loss: the binary crossentropies of the questions whether a sample is above each threshold, added up.

    Formula, for one sample of class y of K ordered classes, with thresholds k = 1 .. K - 1:

    ```
    above_k = 1 if y >= k, else 0
    coral = -sum_k importance_k (above_k log sigmoid(z_k) + (1 - above_k) log sigmoid(-z_k))
    ```

    The paper's network has one output without bias for all thresholds, to which a bias for each is added, so that a
    higher threshold is never the likelier one: `Dense(1, use_bias=False)`, then a layer that adds K - 1 biases. The
    loss itself takes any K - 1 logits. `kzoo_plugins.losses.thresholds` has `threshold_probabilities` and
    `threshold_labels`, which turn them into classes.

    Args:
        importance: A weight of at least 0 for each of the K - 1 thresholds. Defaults to None: 1 for each.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "coral".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Class indices of shape (...) or (..., 1), or one-hot or soft labels of shape (..., K).
        y_pred: Logits of shape (..., K - 1).

    Raises:
        ValueError: `importance` holds a number below 0 or that is not finite, or is not of the size of `y_pred`; the
            shapes of labels and logits do not belong together.

    Example:
        >>> loss = Coral()
        >>> logits = [[2.1, 1.8, -2.1, -1.8], [1.9, -1.0, -1.5, -1.3], [1.9, 1.8, 1.7, 1.6]]
        >>> round(float(loss([2, 1, 4], logits)), 4)
        0.692

    References:
        - [Cao et al., 2020](https://arxiv.org/abs/1901.07884), Rank consistent ordinal regression for neural networks
          with application to age estimation
    """

    def __init__(
        self,
        importance: Sequence[float] | None = None,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "coral",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_importance(importance)
        self.importance = importance

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(...)``."""
        return _crossentropies(y_true, y_pred, self.importance)


def coral(y_true: Any, y_pred: Any, *, importance: Sequence[float] | None = None) -> Any:
    """Return the CORAL loss of each sample; see `Coral` for the formula and the arguments.

    Example:
        >>> [round(float(value), 4) for value in coral([0, 2], [[0.0, 0.0], [0.0, 40.0]])]
        [1.3863, 0.6931]
    """
    _check_importance(importance)
    y_pred = widen(y_pred)
    return _crossentropies(above_thresholds(ops.convert_to_tensor(y_true), y_pred, "coral"), y_pred, importance)


def _crossentropies(above: Any, logits: Any, importance: Sequence[float] | None) -> Any:
    losses = -(above * ops.log_sigmoid(logits) + (1 - above) * ops.log_sigmoid(-logits))
    if importance is None:
        return ops.sum(losses, axis=-1)
    if len(importance) != logits.shape[-1]:
        message = f"`importance` is for {len(importance)} thresholds, and `y_pred` has {logits.shape[-1]}."
        raise ValueError(message)
    return ops.sum(losses * ops.convert_to_tensor(importance, dtype=losses.dtype), axis=-1)


def _check_importance(importance: Sequence[float] | None) -> None:
    if importance is not None and not all(math.isfinite(weight) and weight >= 0 for weight in importance):
        message = f"`importance` must hold finite numbers of at least 0, not {list(importance)}."
        raise ValueError(message)
