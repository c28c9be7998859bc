"""Losses between numbers."""

from __future__ import annotations

from kzoo.plugin import LossSpec

__all__ = ["LOSSES"]

LOSSES: list[LossSpec] = [
    LossSpec(
        name="scaled_mse",
        target="kzoo_plugins.losses.regression:ScaledMSE",
        summary="Mean squared error with errors measured in units of `scale`.",
        tasks={"regression"},
        targets=frozenset(),
        example={"scale": 10},
    ),
    LossSpec(
        name="pinball",
        target="kzoo_plugins.losses.quantiles:Pinball",
        summary="Error of a predicted quantile: too low and too high cost differently, by `tau` and 1 - `tau`.",
        aliases=("pinball_loss", "quantile", "quantile_loss"),
        tasks={"regression"},
        targets=frozenset(),
        inputs="quantiles",
        properties={"zero_at_equality": True, "range": (0, None)},
        example={"tau": 0.9},
        note=(
            "With a list as `tau` the network needs one output for each quantile, and nothing keeps the quantiles in "
            "order. `mean_pinball` is the metric."
        ),
        successor_of=("tfa.losses.PinballLoss", "tfa.losses.pinball_loss"),
        reference="Koenker, Bassett 1978, https://doi.org/10.2307/1913643",
    ),
    LossSpec(
        name="gaussian_nll",
        target="kzoo_plugins.losses.gaussian:GaussianNLL",
        summary="Negative log-likelihood of targets under a normal distribution whose mean and variance are predicted.",
        aliases=("gaussian_nll_loss", "gaussian_negative_log_likelihood"),
        tasks={"regression"},
        targets=frozenset(),
        inputs="gaussians",
        example={"full": True},
        note=(
            "The network needs two outputs for each target, the mean and then the variance, which softplus or exp "
            "keeps above 0; a variance below `eps` counts as `eps`."
        ),
        reference="Nix, Weigend 1994, https://doi.org/10.1109/ICNN.1994.374138",
    ),
    LossSpec(
        name="crps",
        target="kzoo_plugins.losses.gaussian:CRPS",
        summary="Continuous ranked probability score of a normal distribution whose mean and variance are predicted.",
        aliases=("continuous_ranked_probability_score", "crps_normal"),
        tasks={"regression"},
        targets=frozenset(),
        inputs="gaussians",
        properties={"range": (0, None)},
        example={"eps": 1e-4},
        note=(
            "The network needs two outputs for each target, the mean and then the variance, which softplus or exp "
            "keeps above 0; a variance below `eps` counts as `eps`. In units of the target; outliers count less than "
            "in `gaussian_nll`."
        ),
        reference="Gneiting, Raftery 2007, https://doi.org/10.1198/016214506000001437",
    ),
    LossSpec(
        name="charbonnier",
        target="kzoo_plugins.losses.robust:Charbonnier",
        summary="Absolute error, made smooth around 0 on the scale of `epsilon`.",
        aliases=("charbonnier_loss",),
        tasks={"regression", "restoration"},
        targets=frozenset(),
        inputs="values",
        properties={"symmetric": True, "range": (0, None)},
        example={"epsilon": 1e-3},
        note="At an exact match its value is `epsilon`, not 0.",
        reference="Lai et al. 2017, https://arxiv.org/abs/1710.01992",
    ),
    LossSpec(
        name="barron",
        target="kzoo_plugins.losses.robust:Barron",
        summary="A family from the squared error to losses that forget outliers, with one number to choose between.",
        aliases=("general_robust", "adaptive_robust", "barron_loss"),
        tasks={"regression", "restoration"},
        targets=frozenset(),
        inputs="values",
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, None)},
        example={"alpha": 0, "c": 1},
        note=(
            "`alpha` is 2 for half the squared error, 1 for pseudo-Huber, 0 for Cauchy, -2 for Geman-McClure and "
            "-Infinity for Welsch; `c` is where outliers begin. Neither is learned."
        ),
        reference="Barron 2019, https://arxiv.org/abs/1701.03077",
    ),
    LossSpec(
        name="wing",
        target="kzoo_plugins.losses.robust:Wing",
        summary="For landmarks: the logarithm of small errors, so that they are not lost beside large ones.",
        aliases=("wing_loss",),
        tasks={"regression"},
        targets=frozenset(),
        inputs="values",
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, None)},
        example={"w": 10, "epsilon": 2},
        note="`w` and `epsilon` are in the unit of the targets; the defaults are for pixels.",
        reference="Feng et al. 2018, https://arxiv.org/abs/1711.06753",
    ),
]
