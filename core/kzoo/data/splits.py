"""The data of one run: examples read by index, the parts they are divided into, and where they came from."""

from __future__ import annotations

import abc
import functools
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ArraySplit",
    "DataRequest",
    "Dataset",
    "Provenance",
    "Reading",
    "RenumberedSplit",
    "Say",
    "Split",
    "Splits",
    "digest_of",
]


class Say(Protocol):
    """Called with a line of text for the user, for what takes minutes."""

    def __call__(self, text: str, /) -> None:
        """Take the line."""


@dataclass(frozen=True)
class Reading:
    """What files are read for.

    Attributes:
        say: Called with lines of text for the user.
        whole: Whether they are only measured on: where they do not say which examples are for testing, all of them are,
            and none is needed to learn from.
        known: The classes of the model that is measured on them, which the data may call by their numbers.
        measured: Whether they are not trained on, which ``whole`` implies: of the data of a model's own run, its test
            split is measured, and what is done for the training alone can be left.
    """

    say: Say
    whole: bool = False
    known: tuple[str, ...] = ()
    measured: bool = False


@dataclass(frozen=True)
class DataRequest:
    """What data a run asks for.

    Attributes:
        source: ``auto``, ``real``, ``sample``, or the path of the user's own data.
        seed: Decides which training examples become the validation split.
        validation_fraction: The part of the training data that is kept aside for validation, in [0, 1).
        limit: Use at most this many examples of each split; None for all.
        settings: What else the table ``[data]`` holds: settings of the pipeline's files and of its sample, each of
            which gets those that it has.
        whole: See `Reading`; likewise ``known`` and ``measured``.
        cache: Where decoded images are kept: ``auto``, ``memory``, ``disk`` or ``off``.
    """

    source: str = "auto"
    seed: int = 0
    validation_fraction: float = 0.1
    limit: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False
    known: tuple[str, ...] = ()
    measured: bool = False
    cache: str = "auto"


@dataclass(frozen=True)
class Provenance:
    """Where the data of a run came from.

    Attributes:
        requested: What the user asked for: ``auto``, ``real``, ``sample`` or a path.
        used: What it became: ``real``, ``sample`` or ``path``.
        description: One line for people.
        location: The file or folder that was read, or an empty text for the sample.
        reason: Why ``auto`` fell back to the sample, or an empty text.
    """

    requested: str
    used: str
    description: str
    location: str = ""
    reason: str = ""


