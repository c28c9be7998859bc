"""What a zoo pipeline implements, and the plain types that pass between it and the toolkit."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from kzoo.tasks.predictions import ClassPrediction, Prediction, ValuePrediction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from kzoo.data.frames import Frame, Part, Source
    from kzoo.data.splits import Dataset, Split
    from kzoo.detection import AnnotatedSet

__all__ = [
    "ClassPrediction",
    "Forward",
    "ImageClassifier",
    "ModelPredictor",
    "Pipeline",
    "Prediction",
    "Predictor",
    "Task",
    "ValuePrediction",
]

Task = Literal["classification", "binary", "ordinal", "regression", "detection"]

Forward: TypeAlias = "Callable[[np.ndarray], np.ndarray]"
"""A trained model as a function from a batch of its inputs to its outputs."""


class Pipeline(abc.ABC):
    """One ready problem: its data, its networks and the meaning of its outputs.

    A pipeline states its task and name, keeps recipes (TOML files) in the folder ``recipes`` beside its module, and
    implements the methods below. Keyword-only arguments of `load_path` (with `load_sample`), `build_model` and
    `augment` are settings: the tables ``[data]``, ``[model]`` and ``[augment]`` of a recipe or ``-o model.width=64``
    set them, and unknown ones are refused.
    """

    name: ClassVar[str]
    task: Task
    unit: ClassVar[str] = "img"
    """What examples are called where their speed is shown."""
    augments_labels: ClassVar[bool] = False
    """Whether `augment` is called with the labels after the inputs, and returns both."""
    has_real_data: ClassVar[bool] = True
    """Whether `fetch_real` has anything to fetch; ``kzoo fetch --all`` leaves out pipelines without."""
    loads_networks: ClassVar[bool] = False
    """Whether `predictor` may load a network where the user named no trained model; TensorFlow is then started."""
    evaluation_settings: ClassVar[Mapping[str, Any]] = {}
    """Settings of `predictor` that are others where a detector is measured."""

    def recipes(self) -> dict[str, Path]:
        """Return the recipe files by name."""
        import inspect

        folder = Path(inspect.getfile(type(self))).parent / "recipes"
        return {path.stem: path for path in sorted(folder.glob("*.toml"))}

    @abc.abstractmethod
    def fetch_real(self, *, download: bool, progress: Any = None) -> Path:
        """Return the file of the real data, downloading it first if it is not cached and ``download`` is set.

        Raises:
            NetworkUnreachableError: The host could not be reached; the only failure that ``auto`` forgives.
            DataError: Any other reason.
        """

    @abc.abstractmethod
    def load_path(self, path: Path) -> Dataset:
        """Read data from a file or folder: the real set's own formats, or the user's own data.

        Where it has a keyword-only argument ``say``, that is called with lines of text for the user: for what takes
        minutes.

        Raises:
            DataError: The path holds nothing this pipeline can read, and why.
        """

    @abc.abstractmethod
    def load_sample(self) -> Dataset:
        """Return the embedded sample: small, made from a seed, always the same."""

    @abc.abstractmethod
    def build_model(self, input_shape: Sequence[int], num_classes: int, *, regularizer: Any = None) -> Any:
        """Return an uncompiled `keras.Model` that takes raw inputs (uint8 pixels) of ``input_shape``.

        Where labels are not classes, ``num_classes`` is the number of values in each. A pipeline that adds the
        keyword-only argument ``predicts`` is told in it what the loss compares with the labels, one of
        `kzoo.plugin.INPUTS`; it is no setting of the user's. Likewise ``augmented``: the settings of `augment` that are
        in force, or None where nothing is changed.
        """

    def task_of(self, class_names: Sequence[str]) -> Task:
        """Return the task that data with these classes means; `task` unless a pipeline lets the data decide.

        A task that is not the spec's own must be among its ``other_tasks``.
        """
        del class_names
        return self.task

    def restore(self, card: Mapping[str, Any]) -> None:  # noqa: B027 - most pipelines need no more than their code
        """Take up what is stored with a model whose inputs are to be read, such as ``schema``; nothing by default."""

    def adapt(self, model: Any, train: Split) -> str | None:
        """Set what the network learns from the training data before training starts; nothing by default.

        Returns:
            What a user should be told of it, or None.
        """
        del model, train
        return None

    def unfreeze(self, model: Any) -> None:
        """Have all layers trained that `build_model` froze: called after the first ``train.frozen_epochs`` epochs."""
        # `model.trainable = True` does nothing on TensorFlow where it is so already, whatever its layers are.
        for layer in model._flatten_layers():  # noqa: SLF001 - `layers` has no inner ones
            layer.trainable = True

    def targets(self, y: Any, x: Any) -> Any:
        """Return a batch of labels as the loss takes them; unchanged by default. Runs inside a tf.data graph.

        Args:
            y: The labels, after `augment`.
            x: The inputs that they belong to.
        """
        del x
        return y

    def card(self) -> dict[str, Any]:
        """Return what else must be stored with a trained model, for `restore` and `predictor`, as plain data."""
        return {}

    def augment(self, x: Any, *, seed: Any, epoch: Any) -> Any:
        """Return a training batch, changed at random; unchanged by default. Runs inside a tf.data graph.

        Where it has a keyword-only argument ``step`` or ``run_seed``, it is given the number of the step in the whole
        training, from 0, or a seed like ``seed`` that is the same in every step: for what must not change each time.

        Args:
            x: A batch of raw inputs.
            seed: int64 tensor of shape (2,), different in every step; all randomness must come from it.
            epoch: int64 scalar, counted from 0.
        """
        del seed, epoch
        return x

    @property
    def augments(self) -> bool:
        """Whether this pipeline changes training batches at all."""
        return type(self).augment is not Pipeline.augment

    @abc.abstractmethod
    def prepare(self, frame: np.ndarray, input_shape: Sequence[int]) -> np.ndarray:
        """Return an RGB frame, uint8 of shape (H, W, 3), as the input of the model, of ``input_shape``."""

    @abc.abstractmethod
    def decode(self, outputs: np.ndarray, class_names: Sequence[str]) -> Sequence[Prediction]:
        """Return one prediction for each row of the model's outputs."""

    def probabilities(self, outputs: np.ndarray, num_classes: int) -> np.ndarray:
        """Return the probability of every class, shape (N, K), from the model's outputs; for pipelines with classes."""
        del outputs, num_classes
        message = f"The pipeline `{self.name}` has no classes."
        raise TypeError(message)

    def values(self, outputs: np.ndarray) -> np.ndarray:
        """Return the numbers predicted of each example, shape (N, D); for pipelines of numbers."""
        return outputs

    @abc.abstractmethod
    def draw(self, frame: np.ndarray, prediction: Prediction) -> np.ndarray:
        """Return the frame with the prediction written on it."""

    def annotated(self, source: str | Path, settings: Mapping[str, Any], *, whole: bool = False) -> AnnotatedSet:
        """Return the pictures and true boxes that a detector is measured on; for pipelines with the task detection.

        Args:
            source: ``sample``, or the path of a user's own data.
            settings: The run's table ``[data]``.
            whole: Where the data says of no picture that it is for testing, take all of them, and not the part that a
                training keeps for its test.

        Raises:
            DataError: The path holds nothing this pipeline can read, and why.
        """
        del source, settings, whole
        message = f"The pipeline `{self.name}` finds no boxes."
        raise TypeError(message)

    def annotated_split(self, split: Split, class_names: Sequence[str], description: str) -> AnnotatedSet:
        """Return a split of a run's data as `annotated` returns it: the pictures as they are, and their true boxes."""
        del split, class_names, description
        message = f"The pipeline `{self.name}` finds no boxes."
        raise TypeError(message)

    def import_model(self, **files: Any) -> tuple[Any, dict[str, Any]]:
        """Return a Keras model made from the files of another program, and the card that is stored with it.

        For pipelines whose spec names the program in ``formats``; the command says which files there are.
        """
        del files
        message = f"The pipeline `{self.name}` imports no networks."
        raise TypeError(message)

    def export_model(self, model: Any, card: Mapping[str, Any], path: Path) -> None:
        """Write a model as a file of another program; the opposite of `import_model`."""
        del model, card, path
        message = f"The pipeline `{self.name}` exports no networks."
        raise TypeError(message)

    def open_sources(self, text: str, part: Part) -> list[Source]:
        """Return what a user means by ``text``: images, videos, a camera or a stream, unless the inputs are others.

        Raises:
            DataError: Nothing of that name exists, or it holds nothing to predict.
        """
        from kzoo.data.frames import open_sources

        return open_sources(text, part)

    def recordable(self) -> tuple[str, ...] | None:
        """Return the labels that recorded frames may have, or None where any will do.

        Raises:
            UsageError: The pipeline learns from no pictures.
        """
        from kzoo.errors import UsageError

        message = f"The pipeline `{self.name}` learns from no labelled pictures, so there are none to record."
        raise UsageError(message)

    def recorded(self, pixels: np.ndarray) -> np.ndarray:
        """Return what is kept of a frame that is recorded; all of it by default.

        Keyword-only arguments are settings of ``kzoo capture``, as those of `predictor` are of ``kzoo predict``.
        """
        return pixels

    def predictor(self, forward: Forward | None, card: Mapping[str, Any]) -> Predictor:
        """Return what turns the inputs of a source into predictions.

        A pipeline overrides this where it remembers earlier frames, needs no training, or has settings: its
        keyword-only arguments, which ``-o KEY=VALUE`` or ``--key VALUE`` of ``kzoo predict`` set. Give them plain
        defaults; where the default is False or True, ``--key`` alone sets True.

        Args:
            forward: The trained model; None where the user named the pipeline and no model.
            card: What is stored with the model, such as ``input_shape`` and ``class_names``; empty without one.

        Raises:
            UsageError: This pipeline predicts nothing without a trained model, or a setting has no such value.
        """
        if forward is None:
            from kzoo.errors import UsageError

            message = (
                f"`{self.name}` is a pipeline, and it needs a trained model to predict. Train one with `kzoo run "
                f"{self.name}`, then name the run: `kzoo predict last SOURCE`."
            )
            raise UsageError(message)
        return ModelPredictor(self, forward, card)


