"""Many labels of one example: each is there or not, by a probability of its own."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from kzoo.errors import DataError, KzooError
from kzoo.tasks.label_measures import UNDECIDED, average_precisions, label_scores, said_of
from kzoo.tasks.task import Confusion, Measured, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from matplotlib.figure import Figure

__all__ = ["LabelsOutcome", "Multilabel", "SaysThresholds", "probabilities_of", "rows_of"]

_MOST_SHOWN = 12
_DIMENSIONS = 2  # examples and labels


@runtime_checkable
class SaysThresholds(Protocol):
    """A reader that knows from which probability on each label is said."""

    @property
    def thresholds(self) -> Sequence[float]:
        """One for each label."""


@dataclass(frozen=True, eq=False)
class LabelsOutcome:
    """Labels on a test split.

    Attributes:
        true: Which examples have which labels, boolean of shape (N, L).
        probabilities: Shape (N, L).
        names: The L names.
        thresholds: The probability from which on each label is said, shape (L,).
        image: Returns the pixels of a test example by its number, uint8 of shape (H, W, C); None where examples are no
            images.
    """

    true: np.ndarray
    probabilities: np.ndarray
    names: Sequence[str]
    thresholds: Sequence[float]
    image: Callable[[int], Any] | None = None

    @functools.cached_property
    def said(self) -> np.ndarray:
        """Which labels are said, boolean of shape (N, L)."""
        return said_of(self.probabilities, self.thresholds)

    @functools.cached_property
    def average_precision(self) -> np.ndarray:
        """Of each label, shape (L,); NaN of one that no example has."""
        return average_precisions(self.true, self.probabilities)

    def metrics(self) -> dict[str, float]:
        """Return mean average precision over the labels that occur, and F1 and exact match at the thresholds.

        The formulas are in `kzoo.tasks.label_measures`.
        """
        known = self.average_precision[~np.isnan(self.average_precision)]
        precision = float(known.mean()) if len(known) else float("nan")
        return {"map": precision, **label_scores(self.true, self.said)}

    def measures(self) -> dict[str, float]:
        """Return the same: none of it needs a compiled loss."""
        return self.metrics()

    def per_class(self) -> dict[str, dict[str, Any]]:
        """Return average precision, precision, recall, F1, threshold and the number of examples of each label."""
        from sklearn.metrics import precision_recall_fscore_support

        columns = precision_recall_fscore_support(self.true, self.said, average=None, zero_division=0.0)
        precision, recall, f1, support = (np.atleast_1d(column).tolist() for column in columns)
        return {
            name: {
                "average_precision": float(self.average_precision[at]),
                "precision": precision[at],
                "recall": recall[at],
                "f1": f1[at],
                "threshold": float(self.thresholds[at]),
                "support": support[at],
            }
            for at, name in enumerate(self.names)
        }

    def confusion(self) -> Confusion:
        """Return how many examples that have the label of a row are said to have that of a column, shape (L, L)."""
        return Confusion(self.names, self.true.astype(int).T @ self.said.astype(int), _MOST_SHOWN)

    def mistakes(self, most: int) -> np.ndarray:
        """Return the numbers of the examples with the most wrong labels, at most ``most``, surest of these first."""
        wrong = (self.true != self.said).sum(axis=1)
        away = np.abs(self.probabilities - self.true).max(axis=1)
        order = np.lexsort((-away, -wrong))
        return order[: min(most, int((wrong > 0).sum()))]

    def examples(self, most: int) -> np.ndarray:
        """Return the numbers of some examples, spread over the split."""
        return np.unique(np.linspace(0, len(self.true) - 1, min(most, len(self.true))).astype(int))

    def figures(self) -> dict[str, Figure]:
        """Return the average precision of the labels, which are said together, and of images mistakes and examples."""
        from kzoo.tasks.label_figures import MOST_IMAGES, precision_bars, said_together, sheet

        found = {"average_precision": precision_bars(self), "labels_together": said_together(self)}
        if self.image is not None:
            mistakes = self.mistakes(MOST_IMAGES)
            if len(mistakes):
                found["mistakes"] = sheet(self, mistakes.tolist())
            found["examples"] = sheet(self, self.examples(MOST_IMAGES).tolist())
        return found

    def files(self) -> dict[str, str]:
        """Return nothing."""
        return {}


class Multilabel(Task):
    """Any number of labels for an example; networks end in a sigmoid for each."""

    name: ClassVar[str] = "multilabel"
    names_classes: ClassVar[bool] = True
    predicts: ClassVar[str] = "multilabel"
    quality: ClassVar[str] = "map"
    compared: ClassVar[Mapping[str, str]] = {
        "map": "higher",
        "f1_micro": "higher",
        "f1_macro": "higher",
        "exact_match": "higher",
    }
    pictures: ClassVar[Mapping[str, str]] = {
        "average_precision": "The average precision of each label, and how many test examples have it",
        "labels_together": "Of the test examples that have the label of a row, the share that is said to have each",
        "mistakes": "The test examples with the most wrong labels",
        "examples": "Test examples with the labels that are said of them",
    }
    photos: ClassVar[Collection[str]] = ("mistakes", "examples")
    epoch_figures: ClassVar[Mapping[str, str]] = {"val_map": "map"}
    own_measures: ClassVar[bool] = True

    def encoder(self, label_form: str, num_classes: int) -> Callable[[Any, Any], Any]:
        """Return the function that makes floating numbers of labels."""
        del label_form, num_classes
        from kzoo.tasks.labels import floating

        return floating

    def specimen(self, count: int, outputs: int, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
        """Return labels in turn and even probabilities, shape (count, outputs) each."""
        del num_classes
        true = (np.arange(count * outputs) % 2).reshape(count, outputs)
        return true.astype(np.float32), np.full((count, outputs), 0.5, np.float32)

    def measure(self, measured: Measured) -> LabelsOutcome:
        """Return the probability that a model gives to each label of every example, beside the true labels.

        Raises:
            DataError: There is no example.
            KzooError: The model does not give a probability for each label.
        """
        names = tuple(measured.known_classes or measured.class_names)
        probabilities, image = probabilities_of(measured, len(names))
        reader = measured.reader(measured.settings) if measured.reader else None
        thresholds = reader.thresholds if isinstance(reader, SaysThresholds) else [UNDECIDED] * len(names)
        true = rows_of(measured, names) > 0
        return LabelsOutcome(true, probabilities, names, thresholds, image)


def probabilities_of(measured: Measured, count: int) -> tuple[np.ndarray, Callable[[int], Any] | None]:
    """Return what a model says of every example, shape (N, count), and what returns their pixels where they are images.

    Raises:
        DataError: There is no example.
        KzooError: The model gives another number of outputs, or one that is no finite number.
    """
    from kzoo.engine.outputs import outputs_of

    split = measured.test
    if not len(split):
        message = f"There is no example to measure on in {measured.description}."
        raise DataError(message)

    def image(number: int) -> np.ndarray:
        return np.array(split.examples(np.asarray([number]))[0][0])

    found = np.asarray(outputs_of(measured.forward, split, measured.batch_size))
    if found.shape[1:] != (count,):
        shape = " x ".join(map(str, found.shape[1:]))
        message = (
            f"The model gives {shape or 'no'} outputs for an example, and there are {count} names. A network ends in "
            "one output for each, and the card of a saved one, kzoo.json in its .keras file, names them all."
        )
        raise KzooError(message)
    if not np.isfinite(found).all():
        broken = int((~np.isfinite(found)).any(axis=1).sum())
        message = f"What the model says of {broken:,} of {len(found):,} examples is no finite number."
        raise KzooError(message)
    return found, image if image(0).ndim == 3 else None  # noqa: PLR2004 - H, W, C


def rows_of(measured: Measured, names: Sequence[str]) -> np.ndarray:
    """Return a number for each name of every example, shape (N, L); examples of one class each have 1 for that.

    Raises:
        DataError: The labels are neither, or of a class that the model does not know.
    """
    labels = np.asarray(measured.test.labels)
    if labels.ndim == _DIMENSIONS and labels.shape[1] == len(names):
        return labels
    if labels.ndim == 1 and labels.dtype.kind in "iu" and set(measured.class_names) <= set(names):
        places = np.asarray([names.index(name) for name in measured.class_names])
        rows: np.ndarray = np.eye(len(names))[places[labels]]
        return rows
    message = (
        f"The model says {', '.join(names[:_MOST_SHOWN])}, and the labels of {measured.description} are not a number "
        "for each of these, nor classes among them."
    )
    raise DataError(message)
