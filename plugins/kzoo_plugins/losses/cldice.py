"""The centerline Dice loss, for vessels, roads and other tubes: is the skeleton of each mask in the other one?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLabels
from kzoo_plugins.losses.masks import MaskLoss, as_masks, mask_probabilities, mean_over_classes, over_positions

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CenterlineDice", "cldice", "soft_skeleton"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class CenterlineDice(MaskLoss):
    """Centerline Dice loss, soft clDice: one minus the harmonic mean of how much of each skeleton is in the other mask.

    Formula, for one sample, with sums over its positions and the mean over its K classes c; S is the soft skeleton:

    ```
    precision_c   = (sum S(y_pred_c) y_true_c + smooth) / (sum S(y_pred_c) + smooth)
    sensitivity_c = (sum S(y_true_c) y_pred_c + smooth) / (sum S(y_true_c) + smooth)
    cldice        = mean_c [1 - 2 precision_c sensitivity_c / (precision_c + sensitivity_c)]
    ```

    The skeleton is what an opening takes away, of the mask and of the mask eroded 1, 2, ... `iterations` times. As in
    the authors' program, an erosion takes the least of a position and its neighbours along each axis, a dilation the
    greatest of the square or cube around it; beyond the edge there is nothing to compare with. The paper's formula has
    no `smooth`, and it is for one class.

    The skeleton of a wide mask is thin only after as many iterations as it has positions to its middle. A network that
    finds nothing yet has little to gain: the paper adds soft Dice to it.

    Args:
        iterations: How often masks are eroded, at least 0: about the radius of the widest tube, in positions. Defaults
            to 3.
        smooth: Added to numerators and denominators, above 0. Defaults to 1, as in the authors' program.
        from_logits: Whether `y_pred` holds logits, to which a softmax over the classes is applied, or a sigmoid where
            K = 1. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean; to the skeletons they are as
            what lies beyond the edge. Defaults to None.
        class_weight: A number of at least 0 for each class: its weight in the mean over the classes; `[0, 1]` leaves
            out the background. Defaults to None: all the same.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "cldice".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Masks of shape (N, ..., K), or class indices of shape (N, ...) or (N, ..., 1); labels 0 and 1 for K = 1.
        y_pred: Probabilities or logits of shape (N, ..., K), such as (N, H, W, K) or (N, D, H, W, K).

    Raises:
        ValueError: `iterations` is no whole number of at least 0; `smooth` is not a finite number above 0; the shapes
            of labels and predictions do not belong together.

    Example:
        >>> line = [[[[0.0]] * 5, [[1.0]] * 5, [[0.0]] * 5]]
        >>> broken = [[[[0.0]] * 5, [[1.0], [1.0], [0.0], [1.0], [1.0]], [[0.0]] * 5]]
        >>> round(float(CenterlineDice()(line, broken)), 6)  # 1 - 2 * (5 / 6) / (1 + 5 / 6)
        0.090909

    References:
        - [Shit et al., 2021](https://arxiv.org/abs/2003.07311), clDice - a Novel Topology-Preserving Loss Function for
          Tubular Structure Segmentation
    """

    def __init__(
        self,
        iterations: int = 3,
        smooth: float = 1.0,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cldice",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check(iterations, smooth)
        self.iterations = iterations
        self.smooth = smooth
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(N,)``."""
        return self.values_of(ClassLabels(y_true, y_pred))

    def values_of(self, labels: ClassLabels) -> Any:
        """Return the loss of each sample, shape ``(N,)``, of the positions that are kept."""
        return cldice(
            labels.y_true,
            labels.y_pred,
            iterations=self.iterations,
            smooth=self.smooth,
            class_weight=self.class_weight,
            kept=labels.kept,
        )


def cldice(
    y_true: Any,
    y_pred: Any,
    *,
    iterations: int = 3,
    smooth: float = 1.0,
    from_logits: bool = False,
    class_weight: Sequence[float] | None = None,
    kept: Any = None,
) -> Any:
    """Return the centerline Dice loss of each sample; see `CenterlineDice` for the formula and the arguments.

    ``kept`` says which positions count, shape ``(N, ...)``; None for all.

    Example:
        >>> [round(float(value), 6) for value in cldice([[[1.0], [0.0], [0.0]]], [[[0.0], [0.0], [1.0]]])]
        [0.5]
    """
    _check(iterations, smooth)
    y_pred = mask_probabilities(y_pred, from_logits=from_logits)
    y_true = as_masks(ops.convert_to_tensor(y_true), y_pred, "cldice")
    precision = _share(soft_skeleton(y_pred, iterations, kept), y_true, smooth)
    sensitivity = _share(soft_skeleton(y_true, iterations, kept), y_pred, smooth)
    values = 1 - 2 * precision * sensitivity / (precision + sensitivity)
    return mean_over_classes(values, y_true, count_absent=True, class_weight=class_weight)


def soft_skeleton(masks: Any, iterations: int, kept: Any = None) -> Any:
    """Return the soft skeleton of masks of shape ``(N, ..., K)``, each class by itself.

    Where ``kept``, of shape ``(N, ...)``, is False, there is no skeleton, and nothing to compare neighbours with.

    Example:
        >>> wide = [[[0.0], [1.0], [1.0], [1.0], [0.0]]]
        >>> [float(value) for value in soft_skeleton(wide, 1)[0, :, 0]]
        [0.0, 0.0, 1.0, 0.0, 0.0]
    """
    masks = ops.convert_to_tensor(masks)
    counts = None if kept is None else ops.expand_dims(kept, -1)

    def opened(masks: Any) -> tuple[Any, Any]:
        eroded = _eroded(_filled(masks, counts, 1.0))
        return eroded, ops.relu(masks - _dilated(_filled(eroded, counts, 0.0)))

    eroded, skeleton = opened(masks)
    for _ in range(iterations):
        eroded, removed = opened(eroded)
        skeleton = skeleton + (1 - skeleton) * removed
    return _filled(skeleton, counts, 0.0)


def _filled(masks: Any, counts: Any, value: float) -> Any:
    """Return masks with ``value`` where a position does not count."""
    return masks if counts is None else ops.where(counts, masks, ops.cast(value, masks.dtype))


def _share(skeletons: Any, masks: Any, smooth: float) -> Any:
    """Return how much of the skeletons is in the masks, shape ``(N, K)``."""
    return (over_positions(skeletons * masks) + smooth) / (over_positions(skeletons) + smooth)


def _eroded(masks: Any) -> Any:
    """Return the least of each position and its neighbours along each axis."""
    least = masks
    for axis in range(1, len(masks.shape) - 1):
        before, after = _neighbours(masks, axis)
        least = ops.minimum(least, ops.minimum(before, after))
    return least


def _dilated(masks: Any) -> Any:
    """Return the greatest of the square or cube around each position."""
    for axis in range(1, len(masks.shape) - 1):
        before, after = _neighbours(masks, axis)
        masks = ops.maximum(masks, ops.maximum(before, after))
    return masks


def _neighbours(masks: Any, axis: int) -> tuple[Any, Any]:
    """Return the values before and after each position along an axis; at the ends, its own."""

    def part(start: int | None, stop: int | None) -> Any:
        cut: list[Any] = [slice(None)] * len(masks.shape)
        cut[axis] = slice(start, stop)
        return masks[tuple(cut)]

    before = ops.concatenate([part(None, 1), part(None, -1)], axis=axis)
    return before, ops.concatenate([part(1, None), part(-1, None)], axis=axis)


def _check(iterations: int, smooth: float) -> None:
    if isinstance(iterations, bool) or int(iterations) != iterations or iterations < 0:
        message = f"`iterations` must be a whole number of at least 0, not {iterations!r}."
        raise ValueError(message)
    if not (math.isfinite(smooth) and smooth > 0):
        message = f"`smooth` must be a finite number above 0, not {smooth}."
        raise ValueError(message)
