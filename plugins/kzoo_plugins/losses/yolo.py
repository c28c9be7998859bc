"""The loss of YOLOv3: where the boxes are, whether there is anything, and what it is."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import Loss, widen
from kzoo_plugins.losses.boxes import ciou, diou, giou
from kzoo_plugins.losses.corners import intersection_and_union
from kzoo_plugins.losses.distribution import dfl
from kzoo_plugins.losses.places import bins_of, corners, in_bins, read_places
from kzoo_plugins.losses.siou import siou
from kzoo_plugins.losses.wiou import wiou

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kzoo_plugins.losses.places import Places

__all__ = ["YOLO", "yolo_parts"]

_BOX_LOSSES = {"giou": giou, "diou": diou, "ciou": ciou, "siou": siou, "wiou": wiou}
_BOX = ("mse", *_BOX_LOSSES)
_OBJECTNESS = ("crossentropy", "focal")
_SIDE_LOSSES = ("", "dfl")
_PARTS = ("box", "sides", "objectness", "class")
_BEFORE_CLASSES = 5
_NUMBERS, _EXCLUSIVE, _BINS = (0, 1, 2), 2, 3
"""The kinds of places that say a box by numbers, that whose classes exclude each other, and that with bins."""


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class YOLO(Loss):
    """YOLOv3's loss: the error of the boxes, crossentropy of their presence, crossentropy of their classes.

    A detector has a fixed list of places, R of them: each cell of each grid with each anchor. At each place it says
    five numbers and one for each class: tx, ty, tw, th, to, c1 ... cK. The labels say which places are responsible for
    a box, and where each place is.

    Formula, for one image; P are the places that a box is assigned to, W and H the grid's cells across and down, s the
    grid's `scale_x_y`:

    ```
    x = (column + s sigmoid(tx) - (s - 1) / 2) / W        w = anchor_w exp(tw)        likewise y and h
    box        = sum over P of (2 - w_true h_true) B,
                 B = ((x - x_true)^2 W^2 + (y - y_true)^2 H^2 + (tw - tw_true)^2 + (th - th_true)^2) / 2 for `mse`,
                 else the loss of that name between the two boxes
    objectness = sum over P of E(to, 1) + sum over the others of E(to, 0), E the crossentropy or the focal loss of
                 sigmoid(to); left out are the others whose box has an IoU above `ignore` with a box that is there
    class      = sum over P and K of the binary crossentropy of sigmoid(c)
    yolo       = box_weight box + objectness_weight objectness + class_weight class
    ```

    A part is a sum over the image, not a mean over the places: a box counts the same in a small image and a large one.

    Other networks read a place's numbers in another way, and their labels say so with one more number for each place,
    k. Where k is 1 (Scaled-YOLOv4 and YOLOv7, ``new_coords`` in Darknet) w = anchor_w (2 sigmoid(tw))^2, and `mse`
    compares sigmoid(tw) with sqrt(w_true / anchor_w) / 2. Where k is 2 (YOLOv2, ``region`` in Darknet) the classes
    exclude each other, and `class` is the crossentropy of their softmax.

    Where k is 3 a place says each side of its box as a distribution over B bins, of which the mean counts, as detectors
    since GFL do. With m the mean of the bins 0 to B - 1 under the softmax of a side's logits,

    ```
    x1 = (column + 1 - m_left) / W     x2 = (column + m_right) / W     likewise y1 and y2
    sides = sum over P of (2 - w_true h_true) dfl, of the true sides in these bins
    ```

    and sides_weight sides is added to `yolo`. The bins are -1/2, 1/2, 3/2, ... cells from the cell's centre: a box may
    have its centre anywhere in the cell, and a small one may lie wholly on one side of the cell's own.

    Args:
        box: The loss between boxes: "mse" as in the paper, "giou", "diou", "ciou", "siou" or "wiou". Defaults to
            "ciou" where `sides` is given, else to "mse". "mse" compares numbers that places with bins do not say.
        objectness: "crossentropy", or "focal" for the focal loss with `gamma`. Defaults to "crossentropy".
        ignore: Places without a box are not blamed where what they say has a higher IoU with a box, between 0 and 1;
            1 blames all. Defaults to 0.5.
        box_weight: The weight of the boxes. Defaults to 1.
        objectness_weight: The weight of the objectness. Defaults to 1.
        class_weight: The weight of the classes. Defaults to 1.
        gamma: The exponent of the focal loss. Defaults to 2.
        label_smoothing: How far the labels of the classes are moved from 0 and 1 towards 1/2, at least 0 and below 1.
            Defaults to 0.
        most_boxes: How many boxes of an image are compared for `ignore`, at least 1. Defaults to 100.
        sides: The loss of the bins of each side beside that between boxes: "dfl", the distribution focal loss, or empty
            for none. Defaults to none.
        sides_weight: The weight of the sides. Defaults to 0.2, which is Ultralytics' 1.5 to 7.5 of its boxes.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "yolo".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Shape (N, R, 5 + K + 7), or (N, R, 5 + K + 8) with k, which places with bins need. Of each place: the
            centre x, y, width and height of its box, as parts of the image's width and height; 1 where it has a box, 0
            where not, -1 where it does not count; the classes, one-hot; then its column, its row, the grid's columns
            and rows, the anchor's width and height as parts of the image's, the grid's `scale_x_y`, and k, which is 0,
            1 or 2, and with bins 3. An objectness or a k that is none of these gives NaN, and so does an entry of the
            classes of a box that is not between 0 and 1, and with `sides` a box that reaches beyond the last bin.
        y_pred: Shape (N, R, 5 + K): what the network says, before any sigmoid. With bins (N, R, 4 B + 1 + K): the
            logits of those of the left side, the top, the right and the bottom, the objectness, the classes.

    Raises:
        ValueError: An argument is outside of what is said above; the shapes do not belong together; `sides` is given
            and there are no bins, or there are and `box` is "mse".

    Example:
        >>> place = [0.0, 0.0, 1.0, 1.0, 0.5, 0.5, 1.0]
        >>> y_true = [[[0.5, 0.5, 0.5, 0.5, 1.0, 1.0, *place]]]
        >>> [round(float(part[0]), 4) for part in yolo_parts(y_true, keras.ops.zeros((1, 1, 6))).values()]
        [0.0, 0.6931, 0.6931]

    References:
        - [Redmon, Farhadi, 2018](https://arxiv.org/abs/1804.02767), YOLOv3: An Incremental Improvement
        - [Wang, Bochkovskiy, Liao, 2021](https://arxiv.org/abs/2011.08036), Scaled-YOLOv4
        - [Redmon, Farhadi, 2017](https://arxiv.org/abs/1612.08242), YOLO9000: Better, Faster, Stronger
        - [Li et al., 2020](https://arxiv.org/abs/2006.04388), Generalized Focal Loss
    """

    def __init__(
        self,
        box: str | None = None,
        objectness: str = "crossentropy",
        ignore: float = 0.5,
        box_weight: float = 1.0,
        objectness_weight: float = 1.0,
        class_weight: float = 1.0,
        gamma: float = 2.0,
        label_smoothing: float = 0.0,
        most_boxes: int = 100,
        sides: str = "",
        sides_weight: float = 0.2,
        reduction: str | None = "sum_over_batch_size",
        name: str = "yolo",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        box = box or ("ciou" if sides else "mse")
        _check_words(box, objectness, sides)
        self.weights = dict(zip(_PARTS, (box_weight, sides_weight, objectness_weight, class_weight), strict=True))
        _check_numbers(ignore, gamma, label_smoothing, most_boxes, self.weights)
        self.box, self.objectness, self.ignore, self.sides = box, objectness, ignore, sides
        self.gamma, self.label_smoothing, self.most_boxes = gamma, label_smoothing, most_boxes

    @property
    def part_names(self) -> tuple[str, ...]:
        """The names of its parts; ``sides`` is one of them where bins are trained."""
        return tuple(name for name in _PARTS if self.sides or name != "sides")

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return the two as they are; raise ``ValueError`` where they do not belong together."""
        _check_bins(bins_of(y_true, y_pred, self.name), self.box, self.sides, self.name)
        return y_true, y_pred

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each image, shape ``(N,)``."""
        return sum(self.parts(y_true, y_pred).values())

    def parts(self, y_true: Any, y_pred: Any) -> dict[str, Any]:
        """Return the weighted parts of the loss by name, each of shape ``(N,)``; they add up to it."""
        found = yolo_parts(
            y_true,
            y_pred,
            box=self.box,
            objectness=self.objectness,
            ignore=self.ignore,
            gamma=self.gamma,
            label_smoothing=self.label_smoothing,
            most_boxes=self.most_boxes,
            sides=self.sides,
        )
        return {name: self.weights[name] * value for name, value in found.items()}


def yolo_parts(
    y_true: Any,
    y_pred: Any,
    *,
    box: str = "mse",
    objectness: str = "crossentropy",
    ignore: float = 0.5,
    gamma: float = 2.0,
    label_smoothing: float = 0.0,
    most_boxes: int = 100,
    sides: str = "",
) -> dict[str, Any]:
    """Return the parts ``box``, ``objectness`` and ``class`` of each image, unweighted; see `YOLO` for the formulas.

    With ``sides`` also the part of that name.

    Example:
        >>> nothing = [[[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.5, 0.5, 1.0]]]
        >>> [round(float(part[0]), 4) for part in yolo_parts(nothing, keras.ops.zeros((1, 1, 6))).values()]
        [0.0, 0.6931, 0.0]
    """
    y_pred = widen(y_pred)
    at = read_places(ops.cast(ops.convert_to_tensor(y_true), y_pred.dtype), y_pred, "yolo")
    _check_bins(at.bins, box, sides, "yolo")
    here = at.present > 0
    small = 2 - at.truth[..., 2] * at.truth[..., 3]
    errors = _squares(at) if box == "mse" else _BOX_LOSSES[box](at.true, at.said)
    counted, blamed = _blame(at, objectness, ignore, gamma, most_boxes)
    # Selected, not multiplied: what a place without a box says of it may be infinite, and 0 times that is NaN.
    found = {
        "box": ops.sum(ops.where(here, small * errors, 0.0), -1),
        "objectness": ops.sum(ops.where(counted > 0, blamed, 0.0), -1),
        "class": ops.sum(ops.where(here, _naming(at, label_smoothing), 0.0), -1),
    }
    if sides:
        # What lies beyond the bins is NaN, also in the gradient of what is not selected afterwards.
        lengths = ops.where(ops.expand_dims(here, -1), in_bins(at.true, at.place[..., :2]), 0.0)
        found["sides"] = ops.sum(ops.where(here, small * dfl(lengths, at.box), 0.0), -1)
    return found


def _squares(at: Places) -> Any:
    """Return the squared errors of the numbers of each box, as in the paper."""
    here = ops.expand_dims(at.present, -1) > 0
    anchor = ops.where(here, at.place[..., 4:6], 1.0)
    true_factors = ops.maximum(ops.where(here, at.truth[..., 2:4], 1.0), 1e-9) / anchor
    numbers = at.box[..., 2:4]
    wrong_sides = numbers - ops.log(true_factors)
    if at.bounded is not None:
        missed = ops.sigmoid(numbers) - ops.sqrt(true_factors) / 2
        wrong_sides = ops.where(at.bounded, missed, wrong_sides)
    wrong = ops.square(at.centre - at.truth[..., :2] * at.cells) + ops.square(wrong_sides)
    return ops.sum(wrong, -1) / 2


def _blame(at: Places, objectness: str, ignore: float, gamma: float, most_boxes: int) -> tuple[Any, Any]:
    """Return which places count for the objectness, above 0, and the loss of that of each."""
    # Between grids, boxes are compared in parts of the image: the cells of each grid are its own.
    whole = corners(at.truth[..., :2], at.truth[..., 2:4])
    seen = ops.stop_gradient(at.said) / ops.concatenate([at.cells, at.cells], -1)
    counted = ops.where(_found(whole, at.present, seen, ignore, most_boxes), at.present, 1.0)
    counted = ops.where(at.truth[..., 4] < 0, 0.0, counted)
    blamed = _presence(at.present, at.objectness, objectness, gamma)
    unknown = ops.isnan(at.truth[..., 4])
    if at.kind is not None:
        kinds = (_BINS,) if at.bins else _NUMBERS
        known = functools.reduce(ops.logical_or, [ops.equal(at.kind, kind) for kind in kinds])
        counted, blamed = ops.where(known, counted, 1.0), blamed * ops.where(known, 1.0, float("nan"))
    return ops.where(unknown, 1.0, counted), ops.where(unknown, blamed * at.truth[..., 4], blamed)


def _naming(at: Places, label_smoothing: float) -> Any:
    """Return the loss of the classes of each place."""
    true = at.truth[..., _BEFORE_CLASSES:]
    named = ops.sum(_crossentropy(true * (1 - label_smoothing) + label_smoothing / 2, at.classes), -1)
    if at.kind is None:
        return named
    exclusive = ops.logical_and(ops.equal(at.kind, _EXCLUSIVE), at.present > 0)
    # Of what is not selected afterwards, infinite logits would make the gradient NaN.
    logits = ops.where(ops.expand_dims(exclusive, -1), at.classes, 0.0)
    return ops.where(exclusive, _one_of_them(true, logits, label_smoothing), named)


def _one_of_them(classes: Any, logits: Any, label_smoothing: float) -> Any:
    """Return the crossentropy of classes that exclude each other, whose labels are smoothed towards 1 / K."""
    classes = classes * (1 - label_smoothing) + label_smoothing / classes.shape[-1]
    return -ops.sum(classes * ops.log_softmax(logits, axis=-1), -1)


def _crossentropy(label: Any, logit: Any) -> Any:
    # Smooth everywhere: the usual form with the logit's absolute value has a wrong slope at a logit of exactly 0.
    return label * ops.softplus(-logit) + (1 - label) * ops.softplus(logit)


def _presence(present: Any, logit: Any, objectness: str, gamma: float) -> Any:
    """Return the loss of each place's objectness."""
    loss = _crossentropy(present, logit)
    if objectness == "crossentropy":
        return loss
    # The probability of the wrong answer, from the logit with the label's sign: sigmoid(-x) for 1, sigmoid(x) for 0.
    wrong = ops.sigmoid(ops.where(present > 0, -logit, logit))
    return ops.power(ops.maximum(wrong, 1e-30), gamma) * loss


def _found(true: Any, present: Any, said: Any, ignore: float, most: int) -> Any:
    """Return where what a place says has an IoU above ``ignore`` with a box of its image; (N, R), boolean.

    The boxes of an image are at the places they were assigned to, wherever that is: they are brought together first.
    """
    if ignore >= 1:
        return ops.zeros_like(present, dtype="bool")
    places = true.shape[1]
    most = ops.minimum(most, ops.shape(true)[1]) if places is None else min(most, places)
    values, rows = ops.top_k(present, most)
    boxes = ops.take_along_axis(true, ops.expand_dims(rows, -1), axis=1)
    intersection, union = intersection_and_union(ops.expand_dims(boxes, 1), ops.expand_dims(said, 2))
    overlaps = ops.where(ops.expand_dims(values, 1) > 0, intersection / ops.maximum(union, 1e-12), 0.0)
    return ops.max(overlaps, -1) > ignore


def _check_bins(bins: int, box: str, sides: str, what: str) -> None:
    """Refuse a loss of bins where there are none, and one of numbers where there are bins."""
    if sides and not bins:
        message = (
            f"`{what}` with sides={sides} compares distributions over bins, and the network says each box by four "
            "numbers. Give it bins, such as -o model.bins=16, or leave `sides` out."
        )
        raise ValueError(message)
    if bins and box == "mse":
        message = (
            f"`{what}` with box=mse compares the numbers of a box one by one, and the network says its sides as "
            f"distributions over {bins} bins. Take a loss between boxes, such as box=ciou, and sides=dfl beside it; or "
            "a network without bins, model.bins=0."
        )
        raise ValueError(message)


def _check_words(box: str, objectness: str, sides: str) -> None:
    if box not in _BOX:
        message = f"`box` must be one of {', '.join(_BOX)}, not {box!r}."
        raise ValueError(message)
    if objectness not in _OBJECTNESS:
        message = f"`objectness` must be crossentropy or focal, not {objectness!r}."
        raise ValueError(message)
    if sides not in _SIDE_LOSSES:
        message = f"`sides` must be dfl, or empty for no loss of bins, not {sides!r}."
        raise ValueError(message)


def _check_numbers(
    ignore: float, gamma: float, smoothing: float, most_boxes: int, weights: Mapping[str, float]
) -> None:
    if not 0 <= ignore <= 1:
        message = f"`ignore` must be between 0 and 1, not {ignore}."
        raise ValueError(message)
    if not (math.isfinite(gamma) and gamma >= 0):
        message = f"`gamma` must be a finite number of at least 0, not {gamma}."
        raise ValueError(message)
    if not 0 <= smoothing < 1:
        message = f"`label_smoothing` must be at least 0 and below 1, not {smoothing}."
        raise ValueError(message)
    if most_boxes < 1:
        message = f"`most_boxes` must be at least 1, not {most_boxes}."
        raise ValueError(message)
    for name, weight in weights.items():
        if not (math.isfinite(weight) and weight >= 0):
            message = f"`{name}_weight` must be a finite number of at least 0, not {weight}."
            raise ValueError(message)
