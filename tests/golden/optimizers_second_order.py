"""Adan, Prodigy, AdEMAMix, ADOPT, SOAP and Shampoo, from pytorch_optimizer, prodigyopt, optax and SciPy, in float64."""

import functools
import importlib.metadata

import jax
import numpy as np
import optax
import optax.contrib
import prodigyopt
import pytorch_optimizer
import scipy
import torch
from agreement.case import Case

jax.config.update("jax_enable_x64", True)

SHAPES = [(2,), (3, 2), (2, 1, 2, 3)]  # a first gradient leaves at most one direction out, which is then known
STEPS = 100
RECORDED = np.array([1, 2, 3, 11, 12, 50, 100])
TORCH, PRODIGYOPT, OPTAX = (
    f"{name} {importlib.metadata.version(name)}" for name in ("pytorch_optimizer", "prodigyopt", "optax")
)


def paths(start=1.0, drift=0.0):
    """Return weights to begin with and gradients for each step: few digits, exact in float32, which pack well."""
    rng = np.random.default_rng(0)
    starts = [few_digits(start * rng.normal(size=shape)) for shape in SHAPES]
    gradients = [rng.normal(size=(STEPS, *shape)) for shape in SHAPES]
    for rows in gradients:
        rows[:8] += drift  # not for longer: weights that can fall for ever make Prodigy's estimate grow for ever
    return starts, [few_digits(rows) for rows in gradients]


def few_digits(values):
    return (np.round(values * 64) / 64).astype("float32")


def case(component, reference, run, *, note="", tolerance=1e-5, reason="", **kind):
    """Return a case: ``run`` takes starts and gradients in float64, and yields the weights after each step."""
    starts, gradients = paths(**kind)
    wide = [start.astype("float64") for start in starts], [rows.astype("float64") for rows in gradients]
    weights = [[] for _ in starts]
    for step, found in enumerate(run(*wide), start=1):
        if step in RECORDED:
            for rows, values in zip(weights, found, strict=True):
                rows.append(np.array(values))
    return Case(
        kind="optimizer",
        component=component,
        reference=reference,
        note=note,
        tolerance=tolerance,
        reason=reason,
        inputs={
            **{f"start{at}": value for at, value in enumerate(starts)},
            **{f"gradients{at}": value for at, value in enumerate(gradients)},
        },
        expected={"steps": RECORDED, **{f"weights{at}": np.stack(rows) for at, rows in enumerate(weights)}},
    )


def by_torch(make, starts, gradients, decay=0.0):
    """Step a torch optimizer; ``decay`` is the share of the weights that is taken off before each step."""
    parameters = [torch.nn.Parameter(torch.tensor(start)) for start in starts]
    optimizer = make(parameters)
    for step in range(STEPS):
        for parameter, rows in zip(parameters, gradients, strict=True):
            parameter.grad = torch.tensor(rows[step])
            parameter.data.mul_(1 - decay)
        optimizer.step()
        yield [parameter.detach().numpy() for parameter in parameters]


def by_optax(transformation, starts, gradients):
    weights = [jax.numpy.asarray(start) for start in starts]
    state = transformation.init(weights)
    update = jax.jit(transformation.update)
    for step in range(STEPS):
        updates, state = update([jax.numpy.asarray(rows[step]) for rows in gradients], state, weights)
        weights = optax.apply_updates(weights, updates)
        yield weights


def torch_case(arguments, make, *, decay=0.0, library=TORCH, **rest):
    run = functools.partial(by_torch, make, decay=decay)
    return case(arguments, f"{library} {make.func.__name__}, float64", run, **rest)


def optax_case(arguments, transformation, name, **rest):
    return case(arguments, f"{OPTAX} {name}, float64", functools.partial(by_optax, transformation), **rest)


def adan_cases():
    for arguments, names in (
        ({}, {}),
        ({"learning_rate": 0.05}, {"lr": 0.05}),
        (
            {"learning_rate": 0.02, "beta_1": 0.9, "beta_2": 0.5, "beta_3": 0.95, "epsilon": 1e-3},
            {"lr": 0.02, "betas": (0.9, 0.5, 0.95), "eps": 1e-3},
        ),
        ({"learning_rate": 0.02, "weight_decay": 0.1}, {"lr": 0.02, "weight_decay": 0.1}),
    ):
        yield torch_case({"name": "adan", **arguments}, functools.partial(pytorch_optimizer.Adan, **names))
    # optax's `adan` is no reference: it weighs the change by 1 - 0.92, where the paper's 1 - beta_2 is 1 - 0.08.
    yield case(
        {"name": "adan", "learning_rate": 0.05, "epsilon": 1e-6, "weight_decay": 0.5},
        "NumPy, with the names and betas of the paper and the bias correction of its authors' code, float64",
        adan_by_hand,
    )


