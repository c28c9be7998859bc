"""What a task says of its labels and outputs, and what is measured: the one place where tasks differ."""

from __future__ import annotations

import abc
import functools
import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from kzoo.errors import KzooError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    import numpy as np
    from matplotlib.figure import Figure

    from kzoo.data.frames import Frame
    from kzoo.data.splits import Split
    from kzoo.engine.forward import Forward

__all__ = ["Confusion", "Measured", "Outcome", "Reads", "Task", "task_named"]

_Picture = TypeVar("_Picture")

_HOMES = {
    "classification": "kzoo.tasks.classes:Classification",
    "ordinal": "kzoo.tasks.classes:Ordinal",
    "binary": "kzoo.tasks.classes:Binary",
    "multilabel": "kzoo.tasks.many_labels:Multilabel",
    "distribution": "kzoo.tasks.histograms:Distribution",
    "regression": "kzoo.tasks.values:Regression",
    "detection": "kzoo.tasks.boxes:Detection",
    "segmentation": "kzoo.tasks.masks:Segmentation",
    "embedding": "kzoo.tasks.vectors:Embedding",
    "restoration": "kzoo.tasks.images:Restoration",
    "transcription": "kzoo.tasks.texts:Transcription",
}


class Reads(Protocol):
    """What a task must know of a pipeline's reader to measure what it says of pictures."""

    @property
    def batch_size(self) -> int:
        """The most inputs in one call of `predict`."""

    def load(self) -> None:
        """Load what predicting needs."""

    def predict(self, items: Sequence[Any]) -> Sequence[Any]:
        """Return one prediction for each input."""

    def close(self) -> None:
        """Be told that there is nothing more to predict."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What is measured, and with what.

    Attributes:
        forward: The model.
        test: The examples to measure on.
        class_names: The name of each class index; empty where labels are not classes.
        input_names: The name of each input where examples are rows of numbers.
        output_names: The name of each output where labels are not classes.
        description: What the examples are, one line for people.
        known_classes: The classes that the model knows, where these may be more than the data's.
        batch_size: Examples in one call of the model.
        reader: Returns the pipeline's reader with some of its settings changed.
        settings: Settings of the reader that the user asked for.
    """

    forward: Forward
    test: Split
    class_names: Sequence[str] = ()
    input_names: Sequence[str] = ()
    output_names: Sequence[str] = ()
    description: str = ""
    known_classes: Sequence[str] = ()
    batch_size: int = 128
    reader: Callable[[Mapping[str, Any]], Reads] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def said_of(
        self, pictures: Sequence[_Picture], frame: Callable[[int, _Picture], Frame]
    ) -> Iterator[tuple[_Picture, Frame, Any]]:
        """Yield each picture with its frame and what the pipeline's reader says of it; one batch is read at a time.

        Args:
            pictures: What tells the pictures.
            frame: Returns the frame of a picture, by its number and itself.
        """
        assert self.reader is not None, "a reader says it"
        reader = self.reader(self.settings)
        reader.load()
        for first in range(0, len(pictures), reader.batch_size):
            chunk = pictures[first : first + reader.batch_size]
            frames = [frame(first + at, one) for at, one in enumerate(chunk)]
            yield from zip(chunk, frames, reader.predict(frames), strict=True)
        reader.close()


@dataclass(frozen=True, eq=False)
class Confusion:
    """What each example was taken for.

    Attributes:
        names: The names of rows and columns.
        counts: Shape (R, R): the true class in the row, the predicted one in the column.
        most_shown: With more names than that, a terminal leaves it to the picture; None shows any.
    """

    names: Sequence[str]
    counts: np.ndarray
    most_shown: int | None = None


class Outcome(Protocol):
    """What a model said of a test split, beside what is true: tables, pictures and files are made from this."""

    def metrics(self) -> dict[str, float]:
        """Return figures by name, beside the loss and the metrics that the model was compiled with."""

    def measures(self) -> dict[str, float]:
        """Return figures by name where there is no compiled loss, as of an exported model; `Task.quality` is one."""

    def per_class(self) -> dict[str, dict[str, Any]]:
        """Return a row of figures for each class by name, or for each of what `Task.rows` says; it may be empty."""

    def confusion(self) -> Confusion | None:
        """Return what was taken for what, or None where there are no classes."""

    def figures(self) -> dict[str, Figure]:
        """Return the pictures of the test by name, those of `Task.pictures` that there is something to draw for."""

    def files(self) -> dict[str, str]:
        """Return the texts of the files that other programs read, by the names in `Task.files`."""


