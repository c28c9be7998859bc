"""How far apart two models are, and on what they are compared."""

import numpy as np
import pytest

from kzoo.export.replay import Recorder, difference, replayed


@pytest.mark.parametrize(
    ("expected", "found", "far"),
    [
        ([[0.25, 0.5]], [[0.25, 0.5]], 0),
        ([[0.25, 0.5]], [[0.25, 0.75]], 0.25),
        ([[1000.0, 0.5]], [[1001.0, 0.5]], 1 / 1000),  # in parts of the largest of its column
        ([[1000.0, 0.5], [0.0, 0.5]], [[1000.0, 0.5], [1.0, 0.5]], 1 / 1000),
        ([[1000.0, 0.5]], [[1000.0, 0.25]], 0.25),  # and not of another column
        ([[np.nan, np.inf]], [[np.nan, np.inf]], 0),
        ([[np.nan]], [[0.0]], np.inf),
        ([[0.0]], [[np.nan]], np.inf),
        ([[np.inf]], [[-np.inf]], np.inf),
        ([[0.5, 0.5]], [[0.5]], np.inf),
        ([np.zeros((1, 2)), np.ones((1, 2))], [np.zeros((1, 2)), np.ones((1, 2)) / 2], 0.5),
        ([np.zeros((1, 2)), np.ones((1, 2))], [np.zeros((1, 2))], np.inf),
    ],
)
def test_the_difference_is_that_of_the_numbers_that_are_furthest_apart(expected, found, far):
    several = isinstance(expected[0], np.ndarray)
    pair = (expected, found) if several else (np.array(expected), np.array(found))
    assert difference(*pair) == pytest.approx(far)


def test_models_are_compared_on_what_no_data_has_too():
    real = [np.full((3, 2, 2, 1), 7, np.uint8), np.full((2, 2, 2, 1), 9, np.uint8)]

    def original(x):
        return x.reshape(len(x), -1) / 255

    def wrong_where_it_is_white(x):
        return original(x) + (x.reshape(len(x), -1) == 255) * 0.5

    found = {one.inputs: one for one in replayed(original, wrong_where_it_is_white, real)}
    assert found["test data"].count == 5
    assert {name: one.difference for name, one in found.items() if name != "noise"} == {
        "test data": 0, "zeros": 0, "ones": 0, "all white": pytest.approx(0.5),
    }  # fmt: skip


def test_noise_in_rows_stays_where_the_data_is():
    seen = []

    def keep(x):
        seen.append(x)
        return x

    real = np.array([[100.0, -3.0], [200.0, -1.0]])
    replayed(keep, keep, [real])
    noise = seen[-1]
    assert noise.dtype == real.dtype
    assert ((noise >= real.min(axis=0)) & (noise <= real.max(axis=0))).all()
    assert len(np.unique(noise)) == noise.size


def test_a_recorder_keeps_the_inputs_and_hands_on_what_is_said():
    recorder = Recorder(lambda x: x + 1)
    assert recorder(np.zeros((2, 3))).tolist() == [[1, 1, 1]] * 2
    assert [x.tolist() for x in recorder.inputs] == [[[0, 0, 0]] * 2]
    passing = Recorder(lambda x: x, keep=False)
    passing(np.zeros(1))
    assert passing.inputs == []
