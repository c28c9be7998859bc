"""Muon for convolutions and SGD for all else, from Keras's own of both, in float64."""

from __future__ import annotations

import keras
import numpy as np

from agreement.case import Case

STEPS = 20
RECORDED = np.array([1, 2, 10, STEPS])
SHAPES = ((3, 3, 2, 5), (2, 1, 6, 3), (4, 3), (5,))


def run(optimizer, start, gradients):
    """Return the weights after the recorded steps."""
    weight = keras.Variable(start.astype("float64"), dtype="float64")
    rows = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient.astype("float64"))], [weight])
        rows.append(keras.ops.convert_to_numpy(weight).copy())
    return np.stack([rows[step - 1] for step in RECORDED])


def cases():
    rng = np.random.default_rng(11)
    starts = [rng.normal(size=shape).astype("float32") for shape in SHAPES]
    gradients = [rng.normal(0.1, 1, size=(STEPS, *shape)).astype("float32") for shape in SHAPES]
    for rate, momentum, steps, share, biases in ((0.2, 0.6, 3, 1.0, 1.0), (0.05, 0.9, 5, 0.3, 4.0)):
        expected = {"steps": RECORDED}
        for at, (start, rows) in enumerate(zip(starts, gradients, strict=True)):
            shape = matrix = start.shape
            if start.ndim > 2:  # as a matrix with a column for each channel out
                matrix = (-1, shape[-1])
                theirs = keras.optimizers.Muon(
                    rate, weight_decay=None, momentum=momentum, ns_steps=steps, rms_rate=None
                )
            else:
                of_biases = biases if start.ndim == 1 else 1
                theirs = keras.optimizers.SGD(rate * share * of_biases, momentum=0.8, nesterov=True)
            expected[f"weights{at}"] = run(theirs, start.reshape(matrix), rows.reshape(STEPS, *matrix)).reshape(
                len(RECORDED), *shape
            )
        yield Case(
            kind="optimizer",
            component={
                "name": "muon_sgd",
                "learning_rate": rate,
                "momentum": momentum,
                "ns_steps": steps,
                "sgd_rate": share,
                "sgd_momentum": 0.8,
                "bias_rate": biases,
                "keep_norm": False,
            },
            reference=f"keras {keras.__version__} Muon of kernels as matrices, SGD of all else, float64",
            inputs={
                **{f"start{at}": start for at, start in enumerate(starts)},
                **{f"gradients{at}": rows for at, rows in enumerate(gradients)},
            },
            expected=expected,
        )
