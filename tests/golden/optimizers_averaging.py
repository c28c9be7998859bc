"""Wrappers and averaging optimizers, from torch, schedulefree and pytorch_optimizer; weights in float64."""

import functools
import importlib.metadata

import numpy as np
import pytorch_optimizer
import schedulefree
import torch
from agreement.case import Case
from pytorch_optimizer.optimizer.gradient_centralization import centralize_gradient
from torch.optim.swa_utils import AveragedModel

SHAPES = [(3,), (3, 2), (2, 1, 2, 3)]
STEPS = 60
RECORDED = np.array([1, 2, 3, 5, 6, 9, 10, 11, 20, 40, 59, 60])
PYTORCH_OPTIMIZER = f"pytorch_optimizer {importlib.metadata.version('pytorch_optimizer')}"
SCHEDULEFREE = f"schedulefree {importlib.metadata.version('schedulefree')}"


def paths():
    """Return weights to begin with and gradients for each step, exact in float32."""
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=shape).astype("float32") for shape in SHAPES]
    return starts, [rng.normal(size=(STEPS, *shape)).astype("float32") for shape in SHAPES]


def torch_layout(array):
    """Return a kernel or its gradient with the outputs first, as torch has it."""
    return np.moveaxis(array, -1, 0) if array.ndim > 1 else array


def keras_layout(array):
    return np.moveaxis(array, 0, -1) if array.ndim > 1 else array


def case(component, reference, make, *, note="", prepare=None, average=None, micro=1):
    """Return a case: ``make`` builds an optimizer on parameters.

    Where ``average(optimizer, parameters, step)`` returns averaged weights, they are recorded too, as ``average0`` and
    so on, for the tests that look at them through `swap_weights`.
    """
    starts, gradients = paths()
    parameters = [torch.nn.Parameter(torch.tensor(torch_layout(s).astype("float64"))) for s in starts]
    optimizer = make(parameters)
    weights, averages = [[] for _ in starts], [[] for _ in starts]
    for step in range(1, STEPS + 1):
        if step % micro == 0:
            for parameter, rows in zip(parameters, gradients, strict=True):
                mean = rows[step - micro : step].astype("float64").mean(0)
                parameter.grad = torch.tensor(torch_layout(mean).copy())
            if prepare:
                prepare([parameter.grad for parameter in parameters])
            optimizer.step()
        found = average(optimizer, parameters, step) if average else None
        if step in RECORDED:
            record(weights, parameters)
            if found:
                record(averages, found)
    extra = {f"average{at}": np.stack(rows) for at, rows in enumerate(averages) if rows}
    return Case(
        kind="optimizer",
        component=component,
        reference=reference,
        note=note,
        inputs={
            **{f"start{at}": value for at, value in enumerate(starts)},
            **{f"gradients{at}": value for at, value in enumerate(gradients)},
        },
        expected={"steps": RECORDED, **{f"weights{at}": np.stack(rows) for at, rows in enumerate(weights)}, **extra},
    )


def record(rows, tensors):
    for row, tensor in zip(rows, tensors, strict=True):
        row.append(keras_layout(tensor.detach().numpy().copy()))


def sgd(**arguments):
    return functools.partial(torch.optim.SGD, **arguments)


def momentum(**arguments):
    return {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, **arguments}


def lookahead_cases():
    reference = f"{PYTORCH_OPTIMIZER} Lookahead on torch {torch.__version__}"
    inners = {
        "SGD": ({"name": "sgd", "learning_rate": 0.1}, sgd(lr=0.1)),
        "momentum": ({**momentum(), "nesterov": False}, sgd(lr=0.1, momentum=0.9)),
        "Adam": (
            {"name": "adam", "learning_rate": 0.01, "epsilon": 1e-8},
            functools.partial(torch.optim.Adam, lr=0.01, eps=1e-8),
        ),
    }
    for note, (inner, make) in inners.items():
        for arguments in ({}, {"k": 3, "alpha": 0.8}, {"k": 1, "alpha": 0.25}):

            def wrapped(parameters, make=make, arguments=arguments):
                return pytorch_optimizer.Lookahead(make(parameters), **arguments)

            yield case({"name": "lookahead", "inner": inner, **arguments}, reference, wrapped, note=note)
    yield case(
        {"name": "lookahead", "inner": {"name": "sgd", "learning_rate": 0.1, "gradient_accumulation_steps": 3}, "k": 2},
        reference,
        lambda parameters: pytorch_optimizer.Lookahead(sgd(lr=0.1)(parameters), k=2),
        note="accumulated gradients",
        micro=3,
    )


