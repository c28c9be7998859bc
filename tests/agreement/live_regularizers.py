"""The regularizers, by the definition in float64 with numpy.linalg and SciPy; gradients by central differences."""

import numpy as np
import scipy
from gradients import finite_differences
from scipy.special import entr, log_softmax, softmax

from agreement.case import Case

LINALG = f"NumPy {np.__version__} linalg, float64"
BY_HAND = "NumPy, float64, by the definition"
SCIPY = f"SciPy {scipy.__version__} special"
SHAPES = [(5,), (1, 1), (4, 3), (3, 7), (12, 12), (3, 4, 6), (3, 3, 2, 5), (2, 2, 8, 3)]


def matrix(weights):
    return weights.reshape(-1, weights.shape[-1])


def lengths(weights, axis):
    """Return the length of each group, and the size of a group."""
    others = tuple(at for at in range(weights.ndim) if at != axis % weights.ndim)
    return np.sqrt((weights**2).sum(others)), weights.size // weights.shape[axis]


def singular(weights):
    return np.linalg.svd(matrix(weights), compute_uv=False)


def group_lasso(weights, axis=-1):
    norms, size = lengths(weights, axis)
    return np.sqrt(size) * norms.sum()


def sparse_group_lasso(weights, alpha, axis=-1):
    return (1 - alpha) * group_lasso(weights, axis) + alpha * np.abs(weights).sum()


def hoyer_square(weights, axis=None):
    sizes = np.abs(weights) if axis is None else lengths(weights, axis)[0]
    return sizes.sum() ** 2 / (sizes**2).sum()


def departure(weights):
    """Return the inner products of the columns less the identity; those of the rows where there are fewer of them."""
    w = matrix(weights)
    w = w if w.shape[0] >= w.shape[1] else w.T
    return w.T @ w - np.eye(w.shape[1])


def max_norm_penalty(weights, limit, axis=-1):
    return (np.maximum(lengths(weights, axis)[0] - limit, 0) ** 2).sum()


def log_barrier(weights, bound, t):
    def psi(z):
        return -np.log(-z) / t if z <= -1 / t**2 else t * z - np.log(1 / t**2) / t + 1 / t

    return sum(psi(w / bound - 1) + psi(-w / bound - 1) for w in weights.ravel())


def confidence(probabilities):
    """Return the mean over all distributions times the batch size, by which Keras divides."""
    return -entr(probabilities).sum(-1).mean() * len(probabilities)


def confidence_slope(probabilities):
    """Return the gradient, which central differences do not find where a probability is smaller than their step."""
    return (np.log(probabilities) + 1) * len(probabilities) / matrix(probabilities).shape[0]


def logits_slope(logits):
    p, logs = softmax(logits, -1), log_softmax(logits, -1)
    return p * (logs - (p * logs).sum(-1, keepdims=True)) * len(logits) / matrix(logits).shape[0]


def decov(outputs):
    covariance = np.atleast_2d(np.cov(matrix(outputs), rowvar=False, bias=True))
    return ((covariance**2).sum() - (np.diag(covariance) ** 2).sum()) / 2 * len(outputs)


OF_WEIGHTS = [
    ("group_lasso:factor=0.5", LINALG, group_lasso),
    ("sparse_group_lasso:factor=0.5,alpha=0.25", LINALG, lambda w: sparse_group_lasso(w, 0.25)),
    ("hoyer_square:factor=0.5", BY_HAND, hoyer_square),
    ("hoyer_square:factor=0.5,axis=-1", BY_HAND, lambda w: hoyer_square(w, -1)),
    ("soft_orthogonal:factor=0.5", LINALG, lambda w: np.linalg.norm(departure(w)) ** 2),
    ("srip:factor=0.5", LINALG, lambda w: np.linalg.norm(departure(w), 2)),
    ("spectral:factor=0.5", LINALG, lambda w: np.linalg.norm(matrix(w), 2) ** 2),
    ("nuclear:factor=0.5", LINALG, lambda w: np.linalg.norm(matrix(w), "nuc")),
    ("max_norm_penalty:factor=0.5,max_norm=1.5", LINALG, lambda w: max_norm_penalty(w, 1.5)),
    ("log_barrier:factor=0.5,bound=0.75,t=4", BY_HAND, lambda w: log_barrier(w, 0.75, 4)),
    ("log_barrier:factor=0.5,bound=3,t=1", BY_HAND, lambda w: log_barrier(w, 3, 1)),
]
OF_INPUTS = [
    ("group_lasso:factor=0.5,axis=-2", LINALG, lambda w: group_lasso(w, -2)),
    ("sparse_group_lasso:factor=0.5,alpha=0.75,axis=-2", LINALG, lambda w: sparse_group_lasso(w, 0.75, -2)),
    ("hoyer_square:factor=0.5,axis=-2", BY_HAND, lambda w: hoyer_square(w, -2)),
    ("max_norm_penalty:factor=0.5,max_norm=1,axis=-2", LINALG, lambda w: max_norm_penalty(w, 1, -2)),
]
ENTROPY = ("entropy:factor=0.5", f"{SCIPY} entr", confidence)
ENTROPY_OF_LOGITS = ("entropy:factor=0.5,from_logits=true", f"{SCIPY} softmax", lambda z: confidence(softmax(z, -1)))
DECOV = ("decov:factor=0.5", f"NumPy {np.__version__} cov, float64", decov)


