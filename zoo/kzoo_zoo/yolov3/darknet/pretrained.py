"""The authors' trained networks by name: fetched once, held to their checksums, kept in the cache.

References:
    https://pjreddie.com/darknet/yolo/ (the files; the host often refuses programs, so a copy on GitHub is asked last)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.data.download import RemoteFile, cached, fetch
from kzoo.errors import DataError, NetworkUnreachableError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PRETRAINED", "fetch_pretrained"]


def _published(name: str, size: int, sha256: str, *, copied: bool) -> RemoteFile:
    filename = f"{name}.weights"
    urls = [f"https://pjreddie.com/media/files/{filename}", f"https://data.pjreddie.com/files/{filename}"]
    if copied:
        urls.append(f"https://github.com/hank-ai/darknet/releases/download/v2.0/{filename}")
    return RemoteFile(tuple(urls), sha256, size, filename, "yolov3")


PRETRAINED: dict[str, RemoteFile] = {
    # The authors publish no checksums. These are the ones that several independent projects pin for the same files, and
    # the sizes are what the cfgs need.
    "yolov3": _published(
        "yolov3", 248_007_048, "523e4e69e1d015393a1b0a441cef1d9c7659e3eb2d7e15f793f060a21b32f297", copied=True
    ),
    "yolov3-tiny": _published(
        "yolov3-tiny", 35_434_956, "dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c", copied=True
    ),
    "yolov3-spp": _published(
        "yolov3-spp", 252_209_544, "87a1e8c85c763316f34e428f2295e1db9ed4abcec59dd9544f8052f50de327b4", copied=False
    ),
}
"""The trained networks that have a name: on COCO, 80 classes."""


def fetch_pretrained(name: str, *, download: bool = True, progress: Any = None) -> Path:
    """Return the file of weights of a trained network, from the cache or the network.

    Args:
        name: One of `PRETRAINED`.
        download: Whether to fetch it if it is not in the cache.
        progress: Called with the bytes done, the bytes in all and the name of the file.

    Raises:
        NetworkUnreachableError: It is not in the cache, and no host could be reached.
        DataError: It is not in the cache and ``download`` is not set, or what came is not the file.
    """
    remote = PRETRAINED[name]
    size = f"{(remote.size or 0) / 1e6:.0f} MB"
    otherwise = (
        f"Get {remote.filename} ({size}) in another way and name it, `--weights FILE`, or put it at {remote.path()}."
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
