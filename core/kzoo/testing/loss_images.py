"""The check that images may be turned, and how labels and predictions are turned for losses and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.testing.loss_shapes import REFUSALS
from kzoo.testing.report import Skip
from kzoo.testing.samples import SIDES, sample
from kzoo.testing.tools import close, differ, per_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kzoo.testing.subject import Subject

__all__ = ["hold_to_turns", "turned_images"]

_VOLUME = (2, 2, 3)
"""As many positions as a sample's mask has, with the first and the last axis of different sizes."""


def turned_images(subject: Subject) -> None:
    """Images and volumes turned over or on their side keep their value, and so does a row of pixels as an image."""

    def value(y_true: Any, y_pred: Any, **known: Any) -> Any:
        found = per_sample(subject, y_true, y_pred, **known)
        # Values of positions are turned, too: of each sample their mean is compared.
        return found.reshape(len(found), -1).mean(-1) if found.ndim else found

    hold_to_turns(subject, value, "the values")


def hold_to_turns(subject: Subject, value: Callable[..., Any], what: str) -> None:
    """Hold a result to what the same images give when they are turned.

    A sum over the rows alone, or over two axes wherever there are three, is another one then, also to what looks at
    neighbours: these stay neighbours.

    Args:
        subject: The component, for its inputs and forms of labels.
        value: Returns its result for labels and predictions; takes ``label_form``.
        what: What the result is, for the message.

    Raises:
        Skip: Its inputs are no images.
    """
    if subject.inputs not in ("masks", *SIDES):
        message = "its inputs are no images"
        raise Skip(message)
    for form in subject.forms or ("",):
        known = {"label_form": form} if len(subject.forms) > 1 else {}
        y_true, y_pred = sample(subject, 1 if subject.inputs == "large_images" else 2, form=form)
        for note, (first, *others) in _turns(subject, y_true, y_pred):
            try:
                expected = value(*first, **known)
            except REFUSALS:
                continue  # it takes images of two axes only
            for other in others:
                shapes = f"y_pred of shape {other[1].shape}, against {first[1].shape}"
                close(value(*other, **known), expected, f"{what} of {note}: {shapes}", 1e-4)
        if subject.inputs == "masks":
            _in_any_order(y_true, y_pred, lambda *pair, known=known: value(*pair, **known), what)


def _in_any_order(y_true: Any, y_pred: Any, value: Callable[..., Any], what: str) -> None:
    """Hold a result to which the order of rows is nothing, so that it knows no neighbours, to any order of pixels."""
    expected = value(y_true, y_pred)
    rows = [2, 0, 3, 1]
    if differ(value(y_true[:, rows], y_pred[:, rows]), expected, 1e-4):
        return
    order = np.random.default_rng(9).permutation(int(np.prod(y_pred.shape[1:3])))
    mixed = _each(
        (y_true, y_pred), lambda one: one.reshape(len(one), len(order), *one.shape[3:])[:, order].reshape(one.shape)
    )
    close(value(*mixed), expected, f"{what} of pixels in another order, as that of rows changes nothing", 1e-4)


def _turns(subject: Subject, y_true: Any, y_pred: Any) -> Iterator[tuple[str, list[tuple[Any, Any]]]]:
    """Yield what is done to images, with labels and predictions as they were and as they are then."""
    pair = y_true, y_pred
    # Fewer rows of masks, so that numbers laid out class by class would not begin with a pixel each.
    rows = _each(pair, lambda one: one[:, :2]) if subject.inputs == "masks" else pair
    yield "images turned on their side", [rows, _each(rows, lambda one: np.swapaxes(one, 1, 2))]
    # An even number of columns, so that what looks at pairs of them has the same pairs.
    even = _each(pair, lambda one: one[:, :, :2]) if subject.inputs == "masks" else pair
    yield "images turned over", [even, _each(even, lambda one: one[:, ::-1, ::-1])]
    if subject.inputs != "masks":
        return

    def shaped(*axes: int) -> tuple[Any, Any]:
        return _each(pair, lambda one: np.reshape(one, (len(one), *axes, *one.shape[3:])))

    count = int(np.prod(_VOLUME))
    yield "pixels in a row, and as an image of one row or column", [shaped(count), shaped(1, count), shaped(count, 1)]
    volume = shaped(*_VOLUME)
    yield "volumes turned on their side", [volume, _each(volume, lambda one: np.swapaxes(one, 1, 3))]


def _each(pair: tuple[Any, Any], change: Callable[[Any], Any]) -> tuple[Any, Any]:
    return change(pair[0]), change(pair[1])
