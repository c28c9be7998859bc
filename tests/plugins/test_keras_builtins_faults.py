"""What `kzoo info` says of wrong inputs that Keras takes is true; where one fails, the sentence is to go."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import gradient

from kzoo.cli.listing import describe
from kzoo.plugins.build import build
from kzoo.plugins.registry import get_registry
from kzoo_plugins.keras_builtins.hidden_faults import HIDDEN_FAULTS

CLASSES = 3
IDS = np.array([0, 1, 2, 0, 1, 1])
ONE_HOT = np.eye(CLASSES, dtype="float32")[IDS]
SOFTMAX = np.random.default_rng(1).dirichlet(np.ones(CLASSES), len(IDS)).astype("float32")
ANSWERS = np.array([[1.0], [0.0], [0.0], [1.0], [1.0], [0.0]], "float32")
SIGMOID = np.array([[0.9], [0.2], [0.6], [0.4], [0.7], [0.3]], "float32")
NOT_CLASSES = (-1, CLASSES, 255)

NEEDED = {
    "iou": {"num_classes": CLASSES, "target_class_ids": [0, 1, 2], "sparse_y_pred": False},
    "mean_iou": {"num_classes": CLASSES, "sparse_y_pred": False},
    "one_hot_iou": {"num_classes": CLASSES, "target_class_ids": [0, 1, 2]},
    "one_hot_mean_iou": {"num_classes": CLASSES},
    "precision_at_recall": {"recall": 0.5},
    "recall_at_precision": {"precision": 0.5},
    "sensitivity_at_specificity": {"specificity": 0.5},
    "specificity_at_sensitivity": {"sensitivity": 0.5},
    "f1_score": {"average": "macro", "threshold": 0.5},
    "fbeta_score": {"average": "macro", "threshold": 0.5},
    "top_k_categorical_accuracy": {"k": 2},
    "sparse_top_k_categorical_accuracy": {"k": 2},
}


def named(sentence, kind="metric"):
    """Return the names that a sentence stands in the notes of."""
    found = [name for (one, name), told in HIDDEN_FAULTS.items() if one == kind and any(sentence in s for s in told)]
    assert found, sentence
    return pytest.mark.parametrize("name", found)


def result(name, y_true, y_pred, **arguments):
    metric = build("metric", {"name": name, **NEEDED.get(name, {}), **arguments})
    metric.update_state(y_true, y_pred)
    return np.asarray(metric.result())


def value(name, y_true, y_pred, **arguments):
    return np.asarray(build("loss", {"name": name, **arguments})(np.array(y_true), np.array(y_pred)))


def labels_of(name):
    return ONE_HOT if name.startswith(("categorical", "top_k", "one_hot")) else IDS


@pytest.mark.parametrize(("kind", "name"), HIDDEN_FAULTS)
def test_info_tells(kind, name):
    registry = get_registry()
    note = describe(registry.get(kind, name), registry)["note"]
    assert all(sentence in note for sentence in HIDDEN_FAULTS[kind, name])


@named("NaN counts as a no")
def test_nan_is_a_no(name):
    broken, no = SIGMOID.copy(), SIGMOID.copy()
    broken[0], no[0] = np.nan, 0.0
    np.testing.assert_array_equal(result(name, ANSWERS, broken), result(name, ANSWERS, no))
    assert np.isfinite(result(name, ANSWERS, np.full_like(SIGMOID, np.nan)))


@named("A tie counts as a hit")
def test_outputs_that_are_all_the_same_are_all_right(name):
    for k in (1, 2):
        assert result(name, labels_of(name), np.full_like(SOFTMAX, 1 / CLASSES), k=k) == 1


@named("as large as the largest counts as a yes")
def test_outputs_that_are_all_the_same_are_all_a_yes(name):
    undecided = {"y_true": ONE_HOT, "y_pred": np.full_like(SOFTMAX, 1 / CLASSES), "threshold": None}
    # Recall is 1 and precision 1 / K, of all classes together: F1 is 2 / (K + 1).
    assert result(name, average="micro", **undecided) == pytest.approx(2 / (CLASSES + 1))
    assert result("fbeta_score", average="micro", beta=100.0, **undecided) > 0.99


@named("all NaN counts as class 0")
def test_nan_is_class_0(name):
    first = np.eye(CLASSES, dtype="float32")[np.zeros(len(IDS), int)]
    diverged = result(name, labels_of(name), np.full_like(SOFTMAX, np.nan))
    np.testing.assert_array_equal(diverged, result(name, labels_of(name), first))
    assert diverged > 0


@named("prediction is NaN counts as wrong")
def test_nan_is_wrong(name):
    outputs = IDS.astype("float32") if name == "accuracy" else SOFTMAX
    assert result(name, labels_of(name), np.full_like(outputs, np.nan)) == 0


@named("Every label but 0 counts as a yes")
@pytest.mark.parametrize("label", [-1, 2, 255])
def test_every_label_but_0_is_a_yes(name, label):
    wrong = ANSWERS.copy()
    wrong[0] = label
    np.testing.assert_array_equal(result(name, wrong, SIGMOID), result(name, ANSWERS, SIGMOID))


@named("255 counts as 255 yes")
def test_labels_are_numbers(name):
    wrong = ANSWERS.copy()
    wrong[3] = 255  # a miss
    found, missed, beta2 = 2.0, 255.0, 1.0
    f = (1 + beta2) * found / ((1 + beta2) * found + beta2 * missed + 1)
    assert result(name, wrong, SIGMOID) == pytest.approx(f, rel=1e-4)


@named("no class counts as a wrong prediction")
@pytest.mark.parametrize("label", NOT_CLASSES)
def test_no_class_is_wrong(name, label):
    true, pred = (ANSWERS, SIGMOID) if name == "binary_accuracy" else (IDS, SOFTMAX)
    wrong, kept = true.copy(), np.arange(len(true)) != 1
    wrong[1] = label
    right = result(name, true[kept], pred[kept]) * kept.sum()
    assert result(name, wrong, pred) * len(true) == pytest.approx(right)


@named("no class is left out")
@pytest.mark.parametrize("label", NOT_CLASSES)
def test_no_class_is_left_out(name, label):
    true, pred = (ANSWERS, SIGMOID) if name == "binary_iou" else (IDS, SOFTMAX)
    wrong, kept = true.copy(), np.arange(len(true)) != 1
    wrong[1] = label
    np.testing.assert_array_equal(result(name, wrong, pred), result(name, true[kept], pred[kept]))


@named("With one output it is 1")
def test_one_output_is_always_right(name):
    more = {"num_classes": 2} if name.startswith("one_hot") else {}
    more |= {"target_class_ids": [0]} if name == "one_hot_iou" else {}
    more |= {"k": 1} if name.startswith("top_k") else {}
    for answers in (ANSWERS, 1 - ANSWERS):
        assert result(name, answers, SIGMOID, **more) == pytest.approx(1)


@named("it is the share of the label 0")
def test_one_output_is_class_0(name):
    more = {"k": 1} if "top_k" in name else {}
    for answers in (ANSWERS[:4, 0], 1 - ANSWERS[1:5, 0]):
        assert result(name, answers.astype(int), SIGMOID[:4], **more) == pytest.approx(np.mean(answers == 0))


@named("everything is class 0")
def test_one_output_overlaps_as_class_0(name):
    more = {"num_classes": 2} | ({"target_class_ids": [0, 1]} if name == "iou" else {})
    for pred in (SIGMOID, 1 - SIGMOID):
        assert result(name, ANSWERS.astype(int), pred, **more) == pytest.approx(np.mean(ANSWERS == 0) / 2)


@pytest.mark.filterwarnings("ignore:In loss:SyntaxWarning")
@pytest.mark.parametrize("answers", [ANSWERS, 1 - ANSWERS])
def test_one_output_costs_nothing(answers):
    for (kind, name), told in HIDDEN_FAULTS.items():
        if any("With one output it is 0" in sentence for sentence in told):
            assert (value if kind == "loss" else result)(name, answers, SIGMOID) == pytest.approx(0, abs=1e-6)


def test_divergence_of_a_no_costs_nothing():
    values = value("kl_divergence", ANSWERS, SIGMOID, reduction=None)
    assert values[ANSWERS[:, 0] == 0] == pytest.approx(0, abs=1e-5)
    assert (values[ANSWERS[:, 0] == 1] > 0.05).all()
    assert result("kl_divergence", ANSWERS, SIGMOID) == pytest.approx(values.mean())


@pytest.mark.parametrize("name", ["binary_crossentropy", "binary_focal_crossentropy"])
def test_a_label_of_minus_1_has_no_bound(name):
    assert value(name, [[-1.0]], [[1e-4]]) < -9
    if name == "binary_crossentropy":
        assert result(name, [[-1.0]], [[1e-4]]) < -9


@pytest.mark.parametrize("label", NOT_CLASSES)
def test_no_class_in_the_generalized_crossentropy(label):
    loss = keras.losses.CategoricalGeneralizedCrossEntropy(q=0.7)
    assert float(loss(np.array([label]), SOFTMAX[:1])) == pytest.approx(1 / 0.7)
    assert np.isnan(gradient(lambda y: loss(np.array([label]), y), SOFTMAX[:1])).all()


@pytest.mark.parametrize("label", NOT_CLASSES)
def test_no_class_in_the_sparse_crossentropy(label):
    loss = keras.losses.SparseCategoricalCrossentropy()
    compiled = tf.function(lambda labels: loss(labels, SOFTMAX[:1]), jit_compile=True)
    assert np.isnan(compiled(tf.constant([label])))
    with tf.device("CPU"), pytest.raises(tf.errors.InvalidArgumentError, match="outside the valid range"):
        loss(tf.constant([label]), tf.constant(SOFTMAX[:1]))


@pytest.mark.parametrize("name", ["hinge", "squared_hinge"])
def test_another_label_changes_what_0_is(name):
    scores = np.full((3, 1), 0.5, "float32")
    assert value(name, [[0.0], [1.0], [1.0]], scores, reduction=None)[0] == pytest.approx(
        1.5 if name == "hinge" else 2.25
    )
    assert value(name, [[0.0], [1.0], [2.0]], scores, reduction=None)[0] == pytest.approx(1)


@named("cut the labels to whole numbers")
def test_integer_predictions_cut_labels(name):
    labels, whole = np.array([[1.5], [2.75], [1.25]], "float32"), np.array([[1], [2], [1]])
    assert result(name, labels, whole.astype("float32")) > 0.01
    assert result(name, labels, whole) == 0


def test_r2_of_an_overflow():
    labels = np.array([[1.0], [2.0], [3.0]], "float32")
    assert result("r2_score", labels, np.array([[1.0], [1e15], [3.0]], "float32")) < -1e15
    for far in (1e30, np.inf):
        assert result("r2_score", labels, np.array([[1.0], [far], [3.0]], "float32")) == 0


CHANNELS_FIRST = [np.moveaxis(np.stack([rows[:2], rows[2:4]]), -1, 1) for rows in (ONE_HOT, SOFTMAX)]
CHANNELS_LAST = [np.stack([rows[:2], rows[2:4]]) for rows in (ONE_HOT, SOFTMAX)]


@pytest.mark.parametrize("name", ["categorical_crossentropy", "categorical_focal_crossentropy"])
def test_smoothing_along_another_axis(name):
    for smoothing in (0.0, 0.2):
        last = value(name, *CHANNELS_LAST, label_smoothing=smoothing)
        first = value(name, *CHANNELS_FIRST, label_smoothing=smoothing, axis=1)
        assert (first == pytest.approx(last, rel=1e-5)) == (not smoothing)
        if name == "categorical_crossentropy":
            assert result(name, *CHANNELS_FIRST, label_smoothing=smoothing, axis=1) == pytest.approx(first, rel=1e-5)


@named("there is no result, but an error")
def test_overlaps_along_another_axis(name):
    true = CHANNELS_FIRST[0] if name.startswith("one_hot") else np.argmax(CHANNELS_FIRST[0], axis=1)
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError), match="dimension"):
        result(name, true, CHANNELS_FIRST[1], axis=1)
