"""What labels and a network say of the places of a detector's grids: where a box is, whether there is one, and what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

__all__ = ["Places", "bins_of", "corners", "in_bins", "read_places"]

_BEFORE_CLASSES = 5
_PLACE = 7
_SIDES = 4
_FEWEST_BINS = 2
_LARGEST_LOG_SIDE = 16.0  # e^16 anchors is beyond any image, and its area is still finite in float32
_LARGEST_LOGIT = 1e30  # the softmax of an infinite one is NaN, and what has no box may say anything


@dataclass(frozen=True, eq=False)
class Places:
    """The places of some images, R in each; see `kzoo_plugins.losses.yolo.YOLO` for their numbers.

    Attributes:
        truth: The box in parts of the image, the objectness, the classes, (N, R, 5 + K), with NaN for what is none.
        place: Column, row, the grid's columns and rows, the anchor's sides, ``scale_x_y``, and k where it is told.
        kind: k, (N, R), or None where it is not told.
        bins: How many bins each side of a box is said by, 0 where a box is said by four numbers.
        present: 1 where a box is, else 0, (N, R).
        true: The corners of the boxes that are there, in cells, (N, R, 4).
        said: Those that the network says, (N, R, 4).
        centre: The centres that it says, in cells, (N, R, 2), where there are no bins.
        box: The numbers of the boxes as the network says them: (N, R, 4), or the logits of bins (N, R, 4, B).
        objectness: The logit of there being a box, (N, R).
        classes: The logits of the classes, (N, R, K).
    """

    truth: Any
    place: Any
    kind: Any
    bins: int
    present: Any
    true: Any
    said: Any
    centre: Any
    box: Any
    objectness: Any
    classes: Any

    @property
    def cells(self) -> Any:
        """Columns and rows of the grid of each place, (N, R, 2)."""
        return self.place[..., 2:4]

    @property
    def bounded(self) -> Any:
        """Where sides are at most four anchors, k being 1, (N, R, 1), or None where no kind is told."""
        return _bounded(self.kind)


def read_places(y_true: Any, y_pred: Any, what: str) -> Places:
    """Return what labels and predictions say, both of the same floating type.

    Raises:
        ValueError: The two do not belong together.
    """
    bins = bins_of(y_true, y_pred, what)
    at = _SIDES * (bins or 1)  # of the objectness, which the classes follow
    numbers = y_pred.shape[-1] - at + _SIDES
    truth, place = _known(y_true[..., :numbers]), y_true[..., numbers:]
    kind = place[..., _PLACE] if place.shape[-1] > _PLACE else None
    # All boxes in cells, whose sides are equal: a ratio of sides is then one, also where the image is no square.
    cells, box, centre = place[..., 2:4], y_pred[..., :at], None
    if bins:
        logits = ops.clip(box, -_LARGEST_LOGIT, _LARGEST_LOGIT)
        box = ops.reshape(logits, (*ops.shape(y_pred)[:2], _SIDES, bins))
        said = _mean_boxes(box, place[..., :2])
    else:
        scale = place[..., 6:7]
        centre = place[..., :2] + ops.sigmoid(box[..., :2]) * scale - (scale - 1) / 2
        said = corners(centre, _factors(box[..., 2:4], _bounded(kind)) * place[..., 4:6] * cells)
    return Places(
        truth=truth,
        place=place,
        kind=kind,
        bins=bins,
        present=ops.cast(ops.equal(truth[..., 4], 1), y_pred.dtype),
        true=corners(truth[..., :2] * cells, truth[..., 2:4] * cells),
        said=said,
        centre=centre,
        box=box,
        objectness=y_pred[..., at],
        classes=y_pred[..., at + 1 :],
    )


def corners(centre: Any, sides: Any) -> Any:
    """Return x1, y1, x2, y2 of boxes, (..., 4)."""
    return ops.concatenate([centre - sides / 2, centre + sides / 2], -1)


def in_bins(boxes: Any, cell: Any) -> Any:
    """Return left, top, right and bottom of boxes, (..., 4), as bins count them.

    Left and top are counted in cells from the far edge of the cell, right and bottom from its near edge, so that none
    is below 0 for a box whose centre is in the cell, however small it is.

    Args:
        boxes: Corners in cells, (..., 4).
        cell: Column and row of the cell, (..., 2).
    """
    return ops.concatenate([cell + 1 - boxes[..., :2], boxes[..., 2:] - cell], -1)


def bins_of(y_true: Any, y_pred: Any, what: str) -> int:
    """Return how many bins each side of a box is said by, 0 where a box is said by four numbers.

    Raises:
        ValueError: The two do not belong together.
    """
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    ranks = len(true_shape) == len(pred_shape) == 3  # noqa: PLR2004 - images, places, numbers
    if ranks and all(a is None or b is None or a == b for a, b in zip(true_shape[:-1], pred_shape[:-1], strict=True)):
        numbers, more = pred_shape[-1], true_shape[-1] - pred_shape[-1]
        if more in (_PLACE, _PLACE + 1) and numbers > _BEFORE_CLASSES:
            return 0
        # Labels are 4 + 1 + K + 8 numbers and predictions 4 B + 1 + K.
        bins, rest = divmod(_SIDES + _PLACE + 1 - more, _SIDES)
        if rest == 0 and bins >= _FEWEST_BINS and numbers > _SIDES * bins + 1:
            return int(bins)
    message = (
        f"`{what}` takes y_pred of shape (N, places, 5 + classes) and y_true of shape (N, places, 12 + classes) or "
        "(N, places, 13 + classes), or with B bins for each side y_pred of shape (N, places, 4 B + 1 + classes) and "
        f"y_true of shape (N, places, 13 + classes), not {pred_shape} and {true_shape}."
    )
    raise ValueError(message)


def _mean_boxes(logits: Any, cell: Any) -> Any:
    """Return the corners in cells that the means of bins tell, (..., 4); `in_bins` says how bins count.

    Args:
        logits: Of the B bins of each side, (..., 4, B).
        cell: Column and row of the cell, (..., 2).
    """
    lengths = ops.sum(ops.softmax(logits, axis=-1) * ops.arange(logits.shape[-1], dtype=logits.dtype), -1)
    one, other = cell + 1 - lengths[..., :2], cell + lengths[..., 2:]
    # Two sides may cross; between them is a box all the same.
    return ops.concatenate([ops.minimum(one, other), ops.maximum(one, other)], -1)


def _bounded(kind: Any) -> Any:
    return None if kind is None else ops.expand_dims(ops.equal(kind, 1), -1)


def _factors(numbers: Any, bounded: Any) -> Any:
    """Return what the anchors' sides are multiplied by."""
    factors = ops.exp(ops.minimum(numbers, _LARGEST_LOG_SIDE))
    return factors if bounded is None else ops.where(bounded, ops.square(2 * ops.sigmoid(numbers)), factors)


def _known(truth: Any) -> Any:
    """Return what is said of each place, with NaN for an objectness that is not -1, 0 or 1, and a class that is none.

    What a place without a box says of classes is not read, so it may be anything.
    """
    objectness, classes = truth[..., 4:_BEFORE_CLASSES], truth[..., _BEFORE_CLASSES:]
    right = ops.logical_or(ops.abs(objectness) == 1, objectness == 0)
    read = ops.logical_and(objectness == 1, ops.logical_not(ops.logical_and(classes >= 0, classes <= 1)))
    nan = float("nan")
    return ops.concatenate([truth[..., :4], ops.where(right, objectness, nan), ops.where(read, nan, classes)], axis=-1)
