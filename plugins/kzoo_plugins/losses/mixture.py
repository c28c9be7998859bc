"""A weighted sum of losses."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import Loss, align_shapes, propagate_nan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Mixture"]

_PER_SAMPLE = {keras.losses.Dice: "soft_dice", keras.losses.Tversky: "tversky"}
"""The losses of Keras that are one number for a batch, and those of kzoo that have a value for each sample."""

_OF_INDICES = (
    keras.losses.SparseCategoricalCrossentropy,
    keras.losses.CategoricalGeneralizedCrossEntropy,
    keras.losses.Circle,
    keras.losses.CTC,
)
"""The losses of Keras whose labels have another shape than the predictions."""

_REDUCTIONS = ("sum_over_batch_size", None, "none")


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Mixture(Loss):
    """The weighted sum of several losses of the same labels and predictions.

    Formula, for one sample, with the losses l_i and their weights w_i:

    ```
    mixture = sum_i w_i l_i
    ```

    Sample weights weigh the sum as they weigh each loss. A loss may have a value for each sample, as `soft_dice`, and
    another one for each position, as a crossentropy of masks: then the sum has one for each sample, and of the other
    loss the mean over the sample's positions counts. In general each loss is averaged over the axes that not all of
    them have. A position that a loss ignores (`ignore_class`) is in none of that loss's means; with ``reduction=None``
    it adds 0 of that loss. Where all the losses have values at the same axes, the mixture is the sum of what each gives
    alone.

    A loss of the batch as a whole, such as `weighted_kappa`, is in the sum as the value of each sample; the sample
    weights weigh that, and are not in its kappa.

    Each loss is logged on its own as well, without its weight, under its name with `_loss` at the end.

    Args:
        losses: The losses, Keras's own or any other: objects, or in `kzoo.loss` and on the command line references
            such as `focal(gamma=2)`. What is said of logits, ignored classes and the like is said in each of them; the
            reduction is said here.
        weights: A finite number for each of them. One with the weight 0 is logged and no more; one with a weight below
            0 is made larger by the training, as an entropy may be meant to. Defaults to 1 for each.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "mixture".
        dtype: The floating type of the sum, and the least of the losses in it, at least float32. Defaults to Keras's
            float type.

    Call arguments:
        y_true: Labels in a form that all the losses take.
        y_pred: Predictions that all the losses take.

    Raises:
        ValueError: `losses` or `weights` are not as described; the weights of equal losses cancel out, so that the sum
            is always 0; a loss is one number for the whole batch, as Keras's
            `dice` is; labels and predictions do not belong together; the losses have values for different positions.

    Example:
        >>> loss = Mixture([keras.losses.MeanSquaredError(), keras.losses.MeanAbsoluteError()], weights=[1, 0.5])
        >>> float(loss([[0.0, 0.0]], [[1.0, 3.0]]))
        6.0
        >>> loss.part_names
        ('mean_squared_error_loss', 'mean_absolute_error_loss')

    References:
        - [Isensee et al., 2021](https://doi.org/10.1038/s41592-020-01008-z), nnU-Net: the sum of Dice and crossentropy
        - [Zhao et al., 2017](https://arxiv.org/abs/1511.08861), Loss functions for image restoration with neural
          networks: structural similarity and absolute error
    """

    def __init__(
        self,
        losses: Sequence[Any],
        weights: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mixture",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.losses = _checked_losses(losses)
        self.weights = _checked_weights(weights, len(self.losses))
        _check_something_is_left(self.losses, self.weights)
        self.part_names = _part_names(self.losses)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the weighted sum of the reduced losses, each over what it does not ignore itself."""
        labels, scores = self._tensor(y_true), self._tensor(y_pred)
        if self.of_nothing(scores):
            return ops.sum(scores)
        with keras.name_scope(self.name):
            return _sum(
                (weight, self.reduce(values, y_pred, sample_weight, kept))
                for weight, values, kept in self._terms(labels, scores)
            )

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the weighted sum for each sample, or for each position where all the losses have positions."""
        return _sum((weight, values) for weight, values, _ in self._terms(y_true, y_pred))

    def kept(self, y_true: Any, y_pred: Any) -> Any:
        """Return which of the values that `call` returns count: those that not all the losses ignore; None for all."""
        masks = []
        for loss in self.losses:
            mask = _kept(loss, *self._for_part(loss, y_true, y_pred))
            if mask is None:
                return None
            masks.append(mask)
        rank = min(len(mask.shape) for mask in masks)
        first, *others = [_any_beyond(mask, rank) for mask in masks]
        for other in others:
            first = ops.logical_or(first, other)
        return first

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels and predictions as they are: each loss has its own say."""
        return y_true, y_pred

    def parts(self, y_true: Any, y_pred: Any) -> dict[str, Any]:
        """Return the values of each loss by its name, without its weight."""
        values = [values for values, _ in self._parts(y_true, y_pred)]
        return dict(zip(self.part_names, values, strict=True))

    def part_kept(self, part: str, y_true: Any, y_pred: Any) -> Any:
        """Return which of the values that `parts` has of one loss count, or None where all do."""
        return self._parts(y_true, y_pred)[self.part_names.index(part)][1]

    def _terms(self, y_true: Any, y_pred: Any) -> list[tuple[float, Any, Any]]:
        """Return weight and values of each loss, and which of them count, where a mixture inside counts as its losses.

        A loss of weight 0 is not multiplied but left out: 0 times infinity would be NaN.
        """
        terms: list[tuple[float, Any, Any]] = []
        for weight, loss, (values, kept) in zip(self.weights, self.losses, self._parts(y_true, y_pred), strict=True):
            if weight and isinstance(loss, Mixture):
                inside = loss._terms(*self._for_part(loss, y_true, y_pred))  # noqa: SLF001 - another of this class
                rank = len(values.shape)
                terms += [(weight * w, *_mean_beyond(v, k, rank)) for w, v, k in inside]
            elif weight:
                terms.append((weight, values, kept))
        return terms

    def _parts(self, y_true: Any, y_pred: Any) -> list[tuple[Any, Any]]:
        """Return the values of each loss and which of them count, all with the same axes."""
        found = [self._part(loss, y_true, y_pred) for loss in self.losses]
        rank = min(len(values.shape) for values, _ in found)
        found = [_mean_beyond(values, kept, rank) for values, kept in found]
        shapes = [tuple(values.shape) for values, _ in found]
        if any(not _may_be_equal(shape, shapes[0]) for shape in shapes):
            listed = ", ".join(f"{loss.name} {shape}" for loss, shape in zip(self.losses, shapes, strict=True))
            message = f"`{self.name}` cannot add up its losses, whose values are for different positions: {listed}."
            raise ValueError(message)
        return found

    def _part(self, loss: Any, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return what one loss has of each sample or position, and which of that counts (None for all)."""
        true, pred = self._for_part(loss, y_true, y_pred)
        values = loss.call(true, pred)
        kept = _kept(loss, true, pred, values)
        shape = tuple(values.shape)
        if not shape:
            raise ValueError(_of_the_batch(loss))
        if not _may_be_equal(shape[:1], tuple(pred.shape)[:1]):
            message = (
                f"`{self.name}` needs a value of each sample, and its loss `{loss.name}` has values of shape {shape} "
                f"for predictions of shape {tuple(pred.shape)}."
            )
            raise ValueError(message)
        if not isinstance(loss, Loss):
            values = propagate_nan(values, true, pred)  # which Keras's own need not do
        if kept is not None:
            values = ops.where(kept, values, ops.zeros_like(values))
        return ops.cast(values, self.dtype), kept

    def _for_part(self, loss: Any, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels and predictions as one of the losses gets them."""
        dtype = keras.backend.result_type(self.dtype, loss.dtype)
        true, pred = (ops.cast(ops.convert_to_tensor(y), dtype) for y in (y_true, y_pred))
        if not _may_be_equal(tuple(true.shape)[:1], tuple(pred.shape)[:1]):
            message = (
                f"`{self.name}` got y_true of shape {tuple(true.shape)} and y_pred of shape {tuple(pred.shape)}, which "
                "are not for the same samples."
            )
            raise ValueError(message)
        if type(loss).__module__.startswith("keras.") and not isinstance(loss, _OF_INDICES):
            true, pred = align_shapes(true, pred, loss.name)  # Keras's own broadcast what does not belong together
            if len(pred.shape) == 1:  # they take the mean over the last axis, which would be that over the samples
                true, pred = ops.expand_dims(true, -1), ops.expand_dims(pred, -1)
        return true, pred


def _sum(terms: Iterable[tuple[float, Any]]) -> Any:
    first, *others = [value if weight == 1 else weight * value for weight, value in terms]
    return sum(others, start=first)


def _kept(loss: Any, y_true: Any, y_pred: Any, values: Any = None) -> Any:
    """Return which of a loss's values count, or None where all do; Keras's own losses leave it on their values."""
    if hasattr(loss, "kept"):
        return loss.kept(y_true, y_pred)
    if getattr(loss, "ignore_class", None) is None:
        return None
    return getattr(loss.call(y_true, y_pred) if values is None else values, "_keras_mask", None)


def _mean_beyond(values: Any, kept: Any, rank: int) -> tuple[Any, Any]:
    """Return the mean over the axes after the first ``rank``, of what is kept, and where there was something."""
    axes = tuple(range(rank, len(values.shape)))
    if not axes:
        return values, kept
    if kept is None:
        return ops.mean(values, axis=axes), None
    count = ops.sum(ops.cast(kept, values.dtype), axis=axes)
    return ops.sum(values, axis=axes) / ops.maximum(count, 1), _any_beyond(kept, rank)


def _any_beyond(kept: Any, rank: int) -> Any:
    axes = tuple(range(rank, len(kept.shape)))
    return ops.any(kept, axis=axes) if axes else kept


def _may_be_equal(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Return whether two shapes are equal as far as they are known."""
    return len(one) == len(other) and all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))


def _of_the_batch(loss: Any) -> str:
    """Say why a loss that has one number for a batch is no part of a sum for each sample, and which one is."""
    whose = "of Keras " if type(loss).__module__.startswith("keras.") else ""
    instead = next((name for known, name in _PER_SAMPLE.items() if isinstance(loss, known)), "")
    other = (
        f"kzoo's `{instead}` has one for each mask, and Keras's itself for what `axis` leaves, as in axis=-1"
        if instead
        else "Take one that has a value for each sample"
    )
    return (
        f"The loss {whose}`{loss.name}` is one number for the whole batch, so it cannot be added to the values of "
        f"samples, which sample weights weigh. {other}."
    )


_OF_FUNCTIONS = (
    "A function is no loss object: take its class, as `keras.losses.BinaryCrossentropy()` is that of "
    "`keras.losses.binary_crossentropy`, or write one, `class Mine(keras.losses.Loss)`, whose method "
    "`call(self, y_true, y_pred)` returns what the function does."
)


def _checked_losses(losses: Any) -> list[Any]:
    if not isinstance(losses, (list, tuple)) or not losses:
        given = f"one, `{losses.name}`" if isinstance(losses, keras.losses.Loss) else repr(losses)
        message = f"`losses` must be a list with at least one loss, as in [soft_dice,focal(gamma=2)], not {given}."
        raise ValueError(message)
    for loss in losses:
        if not isinstance(loss, keras.losses.Loss):
            given = f"the function `{getattr(loss, '__name__', '')}`" if inspect.isroutine(loss) else repr(loss)
            hint = _OF_FUNCTIONS if inspect.isroutine(loss) else 'Names are for `kzoo.loss("mixture", losses=[...])`.'
            message = f"`losses` must hold objects that are `keras.losses.Loss`, not {given}. {hint}"
            raise ValueError(message)  # noqa: TRY004 - what a constructor refuses
        if isinstance(loss, tuple(_PER_SAMPLE)) and getattr(loss, "axis", None) is None:
            raise ValueError(_of_the_batch(loss))
        if loss.reduction not in _REDUCTIONS:
            message = (
                f"The loss `{loss.name}` has the reduction {loss.reduction!r}, which says nothing inside a mixture: "
                "its values are added to those of the others before they are reduced. Give `reduction` to the mixture."
            )
            raise ValueError(message)
    return list(losses)


def _checked_weights(weights: Any, count: int) -> list[float]:
    if weights is None:
        return [1.0] * count
    plain = weights.tolist() if hasattr(weights, "tolist") else weights
    fits = isinstance(plain, (list, tuple)) and all(
        isinstance(one, (int, float)) and not isinstance(one, bool) and math.isfinite(one) for one in plain
    )
    if not fits or len(plain) != count or not any(plain):
        message = (
            f"`weights` must be a list with a finite number for each of the {count} losses, not all of them 0, or "
            f"None, not {weights!r}."
        )
        raise ValueError(message)
    return [float(one) for one in plain]


def _check_something_is_left(losses: Sequence[Any], weights: Sequence[float]) -> None:
    """Refuse equal losses whose weights add up to 0: their sum is 0 whatever is predicted, and nothing is learned."""
    if min(weights) >= 0:
        return
    made: dict[str, list[float]] = {}
    for loss, weight in zip(losses, weights, strict=True):
        made.setdefault(_written(loss), []).append(weight)
    if all(math.isclose(math.fsum(each), 0, abs_tol=1e-9 * math.fsum(map(abs, each))) for each in made.values()):
        named = ", ".join(f"{weight:g} x {loss.name}" for loss, weight in zip(losses, weights, strict=True))
        message = (
            f"The weights of the mixture cancel out ({named}): the sum is 0 whatever is predicted, so nothing would be "
            "learned. Give weights that leave something of at least one loss."
        )
        raise ValueError(message)


def _written(loss: Any) -> str:
    """Return a text that is the same of two losses only if these are; what Keras does not save of one is in it."""
    return f"{type(loss)} {sorted((name, repr(value)) for name, value in vars(loss).items() if name != 'name')}"


def _part_names(losses: Sequence[Any]) -> tuple[str, ...]:
    """Return a name for each loss: its own with ``_loss`` at the end, which no metric has, and a number if need be."""
    found: list[str] = []
    for loss in losses:
        name = loss.name if loss.name.endswith("_loss") else f"{loss.name}_loss"
        number = 2
        unique = name
        while unique in found:
            unique, number = f"{name}_{number}", number + 1
        found.append(unique)
    return tuple(found)
