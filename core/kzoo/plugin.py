"""All that a plugin author imports: the hook marker, the spec dataclasses and the version of this interface.

A plugin module is light: it imports this module and nothing heavy, and hands out specs whose ``target`` is imported
only when a component is used.

Example:
    >>> from kzoo.plugin import LossSpec, hookimpl
    >>> @hookimpl
    ... def kzoo_losses():
    ...     return [LossSpec(name="example", target="my_package.losses:Example", summary="An example.")]
    >>> [spec.name for spec in kzoo_losses()]
    ['example']
"""

from __future__ import annotations

import re
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import pluggy

from kzoo.frozen import Frozen, frozen
from kzoo.terms import APPLIES_TO, DIRECTIONS, INPUTS, LABEL_FORMS, LAYERS, PROPERTIES, TASKS, VIEWS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

__all__ = [
    "API_VERSION",
    "APPLIES_TO",
    "COMPONENT_KINDS",
    "DIRECTIONS",
    "INPUTS",
    "KINDS",
    "LABEL_FORMS",
    "LAYERS",
    "LISTED_KINDS",
    "PROPERTIES",
    "TASKS",
    "VIEWS",
    "CommandSpec",
    "ComponentSpec",
    "FormerName",
    "LossSpec",
    "MetricSpec",
    "OptimizerSpec",
    "PipelineSpec",
    "RegularizerSpec",
    "ScheduleSpec",
    "Spec",
    "TrackerSpec",
    "hookimpl",
]

API_VERSION = 1
"""The version of this interface. A plugin module may state the one it needs as ``KZOO_API``."""

