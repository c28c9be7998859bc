"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import dense_gradient, widen
from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.modes import along_axes, covariance, eigenvectors, power_iteration
from kzoo_plugins.optimizers.moments import MomentOptimizer, approach, debias, decay_rate
from kzoo_plugins.optimizers.wrapper import whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SOAP"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SOAP(MomentOptimizer):
    """Adam whose mean squares belong to the directions that the rows and columns of the gradient vary in.

    Formula: for a matrix of weights with the gradient G and the learning rate c, t steps after the first one,

    ```
    M = beta_1 * M + (1 - beta_1) * G
    V = beta_2 * V + (1 - beta_2) * (Ql' G Qr)^2
    W = W - c * sqrt(1 - beta_2^t) / (1 - beta_1^t) * Ql ((Ql' M Qr) / (sqrt(V) + epsilon)) Qr'
    L = shampoo_beta * L + (1 - shampoo_beta) * G G'
    R = shampoo_beta * R + (1 - shampoo_beta) * G' G
    ```

    Ql and Qr are the eigenvectors of L and R after the first step, which moves nothing. Every
    ``precondition_frequency`` steps, they are brought up to date by one power iteration and a QR decomposition. A
    kernel of a convolution has such a basis along each of its axes. Directions that the first gradients leave out have
    an arbitrary basis, which may be another one on another machine. This is the order of the authors' code, which adds
    epsilon to the root as Adam does, where the paper has it below. Weights decay before the step, as in Keras's own
    optimizers; in that code, after it.

    Args:
        learning_rate: The rate, or a schedule. Defaults to 0.003.
        beta_1: The decay of the mean gradient, in [0, 1). Defaults to 0.95.
        beta_2: The decay of the mean square, in [0, 1). Defaults to 0.95.
        shampoo_beta: The decay of L and R, in [0, 1). Defaults to ``beta_2``.
        epsilon: Added to the root, above 0. Defaults to 1e-8.
        precondition_frequency: Steps between two updates of the eigenvectors, at least 1. Defaults to 10.
        max_precondition_dim: Axes longer than this keep their own directions, at least 1. Time grows with the cube of
            an axis and memory with its square. Defaults to 1024; the authors' code has 10000.
        precondition_1d: Whether vectors, such as biases, have eigenvectors too. Else they take steps of Adam. Defaults
            to False.
        weight_decay: The share of the weights that is taken off at each step, at least 0, or None for none.
        **base: Keras's own arguments, as in `BaseOptimizer`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([[1.0, 1.0], [1.0, 1.0]])
        >>> optimizer = SOAP(0.5)
        >>> for _ in range(2):  # the first step only finds the directions: here, the axes
        ...     optimizer.apply([[[3.0, 0.0], [0.0, 4.0]]], [weight])
        >>> [[round(value, 4) for value in row] for row in weight.numpy().tolist()]
        [[0.5, 1.0], [1.0, 0.5]]

    References:
        - [Vyas et al., 2024](https://arxiv.org/abs/2409.11321), SOAP: Improving and Stabilizing Shampoo using Adam
    """

    means = ("mean", "square_mean")

    def __init__(
        self,
        learning_rate: Any = 0.003,
        beta_1: float = 0.95,
        beta_2: float = 0.95,
        shampoo_beta: float | None = None,
        epsilon: float = 1e-8,
        precondition_frequency: int = 10,
        max_precondition_dim: int = 1024,
        precondition_1d: bool = False,  # noqa: FBT001, FBT002 - named as an argument on the command line
        weight_decay: float | None = None,
        *,
        name: str = "soap",
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **base)
        self.beta_1 = decay_rate("beta_1", beta_1)
        self.beta_2 = decay_rate("beta_2", beta_2)
        self.shampoo_beta = decay_rate("shampoo_beta", self.beta_2 if shampoo_beta is None else shampoo_beta)
        self.epsilon = number("epsilon", epsilon, above=0)
        self.precondition_frequency = whole_number("precondition_frequency", precondition_frequency, 1)
        self.max_precondition_dim = whole_number("max_precondition_dim", max_precondition_dim, 1)
        self.precondition_1d = bool(precondition_1d)

    def build(self, variables: Sequence[Any]) -> None:
        """Make a covariance and a basis for each axis that has them."""
        if self.built:
            return
        super().build(variables)
        self._covariances = [self._squares(variable, f"covariance_{at}") for at, variable in enumerate(variables)]
        self._bases = [self._squares(variable, f"basis_{at}") for at, variable in enumerate(variables)]

    def _squares(self, variable: Any, name: str) -> dict[int, Any]:
        """Return a square matrix for each axis of a variable that does not keep its own directions."""
        sizes = tuple(variable.shape)
        if len(sizes) == 1 and not self.precondition_1d:
            return {}
        return {
            axis: self.add_variable((size, size), dtype=variable.dtype, name=f"{name}_{axis}")
            for axis, size in enumerate(sizes)
            if size <= self.max_precondition_dim
        }

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Take the step of one variable, then bring its bases up to date."""
        index = self._get_variable_index(variable)
        gradient = widen(dense_gradient(gradient, variable))
        mean, square = (widen(self._means[name][index]) for name in self.means)
        bases = {axis: widen(basis) for axis, basis in self._bases[index].items()}
        first = ops.equal(self.iterations, 0)

        mean = approach(mean, gradient, self.beta_1)
        square = approach(square, ops.square(along_axes(gradient, bases)), self.beta_2)
        steps = ops.maximum(ops.cast(self.iterations, gradient.dtype), 1.0)  # the first one does not count
        factor = ops.sqrt(debias(self.beta_2, steps)) / debias(self.beta_1, steps)
        scaled = along_axes(mean, bases) / (ops.sqrt(square) + self.epsilon)
        step = ops.cast(learning_rate, gradient.dtype) * factor * along_axes(scaled, bases, back=True)
        self.assign(variable, widen(variable) - ops.where(first, 0.0, step))
        self.assign(self._means["mean"][index], ops.where(first, 0.0, mean))

        square = ops.where(first, 0.0, square)
        covariances = {}
        for axis, kept in self._covariances[index].items():
            covariances[axis] = approach(widen(kept), covariance(gradient, axis), self.shampoo_beta)
            self.assign(kept, covariances[axis])
        if bases:
            square, bases = ops.cond(
                ops.equal(ops.mod(self.iterations, self.precondition_frequency), 0),
                lambda: ops.cond(
                    first,
                    lambda: (square, {axis: eigenvectors(matrix) for axis, matrix in covariances.items()}),
                    lambda: _turned(square, bases, covariances),
                ),
                lambda: (square, bases),
            )
            for axis, basis in bases.items():
                self.assign(self._bases[index][axis], basis)
        self.assign(self._means["square_mean"][index], square)


def _turned(square: Any, bases: dict[int, Any], covariances: dict[int, Any]) -> tuple[Any, dict[int, Any]]:
    """Return mean squares and bases after one power iteration, the direction with the largest eigenvalue first."""
    turned = {}
    for axis, basis in bases.items():
        turned[axis], order = power_iteration(covariances[axis], basis)
        square = ops.take(square, order, axis=axis)
    return square, turned
