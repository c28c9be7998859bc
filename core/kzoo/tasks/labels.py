"""Labels in the form that a loss takes, inside the graph that reads the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["floating", "label_encoder"]


def label_encoder(label_form: str, num_classes: int) -> Callable[[Any, Any], Any] | None:
    """Return the function from class indices, beside inputs, to labels of ``label_form``; None where they stay.

    ``dense`` are one-hot rows, ``sparse`` the indices, and ``column`` is 0 or 1 in float32, of shape ``(N, 1)``:
    against a network's single output, labels of shape ``(N,)`` would be spread to ``(N, N)``.
    """
    forms: dict[str, Callable[[Any], Any]] = {
        "column": lambda y: tf.cast(tf.reshape(y, [-1, 1]), tf.float32),
        "dense": lambda y: tf.one_hot(tf.cast(tf.reshape(y, [-1]), tf.int32), num_classes),
        "sparse": lambda y: tf.cast(tf.reshape(y, [-1]), tf.int32),
    }
    if label_form not in forms:
        return None

    def encode(y: Any, x: Any = None) -> Any:
        del x
        return forms[label_form](y)

    return encode


def floating(y: Any, x: Any = None) -> Any:
    """Return labels that are numbers, or rows of them, as float32."""
    del x
    return tf.cast(y, tf.float32)
