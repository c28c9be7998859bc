"""The loss of YOLOv3: a NaN and a label that is none show, in their own image and in their own part."""

import numpy as np
import pytest
from gradients import with_gradient

from kzoo.testing import samples
from kzoo.testing.subject import subject_of
from kzoo_plugins.losses.yolo import YOLO, yolo_parts

# Three images of four places; the second image's box is at place 1.
Y_TRUE, Y_PRED = samples.sample(subject_of("loss", "yolo"), 3)
forms = pytest.mark.parametrize("arguments", [{}, {"box": "ciou", "objectness": "focal"}, {"ignore": 1}])


def shows(y_true, y_pred, arguments):
    values, gradient = with_gradient(YOLO(**arguments, reduction=None))(y_true, y_pred)
    assert np.isnan(values).tolist() == [False, True, False]
    assert np.isnan(gradient).any(axis=(1, 2)).tolist() == [False, True, False]


@pytest.mark.long_but_first(2)
@forms
@pytest.mark.parametrize("place", [0, 1], ids=["no box", "a box"])
def test_a_nan_shows_wherever_it_is(arguments, place):
    for column in range(Y_PRED.shape[-1]):
        y_pred = Y_PRED.copy()
        y_pred[1, place, column] = np.nan
        shows(Y_TRUE, y_pred, arguments)
    for column in (0, 4, 5, 7):
        y_true = Y_TRUE.copy()
        y_true[1, place, column] = np.nan
        shows(y_true, Y_PRED, arguments)


@forms
def test_labels_that_are_none_show(arguments):
    for place, column, wrong in ((1, 4, 2), (0, 4, -2), (0, 4, 0.5), (1, 5, 1.5), (1, 6, -1), (1, 5, 255)):
        y_true = Y_TRUE.copy()
        y_true[1, place, column] = wrong
        shows(y_true, Y_PRED, arguments)


def test_it_is_the_part_that_is_nan():
    for column, wrong, part in ((4, 2, "objectness"), (5, 7, "class")):
        y_true = Y_TRUE.copy()
        y_true[1, 1, column] = wrong
        parts = {name: np.isnan(values)[1] for name, values in yolo_parts(y_true, Y_PRED).items()}
        assert [name for name, nan in parts.items() if nan] == [part]


def test_classes_of_a_place_without_a_box_are_not_read():
    y_true = Y_TRUE.copy()
    y_true[1, 0, 5:7] = 9
    np.testing.assert_array_equal(YOLO(reduction=None)(y_true, Y_PRED), YOLO(reduction=None)(Y_TRUE, Y_PRED))
