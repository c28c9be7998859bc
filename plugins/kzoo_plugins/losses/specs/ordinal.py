"""Losses between classes that have an order."""

from __future__ import annotations

from kzoo.plugin import LossSpec

__all__ = ["LOSSES"]

_ORDER_MATTERS = {"classification": "Its value depends on the order of the classes, and these classes have none."}

_P_OF_EMD = (
    "The default p=2 is NIMA's training loss; p=1 with normalize=false is the Wasserstein-1 distance. A new network "
    "does not train with p=1: the best constant answer is then all probability on the median class, and RMSprop, Adam "
    "and SGD saturate the softmax there within tens of steps (CIFAR-10 stays near 10 %). Train with p=1.5 or more, and "
    "take p=1 for a network that already predicts well, or as a metric."
)

LOSSES: list[LossSpec] = [
    LossSpec(
        name="emd",
        target="kzoo_plugins.losses.emd:EMD",
        summary="Earth mover's distance: how much probability has to move how far along ordered classes.",
        aliases=("earth_movers_distance",),
        tasks={"classification", "ordinal"},
        cautions=_ORDER_MATTERS,
        example={"p": 1, "normalize": False},
        note=_P_OF_EMD,
        reference="Talebi, Milanfar 2018, https://arxiv.org/abs/1709.05424",
    ),
    LossSpec(
        name="squared_emd",
        target="kzoo_plugins.losses.emd:SquaredEMD",
        summary="Sum of squared differences of the cumulative distributions; the ranked probability score.",
        aliases=("ranked_probability_score", "rps"),
        tasks={"classification", "ordinal"},
        cautions=_ORDER_MATTERS,
        example={"from_logits": False},
        reference="Hou et al. 2016, https://arxiv.org/abs/1611.05916",
    ),
    LossSpec(
        name="histogram_mae",
        target="kzoo_plugins.losses.histogram:HistogramMAE",
        summary="Absolute difference between the means of the true and the predicted histogram.",
        tasks={"classification", "ordinal"},
        cautions=_ORDER_MATTERS,
        note="Only the means are compared: a prediction spread over all bins can have the right one.",
    ),
]
