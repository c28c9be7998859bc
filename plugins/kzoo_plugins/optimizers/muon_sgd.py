"""Muon for convolutions, SGD for all else."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.layerwise import norm
from kzoo_plugins.optimizers.moments import MomentOptimizer, decay_rate
from kzoo_plugins.optimizers.wrapper import whole_number

__all__ = ["MuonSGD", "orthogonalized"]

_QUINTIC = (3.4445, -4.7750, 2.0315)  # of Jordan's code, and of Keras's Muon
_AT_ONCE = 3  # with more, rounding makes zeros of X X' grow: twelvefold in each step


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MuonSGD(MomentOptimizer):
    """Turns the kernels of convolutions by orthogonal steps, and takes steps of SGD for all other weights.

    Formula: a kernel with c channels out is a matrix W of c columns. With the gradient G and the learning rate r,

    ```
    M = momentum * M + G
    U = orthogonalized(G + momentum * M)
    W = W - r * |W| / sqrt(c) * U, then shortened to the length |W| that it had
    ```

    `orthogonalized` makes all singular values about one, by ``ns_steps`` steps of a Newton-Schulz iteration, and
    |W| is the root of the sum of squares. Biases, the weights of normalizations and of dense layers take steps of SGD
    with Nesterov's momentum at the rate ``r * sgd_rate``: Muon is not for the last layer. What has one axis, as biases
    and all that a normalization learns, takes steps at ``bias_rate`` times that. The length of a kernel means
    nothing where a batch normalization follows; elsewhere it may, and with ``keep_norm`` False the step is that of
    Keras's Muon with ``rms_rate=None``, ``W - r * U``.

    Args:
        learning_rate: The rate, or a schedule: about the angle by which a kernel turns in a step. Defaults to 0.2.
        momentum: Of kernels, in [0, 1). Defaults to 0.6.
        ns_steps: Steps of the iteration, at least 1. Defaults to 3.
        sgd_rate: How many times the learning rate is that of all other weights, at least 0. Defaults to 1.0.
        sgd_momentum: Of all other weights, in [0, 1). Defaults to 0.9.
        bias_rate: How many times the rate of SGD is that of weights with one axis or none, at least 0. Biases of the
            references learn 64 times as fast as other weights, where networks learn for few epochs. Defaults to 1.0.
        keep_norm: Whether kernels keep their length. Defaults to True.
        weight_decay: The share of the weights that is taken off before each step, at least 0, or None for none.
        **base: Keras's own arguments, as in `BaseOptimizer`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([[[3.0, 0.0], [0.0, 4.0]]])  # a kernel of length 5
        >>> MuonSGD(0.5, ns_steps=20).apply([[[[0.0, 1.0], [1.0, 0.0]]]], [weight])
        >>> round(float(keras.ops.sum(weight.value**2)), 3)
        25.0

    References:
        - [Jordan et al., 2024](https://kellerjordan.github.io/posts/muon/), Muon: An optimizer for hidden layers in
          neural networks
        - [Jordan, 2024](https://github.com/KellerJordan/cifar10-airbench), where kernels keep their length
    """

    means = ("velocity",)

    def __init__(
        self,
        learning_rate: Any = 0.2,
        momentum: float = 0.6,
        ns_steps: int = 3,
        sgd_rate: float = 1.0,
        sgd_momentum: float = 0.9,
        bias_rate: float = 1.0,
        keep_norm: bool = True,  # noqa: FBT001, FBT002 - named as an argument on the command line
        weight_decay: float | None = None,
        *,
        name: str = "muon_sgd",
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **base)
        self.momentum = decay_rate("momentum", momentum)
        self.ns_steps = whole_number("ns_steps", ns_steps, 1)
        self.sgd_rate = number("sgd_rate", sgd_rate, at_least=0)
        self.sgd_momentum = decay_rate("sgd_momentum", sgd_momentum)
        self.bias_rate = number("bias_rate", bias_rate, at_least=0)
        self.keep_norm = bool(keep_norm)

    def step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any]) -> Any:
        """Return the new weights of a kernel, or of anything else."""
        kernel = len(gradient.shape) > 2  # noqa: PLR2004 - a matrix is that of a dense layer
        momentum = self.momentum if kernel else self.sgd_momentum
        state["velocity"] = momentum * state["velocity"] + gradient
        direction = gradient + momentum * state["velocity"]
        if not kernel:
            bias = len(gradient.shape) < 2  # noqa: PLR2004 - a vector, or a single number
            return weights - rate * self.sgd_rate * (self.bias_rate if bias else 1.0) * direction
        outputs = int(gradient.shape[-1])
        turn = ops.reshape(orthogonalized(ops.reshape(direction, (-1, outputs)), self.ns_steps), gradient.shape)
        if not self.keep_norm:
            return weights - rate * turn
        length = norm(weights)
        # A kernel of zeros has no length to keep, and takes steps that are those of one whose columns are of length 1.
        stepped = weights - rate * ops.where(length > 0, length / math.sqrt(outputs), 1.0) * turn
        now = norm(stepped)
        return stepped * ops.where(ops.logical_and(length > 0, now > 0), length / ops.where(now > 0, now, 1.0), 1.0)


def orthogonalized(matrix: Any, steps: int) -> Any:
    """Return about the nearest matrix whose singular values are all one; zeros stay zeros.

    Each step of the Newton-Schulz iteration takes the singular values through a polynomial that lifts small ones fast
    and leaves the others between about 0.7 and 1.2. The matrix X becomes Q X, where Q is a polynomial of X X'; so up to
    three steps are done to that smaller square matrix alone, and X is multiplied once.

    Args:
        matrix: Of shape ``(n, c)``, float32 or wider.
        steps: How many; three leave singular values below a hundredth of the largest too small, five do not.

    References:
        Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/
    """
    length = norm(matrix)
    x = matrix / ops.where(length > 0, length, 1.0)
    tall = matrix.shape[0] > matrix.shape[1]
    for left in range(steps, 0, -_AT_ONCE):
        square = ops.matmul(ops.transpose(x), x) if tall else ops.matmul(x, ops.transpose(x))
        factor = turned = _quintic(square)
        for _ in range(min(left, _AT_ONCE) - 1):
            square = ops.matmul(ops.matmul(factor, square), factor)
            factor = _quintic(square)
            turned = ops.matmul(factor, turned)
        x = ops.matmul(x, turned) if tall else ops.matmul(turned, x)
    return x


def _quintic(square: Any) -> Any:
    """Return the matrix that a step multiplies by: its polynomial of X X', which is symmetric."""
    a, b, c = _QUINTIC
    identity = ops.eye(square.shape[0], dtype=square.dtype)
    return a * identity + b * square + c * ops.matmul(square, square)
