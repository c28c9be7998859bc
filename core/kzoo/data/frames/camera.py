"""A camera or a stream as a source: always the latest frame, never a backlog."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from kzoo.data.frames.items import Failure, Frame, Item, Part, Source
from kzoo.data.frames.video import opencv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CameraSource", "LatestFrame"]

_CONNECT_MS = 10_000
_POLL = 0.1  # seconds between two looks at whether the source was closed, while no frame comes


class LatestFrame:
    """Reads a capture in a thread and keeps its latest frame; one that was not taken in time is dropped.

    Without the thread the driver or the network would queue frames while the model works, and what is seen would be
    ever further behind.

    Args:
        capture: An open `cv2.VideoCapture`, or anything with ``read`` and ``release``. The thread owns it.
        every: Keep one frame of this many.
        clock: Seconds, for the frames' times.

    Attributes:
        dropped: How many frames were wanted but never taken.
    """

    def __init__(self, capture: Any, *, every: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self.dropped = 0
        self.error = ""
        self._capture, self._every, self._clock = capture, every, clock
        self._ready = threading.Condition()
        self._frame: tuple[int, float, Any] | None = None
        self._stop = self._ended = False
        self._thread = threading.Thread(target=self._read, name="kzoo camera", daemon=True)
        self._thread.start()

    def take(self, timeout: float | None = None) -> tuple[int, float, Any] | None:
        """Return number, time and BGR pixels of the latest frame not yet taken; wait for one if need be.

        Returns:
            None where the time is over, or no more frames will come: see `ended`.
        """
        with self._ready:
            self._ready.wait_for(lambda: self._frame is not None or self._ended, timeout)
            frame, self._frame = self._frame, None
            return frame

    @property
    def ended(self) -> bool:
        """Whether no more frames will come."""
        with self._ready:
            return self._ended and self._frame is None

    def close(self) -> None:
        """End the thread, which gives the camera back; one that hangs in the driver is left to itself."""
        self._stop = True
        self._thread.join(timeout=2)

    def _read(self) -> None:
        index = 0
        began = self._clock()
        try:
            while not self._stop:
                found, pixels = self._capture.read()
                if not found or pixels is None:
                    break
                if index % self._every == 0:
                    with self._ready:
                        self.dropped += self._frame is not None
                        self._frame = (index, self._clock() - began, pixels)
                        self._ready.notify_all()
                index += 1
        except Exception as error:  # whatever a driver throws ends this source and no other
            self.error = str(error).strip() or type(error).__name__
        finally:
            with self._ready:
                self._ended = True
                self._ready.notify_all()
            self._capture.release()


class CameraSource(Source):
    """A camera or a network stream.

    Args:
        device: The camera's number, its device file, or a stream's URL.
        part: ``every`` counts the frames that the camera gives; ``start`` and ``end`` are seconds since it was opened.
        open_capture: Opens ``device``; OpenCV by default.
        clock: Seconds.
    """

    def __init__(
        self,
        device: int | str,
        part: Part | None = None,
        *,
        open_capture: Callable[[int | str], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(f"camera {device}" if isinstance(device, int) else device, "camera", part or Part())
        self.device = device
        self.dropped = 0
        self._open = open_capture or _open
        self._clock = clock

    def __iter__(self) -> Iterator[Item]:
        """Yield the latest frame whenever one is asked for, until the camera ends or the source is closed."""
        capture = self._open(self.device)
        if not capture.isOpened():
            capture.release()
            yield Failure(index=0, origin=str(self.device), error=self._why_not(), kind="camera")
            return
        cv2 = opencv()
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate if 0 < rate <= 1000 else None  # noqa: PLR2004 - a driver that does not know says anything
        latest = LatestFrame(capture, every=self.part.every, clock=self._clock)
        taken = 0
        try:
            while not self.closed and taken != self.part.max_frames:
                found = latest.take(_POLL)
                if found is None:
                    if latest.ended:
                        self._say_the_end(latest.error, taken)
                        return
                    continue
                index, moment, pixels = found
                if moment < self.part.start:
                    continue
                if self.part.end is not None and moment >= self.part.end:
                    return
                yield Frame(index=index, time=moment, pixels=cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
                taken += 1
        finally:
            self.dropped = latest.dropped
            latest.close()

    def _say_the_end(self, error: str, taken: int) -> None:
        why = f" ({error})" if error else ""
        self.notes.append(f"{self.name} gave no more frames after {taken} were taken{why}.")

    def _why_not(self) -> str:
        if isinstance(self.device, int) or self.device.startswith("/dev/"):
            reason = "there is none of that number, another program uses it, or you may not use it"
        else:
            reason = f"nothing answered within {_CONNECT_MS // 1000} s, it needs a password, or it is no video stream"
        return f"{self.name} cannot be opened: {reason}."


def _open(device: int | str) -> Any:
    cv2 = opencv()
    if isinstance(device, int) or device.startswith("/dev/"):
        capture = cv2.VideoCapture(device)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # where the driver has a queue, the shortest
        return capture
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _CONNECT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _CONNECT_MS]
    return cv2.VideoCapture(device, cv2.CAP_FFMPEG, limits)
