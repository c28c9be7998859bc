"""Optimizers around another optimizer, and those that average weights."""

from __future__ import annotations

from kzoo.plugin import OptimizerSpec

__all__ = ["OPTIMIZERS"]

_INNER = {"inner": "optimizer"}
_SWAPPED = (
    "Validation, `best.keras` and `model.keras` have the averaged weights; training goes on from its own, which the "
    "file keeps beside them. In Keras's `fit`, add the callback `kzoo.training.averaged_weights.SwapAveragedWeights`."
)
_BATCH_NORM = (
    "The running statistics of batch normalization stay those of the training weights: call "
    "`kzoo_plugins.optimizers.averaging.recompute_batch_norm` on a model that has such layers."
)
_DEFAZIO = "Defazio et al. 2024, https://arxiv.org/abs/2405.15682"
_AVERAGES_AT_RATE_0 = (
    "the mean of the weights so far moves at every step, whatever the rate is, and the training weights with it"
)

OPTIMIZERS: list[OptimizerSpec] = [
    OptimizerSpec(
        name="lookahead",
        target="kzoo_plugins.optimizers.lookahead:Lookahead",
        summary="Goes back half of the way that another optimizer went, every five steps.",
        resolves=_INNER,
        example={"inner": "adam"},
        note='The rate is that of `inner`: `--optimizer "lookahead:inner=adam(learning_rate=0.01)"`.',
        successor_of=("tfa.optimizers.Lookahead",),
        expected_failures={
            "one_trace": "its fifth step goes half of the way back, whatever the rate is",
            "sparse_gradients": "Keras's Adam, which is in the example, squares rows named twice before it sums them",
        },
        reference="Zhang et al. 2019, https://arxiv.org/abs/1907.08610",
    ),
    OptimizerSpec(
        name="gradient_centralization",
        target="kzoo_plugins.optimizers.centralization:GradientCentralization",
        summary="Takes the mean off each output's gradient before another optimizer steps.",
        aliases=("gc",),
        resolves=_INNER,
        example={"inner": "sgd"},
        note=(
            "The last axis of a kernel is taken for its outputs, as in Keras's dense and convolution layers; it is "
            "another one in transposed and depthwise convolutions. Do not use it where the mean of an output's weights "
            "must move."
        ),
        reference="Yong et al. 2020, https://arxiv.org/abs/2004.01461",
    ),
    OptimizerSpec(
        name="sam",
        target="kzoo_plugins.optimizers.sam:SAM",
        summary="Takes gradients a little uphill, so that another optimizer finds wide minima; sharpness-aware.",
        aliases=("sharpness_aware_minimization",),
        resolves=_INNER,
        example={"inner": "sgd", "rho": 0.05},
        note=(
            "It climbs with every second batch and steps with the others, so a training needs twice as many epochs for "
            "the same number of steps; the paper climbs and steps with the same batch, in two passes over it. "
            "It trains on one device. Validation and saved files have the weights below; in Keras's `fit`, add the "
            "callback `kzoo.training.averaged_weights.SwapAveragedWeights`."
        ),
        expected_failures={"one_trace": "its fifth step is a climb, as long at any rate"},
        reference="Foret et al. 2021, https://arxiv.org/abs/2010.01412",
    ),
    OptimizerSpec(
        name="swa",
        target="kzoo_plugins.optimizers.averaging:StochasticWeightAveraging",
        summary="Keeps the mean of the weights that another optimizer passes through, for evaluation and saving.",
        aliases=("stochastic_weight_averaging",),
        resolves=_INNER,
        example={"inner": "sgd", "start": 100, "period": 10},
        note=f"`start` and `period` count steps, not epochs. {_SWAPPED} {_BATCH_NORM}",
        successor_of=("tfa.optimizers.SWA",),
        reference="Izmailov et al. 2018, https://arxiv.org/abs/1803.05407",
    ),
    OptimizerSpec(
        name="schedule_free_sgd",
        target="kzoo_plugins.optimizers.schedule_free:ScheduleFreeSGD",
        summary="SGD whose average of the weights takes the place of a learning-rate schedule.",
        aliases=("sgd_schedule_free",),
        example={"learning_rate": 1.0, "warmup_steps": 100},
        note=f"Wants larger rates than SGD, and a constant one. {_SWAPPED} {_BATCH_NORM}",
        expected_failures={"one_trace": _AVERAGES_AT_RATE_0, "schedule": _AVERAGES_AT_RATE_0},
        reference=_DEFAZIO,
    ),
    OptimizerSpec(
        name="schedule_free_adamw",
        target="kzoo_plugins.optimizers.schedule_free:ScheduleFreeAdamW",
        summary="AdamW whose average of the weights takes the place of momentum and of a learning-rate schedule.",
        aliases=("adamw_schedule_free",),
        example={"learning_rate": 0.0025, "warmup_steps": 100},
        note=f"{_SWAPPED} {_BATCH_NORM} Keras's own is `keras_schedule_free_adamw`.",
        expected_failures={"one_trace": _AVERAGES_AT_RATE_0, "schedule": _AVERAGES_AT_RATE_0},
        reference=_DEFAZIO,
    ),
]
