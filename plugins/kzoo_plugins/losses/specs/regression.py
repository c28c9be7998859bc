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
]
