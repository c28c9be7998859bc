"""Metrics between masks and between images, each image by itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import MeanMetric, align_shapes, as_class_labels
from kzoo_plugins.metrics.labels import ClassSums, true_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DiceScore", "PeakSignalNoiseRatio"]

_EXACT = 1e-10
"""The squared error, in units of the squared range, below which a match is called exact: 100 dB."""


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class DiceScore(ClassSums):
    """Dice score of predicted masks: the overlap of each class, averaged over classes and then over images.

    Formula, for one image and class, with the sets of pixels T of the label and P of the prediction, which holds the
    pixels where the class has the largest score:

    ```
    dice = 2 |T and P| / (|T| + |P|)
    ```

    With `ignore_empty` a class that an image does not show is left out of that image, and an image that shows none is
    left out of the mean. Without, such a class counts 1 where it is not predicted either, else 0.

    Args:
        include_background: Whether class 0 counts; in a single column there is no background. Defaults to True.
        ignore_empty: Whether to leave out classes that an image does not show. Defaults to True.
        threshold: The probability above which a single column is a yes. Defaults to 0.5.
        axis: The axis of `y_pred`, and of one-hot masks, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing, in no class's overlap. Defaults to None.
        class_weight: A number of at least 0 for each class: its weight in the mean over the classes. Defaults to
            None: all the same.
        name: Defaults to "dice_score".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot masks of shape (N, ..., K), or class indices of shape (N, ...) or (N, ..., 1); for a single
            column 0 or 1.
        y_pred: Scores of shape (N, ..., K), or probabilities of shape (N, ..., 1).
        sample_weight: One weight for each image, of shape (N,), or one number.

    Raises:
        ValueError: `threshold` is not finite, no class is left, or the shapes do not belong together.

    Example:
        >>> metric = DiceScore()
        >>> metric.update_state([[[1], [1], [0]]], [[[0.9], [0.2], [0.1]]])
        >>> round(float(metric.result()), 4)
        0.6667

    References:
        - [Dice, 1945](https://doi.org/10.2307/1932409), Measures of the amount of ecologic association between species
    """

    def __init__(
        self,
        include_background: bool = True,  # noqa: FBT001, FBT002 - named as an argument on the command line
        ignore_empty: bool = True,  # noqa: FBT001, FBT002 - named as an argument on the command line
        threshold: float = 0.5,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "dice_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype, axis=axis, ignore_class=ignore_class, class_weight=class_weight)
        if not math.isfinite(threshold):
            message = f"`threshold` must be a finite number, not {threshold}."
            raise ValueError(message)
        self.include_background = include_background
        self.ignore_empty = ignore_empty
        self.threshold = threshold

    def weighs_positions(self) -> bool:
        """Return that weights are those of the classes in their mean."""
        return False

    def read(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        """Return the sizes of the true masks (N, K), sizes and overlaps of the predicted ones (N, K, 2), what counts.

        A position of the ignored class is in no mask, and an image of such positions alone does not count.
        """
        y_true, y_pred = self.classes_last(y_true, y_pred)
        shape = tuple(y_pred.shape)
        if len(shape) < 2:  # noqa: PLR2004 - images and classes
            message = f"`{self.name}` needs y_pred of shape (N, ..., classes), not {shape}."
            raise ValueError(message)
        single = shape[-1] == 1
        if single:
            y_true = ops.expand_dims(y_true, -1) if len(y_true.shape) == len(shape) - 1 else y_true
            y_true, y_pred = align_shapes(y_true, y_pred, self.name)
        y_true, kept = self.without_ignored(y_true, y_pred)
        y_true = true_answers(y_true) if single else as_class_labels(y_true, y_pred, self.name)
        counts = None
        if kept is not None:
            inside = ops.expand_dims(kept, -1)
            y_true, y_pred = (ops.where(inside, one, ops.zeros_like(one)) for one in (y_true, y_pred))
            counts = ops.cast(ops.any(kept, axis=tuple(range(1, len(kept.shape)))), self.dtype)
        if single:
            found = ops.cast(y_pred > self.threshold, self.dtype)
        else:
            found = ops.one_hot(ops.argmax(y_pred, axis=-1), shape[-1], dtype=self.dtype)
        if kept is not None:
            found = ops.where(inside, found, ops.zeros_like(found))
        axes = tuple(range(1, len(shape) - 1))
        nan = ops.any(ops.isnan(y_pred), axis=(*axes, len(shape) - 1))
        sizes = [ops.sum(found, axis=axes), ops.sum(y_true * found, axis=axes)]
        predicted = ops.where(nan[:, None, None], float("nan"), ops.stack(sizes, axis=-1))
        return ops.sum(y_true, axis=axes), predicted, counts

    def weighed(self, y_true: Any) -> Any:
        """Return one entry for each image."""
        return y_true[:, 0]

    def sums(self, y_true: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        """Return the weights of the images that have a score, and their weighted scores."""
        shown, found = y_true, y_pred[..., 0]
        dice = ops.divide_no_nan(2 * y_pred[..., 1], shown + found)
        if self.ignore_empty:
            counts = ops.cast(shown != 0, self.dtype)
        else:
            counts = ops.ones_like(shown)
            dice = ops.where(shown + found == 0, counts, dice)
        counts = counts * self.class_weights(y_true.shape[-1], self.dtype)
        if not self.include_background and y_true.shape[-1] > 1:
            counts, dice = counts[:, 1:], dice[:, 1:]
        classes = ops.sum(counts, axis=-1)
        score = ops.divide_no_nan(ops.sum(dice * counts, axis=-1), classes)
        weight = weight * ops.cast(classes != 0, self.dtype)
        return {"weight": ops.sum(weight), "scores": ops.sum(weight * score)}

    def score(self, weight: Any, scores: Any) -> Any:
        """Return the mean over images."""
        return ops.divide_no_nan(scores, weight)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class PeakSignalNoiseRatio(MeanMetric):
    """Peak signal-to-noise ratio of images in decibels, calculated for each image and averaged over images.

    Formula, for one image with the mean squared error `mse` over its pixels and channels:

    ```
    psnr = 10 log10(data_range^2 / mse)        at most 100
    ```

    An exact match would have an infinite ratio; it counts as 100 dB, as does any error below a hundred-thousandth of
    the range.

    Args:
        data_range: The difference of the largest and the smallest possible value, above 0: 1 for images between 0 and
            1, 255 for bytes. Defaults to 1.
        name: Defaults to "psnr".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Images of shape (N, ...).
        y_pred: Images of the same shape.
        sample_weight: One weight for each image, of shape (N,), or one number.

    Raises:
        ValueError: `data_range` is not a finite number above 0, or the shapes do not belong together.

    Example:
        >>> metric = PeakSignalNoiseRatio()
        >>> metric.update_state([[[0.5], [0.5]]], [[[0.6], [0.4]]])
        >>> round(float(metric.result()), 3)
        20.0

    References:
        - [Hore, Ziou, 2010](https://doi.org/10.1109/ICPR.2010.579), Image quality metrics: PSNR vs. SSIM
    """

    def __init__(self, data_range: float = 1.0, name: str = "psnr", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        if not (math.isfinite(data_range) and data_range > 0):
            message = f"`data_range` must be a finite number above 0, not {data_range}."
            raise ValueError(message)
        self.data_range = data_range

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the ratio of each image, shape ``(N,)``."""
        error = ops.square((y_true - y_pred) / self.data_range)
        error = ops.mean(error, axis=tuple(range(1, len(error.shape))))
        return -10 * ops.log10(ops.maximum(error, _EXACT))
