"""The cfgs of YOLOv3, YOLOv3-tiny and YOLOv3-SPP, written out from the pattern of their layers.

References:
    Redmon, Farhadi, YOLOv3: An Incremental Improvement, 2018, https://arxiv.org/abs/1804.02767
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["BUILT_IN", "builtin_cfg"]

_COCO = 80

_ANCHORS = ((10, 13), (16, 30), (33, 23), (30, 61), (62, 45), (59, 119), (116, 90), (156, 198), (373, 326))
_TINY_ANCHORS = ((10, 14), (23, 27), (37, 58), (81, 82), (135, 169), (344, 319))

_RESIDUALS = ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4))
"""Darknet-53: the width of each stage, and how many residual blocks it has."""
_MIDDLE_STRIDE, _FINE_STRIDE = 61, 36
"""The last layers of its stages at strides 16 and 8, which the finer heads look back at."""


def builtin_cfg(name: str) -> str:
    """Return the text of a built-in cfg."""
    size, sections = BUILT_IN[name]
    return "\n\n".join([_section("net", width=size, height=size, channels=3), *sections()]) + "\n"


def _yolov3(*, pyramid: bool = False) -> Iterator[str]:
    yield _convolution(32, 3)
    for width, blocks in _RESIDUALS:
        yield _convolution(width, 3, stride=2)
        for _ in range(blocks):
            yield from (_convolution(width // 2, 1), _convolution(width, 3))
            yield _section("shortcut", **{"from": -3, "activation": "linear"})
    yield from _branch(512, (6, 7, 8), pyramid=pyramid)
    for width, earlier, mask in ((256, _MIDDLE_STRIDE, (3, 4, 5)), (128, _FINE_STRIDE, (0, 1, 2))):
        yield _section("route", layers=-4)
        yield _convolution(width, 1)
        yield _section("upsample", stride=2)
        yield _section("route", layers=f"-1,{earlier}")
        yield from _branch(width, mask)


def _branch(width: int, mask: Sequence[int], *, pyramid: bool = False) -> Iterator[str]:
    """Five convolutions that narrow and widen, with or without a pyramid of poolings among them, one more, a head."""
    for turn in range(3):
        yield _convolution(width, 1)
        if pyramid and turn == 1:
            yield _section("maxpool", size=5, stride=1)
            yield _section("route", layers=-2)
            yield _section("maxpool", size=9, stride=1)
            yield _section("route", layers=-4)
            yield _section("maxpool", size=13, stride=1)
            yield _section("route", layers="-1,-3,-5,-6")
            yield _convolution(width, 1)
        yield _convolution(2 * width, 3)
    yield from _head(mask, _ANCHORS)


def _tiny() -> Iterator[str]:
    for width in (16, 32, 64, 128, 256):
        yield _convolution(width, 3)
        yield _section("maxpool", size=2, stride=2)
    yield _convolution(512, 3)
    yield _section("maxpool", size=2, stride=1)
    yield from (_convolution(1024, 3), _convolution(256, 1), _convolution(512, 3))
    yield from _head((3, 4, 5), _TINY_ANCHORS)
    yield _section("route", layers=-4)
    yield _convolution(128, 1)
    yield _section("upsample", stride=2)
    yield _section("route", layers="-1,8")
    yield _convolution(256, 3)
    yield from _head((0, 1, 2), _TINY_ANCHORS)


def _convolution(filters: int, size: int, *, stride: int = 1) -> str:
    return _section(
        "convolutional", batch_normalize=1, filters=filters, size=size, stride=stride, pad=1, activation="leaky"
    )


def _head(mask: Sequence[int], anchors: Sequence[tuple[int, int]]) -> Iterator[str]:
    filters = len(mask) * (5 + _COCO)
    yield _section("convolutional", filters=filters, size=1, stride=1, pad=1, activation="linear")
    listed = ",".join(str(side) for pair in anchors for side in pair)
    chosen = ",".join(map(str, mask))
    yield _section(
        "yolo", mask=chosen, anchors=listed, classes=_COCO, num=len(anchors), ignore_thresh=0.7, truth_thresh=1
    )


def _section(name: str, **keys: object) -> str:
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in keys.items())])


BUILT_IN: dict[str, tuple[int, Callable[[], Iterator[str]]]] = {
    "yolov3": (416, _yolov3),
    "yolov3-tiny": (416, _tiny),
    "yolov3-spp": (608, lambda: _yolov3(pyramid=True)),
}
"""The names, the side of the input, and what writes the layers."""
