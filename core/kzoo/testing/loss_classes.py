"""Checks of what a loss makes of classes: the forms of labels, many classes, one output, axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.errors import UsageError
from kzoo.testing.common import settings
from kzoo.testing.loss_shapes import REFUSALS, STEPS
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import INDEXED, in_form, positions, sample
from kzoo.testing.tools import array, close, per_sample, shown, smallest, unreduced, value_and_gradient

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = ["axis", "label_forms", "many_classes", "one_output"]


def label_forms(subject: Subject) -> None:
    """One-hot labels and class indices, (N,) or (N, 1), give equal values, whatever the other arguments are."""
    if set(subject.forms) != {"dense", "sparse"}:
        message = f"it takes {' and '.join(subject.forms) or 'no class'} labels"
        raise Skip(message)
    dense, y_pred = sample(subject, form="dense")
    sparse, _ = sample(subject, form="sparse")
    for words, arguments in settings(subject):
        try:
            for form in subject.forms:
                subject.make(label_form=form, **arguments)
        except (UsageError, ValueError, TypeError):
            continue  # only one of the forms takes this argument

        def test(indices: Any, hot: Any, pred: Any, words: str = words, arguments: dict[str, Any] = arguments) -> None:
            wanted = per_sample(subject, hot, pred, label_form="dense", **arguments)
            for true in (indices, indices[..., None]):
                saw = per_sample(subject, true, pred, label_form="sparse", **arguments)
                what = f"class indices of shape {true.shape}, against one-hot labels{words}"
                close(saw, wanted, what, y_true=true, y_pred=pred)
                if not words and not np.isfinite(wanted).all():
                    message = f"saw {wanted}, expected finite values"
                    raise CheckFailure(message)

        smallest(test, sparse, dense, y_pred)


def many_classes(subject: Subject) -> None:
    """Class 130 and class 257 of 300 are those classes, in every type of whole number that can hold them."""
    if subject.inputs not in INDEXED or (subject.inputs in ("classes", "masks") and "sparse" not in subject.forms):
        message = "it takes no class indices"
        raise Skip(message)
    known = {"label_form": "sparse"} if subject.forms else {}
    function = unreduced(subject, **known)
    labels = np.array([1, 100, 130, 257])
    if subject.inputs == "masks":  # an object of that class beside others
        labels = np.tile([[0, 0, 2], [0, 0, 2], [3, 3, 0]], (4, 1, 1)) + labels[:, None, None] * np.eye(3, dtype=int)
    y_pred = _three_hundred(subject, labels.shape)
    try:
        expected = array(function(tf.constant(labels, "int32"), tf.constant(y_pred)))
    except REFUSALS:
        message = "it is made for another number of classes"
        raise Skip(message) from None
    if not np.isfinite(expected).all():
        message = f"labels {shown(labels)} of 300 classes: saw {shown(expected)}, expected finite values"
        raise CheckFailure(message)
    for at, short in ((2, 2), (3, 1)):  # what remains of 130 in seven bits, of 257 in eight
        others = labels.copy()
        others[at] = np.where(others[at] == labels[at].flat[0], short, others[at])
        if np.array_equal(expected, array(function(tf.constant(others, "int32"), tf.constant(y_pred)))):
            message = f"class {labels[at].flat[0]} of 300: saw the same values as for class {short}, {shown(expected)}"
            raise CheckFailure(message)
    if "dense" in subject.forms:
        hot = per_sample(subject, in_form(labels, "dense", 300), y_pred, label_form="dense")
        close(expected, hot, "labels 1, 100, 130 and 257 of 300 as int32, against one-hot labels", 1e-4)
    for name, limit in (("int64", 300), ("uint8", 255), ("int8", 127)):
        low = np.where(labels > limit, 100, labels)
        wanted = array(function(tf.constant(low, "int32"), tf.constant(y_pred)))
        saw = array(function(tf.constant(low, name), tf.constant(y_pred)))
        close(saw, wanted, f"labels in {name}, of 300 classes, against int32", y_true=low)


def _three_hundred(subject: Subject, shape: tuple[int, ...]) -> Any:
    """Return predictions for 300 classes."""
    rng = np.random.default_rng(5)
    if subject.inputs == "thresholds":
        return -np.sort(rng.normal(size=(*shape, 299)) * 2, -1).astype("float32")
    if subject.inputs == "cosines":
        return rng.uniform(-0.8, 0.8, (*shape, 300)).astype("float32")
    scores = np.exp(rng.normal(size=(*shape, 300)))
    return (scores / scores.sum(-1, keepdims=True)).astype("float32")


def one_output(subject: Subject) -> None:
    """One output for labels 0 and 1 is refused by a loss of classes, or means something: right is lower than wrong."""
    if subject.inputs not in ("classes", "masks"):
        message = "its predictions are no distribution over classes"
        raise Skip(message)
    cases = [np.array([1.0]), np.array([0.0])]
    if (
        subject.inputs == "masks"
    ):  # an object and what is around it: where there is none, there is no overlap to measure
        cases = [np.array([[[1.0, 0.0], [0.0, 1.0]]])]
    for form in subject.forms:
        loss = subject.make(label_form=form) if len(subject.forms) > 1 else subject.make()
        for labels in cases:
            for y_true in (labels, labels[..., None]):
                _refused_or_lower(loss, y_true.astype("int32" if form == "sparse" else "float32"), labels[..., None])


def _refused_or_lower(loss: Any, y_true: Any, right: Any) -> None:
    """Raise unless the loss refuses these labels, or is lower for predictions of 0.9 for what is right than of 0.1."""
    right = (0.1 + 0.8 * right).astype("float32")
    try:
        saw, wrong = (float(array(loss(tf.constant(y_true), tf.constant(one)))) for one in (right, 1 - right))
    except REFUSALS:
        return
    if np.isfinite([saw, wrong]).all() and saw < wrong - 1e-4 * abs(wrong):
        return
    message = (
        f"labels of shape {y_true.shape} and predictions of shape {right.shape}: saw {saw:.6g} for the right one "
        f"{shown(right.ravel())} and {wrong:.6g} for the wrong one {shown(1 - right.ravel())}; expected an error that "
        f"names a loss for one output, or less for what is right; y_true = {shown(y_true)}"
    )
    raise CheckFailure(message)


def axis(subject: Subject) -> None:
    """With `axis=1` and that axis moved a loss gives what the last axis gives, whatever the other arguments are."""
    subject.need("axis")
    if subject.parameters["axis"].default != -1 or "axis" in subject.arguments:
        message = "its `axis` is not -1 by default"
        raise Skip(message)
    for form in subject.forms or ("",):
        y_true, y_pred = (
            sample(subject, 2, form=form) if subject.inputs == "masks" else positions(subject, STEPS, 0, form)
        )
        moved, true = np.moveaxis(y_pred, -1, 1), y_true
        if np.ndim(y_true) == np.ndim(y_pred):
            true = np.moveaxis(y_true, -1, 1)
        for words, arguments in settings(subject):
            known = {**arguments, **({"label_form": form} if len(subject.forms) > 1 else {})}
            # The gradient where nothing else is set: what is wrong with an argument, its value shows.
            found: Any = per_sample if words else _value_and_gradient
            try:
                expected = found(subject, y_true, y_pred, **known)
            except UsageError:
                continue  # only the other form takes this argument
            except REFUSALS as error:
                message = "its predictions have the classes and no further axis"
                raise Skip(message) from error
            try:
                saw = found(subject, true, moved, axis=1, **known)
            except REFUSALS as error:
                message = f"axis=1{words}: saw {error}, expected predictions of shape {moved.shape} to be taken"
                raise CheckFailure(message) from error
            shapes = f"labels of shape {true.shape}, predictions of shape {moved.shape}"
            what = f"axis=1{words}, {shapes}, against axis=-1 for {y_pred.shape}"
            if words:
                close(saw, expected, f"{what}: the values", 1e-4)
                continue
            close(saw[0], expected[0], f"{what}: the values", 1e-4)
            close(np.moveaxis(saw[1], 1, -1), expected[1], f"{what}: the gradient", 1e-4)


def _value_and_gradient(subject: Subject, y_true: Any, y_pred: Any, **arguments: Any) -> tuple[Any, Any]:
    return value_and_gradient(unreduced(subject, **arguments), y_true, y_pred)
