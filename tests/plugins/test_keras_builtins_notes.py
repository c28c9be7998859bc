"""What the specs' notes say of Keras is true; where one fails, Keras has changed and the note is to go."""

import functools

import keras
import numpy as np
import pytest
from agreement.collect import cases_of
from agreement.measure import measure
from gradients import gradient, with_gradient
from scipy.stats import spearmanr
from sklearn.metrics import r2_score

from kzoo.cli.listing import describe
from kzoo.plugins.registry import get_registry
from kzoo_plugins.keras_builtins.known_failures import KNOWN_FAILURES
from kzoo_plugins.losses.circle import Circle
from kzoo_plugins.losses.focal import SigmoidFocal
from kzoo_plugins.losses.noisy_labels import GeneralizedCrossentropy
from kzoo_plugins.metrics.ranking import SpearmanCorrelation
from kzoo_plugins.metrics.regression import AdjustedR2
from kzoo_plugins.optimizers.schedules import WarmupCosine

CLASSES = 3
IDS = np.array([0, 1, 2, 0])
ONE_HOT = np.eye(CLASSES, dtype="float32")[IDS]
SOFTMAX = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3]], "float32")
SIGMOID = np.array([[0.9], [0.2], [0.6], [0.4]], "float32")
ANSWERS = np.array([[1.0], [0.0], [0.0], [1.0]], "float32")
NUMBERS = np.array([[1.2], [2.4], [0.3], [4.0]], "float32")
TARGETS = np.array([[1.0], [2.0], [0.5], [3.0]], "float32")


def measured(metric, *batches):
    for batch in batches:
        metric.update_state(*batch)
    return float(metric.result())


def reloaded(value):
    return keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(value))


def test_arguments_lost_on_save():
    assert reloaded(keras.losses.Huber(delta=5.0))._fn_kwargs["delta"] == 1.0
    assert reloaded(keras.losses.CosineSimilarity(axis=0))._fn_kwargs["axis"] == -1
    assert reloaded(keras.losses.SparseCategoricalCrossentropy(axis=1))._fn_kwargs["axis"] == -1
    assert reloaded(keras.metrics.CosineSimilarity(axis=0))._fn_kwargs["axis"] == -1


def test_tversky_swaps_its_weights():
    one_false_positive = ([[1.0, 0.0]], [[1.0, 1.0]])
    as_documented, swapped = 1 - 1 / (1 + 0.9), 1 - 1 / (1 + 0.1)
    found = float(keras.losses.Tversky(alpha=0.9, beta=0.1)(*one_false_positive))
    assert found == pytest.approx(swapped, rel=1e-5)
    assert found != pytest.approx(as_documented, rel=1e-1)


@pytest.mark.parametrize("loss", [keras.losses.Dice(), keras.losses.Tversky()], ids=lambda loss: loss.name)
def test_nothing_found_where_nothing_is_counts_as_wrong(loss):
    assert float(loss(np.zeros((1, 4)), np.zeros((1, 4)))) == 1.0


def test_dice_weights_the_batch_and_not_the_samples():
    y_true, y_pred = ONE_HOT[:2], SOFTMAX[:2]
    whole = float(keras.losses.Dice()(y_true, y_pred))
    for weight in ([1.0, 0.0], [0.0, 1.0]):
        assert float(keras.losses.Dice()(y_true, y_pred, sample_weight=weight)) == pytest.approx(whole / 2)


def test_circle_has_the_value_of_the_paper_and_another_gradient():
    rng = np.random.default_rng(6)
    vectors = rng.normal(size=(6, 4))
    vectors = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype("float32")
    labels, theirs, ours = np.array([0, 0, 1, 1, 1, 2]), keras.losses.Circle(), Circle(normalize=False)
    (value, slope), (expected, wanted) = (with_gradient(loss)(labels, vectors) for loss in (theirs, ours))
    assert float(value) == pytest.approx(float(expected), rel=1e-4)
    assert np.abs(slope - wanted).max() > 1


@pytest.mark.parametrize("case", cases_of("loss")["ctc"], ids=str)
def test_ctc_is_that_of_torch(case):
    assert measure(case).worst <= case.tolerance


def test_ctc_has_ordinary_values_for_labels_that_cannot_be():
    logits = np.random.default_rng(0).normal(size=(1, 3, 4)).astype("float32")
    for labels in ([[9, 0, 0, 0]], [[-1, 0, 0, 0]], [[1, 2, 3, 1]]):
        assert np.isfinite(float(keras.losses.CTC()(np.array(labels), logits)))


