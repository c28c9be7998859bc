"""Keras's metrics as specs.

``targets`` speaks of classes, given as one-hot rows or as indices; a binary label is one column of 0 and 1, so it says
nothing there. Several of Keras 3.15's metrics broadcast labels of shape (N,) against predictions of shape (N, 1):
binary labels and regression targets are to be given as (N, 1).
"""

from __future__ import annotations

from typing import Any

from kzoo.plugin import MetricSpec
from kzoo_plugins.keras_builtins.names import with_class_names

__all__ = ["METRICS", "NOT_OFFERED"]

_CLASSES = ("classification", "ordinal")
_NUMBERS_AND_SHARES = ("regression", *_CLASSES, "binary", "multilabel", "distribution")
_OF_NUMBERS = ("restoration", *_NUMBERS_AND_SHARES)
_DENSE = frozenset({"dense"})
_SPARSE = frozenset({"sparse"})
_NO_CLASSES: frozenset[str] = frozenset()

_MARGIN = "It is made for scores on both sides of 0; probabilities reach its margin only when they are certain."
_ALL_CLASSES = "With several classes every class of every sample counts as one yes-or-no decision, unless {} is given."
_IDS = "Give `sparse_y_pred=false` for softmax outputs: by default the predictions are taken to be class indices."
_F_VECTOR = "Without `average` the result is one value for each class, not a number."
_F_BINARY = {
    "binary": "Give `threshold=0.5`: without a threshold every single sigmoid output counts as a yes.",
    "multilabel": "Give `threshold=0.5`: without a threshold the most probable label alone counts as a yes.",
}
_PER_SAMPLE = {
    "regression": "It correlates the outputs of one sample; with a single output give `axis=0`, which correlates the "
    "samples of a batch."
}
_COLUMN = (
    "Labels of shape (N,) are broadcast against predictions of shape (N, 1) without a word: give labels as (N, 1)."
)
_BY_BATCH = (
    "With `axis=0` it is the mean over batches of what each batch gives, which is not that of all samples together; "
    "`spearman` correlates the ranks of all samples."
)


def _decisions(name: str, class_name: str, summary: str, **fields: Any) -> MetricSpec:
    """Return the spec of a metric that counts yes-or-no decisions."""
    fields = {
        "tasks": ("binary", "multilabel", *_CLASSES),
        "targets": _DENSE,
        "direction": "max",
        "note": _ALL_CLASSES.format("`class_id`"),
        **fields,
    }
    return MetricSpec(name=name, target=f"keras.metrics:{class_name}", summary=summary, **fields)


def _error(name: str, class_name: str, summary: str, **fields: Any) -> MetricSpec:
    """Return the spec of a metric that measures a difference of numbers, or of probabilities from 0 and 1."""
    fields = {
        "tasks": ("regression", *_CLASSES, "binary"),
        "targets": _DENSE,
        "direction": "min",
        **fields,
    }
    return MetricSpec(name=name, target=f"keras.metrics:{class_name}", summary=summary, **fields)


