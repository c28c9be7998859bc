"""The earth mover's distances against SciPy, float64 by hand, and their own gradients."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import finite_differences, gradient, with_gradient
from scipy.stats import energy_distance, wasserstein_distance

from kzoo_plugins.losses.emd import EMD, SquaredEMD, emd, squared_emd
from kzoo_plugins.metrics.emd import MeanEMD
from kzoo_plugins.optimizers.schedules import OneCycle

RNG = np.random.default_rng(7)
K = 6
TRUE = RNG.dirichlet(np.ones(K), size=5).astype("float32")
PRED = RNG.dirichlet(np.ones(K), size=5).astype("float32")
INDICES = np.array([0, 5, 2, 3, 2])
ONE_HOT = np.eye(K, dtype="float32")[INDICES]
LOGITS = RNG.normal(size=(5, K)).astype("float32") * 3


def by_hand(y_true, y_pred, p, *, normalize):
    """The definition, in float64, sample by sample."""
    found = []
    for q, r in zip(np.asarray(y_true, "float64"), np.asarray(y_pred, "float64"), strict=True):
        d = np.abs(np.cumsum(r) - np.cumsum(q))
        total = np.mean(d**p) if normalize else np.sum(d**p)
        found.append(total ** (1 / p))
    return np.array(found)


def softmax(logits):
    exponentials = np.exp(np.asarray(logits, "float64"))
    return exponentials / exponentials.sum(-1, keepdims=True)


# --- values


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 8])
@pytest.mark.parametrize("normalize", [True, False])
def test_values_are_the_definition(p, normalize):
    expected = by_hand(TRUE, PRED, p, normalize=normalize)
    np.testing.assert_allclose(emd(TRUE, PRED, p=p, normalize=normalize), expected, rtol=1e-5)
    assert float(EMD(p=p, normalize=normalize)(TRUE, PRED)) == pytest.approx(expected.mean(), rel=1e-5)


def test_the_default_is_nimas_training_loss():
    d = np.cumsum(TRUE.astype("float64"), -1) - np.cumsum(PRED.astype("float64"), -1)
    assert float(EMD()(TRUE, PRED)) == pytest.approx(np.mean(np.sqrt(np.mean(d**2, axis=-1))), rel=1e-5)


def test_p_1_not_normalized_is_scipys_wasserstein_distance():
    bins = np.arange(K)
    expected = [wasserstein_distance(bins, bins, q, r) for q, r in zip(TRUE, PRED, strict=True)]
    np.testing.assert_allclose(emd(TRUE, PRED, p=1, normalize=False), expected, rtol=1e-5)
    np.testing.assert_allclose(emd(TRUE, PRED, p=1, normalize=True), np.array(expected) / K, rtol=1e-5)


def test_squared_emd_is_half_the_squared_energy_distance():
    bins = np.arange(K)
    expected = [energy_distance(bins, bins, q, r) ** 2 / 2 for q, r in zip(TRUE, PRED, strict=True)]
    np.testing.assert_allclose(squared_emd(TRUE, PRED), expected, rtol=1e-5)
    assert float(SquaredEMD()(TRUE, PRED)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_against_one_class_it_is_the_expected_distance_from_it():
    expected = (PRED * np.abs(np.arange(K) - INDICES[:, None])).sum(-1)
    np.testing.assert_allclose(emd(INDICES, PRED, p=1, normalize=False), expected, rtol=1e-5)


def test_the_absolute_value_is_taken_before_the_sum():
    # The differences cancel: |sum d| is 0 here, sum |d| is not.
    y_true, y_pred = [[0.5, 0.0, 0.5]], [[0.25, 0.5, 0.25]]
    assert float(emd(y_true, y_pred, p=1, normalize=False)[0]) == pytest.approx(0.5)


def test_the_root_is_taken_for_each_sample():
    one_by_one = [float(EMD()(TRUE[i : i + 1], PRED[i : i + 1])) for i in range(len(TRUE))]
    assert float(EMD()(TRUE, PRED)) == pytest.approx(np.mean(one_by_one), rel=1e-6)
    root_over_the_batch = np.sqrt(np.mean(by_hand(TRUE, PRED, 2, normalize=True) ** 2))
    assert float(EMD()(TRUE, PRED)) != pytest.approx(root_over_the_batch, rel=1e-3)


def test_the_value_depends_on_the_order_of_the_classes():
    y_true, y_pred = np.eye(6)[[0]], np.array([[0.1, 0.1, 0.1, 0.1, 0.2, 0.4]])
    order = [0, 5, 4, 1, 2, 3]
    numbered = float(emd(y_true, y_pred, p=1, normalize=False)[0])
    renumbered = float(emd(y_true[:, order], y_pred[:, order], p=1, normalize=False)[0])
    assert numbered == pytest.approx(3.4, rel=1e-5)
    assert renumbered == pytest.approx(2.0, rel=1e-5)


@pytest.mark.parametrize("loss", [EMD(), EMD(p=1), SquaredEMD()], ids=lambda loss: loss.name)
def test_class_indices_are_one_hot_rows(loss):
    expected = float(loss(ONE_HOT, PRED))
    for labels in (INDICES, INDICES[:, None], INDICES.astype("float32")):
        assert float(loss(labels, PRED)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("made", [EMD, SquaredEMD])
def test_from_logits_is_the_softmax(made):
    assert float(made(from_logits=True)(INDICES, LOGITS)) == pytest.approx(
        float(made()(INDICES, softmax(LOGITS))), rel=1e-5
    )


def test_a_thousand_classes_keep_their_digits():
    y_true, y_pred = RNG.dirichlet(np.ones(1000), size=3), RNG.dirichlet(np.ones(1000), size=3)
    expected = by_hand(y_true, y_pred, 2, normalize=True)
    np.testing.assert_allclose(emd(y_true.astype("float32"), y_pred.astype("float32")), expected, rtol=1e-4)
    np.testing.assert_allclose(emd(y_true, y_pred), expected, rtol=1e-12)


def test_images_of_classes_have_one_value_for_each_pixel():
    y_pred = RNG.dirichlet(np.ones(K), size=(2, 3, 4)).astype("float32")
    y_true = RNG.integers(0, K, size=(2, 3, 4))
    values = EMD(p=1, normalize=False, reduction=None)(y_true, y_pred)
    expected = (y_pred * np.abs(np.arange(K) - y_true[..., None])).sum(-1)
    np.testing.assert_allclose(values, expected, rtol=1e-5)


# --- a ground distance


def test_a_ground_distance_of_steps_is_the_plain_distance():
    steps = np.abs(np.subtract.outer(np.arange(K), np.arange(K))).tolist()
    np.testing.assert_allclose(
        emd(INDICES, PRED, ground_distance=steps), emd(INDICES, PRED, p=1, normalize=False), rtol=1e-5
    )


def test_a_ground_distance_of_right_and_wrong_is_the_probability_of_wrong():
    wrong = (1 - np.eye(K)).tolist()
    expected = 1 - PRED[np.arange(5), INDICES]
    np.testing.assert_allclose(emd(INDICES, PRED, ground_distance=wrong), expected, rtol=1e-5)


def test_a_ground_distance_need_not_be_symmetric():
    cost = [[0.0, 1.0, 2.0], [10.0, 0.0, 20.0], [30.0, 40.0, 0.0]]
    y_pred = [[0.2, 0.5, 0.3]]
    assert float(EMD(ground_distance=cost)([1], y_pred)) == pytest.approx(0.2 * 10 + 0.3 * 20, rel=1e-5)


def test_soft_labels_with_a_ground_distance_pair_the_distributions_independently():
    cost = RNG.uniform(size=(K, K))
    expected = np.einsum("nk,ki,ni->n", TRUE.astype("float64"), cost, PRED.astype("float64"))
    np.testing.assert_allclose(emd(TRUE, PRED, ground_distance=cost.tolist()), expected, rtol=1e-5)


# --- gradients


@pytest.mark.long_but_first(2)
@pytest.mark.parametrize("arguments", [{}, {"p": 1}, {"p": 1.5}, {"p": 3, "normalize": False}], ids=str)
@pytest.mark.parametrize("labels", ["soft", "one-hot"])
def test_gradients_are_the_finite_differences(arguments, labels):
    loss = EMD(**arguments, dtype="float64")
    y_true = TRUE[:2] if labels == "soft" else INDICES[:2]
    at = PRED[:2].astype("float64") * 1.05  # away from d_K = 0, where |d| has a corner
    found = gradient(lambda y: loss(y_true, y), at)
    np.testing.assert_allclose(found, finite_differences(lambda y: loss(y_true, y), at), atol=1e-5)


def test_gradients_through_logits_and_of_the_square():
    for loss in (EMD(from_logits=True, dtype="float64"), SquaredEMD(from_logits=True, dtype="float64")):
        at = LOGITS[:2].astype("float64")
        found = gradient(lambda y, loss=loss: loss(INDICES[:2], y), at)
        np.testing.assert_allclose(found, finite_differences(lambda y, loss=loss: loss(INDICES[:2], y), at), atol=1e-6)


@pytest.mark.long_but_first
@pytest.mark.parametrize("p", [1, 1.5, 2, 8])
@pytest.mark.parametrize("jit", [False, True])
def test_a_row_that_matches_exactly_has_gradient_0_and_spoils_no_other(p, jit):
    y_pred = PRED.copy()
    y_pred[1] = ONE_HOT[1]
    value, found = with_gradient(lambda y: EMD(p=p, reduction="sum")(ONE_HOT, y), jit=jit)(y_pred)
    assert float(value) == pytest.approx(by_hand(ONE_HOT, y_pred, p, normalize=True).sum(), rel=1e-5)
    np.testing.assert_array_equal(found[1], np.zeros(K))
    others = [0, 2, 3, 4]
    alone = gradient(lambda y: EMD(p=p, reduction="sum")(ONE_HOT[others], y), y_pred[others])
    np.testing.assert_allclose(found[others], alone, rtol=1e-4, atol=1e-6)


def test_differences_too_small_to_square_still_count():
    # 1e-25 squared is 0 in float32: without scaling, the value and the gradient would vanish.
    y_true = np.array([[0.0, 0.0]], "float32")
    y_pred = np.array([[1e-25, 0.0]], "float32")
    assert float(emd(y_true, y_pred)[0]) == pytest.approx(1e-25, rel=1e-5)
    assert np.abs(gradient(lambda y: emd(y_true, y)[0], y_pred)).max() == pytest.approx(1.0, rel=1e-5)


# --- weights, types, compilation


def test_sample_weights():
    weight = np.array([0.0, 1.0, 2.0, 0.5, 3.0])
    expected = np.sum(by_hand(TRUE, PRED, 2, normalize=True) * weight) / 5
    for form in (weight, weight[:, None]):
        assert float(EMD()(TRUE, PRED, sample_weight=form)) == pytest.approx(expected, rel=1e-5)


def test_reduction_none_gives_the_values():
    np.testing.assert_allclose(EMD(reduction=None)(TRUE, PRED), emd(TRUE, PRED), rtol=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("labels", ["soft", "sparse"])
@pytest.mark.parametrize("jit", [False, True])
def test_graph_eager_and_forced_xla_agree(labels, jit):
    y_true = TRUE if labels == "soft" else INDICES
    for loss in (EMD(), EMD(p=1.5), SquaredEMD(from_logits=True)):
        compiled = tf.function(lambda a, b, loss=loss: loss(a, b), jit_compile=jit)
        assert float(compiled(y_true, PRED)) == pytest.approx(float(loss(y_true, PRED)), rel=1e-5)


def test_an_unknown_batch_size():
    loss = EMD()
    specs = [tf.TensorSpec((None,), "int64"), tf.TensorSpec((None, K))]
    compiled = tf.function(loss, input_signature=specs)
    assert float(compiled(INDICES, PRED)) == pytest.approx(float(loss(INDICES, PRED)), rel=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_predictions_in_half_precision_are_computed_in_float32(dtype):
    half = keras.ops.cast(PRED, dtype)
    rounded = np.asarray(keras.ops.cast(half, "float32"))
    expected = by_hand(ONE_HOT, rounded, 2, normalize=True)
    found = emd(INDICES, half)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert float(EMD(dtype=dtype)(INDICES, half)) == pytest.approx(expected.mean(), rel=1e-5)


def test_classes_above_256_are_not_rounded():
    # 257 is 256 in bfloat16.
    y_pred = keras.ops.cast(np.eye(300)[[257]], "bfloat16")
    assert float(EMD(p=1, normalize=False, dtype="bfloat16")(np.array([257]), y_pred)) == 0.0


# --- what is refused


@pytest.mark.parametrize("p", [0, 0.5, -1, float("nan"), float("inf")])
def test_an_exponent_below_1_is_refused(p):
    with pytest.raises(ValueError, match="`p` must be a finite number of at least 1"):
        EMD(p=p)
    with pytest.raises(ValueError, match="`p` must be"):
        emd(TRUE, PRED, p=p)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0, 1], [1, 0, 2]], "square matrix"),
        ([[0, 1]], "square matrix, not 1 rows of length"),
        ([], "square matrix"),
        ([[0, -1], [1, 0]], "at least 0"),
        ([[0, float("nan")], [1, 0]], "finite"),
    ],
)
def test_a_matrix_that_is_no_cost_is_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        EMD(ground_distance=matrix)


def test_a_matrix_for_another_number_of_classes_is_refused():
    with pytest.raises(ValueError, match="for 2 classes, and `y_pred` has 6"):
        EMD(ground_distance=[[0, 1], [1, 0]])(INDICES, PRED)


def test_labels_that_do_not_belong_are_refused():
    for y_true in (TRUE[:, :3], INDICES[:3], INDICES[:1]):
        with pytest.raises(ValueError, match="`emd` got y_true of shape"):
            EMD()(y_true, PRED)


# --- saving


@pytest.mark.parametrize(
    "loss",
    [
        EMD(p=3, normalize=False, from_logits=True, reduction="sum", name="x", dtype="float64"),
        EMD(ground_distance=np.ones((K, K))),
        SquaredEMD(from_logits=True, reduction=None),
    ],
    ids=lambda loss: loss.name,
)
def test_round_trip(loss):
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(loss))))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    np.testing.assert_array_equal(again(TRUE, PRED), loss(TRUE, PRED))


@pytest.mark.long
def test_a_trained_model_loads_with_loss_metric_and_schedule(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])
    schedule = OneCycle(max_learning_rate=0.1, total_steps=4)
    model.compile(keras.optimizers.SGD(schedule), loss=EMD(p=3), metrics=[MeanEMD(p=1)])
    x, y = np.ones((4, 3), "float32"), np.array([0, 1, 2, 1])
    model.fit(x, y, batch_size=2, epochs=1, verbose=0)
    here = model.evaluate(x, y, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(x, y, verbose=0, return_dict=True) == pytest.approx(here, rel=1e-6)
    # The loss and the metric are both called emd, and Keras knows an object by package and class name only.
    assert type(loaded.loss) is EMD
    assert loaded.loss.get_config() == EMD(p=3).get_config()
    assert [type(metric) for metric in loaded._compile_metrics._user_metrics] == [MeanEMD]
    assert loaded.optimizer._learning_rate.get_config() == schedule.get_config()
