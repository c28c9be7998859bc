"""Multi-similarity, N-pairs and lifted structure: values by hand, the choice of pairs, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo_plugins.losses.npairs import NPairs, npairs
from kzoo_plugins.losses.pairs import LiftedStruct, MultiSimilarity, lifted_struct, multi_similarity

RNG = np.random.default_rng(6)
LABELS = np.array([0, 0, 1, 1, 0, 2])
VECTORS = RNG.normal(size=(6, 4)).astype("float32")
SCORES = RNG.normal(size=(4, 4)).astype("float32") * 2


def crossentropy(targets, scores):
    """The mean over the rows, in float64."""
    wide = np.asarray(scores, "float64")
    logs = wide - np.log(np.exp(wide).sum(-1, keepdims=True))
    return -(np.asarray(targets) * logs).sum(-1).mean()


# --- multi-similarity


def test_multi_similarity_of_one_anchor():
    vectors = np.array([[1.0, 0.0], [0.6, 0.8], [0.8, 0.6], [0.0, 1.0]], "float32")
    value = multi_similarity([0, 0, 1, 1], vectors, alpha=2, beta=5, base=0.5)[0]
    pull, push = np.log(1 + np.exp(-2 * 0.1)) / 2, np.log(1 + np.exp(5 * 0.3) + np.exp(5 * -0.5)) / 5
    assert float(value) == pytest.approx(pull + push, rel=1e-5)


def test_epsilon_leaves_out_pairs_that_are_in_order():
    vectors = np.array([[1.0, 0.0], [0.6, 0.8], [0.8, 0.6], [0.0, 1.0]], "float32")
    # The anchor's positive has cosine 0.6, its negatives 0.8 and 0: the second is 0.6 below the positive.
    value = multi_similarity([0, 0, 1, 1], vectors, alpha=2, beta=5, base=0.5, epsilon=0.1)[0]
    pull, push = np.log(1 + np.exp(-2 * 0.1)) / 2, np.log(1 + np.exp(5 * 0.3)) / 5
    assert float(value) == pytest.approx(pull + push, rel=1e-5)


def test_epsilon_keeps_pairs_that_are_barely_in_order():
    cosines = np.array([1.0, 0.6, 0.95, 0.55, 0.3])  # of the anchor with itself, two positives, two negatives
    vectors = np.stack([cosines, np.sqrt(1 - cosines**2)], -1).astype("float32")
    value = multi_similarity([0, 0, 0, 1, 1], vectors, alpha=2, beta=5, base=0.5, epsilon=0.1)[0]
    pull, push = np.log(1 + np.exp(-2 * 0.1)) / 2, np.log(1 + np.exp(5 * 0.05)) / 5
    assert float(value) == pytest.approx(pull + push, rel=1e-5)


def test_with_all_pairs_in_order_epsilon_leaves_nothing():
    vectors = np.repeat(np.eye(2, dtype="float32"), 2, 0)
    assert float(MultiSimilarity(epsilon=0.1)([0, 0, 1, 1], vectors)) == 0.0
    assert float(MultiSimilarity()([0, 0, 1, 1], vectors)) > 0.0


def test_a_sample_without_positives_has_its_second_term_alone():
    vectors = np.eye(3, dtype="float32")
    np.testing.assert_allclose(
        multi_similarity([0, 1, 2], vectors, beta=5), np.full(3, np.log(1 + 2 * np.exp(-2.5)) / 5), rtol=1e-5
    )


# --- N-pairs


def test_npairs_is_the_crossentropy_of_one_pair_of_each_class():
    anchors, partners = VECTORS[[0, 2]], VECTORS[[1, 3]]  # the fifth is a third of its class, the sixth alone
    expected = crossentropy(np.eye(2), anchors.astype("float64") @ partners.T)
    values = np.asarray(npairs(LABELS, VECTORS))
    assert values.mean() == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(values[[1, 3, 4, 5]], np.zeros(4))


def test_l2_is_the_mean_squared_length_of_all_embeddings():
    expected = float(NPairs()(LABELS, VECTORS)) + 0.3 * np.mean(np.sum(VECTORS.astype("float64") ** 2, -1))
    assert float(NPairs(l2=0.3)(LABELS, VECTORS)) == pytest.approx(expected, rel=1e-6)


def test_similarities_with_one_pair_of_each_class():
    values = NPairs(from_similarities=True, reduction=None)(np.arange(4), SCORES)
    assert np.mean(values) == pytest.approx(crossentropy(np.eye(4), SCORES), rel=1e-5)


@pytest.mark.parametrize("labels", [[3, 5, 3, 3], [[0, 1], [1, 0], [0, 1], [0, 1]]], ids=["indices", "one-hot"])
def test_similarities_spread_the_target_over_the_class(labels):
    targets = [[1 / 3, 0, 1 / 3, 1 / 3], [0, 1, 0, 0], [1 / 3, 0, 1 / 3, 1 / 3], [1 / 3, 0, 1 / 3, 1 / 3]]
    found = NPairs(from_similarities=True)(np.array(labels), SCORES)
    assert float(found) == pytest.approx(crossentropy(targets, SCORES), rel=1e-5)


def test_similarities_of_samples_of_several_classes_share_the_target_by_common_classes():
    several = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1], [0, 0, 0]])
    targets = [[2 / 4, 2 / 4, 0, 0], [2 / 6, 3 / 6, 1 / 6, 0], [0, 1 / 2, 1 / 2, 0], [0, 0, 0, 0]]
    found = NPairs(from_similarities=True)(several, SCORES)
    assert float(found) == pytest.approx(crossentropy(targets, SCORES), rel=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("jit", [False, True])
def test_similarities_of_a_batch_of_any_size(jit):
    loss = NPairs(from_similarities=True)
    shapes = [tf.TensorSpec((None,), "int64"), tf.TensorSpec((None, None))]
    compiled = tf.function(loss, input_signature=shapes, jit_compile=jit)
    assert float(compiled(np.arange(4), SCORES)) == pytest.approx(float(loss(np.arange(4), SCORES)), rel=1e-6)


def test_similarities_that_are_no_square_are_refused():
    with pytest.raises(ValueError, match=r"`npairs` takes similarities of shape \(N, N\), not \(4, 3\)"):
        NPairs(from_similarities=True)(np.arange(4), SCORES[:, :3])


# --- lifted structure


def test_lifted_structure_of_one_pair():
    places = np.array([[0.0], [1.0], [3.0], [5.0]], "float32")
    push = np.exp(1.0 - np.array([3.0, 5.0, 2.0, 4.0])).sum()
    expected = (1.0 + np.log(push)) ** 2 / 2
    assert float(LiftedStruct()([0, 0, 1, 2], places)) == pytest.approx(expected, rel=1e-5)


def test_lifted_structure_of_pairs_far_enough_from_others_is_0():
    places = np.array([[0.0], [0.1], [30.0], [30.1]], "float32")
    assert float(LiftedStruct()([0, 0, 1, 1], places)) == 0.0
    np.testing.assert_array_equal(lifted_struct([0, 0, 0, 0], places), np.zeros(4))


# --- what is refused


@pytest.mark.parametrize(
    ("made", "arguments", "message"),
    [
        (MultiSimilarity, {"alpha": 0}, "`alpha` must be a finite number above 0"),
        (MultiSimilarity, {"beta": -1}, "`beta` must be a finite number above 0"),
        (MultiSimilarity, {"base": float("nan")}, "`base` must be a finite number, not nan"),
        (MultiSimilarity, {"epsilon": -0.1}, "`epsilon` must be a finite number of at least 0"),
        (NPairs, {"l2": -1}, "`l2` must be a finite number of at least 0"),
        (NPairs, {"l2": 0.1, "from_similarities": True}, "`l2` is for embeddings"),
        (NPairs, {"normalize": True, "from_similarities": True}, "`normalize` is for embeddings"),
        (LiftedStruct, {"margin": -1}, "`margin` must be a finite number of at least 0"),
    ],
)
def test_arguments_out_of_range_are_refused(made, arguments, message):
    with pytest.raises(ValueError, match=message):
        made(**arguments)
