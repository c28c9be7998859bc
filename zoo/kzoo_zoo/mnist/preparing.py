"""A photo of a digit, brought into the form of MNIST's digits: light on dark, 20 pixels tall, centred by mass.

The digits of MNIST were black and white, were "size normalized to fit in a 20x20 pixel box while preserving their
aspect ratio", which made them gray, and "the images were centered in a 28x28 image by computing the center of mass of
the pixels" (LeCun, Cortes, Burges, http://yann.lecun.com/exdb/mnist). Here the ink is found first: it is what differs
from the paper around it, so that light which falls unevenly does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kzoo.data.frames.video import opencv

__all__ = ["FRAME", "PreparedDigit", "as_mnist", "prepared"]

FRAME = 28
"""The side of MNIST's images."""

_BOX = 20  # the side of the box that the digit fits in
_CENTRE = 14.0  # where the centre of mass of MNIST's own digits is, counted from 0
_DARK = 64  # the border of a digit of MNIST is darker
_WORKING_SIDE = (112, 400)  # the longer side of the picture in which ink is looked for
_LEAST_CONTRAST = 20.0  # levels between ink and paper
_LEAST_OVER_NOISE = 6.0  # the same in deviations of the paper's noise
_CORE = 0.7  # the part of the contrast from which on a pixel is ink for sure
_ONE_SIDED = 0.6  # with less than this part of the contrast the other way, only one of dark and light can be the ink
_INK = 0.45  # the part of the contrast from which on a pixel is ink
_THINNEST = 2.0  # MNIST's strokes are 2 to 4 pixels wide; one of a ballpoint pen, made small, would all but vanish
_SPECK = 0.02  # marks of less than this part of the largest are dirt
_NEAR = 0.15  # marks that are closer to each other than this part of their height belong to one digit
_OTHER_HEIGHT, _OTHER_AREA = 0.4, 0.15  # from this part of the largest mark on, another one may be a digit as well
_WIDEST = 1.5  # no digit is wider than this, as a part of its height
_MIXED = 0.25  # where more of the border is as ink is, it cannot be told which is the paper
_AS_INK = 0.25  # so near to the ink, as a part of the distance between ink and paper
_PAPER_SIDE = 100  # the longer side of the picture in which the paper is looked for
_STROKE_PIXELS = 40  # so many pixels of the working picture, or 0.2 % of a small one, are less than the thinnest digit
_STEP = 0.5  # at the edge of a sheet the light changes by more than this part of what sheet and ground differ by
_EDGE = 0.15  # a mark along more than this part of the border is the edge of the page, or a shadow

_RowMask = np.ndarray[Any, Any]


