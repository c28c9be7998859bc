"""Adaptive and layer-wise optimizers, from torch, optax and pytorch_optimizer; 100 steps in float64."""

import functools
import importlib.metadata

import jax
import numpy as np
import optax
import optax.contrib
import pytorch_optimizer
import torch
from agreement.case import Case

jax.config.update("jax_enable_x64", True)

SHAPES = [(2, 2), (3,)]
STEPS = 100
RECORDED = np.array([1, 2, 4, 5, 6, 7, 30, 100])
TORCH = f"torch {torch.__version__}"
PYTORCH_OPTIMIZER, OPTAX = (f"{name} {importlib.metadata.version(name)}" for name in ("pytorch_optimizer", "optax"))


def paths(scale=1.0):
    """Return weights to begin with and gradients for each step, exact in float32 and short, so that they pack well."""
    rng = np.random.default_rng(2)
    starts = [np.round(rng.normal(size=shape) * 64) / 64 for shape in SHAPES]
    gradients = [np.round(rng.normal(size=(STEPS, *shape)) * 64 + 16) / 64 * scale for shape in SHAPES]
    return [s.astype("float32") for s in starts], [g.astype("float32") for g in gradients]


def case(component, reference, run, *, note="", gradients=None, **more):
    """Return a case: ``run(starts, gradients)`` yields the weights after each step, in float64."""
    starts, plain = paths()
    gradients = plain if gradients is None else gradients
    rows = [[] for _ in starts]
    for step, weights in enumerate(run([s.astype("float64") for s in starts], gradients), 1):
        if step in RECORDED:
            for row, weight in zip(rows, weights, strict=True):
                row.append(np.array(weight))
    return Case(
        kind="optimizer",
        component=component,
        reference=reference,
        note=note,
        inputs={
            **{f"start{at}": value for at, value in enumerate(starts)},
            **{f"gradients{at}": value for at, value in enumerate(gradients)},
        },
        expected={"steps": RECORDED, **{f"weights{at}": np.stack(row) for at, row in enumerate(rows)}},
        **more,
    )


def in_torch(make, prepare=None, *, as_matrices=False, idle=False):
    """Return a function that runs a torch optimizer.

    ``prepare`` may set its state before the first step. With ``as_matrices`` it sees vectors as matrices of one column;
    with ``idle`` it sees no gradient where the gradient is 0.
    """

    def run(starts, gradients):
        shapes = [(*start.shape, 1) if as_matrices and start.ndim == 1 else start.shape for start in starts]
        parameters = [
            torch.nn.Parameter(torch.tensor(s).reshape(shape)) for s, shape in zip(starts, shapes, strict=True)
        ]
        optimizer = make(parameters)
        if prepare:
            prepare(optimizer, parameters)
        for step in range(STEPS):
            for parameter, rows in zip(parameters, gradients, strict=True):
                gradient = torch.tensor(rows[step].astype("float64")).reshape(parameter.shape)
                parameter.grad = None if idle and not gradient.any() else gradient
            optimizer.step()
            yield [p.detach().numpy().reshape(start.shape).copy() for p, start in zip(parameters, starts, strict=True)]

    return run


def in_optax(transform):
    """Return a function that runs an optax transformation."""

    def run(starts, gradients):
        weights = [jax.numpy.asarray(start) for start in starts]
        state = transform.init(weights)
        for step in range(STEPS):
            rows = [jax.numpy.asarray(row[step].astype("float64")) for row in gradients]
            updates, state = transform.update(rows, state, weights)
            weights = optax.apply_updates(weights, updates)
            yield weights

    return run


def torch_names(arguments):
    """Return Keras's arguments under torch's names."""
    names = {"learning_rate": "lr", "epsilon": "eps"}
    found = {names.get(name, name): value for name, value in arguments.items()}
    betas = found.pop("beta_1", None), found.pop("beta_2", None)
    return {**found, "betas": betas} if None not in betas else found


def late(shape_at, steps):
    """Return the usual gradients, with those of one variable 0 in the first steps."""
    _, gradients = paths()
    gradients[shape_at][:steps] = 0
    return gradients


def radam_cases():
    reference = f"{TORCH} RAdam"
    for arguments in (
        {},
        {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9},
        {"learning_rate": 0.05, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 0.01},
        {"learning_rate": 0.05, "beta_1": 0.5, "beta_2": 0.5},
        {"learning_rate": 0.05, "beta_1": 0.9, "beta_2": 0.99999},
    ):
        yield case(
            {"name": "radam", **arguments},
            reference,
            in_torch(functools.partial(torch.optim.RAdam, **torch_names(arguments))),
        )
    yield case(
        {"name": "radam", "learning_rate": 0.1, "weight_decay": 0.1},
        reference,
        in_torch(functools.partial(torch.optim.RAdam, lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)),
        note="decoupled weight decay",
    )
    yield case(
        {"name": "radam", "learning_rate": 0.1, "threshold": 4, "epsilon": 1e-20},
        f"{OPTAX} radam",
        in_optax(optax.radam(0.1, threshold=4.0, eps=0.0)),
        note="the paper's threshold",
    )


def adabelief_cases():
    for arguments in (
        {},
        {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9},
        {"learning_rate": 0.05, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 0.01},
        {"learning_rate": 0.1, "weight_decay": 0.1},
        {"learning_rate": 0.1, "rectify": True},
        {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9, "rectify": True},
    ):
        yield case(
            {"name": "adabelief", **arguments},
            f"{PYTORCH_OPTIMIZER} AdaBelief",
            in_torch(functools.partial(pytorch_optimizer.AdaBelief, **torch_names(arguments))),
        )
    yield case(
        {"name": "adabelief", "learning_rate": 0.1, "epsilon": 1e-8},
        f"{OPTAX} adabelief",
        in_optax(optax.adabelief(0.1, eps=1e-8, eps_root=1e-8)),
    )


