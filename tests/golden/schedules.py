"""Learning-rate schedules from torch, optax, transformers and pytorch-optimizer."""

import warnings
from importlib.metadata import version

import jax
import numpy as np
import optax
import pytorch_optimizer
import torch
import transformers
from agreement.case import Case

jax.config.update("jax_enable_x64", True)

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


WARMUP_COSINE = [
    {"max_learning_rate": 0.1, "total_steps": 40, "warmup_steps": 10},
    {"max_learning_rate": 1.0, "total_steps": 200},
    {"max_learning_rate": 1.0, "total_steps": 60, "warmup_steps": 0},
    {"max_learning_rate": 3e-3, "total_steps": 50, "warmup_steps": 1, "initial_learning_rate": 1e-3},
    {"max_learning_rate": 0.5, "total_steps": 33, "warmup_steps": 32, "final_learning_rate": 0.01},
    {"max_learning_rate": 0.5, "total_steps": 50, "warmup_steps": 5, "initial_learning_rate": 1.0, "exponent": 3.0},
    {"max_learning_rate": 0.5, "total_steps": 50, "warmup_steps": 5, "final_learning_rate": 0.7, "exponent": 0.5},
]
# Warm-up, plateau and decay in steps, the highest and the lowest rate.
WARMUP_STABLE_DECAY = [(10, 20, 10, 0.1, 0.0), (0, 30, 15, 1.0, 0.0), (5, 0, 25, 3e-3, 0.0), (7, 21, 1, 0.5, 0.0)]
INVERSE_SQRT = [
    {"max_learning_rate": 0.1, "warmup_steps": 10},
    {"max_learning_rate": 1.0, "warmup_steps": 1},
    {"max_learning_rate": 3e-3, "warmup_steps": 20, "timescale": 7},
    {"max_learning_rate": 0.5, "warmup_steps": 0, "timescale": 100},
    {"max_learning_rate": 0.5, "warmup_steps": 4000},
]
CYCLICAL = [
    {"initial_learning_rate": low, "max_learning_rate": high, "step_size": up, "mode": mode, **more}
    for low, high, up, more in (
        (0.001, 0.1, 5, {}),
        (0.0, 1.0, 1, {}),
        (0.01, 0.5, 8, {"step_size_down": 3}),
        (1e-4, 6e-3, 3, {"step_size_down": 20}),
    )
    for mode in ("triangular", "triangular2")
] + [
    {"initial_learning_rate": 0.001, "max_learning_rate": 0.1, "step_size": 5, "mode": "exp_range", "gamma": 0.99},
    {"initial_learning_rate": 0.0, "max_learning_rate": 1.0, "step_size": 50, "mode": "exp_range", "gamma": 0.99994},
]
STEPS = np.array([*range(70), 99, 100, 101, 999, 1000, 4000, 40001])


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


def one_cycle():
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


