"""Seeds and random numbers: each change has a seed of its own, and no state is kept anywhere."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

__all__ = ["log_uniform", "split_seed"]


def split_seed(seed: Any, count: int) -> list[Any]:
    """Return ``count`` seeds made from one, for changes that must not draw the same numbers.

    Args:
        seed: Integer tensor of shape (2,).
        count: How many.

    Returns:
        int64 tensors of shape (2,), the first ones the same whatever ``count`` is.

    Example:
        >>> from kzoo.augmentation import split_seed
        >>> [seed.shape for seed in split_seed([1, 2], 2)]
        [TensorShape([2]), TensorShape([2])]
    """
    return [tf.random.experimental.stateless_fold_in(tf.cast(seed, tf.int64), number) for number in range(count)]


def log_uniform(draw: Any, largest: float) -> Any:
    """Return factors between ``1 / largest`` and ``largest``, as often below 1 as above.

    Args:
        draw: Uniform numbers in [0, 1), of any shape, as `tf.random.stateless_uniform` gives them.
        largest: The largest factor, above 0; 1 for none.

    Example:
        >>> from kzoo.augmentation import log_uniform
        >>> log_uniform([0.0, 0.5], 2.0).numpy().tolist()
        [0.5, 1.0]
    """
    return tf.exp((2 * tf.convert_to_tensor(draw, tf.float32) - 1) * tf.math.log(float(largest)))
