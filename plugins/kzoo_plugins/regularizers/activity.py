"""Regularizers of what a layer puts out, for `activity_regularizer`, not of its weights.

Keras divides what an activity regularizer returns by the batch size. That turns a sum over samples into a mean, and
would make a quantity of the whole batch weaker the larger the batch is. So the objects here return the batch size times
their penalty: a layer then adds the penalty itself, whatever the batch size.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import Regularizer, widen
from kzoo_plugins.regularizers.arguments import check_at_least_0

__all__ = ["DeCov", "Entropy", "decov", "entropy"]

_LEAST = 1e-12


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Entropy(Regularizer):
    """Confidence penalty: the negative entropy of predicted distributions, so that confident ones cost more.

    Formula, for N distributions over K classes:

    ```
    penalty = factor * mean_n sum_k p_nk * log(p_nk)
    ```

    From -factor * log(K), all classes equally probable, to 0, one class certain: the value is negative. It is for the
    `activity_regularizer` of the layer whose outputs are the distributions: `Dense(10, activation="softmax")` gives
    probabilities, `Dense(10)` logits. The layer adds the penalty to the loss; called, the object returns it times the
    batch size, by which Keras divides.

    Args:
        factor: Strength of the penalty, at least 0. Defaults to 0.1.
        from_logits: Whether the layer puts out logits, to which a softmax is applied. Defaults to False.

    Call arguments:
        outputs: Probabilities or logits of shape (..., K), K being at least 2.

    Raises:
        ValueError: `factor` is below 0 or not finite; the outputs are a single number, or of one class only, as those
            of a sigmoid for two classes: give the layer a softmax over both.

    Example:
        >>> layer = keras.layers.Activation("softmax", activity_regularizer=Entropy(factor=1.0))
        >>> probabilities = layer(ops.zeros((3, 2)))
        >>> round(float(layer.losses[0]), 6)
        -0.693147

    References:
        - [Pereyra et al., 2017](https://arxiv.org/abs/1701.06548), Regularizing Neural Networks by Penalizing Confident
          Output Distributions
    """

    def __init__(
        self,
        factor: float = 0.1,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
    ) -> None:
        check_at_least_0(factor=factor)
        self.factor = factor
        self.from_logits = from_logits

    def __call__(self, outputs: Any) -> Any:
        """Return the penalty, one number."""
        values = entropy(outputs, from_logits=self.from_logits)
        return -self.factor * _batch_size(outputs) * ops.sum(values) / _count(values)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class DeCov(Regularizer):
    """Covariance between different features of a layer, over a batch: keeps features from repeating one another.

    Formula, with C the features' covariance matrix over the N samples of the batch (divided by N):

    ```
    penalty = factor * (||C||_F^2 - ||diag(C)||_2^2) / 2
    ```

    It is for the `activity_regularizer` of a layer. Outputs with more than two axes, such as a convolution's
    (N, height, width, channels), count each position as a sample, so that channels are decorrelated. The batch must be
    larger than one: with one sample there is no covariance, and the penalty is 0. The layer adds the penalty to the
    loss; called, the object returns it times the batch size, by which Keras divides.

    Args:
        factor: Strength of the penalty, at least 0. Defaults to 0.1.

    Call arguments:
        outputs: A layer's outputs of shape (..., features).

    Raises:
        ValueError: `factor` is below 0 or not finite; the outputs are a single number.

    Example:
        >>> layer = keras.layers.Activation("relu", activity_regularizer=DeCov(factor=1.0))
        >>> repeating = layer(ops.convert_to_tensor([[0.0, 0.0], [2.0, 2.0]]))
        >>> float(layer.losses[0])
        1.0

    References:
        - [Cogswell et al., 2015](https://arxiv.org/abs/1511.06068), Reducing Overfitting in Deep Networks by
          Decorrelating Representations
    """

    def __init__(self, factor: float = 0.1) -> None:
        check_at_least_0(factor=factor)
        self.factor = factor

    def __call__(self, outputs: Any) -> Any:
        """Return the penalty, one number."""
        return self.factor * _batch_size(outputs) * decov(outputs)


def entropy(outputs: Any, *, from_logits: bool = False) -> Any:
    """Return the entropy of each distribution over the last axis, in nats.

    A probability of 0 adds nothing, with the finite gradient that a probability of 1e-12 has.

    Raises:
        ValueError: The outputs are a single number, or of one class only.

    Example:
        >>> [round(float(value), 6) for value in entropy([[0.5, 0.5], [0.25, 0.75]])]
        [0.693147, 0.562335]
    """
    outputs = _with_features(outputs)
    if outputs.shape[-1] == 1:
        message = (
            f"The entropy is that of a distribution over the last axis, and outputs of shape {tuple(outputs.shape)} "
            "have one class there. Let the layer put out a probability for each class: a softmax over two in place of "
            "a sigmoid."
        )
        raise ValueError(message)
    if from_logits:
        logs = ops.log_softmax(outputs, axis=-1)
        # A class that is ruled out by a logit of minus infinity adds nothing; 0 times infinity would be NaN.
        return -ops.sum(ops.exp(logs) * ops.maximum(logs, -1e4), axis=-1)
    return -ops.sum(outputs * ops.log(ops.maximum(outputs, _LEAST)), axis=-1)


def decov(outputs: Any) -> Any:
    """Return half the sum of the squared covariances of different features; see `DeCov`.

    Example:
        >>> float(decov([[1.0, 2.0], [-1.0, -2.0]]))
        4.0
    """
    outputs = _with_features(outputs)
    features = ops.reshape(outputs, (-1, outputs.shape[-1]))
    samples = _count(features[:, 0])
    centred = features - ops.sum(features, axis=0, keepdims=True) / samples
    covariance = ops.matmul(ops.transpose(centred), centred) / samples
    others = covariance * (1 - ops.eye(covariance.shape[0], dtype=covariance.dtype))
    return ops.sum(ops.square(others)) / 2


def _count(values: Any) -> Any:
    """Return the number of values, and 1 for none, so that the mean of an empty batch is 0."""
    return ops.maximum(ops.sum(ops.ones_like(values)), 1)


def _batch_size(outputs: Any) -> Any:
    outputs = _with_features(outputs)
    return ops.cast(ops.shape(outputs)[0], outputs.dtype)


def _with_features(outputs: Any) -> Any:
    outputs = widen(outputs)
    if len(outputs.shape) == 0:
        message = "A single number is no layer's output: it must have a last axis, of classes or of features."
        raise ValueError(message)
    return outputs
