"""Whose fault it is, and of what sort, is said as it is: components of Keras itself, and losses in half precision."""

import keras
import pytest
from keras import ops

from kzoo.testing import check_loss


class _Absolute(keras.losses.Loss):
    """The mean absolute error, worked out in another type than it is given."""

    def __init__(self, inside="float16", after="float64", name="absolute", reduction="sum_over_batch_size", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.inside, self.after = inside, after

    def call(self, y_true, y_pred):
        y_true, y_pred = (ops.cast(y, self.inside) for y in (y_true, y_pred))
        return ops.mean(ops.cast(ops.abs(y_true - y_pred), self.after), axis=-1)


@pytest.mark.parametrize(("inside", "after"), [("float16", "float64"), ("bfloat16", "float64"), ("float32", "float16")])
def test_a_loss_in_half_precision_is_called_so(inside, after):
    report = check_loss(_Absolute, inside=inside, after=after, only=("gradient",))
    assert "the loss computes in half precision although it was made for float64" in report.failed["gradient"]
    assert "float32" not in report.failed["gradient"]
    coarser = "bfloat16" if "bfloat16" in (inside, after) else "float16"
    assert f"as numbers of {coarser} do" in report.failed["gradient"]


def test_a_loss_in_float32_is_not_called_one_of_half_precision():
    check_loss(_Absolute, inside="float32", after="float32", only=("gradient",)).raise_if_failed()


def test_a_class_of_keras_is_known_to_fail_where_keras_does():
    report = check_loss(keras.losses.MeanSquaredError, only=("dtype_saved", "mismatch_refused"))
    report.raise_if_failed()
    assert set(report.expected_failures) == {"dtype_saved", "mismatch_refused"}
    assert "keras-team" in report.expected_failures["dtype_saved"]


def test_what_only_keras_can_mend_is_not_held_against_an_object_of_its_class():
    report = check_loss(keras.losses.Huber(delta=2.0), only=("dtype_saved",))
    assert "only Keras can mend" in report.skipped["dtype_saved"]


def test_a_class_of_ones_own_that_leaves_its_dtype_to_keras_is_told_how_to_save_it():
    assert "one of your own adds it" in check_loss(_Absolute, only=("dtype_saved",)).failed["dtype_saved"]
