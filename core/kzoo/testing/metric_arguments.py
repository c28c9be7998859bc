"""Checks of what a metric's arguments do: axes, thresholds, averages, outputs, classes left out or weighed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.errors import UsageError
from kzoo.testing.common import other_values
from kzoo.testing.loss_shapes import REFUSALS
from kzoo.testing.metric_inputs import form_of
from kzoo.testing.metric_shapes import with_positions
from kzoo.testing.metric_state import measured
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import CLASSES, sample
from kzoo.testing.tools import close, differ, shown

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = [
    "average",
    "axis",
    "class_weight",
    "ignored_class",
    "label_forms_with_arguments",
    "outputs",
    "thresholds",
]

_OWN_CHECKS = ("name", "dtype", "axis", "ignore_class", "class_weight", "num_classes", "multilabel")
_HOT = np.eye(CLASSES, dtype="float32")


def label_forms_with_arguments(subject: Subject) -> None:
    """One-hot labels and class indices give equal results whatever the other arguments are."""
    if set(subject.forms) != {"dense", "sparse"}:
        message = f"it takes {' and '.join(subject.forms) or 'no class'} labels"
        raise Skip(message)
    dense, y_pred = sample(subject, 6, form="dense")
    sparse, _ = sample(subject, 6, form="sparse")
    tried = 0
    for name, parameter in subject.parameters.items():
        if name in _OWN_CHECKS:
            continue
        for value in other_values(subject, name, parameter):
            try:
                expected = measured(subject, (dense, y_pred), **{"label_form": "dense", name: value})
            except (UsageError, ValueError, TypeError):
                continue  # not a valid value; the next may be
            tried += 1
            saw = measured(subject, (sparse, y_pred), **{"label_form": "sparse", name: value})
            close(saw, expected, f"{name}={value!r}, class indices against one-hot labels", y_true=sparse)
            break
    if not tried:
        message = "the constructor takes no argument that another value is known for"
        raise Skip(message)


def axis(subject: Subject) -> None:
    """With `axis=1` predictions whose classes or outputs are on axis 1 give what they give on the last axis."""
    subject.need("axis")
    if subject.inputs == "masks":
        y_true, y_pred = sample(subject, 3)
    else:
        y_true, y_pred = with_positions(subject, 3, 2)
    with contextlib.suppress(*REFUSALS):
        _moved(subject, y_true, y_pred)
        return
    _moved(subject, *sample(subject, 6))


def _moved(subject: Subject, y_true: Any, y_pred: Any) -> None:
    """Hold the result for the last axis moved to axis 1 to the one for the last axis."""
    expected = measured(subject, (y_true, y_pred), axis=-1)
    true = np.moveaxis(y_true, -1, 1) if y_true.ndim == y_pred.ndim else y_true
    pred = np.moveaxis(y_pred, -1, 1)
    what = "against the last axis"
    try:
        close(measured(subject, (true, pred), axis=1), expected, f"axis=1 and y_pred of shape {pred.shape}, {what}")
        last = y_pred.ndim - 1
        saw = measured(subject, (y_true, y_pred), axis=last)
        close(saw, expected, f"axis={last} and y_pred of shape {y_pred.shape}, {what}")
    except REFUSALS as error:
        text = " ".join(str(error).split())[:300]
        message = f"axis=1 and y_pred of shape {pred.shape}: saw {type(error).__name__}: {text}, expected {expected}"
        raise CheckFailure(message) from error


def thresholds(subject: Subject) -> None:
    """A list as `thresholds` gives the results of each threshold alone, also where a prediction equals one."""
    subject.need("thresholds")
    y_true, y_pred = sample(subject, 12)
    y_pred = np.round(y_pred * 8).astype("float32") / 8
    weights = np.linspace(0.5, 2, 12).astype("float32")
    # Keras has another algorithm for thresholds at equal distances.
    for values in ([0.2, 0.5, 0.7], [0.0, 0.25, 0.5, 0.75, 1.0]):
        saw = measured(subject, (y_true, y_pred), weight=weights, thresholds=values)
        if saw.shape != (len(values),):
            message = "its result is one number for all thresholds"
            raise Skip(message)
        alone = [measured(subject, (y_true, y_pred), weight=weights, thresholds=value) for value in values]
        expected = np.array([float(one.reshape(())) for one in alone])
        close(saw, expected, f"thresholds={values}, against each alone", y_true=y_true, y_pred=y_pred)


def outputs(subject: Subject) -> None:
    """Several outputs give what each output gives alone: all of them, or their mean, as the arguments say."""
    given: dict[str, list[tuple[Any, dict[str, Any], bool]]] = {
        "class_aggregation": [(None, {}, False), ("uniform_average", {}, True)],
        "multioutput": [("raw_values", {}, False), ("uniform_average", {}, True)],
        "num_regressors": [(2, {"num_regressors": 2}, True)],
        "multi_label": [(True, {}, True)],
    }
    known = [(name, *case) for name, cases in given.items() if subject.takes(name) for case in cases]
    if not known or subject.inputs not in ("values", "positive", "binary", "multilabel"):
        message = "the constructor takes no argument that speaks of several outputs"
        raise Skip(message)
    y_true, y_pred = sample(subject, 9)
    if subject.inputs == "binary":
        y_true, y_pred = (one.reshape(9, 3) for one in sample(subject, 27))
    for name, value, alone, mean in known:
        columns = [(y_true[:, at : at + 1], y_pred[:, at : at + 1]) for at in range(y_pred.shape[-1])]
        expected = np.array([float(measured(subject, column, **alone).reshape(())) for column in columns])
        saw = measured(subject, (y_true, y_pred), **{name: value})
        what = f"{name}={value!r}, against {'the mean of ' if mean else ''}each output alone"
        close(saw, expected.mean() if mean else expected, what, y_true=y_true, y_pred=y_pred)


def average(subject: Subject) -> None:
    """With `average="macro"` the result is the mean of those that `average=None` gives for the classes."""
    subject.need("average")
    rng = np.random.default_rng(4)
    indices = np.array([0, 1, 1, 2, 2, 2, 3, 3, 0, 1])
    scores = rng.uniform(0.05, 1, (10, CLASSES)) + 0.6 * _HOT[indices]
    y_pred = (scores / scores.sum(-1, keepdims=True)).astype("float32")
    y_true = indices.astype("int32") if subject.form == "sparse" else _HOT[indices]
    weights = np.linspace(0.5, 2, 10).astype("float32")
    expected = measured(subject, (y_true, y_pred), weight=weights, average=None)
    if expected.ndim == 0:
        message = "with `average=None` its result is one number"
        raise Skip(message)
    saw = measured(subject, (y_true, y_pred), weight=weights, average="macro")
    close(saw, expected.mean(), 'average="macro", against the mean of average=None', y_true=y_true, y_pred=y_pred)


def ignored_class(subject: Subject) -> None:
    """Positions of the `ignore_class` count as little as if they were not there, be it a class or -1 or 255."""
    subject.need("ignore_class")
    if subject.inputs not in ("classes", "masks"):
        message = "its labels are not classes"
        raise Skip(message)
    for form in subject.forms:
        for ignored in (2, -1, 255):
            y_true, y_pred, gone = _with_ignored(subject, form, ignored)
            more = form_of(subject, dense=form == "dense")
            given = f"ignore_class={ignored}, {'one-hot labels' if form == 'dense' else 'class indices'}"
            saw = measured(subject, (y_true, y_pred), ignore_class=ignored, **more)
            if subject.inputs == "classes":
                expected = measured(subject, (y_true[~gone], y_pred[~gone]), **more)
                what = f"{given}, against the samples left out"
                close(saw, expected, what, y_true=y_true, y_pred=y_pred)
            changed = y_pred.copy()
            changed[gone] = _HOT[3]
            again = measured(subject, (y_true, changed), ignore_class=ignored, **more)
            close(again, saw, f"{given}, after the predictions at these positions were changed", y_true=y_true)


def _with_ignored(subject: Subject, form: str, ignored: int) -> tuple[Any, Any, Any]:
    """Return labels with positions of the ignored class, predictions, and where these positions are."""
    indices, y_pred = sample(subject, 8, form="sparse")
    # The ignored class must not be the only one whose predictions are wrong.
    gone = indices == 2  # noqa: PLR2004 - a class in the middle
    hot = _HOT[indices]
    if not 0 <= ignored < CLASSES:
        hot[gone] = 0  # what one-hot encoding makes of it
    return (hot if form == "dense" else np.where(gone, ignored, indices).astype("int32")), y_pred, gone


def class_weight(subject: Subject) -> None:
    """`class_weight` weighs samples by their class, or, in a mean over classes, the classes."""
    subject.need("class_weight")
    if subject.inputs not in ("classes", "masks"):
        message = "its labels are not classes"
        raise Skip(message)
    weights = [1.0, 3.0, 0.5, 2.0]
    indices, y_pred = sample(subject, 8, form="sparse")
    for form in subject.forms:
        y_true = indices if form == "sparse" else _HOT[indices]
        more: dict[str, Any] = dict(form_of(subject, dense=form == "dense"))

        def weighed(values: Any, batch: Any = (y_true, y_pred), more: Any = more) -> Any:
            return measured(subject, batch, class_weight=values, **more)

        plain = measured(subject, (y_true, y_pred), **more)
        if plain.ndim and subject.takes("average"):  # it is their mean that weights of classes are for
            more["average"] = "macro"
            plain = measured(subject, (y_true, y_pred), **more)
        close(weighed([1.0] * CLASSES), plain, "class weights of 1, against none")
        saw = weighed(weights)
        if not differ(saw, plain):
            message = f"class_weight={weights}: saw {shown(saw)}, which is the result without class weights"
            raise CheckFailure(message)
        # Where each position is weighed, the weights are those of the samples; else each class has its own value, and
        # all together have the weighted mean of these.
        of_samples = None
        with contextlib.suppress(*REFUSALS):
            of_samples = measured(subject, (y_true, y_pred), weight=np.asarray(weights, "float32")[indices], **more)
        if of_samples is not None and not differ(saw, of_samples):
            continue
        alone = [weighed(list(map(float, row))) for row in np.eye(CLASSES)]
        of_classes = sum(w * one for w, one in zip(weights, alone, strict=True)) / sum(weights)
        if differ(saw, of_classes):
            message = (
                f"class_weight={weights}: saw {shown(saw)}, expected {shown(of_samples)} where samples are weighed, or "
                f"{shown(of_classes)} in a mean over classes; y_true = {shown(y_true)}, y_pred = {shown(y_pred)}"
            )
            raise CheckFailure(message)
