"""Losses that are made of other losses."""

from __future__ import annotations

from kzoo.plugin import LossSpec

__all__ = ["LOSSES"]

LOSSES: list[LossSpec] = [
    LossSpec(
        name="mixture",
        target="kzoo_plugins.losses.mixture:Mixture",
        summary="The weighted sum of other losses, each of them logged apart; written 0.5*ssim + charbonnier.",
        aliases=("sum", "weighted_sum"),
        resolves={"losses": "loss"},
        example={
            "losses": ["mean_absolute_error", {"name": "mean_squared_error:name=squares"}],
            "weights": [1, 0.5],
        },
        note=(
            "It is for what the losses in it are for: `soft_dice` and a crossentropy for masks, `ssim` and "
            "`mean_absolute_error` for images. They must take the same labels and predictions. A loss that is one "
            "number for the whole batch, as Keras's `dice` and `keras_tversky` without `axis`, is refused. Each is "
            "logged under its name with `_loss` at the end; an argument `name` gives it another one."
        ),
        reference="Isensee et al. 2021 (Dice and crossentropy), https://doi.org/10.1038/s41592-020-01008-z",
    ),
]
