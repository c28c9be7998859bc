"""ArcFace and CosFace: the margin, the angles beyond pi - margin, label forms, and the edges of the cosine."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import finite_differences, gradient, with_gradient

from kzoo_plugins.losses.angular import ArcFace, CosFace, arcface, cosface

RNG = np.random.default_rng(8)
COSINES = RNG.uniform(-0.9, 0.9, (5, 4)).astype("float32")
LABELS = np.array([0, 3, 1, 1, 2])
LOSSES = [ArcFace, CosFace]


@pytest.mark.parametrize("made", LOSSES)
def test_without_a_margin_it_is_the_crossentropy_of_scaled_cosines(made):
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(LABELS, 64 * COSINES)
    assert float(made(margin=0.0)(LABELS, COSINES)) == pytest.approx(float(expected), rel=1e-5)


def test_the_margin_widens_the_angle_to_the_true_class():
    angles = np.arccos(COSINES.astype("float64"))
    angles[np.arange(5), LABELS] += 0.5
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)(
        LABELS, 10 * np.cos(angles).astype("float32")
    )
    inside = np.arccos(COSINES[np.arange(5), LABELS]) <= math.pi - 0.5
    assert inside.any()
    np.testing.assert_allclose(np.asarray(arcface(LABELS, COSINES, scale=10))[inside], expected[inside], rtol=1e-5)


def test_beyond_pi_less_the_margin_the_loss_goes_on_rising_with_the_angle():
    angles = np.linspace(0, math.pi, 200)
    cosines = np.stack([np.cos(angles), np.zeros(200)], -1).astype("float32")
    values = np.asarray(arcface(np.zeros(200, int), cosines, scale=1.0))
    assert (np.diff(values) > 0).all()


@pytest.mark.long
@pytest.mark.parametrize("made", LOSSES)
@pytest.mark.parametrize("jit", [False, True])
def test_value_and_gradient_are_finite_at_the_ends_of_the_cosine(made, jit):
    above = np.nextafter(np.float32(1), np.float32(2))  # a product of two vectors of length 1 can be as large
    cosines = np.array([[1, -1, 0], [-1, 1, 0], [above, above, -above], [0, 0, 0], [-above, 1, 1]], "float32")
    value, slope = with_gradient(lambda y: made(reduction=None)(np.zeros(5, "int32"), y), jit=jit)(cosines)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    assert slope[1, 0] < 0  # the farthest from its class is drawn to it


@pytest.mark.parametrize("made", LOSSES)
def test_gradients_are_the_finite_differences(made):
    loss, at = made(dtype="float64", scale=8.0), COSINES.astype("float64")
    found, expected = (derive(lambda y: loss(LABELS, y), at) for derive in (gradient, finite_differences))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("made", LOSSES)
def test_label_forms_and_further_axes(made):
    values = made(reduction=None)(LABELS, COSINES)
    assert values.shape == (5,)
    for form in (LABELS[:, None], np.eye(4)[LABELS], LABELS.astype("float32")):
        np.testing.assert_allclose(made(reduction=None)(form, COSINES), values, rtol=1e-6)
    steps = made(reduction=None)(LABELS[None], COSINES[None])
    np.testing.assert_allclose(steps, values[None], rtol=1e-6)
    with pytest.raises(ValueError, match=f"`{made().name}` got y_true of shape"):
        made()(LABELS[:3], COSINES)


@pytest.mark.parametrize("made", LOSSES)
def test_a_label_that_is_no_class_shows(made):
    assert np.isnan(float(made()([4], COSINES[:1])))


@pytest.mark.parametrize("made", LOSSES)
def test_sample_weights(made):
    weight = np.array([0.0, 1.0, 2.0, 0.5, 3.0])
    values = np.asarray(made(reduction=None)(LABELS, COSINES))
    found = float(made()(LABELS, COSINES, sample_weight=weight))
    assert found == pytest.approx(np.sum(values * weight) / 5, rel=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("made", LOSSES)
@pytest.mark.parametrize("jit", [False, True])
def test_graphs_of_any_batch_size_and_forced_xla(made, jit):
    shapes = [tf.TensorSpec((None,), "int64"), tf.TensorSpec((None, 4))]
    compiled = tf.function(made(), input_signature=shapes, jit_compile=jit)
    for size in (1, 5):
        expected = float(made()(LABELS[:size], COSINES[:size]))
        assert float(compiled(LABELS[:size], COSINES[:size])) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_cosines_in_half_precision_are_computed_in_float32(dtype):
    half = keras.ops.cast(COSINES, dtype)
    wide = np.asarray(keras.ops.cast(half, "float32"))
    for function in (arcface, cosface):
        np.testing.assert_allclose(function(LABELS, half), function(LABELS, wide), rtol=1e-6)
        assert keras.backend.standardize_dtype(function(LABELS, half).dtype) == "float32"


@pytest.mark.parametrize("made", LOSSES)
def test_round_trip(made):
    loss = made(margin=0.2, scale=30, reduction="sum", name="other", dtype="float64")
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(loss))))
    assert type(again) is made
    assert again.get_config() == loss.get_config()
    np.testing.assert_array_equal(again(LABELS, COSINES), loss(LABELS, COSINES))


@pytest.mark.parametrize("margin", [-0.1, 28.6, float("nan")])
def test_a_margin_that_is_no_angle_is_refused(margin):
    with pytest.raises(ValueError, match="`margin` is an angle in radians between 0 and pi / 2"):
        ArcFace(margin=margin)


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match="`margin` must be a finite number of at least 0"):
        CosFace(margin=-1)
    for made in LOSSES:
        with pytest.raises(ValueError, match="`scale` must be a finite number above 0"):
            made(scale=0)
