"""Ordered classes as thresholds: K - 1 logits, one for each question "is it above class k?"."""

from __future__ import annotations

from typing import Any

from keras import ops

from kzoo.component import ClassLabels, ClassLoss, as_class_labels, widen

__all__ = ["ThresholdLoss", "above_thresholds", "threshold_labels", "threshold_probabilities"]

_EVEN = 0.5


class ThresholdLoss(ClassLoss):
    """A loss of K - 1 logits for K ordered classes: labels become the K - 1 answers.

    `ignore_class` and the numbers of `class_weight` are of the K classes.
    """

    def read_labels(self, y_true: Any, y_pred: Any) -> ClassLabels:
        """Return the answers to the K - 1 thresholds, the logits, and what each sample counts."""
        y_true, kept = self.without_ignored(y_true, _for_all_classes(y_pred))
        if kept is not None:
            y_pred = ops.where(ops.expand_dims(kept, -1), y_pred, ops.zeros_like(y_pred))
        classes = _distribution(y_true, y_pred, self.name)
        return ClassLabels(_above_each(classes), y_pred, kept, self.weights_of(classes))


def above_thresholds(y_true: Any, y_pred: Any, what: str) -> Any:
    """Return labels as the probability of being above each threshold: for class 2 of 5 that is 1, 1, 0, 0.

    A class index outside ``0 .. K - 1`` becomes a row of NaN.

    Args:
        y_true: Class indices of shape ``(...)`` or ``(..., 1)``, or one-hot or soft labels of shape ``(..., K)``.
        y_pred: Logits of shape ``(..., K - 1)``; K must be known.
        what: The component's name, for the error.

    Raises:
        ValueError: The shapes fit neither form.
    """
    return _above_each(_distribution(y_true, y_pred, what))


def _distribution(y_true: Any, y_pred: Any, what: str) -> Any:
    """Return labels as distributions over the K classes between whose thresholds ``y_pred`` has logits."""
    try:
        return as_class_labels(y_true, _for_all_classes(y_pred), what)
    except ValueError as error:
        message = (
            f"`{what}` got y_true of shape {tuple(y_true.shape)} and y_pred of shape {tuple(y_pred.shape)}. It takes a "
            "logit for each of the K - 1 thresholds between K ordered classes, y_pred of shape (..., K - 1), and class "
            "indices of shape (...) or (..., 1) or one-hot labels of shape (..., K)."
        )
        raise ValueError(message) from error


def _for_all_classes(y_pred: Any) -> Any:
    """Return a tensor of the type of the logits with K columns; only its shape and type matter."""
    return ops.concatenate([y_pred, y_pred[..., :1]], axis=-1)


def _above_each(classes: Any) -> Any:
    from_the_top = ops.cumsum(ops.flip(classes, axis=-1), axis=-1)
    return ops.flip(from_the_top, axis=-1)[..., 1:]


def threshold_probabilities(logits: Any, *, conditional: bool = False) -> Any:
    """Return the probabilities of the K classes that K - 1 threshold logits stand for.

    Formula, with thresholds k = 1 .. K - 1:

    ```
    above_k = sigmoid(logit_k)                          a network trained with `coral`
    above_k = product over j <= k of sigmoid(logit_j)   conditional=True, trained with `corn`
    p_0 = 1 - above_1,   p_k = above_k - above_{k+1},   p_{K-1} = above_{K-1}
    ```

    A network whose logits share no weights can call a higher threshold likelier than a lower one, which no
    distribution does. Then the smaller probability of the two counts for the higher threshold, so that probabilities
    are never negative and always add up to 1.

    Args:
        logits: Logits of shape (..., K - 1).
        conditional: Whether the logit of a threshold is for samples that are above the one before, as with `corn`.
            Defaults to False.

    Example:
        >>> probabilities = threshold_probabilities([[0.0, -200.0]])
        >>> [round(float(p), 6) for p in probabilities[0]]
        [0.5, 0.5, 0.0]
        >>> probabilities = threshold_probabilities([[0.0, 0.0]], conditional=True)
        >>> [round(float(p), 6) for p in probabilities[0]]
        [0.5, 0.25, 0.25]
    """
    above = _above(logits, conditional=conditional)
    if not conditional:
        above = ops.associative_scan(ops.minimum, above, axis=-1)
    certain, never = ops.ones_like(above[..., :1]), ops.zeros_like(above[..., :1])
    return ops.concatenate([certain, above], axis=-1) - ops.concatenate([above, never], axis=-1)


def threshold_labels(logits: Any, *, conditional: bool = False) -> Any:
    """Return the class that K - 1 threshold logits stand for: how many thresholds the sample is more likely above.

    It is the prediction of the papers of `coral` and `corn`, a median of the distribution and not its largest
    probability.

    Args:
        logits: Logits of shape (..., K - 1).
        conditional: As in `threshold_probabilities`. Defaults to False.

    Example:
        >>> [int(label) for label in threshold_labels([[2.0, 1.0, -1.0], [-0.5, -2.0, -3.0]])]
        [2, 0]
    """
    return ops.sum(ops.cast(_above(logits, conditional=conditional) > _EVEN, "int32"), axis=-1)


def _above(logits: Any, *, conditional: bool) -> Any:
    above = ops.sigmoid(widen(logits))
    return ops.cumprod(above, axis=-1) if conditional else above
