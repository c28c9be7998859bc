"""Learning-rate schedules from torch."""

import warnings

import numpy as np
import torch
from agreement.case import Case

ONE_CYCLE = [
    {"max_learning_rate": 0.1, "total_steps": 20},
    {"max_learning_rate": 0.1, "total_steps": 20, "anneal_strategy": "linear"},
    {"max_learning_rate": 0.1, "total_steps": 20, "three_phase": True},
    {"max_learning_rate": 1.0, "total_steps": 33, "three_phase": True, "anneal_strategy": "linear", "pct_start": 0.25},
    {"max_learning_rate": 3e-3, "total_steps": 101, "pct_start": 0.05, "div_factor": 10.0, "final_div_factor": 100.0},
    {"max_learning_rate": 0.5, "total_steps": 7, "pct_start": 0.0},
    {"max_learning_rate": 0.5, "total_steps": 7, "pct_start": 0.1},
    {"max_learning_rate": 0.5, "total_steps": 1},
    {"max_learning_rate": 0.5, "total_steps": 2},
]


def rates_of(make, steps):
    """Return the learning rate that a torch schedule gives at each step; ``make`` builds it on an optimizer."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the step after the last one warns
            schedule.step()
    return np.array(rates)


def cases():
    for arguments in ONE_CYCLE:
        named = {name: value for name, value in arguments.items() if name != "max_learning_rate"}

        def make(optimizer, highest=arguments["max_learning_rate"], named=named):
            return torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=highest, cycle_momentum=False, **named)

        steps = arguments["total_steps"]
        yield Case(
            kind="schedule",
            component={"name": "one_cycle", **arguments},
            reference=f"torch {torch.__version__} OneCycleLR",
            inputs={"steps": np.arange(steps)},
            expected={"value": rates_of(make, steps)},
        )
