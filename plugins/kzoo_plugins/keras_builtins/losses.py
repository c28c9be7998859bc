"""Keras's losses as specs.

``targets`` speaks of classes, given as one-hot rows or as indices; a binary label is one column of 0 and 1, so it says
nothing there.
"""

from __future__ import annotations

from kzoo.plugin import LossSpec
from kzoo_plugins.keras_builtins.names import with_class_names

__all__ = ["LOSSES", "NOT_OFFERED"]

_CLASSES = ("classification", "ordinal")
_DENSE = frozenset({"dense"})
_SPARSE = frozenset({"sparse"})
_NO_CLASSES: frozenset[str] = frozenset()


def _cautions(text: str, *tasks: str) -> dict[str, str]:
    return dict.fromkeys(tasks, text)


_AS_NUMBERS = _cautions(
    "It compares probabilities with 0 and 1 as plain numbers; a crossentropy usually learns faster.",
    *_CLASSES,
    "binary",
)
_AS_ANSWERS = {**_AS_NUMBERS, "multilabel": _AS_NUMBERS["binary"]}
_ONE_VS_ALL = _cautions(
    "It asks one yes-or-no question for each class; `categorical_crossentropy` is made for one softmax.", *_CLASSES
)
_MARGIN = "It is made for scores on both sides of 0; probabilities reach its margin only when they are certain."
_WHOLE_BATCH = _cautions(
    "It is made for segmentation: it is one number for the whole batch, and sample weights cannot tell samples apart "
    "unless `axis=-1` is given.",
    *_CLASSES,
    "binary",
)
_LIN = "Lin et al. 2017, https://arxiv.org/abs/1708.02002"

