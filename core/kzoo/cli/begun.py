"""What was begun in a reference that is still being typed: a component inside another one, or an argument."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.plugins.registry import Registry

__all__ = ["Begun", "begun_argument", "begun_inside"]

_HEAD = re.compile(r"((?:[^:=(]+:)?[^:=(]+)[:(]")


@dataclass(frozen=True)
class Begun:
    """The end of an unfinished reference.

    Attributes:
        before: All that stands before the word.
        kind: The kind of component that stands there, or whose argument does.
        word: What of its name, or of its argument's, is there; perhaps nothing.
        name: The component whose argument is begun.
        given: The arguments that it has already.
    """

    before: str
    kind: str
    word: str
    name: str = ""
    given: tuple[str, ...] = ()


@dataclass
class _Open:
    """A component whose arguments are being typed, the last of which is `argument`."""

    kind: str
    name: str
    argument: str = ""
    in_list: bool = False
    given: tuple[str, ...] = ()

    def inner_kind(self, registry: Registry) -> str:
        """Return the kind of the argument, empty where it is no component."""
        if not self.kind:
            return ""
        return registry.component(self.kind, self.name).spec.resolves.get(self.argument, "")


def begun_inside(registry: Registry, kinds: Sequence[str], text: str) -> Begun | None:
    """Return what was begun where a component can stand as an argument, or None at any other place.

    ``mixture:losses=[soft_dice,foc`` ends in a loss whose name begins with ``foc``.

    Raises:
        UsageError: What stands before names a component that there is not.
    """
    found = _read(registry, kinds, text)
    if found is None:
        return None
    last, word = found
    kind = last.inner_kind(registry) if last.argument else ""
    return Begun(text[: len(text) - len(word)], kind, word) if kind else None


def begun_argument(registry: Registry, kinds: Sequence[str], text: str) -> Begun | None:
    """Return the name of an argument that was begun, or None at any other place.

    ``mixture:losses=[focal(ga`` ends in an argument of ``focal`` that begins with ``ga``.

    Raises:
        UsageError: What stands before names a component that there is not.
    """
    found = _read(registry, kinds, text)
    if found is None:
        return None
    last, word = found
    if last.argument or last.in_list or not last.kind:
        return None
    return Begun(text[: len(text) - len(word)], last.kind, word, last.name, last.given)


def _read(registry: Registry, kinds: Sequence[str], text: str) -> tuple[_Open, str] | None:
    """Return the innermost component whose arguments are being typed, and the word at the end."""
    head = _HEAD.match(text)
    if head is None:
        return None
    stack = [_Open(_kind_of(registry, kinds, head[1]), head[1])]
    word = ""
    for sign in text[head.end() :]:
        top = stack[-1]
        if sign == "(":
            stack.append(_Open(top.inner_kind(registry), word))
        elif sign == ")" and len(stack) > 1:
            stack.pop()
        elif sign == "=":
            top.argument = word
            top.given += (word,)
        elif sign in "[]":
            top.in_list = sign == "["
        elif sign == "," and not top.in_list:
            top.argument = ""
        word = "" if sign in "()=[], " else word + sign
    return stack[-1], word


def _kind_of(registry: Registry, kinds: Sequence[str], name: str) -> str:
    """Return the first kind that has a component of this name."""
    for kind in kinds[:-1]:
        try:
            registry.component(kind, name)
        except UsageError:
            continue
        return kind
    return kinds[-1]
