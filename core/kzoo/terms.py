"""The words that specs are written in: tasks, forms of labels, what labels and predictions can be."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["APPLIES_TO", "DIRECTIONS", "INPUTS", "LABEL_FORMS", "LAYERS", "PROPERTIES", "TASKS", "VIEWS"]

TASKS = (
    "classification",
    "binary",
    "multilabel",
    "distribution",
    "ordinal",
    "regression",
    "detection",
    "segmentation",
    "embedding",
    "restoration",
    "transcription",
)
"""What a pipeline can be for, and what a component can declare itself for."""

LABEL_FORMS = ("dense", "sparse")
"""How class labels can reach a loss or metric: ``dense`` is one-hot rows, ``sparse`` is integer class indices."""

DIRECTIONS = ("max", "min", "")
"""Which values of a metric are better; empty where neither is."""

APPLIES_TO = ("weights", "activity")
"""What a regularizer can be given."""

LAYERS = ("", "features", "outputs")
"""The layer to which a run gives a regularizer of activity: the one before the last, or the last; empty for none."""

INPUTS: Mapping[str, str] = MappingProxyType(
    {
        "classes": "class labels (N,) or one-hot (N, K), and probabilities (N, K)",
        "binary": "labels 0 or 1 (N, 1), and probabilities (N, 1)",
        "multilabel": "labels 0 or 1 (N, L), and a probability for each (N, L)",
        "signs": "labels -1 or 1 (N, 1), and scores (N, 1)",
        "values": "numbers (N, D), and numbers (N, D)",
        "positive": "numbers above 0 (N, D), and numbers above 0 (N, D)",
        "quantiles": "numbers (N, 1), and a prediction for each quantile (N, Q)",
        "gaussians": "numbers (N, 1), and a mean and a variance above 0 (N, 2)",
        "thresholds": "class labels (N,) of K ordered classes, and a logit for each of the K - 1 thresholds (N, K - 1)",
        "masks": "one-hot masks (N, H, W, K), and probabilities (N, H, W, K)",
        "boxes": "corners x1, y1, x2, y2 (N, 4), and the same (N, 4)",
        "bins": "numbers from 0 to B - 1 (N, 4), and a logit for each of the B bins of each (N, 4 * B)",
        "places": "what belongs at each place of a detector (N, R, 12 + K), and what it says (N, R, 5 + K)",
        "embeddings": "class labels (N,), and one vector for each sample (N, D)",
        "cosines": "class labels (N,), and cosines between -1 and 1 (N, K)",
        "distances": "1 for a pair that belongs together, else 0 (N,), and distances of at least 0 (N,)",
        "sequences": "symbols from 1 on, then zeros (N, S), and a logit for each of K symbols at each step (N, T, K)",
        "images": "images between 0 and 1 (N, H, W, C), and the same (N, H, W, C)",
        "large_images": "the same, with sides of at least 176 pixels",
    }
)
"""What labels and predictions can be, and the shapes that the conformance kit makes of each."""

PROPERTIES = ("zero_at_equality", "symmetric", "range")
"""What a loss or metric can promise of its values, for the conformance kit to hold it to."""

VIEWS = ("", "of_classes", "of_samples")
"""What a loss compares that wants two views of each sample: labels are classes, or the numbers of the samples; empty
where one view will do."""
