"""Prodigy: Adam that finds its own learning rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import dense_gradient, widen
from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.moments import MomentOptimizer, approach, debias, decay_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Prodigy"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Prodigy(MomentOptimizer):
    """Adam with an estimate, made while it trains, of how far the best weights are: its own learning rate.

    Formula: with the gradient g, the learning rate c, the weights w0 of the first step, and sums over all variables,

    ```
    m = beta_1 * m + (1 - beta_1) * d * g
    v = beta_2 * v + (1 - beta_2) * (d * g)^2
    r = beta_3 * r + c * d^2 * sum(g * (w0 - w))
    s = beta_3 * s + c * d^2 * g
    d_next = max(d, d_coef * r / sum(|s|))
    w = w - c * d * (m / (sqrt(v) + d_next * epsilon) + weight_decay * w)
    ```

    Then d is d_next. It starts at d0 and never falls. The paper has a factor 1 - beta_3 in r and s, which cancels, and
    d in the place of d_next beside epsilon; this is as in its authors' code. The decay is decoupled, at the rate c * d.

    Args:
        learning_rate: A factor for the rate that is found, or a schedule of it. Leave it at 1, or let a schedule fall
            from 1 to 0. Defaults to 1.
        beta_1: The decay of the mean gradient, in [0, 1). Defaults to 0.9.
        beta_2: The decay of the mean square, in [0, 1). Defaults to 0.999.
        beta_3: The decay of the two sums behind the estimate, in [0, 1). Defaults to the root of ``beta_2``.
        epsilon: Added to the root, times d, above 0. Defaults to 1e-8.
        d0: The first estimate, above 0, which should be too small. Defaults to 1e-6.
        d_coef: A factor on the estimate, above 0: the argument to tune, if any. Defaults to 1.
        growth_rate: How many times larger the estimate may get in one step, at least 1, or None for any. Values such as
            1.02 work as a warm-up.
        bias_correction: Whether the rate is multiplied by Adam's sqrt(1 - beta_2^step) / (1 - beta_1^step). Defaults to
            False.
        safeguard_warmup: Whether s takes d^2 * g without the learning rate, which helps where a schedule rises from
            near 0. Defaults to False.
        weight_decay: The strength of the decay, at least 0, or None for none.
        **base: Keras's own arguments, as in `BaseOptimizer`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([0.0])
        >>> optimizer = Prodigy()
        >>> for _ in range(200):
        ...     optimizer.apply([keras.ops.sign(weight - 3.0)], [weight])
        >>> 0.1 < optimizer.estimate < 3.0  # the first weight was 3 away from the best
        True

    References:
        - [Mishchenko, Defazio, 2023](https://arxiv.org/abs/2306.06101), Prodigy: An Expeditiously Adaptive
          Parameter-Free Learner
    """

    means = ("first_weights", "mean", "square_mean", "gradient_sum")

    def __init__(
        self,
        learning_rate: Any = 1.0,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        beta_3: float | None = None,
        epsilon: float = 1e-8,
        d0: float = 1e-6,
        d_coef: float = 1.0,
        growth_rate: float | None = None,
        bias_correction: bool = False,  # noqa: FBT001, FBT002 - named as an argument on the command line
        safeguard_warmup: bool = False,  # noqa: FBT001, FBT002 - named as an argument on the command line
        weight_decay: float | None = None,
        *,
        name: str = "prodigy",
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **base)
        self.beta_1 = decay_rate("beta_1", beta_1)
        self.beta_2 = decay_rate("beta_2", beta_2)
        self.beta_3 = math.sqrt(beta_2) if beta_3 is None else decay_rate("beta_3", beta_3)
        self.epsilon = number("epsilon", epsilon, above=0)
        self.d0 = number("d0", d0, above=0)
        self.d_coef = number("d_coef", d_coef, above=0)
        if growth_rate is not None and not growth_rate >= 1:
            message = f"`growth_rate` must be at least 1, or None, not {growth_rate}."
            raise ValueError(message)
        self.growth_rate = growth_rate
        self.bias_correction = bool(bias_correction)
        self.safeguard_warmup = bool(safeguard_warmup)

    def build(self, variables: Sequence[Any]) -> None:
        """Make the estimate and the sums behind it too."""
        if self.built:
            return
        super().build(variables)
        start = keras.initializers.Constant(self.d0)
        for name, initializer in (("estimate", start), ("largest", start), ("numerator", "zeros")):
            made = self.add_variable((), initializer, "float32", aggregation="only_first_replica", name=name)
            setattr(self, f"_{name}", made)
        # What each variable adds to the numerator and to the denominator: the estimate takes both from all variables.
        self._shares = [self.add_variable((2,), dtype="float32", name=f"share_{at}") for at in range(len(variables))]

    @property
    def estimate(self) -> float:
        """The estimate d as it is now; times the learning rate, it is the rate of the next step."""
        return float(ops.convert_to_numpy(ops.copy(self._estimate))) if self.built else self.d0

    def _apply_weight_decay(self, variables: Any) -> None:
        """Do nothing: the decay is part of the step."""

    def _backend_update_step(self, grads: Any, trainable_variables: Any, learning_rate: Any) -> None:
        """Look at all gradients, make the next estimate, then step."""
        variables = list(trainable_variables)
        d = ops.copy(self._estimate)
        rate = d * ops.cast(learning_rate, "float32")
        if self.bias_correction:
            steps = self.steps_taken()
            rate = rate * ops.sqrt(debias(self.beta_2, steps)) / debias(self.beta_1, steps)
        indices = {self._get_variable_index(variable) for variable in variables}
        rest = [v for v in self._trainable_variables if self._get_variable_index(v) not in indices]
        nothing = [ops.zeros(()) for _ in rest]
        self._each(self._remember, nothing, rest, rate)
        self._each(self._look, grads, variables, ops.stack([rate, d]))
        d_next = self._next_estimate(d, sum(ops.copy(self._shares[at]) for at in sorted(indices)))
        self._each(self._move, [ops.zeros(()) for _ in variables], variables, ops.stack([rate, d_next]))

    def _each(self, update: Callable[..., None], gradients: Any, variables: list[Any], value: Any) -> None:
        """Call ``update(gradient, variable, value)`` for each variable, where the backend may assign to it."""
        if variables:
            self._update = update
            super()._backend_update_step(gradients, variables, value)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Do to one variable what this pass is for."""
        self._update(gradient, variable, learning_rate)

    def _remember(self, gradient: Any, variable: Any, value: Any) -> None:
        """Keep the first weights of a variable that has no gradient now, and may have one later."""
        del gradient, value
        kept = self._means["first_weights"][self._get_variable_index(variable)]
        self.assign(kept, ops.where(ops.equal(self.iterations, 0), widen(variable), widen(kept)))

    def _look(self, gradient: Any, variable: Any, value: Any) -> None:
        """Take a gradient into the means, and note what it says of the distance."""
        index = self._get_variable_index(variable)
        gradient, weights = widen(dense_gradient(gradient, variable)), widen(variable)
        rate, d = (ops.cast(value[at], gradient.dtype) for at in range(2))
        old = {name: widen(self._means[name][index]) for name in self.means}
        first = ops.where(ops.equal(self.iterations, 0), weights, old["first_weights"])
        scale = d / self.d0  # so that the sums, which d^2 would make tiny, keep to float32
        total = self.beta_3 * old["gradient_sum"] + scale * (d if self.safeguard_warmup else rate) * gradient
        new = {
            "first_weights": first,
            "mean": approach(old["mean"], d * gradient, self.beta_1),
            "square_mean": approach(old["square_mean"], ops.square(d * gradient), self.beta_2),
            "gradient_sum": total,
        }
        for name in self.means:
            self.assign(self._means[name][index], new[name])
        share = ops.stack([scale * rate * ops.sum(gradient * (first - weights)), ops.sum(ops.abs(total))])
        self.assign(self._shares[index], share)

    def _next_estimate(self, d: Any, shares: Any) -> Any:
        """Return the next estimate, from what all variables added up to."""
        some = shares[1] > 0  # else every gradient so far was 0, and says nothing
        before = ops.copy(self._numerator)
        numerator = ops.where(some, self.beta_3 * before + shares[0], before)
        found = ops.where(some, self.d_coef * numerator / ops.where(some, shares[1], 1.0), 0.0)
        largest = ops.maximum(self._largest, found)
        d_next = largest
        if self.growth_rate is not None:
            # The first estimate is arbitrary: the step that leaves it may be of any size.
            reached = ops.where(ops.equal(d, ops.cast(self.d0, d.dtype)), ops.maximum(d, found), d)
            d_next = ops.minimum(largest, reached * self.growth_rate)
        self.assign(self._numerator, numerator)
        self.assign(self._largest, largest)
        self.assign(self._estimate, d_next)
        return d_next

    def _move(self, gradient: Any, variable: Any, value: Any) -> None:
        """Take the step of one variable."""
        del gradient
        index, weights = self._get_variable_index(variable), widen(variable)
        rate, d_next = (ops.cast(value[at], weights.dtype) for at in range(2))
        mean, square = (widen(self._means[name][index]) for name in ("mean", "square_mean"))
        step = mean / (ops.sqrt(square) + d_next * self.epsilon)
        if self.weight_decay and self._use_weight_decay(variable):
            step = step + self.weight_decay * weights
        self.assign(variable, weights - rate * step)
