"""Classes on a test split: the counts are scikit-learn's, and what is shown of the examples."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from scipy.stats import wasserstein_distance
from sklearn.metrics import classification_report, f1_score, log_loss

import kzoo
from kzoo.data.splits import ArraySplit
from kzoo.engine.forward import Forward
from kzoo.errors import KzooError
from kzoo.tasks import Measured, task_named
from kzoo.tasks.classes import ClassOutcome, class_probabilities
from kzoo.tasks.labels import label_encoder

NAMES = ("cat", "dog", "<b>bird</b>")


def outcome(seed=0, size=40, *, image=True):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(3), size)
    pixels = rng.integers(0, 256, (size, 6, 5, 3), "uint8")
    return ClassOutcome(rng.integers(0, 3, size), probabilities, NAMES, pixels.__getitem__ if image else None)


def test_the_counts_are_those_of_scikit_learn():
    found = outcome()
    expected = classification_report(
        found.true, found.predicted, target_names=NAMES, output_dict=True, zero_division=0.0
    )
    for name, row in found.per_class().items():
        assert row["f1"] == pytest.approx(expected[name]["f1-score"])
        assert row["support"] == expected[name]["support"]
    counts = np.array(found.confusion().counts)
    assert counts.sum() == len(found.true)
    for true, predicted in zip(found.true, found.predicted, strict=True):
        counts[true, predicted] -= 1
    assert not counts.any()


def test_measures_without_a_loss_are_those_of_others():
    found = outcome(size=400)
    measures = found.measures()
    assert list(measures) == list(task_named("classification").compared)
    assert measures["macro_f1"] == pytest.approx(f1_score(found.true, found.predicted, average="macro"))
    assert measures["nll"] == pytest.approx(log_loss(found.true, found.probabilities))
    metric = kzoo.metric("ece")
    metric.update_state(found.true, found.probabilities)
    assert measures["ece"] == pytest.approx(float(metric.result()), rel=1e-5)


def test_of_ordered_classes_it_counts_how_far_off_an_answer_is():
    found = replace(outcome(), ordered=True)
    pairs = zip(found.true, found.probabilities, strict=True)
    away = [wasserstein_distance([true], range(3), v_weights=weights) for true, weights in pairs]
    assert list(found.measures()) == list(task_named("ordinal").compared)
    assert found.measures()["emd"] == pytest.approx(np.mean(away))


def test_a_measure_hides_no_nan_and_one_sure_mistake_is_not_all():
    sure = ClassOutcome(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]), NAMES[:2])
    assert sure.measures()["nll"] == pytest.approx(-np.log(np.finfo(np.float32).eps) / 2)
    broken = ClassOutcome(np.array([0, 1]), np.array([[np.nan, np.nan], [0.0, 1.0]]), NAMES[:2]).measures()
    assert np.isnan([broken["nll"], broken["ece"]]).all()


def test_mistakes_come_in_the_order_of_their_confidence():
    found = outcome()
    numbers = found.mistakes(5)
    assert (found.predicted[numbers] != found.true[numbers]).all()
    confidence = found.probabilities.max(axis=1)
    wrong = np.flatnonzero(found.predicted != found.true)
    assert sorted(confidence[wrong], reverse=True)[:5] == confidence[numbers].tolist()


def test_examples_go_through_the_classes_in_turn():
    found = ClassOutcome(np.array([0, 0, 0, 1, 2, 2]), np.eye(3)[[0, 0, 0, 1, 2, 2]], NAMES)
    assert found.examples(6).tolist() == [0, 3, 4, 1, 5, 2]
    assert found.examples(3).tolist() == [0, 3, 4]


def test_pictures_are_those_that_the_task_has_captions_for():
    task = task_named("classification")
    assert list(outcome().figures()) == list(task.pictures)
    assert list(outcome(image=False).figures()) == ["confusion"]
    right = ClassOutcome(np.arange(3), np.eye(3), NAMES, np.zeros((3, 2, 2, 3), "uint8").__getitem__)
    assert list(right.figures()) == ["confusion", "examples"]


def test_a_model_is_measured_in_the_order_of_the_split():
    keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).integers(0, 256, (25, 4, 4, 1), "uint8")
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    )
    split = ArraySplit(inputs, np.arange(25) % 3)
    found = task_named("classification").measure(
        Measured(forward=Forward(model), test=split, class_names=NAMES, batch_size=4)
    )
    np.testing.assert_allclose(found.probabilities, model.predict(inputs, verbose=0), rtol=1e-5)
    np.testing.assert_array_equal(found.true, split.y)
    np.testing.assert_array_equal(found.image(7), inputs[7])


def test_a_single_output_is_the_probability_of_the_second_of_two_classes():
    outputs = np.array([[0.25], [1.0]])
    assert class_probabilities(outputs, 2).tolist() == [[0.75, 0.25], [0.0, 1.0]]
    assert class_probabilities(np.eye(3), 3).tolist() == np.eye(3).tolist()


@pytest.mark.parametrize(("outputs", "names"), [(3, 2), (3, 0), (1, 3), (2, 1)])
def test_outputs_that_are_not_one_for_each_name_are_refused(outputs, names):
    with pytest.raises(KzooError, match=f"gives {outputs} outputs for an example, and there are {names} classes"):
        class_probabilities(np.ones((4, outputs)), names)


@pytest.mark.parametrize(
    ("task", "takes", "form"),
    [
        ("classification", {"dense", "sparse"}, "dense"),
        ("classification", {"sparse"}, "sparse"),
        ("classification", set(), ""),
        ("ordinal", {"sparse"}, "sparse"),
        ("binary", {"dense", "sparse"}, "column"),
        ("regression", {"dense"}, ""),
        ("detection", {"dense"}, ""),
    ],
)
def test_the_form_of_labels_is_the_tasks_to_say(task, takes, form):
    assert task_named(task).label_form(takes) == form


def test_labels_in_the_form_of_a_single_output_are_a_column():
    encoded = label_encoder("column", 2)(np.array([0, 1, 1]), None)
    assert encoded.dtype == "float32"
    assert np.asarray(encoded).tolist() == [[0.0], [1.0], [1.0]]
