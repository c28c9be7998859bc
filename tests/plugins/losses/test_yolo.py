"""The loss of YOLOv3: a NaN and a label that is none show, in their own image and in their own part."""

import keras
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


def _of_kind(kind, y_true=Y_TRUE):
    return np.concatenate([y_true, np.full((*y_true.shape[:2], 1), kind, y_true.dtype)], -1)


@forms
def test_places_of_the_first_kind_are_as_places_that_do_not_tell_their_kind(arguments):
    np.testing.assert_array_equal(
        YOLO(**arguments, reduction=None)(_of_kind(0), Y_PRED), YOLO(**arguments, reduction=None)(Y_TRUE, Y_PRED)
    )


@pytest.mark.parametrize("box", ["giou", "ciou"])
def test_bounded_sides_are_those_whose_logarithm_an_earlier_network_would_say(box):
    same = Y_PRED.copy()
    same[..., 2:4] = np.log(4 / np.square(1 + np.exp(-Y_PRED[..., 2:4])))
    found, wanted = yolo_parts(_of_kind(1), Y_PRED, box=box), yolo_parts(Y_TRUE, same, box=box)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5)
    assert (np.asarray(found["box"]) != np.asarray(yolo_parts(Y_TRUE, Y_PRED, box=box)["box"])).any()


def test_squares_of_bounded_sides_are_darknets():
    """Darknet compares the sigmoids themselves, of the sides with half the root of true side over anchor."""
    found = np.asarray(yolo_parts(_of_kind(1), Y_PRED)["box"])
    for image, (true, said) in enumerate(zip(Y_TRUE, Y_PRED, strict=True)):
        total = 0.0
        for t, p in zip(true, 1 / (1 + np.exp(-said)), strict=True):
            if t[4] == 1:
                place = t[-7:]
                offset = p[:2] * place[6] - (place[6] - 1) / 2
                centre = place[:2] + offset - t[:2] * place[2:4]
                sides = p[2:4] - np.sqrt(t[2:4] / (4 * place[4:6]))
                total += (2 - t[2] * t[3]) * (np.square(centre).sum() + np.square(sides).sum()) / 2
        assert found[image] == pytest.approx(total, rel=1e-5)


def test_classes_that_exclude_each_other_are_kerass_crossentropy():
    found = np.asarray(yolo_parts(_of_kind(2), Y_PRED)["class"])
    crossentropy = keras.losses.CategoricalCrossentropy(from_logits=True, reduction=None)
    rows = np.asarray(crossentropy(Y_TRUE[..., 5:-7], Y_PRED[..., 5:]))
    np.testing.assert_allclose(found, np.where(Y_TRUE[..., 4] == 1, rows, 0).sum(-1), rtol=1e-5)


@pytest.mark.parametrize("kind", [1, 2])
def test_nans_and_the_infinite_show_or_not_as_ever(kind):
    for place, column in ((0, 0), (0, 4), (1, 2), (1, 5)):
        y_pred = Y_PRED.copy()
        y_pred[1, place, column] = np.nan
        shows(_of_kind(kind), y_pred, {})
    y_pred = Y_PRED.copy()
    y_pred[1, 0, 5:] = np.inf  # of no box
    values, gradient = with_gradient(YOLO(reduction=None))(_of_kind(kind), y_pred)
    assert np.isfinite(values).all()
    assert np.isfinite(gradient).all()
    wrong = _of_kind(kind)
    wrong[1, 0, -1] = 3
    shows(wrong, Y_PRED, {})
