"""The cameras of pages: the newest frame alone, a reader for each page, and an end that the reader is told of."""

import threading

import numpy as np
import pytest

from kzoo.data.frames import Frame
from kzoo.demo.cameras import Cameras, PageCamera
from kzoo.errors import DataError, KzooError
from kzoo.pipeline import Reader, ValuePrediction

WAIT = 20  # seconds, for what must happen at once


class Counting(Reader):
    """Says how many frames of its source it has seen, and waits for the gate before each answer."""

    def __init__(self, gate=None):
        self.gate = gate
        self.begun = threading.Event()
        self.told, self.seen = [], 0

    def start(self, source):
        self.told.append(("start", source.kind, source.live))
        self.seen = 0

    def finish(self, source):
        self.told.append(("finish", self.seen))
        source.notes.append(f"{self.seen} seen")

    def close(self):
        self.told.append(("close",))

    def predict(self, items):
        self.begun.set()
        if self.gate:
            assert self.gate.wait(WAIT)
        (item,) = items
        if item.index < 0:
            message = "no such frame"
            raise DataError(message)
        self.seen += 1
        return [ValuePrediction({"frame": item.index, "seen": self.seen})]


def frame(index):
    return Frame(index=index, time=index / 10, pixels=np.zeros((4, 4, 3), np.uint8))


def values(result):
    return dict(result.prediction.values)


def test_frames_are_read_in_turn_as_those_of_one_camera():
    reader = Counting()
    camera = PageCamera(reader, threading.Lock())
    found = [camera.read(frame(index), 1) for index in (0, 3, 4)]
    assert [values(one) for one in found] == [{"frame": index, "seen": n + 1} for n, index in enumerate((0, 3, 4))]
    assert [one.item.time for one in found] == [0.0, 0.3, 0.4]
    assert reader.told == [("start", "camera", True)]
    assert camera.end() == ["3 seen"]
    assert camera.end() == ["3 seen"]
    assert reader.told[1:] == [("finish", 3)]


def test_a_camera_that_is_opened_again_is_another_source():
    reader = Counting()
    camera = PageCamera(reader, threading.Lock())
    seen = [values(camera.read(frame(0), opened))["seen"] for opened in (1, 1, 2)]
    assert seen == [1, 2, 1]
    assert reader.told == [("start", "camera", True), ("finish", 2), ("start", "camera", True)]


def test_of_frames_that_wait_the_newest_alone_is_read():
    gate = threading.Event()
    reader = Counting(gate)
    camera = PageCamera(reader, threading.Lock())
    answers = {}

    def send(index):
        answers[index] = camera.read(frame(index), 1)

    first = threading.Thread(target=send, args=(0,))
    first.start()
    assert reader.begun.wait(WAIT)
    waiting = [threading.Thread(target=send, args=(index,)) for index in (1, 2, 3)]
    for count, thread in enumerate(waiting, 2):
        thread.start()
        while camera._arrived < count:
            thread.join(0.001)
    gate.set()
    for thread in (first, *waiting):
        thread.join(WAIT)
    assert {index for index, answer in answers.items() if answer is None} == {1, 2}
    assert values(answers[0]) == {"frame": 0, "seen": 1}
    assert values(answers[3]) == {"frame": 3, "seen": 2}
    assert camera.dropped == 2


def test_after_an_error_the_next_frame_begins_anew():
    reader = Counting()
    camera = PageCamera(reader, threading.Lock())
    camera.read(frame(0), 1)
    with pytest.raises(DataError, match="no such frame"):
        camera.read(frame(-1), 1)
    assert values(camera.read(frame(2), 1)) == {"frame": 2, "seen": 1}


def test_each_page_has_a_reader_of_its_own_until_it_is_left():
    made = []

    def make():
        made.append(Counting())
        return made[-1]

    cameras = Cameras(make, threading.Lock())
    seen = [values(cameras.of(page).read(frame(0), 1))["seen"] for page in ("a", "b", "a", "b", "a")]
    assert seen == [1, 1, 2, 2, 3]
    assert cameras.end("a") == ["3 seen"]
    cameras.leave("a")
    cameras.leave("nobody")
    assert (len(made), len(cameras)) == (2, 1)
    assert made[0].told[-1] == ("close",)
    assert cameras.end("a") == []
    assert values(cameras.of("a").read(frame(0), 1))["seen"] == 1


def test_there_is_no_room_for_any_number_of_pages():
    now = [0.0]
    cameras = Cameras(Counting, threading.Lock(), most=2, clock=lambda: now[0])
    first = cameras.of("a")
    now[0] = 30.0
    second = cameras.of("b")
    with pytest.raises(KzooError, match="2 pages use their cameras at present, which is the most"):
        cameras.of("c")
    now[0] = 61.0
    cameras.of("c")
    assert first.reader.told == [("close",)]
    assert cameras.of("b") is second
    now[0] = 100.0
    with pytest.raises(KzooError, match="2 pages"):
        cameras.of("d")
