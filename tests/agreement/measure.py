"""The difference between a component and its reference."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from kzoo.plugins.build import build


@dataclass(frozen=True)
class Difference:
    """Relative differences; ``gradient`` is None where the reference gives none."""

    value: float
    gradient: float | None = None

    @property
    def worst(self):
        """The larger of the two."""
        return max(self.value, self.gradient or 0.0)


def relative(found, expected):
    """Return the largest difference of two arrays, relative to the largest number expected.

    Where all that is expected is zero the difference is absolute. Infinite values must be equal.
    """
    found, expected = np.asarray(found, "float64"), np.asarray(expected, "float64")
    if found.shape != expected.shape:
        message = f"shape {found.shape}, and the reference has {expected.shape}"
        raise AssertionError(message)
    if not np.isfinite(expected).all():
        return 0.0 if np.array_equal(found, expected, equal_nan=True) else float("inf")
    if not np.isfinite(found).all():
        return float("inf")
    largest = np.abs(expected).max(initial=0.0)
    return float(np.abs(found - expected).max(initial=0.0) / (largest or 1.0))


def measure(case):
    """Return how far kzoo's component is from what the reference says."""
    return _MEASURES[case.kind](case)


def _loss(case):
    inputs, expected = case.inputs, case.expected
    reduced = np.ndim(expected["value"]) == 0
    loss = build("loss", case.component) if reduced else build("loss", case.component, reduction=None)
    y_pred = tf.constant(inputs["y_pred"])
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        value = loss(tf.constant(inputs["y_true"]), y_pred, sample_weight=inputs.get("sample_weight"))
        total = tf.reduce_sum(value)
    if "gradient" not in expected:
        return Difference(relative(value, expected["value"]))
    gradient = tape.gradient(total, y_pred)
    return Difference(relative(value, expected["value"]), relative(gradient, expected["gradient"]))


def _metric(case):
    inputs = case.inputs
    metric = build("metric", case.component)
    sizes = inputs.get("batches", [len(inputs["y_true"])])
    start = 0
    for size in sizes:
        part = slice(start, start + int(size))
        weight = inputs["sample_weight"][part] if "sample_weight" in inputs else None
        metric.update_state(inputs["y_true"][part], inputs["y_pred"][part], sample_weight=weight)
        start += int(size)
    return Difference(relative(metric.result(), case.expected["value"]))


def _optimizer(case):
    count = sum(name.startswith("start") for name in case.inputs)
    variables = [keras.Variable(case.inputs[f"start{i}"], name=f"weight{i}") for i in range(count)]
    gradients = [tf.constant(case.inputs[f"gradients{i}"]) for i in range(count)]
    rows = [case.inputs.get(f"rows{i}") for i in range(count)]

    def gradient(i, step):
        if rows[i] is None:
            return gradients[i][step]
        return tf.IndexedSlices(gradients[i][step], tf.constant(rows[i])[step], list(case.inputs[f"start{i}"].shape))

    optimizer = build("optimizer", case.component)
    optimizer.build(variables)

    # Run as training runs it: in a graph, one call for each step.
    @tf.function
    def apply(step):
        optimizer.apply_gradients([(gradient(i, step), variable) for i, variable in enumerate(variables)])

    worst, recorded = 0.0, [int(step) for step in case.expected["steps"]]
    for step in range(1, max(recorded) + 1):
        apply(tf.constant(step - 1))
        if step in recorded:
            row = recorded.index(step)
            found = [relative(v, case.expected[f"weights{i}"][row]) for i, v in enumerate(variables)]
            worst = max(worst, *found)
    return Difference(worst)


def _schedule(case):
    schedule = build("schedule", case.component)
    found = [float(schedule(int(step))) for step in case.inputs["steps"]]
    return Difference(relative(found, case.expected["value"]))


def _regularizer(case):
    regularizer = build("regularizer", case.component)
    weights = tf.constant(case.inputs["weights"])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        value = regularizer(weights)
    gradient = (
        relative(tape.gradient(value, weights), case.expected["gradient"]) if "gradient" in case.expected else None
    )
    return Difference(relative(value, case.expected["value"]), gradient)


_MEASURES = {
    "loss": _loss,
    "metric": _metric,
    "optimizer": _optimizer,
    "schedule": _schedule,
    "regularizer": _regularizer,
}
