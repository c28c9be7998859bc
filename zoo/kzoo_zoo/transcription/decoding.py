"""From logits at each step to texts and their probabilities, by connectionist temporal classification (CTC)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BLANK", "beam_search", "greedy", "log_probabilities", "steps_needed"]

BLANK = 0
"""The number of the blank, as `keras.losses.CTC` has it."""


def steps_needed(symbols: Sequence[object]) -> int:
    """Return how many steps a text needs at least: one for each symbol, and a blank between two that are the same.

    Example:
        >>> steps_needed("abc"), steps_needed("aab"), steps_needed("")
        (3, 4, 0)
    """
    return len(symbols) + sum(one == other for one, other in itertools.pairwise(symbols))


def greedy(logits: np.ndarray) -> list[tuple[int, ...]]:
    """Return for each sequence the symbols of the most probable path: equal neighbours are one, blanks are none.

    Args:
        logits: Shape (N, T, K); 0 is the blank.
    """
    best = np.asarray(logits).argmax(axis=-1)
    before = np.concatenate([np.full((len(best), 1), BLANK), best[:, :-1]], axis=1)
    kept = (best != BLANK) & (best != before)
    return [tuple(row[which].tolist()) for row, which in zip(best, kept, strict=True)]


def beam_search(logits: np.ndarray, width: int, top: int = 1) -> list[list[tuple[int, ...]]]:
    """Return for each sequence the ``top`` texts that Keras's beam search finds, the most probable first.

    Args:
        logits: Shape (N, T, K); 0 is the blank.
        width: How many beginnings of texts are kept at each step.
        top: How many texts; ``width`` at most, and no more than lines of so many steps surely have.
    """
    import keras

    logits = np.asarray(logits, np.float32)
    steps = logits.shape[1]
    lengths = np.full(len(logits), steps, np.int32)
    top = min(top, width, (steps + 1) // 2 + 1)  # TensorFlow fails for more texts than there are; of one symbol so many
    paths, _ = keras.ops.ctc_decode(
        logits, lengths, strategy="beam_search", beam_width=width, top_paths=top, mask_index=BLANK
    )
    found = np.asarray(paths)  # shape (top, N, T), -1 behind the end
    texts = [[tuple(path[path > BLANK].tolist()) for path in found[:, number]] for number in range(len(logits))]
    return [list(dict.fromkeys(own)) for own in texts]


def log_probabilities(logits: np.ndarray, texts: Sequence[Sequence[int]]) -> np.ndarray:
    """Return the logarithm of the probability of a text for each sequence, over all paths that give it.

    With the text l' of the symbols and a blank before, between and behind them, of S places, and y[t, k] the
    probability of symbol k at step t:

    ```
    a[t, s] = y[t, l'[s]] * (a[t-1, s] + a[t-1, s-1] + (a[t-1, s-2] where l'[s] is no blank and not l'[s-2]))
    p = a[T, S] + a[T, S-1]
    ```

    Args:
        logits: Shape (N, T, K); 0 is the blank.
        texts: The numbers of the symbols, one text for each sequence.

    Returns:
        Shape (N,), minus infinity where a text needs more steps than there are.

    References:
        - [Graves et al., 2006](https://doi.org/10.1145/1143844.1143891), Connectionist temporal classification
    """
    logits = np.asarray(logits, np.float64)
    peak = logits.max(axis=-1, keepdims=True)
    logs = logits - peak - np.log(np.exp(logits - peak).sum(axis=-1, keepdims=True))
    count, steps, _ = logs.shape
    most = max(map(len, texts), default=0)
    places = np.full((count, 2 * most + 1), BLANK)
    for row, text in zip(places, texts, strict=True):
        row[1 : 2 * len(text) : 2] = text
    emitted = np.take_along_axis(logs, np.broadcast_to(places[:, None], (count, steps, places.shape[1])), axis=2)
    skips = np.zeros(places.shape, bool)
    skips[:, 2:] = (places[:, 2:] != BLANK) & (places[:, 2:] != places[:, :-2])
    alpha = np.full(places.shape, -np.inf)
    alpha[:, :2] = emitted[:, 0, :2]
    for step in range(1, steps):
        one, two = np.full((2, *alpha.shape), -np.inf)
        one[:, 1:], two[:, 2:] = alpha[:, :-1], alpha[:, :-2]
        alpha = np.logaddexp(np.logaddexp(alpha, one), np.where(skips, two, -np.inf)) + emitted[:, step]
    ends = 2 * np.array([len(text) for text in texts], int)
    rows = np.arange(count)
    last = np.where(ends > 0, alpha[rows, ends - 1], -np.inf)
    return np.asarray(np.logaddexp(alpha[rows, ends], last))