def adan_by_hand(starts, gradients, rate=0.05, betas=(0.02, 0.08, 0.01), epsilon=1e-6, decay=0.5):
    """Adan with the names and the betas of its paper."""
    beta_1, beta_2, beta_3 = betas
    theta = [start.copy() for start in starts]
    m, v, n = ([np.zeros_like(start) for start in starts] for _ in range(3))
    for k in range(STEPS):
        for at, rows in enumerate(gradients):
            g, before = rows[k], rows[max(k - 1, 0)]
            m[at] = (1 - beta_1) * m[at] + beta_1 * g
            v[at] = (1 - beta_2) * v[at] + beta_2 * (g - before)
            n[at] = (1 - beta_3) * n[at] + beta_3 * (g + (1 - beta_2) * (g - before)) ** 2
            m_hat, v_hat, n_hat = (
                mean / (1 - (1 - beta) ** (k + 1)) for mean, beta in ((m[at], beta_1), (v[at], beta_2), (n[at], beta_3))
            )
            eta = rate / (np.sqrt(n_hat) + epsilon)
            theta[at] = (theta[at] - eta * (m_hat + (1 - beta_2) * v_hat)) / (1 + decay * rate)
        yield theta


def ademamix_cases():
    mix = functools.partial(functools.partial, pytorch_optimizer.AdEMAMix, weight_decouple=True)
    for arguments, names in (
        ({}, {}),
        (
            {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.99, "beta_3": 0.98, "alpha": 8.0, "epsilon": 1e-3},
            {"lr": 0.01, "betas": (0.8, 0.99, 0.98), "alpha": 8.0, "eps": 1e-3},
        ),
        ({"learning_rate": 0.01, "warmup_steps": 60}, {"lr": 0.01, "t_alpha_beta3": 60}),
        ({"warmup_steps": 1000, "weight_decay": 0.1}, {"t_alpha_beta3": 1000, "weight_decay": 0.1}),
    ):
        yield torch_case({"name": "ademamix", **arguments}, mix(**names))
    yield optax_case(
        {"name": "ademamix", "learning_rate": 0.01, "weight_decay": 0.05},
        optax.contrib.ademamix(0.01, weight_decay=0.05),
        "ademamix",
    )


def adopt_cases():
    for arguments, names in (
        ({}, {"learning_rate": 0.001}),
        ({"learning_rate": 0.05}, {"learning_rate": 0.05}),
        (
            {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.5},
            {"learning_rate": 0.01, "b1": 0.5, "b2": 0.9, "eps": 0.5},
        ),
        ({"learning_rate": 0.01, "clip": False}, {"learning_rate": 0.01, "use_clipping": False}),
    ):
        yield optax_case({"name": "adopt", **arguments}, optax.contrib.adopt(**names), "adopt")
    decayed = optax.chain(
        optax.contrib.scale_by_adopt(), optax.add_decayed_weights(0.1), optax.scale_by_learning_rate(0.01)
    )
    yield optax_case({"name": "adopt", "learning_rate": 0.01, "weight_decay": 0.1}, decayed, "scale_by_adopt")
    # This library counts one step more in the bound than the paper does.
    shifted = functools.partial(pytorch_optimizer.ADOPT, lr=0.01, clip_lambda=lambda step: (step - 1) ** 0.25)
    yield torch_case({"name": "adopt", "learning_rate": 0.01}, shifted)


DESCRIBED = {"start": "weights that begin at 0", "drift": "gradients that agree at first"}


def prodigy_cases():
    lost = (
        "a d0 of 1e-6 moves the weights by little more than float32 holds, and the first estimates follow from that: "
        "prodigyopt in float32 is 1.6e-3 from itself in float64"
    )
    for arguments, names, rest in (
        ({}, {}, {"start": 0.0}),
        ({}, {}, {"tolerance": 1e-2, "reason": lost}),
        ({"d0": 0.01}, {"d0": 0.01}, {}),
        ({"d0": 0.01}, {"d0": 0.01}, {"drift": 1.0}),
        (
            {"d0": 0.01, "learning_rate": 0.5, "beta_1": 0.8, "beta_2": 0.99, "beta_3": 0.9, "epsilon": 1e-3},
            {"d0": 0.01, "lr": 0.5, "betas": (0.8, 0.99), "beta3": 0.9, "eps": 1e-3},
            {"drift": 1.0},
        ),
        (
            {"d0": 0.01, "d_coef": 2.0, "growth_rate": 1.05},
            {"d0": 0.01, "d_coef": 2.0, "growth_rate": 1.05},
            {"drift": 1.0},
        ),
        (
            {"d0": 0.01, "bias_correction": True, "weight_decay": 0.1},
            {"d0": 0.01, "use_bias_correction": True, "weight_decay": 0.1},
            {"drift": 1.0},
        ),
        (
            {"d0": 0.01, "learning_rate": 0.1, "safeguard_warmup": True},
            {"d0": 0.01, "lr": 0.1, "safeguard_warmup": True},
            {"drift": 1.0},
        ),
    ):
        make = functools.partial(prodigyopt.Prodigy, **names)
        note = ", ".join(DESCRIBED[name] for name in rest if name in DESCRIBED)
        yield torch_case({"name": "prodigy", **arguments}, make, library=PRODIGYOPT, note=note, **rest)
    yield optax_case(
        {"name": "prodigy", "d0": 0.01, "bias_correction": True, "weight_decay": 0.1},
        optax.contrib.prodigy(estim_lr0=0.01, weight_decay=0.1),
        "prodigy",
        drift=1.0,
    )