class Split(abc.ABC):
    """One part of the data, read by index so that the order of examples is the trainer's to decide."""

    @abc.abstractmethod
    def __len__(self) -> int:
        """Return the number of examples."""

    @abc.abstractmethod
    def fetch(self, indices: Any) -> tuple[Any, Any]:
        """Return inputs and labels for a 1-D integer tensor of indices; called inside a tf.data graph."""

    def examples(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and labels as NumPy has them; the splits of kzoo itself need no TensorFlow for that."""
        x, y = self.fetch(indices)
        return np.asarray(x), np.asarray(y)

    @property
    @abc.abstractmethod
    def labels(self) -> np.ndarray:
        """The labels of all examples, in their order."""

    @abc.abstractmethod
    def take(self, indices: np.ndarray) -> Split:
        """Return the split of the examples at ``indices``."""

    @abc.abstractmethod
    def join(self, other: Self) -> Split:
        """Return the split of these examples and then those of another one, which came from the same reading."""

    @abc.abstractmethod
    def digest(self) -> str:
        """Return the SHA-256 of the examples: their shapes, types and bytes."""


def digest_of(arrays: Iterable[tuple[tuple[int, ...], np.dtype[Any], Iterable[np.ndarray]]]) -> str:
    """Return the SHA-256 of arrays, each given as its shape, its type and its rows in pieces of any size."""
    digest = hashlib.sha256()
    for shape, dtype, pieces in arrays:
        digest.update(f"{shape} {dtype.str} ".encode())
        for piece in pieces:
            digest.update(np.ascontiguousarray(piece).reshape(-1).data)
    return digest.hexdigest()


class ArraySplit(Split):
    """A split that is held in memory, in the type it was stored in (uint8 for images).

    Args:
        x: Inputs of shape ``(N, ...)``.
        y: Labels of shape ``(N, ...)``; class indices for classification.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        if len(x) != len(y):
            message = f"{len(x)} inputs and {len(y)} labels do not belong together."
            raise ValueError(message)
        self.x = x
        self.y = y
        self._tensors: tuple[Any, Any] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def fetch(self, indices: Any) -> tuple[Any, Any]:
        """Return the rows of ``x`` and ``y`` at ``indices``."""
        import tensorflow as tf

        if self._tensors is None:
            with tf.init_scope():  # the arrays become tensors once, outside the graph that reads them
                self._tensors = (tf.constant(self.x), tf.constant(self.y))
        x, y = self._tensors
        return tf.gather(x, indices), tf.gather(y, indices)

    def examples(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of ``x`` and ``y`` at ``indices``."""
        return self.x[indices], self.y[indices]

    @property
    def labels(self) -> np.ndarray:
        """The labels of all examples, in their order."""
        return self.y

    def take(self, indices: np.ndarray) -> ArraySplit:
        """Return the split of the examples at ``indices``."""
        return ArraySplit(self.x[indices], self.y[indices])

    def join(self, other: Self) -> ArraySplit:
        """Return the split of both."""
        return ArraySplit(np.concatenate([self.x, other.x]), np.concatenate([self.y, other.y]))

    def digest(self) -> str:
        """Return the SHA-256 of the examples: their shapes, types and bytes."""
        return digest_of((array.shape, array.dtype, [array]) for array in (self.x, self.y))


class RenumberedSplit(Split):
    """A split whose classes have other indices, as the model has them that it is measured with.

    Args:
        split: The examples; their labels are class indices.
        indices: For each class index, the one that takes its place.
    """

    def __init__(self, split: Split, indices: np.ndarray) -> None:
        self._split, self._indices = split, np.asarray(indices, np.int64)

    def __len__(self) -> int:
        return len(self._split)

    def fetch(self, indices: Any) -> tuple[Any, Any]:
        """Return the inputs, and the labels by their new indices."""
        import tensorflow as tf

        x, y = self._split.fetch(indices)
        return x, tf.gather(tf.constant(self._indices), tf.cast(y, tf.int64))

    def examples(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the inputs, and the labels by their new indices."""
        x, y = self._split.examples(indices)
        return x, self._indices[np.asarray(y, np.int64)]

    @property
    def labels(self) -> np.ndarray:
        """The labels of all examples, in their order."""
        return self._indices[np.asarray(self._split.labels, np.int64)]

    def take(self, indices: np.ndarray) -> RenumberedSplit:
        """Return the split of the examples at ``indices``."""
        return RenumberedSplit(self._split.take(indices), self._indices)

    def join(self, other: Self) -> RenumberedSplit:
        """Return the split of both."""
        return RenumberedSplit(self._split.join(other._split), self._indices)

    def digest(self) -> str:
        """Return the SHA-256 of the examples as they were read."""
        return self._split.digest()


@dataclass(frozen=True)
class Dataset:
    """What a pipeline hands over before validation data is kept aside.

    Attributes:
        train: Examples to learn from.
        test: Examples that are only ever measured on.
        class_names: The name of each class index; empty where labels are not classes.
        description: One line for people: what it is and how much of it.
        validation: A validation split that came with the data; None to take one from ``train``.
        location: The file or folder it was read from; empty for the sample.
        notes: What a user must be told of it, such as files that were left out.
        input_names: The name of each input where examples are rows of numbers.
        output_names: The name of each output where labels are not classes.
        schema: What a saved model must know of the data to read other data the same way, as plain values.
        task: What these labels mean, where the pipeline has several tasks; empty for its first.
        declares_test: Whether the data itself says which examples are for testing; False where the reader chose them.
        paired: Whether examples are compared with others of their class, so that a part that is drawn of them is to
            have two of a class or none.
    """

    train: Split
    test: Split
    class_names: tuple[str, ...]
    description: str
    validation: Split | None = None
    location: str = ""
    notes: tuple[str, ...] = ()
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""
    declares_test: bool = True
    paired: bool = False

    def everything(self) -> Split:
        """Return all examples as one split."""
        parts = [part for part in (self.train, self.validation, self.test) if part is not None and len(part)]
        return functools.reduce(lambda one, other: one.join(other), parts) if parts else self.test


@dataclass(frozen=True)
class Splits:
    """The data of one run.

    Attributes:
        train: Examples to learn from.
        validation: Examples taken from the training data, never from the test set; None if the fraction was 0.
        test: Examples that are only ever measured on.
        class_names: The name of each class index; empty where labels are not classes.
        provenance: Where the data came from.
        input_names: The name of each input where examples are rows of numbers.
        output_names: The name of each output where labels are not classes.
        schema: What a saved model must know of the data, as plain values.
        task: What these labels mean, where the pipeline has several tasks; empty for its first.
        whole: Whether ``test`` is all of the data, which says of no example that it is for testing.
        limit: How many examples of a split were taken at most; None where none was left out.
    """

    train: Split
    validation: Split | None
    test: Split
    class_names: tuple[str, ...]
    provenance: Provenance
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""
    whole: bool = False
    limit: int | None = None

    @property
    def described(self) -> str:
        """One line for people: what was used of the data. The data's own description counts all that it has."""
        text = self.provenance.description
        return text if self.limit is None else f"at most {self.limit:,} of each split of {text}"

    @functools.cached_property
    def fingerprint(self) -> dict[str, str]:
        """The SHA-256 of each split, keyed ``train``, ``validation`` and ``test``."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part.digest() for name, part in parts.items() if part is not None}

    @property
    def sizes(self) -> dict[str, int]:
        """The number of examples in each split."""
        return {
            "train": len(self.train),
            "validation": len(self.validation) if self.validation is not None else 0,
            "test": len(self.test),
        }
