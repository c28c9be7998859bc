"""Text that can be read on any picture."""

import numpy as np
import pytest

from kzoo.data.frames.labels import MIN_SIDE, write_text

SIZES = [(1, 1), (28, 28), (32, 32), (100, 100), (480, 640), (1080, 1920), (3000, 20), (20, 3000), (5000, 4000)]


@pytest.mark.long_but_first(4)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("text", ["cat 99%", "a very long name of a class indeed, " * 4, "x" * 200, ""])
def test_text_is_drawn_and_fits(size, text):
    picture = np.full((*size, 3), 128, np.uint8)
    drawn = write_text(picture, text)
    assert drawn.dtype == np.uint8
    assert drawn.shape == write_text(picture, "7").shape  # so that all frames of a video are of one size
    factor = drawn.shape[0] // size[0]
    assert drawn.shape == (size[0] * factor, size[1] * factor, 3)
    assert (picture == 128).all()
    if text and min(drawn.shape[:2]) >= MIN_SIDE:
        assert (drawn > 180).all(-1).sum() > 10
        assert (drawn < 5).all(-1).sum() > 100
        white = np.argwhere((drawn > 200).all(-1))
        inside = (white > 0).all() and (white < np.array(drawn.shape[:2]) - 1).all()
        assert inside or len(text) > 100


def test_letters_are_at_least_eight_pixels_high_on_a_thumbnail():
    drawn = write_text(np.full((28, 28, 3), 128, np.uint8), "H")
    rows = np.flatnonzero((drawn > 200).all(-1).any(1))
    assert rows[-1] - rows[0] + 1 >= 8


def test_place_and_colours():
    picture = np.full((300, 300, 3), 128, np.uint8)
    drawn = write_text(picture, "there", xy=(1.0, 1.0), color=(255, 0, 0), background=(0, 0, 255), size=20)
    changed = np.argwhere((drawn != 128).any(-1))
    assert changed.max(0).tolist() == [299, 299]
    assert changed.min() > 200
    assert (drawn[..., 1] <= 128).all()


def test_letters_that_are_not_ascii_are_drawn_as_themselves():
    drawn = {letter: write_text(np.full((200, 200, 3), 128, np.uint8), letter).tobytes() for letter in "öß€шλ\uffff"}
    assert len(set(drawn.values())) == len(drawn)  # what a font lacks looks all alike