def begin_momentum_at_zero(begin, optimizer, parameters):
    """Give Yogi the state of its paper: only the estimate of squares begins at a number other than 0."""
    for parameter in parameters:
        optimizer.state[parameter] = {
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.full_like(parameter, begin),
        }


def yogi_cases():
    for arguments in (
        {},
        {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9},
        {"learning_rate": 0.05, "epsilon": 1e-6, "initial_accumulator_value": 0.5},
        {"learning_rate": 0.1, "weight_decay": 0.1},
    ):
        own = {name: value for name, value in arguments.items() if name != "initial_accumulator_value"}
        begin = arguments.get("initial_accumulator_value", 1e-6)
        yield case(
            {"name": "yogi", **arguments},
            f"{PYTORCH_OPTIMIZER} Yogi, its momentum begun at 0",
            in_torch(
                functools.partial(pytorch_optimizer.Yogi, **torch_names(own)),
                functools.partial(begin_momentum_at_zero, begin),
            ),
        )
    yield case(
        {"name": "yogi", "learning_rate": 0.1, "initial_accumulator_value": 0.0},
        f"{OPTAX} yogi",
        in_optax(
            optax.chain(optax.scale_by_yogi(initial_accumulator_value=0.0), optax.scale_by_learning_rate(0.1)),
        ),
    )


def novograd_cases():
    for arguments in (
        {},
        {"learning_rate": 0.05, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.01},
        {"learning_rate": 0.05, "weight_decay": 0.1},
        {"learning_rate": 0.05, "weight_decay": 0.1, "grad_averaging": True},
    ):
        rate = {"learning_rate": 0.01, **arguments}
        yield case(
            {"name": "novograd", **arguments},
            f"{PYTORCH_OPTIMIZER} NovoGrad",
            in_torch(functools.partial(pytorch_optimizer.NovoGrad, **torch_names(rate))),
        )
    yield case(
        {"name": "novograd", "learning_rate": 0.05, "beta_1": 0.9, "beta_2": 0.25, "weight_decay": 0.05},
        f"{OPTAX} novograd",
        in_optax(optax.novograd(0.05, b1=0.9, b2=0.25, weight_decay=0.05)),
    )
    yield case(
        {"name": "novograd", "learning_rate": 0.05},
        f"{PYTORCH_OPTIMIZER} NovoGrad",
        in_torch(functools.partial(pytorch_optimizer.NovoGrad, lr=0.05), idle=True),
        note="a variable that is idle at first",
        gradients=late(0, 3),
    )


def lars_cases():
    for arguments in (
        {},
        {"learning_rate": 5.0, "trust_coefficient": 0.02, "weight_decay": 0.1},
        {"learning_rate": 5.0, "momentum": 0.5, "nesterov": True, "weight_decay": 0.01},
        {"learning_rate": 5.0, "momentum": 0.0},
    ):
        rate = {"learning_rate": 0.1, "momentum": 0.9, **arguments}
        make = functools.partial(pytorch_optimizer.LARS, **torch_names(rate))
        reference = f"{PYTORCH_OPTIMIZER} LARS"
        yield case({"name": "lars", **arguments}, reference, in_torch(make, as_matrices=True))
        yield case({"name": "lars", **arguments, "skip_vectors": True}, reference, in_torch(make))
    yield case(
        {
            "name": "lars",
            "learning_rate": {
                "name": "exponential_decay",
                "initial_learning_rate": 10.0,
                "decay_steps": 10,
                "decay_rate": 0.5,
            },
        },
        f"{OPTAX} lars",
        in_optax(optax.lars(optax.exponential_decay(10.0, 10, 0.5))),
        note="a rate that falls: the momentum holds the rates of earlier steps",
    )


def cocob_cases():
    for arguments in ({}, {"alpha": 2.0}, {"alpha": 10.0, "epsilon": 1.0}, {"learning_rate": 0.001}):
        names = {"epsilon": "eps"}
        own = {names.get(name, name): value for name, value in arguments.items()}
        yield case({"name": "cocob", **arguments}, f"{OPTAX} cocob", in_optax(optax.contrib.cocob(**own)))


def frank_wolfe(rate, radius, find):
    """Return a function that goes towards the point of a ball that ``find`` gives, as in Jaggi's Algorithm 1."""

    def run(starts, gradients):
        weights = starts
        for step in range(STEPS):
            rows = [row[step].astype("float64") for row in gradients]
            pairs = zip(weights, rows, strict=True)
            weights = [(1 - rate) * weight + rate * radius * find(row) for weight, row in pairs]
            yield weights

    return run


def least_of_frobenius(gradient):
    return -gradient / np.linalg.norm(gradient)


def least_of_nuclear(gradient):
    matrix = gradient.reshape(-1, gradient.shape[-1]) if gradient.ndim > 1 else gradient[:, None]
    left, _, right = np.linalg.svd(matrix)
    return -np.outer(left[:, 0], right[0]).reshape(gradient.shape)


def conditional_gradient_cases():
    for name, find in (("frobenius", least_of_frobenius), ("nuclear", least_of_nuclear)):
        for rate, radius in ((0.01, 10.0), (0.25, 0.5)):
            yield case(
                {"name": "conditional_gradient", "radius": radius, "norm": name, "learning_rate": rate},
                f"numpy {np.__version__} linalg, in float64",
                frank_wolfe(rate, radius, find),
            )


def cases():
    yield from radam_cases()
    yield from adabelief_cases()
    yield from yogi_cases()
    yield from novograd_cases()
    yield from lars_cases()
    yield from cocob_cases()
    yield from conditional_gradient_cases()
