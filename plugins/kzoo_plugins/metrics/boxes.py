"""Mean average precision of found boxes over a whole set: `box_map`, and a callback that reports it after an epoch.

It is not among the metrics of ``kzoo list-metrics``: average precision needs all boxes of all images at once, sorted by
their scores, and cannot be summed batch by batch. It is calculated by faster-coco-eval, which comes with
``pip install "kzoo[detection]"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kzoo.detection.average_precision import BoxEvaluation, box_map, coco_library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["BoxMAP", "box_map"]


class BoxMAP(keras.callbacks.Callback):  # type: ignore[misc] # Keras has no types
    """Reports the mean average precision of a detector after an epoch, over a whole set.

    Args:
        data: Batches of images and true boxes, gone through at every report: a list, a `keras.utils.PyDataset` or a
            `tf.data.Dataset`. The true boxes of a batch are a sequence with a mapping for each image, as `box_map`
            takes them, or one mapping of padded arrays (B, M, ...), where a label below 0 marks padding.
        decode: Returns the found boxes for what the model returns on a batch, in either of these forms, with
            ``boxes``, ``labels`` and ``scores``.
        every: After how many epochs to report, at least 1. Defaults to 1.
        names: What to report, as `box_map` names it. Defaults to ``map``, ``map_50`` and ``map_75``.
        prefix: What to put before these names in the logs. Defaults to "val_".

    Raises:
        ImportError: faster-coco-eval is not installed.
        ValueError: `every` is below 1, or `names` is empty or holds a name that `box_map` does not return.

    Example:
        >>> import numpy as np
        >>> images = np.zeros((1, 8, 8, 3), "float32")
        >>> truth = [{"boxes": [[0.0, 0.0, 4.0, 4.0]], "labels": [0]}]
        >>> def decode(outputs):
        ...     return [{"boxes": [[0.0, 0.0, 4.0, 4.0]], "labels": [0], "scores": [1.0]} for _ in outputs]
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
        >>> round(BoxMAP([(images, truth)], decode).measure(model)["map"], 4)
        1.0

    References:
        - [Lin et al., 2014](https://arxiv.org/abs/1405.0312), Microsoft COCO: common objects in context
    """

    def __init__(
        self,
        data: Iterable[Any],
        decode: Callable[[Any], Any],
        every: int = 1,
        names: Sequence[str] = ("map", "map_50", "map_75"),
        prefix: str = "val_",
    ) -> None:
        super().__init__()
        coco_library()  # now, and not after the first epoch
        if int(every) != every or every < 1:
            message = f"`every` must be a whole number of at least 1, not {every}."
            raise ValueError(message)
        known = tuple(BoxEvaluation(None, []).summary())
        wrong = [name for name in names if name not in known]
        if wrong or not names:
            message = f"`names` must be some of {', '.join(known)}, not {', '.join(wrong) or 'nothing'}."
            raise ValueError(message)
        self.data = data
        self.decode = decode
        self.every = every
        self.names = tuple(names)
        self.prefix = prefix

    def measure(self, model: Any, *, per_class: bool = False) -> dict[str, Any]:
        """Return what `box_map` says of a model on the callback's data."""
        truth: list[Any] = []
        found: list[Any] = []
        for inputs, boxes in self.data:
            truth += _images(boxes)
            found += _images(self.decode(model.predict_on_batch(inputs)))
        return box_map(truth, found, per_class=per_class)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add the results to the epoch's logs, where other callbacks find them."""
        if logs is not None and (epoch + 1) % self.every == 0:
            result = self.measure(self.model)
            logs.update({f"{self.prefix}{name}": result[name] for name in self.names})


def _images(batch: Any) -> list[Any]:
    """Return one mapping for each image of a batch in either form."""
    if not hasattr(batch, "keys"):
        return list(batch)
    arrays = {name: np.asarray(value) for name, value in batch.items()}
    return [{name: value[at] for name, value in arrays.items()} for at in range(len(arrays["boxes"]))]
