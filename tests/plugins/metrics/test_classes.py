"""Metrics over classes against scikit-learn: forms of labels and predictions, ignored classes, weights, the axis."""

import warnings

import keras
import numpy as np
import pytest
from sklearn import metrics

from kzoo.testing.subject import subject_of

RNG = np.random.default_rng(5)
K, N = 4, 60
LABELS = RNG.integers(0, K, N)
SCORES = (RNG.dirichlet(np.ones(K), N) + 0.4 * np.eye(K)[LABELS]).astype("float32")
SCORES /= SCORES.sum(-1, keepdims=True)
PREDICTED = SCORES.argmax(-1)
HOT = np.eye(K, dtype="float32")
WEIGHT = RNG.integers(0, 4, N).astype("float32")
BY_CLASS = [0.5, 2.0, 0.0, 3.0]


def _balanced(true, pred, sample_weight=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class is predicted that does not occur
        return metrics.balanced_accuracy_score(true, pred, sample_weight=sample_weight)


def _kappa(true, pred, sample_weight=None):
    return metrics.cohen_kappa_score(true, pred, weights="quadratic", sample_weight=sample_weight)


def _matrix(true, pred, sample_weight=None):
    return metrics.confusion_matrix(true, pred, labels=range(K), sample_weight=sample_weight)


def _rates(true, pred, sample_weight, columns):
    each = metrics.multilabel_confusion_matrix(true, pred, labels=range(K), sample_weight=sample_weight)
    negative = each[:, 0, 0] + (each[:, 0, 1] if columns else each[:, 1, 0])
    return each[:, 0, 0], negative


def _specificity(true, pred, sample_weight=None):
    right, negative = _rates(true, pred, sample_weight, True)
    return right.sum() / negative.sum()


def _npv(true, pred, sample_weight=None):
    right, negative = _rates(true, pred, sample_weight, False)
    return right / negative


REFERENCES = {
    "mcc": metrics.matthews_corrcoef,
    "cohen_kappa:weights=quadratic": _kappa,
    "balanced_accuracy": _balanced,
    "hamming_loss": metrics.hamming_loss,
    "confusion_matrix": _matrix,
    "specificity:average=micro": _specificity,
    "npv:average=null": _npv,
}
with_reference = pytest.mark.parametrize("name", REFERENCES)


def made(name, **arguments):
    return subject_of("metric", name).make(**arguments)


def result(name, y_true, y_pred, weight=None, **arguments):
    metric = made(name, **arguments)
    metric.update_state(y_true, y_pred, sample_weight=weight)
    return keras.ops.convert_to_numpy(metric.result())


@pytest.mark.long_but_first(20)
@with_reference
@pytest.mark.parametrize("column", [False, True], ids=["(N,)", "(N, 1)"])
@pytest.mark.parametrize("kind", ["int32", "uint8", "int64", "float32", "float64", "float16"])
def test_class_indices_as_predictions(name, column, kind):
    expected = REFERENCES[name](LABELS, PREDICTED, sample_weight=WEIGHT)
    given = PREDICTED.astype(kind)[:, None] if column else PREDICTED.astype(kind)
    saw = result(name, HOT[LABELS], given, WEIGHT)
    np.testing.assert_allclose(saw, expected, rtol=1e-5, err_msg="one-hot labels, which say how many classes there are")
    for labels in (LABELS, LABELS[:, None].astype("float32")):
        saw = result(name, labels, given, WEIGHT, num_classes=K)
        np.testing.assert_allclose(saw, expected, rtol=1e-5, err_msg=str(labels.shape))


@with_reference
def test_an_index_that_is_no_class_is_shown(name):
    for wrong in (-1, K, 0.5, float("nan")):
        given = PREDICTED.astype("float32")
        given[3] = wrong
        assert np.isnan(result(name, HOT[LABELS], given)).all()
        weight = np.arange(N) != 3
        expected = REFERENCES[name](LABELS[weight], PREDICTED[weight])
        np.testing.assert_allclose(result(name, HOT[LABELS], given, weight), expected, rtol=1e-5)


@with_reference
@pytest.mark.parametrize("kind", ["int32", "bool", "uint8"])
def test_whole_numbers_in_one_column_are_classes_and_not_probabilities(name, kind):
    if name in ("confusion_matrix", "specificity:average=micro", "npv:average=null"):
        pytest.skip("its reference is for four classes")
    labels, given = (LABELS > 1).astype("int32"), (PREDICTED > 1).astype(kind)
    expected = REFERENCES[name](labels, given.astype("int32"))
    assert result(name, labels, given) == pytest.approx(expected, rel=1e-5)
    # A threshold that no probability of 0 or 1 would pass has no part in it.
    assert result(name, labels, given, threshold=7.0) == pytest.approx(expected, rel=1e-5)
    assert result(name, np.eye(2)[labels], given[:, None]) == pytest.approx(expected, rel=1e-5)
    assert result(name, labels, np.eye(2)[given.astype(int)].astype(kind)) == pytest.approx(expected, rel=1e-5)


@with_reference
def test_what_does_not_belong_together_is_refused(name):
    for y_true, y_pred, arguments in (
        (LABELS, SCORES, {"num_classes": K + 1}),
        (HOT[LABELS], PREDICTED, {"num_classes": K + 1}),
        (HOT[LABELS][:5], PREDICTED, {}),
        (LABELS[:5], SCORES, {}),
        (LABELS, SCORES, {"axis": 2}),
        (LABELS, SCORES, {"class_weight": [1.0] * (K + 1)}),
        (HOT[LABELS], PREDICTED, {"class_weight": [1.0] * (K + 1)}),
    ):
        with pytest.raises(ValueError, match=f"`{name.partition(':')[0]}`"):
            result(name, y_true, y_pred, **arguments)


@pytest.mark.long_but_first(6)
@with_reference
@pytest.mark.parametrize("ignored", [1, -1, 255])
def test_an_ignored_class_is_left_out(name, ignored):
    labels = LABELS.copy()
    if ignored != 1:
        labels[::7] = ignored
    kept = labels != ignored
    expected = REFERENCES[name](labels[kept], PREDICTED[kept], sample_weight=WEIGHT[kept])
    scores = np.where(kept[:, None], SCORES, np.nan)  # whatever the network says there
    hot = HOT[LABELS] if ignored == 1 else HOT[LABELS] * kept[:, None]
    for form in (labels, labels[:, None], hot):
        saw = result(name, form, scores, WEIGHT, ignore_class=ignored)
        np.testing.assert_allclose(saw, expected, rtol=1e-5, err_msg=str(form.shape))
    saw = result(name, hot, PREDICTED, WEIGHT, ignore_class=ignored)
    np.testing.assert_allclose(saw, expected, rtol=1e-5)
    saw = result(name, labels, PREDICTED, WEIGHT, ignore_class=ignored, num_classes=K)
    np.testing.assert_allclose(saw, expected, rtol=1e-5)


def test_unsigned_labels_are_not_wrapped_around_to_an_ignored_class_below_0():
    labels = LABELS.astype("uint8")
    labels[0] = 255
    assert np.isnan(result("mcc", labels, SCORES, ignore_class=-1))


@with_reference
def test_class_weights_count_as_sample_weights_do(name):
    if name == "balanced_accuracy":
        pytest.skip("it is a mean over classes")
    expected = REFERENCES[name](LABELS, PREDICTED, sample_weight=WEIGHT * np.array(BY_CLASS)[LABELS])
    for form in (LABELS, HOT[LABELS]):
        saw = result(name, form, SCORES, WEIGHT, class_weight=BY_CLASS)
        np.testing.assert_allclose(saw, expected, rtol=1e-5)
    saw = result(name, HOT[LABELS], PREDICTED, WEIGHT, class_weight=BY_CLASS)
    np.testing.assert_allclose(saw, expected, rtol=1e-5)


def test_class_weights_are_those_of_the_classes_where_a_mean_is_over_classes():
    recall = metrics.recall_score(LABELS, PREDICTED, average=None, sample_weight=WEIGHT)
    saw = result("balanced_accuracy", LABELS, SCORES, WEIGHT, class_weight=BY_CLASS)
    assert saw == pytest.approx(np.average(recall, weights=BY_CLASS), rel=1e-5)
    for name, columns in (("specificity", True), ("npv", False)):
        right, negative = _rates(LABELS, PREDICTED, WEIGHT, columns)
        saw = result(name, LABELS, SCORES, WEIGHT, class_weight=BY_CLASS)
        assert saw == pytest.approx(np.average(right / negative, weights=BY_CLASS), rel=1e-5)


def test_class_weights_of_a_column_are_those_of_no_and_yes():
    labels, scores = (LABELS > 1).astype("float32"), SCORES[:, 2:].sum(-1)
    pred, weight = scores > 0.5, np.where(labels, 3.0, 0.5)
    for name, expected in {
        "mcc": metrics.matthews_corrcoef(labels, pred, sample_weight=weight),
        "hamming_loss": metrics.hamming_loss(labels, pred, sample_weight=weight),
        "specificity": metrics.recall_score(labels, pred, pos_label=0, sample_weight=weight),
        "npv": metrics.precision_score(labels, pred, pos_label=0, sample_weight=weight),
        "brier": metrics.brier_score_loss(labels, scores.astype("float64"), sample_weight=weight),
    }.items():
        saw = result(name, labels, scores[:, None], class_weight=[0.5, 3.0])
        assert saw == pytest.approx(expected, rel=1e-5), name


def test_metrics_of_distributions_weigh_and_ignore():
    labels = LABELS.copy()
    labels[::7] = 255
    kept = labels != 255
    weight = (WEIGHT * np.array(BY_CLASS)[LABELS])[kept]
    soft = SCORES[kept].astype("float64")
    soft /= soft.sum(-1, keepdims=True)
    rank = np.arange(K)
    for name, each in {
        "emd": (np.abs(rank - labels[kept][:, None]) * soft).sum(-1),  # the exact form for one-hot labels
        "ordinal_mae": np.abs(labels[kept] - PREDICTED[kept]),
        "ordinal_mae:expected_rank=true": np.abs(labels[kept] - soft @ rank),
        "brier": ((soft - HOT[labels[kept]]) ** 2).sum(-1),
    }.items():
        scores = np.where(kept[:, None], SCORES, np.nan)
        for form in (labels, HOT[LABELS] * kept[:, None]):
            saw = result(name, form, scores, WEIGHT, ignore_class=255, class_weight=BY_CLASS)
            assert saw == pytest.approx(np.average(each, weights=weight), rel=1e-4), name


def test_a_soft_label_weighs_what_its_classes_weigh():
    soft = RNG.dirichlet(np.ones(K), N)
    each = ((SCORES - soft) ** 2).sum(-1)
    saw = result("brier", soft.astype("float32"), SCORES, class_weight=BY_CLASS)
    assert saw == pytest.approx(np.average(each, weights=soft @ BY_CLASS), rel=1e-5)


def test_calibration_weighs_and_ignores():
    labels = LABELS.copy()
    labels[::7] = -1
    kept = labels != -1
    repeat = np.array([1, 2, 0, 3])[LABELS[kept]]
    expected = result("ece", np.repeat(labels[kept], repeat), np.repeat(SCORES[kept], repeat, 0))
    assert result("ece", labels, SCORES, ignore_class=-1, class_weight=[1, 2, 0, 3]) == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize("name", ["ece", "brier"])
def test_one_column_stays_what_it_is_for_two_classes(name):
    labels, yes = (LABELS > 1).astype("float32"), SCORES[:, 2:].sum(-1)
    two = np.stack([1 - yes, yes], -1)
    arguments = {"class_weight": [0.5, 3.0], "ignore_class": -1}
    labels[::9] = -1
    half = {"scale_by_half": True} if name == "brier" else {}
    expected = result(name, labels, two, WEIGHT, **half, **arguments)
    for y_true, y_pred in ((labels, yes), (labels, yes[:, None]), (labels[:, None], yes[:, None])):
        assert result(name, y_true, y_pred, WEIGHT, **arguments) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["emd", "ordinal_mae"])
