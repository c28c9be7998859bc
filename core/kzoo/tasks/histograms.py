"""Shares of classes: a distribution over the classes for each example, in their order."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kzoo.tasks.many_labels import probabilities_of, rows_of
from kzoo.tasks.task import Confusion, Measured, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from matplotlib.figure import Figure

__all__ = ["Distribution", "SharesOutcome"]

_LEAST = float(np.finfo(np.float32).eps)
"""A predicted share below it counts as this in the logarithm, so that one example that is sure and wrong is not all."""
_MOST_SHOWN = 12


@dataclass(frozen=True, eq=False)
class SharesOutcome:
    """Shares of classes on a test split.

    Attributes:
        true: Shape (N, K); each row sums to 1.
        predicted: Likewise.
        names: The K names.
        image: Returns the pixels of a test example by its number, uint8 of shape (H, W, C); None where examples are no
            images.
    """

    true: np.ndarray
    predicted: np.ndarray
    names: Sequence[str]
    image: Callable[[int], Any] | None = None

    @functools.cached_property
    def distances(self) -> np.ndarray:
        """How far the predicted distribution of each example is from the true one, in classes, shape (N,).

        It is the earth mover's distance over the places of the classes: the sum of the distances between the two
        cumulative distributions.
        """
        apart = np.cumsum(np.asarray(self.predicted, np.float64) - self.true, axis=1)
        return np.asarray(np.abs(apart[:, :-1]).sum(axis=1))

    def metrics(self) -> dict[str, float]:
        """Return how far the predicted shares are from the true ones, the mean over the examples.

        - ``emd``: the earth mover's distance, in classes from 0 to K - 1, in their order.
        - ``histogram_mae``: the absolute difference of the two means, in classes, as the loss of that name has it.
        - ``share_mae``: the absolute difference of a share.
        - ``kl``: the Kullback-Leibler divergence of the true shares from the predicted ones, in nats. A predicted
          share below 1.2e-7, the smallest step of a float32, counts as this one.
        - ``top_1_agreement``: how often the same class has most.
        """
        true, predicted = np.asarray(self.true, np.float64), np.asarray(self.predicted, np.float64)
        logarithms = np.log(np.where(true > 0, true, 1)) - np.log(np.clip(predicted, _LEAST, 1))
        agreed = np.argmax(true, axis=1) == np.argmax(predicted, axis=1)
        return {
            "emd": float(self.distances.mean()),
            "histogram_mae": float(np.abs((predicted - true) @ np.arange(true.shape[1])).mean()),
            "share_mae": float(np.abs(true - predicted).mean()),
            "kl": float((true * logarithms).sum(axis=1).mean()),
            "top_1_agreement": float(agreed.mean()),
        }

    def measures(self) -> dict[str, float]:
        """Return the same: none of it needs a compiled loss."""
        return self.metrics()

    def per_class(self) -> dict[str, dict[str, Any]]:
        """Return the mean of the true and the predicted share of each class, and the mean error of it."""
        error = np.abs(np.asarray(self.predicted, np.float64) - self.true).mean(axis=0)
        return {
            name: {
                "true_share": float(self.true[:, at].mean()),
                "predicted_share": float(self.predicted[:, at].mean()),
                "share_mae": float(error[at]),
            }
            for at, name in enumerate(self.names)
        }

    def confusion(self) -> Confusion:
        """Return which class has most of the shares, the true one in the row, shape (K, K)."""
        counts = np.zeros((len(self.names),) * 2, int)
        np.add.at(counts, (np.argmax(self.true, axis=1), np.argmax(self.predicted, axis=1)), 1)
        return Confusion(self.names, counts, _MOST_SHOWN)

    def farthest(self, most: int) -> list[int]:
        """Return the numbers of the examples whose distributions are farthest from the true ones, farthest first."""
        return [int(number) for number in np.argsort(-self.distances, kind="stable")[:most]]

    def examples(self, most: int) -> list[int]:
        """Return the numbers of some examples, spread over the split."""
        return [int(n) for n in np.unique(np.linspace(0, len(self.true) - 1, min(most, len(self.true))).astype(int))]

    def figures(self) -> dict[str, Figure]:
        """Return the mean shares, which class leads, and of images those farthest from the truth and some examples."""
        from kzoo.tasks.class_figures import confusion_matrix
        from kzoo.tasks.histogram_figures import MOST_IMAGES, histogram_sheet, mean_shares

        found = {"mean_shares": mean_shares(self), "leading_class": confusion_matrix(self.confusion())}
        if self.image is not None:
            found["farthest"] = histogram_sheet(self, self.farthest(MOST_IMAGES))
            found["examples"] = histogram_sheet(self, self.examples(MOST_IMAGES))
        return found

    def files(self) -> dict[str, str]:
        """Return nothing."""
        return {}


class Distribution(Task):
    """Shares of classes that have an order; networks end in their softmax."""

    name: ClassVar[str] = "distribution"
    names_classes: ClassVar[bool] = True
    predicts: ClassVar[str] = "classes"
    quality: ClassVar[str] = "top_1_agreement"
    compared: ClassVar[Mapping[str, str]] = {
        "emd": "lower",
        "histogram_mae": "lower",
        "share_mae": "lower",
        "kl": "lower",
        "top_1_agreement": "higher",
    }
    pictures: ClassVar[Mapping[str, str]] = {
        "mean_shares": "The mean share of each class, true and predicted",
        "leading_class": "Which class has most of the shares, true and predicted",
        "farthest": "The test examples whose shares are farthest from the true ones: true gray, predicted blue",
        "examples": "Test examples with their shares: true gray, predicted blue",
    }
    photos: ClassVar[Collection[str]] = ("farthest", "examples")
    epoch_figures: ClassVar[Mapping[str, str]] = {"val_top_1_agreement": "top_1_agreement"}
    own_measures: ClassVar[bool] = True

    def encoder(self, label_form: str, num_classes: int) -> Callable[[Any, Any], Any]:
        """Return the function that makes floating numbers of shares."""
        del label_form, num_classes
        from kzoo.tasks.labels import floating

        return floating

    def fit_metric(self, metric: Any, targets: Collection[str], label_form: str, num_classes: int) -> Any:
        """Return the metric: those for this task take shares."""
        del targets, label_form, num_classes
        return metric

    def specimen(self, count: int, outputs: int, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
        """Return shares of which half are of one class, and even ones, shape (count, outputs) each."""
        del num_classes
        even = np.full((count, outputs), 1 / outputs)
        true = (np.eye(outputs)[np.arange(count) % outputs] + even) / 2
        return true.astype(np.float32), even.astype(np.float32)

    def measure(self, measured: Measured) -> SharesOutcome:
        """Return the shares that a model gives to every example, beside the true ones.

        Raises:
            DataError: There is no example.
            KzooError: The model does not give a share for each class.
        """
        names = tuple(measured.known_classes or measured.class_names)
        predicted, image = probabilities_of(measured, len(names))
        return SharesOutcome(rows_of(measured, names), predicted, names, image)
