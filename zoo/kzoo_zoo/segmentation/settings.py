"""What can be set: how pictures and masks are read, which network, how it is trained, how it is used."""

from __future__ import annotations

from typing import Annotated, Literal

from kzoo.errors import UsageError
from kzoo.settings import setting, settings

__all__ = ["STRIDE", "AugmentSettings", "MaskSettings", "NetworkSettings", "ReaderSettings", "SampleSettings", "padded"]

STRIDE = 16
"""The sides of a network's input are multiples of it: pictures are padded, and what was added is cut off again."""

_SMALLEST, _LARGEST = 16, 4096
_LARGEST_ZOOM = 8.0

_Side = Annotated[int, setting("", ge=_SMALLEST, le=_LARGEST)]


def padded(side: int) -> int:
    """Return the next multiple of `STRIDE`.

    Example:
        >>> padded(180), padded(240)
        (192, 240)
    """
    return -(-side // STRIDE) * STRIDE


@settings
class SampleSettings:
    """How large pictures are."""

    image_size: (
        Annotated[
            _Side | tuple[_Side, _Side],
            setting(
                "The side of the square that pictures are made to fit into, with their shape kept, or [height, width]; "
                "by itself the size of the pictures where all have one, else 256."
            ),
        ]
        | None
    ) = None
    channels: Annotated[Literal[1, 3], setting("1 for pictures in gray, 3 for colours.")] = 3

    def sides(self, own: tuple[int, int] | None) -> tuple[int, int]:
        """Return height and width, before they are padded; ``own`` is the size of all pictures, if they have one."""
        if self.image_size is None:
            return own or (256, 256)
        return (self.image_size, self.image_size) if isinstance(self.image_size, int) else self.image_size


@settings
class MaskSettings(SampleSettings):
    """How pictures and masks are read."""

    format: Annotated[
        Literal["masks", "voc", "coco", ""],
        setting("Folders of images and masks, VOC's layout, or COCO's json; found by looking where empty."),
    ] = ""
    classes: Annotated[
        str | tuple[str, ...],
        setting(
            "The names of the classes in the order of their numbers, each with its colour where masks are in colours: "
            "a file, or a list; by itself classes.txt or the like beside the data, else what the masks have."
        ),
    ] = ()
    ignore: Annotated[
        int | str | tuple[int | str, ...],
        setting("The value of pixels without a class, as a number or a colour as in #e0e0c0, or several; [] for none."),
    ] = 255
    fix: Annotated[
        Literal["stop", "skip"],
        setting("What to do about pictures that are wrong, such as one without a mask: stop and name them, or skip."),
    ] = "stop"


@settings
class NetworkSettings:
    """Which network, and how wide."""

    network: Annotated[Literal["default", "classic"], setting("Which network.")] = "default"
    widths: (
        Annotated[
            tuple[Annotated[int, setting("", ge=1)], ...],
            setting("The channels at each size, the first size first; null for the network's own."),
        ]
        | None
    ) = None
    blocks: (
        Annotated[
            tuple[Annotated[int, setting("", ge=0)], ...],
            setting("The residual blocks of the default network at each size; null for its own, 0, 1, 2 and 3."),
        ]
        | None
    ) = None
    dropout: Annotated[
        float, setting("The part of the channels at the smallest size that is dropped in training.", ge=0, lt=1)
    ] = 0.1

    def __post_init__(self) -> None:
        sizes = {"default": 4, "classic": 5}[self.network]
        if self.widths is not None and len(self.widths) != sizes:
            message = f"`model.widths` of the network `{self.network}` has {sizes} numbers, not {list(self.widths)!r}."
            raise UsageError(message)
        if self.blocks is not None and (self.network != "default" or len(self.blocks) != sizes):
            message = f"`model.blocks` is 4 numbers, for the network `default` alone, not {list(self.blocks)!r}."
            raise UsageError(message)


@settings
class AugmentSettings:
    """How pictures and their masks are changed at random, alike."""

    rotation: Annotated[float, setting("The largest turn, in degrees.", ge=0, le=180)] = 0.0
    shift: Annotated[float, setting("The longest way, as a part of the side.", ge=0, le=1)] = 0.0
    shear: Annotated[
        float, setting("The largest angle between an upright line and its image, in degrees.", ge=0, le=60)
    ] = 0.0
    zoom: Annotated[
        tuple[float, float], setting("The smallest and the largest part of the side that is seen; [0.6, 1] enlarges.")
    ] = (1.0, 1.0)
    stretch: Annotated[float, setting("The largest change of the ratio of the sides, as a part.", ge=0, le=10)] = 0.0
    mirror: Annotated[bool, setting("Whether half of the pictures are mirrored, left and right.")] = True
    colour: Annotated[
        float, setting("The largest change of brightness, contrast and saturation, as a part.", ge=0, le=1)
    ] = 0.0

    def __post_init__(self) -> None:
        low, high = self.zoom
        if not 0 < low <= high <= _LARGEST_ZOOM:
            message = (
                f"`augment.zoom` must be the smallest and the largest part of the side, in (0, {_LARGEST_ZOOM:g}], as "
                f"in [0.6, 1.0], not {list(self.zoom)}."
            )
            raise UsageError(message)


@settings
class ReaderSettings:
    """How pictures are segmented, and where the masks go."""

    masks: Annotated[
        str, setting("A folder for the masks: a PNG with a palette for each picture or frame, its values the classes.")
    ] = ""
    coco: Annotated[str, setting("A file for the masks of all classes in COCO's results format, as run lengths.")] = ""
    full: Annotated[
        bool,
        setting("Whether the network sees pictures in their own size, not made as small as those of its training."),
    ] = False
    mirror: Annotated[
        bool, setting("Whether the mean of what it says of a picture and of its mirror image counts; twice the time.")
    ] = False
    threshold: Annotated[
        float, setting("Where there is one mask, the probability above which a pixel is in it.", gt=0, lt=1)
    ] = 0.5
    strength: Annotated[
        float, setting("How much of the classes' colours is seen where they are drawn.", ge=0, le=1)
    ] = 0.55
    batch: Annotated[int, setting("The most pictures that go through the network at once.", ge=1)] = 8
