"""Sharpness-aware minimization, from optax, with another gradient for each climb and each step."""

import optax
import optax.contrib
from optimizers_adaptive import OPTAX, case, in_optax

INNERS = (
    ({"name": "sgd", "learning_rate": 0.1}, optax.sgd(0.1)),
    ({"name": "sgd", "learning_rate": 0.05, "momentum": 0.9}, optax.sgd(0.05, 0.9)),
    ({"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True}, optax.sgd(0.05, 0.9, nesterov=True)),
    ({"name": "rmsprop", "learning_rate": 0.01, "epsilon": 1e-7}, optax.rmsprop(0.01, eps=1e-7)),
    (
        {"name": "adagrad", "learning_rate": 0.05, "epsilon": 1e-7},
        optax.adagrad(0.05, initial_accumulator_value=0.1, eps=1e-7),
    ),
)


def cases():
    for inner, transform in INNERS:
        for rho in (0.05, 0.5):
            climb = optax.chain(optax.contrib.normalize(), optax.sgd(rho))
            whole = optax.contrib.sam(transform, climb, sync_period=2)
            component = {"name": "sam", "inner": inner, "rho": rho}
            yield case(component, f"{OPTAX} contrib.sam", in_optax(whole), note=inner["name"])
