"""The hooks that a plugin implements, each checked: there is one of that name, and it takes no argument."""

from __future__ import annotations

import re
from functools import cache, partial
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from kzoo.errors import KzooError
from kzoo.plugin import hookimpl
from kzoo.plugins import hookspecs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["hooks_of"]

_MARK = f"{hookimpl.project_name}_impl"
"""The attribute in which `hookimpl` leaves what it was given."""

_UNCHANGED = getattr(hookimpl(lambda: ()), _MARK)
"""What it leaves where it was given nothing."""

_NO_HOOKS = frozenset({type, ModuleType, type(hookimpl), type(annotations), type(None), str, int, tuple, list, dict})
"""Of what a plugin's module is full of besides its hooks, and what no hook can be."""


def hooks_of(module: Any, whose: str, written: str) -> dict[str, Callable[[], list[Any]]]:
    """Return what to call for each hook that a plugin implements; it returns the answer of each implementation.

    Args:
        module: What its entry point led to: a module, or an object with hooks for methods.
        whose: The entry point, as in ``distribution:name``.
        written: What the entry point says, for messages.

    Raises:
        KzooError: It implements none, or one that there is not, or one with arguments.
    """
    found = _functions(module)
    if found is None:
        found = _judged(module, whose)
    if not found:
        message = f"`{written}` implements no hook; mark its functions with `kzoo.plugin.hookimpl`"
        raise KzooError(message)
    return found


def _functions(module: Any) -> dict[str, Callable[[], list[Any]]] | None:
    """Return the hooks of a module whose hooks are nothing but functions without arguments, as nearly all are.

    pluggy's look at a plugin takes longer than all else that is done with it here; there is nothing in such a one that
    it would refuse. None for any other, which is for pluggy to judge.
    """
    if type(module) is not ModuleType or "__dir__" in module.__dict__:
        return None
    found: dict[str, Callable[[], list[Any]]] = {}
    for name, value in [*module.__dict__.items()]:  # what is looked at may import
        kind = type(value)
        if kind in _NO_HOOKS or name.startswith("__"):
            continue
        if kind is not FunctionType or (value.__dict__ and _MARK not in value.__dict__):
            if _manager().parse_hookimpl_opts(module, name) is not None:
                return None
        elif value.__dict__:
            plain = value.__dict__ == {_MARK: _UNCHANGED} and not value.__code__.co_argcount
            if not plain or name not in hookspecs.HOOKS:
                return None
            found[name] = partial(_answer_of, value)
    return found


def _answer_of(function: Callable[[], Any]) -> list[Any]:
    return [function()]


def _judged(module: Any, whose: str) -> dict[str, Callable[[], list[Any]]]:
    """Return the hooks of a plugin that pluggy has checked, by a manager that knows no other plugin.

    One manager for all loses everybody's results when one of them raises, and is left half filled by a bad hook.
    """
    manager = _Manager("kzoo")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, whose)
    except pluggy.PluginValidationError as error:
        raise KzooError(_plain(error)) from error
    callers = manager.get_hookcallers(module) or []
    for caller in callers:
        optional = all(implementation.optionalhook for implementation in caller.get_hookimpls())
        if not caller.has_spec() and not optional:
            message = f"there is no hook `{caller.name}`{_suggestion(caller.name)}"
            raise KzooError(message)
    return {caller.name: partial(_answers_of, caller) for caller in callers}


def _answers_of(caller: Any) -> list[Any]:
    answers: list[Any] = caller()
    # pluggy leaves out None, which here is a forgotten `return`.
    return answers if len(answers) >= len(caller.get_hookimpls()) else [None]


class _Manager(pluggy.PluginManager):
    """Looks at the names that can be hooks; pluggy's look at every other name takes longer than a plugin's import."""

    def parse_hookspec_opts(self, module_or_class: Any, name: str) -> Any:
        """Return what the marker of a hook's specification holds, or None."""
        return super().parse_hookspec_opts(module_or_class, name) if name in hookspecs.HOOKS else None

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        """Return what the marker of an implementation holds, which may have any name of its own, or None."""
        return None if name.startswith("__") else super().parse_hookimpl_opts(plugin, name)


@cache
def _manager() -> _Manager:
    """Return a manager that only reads marks; it never holds a plugin."""
    return _Manager("kzoo")


def _plain(error: pluggy.PluginValidationError) -> str:
    """Return what pluggy found, without the module's path that it repeats."""
    text = " ".join(str(error).split())
    extra = re.search(r"for hook '(\w+)'.*Argument\(s\) \{(.*?)\}", text)
    if extra:
        return f"hook `{extra[1]}` takes no argument, but its implementation has {extra[2]}"
    return re.sub(r"^Plugin '[^']*' for hook", "hook", text)


def _suggestion(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, hookspecs.HOOKS, n=1)
    return f"; did you mean `{near[0]}`?" if near else f"; the hooks are {', '.join(hookspecs.HOOKS)}"
