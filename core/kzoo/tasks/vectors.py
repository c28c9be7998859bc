"""Vectors: pictures of a kind lie near each other, also of kinds that were never learned."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from kzoo.errors import DataError, KzooError
from kzoo.tasks.task import Measured, Task
from kzoo.tasks.vector_measures import pairs_of, retrieval_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from matplotlib.figure import Figure

    from kzoo.data.splits import Split
    from kzoo.tasks.vector_measures import Pairs, Retrieval

__all__ = ["Embedding", "NamesKinds", "VectorOutcome"]

_RANKS = (1, 5, 10)


@runtime_checkable
class NamesKinds(Protocol):
    """A split whose kinds have names of their own, as where they are others than those learned."""

    @property
    def kinds(self) -> Sequence[str]:
        """The name of each label."""


@dataclass(frozen=True, eq=False)
class VectorOutcome:
    """Vectors of a test split.

    Attributes:
        vectors: Of length 1, shape (N, D).
        labels: Their kinds, as whole numbers, shape (N,).
        kinds: The name of each kind that has a number.
        image: Returns the pixels of an example by its number, uint8 of shape (H, W, C); None where they are no images.
    """

    vectors: np.ndarray
    labels: np.ndarray
    kinds: Sequence[str]
    image: Callable[[int], Any] | None = None

    @functools.cached_property
    def retrieval(self) -> Retrieval:
        """Who lies near whom."""
        return retrieval_of(self.vectors, self.labels, max(_RANKS))

    @functools.cached_property
    def pairs(self) -> Pairs:
        """All pairs by their cosine."""
        return pairs_of(self.vectors, self.labels)

    def metrics(self) -> dict[str, float]:
        """Return recall at 1, 5 and 10, mean average precision at R, and how well pairs are told apart.

        ``equal_error_rate`` is reached where a pair counts as one kind from the cosine ``threshold`` on. What cannot be
        told is NaN: recall where each kind has a single picture, pairs where there is a single kind.
        """
        found = {f"recall_{k}": _mean(self.retrieval.recall(k)) for k in _RANKS}
        rate, threshold = self.pairs.equal_error
        return {
            **found,
            "map_r": _mean(self.retrieval.average_precision),
            "verification_auc": self.pairs.auc,
            "equal_error_rate": rate,
            "threshold": threshold,
        }

    def measures(self) -> dict[str, float]:
        """Return the same: none of it needs a compiled loss."""
        return self.metrics()

    def name(self, label: int) -> str:
        """Return what a kind is called."""
        return self.kinds[label] if 0 <= label < len(self.kinds) else str(label)

    def per_class(self) -> dict[str, dict[str, Any]]:
        """Return recall at 1, mean average precision at R and the number of pictures of each kind."""
        recall, precision = self.retrieval.recall(1), self.retrieval.average_precision
        rows = {}
        for label in np.unique(self.labels).tolist():
            own = self.labels == label
            figures = {"recall_1": _mean(recall[own]), "map_r": _mean(precision[own])}
            rows[self.name(label)] = {**figures, "pictures": int(own.sum())}
        return rows

    def confusion(self) -> None:
        """Return None: nothing is taken for a class."""
        return

    def figures(self) -> dict[str, Figure]:
        """Return a map of the vectors, the cosines of pairs, and of images queries with their nearest ones."""
        from kzoo.tasks.vector_figures import MOST_QUERIES, neighbours, pair_cosines, vector_map

        found = {}
        if self.image is not None and self.retrieval.neighbours.shape[1]:
            found["nearest"] = neighbours(self, self.examples(MOST_QUERIES))
            if mistakes := self.mistakes(MOST_QUERIES):
                found["astray"] = neighbours(self, mistakes)
        if (drawn := vector_map(self)) is not None:
            found["map"] = drawn
        return {**found, "pairs": pair_cosines(self)}

    def files(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def examples(self, most: int) -> list[int]:
        """Return the numbers of pictures spread over the kinds, one of each."""
        labels, firsts = np.unique(self.labels, return_index=True)
        places = np.unique(np.linspace(0, len(labels) - 1, min(most, len(labels))).astype(int))
        return [int(number) for number in firsts[places]]

    def mistakes(self, most: int) -> list[int]:
        """Return the numbers of the pictures whose nearest is of another kind, the surest of these first."""
        wrong = np.flatnonzero(self.retrieval.recall(1) == 0)
        cosines = (self.vectors[wrong] * self.vectors[self.retrieval.neighbours[wrong, 0]]).sum(axis=1)
        return [int(number) for number in wrong[np.argsort(-cosines, kind="stable")][:most]]


class Embedding(Task):
    """Vectors of pictures, compared by their cosine; networks give one of length 1 for each, whatever the loss."""

    name: ClassVar[str] = "embedding"
    predicts: ClassVar[str] = "embeddings"
    quality: ClassVar[str] = "recall_1"
    compared: ClassVar[Mapping[str, str]] = {
        "recall_1": "higher",
        "map_r": "higher",
        "verification_auc": "higher",
        "equal_error_rate": "lower",
    }
    pictures: ClassVar[Mapping[str, str]] = {
        "nearest": "Test pictures and the ones nearest to each: green of the same kind, red of another",
        "astray": "The test pictures whose nearest is of another kind, the surest first",
        "map": "A map of the vectors (t-SNE): near is alike",
        "pairs": "The cosines of pairs of one kind and of two",
    }
    photos: ClassVar[Collection[str]] = ("nearest", "astray")
    epoch_figures: ClassVar[Mapping[str, str]] = {"val_recall_1": "recall_1", "val_map_r": "map_r"}
    own_measures: ClassVar[bool] = True

    def fit_loss(self, loss: Any, predicts: str) -> Any:
        """Return the loss; one of the distances of pairs is given those of all pairs of a batch."""
        if predicts != "distances":
            return loss
        from kzoo.wrappers.pair_losses import OfPairs

        return OfPairs(loss)

    def silent(self, validation: Split, predicts: str, num_classes: int) -> dict[str, str]:
        """Return what says nothing where no kind has two pictures, or a loss of classes knows none of the kinds."""
        kinds, counts = np.unique(np.asarray(validation.labels), return_counts=True)
        found = {}
        if (counts < 2).all():  # noqa: PLR2004 - a pair
            found["metrics"] = (
                f"no two of the pictures for validation ({len(validation):,}) are of one kind, so that none can find "
                "another; give more of each kind, or keep more aside (-o data.validation_fraction=0.3)"
            )
        if predicts != "cosines":
            return {"loss": found["metrics"], **found} if found else {}
        if not (kinds < num_classes).any():
            found["loss"] = f"none of the pictures for validation ({len(validation):,}) is of a kind that is learned"
        return found

    def measure(self, measured: Measured) -> VectorOutcome:
        """Return the vectors of all examples of a split.

        Raises:
            DataError: There are none.
            KzooError: The model does not give one vector for each, or one that is no number.
        """
        from kzoo.engine.outputs import outputs_of

        split = measured.test
        if not len(split):
            message = f"There is no picture to measure on in {measured.description}."
            raise DataError(message)
        vectors = np.asarray(outputs_of(measured.forward, split, measured.batch_size))
        if vectors.ndim != 2:  # noqa: PLR2004 - (N, D)
            message = f"The model gives outputs of shape {vectors.shape[1:]}, and one vector for each picture is due."
            raise KzooError(message)
        if not np.isfinite(vectors).all():
            broken = int((~np.isfinite(vectors).all(axis=1)).sum())
            message = f"The vectors of {broken:,} of {len(vectors):,} pictures hold numbers that are not finite."
            raise KzooError(message)

        def image(number: int) -> np.ndarray:
            return np.array(split.examples(np.asarray([number]))[0][0])

        kinds = split.kinds if isinstance(split, NamesKinds) else measured.class_names
        pictures = image(0).ndim == 3  # noqa: PLR2004 - H, W, C
        return VectorOutcome(vectors, np.asarray(split.labels).reshape(-1), kinds, image if pictures else None)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
