"""The base of metrics that need the samples themselves: a reservoir of bounded size."""

from __future__ import annotations

from typing import Any

from keras import ops

from kzoo_plugins.metrics.sums import SumMetric

__all__ = ["ReservoirMetric"]

_GOLDEN = -1640531527
"""2^32 divided by the golden ratio, as a signed number: multiples of it spread evenly over all 32-bit numbers."""

_LAST = 2**31 - 1


class ReservoirMetric(SumMetric):
    """A metric of all samples seen, as long as they fit, and beyond that of a part of them that is spread evenly.

    The n-th sample has the key n * 2654435769 modulo 2^32, and the samples with the smallest keys are kept. These
    multiples of the golden ratio are spread evenly, so every stretch of the stream is kept in its proportion, the same
    stream gives the same samples, and no random state is needed. Samples with a weight of 0 go first.

    Buffers of two replicas do not add up: measure on one device.

    Args:
        capacity: How many samples are kept at most, at least 2.
        name: The metric's name.
        dtype: The type of the numbers kept, at least float32.
    """

    def __init__(self, capacity: int, name: str, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        if int(capacity) != capacity or capacity < 2:  # noqa: PLR2004
            message = f"`capacity` must be a whole number of at least 2, not {capacity}."
            raise ValueError(message)
        self.capacity = capacity

    def weighed(self, y_true: Any) -> Any:
        """Return one entry for each sample."""
        return y_true[:, 0]

    def sums(self, y_true: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        """Return the rows of a batch; they are not summed, but kept."""
        return {"true": y_true, "pred": y_pred, "weight": weight}

    def add(self, **sums: Any) -> None:
        """Keep the rows of a batch, or as many as have small enough keys."""
        if not self._names:
            for name, rows in sums.items():
                shape = (self.capacity, *rows.shape[1:])
                setattr(self, f"sum_of_{name}", self.add_weight(shape, "zeros", dtype=self.dtype, name=name))
            self._keys = self.add_weight((self.capacity,), "zeros", dtype="int32", name="keys")
            self._seen = self.add_weight((), "zeros", dtype="int32", name="seen")
            self._names = tuple(sums)
        weight, seen = sums["weight"], ops.convert_to_tensor(self._seen)
        count = ops.cast(ops.shape(weight)[0], "int32")
        keys = (seen + 1 + ops.arange(count, dtype="int32")) * _GOLDEN
        keys = ops.where(weight > 0, ops.minimum(keys, _LAST - 2), _LAST - 1)
        empty = ops.arange(self.capacity, dtype="int32") >= seen
        keys = ops.concatenate([ops.where(empty, _LAST, ops.convert_to_tensor(self._keys)), keys])
        # The shape is known, but not to a graph for batches of any size.
        kept = ops.reshape(ops.argsort(keys)[: self.capacity], (self.capacity,))
        for name, rows in sums.items():
            variable = getattr(self, f"sum_of_{name}")
            variable.assign(ops.take(ops.concatenate([ops.convert_to_tensor(variable), rows]), kept, axis=0))
        self._keys.assign(ops.take(keys, kept))
        self._seen.assign(seen + count)
