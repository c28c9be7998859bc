"""Logarithms and powers of probabilities whose values and gradients stay finite at 0 and 1."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

__all__ = [
    "SMALLEST",
    "check_at_least_0",
    "check_share",
    "log_and_missing",
    "log_probabilities",
    "log_sigmoids",
    "logits_of",
    "safe_log",
    "safe_power",
]

SMALLEST = 1e-30
"""What counts as the probability 0: its logarithm is -69, and one over it is still a float32."""


def safe_log(p: Any) -> Any:
    """Return the logarithm of probabilities; below `SMALLEST` it is constant, so that 0 has no infinite slope."""
    return ops.log(ops.maximum(p, SMALLEST))


def log_probabilities(y_pred: Any, *, from_logits: bool) -> Any:
    """Return the logarithm of each class's probability over the last axis."""
    # The softmax of large logits rounds to 0 and 1; its logarithm does not.
    return ops.log_softmax(y_pred, axis=-1) if from_logits else safe_log(y_pred)


def log_and_missing(y_pred: Any, *, from_logits: bool) -> tuple[Any, Any]:
    """Return log p and 1 - p of each class's probability over the last axis."""
    logs = log_probabilities(y_pred, from_logits=from_logits)
    return logs, -ops.expm1(logs) if from_logits else 1 - y_pred


def logits_of(y_pred: Any, *, from_logits: bool) -> Any:
    """Return logits: those given, or the logarithm of probabilities.

    The logarithm of a softmax is its logits, all shifted by one number for each sample. A loss that does not see such a
    shift is therefore the same whether it gets a network's logits or their softmax, as far as no probability is 0.
    """
    return y_pred if from_logits else safe_log(y_pred)


def log_sigmoids(y_pred: Any, *, from_logits: bool) -> tuple[Any, Any, Any, Any]:
    """Return log p, log(1 - p), p and 1 - p of independent yes-or-no probabilities."""
    if from_logits:
        return ops.log_sigmoid(y_pred), ops.log_sigmoid(-y_pred), ops.sigmoid(y_pred), ops.sigmoid(-y_pred)
    return safe_log(y_pred), safe_log(1 - y_pred), y_pred, 1 - y_pred


def safe_power(base: Any, exponent: float) -> Any:
    """Return ``base ** exponent`` for a base of at least 0, with the gradient 0 where the base is 0."""
    if exponent == 0:
        return ops.ones_like(base)
    if exponent == 1:
        return base
    # Below an exponent of 1 the slope at 0 is infinite: the inner `where` keeps it out of the gradient.
    positive = base > 0
    return ops.where(positive, ops.power(ops.where(positive, base, 1.0), exponent), 0.0)


def check_at_least_0(**arguments: float) -> None:
    """Raise ``ValueError`` for an argument that is no finite number of at least 0."""
    for name, value in arguments.items():
        if not (math.isfinite(value) and value >= 0):
            message = f"`{name}` must be a finite number of at least 0, not {value}."
            raise ValueError(message)


def check_share(**arguments: float) -> None:
    """Raise ``ValueError`` for an argument that is not between 0 and 1."""
    for name, value in arguments.items():
        if not 0 <= value <= 1:
            message = f"`{name}` must be between 0 and 1, not {value}."
            raise ValueError(message)
