"""What detectors are worth: found boxes beside true ones. Plain numbers, without Keras."""

from kzoo.detection.average_precision import BoxEvaluation, box_map, evaluate_boxes
from kzoo.detection.coco_results import coco_records, coco_results, image_id
from kzoo.detection.truth import Found, TruthImage, TruthSet

__all__ = [
    "BoxEvaluation",
    "Found",
    "TruthImage",
    "TruthSet",
    "box_map",
    "coco_records",
    "coco_results",
    "evaluate_boxes",
    "image_id",
]
