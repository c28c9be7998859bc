"""Labels and predictions of every sort that `kzoo.plugin.INPUTS` names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.testing.report import Skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.testing.subject import Subject

__all__ = [
    "CLASSES",
    "INDEXED",
    "SIDES",
    "as_labels",
    "equal_pair",
    "head",
    "in_form",
    "positions",
    "sample",
    "whole_numbers",
]

Pair = tuple[Any, Any]
CLASSES = 4
SIDES = {"images": 16, "large_images": 176}
INDEXED = ("classes", "masks", "thresholds", "cosines")
"""The inputs whose labels are classes."""


def sample(subject: Subject, size: int = 5, seed: int = 0, form: str | None = None) -> Pair:
    """Return ordinary labels and predictions for ``size`` samples; floats are float32."""
    if callable(subject.inputs):
        return subject.inputs(size, seed)
    y_true, y_pred = _MAKERS[subject.inputs](np.random.default_rng(seed), size)
    return as_labels(subject, y_true, form), y_pred.astype("float32")


def equal_pair(subject: Subject, size: int = 4, seed: int = 0) -> Pair:
    """Return labels, and predictions that match them exactly."""
    rng = np.random.default_rng(seed)
    if subject.inputs in _SAME_ON_BOTH_SIDES:
        y_true = y_pred = _MAKERS[str(subject.inputs)](rng, size)[0]
    elif subject.inputs == "classes":
        y_true = np.arange(size) % CLASSES
        y_pred = _HOT[y_true]
    elif subject.inputs == "masks":
        y_true, y_pred = _equal_masks(rng, size)
    else:
        message = "no prediction equals a label of this sort"
        raise Skip(message)
    return as_labels(subject, y_true), y_pred.astype("float32")


def positions(subject: Subject, shape: tuple[int, ...], seed: int = 0, form: str | None = None) -> Pair:
    """Return labels and predictions with several positions in each sample: ``shape`` stands where ``(size,)`` stood.

    Raises:
        Skip: Its samples have no positions, or have them of themselves.
    """
    if subject.inputs not in _ROWS:
        message = "its samples are not made of rows that could be positions"
        raise Skip(message)
    return tuple(  # type: ignore[return-value]
        np.reshape(one, (*shape, *np.shape(one)[1:])) for one in sample(subject, int(np.prod(shape)), seed, form)
    )


def whole_numbers(subject: Subject, size: int = 4) -> Pair:
    """Return labels and predictions that are whole numbers, as float32: one-hot where predictions are probabilities."""
    y_true, y_pred = sample(subject, size, seed=2)
    if subject.inputs in ("classes", "masks"):
        y_pred = _HOT[y_pred.argmax(-1)]
    elif subject.inputs == "embeddings":
        y_pred = np.eye(y_pred.shape[-1])[np.abs(y_pred).argmax(-1)]
    elif subject.inputs == "boxes":
        y_pred = np.array([[0, 0, 1, 1], [0, 0, 2, 1], [1, 0, 2, 2], [0, 1, 1, 3]])[np.arange(size) % 4]
    elif subject.inputs in ("positive", "gaussians"):
        y_pred = np.maximum(np.round(y_pred), 1)
    return y_true, np.round(y_pred).astype("float32")


def in_form(labels: Any, form: str, classes: int = CLASSES) -> Any:
    """Return class indices as they are, or one-hot where ``form`` is ``dense``, with zeros for what is no class."""
    if form != "dense":
        return np.asarray(labels, "int32")
    return (np.asarray(labels)[..., None] == np.arange(classes)).astype("float32")


def head(subject: Subject) -> tuple[str, list[float] | None]:
    """Return the activation that a network needs for such predictions, and a bias for its last layer or None."""
    if callable(subject.inputs):
        return _head_for(np.asarray(sample(subject)[1])), None
    return _HEADS.get(subject.inputs, "linear"), [0.0, 0.0, 1.0, 1.0] if subject.inputs == "boxes" else None


def _head_for(y_pred: Any) -> str:
    """Return an activation whose outputs are like these predictions of an author's own."""
    if y_pred.min() < 0:
        return "linear"
    if y_pred.max() > 1:
        return "softplus"
    return "softmax" if np.allclose(y_pred.sum(-1), 1) else "sigmoid"


def as_labels(subject: Subject, y_true: Any, form: str | None = None) -> Any:
    """Return class indices in the form asked for, other labels as float32."""
    form = subject.form if form is None else form
    if subject.inputs in ("classes", "masks"):
        return np.eye(CLASSES, dtype="float32")[y_true] if form != "sparse" else y_true.astype("int32")
    if subject.inputs in ("thresholds", "embeddings", "cosines", "sequences"):
        return y_true.astype("int32")
    return y_true.astype("float32")


