"""Base classes for authors: a per-sample function becomes a Keras loss or metric that behaves.

An author writes one function of ``(y_true, y_pred)`` that returns a value for each sample, and a class whose
constructor names the parameters. The base classes see to the rest: the configuration is read off the constructor's
signature, shapes are checked before anything can broadcast, labels are never rounded to half precision, and the
computation runs in at least float32.

Example:
    >>> import keras
    >>> from kzoo.component import Loss
    >>> @keras.saving.register_keras_serializable(package="my_package")
    ... class Forgiving(Loss):
    ...     def __init__(self, margin=0.1, reduction="sum_over_batch_size", name=None, dtype=None):
    ...         super().__init__(reduction=reduction, name=name, dtype=dtype)
    ...         self.margin = margin
    ...
    ...     def per_sample(self, y_true, y_pred):
    ...         return keras.ops.relu(keras.ops.abs(y_true - y_pred) - self.margin)
    >>> round(float(Forgiving(margin=0.5)([1.0, 2.0], [[1.0], [4.0]])), 6)
    0.75
    >>> Forgiving(margin=0.5).get_config()
    {'margin': 0.5, 'reduction': 'sum_over_batch_size', 'name': 'forgiving', 'dtype': None}
"""

from __future__ import annotations

import functools
import inspect
import re
from typing import Any

import keras
from keras import ops

__all__ = [
    "ConfigFromSignature",
    "Loss",
    "MeanMetric",
    "Regularizer",
    "align_shapes",
    "as_class_labels",
    "class_probabilities",
    "dense_gradient",
    "widen",
]

_HALF = ("float16", "bfloat16")
_NOT_BY_KEYWORD = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)


