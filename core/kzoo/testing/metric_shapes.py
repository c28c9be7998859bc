"""Checks of a metric on predictions with steps or positions: axes, masks, and weights for samples and for steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.testing.loss_images import hold_to_turns
from kzoo.testing.loss_shapes import GRID, REFUSALS, STEPS
from kzoo.testing.metric_state import measured
from kzoo.testing.report import Skip
from kzoo.testing.samples import sample
from kzoo.testing.tools import close, differ, raised_by_tensorflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.testing.subject import Subject

__all__ = ["higher_rank", "mask", "positions", "step_weights", "turned_images", "with_positions"]

_ANY_RANK = ("values", "binary", "multilabel", "signs", "positive", "quantiles", "classes")
"""The inputs whose samples can be steps of a sequence, or positions of an image."""

_STEPS = 6
"""As many steps as samples, so that weights that are broadcast along the wrong axis go through."""

_KEPT = np.tril(np.ones((_STEPS, _STEPS), bool))
_WEIGHTS = _KEPT * (1 + np.eye(_STEPS, dtype="float32"))


def with_positions(subject: Subject, *shape: int, form: str | None = None) -> tuple[Any, Any]:
    """Return labels and predictions with ``shape`` in the place of the samples' axis."""
    if subject.inputs not in _ANY_RANK:
        message = "its predictions have no steps"
        raise Skip(message)
    y_true, y_pred = sample(subject, int(np.prod(shape)), form=form)
    return y_true.reshape(*shape, *y_true.shape[1:]), y_pred.reshape(*shape, *y_pred.shape[1:])


def positions(subject: Subject) -> None:
    """Steps, or rows and columns, count as they do as samples, or the result is the mean of what each sample gives."""
    taken = False
    for form in subject.forms or ("",):
        known = {"label_form": form} if len(subject.forms) > 1 else {}
        for shape in STEPS, GRID:
            y_true, y_pred = with_positions(subject, *shape, form=form)
            flat = [np.reshape(one, (-1, *one.shape[len(shape) :])) for one in (y_true, y_pred)]
            try:
                saw = measured(subject, (y_true, y_pred), **known)
            except REFUSALS:
                continue
            taken = True
            expected = measured(subject, flat, **known)
            if not differ(saw, expected):
                continue
            of_samples = [measured(subject, pair, **known) for pair in zip(y_true, y_pred, strict=True)]
            if differ(saw, np.mean(of_samples, 0)):
                close(saw, expected, f"predictions of shape {y_pred.shape}, against rows as samples", y_true=y_true)
    if not taken:
        message = "it takes no predictions with positions"
        raise Skip(message)


def turned_images(subject: Subject) -> None:
    """Images and volumes turned over or on their side keep their result, and so does a row of pixels as an image."""
    hold_to_turns(subject, lambda *pair, **known: measured(subject, pair, **known), "the result")


def mask(subject: Subject) -> None:
    """A mask of steps leaves masked steps out, or is refused with a clear error as steps have no value of their own."""

    def give(y_true: Any, y_pred: Any) -> Any:
        masked = tf.constant(y_pred)
        masked._keras_mask = tf.constant(_KEPT)  # noqa: SLF001 - how Keras layers hand a mask on
        metric = subject.make()
        metric.update_state(tf.constant(y_true), masked)
        return metric.result()

    _steps_left_out(subject, give, "the result with a mask", _KEPT.astype("float32"))


def step_weights(subject: Subject) -> None:
    """Weights of shape (N, T) weigh steps, or are refused with a clear error as these have no value of their own."""

    def give(y_true: Any, y_pred: Any) -> Any:
        metric = subject.make()
        metric.update_state(tf.constant(y_true), tf.constant(y_pred), sample_weight=tf.constant(_WEIGHTS))
        return metric.result()

    _steps_left_out(subject, give, "the result with weights of shape (N, T)", _WEIGHTS)


def _steps_left_out(subject: Subject, give: Callable[[Any, Any], Any], what: str, weights: Any) -> None:
    """Hold a result with weights of steps to that of the steps given as samples, as often as their weights say."""
    y_true, y_pred = with_positions(subject, _STEPS, _STEPS)
    flat = y_true.reshape(-1, *y_true.shape[2:]), y_pred.reshape(-1, *y_pred.shape[2:])
    try:
        plain = measured(subject, (y_true, y_pred))
    except REFUSALS:
        message = "it takes no steps"
        raise Skip(message) from None
    try:
        saw = give(y_true, y_pred)
    except ValueError as error:
        if raised_by_tensorflow(error):
            raise
        return
    if not differ(plain, measured(subject, flat)):
        times = np.repeat(np.arange(weights.size), weights.ravel().astype(int))
        expected = measured(subject, (flat[0][times], flat[1][times]))
        # The mean over samples of what each of them gives is another thing, and leaves the steps out, too.
        same = differ(saw, expected) and not differ(plain, _mean_of_samples(subject, y_true, y_pred, weights**0))
        if not same or differ(saw, _mean_of_samples(subject, y_true, y_pred, weights)):
            close(saw, expected, what, weights=weights, y_pred=y_pred)
    gone = weights == 0
    others = y_true.copy(), y_pred.copy()
    if y_true.shape == y_pred.shape:  # an exact match is what changes most results
        others[1][gone] = y_true[gone]
    else:
        for changed in others:
            changed[gone] = changed[~gone][: gone.sum()]
    close(give(*others), saw, f"{what}, after the steps of weight 0 were changed", weights=weights, y_pred=y_pred)


def _mean_of_samples(subject: Subject, y_true: Any, y_pred: Any, weights: Any) -> Any:
    """Return the mean of the results of each sample alone, its steps given as often as their weights say."""
    found = []
    for true, pred, weight in zip(y_true, y_pred, weights, strict=True):
        times = np.repeat(np.arange(len(weight)), weight.astype(int))
        found.append(measured(subject, (true[times], pred[times])))
    return np.mean(found, 0)


def higher_rank(subject: Subject) -> None:
    """Predictions of three and four axes are weighed sample by sample, with weights of shape (N,) and (N, 1)."""
    tried = 0
    # As many steps as samples, so that weights that are broadcast along the wrong axis go through.
    for shape in ((4, 4), (4, 2, 4)):
        y_true, y_pred = with_positions(subject, *shape)
        twice = [0, 1, 2, 2]
        try:
            expected = measured(subject, (y_true[twice], y_pred[twice]))
        except REFUSALS:
            continue
        tried += 1
        weights = np.array([1, 1, 2, 0], "float32")
        what = f"predictions of shape {y_pred.shape}, a weight of 2 against the sample given twice, weights of shape"
        close(measured(subject, (y_true, y_pred), weight=weights), expected, f"{what} (N,)")
        try:
            saw = measured(subject, (y_true, y_pred), weight=weights[:, None])
        except ValueError:  # a clear refusal is fine: more axes than one can be meant for steps
            continue
        close(saw, expected, f"{what} (N, 1)")
    if not tried:
        message = "it takes no predictions of three or four axes"
        raise Skip(message)
