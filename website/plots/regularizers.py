"""A regularizer over one weight, over the size of a matrix, and over the angle of its columns."""

from __future__ import annotations

import numpy as np

from kzoo.plugins.build import build
from website.plots.drawing import Panel

SIZE = np.linspace(0, 2, 61)
ANGLES = np.linspace(0, 90, 61)
MATRIX = np.array([[1.0, 0.3], [-0.4, 0.8], [0.2, -0.6]]) / 1.1


def panels(entry):
    """Return the penalty with the default arguments, over what moves it."""
    regularizer = build("regularizer", {"name": entry.name, **_strength(entry)})
    if entry.spec.applies_to == "activity":
        return _activity(entry.name, regularizer)
    weight = np.linspace(-2, 2, 81)
    one = [(0.0, "the other weight is 0"), (1.0, "the other weight is 1")]
    return [
        Panel(
            "two weights, one of which changes",
            "weight",
            "penalty",
            [(label, weight, [_value(regularizer, [[w, 0.0], [0.0, other]]) for w in weight]) for other, label in one],
        ),
        Panel(
            "two columns of length 1",
            "angle between them, degrees",
            "penalty",
            [("", ANGLES, [_value(regularizer, _columns(angle)) for angle in ANGLES])],
        ),
        Panel(
            "a matrix as a whole",
            "times its size",
            "penalty",
            [("", SIZE, [_value(regularizer, s * MATRIX) for s in SIZE])],
        ),
    ]


def _activity(name, regularizer):
    if name == "entropy":
        share = np.linspace(0.001, 0.999, 81)
        values = [_value(regularizer, [[p, (1 - p) / 2, (1 - p) / 2]]) for p in share]
        return [Panel("three classes", "probability of one", "penalty", [("", share, values)])]
    mixed, rng = np.linspace(0, 1, 41), np.random.default_rng(0)
    one, other = rng.normal(size=(2, 64))
    values = [_value(regularizer, np.stack([one, m * one + (1 - m) * other], -1)) / 64 for m in mixed]
    return [Panel("two features of 64 samples", "share of the first in the second", "penalty", [("", mixed, values)])]


def _strength(entry):
    """Return a strength of 1, so that the picture shows the formula and not the factor."""
    names = [name for name in entry.spec.example if name in ("factor", "l1", "l2")]
    return {**dict(entry.spec.example), **dict.fromkeys(names, 1.0)}


def _columns(angle):
    turned = np.radians(angle)
    return np.array([[1.0, np.cos(turned)], [0.0, np.sin(turned)], [0.0, 0.0]])


def _value(regularizer, weights):
    return float(regularizer(np.asarray(weights, "float32")))


CAPTION = "The penalty with the arguments of the example and strength 1."
