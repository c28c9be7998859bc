"""What a trained model says of a split, beside what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.report import ClassOutcome
from kzoo.training.batches import ordered_batches
from kzoo.training.trainer import predictor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.data.splits import Split
    from kzoo.pipeline import Pipeline

__all__ = ["class_outcome"]


def class_outcome(
    model: Any, pipeline: Pipeline, split: Split, class_names: Sequence[str], *, batch_size: int
) -> ClassOutcome:
    """Return the class probabilities that a model gives to every example of a split, beside the true classes."""
    predict = predictor(model)
    outputs = np.concatenate([predict(x) for x, _ in ordered_batches(split, batch_size)])

    def image(number: int) -> np.ndarray:
        pixels, _ = split.fetch(np.asarray([number]))
        return np.array(pixels[0])

    true = np.asarray(split.labels).reshape(-1)
    return ClassOutcome(true, pipeline.probabilities(outputs, len(class_names)), class_names, image)
