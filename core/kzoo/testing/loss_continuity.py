"""The check that a loss has no jumps, which no gradient knows of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import sample
from kzoo.testing.tools import array, differ, shown, unreduced

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.testing.subject import Subject

__all__ = ["no_jumps"]

_SAMPLES = 4
_COARSE, _FINE = 128, 32
"""The places on a line, and the parts that a piece of it is divided into to be looked at more closely."""
_LEVELS = 3
_PIECES = 3
"""The pieces of each line that are looked at: from afar a kink may stand out more than a jump."""
_SHARE = 1e-4
"""The least jump that counts, of the largest value along the line; a loss that computes in float32 rounds below it."""
_FAR = 20.0


def no_jumps(subject: Subject) -> None:
    """Along a line of predictions the value may bend, and does not leap from one prediction to the next."""
    y_true, starts, ends = _lines(subject)
    wide = {"dtype": "float64"} if subject.takes("dtype") else {}
    function = unreduced(subject, **wide)

    def along(places: Any) -> Any:
        """Return the value of each sample at its places on its line, all of shape (samples, places)."""
        spread = places.reshape(*places.shape, *[1] * (starts.ndim - 1))
        pred = np.concatenate(list(starts[:, None] + spread * (ends - starts)[:, None]))
        values = array(function(tf.constant(np.repeat(y_true, places.shape[1], 0)), tf.constant(pred)))
        if values.ndim == 0 or len(values) != len(pred):
            message = "its samples have no values of their own"
            raise Skip(message)
        return values.reshape(*places.shape, -1).mean(-1)

    coarse = np.tile(np.linspace(0, 1, _COARSE), (len(starts), 1))
    values = along(coarse)
    if differ(along(coarse[:, :2]), values[:, :2]):
        message = "the value of a sample depends on the others of its batch"
        raise Skip(message)
    leaps, places, width = _closest(along, coarse, values)
    leaps[leaps <= _SHARE * np.abs(values).max(-1, keepdims=True)] = 0
    if leaps.any():
        row, which = np.unravel_index(leaps.argmax(), leaps.shape)
        sides = places[row, which] + width * np.arange(2)
        before = starts[row] + sides[0] * (ends[row] - starts[row])
        saw = along(np.tile(sides, (len(starts), 1)))[row]
        message = (
            f"saw {saw[0]:.7g} for y_pred = {shown(before)} and {saw[1]:.7g} right beside it, {width:.1g} of the way "
            f"to {shown(ends[row])}, expected no jump; y_true = {shown(y_true[row])}"
        )
        raise CheckFailure(message)


def _closest(along: Callable[[Any], Any], places: Any, values: Any) -> tuple[Any, Any, float]:
    """Return how uneven the most uneven pieces of each line are when looked at closely, where they begin, their width.

    What bends gets even with every closer look, what jumps stays as uneven as it was.
    """
    width = 1 / (_COARSE - 1)
    pieces = _apart(_unevenness(values))
    begins = np.take_along_axis(places, pieces + 1, 1)
    for _ in range(_LEVELS):
        width /= _FINE
        closer = begins[..., None] + width * np.arange(-1, _FINE + 2)  # one more on each side, to compare with
        uneven = _unevenness(along(closer.reshape(len(values), -1)).reshape(closer.shape))
        begins = np.take_along_axis(closer, uneven.argmax(-1)[..., None] + 1, -1)[..., 0]
    return uneven.max(-1), begins, width


def _unevenness(values: Any) -> Any:
    """Return for each step between two neighbours, but the first and the last, how far it is from those beside it."""
    steps = np.diff(values, axis=-1)
    return np.abs(steps[..., 1:-1] - (steps[..., :-2] + steps[..., 2:]) / 2)


def _apart(uneven: Any) -> Any:
    """Return the indices of the largest numbers of each row, no two of them neighbours: one jump shows three times."""
    found = []
    for row in uneven.copy():
        chosen = []
        for _ in range(_PIECES):
            at = int(row.argmax())
            chosen.append(at)
            row[max(at - 1, 0) : at + 2] = -1
        found.append(chosen)
    return np.array(found)


def _lines(subject: Subject) -> tuple[Any, Any, Any]:
    """Return labels, and for each of them the predictions at both ends of a line."""
    if subject.inputs == "large_images":
        message = "a line of such images would take too long"
        raise Skip(message)
    y_true, starts = sample(subject, _SAMPLES)
    _, ends = sample(subject, _SAMPLES, seed=1)
    y_true, starts, ends = (np.asarray(one) for one in (y_true, starts, ends))
    if not np.issubdtype(starts.dtype, np.floating):
        message = "its predictions are whole numbers, with nothing between them"
        raise Skip(message)
    starts, ends = starts.astype("float64"), ends.astype("float64")
    if subject.inputs == "values":  # from far below or above a label to far on the other side of it
        starts, ends = y_true - _FAR * starts, y_true + _FAR * starts
    return y_true, starts, ends
