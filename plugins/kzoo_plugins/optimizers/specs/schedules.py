"""Learning-rate schedules."""

from __future__ import annotations

from kzoo.plugin import ScheduleSpec

__all__ = ["SCHEDULES"]

_FOLDER = "kzoo_plugins.optimizers.schedules"
_CYCLES = (
    "tfa.optimizers.CyclicalLearningRate",
    "tfa.optimizers.TriangularCyclicalLearningRate",
    "tfa.optimizers.Triangular2CyclicalLearningRate",
    "tfa.optimizers.ExponentialCyclicalLearningRate",
)

SCHEDULES: list[ScheduleSpec] = [
    ScheduleSpec(
        name="one_cycle",
        target=f"{_FOLDER}:OneCycle",
        summary="Rises to the highest learning rate, then falls far below the first; the 1cycle policy.",
        aliases=("onecycle",),
        example={"max_learning_rate": 0.01, "total_steps": 1000},
        steps_argument="total_steps",
        reference="Smith, Topin 2017, https://arxiv.org/abs/1708.07120",
    ),
    ScheduleSpec(
        name="warmup_cosine",
        target=f"{_FOLDER}:WarmupCosine",
        summary="Rises in a straight line to the highest learning rate, then falls along half a cosine.",
        aliases=("warmupcosine",),
        example={"max_learning_rate": 0.01, "total_steps": 1000, "warmup_steps": 0.1},
        steps_argument="total_steps",
        note="`warmup_steps` below 1 are a share of the run; `total_steps` count the warm-up too.",
        reference="Loshchilov, Hutter 2016, https://arxiv.org/abs/1608.03983",
    ),
    ScheduleSpec(
        name="warmup_stable_decay",
        target=f"{_FOLDER}:WarmupStableDecay",
        summary="Rises to the highest learning rate, stays there for most of the run, and falls at its end.",
        aliases=("wsd", "warmupstabledecay"),
        example={"max_learning_rate": 0.01, "total_steps": 1000, "decay_shape": "1-sqrt"},
        steps_argument="total_steps",
        note="`warmup_steps` and `decay_steps` below 1 are shares of the run.",
        reference="Hu et al. 2024, https://arxiv.org/abs/2404.06395",
    ),
    ScheduleSpec(
        name="inverse_sqrt",
        target=f"{_FOLDER}:InverseSqrt",
        summary="Rises to the highest learning rate, then falls with the inverse square root of the steps.",
        aliases=("inversesqrt", "noam"),
        example={"max_learning_rate": 0.01, "warmup_steps": 100},
        note="It has no end: a run can be prolonged at any step.",
        reference="Vaswani et al. 2017, https://arxiv.org/abs/1706.03762",
    ),
    ScheduleSpec(
        name="cyclical",
        target=f"{_FOLDER}:Cyclical",
        summary="Goes up and down between two learning rates in straight lines, again and again.",
        aliases=("cyclical_learning_rate", "clr"),
        example={"initial_learning_rate": 0.001, "max_learning_rate": 0.01, "step_size": 100, "mode": "triangular2"},
        note="`step_size` counts optimizer steps, half a cycle; Smith proposes those of 2 to 10 epochs.",
        successor_of=_CYCLES,
        reference="Smith 2015, https://arxiv.org/abs/1506.01186",
    ),
    ScheduleSpec(
        name="join",
        target=f"{_FOLDER}:Join",
        summary="One schedule after another, each counting its steps from where it begins.",
        example={
            "schedules": ["cyclical:initial_learning_rate=0.001,max_learning_rate=0.01,step_size=10", 0.001],
            "boundaries": [40],
        },
        resolves={"schedules": "schedule"},
        boundaries_argument="boundaries",
        note=(
            "A number among the schedules is a constant rate. A schedule that needs the steps of the run is given "
            "those of its own part."
        ),
    ),
]
