"""Counting by the outline: hands drawn here from circles and lines, scenes that are empty, move or change."""

import math

import cv2
import numpy as np
import pytest

from kzoo_zoo.fingers import outline
from kzoo_zoo.fingers.classical import OutlineCounter
from kzoo_zoo.fingers.hindrances import in_words
from kzoo_zoo.fingers.outline import find_contours, read_outline
from kzoo_zoo.fingers.own_colours import OwnColours
from kzoo_zoo.fingers.sleeve import sleeve_of
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


DARK = (28, 27, 32)


def sleeved(count, *, cuff=40, hem=65, sleeve=DARK, turn=0, wall=WALL):
    """The picture of a hand whose arm is in a sleeve that is wider than the palm, from below the wrist to the edge."""
    pixels = picture(mask_of(count, turn=turn), wall=wall)
    middle = pixels.shape[1] // 2
    corners = np.array([(middle - cuff, 176), (middle + cuff, 176), (middle + hem, 239), (middle - hem, 239)])
    cv2.fillPoly(pixels, [corners], sleeve)
    return pixels


@pytest.mark.parametrize("sleeve", [DARK, (60, 75, 120), (175, 130, 105)], ids=["dark", "blue", "as skin"])
@pytest.mark.parametrize("count", range(6))
def test_a_sleeve_wider_than_the_palm_is_no_palm(count, sleeve):
    counter = OutlineCounter(background=picture(seed=9))
    assert counter.read(sleeved(count, sleeve=sleeve)).count == count


def test_a_sleeve_is_cut_off_by_its_colour_and_the_shadow_of_a_hand_is_not():
    hand = mask_of(4)
    pixels = sleeved(4)
    whole = np.where(np.abs(pixels.astype(int) - WALL).sum(-1) > 40, 255, 0).astype(np.uint8)
    cut = sleeve_of(pixels, whole) > 0
    assert cut[185:].sum() > 0.9 * (whole[185:] > 0).sum()
    assert not cut[:170].any()
    shaded = picture(hand)
    shaded[:, 160:] = (shaded[:, 160:] * 0.45).astype(np.uint8)
    assert not sleeve_of(shaded, hand).any()


@pytest.mark.parametrize("quarters", [1, 2, 3], ids=["left", "above", "right"])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_the_arm_may_come_from_any_side(count, quarters):
    pixels = np.ascontiguousarray(np.rot90(sleeved(count), quarters))
    assert OutlineCounter(background=np.rot90(picture(), quarters)).read(pixels).count == count
    assert OutlineCounter(wall=True).read(pixels).count == count


@pytest.mark.parametrize(("angles", "count"), [((84, 96), 2), ((60, 72, 120), 3), ((52, 64, 100, 112, 165), 5)])
def test_fingers_that_touch_are_told_from_one_by_their_width(angles, count):
    mask = mask_of(0)
    for angle in angles:
        tip = (160 + round(80 * math.cos(math.radians(angle))), 130 - round(80 * math.sin(math.radians(angle))))
        cv2.line(mask, (160, 130), tip, 255, 14)
    assert read_outline(mask).count == count


def furnished(mask=None, seed=0, shift=(0, 0)):
    """A scene of many things that have no skin's colour, seen by a camera that has moved by so many pixels."""
    rng = np.random.default_rng(11)
    pixels = np.full((300, 400, 3), (70, 95, 130), np.uint8)
    for _ in range(40):
        x, y = rng.integers(0, 400), rng.integers(0, 300)
        gray = int(rng.integers(30, 200))
        cv2.rectangle(pixels, (x, y), (x + 60, y + 40), (gray // 2, gray, gray), -1)
    pixels = pixels[30 + shift[1] : 270 + shift[1], 40 + shift[0] : 360 + shift[0]].copy()
    if mask is not None:
        pixels[mask > 0] = SKIN
    noise = np.random.default_rng(seed).normal(0, 2, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_a_moving_camera_that_never_saw_an_empty_scene_counts_by_colour(count):
    counter = OutlineCounter(find="auto")
    rng = np.random.default_rng(count)
    readings = [counter.read(furnished(mask_of(count), n, rng.integers(-25, 25, 2).tolist())) for n in range(6)]
    assert [reading.count for reading in readings] == [count] * 6
    assert {reading.by for reading in readings} == {"colour"}
    without = OutlineCounter(find="scene")
    assert {without.read(furnished(mask_of(count), n, (5 * n, 0))).state for n in range(6)} == {"calibrating"}


def test_colours_learned_from_an_open_hand_find_the_fist_after_it():
    colours = OwnColours()
    for seed in range(3):
        assert colours.find(furnished(mask_of(5), seed)).outline.count == 5
    assert colours.find(furnished(mask_of(0), 7)).outline.count == 0


def test_an_empty_scene_that_is_known_comes_before_colours():
    counter = calibrated(find="auto")
    reading = counter.read(picture(mask_of(3)))
    assert (reading.count, reading.by) == (3, "scene")
    assert counter.read(picture(seed=77)).state == "no hand"


def test_a_scene_is_not_learned_while_a_hand_of_its_own_colour_is_in_it():
    counter = OutlineCounter(calibration=5, find="auto")
    for number in range(12):
        assert counter.read(furnished(mask_of(4), number)).by == "colour"
    states = [counter.read(furnished(seed=30 + number)).state for number in range(40)]
    assert states[-1] == "no hand"
    found = counter.read(furnished(mask_of(2), 90))
    assert (found.count, found.by) == (2, "scene")


def test_an_arm_that_reaches_in_is_named_with_its_side():
    def said(pixels):
        return OutlineCounter(background=picture(), find="scene").read(pixels)

    shoulder = picture()
    cv2.ellipse(shoulder, (0, 120), (90, 115), 0, 0, 360, (60, 60, 70), -1)
    assert (said(shoulder).state, said(shoulder).why) == ("unclear", "left")
    assert said(np.ascontiguousarray(shoulder[:, ::-1])).why == "right"
    assert said(np.full_like(shoulder, 20)).why == "near"
    assert said(picture(seed=5)).why == ""
    assert in_words("left") == "an arm or more reaches in from the left: use --roi"
