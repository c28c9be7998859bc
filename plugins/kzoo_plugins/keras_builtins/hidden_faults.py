"""Where Keras 3.15's losses and metrics give an ordinary number for inputs that are wrong or say nothing, as notes.

kzoo's own components give NaN or refuse there; Keras's are published as they are. What is said here was measured, and
`tests/plugins/test_keras_builtins_faults.py` measures it again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from kzoo.plugin import ComponentSpec

__all__ = ["HIDDEN_FAULTS", "with_hidden_faults"]

_S = TypeVar("_S", bound=ComponentSpec)

_ONE_OUTPUT_0 = "With one output it is 0 whatever the answers, and Keras only warns: `binary_crossentropy` is for that."
_ONE_OUTPUT_1 = "With one output it is 1 whatever the answers: `binary_accuracy` is for that."
_ONE_CLASS = "With one output it is the share of the label 0: `binary_accuracy` is for that."
_ONE_OVERLAP = "With one output everything is class 0: `binary_iou` is for that."
_NEGATIVE = "Labels are not checked: with -1 for a no it falls below 0 without bound."
_NAN_WRONG = "A sample whose prediction is NaN counts as wrong, so a diverged model has 0 and not NaN."
_NAN_NO = "A prediction that is NaN counts as a no, so a diverged model has an ordinary number and not NaN."
_NAN_FIRST = (
    "A sample whose outputs are all NaN counts as class 0, so a diverged model has an ordinary number and not NaN."
)
_NOT_0 = "Every label but 0 counts as a yes, -1 and 255 too."
_LEFT_OUT = "A label that is no class is left out without a word."
_TIES_HIT = "A tie counts as a hit, so outputs that are all the same have 1, whatever the labels."
_TIES_YES = (
    "Without `threshold` every output that is as large as the largest counts as a yes, so of outputs that are all the "
    "same each is one, and the right class is always among them."
)
_AXIS = (
    "With an `axis` other than the last, `label_smoothing` divides by the size of another axis "
    "(https://github.com/keras-team/keras/pull/23437)."
)
_NO_RESULT = (
    "With an `axis` other than the last there is no result, but an error "
    "(https://github.com/keras-team/keras/issues/23667)."
)

_DECISIONS = (
    "auc precision recall precision_at_recall recall_at_precision sensitivity_at_specificity "
    "specificity_at_sensitivity true_positives true_negatives false_positives false_negatives"
)
_OVERLAPS = "iou mean_iou one_hot_iou one_hot_mean_iou"

# Kind, sentence, names.
_TABLE = (
    ("loss", "Outside a pipeline it is `categorical_crossentropy`. " + _ONE_OUTPUT_0, "crossentropy"),
    ("loss", _ONE_OUTPUT_0, "categorical_crossentropy categorical_focal_crossentropy"),
    ("loss", _AXIS, "categorical_crossentropy categorical_focal_crossentropy"),
    ("loss", _NEGATIVE, "binary_crossentropy binary_focal_crossentropy"),
    (
        "loss",
        "With one output an answer of 0 costs nothing, whatever is predicted: `binary_crossentropy` is for that.",
        "kl_divergence",
    ),
    (
        "loss",
        "A label that is no class, as 1 is with one output, counts as the worst prediction, and its gradient is NaN.",
        "categorical_generalized_cross_entropy",
    ),
    (
        "loss",
        "A label that is no class, as 1 is with one output, is an error; with XLA or on a GPU the loss is NaN.",
        "sparse_categorical_crossentropy",
    ),
    (
        "loss",
        "Labels 0 and 1 are read as -1 and 1 only where a batch has no other label; with a 2 among them a 0 costs 1.",
        "hinge squared_hinge",
    ),
    ("metric", _NAN_NO, f"{_DECISIONS} f1_score fbeta_score binary_accuracy binary_iou"),
    ("metric", _NAN_FIRST, f"categorical_accuracy sparse_categorical_accuracy {_OVERLAPS}"),
    ("metric", _NAN_WRONG, "accuracy top_k_categorical_accuracy sparse_top_k_categorical_accuracy"),
    ("metric", _TIES_HIT, "top_k_categorical_accuracy sparse_top_k_categorical_accuracy"),
    ("metric", _TIES_YES, "f1_score fbeta_score"),
    ("metric", _NOT_0, _DECISIONS),
    ("metric", "Labels are counted as the numbers they are: 255 counts as 255 yes.", "f1_score fbeta_score"),
    (
        "metric",
        "A label that is no class counts as a wrong prediction.",
        "sparse_categorical_accuracy sparse_top_k_categorical_accuracy binary_accuracy",
    ),
    ("metric", _LEFT_OUT, "iou mean_iou binary_iou"),
    ("metric", _ONE_OUTPUT_1, "categorical_accuracy top_k_categorical_accuracy one_hot_iou one_hot_mean_iou"),
    ("metric", _ONE_CLASS, "sparse_categorical_accuracy sparse_top_k_categorical_accuracy"),
    ("metric", _ONE_OVERLAP, "iou mean_iou"),
    ("metric", _ONE_OUTPUT_0, "categorical_crossentropy"),
    ("metric", _AXIS, "categorical_crossentropy"),
    (
        "metric",
        "With one output an answer of 0 costs nothing, whatever is predicted: `binary_crossentropy` is for that.",
        "kl_divergence",
    ),
    ("metric", _NEGATIVE, "binary_crossentropy"),
    (
        "metric",
        "Predictions of an integer type cut the labels to whole numbers without a word: give them as floats.",
        "mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error",
    ),
    ("metric", "Where the squares overflow, as with a single prediction of 1e30, it is 0 and not -inf.", "r2_score"),
    ("metric", _NO_RESULT, _OVERLAPS),
)


def _collected() -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for kind, sentence, names in _TABLE:
        for name in names.split():
            found[kind, name] = (*found.get((kind, name), ()), sentence)
    return found


HIDDEN_FAULTS = _collected()
"""For each kind and name, the sentences of what it does not tell."""


def with_hidden_faults(specs: list[_S]) -> list[_S]:
    """Return the specs with these sentences at the end of their notes."""
    return [
        replace(spec, note=" ".join(filter(None, (spec.note, *HIDDEN_FAULTS[spec.kind, spec.name]))))
        if (spec.kind, spec.name) in HIDDEN_FAULTS
        else spec
        for spec in specs
    ]
