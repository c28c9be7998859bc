"""The base classes: configuration, shapes, weights, masks, types, and saving."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.component import (
    ConfigFromSignature,
    Loss,
    MeanMetric,
    Regularizer,
    align_shapes,
    as_class_labels,
    class_probabilities,
    widen,
)

PACKAGE = "kzoo_tests"
HALF = ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16", keras.DTypePolicy("mixed_bfloat16")]


@keras.saving.register_keras_serializable(package=PACKAGE)
class Distance(Loss):
    """One value for each element: |y_true - y_pred| * factor."""

    def __init__(self, factor=1.0, reduction="sum_over_batch_size", name=None, dtype=None):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.factor = factor

    def per_sample(self, y_true, y_pred):
        return keras.ops.abs(y_true - y_pred) * self.factor


@keras.saving.register_keras_serializable(package=PACKAGE)
class ShiftedDistance(Distance):
    def __init__(self, shift, **kwargs):
        super().__init__(**kwargs)
        self.shift = shift

    def per_sample(self, y_true, y_pred):
        return super().per_sample(y_true + self.shift, y_pred)


@keras.saving.register_keras_serializable(package=PACKAGE)
class SameDistance(ShiftedDistance):
    """Has no constructor of its own."""


@keras.saving.register_keras_serializable(package=PACKAGE)
class Twice(Loss):
    """Wraps another loss."""

    def __init__(self, inner, weights=(1.0, 2.0), name="twice", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.inner = inner
        self.weights = weights

    def per_sample(self, y_true, y_pred):
        return sum(self.weights) * self.inner.per_sample(y_true, y_pred)


@keras.saving.register_keras_serializable(package=PACKAGE)
class RowMean(Loss):
    """One value for each sample, whatever the rank."""

    def per_sample(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=tuple(range(1, len(y_true.shape))))


@keras.saving.register_keras_serializable(package=PACKAGE)
class DistanceMetric(MeanMetric):
    def __init__(self, factor=1.0, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.factor = factor

    def per_sample(self, y_true, y_pred):
        return keras.ops.abs(y_true - y_pred) * self.factor


@keras.saving.register_keras_serializable(package=PACKAGE)
class Scaled(Regularizer):
    def __init__(self, factor=0.5):
        self.factor = factor

    def __call__(self, x):
        return self.factor * keras.ops.sum(keras.ops.abs(x))


def masked(values, mask):
    """Return a tensor that carries a mask, as a layer behind `Masking` returns it."""
    tensor = tf.constant(values, "float32")
    tensor._keras_mask = tf.constant(mask)
    return tensor


# --- configuration


def round_trip(value):
    return keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(value))


@pytest.mark.parametrize(
    ("made", "config"),
    [
        (Distance(), {"factor": 1.0, "reduction": "sum_over_batch_size", "name": "distance", "dtype": None}),
        (Distance(3.0, None), {"factor": 3.0, "reduction": None, "name": "distance", "dtype": None}),
        (Distance(factor=np.float32(0.5), name="d"), {"factor": 0.5, "name": "d"}),
        (ShiftedDistance(2.0, factor=4.0, reduction="sum"), {"shift": 2.0, "factor": 4.0, "reduction": "sum"}),
        (SameDistance(shift=2.0, dtype="float64"), {"shift": 2.0, "dtype": "float64"}),
        (DistanceMetric(factor=2.0, name="m"), {"factor": 2.0, "name": "m", "dtype": None}),
        (Scaled(0.25), {"factor": 0.25}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_config_holds_every_argument_through_inheritance(made, config):
    assert config.items() <= made.get_config().items()
    again = round_trip(made)
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()
    assert vars(again).get("factor") == vars(made).get("factor")


def test_a_class_without_a_constructor_has_an_empty_configuration():
    class Squares(Regularizer):
        def __call__(self, weights):
            return keras.ops.sum(weights * weights)

    assert Squares().get_config() == {}
    assert isinstance(Squares.from_config({}), Squares)


def test_an_array_or_tensor_argument_is_saved_as_a_list():
    loss = Twice(Distance(), weights=np.array([1.0, 2.0]))
    assert loss.get_config()["weights"] == [1.0, 2.0]
    assert Twice(Distance(), weights=tf.constant([1.0, 2.0])).get_config()["weights"] == [1.0, 2.0]


def test_an_argument_that_is_a_keras_object_is_built_again():
    again = round_trip(Twice(ShiftedDistance(2.0, factor=3.0), weights=(1.0, 0.0)))
    assert isinstance(again.inner, ShiftedDistance)
    assert (again.inner.shift, again.inner.factor) == (2.0, 3.0)
    assert float(again([1.0], [3.5])) == pytest.approx(1.5)


@pytest.mark.parametrize(
    "dtype", ["float64", keras.DTypePolicy("float64"), np.float64, np.dtype("float64"), tf.float64]
)
def test_dtype_survives_the_round_trip(dtype):
    for made in (Distance(dtype=dtype), DistanceMetric(dtype=dtype)):
        assert round_trip(made).dtype == "float64"


def test_a_constructor_that_cannot_be_called_by_keyword_is_refused_at_definition():
    with pytest.raises(TypeError, match=r"constructor of `.*Bad` takes `sizes` by position only"):

        class Bad(ConfigFromSignature):
            def __init__(self, *sizes):
                pass


def test_a_wrong_call_gets_pythons_own_message():
    with pytest.raises(TypeError, match=r"ShiftedDistance.__init__\(\) missing .* 'shift'"):
        ShiftedDistance()


def test_the_default_name_is_the_class_in_snake_case():
    assert Distance().name == "distance"
    assert DistanceMetric().name == "distance_metric"


# --- shapes


@pytest.mark.parametrize(
    ("true_shape", "pred_shape"), [((4,), (4, 1)), ((4, 1), (4,)), ((4,), (4,)), ((4, 1), (4, 1)), ((4, 3, 1), (4, 3))]
)
def test_a_last_axis_of_one_is_no_difference(true_shape, pred_shape):
    y_true = np.arange(np.prod(true_shape), dtype="float32")
    y_pred = y_true.reshape(pred_shape) + 0.5
    y_true = y_true.reshape(true_shape)
    assert float(Distance()(y_true, y_pred)) == pytest.approx(0.5)
    metric = DistanceMetric()
    metric.update_state(y_true, y_pred)
    assert float(metric.result()) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("true_shape", "pred_shape"), [((4,), (3,)), ((4,), (4, 2)), ((4, 1), (4, 2)), ((1,), (4,)), ((4, 1, 1), (4,))]
)
def test_what_would_broadcast_is_refused(true_shape, pred_shape):
    y_true, y_pred = np.zeros(true_shape), np.zeros(pred_shape)
    with pytest.raises(ValueError, match="must be equal"):
        Distance()(y_true, y_pred)
    with pytest.raises(ValueError, match="must be equal"):
        DistanceMetric().update_state(y_true, y_pred)


@pytest.mark.long
@pytest.mark.parametrize(
    ("true_spec", "pred_spec"), [((None,), (None,)), ((None,), (None, 1)), ((None, 1), (None,)), ((None, 1), (None, 1))]
)
def test_batch_sizes_unknown_in_a_graph(true_spec, pred_spec):
    loss, metric = Distance(), DistanceMetric()

    @tf.function(input_signature=[tf.TensorSpec(true_spec), tf.TensorSpec(pred_spec), tf.TensorSpec((None,))])
    def both(y_true, y_pred, weight):
        metric.update_state(y_true, y_pred, sample_weight=weight)
        return loss(y_true, y_pred, sample_weight=weight)

    for n in (3, 5):
        y_true = np.ones([n if s is None else s for s in true_spec], "float32")
        y_pred = 3 * np.ones([n if s is None else s for s in pred_spec], "float32")
        assert float(both(y_true, y_pred, np.ones(n, "float32"))) == pytest.approx(2.0)
    assert float(metric.result()) == pytest.approx(2.0)


def test_align_shapes_keeps_an_unknown_axis():
    @tf.function(input_signature=[tf.TensorSpec((None, None)), tf.TensorSpec((None, 3))])
    def shapes(y_true, y_pred):
        return align_shapes(y_true, y_pred, "x")[0]

    assert shapes(np.ones((2, 3), "float32"), np.ones((2, 3), "float32")).shape == (2, 3)


# --- weights and reductions

TRUE = np.array([[1.0, 2.0], [3.0, 5.0]], "float32")
PRED = np.array([[2.0, 4.0], [3.0, 9.0]], "float32")
GAPS = np.abs(TRUE - PRED)


@pytest.mark.parametrize(
    "weight",
    [2.0, [1.0, 3.0], [[1.0], [3.0]], [[1.0, 0.0], [3.0, 2.0]], np.array([1, 3])],
    ids=["scalar", "(N,)", "(N, 1)", "(N, T)", "int"],
)
def test_sample_weights_weigh_samples(weight):
    # N equals T here, so that weights of shape (N,) would broadcast along the wrong axis unnoticed.
    full = np.asarray(weight, "float32")
    full = np.broadcast_to(full[:, None] if full.ndim == 1 else full, GAPS.shape)
    assert float(Distance()(TRUE, PRED, sample_weight=weight)) == pytest.approx(np.sum(GAPS * full) / 4)
    assert float(Distance(reduction="sum")(TRUE, PRED, sample_weight=weight)) == pytest.approx(np.sum(GAPS * full))
    assert float(Distance(reduction="mean_with_sample_weight")(TRUE, PRED, sample_weight=weight)) == pytest.approx(
        np.sum(GAPS * full) / np.sum(full)
    )
    np.testing.assert_allclose(Distance(reduction=None)(TRUE, PRED, sample_weight=weight), GAPS * full)
    metric = DistanceMetric()
    metric.update_state(TRUE, PRED, sample_weight=weight)
    assert float(metric.result()) == pytest.approx(np.sum(GAPS * full) / np.sum(full))


@pytest.mark.parametrize("reduction", [None, "none", "sum", "mean", "sum_over_batch_size", "mean_with_sample_weight"])
@pytest.mark.parametrize("weight", [None, [0.5, 2.0]])
def test_reductions_are_those_of_keras(reduction, weight):
    kerass = keras.losses.MeanAbsoluteError(reduction=reduction)(TRUE, PRED, sample_weight=weight)
    np.testing.assert_allclose(RowMean(reduction=reduction)(TRUE, PRED, sample_weight=weight), kerass)


def test_weights_of_shape_n_1_leave_values_of_shape_n():
    values = Distance(reduction=None)([1.0, 2.0], [2.0, 4.0], sample_weight=[[1.0], [2.0]])
    np.testing.assert_allclose(values, [1.0, 4.0])


@pytest.mark.parametrize("weight", [[1.0], [1.0, 2.0, 3.0], [[1.0, 2.0, 3.0]]])
def test_weights_for_other_samples_are_refused(weight):
    with pytest.raises(ValueError, match="one weight for each sample"):
        Distance()(TRUE, PRED, sample_weight=weight)
    with pytest.raises(ValueError, match="one weight for each sample"):
        DistanceMetric().update_state(TRUE, PRED, sample_weight=weight)


def test_a_metric_over_batches_is_the_metric_over_all():
    metric = DistanceMetric(factor=2.0)
    metric.update_state(TRUE[:1], PRED[:1], sample_weight=[1.0])
    metric.update_state(TRUE[1:], PRED[1:], sample_weight=[3.0])
    assert float(metric.result()) == pytest.approx(2 * (1.5 * 1 + 2.0 * 3) / 4)
    metric.reset_state()
    assert all(float(variable) == 0 for variable in metric.variables)


# --- masks


def test_masked_steps_are_left_out():
    y_pred = masked(PRED, [[True, False], [True, True]])
    expected = (1.0 + 0.0 + 4.0) / 3
    assert float(Distance()(TRUE, y_pred)) == pytest.approx(expected)
    assert float(keras.losses.MeanAbsoluteError()(TRUE[..., None], masked(PRED[..., None], [[1, 0], [1, 1]]))) == (
        pytest.approx(expected)
    )
    metric = DistanceMetric()
    metric.update_state(TRUE, y_pred)
    assert float(metric.result()) == pytest.approx(expected)


def test_masks_and_weights_multiply():
    y_pred = masked(PRED, [[True, False], [True, True]])
    metric = DistanceMetric()
    metric.update_state(TRUE, y_pred, sample_weight=[2.0, 1.0])
    assert float(metric.result()) == pytest.approx((2 * 1.0 + 0.0 + 4.0) / (2 + 1 + 1))
    assert float(Distance(reduction="sum")(TRUE, y_pred, sample_weight=[2.0, 1.0])) == pytest.approx(6.0)


def test_a_mask_over_steps_is_refused_by_a_loss_of_samples():
    with pytest.raises(ValueError, match=r"mask of shape \(2, 2\)"):
        RowMean()(TRUE, masked(PRED, [[True, False], [True, True]]))


# --- floating types


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_is_raised_to_float32(dtype):
    loss, metric = Distance(dtype=dtype), DistanceMetric(dtype=dtype)
    assert loss.dtype == metric.dtype == "float32"
    # 257 is 256 in bfloat16, and 0.001 is lost beside 100 in float16.
    assert float(loss([257.0, 100.001], [256.0, 100.0])) == pytest.approx(0.5005, rel=1e-4)
    metric.update_state([257.0, 100.001], [256.0, 100.0])
    assert float(metric.result()) == pytest.approx(0.5005, rel=1e-4)


def test_float64_is_computed_in_float64():
    value = Distance(dtype="float64")(np.array([1.0 + 1e-12]), np.array([1.0]))
    assert value.dtype == "float64"
    assert float(value) == pytest.approx(1e-12, rel=1e-3)


def test_the_global_policy_and_float_type_change_nothing_below_float32():
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    try:
        keras.config.set_dtype_policy("mixed_float16")
        assert Distance().dtype == DistanceMetric().dtype == "float32"
        keras.config.set_floatx("float16")
        assert Distance().dtype == DistanceMetric().dtype == "float32"
        assert float(Distance()(tf.constant([257], "int32"), tf.constant([256.0], "float16"))) == 1.0
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def test_labels_of_another_type_are_cast():
    for labels in (np.array([1, 0]), np.array([True, False]), np.array([1.0, 0.0], "float64"), [1, 0]):
        assert float(Distance()(labels, [[0.5], [0.5]])) == pytest.approx(0.5)
        metric = DistanceMetric()
        metric.update_state(labels, [[0.5], [0.5]])
        assert float(metric.result()) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("dtype", "wide"),
    [("float16", "float32"), ("bfloat16", "float32"), ("int32", "float32"), ("float32", "float32"), (None, "float64")],
)
def test_widen(dtype, wide):
    value = np.ones(2, "float64") if dtype is None else keras.ops.ones(2, dtype)
    assert keras.backend.standardize_dtype(widen(value).dtype) == wide


# --- class labels


def labels(y_true, classes=3, dtype="float32"):
    y_true = keras.ops.convert_to_tensor(y_true)
    shape = (*y_true.shape[:1], classes)
    return np.asarray(as_class_labels(y_true, keras.ops.zeros(shape, dtype), "x"))


def test_class_labels_come_in_every_form():
    one_hot = np.eye(3)[[0, 2]]
    for form in ([0, 2], [[0], [2]], np.array([0.0, 2.0], "float32"), one_hot):
        np.testing.assert_array_equal(labels(form), one_hot)
    soft = np.array([[0.2, 0.3, 0.5]], "float32")
    np.testing.assert_array_equal(labels(soft), soft)


def test_an_index_that_is_no_class_is_seen():
    found = labels([0, 3, -1])
    np.testing.assert_array_equal(found[0], [1, 0, 0])
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize("shape", [(2, 2), (3,), (2, 3, 1), ()])
def test_labels_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="one-hot labels of the same shape, or class indices"):
        as_class_labels(keras.ops.zeros(shape), keras.ops.zeros((2, 3)), "x")


def test_an_unknown_number_of_classes_is_refused():
    with pytest.raises(ValueError, match="known number of classes"):
        as_class_labels(keras.KerasTensor((None,)), keras.KerasTensor((None, None)), "x")


def test_class_300_is_class_300():
    assert labels([300], classes=301).argmax() == 300


def test_class_probabilities_are_the_softmax_of_logits():
    logits = keras.ops.convert_to_tensor([[0.0, np.log(3.0)]])
    np.testing.assert_allclose(class_probabilities(logits, from_logits=True), [[0.25, 0.75]], rtol=1e-6)
    assert class_probabilities(logits, from_logits=False) is logits


# --- in a model

MODULE = """
import keras
from kzoo.component import Loss, MeanMetric, Regularizer

