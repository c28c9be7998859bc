"""Losses that measure how far a mask's boundary is from where it should be: boundary and Hausdorff."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLabels
from kzoo_plugins.losses.distance_maps import as_mask, sides_of
from kzoo_plugins.losses.masks import MaskLoss, as_masks, mask_probabilities, mean_over_classes, over_positions, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Boundary", "Hausdorff", "boundary", "hausdorff"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Boundary(MaskLoss):
    """Boundary loss: what is predicted outside of the truth costs its distance, what is predicted inside earns it.

    Formula, for one sample, with the mean over its positions i and its K classes c:

    ```
    phi_ic   = distance from i to the nearest position of class c, where i is of another class
               1 - distance from i to the nearest position of another class, where i is of class c
    boundary = mean_ic [y_pred_ic phi_ic]
    ```

    The distances are Euclidean, in positions, and are calculated in the loss from the labels: a position at the inner
    edge of its class counts 0, one at the outer edge 1. A class that the sample has none of, or nothing else, has no
    boundary and counts 0. The least value is that of the exact prediction and lies below 0.

    The loss alone says little to a network that finds nothing yet; the paper adds it to another one between masks, with
    a weight that grows from 0.01. A map takes time: `distances_to` says how much.

    Args:
        from_logits: Whether `y_pred` holds logits, to which a softmax over the classes is applied, or a sigmoid where
            K = 1. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean; they are also on neither side
            of a boundary. Defaults to None.
        class_weight: A number of at least 0 for each class: its weight in the mean over the classes; `[0, 1]` leaves
            out the background, as the paper does. Defaults to None: all the same.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "boundary".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Masks of shape (N, ..., K), or class indices of shape (N, ...) or (N, ..., 1); labels 0 and 1 for K = 1.
            Where labels are soft, a class is where it has more than 1/2.
        y_pred: Probabilities or logits of shape (N, ..., K), such as (N, H, W, K) or (N, D, H, W, K).

    Raises:
        ValueError: The shapes of labels and predictions do not belong together.

    Example:
        >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
        >>> float(Boundary()(y_true, y_true)), float(Boundary()(y_true, [[[0.0], [0.0], [1.0], [1.0]]]))
        (-0.25, 0.75)

    References:
        - [Kervadec et al., 2019](https://arxiv.org/abs/1812.07032), Boundary loss for highly unbalanced segmentation
    """

    def __init__(
        self,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "boundary",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(N,)``."""
        return self.values_of(ClassLabels(y_true, y_pred))

    def values_of(self, labels: ClassLabels) -> Any:
        """Return the loss of each sample, shape ``(N,)``, of the positions that are kept."""
        return boundary(labels.y_true, labels.y_pred, class_weight=self.class_weight, kept=labels.kept)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Hausdorff(MaskLoss):
    """Hausdorff loss by distance transforms: squared errors, each the dearer the farther it is from both boundaries.

    Formula, for one sample, with the mean over its positions i and its K classes c:

    ```
    d_ic      = distance from i to the nearest position on the other side of the boundary of class c
    hausdorff = mean_ic [(y_pred_ic - y_true_ic)^2 (d_true_ic^alpha + d_pred_ic^alpha)]
    ```

    The distances are Euclidean, in positions, and are calculated in the loss: `d_true` from the labels, `d_pred` from
    where the prediction is above 1/2. They are constants to the gradient. A class that is nowhere or everywhere has no
    boundary and distances of 0; so a prediction that is nowhere above 1/2 costs by the truth's distances alone, and
    where the truth has no boundary either, nothing. The paper adds the loss to another one between masks.

    Args:
        alpha: The power of the distances, above 0: the higher, the more the farthest error counts. Defaults to 2, the
            paper's choice.
        from_logits: Whether `y_pred` holds logits, to which a softmax over the classes is applied, or a sigmoid where
            K = 1. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean; they are also on neither side
            of a boundary. Defaults to None.
        class_weight: A number of at least 0 for each class: its weight in the mean over the classes; `[0, 1]` leaves
            out the background. Defaults to None: all the same.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "hausdorff".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Masks of shape (N, ..., K), or class indices of shape (N, ...) or (N, ..., 1); labels 0 and 1 for K = 1.
            Where labels are soft, a class is where it has more than 1/2.
        y_pred: Probabilities or logits of shape (N, ..., K), such as (N, H, W, K) or (N, D, H, W, K).

    Raises:
        ValueError: `alpha` is not a finite number above 0; the shapes of labels and predictions do not belong together.

    Example:
        >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
        >>> float(Hausdorff()(y_true, [[[1.0], [1.0], [1.0], [0.0]]]))  # (1^2 + 1^2) / 4
        0.5

    References:
        - [Karimi, Salcudean, 2019](https://arxiv.org/abs/1904.10030), Reducing the Hausdorff Distance in Medical Image
          Segmentation with Convolutional Neural Networks
    """

    def __init__(
        self,
        alpha: float = 2.0,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "hausdorff",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_alpha(alpha)
        self.alpha = alpha
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(N,)``."""
        return self.values_of(ClassLabels(y_true, y_pred))

    def values_of(self, labels: ClassLabels) -> Any:
        """Return the loss of each sample, shape ``(N,)``, of the positions that are kept."""
        return hausdorff(
            labels.y_true, labels.y_pred, alpha=self.alpha, class_weight=self.class_weight, kept=labels.kept
        )


def boundary(
    y_true: Any,
    y_pred: Any,
    *,
    from_logits: bool = False,
    class_weight: Sequence[float] | None = None,
    kept: Any = None,
) -> Any:
    """Return the boundary loss of each sample; see `Boundary` for the formula and the arguments.

    ``kept`` says which positions count, shape ``(N, ...)``; None for all.

    Example:
        >>> [float(value) for value in boundary([[[1.0], [0.0], [0.0]]], [[[0.0], [0.0], [1.0]]])]
        [0.6666666865348816]
    """
    y_pred = mask_probabilities(y_pred, from_logits=from_logits)
    y_true = as_masks(ops.convert_to_tensor(y_true), y_pred, "boundary")
    within, beyond = _sides(y_true, kept)
    signed = beyond - ops.relu(within - 1)
    return _mean(y_pred * signed, y_true, class_weight, kept)


def hausdorff(
    y_true: Any,
    y_pred: Any,
    *,
    alpha: float = 2.0,
    from_logits: bool = False,
    class_weight: Sequence[float] | None = None,
    kept: Any = None,
) -> Any:
    """Return the Hausdorff loss of each sample; see `Hausdorff` for the formula and the arguments.

    ``kept`` says which positions count, shape ``(N, ...)``; None for all.

    Example:
        >>> [float(value) for value in hausdorff([[[1.0], [0.0], [0.0], [0.0]]], [[[1.0], [0.0], [0.0], [0.5]]])]
        [1.125]
    """
    _check_alpha(alpha)
    y_pred = mask_probabilities(y_pred, from_logits=from_logits)
    y_true = as_masks(ops.convert_to_tensor(y_true), y_pred, "hausdorff")
    # A position is on one side of a boundary, and its distance to the other side is 0 there.
    far = sum(ops.power(side, alpha) for mask in (y_true, y_pred) for side in _sides(mask, kept))
    return _mean(ops.square(y_pred - y_true) * ops.stop_gradient(far), y_true, class_weight, kept)


def _sides(masks: Any, kept: Any) -> tuple[Any, Any]:
    """Return the maps of `sides_of`, in which a position that does not count is on neither side."""
    inside = as_mask(masks)
    outside = ops.logical_not(inside)
    if kept is not None:
        counts = ops.expand_dims(kept, -1)
        inside, outside = ops.logical_and(inside, counts), ops.logical_and(outside, counts)
    return sides_of(inside, outside, masks.dtype)


def _mean(values: Any, y_true: Any, class_weight: Sequence[float] | None, kept: Any) -> Any:
    """Return the mean over the positions that count and over the classes, shape ``(N,)``."""
    counts = ops.ones_like(values)
    if kept is not None:
        counts = ops.where(ops.expand_dims(kept, -1), counts, ops.zeros_like(counts))
    each = ratio(over_positions(values * counts), over_positions(counts))
    return mean_over_classes(each, y_true, count_absent=True, class_weight=class_weight)


def _check_alpha(alpha: float) -> None:
    if not (math.isfinite(alpha) and alpha > 0):
        message = f"`alpha` must be a finite number above 0, not {alpha}."
        raise ValueError(message)
