"""What a trained model says of a split, beside what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.engine.batches import ordered_batches
from kzoo.report import ClassOutcome, ValueOutcome
from kzoo.training.trainer import predictor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.data.splits import Split, Splits
    from kzoo.pipeline import Pipeline

__all__ = ["class_outcome", "outcome_of", "value_outcome"]


def outcome_of(
    model: Any, pipeline: Pipeline, splits: Splits, *, batch_size: int
) -> ClassOutcome | ValueOutcome | None:
    """Return what a model says of the test split: classes, numbers where there are none, None where it is neither."""
    if pipeline.task == "detection":
        return None  # `detecting` looks at the pictures as they are, not at what the network is fed with
    if splits.class_names:
        return class_outcome(model, pipeline, splits.test, splits.class_names, batch_size=batch_size)
    return value_outcome(model, pipeline, splits, batch_size=batch_size) if splits.output_names else None


def class_outcome(
    model: Any, pipeline: Pipeline, split: Split, class_names: Sequence[str], *, batch_size: int
) -> ClassOutcome:
    """Return the class probabilities that a model gives to every example of a split, beside the true classes."""
    outputs = _outputs(model, split, batch_size)

    def image(number: int) -> np.ndarray:
        pixels, _ = split.fetch(np.asarray([number]))
        return np.array(pixels[0])

    true = np.asarray(split.labels).reshape(-1)
    return ClassOutcome(true, pipeline.probabilities(outputs, len(class_names)), class_names, image)


def value_outcome(model: Any, pipeline: Pipeline, splits: Splits, *, batch_size: int) -> ValueOutcome:
    """Return the numbers that a model predicts for every example of the test split, beside the true ones."""
    split, names = splits.test, splits.output_names
    predicted = pipeline.values(_outputs(model, split, batch_size))
    true = np.asarray(split.labels).reshape(len(split), len(names))
    if len(splits.input_names) != 1:
        return ValueOutcome(true, predicted, names)
    inputs, _ = split.fetch(np.arange(len(split)))
    return ValueOutcome(true, predicted, names, np.asarray(inputs).reshape(-1), splits.input_names[0])


def _outputs(model: Any, split: Split, batch_size: int) -> np.ndarray:
    predict = predictor(model)
    return np.concatenate([predict(x) for x, _ in ordered_batches(split, batch_size)])
