"""Losses of pairs in a network of vectors: the distances are SciPy's, and either sort of pairs counts half."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import pdist

import kzoo
from kzoo.wrappers.pair_losses import OfPairs

RNG = np.random.default_rng(0)
LABELS = np.array([0, 0, 0, 1, 1, 2])
VECTORS = RNG.normal(0, 0.5, (6, 4)).astype("float32")
ROW, COLUMN = np.triu_indices(6, 1)
SAME = LABELS[ROW] == LABELS[COLUMN]


def by_scipy(vectors, margin=1.0):
    distances = pdist(vectors)
    return distances[SAME] ** 2, np.maximum(0, margin - distances[~SAME]) ** 2


def test_each_sort_of_pairs_counts_half():
    together, apart = by_scipy(VECTORS)
    expected = (together.mean() + apart.mean()) / 2
    assert float(OfPairs(kzoo.loss("contrastive"))(LABELS, VECTORS)) == pytest.approx(expected, rel=1e-5)
    assert float(OfPairs(kzoo.loss("contrastive"))(LABELS[:, None], VECTORS)) == pytest.approx(expected, rel=1e-5)


def test_a_batch_of_one_sort_alone_and_one_of_no_pair():
    loss = OfPairs(kzoo.loss("contrastive"))
    everything = pdist(VECTORS)
    assert float(loss(np.zeros(6), VECTORS)) == pytest.approx((everything**2).mean(), rel=1e-5)
    apart = np.maximum(0, 1 - everything) ** 2
    assert float(loss(np.arange(6), VECTORS)) == pytest.approx(apart.mean(), rel=1e-5)
    assert float(loss(np.zeros(1), VECTORS[:1])) == 0.0


def test_a_sample_of_weight_0_is_in_no_pair():
    loss = OfPairs(kzoo.loss("contrastive"))
    weights = np.array([1, 1, 1, 1, 1, 0], "float32")
    moved = np.concatenate([VECTORS[:5], VECTORS[5:] + 9])
    one, other = (float(loss(LABELS, given, sample_weight=weights)) for given in (VECTORS, moved))
    assert one == pytest.approx(other, rel=1e-6)


def test_the_gradient_is_finite_where_vectors_are_equal():
    vectors = tf.Variable(np.ones((4, 3), "float32"))
    with tf.GradientTape() as tape:
        value = OfPairs(kzoo.loss("contrastive"))([0, 0, 1, 1], vectors)
    assert np.isfinite(tf.convert_to_tensor(tape.gradient(value, vectors))).all()
    assert float(value) == pytest.approx(0.5)  # of two kinds at one place: the margin squared, which counts half


def test_a_nan_in_a_vector_is_one_in_the_loss():
    broken = VECTORS.copy()
    broken[2, 1] = np.nan
    assert np.isnan(float(OfPairs(kzoo.loss("contrastive"))(LABELS, broken)))


def test_it_is_saved_with_its_loss():
    loss = OfPairs(kzoo.loss("contrastive", margin=0.7))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert float(again(LABELS, VECTORS)) == float(loss(LABELS, VECTORS))
    assert again.loss.margin == 0.7
