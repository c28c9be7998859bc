"""The base of metrics whose state is a set of sums, so that batches and replicas add up."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import ConfigFromSignature

__all__ = ["SumMetric", "check_choice", "class_indices", "weights_for"]


class SumMetric(ConfigFromSignature, keras.metrics.Metric):  # type: ignore[misc] # Keras has no types
    """A metric that adds up some tensors over all batches and calculates its result from the totals.

    A subclass has `align`, which checks the shapes; `sums`, which returns what one batch adds, by name; and `score`,
    which makes the result of the totals. The variables are made at the first batch, in the shapes of the sums.

    Args:
        name: The metric's name in logs and tables.
        dtype: The type of the sums; half precision is raised to float32.
    """

    def __init__(self, name: str, dtype: Any = None) -> None:
        policy = keras.dtype_policies.get(dtype or keras.config.floatx())
        half = policy.compute_dtype in ("float16", "bfloat16")
        super().__init__(name=name, dtype="float32" if half else policy.compute_dtype)
        self._names: tuple[str, ...] = ()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch: ``sample_weight`` has one entry for each sample, or is one number; masked steps count 0."""
        mask = getattr(y_pred, "_keras_mask", None)
        y_true, y_pred = self.align(self.tensor(y_true), self.tensor(y_pred))
        weight = weights_for(sample_weight, mask, self.weighed(y_true), self.dtype, self.name)
        self.add(**self.sums(y_true, y_pred, weight))

    def tensor(self, value: Any) -> Any:
        """Return labels or predictions as a tensor of the metric's type."""
        return ops.cast(ops.convert_to_tensor(value), self.dtype)

    def add(self, **sums: Any) -> None:
        """Add to the totals, which are made where there are none yet."""
        if not self._names:
            for name, value in sums.items():
                dtype = keras.backend.standardize_dtype(value.dtype)
                setattr(self, f"sum_of_{name}", self.add_weight(value.shape, "zeros", dtype=dtype, name=name))
            self._names = tuple(sums)
        for name, value in sums.items():
            getattr(self, f"sum_of_{name}").assign_add(value)

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels and predictions that belong together; raise ``ValueError`` where they do not."""
        raise NotImplementedError

    def weighed(self, y_true: Any) -> Any:
        """Return a tensor with one entry for everything that can have a weight of its own: by default the labels."""
        return y_true

    def sums(self, y_true: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        """Return what a batch adds to each total; ``weight`` has the shape of what is weighed."""
        raise NotImplementedError

    def score(self, *_: Any, **totals: Any) -> Any:
        """Return the result; a subclass names the totals that its `sums` returns."""
        raise NotImplementedError

    def result(self) -> Any:
        """Return the result of all batches since the last reset; 0 before the first."""
        if not self._names:
            return ops.zeros((), self.dtype)
        return self.score(**{name: ops.convert_to_tensor(getattr(self, f"sum_of_{name}")) for name in self._names})


def weights_for(weight: Any, mask: Any, values: Any, dtype: Any, what: str) -> Any:
    """Return sample weights and a mask as one tensor of the shape of ``values``.

    Args:
        weight: One number, or a weight for each sample, of shape ``(N,)`` or ``(N, 1)``, or for each leading position
            of ``values``; None for 1.
        mask: What Keras layers left on predictions, for the leading positions of ``values``; or None.
        values: What is weighed.
        dtype: The type of the tensor returned.
        what: The component's name, for the error.

    Raises:
        ValueError: Weights or mask are for another number of samples or positions.
    """
    found = ops.ones_like(values, dtype=dtype)
    for name, given in (("sample weights", weight), ("a mask", mask)):
        if given is None:
            continue
        tensor = ops.cast(ops.convert_to_tensor(given), dtype)
        rank = len(values.shape)
        while len(tensor.shape) > max(rank, 1) and tensor.shape[-1] == 1:
            tensor = ops.squeeze(tensor, -1)
        shape = tuple(tensor.shape)
        sizes = zip(shape, tuple(values.shape), strict=False)
        spread = [bool(at) and a == 1 for at, a in enumerate(shape)]
        fits = [a is None or b is None or a == b or s for (a, b), s in zip(sizes, spread, strict=False)]
        if len(shape) > rank or not all(fits):
            message = f"`{what}` got {name} of shape {shape} for values of shape {tuple(values.shape)}."
            raise ValueError(message)
        for _ in range(rank - len(shape)):
            tensor = ops.expand_dims(tensor, -1)
        found = found * tensor
    return found


def class_indices(y_true: Any, y_pred: Any, what: str) -> Any:
    """Return labels as class indices of shape ``(...)`` for scores of shape ``(..., K)``.

    Args:
        y_true: One-hot or soft labels of shape ``(..., K)``, of which the largest entry counts, or class indices of
            shape ``(...)`` or ``(..., 1)``.
        y_pred: Scores of shape ``(..., K)``; K must be known.
        what: The component's name, for the error.

    Raises:
        ValueError: The shapes fit neither form.
    """
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    if not pred_shape or pred_shape[-1] is None:
        message = f"`{what}` needs y_pred of shape (..., classes) with a known number of classes, not {pred_shape}."
        raise ValueError(message)
    if _fit(true_shape, pred_shape):
        return ops.cast(ops.argmax(y_true, axis=-1), "int32")
    indices = ops.squeeze(y_true, -1) if len(true_shape) == len(pred_shape) and true_shape[-1] == 1 else y_true
    if not _fit(tuple(indices.shape), pred_shape[:-1]):
        message = (
            f"`{what}` got y_true of shape {true_shape} and y_pred of shape {pred_shape}. It takes one-hot labels of "
            f"the same shape, or class indices of shape {pred_shape[:-1]}."
        )
        raise ValueError(message)
    return ops.cast(indices, "int32")


def check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    """Raise ``ValueError`` where an argument is none of the values that it can have."""
    if value not in choices:
        message = f"`{name}` must be one of {', '.join(map(repr, choices))}, not {value!r}."
        raise ValueError(message)


def _fit(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Return whether two shapes are equal as far as they are known."""
    return len(one) == len(other) and all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))
