"""What the author of a pipeline imports: its data, its networks, and what reads, predicts and draws.

A pipeline is stateless: what one call finds out is handed to the next in the small dataclasses below, and what must
live as long as a trained model is stored with it, in its card.
"""

from __future__ import annotations

import abc
import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from kzoo.arguments import command_line
from kzoo.data.input_fields import InputField
from kzoo.engine.started import Started
from kzoo.errors import KzooError, UsageError
from kzoo.settings import NoSettings, defaults_of, setting, settings
from kzoo.tasks.predictions import (
    ClassPrediction,
    LabelsPrediction,
    Prediction,
    SharesPrediction,
    ValuePrediction,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from kzoo.data.download import RemoteFile
    from kzoo.data.frames import Frame, Part, Source
    from kzoo.data.splits import Dataset, Reading, Split
    from kzoo.engine.batches import Moment
    from kzoo.engine.forward import Forward

__all__ = [
    "BuildSettings",
    "Built",
    "ClassPrediction",
    "DataSource",
    "FromPath",
    "FromPaths",
    "FromSample",
    "ImageClassReader",
    "InputField",
    "LabelsPrediction",
    "NoSettings",
    "Pipeline",
    "Prediction",
    "Problem",
    "Reader",
    "Recordable",
    "SharesPrediction",
    "Started",
    "ValuePrediction",
    "defaults_of",
    "picture_shape",
    "setting",
    "settings",
    "unfreeze_all",
]


@dataclass(frozen=True)
class FromPath:
    """Data in a file or folder of the user's, or in the pipeline's published file.

    Attributes:
        read: Called as ``read(path, settings, reading)`` with a `kzoo.data.splits.Reading`, returns a
            `kzoo.data.splits.Dataset`; raises `kzoo.errors.DataError` where the path holds nothing that this pipeline
            can read, and why.
        settings: What can be set in the table ``[data]`` for it, a class made by `kzoo.settings.settings`.
    """

    read: Callable[..., Dataset]
    settings: type = NoSettings
    several: ClassVar[bool] = False
    """Whether ``--data a,b`` means two places that are read as one."""

    def load(self, paths: Sequence[Path], chosen: Any, reading: Reading) -> Dataset:
        """Read the only path."""
        return self.read(paths[0], chosen, reading)


@dataclass(frozen=True)
class FromPaths(FromPath):
    """Data in one place or several, which are read as one: ``read(paths, settings, reading)``."""

    several: ClassVar[bool] = True

    def load(self, paths: Sequence[Path], chosen: Any, reading: Reading) -> Dataset:
        """Read all paths."""
        return self.read(paths, chosen, reading)


@dataclass(frozen=True)
class FromSample:
    """The embedded sample: small, made from a seed, always the same.

    Attributes:
        make: Called as ``make(settings)``, returns a `kzoo.data.splits.Dataset`.
        settings: What can be set in the table ``[data]`` for it.
    """

    make: Callable[..., Dataset]
    settings: type = NoSettings


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """What data a pipeline has.

    Attributes:
        path: The user's own, and how the published file is read.
        sample: The embedded sample.
        real: The published file, or several that are read as one by `FromPaths`; None where there is none, so that
            ``auto`` means the sample.
        without_real: Where there is none: what a user can do instead, as a sentence.
    """

    path: FromPath
    sample: FromSample
    real: RemoteFile | Sequence[RemoteFile] | None = None
    without_real: str = ""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What a network is built for.

    Attributes:
        task: The task, one of `kzoo.plugin.TASKS`.
        input_shape: The shape of one input.
        outputs: The number of classes, or where labels are not classes of the values in each.
        class_names: The names of the classes; empty where labels are not classes.
        predicts: What the loss compares with the labels, one of `kzoo.plugin.INPUTS`.
        regularizer: For the kernels, or None.
        schema: What the data's reader knows of it that a saved model needs, as plain data.
        views: Whether the loss compares two views of each picture, one of `kzoo.plugin.VIEWS`.
    """

    task: str
    input_shape: tuple[int, ...]
    outputs: int
    class_names: tuple[str, ...] = ()
    predicts: str = ""
    regularizer: Any = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    views: str = ""


@dataclass(frozen=True, kw_only=True)
class BuildSettings:
    """What a user chose for a network.

    Attributes:
        model: The table ``[model]``, of the pipeline's `model_settings`.
        augment: The table ``[augment]``, of its `augment_settings`; None where nothing is to be changed at random.
        start: The trained model whose weights the network gets after `Pipeline.build`, so that it need not look for
            others; None where there is none.
    """

    model: Any
    augment: Any = None
    start: Path | None = None


def unfreeze_all(model: Any) -> None:
    """Have all layers of a model trained."""
    # `model.trainable = True` does nothing on TensorFlow where it is so already, whatever its layers are.
    for layer in model._flatten_layers():  # noqa: SLF001 - `layers` has no inner ones
        layer.trainable = True


@dataclass(frozen=True, kw_only=True)
class Built:
    """A network and what belongs to it.

    Attributes:
        model: An uncompiled `keras.Model`, which takes raw inputs (uint8 pixels).
        augment: Changes training batches at random, ``augment(x, y, moment)`` -> both, inside a tf.data graph; all
            randomness must come from the `kzoo.engine.batches.Moment`. None changes nothing.
        encode: Labels as the loss takes them, ``encode(y, x)``, after `augment`, inside a tf.data graph; None leaves
            them as they are.
        card: What must be stored with the trained model for `Pipeline.reader` and `Pipeline.source`, as plain data.
        notes: What the user should be told.
        unfreeze: Has the layers trained that begin frozen; called after the first ``train.frozen_epochs`` epochs.
        finish: Called as ``finish(forward, validation)`` with the trained model, a `kzoo.engine.forward.Forward`, and
            the validation split, before the model is saved; returns what is stored with it beside `card`. It is not
            called where there is no validation split.
        batch_order: Which training examples make a batch, where that is not for chance alone to say, see
            `kzoo.engine.batches.TrainingBatches`; None takes all examples of an epoch in a random order.
        train: What is trained on in the place of the training split's examples, such as patches cut from its pictures;
            None for those.
        started: What the network took from `BuildSettings.start`, where the pipeline did that itself; None where layers
            are to be taken over as `kzoo.models.starting.start_from` does.
    """

    model: Any
    augment: Callable[[Any, Any, Moment], tuple[Any, Any]] | None = None
    encode: Callable[[Any, Any], Any] | None = None
    card: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    unfreeze: Callable[[Any], None] = unfreeze_all
    finish: Callable[[Forward, Split], Mapping[str, Any]] | None = None
    batch_order: Callable[[Any, int, int], Any] | None = None
    train: Split | None = None
    started: Started | None = None


class Pipeline(abc.ABC):
    """One ready problem: what data there is, a network for it, and what reads and predicts with the trained one.

    Attributes:
        name: Its name, as in its spec.
        unit: What examples are called where their speed is shown.
        model_settings: What the table ``[model]`` may hold, a class made by `kzoo.settings.settings`.
        augment_settings: Likewise for ``[augment]``; None where the pipeline changes nothing at random.
        reader_settings: What ``kzoo predict`` may set with ``--key value``. Where a default is False or True, ``--key``
            alone sets True.
        evaluation_settings: Settings of the reader that are others where it is measured.
        preprocessing: How inputs are made for its networks, in words for who uses an exported one without kzoo.
    """

    name: ClassVar[str]
    unit: ClassVar[str] = "img"
    model_settings: ClassVar[type] = NoSettings
    augment_settings: ClassVar[type | None] = None
    reader_settings: ClassVar[type] = NoSettings
    evaluation_settings: ClassVar[Mapping[str, Any]] = {}
    preprocessing: ClassVar[str] = ""

    def recipes(self) -> dict[str, Path]:
        """Return the recipe files by name: those in the folder ``recipes`` beside the class's module."""
        folder = Path(inspect.getfile(type(self))).parent / "recipes"
        return {path.stem: path for path in sorted(folder.glob("*.toml"))}

    def task_of(self, data: Mapping[str, Any]) -> str:
        """Return the task that settings ask for, where they say it before the data is read; else an empty text.

        Args:
            data: The table ``[data]`` as a run has it.
        """
        del data
        return ""

    @abc.abstractmethod
    def source(self, card: Mapping[str, Any] | None = None) -> DataSource:
        """Return what data there is.

        Args:
            card: What `Built.card` stored with a trained model, where the data is for that.
        """

    @abc.abstractmethod
    def build(self, problem: Problem, train: Split, settings: BuildSettings) -> Built:
        """Return a network for a problem, adapted to the training data where it learns from that before training.

        Raises:
            UsageError: A setting does not fit the problem.
        """

    def reader(self, card: Mapping[str, Any], forward: Forward | None, settings: Any) -> Reader:
        """Return what opens sources, predicts and draws.

        Args:
            card: What is stored with the trained model: ``input_shape``, ``class_names`` and what `Built.card` had;
                empty without one.
            forward: The trained model, which is loaded when it is first needed; None where the user named the pipeline
                and no model.
            settings: Those of `reader_settings`.

        Raises:
            UsageError: This pipeline predicts nothing without a trained model, or a setting does not fit it.
        """
        del card, forward, settings
        raise UsageError(self.untrained("SOURCE"))

    def preprocessing_of(self, card: Mapping[str, Any]) -> str:
        """Return how inputs are made for one trained network, in words; those of `preprocessing` by default.

        Args:
            card: What is stored with it, as for `reader`.
        """
        del card
        return self.preprocessing

    def untrained(self, source: str) -> str:
        """Return what to say where a model is needed and there is none."""
        return (
            f"`{self.name}` is a pipeline, and it needs a trained model to predict. Train one with `kzoo run "
            f"{self.name}`, then name the run: `{command_line('kzoo', 'predict', 'last', source)}`."
        )


@runtime_checkable
class Recordable(Protocol):
    """A pipeline that learns from labelled pictures, which ``kzoo capture`` can record."""

    record_settings: ClassVar[type]
    """What ``kzoo capture`` may set with ``--key value``."""

    def record_labels(self) -> tuple[str, ...] | None:
        """Return the labels that recorded frames may have, or None where any will do."""

    def recorded(self, pixels: np.ndarray, settings: Any) -> np.ndarray:
        """Return what is kept of a frame, with the settings of `record_settings`."""


class Reader(abc.ABC):
    """Opens sources, turns their inputs into predictions and draws these; it may remember the frames of one source.

    Attributes:
        batch_size: The most inputs in one call of `predict`. A camera's frames come one at a time.
        watch: What looks at the inputs of the network, set by kzoo where the model knows what it learned from.
    """

    batch_size: int = 32
    watch: Any = None

    def open(self, text: str, part: Part) -> list[Source]:
        """Return what a user means by ``text``: images, videos, a camera or a stream, unless the inputs are others.

        Raises:
            DataError: Nothing of that name exists, or it holds nothing to predict.
        """
        from kzoo.data.frames import open_sources

        return open_sources(text, part)

    def item(self, value: Any, index: int = 0) -> Any:
        """Return an input that was given in Python as `predict` takes it: an array or a PIL image as a `Frame`.

        Args:
            value: A picture: uint8 of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), or a PIL image.
            index: Its number among others.

        Raises:
            UsageError: It is no picture.
        """
        from kzoo.data.frames import Frame
        from kzoo.data.frames.given import pixels_of

        return Frame(index=index, pixels=pixels_of(value))

    def input_fields(self) -> Sequence[InputField]:
        """Return what a person fills in for one input, which `item` takes by name; nothing where inputs are pictures.

        Known before `load` is called.
        """
        return ()

    def load(self) -> None:  # noqa: B027 - some readers have nothing to load
        """Load what predicting needs, such as the model; called once, before the first input."""

    def start(self, source: Source) -> None:  # noqa: B027 - most readers remember nothing
        """Be told that the inputs that follow are another source's; what was remembered no longer holds.

        Pictures of a source of the kind ``images`` have nothing to do with one another.
        """

    def finish(self, source: Source) -> None:  # noqa: B027 - most readers have nothing to add
        """Be told that a source has ended; what a user must know of it can be added to its ``notes``."""

    @abc.abstractmethod
    def predict(self, items: Sequence[Any]) -> Sequence[Prediction]:
        """Return one prediction for each input, in order; each a `Frame`, unless `open` gives others."""

    def draw(self, frame: Frame, prediction: Prediction) -> np.ndarray:
        """Return the picture with the prediction on it, RGB, uint8; by default its text in the corner."""
        from kzoo.data.frames import write_text

        return write_text(frame.pixels, prediction.text)

    def close(self) -> None:  # noqa: B027 - most readers keep nothing
        """Be told that there is nothing more to predict, also where the user or an error ended it."""


def picture_shape(card: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of a network's input by its card, which must be that of a picture, (H, W, 1) or (H, W, 3).

    Raises:
        KzooError: It is another.
    """
    shape = tuple(card["input_shape"])
    if len(shape) != 3 or shape[-1] not in (1, 3):  # noqa: PLR2004 - rows, columns, channels; gray or colours
        message = (
            f"The network takes inputs of {' x '.join(map(str, shape)) or 'no shape'}, and pictures have rows, columns "
            "and 1 or 3 channels: its file belongs to another pipeline than its card, kzoo.json, says."
        )
        raise KzooError(message)
    return shape


class ImageClassReader(Reader):
    """Each picture by itself through a trained network that gives class probabilities.

    The network takes uint8 pixels of shape ``(H, W, C)``, C being 1 or 3.

    Args:
        card: What is stored with the network: ``input_shape`` and ``class_names``.
        forward: The network.
    """

    def __init__(self, card: Mapping[str, Any], forward: Forward) -> None:
        self.forward = forward
        self.input_shape = picture_shape(card)
        self.class_names = list(card["class_names"])

    def load(self) -> None:
        """Load the network."""
        _ = self.forward.model

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """Return an RGB picture, uint8 of shape (H, W, 3), as the network's input: resized, gray for one channel."""
        import numpy as np
        from PIL import Image

        height, width, channels = self.input_shape
        image = Image.fromarray(pixels).convert("L" if channels == 1 else "RGB")
        resized = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
        return resized[..., None] if channels == 1 else resized

    def predict(self, items: Sequence[Frame]) -> list[ClassPrediction]:
        """Return the most probable class of each picture, with the probability of all."""
        import numpy as np

        return self.classified(np.stack([self.prepare(frame.pixels) for frame in items]))

    def classified(self, inputs: np.ndarray) -> list[ClassPrediction]:
        """Return what the network says of its inputs."""
        from kzoo.tasks.classes import class_probabilities

        found = []
        for row in class_probabilities(self.forward(inputs), len(self.class_names)):
            index = int(row.argmax())
            named = {name: float(p) for name, p in zip(self.class_names, row, strict=True)}
            found.append(ClassPrediction(self.class_names[index], index, float(row[index]), named))
        return found
