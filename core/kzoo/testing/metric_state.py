"""Checks of what a metric keeps: its state over batches, resets, weights and label forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.testing.loss_shapes import COLUMNS, REFUSALS
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import sample
from kzoo.testing.tools import array, close, differ, numbers, shown, smallest

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = [
    "additive_state",
    "batch_of_one",
    "batch_order",
    "batches_add_up",
    "empty",
    "flat_labels",
    "label_forms",
    "many_batches",
    "measured",
    "mismatch_refused",
    "reset_state",
    "result",
    "sample_weight",
    "state_kept",
    "state_listed",
    "updated",
]


_MANY = 41
"""Batches after which a mistake in what a metric keeps has shown."""


def measured(subject: Subject, *batches: Any, weight: Any = None, **arguments: Any) -> Any:
    """Return the result of a fresh metric after batches of labels and predictions."""
    return result(updated(subject.make(**arguments), *batches, weight=weight))


def result(metric: Any) -> Any:
    """Return a metric's result as one array; a mapping gives its values in order."""
    found = metric.result()
    return np.concatenate([array(v).ravel() for v in found.values()]) if isinstance(found, dict) else array(found)


def updated(metric: Any, *batches: Any, weight: Any = None) -> Any:
    """Return the metric after batches of labels and predictions."""
    for y_true, y_pred in batches:
        metric.update_state(tf.constant(y_true), tf.constant(y_pred), sample_weight=weight)
    return metric


def _states(metric: Any) -> list[Any]:
    return [numbers(variable) for variable in metric.variables]


def state_kept(subject: Subject) -> None:
    """Asking for the result changes nothing, and an update makes no new variables; none of them has half precision."""
    batch, other = sample(subject, 4, 0), sample(subject, 4, 1)
    metric = updated(subject.make(), batch)
    count, first = len(metric.variables), result(metric)
    close(result(metric), first, "the result, asked for twice", 0.0)
    updated(metric, other)
    if len(metric.variables) != count:
        message = f"saw {len(metric.variables)} variables after the second update, expected the {count} of the first"
        raise CheckFailure(message)
    later = [variable.path for variable in metric.variables if not isinstance(variable, keras.Variable)]
    if later or not count:
        message = f"saw variables {later} that are no `keras.Variable`, or none at all; make them with `add_variable`"
        raise CheckFailure(message)
    narrow = [v.path for v in metric.variables if keras.backend.standardize_dtype(v.dtype) in ("float16", "bfloat16")]
    if narrow:
        message = (
            f"saw {', '.join(narrow)} in half precision, expected float32 at least: a sum there stands still after "
            "some thousand samples"
        )
        raise CheckFailure(message)
    if not differ(result(metric), first, 0.0) and not differ(measured(subject, other), first, 0.0):
        message = "two different batches have the same result"
        raise Skip(message)


def reset_state(subject: Subject) -> None:
    """After `reset_state` every variable is what it was at the start, and so is what follows."""
    batch, other = sample(subject, 5, 0), sample(subject, 4, 1)
    metric = updated(subject.make(), batch)
    metric.reset_state()
    for variable in metric.variables:
        if np.any(numbers(variable)):
            message = f"after reset_state: saw {variable.path} = {shown(numbers(variable))}, expected zeros"
            raise CheckFailure(message)
    close(result(updated(metric, other)), measured(subject, other), "the result after a reset, against a fresh metric")


def batches_add_up(subject: Subject) -> None:
    """The result of several batches is that of all samples in one batch."""

    def test(y_true: Any, y_pred: Any) -> None:
        parts = [(y_true[at], y_pred[at]) for at in (slice(0, 2), slice(2, None)) if len(y_true[at])]
        saw, expected = measured(subject, *parts), measured(subject, (y_true, y_pred))
        close(saw, expected, "two batches, against one batch of all samples", 1e-5, y_true=y_true, y_pred=y_pred)

    smallest(test, *sample(subject, 6))


def batch_order(subject: Subject) -> None:
    """Three batches give the same result in any order."""
    batches = [sample(subject, size, seed) for seed, size in enumerate((2, 3, 2))]
    expected = measured(subject, *batches)
    for order in ((2, 1, 0), (1, 2, 0), (2, 0, 1)):
        saw = measured(subject, *(batches[at] for at in order))
        close(saw, expected, f"three batches in the order {order}, against (0, 1, 2)")


def many_batches(subject: Subject) -> None:
    """The result of 41 batches of one sample is that of all samples in one batch: nothing changes after a while."""
    if subject.inputs == "large_images":  # a sample takes long, and the same one is as good
        y_true, y_pred = (np.repeat(one, _MANY, 0) for one in sample(subject, 1))
        expected = measured(subject, (y_true[:1], y_pred[:1]))
    else:
        y_true, y_pred = sample(subject, _MANY)
        expected = measured(subject, (y_true, y_pred))
    saw = measured(subject, *((y_true[at : at + 1], y_pred[at : at + 1]) for at in range(_MANY)))
    close(saw, expected, f"{_MANY} batches of one sample, against one batch", 1e-4)


