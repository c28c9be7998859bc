"""Components inside a component: the schedule of an optimizer, the losses of a mixture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from kzoo.plugins.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kzoo.plugin import ComponentSpec, LossSpec
    from kzoo.plugins.registry import Entry, Registry

__all__ = ["all_specs", "inner_references", "is_reference", "losses_of", "with_inner"]


def is_reference(value: Any) -> TypeGuard[str | Mapping[str, Any] | Reference]:
    """Return whether an argument that may be a component names one: text or a table, and no number or live object."""
    return isinstance(value, (str, dict, Reference))


def inner_references(kind: str, reference: Reference, registry: Registry) -> Iterator[tuple[str, Reference]]:
    """Yield the kind and the reference of each component that stands in the arguments of this one, not deeper.

    Raises:
        UsageError: There is no component of this name, or what stands inside is malformed.
    """
    for argument, inner in registry.component(kind, reference.name).spec.resolves.items():
        value = reference.kwargs.get(argument)
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if is_reference(item):
                yield inner, Reference.read(item)


def with_inner(kind: str, reference: Reference, registry: Registry) -> Iterator[tuple[str, Reference]]:
    """Yield the kind and the reference of a component and of all that stand inside it, the outer ones first."""
    yield kind, reference
    for inner_kind, inner in inner_references(kind, reference, registry):
        yield from with_inner(inner_kind, inner, registry)


def all_specs(kind: str, reference: Reference, registry: Registry) -> list[ComponentSpec]:
    """Return the specs of a component and of all that stand inside it."""
    return [registry.component(one, inner.name).spec for one, inner in with_inner(kind, reference, registry)]


def losses_of(reference: Reference, registry: Registry) -> list[tuple[Reference, Entry[LossSpec]]]:
    """Return the losses that compare labels with predictions: those inside a loss of losses, or the loss itself."""
    inner = [one for kind, one in inner_references("loss", reference, registry) if kind == "loss"]
    if not inner:
        return [(reference, registry.loss(reference.name))]
    return [found for one in inner for found in losses_of(one, registry)]
