"""From a reference to a live object, of Keras or a tracker: the first room that imports keras."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError, UsageError
from kzoo.plugins.finite import check_finite
from kzoo.plugins.foreign_code import calling, reason_of, wrong_answer
from kzoo.plugins.nested import is_reference
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import Registry, get_registry, plural
from kzoo.plugins.targets import load_target
from kzoo.streams import stdout_to_stderr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kzoo.plugin import ComponentSpec, LossSpec
    from kzoo.plugins.registry import Entry

__all__ = ["BASES", "Context", "build", "check_fits", "parameters_of"]

BASES = {
    "loss": "keras.losses.Loss",
    "metric": "keras.metrics.Metric",
    "optimizer": "keras.optimizers.Optimizer",
    "schedule": "keras.optimizers.schedules.LearningRateSchedule",
    "regularizer": "keras.regularizers.Regularizer",
    "tracker": "kzoo.tracker.Tracker",
}
"""What a component of each kind derives from."""


@dataclass(frozen=True)
class Context:
    """What a component is built for.

    Attributes:
        task: The pipeline's task; empty outside a pipeline.
        label_form: ``dense`` or ``sparse`` labels, as the run feeds them; empty where labels are not classes.
        total_steps: Optimizer steps in the whole run, for schedules; None outside a run.
        fit_loss: What is done with each loss that is part of another one, before that is built: a function of the loss
            and its entry that returns the loss to use. None where nothing is.
    """

    task: str = ""
    label_form: str = ""
    total_steps: int | None = None
    fit_loss: Callable[[Any, Entry[LossSpec]], Any] | None = None


def build(
    kind: str,
    reference: Reference | str | Mapping[str, Any],
    *,
    context: Context | None = None,
    registry: Registry | None = None,
    **defaults: Any,
) -> Any:
    """Return the Keras object, or the tracker, that a reference stands for.

    Args:
        kind: One of `kzoo.plugin.COMPONENT_KINDS`.
        reference: Its text, table or `Reference`.
        context: What it is built for.
        registry: Where names are looked up; by default that of the process.
        **defaults: Arguments to give where the reference does not and the constructor has them, such as ``name``.

    Raises:
        UsageError: An unknown name or argument, a missing argument, or a value that the constructor refuses.
        ComponentError: The constructor fails in another way, or makes something else.
        KzooError: The plugin's target does not exist or cannot be imported.
    """
    context = context or Context()
    registry = registry or get_registry()
    reference = Reference.read(reference)
    entry = registry.component(kind, reference.name)
    check_finite(entry, reference.kwargs)
    target = load_target(entry, variant=_variant(entry, context))
    parameters = parameters_of(target)
    kwargs = _resolved(entry, dict(reference.kwargs), context, registry)
    if kind == "schedule":
        kwargs = _completed_schedule(entry, kwargs, context)
    kwargs = {**{key: value for key, value in defaults.items() if key in parameters}, **kwargs}
    _check_arguments(entry, parameters, kwargs, reference)
    with calling(entry, "when it was made"), stdout_to_stderr():
        try:
            made = target(**kwargs)
        except (TypeError, ValueError) as error:
            reason = reason_of(error).partition(": ")[2]
            message = f"The {kind} `{reference}` (from {entry.origin}) was refused by its constructor: {reason}."
            raise UsageError(message) from error
    if not isinstance(made, _base(kind)):
        found = "None" if made is None else f"an object of the type `{type(made).__name__}`"
        whose = "kzoo.tracker" if kind == "tracker" else "Keras"
        raise wrong_answer(entry, f"is {found} when it is made, and no {_base(kind).__name__} of {whose}")
    return made


def check_fits(kind: str, reference: Reference, task: str, registry: Registry) -> Entry[ComponentSpec]:
    """Return the entry of a reference, or raise `UsageError` saying what fits where it is not for ``task``.

    Needs no Keras, so that a wrong name is refused before anything heavy is imported.
    """
    entry = registry.component(kind, reference.name)
    if not entry.spec.fits(task):
        fitting = ", ".join(registry.shown_name(other) for other in registry.fitting(kind, task)) or "none"
        tasks = ", ".join(sorted(entry.spec.tasks))
        message = (
            f"The {kind} `{reference.name}` (from {entry.origin}) is for {tasks}, not for {task}. "
            f"{plural(kind).capitalize()} for {task}: {fitting}."
        )
        raise UsageError(message)
    return entry


def parameters_of(target: Any) -> dict[str, inspect.Parameter]:
    """Return the named parameters of a class or factory, those that ``**kwargs`` hands to base classes included."""
    found: dict[str, inspect.Parameter] = {}
    makers = (
        [c.__dict__["__init__"] for c in target.__mro__ if "__init__" in c.__dict__] if inspect.isclass(target) else []
    )
    for maker in makers or [target]:
        if maker is object.__init__:
            break
        more = False
        for name, parameter in inspect.signature(maker).parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                more = True
            elif parameter.kind is not inspect.Parameter.VAR_POSITIONAL and name != "self":
                found.setdefault(name, parameter)
        if not more:
            break
    return found


def _variant(entry: Entry[ComponentSpec], context: Context) -> str | None:
    """Return the target for this task or label form where the spec has another one for it."""
    variants = getattr(entry.spec, "variants", {})
    return variants.get(context.task) or variants.get(context.label_form)


def _resolved(
    entry: Entry[ComponentSpec], kwargs: dict[str, Any], context: Context, registry: Registry
) -> dict[str, Any]:
    """Build the arguments that are components themselves, such as an optimizer's schedule, or lists of them."""
    for name, kind in entry.spec.resolves.items():
        value = kwargs.get(name)
        if is_reference(value):
            kwargs[name] = _inner(kind, value, context, registry, entry)
        elif isinstance(value, (list, tuple)):
            parts = zip(value, _contexts(entry, kwargs, context, len(value)), strict=True)
            kwargs[name] = [
                _inner(kind, item, part, registry, entry) if is_reference(item) else item for item, part in parts
            ]
    return kwargs


