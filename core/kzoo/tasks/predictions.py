"""What a model can say of one input: a class, or numbers."""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ClassPrediction", "LabelsPrediction", "Prediction", "SharesPrediction", "ValuePrediction"]

_MOST_SHARES = 12


class Prediction(abc.ABC):
    """What a model says of one input; there is a subclass for each sort of answer."""

    @property
    @abc.abstractmethod
    def text(self) -> str:
        """The answer in a few words, as it is drawn on a picture."""

    @abc.abstractmethod
    def columns(self, top: int = 1) -> dict[str, Any]:
        """Return the answer as columns of a table; where alternatives are known, the ``top`` best ones."""

    @abc.abstractmethod
    def to_dict(self, top: int = 1) -> dict[str, Any]:
        """Return the whole answer as plain data, for JSON."""

    @property
    def doubts(self) -> Sequence[str]:
        """What speaks against the answer, as sentences: what a user should know before it is believed."""
        return ()

    def rows(self) -> list[dict[str, Any]]:
        """Return the whole answer as rows of a CSV file; one row with `columns` by default."""
        return [self.columns()]

    def best_rows(self, top: int) -> list[dict[str, Any]]:
        """Return the ``top`` best rows where each is an answer of its own, the best first; else all of `rows`."""
        del top
        return self.rows()


@dataclass(frozen=True)
class ClassPrediction(Prediction):
    """The classes of one input.

    Attributes:
        label: The name of the most probable class.
        index: Its index.
        probability: Its probability, in [0, 1].
        probabilities: The probability of every class, by name, in the order of the classes.
    """

    label: str
    index: int
    probability: float
    probabilities: Mapping[str, float] = field(default_factory=dict)

    def top(self, k: int) -> list[tuple[str, float]]:
        """Return the ``k`` most probable classes, most probable first."""
        ranked = sorted(self.probabilities.items(), key=lambda item: -item[1])
        return ranked[:k]

    @property
    def text(self) -> str:
        """The class and its probability."""
        return f"{self.label} {self.probability:.0%}"

    def columns(self, top: int = 1) -> dict[str, Any]:
        """Return class and probability, and the next ones in one column."""
        found = {"class": self.label, "probability": f"{self.probability:.4f}"}
        others = ", ".join(f"{name} {p:.3f}" for name, p in self.top(top)[1:])
        return {**found, "next": others} if top > 1 else found

    def to_dict(self, top: int = 1) -> dict[str, Any]:
        """Return class, index, probability, the ``top`` classes and the probability of every class."""
        return {
            "class": self.label,
            "index": self.index,
            "probability": self.probability,
            "top": [{"class": name, "probability": p} for name, p in self.top(top)],
            "probabilities": dict(self.probabilities),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return class, probability, and the probability of every class under its name."""
        clash = self.probabilities.keys() & {"class", "probability"}
        named = {f"p({name})" if name in clash else name: p for name, p in self.probabilities.items()}
        return [{"class": self.label, "probability": self.probability, **named}]


@dataclass(frozen=True)
class SharesPrediction(ClassPrediction):
    """How much of one input each class has: the label is the class that has most."""

    def columns(self, top: int = 1) -> dict[str, Any]:
        """Return the class that has most, its share, and all shares in the order of the classes, the most of many."""
        del top
        named = self.probabilities.items() if len(self.probabilities) <= _MOST_SHARES else self.top(_MOST_SHARES)
        return {
            "class": self.label,
            "share": f"{self.probability:.4f}",
            "histogram": ", ".join(f"{name} {p:.3f}" for name, p in named),
        }


@dataclass(frozen=True)
class LabelsPrediction(Prediction):
    """The labels of one input: any number of them, or none.

    Attributes:
        labels: The labels that are said, the surest first.
        probabilities: The probability of every label, by name, in the order of the labels.
        thresholds: The probability from which on each is said, by name.
    """

    labels: tuple[str, ...]
    probabilities: Mapping[str, float]
    thresholds: Mapping[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The labels with their probabilities."""
        return ", ".join(f"{name} {self.probabilities[name]:.0%}" for name in self.labels) or "no label"

    def others(self, most: int) -> list[tuple[str, float]]:
        """Return the labels that are not said and their probabilities, the most probable first."""
        left = [(name, p) for name, p in self.probabilities.items() if name not in self.labels]
        return sorted(left, key=lambda item: -item[1])[:most]

    def columns(self, top: int = 1) -> dict[str, Any]:
        """Return all labels that are said with their probabilities, and ``top`` that are not, in one column each."""
        found = {"labels": ", ".join(f"{name} {self.probabilities[name]:.3f}" for name in self.labels)}
        others = ", ".join(f"{name} {p:.3f}" for name, p in self.others(top))
        return {**found, "not said": others} if top > 1 else found

    def to_dict(self, top: int = 1) -> dict[str, Any]:
        """Return the labels, and probability and threshold of every one."""
        del top
        return {
            "labels": list(self.labels),
            "probabilities": dict(self.probabilities),
            "thresholds": dict(self.thresholds),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return the labels separated by ``;``, and the probability of every one under its name."""
        named = {f"p({name})" if name == "labels" else name: p for name, p in self.probabilities.items()}
        return [{"labels": ";".join(self.labels), **named}]


@dataclass(frozen=True)
class ValuePrediction(Prediction):
    """Numbers predicted of one input.

    Attributes:
        values: By the name of the output.
    """

    values: Mapping[str, float]

    @property
    def text(self) -> str:
        """Names and values."""
        return ", ".join(f"{name} {value:.4g}" for name, value in self.values.items())

    def columns(self, top: int = 1) -> dict[str, Any]:
        """Return the values by name."""
        del top
        return dict(self.values)

    def to_dict(self, top: int = 1) -> dict[str, Any]:
        """Return the values by name."""
        del top
        return {"values": dict(self.values)}
