"""Many labels of an example: measured as scikit-learn measures them, said from the best threshold on."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    multilabel_confusion_matrix,
    precision_recall_curve,
)

from kzoo.data.splits import ArraySplit
from kzoo.errors import DataError, KzooError
from kzoo.tasks import LabelsPrediction, Measured, task_named
from kzoo.tasks.label_measures import UNDECIDED, best_thresholds
from kzoo.tasks.many_labels import LabelsOutcome

NAMES = tuple("abcdef")
TASK = task_named("multilabel")
RNG = np.random.default_rng(0)
TRUE = RNG.random((90, 6)) < [0.5, 0.3, 0.1, 0.02, 0.9, 0.0]
PROBABILITIES = np.round(np.clip(0.35 * TRUE + RNG.random((90, 6)) * 0.6, 0, 1), 2).astype(np.float32)  # with ties
PICTURES = RNG.integers(0, 256, (90, 8, 8, 3), dtype=np.uint8)


def outcome(thresholds=(0.5,) * 6, image=None):
    return LabelsOutcome(TRUE, PROBABILITIES, NAMES, thresholds, image)


def measured(labels, *, names=NAMES, reader=None, outputs=PROBABILITIES, known=()):
    def forward(x):
        return outputs[: len(x)]

    forward.engine = "numpy"
    split = ArraySplit(PICTURES[: len(labels)], np.asarray(labels))
    return Measured(forward=forward, test=split, class_names=names, known_classes=known, description="some pictures",
                    reader=reader)  # fmt: skip


@pytest.mark.parametrize("thresholds", [(0.5,) * 6, (0.3, 0.7, 0.2, 0.99, 0.0, 0.61)])
def test_the_measures_are_scikit_learn_s(thresholds):
    found, said = outcome(thresholds), np.asarray(thresholds) <= PROBABILITIES
    precisions = [average_precision_score(TRUE[:, at], PROBABILITIES[:, at]) for at in range(5)]
    assert found.metrics() == pytest.approx(
        {
            "map": np.mean(precisions),
            "f1_micro": f1_score(TRUE, said, average="micro"),
            "f1_macro": f1_score(TRUE, said, average="macro", zero_division=0),
            "exact_match": accuracy_score(TRUE, said),
        }
    )
    rows = found.per_class()
    matrices = multilabel_confusion_matrix(TRUE, said)
    for at, name in enumerate(NAMES):
        (_, wrong), (missed, right) = matrices[at]
        assert rows[name]["precision"] == pytest.approx(right / (right + wrong) if right else 0)
        assert rows[name]["recall"] == pytest.approx(right / (right + missed) if right else 0)
        assert (rows[name]["support"], rows[name]["threshold"]) == (TRUE[:, at].sum(), thresholds[at])
    assert [rows[name]["average_precision"] for name in NAMES[:5]] == pytest.approx(precisions)
    assert np.isnan(rows["f"]["average_precision"])
    assert np.diagonal(found.confusion().counts).tolist() == matrices[:, 1, 1].tolist()


def test_the_best_threshold_has_the_best_f1_of_all():
    found = best_thresholds(TRUE, PROBABILITIES)
    for at, threshold in enumerate(found[:5]):
        precision, recall, _ = precision_recall_curve(TRUE[:, at], PROBABILITIES[:, at])
        every = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
        assert f1_score(TRUE[:, at], PROBABILITIES[:, at] >= threshold) == pytest.approx(every.max())
    assert found[5] == UNDECIDED, "of a label that no example has nothing is known"
    assert best_thresholds(np.ones((4, 1), bool), np.full((4, 1), 0.1)) == [UNDECIDED]


def test_a_threshold_lies_between_what_occurs():
    assert best_thresholds(np.array([[1], [1], [0]], bool), np.array([[0.8], [0.6], [0.2]])) == pytest.approx([0.4])


def test_examples_of_one_class_each_are_measured_too():
    found = TASK.measure(measured([2, 0, 1], names=("b", "a", "c"), known=NAMES))
    assert found.true.tolist() == np.eye(6, dtype=bool)[[2, 1, 0]].tolist()
    assert found.thresholds == [UNDECIDED] * 6


def test_thresholds_are_the_reader_s():
    class Reader:
        thresholds = (0.1,) * 6

    heard = []
    found = TASK.measure(measured(TRUE.astype(float), reader=lambda settings: heard.append(settings) or Reader()))
    assert found.thresholds == Reader.thresholds
    assert found.metrics() == outcome(Reader.thresholds).metrics()
    assert heard == [{}]


@pytest.mark.parametrize(
    ("labels", "outputs", "error", "said"),
    [
        (np.zeros((0, 6)), PROBABILITIES, DataError, "no example to measure on in some pictures"),
        (np.zeros((3, 6)), PROBABILITIES[:, :4], KzooError, "gives 4 outputs for an example, and there are 6 names"),
        (np.zeros((3, 6)), np.full((3, 6), np.nan), KzooError, "3 of 3 examples is no finite number"),
        (np.zeros((3, 4)), PROBABILITIES, DataError, "are not a number for each of these, nor classes among them"),
    ],
)
def test_what_cannot_be_measured(labels, outputs, error, said):
    with pytest.raises(error, match=said):
        TASK.measure(measured(labels, outputs=outputs))


def test_pictures_of_the_test():
    figures = outcome(image=PICTURES.__getitem__).figures()
    assert set(figures) == set(TASK.pictures)
    bars = figures["average_precision"].axes[0]
    widths = [bar.get_width() for bar in bars.patches]
    assert widths == sorted(widths)
    assert len(widths) == 5, "a label that does not occur has no average precision"
    titles = [axes.get_title() for axes in figures["mistakes"].axes]
    wrong = ((PROBABILITIES >= 0.5) != TRUE).sum(axis=1)
    assert wrong[outcome().mistakes(24)].tolist() == sorted(wrong, reverse=True)[:24]
    assert all("\nhas " in title for title in titles)
    assert set(outcome().figures()) == {"average_precision", "labels_together"}


def test_a_prediction_lists_what_reaches_its_threshold():
    said = LabelsPrediction(("dog", "cat"), {"cat": 0.55, "dog": 0.9, "owl": 0.3, "labels": 0.1}, {"cat": 0.5})
    assert said.text == "dog 90%, cat 55%"
    assert said.columns(3) == {"labels": "dog 0.900, cat 0.550", "not said": "owl 0.300, labels 0.100"}
    assert said.columns() == {"labels": "dog 0.900, cat 0.550"}
    assert said.rows() == [{"labels": "dog;cat", "cat": 0.55, "dog": 0.9, "owl": 0.3, "p(labels)": 0.1}]
    assert said.to_dict()["labels"] == ["dog", "cat"]
    assert LabelsPrediction((), {"cat": 0.1}).text == "no label"
