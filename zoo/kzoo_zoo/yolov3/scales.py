"""Training on inputs of several sizes, as Darknet does with ``random=1``: which sizes, when, and labels for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo_zoo.yolov3.darknet import Head

__all__ = ["draw_size", "of_size", "sizes_between"]

_STRIDE = 32
_LARGEST = 1600


def sizes_between(scales: Sequence[int], input_shape: Sequence[int], heads: Sequence[Head]) -> list[tuple[int, int]]:
    """Return the sizes of input that ``augment.scales`` means, as height and width.

    The widths are all multiples of 32 (or of the network's largest stride) between the two; the heights are in the
    ratio of ``input_shape``, as nearly as such multiples allow.

    Args:
        scales: The smallest and the largest width; empty for none.
        input_shape: Height and width of the images that there are.
        heads: The network's heads.

    Raises:
        UsageError: They are no two such multiples in order.
    """
    if not isinstance(scales, list | tuple) or not scales:
        if scales in ((), [], None):
            return []
        scales = (0, 0)
    step = max(_STRIDE, *(head.stride for head in heads))
    fits = len(scales) == 2 and all(type(side) is int and side % step == 0 for side in scales)  # noqa: PLR2004
    if not fits or not 0 < scales[0] <= scales[1] <= _LARGEST:
        message = (
            f"`augment.scales` must be two multiples of {step} up to {_LARGEST}, the smallest and the largest width of "
            "the input, as in [320, 608], or [] for one size."
        )
        raise UsageError(message)
    ratio = input_shape[0] / input_shape[1]
    widths = range(scales[0], scales[1] + 1, step)
    return [(max(step, round(width * ratio / step) * step), width) for width in widths]


def draw_size(sizes: Sequence[tuple[int, int]], run_seed: Any, step: Any, *, every: int) -> Any:
    """Return the height and width of the input at a step: int32 of shape (2,), another one every ``every`` steps.

    It depends on the run's seed and the step alone, so that all parts of a batch have the same, and a training that
    goes on at any step has what it would have had.

    Raises:
        UsageError: ``every`` is no number of steps.
    """
    import tensorflow as tf

    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        message = f"`augment.scale_steps` must be a whole number of at least 1, not {every!r}."
        raise UsageError(message)
    turn = tf.cast(step, tf.int64) // every
    seed = tf.random.experimental.stateless_fold_in(tf.cast(run_seed, tf.int64), turn)
    at = tf.random.stateless_uniform((), seed, 0, len(sizes), tf.int32)
    return tf.constant(sizes, tf.int32)[at]


def of_size(x: Any, sizes: Sequence[tuple[int, int]], make: Callable[[Sequence[int]], Any]) -> Any:
    """Return ``make((height, width))`` for the size of a batch of images; in the graph, for a size that is drawn there.

    Args:
        x: The images, (B, H, W, C).
        sizes: The sizes that they may have where the graph does not know it.
        make: What to make; it is traced once for each size.
    """
    import tensorflow as tf

    known = tuple(x.shape[1:3])
    if None not in known:
        return make(known)
    widths = tf.constant([width for _, width in sizes], tf.int32)
    at = tf.argmax(tf.cast(tf.equal(widths, tf.shape(x)[2]), tf.int32), output_type=tf.int32)
    return tf.switch_case(at, [lambda size=size: make(size) for size in sizes])
