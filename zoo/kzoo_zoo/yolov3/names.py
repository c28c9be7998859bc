"""Names of classes: those of COCO and of Pascal VOC, and a user's own from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.errors import DataError
from kzoo.files import read_regular

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["COCO_NAMES", "VOC_NAMES", "read_names"]

COCO_NAMES = tuple(
    """person,bicycle,car,motorbike,aeroplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter,
bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,skis,
snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,
knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,sofa,pottedplant,bed,
diningtable,toilet,tvmonitor,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,
clock,vase,scissors,teddy bear,hair drier,toothbrush""".replace("\n", "").split(",")
)
"""The 80 classes of COCO as Darknet calls them, in its order."""

VOC_NAMES = tuple(
    """aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,diningtable,dog,horse,motorbike,person,pottedplant,sheep,
sofa,train,tvmonitor""".replace("\n", "").split(",")
)
"""The 20 classes of Pascal VOC, in their order."""

_LONGEST = 1_000_000  # bytes


def read_names(path: Path, *, numbered: bool = False) -> tuple[str, ...]:
    """Return the names in a file, one a line; empty lines at its end do not count.

    Args:
        path: The file.
        numbered: A name that was there before gets the number of its class, from 0: ``crane (517)``.

    Raises:
        DataError: The file cannot be read, is no text, or has an empty name, or a repeated one that gets no number.
    """
    try:
        if path.stat().st_size > _LONGEST:
            message = f"{path} is no file of class names: it has {path.stat().st_size:,} bytes."
            raise DataError(message)
        text = read_regular(path, _LONGEST).decode("utf-8-sig")
    except OSError as error:
        message = f"The file of class names {path} cannot be read: {error.strerror}."
        raise DataError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is no file of class names: it is not text in UTF-8."
        raise DataError(message) from error
    names = [line.strip() for line in text.rstrip().splitlines()] if text.strip() else []
    if not names:
        message = f"{path} names no class: it is empty. It must have one name in each line."
        raise DataError(message)
    if numbered:
        firsts = {name: number for number, name in reversed(list(enumerate(names)))}
        names = [name if firsts[name] == n or not name else f"{name} ({n})" for n, name in enumerate(names)]
    for number, name in enumerate(names, start=1):
        first = names.index(name) + 1
        if not name or "\0" in name or first != number:
            what = f"repeats {name!r} of line {first}" if name and first != number else "is empty or no text"
            message = f"{path}, line {number}: it {what}. The file must have one name in each line."
            raise DataError(message)
    return tuple(names)
