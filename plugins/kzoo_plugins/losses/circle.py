"""Circle loss: likenesses that are far from where they shall be weigh more."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo_plugins.losses.pairwise import EmbeddingLoss, check_number, groups_of, similarities, some_logsumexp

__all__ = ["Circle", "circle"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Circle(EmbeddingLoss):
    """Circle loss: each pair of a batch is drawn or pushed by as much as it is away from where it shall be.

    Formula, for an anchor a, samples p of its class and n of others, s being the cosine of the angle:

    ```
    w_p = max(0, 1 + margin - s(a, p))
    w_n = max(0, margin + s(a, n))
    loss(a) = log(1 + sum_p exp(-gamma w_p (s(a, p) - 1 + margin)) * sum_n exp(gamma w_n (s(a, n) - margin)))
    ```

    The weights w are constants for the gradient, as in the paper: a pair is moved in proportion to its weight. (In
    Keras's own, `keras_circle`, they are not: the value is the same and the gradient another.) The mean is over the
    anchors that have samples of their class and of others; the value of any other one is 0, and the others' are times
    N / (number of such anchors).

    Args:
        margin: How far from 1 the cosines of a class, and from 0 those of others, may be; in (0, 1). Defaults to 0.4.
            The paper takes 0.25 for faces.
        gamma: What the cosines are multiplied by, above 0. Defaults to 80. The paper takes 256 for faces.
        normalize: Whether to scale the embeddings to length 1 first, so that s is a cosine. Defaults to True.
        ignore_class: A class whose samples are no anchors, positives nor negatives and have no part in the mean.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "circle".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Class indices of shape (N,) or (N, 1), or one-hot or multi-hot labels of shape (N, K).
        y_pred: Embeddings of shape (N, D).

    Raises:
        ValueError: An argument is out of its range; the shapes of labels and embeddings do not belong together.

    Example:
        >>> loss = Circle(margin=0.5, gamma=1.0)
        >>> round(float(loss([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])), 6)  # log(1 + exp(-1 / 4 - 1 / 4))
        0.474077

    References:
        - [Sun et al., 2020](https://arxiv.org/abs/2002.10857), Circle Loss: A Unified Perspective of Pair Similarity
          Optimization
    """

    def __init__(
        self,
        margin: float = 0.4,
        gamma: float = 80.0,
        normalize: bool = True,  # noqa: FBT001, FBT002 - named as an argument in `circle:normalize=false`
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(ignore_class=ignore_class, reduction=reduction, name=name, dtype=dtype)
        check_number("gamma", gamma, above=0)
        if not 0 < margin < 1:
            message = f"`margin` must lie between 0 and 1, not {margin}."
            raise ValueError(message)
        self.margin = margin
        self.gamma = gamma
        self.normalize = normalize

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each anchor in proportion to the mean over those that count, shape ``(N,)``."""
        return circle(
            y_true,
            y_pred,
            margin=self.margin,
            gamma=self.gamma,
            normalize=self.normalize,
            ignore_class=self.ignore_class,
        )


def circle(
    y_true: Any,
    y_pred: Any,
    *,
    margin: float = 0.4,
    gamma: float = 80.0,
    normalize: bool = True,
    ignore_class: int | None = None,
) -> Any:
    """Return the loss of each anchor; see `Circle` for the formula and the arguments.

    Example:
        >>> [round(float(value), 6) for value in circle([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], gamma=1.0)]
        [0.818839, 0.818839, 0.0]
    """
    groups = groups_of(y_true, y_pred, "circle", ignore_class)
    likeness = similarities(groups.embeddings, normalize=normalize)
    now = ops.stop_gradient(likeness)
    pull = -gamma * ops.relu(1.0 + margin - now) * (likeness - (1.0 - margin))
    push = gamma * ops.relu(now + margin) * (likeness - margin)
    drawn, of_class = some_logsumexp(pull, groups.positives)
    pushed, of_others = some_logsumexp(push, groups.negatives)
    counts = ops.logical_and(of_class, of_others)
    values = ops.where(counts, ops.softplus(drawn + pushed), ops.zeros_like(drawn))
    number = ops.sum(ops.cast(counts, values.dtype))
    every = ops.ones_like(values[:, 0]) if groups.kept is None else ops.cast(groups.kept, values.dtype)
    return ops.squeeze(values, -1) * (ops.sum(every) / ops.maximum(number, 1.0))