LOSSES: list[LossSpec] = with_class_names(
    LossSpec(
        name="crossentropy",
        target="keras.losses:CategoricalCrossentropy",
        inputs="classes",
        summary="The crossentropy that fits the labels and outputs, as Keras's `compile` chooses it.",
        aliases=("ce",),
        tasks=(*_CLASSES, "binary", "multilabel", "distribution", "segmentation"),
        variants={
            "dense": "keras.losses:CategoricalCrossentropy",
            "sparse": "keras.losses:SparseCategoricalCrossentropy",
            "binary": "keras.losses:BinaryCrossentropy",
            "multilabel": "keras.losses:BinaryCrossentropy",
        },
    ),
    LossSpec(
        name="categorical_crossentropy",
        target="keras.losses:CategoricalCrossentropy",
        summary="Negative log of the probability given to the true class; one-hot or soft labels.",
        tasks=(*_CLASSES, "distribution", "segmentation"),
        targets=_DENSE,
        example={"label_smoothing": 0.1},
    ),
    LossSpec(
        name="sparse_categorical_crossentropy",
        target="keras.losses:SparseCategoricalCrossentropy",
        summary="Negative log of the probability given to the true class; class indices as labels.",
        tasks=_CLASSES,
        targets=_SPARSE,
        note="Keras 3.15 loses `axis` when the loss is saved.",
    ),
    LossSpec(
        name="binary_crossentropy",
        target="keras.losses:BinaryCrossentropy",
        summary="Negative log of the probability given to the true answer of a yes-or-no question.",
        aliases=("bce",),
        tasks=("binary", "multilabel", *_CLASSES),
        targets=_DENSE,
        cautions=_ONE_VS_ALL,
        example={"label_smoothing": 0.1},
    ),
    LossSpec(
        name="categorical_focal_crossentropy",
        target="keras.losses:CategoricalFocalCrossentropy",
        summary="Categorical crossentropy that gives less weight to samples already predicted well.",
        tasks=(*_CLASSES, "segmentation"),
        targets=_DENSE,
        example={"gamma": 2.0, "alpha": 0.25},
        reference=_LIN,
    ),
    LossSpec(
        name="binary_focal_crossentropy",
        target="keras.losses:BinaryFocalCrossentropy",
        summary="Binary crossentropy that gives less weight to samples already predicted well.",
        tasks=("binary", "multilabel", *_CLASSES),
        targets=_DENSE,
        cautions=_ONE_VS_ALL,
        example={"gamma": 2.0},
        note=(
            "`alpha` has no effect unless `apply_class_balancing=true` is given. In `sigmoid_focal` it has, and "
            "nothing is clipped."
        ),
        reference=_LIN,
    ),
    LossSpec(
        name="categorical_generalized_cross_entropy",
        target="keras.losses:CategoricalGeneralizedCrossEntropy",
        summary="A blend of crossentropy and absolute error that forgives wrong labels; class indices as labels.",
        tasks=_CLASSES,
        targets=_SPARSE,
        example={"q": 0.7},
        note=(
            "Keras 3.15 compares every sample with every label where labels have shape (N, 1): give them as (N,). "
            "Its gradient is not finite where the true class has probability 0. `generalized_crossentropy` is right in "
            "both, and takes one-hot labels and logits too."
        ),
        reference="Zhang, Sabuncu 2018, https://arxiv.org/abs/1805.07836",
    ),
    LossSpec(
        name="kl_divergence",
        target="keras.losses:KLDivergence",
        summary="Information lost when the predicted distribution stands for the true one.",
        aliases=("kld",),
        tasks=(*_CLASSES, "distribution"),
        targets=_DENSE,
    ),
    LossSpec(
        name="poisson",
        target="keras.losses:Poisson",
        inputs="positive",
        summary="Negative log likelihood, up to a constant, of counts under predicted Poisson rates.",
        tasks=("regression", *_CLASSES, "binary"),
        targets=_DENSE,
        cautions=_AS_NUMBERS,
        note="Predictions must not be negative.",
    ),
    LossSpec(
        name="categorical_hinge",
        target="keras.losses:CategoricalHinge",
        summary="How far the best wrong class comes within a margin of 1 of the true class.",
        tasks=_CLASSES,
        targets=_DENSE,
        cautions=_cautions(_MARGIN, *_CLASSES),
    ),
    LossSpec(
        name="hinge",
        target="keras.losses:Hinge",
        inputs="signs",
        summary="How far a score is from being on the right side of 0 with a margin of 1.",
        tasks={"binary"},
        targets=_NO_CLASSES,
        cautions=_cautions(_MARGIN, "binary"),
    ),
    LossSpec(
        name="squared_hinge",
        target="keras.losses:SquaredHinge",
        inputs="signs",
        summary="The square of the hinge: small violations of the margin count less, large ones more.",
        tasks={"binary"},
        targets=_NO_CLASSES,
        cautions=_cautions(_MARGIN, "binary"),
    ),
    LossSpec(
        name="dice",
        target="keras.losses:Dice",
        inputs="masks",
        summary="One minus the overlap of prediction and truth, relative to their sizes.",
        tasks=(*_CLASSES, "binary", "segmentation"),
        targets=_DENSE,
        cautions=_WHOLE_BATCH,
        example={"axis": -1},
        note=(
            "Keras 3.15 gives 1, the worst value, where neither truth nor prediction has anything. For masks, "
            "`soft_dice` has one value for each sample and class."
        ),
    ),
    LossSpec(
        name="mean_squared_error",
        target="keras.losses:MeanSquaredError",
        summary="Mean of the squared differences; on probabilities, the Brier score over the number of classes.",
        aliases=("mse",),
        tasks=("regression", "restoration", *_CLASSES, "binary", "multilabel", "distribution"),
        targets=_DENSE,
        cautions=_AS_ANSWERS,
    ),
    LossSpec(
        name="mean_absolute_error",
        target="keras.losses:MeanAbsoluteError",
        summary="Mean of the absolute differences.",
        aliases=("mae",),
        tasks=("regression", "restoration", *_CLASSES, "binary", "multilabel", "distribution"),
        targets=_DENSE,
        cautions=_AS_ANSWERS,
    ),
    LossSpec(
        name="mean_absolute_percentage_error",
        target="keras.losses:MeanAbsolutePercentageError",
        inputs="positive",
        summary="Mean of the absolute differences in percent of the true values.",
        aliases=("mape",),
        tasks={"regression"},
        targets=_NO_CLASSES,
        note="A true value of 0 counts as 1e-7, so a single one outweighs everything else.",
    ),
    LossSpec(
        name="mean_squared_logarithmic_error",
        target="keras.losses:MeanSquaredLogarithmicError",
        inputs="positive",
        summary="Mean squared difference of log(1 + value): relative errors of positive numbers.",
        aliases=("msle",),
        tasks=("regression", *_CLASSES, "binary"),
        targets=_DENSE,
        cautions=_AS_NUMBERS,
        note="Values below 0 count as 0.",
    ),
    LossSpec(
        name="huber",
        target="keras.losses:Huber",
        summary="Squared error for small differences, absolute error for differences above `delta`.",
        tasks=("regression", "restoration", *_CLASSES, "binary"),
        targets=_DENSE,
        cautions=_AS_NUMBERS,
        example={"delta": 1.0},
        note="Keras 3.15 loses `delta` when the loss is saved: loaded again, it is 1.",
    ),
    LossSpec(
        name="log_cosh",
        target="keras.losses:LogCosh",
        summary="Log of the hyperbolic cosine of the difference: squared when small, absolute when large, smooth.",
        aliases=("logcosh",),
        tasks=("regression", "restoration", *_CLASSES, "binary"),
        targets=_DENSE,
        cautions=_AS_NUMBERS,
    ),
    LossSpec(
        name="cosine_similarity",
        target="keras.losses:CosineSimilarity",
        summary="Minus the cosine of the angle between prediction and target.",
        tasks=("regression", *_CLASSES, "distribution"),
        targets=_DENSE,
        cautions={
            "regression": "It sees only directions: with a single output, only the sign of the prediction counts.",
            **_cautions(_AS_NUMBERS["classification"], *_CLASSES),
        },
        note="Keras 3.15 loses `axis` when the loss is saved: loaded again, it is -1.",
    ),
    LossSpec(
        name="ctc",
        target="keras.losses:CTC",
        inputs="sequences",
        summary="Negative log of the probability of a sequence of symbols, over all its alignments with the steps.",
        aliases=("ctc_loss", "connectionist_temporal_classification"),
        tasks={"transcription"},
        targets=_NO_CLASSES,
        note=(
            "Symbol 0 is the blank and ends a label; the network ends in logits. All steps count: a mask of steps "
            "ends in an error of TensorFlow's. A label that is no symbol (-1, or K and above) and one that is longer "
            "than the steps allow have ordinary values in Keras 3.15."
        ),
        reference="Graves et al. 2006, https://doi.org/10.1145/1143844.1143891",
    ),
)
"""The losses that Keras offers and a pipeline can use."""

