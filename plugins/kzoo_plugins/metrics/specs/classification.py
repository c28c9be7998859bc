"""Metrics between classes."""

from __future__ import annotations

from typing import Any

from kzoo.plugin import MetricSpec

__all__ = ["METRICS"]

_TASKS = ("classification", "ordinal", "binary")
_BY_CLASS = "With `average=null` the result is one value for each class, not a number."


def _from_matrix(name: str, target: str, summary: str, **fields: Any) -> MetricSpec:
    """Return the spec of a metric that follows from the confusion matrix."""
    fields = {"tasks": _TASKS, "inputs": "classes", "direction": "max", **fields}
    return MetricSpec(name=name, target=f"kzoo_plugins.metrics.{target}", summary=summary, **fields)


METRICS: list[MetricSpec] = [
    _from_matrix(
        "mcc",
        "chance:MatthewsCorrelation",
        "Matthews correlation of true and predicted classes, over all samples seen.",
        aliases=("matthews_corrcoef", "matthews_correlation_coefficient"),
        example={"threshold": 0.5},
        properties={"range": (-1, 1)},
        successor_of=("tfa.metrics.MatthewsCorrelationCoefficient",),
        note="0 where labels or predictions are all of one class, since nothing can be correlated there.",
        reference="Gorodkin 2004, https://doi.org/10.1016/j.compbiolchem.2004.09.006",
    ),
    _from_matrix(
        "cohen_kappa",
        "chance:CohenKappa",
        "Agreement of true and predicted classes beyond chance; weighted for classes with an order.",
        aliases=("kappa",),
        example={"weights": "quadratic"},
        properties={"range": (-1, 1)},
        successor_of=("tfa.metrics.CohenKappa",),
        note="`weights` is None, `linear` or `quadratic`; the weighted forms are for classes that have an order.",
        reference="Cohen 1968, https://doi.org/10.1037/h0026256",
    ),
    _from_matrix(
        "balanced_accuracy",
        "rates:BalancedAccuracy",
        "Mean recall of the classes: a rare class counts as much as a frequent one.",
        example={"adjusted": True},
        properties={"range": (0, 1)},
        note="Classes that do not occur among the labels are left out.",
        reference="Brodersen et al. 2010, https://doi.org/10.1109/ICPR.2010.764",
    ),
    _from_matrix(
        "specificity",
        "rates:Specificity",
        "Of the samples that are not of a class, the share not taken for it: the true negative rate.",
        aliases=("true_negative_rate", "tnr"),
        example={"average": "macro"},
        properties={"range": (0, 1)},
        note=_BY_CLASS,
        reference="Yerushalmy 1947, https://doi.org/10.2307/4586294",
    ),
    _from_matrix(
        "npv",
        "rates:NegativePredictiveValue",
        "Negative predictive value: of the samples not taken for a class, the share that is not of it.",
        aliases=("negative_predictive_value",),
        example={"average": "macro"},
        properties={"range": (0, 1)},
        note=_BY_CLASS,
        reference="Vecchio 1966, https://doi.org/10.1056/NEJM196605262742104",
    ),
    MetricSpec(
        name="auroc_per_class",
        target="kzoo_plugins.metrics.auroc:AUROCPerClass",
        summary="Area under the ROC curve of each class against the others.",
        aliases=("roc_auc_per_class", "auroc"),
        tasks=(*_TASKS, "multilabel"),
        inputs="classes",
        variants={"multilabel": "kzoo_plugins.metrics.auroc:MultilabelAUROC"},
        example={"average": "macro"},
        direction="max",
        properties={"range": (0, 1)},
        note="One value for each class, kept in the records of a run and left out of the line of progress; "
        "`average=macro` makes it one number. NaN for a class without samples, or without others. Scores closer than "
        "1.2 % of p (1 - p) may count as equal.",
        expected_failures={
            "finite_at_edges": "NaN for a class of which there are no samples, or none of others: no area is defined",
        },
        reference="Hanley, McNeil 1982, https://doi.org/10.1148/radiology.143.1.7063747",
    ),
    _from_matrix(
        "hamming_loss",
        "hamming:HammingLoss",
        "Share of wrong answers: of classes, or of all labels where a sample has several.",
        aliases=("hamming_distance",),
        tasks=(*_TASKS, "multilabel"),
        variants={"multilabel": "kzoo_plugins.metrics.hamming:MultilabelHammingLoss"},
        example={"threshold": 0.5},
        direction="min",
        properties={"zero_at_equality": True, "range": (0, 1)},
        successor_of=("tfa.metrics.HammingLoss", "tfa.metrics.hamming_loss_fn", "tfa.metrics.hamming_distance"),
        note="Give `multilabel=true` where every column is a question of its own; pipelines of the task multilabel do "
        "so themselves.",
        reference="Schapire, Singer 2000, https://doi.org/10.1023/A:1007649029923",
    ),
    _from_matrix(
        "confusion_matrix",
        "confusion:ConfusionMatrix",
        "How many samples of each true class, by row, were taken for each class, by column.",
        tasks=(*_TASKS, "multilabel"),
        variants={"multilabel": "kzoo_plugins.metrics.confusion:MultilabelConfusionMatrix"},
        example={"cell": [0, 1], "normalize": "rows"},
        direction="",
        successor_of=("tfa.metrics.MultiLabelConfusionMatrix",),
        note="The result is a matrix, kept in the records of a run and left out of the line of progress; `cell=[0,1]` "
        "makes it one number. `multilabel=true` gives one 2 x 2 matrix for each label.",
        reference="Kohavi, Provost 1998, https://doi.org/10.1023/A:1017181826899",
    ),
]
