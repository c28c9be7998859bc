"""The margin loss for rare classes: which margin is whose, the softmax before it, arguments."""

import json

import keras
import numpy as np
import pytest

from kzoo_plugins.losses.ldam import LDAM, ldam

RNG = np.random.default_rng(11)
COSINES = RNG.uniform(-1, 1, (6, 3)).astype("float32")
LABELS = np.array([0, 2, 1, 1, 2, 0])
COUNTS = [625, 16, 1]


def test_the_margin_is_the_inverse_fourth_root_of_the_count():
    shifted = COSINES.copy()
    shifted[np.arange(6), LABELS] -= np.array([0.5 / 5, 0.5 / 2, 0.5], "float32")[LABELS]
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    found = ldam(LABELS, COSINES, class_counts=COUNTS, scale=10, from_logits=True)
    np.testing.assert_allclose(found, plain(LABELS, 10 * shifted), rtol=1e-5)


def test_without_counts_all_margins_are_equal():
    found = ldam(LABELS, COSINES, from_logits=True)
    np.testing.assert_allclose(found, ldam(LABELS, COSINES, class_counts=[7, 7, 7], from_logits=True), rtol=1e-6)


def test_from_the_probabilities_of_a_softmax_it_is_the_loss_of_the_logits():
    p = np.asarray(keras.ops.softmax(COSINES))
    expected = ldam(LABELS, COSINES, class_counts=COUNTS, from_logits=True)
    np.testing.assert_allclose(ldam(LABELS, p, class_counts=COUNTS), expected, rtol=1e-4, atol=1e-6)


def test_counts_are_saved():
    loss = LDAM(class_counts=np.array(COUNTS), scale=1)
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(loss))))
    assert again.get_config()["class_counts"] == COUNTS
    assert float(again(LABELS, COSINES)) == float(loss(LABELS, COSINES))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"class_counts": [1, 0, 2]}, "`class_counts` must hold finite numbers above 0, not"),
        ({"max_margin": -1}, "`max_margin` must be a finite number of at least 0, not -1"),
        ({"scale": 0}, "`scale` must be a finite number above 0, not 0"),
    ],
)
def test_arguments_without_meaning_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LDAM(**arguments)
    with pytest.raises(ValueError, match=message):
        ldam(LABELS, COSINES, **arguments)


def test_counts_of_another_number_of_classes_are_refused():
    with pytest.raises(ValueError, match="`class_counts` has 2 numbers, and `y_pred` has 3 classes"):
        LDAM(class_counts=[1, 2])(LABELS, COSINES)
