"""Who lies near whom: recall, precision at R and pairs, as scikit-learn and pytorch-metric-learning calculate them."""

import numpy as np
import pytest
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from sklearn.neighbors import NearestNeighbors

from kzoo.data.splits import ArraySplit
from kzoo.errors import DataError, KzooError
from kzoo.tasks import Measured, task_named
from kzoo.tasks.neighbours import Neighbour, VectorPrediction
from kzoo.tasks.vector_measures import nearest, pairs_of, retrieval_of, unit_vectors
from kzoo.tasks.vectors import VectorOutcome

# By pytorch-metric-learning 2.9.0's AccuracyCalculator (precision_at_1, mean_average_precision_at_r) on `clusters(0)`.
PRECISION_AT_1, MAP_AT_R = 0.925, 0.6970825025835362


def clusters(seed, count=120, kinds=9, noise=0.9):
    """Return vectors of length 1 around a middle for each kind, and their kinds, which are of different sizes."""
    rng = np.random.default_rng(seed)
    labels = np.minimum(rng.geometric(0.2, count), kinds) - 1
    middles = rng.normal(size=(kinds, 16))
    return unit_vectors(middles[labels] + noise * rng.normal(size=(count, 16))), labels


def cosines_of_pairs(vectors, labels):
    row, column = np.triu_indices(len(labels), 1)
    cosines = (vectors.astype(np.float64) @ vectors.astype(np.float64).T)[row, column]
    return (labels[row] == labels[column]).astype(int), cosines


@pytest.fixture(scope="module")
def outcome():
    return VectorOutcome(*clusters(0), [f"kind {number}" for number in range(9)])


def test_recall_is_that_of_scikit_learns_neighbours(outcome):
    vectors, labels = outcome.vectors, outcome.labels
    _, near = NearestNeighbors(n_neighbors=11, metric="cosine").fit(vectors).kneighbors(vectors)
    found = np.array([[other for other in row if other != number][:10] for number, row in enumerate(near)])
    asks = np.bincount(labels)[labels] > 1
    for k in (1, 5, 10):
        expected = (labels[found[:, :k]] == labels[:, None]).any(axis=1)[asks].mean()
        assert outcome.metrics()[f"recall_{k}"] == pytest.approx(expected)


def test_precision_at_r_is_scikit_learns_average_precision_of_the_r_nearest(outcome):
    cosines = outcome.vectors @ outcome.vectors.T
    np.fill_diagonal(cosines, -np.inf)
    expected = []
    for number, row in enumerate(cosines):
        others = (outcome.labels == outcome.labels[number]).sum() - 1
        if not others:
            continue
        near = np.argsort(-row)[:others]
        right = outcome.labels[near] == outcome.labels[number]
        expected.append(average_precision_score(right, row[near]) * right.sum() / others if right.any() else 0.0)
    assert outcome.metrics()["map_r"] == pytest.approx(np.mean(expected))


def test_recall_and_precision_are_those_of_pytorch_metric_learning(outcome):
    assert outcome.metrics()["recall_1"] == pytest.approx(PRECISION_AT_1, abs=1e-6)
    assert outcome.metrics()["map_r"] == pytest.approx(MAP_AT_R, abs=1e-6)


def test_pairs_are_told_apart_as_scikit_learn_says(outcome):
    same, cosines = cosines_of_pairs(outcome.vectors, outcome.labels)
    accepted, found, _ = roc_curve(same, cosines)
    rate = brentq(lambda x: 1 - x - interp1d(accepted, found)(x), 0, 1)
    metrics = outcome.metrics()
    assert metrics["verification_auc"] == pytest.approx(roc_auc_score(same, cosines), abs=1e-5)
    assert metrics["equal_error_rate"] == pytest.approx(rate, abs=1e-4)
    wrong = (cosines >= metrics["threshold"])[same == 0].mean(), (cosines < metrics["threshold"])[same == 1].mean()
    assert wrong == pytest.approx((rate, rate), abs=2e-3)


def test_pieces_give_what_the_whole_gives(outcome, monkeypatch):
    monkeypatch.setattr("kzoo.tasks.vector_measures._CHUNK_NUMBERS", 700)  # five rows at once
    vectors, labels = outcome.vectors, outcome.labels
    np.testing.assert_array_equal(retrieval_of(vectors, labels).neighbours, outcome.retrieval.neighbours)
    pieces = pairs_of(vectors, labels)
    assert pieces.same.sum() + pieces.other.sum() == len(labels) * (len(labels) - 1) // 2
    assert pieces.auc == pytest.approx(outcome.pairs.auc, abs=1e-6)