_ACCURACIES = (
    MetricSpec(
        name="accuracy",
        target="keras.metrics:Accuracy",
        summary="Share of right predictions, in the form that fits labels and outputs, as `compile` chooses it.",
        aliases=("acc",),
        tasks=(*_CLASSES, "binary", "multilabel", "distribution"),
        variants={
            "dense": "keras.metrics:CategoricalAccuracy",
            "sparse": "keras.metrics:SparseCategoricalAccuracy",
            "binary": "keras.metrics:BinaryAccuracy",
            "multilabel": "keras.metrics:BinaryAccuracy",
        },
        inputs="classes",
        direction="max",
        note="Outside a pipeline it is Keras's Accuracy class: the share of predictions exactly equal to the labels.",
    ),
    MetricSpec(
        name="categorical_accuracy",
        target="keras.metrics:CategoricalAccuracy",
        summary="Share of samples whose most probable class is the true one; one-hot labels.",
        tasks=(*_CLASSES, "distribution"),
        targets=_DENSE,
        direction="max",
    ),
    MetricSpec(
        name="sparse_categorical_accuracy",
        target="keras.metrics:SparseCategoricalAccuracy",
        summary="Share of samples whose most probable class is the true one; class indices as labels.",
        tasks=_CLASSES,
        targets=_SPARSE,
        direction="max",
    ),
    MetricSpec(
        name="top_k_categorical_accuracy",
        target="keras.metrics:TopKCategoricalAccuracy",
        summary="Share of samples whose true class is among the k most probable; one-hot labels.",
        tasks=(*_CLASSES, "distribution"),
        targets=_DENSE,
        example={"k": 3},
        direction="max",
    ),
    MetricSpec(
        name="sparse_top_k_categorical_accuracy",
        target="keras.metrics:SparseTopKCategoricalAccuracy",
        summary="Share of samples whose true class is among the k most probable; class indices as labels.",
        tasks=_CLASSES,
        targets=_SPARSE,
        example={"k": 3},
        direction="max",
    ),
    MetricSpec(
        name="binary_accuracy",
        target="keras.metrics:BinaryAccuracy",
        summary="Share of samples on the right side of the threshold.",
        tasks={"binary"},
        targets=_NO_CLASSES,
        example={"threshold": 0.5},
        direction="max",
    ),
)

_DECISIONS = (
    _decisions(
        "auc",
        "AUC",
        "Area under the ROC curve, or under the precision-recall curve.",
        example={"curve": "PR"},
        note=_ALL_CLASSES.format("`multi_label=true`"),
    ),
    _decisions(
        "precision",
        "Precision",
        "Share of the positive predictions that are right.",
        note=_ALL_CLASSES.format("`class_id` or `top_k`"),
    ),
    _decisions(
        "recall",
        "Recall",
        "Share of the positive samples that are found.",
        note=_ALL_CLASSES.format("`class_id` or `top_k`"),
    ),
    _decisions(
        "precision_at_recall",
        "PrecisionAtRecall",
        "The best precision at a threshold that gives at least this recall.",
        example={"recall": 0.8},
    ),
    _decisions(
        "recall_at_precision",
        "RecallAtPrecision",
        "The best recall at a threshold that gives at least this precision.",
        example={"precision": 0.8},
    ),
    _decisions(
        "sensitivity_at_specificity",
        "SensitivityAtSpecificity",
        "The best share of positives found at a threshold that gives at least this specificity.",
        example={"specificity": 0.5},
    ),
    _decisions(
        "specificity_at_sensitivity",
        "SpecificityAtSensitivity",
        "The best share of negatives left alone at a threshold that gives at least this sensitivity.",
        example={"sensitivity": 0.5},
    ),
    _decisions("true_positives", "TruePositives", "Number of positive predictions that are right.", note=""),
    _decisions("true_negatives", "TrueNegatives", "Number of negative predictions that are right.", note=""),
    _decisions(
        "false_positives", "FalsePositives", "Number of positive predictions that are wrong.", direction="min", note=""
    ),
    _decisions(
        "false_negatives", "FalseNegatives", "Number of negative predictions that are wrong.", direction="min", note=""
    ),
    _decisions(
        "f1_score",
        "F1Score",
        "Harmonic mean of precision and recall.",
        example={"average": "macro"},
        successor_of=("tfa.metrics.F1Score",),
        cautions=_F_BINARY,
        note=_F_VECTOR,
    ),
    _decisions(
        "fbeta_score",
        "FBetaScore",
        "Weighted harmonic mean of precision and recall, where recall counts beta times as much.",
        aliases=("f_beta_score",),
        example={"average": "macro", "beta": 2.0},
        successor_of=("tfa.metrics.FBetaScore",),
        cautions=_F_BINARY,
        note=_F_VECTOR,
    ),
    _decisions(
        "hinge",
        "Hinge",
        "How far a score is from being on the right side of 0 with a margin of 1.",
        tasks={"binary"},
        targets=_NO_CLASSES,
        cautions={"binary": _MARGIN},
        inputs="signs",
        direction="min",
        note=_COLUMN,
    ),
    _decisions(
        "squared_hinge",
        "SquaredHinge",
        "The square of the hinge.",
        tasks={"binary"},
        targets=_NO_CLASSES,
        cautions={"binary": _MARGIN},
        inputs="signs",
        direction="min",
        note=_COLUMN,
    ),
    _decisions(
        "binary_iou",
        "BinaryIoU",
        "Intersection over union of the samples of a class and those predicted as it, over both classes.",
        aliases=("binary_io_u",),
        tasks={"binary"},
        targets=_NO_CLASSES,
        example={"target_class_ids": [1], "threshold": 0.5},
        note="",
    ),
)

