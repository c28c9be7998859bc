"""From the text a user types to the sources it stands for."""

from __future__ import annotations

import codecs
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kzoo.data.decoding import HEIF_SUFFIXES
from kzoo.data.frames.camera import CameraSource
from kzoo.data.frames.items import Failure, Item, Part, Source, SourceKind
from kzoo.data.frames.pictures import ImageSource
from kzoo.data.frames.video import VIDEO_SUFFIXES, VideoSource, is_video
from kzoo.data.frames.web_images import WebImageSource
from kzoo.data.images import IMAGE_SUFFIXES, looked_for
from kzoo.data.labels_of_lists import LIST_SUFFIXES
from kzoo.data.listed_images import paths_listed
from kzoo.errors import DataError, KzooError, UsageError
from kzoo.files import open_regular

__all__ = ["combined", "open_sources", "opened"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_START = 1024
_STREAMS = frozenset({"http", "https", "rtmp", "rtmps", "rtp", "rtsp", "rtsps", "srt", "tcp", "udp"})


def open_sources(text: str | Path, part: Part | None = None) -> list[Source]:
    """Return the sources that ``text`` stands for; nothing is opened before it is iterated over.

    ``0`` is a camera (unless a file has that name), ``rtsp://...`` or another URL a stream, the URL of an image or a
    video file that image or video; all else is a file, a folder, or a pattern like ``clips/*.mp4``. A folder gives the
    images and videos in it and below, a list (a text file of paths, or a CSV that names images) those that it names.
    All images together are one source; each video is one by itself.

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
    if _is_list(path := Path(name).expanduser()):
        return [ImageSource(_in_list(path), part, name)]
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
    joined: list[Source] = []
    images = [source for source in sources if type(source) is ImageSource]
    if len(images) > 1:
        joined.append(ImageSource([path for source in images for path in source.paths], images[0].part, "images"))
    web = [source for source in sources if type(source) is WebImageSource]
    if len(web) > 1:
        joined.append(WebImageSource([url for source in web for url in source.urls], web[0].part))
    together = {type(source): source for source in joined}
    for source in sources:
        if type(source) in together:
            together[type(source)].notes += source.notes
        else:
            joined.append(source)
    return joined


def opened(
    texts: Sequence[str], part: Part, open_one: Callable[[str, Part], Sequence[Source]] = open_sources
) -> list[Source]:
    """Return the sources that several texts stand for; one that stands for nothing is among them, and says why.

    Args:
        texts: What the user typed.
        part: Which part of each source.
        open_one: Opens one of them.

    Raises:
        KzooError: None of them stands for anything; the error of the first.
    """
    found: list[Source | tuple[str, KzooError]] = []
    for text in texts:
        try:
            found += open_one(text, part)
        except KzooError as error:
            found.append((text, error))
    good = [source for source in found if isinstance(source, Source)]
    if not good:
        raise next(one[1] for one in found if isinstance(one, tuple))
    kind: SourceKind = "table" if good[0].kind == "table" else "images"
    return combined([source if isinstance(source, Source) else MissingSource(*source, kind) for source in found])


class MissingSource(Source):
    """What a user named and is not there, or holds nothing to read.

    Args:
        text: What was typed.
        error: Why it cannot be opened.
        kind: What it is taken for.
    """

    def __init__(self, text: str, error: KzooError, kind: SourceKind) -> None:
        super().__init__(text, kind)
        self._error = error

    def __iter__(self) -> Iterator[Item]:
        """Yield the failure."""
        yield Failure(index=0, origin=self.name, error=str(self._error), kind=self.kind)


def _is_list(path: Path) -> bool:
    """Return whether a file is a list of others by its name, and text by how it begins."""
    if path.suffix.lower() not in LIST_SUFFIXES or not path.is_file():
        return False
    with open_regular(path) as file:
        start = file.read(_START)
    return start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or not (b"\0" in start or start[:1] == b"\xff")


def _in_list(path: Path) -> list[Path]:
    """Return the files that a list names; raise `DataError` where none of them is there."""
    found = list(paths_listed(path))
    if not any(one.exists() for one in found):
        first = f": the first is {found[0]}" if found else ""
        message = f"`{path}` is read as a list of images, and none of the {len(found)} that it names is there{first}."
        raise DataError(message)
    return found


def _from_url(url: str, part: Part) -> Source:
    address = urlsplit(url)
    scheme = address.scheme.lower()
    suffix = PurePosixPath(address.path).suffix.lower()
    if scheme not in _STREAMS:
        message = f"`{url}` cannot be read: frames come from {', '.join(sorted(_STREAMS))} URLs, or from files by path."
        raise UsageError(message)
    if suffix in IMAGE_SUFFIXES | HEIF_SUFFIXES and scheme in ("http", "https"):
        return WebImageSource([url], part)
    if suffix in VIDEO_SUFFIXES - {".mjpeg", ".mjpg"} and scheme in ("http", "https"):
        return VideoSource(url, part)
    return CameraSource(url, part)