@pytest.mark.parametrize("shape", [(N, 1), (N,)])
def test_one_output_is_refused_by_what_compares_classes(name, shape):
    with pytest.raises(ValueError, match=f"`{name}` got y_pred of shape"):
        result(name, np.zeros(N), np.full(shape, 0.5))


@pytest.mark.parametrize("name", ["hamming_loss", "confusion_matrix"])
def test_questions_are_ignored_and_weighed_one_by_one(name):
    labels, scores = RNG.integers(-1, 2, (20, 3)), RNG.uniform(size=(20, 3)).astype("float32")
    weight = RNG.integers(1, 4, 20).astype("float32")
    each = weight[:, None] * np.where(labels == 1, 3.0, 0.5) * (labels != -1)
    pred = scores > 0.5
    if name == "hamming_loss":
        expected = metrics.hamming_loss(labels.ravel() == 1, pred.ravel(), sample_weight=each.ravel())
    else:
        columns = zip(labels.T == 1, pred.T, each.T, strict=True)
        expected = [metrics.confusion_matrix(true, one, sample_weight=w) for true, one, w in columns]
    arguments = {"multilabel": True, "ignore_class": -1, "class_weight": [0.5, 3.0]}
    np.testing.assert_allclose(result(name, labels, scores, weight, **arguments), expected, rtol=1e-5)
    saw = result(
        name, labels.reshape(4, 5, 3).swapaxes(1, 2), scores.reshape(4, 5, 3).swapaxes(1, 2), axis=1, **arguments
    )
    np.testing.assert_allclose(saw, result(name, labels, scores, **arguments), rtol=1e-5)


