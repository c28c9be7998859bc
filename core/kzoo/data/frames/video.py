"""A video file as a source: its frames in order, up to its end."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.data.frames.items import Failure, Frame, Item, Part, Source
from kzoo.errors import KzooError, words_of
from kzoo.files import kind_of, open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["VIDEO_SUFFIXES", "VideoSource", "is_video", "opencv"]

VIDEO_SUFFIXES = frozenset(
    {".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"}
    | {".mts", ".ogv", ".ts", ".vob", ".webm", ".wmv"}
)
"""Names that end so are taken for videos when a folder is searched."""

_STILL_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis")  # photos in the container of MP4
_STILL_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
_MOVING_STARTS = (b"\x1a\x45\xdf\xa3", b"FLV\x01", b"\x00\x00\x01\xba", b"OggS", b"\x30\x26\xb2\x75")
_PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"<MPD", b"<SMIL", b"[playlist]", b"v=0")
"""How the lists begin that FFmpeg follows: HLS, concat, DASH, PLS, SDP."""
_BOXES = (b"moov", b"mdat", b"wide", b"skip")  # how QuickTime files without `ftyp` begin

_MANY = 1_000_000_000  # more frames than any video has: the header holds no count
_FASTEST = 1000.0


def is_video(path: Path) -> bool:
    """Return whether a file is a video, by how it begins, and by its name only where that is no help."""
    try:
        with open_regular(path) as file:
            start = file.read(16)
    except OSError:
        start = b""
    kind = start[4:8]
    if kind == b"ftyp":
        return start[8:12] not in _STILL_BRANDS
    if start[:4] == b"RIFF":
        return start[8:12] == b"AVI "
    if kind in _BOXES or start.startswith(_MOVING_STARTS):
        return True
    return path.suffix.lower() in VIDEO_SUFFIXES and not start.startswith(_STILL_STARTS)


def opencv() -> Any:
    """Return the module cv2, told to leave its messages to us.

    Raises:
        KzooError: It cannot be imported, as where the variant for windows is installed on a machine without a screen.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # FFmpeg's own words go past OpenCV's log
    try:
        import cv2
    except ImportError as error:
        message = (
            f"OpenCV cannot be imported: {words_of(error).rstrip('.')}. On a machine without a screen take the variant "
            "without windows: `pip uninstall opencv-python opencv-contrib-python`, then "
            "`pip install --force-reinstall opencv-python-headless`."
        )
        raise KzooError(message) from error
    if hasattr(cv2, "setLogLevel"):
        cv2.setLogLevel(0)
    elif hasattr(cv2, "utils") and hasattr(cv2.utils, "logging"):  # where newer versions have it
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


