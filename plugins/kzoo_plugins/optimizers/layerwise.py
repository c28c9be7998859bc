"""The base of optimizers that look at a variable as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import dense_gradient, widen
from kzoo_plugins.optimizers.moments import MomentOptimizer

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LayerwiseOptimizer", "norm"]


class LayerwiseOptimizer(MomentOptimizer):
    """An optimizer that may keep one number for each variable, and whose weight decay is a part of its step.

    Keras takes the decay off the weights before the step; the papers of these optimizers have it within. A subclass
    lists its numbers in ``numbers``, beside ``means``, and overrides `decayed_step` in the place of `step`.
    """

    numbers: tuple[str, ...] = ()

    def decayed_step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any], decay: float) -> Any:
        """Return the new weights, and put the new state into ``state``.

        ``decay`` is 0 for a variable that is excluded from weight decay.
        """
        raise NotImplementedError

    def build(self, variables: Sequence[Any]) -> None:
        """Make the state of each variable."""
        if self.built:
            return
        super().build(variables)
        self._state = {**self._means, **{name: self._make_numbers(variables, name) for name in self.numbers}}

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Take the step of one variable."""
        index = self._get_variable_index(variable)
        weights, gradient = widen(variable), widen(dense_gradient(gradient, variable))
        state = {name: widen(kept[index]) for name, kept in self._state.items()}
        decay = float(self.weight_decay) if self.weight_decay and self._use_weight_decay(variable) else 0.0
        rate = ops.cast(learning_rate, gradient.dtype)
        weights = self.decayed_step(gradient, weights, rate, state, decay)
        for name, kept in self._state.items():
            self.assign(kept[index], state[name])
        self.assign(variable, weights)

    def _apply_weight_decay(self, variables: Any) -> None:
        """Do nothing: the decay is part of the step."""

    def _make_numbers(self, variables: Sequence[Any], name: str) -> list[Any]:
        wide = [keras.backend.standardize_dtype(variable.dtype) == "float64" for variable in variables]
        return [
            self.add_variable(shape=(), dtype="float64" if is_wide else "float32", name=f"{name}_{at}")
            for at, is_wide in enumerate(wide)
        ]


def norm(tensor: Any) -> Any:
    """Return the square root of the sum of all squares; numbers whose squares float32 does not hold have one too.

    Example:
        >>> [round(float(norm(keras.ops.array([3.0, 4.0]) * scale)) / scale, 4) for scale in (1e-30, 1.0, 1e30)]
        [5.0, 5.0, 5.0]
        >>> float(norm(keras.ops.zeros((2, 2))))
        0.0
    """
    largest = ops.max(ops.abs(tensor))
    scale = ops.where(largest > 0, largest, 1.0)
    return scale * ops.sqrt(ops.sum(ops.square(tensor / scale)))
