"""Pictures back into files: images into a folder, the frames of a video or camera into an mp4."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from PIL import Image

from kzoo.data.frames.video import opencv
from kzoo.data.frames.web_images import name_at
from kzoo.errors import DataError, UsageError
from kzoo.files import replacing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    import numpy as np

    from kzoo.data.frames.items import Frame, Source

__all__ = ["ImageFolder", "Mp4", "Saver"]

USUAL_RATE = 25.0
"""Frames in a second where the source does not say."""

_FREE = 4 * 2**20
"""A film ends while there is still so much room on the disk: enough for its index, without which nothing plays it."""
_LOOK_EVERY = 16  # frames between two looks at the room that is left

_LONGEST_GAP = 10.0  # seconds that a picture is repeated at most, where a camera stalled


class ImageFolder:
    """Writes pictures into a folder, each under a name of its own.

    Args:
        folder: Made if need be.
        sources: Files that must never be written over.
    """

    def __init__(self, folder: Path, sources: Sequence[Path] = ()) -> None:
        self.folder = folder
        self.written: list[Path] = []
        self._taken = {_real(path) for path in sources}
        _make_folder(folder)

    def write(self, frame: Frame, pixels: np.ndarray) -> Path:
        """Write one picture, named after its source: as JPEG where that is one, else as PNG; return its path.

        Two sources of one name, in different folders or with different endings, get a number. Files of an earlier call
        of the command are replaced.
        """
        source = frame.path or _named_at(frame.origin) or Path(f"frame{frame.index:06d}")
        suffix = ".jpg" if source.suffix.lower() in (".jpg", ".jpeg") else ".png"
        for number in itertools.count(1):
            path = self.folder / f"{source.stem}{'' if number == 1 else f'-{number}'}{suffix}"
            if _real(path) not in self._taken:
                break
        self._taken.add(_real(path))
        options: dict[str, Any] = {"quality": 95, "subsampling": 0} if suffix == ".jpg" else {}
        try:
            with replacing(path) as temporary:
                Image.fromarray(pixels).save(temporary, **options)
        except OSError as error:
            message = f"{path} cannot be written: {error.strerror or error}."
            raise DataError(message) from error
        self.written.append(path)
        return path


class Mp4:
    """Writes frames into an mp4 of one size and one rate. The file appears when it is closed, whole.

    The codec is MPEG-4 Part 2 (``mp4v``), the only one that OpenCV's wheels write everywhere; players play it, web
    browsers do not.

    Args:
        path: The file; its folder is made if need be.
        rate: Frames in a second.
        timed: Keep to the frames' times, as a camera's frames come when they can: a picture is repeated until the next
            one is due. Otherwise each picture is one frame of the film.
    """

    def __init__(self, path: Path, rate: float, *, timed: bool = False) -> None:
        self.path, self.rate, self.timed = path, rate, timed
        self.frames = 0
        self._writer: Any = None
        self._size = (0, 0)
        self._began: float | None = None
        self._last: np.ndarray | None = None
        self._file: AbstractContextManager[Path] | None = None
        self._temporary = path

    def write(self, pixels: np.ndarray, time: float | None = None) -> None:
        """Add one picture, RGB, uint8 of shape (H, W, 3); one of another size than the first is scaled to that."""
        cv2 = opencv()
        if self._writer is None:
            self._open(cv2, pixels)
        width, height = self._size
        if pixels.shape[:2] != (height, width):
            # One row or column is added where the number is odd, which the codec cannot have.
            down, right = height - pixels.shape[0], width - pixels.shape[1]
            if {down, right} <= {0, 1}:
                pixels = cv2.copyMakeBorder(pixels, 0, down, 0, right, cv2.BORDER_REPLICATE)
            else:
                pixels = cv2.resize(pixels, self._size, interpolation=cv2.INTER_AREA)
        picture = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        if self.timed and time is not None:
            self._began = time if self._began is None else self._began
            due = round((time - self._began) * self.rate)
            for _ in range(min(due - self.frames, round(_LONGEST_GAP * self.rate))):
                self._add(self._last)
            if due < self.frames:
                return  # sooner than the next frame of the film
        self._last = picture
        self._add(picture)

    def close(self) -> Path | None:
        """Finish the film and put it in its place; return its path, or None if there was no frame."""
        if self._writer is None or self._file is None:
            return None
        self._writer.release()
        self._writer = None
        file, self._file = self._file, None
        if not self.frames:
            self._temporary.unlink(missing_ok=True)
            return None
        # OpenCV says nothing of a disk that is full: what can be played tells whether the film is whole.
        if _playable(self._temporary) < self.frames:
            error = DataError(f"{self.path} cannot be written: the disk is full, or the folder is gone.")
            file.__exit__(DataError, error, None)  # which removes it
            raise error
        file.__exit__(None, None, None)
        return self.path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it, after an error too: what was filmed up to then can be played."""
        if error is None:
            self.close()
            return
        with contextlib.suppress(DataError):  # the first error tells more
            self.close()

    def _open(self, cv2: Any, pixels: np.ndarray) -> None:
        height, width = pixels.shape[:2]
        self._size = (width + width % 2, height + height % 2)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = replacing(self.path)
            self._temporary = self._file.__enter__()
            self._temporary.touch()
        except OSError as error:
            message = f"{self.path} cannot be written: {error.strerror}."
            raise DataError(message) from error
        code = cv2.VideoWriter.fourcc(*"mp4v")
        self._writer = cv2.VideoWriter(str(self._temporary), cv2.CAP_FFMPEG, code, self.rate, self._size)
        if not self._writer.isOpened():
            self._writer = None
            message = (
                f"{self.path} cannot be written: this OpenCV has no MPEG-4 encoder, or does not take pictures of "
                f"{width} x {height}. The one of `pip install opencv-python-headless` has it; images need none."
            )
            lacking = DataError(message)
            self._file.__exit__(DataError, lacking, None)
            self._file = None
            raise lacking

    def _add(self, picture: np.ndarray | None) -> None:
        if self.frames % _LOOK_EVERY == 0 and shutil.disk_usage(self.path.parent).free < _FREE:
            message = f"{self.path} ends after {self.frames} frames: the disk is full."
            raise DataError(message)
        self._writer.write(picture)
        self.frames += 1


