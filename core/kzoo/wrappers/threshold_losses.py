"""Losses of ordered classes that take a logit for each threshold, in a network that gives class probabilities."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import refuse_one_output
from kzoo.wrappers.around_loss import AroundLoss

__all__ = ["OfProbabilities"]

_SMALLEST = 1e-7


@keras.saving.register_keras_serializable(package="kzoo")
class OfProbabilities(AroundLoss):
    """Gives a loss of K - 1 threshold logits the logits that K class probabilities stand for.

    So a network keeps its softmax, and its metrics and predictions their meaning, whichever loss trains it. The
    logits of a softmax never contradict one another: a higher threshold is never the likelier one.

    Formula, for thresholds k = 1 .. K - 1 and class probabilities p:

    ```
    logit_k = log(p_k + ... + p_{K-1}) - log(p_0 + ... + p_{k-1})     is the class at least k?
    logit_k = log(p_k + ... + p_{K-1}) - log(p_{k-1})                 conditional: ... given that it is at least k - 1
    ```

    Args:
        loss: The loss of threshold logits. Where its attribute ``conditional`` is true, each threshold is asked only of
            samples above the one before, as in CORN.
        name: By default that of ``loss``.
    """

    def __init__(self, loss: Any, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(loss, name, **kwargs)
        self.conditional = bool(getattr(self.loss, "conditional", False))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of class probabilities of shape (N, K)."""
        return self.loss(y_true, self._logits(y_pred), sample_weight=sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return what the inner loss returns before it is reduced."""
        return self.loss.call(y_true, self._logits(y_pred))

    def kept(self, y_true: Any, y_pred: Any) -> Any:
        """Return which of the inner loss's values count, or None where all do."""
        if not hasattr(self.loss, "kept"):
            return None
        return self.loss.kept(y_true, self._logits(y_pred))

    def _logits(self, y_pred: Any) -> Any:
        refuse_one_output(ops.convert_to_tensor(y_pred), self.name, "binary_crossentropy")
        return threshold_logits(y_pred, conditional=self.conditional)


def threshold_logits(probabilities: Any, *, conditional: bool = False) -> Any:
    """Return the logits of the K - 1 thresholds that class probabilities of shape (..., K) stand for.

    Example:
        >>> [round(float(logit), 4) for logit in threshold_logits([[0.25, 0.5, 0.25]])[0]]
        [1.0986, -1.0986]
        >>> [round(float(logit), 4) for logit in threshold_logits([[0.25, 0.5, 0.25]], conditional=True)[0]]
        [1.0986, -0.6931]
    """
    p = ops.cast(ops.convert_to_tensor(probabilities), "float32")
    # Sums of what lies above and below, each of positive terms: 1 minus a sum would lose the digits of small ones.
    above = ops.flip(ops.cumsum(ops.flip(p, axis=-1), axis=-1), axis=-1)[..., 1:]
    below = p[..., :-1] if conditional else ops.cumsum(p, axis=-1)[..., :-1]
    return ops.log(ops.maximum(above, _SMALLEST)) - ops.log(ops.maximum(below, _SMALLEST))
