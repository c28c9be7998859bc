"""Videos: right colours, order and times, an end where the file ends, and words for what is damaged."""

import numpy as np
import pytest

from kzoo.data.frames import Failure, Part, open_sources
from kzoo.data.frames.video import VideoSource, is_video

RED, GREEN, BLUE = (220, 20, 30), (20, 200, 40), (30, 20, 210)


def numbered(count):
    """Return as many shades, far enough apart to be told after compression."""
    return [(number * 10, number * 10, number * 10) for number in range(count)]


def indices(items):
    return [item.index for item in items]


@pytest.mark.parametrize(("name", "code"), [("a.mp4", "mp4v"), ("a.avi", "MJPG"), ("a.mkv", "mp4v")])
def test_frames_have_colours_times_and_numbers(film, name, code):
    path = film(name, code=code)
    source = VideoSource(path)
    items = list(source)
    assert source.rate == pytest.approx(25)
    assert indices(items) == [0, 1, 2]
    assert [item.time for item in items] == pytest.approx([0, 0.04, 0.08], abs=1e-3)
    assert all(item.path == path and item.pixels.shape == (48, 64, 3) for item in items)
    for item, color in zip(items, (RED, GREEN, BLUE), strict=True):
        assert np.abs(item.pixels.astype(int) - color).max() < 12
    assert source.notes == []


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"every": 3}, [0, 3, 6, 9, 12, 15, 18]),
        ({"start": 0.4}, list(range(10, 20))),
        ({"end": 0.4}, list(range(10))),
        ({"start": 0.2, "end": 0.6, "every": 4}, [5, 9, 13]),
        ({"max_frames": 3, "every": 2}, [0, 2, 4]),
    ],
)
def test_parts(film, part, expected):
    items = list(VideoSource(film(colors=numbered(20)), Part(**part)))
    assert indices(items) == expected
    assert [round(item.pixels.mean() / 10) for item in items] == expected


def test_a_part_after_the_end_is_said(film):
    source = VideoSource(film(), Part(start=5))
    assert list(source) == []
    assert "3 frames (0.1 s), none" in source.notes[0]


def test_a_phone_held_upright(film):
    path = film(size=(64, 48), colors=[RED] * 2)
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 44
    assert data[matrix : matrix + 4] == (1 << 16).to_bytes(4, "big")
    turned = (0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)  # a quarter turn clockwise
    data[matrix : matrix + 36] = b"".join(number.to_bytes(4, "big", signed=True) for number in turned)
    path.write_bytes(data)
    assert [item.pixels.shape for item in VideoSource(path)] == [(64, 48, 3)] * 2


def test_a_video_that_is_cut_off_is_read_as_far_as_it_goes(film):
    path = film("a.avi", code="MJPG", colors=numbered(25) * 4)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    source = VideoSource(path)
    items = list(source)
    assert 30 < len(items) < 60
    assert indices(items) == list(range(len(items)))
    assert f"ended after {len(items)} frames" in source.notes[0]
    assert "promises 100" in source.notes[0]


def test_a_header_that_promises_too_much(film):
    path = film("a.avi", code="MJPG", colors=numbered(10))
    data = bytearray(path.read_bytes())
    for place in (data.index(b"avih") + 8 + 16, data.index(b"strh") + 8 + 32):
        assert int.from_bytes(data[place : place + 4], "little") == 10
        data[place : place + 4] = (5000).to_bytes(4, "little")
    path.write_bytes(data)
    source = VideoSource(path)
    assert len(list(source)) == 10
    assert "ended after 10 frames" in source.notes[0]
    assert "5000" in source.notes[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<html>404</html>", "web page"),
        (b"no film\n" * 30, "no video"),
        (b"\0\0\0\x18ftypmp42" + bytes(500), "cut off"),
    ],
)
def test_what_is_no_video_is_refused_by_name(tmp_path, content, reason):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    (source,) = open_sources(path)
    (failure,) = source
    assert isinstance(failure, Failure)
    assert "clip.mp4" in failure.error
    assert reason in failure.error


def test_an_mp4_without_its_index_is_refused(film):
    path = film(colors=numbered(20) * 5)
    path.write_bytes(path.read_bytes()[:-2000])
    (failure,) = VideoSource(path)
    assert "cut off: its index, which comes last, is missing" in failure.error
    assert failure.columns() == {"video": str(path)}


def test_a_film_without_a_frame_is_reported(film, tmp_path):
    path = film(colors=[])
    (failure,) = VideoSource(path)
    assert "it holds no frames" in failure.error
    path = film("a.avi", code="MJPG", colors=numbered(9))
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"movi") + 4])  # its header alone
    (failure,) = VideoSource(path)
    assert "a.avi cannot be read as a video" in failure.error


def test_times_are_those_of_the_frames_where_the_rate_varies(film):
    path = film(colors=numbered(10))
    path.write_bytes(faster_after(path.read_bytes(), 4))
    times = [frame.time for frame in VideoSource(path)]
    step = times[1]
    assert np.diff(times) == pytest.approx([step] * 4 + [step / 2] * 5, rel=0.01)
    part = Part(start=times[5] - 0.001, end=times[8])
    assert [frame.index for frame in VideoSource(path, part)] == [5, 6, 7]


def faster_after(data, frames):
    """Return an mp4 of one steady rate with the frames after the first ones half as long."""
    place = data.index(b"stts")
    count, delta = (int.from_bytes(data[place + at : place + at + 4], "big") for at in (12, 16))
    table = [4 * b"\0", (2).to_bytes(4, "big")]
    for number, length in ((frames, delta), (count - frames, delta // 2)):
        table += [number.to_bytes(4, "big"), length.to_bytes(4, "big")]
    found = bytearray(data)
    found[place + 4 : place + 20] = b"".join(table)
    for box in (b"stts", b"stbl", b"minf", b"mdia", b"trak", b"moov"):  # each holds the one before
        start = found.index(box) - 4
        found[start : start + 4] = (int.from_bytes(found[start : start + 4], "big") + 8).to_bytes(4, "big")
    return bytes(found)


def test_a_closed_video_ends_without_a_word(film):
    source = VideoSource(film(colors=numbered(20)))
    assert len([source.close() for _ in source]) == 1
    assert source.notes == []


def test_content_tells_a_video_before_its_name_does(tmp_path, film):
    film("clip.jpg.mp4").rename(tmp_path / "clip.jpg")
    assert is_video(tmp_path / "clip.jpg")
    for name, start in {"a.mp4": b"\xff\xd8\xff\xe0", "b.mp4": b"\0\0\0\x18ftypheic", "c.avi": b"RIFF1234WEBP"}.items():
        (tmp_path / name).write_bytes(start)
        assert not is_video(tmp_path / name)
    assert not is_video(tmp_path / "missing.jpg")


def test_real_videos_are_read_whole(real_data):
    sources = open_sources(real_data / "fingers_video")
    assert [(len(list(source)), source.notes) for source in sources] == [(273, []), (160, [])]


@pytest.mark.parametrize(
    "start", [b"#EXTM3U\n#EXTINF:1,\nother.mp4\n", b"ffconcat version 1.0\n", b"\xef\xbb\xbf<?xml ?><MPD/>"]
)
def test_a_playlist_by_the_name_of_a_video_is_not_followed(start, tmp_path):
    (tmp_path / "a.mp4").write_bytes(start)
    [found] = VideoSource(tmp_path / "a.mp4")
    assert "it is a playlist, which names other files" in found.error