EVERY = [*REFERENCES, "ece", "brier", "emd", "ordinal_mae", "specificity", "npv", "dice_score"]


@pytest.mark.long_but_first(4)
@pytest.mark.parametrize("name", EVERY)
def test_classes_on_another_axis(name):
    labels, scores = LABELS.reshape(5, 4, 3), SCORES.reshape(5, 4, 3, K)
    labels = np.where(RNG.uniform(size=labels.shape) < 0.2, 255, labels)
    arguments = {"ignore_class": 255, "class_weight": BY_CLASS}
    expected = result(name, labels, scores, **arguments)
    first = np.moveaxis(scores, -1, 1)
    hot = np.moveaxis(HOT[labels % 255] * (labels != 255)[..., None], -1, 1)
    for axis in (1, -3):
        for form in (labels, hot):
            saw = result(name, form, first, axis=axis, **arguments)
            np.testing.assert_allclose(saw, expected, rtol=1e-5, err_msg=f"{axis} {form.shape}")


@pytest.mark.parametrize("name", EVERY)
def test_the_arguments_are_saved(name):
    arguments = {"axis": 1, "ignore_class": 255, "class_weight": BY_CLASS}
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made(name, **arguments)))
    assert {key: again.get_config()[key] for key in arguments} == arguments
    assert (again.axis, again.ignore_class, again.class_weight) == tuple(arguments.values())


def test_a_soft_answer_is_yes_above_a_half():
    expected = metrics.matthews_corrcoef(SCORES[:, 0] > 0.5, PREDICTED > 1)
    assert result("mcc", SCORES[:, 0], (PREDICTED > 1).astype("float32")) == pytest.approx(expected, rel=1e-5)


def test_recall_at_k_leaves_the_ignored_label_out():
    vectors = RNG.normal(size=(N, 5)).astype("float32")
    kept = LABELS != 2
    expected = result("recall_at_k", LABELS[kept], vectors[kept])
    assert result("recall_at_k", LABELS, np.where(kept[:, None], vectors, np.nan), ignore_class=2) == pytest.approx(
        expected
    )
    assert result("recall_at_k", LABELS, vectors) != pytest.approx(expected)


def test_values_alone_are_held_as_well():
    for name in ("geometric_mean", "harmonic_mean"):
        metric = made(name)
        metric.update_state(np.zeros(0))
        metric.update_state([1.0, float("nan")], sample_weight=[1.0, 0.0])
        assert float(metric.result()) == pytest.approx(1.0)
        metric.update_state([float("nan"), 2.0])
        assert np.isnan(float(metric.result()))
