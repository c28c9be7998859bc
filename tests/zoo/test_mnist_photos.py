"""Photos of digits, made as MNIST was made; the network's own images stay as they are."""

import itertools
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from paper_digits import on_paper
from PIL import Image

from kzoo.data.frames import Frame
from kzoo_zoo.mnist.data import sample
from kzoo_zoo.mnist.pipeline import DigitSettings, Mnist
from kzoo_zoo.mnist.preparing import as_mnist, prepared

CARD = {"input_shape": (28, 28, 1), "class_names": tuple("0123456789")}


@pytest.fixture(scope="module")
def digits():
    """Return MNIST's own test digits and labels, or where they are not there the sample's."""
    root = os.environ.get("KZOO_TEST_DATA")
    if root and Path(root, "mnist.npz").is_file():
        with np.load(Path(root, "mnist.npz")) as file:
            return file["x_test"], file["y_test"]
    test = sample(None).test
    return test.x[..., 0], test.y


def rgb(gray):
    return np.repeat(gray[..., None], 3, axis=2)


def likeness(found, digit):
    """Return how alike two digits are, from 0 to 1, with one moved by at most a pixel: strokes end between pixels."""
    moved = (np.roll(found, shift, axis=(0, 1)) for shift in itertools.product((-1, 0, 1), repeat=2))
    return max(np.corrcoef(one.ravel().astype(float), digit.ravel().astype(float))[0, 1] for one in moved)


def test_images_that_are_as_mnist_are_left_alone_every_one(digits):
    images, _ = digits
    assert as_mnist(images).all()
    assert not as_mnist(255 - images).any()
    for image in images[::50]:
        found = prepared(rgb(image))
        np.testing.assert_array_equal(found.pixels, image)
        assert (found.box, found.notes, found.words) == (None, (), "as it is")


@pytest.mark.parametrize("seed", range(12))
def test_a_photo_becomes_the_digit_that_it_was_made_of(digits, seed):
    images, labels = digits
    digit = images[np.flatnonzero(labels == seed % 10)[5 + seed]]
    found = prepared(on_paper(digit, seed))
    assert found.ink == "dark"
    assert found.notes == ()
    # The reference is independent: MNIST's own image of this digit, which the photo was made from.
    assert likeness(found.pixels, digit) > 0.85
    ink = found.pixels > 127
    tall, wide = (np.ptp(np.flatnonzero(ink.any(axis=axis))) + 1 for axis in (1, 0))
    assert max(tall, wide) in (19, 20, 21)
    centre = [float((found.pixels.sum(axis=axis) * np.arange(28)).sum() / found.pixels.sum()) for axis in (1, 0)]
    assert np.abs(np.array(centre) - 14).max() <= 0.75 or max(wide, tall) > 19  # an odd one is held by the frame


