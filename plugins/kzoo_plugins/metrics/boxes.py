"""Mean average precision of found boxes over a whole set: a function, and a callback that reports it after an epoch.

It is not among the metrics of ``kzoo list-metrics``: average precision needs all boxes of all images at once, sorted by
their scores, and cannot be summed batch by batch. It is calculated by faster-coco-eval, which comes with
``pip install "kzoo[detection]"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["BoxMAP", "box_map"]

_AREAS = ("all", "small", "medium", "large")
_LIMITS = (1, 10, 100)
_CORNERS = 4


def box_map(
    truth: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], *, per_class: bool = False
) -> dict[str, Any]:
    """Return COCO's mean average precision and recall of found boxes.

    Formula, with the average precision AP(c, t) of class c, where a found box is right if its intersection over union
    with a true box of its class that no better box has taken is at least t:

    ```
    map = mean over t = 0.50, 0.55, ..., 0.95 and over the classes c that occur of AP(c, t)
    ```

    Args:
        truth: For each image a mapping with ``boxes`` of shape (M, 4), corners x1, y1, x2, y2 in pixels, ``labels`` of
            shape (M,), and if there are any, ``crowd`` of shape (M,): 1 for a box of many objects, in which boxes found
            count neither as right nor as wrong. A label below 0 marks a row of padding.
        found: For each image, in the same order, a mapping with ``boxes`` (M, 4), ``labels`` (M,) and ``scores`` (M,).
        per_class: Whether to add ``map_per_class``, the average precision of each label that occurs. Defaults to False.

    Returns:
        ``map``, ``map_50`` and ``map_75`` (at one t), ``map_small``, ``map_medium`` and ``map_large`` (true boxes of
        less than 32^2 square pixels, less than 96^2, and larger), ``mar_1``, ``mar_10`` and ``mar_100`` (the mean
        recall with that many boxes in an image), ``mar_small``, ``mar_medium`` and ``mar_large``. NaN where there is no
        true box to find.

    Raises:
        ImportError: faster-coco-eval is not installed.
        ValueError: The numbers of images differ, or the arrays of an image do not belong together.

    Example:
        >>> box = [[10.0, 10.0, 50.0, 60.0]]
        >>> found = [{"boxes": box, "labels": [3], "scores": [0.9]}]
        >>> round(box_map([{"boxes": box, "labels": [3]}], found)["map"], 4)
        1.0

    References:
        - [Lin et al., 2014](https://arxiv.org/abs/1405.0312), Microsoft COCO: common objects in context
    """
    coco, evaluator = _library()
    if len(truth) != len(found):
        message = f"`box_map` got the true boxes of {len(truth)} images and the found boxes of {len(found)}."
        raise ValueError(message)
    true = [row for at, image in enumerate(truth) for row in _rows(image, at, "truth", ("crowd", "iscrowd", int))]
    seen = [row for at, image in enumerate(found) for row in _rows(image, at, "found", ("scores", "score", float))]
    labels = sorted({row["category_id"] for row in (*true, *seen)})
    if not true:
        return _summary(None, labels, per_class=per_class)
    for number, row in enumerate(true, start=1):  # 0 would mean that nothing matched
        row["id"] = number
    dataset = {
        "images": [{"id": at} for at in range(len(truth))],
        "categories": [{"id": label} for label in labels],
        "annotations": true,
    }
    known = coco(dataset)
    evaluation = evaluator(known, known.loadRes(seen), iouType="bbox")
    evaluation.params.maxDets = list(_LIMITS)
    evaluation.evaluate()
    evaluation.accumulate()
    return _summary(evaluation.eval, labels, per_class=per_class)


class BoxMAP(keras.callbacks.Callback):  # type: ignore[misc]
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
        _library()  # now, and not after the first epoch
        if int(every) != every or every < 1:
            message = f"`every` must be a whole number of at least 1, not {every}."
            raise ValueError(message)
        known = tuple(_summary(None, [], per_class=False))
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


def _library() -> tuple[Any, Any]:
    """Return the dataset and evaluation classes of faster-coco-eval."""
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError as error:
        message = (
            "Mean average precision of boxes is calculated by faster-coco-eval, which cannot be imported "
            f'({error}). Install it with: pip install "kzoo[detection]"'
        )
        raise ImportError(message) from error
    return COCO, COCOeval_faster


def _images(batch: Any) -> list[Any]:
    """Return one mapping for each image of a batch in either form."""
    if not hasattr(batch, "keys"):
        return list(batch)
    arrays = {name: np.asarray(value) for name, value in batch.items()}
    return [{name: value[at] for name, value in arrays.items()} for at in range(len(arrays["boxes"]))]


def _rows(image: Mapping[str, Any], number: int, what: str, more: tuple[str, str, type]) -> list[dict[str, Any]]:
    """Return the boxes of one image in COCO's form; ``more`` is a further array, its name in COCO, and its type."""
    name, coco_name, kind = more
    missing = {"boxes", "labels", *({"scores"} if what == "found" else ())} - set(image)
    if missing:
        message = f"`{what}` of image {number} has no {' and no '.join(sorted(missing))}."
        raise ValueError(message)
    boxes, labels = np.asarray(image["boxes"], "float64"), np.asarray(image["labels"])
    further = np.asarray(image[name]) if name in image else np.zeros(labels.shape)
    boxes = boxes if boxes.size else np.zeros((0, _CORNERS))  # an empty list has the shape (0,)
    if labels.ndim != 1 or boxes.shape != (len(labels), _CORNERS) or further.shape != labels.shape:
        shapes = ", ".join(f"{key} {np.shape(image[key])}" for key in ("boxes", "labels", name) if key in image)
        message = f"`{what}` of image {number} has arrays of shapes {shapes}; they must be (M, 4), (M,) and (M,)."
        raise ValueError(message)
    real = labels >= 0
    boxes, labels, further = boxes[real], labels[real], further[real]
    sizes = boxes[:, 2:] - boxes[:, :2]
    if what == "found":
        sizes = np.maximum(sizes, 0)  # what an untrained network gives: a box without area, which matches nothing
    if not np.isfinite(boxes).all() or (sizes < 0).any() or not np.isfinite(further.astype("float64")).all():
        message = (
            f"`{what}` of image {number} has a box that is not finite, or whose second corner is before its first."
        )
        raise ValueError(message)
    return [
        {
            "image_id": number,
            "category_id": int(label),
            "bbox": [*map(float, box[:2]), *map(float, size)],
            "area": float(size.prod()),
            "iscrowd": 0,
            coco_name: kind(extra),
        }
        for box, size, label, extra in zip(boxes, sizes, labels, further, strict=True)
    ]


def _summary(tables: Mapping[str, Any] | None, labels: Sequence[int], *, per_class: bool) -> dict[str, Any]:
    """Return the means of COCO's tables, in which -1 stands for nothing to find."""

    def mean(name: str, *, at: Any = slice(None), area: str = "all", limit: int = 100) -> float:
        if tables is None:
            return float("nan")
        # precision: threshold, recall, class, area, limit; recall: threshold, class, area, limit
        table = np.asarray(tables[name])[at][..., _AREAS.index(area), _LIMITS.index(limit)]
        return float(table[table > -1].mean()) if (table > -1).any() else float("nan")

    found: dict[str, Any] = {"map": mean("precision")}
    found |= {"map_50": mean("precision", at=[0]), "map_75": mean("precision", at=[5])}
    found |= {f"map_{area}": mean("precision", area=area) for area in _AREAS[1:]}
    found |= {f"mar_{limit}": mean("recall", limit=limit) for limit in _LIMITS}
    found |= {f"mar_{area}": mean("recall", area=area) for area in _AREAS[1:]}
    if per_class:
        at = [(slice(None), slice(None), [place]) for place in range(len(labels))]
        each = {label: mean("precision", at=place) for label, place in zip(labels, at, strict=True)}
        found["map_per_class"] = {label: value for label, value in each.items() if value == value}  # noqa: PLR0124 - NaN
    return found