def test_generalized_crossentropy_mixes_samples_when_labels_are_a_column():
    loss = keras.losses.CategoricalGeneralizedCrossEntropy()
    assert float(loss(IDS[:, None], SOFTMAX)) != pytest.approx(float(loss(IDS, SOFTMAX)), rel=1e-2)


@pytest.mark.parametrize("name", ["Hinge", "SquaredHinge", "CategoricalHinge", "Poisson", "KLDivergence"])
def test_metrics_broadcast_labels_of_shape_n(name):
    column, flat = getattr(keras.metrics, name)(), getattr(keras.metrics, name)()
    column.update_state(ANSWERS, SIGMOID)
    flat.update_state(ANSWERS[:, 0], SIGMOID)
    assert float(column.result()) != pytest.approx(float(flat.result()))


def test_f1_needs_an_average_and_a_threshold():
    metric = keras.metrics.F1Score()
    metric.update_state(ONE_HOT, SOFTMAX)
    assert np.asarray(metric.result()).shape == (CLASSES,)
    always_yes = keras.metrics.F1Score(average="macro")
    always_yes.update_state([[1.0], [0.0], [0.0], [0.0]], [[0.9], [0.1], [0.2], [0.3]])
    assert float(always_yes.result()) == pytest.approx(0.4, rel=1e-4)


def test_r2_score():
    rng = np.random.default_rng(0)
    y_true = rng.normal(size=(50, 2)).astype("float32")
    y_pred = y_true + 0.3 * rng.normal(size=y_true.shape).astype("float32")

    def r2(*batch, **arguments):
        metric = keras.metrics.R2Score(**arguments)
        metric.update_state(*batch)
        return float(metric.result())

    plain = r2(y_true, y_pred)
    assert r2(y_true + 1e4, y_pred + 1e4) > 1
    assert r2(y_true, y_pred, num_regressors=3) == pytest.approx(1 - (1 - plain) * 99 / 96, rel=1e-5)
    assert r2(y_true, y_pred, num_regressors=3) != pytest.approx(1 - (1 - plain) * 49 / 46, rel=1e-3)
    constant = np.ones((4, 1), "float32")
    assert np.isnan(r2(constant, constant))
    # The note says which metric is right.
    for offset in (0, 1e4):
        shifted = (y_true + np.float32(offset), y_pred + np.float32(offset))
        right = r2_score(*(one.astype("float64") for one in shifted))
        assert measured(AdjustedR2(num_regressors=3), shifted) == pytest.approx(1 - (1 - right) * 49 / 46, rel=1e-5)
    assert measured(AdjustedR2(), (constant, constant)) == r2_score(constant, constant) == 1.0


def test_correlations_of_a_single_output():
    pearson, concordance = keras.metrics.PearsonCorrelation(), keras.metrics.ConcordanceCorrelation()
    pearson.update_state(TARGETS, NUMBERS)
    concordance.update_state(TARGETS, NUMBERS)
    assert np.isnan(float(pearson.result()))
    assert float(concordance.result()) == 0.0


@pytest.mark.parametrize("name", ["PearsonCorrelation", "ConcordanceCorrelation"])
def test_correlations_are_means_over_batches(name):
    rng = np.random.default_rng(0)
    y_true = rng.normal(size=(8, 1)) + np.repeat([[0.0], [10.0]], 4, axis=0)
    y_pred = y_true + rng.normal(size=y_true.shape)
    halves = [(y_true[:4], y_pred[:4]), (y_true[4:], y_pred[4:])]

    def whole(metric, expected):
        apart = measured(metric(), *halves)
        assert measured(metric(), (y_true, y_pred)) == pytest.approx(expected, rel=1e-5)
        return apart == pytest.approx(expected, rel=1e-5)

    keras_metric = functools.partial(getattr(keras.metrics, name), axis=0)
    assert not whole(keras_metric, measured(keras_metric(), (y_true, y_pred)))
    assert whole(SpearmanCorrelation, spearmanr(y_true[:, 0], y_pred[:, 0]).statistic)


def test_focal_alpha_needs_class_balancing():
    def focal(**arguments):
        return float(keras.losses.BinaryFocalCrossentropy(**arguments)(ANSWERS, SIGMOID))

    assert focal(alpha=0.1) == focal(alpha=0.9)
    assert focal(alpha=0.1, apply_class_balancing=True) != focal(alpha=0.9, apply_class_balancing=True)


