"""Crossentropies between classes with another target or another tail."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLoss, as_class_labels, widen
from kzoo_plugins.losses.logs import check_share, log_and_missing, log_probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Poly1", "SmoothedCrossentropy", "poly1", "smoothed_crossentropy"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SmoothedCrossentropy(ClassLoss):
    """Crossentropy with smoothed labels: a part of each label is spread evenly over all classes.

    Formula, for one sample with K classes:

    ```
    smoothed_crossentropy = -sum_k ((1 - label_smoothing) y_true_k + label_smoothing / K) log y_pred_k
    ```

    A network trained with it does not push probabilities to 0 and 1, and is better calibrated. Keras's
    `categorical_crossentropy:label_smoothing=0.1` is the same for one-hot labels; this one takes class indices as well,
    which Keras's sparse crossentropy cannot smooth.

    Args:
        label_smoothing: The part that is spread, between 0 and 1. Defaults to 0.1.
        from_logits: Whether `y_pred` holds logits, to which a softmax is applied. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "smoothed_crossentropy".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K), or class indices of shape (...) or (..., 1).
        y_pred: Probabilities or logits of shape (..., K).

    Raises:
        ValueError: `label_smoothing` is not between 0 and 1; the shapes of labels and predictions do not belong
            together.

    Example:
        >>> round(float(SmoothedCrossentropy(label_smoothing=0.5)([0], [[0.5, 0.25, 0.25]])), 4)
        0.9242

    References:
        - [Szegedy et al., 2016](https://arxiv.org/abs/1512.00567), Rethinking the Inception Architecture for Computer
          Vision
    """

    def __init__(
        self,
        label_smoothing: float = 0.1,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "smoothed_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        check_share(label_smoothing=label_smoothing)
        self.label_smoothing = label_smoothing
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(...)``."""
        return smoothed_crossentropy(y_true, y_pred, label_smoothing=self.label_smoothing, from_logits=self.from_logits)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Poly1(ClassLoss):
    """Crossentropy whose first polynomial coefficient is changed: one term, linear in the probability, is added.

    Formula, for one sample with K classes:

    ```
    poly1 = -sum_k y_true_k log y_pred_k + epsilon (1 - sum_k y_true_k y_pred_k)
    ```

    The paper finds a positive `epsilon` best for balanced image classes and a negative one, of at least -1, for
    unbalanced detection. `epsilon=0` is the crossentropy.

    Args:
        epsilon: The change of the first coefficient, at least -1: below, the loss of a nearly right prediction would
            grow with its probability. Defaults to 2.
        from_logits: Whether `y_pred` holds logits, to which a softmax is applied. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "poly1".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K), or class indices of shape (...) or (..., 1).
        y_pred: Probabilities or logits of shape (..., K).

    Raises:
        ValueError: `epsilon` is below -1 or not finite; the shapes of labels and predictions do not belong together.

    Example:
        >>> round(float(Poly1(epsilon=2)([0], [[0.5, 0.5]])), 4)
        1.6931

    References:
        - [Leng et al., 2022](https://arxiv.org/abs/2204.12511), PolyLoss: A Polynomial Expansion Perspective of
          Classification Loss Functions
    """

    def __init__(
        self,
        epsilon: float = 2.0,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "poly1",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_epsilon(epsilon)
        self.epsilon = epsilon
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(...)``."""
        return poly1(y_true, y_pred, epsilon=self.epsilon, from_logits=self.from_logits)


def smoothed_crossentropy(y_true: Any, y_pred: Any, *, label_smoothing: float = 0.1, from_logits: bool = False) -> Any:
    """Return the crossentropy of each sample with smoothed labels; see `SmoothedCrossentropy`.

    Example:
        >>> [round(float(value), 4) for value in smoothed_crossentropy([0, 0], [[0.9, 0.1], [0.1, 0.9]])]
        [0.2152, 2.1927]
    """
    check_share(label_smoothing=label_smoothing)
    y_pred = widen(y_pred)
    y_true = as_class_labels(ops.convert_to_tensor(y_true), y_pred, "smoothed_crossentropy")
    logs = log_probabilities(y_pred, from_logits=from_logits)
    smoothed = (1 - label_smoothing) * y_true + label_smoothing / y_pred.shape[-1]
    return -ops.sum(smoothed * logs, axis=-1)


def poly1(y_true: Any, y_pred: Any, *, epsilon: float = 2.0, from_logits: bool = False) -> Any:
    """Return the Poly-1 crossentropy of each sample; see `Poly1`.

    Example:
        >>> [round(float(value), 4) for value in poly1([0, 0], [[1.0, 0.0], [0.5, 0.5]], epsilon=-1)]
        [0.0, 0.1931]
    """
    _check_epsilon(epsilon)
    y_pred = widen(y_pred)
    y_true = as_class_labels(ops.convert_to_tensor(y_true), y_pred, "poly1")
    logs, missing = log_and_missing(y_pred, from_logits=from_logits)
    return ops.sum(y_true * (epsilon * missing - logs), axis=-1)


def _check_epsilon(epsilon: float) -> None:
    if not (math.isfinite(epsilon) and epsilon >= -1):
        message = f"`epsilon` must be a finite number of at least -1, not {epsilon}."
        raise ValueError(message)
