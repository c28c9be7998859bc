"""Optimizers beyond Adam: slower and earlier means, rates that find themselves, preconditioners for whole axes."""

from __future__ import annotations

from kzoo.plugin import OptimizerSpec

__all__ = ["OPTIMIZERS"]

_LOOKS_FIRST = {"accumulation": "its first step only looks at the gradient, as the paper has it, and moves nothing"}
_LONG_AXES = "Time grows with the cube of a layer's longest axis; axes longer than `max_precondition_dim` are spared."
_OWN_STEP = "kernels of convolutions take Muon's step, vectors and matrices that of SGD, by design"

OPTIMIZERS: list[OptimizerSpec] = [
    OptimizerSpec(
        name="adan",
        target="kzoo_plugins.optimizers.adan:Adan",
        summary="Follows the mean gradient and its mean change, so that it brakes before it overshoots.",
        note="Its authors take rates 5 to 10 times those of Adam. `weight_decay` is theirs too, taken after the step.",
        example={"learning_rate": 0.005},
        reference="Xie et al. 2022, https://arxiv.org/abs/2208.06677",
    ),
    OptimizerSpec(
        name="prodigy",
        target="kzoo_plugins.optimizers.prodigy:Prodigy",
        summary="Adam that finds its own learning rate while it trains.",
        note=(
            "Leave `learning_rate` at 1, or let a schedule fall from 1 to 0; tune `d_coef` if anything. The first "
            "steps are tiny, until the estimate has grown from `d0`. `weight_decay` acts at the rate found."
        ),
        reference="Mishchenko, Defazio 2023, https://arxiv.org/abs/2306.06101",
    ),
    OptimizerSpec(
        name="ademamix",
        target="kzoo_plugins.optimizers.ademamix:AdEMAMix",
        summary="Adam that also follows a slow mean, which remembers the gradients of thousands of steps.",
        note="For runs of a few thousand steps take `beta_3=0.999`. Let `warmup_steps` be the steps of the run.",
        example={"learning_rate": 0.001, "beta_3": 0.999},
        reference="Pagliardini et al. 2024, https://arxiv.org/abs/2409.03137",
    ),
    OptimizerSpec(
        name="adopt",
        target="kzoo_plugins.optimizers.adopt:ADOPT",
        summary="Adam that scales a gradient by those before it, which makes it converge with any `beta_2`.",
        note="The first step moves nothing.",
        expected_failures=_LOOKS_FIRST,
        reference="Taniguchi et al. 2024, https://arxiv.org/abs/2411.02853",
    ),
    OptimizerSpec(
        name="soap",
        target="kzoo_plugins.optimizers.soap:SOAP",
        summary="Adam in the directions in which a layer's gradients vary, found anew every ten steps.",
        note=f"The first step moves nothing. {_LONG_AXES}",
        expected_failures=_LOOKS_FIRST,
        reference="Vyas et al. 2024, https://arxiv.org/abs/2409.11321",
    ),
    OptimizerSpec(
        name="shampoo",
        target="kzoo_plugins.optimizers.shampoo:Shampoo",
        summary="Adagrad with a matrix for each axis of a layer in the place of a number for each weight.",
        note=f"The paper's algorithm, without momentum. {_LONG_AXES}",
        expected_failures={
            "kernel_of_one": "weights of k axes take powers of -1 / (2k), as the paper has it, also where an axis has "
            "the length 1",
        },
        reference="Gupta et al. 2018, https://arxiv.org/abs/1802.09568",
    ),
    OptimizerSpec(
        name="muon_sgd",
        target="kzoo_plugins.optimizers.muon_sgd:MuonSGD",
        summary="Muon for the kernels of convolutions, which keep their length; SGD for all other weights.",
        note="For networks with batch normalization after each convolution. Likes large batches: 128 and more.",
        example={"learning_rate": 0.2},
        expected_failures={"kernels": _OWN_STEP, "kernel_of_one": _OWN_STEP},
        reference="Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/",
    ),
]
