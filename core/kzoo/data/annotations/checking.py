"""Every box is looked at before it is used: what is wrong is listed with file and line, and mended if wanted."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.annotations.records import AnnotatedImage, Annotations, FoundBox, FoundImage, FoundSet, Place
from kzoo.data.decoding import UnreadableImageError, opened, read_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from PIL import Image

__all__ = ["Checked", "Fault", "check", "class_names_of"]

SLACK = 1.0
"""A box may be outside of its image by so many pixels, which rounding can do, and is then cut without a word."""
_SWAPPED = (5, 6, 7, 8)  # EXIF orientations whose sides change places
_UPRIGHT, _ORIENTATION = 1, 0x0112


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        place: Where.
        what: What is wrong, as the end of a sentence.
        mended: What was done about it: ``mended`` or ``left out``.
    """

    place: Place
    what: str
    mended: str

    def seen_from(self, root: Path) -> str:
        """Return it in words, its file named from a folder."""
        return f"{self.place.seen_from(root)}: {self.what}"


@dataclass
class Checked:
    """What a check came to.

    Attributes:
        annotations: The images and boxes that can be used.
        faults: Everything that was wrong.
        turned: Images whose boxes were drawn on the picture as it is stored, and were turned with it as its EXIF says.
        unsure: Images that EXIF turns, and whose annotations do not say whether the boxes are turned already.
    """

    annotations: Annotations = field(default_factory=lambda: Annotations(()))
    faults: list[Fault] = field(default_factory=list)
    turned: list[Path] = field(default_factory=list)
    unsure: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class _Look:
    """What an image is like: why it cannot be used, its width and height as it is seen, and its EXIF orientation."""

    fault: str = ""
    size: tuple[int, int] | None = None
    orientation: int = _UPRIGHT


@dataclass
class _Kept:
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    difficult: list[bool] = field(default_factory=list)
    crowd: list[bool] = field(default_factory=list)
    areas: list[float] = field(default_factory=list)


def class_names_of(found: FoundSet) -> tuple[str, ...]:
    """Return the names of the classes: as the data set says, else those in the boxes, sorted."""
    if found.class_names is not None:
        return found.class_names
    labels = {box.label for images in found.images.values() for image in images for box in image.boxes if not box.fault}
    numbers = [label for label in labels if isinstance(label, int)]
    if numbers:  # no names anywhere: the numbers themselves, without a gap
        return tuple(str(number) for number in range(max(0, *numbers) + 1))
    return tuple(sorted(str(label) for label in labels))


def check(
    images: Sequence[FoundImage],
    class_names: Sequence[str],
    numbers: Mapping[int, int] | None,
    fix: str,
    root: Path,
) -> Checked:
    """Return the images and boxes that can be used, and everything that was wrong.

    Where an annotation says a size that the image does not have, its boxes are of another picture, and the image is
    left out; unless EXIF says how to turn the one into the other, and then the boxes are turned as well.

    Args:
        images: As they were found.
        class_names: The known classes.
        numbers: The index of a class by its number, where that is not its index.
        fix: ``clip`` keeps the part of a box that is inside, and turns reversed corners; otherwise such boxes are left
            out like all that cannot be mended.
        root: The folder that files are named from.
    """
    found = Checked()
    kept: list[AnnotatedImage] = []
    seen: dict[Path | None, Place] = {}
    indices = {name: index for index, name in enumerate(class_names)}
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:  # Pillow decodes without the lock
        looks = list(pool.map(_look_at, images))
    for image, look in zip(images, looks, strict=True):
        again = (first := seen.get(image.path)) and (
            f"the image {image.name} is annotated in {first.seen_from(root)} already"
        )
        size = look.size
        if look.fault or again or image.path is None or size is None:
            found.faults.append(Fault(image.place, look.fault or again or "", "left out"))
            continue
        seen[image.path] = image.place
        boxes = image.boxes
        if image.size is not None and image.size != size:
            if not (look.orientation in _SWAPPED and image.size == size[::-1]):
                said, true = (f"{width}x{height}" for width, height in (image.size, size))
                what = f"it says that {image.name} has {said} pixels, but it has {true}"
                found.faults.append(Fault(image.place, what, "left out"))
                continue
            found.turned.append(image.path)
            boxes = [_turned(box, image.size, look.orientation) for box in boxes]
        elif boxes and look.orientation != _UPRIGHT and not _said_upright(image, look):
            found.unsure.append(image.path)
        upright = replace(image, boxes=boxes)
        kept.append(_checked(upright, image.path, size, indices, numbers, fix, found.faults))
    found.annotations = Annotations(tuple(sorted(kept, key=lambda one: str(one.path))))
    return found


def _said_upright(image: FoundImage, look: _Look) -> bool:
    """Return whether an annotation is of the image as it is seen for sure: its sides changed places, and it says so."""
    width, height = image.size or (0, 0)
    return look.orientation in _SWAPPED and image.size == look.size and width != height


def _turned(box: FoundBox, size: tuple[int, int], orientation: int) -> FoundBox:
    """Return a box of the picture as it is stored, of ``size``, as it stands when the picture is turned upright."""
    width, height = (1, 1) if box.relative else size
    x1, y1, x2, y2 = box.corners
    corners = {
        5: (y1, x1, y2, x2),
        6: (height - y2, x1, height - y1, x2),
        7: (height - y2, width - x2, height - y1, width - x1),
        8: (y1, width - x2, y2, width - x1),
    }[orientation]
    return replace(box, corners=corners)


