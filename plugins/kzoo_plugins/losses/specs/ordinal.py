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

_DECODED = (
    "`threshold_probabilities` and `threshold_labels` in `kzoo_plugins.losses.thresholds`{} turn the logits into "
    "probabilities and classes."
)

LOSSES: list[LossSpec] = [
    LossSpec(
        name="emd",
        target="kzoo_plugins.losses.emd:EMD",
        summary="Earth mover's distance: how much probability has to move how far along ordered classes.",
        aliases=("earth_movers_distance",),
        tasks={"classification", "ordinal", "distribution"},
        cautions=_ORDER_MATTERS,
        example={"p": 2},
        note=_P_OF_EMD,
        reference="Talebi, Milanfar 2018, https://arxiv.org/abs/1709.05424",
    ),
    LossSpec(
        name="squared_emd",
        target="kzoo_plugins.losses.emd:SquaredEMD",
        summary="Sum of squared differences of the cumulative distributions; the ranked probability score.",
        aliases=("ranked_probability_score", "rps"),
        tasks={"classification", "ordinal", "distribution"},
        cautions=_ORDER_MATTERS,
        reference="Hou et al. 2016, https://arxiv.org/abs/1611.05916",
    ),
    LossSpec(
        name="histogram_mae",
        target="kzoo_plugins.losses.histogram:HistogramMAE",
        summary="Absolute difference between the means of the true and the predicted histogram.",
        tasks={"classification", "ordinal", "distribution"},
        cautions=_ORDER_MATTERS,
        note="Only the means are compared: a prediction spread over all bins can have the right one.",
    ),
    LossSpec(
        name="coral",
        target="kzoo_plugins.losses.coral:Coral",
        summary="Ordered classes as yes-or-no questions, one for each threshold; their binary crossentropies added up.",
        aliases=("coral_loss",),
        tasks={"ordinal"},
        inputs="thresholds",
        properties={"range": (0, None)},
        note=(
            "It needs K - 1 logits for K classes: a last layer without activation, in the paper one unit shared by all "
            f"thresholds plus a bias for each. {_DECODED.format('')}"
        ),
        reference="Cao et al. 2020, https://arxiv.org/abs/1901.07884",
    ),
    LossSpec(
        name="corn",
        target="kzoo_plugins.losses.corn:Corn",
        summary="Ordered classes as yes-or-no questions, each asked only of samples above the threshold before.",
        aliases=("corn_loss",),
        tasks={"ordinal"},
        inputs="thresholds",
        properties={"range": (0, None)},
        note=(
            "It needs K - 1 logits for K classes: a last layer of K - 1 units without activation. The divisor is the "
            "number of questions asked in the batch; a sample's value is its share in the loss times the number of "
            f"samples, so that the mean is the loss. {_DECODED.format(', with `conditional=True`,')}"
        ),
        expected_failures={
            "batches_add_up": "A sample's share depends on how many questions were asked in the whole batch."
        },
        reference="Shi et al. 2021, https://arxiv.org/abs/2111.08851",
    ),
    LossSpec(
        name="weighted_kappa",
        target="kzoo_plugins.losses.kappa:WeightedKappa",
        summary="Logarithm of one minus the weighted kappa of a batch: disagreement relative to that of chance.",
        aliases=("weighted_kappa_loss", "wk_loss"),
        tasks={"classification", "ordinal"},
        cautions=_ORDER_MATTERS,
        example={"weights": "linear"},
        note=(
            "It is one number for the whole batch, which should be large enough to hold all classes. Sample weights "
            "count within kappa: a sample of weight 0 has no part in it."
        ),
        successor_of=("tfa.losses.WeightedKappaLoss",),
        expected_failures={
            "batches_add_up": "It is one loss for the whole batch, not a mean over samples.",
            "sample_weight": "A weight counts within kappa as well, where it changes the value of all samples.",
        },
        reference="de la Torre et al. 2018, https://doi.org/10.1016/j.patrec.2017.05.018",
    ),
]