def test_schedules_calculate_in_the_type_of_the_first_rate():
    schedules = keras.optimizers.schedules
    assert float(schedules.ExponentialDecay(1, 10, 0.5)(5)) == 0.0
    assert float(schedules.InverseTimeDecay(1, 10, 0.5)(5)) == 1.0
    assert float(schedules.CosineDecay(1, 10)(5)) != pytest.approx(0.5, abs=0.01)
    assert float(schedules.CosineDecay(1.0, 10)(5)) == pytest.approx(0.5, abs=1e-6)


def test_cosine_decay_counts_its_steps_after_the_warm_up():
    schedule = keras.optimizers.schedules.CosineDecay(0.0, 10, warmup_target=0.1, warmup_steps=10)
    assert [float(schedule(step)) for step in (10, 15, 20)] == pytest.approx([0.1, 0.05, 0.0], abs=1e-7)


def test_lamb_decays_outside_of_its_scaling():
    def after(weight_decay):
        variable = keras.Variable(np.full(4, 2.0, "float32"))
        keras.optimizers.Lamb(0.1, weight_decay=weight_decay).apply([keras.ops.ones(4)], [variable])
        return float(variable[0])

    # Inside, decay would only change the direction of a step whose length is 0.1 of the weights.
    assert after(0.5) == pytest.approx((2 - 0.5 * 0.1 * 2) * 0.9, rel=1e-4)


def test_regularizers():
    assert float(keras.regularizers.L1L2()(keras.ops.ones((2, 2)))) == 0.0
    assert np.isnan(float(keras.regularizers.OrthogonalRegularizer()(keras.ops.ones((1, 3)))))
    with pytest.raises(ValueError, match="rank 2"):
        keras.regularizers.OrthogonalRegularizer()(keras.ops.ones((3, 3, 2, 2)))


RIGHT = {
    ("loss", "keras_tversky"): "tversky",
    ("loss", "dice"): "soft_dice",
    ("loss", "binary_focal_crossentropy"): "sigmoid_focal",
    ("loss", "categorical_generalized_cross_entropy"): "generalized_crossentropy",
    ("metric", "r2_score"): "adjusted_r2",
    ("metric", "pearson_correlation"): "spearman",
    ("metric", "concordance_correlation"): "spearman",
    ("optimizer", "keras_schedule_free_adamw"): "schedule_free_adamw",
    ("schedule", "cosine_decay"): "warmup_cosine",
}


@pytest.mark.parametrize(("wrong", "right"), RIGHT.items(), ids=lambda name: name if isinstance(name, str) else name[1])
def test_the_note_names_the_right_one(wrong, right):
    kind, name = wrong
    registry = get_registry()
    assert f"`{right}`" in registry.get(kind, name).spec.note
    assert not registry.get(kind, right).spec.target.startswith("keras.")


@pytest.mark.parametrize(("kind", "name"), KNOWN_FAILURES)
def test_info_tells_every_known_failure(kind, name):
    registry = get_registry()
    assert describe(registry.get(kind, name), registry)["expected_failures"] == KNOWN_FAILURES[kind, name]


def test_the_right_generalized_crossentropy():
    def slope(loss, y_pred):
        return gradient(lambda y: loss(IDS, y), y_pred)

    never = ONE_HOT[[1, 0, 0, 1]]
    assert not np.isfinite(slope(keras.losses.CategoricalGeneralizedCrossEntropy(), never)).all()
    assert np.isfinite(slope(GeneralizedCrossentropy(), never)).all()
    right = GeneralizedCrossentropy()
    assert float(right(IDS[:, None], SOFTMAX)) == pytest.approx(float(right(IDS, SOFTMAX)))


def test_the_right_focal_loss_weighs_and_does_not_clip():
    assert float(SigmoidFocal(alpha=0.1)(ANSWERS, SIGMOID)) != float(SigmoidFocal(alpha=0.9)(ANSWERS, SIGMOID))
    almost_sure = np.array([[1e-9]], "float32")
    keras_loss = keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True)
    exact = 0.25 * (1 - 1e-9) ** 2 * -np.log(1e-9)
    assert float(keras_loss(ANSWERS[:1], almost_sure)) != pytest.approx(exact, rel=0.1)
    assert float(SigmoidFocal()(ANSWERS[:1], almost_sure)) == pytest.approx(exact, rel=1e-5)


def test_the_right_cosine_counts_the_warm_up_and_takes_whole_numbers():
    schedule = WarmupCosine(max_learning_rate=1, total_steps=20, warmup_steps=10)
    assert [float(schedule(step)) for step in (10, 15, 20)] == pytest.approx([1.0, 0.5, 0.0], abs=1e-6)