class VideoSource(Source):
    """A video: a file, or the URL of one.

    Frames are turned upright as the file's rotation says, which phones write. The video ends where no further frame can
    be decoded, whatever number of frames its header promises.

    Args:
        location: The file or URL.
        part: Which part of it.
    """

    def __init__(self, location: Path | str, part: Part | None = None) -> None:
        super().__init__(str(location), "video", part or Part())
        self.path = location if isinstance(location, Path) else None
        self._origin = "" if self.path else self.name

    def __iter__(self) -> Iterator[Item]:
        """Yield the frames, or one `Failure` where the file is no video that can be read."""
        if self.path is not None and (kind := _kind_of(self.path)):
            yield self._failure(f"it is {kind}, not a file")
            return
        if self.path is not None and _is_playlist(self.path):
            yield self._failure("it is a playlist, which names other files, and no video itself")
            return
        cv2 = opencv()
        capture = cv2.VideoCapture(self.name)
        try:
            if not capture.isOpened():
                yield self._failure(self._reason())
                return
            yield from self._frames(cv2, capture)
        finally:
            capture.release()

    def _failure(self, reason: str) -> Failure:
        error = f"{self.name} cannot be read as a video: {reason}."
        return Failure(index=0, path=self.path, origin=self._origin, error=error, kind="video")

    def _frames(self, cv2: Any, capture: Any) -> Iterator[Item]:
        self.rate = _rate(capture.get(cv2.CAP_PROP_FPS))
        rate = self.rate or 25.0
        if self.rate is None:
            self.notes.append(f"{self.name} does not say how fast it is; its times are for {rate:g} frames a second.")
        read, taken, first = 0, 0, -1
        while not self.closed and capture.grab():
            index = read
            read += 1
            stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            # Some formats carry no time stamps; then all are 0.
            time = stamp if index == 0 or stamp > 0 else index / rate
            if time < self.part.start:
                continue
            if self.part.end is not None and time >= self.part.end:
                return
            first = index if first < 0 else first
            if (index - first) % self.part.every:
                continue  # grabbed, but not converted, which is half the work
            found, pixels = capture.retrieve()
            if not found or pixels is None:
                continue
            rgb = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
            yield Frame(index=index, path=self.path, origin=self._origin, time=time, pixels=rgb)
            taken += 1
            if taken == self.part.max_frames:
                return
        if self.closed:
            return
        if not read:
            yield self._failure("there is not a single frame in it that can be decoded")
            return
        self._say_the_end(read, taken, capture.get(cv2.CAP_PROP_FRAME_COUNT), rate)

    def _say_the_end(self, read: int, taken: int, promised: float, rate: float) -> None:
        # Headers without a count are estimated by OpenCV from duration and rate, so some frames more or less are usual.
        few = max(2.0, 0.02 * promised) if math.isfinite(promised) else 0
        if math.isfinite(promised) and 0 < promised < _MANY and promised - read > few:
            self.notes.append(
                f"{self.name} ended after {read} frames ({read / rate:.1f} s) where its header promises "
                f"{promised:.0f}: it is cut off or damaged, or the header is wrong. What there was has been read."
            )
        if not taken:
            self.notes.append(
                f"{self.name} has {read} frames ({read / rate:.1f} s), none of them in the part asked for."
            )

    def _reason(self) -> str:
        if self.path is None:
            return "nothing answers there, or it is no video"
        try:
            size = self.path.stat().st_size
        except OSError as error:
            return error.strerror.lower() if error.strerror else str(error)
        if size == 0:
            return "the file is empty"
        with self.path.open("rb") as file:
            start = file.read(64).lstrip().lower()
        if start.startswith((b"<!doctype html", b"<html")):
            return "it is a web page: its download failed"
        if start[4:8] != b"ftyp":
            return "it is no video, damaged, or in a format that OpenCV does not know"
        whole = _has_index(self.path)
        lost = "it is cut off: its index, which comes last, is missing"
        return "it holds no frames, or none in a format that OpenCV knows" if whole else lost


def _kind_of(path: Path) -> str:
    """Return what a path is that is neither file nor folder: OpenCV would wait for ever for a pipe."""
    try:
        return kind_of(path.stat().st_mode)
    except OSError:
        return ""


def _is_playlist(path: Path) -> bool:
    """Return whether a file only says where videos are: FFmpeg would go and read these, whatever they are."""
    try:
        with path.open("rb") as file:
            start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError:
        return False  # OpenCV does not open it either, and why is said then
    return start.startswith(_PLAYLISTS)


def _has_index(path: Path) -> bool:
    """Return whether an MP4 or QuickTime file has the box ``moov``, without which nothing in it can be found."""
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:  # noqa: PLR2004 - size and kind of a box
            size, kind = int.from_bytes(head[:4], "big"), head[4:]
            if kind == b"moov":
                return True
            rest = int.from_bytes(file.read(8), "big") - 16 if size == 1 else size - 8
            if rest < 0:  # 0 means to the end of the file
                return False
            file.seek(rest, os.SEEK_CUR)
    return False


def _rate(value: float) -> float | None:
    """Return frames in a second, or None where the header's number cannot be meant."""
    return float(value) if math.isfinite(value) and 0 < value <= _FASTEST else None