def centralization_cases():
    reference = f"{PYTORCH_OPTIMIZER} centralize_gradient, torch {torch.__version__} SGD"
    for conv_only in (False, True):
        yield case(
            {"name": "gradient_centralization", "inner": momentum(), "conv_only": conv_only},
            reference,
            sgd(lr=0.1, momentum=0.9),
            prepare=lambda gradients, conv_only=conv_only: [centralize_gradient(g, conv_only) for g in gradients],
        )


class Recorder(torch.nn.Module):
    """Parameters as a module, which is what torch averages."""

    def __init__(self, parameters):
        super().__init__()
        self.all = torch.nn.ParameterList(parameters)


def swa_cases():
    """Training is that of the inner optimizer; the average is torch's."""
    for start, period in ((0, 1), (5, 3), (0, 10), (20, 7)):
        averaged = []

        def average(optimizer, parameters, step, start=start, period=period, averaged=averaged):
            if step > start and (step - start) % period == 0:
                if not averaged:
                    averaged.append(AveragedModel(Recorder(parameters)))
                averaged[0].update_parameters(Recorder(parameters))
            return list(averaged[0].module.all) if averaged else parameters

        yield case(
            {"name": "swa", "inner": momentum(), "start": start, "period": period},
            f"torch {torch.__version__} SGD and AveragedModel",
            sgd(lr=0.1, momentum=0.9),
            average=average,
        )


SCHEDULE_FREE = [
    {},
    {"learning_rate": 0.1},
    {"learning_rate": 0.5, "momentum": 0.5, "warmup_steps": 10},
    {"learning_rate": 0.1, "momentum": 0.98, "weight_decay": 0.05},
    {"learning_rate": 0.2, "warmup_steps": 25, "r": 1.5},
    {"learning_rate": 0.2, "warmup_steps": 25, "weight_lr_power": 0.0, "weight_decay": 0.01},
]
SCHEDULE_FREE_ADAM = [
    {},
    {"learning_rate": 0.05, "beta_1": 0.8, "beta_2": 0.99, "warmup_steps": 10},
    {"learning_rate": 0.01, "weight_decay": 0.1, "r": 1.0, "epsilon": 1e-3},
    {"learning_rate": 0.01, "warmup_steps": 20, "weight_lr_power": 1.0},
]


def torch_names(arguments):
    names = {"learning_rate": "lr", "epsilon": "eps"}
    found = {names.get(k, k): v for k, v in arguments.items() if k not in ("beta_1", "beta_2")}
    if "beta_1" in arguments or "beta_2" in arguments:
        found["betas"] = (arguments.get("beta_1", 0.9), arguments.get("beta_2", 0.999))
    return found


def evaluated(optimizer, parameters, step):
    """Return what schedulefree puts into the model for evaluation."""
    optimizer.eval()
    found = [parameter.detach().clone() for parameter in parameters]
    optimizer.train()
    return found


def schedule_free(cls, parameters, arguments):
    optimizer = cls(parameters, **torch_names(arguments))
    optimizer.train()
    return optimizer


def schedule_free_cases():
    for name, cls, table in (
        ("schedule_free_sgd", schedulefree.SGDScheduleFree, SCHEDULE_FREE),
        ("schedule_free_adamw", schedulefree.AdamWScheduleFree, SCHEDULE_FREE_ADAM),
    ):
        for arguments in table:
            yield case(
                {"name": name, **arguments},
                f"{SCHEDULEFREE} {cls.__name__}",
                lambda parameters, cls=cls, arguments=arguments: schedule_free(cls, parameters, arguments),
                average=evaluated,
            )


def cases():
    yield from lookahead_cases()
    yield from centralization_cases()
    yield from swa_cases()
    yield from schedule_free_cases()
