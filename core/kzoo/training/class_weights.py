"""Classes that count alike in training, or nearly, however many examples or pixels each has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

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

__all__ = ["POWERS", "balanced_weights", "check_class_weight", "of_whole_masks", "weighing"]

POWERS = {"none": 0.0, "root": 0.5, "balanced": 1.0}
"""How far each value of ``train.class_weight`` goes, see `balanced_weights`."""
_MOST_NAMED = 10


def check_class_weight(config: RunConfig, task: Task, registry: Registry) -> None:
    """Raise `UsageError` where ``train.class_weight`` means nothing, or the loss weighs the classes as well."""
    if config.train.class_weight == "none":
        return
    where = config.origin("train.class_weight")
    if not task.weighs:
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
                "`class_weight` of its own: both together would weigh each class twice. Take one of them: leave it out "
                "of the loss, or set -o train.class_weight=none."
            )
            raise UsageError(message)


def of_whole_masks(config: RunConfig, task: Task, registry: Registry) -> str:
    """Return what to say where ``train.class_weight`` weighs pixels and the loss has none, or an empty text."""
    if config.train.class_weight == "none" or task.weighs != "pixel":
        return ""
    for _, reference in with_inner("loss", config.loss, registry):
        if (registry.loss(reference.name).spec.inputs or task.predicts) != task.predicts:
            return (
                f"All pixels count alike: `train.class_weight` is `{config.train.class_weight}`, and the loss "
                f"`{reference}` has one value for a whole mask, in which none can count more than another."
            )
    return ""


def balanced_weights(train: Split, class_names: Sequence[str], power: float = 1.0) -> np.ndarray:
    """Return what an example of each class counts, shape (K,); of masks, what a pixel does.

    Formula, for n examples of a class, of the K that occur, and N of all:

    ```
    w = n ** -power * N / sum_c n_c ** (1 - power)
    ```

    With a power of 1 that is N / (K n), as scikit-learn's; whatever the power, the mean over the examples is 1. A class
    without an example counts 1, and is none of the classes in the formula.

    Args:
        train: The examples; one with a method ``class_counts`` says itself how many of each class it has.
        class_names: The names of the classes.
        power: 1 lets classes count alike, 0.5 moves them half the way there.

    Raises:
        DataError: The labels are not one class for each example.
    """
    counts = _counts(train, len(class_names), class_labels(train, class_names))
    occurring = counts > 0
    weights = np.ones(len(class_names))
    found = counts[occurring].astype(np.float64)
    weights[occurring] = found**-power * (found.sum() / (found ** (1 - power)).sum())
    return weights


def _counts(train: Split, classes: int, labels: np.ndarray | None) -> np.ndarray:
    if labels is not None:
        return np.bincount(labels, minlength=classes)
    if isinstance(train, _CountsClasses):
        return np.asarray(train.class_counts())
    message = (
        "`train.class_weight` weighs each example by its class, and the labels of this data are not one class "
        "index for each. Set -o train.class_weight=none."
    )
    raise DataError(message)


@runtime_checkable
class _CountsClasses(Protocol):
    """A split whose labels are not one class for each example, and which knows how much there is of each."""

    def class_counts(self) -> np.ndarray:
        """Return how many pixels each class has, shape (K,)."""


def weighing(weights: Mapping[str, float], what: str = "example") -> str:
    """Return what is said of weights by class name, or an empty text where all count alike.

    Args:
        weights: What one of each class counts.
        what: One of what.
    """
    if not weights:
        return ""
    named = [f"`{name}` {weight:.3g}" for name, weight in list(weights.items())[:_MOST_NAMED]]
    if len(weights) > _MOST_NAMED:
        named.append(f"and {len(weights) - _MOST_NAMED} more")
    one = f"{'an' if what[0] in 'aeiou' else 'a'} {what}"
    return f"In training {one} counts by its class: {', '.join(named)}. Validation and test count each once."
