"""The contrastive losses: values by hand, limits of the temperature, and what is refused."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import gradient, with_gradient

from kzoo_plugins.losses.contrastive import Contrastive, NTXent, SupCon, contrastive, ntxent, supcon

RNG = np.random.default_rng(4)
VECTORS = RNG.normal(size=(8, 5)).astype("float32")
VIEWS = np.tile(np.arange(4), 2)


# --- pairs


def test_pairs_that_belong_together_pull_and_others_push_up_to_the_margin():
    labels, apart = np.array([1, 1, 0, 0, 0]), np.array([0.0, 2.0, 0.0, 0.5, 3.0], "float32")
    np.testing.assert_allclose(contrastive(labels, apart), [0, 4, 1, 0.25, 0])
    np.testing.assert_allclose(gradient(lambda d: contrastive(labels, d), apart), [0, 4, -2, -1, 0])


@pytest.mark.parametrize("column", [False, True])
def test_columns_have_one_value_for_each_pair(column):
    labels, apart = np.array([1, 0, 0]), np.array([0.5, 0.25, 2.0], "float32")
    for true in (labels, labels[:, None], labels.astype(bool)):
        values = Contrastive(reduction=None)(true, apart[:, None] if column else apart)
        np.testing.assert_allclose(values, [0.25, 0.5625, 0])
    with pytest.raises(ValueError, match="`contrastive` got y_true of shape"):
        Contrastive()(labels[:2], apart)


@pytest.mark.long
@pytest.mark.parametrize("jit", [False, True])
def test_contrastive_in_a_graph_of_any_batch_size(jit):
    loss = Contrastive(margin=2.0)
    shapes = [tf.TensorSpec((None,), "int32"), tf.TensorSpec((None, 1))]
    compiled = tf.function(loss, input_signature=shapes, jit_compile=jit)
    labels, apart = np.array([1, 0, 0], "int32"), np.array([[0.5], [0.25], [2.5]], "float32")
    assert float(compiled(labels, apart)) == pytest.approx((0.25 + 1.75**2) / 3, rel=1e-6)
    assert float(loss(labels, apart, sample_weight=[4, 0, 0])) == pytest.approx(1 / 3, rel=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_distances_in_half_precision_are_computed_in_float32(dtype):
    apart = keras.ops.cast([300.0, 0.5], dtype)  # 300 squared is beyond float16
    found = Contrastive(dtype=dtype, reduction=None)([1, 0], apart)
    np.testing.assert_allclose(found, [90000, 0.25])


# --- one against all others


def test_two_views_of_each_image_make_supcon_and_ntxent_one_loss():
    for temperature in (0.07, 0.5):
        np.testing.assert_allclose(
            supcon(VIEWS, VECTORS, temperature=temperature), ntxent(VIEWS, VECTORS, temperature=temperature), rtol=1e-5
        )


def test_ntxent_is_the_crossentropy_of_finding_the_other_view():
    unit = VECTORS / np.linalg.norm(VECTORS, axis=-1, keepdims=True)
    scores = unit.astype("float64") @ unit.T / 0.5
    np.fill_diagonal(scores, -np.inf)
    partner = (np.arange(8) + 4) % 8
    chances = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(
        ntxent(VIEWS, VECTORS, temperature=0.5), -np.log(chances[np.arange(8), partner]), rtol=1e-5
    )


def test_equal_embeddings_make_every_sample_as_likely():
    equal = np.ones((8, 3), "float32")
    np.testing.assert_allclose(ntxent(VIEWS, equal), np.full(8, np.log(7)), rtol=1e-6)
    np.testing.assert_allclose(supcon(VIEWS, equal), np.full(8, np.log(7)), rtol=1e-6)


def test_ntxent_leaves_other_positives_out_of_the_sum():
    labels, equal = np.array([0, 0, 0, 1, 1]), np.ones((5, 3), "float32")
    # With all alike, an anchor of class 0 has 2 negatives and itself 2 pairs, one of class 1 has 3 and 1, of 8 in all.
    expected = np.array([2 * np.log(3)] * 3 + [np.log(4)] * 2) * 5 / 8
    np.testing.assert_allclose(ntxent(labels, equal), expected, rtol=1e-6)
    np.testing.assert_allclose(supcon(labels, equal), np.full(5, np.log(4)), rtol=1e-6)


@pytest.mark.parametrize("made", [SupCon, NTXent])
def test_a_low_temperature_stays_finite(made):
    value = made(temperature=1e-4)(VIEWS, VECTORS)
    assert np.isfinite(value)
    assert np.isfinite(gradient(lambda y: made(temperature=1e-4)(VIEWS, y), VECTORS)).all()


@pytest.mark.parametrize("made", [SupCon, NTXent])
def test_normalized_embeddings_have_no_length(made):
    lengths = RNG.uniform(0.1, 30, (8, 1)).astype("float32")
    expected = float(made()(VIEWS, VECTORS))
    assert float(made()(VIEWS, VECTORS * lengths)) == pytest.approx(expected, rel=1e-5)
    assert float(made(normalize=False)(VIEWS, VECTORS * lengths)) != pytest.approx(expected, rel=1e-2)


def test_a_sample_alone_in_its_class_does_not_thin_the_mean_of_supcon():
    alone = np.array([0, 0, 1])
    values = np.asarray(supcon(alone, VECTORS[:3]))
    unit = VECTORS[:3] / np.linalg.norm(VECTORS[:3], axis=-1, keepdims=True)
    scores = unit.astype("float64") @ unit.T / 0.1
    own = [np.log(np.exp(scores[0, 1]) + np.exp(scores[0, 2])) - scores[0, 1]]
    own += [np.log(np.exp(scores[1, 0]) + np.exp(scores[1, 2])) - scores[1, 0]]
    assert values[2] == 0
    assert values.mean() == pytest.approx(np.mean(own), rel=1e-5)


# --- what is refused, saving


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_arguments_that_must_be_above_0(value):
    for made, name in ((Contrastive, "margin"), (SupCon, "temperature"), (NTXent, "temperature")):
        with pytest.raises(ValueError, match=f"`{name}` must be a finite number above 0"):
            made(**{name: value})


def test_contrastive_round_trip():
    loss = Contrastive(margin=0.3, reduction="sum", name="other", dtype="float64")
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(loss))))
    assert again.get_config() == loss.get_config()
    assert type(again) is Contrastive


def test_pairs_can_be_ignored_and_weighed():
    y_true, y_pred = np.array([1, 0, -1, 1]), np.array([0.5, 0.2, np.nan, 2.0], "float32")
    kept = [0, 1, 3]
    value, found = with_gradient(Contrastive(ignore_class=-1))(y_true, y_pred)
    expected, slope = with_gradient(Contrastive())(y_true[kept], y_pred[kept])
    assert value == pytest.approx(expected)
    assert found == pytest.approx([slope[0], slope[1], 0, slope[2]])
    weighed = Contrastive(class_weight=[3, 0.5], reduction=None)(y_true[kept], y_pred[kept])
    assert np.asarray(weighed) == pytest.approx([0.5 * 0.25, 3 * 0.64, 0.5 * 4])


def test_a_label_that_is_neither_yes_nor_no_shows():
    run = with_gradient(Contrastive(reduction=None))
    for wrong in (-1, 2, np.nan):
        values, found = run(np.array([1, wrong]), np.array([0.5, 0.2], "float32"))
        assert np.isnan(values).tolist() == np.isnan(found).tolist() == [False, True]
