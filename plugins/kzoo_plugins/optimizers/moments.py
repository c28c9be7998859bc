"""What optimizers with running means of gradients share: the base class, the arithmetic, the check of a decay."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from keras import ops

from kzoo.component import dense_gradient, widen
from kzoo_plugins.optimizers.base import BaseOptimizer

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MomentOptimizer", "approach", "debias", "decay_rate"]


class MomentOptimizer(BaseOptimizer):
    """An optimizer whose subclass names its running means and computes the new weights of one variable.

    A subclass lists in ``means`` the state that it keeps for each variable, in the variable's shape, and overrides
    `step`. Gradients arrive there dense, unscaled and clipped, in at least float32.
    """

    means: tuple[str, ...] = ()

    def step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any]) -> Any:
        """Return the new weights, and put the new means into ``state``, which holds the old ones."""
        raise NotImplementedError

    def initializer(self, name: str) -> Any:
        """Return what the state ``name`` starts from, as Keras takes it."""
        del name
        return "zeros"

    def moved(self, gradient: Any, variable: Any) -> Any:
        """Return which rows of a variable may move, in a shape that multiplies it; None for all, as by default."""
        del gradient, variable
        return None

    def build(self, variables: Sequence[Any]) -> None:
        """Make the state of each variable."""
        if self.built:
            return
        super().build(list(variables))
        self._means = {n: self.add_optimizer_variables(variables, n, self.initializer(n)) for n in self.means}

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Take the step of one variable."""
        index = self._get_variable_index(variable)
        rows = self.moved(gradient, variable)
        gradient = widen(dense_gradient(gradient, variable))
        state = {name: widen(self._means[name][index]) for name in self.means}
        weights = self.step(gradient, widen(variable), ops.cast(learning_rate, gradient.dtype), state)
        for name in self.means:
            self.assign(self._means[name][index], state[name])
        self.assign(variable, weights if rows is None else ops.where(rows, weights, widen(variable)))

    def steps_taken(self, dtype: Any = "float32") -> Any:
        """Return the number of steps, this one among them."""
        return ops.cast(self.iterations, dtype) + 1


def approach(mean: Any, value: Any, beta: float) -> Any:
    """Return ``beta * mean + (1 - beta) * value``."""
    return mean + (1 - beta) * (value - mean)


def debias(beta: float, steps: Any) -> Any:
    """Return ``1 - beta^steps``, the weight that a running mean from 0 gave to what it saw.

    In float32 the difference of 1 and 0.999 has an error of 3e-5; `expm1` has none.

    Example:
        >>> round(float(debias(0.999, 1.0)) / 0.001, 6)
        1.0
    """
    return -ops.expm1(steps * math.log(beta)) if beta else ops.ones_like(steps)


def decay_rate(name: str, value: Any) -> float:
    """Return an argument as the decay of a running mean; raise ``ValueError`` where it is not in [0, 1)."""
    if not 0 <= value < 1:
        message = f"`{name}` must lie in [0, 1), not {value}."
        raise ValueError(message)
    return float(value)