class Task(abc.ABC):
    """One kind of problem.

    Attributes:
        name: Its name, one of `kzoo.plugin.TASKS`.
        predicts: What a loss compares with the labels where its spec does not say, one of `kzoo.plugin.INPUTS`.
        pictures: The pictures of a test in the order in which they are shown, with what each shows.
        photos: Those of them that show photos, which no page may draw in other colours.
        files: The files of a test that other programs read.
        rows: What the rows of `Outcome.per_class` are, as the heading of their names.
        names_classes: Whether the model says classes, which its card names.
        weighs: What ``train.class_weight`` weighs by its class, ``example`` or ``pixel``; empty where it means nothing.
        epoch_figures: What can be measured of the validation split after an epoch: the name that is logged, and that in
            `Outcome.metrics`. More of each is better, unless `compared` says that less is.
        own_measures: Whether `Outcome.metrics` holds more than the compiled metrics, so that a run is measured by
            `measure` when it is done, and a saved model needs no loss to be evaluated.
        quality: The figure of `Outcome.measures` that says most of a model; more of it is better.
        compared: The figures of `Outcome.measures` by which models are compared whatever loss they were trained with,
            each with which way it is better, ``higher`` or ``lower``.
    """

    name: ClassVar[str]
    predicts: ClassVar[str] = ""
    pictures: ClassVar[Mapping[str, str]] = {}
    photos: ClassVar[Collection[str]] = ()
    files: ClassVar[Collection[str]] = ()
    epoch_figures: ClassVar[Mapping[str, str]] = {}
    own_measures: ClassVar[bool] = False
    quality: ClassVar[str] = ""
    compared: ClassVar[Mapping[str, str]] = {}
    rows: ClassVar[str] = "class"
    names_classes: ClassVar[bool] = False
    weighs: ClassVar[str] = ""

    def label_form(self, label_forms: Collection[str]) -> str:
        """Return the form in which labels are fed to a loss that takes these; an empty text means as they are."""
        del label_forms
        return ""

    def encoder(self, label_form: str, num_classes: int) -> Callable[[Any, Any], Any] | None:
        """Return the function from labels, beside inputs, to what the loss takes; None where they stay as they are."""
        del label_form, num_classes
        return None

    def fit_loss(self, loss: Any, predicts: str) -> Any:
        """Return the loss, wrapped where it wants another form of outputs than the task's networks give."""
        del predicts
        return loss

    def fit_measure(self, metric: Any, predicts: str) -> Any:
        """Return the metric, wrapped where it wants another form of outputs than the task's networks give.

        Args:
            metric: The metric.
            predicts: What it compares, one of `kzoo.plugin.INPUTS`; empty where its spec does not say.
        """
        del predicts
        return metric

    def fit_metric(self, metric: Any, targets: Collection[str], label_form: str, num_classes: int) -> Any:
        """Return the metric, wrapped where it takes labels in another form than ``label_form``.

        Args:
            metric: The metric.
            targets: The forms that it takes, as in its spec.
            label_form: The form that labels have.
            num_classes: The number of classes.
        """
        from kzoo.wrappers.label_forms import fit_metric

        return fit_metric(metric, targets, label_form, num_classes)

    def specimen(self, count: int, outputs: int, num_classes: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Return labels and outputs of an undecided network on which loss and metrics are tried before a training.

        Args:
            count: How many examples.
            outputs: The last side of the network's outputs.
            num_classes: The number of classes.

        Returns:
            None where the pipeline alone knows what labels are.
        """
        del count, outputs, num_classes
        return None

    def silent(self, validation: Split, predicts: str, num_classes: int) -> dict[str, str]:
        """Return what says nothing of validation data, ``loss`` or ``metrics``, each with why and what to do.

        Args:
            validation: The data.
            predicts: What the loss compares with its labels.
            num_classes: The number of classes that are learned.
        """
        del validation, predicts, num_classes
        return {}

    def check_measurable(self) -> None:
        """Raise `KzooError` where what `measure` needs is not installed."""
        return

    @abc.abstractmethod
    def measure(self, measured: Measured) -> Outcome | None:
        """Return what a model says of a test split; None where there is nothing to say beside its metrics.

        Raises:
            KzooError: The data does not fit the model, or what measures it is not installed.
        """


@functools.cache
def task_named(name: str) -> Task:
    """Return a task by its name.

    Raises:
        KzooError: Components can be for this task, but no pipeline can be run for it.
    """
    if name not in _HOMES:
        message = f"kzoo cannot run pipelines for the task `{name}` yet. It can for: {', '.join(_HOMES)}."
        raise KzooError(message)
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)()  # type: ignore[no-any-return]
