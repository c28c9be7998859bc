"""Pairs of a batch, their distances, and what all losses between embeddings have in common."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import finite_differences, with_gradient

from kzoo_plugins.losses.contrastive import NTXent, SupCon
from kzoo_plugins.losses.npairs import NPairs
from kzoo_plugins.losses.pairs import LiftedStruct, MultiSimilarity
from kzoo_plugins.losses.pairwise import (
    groups_of,
    mean_over_pairs,
    pairwise_distances,
    some_logsumexp,
    unit_length,
)
from kzoo_plugins.losses.triplet import TripletHard, TripletSemiHard

RNG = np.random.default_rng(11)
LABELS = np.array([0, 2, 0, 1, 2, 2, 3])
VECTORS = RNG.normal(size=(7, 4)).astype("float32")
LOSSES = [TripletSemiHard, TripletHard, SupCon, NTXent, MultiSimilarity, NPairs, LiftedStruct]
EDGES = {
    "one sample": ([0], [[0.6, 0.8]]),
    "no pairs": ([0, 1, 2], np.eye(3)),
    "one class": ([1, 1, 1], np.eye(3)),
    "a pair of equals": ([0, 0], [[0.6, 0.8]] * 2),
    "all equal": ([0, 0, 1, 1], [[0.6, 0.8]] * 4),
    "zeros": ([0, 0, 1, 1], np.zeros((4, 3))),
    "opposite": ([0, 0, 1], [[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]]),
    "large": ([0, 0, 1, 1], np.eye(4) * 1e4),
}


def apart(vectors):
    wide = np.asarray(vectors, "float64")
    return np.linalg.norm(wide[:, None] - wide[None], axis=-1)


# --- who belongs to whom


def test_pairs_leave_out_the_sample_itself():
    groups = groups_of(LABELS, VECTORS, "x")
    positives, negatives = np.asarray(groups.positives), np.asarray(groups.negatives)
    same = LABELS[:, None] == LABELS[None]
    np.testing.assert_array_equal(positives, same & ~np.eye(7, dtype=bool))
    np.testing.assert_array_equal(negatives, ~same)


def test_samples_that_share_one_of_their_classes_belong_together():
    several = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]])
    groups = groups_of(several, VECTORS[:4], "x")
    positives, negatives = np.asarray(groups.positives), np.asarray(groups.negatives)
    assert np.argwhere(positives).tolist() == [[0, 1], [1, 0]]
    assert negatives.sum() == 10
    assert not negatives.diagonal().any()


@pytest.mark.parametrize("made", LOSSES)
def test_label_forms(made):
    expected = made(reduction=None)(LABELS, VECTORS)
    for form in (LABELS[:, None], LABELS.astype("float32"), LABELS - 5, np.eye(4)[LABELS], LABELS.astype("uint8")):
        np.testing.assert_allclose(made(reduction=None)(form, VECTORS), expected, rtol=1e-6)


@pytest.mark.parametrize("made", LOSSES)
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_numbers_of_classes_that_no_float_tells_apart(made, dtype):
    large = np.where(LABELS == 0, 2**24, 2**24 + LABELS)  # 2**24 and 2**24 + 1 are one number in float32
    assert float(made(dtype=dtype)(large, VECTORS)) == pytest.approx(float(made()(LABELS, VECTORS)), rel=1e-5)


def test_large_class_numbers_reach_the_loss_in_training():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Identity()])
    model.compile("sgd", loss=TripletSemiHard())
    large = np.where(LABELS == 0, 2**24, 2**24 + LABELS)
    expected = float(TripletSemiHard()(LABELS, VECTORS))
    assert model.evaluate(VECTORS, large, batch_size=7, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("made", LOSSES)
@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        (LABELS[:3], VECTORS),
        (LABELS[:1], VECTORS),
        (LABELS, VECTORS[:, 0]),
        (LABELS, VECTORS[None]),
        (np.eye(4)[LABELS][None], VECTORS),
        (np.array(1), VECTORS),
    ],
)
def test_shapes_that_do_not_belong_are_refused(made, y_true, y_pred):
    with pytest.raises(ValueError, match=f"`{made().name}` got y_true of shape"):
        made()(y_true, y_pred)


# --- how far apart


@pytest.mark.parametrize("shift", [0, 100])
def test_distances_are_numpys(shift):
    vectors = VECTORS + np.float32(shift)
    np.testing.assert_allclose(pairwise_distances(vectors), apart(vectors), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(pairwise_distances(vectors, "squared_l2"), apart(vectors) ** 2, rtol=1e-4, atol=1e-6)
    unit = vectors / np.linalg.norm(vectors.astype("float64"), axis=-1, keepdims=True)
    np.testing.assert_allclose(pairwise_distances(vectors, normalize=True), apart(unit), rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(pairwise_distances(vectors, "angular"), apart(unit) ** 2 / 2, rtol=1e-4, atol=1e-6)


@pytest.mark.long_but_first(2)
@pytest.mark.parametrize("metric", ["l2", "squared_l2", "angular"])
@pytest.mark.parametrize("jit", [False, True])
def test_equal_vectors_are_at_distance_0_with_gradient_0(metric, jit):
    vectors = np.repeat(RNG.normal(size=(1, 9)), 5, 0).astype("float32")
    value, slope = with_gradient(lambda y: keras.ops.sum(pairwise_distances(y, metric)), jit=jit)(vectors)
    assert value == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(slope, 0, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e30])
def test_unit_length_at_every_scale(scale):
    vectors = (VECTORS * scale).astype("float32")
    found = np.asarray(unit_length(vectors))
    wide = vectors.astype("float64")
    np.testing.assert_allclose(found, wide / np.linalg.norm(wide, axis=-1, keepdims=True), rtol=1e-5, atol=1e-7)


def test_a_vector_of_zeros_has_no_direction_and_no_gradient():
    vectors = np.concatenate([VECTORS, np.zeros((1, 4), "float32")])
    value, slope = with_gradient(lambda y: keras.ops.sum(unit_length(y) * np.arange(4.0)))(vectors)
    assert np.isfinite(value)
    assert np.isfinite(slope).all()
    np.testing.assert_array_equal(slope[-1], np.zeros(4))


# --- sums over some


def test_the_logsumexp_of_some_of_a_row():
    mask = np.array([[True, False, True], [False, False, False], [False, True, False]])
    values = np.array([[1000.0, 2000.0, 1001.0], [1.0, 2.0, 3.0], [5.0, -7.0, np.inf]])
    found, some = some_logsumexp(keras.ops.convert_to_tensor(values), mask)
    np.testing.assert_allclose(np.asarray(found)[:, 0], [np.logaddexp(1000.0, 1001.0), 0.0, -7.0])
    assert np.asarray(some)[:, 0].tolist() == [True, False, True]


def test_the_mean_of_the_shares_is_the_mean_over_the_pairs():
    values, mask = RNG.normal(size=(5, 5)), RNG.uniform(size=(5, 5)) < 0.4
    shares = mean_over_pairs(keras.ops.convert_to_tensor(values), mask)
    assert np.mean(shares) == pytest.approx(values[mask].mean())
    np.testing.assert_array_equal(mean_over_pairs(keras.ops.convert_to_tensor(values), mask & False), np.zeros(5))


# --- samples that are ignored, and labels that are none

VARIANTS = [(made, {}) for made in LOSSES] + [
    (TripletHard, {"soft": True}),
    (MultiSimilarity, {"epsilon": 0.1}),
    (NPairs, {"l2": 0.3}),
    (NPairs, {"from_similarities": True}),
]
variants = pytest.mark.parametrize(("made", "arguments"), VARIANTS)
WITH_IGNORED = np.array([0, -1, 2, 0, 1, -1, 2, 2, 3, -1])
KEPT = WITH_IGNORED != -1


def with_ignored(arguments):
    """Return predictions of which those of `KEPT` are real, and the others are NaN."""
    if not arguments.get("from_similarities"):
        y_pred = np.full((10, 4), np.nan, "float32")
        y_pred[KEPT] = VECTORS
        return y_pred, VECTORS
    y_pred, real = np.full((10, 10), np.nan, "float32"), RNG.normal(size=(7, 7)).astype("float32")
    y_pred[np.ix_(KEPT, KEPT)] = real
    return y_pred, real


@pytest.mark.long_but_first(2)
@variants
def test_ignored_samples_are_as_if_they_were_not_there(made, arguments):
    y_pred, real = with_ignored(arguments)
    arguments = {**arguments, "dtype": "float64"}  # so that the order of sums is below the bound
    hot = np.eye(4, dtype="float32")[WITH_IGNORED] * KEPT[:, None]
    expected, slope = with_gradient(made(**arguments))(LABELS, real)
    each = made(**arguments, reduction=None)(LABELS, real)
    inside = np.ix_(KEPT, KEPT) if arguments.get("from_similarities") else KEPT
    for ignored, y_true in ((-1, WITH_IGNORED), (-1, hot), (9, np.where(KEPT, WITH_IGNORED, 9)[:, None])):
        value, gradient = with_gradient(made(**arguments, ignore_class=ignored))(y_true, y_pred)
        assert value == pytest.approx(expected, rel=1e-6)
        np.testing.assert_allclose(gradient[inside], slope, rtol=1e-5, atol=1e-7)
        assert np.abs(gradient).sum() == pytest.approx(np.abs(gradient[inside]).sum())
        values = np.asarray(made(**arguments, ignore_class=ignored, reduction=None)(y_true, y_pred))
        np.testing.assert_allclose(values[KEPT], each, rtol=1e-5, atol=1e-6)
        assert not values[~KEPT].any()


@variants
def test_a_batch_of_ignored_samples_is_0(made, arguments):
    width = 3 if arguments.get("from_similarities") else 4
    value, gradient = with_gradient(made(**arguments, ignore_class=5))([5, 5, 5], np.ones((3, width), "float32"))
    assert value == 0
    assert not gradient.any()


@pytest.mark.parametrize("made", LOSSES)
def test_what_is_no_label_shows_in_its_sample(made):
    for wrong in (1.5, np.nan, np.inf):
        labels = LABELS.astype("float32")
        labels[3] = wrong
        values, gradient = with_gradient(made(reduction=None))(labels, VECTORS)
        assert np.isnan(values).tolist() == [at == 3 for at in range(7)]
        assert np.isnan(gradient[3]).any()
    hot = np.eye(4, dtype="float32")[LABELS]
    hot[3, 0] = 2
    assert np.isnan(float(made()(hot, VECTORS)))
    assert np.isfinite(float(made()(LABELS - 5, VECTORS)))


@pytest.mark.parametrize("made", LOSSES)
def test_a_nan_in_an_embedding_shows(made):
    vectors = VECTORS.copy()
    vectors[4, 1] = np.nan
    value, gradient = with_gradient(made())(LABELS, vectors)
    assert np.isnan(value)
    assert np.isnan(gradient[4]).any()


def test_an_ignored_class_of_minus_one_is_not_255():
    labels = np.array([255, 255, 0, 0], "uint8")
    assert float(SupCon(ignore_class=-1)(labels, VECTORS[:4])) == float(SupCon()(labels, VECTORS[:4]))
    with pytest.raises(ValueError, match=r"`ignore_class` must be a whole number, or None, not 0\.5"):
        SupCon(ignore_class=0.5)


# --- all losses


@pytest.mark.parametrize("made", LOSSES)
@pytest.mark.parametrize("edge", EDGES)
def test_value_and_gradient_are_finite(made, edge):
    labels, vectors = (np.array(given) for given in EDGES[edge])
    value, slope = with_gradient(lambda y: made()(labels, y))(vectors.astype("float32"))
    assert np.isfinite(value)
    assert np.isfinite(slope).all()


@pytest.mark.long
@pytest.mark.parametrize("made", LOSSES)
def test_value_and_gradient_are_finite_in_forced_xla(made):
    for edge in ("no pairs", "one class", "all equal"):
        labels, vectors = (np.array(given) for given in EDGES[edge])
        run = lambda y, labels=labels: made()(labels, y)  # noqa: E731 - the loss of one batch
        found, expected = (with_gradient(run, jit=jit)(vectors.astype("float32")) for jit in (True, None))
        assert found[0] == pytest.approx(expected[0], rel=1e-5, abs=1e-6)
        assert np.isfinite(found[1]).all()


@pytest.mark.parametrize("made", [TripletSemiHard, SupCon, NTXent, NPairs, LiftedStruct])
@pytest.mark.parametrize("labels", [[0, 1, 2], [5]], ids=["no pairs", "one"])
def test_without_a_pair_there_is_no_loss(made, labels):
    value, slope = with_gradient(made())(np.array(labels), VECTORS[: len(labels)])
    assert value == pytest.approx(0, abs=1e-7)
    np.testing.assert_allclose(slope, 0, atol=1e-7)


@pytest.mark.long_but_first(2)
@pytest.mark.parametrize("made", LOSSES)
def test_gradients_are_the_finite_differences(made):
    loss, at = made(dtype="float64"), VECTORS.astype("float64")
    _, found = with_gradient(loss)(LABELS, at)
    expected = finite_differences(lambda y: loss(LABELS, y), at)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("made", [made for made in LOSSES if made is not NPairs])
def test_the_order_of_the_batch_means_nothing(made):
    order = RNG.permutation(7)
    values = np.asarray(made(reduction=None)(LABELS, VECTORS))
    np.testing.assert_allclose(made(reduction=None)(LABELS[order], VECTORS[order]), values[order], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("made", LOSSES)
def test_sample_weights(made):
    weight = np.array([0.0, 1.0, 2.0, 0.5, 3.0, 0.0, 1.0])
    values = np.asarray(made(reduction=None)(LABELS, VECTORS))
    assert values.shape == (7,)
    for form in (weight, weight[:, None]):
        found = float(made()(LABELS, VECTORS, sample_weight=form))
        assert found == pytest.approx(np.sum(values * weight) / 7, rel=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("made", LOSSES)
@pytest.mark.parametrize("jit", [False, True])
def test_graphs_of_any_batch_size_and_forced_xla(made, jit):
    loss = made()
    shapes = [tf.TensorSpec((None,), "int64"), tf.TensorSpec((None, 4))]
    compiled = with_gradient(loss, jit=jit, input_signature=shapes)
    for size in (1, 7):
        value, slope = compiled(LABELS[:size], VECTORS[:size])
        expected, expected_slope = with_gradient(loss)(LABELS[:size], VECTORS[:size])
        assert float(value) == pytest.approx(float(expected), rel=1e-5, abs=1e-6)
        np.testing.assert_allclose(slope, expected_slope, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("made", LOSSES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_embeddings_in_half_precision_are_computed_in_float32(made, dtype):
    half = keras.ops.cast(VECTORS, dtype)
    expected = made(reduction=None)(LABELS, np.asarray(keras.ops.cast(half, "float32")))
    found = made(reduction=None, dtype=dtype)(LABELS, half)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("made", LOSSES)
def test_round_trip(made):
    loss = made(normalize=True, reduction="sum", name="other", dtype="float64")
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(loss))))
    assert type(again) is made
    assert again.get_config() == loss.get_config()
    np.testing.assert_array_equal(again(LABELS, VECTORS), loss(LABELS, VECTORS))


@pytest.mark.long
def test_a_trained_model_loads_with_its_loss(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.UnitNormalization()])
    model.compile("sgd", loss=TripletHard(margin=0.2, soft=True, distance_metric="l2"))
    model.fit(VECTORS, LABELS, batch_size=4, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.loss.get_config() == model.loss.get_config()
    here = model.evaluate(VECTORS, LABELS, batch_size=7, verbose=0)
    assert loaded.evaluate(VECTORS, LABELS, batch_size=7, verbose=0) == pytest.approx(here, rel=1e-5)
