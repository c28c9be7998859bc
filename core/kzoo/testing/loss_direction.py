"""The check that a loss asks for what is right, and predictions that are right and wrong for losses and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import CLASSES, as_labels, equal_pair, sample
from kzoo.testing.tools import per_sample, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kzoo.testing.subject import Subject

__all__ = ["right_and_wrong", "right_below_wrong"]

_SURE = 0.88
"""The probability of the class that a network is sure of; the others share the rest."""


def right_below_wrong(subject: Subject) -> None:
    """A prediction that is right has a lower value than one that is wrong, for each class and each other one."""
    found = False
    for note, y_true, right, wrong in right_and_wrong(subject):
        found = True
        low, high = (per_sample(subject, y_true, pred) for pred in (right, wrong))
        if not ((low <= high).all() and low.sum() < high.sum()):
            given = f"y_true = {shown(y_true)}, right: {shown(right)}, wrong: {shown(wrong)}"
            message = f"{note}: saw {shown(low)} for what is right and {shown(high)} for what is wrong; {given}"
            raise CheckFailure(message)
    if not found:
        message = "what is right and wrong is not known for its inputs"
        raise Skip(message)


def right_and_wrong(subject: Subject) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield words for what is compared: labels, predictions that are right, and predictions that are wrong."""
    kind = "" if callable(subject.inputs) else subject.inputs
    if kind == "classes":
        yield from _classes(subject)
    elif kind == "masks":
        y_true, hot = equal_pair(subject, 3)
        right = (hot * (_SURE - 0.04) + 0.04).astype("float32")
        for shift in range(1, CLASSES):
            yield f"masks of the class {shift} further", y_true, right, np.roll(right, shift, -1)
    elif kind in _PREDICTIONS:
        y_true = sample(subject, 1 if kind == "large_images" else 4)[0]
        words, right, wrong = _PREDICTIONS[kind](y_true)
        yield words, y_true, right.astype("float32"), wrong.astype("float32")


def _classes(subject: Subject) -> Iterator[tuple[str, Any, Any, Any]]:
    sure = np.full((CLASSES, CLASSES), (1 - _SURE) / (CLASSES - 1), "float32")
    np.fill_diagonal(sure, _SURE)
    for true in range(CLASSES):
        for other in range(CLASSES):
            if other != true:  # beside samples that are right, since a loss may be one of the batch as a whole
                label = as_labels(subject, np.array([true, *range(CLASSES)]))
                right, wrong = (np.concatenate([sure[[one]], sure]) for one in (true, other))
                yield f"class {true} taken for class {other}", label, right, wrong


_Predictions = tuple[str, Any, Any]


def _answers(y_true: Any) -> _Predictions:
    right = np.where(y_true > 0, _SURE, 1 - _SURE)
    return "yes taken for no, and no for yes", right, 1 - right


def _scores(y_true: Any) -> _Predictions:
    return "yes taken for no, and no for yes", 2 * y_true, -2 * y_true


def _numbers(y_true: Any) -> _Predictions:
    return "the labels of other samples", y_true + 0.01, np.roll(y_true, 1, 0)


def _gaussians(y_true: Any) -> _Predictions:
    spread = np.full_like(y_true, 0.1)
    right, wrong = (np.concatenate([mean, spread], -1) for mean in (y_true, np.roll(y_true, 1, 0)))
    return "the means of other samples", right, wrong


def _thresholds(y_true: Any) -> _Predictions:
    right = np.where(y_true[:, None] > np.arange(CLASSES - 1), 3.0, -3.0)
    return "the classes of other samples", right, np.roll(right, 1, 0)


def _bins(y_true: Any) -> _Predictions:
    bins = 6
    near = -3.0 * np.abs(y_true[..., None] - np.arange(bins))
    right, wrong = (one.reshape(len(y_true), -1) for one in (near, near[..., ::-1]))
    return "the bins from the other end", right, wrong


def _embeddings(y_true: Any) -> _Predictions:
    groups = np.eye(6)
    return "vectors of other groups", groups[y_true], groups[[0, 1, 0, 1]]


def _cosines(y_true: Any) -> _Predictions:
    right = 0.8 * (2 * np.eye(CLASSES)[y_true] - 1)
    return "the classes of other samples", right, np.roll(right, 1, 0)


def _sequences(y_true: Any) -> _Predictions:
    """Return a step for each symbol and one without a symbol after each."""
    steps = np.stack([y_true, 0 * y_true], -1).reshape(len(y_true), -1)
    right = 6.0 * np.eye(CLASSES)[steps]
    return "the symbols of other samples", right, np.roll(right, 1, 0)


def _distances(y_true: Any) -> _Predictions:
    right = np.where(y_true > 0, 0.1, 1.9)
    return "pairs that belong together far apart, and others close", right, 2 - right


def _images(y_true: Any) -> _Predictions:
    return "the image with light and dark exchanged", 0.95 * y_true, 1 - y_true


_PREDICTIONS: dict[str, Callable[[Any], _Predictions]] = {
    **dict.fromkeys(("binary", "multilabel"), _answers),
    "signs": _scores,
    **dict.fromkeys(("values", "positive", "quantiles", "boxes"), _numbers),
    "gaussians": _gaussians,
    "thresholds": _thresholds,
    "bins": _bins,
    "embeddings": _embeddings,
    "cosines": _cosines,
    "sequences": _sequences,
    "distances": _distances,
    **dict.fromkeys(("images", "large_images"), _images),
}
"""By the sort of inputs: words for what is wrong, and from the labels the predictions that are right and wrong."""