@dataclass(frozen=True)
class PreparedDigit:
    """A digit as the network sees it, and how it came to that.

    Attributes:
        pixels: uint8 of shape (28, 28), light on dark.
        ink: ``dark`` or ``light``, as it is on the photo; an empty text where there is none, or nothing was changed.
        box: The digit on the photo: left, top, width and height in pixels; None where none was found or looked for.
        notes: What cannot be told for sure, as sentences.
    """

    pixels: np.ndarray
    ink: str = ""
    box: tuple[int, int, int, int] | None = None
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What was made of the photo, in a few words."""
        if self.box is None:
            return "no ink found" if self.notes else "as it is"
        left, top, width, height = self.box
        return f"{self.ink} ink, {width}x{height} at {left},{top}"


def as_mnist(images: np.ndarray) -> np.ndarray:
    """Return which gray images are as MNIST's are: 28x28 with a dark border all around.

    Args:
        images: uint8 of shape (N, H, W).
    """
    if images.shape[1:] != (FRAME, FRAME):
        return np.zeros(len(images), dtype=bool)
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    dark: np.ndarray = border.mean(axis=1) < _DARK
    return dark


def prepared(pixels: np.ndarray, *, digits: bool = True) -> PreparedDigit:
    """Return the digit on a photo as MNIST has its digits; an image that is as MNIST's are stays as it is.

    Args:
        pixels: RGB, uint8 of shape (H, W, 3).
        digits: Whether what is written is a digit; else it may be any sign, of any width.
    """
    cv2 = opencv()
    gray = _gray(pixels)
    if as_mnist(gray[None])[0]:
        return PreparedDigit(gray)
    left, top, width, height = _sheet(gray)
    seen = gray[top : top + height, left : left + width]
    scale = _working_scale(max(seen.shape))
    working = _scaled(seen, scale, cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC).astype(np.float32)
    strength, ink, notes = _ink_of(working)
    if strength is None:
        what = "digit" if digits else "sign"
        note = f"No {what} is seen: ink and paper hardly differ. Is the page empty, or the photo too dark?"
        return PreparedDigit(np.zeros((FRAME, FRAME), np.uint8), notes=(note,))
    mask, several = _digit_of(strength)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    digit = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if several:
        notes.append(
            f"The photo shows {several} separate marks: only the largest is read. A photo of a single "
            f"{'digit' if digits else 'sign'} is needed."
        )
    elif digit.shape[0] == mask.shape[0] or digit.shape[1] == mask.shape[1]:
        notes.append("What is seen runs from one side to the other: it may be the edge of a page, or a shadow.")
    elif digits and digit.shape[1] > _WIDEST * digit.shape[0]:
        notes.append("What is seen is wider than any digit: it may be several, or no digit.")
    box = (
        left + int(columns[0] / scale),
        top + int(rows[0] / scale),
        max(1, round(digit.shape[1] / scale)),
        max(1, round(digit.shape[0] / scale)),
    )
    return PreparedDigit(_framed(digit), ink, box, tuple(notes))


def _gray(pixels: np.ndarray) -> np.ndarray:
    """Return RGB pixels in gray, as Pillow makes training images gray."""
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).convert("L"))


def _scaled(image: np.ndarray, scale: float, interpolation: int) -> np.ndarray:
    """Return an image made smaller or larger, its thinner side at least one pixel, where OpenCV takes none."""
    cv2 = opencv()
    if round(min(image.shape) * scale) > 0:
        return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation))
    height, width = (max(1, round(side * scale)) for side in image.shape)
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation))


def _working_scale(side: int) -> float:
    least, most = _WORKING_SIDE
    return most / side if side > most else least / side if side < least else 1.0


def _sheet(gray: np.ndarray) -> tuple[int, int, int, int]:
    """Return left, top, width and height of a light sheet of paper on a dark ground, or of the whole picture."""
    cv2 = opencv()
    height, width = gray.shape
    _, light = cv2.threshold(cv2.GaussianBlur(gray, (0, 0), 1.5), 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    count, _, stats, _ = cv2.connectedComponentsWithStats(light, connectivity=4)
    if count > 1 and border.mean() < 0.5:  # noqa: PLR2004 - more of the border is dark than light
        x, y, w, h, area = stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())]
        edge_x, edge_y = max(1, w // 20), max(1, h // 20)
        inner = w - 2 * edge_x, h - 2 * edge_y
        # A digit fills less than half of the box around it, and a sheet with a digit on it nearly all.
        large = w > width / 3 and h > height / 3 and min(inner) > 0
        if large and area > 0.75 * w * h and _has_edge(gray, light):
            return int(x + edge_x), int(y + edge_y), int(inner[0]), int(inner[1])
    return 0, 0, width, height


def _has_edge(gray: np.ndarray, light: np.ndarray) -> bool:
    """Return whether light and dark change over at an edge, as a sheet has, and not little by little, as light falls.

    Both sides are looked at a little off the edge, where noise and blur no longer decide what is light.
    """
    cv2 = opencv()
    outlines, _ = cv2.findContours(light, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = cv2.drawContours(np.zeros_like(light), outlines, -1, 1, cv2.FILLED)  # ink on the sheet has edges of its own
    off = max(2, max(gray.shape) // 100)
    inner, outer = (cv2.distanceTransform(side, cv2.DIST_L2, 3) for side in (whole, 1 - whole))
    beside = [gray[(off < depth) & (depth <= 2 * off)] for depth in (inner, outer)]
    if not all(map(len, beside)):
        return False
    step = float(np.median(beside[0])) - float(np.median(beside[1]))
    return step > _STEP * (float(np.median(gray[whole == 1])) - float(np.median(gray[whole == 0])))


def _ink_of(gray: np.ndarray) -> tuple[np.ndarray | None, str, list[str]]:
    """Return how much each pixel is ink, from 0 to 1, whether the ink is dark or light, and what is not sure.

    The ink is None where there is none.
    """
    smooth = opencv().GaussianBlur(gray, (0, 0), 1.0)
    border = _border(smooth)
    strengths = {"dark": _paper(smooth, dark_ink=True) - smooth, "light": smooth - _paper(smooth, dark_ink=False)}
    # Not the most of all, which is noise; nor a fixed part of the picture: the stroke of a 1 may be less of it.
    least = max(1, min(_STROKE_PIXELS, gray.size // 500))
    contrasts = {ink: float(np.partition(strength, -least, axis=None)[-least]) for ink, strength in strengths.items()}
    # Where all is paper, rounding may leave a contrast below 0, of which less is more.
    cores = {ink: min(contrast, _CORE * contrast) for ink, contrast in contrasts.items()}
    levels = {ink: float(np.median(smooth[strength >= cores[ink]])) for ink, strength in strengths.items()}
    ink = max(contrasts, key=lambda one: contrasts[one])
    if min(contrasts.values()) > _ONE_SIDED * contrasts[ink]:
        # Both may be: what is between the strokes is surrounded by ink, too. The border is as the paper is.
        ink = max(levels, key=lambda one: abs(levels[one] - float(np.median(border))))
    strength, contrast = strengths[ink], contrasts[ink]
    middle = float(np.median(strength))
    noise = 1.4826 * float(np.median(np.abs(strength - middle)))
    if contrast - middle < max(_LEAST_CONTRAST, _LEAST_OVER_NOISE * noise):
        return None, "", []
    strength = np.clip(strength / contrast, 0, 1)
    as_ink = float((np.abs(border - levels[ink]) < _AS_INK * contrast).mean())
    notes = []
    if max(as_ink, float((_border(strength) > _INK).mean())) > _MIXED:
        notes.append("The border of the photo is dark and light: which of both is the paper cannot be told for sure.")
    return strength, ink, notes


def _border(image: np.ndarray) -> np.ndarray:
    """Return the pixels along the four sides."""
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def _paper(gray: np.ndarray, *, dark_ink: bool) -> np.ndarray:
    """Return the paper without the ink on it: what is brighter, or darker, within a window wider than any stroke.

    Where light falls unevenly it follows, so that a shadow is no ink.
    """
    cv2 = opencv()
    scale = min(1.0, _PAPER_SIDE / max(gray.shape))
    small = _scaled(gray, scale, cv2.INTER_AREA)
    window = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, [max(3, min(small.shape) // 3)] * 2)
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE if dark_ink else cv2.MORPH_OPEN, window)
    paper = cv2.GaussianBlur(paper, (0, 0), max(1.0, min(small.shape) / 20))
    return np.asarray(cv2.resize(paper, gray.shape[::-1], interpolation=cv2.INTER_LINEAR))


def _digit_of(strength: np.ndarray) -> tuple[_RowMask, int]:
    """Return the pixels of the largest mark, and how many marks there are where they may be several digits, else 0."""
    cv2 = opencv()
    count, labels, stats, _ = cv2.connectedComponentsWithStats((strength > _INK).astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    parts = [n for n in range(1, count) if areas[n - 1] >= _SPECK * areas.max()]
    border = _border(labels)
    inside = [n for n in parts if (border == n).mean() <= _EDGE]
    parts = inside or parts
    groups: list[list[int]] = []
    for part in parts:
        near = [group for group in groups if any(_near(stats[part], stats[one]) for one in group)]
        groups = [group for group in groups if group not in near] + [[part, *(one for group in near for one in group)]]
    groups.sort(key=lambda group: -sum(areas[n - 1] for n in group))
    main, *others = groups
    tall, large = _height(stats[main]), sum(areas[n - 1] for n in main)
    significant = [
        group
        for group in others
        if _height(stats[group]) > _OTHER_HEIGHT * tall and sum(areas[n - 1] for n in group) > _OTHER_AREA * large
    ]
    return np.isin(labels, main), 1 + len(significant) if significant else 0


def _near(one: Any, other: Any) -> bool:
    """Return whether two marks are parts of one digit, as the bar of a 5 and its bow are."""
    across = max(one[0], other[0]) - min(one[0] + one[2], other[0] + other[2])
    down = max(one[1], other[1]) - min(one[1] + one[3], other[1] + other[3])
    return bool(max(across, down, 0) <= _NEAR * max(one[3], other[3]))


def _height(stats: np.ndarray) -> int:
    return int((stats[:, 1] + stats[:, 3]).max() - stats[:, 1].min())


def _framed(digit: _RowMask) -> np.ndarray:
    """Return a digit, True where its ink is, made 20 pixels tall or wide and centred by its mass in 28x28."""
    cv2 = opencv()
    scale = _BOX / max(digit.shape)
    depth = cv2.distanceTransform(np.pad(digit, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    stroke = 4 * float(depth[digit].mean())  # of a stroke, the mean distance to its edge is a quarter of its width
    if stroke * scale < _THINNEST:
        wider = round(_THINNEST / scale - stroke)
        if wider > 0:
            kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wider + 1, wider + 1))
            digit = cv2.dilate(np.pad(digit, wider).astype(np.uint8), kernel) > 0
            scale = _BOX / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = np.clip(cv2.resize(digit.astype(np.float32), (width, height), interpolation=how), 0, 1)
    small *= 255 / max(float(small.max()), 1e-6)
    frame = np.zeros((FRAME, FRAME), np.float32)
    places = []
    for axis, side in ((0, height), (1, width)):
        mass = small.sum(axis=1 - axis)
        centre = float((mass * np.arange(side)).sum() / mass.sum())
        places.append(min(max(round(_CENTRE - centre), 0), FRAME - side))
    top, left = places
    frame[top : top + height, left : left + width] = small
    return np.rint(frame).astype(np.uint8)
