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
    from collections.abc import Callable

    from kzoo.testing.subject import Subject

__all__ = [
    "finite_at_edges",
    "gradient",
    "graph",
    "half_precision",
    "logits",
    "precision",
    "range_of_values",
    "symmetric",
    "unknown_batch",
    "xla",
    "zero_at_equality",
]

_HALF = ("float16", "bfloat16")
_STEP, _LONG_STEP = 1e-6, 2e-3
_FLOAT32 = 1.2e-7


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
    """The gradient is that of the value, by finite differences in the precision that the loss computes in."""
    wide = {"dtype": "float64"} if subject.takes("dtype") else {}
    function = unreduced(subject, **wide)

    def test(y_true: Any, y_pred: Any) -> None:
        pred = np.asarray(y_pred, "float64")
        # One random direction through all predictions: a wrong gradient is wrong along almost every one.
        direction = np.random.default_rng(7).normal(size=pred.shape)
        slope = value_and_gradient(function, y_true, pred)[1]

        def along(distance: float, through: str = "float64") -> Any:
            return array(function(tf.constant(y_true), _rounded(pred + distance * direction, through)))

        def compared(step: float) -> tuple[float, float]:
            return (slope * direction).sum(), (along(step) - along(-step)).sum() / (2 * step)

        scale = max(np.abs(slope * direction).sum(), 1e-3)
        saw, expected = compared(_STEP)
        if abs(saw - expected) <= 1e-4 * scale:
            return
        words = "in float64"
        if half := _half_precision(along):
            although = " although it was made for float64 and given float64" if wide else ""
            message = (
                f"saw values that move in steps, as numbers of {half} do, expected those of "
                f"{'float64' if wide else 'at least float32'}: the loss computes in half precision{although}, and its "
                f"gradient cannot be told; y_true = {shown(y_true)}, y_pred = {shown(pred)}"
            )
            raise CheckFailure(message)
        if _rounds(along):
            # Differences of numbers with seven digits need a longer step, and show fewer digits: uphill they show most.
            direction = np.abs(direction) * np.where(slope < 0, -1.0, 1.0)
            saw, expected = compared(_LONG_STEP)
            if abs(saw - expected) <= 5e-3 * scale + _FLOAT32 * np.abs(along(0.0)).sum() / _LONG_STEP:
                return
            words = "in float32, which the loss computes in" + (" although it was made for float64" if wide else "")
        message = (
            f"the gradient along a direction: saw {saw:.7g}, expected {expected:.7g} by finite differences {words}; "
            f"y_true = {shown(y_true)}, y_pred = {shown(pred)}"
        )
        raise CheckFailure(message)

    smallest(test, *sample(subject, 4))


def _rounds(along: Callable[[float], Any]) -> bool:
    """Return whether the values, along a way too short to bend, jump as numbers rounded to float32 do."""
    values = np.stack([along(at * 3e-7).ravel() for at in range(-4, 5)])
    jumps = np.abs(np.diff(values, 2, axis=0)).max(initial=0.0)
    return bool((values == values[0]).all() or jumps > 1e-10 * max(np.abs(values).max(initial=0.0), 1e-3))


def _half_precision(along: Callable[..., Any]) -> str:
    """Return the type of half precision that a loss computes in, an empty text where it does not.

    Its values stand still on a way on which those of float32 move, and are those of predictions rounded to that type,
    or are numbers of it themselves.
    """
    near, far = (np.stack([along(at * step).ravel() for at in range(-4, 5)]) for step in (1e-4, 0.1))
    moves = max(len(np.unique(column)) for column in near.T) > 5  # noqa: PLR2004 - more than half of the nine
    if moves or not np.isfinite(far).all() or np.ptp(far, axis=0).max() < 1e-3 * max(np.abs(far).max(), 1e-3):
        return ""
    for name in ("bfloat16", "float16"):  # the coarser one first: the other holds its numbers, too
        through = np.stack([along(at * 0.1, name).ravel() for at in range(-4, 5)])
        if np.array_equal(through, far) or np.array_equal(array(_rounded(far, name)), far):
            return name
    return ""


def _rounded(values: Any, name: str) -> Any:
    """Return numbers as a type of fewer bits has them, in their own type."""
    values = tf.constant(values)
    return tf.cast(tf.cast(values, name), values.dtype)


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
    """With `from_logits` logits give what their probabilities give, and in half precision what they give in float32."""
    subject.need("from_logits")
    if subject.inputs not in ("classes", "binary", "multilabel", "masks"):
        message = "its predictions are no probabilities"
        raise Skip(message)
    smallest(functools.partial(_as_probabilities, subject), *sample(subject, 4))
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


def _as_probabilities(subject: Subject, y_true: Any, y_pred: Any) -> None:
    """Hold `from_logits=True` on logits to `from_logits=False` on their softmax or sigmoid."""
    scores = np.log(y_pred)
    if subject.inputs in ("classes", "masks"):
        scores = scores + np.random.default_rng(6).normal(size=(*y_pred.shape[:-1], 1)).astype("f4")
        logits, chances = tf.constant(scores), tf.nn.softmax(scores).numpy()
    else:
        logits = tf.constant(scores - np.log1p(-y_pred))
        chances = tf.sigmoid(logits).numpy()
    saw = value_and_gradient(unreduced(subject, from_logits=True), y_true, logits)
    value, slope = value_and_gradient(unreduced(subject, from_logits=False), y_true, chances)
    if subject.inputs in ("classes", "masks"):
        slope = chances * (slope - (chances * slope).sum(-1, keepdims=True))
    else:
        slope = chances * (1 - chances) * slope
    given = {"y_true": y_true, "y_pred": array(logits)}
    close(saw[0], value, "the value of logits, against that of their probabilities", 1e-4, **given)
    close(saw[1], slope, "the gradient by logits, against that by way of their probabilities", 1e-3, **given)


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


def graph(subject: Subject) -> None:
    """A graph gives the value and gradient that eager mode gives, and at edges the value."""
    _same(subject, "eager", "graph", "in a graph, against eager mode", 1e-5)
    # What only Python decides is decided while the graph is traced: the rarer a number, the less that is seen. One
    # graph serves all edges of a shape, traced for the first.
    graphs: dict[Any, Any] = {}
    function = unreduced(subject)
    for note, y_true, y_pred in edges(subject):
        true, pred = tf.constant(y_true), tf.constant(y_pred)
        shapes = (tuple(true.shape[1:]), tuple(pred.shape[1:]))
        if shapes not in graphs:
            specs = [tf.TensorSpec((None, *one.shape[1:]), one.dtype) for one in (true, pred)]
            graphs[shapes] = tf.function(function, input_signature=specs, autograph=False)
        saw, expected = array(graphs[shapes](true, pred)), array(function(true, pred))
        close(saw, expected, f"{note}: the value in a graph, against eager mode", 1e-5, y_true=y_true, y_pred=y_pred)


def xla(subject: Subject) -> None:
    """XLA, forced, gives the value and gradient that the graph gives."""
    _same(subject, "graph", "xla", "compiled by XLA, against the graph", 1e-4)


def _same(subject: Subject, right: str, mode: str, what: str, tolerance: float) -> None:
    y_true, y_pred = sample(subject, 4)  # one of each class

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
