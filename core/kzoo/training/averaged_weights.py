"""Averaged weights: swapped into the model to be measured and saved, and out again for training.

An optimizer that keeps averages has a method ``swap_weights(averaged)``, see docs/plugins.md. Keras's own moving
averages, ``use_ema``, are swapped as well.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "SwapAveragedWeights",
    "averaged_weights",
    "leave_averaged_weights",
    "parts_of_optimizer",
    "use_training_weights",
]


@contextlib.contextmanager
def averaged_weights(model: Any) -> Iterator[None]:
    """Have the averaged weights in the model for a while, then those that were there before.

    A model whose optimizer keeps no averages, or none yet, stays as it is.
    """
    swapping = _swapping(model)
    before = [optimizer.swap_weights(True) for optimizer in swapping]
    kept = None
    if _has_moving_average(model):
        kept = [keras.ops.copy(variable) for variable in model.trainable_variables]
        model.optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        if kept is not None:
            for variable, value in zip(model.trainable_variables, kept, strict=True):
                variable.assign(value)
        for optimizer, averaged in zip(swapping, before, strict=True):
            optimizer.swap_weights(averaged)


def use_training_weights(model: Any) -> None:
    """Put the weights into the model that training goes on from; an earlier training may have left the averages."""
    for optimizer in _swapping(model):
        optimizer.swap_weights(False)


def leave_averaged_weights(model: Any) -> None:
    """Put the averaged weights into the model at the end of a training, as Keras's ``fit`` does."""
    optimizer = model.optimizer
    if isinstance(optimizer, keras.optimizers.Optimizer):
        # Keras's moving average is zero before the first step, and would be put into the weights all the same.
        if not _moving_averages(model) or _has_moving_average(model):
            optimizer.finalize_variable_values(model.trainable_variables)
        for swapping in _swapping(model):
            swapping.swap_weights(True)


class SwapAveragedWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Evaluates and saves with averaged weights in Keras's own ``fit``, and trains with its own; kzoo's does it anyway.

    Callbacks that come after it in the list see the averaged weights at the end of each epoch, so put it before
    `keras.callbacks.ModelCheckpoint`. After ``fit`` the model has the averaged weights; the next ``fit`` with this
    callback goes on from the training weights, bit for bit, also with a model that was saved and loaded in between.

    Raises:
        ValueError: At the start of the training, where the optimizer has no ``swap_weights``.

    Example:
        >>> import kzoo
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(kzoo.optimizer("schedule_free_sgd"), "mse")
        >>> history = model.fit(
        ...     np.ones((4, 1)),
        ...     np.ones((4, 1)),
        ...     validation_split=0.5,
        ...     callbacks=[SwapAveragedWeights()],
        ...     verbose=0,
        ... )
    """

    def __init__(self) -> None:
        super().__init__()
        self._before: list[tuple[Any, bool]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Go on from the training weights."""
        del logs
        if not _swapping(self.model):
            name = getattr(self.model.optimizer, "name", None)
            message = (
                f"The optimizer `{name}` has no averaged weights to swap: it has no `swap_weights`. For an optimizer "
                "of Keras with `use_ema=True`, take keras.callbacks.SwapEMAWeights."
            )
            raise ValueError(message)
        use_training_weights(self.model)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Take the averaged weights out again."""
        del epoch, logs
        use_training_weights(self.model)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Have the averaged weights in for the callbacks that come after this one."""
        del epoch, logs
        self._swap_in()

    def on_train_end(self, logs: Any = None) -> None:
        """Leave the averaged weights in."""
        del logs
        self._swap_in()

    def on_test_begin(self, logs: Any = None) -> None:
        """Measure the averaged weights."""
        del logs
        self._before = [(optimizer, optimizer.swap_weights(True)) for optimizer in _swapping(self.model)]

    def on_test_end(self, logs: Any = None) -> None:
        """Put back what was there."""
        del logs
        for optimizer, averaged in self._before:
            optimizer.swap_weights(averaged)

    on_predict_begin = on_test_begin
    on_predict_end = on_test_end

    def _swap_in(self) -> None:
        for optimizer in _swapping(self.model):
            optimizer.swap_weights(True)


def parts_of_optimizer(optimizer: Any) -> Iterator[Any]:
    """Yield an optimizer and those inside it: what a wrapper calls ``inner_optimizer``, a `MultiOptimizer`'s parts."""
    if optimizer is None:
        return
    yield optimizer
    yield from parts_of_optimizer(getattr(optimizer, "inner_optimizer", None))
    for part in getattr(optimizer, "optimizers", ()):
        yield from parts_of_optimizer(part)


def _swapping(model: Any) -> list[Any]:
    found = parts_of_optimizer(getattr(model, "optimizer", None))
    return [optimizer for optimizer in found if callable(getattr(optimizer, "swap_weights", None))]


def _moving_averages(model: Any) -> list[Any]:
    return [part for part in parts_of_optimizer(getattr(model, "optimizer", None)) if getattr(part, "use_ema", False)]


def _has_moving_average(model: Any) -> bool:
    """Return whether Keras keeps moving averages of the weights, and has taken the first step."""
    found = _moving_averages(model)
    return bool(found) and all(part.built and int(np.asarray(keras.ops.copy(part.iterations))) > 0 for part in found)
