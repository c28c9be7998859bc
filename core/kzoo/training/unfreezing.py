"""From a training in which some layers stay as they are to one of all layers, in the middle of a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras

from kzoo.training.averaged_weights import parts_of_optimizer
from kzoo.wrappers.continued_schedule import ContinuedSchedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Phase", "continued", "count_trainable"]


def continued(optimizer: Any, steps: int) -> Any:
    """Return a new optimizer whose learning rate goes on after ``steps`` steps, where it follows a schedule."""
    for part in parts_of_optimizer(optimizer):
        schedule = getattr(part, "_learning_rate", None)  # the property would be this step's number
        if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            part.learning_rate = ContinuedSchedule(schedule, steps)
    return optimizer


def count_trainable(model: Any, change: Callable[[Any], None]) -> tuple[int, int]:
    """Return how many of the weights are trained now, and how many after ``change``; the model stays as it is."""
    now, phase = model.trainable_weights, Phase.of(model)
    change(model)
    after = model.trainable_weights
    phase.freeze(model)
    return _numbers(now), _numbers(after)


class Phase:
    """What of a model is trained, and by which optimizer.

    Args:
        optimizer: The optimizer.
        trainable: For each layer, the outer ones first, whether it is trained.
    """

    def __init__(self, optimizer: Any, trainable: list[bool]) -> None:
        self.optimizer = optimizer
        self.trainable = trainable

    @classmethod
    def of(cls, model: Any) -> Phase:
        """Return the phase that a model is in."""
        return cls(getattr(model, "optimizer", None), [layer.trainable for layer in _layers(model)])

    def freeze(self, model: Any) -> None:
        """Have the same layers trained as then; the optimizer is not touched."""
        for layer, trainable in zip(_layers(model), self.trainable, strict=True):
            layer.trainable = trainable  # an outer layer sets its inner ones, which come after it


def _numbers(weights: Iterable[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _layers(model: Any) -> list[Any]:
    """Return a model's layers and those inside of them, each after the one it is in."""
    return list(model._flatten_layers())  # noqa: SLF001 - `layers` has no inner ones