def _softmax(scores: Any) -> Any:
    shifted = np.exp(scores - scores.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def _classes(rng: Any, size: int) -> Pair:
    return np.arange(size) % CLASSES, _softmax(rng.normal(size=(size, CLASSES)))


def _yes_no(width: int) -> Callable[[Any, int], Pair]:
    def make(rng: Any, size: int) -> Pair:
        labels = (np.arange(size)[:, None] + np.arange(width)) % 2
        return labels, rng.uniform(0.05, 0.95, (size, width))

    return make


def _signs(rng: Any, size: int) -> Pair:
    return 2 * (np.arange(size)[:, None] % 2) - 1, rng.normal(size=(size, 1)) * 2


def _values(rng: Any, size: int) -> Pair:
    return rng.normal(size=(size, 3)) * 2, rng.normal(size=(size, 3)) * 2


def _positive(rng: Any, size: int) -> Pair:
    return rng.uniform(0.2, 3.0, (size, 3)), rng.uniform(0.2, 3.0, (size, 3))


def _quantiles(rng: Any, size: int) -> Pair:
    return rng.normal(size=(size, 1)) * 2, np.sort(rng.normal(size=(size, 1)) * 2, -1)


def _gaussians(rng: Any, size: int) -> Pair:
    mean, variance = rng.normal(size=(size, 1)), rng.uniform(0.3, 2.0, (size, 1))
    return rng.normal(size=(size, 1)), np.concatenate([mean, variance], -1)


def _thresholds(rng: Any, size: int) -> Pair:
    return np.arange(size) % CLASSES, -np.sort(rng.normal(size=(size, CLASSES - 1)) * 2, -1)


def _masks(rng: Any, size: int) -> Pair:
    labels = rng.integers(0, CLASSES, (size, 4, 3))
    labels[:, 0, 0], labels[:, 0, 1], labels[:, 0, 2], labels[:, 1, 0] = 0, 1, 2, 3
    return labels, _softmax(rng.normal(size=(size, 4, 3, CLASSES)))


def _boxes(rng: Any, size: int) -> Pair:
    def boxes() -> Any:
        corner = rng.uniform(0, 1, (size, 2))
        return np.concatenate([corner, corner + rng.uniform(0.5, 1.5, (size, 2))], -1)

    return boxes(), boxes()


def _bins(rng: Any, size: int) -> Pair:
    bins = 6
    return rng.uniform(0, bins - 1, (size, 4)), rng.normal(size=(size, 4 * bins))


def _places(rng: Any, size: int) -> Pair:
    """Return four places: a row of two cells, two anchors in each; a box of class 0 or 1 in one of them."""
    fixed = np.array([[at // 2, 0, 2, 1, *((0.3, 0.4), (0.6, 0.8))[at % 2], 1] for at in range(4)])
    labels = np.zeros((size, 4, 14))
    labels[..., -7:] = fixed
    own = np.arange(size) % 4
    for row, at in zip(labels, own, strict=True):
        centre = [(fixed[at, 0] + rng.uniform(0.2, 0.8)) / 2, rng.uniform(0.2, 0.8)]
        row[at, :7] = [*centre, *fixed[at, 4:6] * rng.uniform(0.8, 1.2, 2), 1, *np.eye(2)[at % 2]]
    return labels, rng.normal(size=(size, 4, 7))


def _embeddings(rng: Any, size: int) -> Pair:
    vectors = rng.normal(size=(size, 6))
    return np.arange(size) // 2, vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _cosines(rng: Any, size: int) -> Pair:
    return np.arange(size) % CLASSES, rng.uniform(-0.8, 0.8, (size, CLASSES))


def _sequences(rng: Any, size: int) -> Pair:
    """Return one to three symbols, none twice in a row, which fit into six steps."""
    symbols = 1 + (np.arange(size)[:, None] + np.arange(3)) % (CLASSES - 1)
    kept = np.arange(3) <= np.arange(size)[:, None] % 3
    return np.where(kept, symbols, 0), rng.normal(size=(size, 6, CLASSES)) * 2


def _distances(rng: Any, size: int) -> Pair:
    return np.arange(size) % 2, rng.uniform(0.1, 1.9, size)


def _images(side: int) -> Callable[[Any, int], Pair]:
    def make(rng: Any, size: int) -> Pair:
        image = rng.uniform(0.2, 0.8, (size, side, side, 1))
        return image, np.clip(image + rng.normal(size=image.shape) * 0.1, 0, 1)

    return make


_MAKERS: dict[str, Callable[[Any, int], Pair]] = {
    "classes": _classes,
    "binary": _yes_no(1),
    "multilabel": _yes_no(3),
    "signs": _signs,
    "values": _values,
    "positive": _positive,
    "quantiles": _quantiles,
    "gaussians": _gaussians,
    "thresholds": _thresholds,
    "masks": _masks,
    "boxes": _boxes,
    "bins": _bins,
    "places": _places,
    "embeddings": _embeddings,
    "cosines": _cosines,
    "sequences": _sequences,
    "distances": _distances,
    **{name: _images(side) for name, side in SIDES.items()},
}

_HEADS = {
    "classes": "softmax",
    "masks": "softmax",
    "binary": "sigmoid",
    "multilabel": "sigmoid",
    "positive": "softplus",
    "gaussians": "softplus",
    "distances": "softplus",
    "cosines": "tanh",
    "images": "sigmoid",
    "large_images": "sigmoid",
}

_HOT = np.eye(CLASSES)


def _equal_masks(rng: Any, size: int) -> Pair:
    labels = _masks(rng, size)[0]
    return labels, _HOT[labels]


_ROWS = (
    *("classes", "binary", "multilabel", "signs", "values", "positive"),
    *("quantiles", "gaussians", "thresholds", "boxes", "cosines", "distances"),
)
"""The inputs of which each row stands for itself."""

_SAME_ON_BOTH_SIDES = ("binary", "multilabel", "values", "positive", "quantiles", "boxes", *SIDES)
"""The inputs whose labels are predictions too."""
