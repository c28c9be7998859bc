"""The earth mover's distances and the histograms' means, from SciPy."""

import numpy as np
import scipy
from gradients import finite_differences
from scipy.special import softmax
from scipy.stats import energy_distance, wasserstein_distance

from agreement.case import Case

BY_HAND = "NumPy, float64, by the definition"
SCIPY = f"SciPy {scipy.__version__}"
SIZES = [(5, 6), (1, 2), (3, 101)]


def distributions(samples, classes, seed):
    """Return two sets of distributions, exact in float32; the first row of the two is equal where there are others."""
    rng = np.random.default_rng(seed)
    one, other = (rng.dirichlet(np.ones(classes), samples).astype("float32") for _ in range(2))
    if samples > 1:
        other[0] = one[0]
    return one, other


def emd_of(p, *, normalize):
    """Return a function of two sets of distributions: the definition, sample by sample."""

    def function(y_true, y_pred):
        d = np.abs(np.cumsum(y_pred, -1) - np.cumsum(np.asarray(y_true, "float64"), -1))
        return (d**p).mean(-1) ** (1 / p) if normalize else (d**p).sum(-1) ** (1 / p)

    return function


def wasserstein(y_true, y_pred):
    bins = np.arange(y_true.shape[-1])
    return np.array([wasserstein_distance(bins, bins, q, p) for q, p in zip(y_true, y_pred, strict=True)])


def half_squared_energy(y_true, y_pred):
    bins = np.arange(y_true.shape[-1])
    return np.array([energy_distance(bins, bins, q, p) ** 2 / 2 for q, p in zip(y_true, y_pred, strict=True)])


def cases():
    found = []
    for seed, (samples, classes) in enumerate(SIZES):
        y_true, y_pred = distributions(samples, classes, seed)
        apart = slice(1, None) if samples > 1 else slice(None)  # finite differences need rows that do not match exactly
        logits = (np.random.default_rng(seed).normal(size=y_pred.shape) * 3).astype("float32")
        labels = np.random.default_rng(seed).integers(0, classes, samples)
        # The last cumulative difference is 0 but for rounding, a kink for p < 2: gradients are compared through logits.
        for p in (1, 1.5, 2, 3):
            for normalize in (True, False):
                of, text = emd_of(p, normalize=normalize), f"emd:p={p},normalize={str(normalize).lower()}"
                found += [
                    _loss(text, BY_HAND, y_true[apart], y_pred[apart], of, gradient=p >= 2),
                    _loss(
                        f"{text},from_logits=true",
                        BY_HAND,
                        labels,
                        logits,
                        lambda t, z, of=of: of(np.eye(z.shape[-1])[t], softmax(z, -1)),
                    ),
                    _metric(text, BY_HAND, y_true, y_pred, of),
                ]
        found += [
            _loss(
                "emd:p=1,normalize=false", f"{SCIPY} wasserstein_distance", y_true, y_pred, wasserstein, gradient=False
            ),
            _metric("emd", f"{SCIPY} wasserstein_distance", y_true, y_pred, wasserstein),
            _loss(
                "squared_emd",
                BY_HAND,
                y_true,
                y_pred,
                lambda t, y: ((np.cumsum(y, -1) - np.cumsum(np.asarray(t, "float64"), -1)) ** 2).sum(-1),
            ),
            _loss("squared_emd", f"{SCIPY} energy_distance", y_true, y_pred, half_squared_energy, gradient=False),
            _loss("histogram_mae", BY_HAND, y_true[apart], y_pred[apart], _means_apart),
        ]
    return found


def _means_apart(y_true, y_pred):
    bins = np.arange(y_true.shape[-1])
    return np.abs((np.asarray(y_true, "float64") * bins).sum(-1) - (y_pred * bins).sum(-1))


def _loss(component, reference, y_true, y_pred, function, *, gradient=True):
    wide = np.asarray(y_pred, "float64")
    expected = {"value": function(y_true, wide)}
    if gradient:
        expected["gradient"] = finite_differences(lambda at: function(y_true, at), wide)
    return Case(
        kind="loss",
        component=component,
        reference=reference,
        inputs={"y_true": y_true, "y_pred": y_pred},
        expected=expected,
    )


def _metric(component, reference, y_true, y_pred, function):
    return Case(
        kind="metric",
        component=component,
        reference=reference,
        inputs={"y_true": y_true, "y_pred": y_pred},
        expected={"value": function(y_true, np.asarray(y_pred, "float64")).mean()},
    )
