"""The weighted kappa loss: how far predictions of ordered classes agree with the labels beyond chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import (
    ClassLabels,
    ClassLoss,
    as_class_labels,
    class_probabilities,
    fit_weight,
    propagate_nan,
    widen,
)
from kzoo_plugins.losses.logs import SMALLEST

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["WeightedKappa", "weighted_kappa"]

_WEIGHTS = ("quadratic", "linear")
_RANK = 2
_NEAR_CHANCE = 0.5


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class WeightedKappa(ClassLoss):
    """Weighted kappa loss: the disagreement of a batch with its labels, relative to what chance would give.

    Formula, for N samples i of K ordered classes, with sample weights s_i (1 where none are given):

    ```
    cost(j, k) = |j - k|^2                weights="quadratic"; |j - k| for "linear"
    true_j = sum_i s_i y_true_ij,         pred_k = sum_i s_i y_pred_ik
    observed = sum_i s_i sum_jk cost(j, k) y_true_ij y_pred_ik
    expected = sum_jk cost(j, k) true_j pred_k / sum_i s_i
    loss = log(1 - kappa + epsilon),      1 - kappa = observed / expected
    ```

    Kappa is that of the batch as a whole, so the loss is one number and the value of every sample is that number. Its
    lowest value is log(epsilon), at full agreement, and chance gives about 0. Where nothing is expected (labels and
    predictions are all one class) there is full agreement. A sample weight counts twice: in the sums above, where
    weights matter only relative to each other, and as in any loss as the factor of the sample's value. So a sample of
    weight 0 has no part, and doubling all weights doubles the loss.

    Kappa of a small batch is a poor estimate of that of the data, and that of one sample is always 0: take batches of
    many samples, with all classes in most of them.

    Args:
        weights: "quadratic" or "linear". Defaults to "quadratic".
        epsilon: What is added within the logarithm, above 0. Defaults to 1e-6.
        from_logits: Whether `y_pred` holds logits, to which a softmax is applied. Defaults to False.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "weighted_kappa".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (N, K), or class indices of shape (N,) or (N, 1).
        y_pred: Probabilities or logits of shape (N, K).
        sample_weight: Weights of shape (N,) or (N, 1), or one number.

    Raises:
        ValueError: `weights` is neither "quadratic" nor "linear"; `epsilon` is not a finite number above 0; the shapes
            do not belong together.

    Example:
        >>> loss = WeightedKappa()
        >>> near, far = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
        >>> round(float(loss([0, 2], near)), 4), round(float(loss([0, 2], far)), 4)
        (-1.0986, 0.0)

    References:
        - [de la Torre et al., 2018](https://doi.org/10.1016/j.patrec.2017.05.018), Weighted kappa loss function for
          multi-class classification of ordinal data in deep learning
        - [Cohen, 1968](https://doi.org/10.1037/h0026256), Weighted kappa: nominal scale agreement with provision for
          scaled disagreement or partial credit
    """

    def __init__(
        self,
        weights: str = "quadratic",
        epsilon: float = 1e-6,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "weighted_kappa",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_arguments(weights, epsilon)
        self.weights = weights
        self.epsilon = epsilon
        self.from_logits = from_logits

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the reduced loss of the batch, in whose kappa each sample counts by its weight."""
        scores = self._tensor(y_pred)
        if self.of_nothing(scores):
            return ops.sum(scores)
        with keras.name_scope(self.name):
            labels = self.read_labels(self._tensor(y_true), scores)
            values = self._values(labels, sample_weight)
        return self.reduce(values, y_pred, sample_weight, labels.kept)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of the batch as the value of each sample, shape ``(N,)``; 0 for those of an ignored class."""
        return self._values(self.read_labels(y_true, y_pred), None)

    def _values(self, labels: ClassLabels, sample_weight: Any) -> Any:
        own = labels.weights(self.dtype)
        if own is not None and sample_weight is not None:
            own = own * ops.cast(fit_weight(sample_weight, own, self.name), own.dtype)
        values = weighted_kappa(
            labels.y_true,
            labels.y_pred,
            weights=self.weights,
            epsilon=self.epsilon,
            from_logits=self.from_logits,
            sample_weight=sample_weight if own is None else own,
        )
        return labels.weigh(propagate_nan(values, labels.y_true, labels.y_pred))


def weighted_kappa(
    y_true: Any,
    y_pred: Any,
    *,
    weights: str = "quadratic",
    epsilon: float = 1e-6,
    from_logits: bool = False,
    sample_weight: Any = None,
) -> Any:
    """Return the weighted kappa loss of the batch as the value of each sample, shape (N,); see `WeightedKappa`.

    Example:
        >>> [round(float(value), 4) for value in weighted_kappa([0, 2], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])]
        [-1.0986, -1.0986]
    """
    _check_arguments(weights, epsilon)
    y_pred = class_probabilities(widen(y_pred), from_logits=from_logits)
    shape = tuple(y_pred.shape)
    if len(shape) != _RANK:
        message = f"`weighted_kappa` takes y_pred of shape (samples, classes), not {shape}."
        raise ValueError(message)
    y_true = as_class_labels(ops.convert_to_tensor(y_true), y_pred, "weighted_kappa")
    shares = _shares(sample_weight, y_pred)
    # Costs for the label of each sample, (N, K): with quadratic ones of 100 classes and more up to 1, not to 10,000.
    costs = ops.matmul(y_true, _costs(shape[-1], weights, y_pred.dtype))
    mean_costs, mean_pred = (ops.sum(shares * value, axis=0, keepdims=True) for value in (costs, y_pred))
    expected = ops.sum(mean_costs * mean_pred)
    disagreement = _over(ops.sum(shares * costs * y_pred), expected)
    # Near full agreement 1 - kappa keeps its digits as a quotient; near chance, where its logarithm is about 0, kappa
    # does as the covariance of costs and predictions. Each logarithm is given what is safe for it, as both have a
    # gradient.
    kappa = -_over(ops.sum(shares * (costs - mean_costs) * (y_pred - mean_pred)), expected)
    near = ops.logical_and(expected > SMALLEST, ops.abs(kappa) < _NEAR_CHANCE)
    loss = ops.where(
        near,
        ops.log1p(ops.where(near, epsilon - kappa, 0.0)),
        ops.log(ops.where(near, 1.0, disagreement + epsilon)),
    )
    return ops.broadcast_to(loss, ops.shape(y_pred)[:1])


def _over(part: Any, expected: Any) -> Any:
    """Return ``part / expected``, and 0 with gradient 0 where nothing is expected."""
    # The inner `where` keeps 0/0 out of the gradient.
    known = expected > SMALLEST
    return ops.where(known, part / ops.where(known, expected, 1.0), 0.0)


def _shares(sample_weight: Any, y_pred: Any) -> Any:
    """Return the share of each sample in the sum of all weights, shape (N, 1); all 0 where the weights are."""
    one = ops.ones_like(y_pred[:, :1])
    if sample_weight is None:
        return one / ops.sum(one)
    weight = ops.cast(ops.convert_to_tensor(sample_weight), y_pred.dtype)
    shape, samples = tuple(weight.shape), y_pred.shape[0]
    if shape not in ((), (1,), (1, 1)):
        fits = shape[1:] in ((), (1,)) and (None in (shape[0], samples) or shape[0] == samples)
        if not fits:
            message = (
                f"`weighted_kappa` got sample weights of shape {shape} for predictions of shape {tuple(y_pred.shape)}. "
                "It takes one weight for each sample."
            )
            raise ValueError(message)
    weight = one * ops.reshape(weight, (-1, 1))
    return ops.divide_no_nan(weight, ops.sum(weight))


def _costs(classes: int, weights: str, dtype: Any) -> Any:
    rank = ops.arange(classes, dtype=dtype) / max(classes - 1, 1)
    apart = ops.abs(ops.expand_dims(rank, 0) - ops.expand_dims(rank, 1))
    return ops.square(apart) if weights == "quadratic" else apart


def _check_arguments(weights: str, epsilon: float) -> None:
    if weights not in _WEIGHTS:
        message = f"`weights` must be one of {', '.join(map(repr, _WEIGHTS))}, not {weights!r}."
        raise ValueError(message)
    if not (math.isfinite(epsilon) and epsilon > 0):
        message = f"`epsilon` must be a finite number above 0, not {epsilon}."
        raise ValueError(message)
