"""The component under test: how to make fresh ones, and what is known of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
from keras.src.losses.losses import LossFunctionWrapper  # what Keras makes of a function; it has no public name

from kzoo.errors import UsageError
from kzoo.plugin import INPUTS, LABEL_FORMS
from kzoo.plugins.build import Context, build, parameters_of
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import Entry, Registry, get_registry
from kzoo.plugins.targets import load_target
from kzoo.testing.report import Skip
from kzoo.tracker import Tracker

__all__ = ["BASES", "Subject", "subject_of"]

BASES: dict[str, type] = {
    "loss": keras.losses.Loss,
    "metric": keras.metrics.Metric,
    "optimizer": keras.optimizers.Optimizer,
    "schedule": keras.optimizers.schedules.LearningRateSchedule,
    "regularizer": keras.regularizers.Regularizer,
    "tracker": Tracker,
}
"""The class that the components of each kind derive from."""

_INPUTS_OF_TASKS = {
    "regression": "values",
    "binary": "binary",
    "classification": "classes",
    "ordinal": "classes",
    "multilabel": "multilabel",
    "distribution": "classes",
    "segmentation": "masks",
    "detection": "boxes",
    "embedding": "embeddings",
    "restoration": "images",
    "transcription": "sequences",
}


_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Subject:
    """A component to check.

    Attributes:
        kind: One of `kzoo.plugin.COMPONENT_KINDS`.
        name: The component, as it was asked for.
        make: Returns a fresh one; keyword arguments go to the constructor.
        parameters: The constructor's parameters.
        arguments: The arguments that `make` gives where nothing else is said.
        examples: Further arguments that are known to be valid, from the spec.
        inputs: One of `kzoo.plugin.INPUTS`; a function ``(size, seed)`` that returns labels and predictions; or empty.
        forms: The label forms that it takes, the first of which the checks use; empty where labels are not classes.
        properties: What it promises of its values.
        entry: The registry's entry where it is published, else None.
        found: What one check worked out and another one needs too, by the name of what it is.
    """

    kind: str
    name: str
    make: Callable[..., Any]
    parameters: Mapping[str, inspect.Parameter]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)
    inputs: str | Callable[[int, int], tuple[Any, Any]] = ""
    forms: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    entry: Entry | None = None
    found: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def form(self) -> str:
        """The label form that the checks use."""
        return self.forms[0] if self.forms else ""

    def takes(self, *names: str) -> bool:
        """Return whether the constructor has all these arguments."""
        return all(name in self.parameters for name in names)

    def once(self, name: str, work: Callable[[], Any]) -> Any:
        """Return what ``work`` returns, doing it for the first check that asks and keeping it for the others."""
        if name not in self.found:
            self.found[name] = work()
        return self.found[name]

    def need(self, *names: str) -> None:
        """Skip the check where the constructor lacks an argument that it needs."""
        for name in names:
            if name not in self.parameters:
                message = f"the constructor takes no `{name}`"
                raise Skip(message)


def subject_of(
    kind: str, component: Any, /, inputs: Any = None, registry: Registry | None = None, **arguments: Any
) -> Subject:
    """Return the subject for a name, an instance, a class or a function that returns a fresh instance.

    A function of ``(y_true, y_pred)`` is a loss as Keras takes it: it is checked as ``compile(loss=function)`` has it.
    A class of Keras's own is checked under its published name, where neither inputs nor arguments are given.

    Args:
        kind: The kind of component.
        component: A name with arguments or without (``"focal:gamma=2"``), or an object.
        inputs: See `Subject`; by default what the spec says.
        registry: Where names are looked up.
        **arguments: Arguments for the constructor, besides those in the name.

    Raises:
        UsageError: An unknown name, or an object that is no component of this kind.
    """
    if not (inputs is None or inputs == "" or callable(inputs) or inputs in INPUTS):
        message = f"`inputs` must be one of {', '.join(INPUTS)}, or a function (size, seed), not {inputs!r}."
        raise UsageError(message)
    if isinstance(component, (str, Mapping, Reference)):
        return _published(kind, Reference.read(component), inputs, registry or get_registry(), arguments)
    if isinstance(component, BASES[kind]):
        if kind == "tracker":
            message = (
                f"Give the class {type(component).__name__}, or a function that makes one: each run has a new tracker."
            )
            raise UsageError(message)
        return _instance(kind, component, inputs)
    if not callable(component):
        message = f"{component!r} is no {kind}: give a name, an instance, a class or a function that returns one."
        raise UsageError(message)
    if inspect.isclass(component) and inputs is None and not arguments:
        published = _name_of_keras(kind, component, registry or get_registry())
        if published:
            return _published(kind, Reference(published), None, registry or get_registry(), {})
    name = getattr(component, "__name__", str(component))
    if kind == "loss" and _is_of_labels_and_predictions(component):
        return _function(name, component, inputs, arguments)
    return Subject(
        kind,
        name,
        lambda **more: component(**{**arguments, **_own(more)}),
        parameters_of(component),
        arguments=arguments,
        inputs=inputs or _default_inputs(kind),
        forms=_forms(kind, inputs),
    )


def _published(kind: str, reference: Reference, inputs: Any, registry: Registry, arguments: Any) -> Subject:
    entry = registry.get(kind, reference.name)
    spec: Any = entry.spec
    forms = tuple(form for form in LABEL_FORMS if form in getattr(spec, "targets", ()))
    wanted = inputs or getattr(spec, "inputs", "") or _inputs_of(spec)
    if wanted != "classes" and not callable(wanted) and wanted != "masks":
        forms = ()
    context = Context(label_form=forms[0] if forms else "", total_steps=100)
    target = load_target(entry, variant=spec.variants.get(context.label_form) if hasattr(spec, "variants") else None)
    parameters = parameters_of(target)
    # A component that needs arguments is checked as its spec's example has it, any other one as it is by default.
    needy = any(parameter.default is inspect.Parameter.empty for parameter in parameters.values())
    given = {**(spec.example if needy else {}), **reference.kwargs, **arguments}

    def make(**more: Any) -> Any:
        label_form = more.pop("label_form", context.label_form)
        return build(
            kind,
            Reference(reference.name, {**given, **more}),
            context=Context(label_form=label_form, total_steps=100),
            registry=registry,
        )

    return Subject(
        kind,
        str(reference),
        make,
        parameters,
        arguments=given,
        examples=dict(spec.example),
        inputs=wanted if kind in ("loss", "metric") else "",
        forms=forms,
        properties=getattr(spec, "properties", {}),
        entry=entry,
    )


def _name_of_keras(kind: str, cls: Any, registry: Registry) -> str:
    """Return the name that a class of Keras's own is published by; empty for any other, or where it has none.

    What is known of it goes with the name: its inputs, and where it fails because Keras does.
    """
    if cls.__module__.partition(".")[0] != "keras":
        return ""
    for entry in registry.entries(kind):
        module, _, attribute = entry.spec.target.partition(":")
        if module.partition(".")[0] == "keras" and attribute == cls.__name__ and load_target(entry) is cls:
            return entry.qualified
    return ""


def _instance(kind: str, component: Any, inputs: Any) -> Subject:
    config = component.get_config()
    kept = {name: value for name, value in config.items() if name not in ("reduction", "dtype")}

    def make(**more: Any) -> Any:
        return type(component).from_config({**config, **_own(more)})

    return Subject(
        kind,
        getattr(component, "name", None) or type(component).__name__,
        make,
        parameters_of(type(component)),
        arguments=kept,
        inputs=inputs or _default_inputs(kind),
        forms=_forms(kind, inputs),
    )


def _own(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments without the form of the labels, for which only what is published can have another class."""
    return {name: value for name, value in arguments.items() if name != "label_form"}