class Predictor(abc.ABC):
    """Turns the inputs of sources into predictions; it may remember the frames of one source.

    Attributes:
        pipeline: The pipeline that it belongs to.
        batch_size: The most inputs in one call of `predict`. A camera's frames come one at a time.
    """

    batch_size = 32

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    def start(self, source: Source) -> None:  # noqa: B027 - most predictors remember nothing
        """Be told that the inputs that follow are another source's; what was remembered no longer holds.

        Pictures of a source of the kind ``images`` have nothing to do with one another.
        """

    def finish(self, source: Source) -> None:  # noqa: B027 - most predictors have nothing to add
        """Be told that a source has ended; what a user must know of it can be added to its ``notes``."""

    @abc.abstractmethod
    def predict(self, frames: Sequence[Any]) -> Sequence[Prediction]:
        """Return one prediction for each input, in order; each a `Frame`, unless the pipeline reads others."""

    def draw(self, frame: Frame, prediction: Prediction) -> np.ndarray:
        """Return the picture with the prediction on it, RGB, uint8."""
        return self.pipeline.draw(frame.pixels, prediction)

    def close(self) -> None:  # noqa: B027 - most predictors keep nothing
        """Be told that there is nothing more to predict, also where the user or an error ended it."""


class ModelPredictor(Predictor):
    """Each frame by itself through a trained model.

    Args:
        pipeline: Prepares the frames and decodes the outputs.
        forward: The model.
        card: What is stored with it: ``input_shape`` and ``class_names``.
    """

    def __init__(self, pipeline: Pipeline, forward: Forward, card: Mapping[str, Any]) -> None:
        super().__init__(pipeline)
        self.forward = forward
        self.input_shape = tuple(card["input_shape"])
        self.class_names = list(card["class_names"])

    def predict(self, frames: Sequence[Frame]) -> Sequence[Prediction]:
        """Return the decoded outputs of the model."""
        import numpy as np

        inputs = np.stack([self.pipeline.prepare(frame.pixels, self.input_shape) for frame in frames])
        return self.pipeline.decode(self.forward(inputs), self.class_names)


