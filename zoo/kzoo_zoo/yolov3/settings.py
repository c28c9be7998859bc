"""What a user says of detecting, of networks and of changes at random."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from kzoo.errors import UsageError
from kzoo.pipeline import setting, settings
from kzoo_zoo.yolov3.darknet.heads import FEWEST_BINS, MOST_BINS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo_zoo.yolov3.letterbox import Resize

__all__ = ["AugmentSettings", "Decisions", "DetectorSettings", "NetworkSettings"]

_LARGEST_ZOOM = 10


@settings
class NetworkSettings:
    """Which network, and what it begins with."""

    network: Annotated[str, setting("A cfg file, or the name of a built-in one: yolov3, yolov3-tiny, yolov3-spp.")] = (
        "yolov3-tiny"
    )
    width: Annotated[float, setting("What the channels of all hidden convolutions are multiplied by.", gt=0, le=4)] = (
        1.0
    )
    weights: Annotated[
        str,
        setting(
            "What the training begins with: a Darknet file or the name of a trained network to download; random by "
            "itself. --from names a run or an import in its place."
        ),
    ] = ""
    weights_cfg: Annotated[str, setting("The cfg of a Darknet file; by itself `network`.")] = ""
    frozen: Annotated[
        int | str,
        setting("How many of Darknet's layers, from the first, stay as they are, or backbone for as many as that has."),
    ] = 0
    anchors: Annotated[
        Literal["cfg", "auto"],
        setting("The network's own anchors, or those found from the boxes of the training data."),
    ] = "cfg"
    match: Annotated[
        float,
        setting(
            "A box is also learned by other anchors than its best where the IoU of their sides is above this; 1 for "
            "the best alone.",
            gt=0,
            le=1,
        ),
    ] = 1.0
    bins: Annotated[
        int,
        setting(
            f"How many bins each side of a box is a distribution over (`reg_max` elsewhere), {FEWEST_BINS} to "
            f"{MOST_BINS}; 0 for sides that are numbers, or as the cfg says. Train it with --loss yolo:sides=dfl.",
            ge=0,
            le=MOST_BINS,
        ),
    ] = 0

    def __post_init__(self) -> None:
        if 0 < self.bins < FEWEST_BINS:
            message = f"`model.bins` must be 0 or from {FEWEST_BINS} to {MOST_BINS}, not {self.bins}."
            raise UsageError(message)


@settings
class AugmentSettings:
    """How images and their boxes are changed at random; see `kzoo_zoo.yolov3.augment`."""

    zoom: Annotated[tuple[float, float], setting("The smallest and the largest scale, as in [0.6, 1.4].")] = (0.6, 1.4)
    stretch: Annotated[float, setting("The largest change of the ratio of the sides, as a part.", ge=0, le=10)] = 0.2
    shift: Annotated[
        float, setting("How far an image may be moved beyond where it fits, as a part of its side.", ge=0, le=1)
    ] = 0.1
    mirror: Annotated[bool, setting("Whether half of the images are mirrored, left and right.")] = True
    hue: Annotated[float, setting("The largest turn of the colours, as a part of the circle.", ge=0, le=0.5)] = 0.05
    saturation: Annotated[
        float, setting("The largest factor of the saturation; one over it is the smallest.", ge=1, le=10)
    ] = 1.5
    exposure: Annotated[float, setting("Likewise of the brightness.", ge=1, le=10)] = 1.5
    mosaic: Annotated[float, setting("The part of the images that are put together from four.", ge=0, le=1)] = 0.0
    mosaic_epochs: Annotated[int, setting("The number of first epochs with such images; 0 for all.", ge=0)] = 0
    scales: Annotated[
        tuple[int, ...],
        setting("The smallest and the largest width of the input, multiples of 32, as in [320, 608]; [] for one size."),
    ] = ()
    scale_steps: Annotated[int, setting("Steps after which the input has another size.", ge=1)] = 10

    def __post_init__(self) -> None:
        low, high = self.zoom
        if not 0 < low <= high <= _LARGEST_ZOOM:
            message = (
                f"`augment.zoom` must be the smallest and the largest scale, in (0, {_LARGEST_ZOOM}], as in "
                f"[0.6, 1.4], not {list(self.zoom)}."
            )
            raise UsageError(message)
        if not all(map(math.isfinite, (self.stretch, self.shift, self.hue, self.saturation, self.exposure))):
            message = "The settings of [augment] must be finite numbers."
            raise UsageError(message)


@settings
class DetectorSettings:
    """How objects are found in pictures."""

    threshold: Annotated[float, setting("Objects of a lower score are left out.", ge=0, lt=1)] = 0.25
    iou: Annotated[float, setting("A box that overlaps a surer one of its class by more is left out.", gt=0, le=1)] = (
        0.45
    )
    max_detections: Annotated[int, setting("The most objects in one picture.", ge=1)] = 300
    classes: Annotated[
        str | int | tuple[str | int, ...], setting("The only classes that are wanted, by name or index, with commas.")
    ] = ""
    soft_nms: Annotated[bool, setting("Lower the score of an overlapping box instead of leaving it out.")] = False
    agnostic: Annotated[bool, setting("Let boxes of different classes leave each other out.")] = False
    resize: Annotated[
        Literal["letterbox", "stretch"],
        setting("Keep the picture's shape and pad it with gray, as kzoo trains, or stretch it."),
    ] = "letterbox"
    weights: Annotated[
        str,
        setting("Without a trained network: a file of Darknet's weights, or the name of a network to download."),
    ] = ""
    network: Annotated[str, setting("Its cfg, or the name of a built-in one; by itself that of the weights.")] = ""
    names: Annotated[str, setting("A file with the names of the classes.")] = ""
    size: Annotated[str, setting("The side of the network's input, or WIDTHxHEIGHT; by itself the cfg's.")] = ""
    coco: Annotated[str, setting("A file to which all objects are also written, in COCO's results format.")] = ""
    txt: Annotated[
        str, setting("A folder to which they are also written, a text file for each picture, as YOLO's labels.")
    ] = ""
    txt_scores: Annotated[bool, setting("Whether these get the scores too.")] = False
    batch: Annotated[int, setting("The most pictures that go through the network at once.", ge=1)] = 8


@dataclass(frozen=True)
class Decisions:
    """How detections are made of a network's outputs.

    Attributes:
        threshold: Objects of a lower score are left out.
        iou: A box that overlaps a better one of its class by more is left out.
        most: The most objects in one picture.
        classes: The indices of the only classes that are wanted; None for all.
        soft: Whether a box that overlaps a better one is made less sure instead.
        agnostic: Whether boxes of different classes suppress each other.
        resize: How a frame becomes the network's input.
    """

    threshold: float = 0.25
    iou: float = 0.45
    most: int = 300
    classes: tuple[int, ...] | None = None
    soft: bool = False
    agnostic: bool = False
    resize: Resize = "letterbox"

    @classmethod
    def of(cls, chosen: DetectorSettings, class_names: Sequence[str]) -> Decisions:
        """Return what a user's settings mean for a network with these classes, or raise `UsageError`."""
        return cls(
            threshold=chosen.threshold,
            iou=chosen.iou,
            most=chosen.max_detections,
            classes=_classes(chosen.classes, class_names),
            soft=chosen.soft_nms,
            agnostic=chosen.agnostic,
            resize=chosen.resize,
        )


def _classes(wanted: Any, class_names: Sequence[str]) -> tuple[int, ...] | None:
    """Return the indices of classes given by name or index, ``dog,cat`` or a list; None for an empty text."""
    if wanted is None or wanted == "":
        return None
    parts = wanted.split(",") if isinstance(wanted, str) else wanted if isinstance(wanted, (list, tuple)) else [wanted]
    found = []
    for part in parts:
        text = str(part).strip()
        if text in class_names:
            found.append(list(class_names).index(text))
        elif text.isdecimal() and int(text) < len(class_names):
            found.append(int(text))
        else:
            near = difflib.get_close_matches(text, class_names, n=1)
            hint = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(class_names[:20])}"
            hint += ", ..." if not near and len(class_names) > 20 else "" if near else "."  # noqa: PLR2004
            message = f"`classes` names {text!r}, which this network does not know. {hint}"
            raise UsageError(message)
    return tuple(dict.fromkeys(found))
