"""From the text a user types to the sources it stands for."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kzoo.data.frames.camera import CameraSource
from kzoo.data.frames.items import Part, Source
from kzoo.data.frames.pictures import ImageSource
from kzoo.data.frames.video import VIDEO_SUFFIXES, VideoSource, is_video
from kzoo.data.images import IMAGE_SUFFIXES, looked_for
from kzoo.errors import DataError, UsageError

__all__ = ["combined", "open_sources"]

if TYPE_CHECKING:
    from collections.abc import Sequence

_STREAMS = frozenset({"http", "https", "rtmp", "rtmps", "rtp", "rtsp", "rtsps", "srt", "tcp", "udp"})


def open_sources(text: str | Path, part: Part | None = None) -> list[Source]:
    """Return the sources that ``text`` stands for; nothing is opened before it is iterated over.

    ``0`` is a camera (unless a file has that name), ``rtsp://...`` or another URL a stream, the URL of a video file
    that video; all else is a file, a folder, or a pattern like ``clips/*.mp4``. A folder gives the images and videos in
    it and below. All images together are one source; each video is one by itself.

    Args:
        text: What the user typed.
        part: Which part of each source.

    Raises:
        DataError: Nothing of that name exists, or it holds neither image nor video.
        UsageError: A URL that no frames can be read from.
    """
    part = part or Part()
    name = str(text)
    if re.fullmatch(r"[0-9]{1,3}", name) and not Path(name).exists():
        return [CameraSource(int(name), part)]
    if re.fullmatch(r"/dev/video[0-9]+", name):
        return [CameraSource(name, part)]
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", name):
        return [_from_url(name, part)]
    paths, left_out = looked_for(text, suffixes=IMAGE_SUFFIXES | VIDEO_SUFFIXES, what="images or videos")
    videos = [path for path in paths if is_video(path)]
    images = [path for path in paths if path not in set(videos)]
    together: list[Source] = [ImageSource(images, part, name)] if images else []
    sources = [*together, *(VideoSource(path, part) for path in videos)]
    if left_out:
        sources[0].notes.append(left_out)
    return sources


def combined(sources: Sequence[Source]) -> list[Source]:
    """Return the sources with all images in one, so that files named one by one go in batches too."""
    images = [source for source in sources if type(source) is ImageSource]
    if len(images) < 2:  # noqa: PLR2004 - one is one already
        return list(sources)
    together = ImageSource([path for source in images for path in source.paths], images[0].part, "images")
    together.notes += [note for source in images for note in source.notes]
    return [together, *(source for source in sources if type(source) is not ImageSource)]


def _from_url(url: str, part: Part) -> Source:
    address = urlsplit(url)
    scheme = address.scheme.lower()
    suffix = PurePosixPath(address.path).suffix.lower()
    if scheme not in _STREAMS:
        message = f"`{url}` cannot be read: frames come from {', '.join(sorted(_STREAMS))} URLs, or from files by path."
        raise UsageError(message)
    if suffix in IMAGE_SUFFIXES and scheme in ("http", "https"):
        message = f"`{url}` is the address of an image: download it first, then name the file."
        raise DataError(message)
    if suffix in VIDEO_SUFFIXES - {".mjpeg", ".mjpg"} and scheme in ("http", "https"):
        return VideoSource(url, part)
    return CameraSource(url, part)