def test_the_nearest_of_a_gallery_are_those_of_a_whole_sort():
    vectors, _ = clusters(1)
    places, cosines = nearest(vectors[:3], vectors[3:], 7)
    everything = vectors[:3] @ vectors[3:].T
    np.testing.assert_array_equal(places, np.argsort(-everything, axis=1)[:, :7])
    np.testing.assert_allclose(cosines, -np.sort(-everything, axis=1)[:, :7])
    assert nearest(vectors[:1], vectors[3:5], 9)[0].shape == (1, 2)


def test_a_picture_alone_in_its_kind_asks_for_nothing():
    vectors = unit_vectors(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]))
    alone = VectorOutcome(vectors, np.array([4, 4, 7]), ())
    assert alone.metrics()["recall_1"] == 1.0
    assert alone.per_class()["7"]["pictures"] == 1
    assert np.isnan(alone.per_class()["7"]["recall_1"])
    nobody = VectorOutcome(vectors, np.arange(3), ("a", "b", "c")).metrics()
    assert all(np.isnan(nobody[name]) for name in ("recall_1", "map_r", "verification_auc", "equal_error_rate"))


def test_one_picture_and_one_kind_measure_nothing_and_break_nothing():
    one = VectorOutcome(np.ones((1, 2), np.float32), np.zeros(1, int), ("a",), lambda number: np.zeros((4, 4, 1)))
    assert np.isnan(one.metrics()["recall_1"])
    assert set(one.figures()) == {"pairs"}


@pytest.mark.long
def test_the_pictures_are_those_that_the_task_names(outcome):
    shown = VectorOutcome(*clusters(0), outcome.kinds, lambda number: np.full((8, 8, 1), number, np.uint8))
    figures = shown.figures()
    assert set(figures) == set(task_named("embedding").pictures)
    wrong = shown.mistakes(3)
    assert all(shown.labels[shown.retrieval.neighbours[n, 0]] != shown.labels[n] for n in wrong)


def measured(outputs, count=4):
    split = ArraySplit(np.zeros((count, 4, 4, 1), np.uint8), np.arange(count))

    def forward(x):
        return outputs[: len(x)]

    forward.engine = "numpy"
    return Measured(forward=forward, test=split, description="four pictures")


@pytest.mark.parametrize(
    ("outputs", "error", "said"),
    [
        (np.zeros((4, 2, 2)), KzooError, "one vector for each picture is due"),
        (np.full((4, 2), np.nan), KzooError, "4 of 4 pictures hold numbers that are not finite"),
    ],
)
def test_outputs_that_are_no_vectors_are_refused(outputs, error, said):
    with pytest.raises(error, match=said):
        task_named("embedding").measure(measured(outputs))


def test_nothing_to_measure_is_said():
    with pytest.raises(DataError, match="no picture to measure on in four pictures"):
        task_named("embedding").measure(measured(np.zeros((0, 2)), 0))


def test_a_prediction_tells_its_neighbours_or_its_vector():
    found = [Neighbour("cup/1.jpg", "cup", 0.91), Neighbour("2.jpg", "", 0.5)]
    one = VectorPrediction(np.array([0.6, 0.8], np.float32), lambda top: found[:top])
    assert one.text == "cup 0.91"
    assert one.columns(2) == {"nearest": "cup/1.jpg", "kind": "cup", "cosine": "0.9100", "next": "2.jpg 0.500"}
    assert [row["rank"] for row in one.rows()] == [1, 2]
    assert [row["rank"] for row in one.best_rows(1)] == [1]
    assert one.to_dict(1)["nearest"] == [{"image": "cup/1.jpg", "kind": "cup", "cosine": 0.91}]
    alone = VectorPrediction(np.array([0.6, 0.8], np.float32))
    assert alone.text == "a vector of 2 numbers"
    assert alone.to_dict()["vector"] == [0.6, 0.8]
    assert alone.rows() == alone.best_rows(1) == [{"v0": pytest.approx(0.6), "v1": pytest.approx(0.8)}]


def test_validation_data_that_says_nothing_of_pairs_or_of_the_kinds_that_are_learned():
    task = task_named("embedding")

    def silent(labels, predicts):
        return set(task.silent(ArraySplit(np.zeros(len(labels)), np.array(labels)), predicts, 3))

    assert silent([0, 1, 2], "embeddings") == {"loss", "metrics"}
    assert silent([0, 1, 2], "cosines") == {"metrics"}
    assert silent([3, 3, 4], "cosines") == {"loss"}
    assert silent([0, 3, 4, 4], "cosines") == silent([4, 4], "distances") == set()
