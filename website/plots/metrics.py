"""A metric over the share of predictions that are wrong."""

from __future__ import annotations

import numpy as np

from kzoo.testing.samples import CLASSES, as_labels
from kzoo.testing.subject import subject_of
from website.plots.drawing import Panel
from website.plots.losses import changed_by, written
from website.plots.ways import ways

SIZE = 200
_ALSO = {name: {"threshold": 0.5} for name in ("f1_score", "fbeta_score")}
"""What an example needs to mean something for one column of probabilities."""
SHARES = np.linspace(0, 1, 11)


def panels(entry):
    """Return the metric over the share of predictions that belong to another sample; of images, over what is added."""
    subject = subject_of("metric", entry.name)
    if subject.inputs in ("images", "large_images"):
        return [_along(subject, way) for way in ways(subject)]
    other = changed_by(subject, entry.spec.example) | _ALSO.get(entry.name, {})
    made = [("default", {}), (written(other), other)] if other else [("", {})]
    curves = []
    for label, arguments in made:
        values = [_value(subject, arguments, *_exchanged(subject, share)) for share in SHARES]
        if all(np.ndim(value) == 0 for value in values):
            curves.append((label, SHARES, values))
    if len(curves) == 1 and curves[0][0] == "default":
        curves = [("", *curves[0][1:])]
    title = f"{SIZE} samples" if subject.inputs != "masks" else "20 pictures"
    return [Panel(title, "share of predictions that are another's", "metric", curves)] if curves else []


def _along(subject, way):
    curves = [(label, way.at[1:], [_value(subject, {}, *make(x)) for x in way.at[1:]]) for label, make in way.lines]
    return Panel(way.title, way.x, "metric", curves)


def _value(subject, arguments, y_true, y_pred):
    metric = subject.make(**arguments)
    metric.update_state(as_labels(subject, np.asarray(y_true)), np.asarray(y_pred, "float32"))
    value = np.asarray(metric.result())
    return float(value) if value.ndim == 0 else value


def _exchanged(subject, share):
    """Return labels, and good predictions of which the first share has been handed on by one."""
    y_true, y_pred = _GOOD[subject.inputs](np.random.default_rng(0))
    count = round(share * len(y_pred))
    moved = np.array(y_pred)
    moved[:count] = np.roll(y_pred, 1, axis=0)[:count] if count == len(y_pred) else np.roll(y_pred[:count], 1, axis=0)
    return y_true, moved


def _softmax(scores):
    shifted = np.exp(scores - scores.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def _classes(rng):
    labels = rng.permutation(np.arange(SIZE) % CLASSES)
    return labels, _softmax(3.5 * np.eye(CLASSES)[labels] + rng.normal(size=(SIZE, CLASSES)))


def _yes_no(width):
    def make(rng):
        labels = rng.integers(0, 2, (SIZE, width))
        return labels, 1 / (1 + np.exp(-(2.5 * (2 * labels - 1) + rng.normal(size=labels.shape))))

    return make


def _signs(rng):
    labels = 2 * rng.integers(0, 2, (SIZE, 1)) - 1
    return labels, 1.5 * labels + 0.5 * rng.normal(size=labels.shape)


def _values(width):
    def make(rng):
        numbers = rng.normal(size=(SIZE, width))
        return numbers, numbers + 0.2 * rng.normal(size=numbers.shape)

    return make


def _positive(rng):
    numbers = rng.uniform(0.3, 3, (SIZE, 3))
    return numbers, numbers * np.exp(0.1 * rng.normal(size=numbers.shape))


def _gaussians(rng):
    numbers = rng.normal(size=(SIZE, 1))
    mean = numbers + 0.3 * rng.normal(size=numbers.shape)
    return numbers, np.concatenate([mean, np.full_like(mean, 0.1)], -1)


def _masks(rng):
    labels = rng.integers(0, CLASSES, (20, 4, 4)).repeat(4, 1).repeat(4, 2)
    return labels, _softmax(4.0 * np.eye(CLASSES)[labels] + rng.normal(size=(*labels.shape, CLASSES)))


def _embeddings(rng):
    labels = rng.permutation(np.arange(SIZE) % 20)
    centres = rng.normal(size=(20, 6))
    vectors = centres[labels] + 0.3 * rng.normal(size=(SIZE, 6))
    return labels, vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


_GOOD = {
    "classes": _classes,
    "binary": _yes_no(1),
    "multilabel": _yes_no(3),
    "signs": _signs,
    "values": _values(3),
    "quantiles": _values(1),
    "positive": _positive,
    "gaussians": _gaussians,
    "masks": _masks,
    "embeddings": _embeddings,
}

CAPTION = "The metric of good predictions, of which a growing share is taken from another sample."
