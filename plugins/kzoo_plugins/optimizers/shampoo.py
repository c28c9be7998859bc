"""Shampoo: a preconditioner for each axis of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import dense_gradient, widen
from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.modes import along_axes, covariance, power
from kzoo_plugins.optimizers.moments import MomentOptimizer
from kzoo_plugins.optimizers.wrapper import whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Shampoo"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Shampoo(MomentOptimizer):
    """Adagrad for matrices: divides by what rows and what columns of the gradients have added up to.

    Formula: for a matrix of weights with the gradient G and the learning rate c,

    ```
    L = L + G G'        R = R + G' G
    W = W - c * (L + epsilon * I)^(-1/4) G (R + epsilon * I)^(-1/4)
    ```

    Weights of k axes have one such matrix for each axis, and powers of -1 / (2k); for a vector this is Adagrad with a
    full matrix. As the sums never fade, steps get shorter, and rates are larger than Adam's. Some libraries take
    powers of -1 / k, which the paper does not.

    Args:
        learning_rate: The rate, or a schedule. Defaults to 0.1.
        epsilon: Added to the diagonals, above 0. Below 1e-4, float32 is the limit. Defaults to 1e-4.
        precondition_frequency: Steps between two computations of the powers, at least 1. With more than 1, gradients
            in directions that the last computation had not seen take long steps. Defaults to 1.
        max_precondition_dim: Axes longer than this have the diagonals of their matrices alone, at least 1. Time grows
            with the cube of an axis and memory with its square. Defaults to 1024.
        weight_decay: The share of the weights that is taken off at each step, at least 0, or None for none.
        **base: Keras's own arguments, as in `BaseOptimizer`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([[1.0], [1.0]])
        >>> optimizer = Shampoo(0.5)
        >>> optimizer.apply([[[3.0], [4.0]]], [weight])  # along (3, 4), as far as the rate
        >>> [round(float(value), 4) for value in weight[:, 0]]
        [0.7, 0.6]

    References:
        - [Gupta et al., 2018](https://arxiv.org/abs/1802.09568), Shampoo: Preconditioned Stochastic Tensor Optimization
    """

    def __init__(
        self,
        learning_rate: Any = 0.1,
        epsilon: float = 1e-4,
        precondition_frequency: int = 1,
        max_precondition_dim: int = 1024,
        weight_decay: float | None = None,
        *,
        name: str = "shampoo",
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **base)
        self.epsilon = number("epsilon", epsilon, above=0)
        self.precondition_frequency = whole_number("precondition_frequency", precondition_frequency, 1)
        self.max_precondition_dim = whole_number("max_precondition_dim", max_precondition_dim, 1)

    def build(self, variables: Sequence[Any]) -> None:
        """Make a sum for each axis, and its power where that is not computed at every step."""
        if self.built:
            return
        super().build(variables)
        self._sums = [self._of_axes(variable, f"sum_{at}") for at, variable in enumerate(variables)]
        kept = self.precondition_frequency > 1
        self._powers = [self._of_axes(v, f"power_{at}") for at, v in enumerate(variables)] if kept else []

    def _of_axes(self, variable: Any, name: str) -> list[Any]:
        """Return for each axis a square matrix, or a diagonal where it is long; a scalar has one axis."""
        return [
            self.add_variable(
                (size, size) if size <= self.max_precondition_dim else (size,),
                dtype=variable.dtype,
                name=f"{name}_{axis}",
            )
            for axis, size in enumerate(tuple(variable.shape) or (1,))
        ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Take the step of one variable."""
        index = self._get_variable_index(variable)
        gradient = widen(dense_gradient(gradient, variable))
        shape = tuple(gradient.shape)
        tensor = gradient if shape else ops.reshape(gradient, (1,))
        sums = []
        for axis, kept in enumerate(self._sums[index]):
            sums.append(widen(kept) + covariance(tensor, axis, diagonal=len(kept.shape) == 1))
            self.assign(kept, sums[axis])
        powers = self._powers_of(index, sums)
        step = ops.reshape(along_axes(tensor, dict(enumerate(powers))), shape)
        self.assign(variable, widen(variable) - ops.cast(learning_rate, gradient.dtype) * step)

    def _powers_of(self, index: int, sums: list[Any]) -> list[Any]:
        """Return the powers of the sums, or those computed last where none are due."""
        exponent = -1 / (2 * len(sums))
        if not self._powers:
            return [power(total, exponent, self.epsilon) for total in sums]
        powers: list[Any] = ops.cond(
            ops.equal(ops.mod(self.iterations, self.precondition_frequency), 0),
            lambda: [power(total, exponent, self.epsilon) for total in sums],
            lambda: [widen(kept) for kept in self._powers[index]],
        )
        for kept, value in zip(self._powers[index], powers, strict=True):
            self.assign(kept, value)
        return powers
