"""Checks of what a loss makes of weights of classes: one that is ignored, and those of `class_weight`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.testing.loss_shapes import REFUSALS, STEPS
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import CLASSES, INDEXED, as_labels, in_form, positions, sample
from kzoo.testing.tools import array, close, differ, per_sample, shown, unreduced, value_and_gradient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kzoo.testing.subject import Subject

__all__ = ["class_weight", "ignored_class"]


def ignored_class(subject: Subject) -> None:
    """With `ignore_class` a loss is that of the batch without the positions of that class, in value and gradient."""
    subject.need("ignore_class")
    if subject.inputs not in (*INDEXED, "binary", "multilabel", "embeddings"):
        message = "its labels are no classes"
        raise Skip(message)
    for form in subject.forms or ("",):
        for ignored in (1, -1, 255):
            if subject.inputs not in INDEXED and ignored == 1:
                continue  # that is one of the two answers, or one of the groups
            if form == "dense" and ignored < 0:
                continue  # one-hot, it is a row of zeros as 255 is
            for labels, y_pred, keep, at in _with_ignored(subject, ignored):
                _as_without(subject, form, ignored, _formed(subject, labels, form), y_pred, keep, at)
            if subject.inputs == "classes":
                _steps_as_without(subject, form, ignored)


def _with_ignored(subject: Subject, ignored: int) -> Iterator[tuple[Any, Any, Any, int]]:
    """Yield labels with an ignored class in them, predictions, what is kept along an axis, and that axis."""
    labels, y_pred = sample(subject, 5, form="sparse")
    labels = np.array(labels)
    if subject.inputs == "embeddings":
        labels = np.array([0, 0, 1, 1, 0])
    if ignored == 1:
        labels[labels == 1] = 0
    rows = np.array([True, False, True, True, False])
    samples = labels.copy()
    samples[~rows] = ignored
    yield samples, y_pred, rows, 0
    if ignored < 0:
        return
    if subject.inputs == "masks":
        strip = np.array([True, True, True, False])
        pixels = labels.copy()
        pixels[:, ~strip] = ignored
        yield pixels, y_pred, strip, 1
    if ignored != 1:
        yield np.full_like(labels, ignored), y_pred, np.zeros(5, bool), 0


def _formed(subject: Subject, labels: Any, form: str) -> Any:
    return as_labels(subject, labels, form) if subject.inputs not in INDEXED else in_form(labels, form)


def _as_without(subject: Subject, form: str, ignored: int, y_true: Any, y_pred: Any, keep: Any, at: int) -> None:
    known = {"label_form": form} if len(subject.forms) > 1 else {}
    loss, plain = subject.make(ignore_class=ignored, **known), subject.make(**known)
    saw, slope = value_and_gradient(loss, y_true, y_pred)
    shape = f"{np.shape(y_true)}" + (" (one-hot)" if form == "dense" else "")
    what = f"ignore_class={ignored}, labels of shape {shape}"
    if not keep.any():
        if not np.isfinite(saw).all() or np.any(slope):
            message = (
                f"{what}, all of them ignored: saw {shown(saw)} and a gradient of {shown(slope)}, expected 0 and 0"
            )
            raise CheckFailure(message)
        return
    given = {"y_true": y_true, "y_pred": y_pred}
    gone = np.compress(~keep, slope, at)
    close(gone, np.zeros_like(gone), f"{what}: the gradient of the ignored positions", 1e-6, **given)
    if at and _has_neighbours(plain, y_true, y_pred):
        return  # without those positions, others would become neighbours
    true, pred = (np.compress(keep, one, at) for one in (y_true, y_pred))
    expected = value_and_gradient(plain, true, pred)
    close(saw, expected[0], f"{what}: the loss, against the batch without those positions", 1e-4, **given)
    close(np.compress(keep, slope, at), expected[1], f"{what}: the gradient of the others", 1e-4, **given)
    if at == 0:
        weights = np.linspace(0.5, 2.0, len(keep)).astype("float32")
        weighted = array(loss(y_true, y_pred, sample_weight=weights))
        wanted = array(plain(true, pred, sample_weight=weights[keep]))
        close(weighted, wanted, f"{what}: the weighted loss, against the batch without those positions", 1e-4)


def _has_neighbours(loss: Any, y_true: Any, y_pred: Any) -> bool:
    """Return whether it matters to a loss of masks where in an image a pixel is."""
    order = [0, 2, 1, 3]
    known = np.maximum(y_true, 0) % CLASSES if np.ndim(y_true) < np.ndim(y_pred) else y_true
    there, moved = (array(loss(known[:, rows], y_pred[:, rows])) for rows in (slice(None), order))
    return differ(moved, there, 1e-5)


def _steps_as_without(subject: Subject, form: str, ignored: int) -> None:
    """Hold a loss with a value for each step to that of the other steps as a batch of samples."""
    known = {"label_form": form} if len(subject.forms) > 1 else {}
    labels, y_pred = positions(subject, STEPS, form="sparse")
    keep = np.array([[True, False, True], [True, True, False]])
    labels = np.where(keep, np.where(labels == 1, 0, labels), ignored)
    y_true = in_form(labels, form)
    try:
        if per_sample(subject, in_form(np.maximum(labels, 0) % CLASSES, form), y_pred, **known).shape != labels.shape:
            return
    except REFUSALS:
        return
    saw = array(subject.make(ignore_class=ignored, **known)(y_true, y_pred))
    expected = array(subject.make(**known)(y_true[keep], y_pred[keep]))
    what = f"ignore_class={ignored}, labels of shape {y_true.shape}: the loss, against the other steps as samples"
    close(saw, expected, what, 1e-4, y_true=y_true, y_pred=y_pred)


def class_weight(subject: Subject) -> None:
    """`class_weight` weighs each sample, or position with its own value, by its class, or the classes of a mean."""
    subject.need("class_weight")
    if subject.inputs not in INDEXED:
        message = "its labels are no classes"
        raise Skip(message)
    of_class = np.array([0.5, 2.0, 0.0, 1.5])
    labels, y_pred = sample(subject, 5, form="sparse")
    for form in subject.forms or ("",):
        known = {"label_form": form} if len(subject.forms) > 1 else {}
        y_true = in_form(labels, form)
        plain = subject.make(**known)
        values = array(unreduced(subject, **known)(tf.constant(y_true), tf.constant(y_pred)))
        same = array(subject.make(class_weight=[1.0] * CLASSES, **known)(y_true, y_pred))
        what = f"labels of shape {y_true.shape}"
        close(same, array(plain(y_true, y_pred)), f"class_weight=[1, 1, 1, 1], {what}", 1e-4)
        if values.shape != labels.shape:
            _mean_over_classes(subject, of_class, y_true, y_pred, **known)
            continue
        weights = of_class[labels].astype("float32")

        def by_sample(true: Any, pred: Any, plain: Any = plain, weights: Any = weights) -> Any:
            return plain(true, pred, sample_weight=weights)

        saw = value_and_gradient(subject.make(class_weight=of_class.tolist(), **known), y_true, y_pred)
        expected = value_and_gradient(by_sample, y_true, y_pred)
        what = f"class_weight={of_class.tolist()}, {what}"
        given = {"y_true": y_true, "y_pred": y_pred}
        close(saw[0], expected[0], f"{what}: the loss, against sample weights of those classes", 1e-4, **given)
        close(saw[1], expected[1], f"{what}: the gradient, against that with sample weights", 1e-4, **given)


def _mean_over_classes(subject: Subject, weights: Any, y_true: Any, y_pred: Any, **known: Any) -> None:
    """Hold what has no value for each position to the weighted mean of what each class gives with no other one."""

    def weighed(numbers: Any) -> Any:
        return per_sample(subject, y_true, y_pred, class_weight=numbers.tolist(), **known)

    saw, alone = weighed(weights), [weighed(row) for row in np.eye(CLASSES)]
    expected = sum(weight * one for weight, one in zip(weights, alone, strict=True)) / weights.sum()
    what = f"class_weight={weights.tolist()}, labels of shape {np.shape(y_true)}: the values, against the weighted mean"
    close(saw, expected, f"{what} of those of each class alone", 1e-4, y_true=y_true, y_pred=y_pred)
    if not any(differ(one, saw, 1e-6) for one in alone):
        message = f"saw {shown(saw)}, whatever class_weight is; y_true = {shown(y_true)}, y_pred = {shown(y_pred)}"
        raise CheckFailure(message)
