"""The authors' trained networks by name: fetched once, held to their checksums, kept in the cache.

References:
    https://pjreddie.com/darknet/yolo/ (the files; the host often refuses programs, so a copy on GitHub is asked last)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kzoo.data.download import RemoteFile, cached, fetch
from kzoo.errors import DataError, NetworkUnreachableError, UsageError

__all__ = ["BACKBONES", "PRETRAINED", "Backbone", "Named", "fetch_pretrained", "named_weights", "refuse_backbone"]


def _published(filename: str, size: int, sha256: str, *, copied: bool) -> RemoteFile:
    urls = [f"https://pjreddie.com/media/files/{filename}", f"https://data.pjreddie.com/files/{filename}"]
    if copied:
        urls.append(f"https://github.com/hank-ai/darknet/releases/download/v2.0/{filename}")
    return RemoteFile(tuple(urls), sha256, size, filename, "yolov3")


# The authors publish no checksums. These are the ones that several independent projects pin for the same files, and the
# sizes are what the cfgs need.
PRETRAINED: dict[str, RemoteFile] = {
    "yolov3": _published(
        "yolov3.weights",
        248_007_048,
        "523e4e69e1d015393a1b0a441cef1d9c7659e3eb2d7e15f793f060a21b32f297",
        copied=True,
    ),
    "yolov3-tiny": _published(
        "yolov3-tiny.weights",
        35_434_956,
        "dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c",
        copied=True,
    ),
    "yolov3-spp": _published(
        "yolov3-spp.weights",
        252_209_544,
        "87a1e8c85c763316f34e428f2295e1db9ed4abcec59dd9544f8052f50de327b4",
        copied=False,
    ),
}
"""The trained networks that have a name: on COCO, 80 classes."""


@dataclass(frozen=True)
class Backbone:
    """The first layers of a trained network, from which a detector for other classes begins.

    Attributes:
        cfg: The built-in network whose first layers they are.
        layers: How many of Darknet's layers.
        remote: The file that has them, perhaps with more behind them.
        source: What they were trained on, for people.
    """

    cfg: str
    layers: int
    remote: RemoteFile
    source: str


BACKBONES: dict[str, Backbone] = {
    "darknet53.conv.74": Backbone(
        "yolov3",
        75,
        _published(
            "darknet53.conv.74",
            162_482_580,
            "2495c2690283e4e0bc2050cbd4660b77a8074e14e9c11150c6412fd63db496a7",
            copied=False,
        ),
        "Darknet-53 as trained on ImageNet",
    ),
    # Nobody publishes this file: Darknet's users cut it from yolov3-tiny.weights, and so it is taken from there.
    "yolov3-tiny.conv.15": Backbone("yolov3-tiny", 15, PRETRAINED["yolov3-tiny"], "YOLOv3-tiny as trained on COCO"),
}
"""The backbones that have a name."""


@dataclass(frozen=True)
class Named:
    """Weights that were named rather than given as a file, in the cache.

    Attributes:
        path: The file.
        cfg: The built-in network that it belongs to.
        layers: How many of Darknet's layers are to be taken from it; None for all.
    """

    path: Path
    cfg: str
    layers: int | None


def named_weights(text: str, *, download: bool = True, progress: Any = None) -> Named | None:
    """Return the weights that ``text`` is the name of, fetched if need be; None where it names a file.

    Args:
        text: A file, or one of `PRETRAINED` and `BACKBONES`. A file that exists goes before a name.
        download: Whether to fetch what is not in the cache.
        progress: Called with the bytes done, the bytes in all and the name of the file.

    Raises:
        NetworkUnreachableError: It is not in the cache, and no host could be reached.
        DataError: It is not in the cache and ``download`` is not set, or what came is not the file.
    """
    if text not in (*PRETRAINED, *BACKBONES) or Path(text).expanduser().exists():
        return None
    path = fetch_pretrained(text, download=download, progress=progress)
    backbone = BACKBONES.get(text)
    return Named(path, text, None) if backbone is None else Named(path, backbone.cfg, backbone.layers)


def fetch_pretrained(name: str, *, download: bool = True, progress: Any = None) -> Path:
    """Return the file that holds the weights of a trained network or a backbone, from the cache or the network.

    Args:
        name: One of `PRETRAINED` or `BACKBONES`.
        download: Whether to fetch it if it is not in the cache.
        progress: Called with the bytes done, the bytes in all and the name of the file.

    Raises:
        NetworkUnreachableError: It is not in the cache, and no host could be reached.
        DataError: It is not in the cache and ``download`` is not set, or what came is not the file.
    """
    remote = PRETRAINED[name] if name in PRETRAINED else BACKBONES[name].remote
    size = f"{(remote.size or 0) / 1e6:.0f} MB"
    otherwise = (
        f"Get {remote.filename} ({size}) in another way and name it instead of {name}, as in `--weights FILE`, or put "
        f"it at {remote.path()}."
    )
    if not download:
        if (path := cached(remote)) is not None:
            return path
        message = f"The weights of {name} are not in the cache. {otherwise}"
        raise DataError(message)
    try:
        return fetch(remote, progress=progress)
    except NetworkUnreachableError as error:
        message = (
            f"The weights of {name} are not in the cache, and there is no network to fetch them: {error} {otherwise}"
        )
        raise NetworkUnreachableError(message) from error
    except DataError as error:
        message = f"The weights of {name} cannot be fetched: {error} {otherwise}"
        raise DataError(message) from error


def refuse_backbone(weights: str) -> None:
    """Raise `UsageError` where ``weights`` names a backbone: it finds nothing before it was trained."""
    if weights in BACKBONES and not Path(weights).expanduser().exists():
        message = (
            f"{weights} is a backbone, the first {BACKBONES[weights].layers} layers of {BACKBONES[weights].cfg}: it "
            f"finds nothing before a training. Begin one from it with `kzoo run yolov3 --data FOLDER "
            f"-o model.network={BACKBONES[weights].cfg} -o model.weights={weights}`, or predict with "
            f"{', '.join(PRETRAINED)}."
        )
        raise UsageError(message)
