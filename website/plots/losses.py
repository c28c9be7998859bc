"""A loss over the prediction."""

from __future__ import annotations

import numpy as np

from kzoo.plugins.reference import Reference
from kzoo.testing.samples import as_labels
from kzoo.testing.subject import subject_of
from website.plots.drawing import Panel
from website.plots.ways import ways

_LONGEST = 44


def panels(entry):
    """Return the loss along each way from a right to a wrong prediction, by default and as in the example."""
    subject = subject_of("loss", entry.name)
    losses = [("", subject.make())]
    if other := changed_by(subject, entry.spec.example):
        losses = [("default", losses[0][1]), (written(other), subject.make(**other))]
    found = []
    for way in ways(subject):
        used = losses if len(way.lines) == 1 else losses[:1]
        curves = [
            (label or name, way.at, [_value(loss, subject, make, x) for x in way.at])
            for name, loss in used
            for label, make in way.lines
        ]
        found.append(Panel(way.title, way.x, "loss", curves, bars=way.bars))
    return found


def changed_by(subject, example):
    """Return the arguments of an example that are not as they are by default."""
    taken = {**{name: one.default for name, one in subject.parameters.items()}, **subject.arguments}
    own = {name: value for name, value in example.items() if name != "class_weight"}  # it is for two classes
    return {name: value for name, value in own.items() if taken.get(name) != value}


def written(arguments):
    """Return arguments as they are typed, shortened where they are long."""
    text = str(Reference("x", dict(arguments)))[2:]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _value(loss, subject, make, x):
    y_true, y_pred = make(x)
    value = loss(as_labels(subject, np.asarray(y_true)), np.asarray(y_pred, "float32"))
    return float(np.asarray(value).mean())


CAPTION = "The value of the loss, with its default arguments and, where they differ, with those of the example."