class ImageClassifier(Pipeline):
    """A pipeline that sorts images into classes: what all such pipelines share.

    The model takes uint8 pixels of shape ``(H, W, C)``, C being 1 or 3, and ends in softmax probabilities.
    """

    task = "classification"

    def recordable(self) -> tuple[str, ...] | None:
        """Return None: the user's own classes."""
        return None

    def prepare(self, frame: np.ndarray, input_shape: Sequence[int]) -> np.ndarray:
        """Return the frame resized to the model's input, in grayscale if that has one channel."""
        import numpy as np
        from PIL import Image

        height, width, channels = input_shape
        image = Image.fromarray(frame).convert("L" if channels == 1 else "RGB")
        pixels = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
        return pixels[..., None] if channels == 1 else pixels

    def probabilities(self, outputs: np.ndarray, num_classes: int) -> np.ndarray:
        """Return the probability of every class, shape (N, K), from the model's outputs.

        A single output of two classes is the probability of the second one.
        """
        import numpy as np

        outputs = np.asarray(outputs)
        binary = num_classes == 2 and outputs.shape[-1] == 1  # noqa: PLR2004 - yes and no
        return np.concatenate([1 - outputs, outputs], axis=-1) if binary else outputs

    def decode(self, outputs: np.ndarray, class_names: Sequence[str]) -> list[ClassPrediction]:
        """Return the most probable class of each row, with the probability of all."""
        found = []
        for row in self.probabilities(outputs, len(class_names)):
            index = int(row.argmax())
            named = {name: float(p) for name, p in zip(class_names, row, strict=True)}
            found.append(ClassPrediction(class_names[index], index, float(row[index]), named))
        return found

    def draw(self, frame: np.ndarray, prediction: Prediction) -> np.ndarray:
        """Return the frame with the prediction written on it."""
        from kzoo.data.frames import write_text

        return write_text(frame, prediction.text)
