"""Where the components of Keras 3.15 fail the conformance kit, with the issue in Keras's tracker if one is known.

The list is exact: a check that a component passes again is reported, so that the entry is taken away with the next
Keras.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from kzoo.plugin import ComponentSpec

__all__ = ["KNOWN_FAILURES", "with_known_failures"]

_S = TypeVar("_S", bound=ComponentSpec)

_TRACKER = "https://github.com/keras-team"

_DTYPE = f"`dtype` is in no Keras loss's configuration ({_TRACKER}/keras-core/pull/930)"
_BROADCAST = f"labels of another shape are broadcast, not refused ({_TRACKER}/keras/issues/14627)"
_ROUNDED = f"labels are cast to the loss's half precision type ({_TRACKER}/keras/issues/15014)"
_LOST = f"the argument is not saved; mended after 3.15 ({_TRACKER}/keras/pull/23286)"
_ONE_NUMBER = f"it is one number for the whole batch unless `axis` is given ({_TRACKER}/keras/issues/19637)"
_NOT_BUILT = "there is no result before the first update: the variables do not exist yet (no issue known)"
_FLAT_WEIGHTS = f"weights of shape (N, 1) are refused; (N,) works; mended after 3.15 ({_TRACKER}/keras/pull/23335)"
_TWICE = (
    "a row that was looked up twice is squared in parts: the gradients of equal rows are not added up first "
    f"(since {_TRACKER}/keras/pull/18692)"
)
_WHOLE = "the rate is calculated in the type of the first rate given (no issue known)"
_HALF_TOP_K = f"TensorFlow's top-k takes no half precision, and Keras does not widen it ({_TRACKER}/keras/issues/11965)"
_CONSTANT = "NaN where the values do not vary (no issue known)"
_EXACT_CONSTANT = f"NaN for an exact match of equal values; mended after 3.15 ({_TRACKER}/keras/pull/23420)"

_SMOOTHED = f"`label_smoothing` divides by the size of the last axis ({_TRACKER}/keras/issues/23437)"
_LAST_AXIS = "`axis` is taken, and on TensorFlow only the last one is supported (no issue known)"
_SUMMED_AXIS = f"the result sums a vector over `axis` ({_TRACKER}/keras/issues/23667)"
_ONE_OUTPUT = "one output has the same loss whatever it predicts; Keras warns at most (no issue known)"
_EMPTY = "the maximum of an empty tensor raises (no issue known)"
_NOT_LOOKED_AT = "labels that are no class are counted like others (no issue known)"
_HIDDEN = "comparisons and argmax make a wrong answer of NaN (no issue known)"
_NO_GRADIENT = "the value is NaN and the gradient is not: maxima and clipping drop it (no issue known)"
_ZERO_TIMES = "0 times NaN is NaN (no issue known)"
_NO_MASK = "`update_state` does not look at the mask (no issue known)"
_LAST_WEIGHTS = "weights of shape (N,) are broadcast along the last axis (no issue known)"
_WEIGHTS_CRASH = "weights of shape (N,) are not spread over positions, and crash (no issue known)"
_NOT_CAST = "whole numbers are not made floats, and crash (no issue known)"
_CAST_TO_BOOL = "classes are cast to the type of the predictions, bool (no issue known)"
_CAST_TO_HALF = "classes are cast to the type of the predictions: in bfloat16, 257 becomes 256 (no issue known)"
_INDICES_BROADCAST = (
    "class indices as predictions are broadcast, or the batch is taken for the classes (no issue known)"
)
_INDICES_CRASH = "class indices as predictions crash, and are not refused (no issue known)"

_EVERY_LOSS = (
    "binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy "
    "categorical_generalized_cross_entropy categorical_hinge cosine_similarity crossentropy dice hinge huber "
    "keras_tversky kl_divergence log_cosh mean_absolute_error mean_absolute_percentage_error mean_squared_error "
    "mean_squared_logarithmic_error poisson sparse_categorical_crossentropy squared_hinge"
)
_BROADCASTING_LOSSES = (
    "categorical_focal_crossentropy categorical_generalized_cross_entropy categorical_hinge cosine_similarity dice "
    "hinge huber keras_tversky kl_divergence log_cosh mean_absolute_error mean_absolute_percentage_error "
    "mean_squared_error mean_squared_logarithmic_error poisson squared_hinge"
)
_BROADCASTING_METRICS = (
    "accuracy binary_accuracy binary_iou categorical_accuracy categorical_hinge concordance_correlation "
    "cosine_similarity f1_score false_negatives false_positives fbeta_score hinge iou kl_divergence log_cosh_error "
    "mean_absolute_error mean_absolute_percentage_error mean_iou mean_squared_error mean_squared_logarithmic_error "
    "one_hot_iou one_hot_mean_iou pearson_correlation poisson precision r2_score recall root_mean_squared_error "
    "sparse_categorical_accuracy squared_hinge true_negatives true_positives"
)
_POSITIVES = (
    "auc false_negatives false_positives precision precision_at_recall recall recall_at_precision "
    "sensitivity_at_specificity specificity_at_sensitivity true_negatives true_positives"
)
_IOUS = "iou mean_iou one_hot_iou one_hot_mean_iou"

# Kind, check, reason, names.
_TABLE = (
    ("loss", "dtype_saved", _DTYPE, _EVERY_LOSS),
    ("loss", "mismatch_refused", _BROADCAST, _BROADCASTING_LOSSES),
    (
        "loss",
        "labels_not_rounded",
        _ROUNDED,
        (
            "categorical_generalized_cross_entropy crossentropy huber log_cosh mean_absolute_error mean_squared_error "
            "sparse_categorical_crossentropy"
        ),
    ),
    ("loss", "arguments_saved", _LOST, "cosine_similarity huber sparse_categorical_crossentropy"),
    ("loss", "one_value_per_sample", _ONE_NUMBER, "dice keras_tversky"),
    ("loss", "sample_weight", _ONE_NUMBER, "dice keras_tversky"),
    (
        "loss",
        "finite_at_edges",
        "the gradient is not finite where the true class has probability 0 (no issue known)",
        "categorical_generalized_cross_entropy",
    ),
    ("loss", "dtype_saved", _DTYPE, "ctc keras_circle"),
    ("loss", "empty_batch", "TensorFlow refuses a batch of no sequence", "ctc"),
    ("loss", "mismatch_refused", _BROADCAST, "keras_circle"),
    ("loss", "reductions", "the mean is over the samples whose value is not 0", "keras_circle"),
    ("loss", "batches_add_up", "a sample is compared with the others of its batch", "keras_circle"),
    ("loss", "axis", _SMOOTHED, "categorical_crossentropy categorical_focal_crossentropy crossentropy"),
    ("loss", "axis", _LAST_AXIS, "sparse_categorical_crossentropy"),
    (
        "loss",
        "one_output",
        _ONE_OUTPUT,
        (
            "categorical_crossentropy categorical_focal_crossentropy categorical_generalized_cross_entropy "
            "crossentropy kl_divergence sparse_categorical_crossentropy"
        ),
    ),
    ("loss", "empty_batch", _EMPTY, "categorical_hinge"),
    (
        "loss",
        "wrong_labels",
        _NOT_LOOKED_AT,
        "binary_crossentropy binary_focal_crossentropy categorical_generalized_cross_entropy",
    ),
    (
        "loss",
        "nan",
        _NO_GRADIENT,
        "binary_crossentropy hinge kl_divergence mean_squared_logarithmic_error squared_hinge",
    ),
    ("metric", "mismatch_refused", _BROADCAST, _BROADCASTING_METRICS),
    ("metric", "axis", _SUMMED_AXIS, _IOUS),
    ("metric", "axis", _LAST_AXIS, "sparse_categorical_crossentropy"),
    (
        "metric",
        "outputs",
        f"`num_regressors` counts every output as one more sample; mended after 3.15 ({_TRACKER}/keras/issues/23334)",
        "r2_score",
    ),
    (
        "metric",
        "ignored_class",
        "what is ignored counts 0, and stays in the denominator (no issue known)",
        "sparse_categorical_crossentropy",
    ),
    (
        "metric",
        "ignored_class",
        "with `ignore_class=-1` a row of zeros counts as class 0 (no issue known)",
        "one_hot_iou one_hot_mean_iou",
    ),
    ("metric", "many_classes", _CAST_TO_HALF, "accuracy categorical_accuracy sparse_categorical_accuracy"),
    ("metric", "empty_batch", _EMPTY, "categorical_hinge f1_score fbeta_score"),
    ("metric", "mask", _NO_MASK, f"{_POSITIVES} {_IOUS} binary_iou root_mean_squared_error"),
    ("metric", "higher_rank", _LAST_WEIGHTS, _POSITIVES),
    ("metric", "higher_rank", _WEIGHTS_CRASH, f"{_IOUS} binary_iou"),
    (
        "metric",
        "nan",
        _HIDDEN,
        (
            f"{_POSITIVES} {_IOUS} accuracy binary_accuracy binary_iou categorical_accuracy f1_score fbeta_score "
            "sparse_categorical_accuracy sparse_top_k_categorical_accuracy top_k_categorical_accuracy"
        ),
    ),
    (
        "metric",
        "nan_left_out",
        _ZERO_TIMES,
        (
            "binary_crossentropy categorical_crossentropy categorical_hinge concordance_correlation cosine_similarity "
            "hinge kl_divergence log_cosh_error mean_absolute_error mean_absolute_percentage_error mean_squared_error "
            "mean_squared_logarithmic_error pearson_correlation poisson r2_score root_mean_squared_error "
            "sparse_categorical_crossentropy squared_hinge"
        ),
    ),
    (
        "metric",
        "wrong_labels",
        _NOT_LOOKED_AT,
        (
            f"{_POSITIVES} accuracy binary_accuracy binary_crossentropy binary_iou f1_score fbeta_score iou mean_iou "
            "sparse_categorical_accuracy sparse_top_k_categorical_accuracy"
        ),
    ),
    ("metric", "integer_predictions", _CAST_TO_BOOL, "accuracy categorical_accuracy sparse_categorical_accuracy"),
    (
        "metric",
        "integer_predictions",
        "epsilon as a whole number is 0 (no issue known)",
        "mean_absolute_percentage_error",
    ),
    (
        "metric",
        "integer_predictions",
        _NOT_CAST,
        (
            "binary_crossentropy categorical_crossentropy categorical_hinge concordance_correlation cosine_similarity "
            "hinge kl_divergence log_cosh_error pearson_correlation poisson sparse_categorical_crossentropy "
            "sparse_top_k_categorical_accuracy squared_hinge top_k_categorical_accuracy"
        ),
    ),
    (
        "metric",
        "class_predictions",
        _INDICES_BROADCAST,
        f"accuracy categorical_accuracy sparse_categorical_accuracy {_IOUS}",
    ),
    (
        "metric",
        "class_predictions",
        _INDICES_CRASH,
        (
            "categorical_hinge kl_divergence sparse_categorical_crossentropy sparse_top_k_categorical_accuracy "
            "top_k_categorical_accuracy"
        ),
    ),
    (
        "metric",
        "arguments_saved",
        f"`axis` is not saved ({_TRACKER}/keras/pull/23717)",
        "cosine_similarity",
    ),
    ("metric", "flat_labels", _BROADCAST, "hinge poisson squared_hinge"),
    ("metric", "sample_weight", _FLAT_WEIGHTS, "f1_score fbeta_score"),
    ("metric", "empty", _NOT_BUILT, "f1_score fbeta_score r2_score"),
    ("metric", "finite_at_edges", _CONSTANT, "pearson_correlation"),
    ("metric", "finite_at_edges", _EXACT_CONSTANT, "r2_score"),
    (
        "metric",
        "precision",
        "sums of squares in float32 lose the differences of large numbers; see `adjusted_r2` (no issue known)",
        "r2_score",
    ),
    ("metric", "half_precision", _HALF_TOP_K, "top_k_categorical_accuracy sparse_top_k_categorical_accuracy"),
    (
        "optimizer",
        "sparse_gradients",
        _TWICE,
        "adafactor adagrad adam adamw ftrl keras_schedule_free_adamw lamb nadam rmsprop",
    ),
    ("optimizer", "schedule", "a learning rate of 0 gives NaN (no issue known)", "ftrl"),
    ("optimizer", "one_trace", "a learning rate of 0 gives NaN (no issue known)", "ftrl"),
    ("optimizer", "weight_decay", "with gradients of 0 all weights become 0, decayed or not, by design", "ftrl"),
    ("optimizer", "schedule", "its average goes on at a rate of 0, by design", "keras_schedule_free_adamw"),
    ("optimizer", "one_trace", "its average goes on at a rate of 0, by design", "keras_schedule_free_adamw"),
    ("optimizer", "kernel_of_one", "all but matrices get the steps of AdamW, by design", "muon"),
    ("schedule", "whole_numbers", _WHOLE, "cosine_decay cosine_decay_restarts"),
    ("regularizer", "any_rank", "only matrices and kernels are taken, biases are refused", "orthogonal_regularizer"),
    ("regularizer", "gradient", "it calculates in float32 only, and refuses float64", "orthogonal_regularizer"),
    ("regularizer", "half_precision", "it refuses half precision (no issue known)", "orthogonal_regularizer"),
    ("regularizer", "half_precision", "sums of squares overflow in float16 (no issue known)", "l2"),
)


def _collected() -> dict[tuple[str, str], dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for kind, check, reason, names in _TABLE:
        for name in names.split():
            found.setdefault((kind, name), {})[check] = reason
    return found


KNOWN_FAILURES = _collected()
"""For each kind and name, the checks that fail and why."""


def with_known_failures(specs: list[_S]) -> list[_S]:
    """Return the specs with the failures known of each."""
    return [
        replace(spec, expected_failures=KNOWN_FAILURES[spec.kind, spec.name])
        if (spec.kind, spec.name) in KNOWN_FAILURES
        else spec
        for spec in specs
    ]