def _is_of_labels_and_predictions(component: Any) -> bool:
    """Return whether this is a function whose first arguments, both required, are labels and predictions."""
    if not inspect.isfunction(component):
        return False
    first = list(inspect.signature(component).parameters.values())[:2]
    return len(first) == 2 and all(  # noqa: PLR2004 - labels and predictions, whatever they are called
        one.default is inspect.Parameter.empty and one.kind in _BY_POSITION for one in first
    )


def _function(name: str, function: Any, inputs: Any, arguments: Any) -> Subject:
    own = list(parameters_of(function).items())[2:]
    # Keras's wrapper takes a `dtype`, too, and does not save it, which is no fault of the function.
    of_keras = parameters_of(LossFunctionWrapper)
    parameters = {**dict(own), **{name: of_keras[name] for name in ("reduction", "name")}}
    return Subject(
        "loss",
        name,
        lambda **more: LossFunctionWrapper(function, **{"name": name, **arguments, **_own(more)}),
        parameters,
        arguments=arguments,
        inputs=inputs or _default_inputs("loss"),
        forms=_forms("loss", inputs),
    )


def _default_inputs(kind: str) -> str:
    return "values" if kind in ("loss", "metric") else ""


def _forms(kind: str, inputs: Any) -> tuple[str, ...]:
    return LABEL_FORMS if kind in ("loss", "metric") and inputs in ("classes", "masks") else ()


def _inputs_of(spec: Any) -> str:
    """Return the inputs that follow from a spec's tasks: numbers where they fit, else classes, else what is left."""
    return next((inputs for task, inputs in _INPUTS_OF_TASKS.items() if task in spec.tasks), "values")