def _look_at(image: FoundImage) -> _Look:
    """Return why an image cannot be used, or what it is like."""
    if image.fault:
        return _Look(image.fault)
    if image.path is None:
        return _Look(f"the image {image.name} is missing")
    return _look_inside(image.path)


def _look_inside(path: Path) -> _Look:
    """Return what an image is like, or why it cannot be read.

    It is decoded to its end, else a file that was cut off would only be found in the middle of a training; a JPEG at an
    eighth of its size, which is several times faster.
    """
    try:
        with opened(path) as image:
            width, height = image.size
            orientation = _orientation_of(image)
            image.draft(None, (1, 1))
            image.load()
    except Exception:  # whatever a damaged file makes the decoder fail with, the reader of images says why
        try:
            read_image(path)
        except UnreadableImageError as error:
            return _Look(f"the image {path.name} cannot be read: {error.reason}")
        return _Look(f"the image {path.name} cannot be read")
    return _Look(size=(height, width) if orientation in _SWAPPED else (width, height), orientation=orientation)


def _orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; damaged EXIF data says nothing about the pixels, as in `read_image`."""
    try:
        found = image.getexif().get(_ORIENTATION, _UPRIGHT)
    except Exception:
        return _UPRIGHT
    return found if isinstance(found, int) and found in range(_UPRIGHT, 9) else _UPRIGHT


def _checked(
    image: FoundImage,
    path: Path,
    size: tuple[int, int],
    indices: Mapping[str, int],
    numbers: Mapping[int, int] | None,
    fix: str,
    faults: list[Fault],
) -> AnnotatedImage:
    kept = _Kept()
    for box in image.boxes:
        index = _index(box, indices, numbers)
        what = box.fault or ("" if index is not None else _unknown(box, indices))
        corners = box.corners
        mended = "left out"
        if not what and index is not None:
            corners = _in_pixels(box, size)
            what = _wrong(box, corners, size)
            repaired = _repaired(corners, size)
            if what and fix == "clip" and repaired is not None:
                mended = "mended"
            corners = repaired or corners
        if what:
            faults.append(Fault(box.place, what, mended))
        if index is not None and (not what or mended == "mended"):
            kept.boxes.append(corners)
            kept.labels.append(index)
            kept.difficult.append(box.difficult)
            kept.crowd.append(box.crowd)
            x1, y1, x2, y2 = corners
            kept.areas.append((x2 - x1) * (y2 - y1) if box.area is None else box.area)
    return AnnotatedImage(
        path,
        size,
        np.asarray(kept.boxes, np.float32).reshape(-1, 4),
        np.asarray(kept.labels, np.int64),
        np.asarray(kept.difficult, bool),
        np.asarray(kept.crowd, bool),
        np.asarray(kept.areas, np.float64),
        image.id,
    )


def _index(box: FoundBox, indices: Mapping[str, int], numbers: Mapping[int, int] | None) -> int | None:
    if isinstance(box.label, str):
        return indices.get(box.label)
    if numbers is not None:
        return numbers.get(box.label)
    return box.label if 0 <= box.label < len(indices) else None


def _unknown(box: FoundBox, indices: Mapping[str, int]) -> str:
    if isinstance(box.label, str):
        return f"the class {box.label!r} is unknown"
    return f"the class {box.label} is unknown: there are {len(indices)} classes"


def _in_pixels(box: FoundBox, size: tuple[int, int]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box.corners
    width, height = size if box.relative else (1, 1)
    return x1 * width, y1 * height, x2 * width, y2 * height


def _wrong(box: FoundBox, corners: tuple[float, float, float, float], size: tuple[int, int]) -> str:
    """Return what is wrong with a box, or an empty text."""
    x1, y1, x2, y2 = corners
    text = ", ".join(f"{value:g}" for value in box.corners)
    if not all(math.isfinite(value) for value in corners):
        return f"the box ({text}) is not finite"
    if x2 < x1 or y2 < y1:
        return f"the box ({text}) is reversed: its second corner comes before its first"
    if x2 == x1 or y2 == y1:
        return f"the box ({text}) is empty"
    width, height = size
    if x1 < -SLACK or y1 < -SLACK or x2 > width + SLACK or y2 > height + SLACK:
        pixels = " in parts of the sides; are these pixels?" if box.relative and max(box.corners) > 2 else ""  # noqa: PLR2004
        return f"the box ({text}) is outside of the image of {width}x{height} pixels{pixels}"
    return ""


def _repaired(
    corners: tuple[float, float, float, float], size: tuple[int, int]
) -> tuple[float, float, float, float] | None:
    """Return the box with its corners in order and cut at the image's edges; None where nothing is left."""
    if not all(math.isfinite(value) for value in corners):
        return None
    (x1, x2), (y1, y2) = sorted(corners[::2]), sorted(corners[1::2])
    width, height = size
    x1, x2 = (min(max(x, 0.0), float(width)) for x in (x1, x2))
    y1, y2 = (min(max(y, 0.0), float(height)) for y in (y1, y2))
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None
