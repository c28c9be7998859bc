"""Losses of thresholds in a network of class probabilities: the value is what the papers' own logits would give."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kzoo
from kzoo.wrappers.threshold_losses import OfProbabilities

RNG = np.random.default_rng(0)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def binary_crossentropies(logits, above):
    return -(above * np.log(sigmoid(logits)) + (1 - above) * np.log(sigmoid(-logits)))


def distributions(above):
    """The class probabilities of which these are the probabilities to be above each threshold."""
    edges = np.concatenate([np.ones((len(above), 1)), above, np.zeros((len(above), 1))], axis=1)
    return edges[:, :-1] - edges[:, 1:]


def test_coral_of_probabilities_is_coral_of_the_logits_that_they_stand_for():
    logits = -np.sort(-RNG.normal(0, 2, (9, 5)), axis=1)
    labels = RNG.integers(0, 6, 9)
    above = (labels[:, None] > np.arange(5)).astype(float)
    expected = binary_crossentropies(logits, above).sum(axis=1).mean()
    loss = OfProbabilities(kzoo.loss("coral"))
    assert float(loss(labels, distributions(sigmoid(logits)))) == pytest.approx(expected, rel=1e-5)


def test_corn_of_probabilities_asks_each_threshold_given_the_one_before():
    logits = RNG.normal(0, 2, (9, 5))
    labels = RNG.integers(0, 6, 9)
    asked = labels[:, None] >= np.arange(5)
    above = (labels[:, None] > np.arange(5)).astype(float)
    expected = binary_crossentropies(logits, above)[asked].sum() / asked.sum()
    loss = OfProbabilities(kzoo.loss("corn"))
    probabilities = distributions(np.cumprod(sigmoid(logits), axis=1))
    assert float(loss(labels, probabilities)) == pytest.approx(expected, rel=1e-5)


def test_value_and_gradient_are_finite_where_the_network_is_certain():
    probabilities = tf.Variable(np.eye(4, dtype="float32"))
    for name in ("coral", "corn"):
        for shift in range(4):
            with tf.GradientTape() as tape:
                value = OfProbabilities(kzoo.loss(name))(np.roll(np.arange(4), shift), probabilities)
            assert np.isfinite(value)
            assert np.isfinite(tape.gradient(value, probabilities)).all()


def test_it_survives_saving_with_the_loss_inside():
    loss = OfProbabilities(kzoo.loss("corn"))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.conditional
    assert (again.name, type(again.loss)) == ("corn", type(loss.loss))


def test_sample_weights_reach_the_loss():
    probabilities = RNG.dirichlet(np.ones(4), 6)
    labels = np.arange(6) % 4
    loss = OfProbabilities(kzoo.loss("coral"))
    first = float(loss(labels[:1], probabilities[:1]))
    weighted = float(loss(labels, probabilities, sample_weight=np.array([6.0, 0, 0, 0, 0, 0])))
    assert weighted == pytest.approx(first, rel=1e-5)


def test_what_the_loss_ignores_it_says():
    labels, probabilities = np.array([0, 3, 1]), RNG.dirichlet(np.ones(4), 3)
    for name in ("coral", "corn"):
        loss = OfProbabilities(kzoo.loss(name, ignore_class=3))
        np.testing.assert_array_equal(loss.kept(labels, probabilities), [True, False, True])
        assert OfProbabilities(kzoo.loss(name)).kept(labels, probabilities) is None


@pytest.mark.parametrize("name", ["coral", "corn"])
def test_one_output_is_refused(name):
    with pytest.raises(ValueError, match="take `binary_crossentropy`"):
        OfProbabilities(kzoo.loss(name))([0, 1], [[0.2], [0.9]])
