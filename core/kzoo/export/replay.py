"""An exported model beside the original, on the same inputs: how far apart what they say is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.engine.forward import Forward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["TOLERANCE", "Comparison", "Recorder", "difference", "replayed"]

TOLERANCE = 1e-4
"""The largest difference of a model that is exported as it is."""

_EDGES = 4  # inputs of each kind that no data has


@dataclass(frozen=True)
class Comparison:
    """Original and export on inputs of one kind.

    Attributes:
        inputs: What they are.
        count: How many.
        difference: See `difference`.
    """

    inputs: str
    count: int
    difference: float


class Recorder(Forward):
    """Hands what it is given on to another forward, and keeps it: the inputs as a pipeline makes them.

    Args:
        forward: What is called.
        keep: Whether to keep the inputs.

    Attributes:
        inputs: What was kept, one batch after the other.
    """

    engine = "recorded"

    def __init__(self, forward: Callable[[Any], Any], *, keep: bool = True) -> None:
        super().__init__(load=lambda: forward)
        self._keep = keep
        self.inputs: list[np.ndarray] = []

    def __call__(self, x: Any) -> Any:
        """Return what the other forward says of a batch."""
        if self._keep:
            self.inputs.append(np.asarray(x))
        return self.model(x)


def replayed(
    original: Callable[[Any], Any], exported: Callable[[Any], Any], real: Sequence[np.ndarray]
) -> list[Comparison]:
    """Return how far an exported model is from the original on real inputs, and on some that no data has.

    Args:
        original: The original, from a batch to its outputs.
        exported: The exported one.
        real: Batches of inputs.
    """
    of_data = [difference(original(x), exported(x)) for x in real]
    found = [Comparison("test data", sum(map(len, real)), max(of_data))]
    for name, x in _edges(real[0]):
        found.append(Comparison(name, len(x), difference(original(x), exported(x))))
    return found


def difference(expected: Any, found: Any) -> float:
    """Return the largest difference of two models' outputs; infinite where one has a number and the other has none.

    Numbers above 1 are compared in parts of the largest of their kind: of a class, of a column, of what an anchor says.
    So a price in cents is as equal to itself as a probability is.
    """
    ours, theirs = (list(one) if isinstance(one, (list, tuple)) else [one] for one in (expected, found))
    if len(ours) != len(theirs):
        return float("inf")
    return max(
        _difference(np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in zip(ours, theirs, strict=True)
    )


def _difference(expected: np.ndarray, found: np.ndarray) -> float:
    if expected.shape != found.shape:
        return float("inf")
    finite = np.isfinite(expected)
    if not np.array_equal(expected[~finite], found[~finite], equal_nan=True) or not np.isfinite(found[finite]).all():
        return float("inf")
    expected, found = np.where(finite, expected, 0), np.where(finite, found, 0)
    largest = np.abs(expected).reshape(-1, expected.shape[-1]).max(axis=0)
    return float((np.abs(expected - found) / np.maximum(1, largest)).max(initial=0))


def _edges(real: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield inputs of the form of real ones: nothing, ones, as much as there is, noise."""
    shape, dtype = (_EDGES, *real.shape[1:]), real.dtype
    noise = np.random.default_rng(0)
    yield "zeros", np.zeros(shape, dtype)
    yield "ones", np.ones(shape, dtype)
    if np.issubdtype(dtype, np.integer):
        yield "all white", np.full(shape, np.iinfo(dtype).max, dtype)
        yield "noise", noise.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    else:
        low, high = np.min(real, axis=0), np.max(real, axis=0)
        yield "noise", noise.uniform(low, high, shape).astype(dtype)
