"""Metrics between numbers, from scikit-learn and SciPy."""

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import metrics

from agreement.case import metric_case as case

SKLEARN = f"scikit-learn {sklearn.__version__}"
SCIPY = f"SciPy {scipy.__version__}"
SHAPES = [(50, 1), (30, 3), (7, 5)]


def numbers(seed, shape, *, offset=0.0):
    """Return targets, predictions and weights, exact in float32."""
    rng = np.random.default_rng(seed)
    y_true = (rng.normal(size=shape) * np.arange(1, shape[-1] + 1) + offset).astype("float32")
    y_pred = (y_true + rng.normal(size=shape)).astype("float32")
    return y_true, y_pred, rng.integers(0, 5, shape[0]).astype("float32") / 4


def adjusted(r2, count, regressors):
    """Return the adjusted R2 by its definition."""
    return 1 - (1 - r2) * (count - 1) / (count - regressors - 1)


def _explained(y_true, y_pred, weights, note):
    true, pred = (one.astype("float64") for one in (y_true, y_pred))
    for weight in (None, weights):
        count = len(true) if weight is None else weight.sum()
        for several in ("uniform_average", "variance_weighted", "raw_values"):
            r2 = metrics.r2_score(true, pred, sample_weight=weight, multioutput=several)
            text = f"adjusted_r2:multioutput={several}"
            yield case(text, f"{SKLEARN} r2_score", y_true, y_pred, r2, weight, note)
        r2 = metrics.r2_score(true, pred, sample_weight=weight)
        for regressors in (1, 2):
            if count - regressors - 1 > 0:
                text, reference = f"adjusted_r2:num_regressors={regressors}", f"{SKLEARN} r2_score, adjusted by hand"
                yield case(text, reference, y_true, y_pred, adjusted(r2, count, regressors), weight, note)


def _relative(y_true, y_pred, weights, note):
    true, pred = (one.astype("float64") for one in (y_true, y_pred))
    for weight in (None, weights):
        squared = metrics.mean_squared_error(true, pred, sample_weight=weight, multioutput="raw_values")
        mean = np.average(true, 0, weight)
        spread = np.sqrt(np.average((true - mean) ** 2, 0, weight))
        size = np.sqrt(np.average(true**2, 0, weight))
        for name, unit in (("mean", np.abs(mean)), ("std", spread), ("rms", size)):
            reference = f"{SKLEARN} mean_squared_error, divided by NumPy's average"
            value = (np.sqrt(squared) / unit).mean()
            yield case(f"nrmse:normalization={name}", reference, y_true, y_pred, value, weight, note)
        error = np.average(np.abs(true - pred), 0, weight).sum() / np.average(np.abs(true), 0, weight).sum()
        yield case("wmape", "NumPy average, float64", y_true, y_pred, error, weight, note)
        error = np.average(2 * np.abs(true - pred) / (np.abs(true) + np.abs(pred)), 0, weight).mean()
        yield case("smape", "NumPy average, float64", y_true, y_pred, error, weight, note)


def _means(y_true, y_pred, weights, note):
    errors = np.abs(y_true.astype("float64") - y_pred.astype("float64"))
    for weight in (None, weights):
        each = np.ones(errors.shape) if weight is None else np.broadcast_to(weight[:, None], errors.shape)
        kept = each.ravel() > 0
        for name, function in (("geometric_mean", stats.gmean), ("harmonic_mean", stats.hmean)):
            value = function(errors.ravel()[kept], weights=each.ravel()[kept])
            yield case(name, f"{SCIPY} {function.__name__}", y_true, y_pred, value, weight, note)


def _pinball(seed, count):
    rng = np.random.default_rng(seed)
    levels = [0.1, 0.5, 0.9][:count]
    y_true, y_pred = rng.normal(size=(20, 1)).astype("float32"), rng.normal(size=(20, count)).astype("float32")
    weights = rng.integers(0, 4, 20).astype("float32")
    for weight in (None, weights):
        value = [
            metrics.mean_pinball_loss(y_true[:, 0], y_pred[:, at], alpha=level, sample_weight=weight)
            for at, level in enumerate(levels)
        ]
        tau = levels if count > 1 else levels[0]
        component = {"name": "mean_pinball", "tau": tau}
        yield case(component, f"{SKLEARN} mean_pinball_loss", y_true, y_pred, np.mean(value), weight)


def cases():
    found = []
    for seed, shape in enumerate(SHAPES):
        for offset, note in ((0.0, ""), (3000.0, "far from 0")):
            data = numbers(seed, shape, offset=offset)
            found += [*_explained(*data, note), *_relative(*data, note), *_means(*data, note)]
    for count in (1, 2, 3):
        found += _pinball(count, count)
    constant = np.full((6, 2), 0.1, "float32")
    constant[:, 1] = np.arange(6)
    for note, y_pred in (("exact", constant), ("one constant output", constant + np.float32(0.25))):
        for several in ("uniform_average", "variance_weighted", "raw_values"):
            r2 = metrics.r2_score(constant, y_pred.astype("float64"), multioutput=several)
            found.append(
                case(f"adjusted_r2:multioutput={several}", f"{SKLEARN} r2_score", constant, y_pred, r2, note=note)
            )
    return found
