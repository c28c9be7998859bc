"""Boxes around the things in images: read from VOC xml, COCO json and YOLO txt, and checked before they are used."""

from kzoo.data.annotations.reading import read_annotations
from kzoo.data.annotations.records import AnnotatedImage, Annotations, AnnotationSets

__all__ = ["AnnotatedImage", "AnnotationSets", "Annotations", "read_annotations"]
