"""Metrics of order, from SciPy, scikit-learn and NumPy."""

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn.metrics import mean_absolute_error
from sklearn.neighbors import NearestNeighbors

from agreement.case import metric_case as case

SKLEARN = f"scikit-learn {sklearn.__version__}"
SCIPY = f"SciPy {scipy.__version__}"


def _ranks(seed, size, classes):
    rng = np.random.default_rng(seed)
    labels, soft = rng.integers(0, classes, size), rng.dirichlet(np.ones(classes), size).astype("float32")
    weights = rng.integers(0, 5, size).astype("float32")
    for weight in (None, weights):
        for expected, rank in ((False, soft.argmax(-1)), (True, soft.astype("float64") @ np.arange(classes))):
            error = mean_absolute_error(labels, rank, sample_weight=weight)
            component = {"name": "ordinal_mae", "expected_rank": expected}
            for true in (labels, np.eye(classes, dtype="float32")[labels]):
                yield case(component, f"{SKLEARN} mean_absolute_error", true, soft, error, weight=weight)


def _correlations(seed, size, outputs, values):
    """Yield correlations of numbers, with ties where ``values`` says how many different ones there are."""
    rng = np.random.default_rng(seed)
    y_true = rng.normal(size=(size, outputs))
    y_pred = y_true + rng.normal(size=(size, outputs))
    if values:
        y_true, y_pred = np.clip(np.round(y_true), -values, values), np.clip(np.round(y_pred), -values - 1, values)
    y_true, y_pred = y_true.astype("float32"), y_pred.astype("float32")
    weights = rng.integers(0, 4, size)
    for weight in (None, weights):
        # A whole weight is that many equal samples.
        true, pred = (y if weight is None else np.repeat(y, weight, 0) for y in (y_true, y_pred))
        columns = list(zip(true.T, pred.T, strict=True))
        given = None if weight is None else weight.astype("float32")
        found = [
            ("spearman", "spearmanr", [stats.spearmanr(*both).statistic for both in columns]),
            ("kendall", "kendalltau", [stats.kendalltau(*both).statistic for both in columns]),
            ("kendall:variant=c", "kendalltau", [stats.kendalltau(*both, variant="c").statistic for both in columns]),
        ]
        for component, function, each in found:
            yield case(component, f"{SCIPY} {function}", y_true, y_pred, np.mean(each), weight=given)


def _recall(seed, size, classes, distance):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, size)
    vectors = (rng.normal(size=(size, 6)) + 2 * rng.normal(size=(classes, 6))[labels] + 3).astype("float32")
    for k in (1, 3, 7):
        near = NearestNeighbors(n_neighbors=k, metric=distance).fit(vectors.astype("float64"))
        neighbours = near.kneighbors(return_distance=False)
        asks = (labels[:, None] == labels).sum(1) > 1
        recall = (labels[neighbours] == labels[:, None]).any(1)[asks].mean()
        component = f"recall_at_k:k={k},distance={distance}"
        yield case(component, f"{SKLEARN} NearestNeighbors", labels, vectors, recall)


def cases():
    found = [*_ranks(0, 50, 6), *_ranks(1, 3, 101)]
    for seed, (size, outputs, values) in enumerate([(60, 1, 0), (40, 3, 0), (80, 2, 2), (9, 1, 1), (300, 1, 4)]):
        found += _correlations(seed, size, outputs, values)
    for distance in ("cosine", "euclidean"):
        found += [*_recall(2, 60, 8, distance), *_recall(3, 200, 90, distance)]
    return found
