"""A run tried on a handful of made-up numbers before it begins: what fails or lies later is found and named here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kzoo.component import ClassLoss
from kzoo.component import Loss as CheckedLoss
from kzoo.errors import UsageError
from kzoo.plugins.foreign_code import calling, owner_of, place_of, written_at, wrong_answer
from kzoo.training.averaged_weights import parts_of_optimizer
from kzoo.training.record import components_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo.plugins.reference import Reference
    from kzoo.plugins.registry import Entry
    from kzoo.training.assembly import Assembly

__all__ = ["rehearse"]

_T = TypeVar("_T")


def rehearse(parts: Assembly) -> list[str]:
    """Call every component of a compiled model once, and look at what it gives; return the cautions to say.

    Arguments with a number for each class, or the place of the classes, are wrong or right only for a network, and a
    configuration that cannot be saved would end the run after its first epoch.

    Raises:
        UsageError: Loss or metric does not take what the network puts out.
        ComponentError: A component fails, or gives what it must not.
    """
    config, registry = parts.config, parts.registry
    _regularizer(parts)
    _outputs(parts)
    optimizer = registry.optimizer(config.optimizer.name)
    _learning_rate(parts.optimizer, optimizer, list(components_of(config, registry).values()))
    loss = registry.loss(config.loss.name)
    metrics = parts.build_metrics(parts.num_classes)  # those of the model have seen nothing when training begins
    shown = list(zip(config.metrics, metrics[len(metrics) - len(config.metrics) :], strict=True))
    specimen = _specimen(parts)
    cautions = []
    if specimen:
        weighed = bool(parts.class_weights)
        said = _try(config.loss, loss, lambda: _loss(parts.loss, loss, *specimen, weighed=weighed), specimen[1])
        cautions = [said] if said else []
        for reference, metric in shown:
            entry = registry.metric(reference.name)
            _try(reference, entry, lambda m=metric, e=entry: _metric(m, e, *specimen), specimen[1])  # type: ignore[misc]
    elif parts.built.encode is not None:
        # What labels are the pipeline alone knows, but not of which shape they come.
        _, labels, *_ = parts.batches.element_spec
        outputs = tf.TensorSpec(parts.model.output_shape, "float32")
        _try(config.loss, loss, lambda: _traced(parts.loss, labels, outputs), outputs)
    _saved(parts.loss, loss)
    _saved(parts.optimizer, optimizer)
    for reference, metric in shown:
        _saved(metric, registry.metric(reference.name))
    with calling(registry.pipeline(config.pipeline), "where its network is saved"):
        json.dumps(keras.saving.serialize_keras_object(parts.built.model))
    return cautions


def _specimen(parts: Assembly) -> tuple[np.ndarray, np.ndarray] | None:
    """Return labels and outputs of an undecided network; None where a pipeline alone knows what labels are."""
    outputs = int(parts.model.output_shape[-1])
    known = {outputs, parts.num_classes, 1}
    count = next(number for number in range(2, 6) if number not in known)  # so that no axis is taken for another
    y_pred = np.full((count, outputs), 1 / max(outputs, 2), "float32")
    if not parts.label_form:
        if parts.task.name != "regression":
            return parts.task.specimen(count, outputs, parts.num_classes)
        return np.full((count, parts.outputs), 0.5, "float32"), y_pred
    classes = np.arange(count) % parts.num_classes
    forms = {
        "sparse": classes.astype("int32"),
        "dense": np.eye(parts.num_classes, dtype="float32")[classes],
        "column": classes[:, None].astype("float32"),
    }
    return forms[parts.label_form], y_pred


def _try(reference: Reference, entry: Entry, call: Callable[[], _T], y_pred: Any) -> _T:
    """Return what a call of a loss or metric returns; raise `UsageError` where it refuses the network's outputs."""
    outputs = y_pred.shape[-1]
    with calling(entry, "when it was called"):
        try:
            return call()
        except (ValueError, TypeError) as error:
            message = (
                f"The {entry.kind} `{reference}` (from {entry.origin}) does not take what this network puts out, which "
                f"is {outputs} number{'s' * (outputs != 1)} for each sample: {str(error).rstrip('.')}"
                f"{place_of(error, entry)}. See `kzoo info {reference.name}`."
            )
            raise UsageError(message) from error


def _traced(loss: Any, labels: Any, outputs: Any) -> Any:
    """Return a loss traced for labels and outputs of these forms, as a training does; its errors stay what they are."""
    return tf.function(loss, autograph=False).get_concrete_function(labels, outputs)


def _loss(loss: Any, entry: Entry, y_true: np.ndarray, y_pred: np.ndarray, *, weighed: bool = False) -> str:
    """Look at the loss of a batch, at the values that it is the mean of, and at whether it has a gradient.

    Returns:
        A caution, where it has one value for a whole batch, else an empty text.
    """
    formula = _formula(loss)
    caution = "" if formula is None else _values(loss, entry, formula, y_true, y_pred)
    outputs = tf.constant(y_pred)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        more = {"sample_weight": np.ones(y_pred.shape[:-1], "float32")} if weighed else {}
        value = loss(y_true, outputs, **more)
    if _shape(value) != ():
        what = _described(value) if _shape(value) is None else f"values of shape {_shape(value)}"
        raise wrong_answer(entry, f"gives {what} for a batch, where one number is due", type(loss).__call__)
    if not hasattr(value, "dtype") or tape.gradient(value, outputs) is None:
        what = "has no gradient: it does not depend on what the network puts out, so nothing is learned"
        raise wrong_answer(entry, what, formula)
    return caution


