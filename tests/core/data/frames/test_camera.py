"""A camera gives its latest frame and no backlog; all with a camera that does as the test says, on the test's clock."""

import threading

import numpy as np
import pytest

from kzoo.data.frames import Failure, Frame, Part
from kzoo.data.frames.camera import CameraSource, LatestFrame

PATIENCE = 30  # seconds; only a broken test waits so long


class Camera:
    """Gives ``steps`` frames each time it is let; frame number n is of the shade n, in blue."""

    def __init__(self, *, total=10**6, error=None, opened=True):
        self.total, self.error, self.opened = total, error, opened
        self.read_so_far = 0
        self.released = threading.Event()
        self._allowed = threading.Semaphore(0)
        self._asked = threading.Condition()
        self._calls = 0

    def let(self, frames):
        """Let it give so many frames, and wait until it is asked for one more: then all of them were taken."""
        target = self.read_so_far + frames
        for _ in range(frames):
            self._allowed.release()
        with self._asked:
            assert self._asked.wait_for(lambda: self._calls > target, PATIENCE)

    def open_the_gate(self):
        self._allowed.release(10**6)

    def read(self):
        with self._asked:
            self._calls += 1
            self._asked.notify_all()
        assert self._allowed.acquire(timeout=PATIENCE)
        if self.error:
            raise self.error
        if self.read_so_far == self.total:
            return False, None
        pixels = np.zeros((4, 6, 3), np.uint8)
        pixels[..., 0] = self.read_so_far % 256  # blue, as OpenCV orders colours
        self.read_so_far += 1
        return True, pixels

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return self.opened

    def get(self, name):
        return 30.0

    def release(self):
        self.released.set()


def test_only_the_latest_frame_is_kept():
    camera = Camera()
    latest = LatestFrame(camera, clock=iter(range(10**6)).__next__)
    camera.let(1)
    assert latest.take(PATIENCE)[:2] == (0, 1)
    camera.let(9)  # while the model works
    index, moment, pixels = latest.take(PATIENCE)
    assert (index, moment, pixels[0, 0, 0]) == (9, 10, 9)
    assert latest.take(0) is None  # no backlog
    assert latest.dropped == 8
    camera.open_the_gate()
    latest.close()
    assert camera.released.is_set()


def test_a_thousand_frames_leave_no_backlog():
    camera = Camera()
    latest = LatestFrame(camera)
    seen = []
    for _ in range(10):
        camera.let(100)
        seen.append(latest.take(PATIENCE)[0])
    assert seen == list(range(99, 1000, 100))
    assert latest.dropped == 990
    camera.open_the_gate()
    latest.close()


def test_the_camera_is_read_while_nobody_asks_and_every_counts_its_frames():
    camera = Camera()
    latest = LatestFrame(camera, every=4)
    camera.let(7)
    assert latest.take(PATIENCE)[0] == 4
    camera.let(1)
    assert latest.take(0) is None
    camera.let(1)
    assert latest.take(PATIENCE)[0] == 8
    camera.open_the_gate()
    latest.close()


def through(camera, **part):
    return CameraSource(0, Part(**part), open_capture=lambda device: camera)


def test_frames_are_rgb_and_the_end_of_a_camera_is_said():
    camera = Camera(total=1)
    camera.open_the_gate()
    source = through(camera)
    (frame,) = source
    assert frame.pixels[0, 0].tolist() == [0, 0, 0]
    assert frame.pixels.shape == (4, 6, 3)
    assert source.rate == 30
    assert "camera 0 gave no more frames after 1" in source.notes[0]
    assert camera.released.is_set()


def test_blue_is_blue():
    camera = Camera()
    frames = iter(through(camera))
    camera._allowed.release(1)
    next(frames)
    camera.let(200)
    assert next(frames).pixels[0, 0].tolist() == [0, 0, 200]
    camera.open_the_gate()
    frames.close()
    assert camera.released.is_set()


def test_a_driver_that_fails_ends_the_source_with_its_words():
    camera = Camera(error=RuntimeError("USB gone"))
    camera.open_the_gate()
    source = through(camera)
    assert list(source) == []
    assert "USB gone" in source.notes[0]


def test_max_frames_and_close():
    camera = Camera()
    camera.open_the_gate()
    assert len(list(through(camera, max_frames=3))) == 3
    camera = Camera()
    camera.open_the_gate()
    source = through(camera)
    assert len([source.close() for _ in source]) == 1
    assert camera.released.is_set()


def test_start_and_end_are_seconds_since_it_was_opened():
    camera = Camera()
    ticks = iter(np.arange(0, 1e5, 0.5)).__next__
    source = CameraSource(0, Part(start=2, end=4), open_capture=lambda device: camera, clock=ticks)
    camera.open_the_gate()
    times = [frame.time for frame in source]
    assert all(2 <= moment < 4 for moment in times)


@pytest.mark.parametrize(("device", "words"), [(7, "camera 7 cannot be opened"), ("rtsp://x/y", "nothing answered")])
def test_a_camera_that_is_not_there(device, words):
    camera = Camera(opened=False)
    (failure,) = CameraSource(device, open_capture=lambda device: camera)
    assert isinstance(failure, Failure)
    assert not isinstance(failure, Frame)
    assert words in failure.error
    assert camera.released.is_set()


def test_there_is_no_camera_99():
    (failure,) = CameraSource(99)
    assert "camera 99 cannot be opened" in failure.error
