"""Keras's optimizers and learning-rate schedules as specs."""

from __future__ import annotations

from kzoo.plugin import OptimizerSpec, ScheduleSpec
from kzoo_plugins.keras_builtins.names import with_class_names

__all__ = ["NOT_OFFERED", "OPTIMIZERS", "SCHEDULES", "SCHEDULES_NOT_OFFERED"]

_DECIMALS = "Write rates as decimals, 1.0 and not 1: Keras 3.15 calculates in the type of the first rate."
_KINGMA = "Kingma, Ba 2014, https://arxiv.org/abs/1412.6980"

OPTIMIZERS: list[OptimizerSpec] = with_class_names(
    OptimizerSpec(
        name="sgd",
        target="keras.optimizers:SGD",
        summary="Stochastic gradient descent, with momentum if wanted.",
        example={"learning_rate": 0.01, "momentum": 0.9},
        successor_of=("tfa.optimizers.SGDW",),
    ),
    OptimizerSpec(
        name="rmsprop",
        target="keras.optimizers:RMSprop",
        summary="Gradients divided by a running root mean square of themselves.",
        example={"learning_rate": 0.001, "rho": 0.9},
        reference="Hinton 2012, http://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
    ),
    OptimizerSpec(
        name="adam",
        target="keras.optimizers:Adam",
        summary="Running means of gradients, divided by running root mean squares, both corrected for their start.",
        example={"learning_rate": 0.001},
        reference=_KINGMA,
    ),
    OptimizerSpec(
        name="adamw",
        target="keras.optimizers:AdamW",
        summary="Adam with weight decay that is separate from the gradient.",
        example={"learning_rate": 0.001, "weight_decay": 0.004},
        successor_of=("tfa.optimizers.AdamW",),
        reference="Loshchilov, Hutter 2019, https://arxiv.org/abs/1711.05101",
    ),
    OptimizerSpec(
        name="adamax",
        target="keras.optimizers:Adamax",
        summary="Adam with a running maximum of gradients in place of the root mean square.",
        example={"learning_rate": 0.001},
        reference=_KINGMA,
    ),
    OptimizerSpec(
        name="nadam",
        target="keras.optimizers:Nadam",
        summary="Adam with Nesterov momentum.",
        example={"learning_rate": 0.001},
        reference="Dozat 2015, http://cs229.stanford.edu/proj2015/054_report.pdf",
    ),
    OptimizerSpec(
        name="adagrad",
        target="keras.optimizers:Adagrad",
        summary="Gradients divided by the root of the sum of all their squares so far: for sparse features.",
        example={"learning_rate": 0.01},
        reference="Duchi et al. 2011, http://www.jmlr.org/papers/volume12/duchi11a/duchi11a.pdf",
    ),
    OptimizerSpec(
        name="adadelta",
        target="keras.optimizers:Adadelta",
        summary="Steps scaled by running root mean squares of earlier steps and of gradients.",
        example={"learning_rate": 1.0},
        note="Keras's default learning rate is 0.001; the paper's is 1.0.",
        reference="Zeiler 2012, https://arxiv.org/abs/1212.5701",
    ),
    OptimizerSpec(
        name="adafactor",
        target="keras.optimizers:Adafactor",
        summary="Adam-like steps from row and column sums of squared gradients: little memory for large matrices.",
        example={"learning_rate": 0.001},
        note="Unless `relative_step=false`, the rate is at most 1/sqrt(step); it scales with the size of the weights. "
        "Outside of a graph (`run_eagerly`) a row of gradients that are all 0 gives NaN.",
        reference="Shazeer, Stern 2018, https://arxiv.org/abs/1804.04235",
    ),
    OptimizerSpec(
        name="ftrl",
        target="keras.optimizers:Ftrl",
        summary="Follow the regularized leader: for wide, sparse, mostly linear models.",
        example={"learning_rate": 0.001},
        reference="McMahan et al. 2013, https://research.google.com/pubs/archive/41159.pdf",
    ),
    OptimizerSpec(
        name="lion",
        target="keras.optimizers:Lion",
        summary="Steps of one size in the direction of the sign of a running mean of gradients.",
        example={"learning_rate": 0.0001},
        note="Wants a learning rate 3 to 10 times smaller than Adam's.",
        reference="Chen et al. 2023, https://arxiv.org/abs/2302.06675",
    ),
    OptimizerSpec(
        name="lamb",
        target="keras.optimizers:Lamb",
        summary="Adam whose step is scaled, for each variable, to the size of its weights: for large batches.",
        example={"learning_rate": 0.001},
        note="Weight decay stays outside of that scaling; in the paper it is inside.",
        successor_of=("tfa.optimizers.LAMB",),
        reference="You et al. 2019, https://arxiv.org/abs/1904.00962",
    ),
    OptimizerSpec(
        name="muon",
        target="keras.optimizers:Muon",
        summary="Momentum made orthogonal before the step, for matrices; AdamW for all other variables.",
        example={"learning_rate": 0.001},
        note="Convolution kernels have four dimensions, so they are trained with AdamW.",
        reference="Liu et al. 2025, https://arxiv.org/abs/2502.16982",
    ),
    OptimizerSpec(
        name="keras_schedule_free_adamw",
        target="keras.optimizers:ScheduleFreeAdamW",
        summary="Keras's schedule-free AdamW, which never puts its averaged weights into the model.",
        aliases=("schedule_free_adam_w",),
        example={"learning_rate": 0.0025, "warmup_steps": 100},
        note=(
            "Keras 3.15 never puts the averaged weights into the model: evaluation and saved files have the training "
            "weights. `schedule_free_adamw` does, and its average weighs the steps of a warm-up less."
        ),
        reference="Defazio et al. 2024, https://arxiv.org/abs/2405.15682",
    ),
)
"""The optimizers that Keras offers."""

