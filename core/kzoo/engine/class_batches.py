"""Batches of some classes with some examples of each, as losses need that compare the examples of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["class_batches"]

_FEWEST = 2  # classes in a batch


def class_batches(labels: np.ndarray, per_class: int) -> Callable[[Any, int, int], Any]:
    """Return a `kzoo.pipeline.Built.batch_order`: in each step P different classes, and K different examples of each.

    P is the batch size divided by K, or all classes where that is more; K is then as large as the batch has room for.
    Classes are dealt like cards: none comes a second time before all others came, but for the few that are left over
    when P does not divide their number. A class goes through its examples likewise, and one with fewer than K repeats
    them. So in an epoch each class is seen as often as any other, however many examples it has.

    The examples of a class stand side by side in the batch.

    Args:
        labels: The class of each example, whole numbers of shape (N,).
        per_class: K, at least 1.
    """
    _, classes, counts = np.unique(np.asarray(labels).reshape(-1), return_inverse=True, return_counts=True)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])

    def order(seed: Any, steps: int, batch_size: int) -> Any:
        wide = min(len(counts), batch_size // per_class)
        if wide < _FEWEST:
            raise UsageError(_too_few(len(counts), batch_size, per_class))
        each = max(per_class, batch_size // wide)
        deals = len(counts) // wide
        rounds = -(-steps // deals)
        seeds = [tf.random.experimental.stateless_fold_in(seed, number) for number in (1, 2)]
        cards = tf.argsort(tf.random.stateless_uniform((rounds, len(counts)), seeds[0]), axis=1)
        chosen = tf.reshape(cards[:, : deals * wide], (rounds * deals, wide))[:steps]
        # Each class's own examples in a new order, side by side: a number below 1 is added to that of the class.
        keys = classes + tf.random.stateless_uniform((len(classes),), seeds[1], dtype=tf.float64)
        shuffled = tf.argsort(keys)
        turn = tf.repeat(tf.range(rounds, dtype=tf.int64), deals)[:steps]
        place = turn[:, None, None] * each + tf.range(each, dtype=tf.int64)
        own = tf.gather(tf.constant(counts, tf.int64), chosen)[:, :, None]
        first = tf.gather(tf.constant(starts, tf.int64), chosen)[:, :, None]
        found = tf.gather(shuffled, first + place % own)
        return tf.cast(tf.reshape(found, (steps, wide * each)), tf.int64)

    return order


def _too_few(classes: int, batch_size: int, per_class: int) -> str:
    if classes < _FEWEST:
        return f"There is {classes} class to learn from, and the examples of a batch are compared with those of others."
    return (
        f"A batch of {batch_size} (`train.batch_size`) with {per_class} examples of each class has fewer than "
        f"{_FEWEST} classes, and there is nothing to compare. Take at least {_FEWEST * per_class}."
    )
