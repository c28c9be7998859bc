"""A crossentropy with margins between classes of which some are rare."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLoss, as_class_labels, widen
from kzoo_plugins.losses.logs import check_at_least_0, logits_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LDAM", "ldam"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class LDAM(ClassLoss):
    """Label-distribution-aware margin loss: the rarer a class, the wider the margin by which it has to win.

    Formula, for one sample with K classes, the logits z and class counts n:

    ```
    margin_k = max_margin (min n / n_k)^(1/4)
    ldam = -sum_k y_true_k log softmax(scale (z - y_true margin))_k
    ```

    The paper's logits are cosines, between -1 and 1, for which the default `scale` is made; give `scale=1` for the
    logits or the softmax of an ordinary last layer. A number added to all logits changes nothing, and the logarithm of
    a softmax is its logits but for such a number: from the probabilities of a softmax the loss is that of its logits.

    Args:
        class_counts: How many samples each class has, all above 0. Defaults to None: as many of each, so that all
            margins are `max_margin`.
        max_margin: The margin of the rarest class, at least 0. Defaults to 0.5.
        scale: What multiplies the logits, above 0. Defaults to 30.
        from_logits: Whether `y_pred` holds logits; otherwise it holds their softmax. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "ldam".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot labels of shape (..., K), or class indices of shape (...) or (..., 1).
        y_pred: The probabilities of a softmax, or logits, of shape (..., K).

    Raises:
        ValueError: `class_counts` holds a number that is not finite and above 0, or has another length than there are
            classes; `max_margin` is below 0 or `scale` not above 0; the shapes of labels and predictions do not belong
            together.

    Example:
        >>> loss = LDAM(class_counts=[16, 1], max_margin=0.5, scale=1, from_logits=True)
        >>> round(float(loss([0], [[0.0, 0.0]])), 4), round(float(loss([1], [[0.0, 0.0]])), 4)
        (0.8259, 0.9741)

    References:
        - [Cao et al., 2019](https://arxiv.org/abs/1906.07413), Learning Imbalanced Datasets with
          Label-Distribution-Aware Margin Loss
    """

    def __init__(
        self,
        class_counts: Sequence[float] | None = None,
        max_margin: float = 0.5,
        scale: float = 30.0,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "ldam",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_arguments(class_counts, max_margin, scale)
        self.class_counts = class_counts
        self.max_margin = max_margin
        self.scale = scale
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(...)``."""
        return ldam(
            y_true,
            y_pred,
            class_counts=self.class_counts,
            max_margin=self.max_margin,
            scale=self.scale,
            from_logits=self.from_logits,
        )


def ldam(
    y_true: Any,
    y_pred: Any,
    *,
    class_counts: Sequence[float] | None = None,
    max_margin: float = 0.5,
    scale: float = 30.0,
    from_logits: bool = False,
) -> Any:
    """Return the label-distribution-aware margin loss of each sample; see `LDAM`.

    Example:
        >>> [round(float(value), 4) for value in ldam([0, 1], [[0.5, 0.5], [0.5, 0.5]], max_margin=0)]
        [0.6931, 0.6931]
    """
    _check_arguments(class_counts, max_margin, scale)
    y_pred = widen(y_pred)
    y_true = as_class_labels(ops.convert_to_tensor(y_true), y_pred, "ldam")
    margins = _margins(class_counts, max_margin, y_pred)
    scores = scale * (logits_of(y_pred, from_logits=from_logits) - y_true * margins)
    return -ops.sum(y_true * ops.log_softmax(scores, axis=-1), axis=-1)


def _margins(class_counts: Sequence[float] | None, max_margin: float, y_pred: Any) -> Any:
    if class_counts is None:
        return max_margin
    classes = y_pred.shape[-1]
    if len(class_counts) != classes:
        message = f"`class_counts` has {len(class_counts)} numbers, and `y_pred` has {classes} classes."
        raise ValueError(message)
    rarest = min(class_counts)
    margins = [max_margin * (rarest / count) ** 0.25 for count in class_counts]
    return ops.convert_to_tensor(margins, dtype=y_pred.dtype)


def _check_arguments(class_counts: Sequence[float] | None, max_margin: float, scale: float) -> None:
    check_at_least_0(max_margin=max_margin)
    if not (math.isfinite(scale) and scale > 0):
        message = f"`scale` must be a finite number above 0, not {scale}."
        raise ValueError(message)
    if class_counts is not None and not all(math.isfinite(count) and count > 0 for count in class_counts):
        message = f"`class_counts` must hold finite numbers above 0, not {list(class_counts)}."
        raise ValueError(message)
