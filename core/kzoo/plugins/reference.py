"""The text form of a component with its arguments: ``focal:gamma=2,alpha=0.25`` and back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.arguments import described
from kzoo.errors import UsageError
from kzoo.plugins.notation import (
    SUM,
    canonical_distribution,
    format_arguments,
    format_sum,
    parse_reference,
    parse_setting,
    parse_value,
    table_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Reference", "canonical_distribution", "parse_setting", "parse_value"]


@dataclass(frozen=True)
class Reference:
    """A component by name, with the keyword arguments it is to be built with.

    The text form is ``name[:key=value,...]``, or ``distribution:name[:key=value,...]``; values are JSON, or as Python
    writes them (``.5``, ``True``, ``None``), and any other bare word stands for a string. An argument that is itself a
    component has its own arguments in brackets, ``adam:learning_rate=one_cycle(max_learning_rate=0.01)``, and lists
    need no quotes, ``mixture:losses=[soft_dice,focal(gamma=2)]``. A sum of losses is written as one, ``0.5*soft_dice +
    focal(gamma=2)``; `kzoo.plugins.notation` has the grammar.
    ``str(reference)`` is that text again, so it serves as a label in tables and run names.

    Attributes:
        name: The component's name with ``_`` for ``-``, after ``distribution:`` when it is qualified.
        kwargs: The keyword arguments, in the order given; a component inside them is a table as in `to_mapping`, or the
            text of one.

    Example:
        >>> Reference.parse("focal:gamma=2,alpha=0.25")
        Reference(name='focal', kwargs={'gamma': 2, 'alpha': 0.25})
        >>> str(Reference.parse("kzoo-example-loss:example:mode=soft"))
        'kzoo-example-loss:example:mode=soft'
        >>> Reference.parse("mixture:losses=[soft_dice, focal(gamma=2)]").kwargs
        {'losses': ['soft_dice', {'name': 'focal', 'gamma': 2}]}
    """

    name: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read the text form; raise `UsageError` saying what was expected where it is malformed."""
        if not isinstance(text, str):
            message = (
                f"A component is named by text such as focal:gamma=2, not given as {described(text)}: a run and its "
                "model must find it again by its name."
            )
            raise UsageError(message)
        return cls(*parse_reference(text))

    @classmethod
    def from_mapping(cls, table: Mapping[str, Any]) -> Reference:
        """Read the table form ``{"name": "focal", "gamma": 2}`` as it stands in a configuration file."""
        arguments = dict(table)
        name = arguments.pop("name", None)
        if not isinstance(name, str):
            message = f"A component table needs a `name`, which must be text: {dict(table)!r}."
            raise UsageError(message)
        parsed = cls.parse(name)
        return cls(parsed.name, {**parsed.kwargs, **arguments})

    @classmethod
    def read(cls, value: Any) -> Reference:
        """Read either form, or hand a `Reference` back as it is; raise `UsageError` for anything else."""
        if isinstance(value, Reference):
            return value
        return cls.from_mapping(value) if isinstance(value, dict) else cls.parse(value)

    def to_mapping(self) -> dict[str, Any]:
        """Return the table form, which `from_mapping` reads back."""
        return table_of(self.name, self.kwargs)

    @property
    def slug(self) -> str:
        """The text form with ``_`` for all that a name in logs, columns and graphs cannot hold.

        Example:
            >>> Reference.parse("ece:n_bins=10").slug
            'ece_n_bins_10'
        """
        return re.sub(r"[^A-Za-z0-9_.]+", "_", str(self)).strip("_")

    def __str__(self) -> str:
        if self.name == SUM and (written := format_sum(self.kwargs)) is not None:
            return written
        arguments = format_arguments(self.kwargs)
        return f"{self.name}:{arguments}" if arguments else self.name
