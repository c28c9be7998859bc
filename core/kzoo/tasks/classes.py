"""Classes: of one-hot or index labels, of two classes with one output, and of classes that have an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kzoo.errors import DataError, KzooError
from kzoo.tasks.class_measures import calibration_error, earth_movers_distance, log_loss, macro_f1
from kzoo.tasks.task import Confusion, Measured, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from matplotlib.figure import Figure

    from kzoo.data.splits import Splits

__all__ = ["Binary", "ClassOutcome", "Classification", "Ordinal", "check_labels", "class_probabilities"]


@dataclass(frozen=True)
class ClassOutcome:
    """Classes on a test split.

    Attributes:
        true: Class indices, shape (N,).
        probabilities: Shape (N, K).
        class_names: The K names.
        image: Returns the pixels of a test example by its number, uint8 of shape (H, W, C); None where examples are no
            images.
        ordered: Whether the classes have an order, by which one is farther from another than a third.
    """

    true: np.ndarray
    probabilities: np.ndarray
    class_names: Sequence[str]
    image: Callable[[int], Any] | None = None
    ordered: bool = False

    @property
    def predicted(self) -> np.ndarray:
        """The index of the most probable class of each example, shape (N,)."""
        return np.asarray(np.argmax(self.probabilities, axis=-1))

    def metrics(self) -> dict[str, float]:
        """Return nothing: the metrics of classes are those that the model was compiled with."""
        return {}

    def measures(self) -> dict[str, float]:
        """Return accuracy, macro F1, negative log-likelihood and calibration error; of ordered classes the EMD too.

        The formulas are in `kzoo.tasks.class_measures`.
        """
        found = {
            "accuracy": float(np.mean(self.predicted == self.true)),
            "macro_f1": macro_f1(self.true, self.predicted, len(self.class_names)),
            "nll": log_loss(self.true, self.probabilities),
            "ece": calibration_error(self.true, self.probabilities),
        }
        return {**found, "emd": earth_movers_distance(self.true, self.probabilities)} if self.ordered else found

    def confusion(self) -> Confusion:
        """Return which class was taken for which, shape (K, K)."""
        from sklearn.metrics import confusion_matrix

        labels = range(len(self.class_names))
        return Confusion(self.class_names, np.asarray(confusion_matrix(self.true, self.predicted, labels=labels)))

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

    def figures(self) -> dict[str, Figure]:
        """Return the confusion matrix, and of images the worst mistakes and some examples."""
        from kzoo.tasks.class_figures import MOST_IMAGES, confusion_matrix, sheet

        found = {"confusion": confusion_matrix(self.confusion())}
        if self.image is not None:
            mistakes = self.mistakes(MOST_IMAGES)
            if len(mistakes):
                found["mistakes"] = sheet(self, mistakes.tolist())
            found["examples"] = sheet(self, self.examples(MOST_IMAGES).tolist())
        return found

    def files(self) -> dict[str, str]:
        """Return nothing."""
        return {}


class Classification(Task):
    """Classes without an order; networks end in softmax probabilities.

    Attributes:
        ordered: Whether they have an order.
    """

    name: ClassVar[str] = "classification"
    names_classes: ClassVar[bool] = True
    weighs: ClassVar[str] = "example"
    predicts: ClassVar[str] = "classes"
    quality: ClassVar[str] = "accuracy"
    compared: ClassVar[Mapping[str, str]] = {"accuracy": "higher", "macro_f1": "higher", "nll": "lower", "ece": "lower"}
    ordered: ClassVar[bool] = False
    pictures: ClassVar[Mapping[str, str]] = {
        "confusion": "Confusion matrix of the test split",
        "mistakes": "The most confident mistakes",
        "examples": "Test examples as predicted",
    }
    photos: ClassVar[Collection[str]] = ("mistakes", "examples")

    def label_form(self, label_forms: Collection[str]) -> str:
        """Return ``dense`` unless the loss takes only ``sparse``; an empty text for one that takes no classes."""
        if not label_forms:
            return ""
        return "dense" if "dense" in label_forms else "sparse"

    def encoder(self, label_form: str, num_classes: int) -> Callable[[Any, Any], Any] | None:
        """Return the function from class indices to labels of that form."""
        from kzoo.tasks.labels import label_encoder

        return label_encoder(label_form, num_classes)

    def fit_loss(self, loss: Any, predicts: str) -> Any:
        """Return the loss; one of threshold logits is given those that class probabilities stand for."""
        if predicts != "thresholds":
            return loss
        from kzoo.wrappers.threshold_losses import OfProbabilities

        return OfProbabilities(loss)

    def measure(self, measured: Measured) -> ClassOutcome:
        """Return the probabilities that a model gives to every example, beside the true classes."""
        from kzoo.engine.outputs import outputs_of

        split = measured.test

        def image(number: int) -> np.ndarray:
            pixels, _ = split.examples(np.asarray([number]))
            return np.array(pixels[0])

        outputs = outputs_of(measured.forward, split, measured.batch_size)
        true = np.asarray(split.labels).reshape(-1)
        names = measured.class_names
        pictures = len(split) > 0 and image(0).ndim == 3  # noqa: PLR2004 - H, W, C
        probabilities = class_probabilities(outputs, len(names))
        return ClassOutcome(true, probabilities, names, image if pictures else None, self.ordered)


class Ordinal(Classification):
    """Classes in an order."""

    name: ClassVar[str] = "ordinal"
    compared: ClassVar[Mapping[str, str]] = {**Classification.compared, "emd": "lower"}
    ordered: ClassVar[bool] = True


class Binary(Classification):
    """Two classes; networks end in one output, the probability of the second one."""

    name: ClassVar[str] = "binary"
    predicts: ClassVar[str] = "binary"

    def label_form(self, label_forms: Collection[str]) -> str:
        """Return ``column``: 0 or 1 for the single output."""
        del label_forms
        return "column"

    def fit_loss(self, loss: Any, predicts: str) -> Any:
        """Return the loss as it is."""
        del predicts
        return loss


def check_labels(splits: Splits) -> None:
    """Raise `DataError` where a label is no index of one of the classes: a one-hot row of zeros would come of it."""
    classes = len(splits.class_names)
    parts = {"training": splits.train, "validation": splits.validation, "test": splits.test}
    for name, split in parts.items():
        if split is None:
            continue
        labels = np.asarray(split.labels).reshape(-1)
        inside = np.isin(labels, np.arange(classes))
        if not inside.all() or len(labels) != len(split):
            what = (
                f"{len(labels)} labels for {len(split)} examples"
                if len(labels) != len(split)
                else f"{np.sum(~inside)} of {len(labels)} labels that are no class, such as {labels[~inside][0]}"
            )
            message = (
                f"The {name} data ({splits.provenance.description}) has {what}. There are {classes} classes, and "
                f"labels are whole numbers from 0 to {classes - 1}."
            )
            raise DataError(message)


def class_probabilities(outputs: Any, num_classes: int) -> np.ndarray:
    """Return the probability of every class, shape (N, K), from a model's outputs.

    A single output of two classes is the probability of the second one.

    Raises:
        KzooError: The model has another number of outputs.
    """
    found: np.ndarray = np.asarray(outputs)
    width = found.shape[-1]
    if num_classes == 2 and width == 1:  # noqa: PLR2004 - yes and no
        return np.concatenate([1 - found, found], axis=-1)
    if width != num_classes:
        message = (
            f"The model gives {width} outputs for an example, and there are {num_classes} classes. A network ends in "
            "one output for each class, and the card of a saved one, kzoo.json in its .keras file, names them all."
        )
        raise KzooError(message)
    return found
