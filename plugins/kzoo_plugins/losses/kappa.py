"""The weighted kappa loss: how far predictions of ordered classes agree with the labels beyond chance."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo.component import class_probabilities, widen
from kzoo_plugins.losses.logs import SMALLEST, ClassLoss

__all__ = ["WeightedKappa", "weighted_kappa"]

_WEIGHTS = ("quadratic", "linear")
_RANK = 2


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
        (-0.9163, 0.0)

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
        reduction: str | None = "sum_over_batch_size",
        name: str = "weighted_kappa",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        _check_arguments(weights, epsilon)
        self.weights = weights
        self.epsilon = epsilon
        self.from_logits = from_logits

    def values(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of the batch as the value of each sample; here a weight is part of the value too."""
        y_true, y_pred = self.align(y_true, y_pred)
        return weighted_kappa(
            y_true,
            y_pred,
            weights=self.weights,
            epsilon=self.epsilon,
            from_logits=self.from_logits,
            sample_weight=sample_weight,
        )

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of the batch without weights as the value of each sample, shape ``(N,)``."""
        return self.values(y_true, y_pred)


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
        [-0.9163, -0.9163]
    """
