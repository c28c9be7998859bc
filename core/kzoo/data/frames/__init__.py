"""Frames from wherever a user has them: images, folders, patterns, videos, cameras, streams; and back into files."""

from kzoo.data.frames.items import Failure, Frame, Item, Part, Source, SourceKind, seconds
from kzoo.data.frames.labels import Label, write_labels, write_text
from kzoo.data.frames.opening import open_sources

__all__ = [
    "Failure",
    "Frame",
    "Item",
    "Label",
    "Part",
    "Source",
    "SourceKind",
    "open_sources",
    "seconds",
    "write_labels",
    "write_text",
]
