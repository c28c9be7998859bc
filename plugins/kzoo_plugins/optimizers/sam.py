"""Sharpness-aware minimization: gradients are taken a little uphill, so that wide minima are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import dense_gradient, widen
from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.averaging import SwapsWeights
from kzoo_plugins.optimizers.wrapper import OptimizerWrapper, averager_in, number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SAM"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SAM(SwapsWeights, OptimizerWrapper):
    """Climbs with one batch, and lets another optimizer step from below with the gradient that the next one has there.

    Formula: with the gradients g of two batches in turn, the weights w and the norm of the gradients of all variables,

    ```
    s = w,  w = w + rho * g / ||g||        the first, third, fifth, ... batch
    w = inner step from s with g           the second, fourth, sixth, ... batch
    ```

    So the gradient that the inner optimizer gets is that of the worst place near to the weights, and minima are found
    that have no steep walls. The paper climbs with the very batch that it then steps with, in two passes over it; an
    optimizer of Keras sees one gradient of each batch, so this one climbs with the batch before, as optax's `sam` does.
    Half of the batches are climbed with: a training needs twice as many for the same number of steps, which is what
    the paper's two passes cost.

    Between the two the model holds the weights uphill. Validation and saved files of kzoo's trainer have those below,
    and so has the model after `fit`; for validation within Keras's `fit` add the callback
    `kzoo.training.averaged_weights.SwapAveragedWeights`. Running statistics of batch normalization are those of both
    places. `iterations` counts batches, as it does with gradient accumulation in Keras: schedules go on with each, and
    what an inner optimizer does by the number of the step, as Adam corrects its first means, goes twice as fast. Like
    gradient accumulation in Keras it trains on one device and not under a `tf.distribute` strategy.

    Args:
        inner: The optimizer that takes the steps: an object, or the name of one of Keras's.
        rho: The length of the climb, above 0. Defaults to 0.05, as in the paper.
        name: The name of the optimizer.

    Raises:
        ValueError: ``rho`` is not above 0; ``inner`` is itself around another one, keeps averages of the weights, or
            accumulates gradients.

    Example:
        >>> weight = keras.Variable([1.0])
        >>> optimizer = SAM(keras.optimizers.SGD(0.5), rho=0.25)
        >>> optimizer.apply([keras.ops.array([8.0])], [weight])
        >>> float(weight[0])  # uphill
        1.25
        >>> optimizer.apply([keras.ops.array([1.0])], [weight])
        >>> float(weight[0])  # a step of SGD from 1
        0.5

    References:
        - [Foret et al., 2021](https://arxiv.org/abs/2010.01412), Sharpness-Aware Minimization for Efficiently Improving
          Generalization
        - `optax.contrib.sam`
    """

    def __init__(self, inner: Any, rho: float = 0.05, name: str = "sam") -> None:
        super().__init__(inner, name=name)
        self.rho = number("rho", rho, above=0)
        wrong = None
        if averager_in(self.inner) is not None or getattr(self.inner, "use_ema", False):
            wrong = "keeps averages of the weights itself"
        elif getattr(self.inner, "inner_optimizer", None) is not None:
            wrong = "is around another optimizer, and would count the climbs as its steps: put it around this one"
        elif getattr(self.inner, "gradient_accumulation_steps", None):
            wrong = "accumulates gradients, and every second one is climbed with"
        if wrong:
            message = f"`{self.name}` cannot wrap `{self.inner.name}`, which {wrong}."
            raise ValueError(message)

    def build(self, variables: Sequence[Any]) -> None:
        """Make the place for the weights below."""
        if self.built:
            return
        super().build(variables)
        self.build_averages(variables)

    def has_averages(self) -> bool:
        """Return whether the weights in the model are those uphill."""
        return number_of(self.inner.iterations) % 2 == 1

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Climb, or go back and let the inner optimizer step."""
        if len(grads) == 0:
            return
        if trainable_variables is not None and not self.built:
            self.build(list(trainable_variables))
        variables = list(self._trainable_variables if trainable_variables is None else trainable_variables)
        gradients = list(grads)
        self.update_each(variables, self._restore, ops.not_equal(self._swapped, 0))
        self.assign(self._swapped, ops.zeros((), "int32"))
        ops.cond(
            ops.equal(ops.mod(self.inner.iterations, 2), 0),
            lambda: self._climb(gradients, variables),
            lambda: self._step(gradients, variables),
        )

    def _climb(self, gradients: list[Any], variables: list[Any]) -> None:
        """Keep the weights, and go uphill from them."""
        known = {
            self._get_variable_index(v): widen(dense_gradient(g, v))
            for g, v in zip(gradients, variables, strict=True)
            if g is not None
        }
        # Squares of gradients relative to the largest neither overflow nor vanish.
        largest = _or_one(_largest(list(known.values())))
        relative = {index: gradient / ops.cast(largest, gradient.dtype) for index, gradient in known.items()}
        squares = [ops.cast(ops.sum(ops.square(gradient)), "float32") for gradient in relative.values()]
        factor = self.rho / _or_one(ops.sqrt(sum(squares, ops.zeros((), "float32"))))

        def up(variable: Any, index: int, factor: Any) -> None:
            below = self._averages[index]
            if below is None:
                return
            self.assign(below, variable)
            if index in relative:
                way = relative[index] * ops.cast(factor, relative[index].dtype)
                self.assign_add(variable, ops.cast(way, variable.dtype))

        self.update_each(variables, up, factor)
        self.inner.iterations.assign_add(1)

    def _step(self, gradients: list[Any], variables: list[Any]) -> None:
        """Go back to the weights that were kept, and step."""

        def back(variable: Any, index: int, value: Any) -> None:
            del value
            if self._averages[index] is not None:
                self.assign(variable, self._averages[index])

        self.update_each(variables, back, ops.zeros(()))
        self.inner.apply(gradients, variables)

    def _restore(self, variable: Any, index: int, swapped: Any) -> None:
        """Put the weights uphill back into the model where those below are in it."""
        below = self._averages[index]
        if below is not None:
            held = ops.copy(variable)
            self.assign(variable, ops.where(swapped, below, held))
            self.assign(below, ops.where(swapped, held, below))


def _largest(gradients: list[Any]) -> Any:
    """Return the largest size of a number among all gradients, in float32."""
    sizes = [ops.cast(ops.max(ops.abs(gradient)), "float32") for gradient in gradients if 0 not in gradient.shape]
    return ops.max(ops.stack(sizes)) if sizes else ops.zeros((), "float32")


def _or_one(size: Any) -> Any:
    """Return a number, or 1 in the place of 0."""
    return ops.where(size > 0, size, ops.ones_like(size))