def _inner(kind: str, value: Any, context: Context, registry: Registry, outer: Entry[ComponentSpec]) -> Any:
    """Return a component that is an argument of another one, which errors name too."""
    try:
        reference = Reference.read(value)
        built = build(kind, reference, context=context, registry=registry)
    except KzooError as error:
        message = f"Inside `{outer.name}`: {error}"
        raise type(error)(message) from error
    if kind == "loss" and context.fit_loss:
        return context.fit_loss(built, registry.loss(reference.name))
    return built


def _contexts(entry: Entry[ComponentSpec], kwargs: Mapping[str, Any], context: Context, count: int) -> list[Context]:
    """Return what each component of a list is built for: a schedule among schedules, for its own part of the run."""
    boundaries = kwargs.get(getattr(entry.spec, "boundaries_argument", ""))
    steps = boundaries if isinstance(boundaries, (list, tuple)) else ()
    if context.total_steps is None or len(steps) != count - 1 or not all(isinstance(step, int) for step in steps):
        return [context] * count  # the constructor refuses boundaries that do not fit
    edges = pairwise((0, *steps, context.total_steps))
    return [replace(context, total_steps=max(1, end - begin)) for begin, end in edges]


def _completed_schedule(entry: Entry[ComponentSpec], kwargs: dict[str, Any], context: Context) -> dict[str, Any]:
    """Fill in the steps of the whole run where the schedule wants them, and make its rates floating."""
    argument = getattr(entry.spec, "steps_argument", "")
    if argument and argument not in kwargs and context.total_steps is not None:
        warmup = kwargs.get(getattr(entry.spec, "warmup_argument", ""), 0)
        kwargs[argument] = max(1, context.total_steps - int(warmup))
    # Keras's schedules compute in the type of their rate: ExponentialDecay(1, ...) drops to 0, CosineDecay has pi = 3.
    is_rate = ("learning_rate", "warmup_target")
    return {k: float(v) if k.endswith(is_rate) and type(v) is int else v for k, v in kwargs.items()}


def _check_arguments(
    entry: Entry[ComponentSpec],
    parameters: Mapping[str, inspect.Parameter],
    kwargs: Mapping[str, Any],
    reference: Reference,
) -> None:
    kind = entry.spec.kind
    takes = ", ".join(parameters) or "none"
    unknown = [name for name in kwargs if name not in parameters]
    if unknown:
        what = f"The {kind} `{reference.name}` (from {entry.origin})"
        message = f"{what} has no argument {_ticked(unknown)}. It takes: {takes}."
        raise UsageError(message)
    missing = [n for n, p in parameters.items() if p.default is inspect.Parameter.empty and n not in kwargs]
    if missing:
        example = Reference(reference.name, dict(entry.spec.example))
        message = (
            f"The {kind} `{reference.name}` (from {entry.origin}) needs {_ticked(missing)}, as in `{example}`. "
            f"It takes: {takes}."
        )
        raise UsageError(message)


def _base(kind: str) -> type:
    """Return the class that all components of a kind derive from."""
    module, _, name = BASES[kind].rpartition(".")
    found: type = getattr(importlib.import_module(module), name)
    return found


def _ticked(names: list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)
