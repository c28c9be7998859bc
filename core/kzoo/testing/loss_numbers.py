"""Checks of a loss's numbers: precision, gradients, edges, and the promises of its spec."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.testing.edges import edges
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import equal_pair, sample
from kzoo.testing.tools import array, close, per_sample, shown, smallest, unreduced, value_and_gradient

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = [
    "finite_at_edges",
    "gradient",
    "graph",
    "half_precision",
    "labels_not_rounded",
    "logits",
    "precision",
    "range_of_values",
    "repeatable",
    "symmetric",
    "unknown_batch",
    "xla",
    "zero_at_equality",
]

_HALF = ("float16", "bfloat16")
_STEP = 1e-6


def finite_at_edges(subject: Subject) -> None:
    """Value and gradient are finite at exact matches, at probabilities of 0 and 1, in empty groups."""
    function, count = unreduced(subject), 0
    for note, y_true, y_pred in edges(subject):
        count += 1
        value, slope = value_and_gradient(function, y_true, y_pred)
        for what, found in (("the value", value), ("the gradient", slope)):
            if not np.isfinite(found).all():
                given = f"y_true = {shown(y_true)}, y_pred = {shown(y_pred)}"
                message = f"{note}: {what} is {shown(found)}, expected finite numbers; {given}"
                raise CheckFailure(message)
    if not count:
        message = "no edges are known for its inputs"
        raise Skip(message)


def gradient(subject: Subject) -> None:
    """The gradient is that of the value, by finite differences in float64."""
    wide = {"dtype": "float64"} if subject.takes("dtype") else {}
    function = unreduced(subject, **wide)

    def test(y_true: Any, y_pred: Any) -> None:
        pred = np.asarray(y_pred, "float64")
        # One random direction through all predictions: a wrong gradient is wrong along almost every one.
        direction = np.random.default_rng(7).normal(size=pred.shape)
        slope = value_and_gradient(function, y_true, pred)[1]
        up, down = (array(function(tf.constant(y_true), tf.constant(pred + h * direction))) for h in (_STEP, -_STEP))
        expected = (up.sum() - down.sum()) / (2 * _STEP)
        scale = max(np.abs(slope * direction).sum(), 1e-3)
        saw = (slope * direction).sum()
        if not abs(saw - expected) <= 1e-4 * scale:
            message = (
                f"the gradient along a direction: saw {saw:.7g}, expected {expected:.7g} by finite differences; "
                f"y_true = {shown(y_true)}, y_pred = {shown(pred)}"
            )
            raise CheckFailure(message)

    smallest(test, *sample(subject, 4))


def precision(subject: Subject) -> None:
    """float32 and float64 give the same value and gradient, for ordinary and for nearly certain predictions."""
    subject.need("dtype")
    pairs = [("", *sample(subject, 4, seed)) for seed in (0, 1)]
    if subject.inputs in ("classes", "binary", "multilabel", "masks"):
        y_true, y_pred = sample(subject, 4)
        pairs.append(("nearly certain predictions: ", y_true, np.clip(np.round(y_pred), 1e-6, 1 - 1e-6).astype("f4")))
    narrow, wide = unreduced(subject, dtype="float32"), unreduced(subject, dtype="float64")
    for note, true, pred in pairs:

        def test(y_true: Any, y_pred: Any, note: str = note) -> None:
            saw, expected = value_and_gradient(narrow, y_true, y_pred), value_and_gradient(wide, y_true, y_pred)
            given = {"y_true": y_true, "y_pred": y_pred}
            close(saw[0], expected[0], f"{note}the value in float32, against float64", 1e-4, **given)
            close(saw[1], expected[1], f"{note}the gradient in float32, against float64", 1e-3, **given)

        smallest(test, true, pred)


def logits(subject: Subject) -> None:
    """With `from_logits`, a certain and wrong answer in half precision still has its true value and a gradient."""
    subject.need("from_logits")
    if subject.inputs not in ("classes", "binary", "multilabel", "masks"):
        message = "its predictions are no probabilities"
        raise Skip(message)
    y_true, y_pred = sample(subject, 2)
    for size in (3.0, 12.0, 40.0):
        # Large scores for what the labels do not say.
        scores = (np.where(y_pred == y_pred.max(-1, keepdims=True), size, -size)).astype("float32")
        exact = value_and_gradient(unreduced(subject, from_logits=True), y_true, scores)
        for what, found in zip(("the value", "the gradient"), exact, strict=True):
            if not np.isfinite(found).all():
                message = f"logits of {size:g}: {what} is {shown(found)}, expected finite numbers"
                raise CheckFailure(message)
        for name in _HALF:
            function = unreduced(subject, from_logits=True)
            pred = tf.cast(scores, name)
            saw = value_and_gradient(function, y_true, pred)
            close(saw[0], exact[0], f"the value for {name} logits of ±{size:g}", 1e-2, y_true=y_true, y_pred=scores)
            close(saw[1], exact[1], f"the gradient for {name} logits of ±{size:g}", 2e-2, y_true=y_true, y_pred=scores)


def half_precision(subject: Subject) -> None:
    """Predictions in half precision give the values that the same numbers give in float32."""
    y_true, y_pred = sample(subject, 4)
    for name in _HALF:
        rounded = tf.cast(y_pred, name)

        def test(true: Any, pred: Any, name: str = name) -> None:
            expected = value_and_gradient(unreduced(subject), true, np.asarray(pred, "float32"))
            saw = value_and_gradient(unreduced(subject), true, tf.cast(pred, name))
            close(saw[0], expected[0], f"the value for {name} predictions", 2e-2, y_true=true, y_pred=array(pred))
            close(saw[1], expected[1], f"the gradient for {name} predictions", 4e-2, y_true=true, y_pred=array(pred))

        smallest(test, y_true, array(rounded))


def labels_not_rounded(subject: Subject) -> None:
    """A loss made in bfloat16 sees the labels that were given: class 257 stays 257, and 1001 stays 1001."""
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
    message = "its labels are small enough for half precision"
    raise Skip(message)


def repeatable(subject: Subject) -> None:
    """The same inputs give the same values every time: a loss keeps no state and draws no numbers."""
    y_true, y_pred = sample(subject, 3)
    function = unreduced(subject)
    first = array(function(tf.constant(y_true), tf.constant(y_pred)))
    again = array(function(tf.constant(y_true), tf.constant(y_pred)))
    close(again, first, "the second call, against the first", 0.0, y_true=y_true, y_pred=y_pred)


def graph(subject: Subject) -> None:
    """A graph gives the value and gradient that eager mode gives."""
    _same(subject, "eager", "graph", "in a graph, against eager mode", 1e-5)


def xla(subject: Subject) -> None:
    """XLA, forced, gives the value and gradient that the graph gives."""
    _same(subject, "graph", "xla", "compiled by XLA, against the graph", 1e-4)


def _same(subject: Subject, right: str, mode: str, what: str, tolerance: float) -> None:
    y_true, y_pred = sample(subject, 3)

    def found(mode: str) -> Any:
        return value_and_gradient(unreduced(subject), y_true, y_pred, mode=mode)

    # What the graph gives is asked for twice: traced once.
    expected, saw = (subject.once(one, functools.partial(found, one)) for one in (right, mode))
    close(saw[0], expected[0], f"the value {what}", tolerance, y_true=y_true, y_pred=y_pred)
    close(saw[1], expected[1], f"the gradient {what}", tolerance, y_true=y_true, y_pred=y_pred)


def unknown_batch(subject: Subject) -> None:
    """One graph, traced once for a batch of unknown size, serves batches of every size."""
    pairs = [sample(subject, size, seed=size) for size in (2, 3, 6)]
    loss = subject.make()
    traces = 0

    def call(y_true: Any, y_pred: Any) -> Any:
        nonlocal traces
        traces += 1
        return loss(y_true, y_pred)

    specs = [tf.TensorSpec((None, *np.shape(one)[1:]), tf.as_dtype(np.asarray(one).dtype)) for one in pairs[0]]
    compiled = tf.function(call, input_signature=specs, autograph=False)
    for y_true, y_pred in pairs:
        expected = array(tf.function(loss.__call__, autograph=False)(y_true, y_pred))
        saw = array(compiled(tf.constant(y_true), tf.constant(y_pred)))
        close(saw, expected, f"a batch of {len(y_pred)} in a graph for any batch", y_true=y_true, y_pred=y_pred)
    if traces != 1:
        message = f"saw {traces} traces for three sizes of batch, expected 1"
        raise CheckFailure(message)


def zero_at_equality(subject: Subject) -> None:
    """As its spec says: the value is 0 where the prediction matches the label."""
    _promised(subject, "zero_at_equality")

    def test(y_true: Any, y_pred: Any) -> None:
        saw = per_sample(subject, y_true, y_pred)
        if not np.abs(saw).max() <= 1e-5:  # noqa: PLR2004
            given = f"y_true = {shown(y_true)}, y_pred = {shown(y_pred)}"
            message = f"at equality: saw {shown(saw)}, expected 0; {given}"
            raise CheckFailure(message)

    smallest(test, *equal_pair(subject))


def symmetric(subject: Subject) -> None:
    """As its spec says: labels and predictions can change places."""
    _promised(subject, "symmetric")
    y_true, y_pred = sample(subject, 4)
    if np.shape(y_true) != np.shape(y_pred):
        message = "its labels and predictions have different shapes"
        raise Skip(message)
    saw, expected = per_sample(subject, y_pred, y_true), per_sample(subject, y_true, y_pred)
    close(saw, expected, "with labels and predictions exchanged", 1e-4, y_true=y_true, y_pred=y_pred)


def range_of_values(subject: Subject) -> None:
    """As its spec says: no value leaves the range, for ordinary inputs or at the edges."""
    low, high = _promised(subject, "range")
    inputs = [("", *sample(subject, 6, seed)) for seed in range(3)]
    for _, true, pred in [*inputs, *edges(subject)]:

        def test(y_true: Any, y_pred: Any) -> None:
            saw = per_sample(subject, y_true, y_pred)
            room = 1e-5 * max(1.0, *(abs(end) for end in (low, high) if end is not None))
            below, above = low is not None and saw.min() < low - room, high is not None and saw.max() > high + room
            if below or above:
                given = f"y_true = {shown(y_true)}, y_pred = {shown(y_pred)}"
                message = f"saw {shown(saw)}, expected values between {low} and {high}; {given}"
                raise CheckFailure(message)

        smallest(test, true, pred)


def _promised(subject: Subject, name: str) -> Any:
    if not subject.properties.get(name):
        message = f"its spec does not promise `{name}`"
        raise Skip(message)
    return subject.properties[name]
