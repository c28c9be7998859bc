"""Found boxes in COCO's results format, which other tools read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.detection.truth import Found, TruthSet

__all__ = ["coco_records", "coco_results", "image_id"]


def coco_records(found: Found, image: int | str, categories: Sequence[int] = ()) -> list[dict[str, Any]]:
    """Return the objects of one picture: x, y, width and height in pixels.

    Args:
        found: The objects.
        image: The picture's id in the annotations file.
        categories: The id of each class there; by default the classes' indices.
    """
    records = []
    for box, label, score in zip(found.boxes.tolist(), found.labels.tolist(), found.scores.tolist(), strict=True):
        x1, y1, x2, y2 = box
        records.append(
            {
                "image_id": image,
                "category_id": categories[label] if categories else label,
                "bbox": [round(x1, 4), round(y1, 4), round(x2 - x1, 4), round(y2 - y1, 4)],
                "score": score,  # not rounded: two that become equal change their order, and with it the precision
            }
        )
    return records


def coco_results(dataset: TruthSet, found: Sequence[Found]) -> list[dict[str, Any]]:
    """Return all that was found in a test set; pictures and classes have the numbers of its annotations file."""
    results = []
    for image, seen in zip(dataset.images, found, strict=True):
        number = image_id(image.name) if image.id is None else image.id
        results += coco_records(seen, number, dataset.category_ids)
    return results


def image_id(name: str) -> int | str:
    """Return what a picture is called where no annotations file says it: the number in its file's name, or the name."""
    stem = name.replace("\\", "/").rpartition("/")[2]
    stem = stem.rpartition(".")[0] or stem
    return int(stem) if stem.isdecimal() else stem
