"""Pictures back into files: whole, of the right size, and never over what was read."""

import sys
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from PIL import Image

from kzoo.data.frames import Frame, Part, writing
from kzoo.data.frames.camera import CameraSource
from kzoo.data.frames.pictures import ImageSource
from kzoo.data.frames.video import VideoSource, opencv
from kzoo.data.frames.writing import ImageFolder, Mp4, Saver
from kzoo.errors import DataError, KzooError, UsageError


def shade(value, size=(48, 64)):
    return np.full((*size, 3), value, np.uint8)


def played(path):
    """Return the frames of a film as OpenCV plays it, RGB, and its rate."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (found := capture.read())[0]:
        frames.append(found[1][..., ::-1])
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == len(frames)
    return frames, capture.get(cv2.CAP_PROP_FPS)


def test_a_film_has_every_frame_its_rate_and_colours(tmp_path):
    path = tmp_path / "deep" / "a.mp4"
    with Mp4(path, 12.5) as film:
        for _ in range(5):
            film.write(np.full((48, 64, 3), (200, 30, 40), np.uint8))
        assert not path.exists()  # only a whole film gets the name
    frames, rate = played(path)
    assert len(frames) == 5
    assert rate == pytest.approx(12.5)
    assert np.abs(frames[3].astype(int) - (200, 30, 40)).max() < 12
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("size", [(75, 101), (1, 1), (48, 64), (33, 64)])
def test_odd_sizes_lose_nothing(tmp_path, size):
    with Mp4(tmp_path / "a.mp4", 25) as film:
        film.write(shade(100, size))
        film.write(shade(100, (20, 20)))  # a stream that changes its size
    frames, _ = played(tmp_path / "a.mp4")
    even = tuple(side + side % 2 for side in size)
    assert [frame.shape[:2] for frame in frames] == [even, even]


def test_an_interrupted_film_is_whole(tmp_path):
    def film_until_interrupted():
        with Mp4(tmp_path / "a.mp4", 25) as film:
            film.write(shade(10))
            film.write(shade(20))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        film_until_interrupted()
    assert len(played(tmp_path / "a.mp4")[0]) == 2


def test_a_camera_is_shown_at_its_own_pace(tmp_path):
    with Mp4(tmp_path / "a.mp4", 10, timed=True) as film:
        for moment, value in [(5.0, 0), (5.02, 50), (5.5, 100), (5.61, 150), (5.7, 200)]:
            film.write(shade(value), moment)
    shades = [round(frame.mean() / 50) * 50 for frame in played(tmp_path / "a.mp4")[0]]
    assert shades == [0, 0, 0, 0, 0, 100, 150, 200]


def test_a_stall_does_not_fill_the_disk(tmp_path):
    with Mp4(tmp_path / "a.mp4", 10, timed=True) as film:
        film.write(shade(0), 0.0)
        film.write(shade(0), 1e6)
        film.write(shade(0), 1e6 + 0.1)
    assert len(played(tmp_path / "a.mp4")[0]) < 250


def frame(path):
    return Frame(index=0, path=path, pixels=shade(0))


def test_images_get_names_of_their_own(tmp_path):
    out = tmp_path / "out"
    folder = ImageFolder(out, [out / "c.png"])
    names = [
        folder.write(frame(Path(name)), shade(1)).name for name in ("a.png", "b/a.png", "a.jpg", "a.webp", "c.png")
    ]
    assert names == ["a.png", "a-2.png", "a.jpg", "a-3.png", "c-2.png"]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    assert np.asarray(Image.open(out / "a.png")).mean() == 1


def images(tmp_path):
    Image.fromarray(shade(9)).save(tmp_path / "a.png")
    return ImageSource([tmp_path / "a.png"])


def test_saving_beside_the_sources_leaves_them_alone(tmp_path):
    source = images(tmp_path)
    before = (tmp_path / "a.png").read_bytes()
    saver = Saver(tmp_path, [source])
    saver.start(source)
    saver.write(source, frame(tmp_path / "a.png"), shade(1))
    saver.close()
    assert (tmp_path / "a.png").read_bytes() == before
    assert [path.name for path in saver.written] == ["a-2.png"]


def test_videos_go_into_a_folder_or_one_into_a_file(tmp_path, film):
    one, two = (film(name) for name in ("a.mp4", "b.avi.mp4"))
    sources = [VideoSource(one), VideoSource(two, Part(every=5)), images(tmp_path)]
    saver = Saver(tmp_path / "out", sources)
    for source in sources:
        saver.start(source)
        for item in source:
            saver.write(source, item, item.pixels)
    saver.close()
    assert sorted(path.name for path in saver.written) == ["a.mp4", "a.png", "b.avi.mp4"]
    assert played(tmp_path / "out" / "b.avi.mp4")[1] == pytest.approx(5)
    same = Saver(tmp_path, sources[:1])
    same.start(sources[0])
    same.write(sources[0], frame(one), shade(1))
    same.close()
    assert [path.name for path in same.written] == ["a-2.mp4"]


@pytest.mark.parametrize("target", ["a.mp4", "b.mp4", "file.txt"])
def test_what_cannot_be_saved_there_is_said_at_once(tmp_path, film, target):
    video = VideoSource(film("a.mp4"))
    (tmp_path / "file.txt").touch()
    sources = [video, CameraSource(0)] if target == "b.mp4" else [video]
    with pytest.raises(UsageError, match=target.replace(".", r"\.")):
        Saver(tmp_path / target, sources)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be made"):
        ImageFolder(tmp_path / "file" / "out")


def test_a_full_disk_ends_a_film_that_can_be_played(tmp_path, monkeypatch):
    free = iter([10**9, 0])
    monkeypatch.setattr(writing.shutil, "disk_usage", lambda folder: Usage(next(free)))
    path = tmp_path / "a.mp4"
    with pytest.raises(DataError, match="16 frames: the disk is full"):
        film_of(40, path)
    assert len(played(path)[0]) == 16
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]


def test_a_film_that_could_not_be_written_is_not_left_behind(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    film = Mp4(path, 25.0)
    film.write(shade(90))
    film._writer.release()
    film._temporary.write_bytes(b"")  # what a full disk leaves
    with pytest.raises(DataError, match=r"a\.mp4 cannot be written"):
        film.close()
    assert not list(tmp_path.iterdir())


def test_an_opencv_without_the_codec_says_so_and_leaves_nothing(tmp_path, monkeypatch):
    class Without:
        isOpened = staticmethod(lambda: False)  # noqa: N815 - OpenCV's name
        fourcc = staticmethod(cv2.VideoWriter.fourcc)

        def __call__(self, *args):
            return self

    monkeypatch.setattr(cv2, "VideoWriter", Without())
    with pytest.raises(DataError, match="no MPEG-4 encoder"):
        Mp4(tmp_path / "a.mp4", 25.0).write(shade(90))
    assert not list(tmp_path.iterdir())


def film_of(count, path):
    with Mp4(path, 25.0) as film:
        for _ in range(count):
            film.write(shade(90))


class Usage(NamedTuple):
    """What `shutil.disk_usage` tells, as far as it is asked."""

    free: int


def test_an_opencv_that_lacks_a_library_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)  # as Python says of a module that cannot be imported
    with pytest.raises(KzooError, match=r"^OpenCV cannot be imported: .*cv2.* `pip install --force-reinstall opencv-"):
        opencv()
