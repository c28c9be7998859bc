"""How annotated images and the sample are read; the reading itself is imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from kzoo.errors import UsageError
from kzoo.pipeline import setting, settings

if TYPE_CHECKING:
    from pathlib import Path

    from kzoo.data.splits import Dataset, Reading

__all__ = ["BoxSettings", "SampleSettings", "read", "sample"]

_STRIDE = 32
_LARGEST = 1600


@settings
class SampleSettings:
    """How images become examples."""

    image_size: Annotated[
        int | tuple[int, int],
        setting(f"The side of the network's input, a multiple of {_STRIDE} up to {_LARGEST}, or [height, width]."),
    ] = 416

    def __post_init__(self) -> None:
        sides = (self.image_size,) if isinstance(self.image_size, int) else self.image_size
        if not all(_STRIDE <= side <= _LARGEST and side % _STRIDE == 0 for side in sides):
            message = (
                f"`data.image_size` must be a multiple of {_STRIDE} from {_STRIDE} to {_LARGEST}, or two of them as "
                f"[height, width], not {self.image_size!r}."
            )
            raise UsageError(message)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        sides = (self.image_size, self.image_size) if isinstance(self.image_size, int) else self.image_size
        return (*sides, 3)


@settings
class BoxSettings(SampleSettings):
    """How annotated images are read."""

    format: Annotated[
        Literal["voc", "coco", "yolo", ""], setting("The form of the annotations; found by looking where empty.")
    ] = ""
    fix: Annotated[Literal["stop", "clip", "skip"], setting("What to do about boxes and images that are wrong.")] = (
        "stop"
    )
    outside: Annotated[
        bool,
        setting(
            "Whether a data.yaml may name files that are neither below its own folder nor beside it. Only for files "
            "that you trust."
        ),
    ] = False


def read(path: Path, settings: BoxSettings, reading: Reading) -> Dataset:
    """Read annotated images in VOC's, COCO's or YOLO's format; see `examples.read`."""
    from kzoo_zoo.yolov3 import examples

    return examples.read(path, settings, reading)


def sample(settings: SampleSettings) -> Dataset:
    """Return drawn scenes of shapes."""
    from kzoo_zoo.yolov3 import examples

    return examples.sample(settings)
