"""The order of training examples, as a function of seed, epoch and step alone.

A run that stops anywhere can go on at the next step with the same batches: nothing is drawn from a generator that
remembers what came before.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.processor import usable_processors

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.data.splits import Split

__all__ = ["Moment", "TrainingBatches", "ordered_batches", "rows_of"]

_as_written = tf.autograph.experimental.do_not_convert
"""Leaves a function as it is: a map of tf.data rewrites Python's ``if`` and ``for`` otherwise, which takes longer."""

_MOST_AT_ONCE = 16
_AHEAD = 2

_ORDER, _AUGMENT, _WHOLE_RUN = 1, 2, 3  # what a random stream is for, so that no two streams are the same


@dataclass(frozen=True)
class Moment:
    """When in a training a batch is changed at random, and the seeds that all its randomness comes from.

    Attributes:
        seed: int64 tensor of shape (2,), different in every step.
        run_seed: int64 tensor of shape (2,), the same in every step: for what must not change each time.
        epoch: int64 scalar, counted from 0.
        step: int64 scalar, the number of the step in the whole training, from 0.
    """

    seed: Any
    run_seed: Any
    epoch: Any
    step: Any


@dataclass(frozen=True)
class TrainingBatches:
    """The batches of a whole training, epoch after epoch in one stream.

    Attributes:
        split: The training examples.
        batch_size: Examples in one step, over all workers; the last step of an epoch takes what is left.
        seed: The run's seed.
        augment: Called as ``augment(x, y, moment)`` on each batch, with a `Moment`; returns both. Or None.
        labels: Called as ``labels(y, x)`` on each batch of labels and inputs, or None.
        class_weight: What an example of each class counts, shape ``(K,)``; labels are then class indices, and batches
            hold sample weights as well: one for each example, or of masks, shape ``(N, H, W)``, one for each pixel, and
            0 where its label is no class. None where all count alike.
        batch_order: Which examples make a batch, ``batch_order(seed, steps, batch_size)``: called in a tf.data graph
            with an int64 tensor of shape (2,), another one in every epoch, it returns the indices of the examples of
            each step, int64 of shape ``(steps, n)``, n being at most ``batch_size``. None takes all in a random order.
    """

    split: Split
    batch_size: int
    seed: int
    augment: Callable[..., Any] | None = None
    labels: Callable[[Any, Any], Any] | None = None
    class_weight: np.ndarray | None = None
    batch_order: Callable[[Any, int, int], Any] | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Steps in one epoch."""
        return -(-len(self.split) // self.batch_size)

    @functools.cached_property
    def element_spec(self) -> Any:
        """The form of one batch; found once, since each dataset takes a second to be traced."""
        return self.dataset(1).element_spec

    def order(self, epoch: Any) -> Any:
        """Return the permutation of the examples in one epoch: int64 of shape ``(N,)``."""
        return tf.random.experimental.stateless_shuffle(
            tf.range(len(self.split), dtype=tf.int64), self._order_seed(epoch)
        )

    def dataset(
        self, epochs: int, *, epoch: int = 0, step: int = 0, shards: int = 1, shard: range = range(1)
    ) -> tf.data.Dataset:
        """Return the batches from ``step`` of ``epoch`` up to the end of the last of ``epochs``.

        Args:
            epochs: The epochs of the whole training.
            epoch: The epoch to start in, from 0.
            step: The step of that epoch to start at, from 0.
            shards: How many replicas share each batch.
            shard: Which of these equal parts to return, one after the other: those of the replicas of this process.
        """
        batches = self._batches(epochs, epoch, step)
        if shards > 1:

            @_as_written  # type: ignore[untyped-decorator]
            def parts(*batch: Any) -> tf.data.Dataset:
                numbers = tf.data.Dataset.range(shard.start, shard.stop)
                return numbers.map(lambda part: tf.nest.map_structure(lambda one: one[part::shards], batch))

            batches = batches.flat_map(parts)
        return _ahead(batches)

    def part(self, epochs: int, part: int, parts: int, *, epoch: int = 0, step: int = 0) -> tf.data.Dataset:
        """Return one part of each batch, beside the size of the whole batch, for one of several processes.

        Where examples are changed at random the whole batch is, and then divided: what an example becomes depends on
        its place in the batch, and may depend on others in it. Otherwise nothing but the part is read.

        Args:
            epochs: As for `dataset`, like ``epoch`` and ``step``.
            part: Which part: the examples ``part``, ``part + parts``, ...; the first one where there would be none.
            parts: How many parts there are.
            epoch: As for `dataset`.
            step: As for `dataset`.
        """
        if self.augment is None and _static(self.element_spec):
            return _ahead(self._batches(epochs, epoch, step, (part, parts)))

        @_as_written  # type: ignore[untyped-decorator]
        def divided(*batch: Any) -> Any:
            return rows_of(batch, part, parts), tf.shape(tf.nest.flatten(batch)[0])[0]

        whole = self._batches(epochs, epoch, step)
        return _ahead(whole.map(divided))

    def _batches(self, epochs: int, epoch: int, step: int, only: tuple[int, int] | None = None) -> tf.data.Dataset:
        """Return the batches, or of each one of so many parts and the size of the whole."""
        fetch, augment, labels, order = map(_rewritten, (self.split.fetch, self.augment, self.labels, self.batch_order))

        @_as_written  # type: ignore[untyped-decorator]
        def epoch_indices(number: Any) -> tf.data.Dataset:
            if order is None:
                batches = tf.data.Dataset.from_tensor_slices(self.order(number)).batch(self.batch_size)
            else:
                chosen = order(self._order_seed(number), self.steps_per_epoch, self.batch_size)
                batches = tf.data.Dataset.from_tensor_slices(tf.ensure_shape(chosen, (self.steps_per_epoch, None)))
            return batches.enumerate().map(lambda at, indices: (number, at, indices))

        @_as_written  # type: ignore[untyped-decorator]
        def batch(number: Any, at: Any, indices: Any) -> Any:
            size = tf.shape(indices)[0]
            x, y = fetch(indices if only is None else rows_of(indices, *only))
            if augment is not None:
                seed, step = self._augment_seed(number, at), number * self.steps_per_epoch + at
                x, y = augment(x, y, Moment(seed, self._run_seed(), number, step))
            encoded = y if labels is None else labels(y, x)
            found: tuple[Any, ...] = x, encoded
            if self.class_weight is not None:
                found = x, encoded, _weights(self.class_weight, y)
            return found if only is None else (found, size)

        indices = tf.data.Dataset.range(epoch, epochs).flat_map(epoch_indices).skip(step)
        return indices.map(batch, num_parallel_calls=_at_once(), deterministic=True)

    def _order_seed(self, epoch: Any) -> Any:
        seed = tf.stack([tf.constant(self.seed, tf.int64), _ORDER])
        return tf.random.experimental.stateless_fold_in(seed, epoch)

    def _run_seed(self) -> Any:
        return tf.stack([tf.constant(self.seed, tf.int64), _WHOLE_RUN])

    def _augment_seed(self, epoch: Any, step: Any) -> Any:
        seed = tf.stack([tf.constant(self.seed, tf.int64), _AUGMENT])
        for number in (epoch, step, tf.constant(0, tf.int64)):
            seed = tf.random.experimental.stateless_fold_in(seed, number)
        return seed


def _weights(class_weight: np.ndarray, labels: Any) -> Any:
    """Return the weight of each label, float32 of shape ``(N,)``, or that of masks."""
    if len(labels.shape) > 2:  # noqa: PLR2004 - more than a column: masks
        padded = np.concatenate([class_weight, np.zeros(256 - len(class_weight))])
        return tf.gather(tf.constant(padded, tf.float32), tf.cast(labels, tf.int32))
    return tf.gather(tf.constant(class_weight, tf.float32), tf.cast(tf.reshape(labels, [-1]), tf.int32))


def ordered_batches(
    split: Split,
    batch_size: int,
    labels: Callable[[Any, Any], Any] | None = None,
    *,
    part: int | None = None,
    parts: int = 1,
) -> tf.data.Dataset:
    """Return the examples of a split in their own order, in batches of inputs and labels, these by ``labels(y, x)``.

    With ``part``, each is one of ``parts`` parts of the batch, beside the size of the whole, as of `TrainingBatches`.
    """
    fetch, encode = map(_rewritten, (split.fetch, labels))

    @_as_written  # type: ignore[untyped-decorator]
    def batch(indices: Any) -> Any:
        x, y = fetch(indices)
        return x, y if encode is None else encode(y, x)

    @_as_written  # type: ignore[untyped-decorator]
    def divided(indices: Any) -> Any:
        assert part is not None, "a part is asked for"
        if _static(whole.element_spec):
            return batch(rows_of(indices, part, parts)), tf.shape(indices)[0]
        return rows_of(batch(indices), part, parts), tf.shape(indices)[0]

    indices = tf.data.Dataset.range(len(split)).batch(batch_size)
    whole = indices.map(batch, num_parallel_calls=_at_once(), deterministic=True)
    if part is not None:
        whole = indices.map(divided, num_parallel_calls=_at_once(), deterministic=True)
    return _ahead(whole)


def _at_once() -> int:
    """Return how many batches are made at a time."""
    return max(2, min(usable_processors(), _MOST_AT_ONCE))


def _ahead(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Return batches that are made before they are asked for, by numbers that TensorFlow does not tune.

    Its tuning looks at a running pipeline after 10 ms, and then after twice as long each time, up to a minute; in
    TensorFlow 2.21 whoever ends the pipeline waits for the end of the present interval: one that had run for 12 seconds
    took 8.7 more to end.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.prefetch(_AHEAD).with_options(options)


def _rewritten(function: Any) -> Any:
    """Return a function as a map of tf.data calls it, with Python's ``if`` and ``for`` over tensors; ours has none."""
    if function is None or (getattr(function, "__module__", None) or "").partition(".")[0] == "kzoo":
        return function
    converters = tf.__internal__.autograph
    return converters.tf_convert(function, converters.control_status_ctx())


def rows_of(batch: Any, part: Any, parts: int) -> Any:
    """Return the rows ``part``, ``part + parts``, ... of all tensors of a batch; the first one where there are none."""

    def rows(tensor: Any) -> Any:
        return tf.cond(tf.shape(tensor)[0] > part, lambda: tensor[part::parts], lambda: tensor[:1])

    return tf.nest.map_structure(rows, batch)


def _static(spec: Any) -> bool:
    """Return whether all batches have the same shape, but for their size: nothing in it depends on who is in them."""
    return all(one.shape.rank is not None and None not in one.shape[1:] for one in tf.nest.flatten(spec))
