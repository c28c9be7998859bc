"""A table of settings as a dataclass: each field has a type, a range, a default and a sentence.

Example:
    >>> from typing import Annotated
    >>> @settings
    ... class Shift:
    ...     reach: Annotated[int, setting("The longest way, in pixels.", ge=0)] = 2
    >>> Shift().reach
    2
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NoSettings", "Setting", "defaults_of", "setting", "settings"]

_T = TypeVar("_T")

Setting = msgspec.Meta
"""What stands beside a field's type; `setting` makes one."""


def setting(
    doc: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> msgspec.Meta:
    """Return the doc and the range of a field, which stand beside its type; see the example above.

    Args:
        doc: One sentence for ``kzoo info`` and ``--help``.
        ge: The least value that is allowed.
        gt: A value that all allowed ones are above.
        le: The greatest value that is allowed.
        lt: A value that all allowed ones are below.
    """
    bounds: dict[str, Any] = {"ge": ge, "gt": gt, "le": le, "lt": lt}
    return msgspec.Meta(description=doc, **bounds)


@dataclass_transform(kw_only_default=True, frozen_default=True)
def settings(cls: type[_T]) -> type[_T]:
    """Make a class a table of settings: a frozen, keyword-only dataclass whose fields all have defaults.

    What one field alone does not decide is checked in ``__post_init__``, which raises `kzoo.errors.UsageError`.
    """
    return dataclass(frozen=True, kw_only=True)(cls)


@settings
class NoSettings:
    """A table in which nothing can be set."""


def defaults_of(table: type) -> Mapping[str, Any]:
    """Return the defaults of all settings of a table by name."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(table):
        factory = field.default_factory
        found[field.name] = field.default if factory is dataclasses.MISSING else factory()
    return found