@keras.saving.register_keras_serializable(package="fresh")
class FreshLoss(Loss):
    def __init__(self, power=2.0, reduction="sum_over_batch_size", name=None, dtype=None):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.power = power

    def per_sample(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** self.power, axis=-1)

@keras.saving.register_keras_serializable(package="fresh")
class FreshMetric(MeanMetric):
    def __init__(self, factor=1.0, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.factor = factor

    def per_sample(self, y_true, y_pred):
        return self.factor * keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)

@keras.saving.register_keras_serializable(package="fresh")
class FreshRegularizer(Regularizer):
    def __init__(self, factor=0.5):
        self.factor = factor

    def __call__(self, x):
        return self.factor * keras.ops.sum(keras.ops.abs(x))
"""

LOAD = """
import json, sys
import keras, numpy as np
import fresh_components
model = keras.models.load_model(sys.argv[1])
x, y = np.ones((4, 3), "float32"), np.zeros((4, 2), "float32")
values = model.evaluate(x, y, verbose=0, return_dict=True)
metric = model._compile_metrics._user_metrics[0]
json.dump({"values": values, "power": model.loss.power, "dtype": model.loss.dtype, "factor": metric.factor}, sys.stdout)
"""


@pytest.mark.long
def test_a_saved_model_finds_its_components_in_a_fresh_process(tmp_path, monkeypatch):
    import importlib
    import json

    (tmp_path / "fresh_components.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    fresh = importlib.import_module("fresh_components")
    kernel = keras.layers.Dense(2, kernel_initializer="ones", kernel_regularizer=fresh.FreshRegularizer(0.25))
    model = keras.Sequential([keras.Input((3,)), kernel])
    model.compile("sgd", loss=fresh.FreshLoss(power=3.0, dtype="float64"), metrics=[fresh.FreshMetric(factor=2.0)])
    x, y = np.ones((4, 3), "float32"), np.zeros((4, 2), "float32")
    here = model.evaluate(x, y, verbose=0, return_dict=True)
    assert here == pytest.approx({"loss": 27.0 + 1.5, "fresh_metric": 6.0})
    model.save(tmp_path / "model.keras")
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path / "model.keras")],
        cwd=tmp_path,
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    there = json.loads(done.stdout)
    assert there["values"] == pytest.approx(here)
    assert (there["power"], there["dtype"], there["factor"]) == (3.0, "float64", 2.0)


def _environment(*folders):
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, folders), *filter(None, sys.path)])}


@pytest.mark.parametrize("jit", [False, True])
def test_graph_eager_and_xla_agree(jit):
    loss = Distance(factor=2.0)
    compiled = tf.function(loss, jit_compile=jit)
    assert float(compiled(TRUE, PRED, [1.0, 2.0])) == pytest.approx(float(loss(TRUE, PRED, [1.0, 2.0])))


def test_fit_with_sample_weights_trains_on_weighted_samples():
    def fitted(x, y, **weights):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
        model.compile(keras.optimizers.SGD(0.1), loss=Distance(), weighted_metrics=[DistanceMetric()])
        history = model.fit(x, y, batch_size=2, shuffle=False, verbose=0, **weights)
        return model.get_weights(), history.history["distance_metric"][0]

    x, y = np.array([[1.0], [2.0]], "float32"), np.array([1.0, 5.0], "float32")
    weights, metric = fitted(x, y, sample_weight=np.array([1.0, 0.0]))
    np.testing.assert_allclose(weights[0], [[0.05]])  # the mean over two samples, one of weight 0
    assert metric == pytest.approx(1.0)
