"""Averages of the weights along the way: how they are kept and swapped, and stochastic weight averaging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo_plugins.optimizers.wrapper import OptimizerWrapper, averager_in, number_of, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["StochasticWeightAveraging", "SwapsWeights", "recompute_batch_norm"]


class SwapsWeights:
    """What an optimizer needs that keeps averaged weights and can put them into the model and take them out again.

    The averages lie in variables of the optimizer. While they are in the model, the training weights lie there, so
    that nothing is lost, and a variable says so, which is saved with the others.
    """

    _averages: list[Any]
    _swapped: Any
    # Of the optimizer that stands beside this class.
    built: bool
    add_variable: Callable[..., Any]
    add_optimizer_variables: Callable[..., list[Any]]
    _trainable_variables: list[Any]

    def build_averages(self, variables: Sequence[Any]) -> None:
        """Make the variables."""
        self._averages = self.add_optimizer_variables(variables, "average")
        self._swapped = self.add_variable(
            shape=(), dtype="int", aggregation="only_first_replica", name="averages_in_model"
        )

    def has_averages(self) -> bool:
        """Return whether there is an average yet."""
        raise NotImplementedError

    def swap_weights(self, averaged: bool) -> bool:  # noqa: FBT001 - the one argument says which weights
        """Put the averaged weights into the model, or the training weights, and return which were there before.

        Where they are in already, or where there is no average yet, nothing happens.

        Args:
            averaged: True for the averaged weights, False for those that training goes on from.
        """
        if not self.built:
            return False
        before = number_of(self._swapped) > 0
        if averaged != before and (before or self.has_averages()):
            for variable, average in zip(self._trainable_variables, self._averages, strict=True):
                if average is not None:
                    held = ops.copy(variable)
                    variable.assign(average)
                    average.assign(held)
            self._swapped.assign(int(averaged))
        return before

    def finalize_variable_values(self, var_list: Any) -> None:
        """Put the averaged weights into the model, as `fit` asks for at its end."""
        del var_list
        self.swap_weights(True)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class StochasticWeightAveraging(SwapsWeights, OptimizerWrapper):
    """Keeps the mean of the weights that another optimizer passes through, for evaluation and for the saved model.

    Formula: after step t of the inner optimizer, where t > ``start`` and t - ``start`` is a multiple of ``period``,
    the weights w enter the mean of the n weights so far:

    ```
    n = (t - start) / period
    average = average + (w - average) / n
    ```

    The inner optimizer never sees the average. It comes into the model through `swap_weights`: kzoo's trainer calls it
    for validation and for saving, `kzoo.training.averaged_weights.SwapAveragedWeights` does in Keras's `fit`, and the
    end of either leaves it there. Running statistics of batch normalization belong to the training weights:
    `recompute_batch_norm` makes those of the average.

    Args:
        inner: The optimizer that takes the steps: an object, or the name of one of Keras's.
        start: Steps before the averaging starts, at least 0. Defaults to 0.
        period: Steps from one set of weights that enters the mean to the next, at least 1. Defaults to 10.
        name: The name of the optimizer.

    Raises:
        ValueError: An argument is out of its range, ``inner`` cannot be wrapped, or it keeps an average of its own.

    Example:
        >>> weight = keras.Variable([0.0])
        >>> optimizer = StochasticWeightAveraging(keras.optimizers.SGD(1.0), period=1)
        >>> for _ in range(3):
        ...     optimizer.apply([keras.ops.ones(1)], [weight])
        >>> float(weight[0]), optimizer.swap_weights(True), float(weight[0])
        (-3.0, False, -2.0)

    References:
        - [Izmailov et al., 2018](https://arxiv.org/abs/1803.05407), Averaging Weights Leads to Wider Optima
    """

    def __init__(self, inner: Any, start: int = 0, period: int = 10, name: str = "swa") -> None:
        super().__init__(inner, name=name)
        self.start = whole_number("start", start, 0)
        self.period = whole_number("period", period, 1)
        if averager_in(self.inner) is not None or _moving_average_in(self.inner):
            message = f"`{self.name}` cannot wrap an optimizer that keeps an average of the weights itself."
            raise ValueError(message)

    def build(self, variables: Sequence[Any]) -> None:
        """Make the averages."""
        if self.built:
            return
        super().build(variables)
        self.build_averages(variables)

    def has_averages(self) -> bool:
        """Return whether any weights have entered the mean."""
        return number_of(self.inner.iterations) >= self.start + self.period

    def before_step(self, variables: list[Any]) -> None:
        """Put the training weights back where the averaged ones are still in the model."""
        self.update_each(variables, self._restore, ops.not_equal(self._swapped, 0))
        self.assign(self._swapped, ops.zeros((), "int32"))

    def after_step(self, variables: list[Any], stepped: Any) -> None:
        """Let the weights enter the mean where it is their turn."""
        since = ops.subtract(self.inner.iterations, self.start)
        turn = ops.logical_and(ops.greater(since, 0), ops.equal(ops.mod(since, self.period), 0))
        number = ops.maximum(ops.floor_divide(since, self.period), 1)
        share = ops.where(ops.logical_and(stepped, turn), 1.0 / ops.cast(number, "float32"), 0.0)
        self.update_each(variables, self._enter, share)

    def _restore(self, variable: Any, index: int, swapped: Any) -> None:
        average = self._averages[index]
        if average is not None:
            held = ops.copy(variable)
            self.assign(variable, ops.where(swapped, average, held))
            self.assign(average, ops.where(swapped, held, average))

    def _enter(self, variable: Any, index: int, share: Any) -> None:
        average = self._averages[index]
        if average is not None:
            share = ops.cast(share, variable.dtype)
            mean = average + ops.subtract(variable, average) * share
            self.assign(average, ops.where(share > 0, mean, average))


def _moving_average_in(optimizer: Any) -> bool:
    while optimizer is not None and not getattr(optimizer, "use_ema", False):
        optimizer = getattr(optimizer, "inner_optimizer", None)
    return optimizer is not None


def recompute_batch_norm(model: Any, batches: Iterable[Any]) -> int:
    """Compute the running statistics of all batch normalization layers again, for the weights that are in the model.

    They become the plain means over the batches, each of which goes through the model as in training. All other state
    of the model, such as that of Dropout, is as before.

    Args:
        model: A `keras.Model`.
        batches: Inputs, or tuples whose first part is the inputs, as in the training data.

    Returns:
        How many batches there were.

    Example:
        >>> layer = keras.layers.BatchNormalization()
        >>> model = keras.Sequential([keras.Input((1,)), layer])
        >>> recompute_batch_norm(model, [keras.ops.array([[1.0], [3.0]]), keras.ops.array([[5.0], [7.0]])])
        2
        >>> float(layer.moving_mean[0]), float(layer.moving_variance[0])
        (4.0, 1.0)

    References:
        - [Izmailov et al., 2018](https://arxiv.org/abs/1803.05407), section 3.2
    """
    flat = model._flatten_layers(include_self=False)  # noqa: SLF001 - Keras has no public name for layers inside layers
    layers = [layer for layer in flat if isinstance(layer, keras.layers.BatchNormalization)]
    own = {id(variable) for layer in layers for variable in layer.non_trainable_variables}
    others = [variable for variable in model.non_trainable_variables if id(variable) not in own]
    kept = [ops.copy(variable) for variable in others]
    momenta = [layer.momentum for layer in layers]
    seen = 0
    try:
        for batch in batches if layers else ():
            for layer in layers:
                layer.momentum = seen / (seen + 1)  # each batch so far has the same share
            model(batch[0] if isinstance(batch, (tuple, list)) else batch, training=True)
            seen += 1
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for variable, value in zip(others, kept, strict=True):
            variable.assign(value)
    return seen