class ConfigFromSignature:
    """Derives ``get_config`` from the constructor's signature, so that no argument can be forgotten on save.

    The arguments of the outermost constructor are kept, those that it passes on with ``**kwargs`` among them. An
    argument that is itself a Keras object is saved and built again with the rest.

    Raises:
        TypeError: When a subclass is defined whose constructor takes arguments that cannot be given by keyword.
    """

    _arguments: dict[str, Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" not in cls.__dict__:
            return
        wrapped = cls.__init__
        signature = inspect.signature(wrapped)
        for name, parameter in list(signature.parameters.items())[1:]:
            if parameter.kind in _NOT_BY_KEYWORD:
                message = (
                    f"The constructor of `{cls.__qualname__}` takes `{name}` by position only, so a saved object could "
                    "not be built again from its configuration. Let it take every argument by keyword."
                )
                raise TypeError(message)

        @functools.wraps(wrapped)
        def remember(self: Any, *args: Any, **kwargs: Any) -> None:
            if "_arguments" not in self.__dict__:  # the outermost constructor's arguments rebuild the object
                object.__setattr__(self, "_arguments", _bound_arguments(signature, self, args, kwargs))
            wrapped(self, *args, **kwargs)

        cls.__init__ = remember  # type: ignore[method-assign]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, as Keras stores them in a saved model."""
        config = {name: _plain(value) for name, value in self._arguments.items() if name != "dtype"}
        if "dtype" in self._arguments:
            config["dtype"] = _plain_dtype(self._arguments["dtype"])
        if config.get("name", "") is None:
            config["name"] = self.name  # type: ignore[attr-defined]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Build the object again from what `get_config` returned."""
        return cls(**{name: _live(value) for name, value in config.items()})


class Loss(ConfigFromSignature, keras.losses.Loss):  # type: ignore[misc]
    """A loss made from `per_sample`, which returns one value for each sample.

    Labels and predictions reach `per_sample` as tensors whose shapes were checked: ``(N,)`` against ``(N, 1)`` is
    squeezed, any other mismatch is refused, nothing is broadcast. Both arrive in at least float32: Keras casts labels
    to the loss's type, which in bfloat16 would turn class 257 into 256. Sample weights of shape ``()``, ``(N,)`` or
    ``(N, 1)`` weigh samples, whatever the rank of the values.

    A subclass's constructor takes its own parameters, then ``reduction``, ``name`` and ``dtype``, and hands the last
    three on.

    Args:
        reduction: As in `keras.losses.Loss`.
        name: As in `keras.losses.Loss`; by default the class's name in snake case.
        dtype: The floating type of the computation; half precision is raised to float32.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(
            name=name or _snake_case(type(self).__name__), reduction=reduction, dtype=_at_least_float32(dtype)
        )

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the reduced loss; weights, masks and reductions mean what they mean in Keras."""
        with keras.name_scope(self.name):
            values = self.call(self._tensor(y_true), self._tensor(y_pred))
        return self.reduce(values, y_pred, sample_weight)

    def reduce(self, values: Any, y_pred: Any, sample_weight: Any) -> Any:
        """Return values per sample weighed, masked by what Keras layers left on ``y_pred``, and reduced."""
        mask = _mask_of(y_pred)
        _check_mask(mask, values, self.name)
        reduce = _Reduce(reduction=self.reduction, name=self.name, dtype=self.dtype)
        masked = values if mask is None else y_pred
        return reduce(values, masked, sample_weight=_fit_weight(sample_weight, values, self.name))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values per sample, after the shapes were checked."""
        y_true, y_pred = self.align(y_true, y_pred)
        return self.per_sample(y_true, y_pred)

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels and predictions of equal shape; raise ``ValueError`` where they do not belong together."""
        return align_shapes(y_true, y_pred, self.name)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return one value for each sample: shape ``(N,)``, or ``(N, ...)`` where every position is a sample."""
        raise NotImplementedError

    def _tensor(self, value: Any) -> Any:
        return ops.cast(ops.convert_to_tensor(value), self.dtype)


class MeanMetric(ConfigFromSignature, keras.metrics.Mean):  # type: ignore[misc]
    """A metric that is the weighted mean of `per_sample` over everything seen since the last reset.

    Args:
        name: The metric's name in logs and tables; by default the class's name in snake case.
        dtype: The type of the running sums; half precision is raised to float32.
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name or _snake_case(type(self).__name__), dtype=_at_least_float32(dtype))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch: ``sample_weight`` has one entry for each sample, or is one number; masked steps count 0."""
        mask = _mask_of(y_pred)
        y_true, y_pred = (ops.cast(ops.convert_to_tensor(y), self.dtype) for y in (y_true, y_pred))
        values = self.per_sample(*self.align(y_true, y_pred))
        weight = _fit_weight(sample_weight, values, self.name)
        if mask is not None:
            _check_mask(mask, values, self.name)
            mask = ops.cast(mask, self.dtype)
            weight = mask if weight is None else mask * ops.cast(weight, self.dtype)
        super().update_state(values, sample_weight=weight)

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels and predictions of equal shape; raise ``ValueError`` where they do not belong together."""
        return align_shapes(y_true, y_pred, self.name)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return one value for each sample: shape ``(N,)``, or ``(N, ...)`` where every position is a sample."""
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
    if not _may_be_equal(true_shape, pred_shape):
        message = f"`{what}` got y_true of shape {true_shape} and y_pred of shape {pred_shape}; they must be equal."
        raise ValueError(message)
    return y_true, y_pred


def as_class_labels(y_true: Any, y_pred: Any, what: str) -> Any:
    """Return labels as a distribution over the classes of ``y_pred``, whose last axis holds the K classes.

    A class index outside ``0 .. K - 1`` becomes a row of NaN: a loss that shows it is better than one that trains on
    a row of zeros.

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
        message = f"`{what}` needs y_pred of shape (..., classes) with a known number of classes, not {pred_shape}."
        raise ValueError(message)
    if true_shape and true_shape[-1] == classes and _may_be_equal(true_shape, pred_shape):
        return ops.cast(y_true, y_pred.dtype)
    indices = y_true
    if len(true_shape) == len(pred_shape) and true_shape[-1] == 1:
        indices = ops.squeeze(y_true, -1)
    if not _may_be_equal(tuple(indices.shape), pred_shape[:-1]):
        message = (
            f"`{what}` got y_true of shape {true_shape} and y_pred of shape {pred_shape}. It takes one-hot labels of "
            f"the same shape, or class indices of shape {pred_shape[:-1]}."
        )
        raise ValueError(message)
    indices = ops.cast(indices, "int32")
    known = ops.expand_dims(ops.logical_and(indices >= 0, indices < classes), -1)
    return ops.where(known, ops.one_hot(indices, classes, dtype=y_pred.dtype), float("nan"))


def class_probabilities(y_pred: Any, *, from_logits: bool) -> Any:
    """Return probabilities over the last axis: the softmax of logits, or probabilities as they are."""
    return ops.softmax(y_pred, axis=-1) if from_logits else y_pred


def dense_gradient(gradient: Any, variable: Any) -> Any:
    """Return a gradient as one tensor, for an optimizer whose step is not linear in it.

    On TensorFlow the gradient of an embedding is a list of rows, and a row that was looked up twice is in it twice: to
    square the rows before they are added up gives another step.
    """
    return ops.add(ops.zeros_like(variable), gradient) if hasattr(gradient, "indices") else gradient


