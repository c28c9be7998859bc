"""Checks of a metric's numbers: precision, edges, graphs, and the promises of its spec."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.testing import restart
from kzoo.testing.edges import edges
from kzoo.testing.loss_direction import right_and_wrong
from kzoo.testing.loss_shapes import REFUSALS
from kzoo.testing.metric_state import measured, result
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import equal_pair, sample
from kzoo.testing.tools import array, close, policy, shown

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = [
    "direction",
    "finite_at_edges",
    "graph",
    "graph_at_edges",
    "half_precision",
    "in_model",
    "precision",
    "range_of_values",
    "symmetric",
    "unknown_batch",
    "xla",
    "zero_at_equality",
]


def half_precision(subject: Subject) -> None:
    """Predictions in half precision give the result of the same numbers in float32, however many batches there are."""
    # A large image takes as long as eight other samples, so that one stands for eight by its weight.
    size, weight = (1, 8.0) if subject.inputs == "large_images" else (8, None)
    y_true, y_pred = sample(subject, size)
    for name in ("float16", "bfloat16"):
        rounded = tf.cast(y_pred, name)
        wide = array(rounded).astype("float32")
        # A count in bfloat16 stops at 256: enough batches to pass it.
        expected = result(_many(subject.make(), y_true, wide, 40, weight))
        saw = result(_many(subject.make(), y_true, rounded, 40, weight))
        close(saw, expected, f"40 batches of {size} with predictions in {name}, against float32", 2e-2)
        with policy(f"mixed_{name}"):
            saw = result(_many(subject.make(), y_true, rounded, 40, weight))
        close(saw, expected, f"40 batches of {size} under the policy mixed_{name}, against float32", 2e-2)


def _many(metric: Any, y_true: Any, y_pred: Any, times: int, weight: float | None) -> Any:
    """Update a metric ``times`` times: first eagerly, where it makes its variables, then in a graph, which is quick."""
    true, pred = tf.constant(y_true), tf.constant(y_pred)
    metric.update_state(true, pred, sample_weight=weight)
    again = tf.function(lambda: metric.update_state(true, pred, sample_weight=weight), autograph=False)
    for _ in range(times - 1):
        again()
    return metric


def precision(subject: Subject) -> None:
    """Numbers far from 0 relative to their spread give in float32 what they give in float64."""
    subject.need("dtype")
    if subject.inputs != "values":
        message = "its inputs are not numbers of any size"
        raise Skip(message)
    y_true, y_pred = (one + 1e4 for one in sample(subject, 64))
    expected = measured(subject, (y_true, y_pred), dtype="float64")
    saw = measured(subject, (y_true, y_pred), dtype="float32")
    close(saw, expected, "numbers of 10000 give or take 2 in float32, against float64", 2e-3)


def finite_at_edges(subject: Subject) -> None:
    """The result is no NaN or infinity at exact matches, for certain predictions, or with empty groups."""
    count = 0
    for note, y_true, y_pred in edges(subject):
        count += 1
        saw = measured(subject, (y_true, y_pred))
        if not np.isfinite(saw).all():
            given = f"y_true = {shown(y_true)}, y_pred = {shown(y_pred)}"
            message = f"{note}: saw {shown(saw)}, expected finite numbers; {given}"
            raise CheckFailure(message)
    if not count:
        message = "no edges are known for its inputs"
        raise Skip(message)


def _compiled(subject: Subject, *, jit: bool, batches: list[Any], signature: bool) -> tuple[Any, int]:
    metric, traces = subject.make(), 0
    metric.update_state(*(tf.constant(one) for one in batches[0]))  # variables are made outside of the graph
    metric.reset_state()

    def update(y_true: Any, y_pred: Any) -> Any:
        nonlocal traces
        traces += 1
        metric.update_state(y_true, y_pred)
        return metric.variables[0].value if metric.variables else tf.constant(0.0)

    specs = [tf.TensorSpec((None, *np.shape(one)[1:]), tf.as_dtype(np.asarray(one).dtype)) for one in batches[0]]
    options: dict[str, Any] = {"input_signature": specs} if signature else {}
    call = tf.function(update, autograph=False, jit_compile=jit, **options)
    for y_true, y_pred in batches:
        call(tf.constant(y_true), tf.constant(y_pred))
    return result(metric), traces


def graph(subject: Subject) -> None:
    """Updates in a graph, as training runs them, give the result of eager mode."""
    batches = [sample(subject, 4, seed) for seed in (0, 1)]
    saw = subject.once("graph", lambda: _in_graphs(subject, batches))
    close(saw, measured(subject, *batches), "the result of updates in a graph, against eager mode")


def graph_at_edges(subject: Subject) -> None:
    """At the edges too, updates in a graph give the result of eager mode: a branch for rare values is in both."""
    cases = []
    for note, y_true, y_pred in edges(subject):
        with contextlib.suppress(*REFUSALS):  # a graph cannot look at numbers, and may go on where eager mode refuses
            cases.append((note, y_true, y_pred, measured(subject, (y_true, y_pred))))
    if not cases:
        message = "no edges are known for its inputs"
        raise Skip(message)
    metric = subject.make()
    first = [tf.constant(one) for one in cases[0][1:3]]
    metric.update_state(*first)  # variables are made outside of the graph
    specs = [tf.TensorSpec((None, *one.shape[1:]), one.dtype) for one in first]
    update = tf.function(metric.update_state, autograph=False, input_signature=specs)
    for note, y_true, y_pred, expected in cases:
        metric.reset_state()
        update(tf.constant(y_true), tf.constant(y_pred))
        close(result(metric), expected, f"{note}, in a graph, against eager mode", y_true=y_true, y_pred=y_pred)


def xla(subject: Subject) -> None:
    """Updates compiled by XLA, forced, give the result that the graph gives."""
    batches = [sample(subject, 4, seed) for seed in (0, 1)]
    saw, _ = _compiled(subject, jit=True, batches=batches, signature=False)
    expected = subject.once("graph", lambda: _in_graphs(subject, batches))
    close(saw, expected, "the result of updates compiled by XLA, against a graph", 1e-4)


def unknown_batch(subject: Subject) -> None:
    """One graph, traced once for a batch of unknown size, serves batches of every size."""
    batches = [sample(subject, size, seed=size) for size in (2, 3, 6)]
    saw, traces = _compiled(subject, jit=False, batches=batches, signature=True)
    expected = _in_graphs(subject, batches)
    close(saw, expected, "batches of 2, 3 and 6 samples in a graph for any batch")
    if traces != 1:
        message = f"saw {traces} traces for three sizes of batch, expected 1"
        raise CheckFailure(message)


def _in_graphs(subject: Subject, batches: list[Any]) -> Any:
    return _compiled(subject, jit=False, batches=batches, signature=False)[0]


def in_model(subject: Subject) -> None:
    """`evaluate` of a compiled model reports the metric of all its predictions, over batches of different sizes."""
    model, _ = restart.network(subject)
    model.compile(metrics=[subject.make(name="checked")] if subject.takes("name") else [subject.make()])
    y_true, _ = sample(subject, 7)
    x = np.random.default_rng(5).normal(size=(7, 3)).astype("float32")
    saw = list(model.evaluate(x, y_true, batch_size=4, verbose=0, return_dict=True).items())
    found = [value for name, value in saw if name != "loss"]
    expected = measured(subject, (y_true, np.asarray(model(x))))
    if expected.ndim == 0:
        close(found[0], expected, "what evaluate reports, against the metric of all predictions", 1e-4)


def zero_at_equality(subject: Subject) -> None:
    """As its spec says: the result is 0 where the predictions match the labels."""
    _promised(subject, "zero_at_equality")
    y_true, y_pred = equal_pair(subject)
    saw = measured(subject, (y_true, y_pred))
    if not np.abs(saw).max() <= 1e-5:  # noqa: PLR2004
        message = f"at equality: saw {shown(saw)}, expected 0; y_true = {shown(y_true)}"
        raise CheckFailure(message)


def symmetric(subject: Subject) -> None:
    """As its spec says: labels and predictions can change places."""
    _promised(subject, "symmetric")
    y_true, y_pred = sample(subject, 5)
    if np.shape(y_true) != np.shape(y_pred):
        message = "its labels and predictions have different shapes"
        raise Skip(message)
    saw, expected = measured(subject, (y_pred, y_true)), measured(subject, (y_true, y_pred))
    close(saw, expected, "with labels and predictions exchanged", 1e-4, y_true=y_true, y_pred=y_pred)


def range_of_values(subject: Subject) -> None:
    """As its spec says: no result leaves the range, for ordinary inputs or at the edges."""
    low, high = _promised(subject, "range")
    inputs = [("ordinary inputs", *sample(subject, 6, seed)) for seed in range(3)]
    for note, y_true, y_pred in [*inputs, *edges(subject)]:
        saw = measured(subject, (y_true, y_pred))
        if (low is not None and saw.min() < low - 1e-5) or (high is not None and saw.max() > high + 1e-5):
            given = f"y_true = {shown(y_true)}, y_pred = {shown(y_pred)}"
            message = f"{note}: saw {shown(saw)}, expected values between {low} and {high}; {given}"
            raise CheckFailure(message)


def direction(subject: Subject) -> None:
    """As its spec says: larger results, or smaller ones, are those of better predictions."""
    better = getattr(subject.entry.spec, "direction", "") if subject.entry else ""
    if not better:
        message = "its spec does not say which results are better"
        raise Skip(message)
    telling = {name: value for name, value in _TELLING.items() if subject.takes(name)}
    found = []
    # Of all pairs of classes a few, in which each but one is the right one, or the one taken for it.
    for note, y_true, right, wrong in itertools.islice(right_and_wrong(subject), None, None, 5):
        good, bad = (measured(subject, (y_true, pred), **telling) for pred in (right, wrong))
        gain = good - bad if better == "max" else bad - good
        found.append(gain)
        if not (gain >= 0).all():
            given = f"y_true = {shown(y_true)}, right: {shown(right)}, wrong: {shown(wrong)}"
            saw = f"{shown(good)} for what is right and {shown(bad)} for what is wrong"
            message = f'direction="{better}"; {note}: saw {saw}; {given}'
            raise CheckFailure(message)
    if not found:
        message = "what is right and wrong is not known for its inputs"
        raise Skip(message)
    if not np.any(found):
        message = f"saw the same results for what is right and what is wrong, {shown(good)}, expected others"
        raise CheckFailure(message)


_TELLING = {"k": 1, "threshold": 0.5}
"""What to ask for, that not all of four classes, or each answer of one output, is right."""


def _promised(subject: Subject, name: str) -> Any:
    if not subject.properties.get(name):
        message = f"its spec does not promise `{name}`"
        raise Skip(message)
    return subject.properties[name]
