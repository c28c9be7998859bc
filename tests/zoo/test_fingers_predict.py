"""Counting in frames: regions, votes, states, and a network and the outline behind one interface."""

import json

import cv2
import numpy as np
import pytest
from pipelines import reader

from kzoo.cli import main
from kzoo.data.frames import Frame, Source
from kzoo.errors import UsageError
from kzoo_zoo.fingers.data import CLASS_NAMES
from kzoo_zoo.fingers.pipeline import Fingers
from kzoo_zoo.fingers.region import Region
from kzoo_zoo.fingers.steady import Steady

CARD = {"input_shape": [96, 96, 3], "class_names": list(CLASS_NAMES)}


class Frames(Source):
    def __iter__(self):
        return iter(())


def network(indices, sure=0.9):
    """A network that sees these classes, frame after frame, and remembers what it was shown."""
    answers = iter(indices)

    def forward(inputs):
        forward.seen.append(inputs)
        ways, mirrored = np.split(inputs, 2)
        np.testing.assert_array_equal(mirrored, ways[:, :, ::-1])
        rows = np.full((len(ways) // 3, 7), (1 - sure) / 6)  # upright, and turned to either side
        for row in rows:
            row[next(answers)] = sure
        return np.tile(rows, (6, 1))

    forward.seen = []
    return forward


def run(counter, frames, *, kind="video"):
    counter.start(Frames("a clip", kind))
    frames = [Frame(index=i, pixels=pixels, time=i / 25) for i, pixels in enumerate(frames)]
    found = []
    for start in range(0, len(frames), counter.batch_size):
        found += counter.predict(frames[start : start + counter.batch_size])
    return frames, found


BLACK = np.zeros((120, 160, 3), np.uint8)


def test_a_flicker_does_not_change_the_count_and_a_new_hand_does():
    seen = [4] * 8 + [5] + [4] * 4 + [2] * 8
    _, found = run(reader(Fingers(), network(seen), CARD), [BLACK] * len(seen))
    counts = [one.count for one in found]
    assert counts[7:13] == [3] * 6
    assert counts[-1] == 1
    assert {one.state for one in found[7:13]} == {"counting"}


def test_no_hand_is_a_state_and_zero_a_count():
    _, found = run(reader(Fingers(), network([0] * 8 + [1] * 8), CARD), [BLACK] * 16)
    assert (found[7].state, found[7].count, found[7].text) == ("no hand", None, "no hand 100%")
    assert (found[15].state, found[15].count) == ("counting", 0)
    assert found[15].text == "0 fingers 100%"


def test_an_unsure_network_abstains():
    _, found = run(reader(Fingers(), network([3] * 9, sure=0.4), CARD), [BLACK] * 9)
    assert {one.state for one in found} == {"unsure"}
    assert {one.count for one in found} == {None}
    _, found = run(reader(Fingers(), network([3] * 9, sure=0.4), CARD, min_confidence=0.3), [BLACK] * 9)
    assert found[-1].count == 2


def test_unrelated_pictures_do_not_vote_and_a_new_source_starts_afresh():
    counter = reader(Fingers(), network([2, 5, 2, 5] + [3] * 9 + [5]), CARD)
    _, found = run(counter, [BLACK] * 4, kind="images")
    assert [one.count for one in found] == [1, 4, 1, 4]
    run(counter, [BLACK] * 9)
    _, found = run(counter, [BLACK])
    assert found[0].state == "unsure"  # nothing of the clip before


def test_the_network_sees_the_region_of_the_mirrored_frame():
    frame = BLACK.copy()
    frame[:60, :80] = 255
    forward = network([1] * 3)
    for options in (
        {"roi": "80,0,80,60", "mirror": True},
        {"roi": "0.5,0,0.5,0.5", "mirror": True},
        {"roi": "0,0,80,60"},
    ):
        run(reader(Fingers(), forward, CARD, **options), [frame])
    assert all(inputs.min() == 255 for inputs in forward.seen)


@pytest.mark.parametrize("roi", ["1,2,3", "a,b,c,d", "0,0,0,10", "-1,0,50,50", "nan,0,1,1"])
def test_a_region_that_is_none_is_refused(roi):
    with pytest.raises(UsageError, match="x,y,w,h"):
        Region.parse(roi)


def test_a_region_outside_the_frame_is_refused_when_the_frame_is_there():
    with pytest.raises(UsageError, match="160 x 120"):
        Region.parse("500,500,50,50").cut(BLACK)


def test_what_is_drawn_is_the_mirrored_frame_with_region_and_text():
    frame = np.full((240, 320, 3), 90, np.uint8)
    frame[:, :20] = (255, 0, 0)
    counter = reader(Fingers(), network([3] * 7), CARD, roi="100,100,80,80", mirror=True)
    frames, found = run(counter, [frame] * 7)
    picture = counter.draw(frames[-1], found[-1])
    assert picture.shape == frame.shape
    assert picture[200, 310].tolist() == [255, 0, 0]
    assert picture[100, 140].tolist() != [90, 90, 90]
    assert (picture[:30, :100] != 90).any()


@pytest.mark.parametrize(
    ("options", "what"),
    [({"method": "magic"}, "network or classical"), ({"window": 0}, "window"), ({"min_confidence": "much"}, "number")],
)
def test_settings_that_mean_nothing_are_refused(options, what):
    with pytest.raises(UsageError, match=what):
        reader(Fingers(), network([]), CARD, **options)
    with pytest.raises(UsageError, match="trained"):
        reader(Fingers(), None, {}, method="network")


def test_votes_need_a_majority_to_change_and_a_third_to_stay():
    steady = Steady(window=5)
    assert [steady.vote(label) for label in (1, 1, 1, 2, 2, 2)] == [None, None, 1, 1, 1, 2]
    assert steady.agreement == pytest.approx(3 / 5)
    assert [steady.vote(None) for _ in range(4)] == [2, 2, 2, None]
    steady.reset()
    assert steady.answer is None


@pytest.fixture
def clip(tmp_path):
    """An empty scene for 30 frames, then a hand of three fingers for 30."""
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (320, 240))
    for number in range(60):
        frame = np.full((240, 320, 3), (130, 125, 120), np.uint8)
        if number >= 30:
            cv2.circle(frame, (160, 130), 26, (110, 140, 190), -1)
            cv2.line(frame, (160, 130), (160, 239), (110, 140, 190), 31)
            for x in (110, 160, 210):
                cv2.line(frame, (160, 130), (x, 60), (110, 140, 190), 11)
        writer.write(frame)
    writer.release()
    return path


def test_the_outline_counts_a_film_from_the_command_line(clip, tmp_path, capsys):
    out = tmp_path / "drawn.mp4"
    assert main(["predict", "fingers", str(clip), "--calibration", "15", "--save", str(out), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    states = [line["state"] for line in lines]
    assert states[:15] == ["calibrating"] * 15
    assert states[25] == "no hand"
    assert [line["count"] for line in lines[40:]] == [3] * 20
    assert out.stat().st_size > 0


def test_a_picture_of_the_empty_scene_takes_the_place_of_the_calibration(clip, tmp_path, capsys):
    empty = tmp_path / "empty.png"
    cv2.imwrite(str(empty), np.full((240, 320, 3), (130, 125, 120), np.uint8))
    assert main(["predict", "fingers", str(clip), "--background", str(empty), "--start", "1.4", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["count"] == 3
    assert "calibrating" not in {line["state"] for line in lines}


def hand_from_the_start(path, frames=45):
    """A film of a hand with four fingers that never leaves."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (320, 240))
    for _ in range(frames):
        frame = np.full((240, 320, 3), (130, 125, 120), np.uint8)
        cv2.circle(frame, (160, 130), 26, (110, 140, 190), -1)
        cv2.line(frame, (160, 130), (160, 239), (110, 140, 190), 31)
        for x in (95, 135, 185, 225):
            cv2.line(frame, (160, 130), (x, 55), (110, 140, 190), 11)
        writer.write(frame)
    writer.release()


def test_a_film_with_a_hand_from_its_first_frame_says_why_nothing_is_counted(tmp_path, capsys):
    path = tmp_path / "hand.mp4"
    hand_from_the_start(path)
    assert main(["predict", "fingers", str(path), "--find", "scene", "--json"]) == 0
    said = capsys.readouterr()
    states = [json.loads(line)["state"] for line in said.out.splitlines()]
    assert states == ["calibrating"] * 30 + ["not empty"] * 15
    assert "something of a hand's colour and shape was in it" in said.err
    assert "--background" in said.err


def test_a_film_too_short_for_the_calibration_says_so(tmp_path, capsys):
    path = tmp_path / "hand.mp4"
    hand_from_the_start(path, frames=20)
    assert main(["predict", "fingers", str(path), "--find", "scene", "--json"]) == 0
    assert "Nothing was counted" in capsys.readouterr().err


def test_the_number_of_a_frame_is_beside_what_it_says(clip, capsys):
    assert main(["predict", "fingers", str(clip), "--start", "1.9", "--max-frames", "2"]) == 0
    heading, first, _ = capsys.readouterr().out.splitlines()
    assert heading.split() == ["VIDEO", "FRAME", "TIME", "COUNT", "CONFIDENCE", "STATE", "THIS", "FRAME"]
    assert first.split()[1] == "48"
    assert heading.index("FRAME") == first.index("48")


def test_a_film_whose_first_frame_has_a_hand_is_counted_by_colour_and_this_is_said(tmp_path, capsys):
    path = tmp_path / "hand.mp4"
    hand_from_the_start(path, frames=20)
    assert main(["predict", "fingers", str(path), "--json"]) == 0
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["count"] for line in lines[8:]] == [4] * 12
    assert {line["by"] for line in lines} == {"colour"}
    assert "the hand was found by its colour" in said.err


def test_what_stands_in_the_way_is_on_the_frame_and_said_at_the_end():
    counter = reader(Fingers(), None, {}, find="scene")
    counter.counter._given = np.full((120, 160, 3), 120, np.uint8)
    arm = np.full((120, 160, 3), 120, np.uint8)
    arm[20:110, :70] = (40, 40, 50)
    source = Frames("a clip", "video")
    counter.start(source)
    found = counter.predict([Frame(index=i, pixels=arm, time=i / 25) for i in range(8)])
    counter.finish(source)
    assert found[-1].text == "unsure: an arm or more reaches in from the left: use --roi"
    assert found[-1].to_dict()["why"] == "an arm or more reaches in from the left: use --roi"
    assert any("reaches in from the left" in note and "--roi x,y,w,h" in note for note in source.notes)
