"""The earth mover's distance as a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from kzoo.component import ClassMetric
from kzoo_plugins.losses.emd import check_emd_arguments, emd

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MeanEMD"]


# Not named EMD: Keras knows a saved object by package and class name, and `kzoo_plugins>EMD` is the loss.
@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MeanEMD(ClassMetric):
    """Mean earth mover's distance over the samples: by default the exact Wasserstein-1 distance, in classes.

    Formula, for one sample with K classes, then averaged over samples by their weights:

    ```
    d_i = sum_{j <= i} (y_pred_j - y_true_j)
    emd = (sum_i  |d_i|^p)^(1/p)      normalize=False
    emd = (mean_i |d_i|^p)^(1/p)      normalize=True, the mean over the K classes
    ```

    The mean over batches is the mean over all their samples: the root is taken for each sample, never over a batch.
    Between classes without an order the value depends on how they happen to be numbered.

    Args:
        p: The exponent, a finite number of at least 1. Defaults to 1.
        normalize: Whether to average over the classes rather than to sum. Defaults to False.
        from_logits: Whether `y_pred` holds logits, to which a softmax is applied. Defaults to False.
        ground_distance: As in `kzoo_plugins.losses.emd.EMD`. Defaults to None.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        name: Defaults to "emd".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K), or class indices of shape (...) or (..., 1).
        y_pred: Probabilities or logits of shape (..., K).
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: As in `kzoo_plugins.losses.emd.EMD`.

    Example:
        >>> metric = MeanEMD()
        >>> metric.update_state([0, 2], [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
        >>> float(metric.result())
        1.0

    References:
        - [Talebi, Milanfar, 2018](https://arxiv.org/abs/1709.05424), NIMA: Neural Image Assessment
    """

    def __init__(
        self,
        p: float = 1,
        normalize: bool = False,  # noqa: FBT001, FBT002 - named as an argument in `emd:normalize=true`
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        ground_distance: Sequence[Sequence[float]] | None = None,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "emd",
        dtype: Any = None,
    ) -> None:
        super().__init__(axis=axis, ignore_class=ignore_class, class_weight=class_weight, name=name, dtype=dtype)
        check_emd_arguments(p, ground_distance)
        self.p = p
        self.normalize = normalize
        self.from_logits = from_logits
        self.ground_distance = ground_distance

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the distance of each sample, shape ``(...)``."""
        return emd(
            y_true,
            y_pred,
            p=self.p,
            normalize=self.normalize,
            from_logits=self.from_logits,
            ground_distance=self.ground_distance,
        )
