"""The base of optimizers around another optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ConfigFromSignature

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["OptimizerWrapper", "averager_in", "number_of", "whole_number"]


class OptimizerWrapper(ConfigFromSignature, keras.optimizers.Optimizer):  # type: ignore[misc] # Keras has no types
    """An optimizer that leaves the step to another one, and does something before or after it.

    Learning rate, schedule, weight decay, clipping, gradient accumulation, moving average and the fixed loss scale are
    those of the inner optimizer. What reads or sets them here reaches it. A subclass overrides `prepare`,
    `before_step` or `after_step`, and reaches each variable through `update_each`.

    Args:
        inner: The optimizer to wrap: an object, or the name of one of Keras's.
        name: The name of this one.

    Raises:
        ValueError: ``inner`` is a `keras.optimizers.LossScaleOptimizer`, which belongs around the wrapper.
    """

    def __init__(self, inner: Any, name: str | None = None) -> None:
        super().__init__(learning_rate=0.0, name=name)
        inner = keras.optimizers.get(inner)
        if isinstance(inner, keras.optimizers.LossScaleOptimizer):
            message = (
                f"`{self.name}` cannot wrap a LossScaleOptimizer: Keras would scale the loss twice. Put the "
                "LossScaleOptimizer around it, as `compile` does under mixed_float16."
            )
            raise ValueError(message)  # noqa: TRY004 - it is an optimizer, but not one for this place
        self.inner = inner

    def prepare(self, gradients: list[Any], variables: list[Any]) -> list[Any]:
        """Return the gradients that the inner optimizer gets."""
        del variables
        return gradients

    def before_step(self, variables: list[Any]) -> None:
        """Do what comes before the inner optimizer's step."""

    def after_step(self, variables: list[Any], stepped: Any) -> None:
        """Do what comes after it; ``stepped`` is false where it only accumulated gradients."""

    def build(self, variables: Sequence[Any]) -> None:
        """Make the variables of both optimizers."""
        if self.built:
            return
        self.inner.build(variables)
        super().build(list(variables))

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Take one step, as in `keras.optimizers.Optimizer.apply`."""
        if len(grads) == 0:
            return
        if trainable_variables is not None and not self.built:
            self.build(list(trainable_variables))
        variables = self._trainable_variables if trainable_variables is None else trainable_variables
        variables = list(variables)
        steps = ops.copy(self.inner.iterations)  # a variable would count on while we look at it
        self.before_step(variables)
        self.inner.apply(self.prepare(list(grads), variables), variables)
        self.after_step(variables, ops.not_equal(self.inner.iterations, steps))

    def update_each(self, variables: list[Any], update: Callable[[Any, int, Any], None], value: Any) -> None:
        """Call ``update(variable, index, value)`` for each variable, where it is that the backend may assign to it.

        That place is another one under each distribution strategy, and Keras knows it: this takes the way of its own
        `update_step`, with gradients of 0 that nobody reads.
        """
        self._update = update
        self._backend_update_step([ops.zeros(()) for _ in variables], variables, value)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Do the work that `update_each` was called with on one variable."""
        del gradient
        self._update(variable, self._get_variable_index(variable), learning_rate)

    @property
    def inner_optimizer(self) -> Any:
        """The inner optimizer, under the name that Keras has for it in `LossScaleOptimizer`."""
        return self.inner

    @property
    def variables(self) -> list[Any]:
        """The variables of both optimizers, the inner one's last."""
        found: list[Any] = self._variables + self.inner.variables
        return found

    @property
    def iterations(self) -> Any:
        """The steps that the inner optimizer took."""
        return self.inner.iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the inner optimizer."""
        return self.inner.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner.learning_rate = learning_rate

    @property
    def loss_scale_factor(self) -> Any:
        """The fixed factor that the inner optimizer scales the loss by, or None."""
        return self.inner.loss_scale_factor if hasattr(self, "inner") else None

    @loss_scale_factor.setter
    def loss_scale_factor(self, factor: Any) -> None:
        if hasattr(self, "inner"):  # Keras's constructor sets it before there is one
            self.inner.loss_scale_factor = factor

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss as the inner optimizer scales it."""
        return self.inner.scale_loss(loss)

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Spare variables the weight decay of the inner optimizer."""
        self.inner.exclude_from_weight_decay(var_list=var_list, var_names=var_names)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Put the moving averages of the inner optimizer into the weights where it keeps any."""
        self.inner.finalize_variable_values(var_list)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the variables of both optimizers."""
        for variable, weight in zip(self.variables, weights, strict=True):
            variable.assign(weight)

    def save_own_variables(self, store: Any) -> None:
        """Save the variables of this optimizer; Keras saves the inner one's by itself."""
        for at, variable in enumerate(self._variables):
            store[str(at)] = ops.convert_to_numpy(variable)

    def load_own_variables(self, store: Any) -> None:
        """Load the variables of this optimizer."""
        for at, variable in enumerate(self._variables):
            variable.assign(store[str(at)])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, the inner optimizer as it is now."""
        return {**super().get_config(), "inner": keras.saving.serialize_keras_object(self.inner)}


def averager_in(optimizer: Any) -> Any:
    """Return the optimizer that swaps averaged weights: this one or one inside it; None where none does."""
    while optimizer is not None and not hasattr(optimizer, "swap_weights"):
        optimizer = getattr(optimizer, "inner_optimizer", None)
    return optimizer


def number_of(counter: Any) -> int:
    """Return what a counter stands at, also where a strategy keeps a copy of it on each device."""
    return int(ops.convert_to_numpy(ops.copy(counter)))


def whole_number(name: str, value: Any, least: int) -> int:
    """Return an argument as a whole number; raise ``ValueError`` where it is none, or less than ``least``."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value) or value < least:
        message = f"`{name}` must be a whole number of at least {least}, not {value!r}."
        raise ValueError(message)
    return int(value)
