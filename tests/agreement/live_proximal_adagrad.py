"""Proximal Adagrad, from TensorFlow's own kernel, in float64."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from agreement.case import Case

STEPS = 100
RECORDED = np.array([1, 2, 10, STEPS])


def run(start, gradients, **numbers):
    """Yield the weights after each step."""
    weights = tf.Variable(start.astype("float64"))
    sums = tf.Variable(np.full(start.shape, numbers.pop("initial")))
    numbers = {name: tf.constant(value, "float64") for name, value in numbers.items()}
    for gradient in gradients:
        tf.raw_ops.ResourceApplyProximalAdagrad(
            var=weights.handle, accum=sums.handle, grad=gradient.astype("float64"), **numbers
        )
        yield weights.numpy()


def cases():
    rng = np.random.default_rng(9)
    start = rng.normal(size=(4, 3)).astype("float32")
    gradients = rng.normal(0.1, 1, size=(STEPS, *start.shape)).astype("float32")
    for rate, initial, l1, l2 in ((0.001, 0.1, 0, 0), (0.5, 0.1, 0.25, 0), (0.5, 0.1, 0, 0.5), (0.5, 2.0, 0.25, 0.5)):
        rows = list(run(start, gradients, initial=initial, lr=rate, l1=l1, l2=l2))
        yield Case(
            kind="optimizer",
            component={
                "name": "proximal_adagrad",
                "learning_rate": rate,
                "initial_accumulator_value": initial,
                "l1_regularization_strength": l1,
                "l2_regularization_strength": l2,
            },
            reference=f"tensorflow {tf.__version__} ResourceApplyProximalAdagrad",
            inputs={"start0": start, "gradients0": gradients},
            expected={"steps": RECORDED, "weights0": np.stack([rows[step - 1] for step in RECORDED])},
        )
