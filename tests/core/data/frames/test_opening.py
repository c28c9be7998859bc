"""What a user types, and what it stands for."""

import os

import numpy as np
import pytest
from PIL import Image

from kzoo.data.frames import open_sources
from kzoo.data.frames.camera import CameraSource
from kzoo.data.frames.items import Failure
from kzoo.data.frames.opening import combined
from kzoo.data.frames.pictures import ImageSource
from kzoo.data.frames.video import VideoSource
from kzoo.errors import DataError, UsageError


@pytest.fixture
def folder(tmp_path, film, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in ("in/a.png", "in/c.jpg", "5"):
        Image.fromarray(np.zeros((3, 3), np.uint8)).save(tmp_path / name, format="PNG")
    film("in/b.mp4")
    film("in/d.avi", code="MJPG")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "kind", "device"),
    [
        ("0", CameraSource, 0),
        ("12", CameraSource, 12),
        ("/dev/video1", CameraSource, "/dev/video1"),
        ("rtsp://user:word@camera/1", CameraSource, "rtsp://user:word@camera/1"),
        ("http://camera/video.mjpg", CameraSource, "http://camera/video.mjpg"),
        ("https://host/stream.m3u8", CameraSource, "https://host/stream.m3u8"),
    ],
)
def test_cameras_and_streams(folder, text, kind, device):
    (source,) = open_sources(text)
    assert isinstance(source, kind)
    assert source.device == device
    assert source.live


def test_a_file_named_like_a_number_is_a_file(folder):
    (source,) = open_sources("5")
    assert isinstance(source, ImageSource)


def test_the_address_of_a_video_is_a_video(folder):
    (source,) = open_sources("https://host/clips/a.mp4?x=1")
    assert isinstance(source, VideoSource)
    assert not source.live


def test_a_folder_gives_images_together_and_each_video(folder):
    images, *videos = open_sources("in")
    assert [path.name for path in images.paths] == ["a.png", "c.jpg"]
    assert [video.path.name for video in videos] == ["b.mp4", "d.avi"]
    assert [type(source) for source in open_sources("in/*.mp4")] == [VideoSource]
    assert [len(source.paths) for source in open_sources("in/*.[pj]*g")] == [2]


def test_images_named_one_by_one_go_together(folder):
    sources = combined([*open_sources("in/a.png"), *open_sources("in/b.mp4"), *open_sources("in/c.jpg")])
    assert [type(source) for source in sources] == [ImageSource, VideoSource]
    assert len(list(sources[0])) == 2


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("nothing.png", DataError, "cannot be found"),
        ("*.gif", DataError, "matches nothing"),
        ("ftp://host/a.mp4", UsageError, "rtsp"),
    ],
)
def test_what_cannot_be_opened(folder, text, error, words):
    with pytest.raises(error, match=words):
        open_sources(text)


def test_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match="holds no images or videos"):
        open_sources(tmp_path)


def test_what_a_folder_holds_besides_is_counted_and_named(folder):
    for name in ("x.jxl", "y.txt"):
        (folder / "in" / name).touch()
    images, video, _ = open_sources("in")
    (note,) = images.notes
    assert note.startswith(
        "2 file(s) in in are left out, as they are not named like images or videos: 1 .jxl (x.jxl), "
    )
    assert video.notes == []
    assert combined([images, *open_sources("5")])[0].notes == images.notes


def test_pipes_are_never_waited_for(folder):
    for name in ("in/pipe.jpg", "in/pipe.mp4"):
        os.mkfifo(name)
    with pytest.raises(DataError, match=r"`in/pipe\.jpg` is a named pipe, neither a file nor a folder"):
        open_sources("in/pipe.jpg")
    failures = [item.error for source in open_sources("in") for item in source if isinstance(item, Failure)]
    assert failures == [
        "in/pipe.jpg cannot be read as an image: it is a named pipe, not a file.",
        "in/pipe.mp4 cannot be read as a video: it is a named pipe, not a file.",
    ]
