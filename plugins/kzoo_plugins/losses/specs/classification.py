"""Losses between classes without an order."""

from __future__ import annotations

from kzoo.plugin import LossSpec

__all__ = ["LOSSES"]

_TASKS = frozenset({"classification", "ordinal", "segmentation"})
_ONE_LABEL = {"binary": "It is made for many labels of which few are present, and leans towards yes between two."}
_OF_LOGITS = (
    "After a softmax it takes the logarithm of the probabilities, which gives the loss of the logits themselves; with "
    "`from_logits=true` it takes those."
)

LOSSES: list[LossSpec] = [
    LossSpec(
        name="sigmoid_focal",
        target="kzoo_plugins.losses.focal:SigmoidFocal",
        summary="Crossentropy of yes-or-no predictions in which those already predicted well weigh little.",
        aliases=("sigmoid_focal_crossentropy", "sigmoid_focal_loss"),
        tasks={"binary", "multilabel", "detection"},
        targets=frozenset(),
        inputs="multilabel",
        properties={"zero_at_equality": True, "range": (0, None)},
        example={"alpha": 0.25, "gamma": 2},
        note=(
            "It has a value for each element and their mean as default, where TensorFlow Addons had the sum over the "
            "last axis and no reduction. Keras's `binary_focal_crossentropy` weighs classes only with "
            "`apply_class_balancing=true`, and clips probabilities to 1e-7."
        ),
        successor_of=("tfa.losses.SigmoidFocalCrossEntropy", "tfa.losses.sigmoid_focal_crossentropy"),
        reference="Lin et al. 2017, https://arxiv.org/abs/1708.02002",
    ),
    LossSpec(
        name="focal",
        target="kzoo_plugins.losses.focal:Focal",
        summary="Crossentropy between classes in which samples already predicted well weigh little.",
        aliases=("focal_loss", "softmax_focal"),
        tasks=_TASKS,
        inputs="classes",
        properties={"zero_at_equality": True, "range": (0, None)},
        example={"gamma": 2},
        note=(
            "Keras's `categorical_focal_crossentropy` takes one-hot labels only, multiplies by alpha=0.25 unless told "
            "otherwise, and clips probabilities to 1e-7; this one takes class indices too, and weighs classes 1."
        ),
        reference="Lin et al. 2017, https://arxiv.org/abs/1708.02002",
    ),
    LossSpec(
        name="smoothed_crossentropy",
        target="kzoo_plugins.losses.crossentropy:SmoothedCrossentropy",
        summary="Crossentropy against labels of which a part is spread over all classes, for less certain answers.",
        aliases=("label_smoothing", "label_smoothing_crossentropy"),
        tasks=_TASKS,
        inputs="classes",
        properties={"range": (0, None)},
        example={"label_smoothing": 0.1},
        note=(
            "Keras's `categorical_crossentropy:label_smoothing=0.1` is the same for one-hot labels; "
            "`sparse_categorical_crossentropy` cannot smooth."
        ),
        reference="Szegedy et al. 2016, https://arxiv.org/abs/1512.00567",
    ),
    LossSpec(
        name="poly1",
        target="kzoo_plugins.losses.crossentropy:Poly1",
        summary="Crossentropy plus `epsilon` times the probability that the true class lacks.",
        aliases=("poly_loss", "poly1_crossentropy"),
        tasks=_TASKS,
        inputs="classes",
        properties={"zero_at_equality": True, "range": (0, None)},
        example={"epsilon": 2},
        reference="Leng et al. 2022, https://arxiv.org/abs/2204.12511",
    ),
    LossSpec(
        name="generalized_crossentropy",
        target="kzoo_plugins.losses.noisy_labels:GeneralizedCrossentropy",
        summary="Between crossentropy and absolute error: learns from labels of which some are wrong.",
        aliases=("gce", "generalised_crossentropy", "generalized_cross_entropy"),
        tasks=_TASKS,
        inputs="classes",
        properties={"zero_at_equality": True, "range": (0, 1 / 0.7)},
        example={"q": 0.7},
        note=(
            "Keras's `categorical_generalized_cross_entropy` has no finite gradient where the true class has "
            "probability 0, and mixes samples for labels of shape (N, 1); this one does neither, and takes one-hot "
            "labels and logits."
        ),
        reference="Zhang, Sabuncu 2018, https://arxiv.org/abs/1805.07836",
    ),
    LossSpec(
        name="symmetric_crossentropy",
        target="kzoo_plugins.losses.noisy_labels:SymmetricCrossentropy",
        summary="Crossentropy both ways, label to prediction and back: learns from labels of which some are wrong.",
        aliases=("sce", "symmetric_cross_entropy"),
        tasks=_TASKS,
        inputs="classes",
        properties={"zero_at_equality": True, "range": (0, None)},
        example={"alpha": 0.1, "beta": 1, "log_zero": -4},
        note="The paper's values are alpha=0.1 for CIFAR-10, and alpha=6, beta=0.1 for CIFAR-100.",
        reference="Wang et al. 2019, https://arxiv.org/abs/1908.06112",
    ),
    LossSpec(
        name="bi_tempered",
        target="kzoo_plugins.losses.bi_tempered:BiTempered",
        summary="A bounded crossentropy after a softmax with heavy tails: bears wrong labels near and far.",
        aliases=("bi_tempered_logistic", "bitempered"),
        tasks=_TASKS,
        inputs="classes",
        properties={"range": (0, 5)},
        example={"t1": 0.8, "t2": 1.2},
        note=(
            f"{_OF_LOGITS} The answer that it trains is the tempered softmax, less certain than the network's own: "
            "classes have the same order."
        ),
        reference="Amid et al. 2019, https://arxiv.org/abs/1906.03361",
    ),
    LossSpec(
        name="sparsemax",
        target="kzoo_plugins.losses.sparsemax:Sparsemax",
        summary="Loss of the sparsemax: 0 once the true class leads all others by 1.",
        aliases=("sparsemax_loss",),
        tasks=_TASKS,
        inputs="classes",
        properties={"zero_at_equality": True, "range": (0, None)},
        note=f"{_OF_LOGITS} TensorFlow Addons' loss took logits only: that is `sparsemax:from_logits=true`.",
        successor_of=("tfa.losses.SparsemaxLoss", "tfa.losses.sparsemax_loss"),
        reference="Martins, Astudillo 2016, https://arxiv.org/abs/1602.02068",
    ),
    LossSpec(
        name="ldam",
        target="kzoo_plugins.losses.ldam:LDAM",
        summary="Crossentropy with margins, wider for rarer classes.",
        aliases=("ldam_loss",),
        tasks=_TASKS,
        inputs="classes",
        properties={"zero_at_equality": True, "range": (0, None)},
        example={"scale": 1, "max_margin": 0.5},
        note=(
            "`class_counts` says how many samples each class has; without it all margins are equal. The default scale, "
            f"30, is for cosines as logits: give `scale=1` for a network that ends in a softmax. {_OF_LOGITS}"
        ),
        reference="Cao et al. 2019, https://arxiv.org/abs/1906.07413",
    ),
    LossSpec(
        name="asymmetric",
        target="kzoo_plugins.losses.asymmetric:Asymmetric",
        summary="Focal loss of many labels in which easy noes weigh less than easy yeses, and the easiest nothing.",
        aliases=("asl", "asymmetric_loss"),
        tasks={"binary", "multilabel"},
        targets=frozenset(),
        cautions=_ONE_LABEL,
        inputs="multilabel",
        properties={"zero_at_equality": True, "range": (0, None)},
        example={"gamma_neg": 4, "gamma_pos": 1, "clip": 0.05},
        note="The paper's code trains with the sum over a batch; the default here is the mean over all elements.",
        reference="Ridnik et al. 2021, https://arxiv.org/abs/2009.14119",
    ),
]
