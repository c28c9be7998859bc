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
_FLAT_WEIGHTS = "weights of shape (N, 1) are broadcast against the samples; (N,) works (no issue known)"
_TWICE = (
    "a row that was looked up twice is squared in parts: the gradients of equal rows are not added up first "
    f"(since {_TRACKER}/keras/pull/18692)"
)
_WHOLE = "the rate is calculated in the type of the first rate given (no issue known)"
_HALF_TOP_K = f"TensorFlow's top-k takes no half precision, and Keras does not widen it ({_TRACKER}/keras/issues/11965)"
_CONSTANT = "NaN where the values do not vary (no issue known)"

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
    ("metric", "mismatch_refused", _BROADCAST, _BROADCASTING_METRICS),
    (
        "metric",
        "arguments_saved",
        f"`axis` is not saved ({_TRACKER}/keras/pull/23717)",
        "cosine_similarity",
    ),
    ("metric", "flat_labels", _BROADCAST, "hinge poisson squared_hinge"),
    ("metric", "sample_weight", _FLAT_WEIGHTS, "f1_score fbeta_score"),
    ("metric", "empty", _NOT_BUILT, "f1_score fbeta_score r2_score"),
    ("metric", "finite_at_edges", _CONSTANT, "pearson_correlation r2_score"),
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
