"""Recorded pictures: where they go, what they are called, and that none is ever lost to another."""

import errno
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kzoo.data.frames.recording import Recorder
from kzoo.errors import DataError, UsageError

PIXELS = np.full((20, 30, 3), (200, 120, 40), np.uint8)


def at_noon():
    return datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_a_picture_is_named_after_time_and_frame(tmp_path):
    recorder = Recorder(tmp_path / "data", "3", now=at_noon)
    path = recorder.write(42, PIXELS)
    assert path == tmp_path / "data" / "3" / "20260102T120000Z-00042.jpg"
    read = np.asarray(Image.open(path))
    assert read.shape == PIXELS.shape
    assert np.abs(read.astype(int) - PIXELS).max() <= 3


def test_two_recordings_of_one_second_keep_all_their_pictures(tmp_path):
    first, second = Recorder(tmp_path, "3", now=at_noon), Recorder(tmp_path, "3", now=at_noon)
    paths = [recorder.write(index, PIXELS) for index in (0, 1) for recorder in (first, second)]
    assert len(set(paths)) == 4
    assert sorted(path.name for path in paths if "-2" in path.stem) == [
        "20260102T120000Z-00000-2.jpg",
        "20260102T120000Z-00001-2.jpg",
    ]


def test_a_full_disk_leaves_no_half_picture(tmp_path, monkeypatch):
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *args: Full(opened(path, *args)))
    with pytest.raises(DataError, match="No space left"):
        Recorder(tmp_path, "3").write(0, np.zeros((8, 8, 3), np.uint8))
    assert not list((tmp_path / "3").iterdir())


class Full:
    """A file on a full disk."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_nothing_is_made_before_the_first_picture(tmp_path):
    Recorder(tmp_path / "data", "3")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("label", ["", "../3", "a/b", ".hidden", "a\\b"])
def test_a_label_is_one_folders_name(tmp_path, label):
    with pytest.raises(UsageError, match="label"):
        Recorder(tmp_path, label)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DataError, match="data"):
        Recorder(tmp_path / "data", "3").write(0, PIXELS)
