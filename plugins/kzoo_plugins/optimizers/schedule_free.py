"""Schedule-free optimizers: an average in place of a learning-rate schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import dense_gradient
from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.averaging import SwapsWeights
from kzoo_plugins.optimizers.base import BaseOptimizer
from kzoo_plugins.optimizers.moments import decay_rate
from kzoo_plugins.optimizers.wrapper import number_of, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ScheduleFreeAdamW", "ScheduleFreeSGD"]


_AVERAGE_OF_KERAS = ("use_ema", "ema_momentum", "ema_overwrite_frequency")


class _ScheduleFree(SwapsWeights, BaseOptimizer):
    """The three sequences that schedule-free optimizers share; a subclass gives the direction of the step.

    The weights in the model are y while training goes on. The optimizer keeps z, which takes the steps, and the average
    x, so that x is never computed back from y.
    """

    def __init__(
        self,
        learning_rate: Any,
        warmup_steps: int,
        r: float,
        weight_lr_power: float,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ) -> None:
        # Named one by one because Keras's moving average is not among them: there would be two averages.
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
        )
        self.warmup_steps = whole_number("warmup_steps", warmup_steps, 0)
        self.r = number("r", r, at_least=0)
        self.weight_lr_power = number("weight_lr_power", weight_lr_power, at_least=0)

    def direction(self, gradient: Any, index: int) -> Any:
        """Return what the learning rate multiplies, weight decay aside."""
        raise NotImplementedError

    def build(self, variables: Sequence[Any]) -> None:
        """Make z, the averages and the sums behind their weights."""
        if self.built:
            return
        super().build(list(variables))
        self._z = self.add_optimizer_variables(variables, "z")
        self.build_averages(variables)
        for name in ("weight_sum", "largest_rate"):
            made = self.add_variable(shape=(), dtype="float32", aggregation="only_first_replica", name=name)
            setattr(self, f"_{name}", made)

    def has_averages(self) -> bool:
        """Return whether a step was taken."""
        return number_of(self.iterations) > 0

    def _apply_weight_decay(self, variables: Any) -> None:
        """Do nothing: the decay is part of the step, taken at y and applied to z."""

    def _backend_update_step(self, grads: Any, trainable_variables: Any, learning_rate: Any) -> None:
        """Compute what is the same for all weights, and hand it on in the place of the learning rate."""
        step = ops.cast(self.iterations, "float32") + 1
        rate = ops.cast(learning_rate, "float32")
        if self.warmup_steps:
            rate = rate * ops.minimum(step / self.warmup_steps, 1.0)
        largest = ops.maximum(self._largest_rate, rate)
        weight = ops.power(step, self.r) * ops.power(largest, self.weight_lr_power)
        total = self._weight_sum + weight
        share = ops.where(total > 0, weight / ops.where(total > 0, total, 1.0), 0.0)
        self.assign(self._largest_rate, largest)
        self.assign(self._weight_sum, total)
        swapped = ops.cast(self._swapped, "float32")
        super()._backend_update_step(grads, trainable_variables, ops.stack([rate, share, swapped]))
        self.assign(self._swapped, ops.zeros((), "int32"))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move z, x and y of one variable; ``learning_rate`` holds the rate, z's share in x, and whether x is in."""
        index = self._get_variable_index(variable)
        z, average = self._z[index], self._averages[index]
        rate, share = (ops.cast(learning_rate[at], variable.dtype) for at in range(2))
        swapped, first = learning_rate[2] > 0, ops.equal(self.iterations, 0)
        held = ops.copy(variable)
        y = ops.where(swapped, average, held)
        # All three begin at the weights of the first step, which may have been loaded after the variables were made.
        x = ops.where(first, y, ops.where(swapped, held, average))
        begin = ops.where(first, y, z)
        step = self.direction(ops.cast(dense_gradient(gradient, variable), variable.dtype), index)
        if self.weight_decay and self._use_weight_decay(variable):
            step = step + ops.cast(self.weight_decay, variable.dtype) * y
        beta = ops.cast(self._beta, variable.dtype)
        end = begin - rate * step
        x = x + share * (end - x)
        self.assign(z, end)
        self.assign(average, x)
        self.assign(variable, end + beta * (x - end))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, the learning rate as it is now."""
        return {name: value for name, value in super().get_config().items() if name not in _AVERAGE_OF_KERAS}


def _nearness(name: str, value: float) -> float:
    """Return how near y is to x; raise ``ValueError`` where it is not in (0, 1)."""
    if not 0 < value < 1:
        message = f"`{name}` must lie in (0, 1), not {value}."
        raise ValueError(message)
    return float(value)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class ScheduleFreeSGD(_ScheduleFree):
    """Stochastic gradient descent whose average of the weights takes the place of a learning-rate schedule.

    Formula: with the gradient g taken at y, the learning rate c (after warm-up) and the weight decay d,

    ```
    z = z - c * (g(y) + d * y)
    x = (1 - a) * x + a * z            a = s / (sum of all s so far)
    y = (1 - momentum) * z + momentum * x        s = step^r * (largest c so far)^weight_lr_power
    ```

    The model holds y while it trains. It is worth measuring at x, which comes into it through `swap_weights`: kzoo's
    trainer calls it for validation and for saving, `kzoo.training.averaged_weights.SwapAveragedWeights` does in Keras's
    `fit`, and the end of either leaves x there. Running statistics of batch normalization belong to y:
    `kzoo_plugins.optimizers.averaging.recompute_batch_norm` makes those of x.

    Args:
        learning_rate: The rate after the warm-up, or a schedule. Defaults to 1.
        momentum: How near y is to x, in (0, 1). Defaults to 0.9.
        warmup_steps: Steps in which the rate rises from 0 in a straight line, at least 0. Defaults to 0.
        r: The power of the step in the weights of the average, at least 0. Defaults to 0.
        weight_lr_power: The power of the rate in the weights of the average, at least 0. Defaults to 2.
        weight_decay: The share d of y that is added to the gradient, at least 0, or None for none.
        **base: Keras's own arguments but those of its moving average, as in `BaseOptimizer`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([1.0])
        >>> optimizer = ScheduleFreeSGD(0.5, momentum=0.5)
        >>> for _ in range(2):  # z goes to 0.5 and 0, so x is their mean, and y is between x and z
        ...     optimizer.apply([keras.ops.ones(1)], [weight])
        >>> float(weight[0]), optimizer.swap_weights(True), float(weight[0])
        (0.125, False, 0.25)

    References:
        - [Defazio et al., 2024](https://arxiv.org/abs/2405.15682), The Road Less Scheduled
    """

    def __init__(
        self,
        learning_rate: Any = 1.0,
        momentum: float = 0.9,
        warmup_steps: int = 0,
        r: float = 0.0,
        weight_lr_power: float = 2.0,
        weight_decay: float | None = None,
        *,
        name: str = "schedule_free_sgd",
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, warmup_steps, r, weight_lr_power, weight_decay=weight_decay, name=name, **base)
        self.momentum = self._beta = _nearness("momentum", momentum)

    def direction(self, gradient: Any, index: int) -> Any:
        """Return the gradient."""
        del index
        return gradient


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class ScheduleFreeAdamW(_ScheduleFree):
    """AdamW whose average of the weights takes the place of momentum and of a learning-rate schedule.

    Formula: as in `ScheduleFreeSGD`, with beta_1 for its momentum, and with the gradient g divided by its root mean
    square:

    ```
    v = beta_2 * v + (1 - beta_2) * g^2
    z = z - c * (g / (sqrt(v / (1 - beta_2^step)) + epsilon) + d * y)
    ```

    Args:
        learning_rate: The rate after the warm-up, or a schedule. Defaults to 0.0025.
        beta_1: How near y is to x, in (0, 1). Defaults to 0.9.
        beta_2: The decay of the mean of squared gradients, in [0, 1). Defaults to 0.999.
        epsilon: Added to the root, above 0. Defaults to 1e-8.
        warmup_steps: Steps in which the rate rises from 0 in a straight line, at least 0. Defaults to 0.
        r: The power of the step in the weights of the average, at least 0. Defaults to 0.
        weight_lr_power: The power of the rate in the weights of the average, at least 0. Defaults to 2.
        weight_decay: The share d of y that is added to the step, at least 0, or None for none.
        **base: Keras's own arguments but those of its moving average, as in `BaseOptimizer`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([1.0])
        >>> optimizer = ScheduleFreeAdamW(0.25)
        >>> optimizer.apply([keras.ops.ones(1)], [weight])
        >>> round(float(weight[0]), 6)
        0.75

    References:
        - [Defazio et al., 2024](https://arxiv.org/abs/2405.15682), The Road Less Scheduled
    """

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        r: float = 0.0,
        weight_lr_power: float = 2.0,
        weight_decay: float | None = None,
        *,
        name: str = "schedule_free_adamw",
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, warmup_steps, r, weight_lr_power, weight_decay=weight_decay, name=name, **base)
        self.beta_1 = self._beta = _nearness("beta_1", beta_1)
        self.beta_2 = decay_rate("beta_2", beta_2)
        self.epsilon = number("epsilon", epsilon, above=0)

    def build(self, variables: Sequence[Any]) -> None:
        """Make the means of squared gradients too."""
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")

    def direction(self, gradient: Any, index: int) -> Any:
        """Return the gradient divided by its root mean square."""
        velocity = self._velocities[index]
        beta = ops.cast(self.beta_2, gradient.dtype)
        mean = velocity + (1 - beta) * (ops.square(gradient) - velocity)
        self.assign(velocity, mean)
        correction = 1 - ops.power(beta, ops.cast(self.iterations + 1, gradient.dtype))
        return gradient / (ops.sqrt(mean / correction) + ops.cast(self.epsilon, gradient.dtype))
