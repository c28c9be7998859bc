"""LazyAdam: Adam that leaves the rows of an embedding alone that no sample looked up."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import widen
from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.moments import MomentOptimizer, approach, debias, decay_rate

__all__ = ["LazyAdam"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class LazyAdam(MomentOptimizer):
    """Adam whose running means and weights change only in those rows of an embedding that a batch looked up.

    Formula: with the gradient g, the learning rate c and the step t, from 1; where the gradient is that of looked-up
    rows, for these rows alone,

    ```
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g^2
    w = w - c * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)
    ```

    In Adam the means of every row decay and every row moves at every step, those of rare words long after they were
    seen. Here a row that is not looked up stays as it is, means and all, and a step costs no more than the rows that
    were. A row looked up several times has the sum of its gradients. The step t counts all steps, also for a row that
    is seen for the first time.

    Rows are named by the gradient that TensorFlow gives for an embedding that is looked up and used for nothing else.
    For every other gradient this is Keras's `adam`: so it is for all other weights, and for embeddings on other
    backends, with `gradient_accumulation_steps`, `global_clipnorm` or a regularizer on the embeddings, which make the
    gradient one tensor. Weight decay takes its share off all rows, at every step.

    Args:
        learning_rate: The rate, or a schedule. Defaults to 0.001.
        beta_1: The decay of the mean of gradients, in [0, 1). Defaults to 0.9.
        beta_2: The decay of the mean of squared gradients, in [0, 1). Defaults to 0.999.
        epsilon: Added to the root, above 0. Defaults to 1e-7.
        **base: Keras's own arguments, as in `BaseOptimizer`. Weight decay is decoupled: its share of the
            weights, times the rate, comes off before the step.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> layer = keras.layers.Embedding(3, 1, embeddings_initializer="ones")
        >>> model = keras.Sequential([keras.Input((2,), dtype="int32"), layer])
        >>> model.compile(LazyAdam(0.5), "mse", jit_compile=False)
        >>> _ = model.train_on_batch(keras.ops.array([[0, 0]]), keras.ops.zeros((1, 2, 1)))
        >>> _ = model.train_on_batch(keras.ops.array([[2, 2]]), keras.ops.zeros((1, 2, 1)))
        >>> [round(float(w), 2) for w in layer.embeddings.numpy()[:2, 0]]  # after its own step row 0 stays
        [0.5, 1.0]

    References:
        - [Kingma, Ba, 2015](https://arxiv.org/abs/1412.6980), Adam: A Method for Stochastic Optimization
        - `torch.optim.SparseAdam`
    """

    means = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, **base)
        self.beta_1 = decay_rate("beta_1", beta_1)
        self.beta_2 = decay_rate("beta_2", beta_2)
        self.epsilon = number("epsilon", epsilon, above=0)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Take the step of one variable, or of the rows of it that the gradient names."""
        if not hasattr(gradient, "dense_shape"):
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        rows, slopes = _summed(gradient.indices, widen(gradient.values))
        state = {name: widen(_taken(self._means[name][index].value, rows)) for name in self.means}
        rate = ops.cast(learning_rate, slopes.dtype)
        weights = self.step(slopes, widen(_taken(variable, rows)), rate, state)

        def put(target: Any, values: Any) -> None:
            # A gradient of the same kind, which Keras's optimizers know how to write into the rows that it names.
            self.assign(target, type(gradient)(values, rows, gradient.dense_shape))

        for name in self.means:
            put(self._means[name][index], state[name])
        put(variable, weights)

    def step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any]) -> Any:
        """Return the new weights."""
        steps = self.steps_taken(gradient.dtype)
        state["momentum"] = approach(state["momentum"], gradient, self.beta_1)
        state["velocity"] = approach(state["velocity"], ops.square(gradient), self.beta_2)
        rate = rate * ops.sqrt(debias(self.beta_2, steps)) / debias(self.beta_1, steps)
        return weights - rate * state["momentum"] / (ops.sqrt(state["velocity"]) + self.epsilon)


def _taken(variable: Any, rows: Any) -> Any:
    """Return rows of a variable; where it can give rows alone, without the copy of all of it that `ops.take` makes."""
    try:
        return variable.sparse_read(rows)
    except AttributeError:  # a strategy keeps a copy of it on each device, and that has the method but cannot do it
        return ops.take(variable, rows, axis=0)


def _summed(rows: Any, values: Any) -> tuple[Any, Any]:
    """Return row numbers in order, and for each the sum of the values of that row; a row named twice stays twice.

    Example:
        >>> rows, values = _summed(ops.array([2, 0, 2]), ops.array([[1.0], [5.0], [3.0]]))
        >>> rows.numpy().tolist(), values.numpy().tolist()
        ([0, 2, 2], [[5.0], [4.0], [4.0]])
    """
    order = ops.argsort(rows)
    rows, values = ops.take(rows, order, axis=0), ops.take(values, order, axis=0)
    begins = ops.concatenate([ops.zeros_like(rows[:1]), ops.cast(rows[1:] != rows[:-1], rows.dtype)])
    number = ops.cast(ops.cumsum(begins), "int32")  # 0 for the first row that occurs, 1 for the next
    sums = ops.segment_sum(values, number, num_segments=ops.shape(rows)[0])
    return rows, ops.take(sums, number, axis=0)