def state_listed(subject: Subject) -> None:
    """All state is in `variables`: a metric that is given those of another one goes on to the same result."""
    batches = [sample(subject, 4, number) for number in range(4)]
    first = updated(subject.make(), *batches[:2])
    second = updated(subject.make(), batches[3])  # some make their variables with the first batch
    if len(first.variables) != len(second.variables):
        message = f"saw {len(first.variables)} variables and {len(second.variables)}, expected the same number"
        raise CheckFailure(message)
    for one, other in zip(first.variables, second.variables, strict=True):
        other.assign(one)
    expected, saw = (result(updated(metric, batches[2])) for metric in (first, second))
    close(saw, expected, "one batch after its variables were copied to a new metric", 0.0)


def additive_state(subject: Subject) -> None:
    """Variables can be summed over replicas: those of two halves add up to those of the whole."""
    first, second = sample(subject, 4, 0), sample(subject, 4, 1)
    halves = [_states(updated(subject.make(), half)) for half in (first, second)]
    metric = updated(subject.make(), first, second)
    for variable, one, other in zip(metric.variables, *halves, strict=True):
        what = f"{variable.path} after two batches, against the sum over two replicas"
        close(variable, one + other, what, 1e-5)


def sample_weight(subject: Subject) -> None:
    """A weight of 0 leaves a sample out, a weight of 2 counts it twice, and equal weights change nothing."""
    y_true, y_pred = sample(subject, 6)
    twice = np.array([0, 1, 2, 3, 4, 4])
    plain = measured(subject, (y_true, y_pred))

    def weighed(weight: Any) -> Any:
        return measured(subject, (y_true, y_pred), weight=np.asarray(weight, "float32"))

    close(weighed([1] * 6), plain, "weights of 1, against none")
    without = measured(subject, (y_true[:5], y_pred[:5]))
    close(weighed([1, 1, 1, 1, 1, 0]), without, "a weight of 0, against the sample left out", y_pred=y_pred)
    doubled = measured(subject, (y_true[twice], y_pred[twice]))
    close(weighed([1, 1, 1, 1, 2, 0]), doubled, "a weight of 2, against the sample given twice", y_pred=y_pred)
    column = np.array([[1], [1], [1], [1], [2], [0]], "float32")
    saw = measured(subject, (y_true, y_pred), weight=column)
    close(saw, doubled, "weights of shape (N, 1)", y_pred=y_pred)


def batch_of_one(subject: Subject) -> None:
    """A first batch of one sample works, and so does the next one."""
    one, more = sample(subject, 1), sample(subject, 4, 1)
    metric = updated(subject.make(), one)
    result(metric)
    whole = tuple(np.concatenate([a, b]) for a, b in zip(one, more, strict=True))
    close(result(updated(metric, more)), measured(subject, whole), "one sample and then four, against five")


def empty(subject: Subject) -> None:
    """Before any update, and after one whose weights are all 0, there is a result and no error or infinity."""
    metric = subject.make()
    first = result(metric)
    y_true, y_pred = sample(subject, 3)
    later = measured(subject, (y_true, y_pred), weight=np.zeros(3, "float32"))
    for what, saw in (("before any update", first), ("with weights of 0", later)):
        if np.isinf(saw).any() or np.isnan(saw).any():
            message = f"{what}: saw {shown(saw)}, expected finite numbers"
            raise CheckFailure(message)


def flat_labels(subject: Subject) -> None:
    """Labels (N,) against predictions (N, 1), and the reverse, are taken as equal or refused, not made (N, N)."""
    if subject.inputs not in COLUMNS:
        message = "its predictions are not one column"
        raise Skip(message)
    y_true, y_pred = (one[:, :1] for one in sample(subject, 4))
    expected = measured(subject, (y_true, y_pred))
    for what, true, pred in (
        ("labels (N,) against predictions (N, 1)", y_true[:, 0], y_pred),
        ("labels (N, 1) against predictions (N,)", y_true, y_pred[:, 0]),
    ):
        try:
            saw = measured(subject, (true, pred))
        except REFUSALS:
            continue
        close(saw, expected, what, y_true=true, y_pred=pred)


def mismatch_refused(subject: Subject) -> None:
    """One label for several predictions is refused, not broadcast."""
    y_true, y_pred = sample(subject, 3)
    try:
        saw = measured(subject, (y_true[:1], y_pred))
    except REFUSALS:
        return
    shapes = f"y_true of shape {np.shape(y_true[:1])} and y_pred of shape {np.shape(y_pred)}"
    message = f"saw {shown(saw)}, expected an error for {shapes}"
    raise CheckFailure(message)


def label_forms(subject: Subject) -> None:
    """One-hot labels and class indices, (N,) or (N, 1), give equal results."""
    if set(subject.forms) != {"dense", "sparse"}:
        message = f"it takes {' and '.join(subject.forms) or 'no class'} labels"
        raise Skip(message)
    dense, pred = sample(subject, 6, form="dense")
    sparse, _ = sample(subject, 6, form="sparse")

    def test(indices: Any, hot: Any, y_pred: Any) -> None:
        expected = measured(subject, (hot, y_pred), label_form="dense")
        for true in (indices, indices[..., None]):
            saw = measured(subject, (true, y_pred), label_form="sparse")
            what = f"class indices of shape {true.shape}, against one-hot labels"
            close(saw, expected, what, y_true=true, y_pred=y_pred)

    smallest(test, sparse, dense, pred)
