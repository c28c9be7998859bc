"""CORN: each threshold of an ordered class is asked only of the samples above the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import propagate_nan, widen
from kzoo_plugins.losses.thresholds import ThresholdLoss, above_thresholds

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Corn", "corn"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Corn(ThresholdLoss):
    """CORN loss: the binary crossentropy of each threshold, over the samples that are above the threshold before.

    Formula, for samples i of class y_i of K ordered classes, with thresholds k = 1 .. K - 1:

    ```
    above_ik = 1 if y_i >= k, else 0;   asked_ik = 1 if y_i >= k - 1, else 0
    loss_i = -sum_k asked_ik (above_ik log sigmoid(z_ik) + (1 - above_ik) log sigmoid(-z_ik))
    corn = sum_i loss_i / sum_ik asked_ik
    ```

    The divisor is how many questions were asked in the whole batch. It is a sum over samples, so a sample's value is
    its share in it times the number of samples N, `N loss_i / sum_ik asked_ik`: the mean over the batch is the loss,
    and a sample weight weighs the share of its sample, whose questions still count in the divisor.

    A logit stands for the chance to be above a threshold given that the sample is above the one before, so the chances
    multiply: `threshold_probabilities` and `threshold_labels` in `kzoo_plugins.losses.thresholds`, with
    `conditional=True`, turn logits into classes. A higher threshold is never the likelier one, and the network needs
    no shared weights: a last layer of K - 1 units without activation.

    Args:
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "corn".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Class indices of shape (...) or (..., 1), or one-hot labels of shape (..., K). Of soft labels, the
            probability of being above takes the place of above and asked.
        y_pred: Logits of shape (..., K - 1).

    Raises:
        ValueError: The shapes of labels and logits do not belong together.

    Example:
        >>> loss = Corn()
        >>> round(float(loss([0, 2], [[0.0, 5.0], [0.0, 0.0]])), 6)  # three questions were asked, all even
        0.693147

    References:
        - [Shi et al., 2021](https://arxiv.org/abs/2111.08851), Deep neural networks for rank-consistent ordinal
          regression based on conditional probabilities
    """

    alone = False  # its questions are counted with those of the batch
    conditional = True  # each threshold is asked only of the samples above the one before

    def __init__(
        self,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "corn",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the share of each sample in the loss times N, shape ``(...)``; 0 where its class is ignored."""
        labels = self.read_labels(y_true, y_pred)
        values = _shares(labels.y_true, labels.y_pred, labels.kept)
        return labels.weigh(propagate_nan(values, labels.y_true, labels.y_pred))


def corn(y_true: Any, y_pred: Any) -> Any:
    """Return the share of each sample in the CORN loss times N; see `Corn` for the formula.

    Example:
        >>> [round(float(value), 4) for value in corn([0, 2], [[0.0, 5.0], [0.0, 0.0]])]  # one question and two
        [0.4621, 0.9242]
    """
    y_pred = widen(y_pred)
    return _shares(above_thresholds(ops.convert_to_tensor(y_true), y_pred, "corn"), y_pred)


def _shares(above: Any, logits: Any, kept: Any = None) -> Any:
    # Everybody is asked about the first threshold.
    asked = ops.concatenate([ops.ones_like(above[..., :1]), above[..., :-1]], axis=-1)
    losses = -(above * ops.log_sigmoid(logits) + (asked - above) * ops.log_sigmoid(-logits))
    questions = ops.sum(asked, axis=-1)
    # The mean number of questions is at least 1: nothing is divided by 0.
    if kept is None:
        return ops.sum(losses, axis=-1) / ops.mean(questions)
    count = ops.cast(kept, questions.dtype)
    mean = ops.sum(count * questions) / ops.maximum(ops.sum(count), 1.0)
    return ops.sum(losses, axis=-1) / ops.maximum(mean, 1.0)
