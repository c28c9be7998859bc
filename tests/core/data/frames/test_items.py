"""Times, parts and what tells one input from another."""

from pathlib import Path

import numpy as np
import pytest

from kzoo.data.frames import Failure, Frame, Part, seconds
from kzoo.errors import UsageError

PIXELS = np.zeros((2, 2, 3), np.uint8)


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("12.5", 12.5), ("1:30", 90), ("01:00:01.5", 3601.5)])
def test_times(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "abc", "1:75", "-3", "1:2:3:4", "inf", "nan", "1:-2"])
def test_no_times(text):
    with pytest.raises(UsageError, match="is no time"):
        seconds(text)


@pytest.mark.parametrize("wrong", [{"every": 0}, {"max_frames": 0}, {"start": -1}, {"start": 3, "end": 3}, {"end": 0}])
def test_parts_that_cannot_be(wrong):
    with pytest.raises(UsageError, match="must be"):
        Part(**wrong)


def test_columns_tell_inputs_apart():
    path = Path("a.mp4")
    assert Frame(index=3, path=path, pixels=PIXELS).columns() == {"image": "a.mp4"}
    assert Frame(index=3, path=path, pixels=PIXELS, time=0.12345).columns() == {
        "video": "a.mp4",
        "frame": 3,
        "time": 0.123,
    }
    assert Frame(index=3, pixels=PIXELS, time=1.0).columns() == {"frame": 3, "time": 1.0}
    assert Frame(index=3, origin="http://a/b.mp4", pixels=PIXELS, time=1.0).columns()["video"] == "http://a/b.mp4"
    assert Failure(index=0, path=path, error="why").columns() == {"image": "a.mp4"}
    assert Failure(index=0, path=path, error="why", kind="video").columns() == {"video": "a.mp4"}
    assert Failure(index=0, origin="0", error="why", kind="camera").columns() == {"camera": "0"}
