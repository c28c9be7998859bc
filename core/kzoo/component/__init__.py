"""Base classes for authors: a per-sample function becomes a Keras loss or metric that behaves.

An author writes one function of ``(y_true, y_pred)`` that returns a value for each sample, and a class whose
constructor names the parameters. The base classes see to the rest: the configuration is read off the constructor's
signature, shapes are checked before anything can broadcast, labels are never rounded to half precision, and the
computation runs in at least float32. A NaN is never hidden, and neither is a label that is no class.

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

from kzoo.component.classes import ClassLabels, OverClasses, as_class_labels, class_probabilities, refuse_one_output
from kzoo.component.configuration import ConfigFromSignature
from kzoo.component.losses import ClassLoss, Loss
from kzoo.component.metrics import ClassMetric, MeanMetric
from kzoo.component.numbers import dense_gradient, finite_or_nan, has_nan, propagate_nan, widen
from kzoo.component.regularizers import Regularizer
from kzoo.component.shapes import align_shapes, fit_weight

__all__ = [
    "ClassLabels",
    "ClassLoss",
    "ClassMetric",
    "ConfigFromSignature",
    "Loss",
    "MeanMetric",
    "OverClasses",
    "Regularizer",
    "align_shapes",
    "as_class_labels",
    "class_probabilities",
    "dense_gradient",
    "finite_or_nan",
    "fit_weight",
    "has_nan",
    "propagate_nan",
    "refuse_one_output",
    "widen",
]
