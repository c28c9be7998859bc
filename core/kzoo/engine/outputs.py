"""What a model says of all examples of a split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.engine.forward import TENSORFLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kzoo.data.splits import Split

__all__ = ["outputs_of"]


def outputs_of(forward: Callable[[Any], Any], split: Split, batch_size: int) -> np.ndarray:
    """Return a model's outputs for all examples of a split, in their order.

    Examples are read ahead by TensorFlow where that runs the model, and by NumPy for any other engine.
    """
    return np.concatenate([forward(x) for x in _batches(forward, split, batch_size)])


def _batches(forward: Callable[[Any], Any], split: Split, batch_size: int) -> Iterator[Any]:
    if getattr(forward, "engine", TENSORFLOW) == TENSORFLOW:
        from kzoo.engine.batches import ordered_batches

        yield from (x for x, _ in ordered_batches(split, batch_size))
        return
    for first in range(0, len(split), batch_size):
        yield split.examples(np.arange(first, min(first + batch_size, len(split))))[0]
