"""Classes that count alike in training, however many examples each has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.shares import class_labels
from kzoo.errors import DataError, UsageError
from kzoo.plugins.nested import with_inner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.data.splits import Split
    from kzoo.plugins.registry import Registry
    from kzoo.runs.config import RunConfig
    from kzoo.tasks import Task

__all__ = ["balanced_weights", "check_class_weight", "weighing"]

_MOST_NAMED = 10


def check_class_weight(config: RunConfig, task: Task, registry: Registry) -> None:
    """Raise `UsageError` where ``train.class_weight`` means nothing, or the loss weighs the classes as well."""
    if config.train.class_weight == "none":
        return
    where = config.origin("train.class_weight")
    if not task.names_classes or task.own_measures:
        message = (
            f"`train.class_weight` is `{config.train.class_weight}`{where}, and the task here is {task.name}: its "
            "labels are not one class for each example, so there is nothing to weigh. Leave it out, or set "
            "-o train.class_weight=none."
        )
        raise UsageError(message)
    for _, reference in with_inner("loss", config.loss, registry):
        if reference.kwargs.get("class_weight") is not None:
            message = (
                f"`train.class_weight` is `{config.train.class_weight}`{where}, and the loss `{reference}` has a "
                "`class_weight` of its own: both together would weigh each class twice. Take one of them."
            )
            raise UsageError(message)


def balanced_weights(train: Split, class_names: Sequence[str]) -> np.ndarray:
    """Return what an example of each class counts, shape (K,): N / (classes * examples of its own), as scikit-learn's.

    A class without an example counts 1, and is none of the classes in the formula.

    Raises:
        DataError: The labels are not one class for each example.
    """
    from sklearn.utils.class_weight import compute_class_weight

    labels = class_labels(train, class_names)
    if labels is None:
        message = (
            "`train.class_weight` weighs each example by its class, and the labels of this data are not one class "
            "index for each. Set -o train.class_weight=none."
        )
        raise DataError(message)
    occurring = np.unique(labels)
    weights = np.ones(len(class_names))
    weights[occurring] = compute_class_weight("balanced", classes=occurring, y=labels)
    return weights


def weighing(weights: Mapping[str, float]) -> str:
    """Return what is said of weights by class name, or an empty text where all count alike."""
    if not weights:
        return ""
    named = [f"`{name}` {weight:.3g}" for name, weight in list(weights.items())[:_MOST_NAMED]]
    if len(weights) > _MOST_NAMED:
        named.append(f"and {len(weights) - _MOST_NAMED} more")
    return f"In training an example counts by its class: {', '.join(named)}. Validation and test count each once."
