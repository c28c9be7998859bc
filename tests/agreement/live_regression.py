"""Losses between numbers, from scikit-learn."""

import numpy as np
import sklearn
from sklearn.metrics import mean_squared_error

from agreement.case import Case


def cases():
    found = []
    for seed, shape in enumerate([(5, 1), (4, 3), (1, 7)]):
        rng = np.random.default_rng(seed)
        y_true, y_pred = (rng.normal(size=shape).astype("float32") * 30 for _ in range(2))
        y_pred[0] = y_true[0]
        for scale in (10, 0.5):
            one, other = (np.asarray(y, "float64") / scale for y in (y_true, y_pred))
            found.append(
                Case(
                    kind="loss",
                    component=f"scaled_mse:scale={scale}",
                    reference=f"scikit-learn {sklearn.__version__} mean_squared_error",
                    inputs={"y_true": y_true, "y_pred": y_pred},
                    expected={
                        "value": [mean_squared_error(a, b) for a, b in zip(one, other, strict=True)],
                        "gradient": 2 * (other - one) / scale / shape[-1],
                    },
                )
            )
    return found
