"""Optimizers that adapt the step of each weight or layer."""

from __future__ import annotations

from kzoo.plugin import OptimizerSpec

__all__ = ["OPTIMIZERS"]

_FOLDER = "kzoo_plugins.optimizers"
_DECAY_IN_STEP = "`weight_decay` is part of the step, as in the paper, and not taken off before, as Keras does."
_RATES_IN_MOMENTUM = "its momentum holds the rates of earlier steps, as in the paper, so a rate of 0 does not stop it"

OPTIMIZERS: list[OptimizerSpec] = [
    OptimizerSpec(
        name="radam",
        target=f"{_FOLDER}.radam:RAdam",
        summary="Adam that needs no warm-up: its first steps, which would be erratic, are plain momentum.",
        aliases=("rectified_adam", "rectifiedadam"),
        example={"learning_rate": 0.001},
        note="For TensorFlow Addons' `total_steps`, `warmup_proportion` and `min_lr` take a schedule.",
        successor_of=("tfa.optimizers.RectifiedAdam",),
        reference="Liu et al. 2019, https://arxiv.org/abs/1908.03265",
    ),
    OptimizerSpec(
        name="lazy_adam",
        target=f"{_FOLDER}.lazy_adam:LazyAdam",
        summary="Adam that moves only those rows of an embedding that a batch looked up.",
        aliases=("lazyadam", "sparse_adam"),
        example={"learning_rate": 0.001},
        note=(
            "For weights other than embeddings, and on backends other than TensorFlow, it is Keras's `adam`; so it is "
            "with `gradient_accumulation_steps`, `global_clipnorm` or a regularizer on the embeddings."
        ),
        successor_of=("tfa.optimizers.LazyAdam",),
        reference="Kingma, Ba 2015, https://arxiv.org/abs/1412.6980",
    ),
    OptimizerSpec(
        name="adabelief",
        target=f"{_FOLDER}.adabelief:AdaBelief",
        summary="Adam that takes large steps where gradients are as it expects them, and small ones elsewhere.",
        aliases=("ada_belief",),
        example={"learning_rate": 0.001},
        note="TensorFlow Addons has `rectify=true` and `epsilon=1e-14` by default.",
        successor_of=("tfa.optimizers.AdaBelief",),
        reference="Zhuang et al. 2020, https://arxiv.org/abs/2010.07468",
    ),
    OptimizerSpec(
        name="yogi",
        target=f"{_FOLDER}.yogi:Yogi",
        summary="Adam whose step sizes cannot grow fast when gradients are rare or small for a while.",
        example={"learning_rate": 0.01},
        note="`beta_1` and `beta_2` were `beta1` and `beta2` in TensorFlow Addons.",
        successor_of=("tfa.optimizers.Yogi",),
        reference="Zaheer et al. 2018, https://papers.nips.cc/paper/8186-adaptive-methods-for-nonconvex-optimization",
    ),
    OptimizerSpec(
        name="novograd",
        target=f"{_FOLDER}.novograd:NovoGrad",
        summary="Momentum of gradients that are divided, layer by layer, by a running mean of their size.",
        aliases=("novo_grad",),
        example={"learning_rate": 0.01},
        note=f"{_DECAY_IN_STEP} TensorFlow Addons has `learning_rate=0.001,beta_1=0.9,beta_2=0.999` by default.",
        successor_of=("tfa.optimizers.NovoGrad",),
        reference="Ginsburg et al. 2019, https://arxiv.org/abs/1905.11286",
    ),
    OptimizerSpec(
        name="lars",
        target=f"{_FOLDER}.lars:LARS",
        summary="SGD for large batches: each layer's step is a small share of the size of its weights.",
        example={"learning_rate": 1.0, "weight_decay": 0.0001},
        note=f"{_DECAY_IN_STEP} Wants far larger rates than SGD, and a warm-up.",
        expected_failures=dict.fromkeys(("one_trace", "schedule"), _RATES_IN_MOMENTUM),
        reference="You et al. 2017, https://arxiv.org/abs/1708.03888",
    ),
    OptimizerSpec(
        name="cocob",
        target=f"{_FOLDER}.cocob:COCOB",
        summary="Needs no learning rate: each weight bets what its earlier steps won on the next gradient.",
        note="A constant `learning_rate` other than 0 changes nothing; `alpha` says how careful the first steps are.",
        successor_of=("tfa.optimizers.COCOB",),
        reference="Orabona, Tommasi 2017, https://arxiv.org/abs/1705.07795",
    ),
    OptimizerSpec(
        name="conditional_gradient",
        target=f"{_FOLDER}.conditional_gradient:ConditionalGradient",
        summary="Keeps each variable's weights in a ball, by steps towards a point on its surface; Frank-Wolfe.",
        aliases=("frank_wolfe", "conditionalgradient"),
        example={"radius": 10.0, "learning_rate": 0.01},
        note=(
            "`learning_rate` is the part of the way that a step goes; in TensorFlow Addons it was 1 minus that, and "
            "`radius` was `lambda_`. Choose a radius above the norm that the weights begin with."
        ),
        successor_of=("tfa.optimizers.ConditionalGradient",),
        reference="Ravi et al. 2018, https://arxiv.org/abs/1803.06453",
    ),
    OptimizerSpec(
        name="proximal_adagrad",
        target=f"{_FOLDER}.proximal_adagrad:ProximalAdagrad",
        summary="Adagrad whose L1 term sets small weights to exactly 0.",
        aliases=("proximaladagrad",),
        example={"learning_rate": 0.01, "l1_regularization_strength": 0.001},
        successor_of=("tfa.optimizers.ProximalAdagrad",),
        reference="Duchi, Singer 2009, https://www.jmlr.org/papers/v10/duchi09a.html",
    ),
]