@pytest.mark.parametrize("scale", [3, 10])
@pytest.mark.parametrize("dark_ink", [True, False])
def test_size_and_polarity_do_not_matter(digits, scale, dark_ink):
    images, _ = digits
    large = cv2.resize(images[3], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    found = prepared(rgb(255 - large if dark_ink else large))
    assert found.ink == ("dark" if dark_ink else "light")
    assert likeness(found.pixels, images[3]) > 0.9
    left, top, width, height = found.box
    ink = np.argwhere(large > 115)
    np.testing.assert_allclose([top, left], ink.min(axis=0), atol=2)
    np.testing.assert_allclose([height, width], np.ptp(ink, axis=0) + 1, atol=3)


def test_a_sheet_on_a_dark_table_is_found_first(digits):
    images, _ = digits
    scene = np.full((400, 480, 3), 45, np.uint8)
    scene[80:320, 100:340] = on_paper(images[0], 3, size=(240, 240))
    found = prepared(scene)
    assert found.ink == "dark"
    assert likeness(found.pixels, images[0]) > 0.85


def test_a_thin_pen_is_not_lost_when_the_photo_is_made_small():
    photo = np.full((400, 400, 3), 225, np.uint8)
    cv2.ellipse(photo, (200, 200), (90, 150), 0, 0, 360, (40, 40, 60), 4, cv2.LINE_AA)
    found = prepared(photo).pixels.astype(float) / 255
    assert found[14].sum() > 3.2  # two strokes of a 0 side by side, in pixels; MNIST's are 2 to 4 wide each
    assert found[14].max() > 0.9


@pytest.mark.parametrize("left", [110, 330])  # on the darker and on the lighter side
@pytest.mark.parametrize(("height", "tall", "wide"), [(640, 75, 3), (640, 75, 8), (1600, 160, 5), (3000, 1500, 12)])
def test_a_thin_stroke_is_seen_on_a_large_photo_that_grows_brighter_to_one_side(height, tall, wide, left):
    width, top = height * 3 // 4, height // 3
    left = left * width // 480
    # So that the lighter part is in the shape of a sheet of paper on a darker ground.
    paper = 150 + 65 * np.linspace(0, 1, width) ** 1.5 + np.random.default_rng(0).normal(0, 4, (height, width))
    ink = cv2.line(np.zeros((height, width), np.uint8), (left, top), (left, top + tall - 1), 1, wide)
    found = prepared(rgb(np.clip(paper - 110 * ink, 0, 255).astype(np.uint8)))
    assert found.ink == "dark"
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    # Looked at in a picture whose longer side is 400 and softened there: two of its pixels either way.
    np.testing.assert_allclose(found.box, [columns[0], rows[0], len(columns), len(rows)], atol=max(4, 5 * height / 400))
    seen = np.flatnonzero((found.pixels > 127).any(axis=1))
    assert len(seen) >= 18  # 20 pixels tall, as MNIST has its digits, and softer at the ends


def page(seed=0):
    noise = np.random.default_rng(seed).normal(0, 5, (300, 300, 3))
    return np.clip(np.linspace(170, 230, 300)[:, None, None] + noise, 0, 255).astype(np.uint8)


def test_what_cannot_be_told_is_said(digits):
    images, _ = digits
    assert "No digit is seen" in prepared(page()).notes[0]
    assert prepared(page()).words == "no ink found"
    assert not prepared(page()).pixels.any()
    two = np.hstack([on_paper(images[n], n, size=(240, 240), tall=100, paper=210, ink=40) for n in (0, 1)])
    assert "2 separate marks" in prepared(two).notes[0]
    both = on_paper(images[0], 0, size=(240, 240), tall=110)
    both[:, :110] = 40
    assert "border of the photo is dark and light" in prepared(both).notes[0]
    half = page()
    half[:, :150] = 40
    assert "from one side to the other" in prepared(half).notes[0]
    line = np.full((200, 300, 3), 220, np.uint8)
    cv2.line(line, (40, 100), (260, 100), (30, 30, 30), 12)
    assert "wider than any digit" in prepared(line).notes[0]


class Seen:
    """A network that keeps what it is shown, and says 7."""

    model = watch = None

    def __call__(self, inputs):
        self.inputs = inputs
        return np.tile(np.eye(10)[7], (len(inputs), 1))


def test_predictions_show_what_was_made_of_a_photo(digits):
    images, _ = digits
    forward = Seen()
    reader = Mnist().reader({**CARD, "as_mnist": True}, forward, DigitSettings())
    photo, own = Frame(index=0, pixels=on_paper(images[0], 2)), Frame(index=1, pixels=rgb(images[0]))
    told, as_is = reader.predict([photo, own])
    np.testing.assert_array_equal(forward.inputs[0, ..., 0], prepared(photo.pixels).pixels)
    np.testing.assert_array_equal(forward.inputs[1, ..., 0], images[0])
    left, top, width, height = prepared(photo.pixels).box
    assert told.to_dict()["prepared"] == {
        "ink": "dark", "box": [left, top, width, height], "as": f"dark ink, {width}x{height} at {left},{top}"
    }  # fmt: skip
    assert told.columns()["read"] == told.rows()[0]["read"] == told.seen.words
    assert as_is.to_dict()["prepared"] == {"ink": None, "box": None, "as": "as it is"}
    drawn = reader.draw(photo, told)
    side = int(0.3 * min(photo.pixels.shape[:2]))
    corner = drawn[-side + 4 : -4, -side + 4 : -4]
    expected = cv2.resize(told.seen.pixels, (side, side), interpolation=cv2.INTER_NEAREST)[4:-4, 4:-4]
    np.testing.assert_array_equal(corner, rgb(expected))
    (blank,) = reader.predict([Frame(index=0, pixels=page())])
    assert "No digit is seen" in blank.doubts[0]
    assert told.doubts == ()


@pytest.mark.parametrize(
    ("card", "chosen"),
    [({"as_mnist": True}, False), ({"as_mnist": False}, True), ({"input_shape": (32, 32, 1)}, True)],
)
def test_it_can_be_turned_off_and_is_off_for_other_digits(digits, card, chosen):
    images, _ = digits
    forward = Seen()
    reader = Mnist().reader({**CARD, **card}, forward, DigitSettings(prepare=chosen))
    photo = on_paper(images[0], 2)
    reader.predict([Frame(index=0, pixels=photo)])
    size = (reader.input_shape[1], reader.input_shape[0])
    plain = Image.fromarray(photo).convert("L").resize(size, Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(forward.inputs[0, ..., 0], np.asarray(plain))


@pytest.mark.filterwarnings("error")
def test_pictures_as_thin_as_a_line():
    """Made smaller, their thinner side would have no pixel; a sheet of two pixels has no inside."""
    for height, width in ((1, 3000), (3000, 1), (2, 5000), (5000, 2), (3, 700), (1, 1)):
        blank = np.full((height, width, 3), 255, np.uint8)
        marked = blank.copy()
        marked[height // 2 :, width // 3 : width // 2 + 1] = 0
        for pixels in (blank, marked, 255 - marked):
            assert prepared(pixels).pixels.shape == (28, 28)
        assert prepared(blank).notes