def widen(value: Any) -> Any:
    """Return ``value`` as a floating tensor of at least float32.

    Example:
        >>> [str(widen(keras.ops.ones(2, dtype)).dtype.name) for dtype in ("bfloat16", "float64", "int32")]
        ['float32', 'float64', 'float32']
    """
    tensor = ops.convert_to_tensor(value)
    wide = keras.backend.standardize_dtype(tensor.dtype) == "float64"
    return tensor if wide else ops.cast(tensor, "float32")


class _Reduce(keras.losses.Loss):  # type: ignore[misc]
    """Applies Keras's own weighting, masking and reduction to values that are computed already."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values, which come in the place of the labels; a mask comes with the predictions."""
        del y_pred
        return y_true


def _may_be_equal(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Return whether two shapes are equal as far as they are known: None stands for a size known only later."""
    return len(one) == len(other) and all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))


def _fit_weight(weight: Any, values: Any, what: str) -> Any:
    """Return sample weights in a shape that multiplies ``values`` sample by sample and can broadcast no other way.

    Raises:
        ValueError: The weights are for another number of samples or positions.
    """
    if weight is None:
        return None
    weight = ops.convert_to_tensor(weight)
    rank, shape = len(values.shape), tuple(weight.shape)
    while len(shape) > max(rank, 1) and shape[-1] == 1:
        weight, shape = ops.squeeze(weight, -1), shape[:-1]
    fits = len(shape) <= rank and _may_be_equal(
        tuple(None if size == 1 and at else size for at, size in enumerate(shape)), tuple(values.shape)[: len(shape)]
    )
    if not fits:
        message = (
            f"`{what}` got sample weights of shape {shape} for values of shape {tuple(values.shape)}. "
            "It takes one weight for each sample."
        )
        raise ValueError(message)
    for _ in range(rank - len(shape)):
        weight = ops.expand_dims(weight, -1)
    return ops.broadcast_to(weight, ops.shape(values))


def _mask_of(y_pred: Any) -> Any:
    """Return the mask that Keras layers left on predictions, or None."""
    return getattr(y_pred, "_keras_mask", None)


def _check_mask(mask: Any, values: Any, what: str) -> None:
    """Raise ``ValueError`` where a mask speaks of steps and the values do not, so that Keras would broadcast them."""
    if mask is not None and not _may_be_equal(tuple(mask.shape), tuple(values.shape)):
        message = (
            f"`{what}` returns values of shape {tuple(values.shape)}, and the predictions carry a mask of shape "
            f"{tuple(mask.shape)}. A masked step can be left out only where each step has a value of its own."
        )
        raise ValueError(message)


def _bound_arguments(signature: inspect.Signature, instance: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return a call's arguments by name, defaults included; empty for a wrong call, which Python itself will refuse."""
    try:
        bound = signature.bind(instance, *args, **kwargs)
    except TypeError:
        return {}
    bound.apply_defaults()
    (own, _), *rest = bound.arguments.items()
    found = {name: value for name, value in rest if name != own}
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            found.update(found.pop(name, {}))
    return found


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _at_least_float32(dtype: Any) -> str:
    """Return the compute type to use for ``dtype``: itself, with half precision raised to float32."""
    policy = keras.dtype_policies.get(dtype or keras.config.floatx())
    return "float32" if policy.compute_dtype in _HALF else str(policy.compute_dtype)


def _plain(value: Any) -> Any:
    """Return a constructor argument in a form that a configuration can hold."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if ops.is_tensor(value):
        return ops.convert_to_numpy(value).tolist()
    if hasattr(value, "tolist"):  # numpy arrays and scalars
        return value.tolist()
    if hasattr(value, "get_config"):
        return keras.saving.serialize_keras_object(value)
    return value


def _plain_dtype(dtype: Any) -> Any:
    """Return a type in a form that a configuration can hold: a name, a policy's configuration, or None."""
    if dtype is None or isinstance(dtype, (str, dict)):
        return dtype
    is_policy = isinstance(dtype, keras.DTypePolicy)
    return keras.saving.serialize_keras_object(dtype) if is_policy else keras.backend.standardize_dtype(dtype)


def _live(value: Any) -> Any:
    """Return an argument as the constructor takes it: what `_plain` made of a Keras object becomes that object."""
    if isinstance(value, dict) and {"class_name", "config"} <= value.keys():
        return keras.saving.deserialize_keras_object(value)
    if isinstance(value, dict):
        return {key: _live(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_live(item) for item in value]
    return value
