"""What a model said of the test split, beside what is true: what the pictures are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ClassOutcome", "ValueOutcome"]


@dataclass(frozen=True)
class ClassOutcome:
    """Classes on a test split.

    Attributes:
        true: Class indices, shape (N,).
        probabilities: Shape (N, K).
        class_names: The K names.
        image: Returns the pixels of a test example by its number, uint8 of shape (H, W, C); None where examples are no
            images.
    """

    true: np.ndarray
    probabilities: np.ndarray
    class_names: Sequence[str]
    image: Callable[[int], Any] | None = None

    @property
    def predicted(self) -> np.ndarray:
        """The index of the most probable class of each example, shape (N,)."""
        return np.asarray(np.argmax(self.probabilities, axis=-1))

    def confusion(self) -> np.ndarray:
        """Return the counts, shape (K, K): the true class in the row, the predicted one in the column."""
        from sklearn.metrics import confusion_matrix

        labels = range(len(self.class_names))
        return np.asarray(confusion_matrix(self.true, self.predicted, labels=labels))

    def per_class(self) -> dict[str, dict[str, float]]:
        """Return precision, recall, F1 and support of each class by name, as scikit-learn calculates them."""
        from sklearn.metrics import precision_recall_fscore_support

        labels = list(range(len(self.class_names)))
        columns = precision_recall_fscore_support(self.true, self.predicted, labels=labels, zero_division=0.0)
        rows = zip(self.class_names, *(column.tolist() for column in columns), strict=True)
        return {name: {"precision": p, "recall": r, "f1": f, "support": n} for name, p, r, f, n in rows}

    def mistakes(self, most: int) -> np.ndarray:
        """Return the numbers of the wrongly predicted examples, the most confident first, at most ``most``."""
        wrong = np.flatnonzero(self.predicted != self.true)
        confidence = self.probabilities[wrong, self.predicted[wrong]]
        return wrong[np.argsort(-confidence, kind="stable")][:most]

    def examples(self, most: int) -> np.ndarray:
        """Return the numbers of examples spread over the classes in turn, the first of each class first."""
        turns = np.zeros(len(self.true), int)
        for index in range(len(self.class_names)):
            members = np.flatnonzero(self.true == index)
            turns[members] = np.arange(len(members))
        return np.lexsort((self.true, turns))[:most]


@dataclass(frozen=True)
class ValueOutcome:
    """Numbers on a test split.

    Attributes:
        true: Shape (N, D).
        predicted: Shape (N, D).
        names: The D names.
        inputs: Shape (N,) where there is a single input to draw the outputs over, else None.
        input_name: Its name.
    """

    true: np.ndarray
    predicted: np.ndarray
    names: Sequence[str]
    inputs: np.ndarray | None = None
    input_name: str = ""