_CLASS_OVERLAPS = (
    MetricSpec(
        name="iou",
        target="keras.metrics:IoU",
        summary="Intersection over union of the samples of some classes and those predicted as them.",
        aliases=("io_u",),
        tasks=_CLASSES,
        targets=_SPARSE,
        example={"num_classes": 10, "target_class_ids": [0], "sparse_y_pred": False},
        direction="max",
        note=_IDS,
    ),
    MetricSpec(
        name="mean_iou",
        target="keras.metrics:MeanIoU",
        summary="Intersection over union, averaged over all classes; class indices as labels.",
        aliases=("mean_io_u",),
        tasks=_CLASSES,
        targets=_SPARSE,
        example={"num_classes": 10, "sparse_y_pred": False},
        direction="max",
        note=_IDS,
    ),
    MetricSpec(
        name="one_hot_iou",
        target="keras.metrics:OneHotIoU",
        summary="Intersection over union of the samples of some classes; one-hot labels.",
        aliases=("one_hot_io_u",),
        tasks=_CLASSES,
        targets=_DENSE,
        example={"num_classes": 10, "target_class_ids": [0]},
        direction="max",
    ),
    MetricSpec(
        name="one_hot_mean_iou",
        target="keras.metrics:OneHotMeanIoU",
        summary="Intersection over union, averaged over all classes; one-hot labels.",
        aliases=("one_hot_mean_io_u",),
        tasks=_CLASSES,
        targets=_DENSE,
        example={"num_classes": 10},
        direction="max",
    ),
)

_PROBABILITIES = (
    _error(
        "categorical_crossentropy",
        "CategoricalCrossentropy",
        "Mean negative log of the probability given to the true class; one-hot or soft labels.",
        tasks=(*_CLASSES, "distribution"),
    ),
    _error(
        "sparse_categorical_crossentropy",
        "SparseCategoricalCrossentropy",
        "Mean negative log of the probability given to the true class; class indices as labels.",
        tasks=_CLASSES,
        targets=_SPARSE,
    ),
    _error(
        "binary_crossentropy",
        "BinaryCrossentropy",
        "Mean negative log of the probability given to the true answer of a yes-or-no question.",
        aliases=("bce",),
        tasks=("binary", "multilabel", *_CLASSES),
    ),
    _error(
        "kl_divergence",
        "KLDivergence",
        "Mean information lost when the predicted distribution stands for the true one.",
        aliases=("kld",),
        tasks=(*_CLASSES, "distribution"),
        note=_COLUMN,
    ),
    _error(
        "poisson",
        "Poisson",
        "Mean negative log likelihood, up to a constant, of counts under predicted Poisson rates.",
        inputs="positive",
        note=f"Predictions must not be negative. {_COLUMN}",
    ),
    _error(
        "categorical_hinge",
        "CategoricalHinge",
        "How far the best wrong class comes within a margin of 1 of the true class.",
        tasks=_CLASSES,
        cautions=dict.fromkeys(_CLASSES, _MARGIN),
        note=_COLUMN,
    ),
)