def _formula(loss: Any) -> Any:
    """Return the function of its author's in which a loss gives a value for each sample; None where it has none."""
    call = type(loss).call
    if isinstance(loss, CheckedLoss):
        return type(loss).per_sample if call in (CheckedLoss.call, ClassLoss.call) else call
    if type(loss).__call__ is not keras.losses.Loss.__call__:
        return None
    return getattr(loss, "fn", None) or call  # Keras's own class around a function


def _values(loss: Any, entry: Entry, formula: Any, y_true: np.ndarray, y_pred: np.ndarray) -> str:
    """Look at the value of each sample; return a caution where there is one for all of them."""
    labels, scores = (ops.convert_to_tensor(one, loss.dtype) for one in (y_true, y_pred))
    if formula is getattr(type(loss), "per_sample", None):
        values = loss.per_sample(*loss.align(labels, scores))
    else:
        values = loss.call(labels, scores)
    count, shape, name = len(y_pred), _shape(values), formula.__name__
    if shape is None:
        what = f"gives {_described(values)} in its `{name}`, where a value for each sample is due"
        raise wrong_answer(entry, what, formula)
    if shape and (shape[0] != count or count in shape[1:]):
        what = f"gives values of shape {shape} in its `{name}` for {count} samples, where one for each sample is due"
        raise wrong_answer(entry, f"{what}: some were compared with another sample's label", formula)
    if shape:
        return ""
    return (
        f"The loss `{entry.written}` of {entry.origin} gives one number for a whole batch in its `{name}`"
        f"{written_at(formula)}, where a value for each sample is due: weights of samples and train.class_weight then "
        "weigh none against another, and a small last batch counts as much as a full one. Its authors would return "
        "shape (N,), as in `ops.mean(values, axis=-1)`."
    )


def _metric(metric: Any, entry: Entry, y_true: np.ndarray, y_pred: np.ndarray) -> None:
    """Look at what a metric says of a batch."""
    metric.update_state(y_true, y_pred)
    value = metric.result()
    if isinstance(value, dict):
        what = (
            "gives a dict, and what is logged is a number or a list of them: publish a metric for each of its figures"
        )
        raise wrong_answer(entry, what)
    if _shape(value) is None:
        raise wrong_answer(entry, f"gives {_described(value)} as its result, where numbers are due")
    metric.reset_state()


def _regularizer(parts: Assembly) -> None:
    """Look at what the regularizer, and any other in the network, adds to the loss."""
    reference = parts.config.regularizer
    if reference is None:
        return
    entry = parts.registry.regularizer(reference.name)
    with calling(entry, "when it was called on the network's kernels"):
        penalties = parts.model.losses
        shapes = [_shape(penalty) for penalty in penalties]
    for penalty, shape in zip(penalties, shapes, strict=True):
        if shape != ():
            what = _described(penalty) if shape is None else f"values of shape {shape}"
            raise wrong_answer(entry, f"gives {what} for a kernel, where one number is due")
    _saved(parts.regularizer, entry)


def _learning_rate(optimizer: Any, entry: Entry, used: Sequence[Entry]) -> None:
    """Look at the first learning rate, and at whether the schedule it follows can be saved."""
    for part in parts_of_optimizer(optimizer):
        schedule = getattr(part, "_learning_rate", None)  # the property would be this step's number
        whose = owner_of(schedule, used, entry)
        with calling(whose, "where its learning rate was asked for"):
            rate = part.learning_rate
        if _shape(rate) != () or not np.isfinite(float(ops.convert_to_numpy(rate))):
            raise wrong_answer(whose, f"begins with the learning rate {_described(rate)}, where a number is due")
        if whose is not entry:
            _saved(schedule, whose)


def _outputs(parts: Assembly) -> None:
    """Look at the shape of what the network puts out."""
    entry = parts.registry.pipeline(parts.config.pipeline)
    shape = parts.model.output_shape
    if not isinstance(shape, tuple) or not shape or not isinstance(shape[-1], int):
        raise wrong_answer(entry, f"made a network with outputs of shape {shape}, where one output is due")
    wanted = 1 if parts.label_form == "column" else parts.num_classes
    if parts.label_form and shape != (None, wanted):
        what = f"made a network with outputs of shape {shape} for {parts.num_classes} classes"
        raise wrong_answer(entry, f"{what}, where (None, {wanted}) is due")


def _saved(component: Any, entry: Entry) -> None:
    """Look at whether a component's configuration can be written."""
    with calling(entry, "where its configuration was asked for, which every saved model needs (`get_config`)"):
        json.dumps(keras.saving.serialize_keras_object(component))


def _shape(value: Any) -> tuple[int, ...] | None:
    """Return the shape of a number or of several; None for what are no numbers."""
    if value is None or isinstance(value, (str, bytes, dict)):
        return None
    try:
        found = np.asarray(ops.convert_to_numpy(value))
    except (ValueError, TypeError):
        return None
    return found.shape if found.dtype.kind in "fiub" or "float" in found.dtype.name else None


def _described(value: Any) -> str:
    if value is None:
        return "None"
    return f"`{value!s:.60}`" if isinstance(value, (str, float)) else f"a `{type(value).__name__}`"