def soap_cases():
    soap = functools.partial(functools.partial, pytorch_optimizer.SOAP, weight_decay=0.0)
    for arguments, names, decay in (
        ({}, {}, 0.0),
        ({"learning_rate": 0.03, "precondition_frequency": 1}, {"lr": 0.03, "precondition_frequency": 1}, 0.0),
        (
            {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.9, "shampoo_beta": 0.7, "epsilon": 1e-2},
            {"lr": 0.02, "betas": (0.8, 0.9), "shampoo_beta": 0.7, "eps": 1e-2},
            0.0,
        ),
        (
            {"learning_rate": 0.02, "precondition_1d": True, "precondition_frequency": 3, "weight_decay": 0.1},
            {"lr": 0.02, "precondition_1d": True, "precondition_frequency": 3},
            0.002,
        ),
        ({"learning_rate": 0.02, "max_precondition_dim": 2}, {"lr": 0.02, "max_precondition_dim": 2}, 0.0),
    ):
        yield torch_case({"name": "soap", **arguments}, soap(**names), decay=decay)


def by_fractional_power(starts, gradients, *, rate, epsilon, every=1, longest=10**6):
    """Shampoo as its paper has it, each tensor unfolded along each axis, with SciPy's power of a matrix."""
    weights = [start.copy() for start in starts]
    sums = [[np.zeros((size, size)) for size in start.shape] for start in starts]
    powers = [[None] * start.ndim for start in starts]
    for step in range(STEPS):
        for at, rows in enumerate(gradients):
            gradient = update = rows[step]
            for axis, size in enumerate(gradient.shape):
                unfolded = np.moveaxis(gradient, axis, 0).reshape(size, -1)
                sums[at][axis] += unfolded @ unfolded.T
                if step % every == 0:
                    total = sums[at][axis] if size <= longest else np.diag(np.diag(sums[at][axis]))
                    powers[at][axis] = scipy.linalg.fractional_matrix_power(
                        total + epsilon * np.eye(size), -1 / (2 * gradient.ndim)
                    )
                update = np.moveaxis(np.tensordot(powers[at][axis], update, axes=[[1], [axis]]), 0, axis)
            weights[at] = weights[at] - rate * update
        yield weights


def shampoo_cases():
    shampoo = functools.partial(functools.partial, pytorch_optimizer.Shampoo)
    small = "the root of an epsilon of 1e-6 makes rounding in directions without a gradient 1000 times larger"
    yield torch_case({"name": "shampoo"}, shampoo(lr=0.1, matrix_eps=1e-4))
    yield torch_case(
        {"name": "shampoo", "epsilon": 1e-6}, shampoo(lr=0.1, matrix_eps=1e-6), tolerance=1e-4, reason=small
    )
    yield torch_case(
        {"name": "shampoo", "learning_rate": 0.5, "epsilon": 1e-2, "weight_decay": 0.1},
        shampoo(lr=0.5, matrix_eps=1e-2),
        decay=0.05,
    )
    for arguments, names in (
        ({"epsilon": 1e-3}, {"epsilon": 1e-3}),
        ({"epsilon": 1e-2, "precondition_frequency": 5}, {"epsilon": 1e-2, "every": 5}),
        ({"max_precondition_dim": 2}, {"epsilon": 1e-4, "longest": 2}),
    ):
        yield case(
            {"name": "shampoo", **arguments},
            f"SciPy {scipy.__version__} fractional_matrix_power, float64",
            functools.partial(by_fractional_power, rate=0.1, **names),
        )


def cases():
    yield from adan_cases()
    yield from ademamix_cases()
    yield from adopt_cases()
    yield from prodigy_cases()
    yield from soap_cases()
    yield from shampoo_cases()
