"""The cameras of browser pages: each page has a reader of its own, which remembers what that camera showed."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from kzoo.data.frames import Frame, Source
from kzoo.errors import KzooError
from kzoo.inference.predicting import Result, predict_source

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from kzoo.data.frames import Item
    from kzoo.pipeline import Reader

__all__ = ["MOST_CAMERAS", "BrowserCamera", "Cameras", "PageCamera"]

MOST_CAMERAS = 16
"""Pages whose cameras are read at a time; each has a reader of its own in memory."""

_FORGOTTEN = 60.0  # seconds without a frame, after which another page may take a camera's place


class BrowserCamera(Source):
    """A camera in a browser, which sends one frame after the other."""

    def __init__(self) -> None:
        super().__init__("the browser's camera", "camera")
        self._sent: Frame | None = None

    def put(self, frame: Frame) -> None:
        """Take the frame that is to be read next."""
        self._sent = frame

    def __iter__(self) -> Iterator[Item]:
        """Yield what was put there, until the source is closed; who asks for a frame has put one there."""
        while not self.closed:
            frame, self._sent = self._sent, None
            assert frame is not None
            yield frame


class PageCamera:
    """What one page's camera shows, read by a reader of its own.

    Args:
        reader: The reader, which no other page has.
        reading: Held while a reader works: all readers have one network, and its processors, in common.
        clock: Seconds.

    Attributes:
        reader: As given.
        dropped: Frames that came but were not read, because a newer one had come when their turn was.
        used: When a frame came last, by the clock.
    """

    def __init__(self, reader: Reader, reading: threading.Lock, clock: Callable[[], float] = time.monotonic) -> None:
        self.reader = reader
        self.dropped = 0
        self.used = clock()
        self._reading, self._clock = reading, clock
        self._counting = threading.Lock()
        self._arrived = 0
        self._opened = 0
        self._source = BrowserCamera()
        self._results: Generator[Result, None, None] | None = None

    def read(self, frame: Frame, opened: int) -> Result | None:
        """Return what the reader says of a frame, or None where a newer one came before its turn did.

        Safe to call from several threads.

        Args:
            frame: The frame, with its time since the camera was opened.
            opened: How often the page has opened its camera: with another number, what was remembered is forgotten.
        """
        with self._counting:
            self._arrived += 1
            number = self._arrived
        with self._reading:
            self.used = self._clock()
            if number != self._arrived:
                self.dropped += 1
                return None
            if self._results is None or opened != self._opened:
                self._begin(opened)
            assert self._results is not None
            self._source.put(frame)
            try:
                return next(self._results)
            except BaseException:
                self._results = None  # a generator that has raised is at its end; the next frame begins anew
                raise

    def end(self) -> list[str]:
        """End the source, and return what the reader has to say of it."""
        with self._reading:
            return self._end()

    def close(self) -> None:
        """End the source, and the reader with it."""
        with self._reading:
            self._end()
            self.reader.close()

    def _begin(self, opened: int) -> None:
        self._end()
        self._opened = opened
        self._source = BrowserCamera()
        self._results = predict_source(self.reader, self._source)

    def _end(self) -> list[str]:
        results, self._results = self._results, None
        self._source.close()
        if results is not None:
            next(results, None)  # it sees that its source is closed, and tells the reader so
        return self._source.notes


class Cameras:
    """The cameras of all pages, by the session of each.

    Args:
        make: Returns a reader that is loaded.
        reading: Held while a reader works.
        most: How many there may be.
        clock: Seconds.
    """

    def __init__(
        self,
        make: Callable[[], Reader],
        reading: threading.Lock,
        *,
        most: int = MOST_CAMERAS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make, self._reading, self._most, self._clock = make, reading, most, clock
        self._changing = threading.Lock()
        self._there: OrderedDict[str, PageCamera] = OrderedDict()

    def of(self, session: str) -> PageCamera:
        """Return the camera of a session, with a reader of its own.

        Raises:
            KzooError: There are too many.
        """
        with self._changing:
            if session not in self._there:
                self._make_room()
                self._there[session] = PageCamera(self._make(), self._reading, self._clock)
            self._there.move_to_end(session)
            return self._there[session]

    def end(self, session: str) -> list[str]:
        """End what the camera of a session shows; return what its reader has to say of it. The reader stays."""
        with self._changing:
            camera = self._there.get(session)
        return camera.end() if camera else []

    def leave(self, session: str) -> None:
        """Close the camera of a page that was left, if it had one."""
        with self._changing:
            camera = self._there.pop(session, None)
        if camera:
            camera.close()

    def __len__(self) -> int:
        return len(self._there)

    def _make_room(self) -> None:
        if len(self._there) < self._most:
            return
        session, oldest = next(iter(self._there.items()))
        if self._clock() - oldest.used < _FORGOTTEN:
            message = f"{self._most} pages use their cameras at present, which is the most. Close one, or wait."
            raise KzooError(message)
        del self._there[session]
        oldest.close()
