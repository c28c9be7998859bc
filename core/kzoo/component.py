"""Base classes for authors: a per-sample function becomes a Keras loss or metric that behaves.

An author writes one function of ``(y_true, y_pred)`` that returns a value for each sample, and a class whose
constructor names the parameters. The base classes see to the rest: the configuration is read off the constructor's
signature, shapes are checked before anything can broadcast, labels are never rounded to half precision, and the
computation runs in at least float32.
"""

from __future__ import annotations

import functools
import inspect
import re
from typing import Any

import keras
from keras import ops

__all__ = ["ConfigFromSignature", "Loss", "MeanMetric", "Regularizer", "as_class_labels", "class_probabilities"]

_HALF = ("float16", "bfloat16")


class ConfigFromSignature:
    """Derives ``get_config`` from the constructor's signature, so that no argument can be forgotten on save."""

    _arguments: dict[str, Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" not in cls.__dict__:
            return
        wrapped = cls.__init__
        signature = inspect.signature(wrapped)

        @functools.wraps(wrapped)
        def remember(self: Any, *args: Any, **kwargs: Any) -> None:
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            if "_arguments" not in self.__dict__:  # the outermost constructor's arguments rebuild the object
                own = {name: value for name, value in bound.arguments.items() if name != "self"}
                for name, parameter in signature.parameters.items():
                    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                        own.update(own.pop(name, {}))
                object.__setattr__(self, "_arguments", own)
            wrapped(self, *args, **kwargs)

        cls.__init__ = remember  # type: ignore[method-assign]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, as Keras stores them in a saved model."""
        config = {name: _plain(value) for name, value in self._arguments.items()}
        if config.get("name", "") is None:
            config["name"] = self.name  # type: ignore[attr-defined]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Build the object again from what `get_config` returned."""
        return cls(**config)


class Loss(ConfigFromSignature, keras.losses.Loss):  # type: ignore[misc]
    """A loss made from `per_sample`, which returns one value for each sample.

    Labels and predictions reach `per_sample` with shapes that were checked: ``(N,)`` against ``(N, 1)`` is squeezed,
    any other mismatch is refused, nothing is broadcast. Both arrive in at least float32: Keras casts labels to the
    loss's type, which in bfloat16 would turn class 257 into 256.

    A subclass's constructor takes its own parameters, then ``reduction``, ``name`` and ``dtype``, and hands the last
    three on.

    Args:
        reduction: As in `keras.losses.Loss`.
        name: As in `keras.losses.Loss`; by default the class's name in snake case.
        dtype: The floating type of the computation; half precision is raised to float32.
    """

    def __init__(self, reduction: str = "sum_over_batch_size", name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name or _snake_case(type(self).__name__), reduction=reduction)
        self._dtype = _at_least_float32(dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values per sample, after the shapes were checked."""
        y_true, y_pred = self.align(y_true, y_pred)
        return self.per_sample(y_true, y_pred)

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels and predictions of equal shape; raise ``ValueError`` where they do not belong together."""
        return align_shapes(y_true, y_pred, self.name)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return one value for each sample: shape ``(N,)`` for labels of shape ``(N, ...)``."""
        raise NotImplementedError


class MeanMetric(ConfigFromSignature, keras.metrics.Mean):  # type: ignore[misc]
    """A metric that is the weighted mean of `per_sample` over everything seen since the last reset.

    Args:
        name: The metric's name in logs and tables; by default the class's name in snake case.
        dtype: The type of the running sums; half precision is raised to float32.
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name or _snake_case(type(self).__name__), dtype=_at_least_float32(dtype))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch: ``sample_weight`` has one entry for each sample, or none."""
        y_true = ops.convert_to_tensor(y_true)
        y_pred = ops.cast(ops.convert_to_tensor(y_pred), self.dtype)
        y_true, y_pred = self.align(y_true, y_pred)
        values = self.per_sample(y_true, y_pred)
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight)
            _, sample_weight = align_shapes(values, sample_weight, f"sample_weight of {self.name}")
        super().update_state(values, sample_weight=sample_weight)

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels and predictions of equal shape; raise ``ValueError`` where they do not belong together."""
        return align_shapes(y_true, y_pred, self.name)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return one value for each sample: shape ``(N,)`` for labels of shape ``(N, ...)``."""
        raise NotImplementedError


class Regularizer(ConfigFromSignature, keras.regularizers.Regularizer):  # type: ignore[misc]
    """A regularizer whose configuration is read off its constructor."""


def align_shapes(y_true: Any, y_pred: Any, what: str) -> tuple[Any, Any]:
    """Return the two with equal shapes: a last dimension of one is squeezed, anything else that differs is refused.

    Raises:
        ValueError: The shapes differ in a way that would broadcast.
    """
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    if len(true_shape) == len(pred_shape) + 1 and true_shape[-1] == 1:
        y_true, true_shape = ops.squeeze(y_true, -1), true_shape[:-1]
    elif len(pred_shape) == len(true_shape) + 1 and pred_shape[-1] == 1:
        y_pred, pred_shape = ops.squeeze(y_pred, -1), pred_shape[:-1]
    if len(true_shape) != len(pred_shape) or any(
        a is not None and b is not None and a != b for a, b in zip(true_shape, pred_shape, strict=True)
    ):
        message = f"`{what}` got y_true of shape {true_shape} and y_pred of shape {pred_shape}; they must be equal."
        raise ValueError(message)
    return y_true, y_pred


def as_class_labels(y_true: Any, y_pred: Any, what: str) -> Any:
    """Return labels as a distribution over the classes of ``y_pred``, whose last axis holds the K classes.

    Args:
        y_true: Class distributions of shape ``(..., K)``, or class indices of shape ``(...)`` or ``(..., 1)``.
        y_pred: Scores of shape ``(..., K)``; K must be known.
        what: The component's name, for the error.

    Raises:
        ValueError: The shapes fit neither form.
    """
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    classes = pred_shape[-1] if pred_shape else None
    if classes is None:
        message = f"`{what}` needs y_pred of shape (..., classes), not {pred_shape}."
        raise ValueError(message)
    if len(true_shape) == len(pred_shape) and true_shape[-1] == classes:
        y_true, _ = align_shapes(y_true, y_pred, what)
        return ops.cast(y_true, y_pred.dtype)
    indices = y_true
    if len(true_shape) == len(pred_shape) and true_shape[-1] == 1:
        indices = ops.squeeze(y_true, -1)
    leading = tuple(indices.shape)
    if len(leading) != len(pred_shape) - 1 or any(
        a is not None and b is not None and a != b for a, b in zip(leading, pred_shape[:-1], strict=True)
    ):
        message = (
            f"`{what}` got y_true of shape {true_shape} and y_pred of shape {pred_shape}. It takes one-hot labels of "
            f"the same shape, or class indices of shape {pred_shape[:-1]}."
        )
        raise ValueError(message)
    return ops.one_hot(ops.cast(indices, "int32"), classes, dtype=y_pred.dtype)


def class_probabilities(y_pred: Any, *, from_logits: bool) -> Any:
    """Return probabilities over the last axis: the softmax of logits, or probabilities as they are."""
    return ops.softmax(y_pred, axis=-1) if from_logits else y_pred


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _at_least_float32(dtype: Any) -> str:
    """Return the compute type to use for ``dtype``: itself, with half precision raised to float32."""
    policy = keras.dtype_policies.get(dtype or keras.config.floatx())
    return "float32" if policy.compute_dtype in _HALF else policy.compute_dtype


def _plain(value: Any) -> Any:
    """Return a constructor argument in a form that a configuration can hold."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy arrays and scalars
        return value.tolist()
    if hasattr(value, "get_config"):
        return keras.saving.serialize_keras_object(value)
    return value