def warmup_cosine():
    for arguments in WARMUP_COSINE:
        steps = arguments["total_steps"]
        schedule = optax.warmup_cosine_decay_schedule(
            init_value=arguments.get("initial_learning_rate", 0.0),
            peak_value=arguments["max_learning_rate"],
            warmup_steps=arguments.get("warmup_steps", steps // 10),
            decay_steps=steps,
            end_value=arguments.get("final_learning_rate", 0.0),
            exponent=arguments.get("exponent", 1.0),
        )
        yield optax_case({"name": "warmup_cosine", **arguments}, "warmup_cosine_decay_schedule", schedule)


def warmup_stable_decay():
    for warmup, plateau, decay, high, low in WARMUP_STABLE_DECAY:
        for shape in ("1-sqrt", "linear", "cosine"):

            def make(optimizer, parts=(warmup, plateau, decay), shape=shape, high=high, low=low):
                optimizer.param_groups[0]["lr"] = high
                make_schedule = pytorch_optimizer.lr_scheduler.get_wsd_schedule
                return make_schedule(optimizer, *parts, min_lr_ratio=low / high, cooldown_type=shape)

            steps = warmup + plateau + decay + 5
            yield Case(
                kind="schedule",
                component={
                    "name": "warmup_stable_decay",
                    "max_learning_rate": high,
                    "total_steps": warmup + plateau + decay,
                    "warmup_steps": warmup,
                    "decay_steps": decay,
                    "decay_shape": shape,
                    "final_learning_rate": low,
                },
                reference=f"pytorch-optimizer {version('pytorch-optimizer')} get_wsd_schedule",
                inputs={"steps": np.arange(steps)},
                expected={"value": rates_of(make, steps)},
            )
    # Only with optax does it begin and end elsewhere than at 0.
    parts = [
        optax.linear_schedule(0.2, 1.0, 10),
        optax.constant_schedule(1.0),
        optax.linear_schedule(1.0, 0.05, 20),
    ]
    arguments = {"total_steps": 100, "warmup_steps": 10, "decay_steps": 20, "decay_shape": "linear"}
    rates = {"max_learning_rate": 1.0, "initial_learning_rate": 0.2, "final_learning_rate": 0.05}
    component = {"name": "warmup_stable_decay", **rates, **arguments}
    yield optax_case(component, "join_schedules", optax.join_schedules(parts, [10, 80]))
    yield optax_case(
        {**component, "warmup_steps": 0.1, "decay_steps": 0.2},
        "join_schedules",
        optax.join_schedules(parts, [10, 80]),
        note="shares of the run",
    )


def inverse_sqrt():
    for arguments in INVERSE_SQRT:

        def make(optimizer, arguments=arguments):
            optimizer.param_groups[0]["lr"] = arguments["max_learning_rate"]
            return transformers.get_inverse_sqrt_schedule(
                optimizer, arguments["warmup_steps"], arguments.get("timescale", arguments["warmup_steps"])
            )

        yield Case(
            kind="schedule",
            component={"name": "inverse_sqrt", **arguments},
            reference=f"transformers {transformers.__version__} get_inverse_sqrt_schedule",
            inputs={"steps": STEPS},
            expected={"value": rates_of(make, max(STEPS) + 1)[STEPS]},
        )


def cyclical():
    for arguments in CYCLICAL:

        def make(optimizer, arguments=arguments):
            return torch.optim.lr_scheduler.CyclicLR(
                optimizer,
                base_lr=arguments["initial_learning_rate"],
                max_lr=arguments["max_learning_rate"],
                step_size_up=arguments["step_size"],
                step_size_down=arguments.get("step_size_down"),
                mode=arguments["mode"],
                gamma=arguments.get("gamma", 1.0),
                cycle_momentum=False,
            )

        # After 1024 cycles torch's triangular2 overflows.
        last = 1000 if arguments["mode"] == "triangular2" else 4000
        steps = STEPS[: np.searchsorted(STEPS, last) + 1]
        yield Case(
            kind="schedule",
            component={"name": "cyclical", **arguments},
            reference=f"torch {torch.__version__} CyclicLR",
            inputs={"steps": steps},
            expected={"value": rates_of(make, max(steps) + 1)[steps]},
        )


def join():
    warmup = {"name": "warmup_cosine", "max_learning_rate": 0.1, "total_steps": 30, "warmup_steps": 10}
    cosine = optax.warmup_cosine_decay_schedule(0.0, 0.1, 10, 30)
    decay = "exponential_decay:initial_learning_rate=0.05,decay_steps=10,decay_rate=0.5"
    exponential = optax.exponential_decay(0.05, 10, 0.5)
    tables = [
        ({"schedules": [warmup, 0.01], "boundaries": [30]}, [cosine, optax.constant_schedule(0.01)]),
        ({"schedules": [decay, warmup, decay], "boundaries": [20, 50]}, [exponential, cosine, exponential]),
        ({"schedules": [decay], "boundaries": []}, [exponential]),
    ]
    for arguments, parts in tables:
        joined = optax.join_schedules(parts, arguments["boundaries"])
        yield optax_case({"name": "join", **arguments}, "join_schedules", joined)
    inner = {"name": "join", **tables[0][0]}
    joined = optax.join_schedules([exponential, optax.join_schedules(tables[0][1], [30])], [15])
    component = {"name": "join", "schedules": [decay, inner], "boundaries": [15]}
    yield optax_case(component, "join_schedules", joined, note="a join in a join")


def optax_case(component, function, schedule, note=""):
    return Case(
        kind="schedule",
        component=component,
        reference=f"optax {optax.__version__} {function}",
        inputs={"steps": STEPS[STEPS < 2000]},
        expected={"value": np.array([float(schedule(step)) for step in STEPS[STEPS < 2000]])},
        note=note,
    )


def cases():
    for family in (one_cycle, warmup_cosine, warmup_stable_decay, inverse_sqrt, cyclical, join):
        yield from family()
