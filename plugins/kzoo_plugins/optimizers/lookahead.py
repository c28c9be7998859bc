"""Lookahead: k steps forward, part of the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo_plugins.optimizers.wrapper import OptimizerWrapper, averager_in, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Lookahead"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Lookahead(OptimizerWrapper):
    """Goes only part of the way that another optimizer went, every k steps.

    Formula: the inner optimizer moves the fast weights w. After each k of its steps, with the weights s that it began
    those steps from,

    ```
    w = s + alpha * (w - s)
    ```

    and the next k steps begin there. Gradients that are accumulated count as one step. The momentum of the inner
    optimizer stays as it is.

    Args:
        inner: The optimizer that takes the steps: an object, or the name of one of Keras's.
        k: Steps of the inner optimizer in one cycle, at least 1. Defaults to 5.
        alpha: The share of the way that is kept, in (0, 1]. Defaults to 0.5.
        name: The name of the optimizer.

    Raises:
        ValueError: An argument is out of its range, or ``inner`` cannot be wrapped.

    Example:
        >>> weight = keras.Variable([0.0])
        >>> optimizer = Lookahead(keras.optimizers.SGD(1.0), k=2)
        >>> for _ in range(2):
        ...     optimizer.apply([keras.ops.ones(1)], [weight])
        >>> float(weight[0])  # two steps of -1, and half of the way back
        -1.0

    References:
        - [Zhang et al., 2019](https://arxiv.org/abs/1907.08610), Lookahead Optimizer: k steps forward, 1 step back
    """

    def __init__(self, inner: Any, k: int = 5, alpha: float = 0.5, name: str = "lookahead") -> None:
        super().__init__(inner, name=name)
        self.k = whole_number("k", k, 1)
        if not 0 < alpha <= 1:
            message = f"`alpha` must lie in (0, 1], not {alpha}."
            raise ValueError(message)
        self.alpha = float(alpha)
        averager = averager_in(self.inner)
        if averager is not None:
            message = (
                f"`lookahead` cannot wrap `{averager.name}`, which computes the weights from averages of its own and "
                "would not notice that they were moved."
            )
            raise ValueError(message)

    def build(self, variables: Sequence[Any]) -> None:
        """Make the slow weights."""
        if self.built:
            return
        super().build(variables)
        self._slow = self.add_optimizer_variables(variables, "slow")

    def before_step(self, variables: list[Any]) -> None:
        """Keep the weights that a cycle begins with."""
        self.update_each(variables, self._begin, ops.equal(self._position(), 0))

    def after_step(self, variables: list[Any], stepped: Any) -> None:
        """Go back part of the way at the end of a cycle."""
        ends = ops.logical_and(stepped, ops.equal(self._position(), 0))
        self.update_each(variables, self._end, ends)

    def _position(self) -> Any:
        """Return how many steps of the cycle are done."""
        return ops.mod(self.inner.iterations, self.k)

    def _begin(self, variable: Any, index: int, begins: Any) -> None:
        slow = self._slow[index]
        if slow is not None:
            self.assign(slow, ops.where(begins, variable, slow))

    def _end(self, variable: Any, index: int, ends: Any) -> None:
        slow = self._slow[index]
        if slow is not None:
            part = ops.cast(self.alpha, variable.dtype)
            self.assign(variable, ops.where(ends, slow + part * ops.subtract(variable, slow), variable))
