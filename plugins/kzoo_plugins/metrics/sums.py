"""The base of metrics whose state is a set of sums, so that batches and replicas add up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ConfigFromSignature, fit_weight, has_nan

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SumMetric", "check_choice", "is_empty", "weights_for", "without_faults"]


class SumMetric(ConfigFromSignature, keras.metrics.Metric):  # type: ignore[misc] # Keras has no types
    """A metric that adds up some tensors over all batches and calculates its result from the totals.

    A subclass has `align`, which checks the shapes; `sums`, which returns what one batch adds, by name; and `score`,
    which makes the result of the totals. The variables are made at the first batch, in the shapes of the sums.

    A NaN in a sample makes the result NaN, whatever the formula would make of it, unless the sample's weight is 0.

    Args:
        name: The metric's name in logs and tables.
        dtype: The type of the sums; half precision is raised to float32.
    """

    def __init__(self, name: str, dtype: Any = None) -> None:
        policy = keras.dtype_policies.get(dtype or keras.config.floatx())
        half = policy.compute_dtype in ("float16", "bfloat16")
        super().__init__(name=name, dtype="float32" if half else policy.compute_dtype)
        self._names: tuple[str, ...] = ()
        self._faults = self.add_weight((), "zeros", dtype=self.dtype, name="faults")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch: ``sample_weight`` has one entry for each sample, or is one number; masked steps count 0."""
        mask = getattr(y_pred, "_keras_mask", None)
        y_true, y_pred = self.tensor(y_true), self.tensor(y_pred)
        if not is_empty(y_pred):
            self.record(*self.read(y_true, y_pred), weights=(sample_weight, mask))

    def record(self, y_true: Any, y_pred: Any, counts: Any = None, weights: Sequence[Any] = ()) -> None:
        """Add what a batch that was read gives; what is NaN or weighs 0 has no part in the sums."""
        values = self.weighed(y_true)
        weight = weights_for((*weights, counts), values, self.dtype, self.name)
        (y_true, y_pred), weight, faults = without_faults((y_true, y_pred), weight)
        self.add_faults(faults)
        self.add(**self.sums(y_true, y_pred, weight))

    def tensor(self, value: Any) -> Any:
        """Return labels or predictions as a tensor of the metric's type."""
        return ops.cast(ops.convert_to_tensor(value), self.dtype)

    def read(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        """Return what `align` returns, and what each entry that is weighed counts for its label; None for 1."""
        return (*self.align(y_true, y_pred), None)

    def add(self, **sums: Any) -> None:
        """Add to the totals, which are made where there are none yet."""
        if not self._names:
            for name, value in sums.items():
                dtype = keras.backend.standardize_dtype(value.dtype)
                setattr(self, f"sum_of_{name}", self.add_weight(value.shape, "zeros", dtype=dtype, name=name))
            self._names = tuple(sums)
        for name, value in sums.items():
            getattr(self, f"sum_of_{name}").assign_add(value)

    def add_faults(self, count: Any) -> None:
        """Add to the number of samples that were NaN."""
        self._faults.assign_add(count)

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels and predictions that belong together; raise ``ValueError`` where they do not.

        What is no label or no prediction is NaN there.
        """
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
        """Return the result of all batches since the last reset; 0 before the first, NaN where a sample was NaN."""
        if not self._names:
            return ops.zeros((), self.dtype)
        found = self.score(**{name: ops.convert_to_tensor(getattr(self, f"sum_of_{name}")) for name in self._names})
        return ops.where(self._faults > 0, ops.cast(float("nan"), found.dtype), found)


def is_empty(tensor: Any) -> bool:
    """Return whether a batch is known to have no sample."""
    return tuple(tensor.shape)[:1] == (0,)


def weights_for(weights: Sequence[Any], values: Any, dtype: Any, what: str) -> Any:
    """Return sample weights, masks and the like as one tensor of the shape of ``values``: their product.

    Args:
        weights: Each one number, or a weight for each sample, of shape ``(N,)`` or ``(N, 1)``, or for each leading
            position of ``values``; None for 1.
        values: What is weighed.
        dtype: The type of the tensor returned.
        what: The component's name, for the error.

    Raises:
        ValueError: Weights or mask are for another number of samples or positions.
    """
    found = ops.ones_like(values, dtype=dtype)
    for given in weights:
        if given is not None:
            found = found * ops.cast(fit_weight(given, values, what), dtype)
    return found


def without_faults(inputs: Sequence[Any], weight: Any) -> tuple[list[Any], Any, Any]:
    """Return inputs and weights with zeros where an input is NaN or its weight 0, and how many NaN counted.

    Args:
        inputs: Labels, predictions; their leading axes are those of ``weight``.
        weight: The weight of each entry. One that is NaN is a fault as well.
    """
    nan = ops.logical_or(has_nan(weight, *inputs), ops.isnan(weight))
    faults = ops.logical_and(nan, weight != 0)
    out = ops.logical_or(nan, weight == 0)

    def cleaned(one: Any) -> Any:
        spread = ops.reshape(out, (*ops.shape(out), *[1] * (len(one.shape) - len(out.shape))))
        return ops.where(spread, ops.zeros_like(one), one)

    count = ops.sum(ops.cast(faults, weight.dtype))
    return [cleaned(one) for one in inputs], ops.where(out, ops.zeros_like(weight), weight), count


def check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    """Raise ``ValueError`` where an argument is none of the values that it can have."""
    if value not in choices:
        message = f"`{name}` must be one of {', '.join(map(repr, choices))}, not {value!r}."
        raise ValueError(message)
