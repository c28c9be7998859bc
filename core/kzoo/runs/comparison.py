"""What a run's loss compares: the form of the labels and of the predictions, which the losses in a mixture share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kzoo.errors import UsageError
from kzoo.plugins.nested import losses_of
from kzoo.tasks import task_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.plugin import LossSpec
    from kzoo.plugins.reference import Reference
    from kzoo.plugins.registry import Entry, Registry
    from kzoo.tasks import Task

__all__ = ["Comparison", "comparison_of"]

_ITS_OWN_OUTPUTS = ("bins", "cosines", "gaussians", "places")
"""The predictions that a network for them gives and no other: no loss of anything else can stand beside theirs."""

_FORMS = {"dense": "one-hot labels", "sparse": "class indices"}


@dataclass(frozen=True)
class Comparison:
    """What labels and predictions are.

    Attributes:
        label_form: ``dense``, ``sparse``, ``column`` (0 or 1, for a single output), or an empty text where labels are
            not classes.
        predicts: What the network gives, one of `kzoo.plugin.INPUTS`.
        views: Whether two views of each sample are compared, one of `kzoo.plugin.VIEWS`.
    """

    label_form: str
    predicts: str
    views: str = ""


def comparison_of(reference: Reference, task_name: str, registry: Registry) -> Comparison:
    """Return what a loss compares in runs of a task.

    Raises:
        UsageError: The losses in it want labels or predictions in different forms.
        KzooError: No pipeline can be run for this task.
    """
    task = task_named(task_name)
    losses = losses_of(reference, registry)
    if len(losses) == 1 and losses[0][0] == reference:
        spec = losses[0][1].spec
        return Comparison(task.label_form(spec.targets), spec.inputs or task.predicts, spec.views)
    return Comparison(_label_form(reference, losses, task), _predicts(reference, losses, task), _views(losses))


def _label_form(reference: Reference, losses: Sequence[tuple[Reference, Entry[LossSpec]]], task: Task) -> str:
    common = set.intersection(*(set(entry.spec.targets) for _, entry in losses))
    chosen = task.label_form(common)
    wanted = {one.name: task.label_form(entry.spec.targets) for one, entry in losses}
    if all(chosen in entry.spec.targets or task.label_form(entry.spec.targets) == chosen for _, entry in losses):
        return chosen
    forms = [f"`{name}` takes {_FORMS.get(form, 'no classes')}" for name, form in wanted.items()]
    message = (
        f"The losses in `{reference}` are given the same labels, and they want them in different forms: "
        f"{', '.join(forms)}. Take losses of one form; `kzoo info NAME` shows which labels a loss takes."
    )
    raise UsageError(message)


def _predicts(reference: Reference, losses: Sequence[tuple[Reference, Entry[LossSpec]]], task: Task) -> str:
    found = {one.name: entry.spec.inputs or task.predicts for one, entry in losses}
    # A loss of threshold logits is given those that class probabilities stand for, see `Task.fit_loss`.
    found = {name: task.predicts if inputs == "thresholds" else inputs for name, inputs in found.items()}
    kinds = set(found.values())
    if len(kinds) > 1 and kinds & set(_ITS_OWN_OUTPUTS):
        listed = ", ".join(f"`{name}` compares {inputs}" for name, inputs in found.items())
        message = (
            f"The losses in `{reference}` are given the same predictions, and one network cannot give what they want: "
            f"{listed}."
        )
        raise UsageError(message)
    if len(kinds) == 1:
        return kinds.pop()
    return "positive" if "positive" in kinds and task.predicts == "values" else task.predicts


def _views(losses: Sequence[tuple[Reference, Entry[LossSpec]]]) -> str:
    found = {one.name: entry.spec.views for one, entry in losses}
    kinds = set(found.values())
    if "of_samples" in kinds and len(kinds) > 1:
        alone = next(name for name, views in found.items() if views == "of_samples")
        other = next(name for name, views in found.items() if views != "of_samples")
        message = (
            f"The losses in a mixture are given the same labels: `{alone}` takes the number of each sample, and "
            f"`{other}` its class. Take losses of one kind of labels."
        )
        raise UsageError(message)
    return max(kinds)  # two views are as good for a loss that one would do for
