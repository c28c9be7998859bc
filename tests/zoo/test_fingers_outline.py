"""Counting by the outline: hands drawn here from circles and lines, scenes that are empty, move or change."""

import math

import cv2
import numpy as np
import pytest

from kzoo_zoo.fingers import outline
from kzoo_zoo.fingers.classical import OutlineCounter
from kzoo_zoo.fingers.outline import find_contours, read_outline
from kzoo_zoo.fingers.walls import before_wall

SKIN, WALL = (190, 140, 110), (120, 125, 130)
ANGLES = {0: (), 1: (90,), 2: (75, 105), 3: (60, 90, 120), 4: (55, 80, 105, 130), 5: (55, 78, 100, 122, 165)}


def mask_of(count, *, turn=0, mirrored=False, size=(240, 320), palm=26):
    """A hand: a circle, a thick line for each finger, and an arm down to the edge."""
    mask = np.zeros(size, np.uint8)
    centre = np.array([size[1] // 2, size[0] // 2 + 10])
    cv2.circle(mask, centre.tolist(), palm, 255, -1)
    for angle, length, width in [(a, 3.0, 0.42) for a in ANGLES[count]] + [(-90, 9.0, 1.2)]:
        radians = math.radians(angle + turn)
        tip = centre + palm * length * np.array([math.cos(radians), -math.sin(radians)])
        cv2.line(mask, centre.tolist(), np.rint(tip).astype(int).tolist(), 255, round(width * palm))
    return mask[:, ::-1].copy() if mirrored else mask


def picture(mask=None, *, wall=WALL, noise=2.0, seed=0):
    rng = np.random.default_rng(seed)
    pixels = np.full((240, 320, 3), wall, np.float64)
    if mask is not None:
        pixels[mask > 0] = SKIN
    return np.clip(pixels + rng.normal(0, noise, pixels.shape), 0, 255).astype(np.uint8)


def calibrated(**options):
    counter = OutlineCounter(calibration=10, **options)
    for number in range(10):
        assert counter.read(picture(seed=number)).state == "calibrating"
    return counter


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turn", [-35, 0, 35])
@pytest.mark.parametrize("count", range(6))
def test_fingers_are_counted_whichever_way_the_hand_is_held(count, turn, mirrored):
    found = read_outline(mask_of(count, turn=turn, mirrored=mirrored))
    assert found.count == count
    assert found.confidence > 0.5


def test_the_palm_is_found_and_not_the_arm():
    found = read_outline(mask_of(3))
    assert found.centre == pytest.approx((160, 130), abs=4)
    assert found.radius == pytest.approx(26, abs=3)


def test_what_is_no_hand_is_none():
    assert read_outline(np.zeros((240, 320), np.uint8)) is None
    cable = np.zeros((240, 320), np.uint8)
    cv2.line(cable, (0, 20), (319, 200), 255, 3)
    assert read_outline(cable) is None
    speck = np.zeros((240, 320), np.uint8)
    cv2.circle(speck, (100, 100), 9, 255, -1)
    assert read_outline(speck) is None
    assert read_outline(np.full((240, 320), 255, np.uint8)) is None


def test_contours_are_found_with_either_interface_of_opencv(monkeypatch):
    mask = mask_of(2)
    expected = find_contours(mask)

    class Old:
        """OpenCV 3 returned the image too."""

        def __getattr__(self, name):
            return getattr(cv2, name)

        def findContours(self, *arguments):  # noqa: N802 - OpenCV's name
            return (mask, *cv2.findContours(*arguments))

    monkeypatch.setattr(outline, "opencv", Old)
    found = find_contours(mask)
    assert len(found) == len(expected)
    np.testing.assert_array_equal(found[0], expected[0])
    assert read_outline(mask).count == 2


def test_no_hand_is_told_from_a_fist():
    counter = calibrated()
    empty, fist = counter.read(picture(seed=50)), counter.read(picture(mask_of(0)))
    assert (empty.state, empty.count) == ("no hand", None)
    assert (fist.state, fist.count) == ("hand", 0)


@pytest.mark.parametrize("count", range(6))
def test_fingers_before_a_learned_background_are_counted(count):
    assert calibrated().read(picture(mask_of(count))).count == count


def test_a_hand_is_counted_under_another_exposure():
    counter = calibrated()
    brighter = np.clip(picture(mask_of(4)).astype(int) + 25, 0, 255).astype(np.uint8)
    assert counter.read(brighter).count == 4


def test_no_background_is_learned_while_the_scene_moves():
    counter = OutlineCounter(calibration=5)
    for number in range(20):
        moving = np.roll(picture(mask_of(5), noise=0), 40 * number, axis=1)
        moving[:, : 16 * number] //= 2
        assert counter.read(moving).state == "calibrating"


def test_a_camera_that_was_moved_is_noticed_and_the_scene_learned_anew():
    counter = calibrated()
    other = picture(wall=(60, 160, 90))
    other[:, 100:] = (200, 60, 40)
    states = [counter.read(other).state for _ in range(40)]
    assert states[0] == "moved"
    assert counter.recalibrations == 1
    assert states[-1] == "no hand"


@pytest.mark.long
def test_the_background_follows_slow_changes_of_the_light():
    counter = calibrated()
    states = set()
    for step in range(300):  # a lamp that warms up: 30 levels of red from one side, over 300 frames
        scene = picture(noise=1, seed=step).astype(np.float64)
        scene[:, :160, 0] += 0.1 * step
        states.add(counter.read(np.clip(scene, 0, 255).astype(np.uint8)).state)
    assert states == {"no hand"}


def beside(count, pixels):
    """The picture of a hand, so many pixels to the right."""
    return picture(np.roll(mask_of(count), pixels, axis=1), seed=100 + pixels)


def test_a_hand_in_the_first_frames_is_never_taken_for_an_empty_scene():
    counter = OutlineCounter(calibration=10)
    for number in range(10):
        assert counter.read(picture(mask_of(5), seed=number)).state == "calibrating"
    assert counter.learned_hands == 1
    states = {counter.read(picture(mask_of(5), seed=number)).state for number in range(20, 60)}
    assert states == {"not empty"}


def test_a_scene_learned_with_a_hand_is_put_right_when_the_hand_has_moved():
    counter = OutlineCounter(calibration=10)
    for number in range(10):
        counter.read(np.roll(picture(mask_of(5), seed=number), -70, axis=1))
    assert counter.read(picture(seed=90)).state == "no hand"
    assert [counter.read(beside(count, -70)).count for count in (1, 3, 4)] == [1, 3, 4]
    assert [counter.read(beside(count, 60)).count for count in (2, 5)] == [2, 5]


def test_furniture_of_the_colour_of_skin_is_part_of_the_scene():
    def room(mask=None, seed=0):
        pixels = picture(mask, seed=seed)
        pixels[:180, 10:60] = SKIN
        return pixels

    counter = OutlineCounter(calibration=10)
    for number in range(10):
        counter.read(room(seed=number))
    assert counter.learned_hands == 0
    assert counter.read(room(seed=70)).state == "no hand"
    assert counter.read(room(mask_of(3))).count == 3


def test_much_that_is_no_readable_hand_is_not_called_an_empty_scene():
    counter = calibrated()
    person = picture()
    cv2.ellipse(person, (160, 240), (150, 130), 0, 0, 360, (40, 60, 150), -1)
    assert counter.read(person).state == "unclear"


def test_a_given_background_needs_no_calibration():
    counter = OutlineCounter(background=picture(seed=9))
    assert counter.read(picture(mask_of(2))).count == 2


def test_single_pictures_are_read_before_a_plain_wall_and_not_before_clutter():
    counter = OutlineCounter(wall=True)
    assert [counter.read(picture(mask_of(count))).count for count in range(6)] == list(range(6))
    assert counter.read(picture()).state == "no hand"
    clutter = np.random.default_rng(3).integers(0, 256, (12, 16, 3), dtype=np.uint8).repeat(20, 0).repeat(20, 1)
    assert before_wall(clutter) is None
    assert counter.read(clutter).state == "no hand"


def test_the_outline_is_in_pixels_of_a_large_frame():
    counter = OutlineCounter(background=cv2.resize(picture(), (1280, 960)))
    reading = counter.read(cv2.resize(picture(mask_of(5)), (1280, 960)))
    assert reading.count == 5
    assert reading.contour.max() > 600
