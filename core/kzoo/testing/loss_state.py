"""The check that a loss is a function: it keeps no state and draws no numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from kzoo.testing.samples import sample
from kzoo.testing.tools import array, close, unreduced

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = ["repeatable"]

_ROUNDS = 14
"""Of three calls each: what counts to 40 is found."""


def repeatable(subject: Subject) -> None:
    """The same inputs give the same values after fifty calls and in any order: a loss keeps no state, draws nothing."""
    function = unreduced(subject)
    batches = [tuple(map(tf.constant, sample(subject, size, seed))) for size, seed in ((3, 0), (2, 1), (2, 2))]
    first = [array(function(*batch)) for batch in batches]
    alone = array(unreduced(subject)(*batches[2]))
    what = "the third batch, after two others, against the same batch by a loss that was made for it"
    close(first[2], alone, what, 0.0)
    for at in range(3 * _ROUNDS):
        which = (2, 0, 1)[at % 3] if at % 2 else (at * 2) % 3
        what = f"call {at + 4}, against the first with the same batch"
        y_true, y_pred = batches[which]
        close(array(function(y_true, y_pred)), first[which], what, 0.0, y_true=y_true, y_pred=y_pred)
