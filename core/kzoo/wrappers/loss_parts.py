"""The parts of a loss that is a sum, each as a metric of its own."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import MeanMetric

__all__ = ["LossPart", "parts_of"]


@keras.saving.register_keras_serializable(package="kzoo")
class LossPart(MeanMetric):
    """The mean over the samples of one part of a loss.

    Args:
        loss: A loss with ``part_names`` and a method ``parts``, which returns the values per sample by those names. A
            method ``part_kept`` of the name, labels and predictions says which values of a part count (None for all).
        part: The name of the part.
        name: By default that of the part.
        dtype: As for every metric.
    """

    def __init__(self, loss: Any, part: str, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name or part, dtype=dtype)
        self.loss, self.part = loss, part

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return what the loss itself would see."""
        return self.loss.align(y_true, y_pred)  # type: ignore[no-any-return]

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the part of each sample."""
        return self.loss.parts(y_true, y_pred)[self.part]

    def label_weight(self, y_true: Any, y_pred: Any) -> Any:
        """Return 0 where the part ignores a position, else 1; None where it ignores none."""
        if not hasattr(self.loss, "part_kept"):
            return None
        kept = self.loss.part_kept(self.part, y_true, y_pred)
        return None if kept is None else ops.cast(kept, self.dtype)


def parts_of(loss: Any) -> list[LossPart]:
    """Return a metric for each part that a loss names; none for a loss that is not a sum of named parts."""
    return [LossPart(loss, part) for part in getattr(loss, "part_names", ())]
