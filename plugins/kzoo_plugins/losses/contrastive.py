"""Contrastive losses: pairs that belong together against pairs, or all other samples, that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLabels, widen
from kzoo_plugins.losses.pairwise import (
    EmbeddingLoss,
    check_number,
    groups_of,
    mean_over_pairs,
    similarities,
    some_logsumexp,
)
from kzoo_plugins.losses.yes_no import YesNoLoss

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Contrastive", "NTXent", "SupCon", "contrastive", "ntxent", "supcon"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Contrastive(YesNoLoss):
    """Contrastive loss of a pair: its distance squared if it belongs together, else what lacks to the margin, squared.

    Formula, for the distance d of the two embeddings of a pair:

    ```
    loss = y d^2 + (1 - y) max(0, margin - d)^2
    ```

    The network outputs the distance, such as `keras.ops.norm(a - b, axis=-1)`; mind that the gradient of a norm is NaN
    at 0. The paper's loss is half of this one and has y = 0 for pairs that belong together.

    Args:
        margin: The distance from which on a pair that does not belong together costs nothing; above 0. Defaults to 1.
        ignore_class: A label whose pairs count nothing in value, gradient and mean. Defaults to None.
        class_weight: Two numbers of at least 0, for pairs that do not belong together and for those that do, which
            count as sample weights do. Defaults to None: both 1.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "contrastive".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: 1 for a pair that belongs together, else 0; shape (N,) or (N, 1).
        y_pred: Distances of at least 0, of the same shape.

    Raises:
        ValueError: `margin` is not above 0; the shapes of labels and distances do not belong together.

    Example:
        >>> loss = Contrastive(reduction=None)
        >>> [float(value) for value in loss([1, 0, 0], [0.5, 0.5, 2.0])]
        [0.25, 0.25, 0.0]

    References:
        - [Hadsell et al., 2006](https://doi.org/10.1109/CVPR.2006.100), Dimensionality Reduction by Learning an
          Invariant Mapping
    """

    def __init__(
        self,
        margin: float = 1.0,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "contrastive",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        check_number("margin", margin, above=0)
        self.margin = margin

    def read_labels(self, y_true: Any, y_pred: Any) -> ClassLabels:
        """Return labels and distances of shape ``(N,)``, and what each pair counts."""
        if len(y_pred.shape) > 1 and y_pred.shape[-1] == 1:
            y_true = ops.squeeze(y_true, -1) if len(y_true.shape) == len(y_pred.shape) else y_true
            y_pred = ops.squeeze(y_pred, -1)
        return super().read_labels(y_true, y_pred)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each pair, shape ``(N,)``."""
        return contrastive(y_true, y_pred, margin=self.margin)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SupCon(EmbeddingLoss):
    """Supervised contrastive loss: each sample shall be more like every one of its class than like the rest.

    Formula, for an anchor a with the other samples P(a) of its class, s being the cosine of the angle:

    ```
    loss(a) = -mean over p in P(a) of log (exp(s(a, p) / t) / sum over i != a of exp(s(a, i) / t))
    loss = mean of loss(a) over all anchors with P(a) not empty
    ```

    This is the paper's "L_out". The value of a sample is loss(a) times N / (number of samples with a positive), and 0
    for a sample alone in its class: the mean over the batch is the loss above. Where no sample of the batch is of
    another class, the other libraries' value is 0; here the formula still holds.

    Args:
        temperature: t in the formula, above 0: the lower, the more the nearest samples weigh. Defaults to 0.1.
        normalize: Whether to scale the embeddings to length 1 first, so that s is a cosine. Defaults to True.
        ignore_class: A class whose samples are no anchors, positives nor negatives and have no part in the mean.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "supcon".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Class indices of shape (N,) or (N, 1), or one-hot or multi-hot labels of shape (N, K).
        y_pred: Embeddings of shape (N, D).

    Raises:
        ValueError: `temperature` is not above 0; the shapes of labels and embeddings do not belong together.

    Example:
        >>> loss = SupCon(temperature=1.0)
        >>> round(float(loss([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])), 6)  # log(1 + 1 / e)
        0.313262

    References:
        - [Khosla et al., 2020](https://arxiv.org/abs/2004.11362), Supervised Contrastive Learning
    """

    def __init__(
        self,
        temperature: float = 0.1,
        normalize: bool = True,  # noqa: FBT001, FBT002 - named as an argument in `supcon:normalize=false`
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "supcon",
        dtype: Any = None,
    ) -> None:
        super().__init__(ignore_class=ignore_class, reduction=reduction, name=name, dtype=dtype)
        check_number("temperature", temperature, above=0)
        self.temperature = temperature
        self.normalize = normalize

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the share of each sample in the loss times N, shape ``(N,)``."""
        return supcon(
            y_true, y_pred, temperature=self.temperature, normalize=self.normalize, ignore_class=self.ignore_class
        )


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class NTXent(EmbeddingLoss):
    """Normalized temperature-scaled crossentropy, SimCLR's loss: find the other view of an image among all images.

    Formula, for an anchor a and another sample p of its class, n being the samples of other classes and s the cosine:

    ```
    loss(a, p) = -log (exp(s(a, p) / t) / (exp(s(a, p) / t) + sum_n exp(s(a, n) / t)))
    loss = mean of loss(a, p) over all ordered pairs (a, p) of the batch
    ```

    For SimCLR the class is the number of the image: two views of n images, one batch of views after the other, have
    the labels 0 ... n - 1 twice. Classes may have more than two samples; other positives of the anchor are then in
    neither sum. The value of a sample is the sum over its own pairs times N / (number of pairs), so that the mean over
    the batch is the loss above. A sample alone in its class has value 0.

    Args:
        temperature: t in the formula, above 0: the lower, the more the nearest samples weigh. Defaults to 0.07; the
            paper takes 0.1 for long and 0.5 for short training.
        normalize: Whether to scale the embeddings to length 1 first, so that s is a cosine. Defaults to True.
        ignore_class: A class whose samples are no anchors, positives nor negatives and have no part in the mean.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "ntxent".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Class indices of shape (N,) or (N, 1), or one-hot or multi-hot labels of shape (N, K).
        y_pred: Embeddings of shape (N, D).

    Raises:
        ValueError: `temperature` is not above 0; the shapes of labels and embeddings do not belong together.

    Example:
        >>> loss = NTXent(temperature=1.0)
        >>> views = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
        >>> round(float(loss([0, 1, 0, 1], views)), 6)  # log(1 + 2 / e)
        0.551445

    References:
        - [Chen et al., 2020](https://arxiv.org/abs/2002.05709), A Simple Framework for Contrastive Learning of Visual
          Representations
    """

    def __init__(
        self,
        temperature: float = 0.07,
        normalize: bool = True,  # noqa: FBT001, FBT002 - named as an argument in `ntxent:normalize=false`
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "ntxent",
        dtype: Any = None,
    ) -> None:
        super().__init__(ignore_class=ignore_class, reduction=reduction, name=name, dtype=dtype)
        check_number("temperature", temperature, above=0)
        self.temperature = temperature
        self.normalize = normalize

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the share of each sample in the loss times N, shape ``(N,)``."""
        return ntxent(
            y_true, y_pred, temperature=self.temperature, normalize=self.normalize, ignore_class=self.ignore_class
        )


def contrastive(y_true: Any, y_pred: Any, *, margin: float = 1.0) -> Any:
    """Return the contrastive loss of each pair; see `Contrastive` for the formula and the arguments.

    Example:
        >>> [float(value) for value in contrastive([1, 0], [2.0, 0.5])]
        [4.0, 0.25]
    """
    y_pred = widen(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    return y_true * ops.square(y_pred) + (1.0 - y_true) * ops.square(ops.relu(margin - y_pred))


def supcon(
    y_true: Any, y_pred: Any, *, temperature: float = 0.1, normalize: bool = True, ignore_class: int | None = None
) -> Any:
    """Return the share of each sample in the loss times N; see `SupCon` for the formula and the arguments.

    Example:
        >>> [round(float(value), 4) for value in supcon([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], temperature=1)]
        [0.4699, 0.4699, 0.0]
    """
    groups = groups_of(y_true, y_pred, "supcon", ignore_class)
    positives = groups.positives
    scores = similarities(groups.embeddings, normalize=normalize) / temperature
    total, _ = some_logsumexp(scores, ops.logical_or(positives, groups.negatives))
    count = ops.sum(ops.cast(positives, scores.dtype), axis=-1)
    mean = ops.sum(ops.where(positives, total - scores, ops.zeros_like(scores)), axis=-1) / ops.maximum(count, 1.0)
    return mean_over_pairs(ops.expand_dims(mean, -1), ops.expand_dims(count > 0, -1), groups.kept)


def ntxent(
    y_true: Any, y_pred: Any, *, temperature: float = 0.07, normalize: bool = True, ignore_class: int | None = None
) -> Any:
    """Return the share of each sample in the loss times N; see `NTXent` for the formula and the arguments.

    Example:
        >>> [round(float(value), 4) for value in ntxent([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], temperature=1)]
        [0.4699, 0.4699, 0.0]
    """
    groups = groups_of(y_true, y_pred, "ntxent", ignore_class)
    scores = similarities(groups.embeddings, normalize=normalize) / temperature
    others, some = some_logsumexp(scores, groups.negatives)
    return mean_over_pairs(_softplus_where(some, others - scores), groups.positives, groups.kept)


def _softplus_where(mask: Any, values: Any) -> Any:
    """Return ``log(1 + exp(values))`` where there is something to add to 1, else 0."""
    return ops.where(mask, ops.softplus(values), ops.zeros_like(values))
