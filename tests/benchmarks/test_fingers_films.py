"""What the frames of the films show, by which `fingers` is measured: the form of the file, and what is in it."""

import itertools
import json
import os
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def strangers(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import fingers_strangers

    yield fingers_strangers
    del sys.modules["fingers_strangers"]


def test_frames_are_named_one_by_one_or_from_the_first_to_the_last(strangers, tmp_path):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"a.mp4": {"0-2": 5, "7": "none"}, "b": {"3-3": 0}}))
    assert strangers.labels_of(path, tmp_path / "a.mp4") == {0: "5", 1: "5", 2: "5", 7: "none"}
    assert strangers.labels_of(path, tmp_path / "b.avi") == {3: "0"}
    with pytest.raises(SystemExit, match=r"no labels of c\.mp4; it has those of a\.mp4, b"):
        strangers.labels_of(path, tmp_path / "c.mp4")


def test_the_films_labels_are_classes_and_no_frame_has_two():
    from kzoo_zoo.fingers.data import CLASS_NAMES

    for film, labels in json.loads((BENCHMARKS / "fingers_films.json").read_text()).items():
        places = [tuple(map(int, numbers.split("-"))) for numbers in labels]
        assert all(first <= last for first, last in places), film
        assert all(before[1] < after[0] for before, after in itertools.pairwise(places)), film
        assert {str(shown) for shown in labels.values()} <= set(CLASS_NAMES), film


@pytest.mark.skipif("KZOO_TEST_DATA" not in os.environ, reason="KZOO_TEST_DATA names no folder of real data")
def test_every_film_that_is_there_has_labels_within_its_frames(strangers):
    from kzoo.data.frames.video import opencv

    films = sorted((Path(os.environ["KZOO_TEST_DATA"]) / "fingers_video").glob("*.mp4"))
    if not films:
        pytest.skip("no films are there")
    for film in films:
        video = opencv().VideoCapture(str(film))
        frames = sum(1 for _ in iter(video.grab, False))
        assert max(strangers.labels_of(strangers.FILMS, film)) < frames
