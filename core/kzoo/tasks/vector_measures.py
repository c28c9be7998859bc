"""What vectors are worth by whom they lie near: recall at k, precision at R, and telling pairs apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Pairs", "Retrieval", "nearest", "pairs_of", "retrieval_of", "unit_vectors"]

_CHUNK_NUMBERS = 2**24
"""Cosines that are held at once: 64 MiB."""

_BINS = 2**20
"""Of the cosines of pairs: a bin is as wide as the rounding of a cosine in float32, so that little is lost by it."""

_MOST_IN_PAIRS = 10_000
"""Of more vectors so many, drawn by a seed, are compared with one another: 50 million pairs."""


def unit_vectors(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1, float32 of shape (N, D); one of length 0 stays as it is."""
    found = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(found, axis=-1, keepdims=True)
    return np.asarray(found / np.where(lengths > 0, lengths, 1.0), np.float32)


def nearest(queries: np.ndarray, gallery: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k vectors of a gallery with the largest cosines to each query, the largest first.

    All of the gallery is compared with each query, by one matrix product.

    Args:
        queries: Vectors of length 1, shape (Q, D).
        gallery: Vectors of length 1, shape (N, D).
        k: How many; no more than there are are returned.

    Returns:
        Their indices and their cosines, each of shape (Q, min(k, N)).
    """
    k = min(k, len(gallery))
    places = np.zeros((len(queries), k), np.int64)
    cosines = np.zeros((len(queries), k), np.float32)
    for rows in _chunks(len(queries), len(gallery)):
        found = queries[rows] @ gallery.T
        places[rows] = chosen = _largest(found, k)
        cosines[rows] = np.take_along_axis(found, chosen, axis=1)
    return places, cosines


@dataclass(frozen=True, eq=False)
class Retrieval:
    """Each vector as a query for the others of its kind.

    A vector that is alone in its kind asks for nothing: it has no part in the means, and NaN in what is of each query.

    Attributes:
        neighbours: The indices of the nearest others of each, the nearest first, shape (N, K).
        hits: Whether each of them is of the same kind, bool of shape (N, K).
        average_precision: Average precision at R of each query, shape (N,).
    """

    neighbours: np.ndarray
    hits: np.ndarray
    average_precision: np.ndarray

    @property
    def asks(self) -> np.ndarray:
        """Whether each vector has another one of its kind, bool of shape (N,)."""
        return np.asarray(~np.isnan(self.average_precision))

    def recall(self, k: int) -> np.ndarray:
        """Return 1 for each query with one of its kind among the k nearest, else 0; NaN for one that asks nothing."""
        found = self.hits[:, :k].any(axis=1).astype(np.float64)
        return np.where(self.asks, found, np.nan)


def retrieval_of(vectors: np.ndarray, labels: np.ndarray, k: int = 10) -> Retrieval:
    """Return who lies near whom, each vector being left out of its own search.

    Average precision at R, R being the number of the others of the query's kind, is the mean over the R nearest of

    ```
    (how many of the first i are of the kind) / i    where the i-th is of the kind, else 0
    ```

    Args:
        vectors: Shape (N, D); compared by cosine.
        labels: Their kinds, shape (N,).
        k: How many neighbours are returned of each at least.

    References:
        - [Musgrave et al., 2020](https://arxiv.org/abs/2003.08505), A Metric Learning Reality Check
    """
    vectors, labels = unit_vectors(vectors), np.asarray(labels).reshape(-1)
    _, kinds, counts = np.unique(labels, return_inverse=True, return_counts=True)
    others = counts[kinds] - 1
    most = int(others.max(initial=0))
    width = min(max(k, most), max(len(vectors) - 1, 0))
    neighbours = np.zeros((len(vectors), width), np.int64)
    for rows in _chunks(len(vectors), len(vectors)):
        cosines = vectors[rows] @ vectors.T
        cosines[np.arange(len(cosines)), np.arange(rows.start, rows.start + len(cosines))] = -np.inf
        neighbours[rows] = _largest(cosines, width)
    hits = kinds[neighbours] == kinds[:, None]
    ranks = np.arange(1, width + 1)
    within = ranks <= others[:, None]
    precision = np.cumsum(hits, axis=1) / ranks
    with np.errstate(invalid="ignore"):
        average = (precision * (hits & within)).sum(axis=1) / np.where(others > 0, others, np.nan)
    return Retrieval(neighbours, hits, average)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of vectors by their cosine, counted in bins of equal width from -1 to 1.

    Attributes:
        same: How many pairs of one kind there are in each bin.
        other: How many pairs of two kinds.
    """

    same: np.ndarray
    other: np.ndarray

    @property
    def auc(self) -> float:
        """How often a pair of one kind has a larger cosine than one of two kinds: the area under the ROC curve.

        NaN where there is no pair of one sort or of the other.
        """
        total = float(self.same.sum()) * float(self.other.sum())
        if not total:
            return float("nan")
        below = np.cumsum(self.other) - self.other
        return float((self.same * (below + self.other / 2)).sum() / total)

    @property
    def equal_error(self) -> tuple[float, float]:
        """The rate at which as many pairs of two kinds are taken for one as are missed, and the cosine of that.

        NaN where there is no pair of one sort or of the other.
        """
        if not self.same.sum() or not self.other.sum():
            return float("nan"), float("nan")
        accepted = np.concatenate([[0.0], np.cumsum(self.other[::-1]) / self.other.sum()])
        missed = 1 - np.concatenate([[0.0], np.cumsum(self.same[::-1]) / self.same.sum()])
        after = int(np.argmax(accepted >= missed))  # the first place where the two lines have crossed
        before = after - 1
        gaps = missed[before] - accepted[before], accepted[after] - missed[after]
        part = gaps[0] / (gaps[0] + gaps[1])
        rate = accepted[before] + part * (accepted[after] - accepted[before])
        return float(rate), 1 - 2 * (before + float(part)) / len(self.same)

    def shares(self, bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the edges of fewer bins, and which part of the pairs of one kind, and of two, are in each."""
        edges = np.linspace(-1, 1, bins + 1)
        same, other = (part.reshape(bins, -1).sum(axis=1) / max(part.sum(), 1) for part in (self.same, self.other))
        return edges, same, other


def pairs_of(vectors: np.ndarray, labels: np.ndarray) -> Pairs:
    """Return all pairs of vectors by their cosine; of more than 10,000 vectors those of so many, drawn by a seed.

    Args:
        vectors: Shape (N, D).
        labels: Their kinds, shape (N,).
    """
    labels = np.asarray(labels).reshape(-1)
    if len(vectors) > _MOST_IN_PAIRS:
        chosen = np.sort(np.random.default_rng(0x9A125).permutation(len(vectors))[:_MOST_IN_PAIRS])
        vectors, labels = vectors[chosen], labels[chosen]
    vectors = unit_vectors(vectors)
    counts = np.zeros((2, _BINS), np.int64)
    for rows in _chunks(len(vectors), len(vectors)):
        first = rows.start
        cosines = vectors[rows] @ vectors[first:].T
        row, column = np.triu_indices(len(cosines), 1, len(vectors) - first)
        place = np.clip(((cosines[row, column] + 1) * (_BINS / 2)).astype(np.int64), 0, _BINS - 1)
        same = labels[first + row] == labels[first + column]
        for number, chosen in enumerate((same, ~same)):
            counts[number] += np.bincount(place[chosen], minlength=_BINS)
    return Pairs(*counts)


def _largest(found: np.ndarray, k: int) -> np.ndarray:
    """Return the columns of the k largest numbers of each row, the largest first; of equal ones the first."""
    if k < found.shape[1]:
        some = np.sort(np.argpartition(found, -k, axis=1)[:, found.shape[1] - k :], axis=1)
    else:
        some = np.broadcast_to(np.arange(found.shape[1]), found.shape)
    order = np.argsort(-np.take_along_axis(found, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)


def _chunks(count: int, width: int) -> Iterator[slice]:
    step = max(1, _CHUNK_NUMBERS // max(width, 1))
    for first in range(0, count, step):
        yield slice(first, min(first + step, count))