SCHEDULES: list[ScheduleSpec] = with_class_names(
    ScheduleSpec(
        name="cosine_decay",
        target="keras.optimizers.schedules:CosineDecay",
        summary="Falls along half a cosine over the run, after a linear warm-up if wanted.",
        example={"initial_learning_rate": 0.01, "decay_steps": 1000},
        steps_argument="decay_steps",
        warmup_argument="warmup_steps",
        note=(f"`decay_steps` are counted after `warmup_steps`; `warmup_cosine` counts the warm-up too. {_DECIMALS}"),
        reference="Loshchilov, Hutter 2016, https://arxiv.org/abs/1608.03983",
    ),
    ScheduleSpec(
        name="cosine_decay_restarts",
        target="keras.optimizers.schedules:CosineDecayRestarts",
        summary="Falls along half a cosine again and again, each time longer.",
        example={"initial_learning_rate": 0.01, "first_decay_steps": 100},
        note=_DECIMALS,
        reference="Loshchilov, Hutter 2016, https://arxiv.org/abs/1608.03983",
    ),
    ScheduleSpec(
        name="polynomial_decay",
        target="keras.optimizers.schedules:PolynomialDecay",
        summary="Falls to the last rate over the run, in a straight line or along a power of what is left.",
        example={"initial_learning_rate": 0.01, "decay_steps": 1000},
        steps_argument="decay_steps",
        note=_DECIMALS,
    ),
    ScheduleSpec(
        name="exponential_decay",
        target="keras.optimizers.schedules:ExponentialDecay",
        summary="Multiplied by one factor every so many steps.",
        example={"initial_learning_rate": 0.01, "decay_steps": 100, "decay_rate": 0.9},
        note=_DECIMALS,
    ),
    ScheduleSpec(
        name="inverse_time_decay",
        target="keras.optimizers.schedules:InverseTimeDecay",
        summary="Divided by a number that grows by the same amount every so many steps.",
        example={"initial_learning_rate": 0.01, "decay_steps": 100, "decay_rate": 0.5},
        note=_DECIMALS,
    ),
    ScheduleSpec(
        name="piecewise_constant_decay",
        target="keras.optimizers.schedules:PiecewiseConstantDecay",
        summary="One rate up to each boundary, another one after the last.",
        example={"boundaries": [500, 800], "values": [0.01, 0.001, 0.0001]},
        note="Write all rates as decimals: Keras 3.15 does not mix 1 with 0.5.",
    ),
)
"""The learning-rate schedules that Keras offers."""

NOT_OFFERED: dict[str, str] = {
    "Optimizer": "the base class of optimizers",
    "LossScaleOptimizer": "a wrapper that Keras puts around an optimizer by itself when training in float16",
    "MultiOptimizer": "a wrapper of several optimizers, which takes objects and not names",
    "OptimizerMap": "an argument of MultiOptimizer, not an optimizer",
}
"""The public classes of ``keras.optimizers`` that are not listed, and why."""

SCHEDULES_NOT_OFFERED: dict[str, str] = {"LearningRateSchedule": "the base class of schedules"}
"""The public classes of ``keras.optimizers.schedules`` that are not listed, and why."""
