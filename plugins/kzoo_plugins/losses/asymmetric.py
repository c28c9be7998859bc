"""The asymmetric loss of many yes-or-no questions, most of whose answers are no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import align_shapes, widen
from kzoo_plugins.losses.logs import check_at_least_0, check_share, log_sigmoids, safe_power
from kzoo_plugins.losses.yes_no import YesNoLoss

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Asymmetric", "asymmetric"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Asymmetric(YesNoLoss):
    """Asymmetric loss: a focal loss that gives easy noes less weight than easy yeses, and the easiest none.

    Formula, for one element with the label y and the probability p:

    ```
    p_m = max(p - clip, 0)
    asymmetric = -y (1 - p)^gamma_pos log p - (1 - y) p_m^gamma_neg log(1 - p_m)
    ```

    There is one value for each element, and the default reduction is their mean. The paper's code sums over a batch and
    trains with that sum: multiply by the number of elements to keep its learning rate.

    Args:
        gamma_neg: How little easy noes weigh, at least 0. Defaults to 4.
        gamma_pos: How little easy yeses weigh, at least 0. Defaults to 1.
        clip: Up to this probability a no costs nothing, at least 0 and below 1. Defaults to 0.05.
        from_logits: Whether `y_pred` holds logits, to which a sigmoid is applied. Defaults to False.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: Two numbers of at least 0, for no and yes, which count as sample weights do. Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "asymmetric".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Labels 0 or 1, or between them, of any shape; any other label makes its value NaN.
        y_pred: Probabilities or logits of the same shape.

    Raises:
        ValueError: `gamma_neg` or `gamma_pos` is below 0 or not finite; `clip` is below 0, or not below 1; the shapes
            differ.

    Example:
        >>> loss = Asymmetric(gamma_neg=0, gamma_pos=0, clip=0.25)
        >>> round(float(loss([[1.0]], [[0.5]])), 4), round(float(loss([[0.0]], [[0.75]])), 4)
        (0.6931, 0.6931)

    References:
        - [Ridnik et al., 2021](https://arxiv.org/abs/2009.14119), Asymmetric Loss For Multi-Label Classification
    """

    def __init__(
        self,
        gamma_neg: float = 4.0,
        gamma_pos: float = 1.0,
        clip: float = 0.05,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "asymmetric",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_arguments(gamma_neg, gamma_pos, clip)
        self.gamma_neg = gamma_neg
        self.gamma_pos = gamma_pos
        self.clip = clip
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each element, in the shape of ``y_pred``."""
        return asymmetric(
            y_true,
            y_pred,
            gamma_neg=self.gamma_neg,
            gamma_pos=self.gamma_pos,
            clip=self.clip,
            from_logits=self.from_logits,
        )


def asymmetric(
    y_true: Any,
    y_pred: Any,
    *,
    gamma_neg: float = 4.0,
    gamma_pos: float = 1.0,
    clip: float = 0.05,
    from_logits: bool = False,
) -> Any:
    """Return the asymmetric loss of each element; see `Asymmetric`.

    Example:
        >>> [round(float(value), 4) for value in asymmetric([1.0, 0.0], [0.5, 0.5])]
        [0.3466, 0.0245]
    """
    _check_arguments(gamma_neg, gamma_pos, clip)
    y_true, y_pred = align_shapes(widen(y_true), widen(y_pred), "asymmetric")
    log_yes, log_no, yes, no = log_sigmoids(y_pred, from_logits=from_logits)
    if clip:
        log_no = ops.log(ops.minimum(no + clip, 1.0))
        shifted = ops.relu(yes - clip)
    else:
        shifted = yes
    positive = y_true * safe_power(no, gamma_pos) * log_yes
    negative = (1 - y_true) * safe_power(shifted, gamma_neg) * log_no
    return -(positive + negative)


def _check_arguments(gamma_neg: float, gamma_pos: float, clip: float) -> None:
    check_at_least_0(gamma_neg=gamma_neg, gamma_pos=gamma_pos)
    check_share(clip=clip)
    if clip == 1:
        message = "`clip` must be below 1: with 1 a no would never cost anything."
        raise ValueError(message)
