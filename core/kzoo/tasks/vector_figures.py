"""Pictures of vectors: queries with their nearest, a map, and the cosines of pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.tasks.vectors import VectorOutcome

__all__ = ["MOST_QUERIES", "neighbours", "pair_cosines", "vector_map"]

MOST_QUERIES = 8
"""Rows of a sheet of queries."""

_SHOWN = 7  # neighbours of each
_MOST_KINDS, _MOST_OF_A_KIND = 12, 20
_FEWEST_FOR_A_MAP = 8
_PERPLEXITY = 30.0
_BINS = 128
_LONGEST_NAME = 16
_GRAY = 2  # dimensions of a picture without channels
_SAME, _OTHER = "#1a7f37", "#b00020"
_ONE_KIND, _TWO_KINDS = "#1f5fa8", "#d1600a"  # told apart by colour-blind readers and in gray
_MARKERS = "os^Dvp"


def neighbours(outcome: VectorOutcome, queries: Sequence[int]) -> Figure:
    """Return a sheet with a row for each query: the picture, and those nearest to it with kind and cosine.

    Args:
        outcome: The vectors; its images must be known.
        queries: The numbers of the pictures to ask with.
    """
    assert outcome.image is not None
    near = outcome.retrieval.neighbours[:, :_SHOWN]
    columns = near.shape[1] + 1
    figure = Figure(figsize=(1.25 * columns, 1.5 * len(queries)), layout="constrained")
    for row, query in enumerate(queries):
        own = int(outcome.labels[query])
        shown = [query, *near[query].tolist()]
        for column, number in enumerate(shown):
            axes = figure.add_subplot(len(queries), columns, row * columns + column + 1)
            _picture(axes, outcome.image(number))
            name = _shortened(outcome.name(int(outcome.labels[number])))
            if not column:
                axes.set_title(name, fontsize=7, fontweight="bold")
                continue
            colour = _SAME if int(outcome.labels[number]) == own else _OTHER
            cosine = float(outcome.vectors[query] @ outcome.vectors[number])
            axes.set_title(f"{name}\n{cosine:.2f}", fontsize=7, color=colour)
            for side in axes.spines.values():
                side.set(color=colour, linewidth=1.5)
    return figure


def vector_map(outcome: VectorOutcome) -> Figure | None:
    """Return the vectors of some kinds in the plane, by scikit-learn's t-SNE; None where there are too few.

    At most 20 pictures of each of at most 12 kinds are shown, spread over all kinds: more could not be told apart.
    """
    labels, counts = np.unique(outcome.labels, return_counts=True)
    labels = labels[counts > 1] if (counts > 1).any() else labels
    spread = np.unique(np.linspace(0, len(labels) - 1, min(_MOST_KINDS, len(labels))).astype(int))
    chosen = [np.flatnonzero(outcome.labels == label)[:_MOST_OF_A_KIND] for label in labels[spread]]
    members = np.concatenate(chosen)
    if len(members) < _FEWEST_FOR_A_MAP:
        return None
    from sklearn.manifold import TSNE

    perplexity = min(_PERPLEXITY, (len(members) - 1) / 3)
    places = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(outcome.vectors[members])
    figure = Figure(figsize=(7.5, 6), layout="constrained")
    axes = figure.add_subplot()
    first = 0
    for number, own in enumerate(chosen):
        part = places[first : first + len(own)]
        first += len(own)
        name = _shortened(outcome.name(int(outcome.labels[own[0]])))
        marker = _MARKERS[number % len(_MARKERS)]
        axes.scatter(part[:, 0], part[:, 1], s=22, alpha=0.8, marker=marker, color=f"C{number % 10}", label=name)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def pair_cosines(outcome: VectorOutcome) -> Figure:
    """Return how the cosines of pairs of one kind and of two are spread, with the cosine of equal errors."""
    edges, same, other = outcome.pairs.shares(_BINS)
    rate, threshold = outcome.pairs.equal_error
    figure = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.stairs(other, edges, fill=True, alpha=0.5, color=_TWO_KINDS, label="two kinds")
    axes.stairs(same, edges, fill=True, alpha=0.5, color=_ONE_KIND, label="one kind")
    if np.isfinite(threshold):
        axes.axvline(threshold, color="black", linewidth=1, linestyle="--")
        axes.set_title(f"{rate:.1%} of the pairs are on the wrong side of {threshold:.2f}", fontsize=9)
    axes.set_xlabel("cosine of a pair")
    axes.set_ylabel("share of the pairs")
    axes.set_xlim(-1, 1)
    axes.legend(frameon=False, loc="upper left")
    return figure


def _picture(axes: Any, pixels: np.ndarray) -> None:
    pixels = pixels[..., 0] if pixels.ndim > _GRAY and pixels.shape[-1] == 1 else pixels
    axes.imshow(pixels, cmap="gray" if pixels.ndim == _GRAY else None, vmin=0, vmax=255)
    axes.set_xticks([])
    axes.set_yticks([])


def _shortened(name: str) -> str:
    """Return a kind's name as a picture has room for it: its end, which tells it from the others of a group."""
    return name if len(name) <= _LONGEST_NAME else f"...{name[3 - _LONGEST_NAME :]}"
