"""Losses between numbers, from scikit-learn and SciPy."""

import numpy as np
import scipy
import sklearn
from scipy import special, stats
from sklearn.metrics import mean_pinball_loss, mean_squared_error

from agreement.case import Case

SKLEARN = f"scikit-learn {sklearn.__version__}"
SCIPY = f"SciPy {scipy.__version__}"


def case(component, reference, y_true, y_pred, value, gradient=None, note=""):
    """Return the case of a loss."""
    expected = {"value": value} if gradient is None else {"value": value, "gradient": gradient}
    inputs = {"y_true": y_true, "y_pred": y_pred}
    return Case(kind="loss", component=component, reference=reference, inputs=inputs, expected=expected, note=note)


def numbers(seed, shape, scale=1.0):
    """Return targets and predictions that are exact in float32; the first sample is predicted exactly."""
    rng = np.random.default_rng(seed)
    y_true, y_pred = (rng.normal(size=shape).astype("float32") * np.float32(scale) for _ in range(2))
    y_pred[0] = y_true[0]
    return y_true, y_pred


def _scaled_mse():
    for seed, shape in enumerate([(5, 1), (4, 3), (1, 7)]):
        y_true, y_pred = numbers(seed, shape, 30)
        for scale in (10, 0.5):
            one, other = (np.asarray(y, "float64") / scale for y in (y_true, y_pred))
            value = [mean_squared_error(a, b) for a, b in zip(one, other, strict=True)]
            gradient = 2 * (other - one) / scale / shape[-1]
            yield case(f"scaled_mse:scale={scale}", f"{SKLEARN} mean_squared_error", y_true, y_pred, value, gradient)


def _pinball():
    reference = f"{SKLEARN} mean_pinball_loss"
    for seed, (count, levels) in enumerate([(6, [0.5]), (1, [0.9]), (9, [0.1, 0.5, 0.9]), (3, [0.01, 0.99])]):
        y_true, _ = numbers(seed, (count, 1), 5)
        y_pred = np.random.default_rng(100 + seed).normal(size=(count, len(levels))).astype("float32") * 5
        value = [np.mean([mean_pinball_loss(t, p[[i]], alpha=a) for i, a in enumerate(levels)])
                 for t, p in zip(y_true, y_pred, strict=True)]  # fmt: skip
        # The slope of each side, by the definition.
        gradient = np.where(y_true > y_pred, -np.array(levels), 1 - np.array(levels)) / len(levels)
        tau = levels if len(levels) > 1 else levels[0]
        yield case({"name": "pinball", "tau": tau}, reference, y_true, y_pred, value, gradient)
        yield case({"name": "pinball", "tau": tau}, reference, y_true[:, 0], y_pred, value, gradient, "targets (N,)")
        yield case({"name": "pinball", "tau": tau}, reference, y_true, y_true.repeat(len(levels), -1),
                   np.zeros(count), np.zeros(y_pred.shape), "an exact match")  # fmt: skip
    y_true, y_pred = numbers(7, (5, 4))
    value = [mean_pinball_loss(t, p, alpha=0.3) for t, p in zip(y_true, y_pred, strict=True)]
    yield case("pinball:tau=0.3", reference, y_true, y_pred, value, note="several targets")
    single = [mean_pinball_loss(t[:1], p[:1], alpha=0.3) for t, p in zip(y_true, y_pred, strict=True)]
    yield case("pinball:tau=0.3", reference, y_true[:, 0], y_pred[:, 0], single, note="shape (N,)")
    steps, levels = y_true[:4].reshape(2, 2, 4), [0.2, 0.4, 0.6, 0.8]
    target = steps[..., :1] + np.float32(0.5)
    value = [[np.mean([mean_pinball_loss(t, p[[i]], alpha=a) for i, a in enumerate(levels)])
              for t, p in zip(*pair, strict=True)] for pair in zip(target, steps, strict=True)]  # fmt: skip
    yield case({"name": "pinball", "tau": levels}, reference, target, steps, value, note="steps of a sequence")


def _gaussian_nll():
    for seed, count in enumerate((8, 1)):
        rng = np.random.default_rng(seed)
        y_true, mean = (rng.normal(size=(count, 1)).astype("float32") * 4 for _ in range(2))
        variance = rng.uniform(0.05, 9, (count, 1)).astype("float32")
        y_pred = np.concatenate([mean, variance], -1)
        error, wide = (y_true - mean).astype("float64"), variance.astype("float64")
        value = -stats.norm.logpdf(y_true, mean.astype("float64"), np.sqrt(wide))[:, 0]
        gradient = np.concatenate([-error / wide, (1 - error**2 / wide) / wide / 2], -1)
        yield case("gaussian_nll:full=true", f"{SCIPY} norm.logpdf", y_true, y_pred, value, gradient)


def _robust():
    for seed, shape in enumerate([(6, 1), (5, 3), (1, 7), (2, 2, 3)]):
        y_true, y_pred = numbers(seed, shape, 3)
        error, width = (y_pred.astype("float64") - y_true), shape[-1]
        for epsilon in (1e-3, 0.5):
            value = (special.pseudo_huber(epsilon, error) / epsilon + epsilon).mean(-1)
            gradient = error / np.hypot(error, epsilon) / width
            reference = f"{SCIPY} pseudo_huber, hypot"
            yield case(f"charbonnier:epsilon={epsilon}", reference, y_true, y_pred, value, gradient)
        for alpha in (1.0, 1.7, 0.5, 0.0, 3.0, -1.0, -8.0):
            for c in (1.0, 0.3, 4.0):
                square, bend = (error / c) ** 2, abs(alpha - 2)
                value = (bend / 2 * special.boxcox1p(square / bend, alpha / 2)).mean(-1)
                gradient = error / c**2 * (square / bend + 1) ** (alpha / 2 - 1) / width
                yield case(f"barron:alpha={alpha},c={c}", f"{SCIPY} boxcox1p", y_true, y_pred, value, gradient)


def cases():
    return [*_scaled_mse(), *_pinball(), *_gaussian_nll(), *_robust()]