_NUMBERS = (
    _error(
        "mean_squared_error",
        "MeanSquaredError",
        "Mean of the squared differences.",
        aliases=("mse",),
        tasks=_OF_NUMBERS,
    ),
    _error(
        "root_mean_squared_error",
        "RootMeanSquaredError",
        "Root of the mean of the squared differences, in the unit of the target.",
        aliases=("rmse",),
        tasks=_NUMBERS_AND_SHARES,
    ),
    _error(
        "mean_absolute_error",
        "MeanAbsoluteError",
        "Mean of the absolute differences.",
        aliases=("mae",),
        tasks=_OF_NUMBERS,
    ),
    _error(
        "mean_absolute_percentage_error",
        "MeanAbsolutePercentageError",
        "Mean of the absolute differences in percent of the true values.",
        aliases=("mape",),
        tasks={"regression"},
        targets=_NO_CLASSES,
        note="A true value of 0 counts as 1e-7, so a single one outweighs everything else.",
    ),
    _error(
        "mean_squared_logarithmic_error",
        "MeanSquaredLogarithmicError",
        "Mean squared difference of log(1 + value): relative errors of positive numbers.",
        aliases=("msle",),
        note="Values below 0 count as 0.",
    ),
    _error(
        "log_cosh_error",
        "LogCoshError",
        "Mean log of the hyperbolic cosine of the difference.",
        aliases=("log_cosh", "logcosh"),
    ),
    _error(
        "cosine_similarity",
        "CosineSimilarity",
        "Cosine of the angle between prediction and target.",
        tasks=("regression", *_CLASSES, "distribution"),
        cautions={
            "regression": "It sees only directions: with a single output, only the sign of the prediction counts."
        },
        direction="max",
        note="Keras 3.15 loses `axis` when the metric is saved: loaded again, it is -1.",
    ),
    _error(
        "r2_score",
        "R2Score",
        "Share of the target's variance that the predictions explain.",
        tasks={"regression"},
        targets=_NO_CLASSES,
        direction="max",
        note=(
            "Keras 3.15 sums in float32, so targets far from 0 relative to their spread give wrong values, even above "
            "1; with `num_regressors` it counts every output as one more sample (mended after 3.15, "
            "https://github.com/keras-team/keras/pull/23334); and an exact match of targets that are all equal is NaN. "
            "`adjusted_r2` is right in all three."
        ),
    ),
    _error(
        "pearson_correlation",
        "PearsonCorrelation",
        "Linear correlation between predictions and targets.",
        tasks={"regression"},
        targets=_NO_CLASSES,
        cautions=_PER_SAMPLE,
        example={"axis": 0},
        successor_of=("tfa.metrics.PearsonsCorrelation",),
        direction="max",
        note=f"NaN where the values do not vary, so always with a single output and the default `axis=-1`. {_BY_BATCH}",
    ),
    _error(
        "concordance_correlation",
        "ConcordanceCorrelation",
        "Correlation between predictions and targets that also wants equal means and spreads.",
        tasks={"regression"},
        targets=_NO_CLASSES,
        cautions=_PER_SAMPLE,
        example={"axis": 0},
        direction="max",
        note=f"0 where the values do not vary, so always with a single output and the default `axis=-1`. {_BY_BATCH}",
    ),
)

METRICS: list[MetricSpec] = with_class_names(*_ACCURACIES, *_DECISIONS, *_CLASS_OVERLAPS, *_PROBABILITIES, *_NUMBERS)
"""The metrics that Keras offers and a pipeline can use."""

NOT_OFFERED: dict[str, str] = {
    "Metric": "the base class of metrics",
    "Mean": "averages values, not labels with predictions",
    "Sum": "sums values, not labels with predictions",
    "MeanMetricWrapper": "a wrapper of a function, which takes an object and not a name",
}
"""The public classes of ``keras.metrics`` that are not listed, and why."""
