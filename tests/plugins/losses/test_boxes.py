"""The box losses: values by hand, gradients, boxes that meet nowhere or have no area, shapes and saving."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import finite_differences, with_gradient

from kzoo.plugins.registry import get_registry
from kzoo_plugins.losses.boxes import CIoU, DIoU, GIoU, ciou, diou, giou
from kzoo_plugins.losses.siou import SIoU, siou
from kzoo_plugins.losses.wiou import WIoU, wiou

RNG = np.random.default_rng(13)
MADE = [GIoU, DIoU, CIoU, SIoU, WIoU]
FUNCTIONS = {GIoU: giou, DIoU: diou, CIoU: ciou, SIoU: siou, WIoU: wiou}
# Of SIoU: centres far apart along one axis, and sides that are nothing beside the others.
HIGHEST = {GIoU: 2, DIoU: 2, CIoU: 2.5, SIoU: 1 + (1 - math.exp(-2)) + (1 - math.exp(-1)) ** 4, WIoU: math.e}
BOX = np.array([[10.0, 20.0, 50.0, 40.0]])
every = pytest.mark.parametrize("made", MADE, ids=lambda cls: cls.__name__)


def boxes(*shape, scale=100):
    corner, sides = RNG.uniform(0, 1, (*shape, 2)), RNG.uniform(0.05, 1, (*shape, 2))
    return (np.concatenate([corner, corner + sides], -1) * scale).astype("float32")


TRUE, PRED = boxes(6), boxes(6)


# --- values


def test_values_by_hand():
    square, beside = [[0.0, 0.0, 2.0, 2.0]], [[3.0, 0.0, 4.0, 2.0]]
    # No overlap; the box around both has the area 8 and the squared diagonal 20; the centres are 2.5 apart.
    assert float(giou(square, beside)[0]) == pytest.approx(1 + 2 / 8)
    assert float(diou(square, beside)[0]) == pytest.approx(1 + 6.25 / 20)
    assert float(wiou(square, beside)[0]) == pytest.approx(math.exp(6.25 / 20))
    v = 4 / math.pi**2 * (math.pi / 4 - math.atan(0.5)) ** 2
    assert float(ciou(square, beside)[0]) == pytest.approx(1 + 6.25 / 20 + v / (1 + v) * v)


@every
def test_equal_boxes_give_0_and_others_up_to_the_highest_value(made):
    loss = made(reduction=None)
    np.testing.assert_allclose(loss(TRUE, TRUE), np.zeros(6), atol=1e-6)
    values = np.asarray(loss(boxes(1000), boxes(1000)))
    assert (values > 0).all()
    assert (values < HIGHEST[made]).all()
    if made is not SIoU:
        far = np.array([[0.0, 0.0, 1e-3, 1.0]]), np.array([[1e4, 1e4, 1e4 + 1.0, 1e4 + 1e-3]])
        assert float(loss(*far)[0]) == pytest.approx(HIGHEST[made], rel=1e-3)


@every
def test_the_two_are_interchangeable_and_so_are_the_axes(made):
    expected = made(reduction=None)(TRUE, PRED)
    np.testing.assert_allclose(made(reduction=None)(PRED, TRUE), expected, rtol=1e-5)
    order = [1, 0, 3, 2]  # TensorFlow Addons' y1, x1, y2, x2
    np.testing.assert_allclose(made(reduction=None)(TRUE[:, order], PRED[:, order]), expected, rtol=1e-5)


@every
def test_neither_place_nor_scale_matters(made):
    expected = made(reduction=None)(TRUE, PRED)
    np.testing.assert_allclose(made(reduction=None)(TRUE * 8, PRED * 8), expected, rtol=1e-5)
    np.testing.assert_allclose(made(reduction=None)(TRUE + 64, PRED + 64), expected, rtol=1e-4)


def test_one_box_in_another_has_the_same_giou_everywhere():
    inner, moved = np.array([[20.0, 25.0, 30.0, 30.0]]), np.array([[25.0, 27.0, 35.0, 32.0]])
    assert float(GIoU()(BOX, inner)) == pytest.approx(float(GIoU()(BOX, moved)), rel=1e-6)
    for made in (DIoU, CIoU, SIoU):
        assert float(made()(BOX, inner)) > float(made()(BOX, moved)) + 1e-3


def test_the_exponents_of_siou_are_halved_on_the_diagonal():
    for theta in (2, 6):
        level = float(siou([[0.0, 0.0, 1.0, 1.0]], [[9.0, 0.0, 10.0, 1.0]], theta=theta)[0])
        diagonal = float(siou([[0.0, 0.0, 1.0, 1.0]], [[9.0, 9.0, 10.0, 10.0]], theta=theta)[0])
        assert level == pytest.approx(1 + (1 - math.exp(-2 * 0.81)) / 2, rel=1e-5)
        assert diagonal == pytest.approx(1 + (1 - math.exp(-0.81)), rel=1e-5)


@pytest.mark.parametrize("theta", [0.5, float("nan"), float("inf")])
def test_a_theta_below_1_is_refused(theta):
    with pytest.raises(ValueError, match="`theta` must be a finite number of at least 1, not"):
        SIoU(theta=theta)


def test_a_wrong_shape_costs_in_ciou():
    same_centre = np.array([[25.0, 10.0, 35.0, 50.0]])
    assert float(CIoU()(BOX, same_centre)) > float(DIoU()(BOX, same_centre)) + 1e-3
    assert float(CIoU()(BOX, BOX * 2)) == pytest.approx(float(DIoU()(BOX, BOX * 2)), rel=1e-6)


# --- gradients and edges


@pytest.mark.long_but_first
@pytest.mark.parametrize("made", [GIoU, DIoU, SIoU])
def test_gradients_are_the_finite_differences(made):
    at, loss = PRED.astype("float64"), made(reduction="sum", dtype="float64")
    _, found = with_gradient(loss)(TRUE, at)
    np.testing.assert_allclose(found, finite_differences(lambda y: loss(TRUE, y), at, step=1e-5), atol=1e-8)


def test_the_weight_of_the_shape_is_a_constant_to_the_gradient():
    def shape(y):
        slant = [np.arctan((b[:, 2] - b[:, 0]) / (b[:, 3] - b[:, 1])) for b in (TRUE.astype("float64"), y)]
        return 4 / math.pi**2 * (slant[0] - slant[1]) ** 2

    at, loss = PRED.astype("float64"), DIoU(reduction=None, dtype="float64")
    penalty = np.asarray(CIoU(reduction=None, dtype="float64")(TRUE, at)) - np.asarray(loss(TRUE, at))
    weights = penalty / shape(at)
    expected = finite_differences(lambda y: np.asarray(loss(TRUE, y)) + weights * shape(y), at, step=1e-5)
    _, found = with_gradient(CIoU(reduction="sum", dtype="float64"))(TRUE, at)
    np.testing.assert_allclose(found, expected, atol=1e-8)


@every
def test_boxes_apart_are_drawn_together(made):
    y_pred = BOX + np.array([[100.0, 50.0, 100.0, 50.0]])
    value, gradient = with_gradient(made())(BOX, y_pred.astype("float32"))
    assert float(made()(BOX, y_pred - gradient / np.abs(gradient).max())) < value
    assert (np.abs(gradient) > 0).any()


@pytest.mark.long_but_first(2)
@every
@pytest.mark.parametrize("jit", [None, True], ids=["eager", "xla"])
def test_boxes_without_area_have_finite_values_and_gradients(made, jit):
    y_pred = np.array(
        [
            BOX[0],
            [12, 22, 12, 30],
            [12, 22, 30, 22],
            [12, 22, 12, 22],
            [50, 40, 60, 60],
            [60, 60, 20, 30],  # corners in the wrong order
            [60, 20, 20, 60],
            [0, 0, 0, 0],
            [-1e6, -1e6, 1e6, 1e6],
        ],
        "float32",
    )
    for y_true in (np.tile(BOX, (9, 1)), np.full((9, 4), 12.0), y_pred):
        values, gradient = with_gradient(made(reduction=None), jit=jit)(y_true.astype("float32"), y_pred)
        assert np.isfinite(values).all()
        assert np.isfinite(gradient).all()
        assert (values >= 0).all()
        assert (values <= HIGHEST[made]).all()


# --- shapes, weights, types, compilation


@every
def test_extra_dimensions_and_weights(made):
    y_true, y_pred = boxes(2, 3), boxes(2, 3)
    values = np.asarray(made(reduction=None)(y_true, y_pred))
    np.testing.assert_allclose(values.ravel(), FUNCTIONS[made](y_true.reshape(-1, 4), y_pred.reshape(-1, 4)), rtol=1e-6)
    for weights in (np.array([1.0, 3.0]), RNG.uniform(size=(2, 3))):
        expected = np.mean(values * (weights[:, None] if weights.ndim == 1 else weights))
        assert float(made()(y_true, y_pred, sample_weight=weights)) == pytest.approx(expected, rel=1e-6)


@every
@pytest.mark.parametrize(("true", "pred"), [((6, 4), (5, 4)), ((6, 3), (6, 3)), ((6, 4), (6, 1, 4)), ((6,), (6,))])
def test_shapes_that_are_no_boxes_are_refused(made, true, pred):
    with pytest.raises(ValueError, match=r"takes boxes of shape \(\.\.\., 4\), y_true like y_pred, not"):
        made()(np.ones(true), np.ones(pred))
    with pytest.raises(ValueError, match="takes boxes"):
        FUNCTIONS[made](np.ones(true), np.ones(pred))


@every
@pytest.mark.parametrize("eps", [0, -1e-7, float("nan"), float("inf")])
def test_an_eps_of_0_or_less_is_refused(made, eps):
    with pytest.raises(ValueError, match="`eps` must be a finite number above 0, not"):
        made(eps=eps)


@pytest.mark.long
@every
def test_graph_xla_and_an_unknown_batch_agree_with_eager(made):
    value, gradient = with_gradient(made())(TRUE, PRED)
    for jit in (False, True):
        found = with_gradient(made(), jit=jit)(TRUE, PRED)
        np.testing.assert_allclose(found[0], value, rtol=1e-6)
        np.testing.assert_allclose(found[1], gradient, rtol=1e-5, atol=1e-8)
    unknown = tf.function(made(), input_signature=[tf.TensorSpec((None, 4))] * 2)
    assert float(unknown(TRUE, PRED)) == pytest.approx(float(value), rel=1e-6)


@every
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(made, dtype):
    half = keras.ops.cast(PRED, dtype)
    expected = float(made()(TRUE, keras.ops.cast(half, "float32")))
    found = made(dtype=dtype)(TRUE, half)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_integer_boxes():
    assert float(GIoU()(np.array([[0, 0, 2, 2]]), np.array([[0, 0, 2, 1]]))) == 0.5


# --- saving and names


@pytest.mark.long_but_first
@every
def test_round_trip(made, tmp_path):
    loss = made(eps=0.5, reduction="sum", name="x", dtype="float64")
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(loss))))
    assert again.get_config() == loss.get_config()
    assert float(again(TRUE, PRED)) == float(loss(TRUE, PRED)) != float(made(reduction="sum")(TRUE, PRED))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    model.compile("sgd", loss=loss)
    model.fit(PRED, TRUE, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.loss) is made
    assert loaded.evaluate(PRED, TRUE, verbose=0) == pytest.approx(model.evaluate(PRED, TRUE, verbose=0), rel=1e-6)


def test_it_follows_tensorflow_addons():
    assert "tfa.losses.GIoULoss" in get_registry().get("loss", "giou").spec.successor_of
