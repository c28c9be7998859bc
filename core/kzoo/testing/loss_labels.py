"""Checks that a loss sees the numbers of its labels: neither rounded nor cut to the likeliest class."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.testing.loss_direction import right_and_wrong
from kzoo.testing.loss_shapes import REFUSALS
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import CLASSES, sample
from kzoo.testing.tools import array, close, differ, per_sample, shown, unreduced

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.testing.subject import Subject

__all__ = ["MEASURED", "labels_not_rounded", "rounded_labels", "soft_labels"]

MEASURED = ("values", "positive", "quantiles", "gaussians", "boxes", "bins", "images", "large_images")
"""The inputs whose labels are any numbers."""

_SOFT = ((0.6, 0.4, 0, 0), (0.6, 0, 0.4, 0), (0.8, 0.2, 0, 0), (1, 0, 0, 0))
"""Labels of one likeliest class; two are alike above 0, two above 1/2, and what is left of whole numbers in three."""
_PARTS = (0.0, 0.2, 0.4)
_SURE = (0.81, 0.1, 0.03, 0.06)
"""A prediction that leaves the label's second number little to say."""


def labels_not_rounded(subject: Subject) -> None:
    """Labels are seen as they are: 0.5 is not cut to 0, and in bfloat16 class 257 stays 257, and 1001 stays 1001."""
    measured = subject.inputs in MEASURED
    if measured:
        rounded_labels(subject, lambda y_true, y_pred: per_sample(subject, y_true, y_pred))
    if not subject.takes("dtype") and measured:
        return
    subject.need("dtype")
    narrow = unreduced(subject, dtype="bfloat16")
    if "sparse" in subject.forms and subject.inputs == "classes":
        classes, label = 300, np.array([257], "int32")
        pred = np.full((1, classes), 1e-4, "float32")
        pred[0, 257] = 1 - pred[0].sum() + pred[0, 257]
        expected = array(unreduced(subject, label_form="sparse")(label, pred))
        saw = array(unreduced(subject, dtype="bfloat16", label_form="sparse")(label, pred))
        what = "class 257 of 300 predicted right, in bfloat16 against float32"
        close(saw, expected, what, 3e-2 if abs(expected).max() > 1e-2 else 1.0, y_true=label)  # noqa: PLR2004
        return
    if subject.inputs == "values":
        true, pred = np.full((1, 3), 1001.0, "float32"), np.full((1, 3), 1000.0, "float32")  # 1001 would become 1000
        expected = array(unreduced(subject)(true, pred))
        close(array(narrow(true, pred)), expected, "labels of 1001 in bfloat16 against float32", 3e-2, y_true=true)
        return
    if not measured:
        message = "its labels are small enough for half precision"
        raise Skip(message)


def rounded_labels(subject: Subject, value: Callable[[Any, Any], Any]) -> None:
    """Raise `CheckFailure` where labels that are cut or rounded give the very values of those that are not."""
    y_true, y_pred = sample(subject, 1 if subject.inputs == "large_images" else 4)
    # Right predictions as well: what counts those near a label finds no other ones.
    predictions = [y_pred, *(right for _, _, right, _ in right_and_wrong(subject))]
    expected = [value(y_true, pred) for pred in predictions]
    for words, rounded in (
        ("cut to whole numbers", np.trunc(y_true)),
        ("rounded to whole numbers", np.round(y_true)),
    ):
        if np.array_equal(rounded, y_true):
            continue
        if all(np.array_equal(value(rounded, pred), one) for pred, one in zip(predictions, expected, strict=True)):
            message = (
                f"labels {words}: saw {shown(expected[0])}, as for the labels themselves, expected other values; "
                f"y_true = {shown(y_true)}"
            )
            raise CheckFailure(message)


def soft_labels(subject: Subject) -> None:
    """Each number of a soft label counts, as mixing of samples and smoothing make them, or such labels are refused."""
    labels, predictions = _softened(subject)
    known = {"label_form": "dense"} if len(subject.forms) > 1 else {}
    for y_pred in predictions:
        found = []
        for y_true in labels:
            try:
                values = per_sample(subject, y_true, y_pred, **known)
            except REFUSALS:
                continue
            if not np.isnan(values).all():
                found.append((y_true, values))
        for (one, values), (other, same) in itertools.combinations(found, 2):
            if not differ(values, same, 1e-7):
                message = (
                    f"saw {shown(values)} for labels {shown(one[0])} and for {shown(other[0])}, expected other values, "
                    f"or an error for labels that are soft; y_pred = {shown(y_pred[0])}"
                )
                raise CheckFailure(message)


def _softened(subject: Subject) -> tuple[list[Any], list[Any]]:
    """Return labels of which any two differ in soft ones alone, and predictions for them."""
    if subject.inputs == "classes" and "dense" in subject.forms:
        # Beside one label of each class, since a loss may be one of the batch as a whole.
        hot, y_pred = sample(subject, 1 + CLASSES, form="dense")
        sure = np.concatenate([np.array([_SURE], "float32"), y_pred[1:]])
        return [np.concatenate([np.array([row], "float32"), hot[:CLASSES]]) for row in _SOFT], [y_pred, sure]
    if subject.inputs == "masks" and "dense" in subject.forms:
        masks, y_pred = sample(subject, 2, form="dense")
        other = np.roll(masks, 1, -1)
        mixed = [(1 - part) * masks + part * other for part in _PARTS]
    elif subject.inputs in ("binary", "multilabel"):
        y_true, y_pred = sample(subject, 2)
        mixed = [np.where(y_true > 0, 1 - part, part) for part in _PARTS]
    else:
        message = "its labels are no distributions over classes, and no yes-or-no answers"
        raise Skip(message)
    return [one.astype("float32") for one in mixed], [y_pred]