# Keras's names for these belong to kzoo's own losses, which do what they say. So they are not among the others, which
# get their class's name as an alias.
LOSSES += [
    LossSpec(
        name="keras_tversky",
        target="keras.losses:Tversky",
        inputs="masks",
        summary="Keras's Tversky loss, whose two weights are the other way round than documented.",
        aliases=("kerastversky",),
        tasks=(*_CLASSES, "binary", "segmentation"),
        targets=_DENSE,
        cautions=_WHOLE_BATCH,
        example={"alpha": 0.7, "beta": 0.3},
        note=(
            "Keras 3.15 swaps the two weights: `alpha` weighs false negatives and `beta` false positives, against its "
            "own documentation and the paper. `tversky` has them right. Like Keras's `dice`, it gives 1 where neither "
            "truth nor prediction has anything."
        ),
        reference="Salehi et al. 2017, https://arxiv.org/abs/1706.05721",
    ),
    LossSpec(
        name="keras_circle",
        target="keras.losses:Circle",
        inputs="embeddings",
        summary="Keras's circle loss, whose gradient is not that of the paper.",
        aliases=("kerascircle",),
        tasks={"embedding"},
        targets=_SPARSE,
        example={"gamma": 80, "margin": 0.4},
        note=(
            "Embeddings must have length 1. Keras 3.15 lets the gradient through the weights of the pairs, which the "
            "paper takes for constants: the value is that of `circle`, and the gradient is another. The mean is over "
            "the samples whose value is not 0."
        ),
        reference="Sun et al. 2020, https://arxiv.org/abs/2002.10857",
    ),
]

NOT_OFFERED: dict[str, str] = {"Loss": "the base class of losses"}
"""The public classes of ``keras.losses`` that are not listed, and why."""
