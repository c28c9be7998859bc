"""The share of wrong answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo_plugins.metrics.labels import PredictedClasses

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HammingLoss", "MultilabelHammingLoss"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class HammingLoss(PredictedClasses):
    """Hamming loss: the share of wrong answers.

    Formula, for one sample, then averaged by the weights of samples and classes:

    ```
    [argmax_k y_pred_k != y_true]                         classes: 1 - accuracy
    (1/L) sum_l [(y_pred_l > threshold) != y_true_l]      multilabel=True, over L labels
    ```

    Args:
        multilabel: Whether every column is a yes-or-no question of its own. Defaults to False: columns are classes, of
            which one is true.
        threshold: The probability above which a label's own, or a single column, is a yes. Defaults to 0.5.
        num_classes: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        axis: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to -1.
        ignore_class: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        class_weight: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        name: Defaults to "hamming_loss".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`.
        y_pred: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`; with `multilabel` probabilities of shape
            (..., L).
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = HammingLoss(multilabel=True)
        >>> metric.update_state([[1, 0, 0, 1]], [[0.9, 0.8, 0.1, 0.7]])
        >>> float(metric.result())
        0.25

    References:
        - [Hamming, 1950](https://doi.org/10.1002/j.1538-7305.1950.tb00463.x), Error detecting and error correcting
          codes
        - [Schapire, Singer, 2000](https://doi.org/10.1023/A:1007649029923), BoosTexter
    """

    def __init__(
        self,
        multilabel: bool = False,  # noqa: FBT001, FBT002 - named as an argument on the command line
        threshold: float = 0.5,
        num_classes: int | None = None,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "hamming_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_classes,
            threshold,
            name,
            dtype,
            multilabel=multilabel,
            axis=axis,
            ignore_class=ignore_class,
            class_weight=class_weight,
        )

    def sums(self, y_true: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        """Return the weights of a batch, and those of its wrong answers."""
        wrong = ops.where(y_true != y_pred, weight, ops.zeros_like(weight))
        return {"weight": ops.sum(weight), "wrong": ops.sum(wrong)}

    def score(self, weight: Any, wrong: Any) -> Any:
        """Return the share of wrong answers."""
        return ops.divide_no_nan(wrong, weight)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MultilabelHammingLoss(HammingLoss):
    """Hamming loss of several yes-or-no questions a sample: `HammingLoss` with `multilabel`.

    Args:
        threshold: The probability above which a label's own is a yes. Defaults to 0.5.
        axis: The axis of `y_pred` and `y_true` that holds the questions. Defaults to -1.
        ignore_class: An answer that counts nothing. Defaults to None.
        class_weight: Two numbers of at least 0, for no and for yes, which count as sample weights do. Defaults to None.
        name: Defaults to "hamming_loss".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: 0 or 1 of shape (..., L).
        y_pred: Probabilities of shape (..., L).
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: `threshold` is not finite, or the shapes do not belong together.

    Example:
        >>> metric = MultilabelHammingLoss()
        >>> metric.update_state([[1, 0, 0, 1]], [[0.9, 0.8, 0.1, 0.7]])
        >>> float(metric.result())
        0.25

    References:
        - [Schapire, Singer, 2000](https://doi.org/10.1023/A:1007649029923), BoosTexter
    """

    def __init__(
        self,
        threshold: float = 0.5,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "hamming_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            multilabel=True,
            threshold=threshold,
            axis=axis,
            ignore_class=ignore_class,
            class_weight=class_weight,
            name=name,
            dtype=dtype,
        )
