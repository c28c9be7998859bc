"""Frozen dataclasses of keywords of which nothing is compiled at import, as the specs of plugins are.

A dataclass compiles each method that it writes at import, and every listing waits for that: these share theirs.
"""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["Frozen", "frozen"]

_T = TypeVar("_T")


class _Signature:
    """What `inspect` and `help` show as the arguments of such a class: its fields."""

    def __get__(self, made: object, cls: Any) -> Any:
        from inspect import Parameter, Signature

        def default(item: Any) -> Any:
            if item.default_factory is not MISSING:
                return item.default_factory()
            return Parameter.empty if item.default is MISSING else item.default

        given = [Parameter(one.name, Parameter.KEYWORD_ONLY, default=default(one), annotation=one.type)
                 for one in fields(cls)]  # fmt: skip
        return Signature(given, return_annotation=None)


class Frozen:
    """The constructor of a frozen dataclass of keywords, and its equality and representation by the fields."""

    if TYPE_CHECKING:
        name: str
        __dataclass_fields__: ClassVar[dict[str, Any]]

    __signature__ = _Signature()
    field_names: ClassVar[frozenset[str]] = frozenset()
    field_defaults: ClassVar[dict[str, Any]] = {}
    field_factories: ClassVar[dict[str, Callable[[], Any]]] = {}

    def __init__(self, **given: Any) -> None:
        values = {**self.field_defaults, **given}
        for name, factory in self.field_factories.items():
            if name not in given:
                values[name] = factory()
        if values.keys() != self.field_names:
            _refuse(type(self), values)
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        message = f"cannot assign to field {name!r}"
        raise FrozenInstanceError(message)

    def __delattr__(self, name: str) -> None:
        message = f"cannot delete field {name!r}"
        raise FrozenInstanceError(message)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, item.name) == getattr(other, item.name) for item in fields(self))

    def __hash__(self) -> int:
        return hash((type(self), self.name))  # other fields are mappings

    def __repr__(self) -> str:
        values = ", ".join(f"{item.name}={getattr(self, item.name)!r}" for item in fields(self))
        return f"{type(self).__qualname__}({values})"


def _refuse(cls: type, values: Collection[str]) -> None:
    """Raise what a dataclass raises for a keyword that it does not have, or for one that is missing."""
    known = [item.name for item in fields(cls)]
    if unknown := [name for name in values if name not in known]:
        message = f"{cls.__name__}.__init__() got an unexpected keyword argument {unknown[0]!r}"
    else:
        missing = ", ".join(repr(name) for name in known if name not in values)
        message = f"{cls.__name__}.__init__() missing required keyword-only arguments: {missing}"
    raise TypeError(message)


@dataclass_transform(kw_only_default=True, frozen_default=True, eq_default=False, field_specifiers=(field,))
def frozen(cls: type[_T]) -> type[_T]:
    """Make a frozen dataclass of keywords of a class, without compiling anything."""
    made: Any = dataclass(init=False, eq=False, repr=False, kw_only=True)(cls)
    own = fields(made)
    made.field_names = frozenset(item.name for item in own)
    made.field_defaults = {item.name: item.default for item in own if item.default is not MISSING}
    made.field_factories = {item.name: item.default_factory for item in own if item.default_factory is not MISSING}
    return made  # type: ignore[no-any-return]