def cases():
    found = []
    for seed, shape in enumerate(SHAPES):
        weights = np.random.default_rng(seed).normal(size=shape).astype("float32")
        table = OF_WEIGHTS + (OF_INPUTS if len(shape) > 1 else [])
        found += [_case(*row, weights) for row in table]
        if len(shape) > 1 and shape[-1] > 1:
            probabilities = softmax(weights.astype("float64") * 3, -1).astype("float32")
            found += [
                _case(*ENTROPY, probabilities, slope=confidence_slope),
                _case(*ENTROPY_OF_LOGITS, weights * 3, slope=logits_slope),
                _case(*DECOV, weights * 3),
            ]
    return [*found, *_wide_range(), *_edges()]


def _wide_range():
    """Return cases of a size that layers have, small and large weights, and singular values that are close."""
    rng = np.random.default_rng(20)
    large = rng.normal(size=(96, 48)).astype("float32")
    close = _with_singular_values([3, 3 * 0.99, 1, 0.5, 0.1], 9)
    found = [_case(*row, large, note="96 x 48", gradient=False) for row in OF_WEIGHTS]
    for scale in (0.01, 100):
        weights, note = (rng.normal(size=(6, 4)) * scale).astype("float32"), f"weights of about {scale}"
        for row in OF_WEIGHTS:
            if row[0].startswith("srip") and scale < 1:
                found.append(_case(*row, weights, note=note, gradient=False))  # all |s^2 - 1| are equal but for 1e-4
            elif not (row[0].endswith("t=1") and scale < 1):  # x - log(1 + x), whose digits are not in float32
                found.append(_case(*row, weights, step=1e-5 * max(scale, 1), note=note))
    singular_ones = [row for row in OF_WEIGHTS if row[0].startswith(("srip", "spectral", "nuclear"))]
    found += [_case(*row, close, note="singular values 1 % apart") for row in singular_ones]
    return found


def _edges():
    zero_group = np.random.default_rng(21).normal(size=(3, 3, 2, 4)).astype("float32")
    zero_group[..., 1] = 0
    low_rank = np.array([[1, 2, 3], [2, 4, 6], [0, 0, 0], [1, 2, 3]], "float32")
    zeros = np.zeros((4, 3), "float32")
    groups = [row for row in OF_WEIGHTS + OF_INPUTS if "lasso" in row[0] or "max_norm" in row[0]]
    found = [_case(*row, zero_group, note="a filter of zeros") for row in groups]
    found += [_case(*row, zeros, note="all zeros") for row in groups]
    found += [_case(*row, low_rank, note="rank one") for row in OF_WEIGHTS if row[0].startswith("nuclear")]
    found += [_case(*row, zeros, note="all zeros") for row in OF_WEIGHTS if row[0].startswith(("nuclear", "spectral"))]
    equal = [row for row in OF_WEIGHTS if row[0].startswith(("srip", "spectral", "soft", "nuclear"))]
    for note, weights in (("the identity", np.eye(4)), ("half the identity", np.eye(4) / 2)):
        # Where singular values are equal the largest has no gradient.
        found += [_case(*row, weights.astype("float32"), note=note, gradient=row[0][0] == "n") for row in equal]
    certain = np.array([[1, 0, 0], [0, 0.5, 0.5], [0.25, 0.5, 0.25]], "float32")
    found.append(_case(*ENTROPY, certain, note="probabilities 0 and 1", gradient=False))
    apart = np.array([[1000, -1000, 0], [0, 0, 0]], "float32")
    found.append(_case(*ENTROPY_OF_LOGITS, apart, note="logits of 1000", slope=np.zeros_like))
    return found


def _with_singular_values(values, rows):
    rng = np.random.default_rng(22)
    left, _ = np.linalg.qr(rng.normal(size=(rows, len(values))))
    right, _ = np.linalg.qr(rng.normal(size=(len(values), len(values))))
    return (left * values @ right).astype("float32")


def _case(component, reference, function, weights, *, note="", gradient=True, step=1e-6, slope=None):
    """Return a case with half the value of ``function``; ``slope`` is its gradient where differences are too coarse."""
    wide = np.asarray(weights, "float64")
    expected = {"value": 0.5 * function(wide)}
    if gradient:
        expected["gradient"] = 0.5 * (slope(wide) if slope else finite_differences(function, wide, step))
    shape = "x".join(map(str, weights.shape))
    return Case(
        kind="regularizer",
        component=component,
        reference=reference,
        note=note or shape,
        inputs={"weights": weights},
        expected=expected,
    )
