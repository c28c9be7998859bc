"""Mean average precision of found boxes by COCO's rules, calculated by faster-coco-eval (the extra ``detection``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BoxEvaluation", "box_map", "coco_library", "evaluate_boxes"]

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
            count neither as right nor as wrong, and ``area`` of shape (M,), by which small, medium and large are told
            apart where objects do not fill their boxes. A label below 0 marks a row of padding.
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
    return evaluate_boxes(truth, found).summary(per_class=per_class)


@dataclass(frozen=True, eq=False)
class BoxEvaluation:
    """The tables that COCO's figures are means of.

    Attributes:
        tables: ``precision`` of shape (overlaps, recalls, classes, areas, limits) and ``recall`` of shape (overlaps,
            classes, areas, limits), where -1 stands for nothing to find; None where there is no true box at all.
        labels: The class of each place in them.
    """

    tables: Mapping[str, Any] | None
    labels: Sequence[int]

    def summary(self, *, per_class: bool = False) -> dict[str, Any]:
        """Return the figures, as `box_map` does."""
        found: dict[str, Any] = {"map": self._mean("precision")}
        found |= {"map_50": self._mean("precision", at=[0]), "map_75": self._mean("precision", at=[5])}
        found |= {f"map_{area}": self._mean("precision", area=area) for area in _AREAS[1:]}
        found |= {f"mar_{limit}": self._mean("recall", limit=limit) for limit in _LIMITS}
        found |= {f"mar_{area}": self._mean("recall", area=area) for area in _AREAS[1:]}
        if per_class:
            found["map_per_class"] = {label: values["map"] for label, values in self.per_class().items()}
        return found

    def per_class(self) -> dict[int, dict[str, float]]:
        """Return ``map``, ``map_50`` and ``mar_100`` of each class that occurs, by its label."""
        found = {}
        for place, label in enumerate(self.labels):
            values = {
                "map": self._mean("precision", at=(slice(None), slice(None), [place])),
                "map_50": self._mean("precision", at=([0], slice(None), [place])),
                "mar_100": self._mean("recall", at=(slice(None), [place])),
            }
            if values["map"] == values["map"]:
                found[label] = values
        return found

    def _mean(self, name: str, *, at: Any = slice(None), area: str = "all", limit: int = 100) -> float:
        if self.tables is None:
            return float("nan")
        table = np.asarray(self.tables[name])[..., _AREAS.index(area), _LIMITS.index(limit)][at]
        return float(table[table > -1].mean()) if (table > -1).any() else float("nan")


def evaluate_boxes(truth: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> BoxEvaluation:
    """Return COCO's evaluation of found boxes; the arguments are those of `box_map`."""
    coco, evaluator = coco_library()
    if len(truth) != len(found):
        message = f"`box_map` got the true boxes of {len(truth)} images and the found boxes of {len(found)}."
        raise ValueError(message)
    true = [row for at, image in enumerate(truth) for row in _rows(image, at, "truth", ("crowd", "iscrowd", int))]
    seen = [row for at, image in enumerate(found) for row in _rows(image, at, "found", ("scores", "score", float))]
    labels = sorted({row["category_id"] for row in (*true, *seen)})
    if not true:
        return BoxEvaluation(None, labels)
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
    return BoxEvaluation(evaluation.eval, labels)


def coco_library() -> tuple[Any, Any]:
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
    areas = np.asarray(image["area"], "float64") if what == "truth" and "area" in image else None
    if areas is not None and areas.shape != labels.shape:
        message = f"`truth` of image {number} has {len(labels)} labels and areas of shape {areas.shape}."
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
    areas = sizes.prod(axis=-1) if areas is None else areas[real]
    return [
        {
            "image_id": number,
            "category_id": int(label),
            "bbox": [*map(float, box[:2]), *map(float, size)],
            "area": float(area),
            "iscrowd": 0,
            coco_name: kind(extra),
        }
        for box, size, area, label, extra in zip(boxes, sizes, areas, labels, further, strict=True)
    ]
