"""Sums of losses, from sums of what scikit-learn and SciPy say of each."""

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn.metrics import f1_score, log_loss, mean_absolute_error, mean_squared_error

from agreement.case import Case

SKLEARN = f"scikit-learn {sklearn.__version__}"
SCIPY = f"SciPy {scipy.__version__}"


def cases():
    """Return all cases of this file."""
    return [*_numbers(), *_classes(), *_masks()]


def _case(losses, weights, reference, y_true, y_pred, value, gradient=None, note=""):
    component = {"name": "mixture", "losses": losses} | ({"weights": weights} if weights else {})
    expected = {"value": np.asarray(value)} | ({} if gradient is None else {"gradient": gradient})
    inputs = {"y_true": y_true, "y_pred": y_pred}
    return Case(kind="loss", component=component, reference=reference, inputs=inputs, expected=expected, note=note)


def _numbers():
    reference = f"{SKLEARN} mean_squared_error, mean_absolute_error"
    for seed, shape in enumerate([(6, 3), (1, 1)]):
        rng = np.random.default_rng(seed)
        y_true, y_pred = (rng.normal(size=shape).astype("float32") for _ in range(2))
        apart = (y_pred - y_true).astype("float64")
        for weights in (None, [1, 0.5], [-0.25, 3]):
            one, other = weights or (1, 1)
            value = [one * mean_squared_error(t, p) + other * mean_absolute_error(t, p)
                     for t, p in zip(y_true, y_pred, strict=True)]  # fmt: skip
            gradient = (one * 2 * apart + other * np.sign(apart)) / shape[-1]
            losses = ["mean_squared_error", "mean_absolute_error"]
            yield _case(losses, weights, reference, y_true, y_pred, value, gradient)
            # Nested, and a loss of weight 0 has no part in it.
            table = {"name": "mixture", "losses": ["mse", {"name": "mae"}], "weights": [one, other]}
            yield _case(["huber", table], [0, 2], reference, y_true, y_pred, 2 * np.array(value), 2 * gradient)


def _classes():
    rng = np.random.default_rng(3)
    labels, ranks = rng.integers(0, 4, 7), np.arange(4)
    y_pred = (rng.multinomial(59, np.ones(4) / 4, 7).astype("float32") + 1.25) / 64  # exact, and sums of 1
    value = [0.5 * log_loss([label], [p.astype("float64")], labels=ranks)
             + 2 * stats.wasserstein_distance(ranks, ranks, p, np.eye(4)[label]) / 4
             for label, p in zip(labels, y_pred, strict=True)]  # fmt: skip
    reference = f"{SKLEARN} log_loss, {SCIPY} wasserstein_distance"
    emd = {"name": "emd", "p": 1}
    yield _case(["crossentropy", emd], [0.5, 2], reference, np.eye(4, dtype="float32")[labels], y_pred, value)
    yield _case(["sparse_categorical_crossentropy", emd], [0.5, 2], reference, labels, y_pred, value, note="indices")


def _masks():
    """Dice has a value for each sample and the squared error one for each position."""
    rng = np.random.default_rng(4)
    y_true, y_pred = (np.eye(3, dtype="float32")[rng.integers(0, 3, (5, 4, 6))] for _ in range(2))
    value = [
        0.75 * (1 - np.mean([f1_score(t[..., c].ravel(), p[..., c].ravel(), zero_division=1) for c in range(3)]))
        + 1.5 * mean_squared_error(t.ravel(), p.ravel())
        for t, p in zip(y_true, y_pred, strict=True)
    ]
    reference = f"{SKLEARN} f1_score, mean_squared_error"
    yield _case(["soft_dice", "mean_squared_error"], [0.75, 1.5], reference, y_true, y_pred, value)
    yield _case(["mean_squared_error", "soft_dice"], [1.5, 0.75], reference, y_true, y_pred, value, note="turned round")
