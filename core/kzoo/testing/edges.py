"""Labels and predictions at the edges: exact matches, certain and wrong answers, zeros, empty groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.testing.samples import CLASSES, SIDES, as_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kzoo.testing.subject import Subject

__all__ = ["edges"]

_HOT = np.eye(CLASSES)


def edges(subject: Subject) -> Iterator[tuple[str, Any, Any]]:
    """Yield what is special about an input, and its labels and predictions."""
    if callable(subject.inputs):
        return
    for note, y_true, y_pred in _EDGES[subject.inputs]():
        yield note, as_labels(subject, np.asarray(y_true)), np.asarray(y_pred, "float32")


_Edges = list[tuple[str, Any, Any]]


def _edges_of_classes() -> _Edges:
    return [
        ("a certain, right prediction", [1], _HOT[[1]]),
        ("a certain, wrong prediction", [1], _HOT[[2]]),
        ("equal probabilities", [0], np.full((1, CLASSES), 0.25)),
        ("right, wrong and undecided", [0, 1, 2], np.stack([_HOT[0], _HOT[3], np.full(CLASSES, 0.25)])),
    ]


def _edges_of_yes_no(width: int) -> _Edges:
    yes, no = np.ones((1, width)), np.zeros((1, width))
    return [
        ("a certain, right yes", yes, yes),
        ("a certain, right no", no, no),
        ("a certain, wrong yes", no, yes),
        ("a certain, wrong no", yes, no),
        ("an even chance", yes, yes / 2),
    ]


def _edges_of_signs() -> _Edges:
    one = np.ones((1, 1))
    return [("a score of 0", one, 0 * one), ("a score at the margin", one, one), ("a score of -1000", one, -1000 * one)]


def _edges_of_values() -> _Edges:
    row = np.array([[0.5, -1.0, 2.0]])
    return [
        ("an exact match", row, row),
        ("zeros", 0 * row, 0 * row),
        ("a prediction of zeros", row, 0 * row),
        ("labels of zeros", 0 * row, row),
        ("a difference of thousands", row, row * 5000),
        ("an exact match beside others", np.repeat(row, 2, 0), np.concatenate([row, row + 1])),
    ]


def _edges_of_positive() -> _Edges:
    row = np.array([[0.5, 1.0, 2.0]])
    return [
        ("an exact match", row, row),
        ("a thousandth", row, row / 1000),
        ("a thousand times", row, row * 1000),
    ]


def _edges_of_quantiles() -> _Edges:
    one = np.ones((1, 1))
    return [("an exact match", one, one), ("zeros", 0 * one, 0 * one), ("a difference of thousands", one, 5000 * one)]


def _edges_of_gaussians() -> _Edges:
    one = np.ones((1, 1))
    return [
        ("an exact match", one, [[1.0, 1.0]]),
        ("an exact match with a variance of 1e-8", one, [[1.0, 1e-8]]),
        ("a large variance", one, [[0.0, 1e6]]),
    ]


def _edges_of_thresholds() -> _Edges:
    row = np.full((1, CLASSES - 1), 60.0)
    return [
        ("a certain, right prediction", [3], row),
        ("a certain, wrong prediction", [0], row),
        ("logits of 0", [1], 0 * row),
    ]


def _edges_of_masks() -> _Edges:
    one, other = np.zeros((1, 2, 2), "int64"), np.full((1, 2, 2), 2)
    return [
        ("an exact match of one class", one, _HOT[one]),
        ("a certain, wrong prediction everywhere", one, _HOT[other]),
        ("equal probabilities", one, np.full((1, 2, 2, CLASSES), 0.25)),
    ]


def _edges_of_places() -> _Edges:
    place = [0, 0, 1, 1, 0.5, 0.5, 1]
    nothing = [[[0, 0, 0, 0, 0, 0, 0, *place]]]
    box = [[[0.5, 0.5, 0.5, 0.5, 1, 1, 0, *place]]]
    sure = np.array([[[0, 0, 0, 0, 1000, 1000, -1000]]])
    return [
        ("nothing there, and sure of it", nothing, -sure),
        ("nothing there, and sure of a box", nothing, sure),
        ("a box that is predicted exactly", box, sure),
        ("a box that is missed", box, -sure),
        ("a place that does not count", [[[0, 0, 0, 0, -1, 0, 0, *place]]], sure),
        ("a box of no size in the prediction", box, sure - np.array([1000, 1000, 1000, 1000, 0, 0, 0])),
        ("a box of enormous size in the prediction", box, sure + np.array([1000, 1000, 1000, 1000, 0, 0, 0])),
    ]


def _edges_of_boxes() -> _Edges:
    box, point = np.array([[0.0, 0.0, 1.0, 1.0]]), np.array([[0.5, 0.5, 0.5, 0.5]])
    return [
        ("an exact match", box, box),
        ("boxes far apart", box, box + 10),
        ("boxes that touch", box, box + np.array([1, 0, 1, 0])),
        ("a box inside the other", box, [[0.25, 0.25, 0.5, 0.75]]),
        ("a predicted box without area", box, point),
        ("two equal boxes without area", point, point),
    ]


def _edges_of_bins() -> _Edges:
    bins = 3
    first, sure = np.zeros((1, 4)), np.tile([1000.0, -1000.0, -1000.0], (1, 4))
    return [
        ("a certain, right bin", first, sure),
        ("a certain, wrong bin", first + bins - 1, sure),
        ("a number halfway between two bins", first + 0.5, 0 * sure),
        ("the last bin", first + bins - 1, 0 * sure),
    ]


def _edges_of_embeddings() -> _Edges:
    row = np.array([[0.6, 0.8, 0.0]])
    three = np.eye(3)
    return [
        ("equal vectors of one class", [0, 0], np.repeat(row, 2, 0)),
        ("equal vectors of two classes", [0, 0, 1, 1], np.repeat(row, 4, 0)),
        ("no two of one class", [0, 1, 2], three),
        ("all of one class", [1, 1, 1], three),
        ("one sample", [0], row),
        ("vectors of zeros", [0, 0, 1, 1], np.zeros((4, 3))),
        ("opposite vectors", [0, 0, 1], np.concatenate([row, -row, row])),
    ]


def _edges_of_cosines() -> _Edges:
    right = np.array([[1.0, -1.0, -1.0, -1.0]])
    return [
        ("a cosine of 1 for the right class", [0], right),
        ("a cosine of -1 for the right class", [0], -right),
        ("right angles", [0], 0 * right),
    ]


def _edges_of_sequences() -> _Edges:
    right = np.array([[_HOT[1], _HOT[0], _HOT[2], _HOT[0]]]) * 60.0
    return [
        ("a certain, right prediction", [[1, 2]], right),
        ("a certain, wrong prediction", [[3, 3]], right),
        ("no symbol", [[0, 0]], right),
        ("as many symbols as steps", [[1, 2, 3, 1]], right),
        ("logits of 0", [[1, 2]], 0 * right),
    ]


def _edges_of_distances() -> _Edges:
    return [
        ("a distance of 0 in a pair", [1], [0.0]),
        ("a distance of 0 between others", [0], [0.0]),
        ("a distance of 1", [0, 1], [1.0, 1.0]),
        ("a distance of thousands", [0, 1], [5000.0, 5000.0]),
    ]


def _edges_of_images(side: int) -> _Edges:
    black = np.zeros((1, side, side, 1))
    noise = np.random.default_rng(0).uniform(size=black.shape)
    return [
        ("an exact match", noise, noise),
        ("two black images", black, black),
        ("black and white", black, black + 1),
    ]


_EDGES: dict[str, Callable[[], _Edges]] = {
    "classes": _edges_of_classes,
    "binary": lambda: _edges_of_yes_no(1),
    "multilabel": lambda: _edges_of_yes_no(3),
    "signs": _edges_of_signs,
    "values": _edges_of_values,
    "positive": _edges_of_positive,
    "quantiles": _edges_of_quantiles,
    "gaussians": _edges_of_gaussians,
    "thresholds": _edges_of_thresholds,
    "masks": _edges_of_masks,
    "boxes": _edges_of_boxes,
    "places": _edges_of_places,
    "bins": _edges_of_bins,
    "embeddings": _edges_of_embeddings,
    "cosines": _edges_of_cosines,
    "sequences": _edges_of_sequences,
    "distances": _edges_of_distances,
    **{name: lambda side=side: _edges_of_images(side) for name, side in SIDES.items()},  # type: ignore[misc]
}
