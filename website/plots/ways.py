"""From a right prediction to a wrong one, along one number: a way for everything that labels and predictions can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.testing.samples import CLASSES, SIDES, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

POINTS = 31


@dataclass(frozen=True)
class Way:
    """A number that changes, and what labels and predictions are at each value of it.

    Attributes:
        title: What is predicted, in a few words.
        x: What the number is.
        at: Its values.
        lines: Labels of curves, each with the function of the number that returns labels and predictions.
        bars: Whether the values are few and apart.
    """

    title: str
    x: str
    at: Any
    lines: Sequence[tuple[str, Callable[[float], tuple[Any, Any]]]]
    bars: bool = False


def ways(subject):
    """Return the ways for a loss or metric: for what its labels and predictions are."""
    if subject.name in _OF_ITS_OWN:
        return _OF_ITS_OWN[subject.name](subject)
    return _WAYS[subject.inputs](subject)


def _classes(subject):
    def sure(p):
        others = (1 - p) / (CLASSES - 1)
        return np.array([0, CLASSES - 1]), np.where(np.eye(CLASSES)[[0, CLASSES - 1]] == 1, p, others)

    def at(k):
        spread = np.full((2, CLASSES), 0.1 / (CLASSES - 1))
        spread[0, int(k)] = spread[1, CLASSES - 1 - int(k)] = 0.9
        return np.array([0, CLASSES - 1]), spread

    return [
        Way("four classes", "probability of the true class", np.linspace(0.02, 0.98, POINTS), [("", sure)]),
        Way("0.9 on one class", "classes away from the true one", np.arange(CLASSES), [("", at)], bars=True),
    ]


def _yes_no(width):
    def make(subject):
        def one(label):
            return lambda p: (np.full((1, width), label), np.full((1, width), p))

        at = np.linspace(0.02, 0.98, POINTS)
        return [
            Way("one answer", "probability of a yes", at, [("the truth is yes", one(1)), ("the truth is no", one(0))])
        ]

    return make


def _signs(subject):
    def one(label):
        return lambda score: (np.full((1, 1), label), np.full((1, 1), score))

    return [
        Way(
            "one answer",
            "score",
            np.linspace(-3, 3, POINTS),
            [("the truth is 1", one(1)), ("the truth is -1", one(-1))],
        )
    ]


_WIDE = {"wing": 20.0, "scaled_mse": 20.0}


def _values(subject):
    reach = _WIDE.get(subject.name.partition(":")[0], 3.0)
    width = 1 if subject.inputs == "quantiles" else 3
    return [
        Way(
            "a number",
            "prediction less truth",
            np.linspace(-reach, reach, POINTS),
            [("", lambda d: (np.ones((1, width)), np.ones((1, width)) + d))],
        )
    ]


def _angle(subject):
    def at(degrees):
        turned = np.radians(degrees)
        return np.array([[1.0, 0.0, 0.0]]), np.array([[np.cos(turned), np.sin(turned), 0.0]])

    return [Way("two vectors", "angle between them, degrees", np.linspace(0, 180, POINTS), [("", at)])]


def _positive(subject):
    return [
        Way(
            "a number above 0",
            "prediction, where the truth is 1",
            np.linspace(0.1, 4, POINTS),
            [("", lambda p: (np.ones((1, 3)), np.full((1, 3), p)))],
        )
    ]


def _gaussians(subject):
    def with_variance(variance):
        return lambda d: (np.zeros((1, 1)), np.array([[d, variance]]))

    lines = [(f"variance {v:g}", with_variance(v)) for v in (0.25, 1.0, 4.0)]
    return [Way("a mean and a variance", "mean less truth", np.linspace(-4, 4, POINTS), lines)]


def _thresholds(subject):
    def of_class(label):
        return lambda rank: (np.array([label]), 4.0 * (rank - np.arange(CLASSES - 1)[None] - 0.5))

    lines = [(f"the truth is class {label}", of_class(label)) for label in (0, 1, 3)]
    return [Way("four ordered classes", "predicted rank", np.linspace(-0.5, 3.5, POINTS), lines)]


def _picture():
    labels = np.zeros((16, 16), int)
    labels[5:11, 5:11], labels[0:3, 0:3], labels[13:, 13:] = 1, 2, 3
    return labels


def _masks(subject):
    labels, hot = _picture()[None], np.eye(CLASSES)

    def sure(p):
        return labels, np.where(hot[labels] == 1, p, (1 - p) / (CLASSES - 1))

    def moved(by):
        shifted = np.where(_picture() == 1, 0, _picture())
        shifted[5:11, 5 + int(by) : min(16, 11 + int(by))] = 1
        return labels, np.where(hot[shifted[None]] == 1, 0.97, 0.01)

    return [
        Way("everywhere alike", "probability of the true class", np.linspace(0.02, 0.98, POINTS), [("", sure)]),
        Way("a square, moved to the side", "positions", np.arange(9), [("", moved)], bars=True),
    ]


def _boxes(subject):
    truth = np.array([[2.0, 2.0, 3.0, 3.0]])

    def shifted(down):
        return lambda by: (truth, truth + np.array([by, by * down, by, by * down]))

    def grown(times):
        return truth, np.array([[2.5 - times / 2, 2.5 - times / 2, 2.5 + times / 2, 2.5 + times / 2]])

    lines = [("to the side", shifted(0)), ("diagonally", shifted(1))]
    return [
        Way("a box of the right size", "moved by, in its sides", np.linspace(0, 2, POINTS), lines),
        Way("a box in the right place", "times its side", np.linspace(0.2, 3, POINTS), [("", grown)]),
    ]


def _bins(subject):
    bins = np.arange(6)

    def at(place):
        return np.full((1, 4), 2.3), np.tile(-1.5 * (bins - place) ** 2, 4)[None]

    return [Way("six bins, the truth at 2.3", "where the bins have their peak", np.linspace(0, 5, POINTS), [("", at)])]


def _places(subject):
    y_true, y_pred = sample(subject, 4)
    there = y_true[..., 6:7] * 0 + (np.abs(y_true[..., 4:5]) > 0)

    def at(logit):
        changed = np.array(y_pred)
        changed[..., 4:5] = np.where(there, logit, -logit)
        return y_true, changed

    return [
        Way(
            "an object in one of four places",
            "logit of its place, minus that of the others",
            np.linspace(-6, 6, POINTS),
            [("", at)],
        )
    ]


def _embeddings(subject):
    labels = np.array([0, 0, 0, 1, 1, 1])
    spread = np.array([-12.0, 0.0, 12.0])

    def apart(degrees):
        turned = np.radians(np.concatenate([spread, degrees + spread]))
        return labels, np.stack([np.cos(turned), np.sin(turned)], -1)

    return [
        Way(
            "two classes of three, on a circle",
            "angle between the classes, degrees",
            np.linspace(0, 180, POINTS),
            [("", apart)],
        )
    ]


def _cosines(subject):
    def at(cosine):
        return np.array([0]), np.array([[cosine, 0.2, 0.0, -0.2]])

    return [
        Way(
            "four classes",
            "cosine of the true class; others 0.2, 0, -0.2",
            np.linspace(-0.98, 0.98, POINTS),
            [("", at)],
        )
    ]


def _distances(subject):
    def one(label):
        return lambda d: (np.array([label]), np.array([d]))

    at = np.linspace(0.01, 2.5, POINTS)
    return [Way("a pair", "distance", at, [("belongs together", one(1)), ("does not", one(0))])]


def _sequences(subject):
    path = np.eye(CLASSES)[[1, 1, 0, 2, 2, 0]][None]
    return [
        Way(
            "two symbols in six steps",
            "how far the right symbol's logit stands out",
            np.linspace(0, 6, POINTS),
            [("", lambda logit: (np.array([[1, 2, 0]]), logit * path))],
        )
    ]


def _images(subject):
    side = SIDES[subject.inputs]
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:side, 0:side] / side
    image = (0.5 + 0.3 * np.sin(9 * x) * np.cos(7 * y))[None, ..., None]
    noise = rng.normal(size=image.shape)
    lines = [
        ("noise of this deviation", lambda s: (image, np.clip(image + s * noise, 0, 1))),
        ("brighter by this", lambda s: (image, np.clip(image + s, 0, 1))),
    ]
    return [Way("a picture between 0 and 1", "what is added", np.linspace(0, 0.4, 11), lines)]


_WAYS = {
    "classes": _classes,
    "binary": _yes_no(1),
    "multilabel": _yes_no(3),
    "signs": _signs,
    "values": _values,
    "quantiles": _values,
    "positive": _positive,
    "gaussians": _gaussians,
    "thresholds": _thresholds,
    "masks": _masks,
    "boxes": _boxes,
    "bins": _bins,
    "places": _places,
    "embeddings": _embeddings,
    "cosines": _cosines,
    "distances": _distances,
    "sequences": _sequences,
    "images": _images,
    "large_images": _images,
}
_OF_ITS_OWN = {"cosine_similarity": _angle}
