"""The continuous ranked probability score of normal distributions, from scoringrules, with torch in float64."""

import importlib.metadata

import numpy as np
import scoringrules
import torch
from agreement.case import Case, metric_case

SCORINGRULES = f"scoringrules {importlib.metadata.version('scoringrules')} crps_normal"
SHAPES = [(6, 1), (1, 1), (4,), (3, 5)]


def forecasts(seed, shape, spread):
    """Return targets, and means and variances that are exact in float32; the first mean is exact."""
    rng = np.random.default_rng(seed)
    y_true, mean = (rng.normal(size=shape).astype("float32") * 5 for _ in range(2))
    mean.flat[0] = y_true.flat[0]
    variance = (rng.uniform(0.05, 20, shape) * spread).astype("float32")
    flat = len(shape) > 1 and shape[-1] == 1
    return y_true, np.concatenate([mean, variance], -1) if flat else np.stack([mean, variance], -1)


def score(y_true, y_pred, eps):
    """Return the scores and the gradient; the gradient by a variance below ``eps`` is that at ``eps``."""
    wide = torch.tensor(y_pred.astype("float64"))
    mean, variance = wide[..., 0].requires_grad_(), wide[..., 1].clamp(min=eps).requires_grad_()
    true = torch.tensor(y_true.astype("float64")).reshape(mean.shape)
    value = scoringrules.crps_normal(true, mean, torch.sqrt(variance), backend="torch")
    slopes = torch.autograd.grad(value.sum(), (mean, variance))
    return value.detach().numpy(), np.stack([slope.numpy() for slope in slopes], -1)


def cases():
    for seed, shape in enumerate(SHAPES):
        for note, spread in (("", 1.0), ("small variances", 1e-4), ("large variances", 1e5)):
            y_true, y_pred = forecasts(seed, shape, spread)
            for eps in (1e-6, 0.01):
                value, gradient = score(y_true, y_pred, eps)
                yield Case(
                    kind="loss",
                    component=f"crps:eps={eps}",
                    reference=SCORINGRULES,
                    note=note,
                    inputs={"y_true": y_true, "y_pred": y_pred},
                    expected={"value": value, "gradient": gradient},
                )
            if len(shape) == 2 and shape[0] > 1:
                weight = np.arange(1, shape[0] + 1, dtype="float32") / 2
                value, _ = score(y_true, y_pred, 1e-6)
                each = weight.reshape(-1, *[1] * (value.ndim - 1))
                expected = np.average(value, weights=np.broadcast_to(each, value.shape))
                yield metric_case("crps", SCORINGRULES, y_true, y_pred, value.mean(), note=note)
                yield metric_case("crps", SCORINGRULES, y_true, y_pred, expected, weight, note=note)
