"""Inputs beside those that a model learned from."""

import json

import numpy as np
import pytest

from kzoo.data.splits import ArraySplit
from kzoo.models.input_ranges import FEWEST, InputRanges, Watch, figures_of

DRAW = np.random.default_rng(0)


def photos(count, channels=3, low=60, high=200):
    """Return smooth scenes of some contrast."""
    coarse = DRAW.integers(low, high, (count, 4, 4, channels)).astype(np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


def ranges_of(x, names=()):
    return InputRanges.of(ArraySplit(x, np.zeros(len(x))), names)


def test_the_figures_of_a_picture_by_hand():
    picture = np.zeros((1, 2, 2, 3), np.uint8)
    picture[0, 0, :] = (255, 0, 0)
    brightness, contrast, detail, border, colour = figures_of(picture)[0]
    np.testing.assert_allclose([brightness, contrast, colour], [1 / 6, 1 / 6, 1 / 2], rtol=1e-6)
    np.testing.assert_allclose([detail, border], [1 / 3, 1 / 6], rtol=1e-6)
    assert figures_of(picture[..., :1]).shape == (1, 4)
    np.testing.assert_allclose(figures_of(picture.astype("float32") / 255), figures_of(picture), rtol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_the_same_kind_are_near_and_others_far(channels):
    ranges = ranges_of(photos(500, channels))
    assert sum(map(bool, ranges.doubts(photos(500, channels)))) <= 2
    blank, noise = np.full((1, 16, 16, channels), 128, np.uint8), DRAW.integers(0, 256, (1, 16, 16, channels))
    assert "poorer in contrast (0, and not" in ranges.doubts(blank)[0]
    assert "rougher" in ranges.doubts(noise.astype(np.uint8))[0]
    assert "brighter" in ranges.doubts(photos(1, channels, 230, 255))[0]
    assert "darker" in ranges.doubts(photos(1, channels, 0, 30))[0]


def test_a_blank_picture_is_far_though_the_training_had_faint_ones():
    mixed = np.concatenate([photos(100), photos(100, low=120, high=135)])
    assert "contrast (0, and not" in ranges_of(mixed).doubts(np.full((1, 16, 16, 3), 128, np.uint8))[0]


def test_a_gray_picture_among_coloured_ones():
    ranges = ranges_of(photos(500))
    assert "less coloured" in ranges.doubts(photos(1, 1).repeat(3, axis=-1))[0]


def test_rows_by_the_names_of_their_columns():
    rows = np.stack([np.linspace(-5, 5, 1000), np.full(1000, 7.0)], axis=1)
    ranges = ranges_of(rows, ("x", "year"))
    np.testing.assert_allclose([ranges.low[0], ranges.high[0]], [-5 - 1.1, 5 + 1.1])  # 10 % and 10 / N of the range
    assert ranges.doubts(np.array([[6.0, 7.0], [6.2, 7.0], [0.0, 8.0]])) == [
        "",
        "It is far from what the network learned from: `x` is 6.2, and not -6.1 to 6.1.",
        "It is far from what the network learned from: `year` is 8, and not 7 to 7.",
    ]
    nameless = ranges_of(rows)
    assert "`input 1` is 9" in nameless.doubts(np.array([[9.0, 7.0]]))[0]


def test_rounding_does_not_hide_the_difference():
    near, far = InputRanges(("contrast",), (0.13712,), (0.3,)), InputRanges(("x",), (0.0,), (1.0,), pictures=False)
    assert near._said(np.array([0.13708]), np.array([0])).endswith("in contrast (0.13708, and not 0.13712 to 0.3).")
    assert "`x` is 1.00000003, and not 0 to 1." in far.doubts(np.array([[1 + 3e-8]]))[0]


def test_few_examples_widen_the_ranges_and_fewer_say_nothing():
    rows = np.linspace(0, 1, FEWEST)[:, None]
    ranges = ranges_of(rows)
    np.testing.assert_allclose([ranges.low[0], ranges.high[0]], [-0.6, 1.6])
    assert ranges_of(rows[:-1]) is None
    assert ranges_of(np.zeros((50, 3, 3, 3, 3))) is None


def test_many_named_columns_are_counted():
    ranges = ranges_of(DRAW.random((100, 6)))
    assert ranges.doubts(np.full((1, 6), 9.0))[0].endswith("and 3 more.")


def test_it_survives_json_and_what_is_none_is_none():
    ranges = ranges_of(photos(50))
    assert InputRanges.from_dict(json.loads(json.dumps(ranges.to_dict()))) == ranges
    for stored in ({}, {"names": ["a"], "low": [1], "high": []}, {"names": 3}, {"names": [], "low": [], "high": []}):
        assert InputRanges.from_dict(stored) is None


def test_a_watch_tells_of_each_input_also_where_it_is_shown_twice():
    watch = Watch(ranges_of(np.linspace(0, 1, 100)[:, None], ("x",)))
    watch(np.array([[0.5], [9.0]]))
    watch(np.array([[0.5], [9.0]]))
    first, second = watch.take(2)
    assert (first, "`x` is 9" in second) == ("", True)
    assert watch.take(2) == ["", ""]
    watch(np.array([[9.0], [9.0], [9.0]]))
    assert watch.take(2) == ["", ""]  # not the inputs that were asked of: nothing is known


def test_inputs_of_another_form_are_not_judged():
    assert ranges_of(photos(50)).doubts(np.zeros((2, 7))) == ["", ""]
