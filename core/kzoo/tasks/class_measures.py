"""What class probabilities are worth, by measures that no loss of the training stands behind."""

from __future__ import annotations

import numpy as np

__all__ = ["BINS", "calibration_error", "earth_movers_distance", "log_loss", "macro_f1"]

BINS = 15
"""Of the confidence, in the expected calibration error."""

_LEAST = float(np.finfo(np.float32).eps)
"""A probability below it counts as this in the logarithm, so that one example that is sure and wrong is not all."""


def macro_f1(true: np.ndarray, predicted: np.ndarray, num_classes: int) -> float:
    """Return the mean of the F1 scores of all classes, as scikit-learn calculates it; 0 for one that is never right.

    Args:
        true: Class indices, shape (N,).
        predicted: Class indices, shape (N,).
        num_classes: The number of classes K.
    """
    from sklearn.metrics import f1_score

    labels = range(num_classes)
    return float(f1_score(true, predicted, labels=labels, average="macro", zero_division=0.0))


def log_loss(true: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the negative log-likelihood of the true classes, in nats, the mean over the examples.

    A probability below 1.2e-7, the smallest step of a float32, counts as this one.

    Args:
        true: Class indices, shape (N,).
        probabilities: Shape (N, K).
    """
    found = _of_truth(true, probabilities)
    return float(-np.log(np.clip(found, _LEAST, 1.0)).mean())


def calibration_error(true: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the expected calibration error: how far confidence is from how often it is right.

    The examples are put into 15 bins of equal width by the largest probability; of each bin the distance between the
    share of right answers and the mean confidence counts by its share of the examples.

    Args:
        true: Class indices, shape (N,).
        probabilities: Shape (N, K).

    References:
        - [Naeini et al., 2015](https://doi.org/10.1609/aaai.v29i1.9602)
        - [Guo et al., 2017](https://arxiv.org/abs/1706.04599)
    """
    confidence = np.asarray(probabilities, np.float64).max(axis=-1)
    if not np.isfinite(confidence).all():  # a NaN has no bin of its own, and must not vanish into another one
        return float("nan")
    right = (np.argmax(probabilities, axis=-1) == true).astype(np.float64)
    place = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = np.bincount(place, weights=right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(true))


def earth_movers_distance(true: np.ndarray, probabilities: np.ndarray) -> float:
    """Return how many classes, in their order, the probability is away from the true one: the mean over the examples.

    It is the sum over the classes of the distance between the two cumulative distributions.

    Args:
        true: Class indices, shape (N,).
        probabilities: Shape (N, K).
    """
    places = np.arange(np.shape(probabilities)[-1])
    away = np.abs(places[None, :] - np.asarray(true)[:, None])
    return float((np.asarray(probabilities, np.float64) * away).sum(axis=-1).mean())


def _of_truth(true: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the probability of the true class of each example, in float64, shape (N,)."""
    return np.asarray(np.asarray(probabilities, np.float64)[np.arange(len(true)), true])
