"""Lovasz losses between masks: the Jaccard index, made convex in the errors of all positions together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import widen
from kzoo_plugins.losses.masks import MaskLoss, as_masks, mask_probabilities, ratio, weights_of_classes

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LovaszHinge", "LovaszSoftmax", "lovasz_hinge", "lovasz_softmax"]

_CLASSES = ("present", "all")


class _LovaszLoss(MaskLoss):
    """What the two have in common."""

    per_image: bool

    def kept(self, y_true: Any, y_pred: Any) -> Any:
        """Return which samples count; of shares in the loss of a batch all do, that of an ignored sample being 0."""
        return super().kept(y_true, y_pred) if self.per_image else None


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class LovaszSoftmax(_LovaszLoss):
    """Lovasz-Softmax loss: a convex stand-in for the Jaccard loss of each class, on probabilities.

    Formula, for one class c, with the errors of all positions i in falling order:

    ```
    m_i = |y_true_i - y_pred_i|
    J_i = 1 - (sum y_true - sum_{j <= i} y_true_j) / (sum y_true + sum_{j <= i} (1 - y_true_j)),   J_0 = 0
    loss_c = sum_i m_i (J_i - J_{i-1})
    lovasz_softmax = mean_c loss_c
    ```

    With `per_image=True` the positions i are those of one sample, and its value is its loss. With `per_image=False`
    they are those of the whole batch, and there is one loss for the batch. It is a sum over positions, so each sample
    has a share in it, and the value of a sample is its share times the number of samples: the mean over the batch is
    the loss, and a sample weight weighs the share of its sample. The sample still counts in the order of the others'
    errors.

    Args:
        classes: "present" for the mean over the classes that `y_true` has (in the sample or the batch, after
            `per_image`; 0 where it has none), "all" for the mean over all K. Defaults to "present".
        per_image: Whether each sample has a loss of its own. Defaults to False.
        from_logits: Whether `y_pred` holds logits, to which a softmax over the classes is applied, or a sigmoid where
            K = 1. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class: its weight in the mean over the classes. Defaults to
            None: all the same.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "lovasz_softmax".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Masks of shape (N, ..., K), or class indices of shape (N, ...) or (N, ..., 1); labels 0 and 1 for K = 1.
        y_pred: Probabilities or logits of shape (N, ..., K), such as (N, H, W, K).

    Raises:
        ValueError: `classes` is neither "present" nor "all"; the shapes of labels and predictions do not belong
            together.

    Example:
        >>> y_true = [[0, 0, 1, 1]]
        >>> y_pred = [[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]]
        >>> round(float(LovaszSoftmax()(y_true, y_pred)), 4)  # the mean of 1 - 1/2 and 1 - 2/3
        0.4167

    References:
        - [Berman et al., 2018](https://arxiv.org/abs/1705.08790), The Lovasz-Softmax loss
    """

    def __init__(
        self,
        classes: str = "present",
        per_image: bool = False,  # noqa: FBT001, FBT002 - named as an argument in `lovasz_softmax:per_image=true`
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "lovasz_softmax",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_classes(classes)
        self.classes = classes
        self.per_image = per_image
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, or its share in that of the batch, shape ``(N,)``."""
        return lovasz_softmax(
            y_true, y_pred, classes=self.classes, per_image=self.per_image, class_weight=self.class_weight
        )


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class LovaszHinge(_LovaszLoss):
    """Lovasz hinge: a convex stand-in for the Jaccard loss of a binary mask, on logits.

    Formula, with labels 0 and 1, and the errors of all positions i in falling order:

    ```
    m_i = 1 - (2 y_true_i - 1) y_pred_i
    J_i = 1 - (sum y_true - sum_{j <= i} y_true_j) / (sum y_true + sum_{j <= i} (1 - y_true_j)),   J_0 = 0
    lovasz_hinge = sum_i max(m_i, 0) (J_i - J_{i-1})
    ```

    Where `y_pred` has several channels, each is a binary mask of its own, and the loss is the mean over them. With
    `per_image=True` the positions i are those of one sample. With `per_image=False` they are those of the whole batch,
    and the value of a sample is its share in the batch's loss times the number of samples, as in `LovaszSoftmax`.

    Args:
        per_image: Whether each sample has a loss of its own. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class: its weight in the mean over the classes. Defaults to
            None: all the same.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "lovasz_hinge".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Labels 0 and 1 of shape (N, ..., K), or (N, ...) for K = 1; for K > 1 also class indices of shape
            (N, ...) or (N, ..., 1).
        y_pred: Logits of shape (N, ..., K), such as (N, H, W, 1): above 0 for a position in the mask.

    Raises:
        ValueError: The shapes of labels and predictions do not belong together.

    Example:
        >>> y_true = [[[1.0], [1.0], [0.0]]]
        >>> float(LovaszHinge()(y_true, [[[2.0], [0.5], [-1.0]]]))  # one within the margin: m = (-1, 0.5, 0)
        0.25

    References:
        - [Berman et al., 2018](https://arxiv.org/abs/1705.08790), The Lovasz-Softmax loss
        - [Yu, Blaschko, 2015](https://arxiv.org/abs/1512.07797), The Lovasz Hinge
    """

    outside = -1.0  # at the margin, without an error
    takes_logits = True

    def __init__(
        self,
        per_image: bool = False,  # noqa: FBT001, FBT002 - named as an argument in `lovasz_hinge:per_image=true`
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "lovasz_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        self.per_image = per_image

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, or its share in that of the batch, shape ``(N,)``."""
        return lovasz_hinge(y_true, y_pred, per_image=self.per_image, class_weight=self.class_weight)


def lovasz_softmax(
    y_true: Any,
    y_pred: Any,
    *,
    classes: str = "present",
    per_image: bool = False,
    from_logits: bool = False,
    class_weight: Sequence[float] | None = None,
) -> Any:
    """Return the Lovasz-Softmax loss of each sample, or its share in that of the batch; see `LovaszSoftmax`.

    Example:
        >>> y_true, y_pred = [[0, 0], [0, 1]], [[[0.5, 0.5], [1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]]]
        >>> [float(value) for value in lovasz_softmax(y_true, y_pred, per_image=True)]
        [0.25, 0.75]
    """
    _check_classes(classes)
    y_pred = mask_probabilities(y_pred, from_logits=from_logits)
    y_true = as_masks(ops.convert_to_tensor(y_true), y_pred, "lovasz_softmax")
    shares, present = _shares(y_true, ops.abs(y_true - y_pred), per_image=per_image)
    weights = ops.ones_like(shares) * weights_of_classes(class_weight, shares)
    if classes == "present":
        weights = ops.where(present, weights, ops.zeros_like(weights))
    return _weighted_mean(shares, weights)


def lovasz_hinge(
    y_true: Any, y_pred: Any, *, per_image: bool = False, class_weight: Sequence[float] | None = None
) -> Any:
    """Return the Lovasz hinge of each sample, or its share in that of the batch; see `LovaszHinge`.

    Example:
        >>> y_true, y_pred = [[1, 0], [0, 0]], [[[0.5], [-2.0]], [[-2.0], [0.5]]]
        >>> [float(value) for value in lovasz_hinge(y_true, y_pred, per_image=True)]
        [0.5, 1.5]
    """
    y_pred = widen(y_pred)
    y_true = as_masks(ops.convert_to_tensor(y_true), y_pred, "lovasz_hinge")
    # Errors below 0 weigh nothing, but their order would still be part of the formula: all of them come last, so it
    # changes no weight of an error above 0.
    shares, _ = _shares(y_true, ops.relu(1 - (2 * y_true - 1) * y_pred), per_image=per_image)
    return _weighted_mean(shares, ops.ones_like(shares) * weights_of_classes(class_weight, shares))


def _weighted_mean(shares: Any, weights: Any) -> Any:
    total = ops.sum(ops.where(weights > 0, weights * shares, ops.zeros_like(shares)), axis=-1)
    return ratio(total, ops.sum(weights, axis=-1))


def _shares(y_true: Any, errors: Any, *, per_image: bool) -> tuple[Any, Any]:
    """Return each sample's share in the loss of each class (N, K), and whether there is any of the class (N or 1, K).

    The shares of a sample add up to its own loss, or, over the batch, to the batch's loss times the number of samples.
    """
    classes = y_true.shape[-1]
    samples = ops.shape(y_true)[0]
    labels, wrong = (ops.reshape(value, (samples, -1, classes)) for value in (y_true, errors))
    if not per_image:
        labels, wrong = (ops.reshape(value, (1, -1, classes)) for value in (labels, wrong))
    labels, wrong = (ops.swapaxes(value, 1, 2) for value in (labels, wrong))  # sorting is along the last axis
    # The weights are constant between two orders of the errors: the gradient passes through the errors alone.
    weights = ops.stop_gradient(_weights(labels, wrong))
    present = ops.logical_not(ops.sum(labels, axis=-1) <= 0)  # so that NaN counts as present
    weighted = wrong * weights
    if per_image:
        return ops.sum(weighted, axis=-1), present
    by_sample = ops.reshape(weighted, (classes, samples, -1))
    shares = ops.swapaxes(ops.sum(by_sample, axis=-1), 0, 1)
    return shares * ops.cast(samples, shares.dtype), present


def _weights(labels: Any, errors: Any) -> Any:
    """Return how much the Jaccard loss grows when a position joins those whose errors are larger; last axis."""
    order = ops.argsort(-errors, axis=-1)
    true = ops.take_along_axis(labels, order, axis=-1)
    size = ops.sum(true, axis=-1, keepdims=True)
    intersection = size - ops.cumsum(true, axis=-1)
    union = size + ops.cumsum(1 - true, axis=-1)
    # J_i - J_{i-1} as one fraction: among a million positions the difference of two J has hardly a digit left.
    before = union - (1 - true)
    growth = ratio(true * union + (1 - true) * intersection, before * union)
    # Without any position of the class the union is 0 before the first one, whose step is then the whole of J: 1.
    first = ops.equal(ops.cumsum(ops.ones_like(true), axis=-1), 1)
    growth = ops.where(ops.logical_and(first, ops.equal(size, 0)), ops.ones_like(growth), growth)
    return ops.take_along_axis(growth, ops.argsort(order, axis=-1), axis=-1)


def _check_classes(classes: str) -> None:
    if classes not in _CLASSES:
        message = f"`classes` must be one of {', '.join(map(repr, _CLASSES))}, not {classes!r}."
        raise ValueError(message)