hookimpl = pluggy.HookimplMarker("kzoo")
"""Marks a function of a plugin module as the implementation of one of the hooks in `kzoo.plugins.hookspecs`."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_FLAG = re.compile(r"[a-z][a-z0-9-]*")
_SECTION = re.compile(r"[A-Z][\w ]*")
_SETTING = re.compile(r"(data|model|augment|train)\.[a-z]\w*")


def _among(field: str, names: Iterable[Any], known: Collection[str]) -> list[str]:
    """Return the fault of a field that holds names which are not known, if it does."""
    unknown = [name for name in names if name not in known]  # a thousand specs are looked at for every list
    if not unknown:
        return []
    listed = ", ".join(sorted({str(name) for name in unknown}))
    return [f"`{field}` may {'name' if field == 'resolves' else 'hold'} {', '.join(known)}, not {listed}"]


@frozen
class Spec(Frozen):
    """What is known of one component, pipeline or command without importing it.

    Attributes:
        name: The name on the command line, lower case: ``[a-z][a-z0-9_]*``.
        target: ``"module:attribute"`` of the class or factory, imported on first use.
        summary: One sentence for the lists.
        aliases: Further names that find it.
        reference: The paper or source of its formula.
    """

    kind: ClassVar[str] = ""

    name: str
    target: str
    summary: str = ""
    aliases: Collection[str] = ()
    reference: str = ""

    def faults(self) -> list[str]:
        """Return what is wrong with this spec, one sentence for each fault; an empty list when it is valid."""
        found = [
            f"`name` must be lower case letters, digits and `_`, starting with a letter, not {name!r}"
            for name in (self.name, *self.aliases)
            if not (isinstance(name, str) and _NAME.fullmatch(name))
        ]
        if not (isinstance(self.target, str) and _TARGET.fullmatch(self.target)):
            found.append(f"`target` must be 'module:attribute', not {self.target!r}")
        if not isinstance(self.summary, str):
            found.append(f"`summary` must be text, not {self.summary!r}")
        return found


@frozen
class ComponentSpec(Spec):
    """The fields that every component has; a plugin publishes one of its subclasses.

    Attributes:
        tasks: The tasks it is for (see `TASKS`); empty means every task.
        cautions: For a task it runs on but was not made for, the sentence that kzoo says once when it is used there.
        example: Keyword arguments for the example shown by ``kzoo info``; must hold every argument without a default.
        resolves: For an argument that is itself a component, or a list of them, the kind it is:
            ``{"learning_rate": "schedule"}``.
        note: A sentence for ``kzoo info``: what a user must know before choosing it.
        successor_of: Old names that it replaces, as in ``"tfa.losses.SigmoidFocalCrossEntropy"``; ``kzoo info`` knows
            them.
        expected_failures: Checks of the conformance kit that it is known to fail, with the reason of each.
    """

    tasks: Collection[str] = frozenset()
    cautions: Mapping[str, str] = field(default_factory=dict)
    example: Mapping[str, Any] = field(default_factory=dict)
    resolves: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    successor_of: Collection[str] = ()
    expected_failures: Mapping[str, str] = field(default_factory=dict)

    def faults(self) -> list[str]:
        """Return what is wrong with this spec, one sentence for each fault."""
        found = super().faults()
        found += _among("tasks", (*self.tasks, *self.cautions), TASKS)
        found += _among("resolves", self.resolves.values(), KINDS)
        return found

    def fits(self, task: str) -> bool:
        """Return whether the component is for ``task``."""
        return not self.tasks or task in self.tasks


@frozen
class _LabelledSpec(ComponentSpec):
    """The fields of what compares labels with predictions.

    Attributes:
        targets: The label forms it takes (see `LABEL_FORMS`); empty where labels are not classes.
        variants: Another ``target`` for a task or a label form, as in ``{"binary": "keras.metrics:BinaryAccuracy"}``.
        inputs: What labels and predictions are, one of `INPUTS`; where empty, it follows from ``tasks``.
        properties: What it promises of its values (see `PROPERTIES`): ``{"zero_at_equality": True, "range": (0, 1)}``.
    """

    targets: Collection[str] = frozenset(LABEL_FORMS)
    variants: Mapping[str, str] = field(default_factory=dict)
    inputs: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)

    def faults(self) -> list[str]:
        """Return what is wrong with this spec, one sentence for each fault."""
        found = super().faults()
        found += _among("targets", self.targets, LABEL_FORMS)
        if self.inputs and self.inputs not in INPUTS:
            found.append(f"`inputs` must be one of {', '.join(INPUTS)}, not {self.inputs!r}")
        found += _among("properties", self.properties, PROPERTIES)
        found += _among("variants", self.variants, (*TASKS, *LABEL_FORMS))
        for target in self.variants.values():
            if not (isinstance(target, str) and _TARGET.fullmatch(target)):
                found.append(f"`variants` must hold 'module:attribute', not {target!r}")
        return found


@frozen
class LossSpec(_LabelledSpec):
    """A loss: ``target`` is a `keras.losses.Loss` class or a factory of one.

    Attributes:
        views: Whether it compares two views of each sample, which a pipeline then makes, and what the labels are:
            ``of_classes`` or ``of_samples``, whose label is the sample's number in the batch; empty for one view.
        within: Where it is a part of another loss and not trained with by itself: the name of that, and the argument
            that takes this one's name, as in ``{"yolo": "box"}``. ``kzoo info`` shows it so.
        settings: What a run must be set to for it, where a pipeline's network does not fit it by itself, as in
            ``{"model.bins": 16}``. ``kzoo info`` shows them in its command.
    """

    kind: ClassVar[str] = "loss"

    views: str = ""
    within: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def faults(self) -> list[str]:
        """Return what is wrong with this spec, one sentence for each fault."""
        found = super().faults() + _among("views", (self.views,), VIEWS)
        found += [
            f"`settings` must be of a run, as model.width, not {key!r}"
            for key in self.settings
            if not (isinstance(key, str) and _SETTING.fullmatch(key))
        ]
        return found


@frozen
class MetricSpec(_LabelledSpec):
    """A metric: ``target`` is a `keras.metrics.Metric` class or a factory of one.

    Attributes:
        direction: Which values are better, ``"max"`` or ``"min"``; empty where neither is.
    """

    kind: ClassVar[str] = "metric"

    direction: str = ""

    def faults(self) -> list[str]:
        """Return what is wrong with this spec, one sentence for each fault."""
        found = super().faults()
        if self.direction not in DIRECTIONS:
            found.append(f"`direction` must be 'max', 'min' or empty, not {self.direction!r}")
        return found


@frozen
class OptimizerSpec(ComponentSpec):
    """An optimizer: ``target`` is a `keras.optimizers.Optimizer` class; ``learning_rate`` takes a schedule by name."""

    kind: ClassVar[str] = "optimizer"

    resolves: Mapping[str, str] = field(default_factory=lambda: {"learning_rate": "schedule"})


@frozen
class ScheduleSpec(ComponentSpec):
    """A learning-rate schedule, returned by the hook ``kzoo_optimizers`` beside the optimizers.

    Attributes:
        steps_argument: The argument that holds the number of optimizer steps in the whole run. kzoo fills it in
            when the user gives none, since it follows from the data, the batch size and the epochs.
        warmup_argument: The argument that holds the steps of a warm-up which `steps_argument` does not count; kzoo
            takes them off before it fills that in.
        boundaries_argument: For a schedule of schedules, the argument that holds the steps at which each but the first
            begins; kzoo then fills in the steps of each one's own part.
    """

    kind: ClassVar[str] = "schedule"

    steps_argument: str = ""
    warmup_argument: str = ""
    boundaries_argument: str = ""


@frozen
class RegularizerSpec(ComponentSpec):
    """A regularizer: ``target`` is a `keras.regularizers.Regularizer` class or a factory of one.

    Attributes:
        applies_to: What it is given, one of `APPLIES_TO`: the ``weights`` of a layer, or its ``activity``, which is
            what the layer puts out for a batch.
        layer: Which layer ``--regularizer`` gives one of activity to, one of `LAYERS`: ``outputs`` for the last one,
            ``features`` for the one whose outputs that takes; where empty, it is refused there.
    """

    kind: ClassVar[str] = "regularizer"

    applies_to: str = "weights"
    layer: str = ""

    def faults(self) -> list[str]:
        """Return what is wrong with this spec, one sentence for each fault."""
        found = super().faults()
        if self.applies_to not in APPLIES_TO:
            found.append(f"`applies_to` must be one of {', '.join(APPLIES_TO)}, not {self.applies_to!r}")
        found += _among("layer", (self.layer,), LAYERS)
        if self.layer and self.applies_to != "activity":
            found.append("`layer` is for a regularizer that applies to activity")
        return found


class TrackerSpec(ComponentSpec):  # no field of its own: a dataclass as it stands
    """A tracker of runs: ``target`` is a subclass of `kzoo.tracker.Tracker`, or a factory of one."""

    kind: ClassVar[str] = "tracker"


@frozen
class PipelineSpec(Spec):
    """A ready pipeline: ``target`` is a subclass of `kzoo.pipeline.Pipeline`.

    Attributes:
        task: What the pipeline is for, one of `TASKS`.
        other_tasks: What it may be for instead, where the task follows from the data.
        recipes: The names of its recipes, ``default`` among them.
        formats: Other programs whose networks it reads and writes, such as ``darknet``.
        flags: The flags that it adds to ``kzoo run``, with the setting that each gives: ``{"fix": "data.fix"}`` makes
            ``--fix clip`` mean ``-o data.fix=clip``.
    """

    kind: ClassVar[str] = "pipeline"

    task: str
    recipes: Collection[str] = ("default",)
    other_tasks: Collection[str] = ()
    formats: Collection[str] = ()
    flags: Mapping[str, str] = field(default_factory=dict)

    def faults(self) -> list[str]:
        """Return what is wrong with this spec, one sentence for each fault."""
        found = super().faults()
        for name, task in (("task", self.task), *(("other_tasks", task) for task in self.other_tasks)):
            if task not in TASKS:
                found.append(f"`{name}` must be one of {', '.join(TASKS)}, not {task!r}")
        found += [
            f"`flags` must be like {{'fix': 'data.fix'}}, not {flag!r}: {setting!r}"
            for flag, setting in dict(self.flags).items()
            if not (_FLAG.fullmatch(str(flag)) and _SETTING.fullmatch(str(setting)))
        ]
        return found

    def fits(self, task: str) -> bool:
        """Return whether the pipeline is for ``task``, or may be."""
        return task in (self.task, *self.other_tasks)


@frozen
class CommandSpec(Spec):
    """A command of the command line: ``target`` is a function with typer's annotations, or a `typer.Typer`.

    It is typed with dashes: ``name="import_darknet"`` is ``kzoo import-darknet``. A number that the function returns is
    the exit code. `kzoo.command` has what it writes its results with.

    Attributes:
        section: The heading that it stands under in ``kzoo --help``.
    """

    kind: ClassVar[str] = "command"

    section: str = "Commands of plugins"

    def faults(self) -> list[str]:
        """Return what is wrong with this spec, one sentence for each fault."""
        found = super().faults()
        if not (isinstance(self.section, str) and _SECTION.fullmatch(self.section)):
            found.append(f"`section` must be words that start with a capital, not {self.section!r}")
        return found


@frozen
class FormerName(Frozen):
    """What to answer to a name that another library had; returned by the hook ``kzoo_former_names``.

    Attributes:
        name: The old name with its library and group, as in ``"tfa.losses.SigmoidFocalCrossEntropy"``. The component
            that has it in ``successor_of`` is its successor.
        answer: What differs in the successor; where there is none, what to do instead.
        package: The library's import package, where ``name`` begins with a short form of it.
    """

    name: str
    answer: str
    package: str = ""

    def faults(self) -> list[str]:
        """Return what is wrong with it, one sentence for each fault; an empty list when it is valid."""
        found = []
        parts = self.name.split(".") if isinstance(self.name, str) else []
        if len(parts) < 2 or not all(part.isidentifier() for part in parts):  # noqa: PLR2004 - a library and a name
            found.append(f"`name` must be a dotted name such as 'library.losses.Name', not {self.name!r}")
        found += [
            f"`{name}` must be text, not {value!r}"
            for name, value in (("answer", self.answer), ("package", self.package))
            if not isinstance(value, str)
        ]
        return found


KINDS: Mapping[str, type[Spec]] = MappingProxyType(
    {
        spec.kind: spec
        for spec in (
            LossSpec,
            MetricSpec,
            OptimizerSpec,
            ScheduleSpec,
            RegularizerSpec,
            TrackerSpec,
            PipelineSpec,
            CommandSpec,
        )
    }
)
"""The kinds of things that a plugin can publish, and the spec class of each."""

COMPONENT_KINDS = tuple(kind for kind, spec in KINDS.items() if issubclass(spec, ComponentSpec))
"""The kinds of what goes into a training: all but pipelines and commands."""

LISTED_KINDS = tuple(kind for kind in KINDS if kind != CommandSpec.kind)
"""The kinds that the lists and ``kzoo info`` show: all but commands, which ``kzoo --help`` shows."""

for _cls in (_LabelledSpec, ComponentSpec, Spec, FormerName, *KINDS.values()):
    # A dataclass that somebody derives from one of them is to be frozen, too.
    _cls.__dataclass_params__.frozen = True  # type: ignore[attr-defined]