class Saver:
    """Puts the annotated pictures of any sources where the user wants them.

    Images go into the folder ``target``. A video or a camera becomes an mp4: ``target`` itself if that ends in ``.mp4``
    and there is one such source, else a file of the source's name in the folder ``target``.

    Args:
        target: Folder or ``.mp4`` file.
        sources: All that will be read; none of their files is written over.
    """

    def __init__(self, target: Path, sources: Sequence[Source]) -> None:
        self.target = target
        self.written: list[Path] = []
        self._films = [source for source in sources if source.kind in ("video", "camera")]
        self._inputs = [path for source in sources for path in _files(source)]
        self._images: ImageFolder | None = None
        self._film: Mp4 | None = None
        self._names = {_real(path) for path in self._inputs}
        kinds = {source.kind for source in sources}
        if "table" in kinds:
            message = "--save draws on pictures, and a table has none. --csv FILE or --json keeps what is predicted."
            raise UsageError(message)
        single = target.suffix.lower() == ".mp4"
        if single and (len(self._films) != 1 or "images" in kinds):
            message = f"--save {target} is one film, for one video or camera; for several, or images, name a folder."
            raise UsageError(message)
        if single and _real(target) in self._names:
            message = f"--save {target} would write over the video that is read. Name another file."
            raise UsageError(message)
        if not single and target.exists() and not target.is_dir():
            message = f"--save {target} is a file; name a folder, or an .mp4 for one video or camera."
            raise UsageError(message)
        if single and target.is_dir():
            message = f"--save {target} is a folder whose name ends like a film's; name a file in it."
            raise UsageError(message)
        _make_folder(target.parent if single else target)  # what cannot be written is said before a model is loaded

    def start(self, source: Source) -> None:
        """Finish what the source before has written; the frames that follow are this one's."""
        self.close()
        if source.kind == "images" and self._images is None:
            self._images = ImageFolder(self.target, self._inputs)

    def write(self, source: Source, frame: Frame, pixels: np.ndarray) -> None:
        """Save one annotated picture."""
        if source.kind == "images":
            assert self._images is not None
            self.written.append(self._images.write(frame, pixels))
            return
        if self._film is None:
            rate = (source.rate or USUAL_RATE) / source.part.every
            self._film = Mp4(self._film_path(source), max(1.0, rate), timed=source.live)
        self._film.write(pixels, frame.time)

    def close(self) -> None:
        """Finish the film that is being written, if any."""
        film, self._film = self._film, None
        if film is not None and (path := film.close()):
            self.written.append(path)

    def _film_path(self, source: Source) -> Path:
        if self.target.suffix.lower() == ".mp4":
            return self.target
        name = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in Path(source.name).stem)
        for number in itertools.count(1):
            path = self.target / f"{name or 'video'}{'' if number == 1 else f'-{number}'}.mp4"
            if _real(path) not in self._names:
                break
        self._names.add(_real(path))
        return path


def _named_at(origin: str) -> Path | None:
    """Return the name of the file at a web address; None for a camera and for an address without one."""
    name = name_at(origin).name if "://" in origin else ""
    return Path(name) if name and "\0" not in name else None


def _real(path: Path) -> Path:
    """Return where a path leads, as far as its links lead anywhere: `Path.resolve` ends at a loop of them."""
    return Path(os.path.realpath(path))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The folder {folder} cannot be made: {error.strerror}."
        raise DataError(message) from error


def _playable(path: Path) -> int:
    """Return how many frames a film has by its index, 0 where it cannot be opened."""
    cv2 = opencv()
    film = cv2.VideoCapture(str(path))
    try:
        return int(film.get(cv2.CAP_PROP_FRAME_COUNT)) if film.isOpened() else 0
    finally:
        film.release()


def _files(source: Source) -> list[Path]:
    found = getattr(source, "paths", None) or [getattr(source, "path", None)]
    return [path for path in found if path is not None]
