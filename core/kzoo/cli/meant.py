"""Words that people type for a command that has another name: done where there is no doubt, else the name is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.arguments import command_line
from kzoo.plugins.own_commands import OWN_COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["as_meant", "instead"]

_LISTS = {name.removeprefix("list-"): name for name in OWN_COMMANDS if name.startswith("list-")}

_NAMES = {
    "train": "run",
    "fit": "run",
    "test": "evaluate",
    "eval": "evaluate",
    "infer": "predict",
    "download": "fetch",
    "show": "info",
    "describe": "info",
    **_LISTS,
}
"""Other words for a command."""


def as_meant(words: Sequence[str]) -> list[str] | None:
    """Return the command line that is meant by one of ``version``, ``help`` and ``list``; None where that is open.

    Args:
        words: The command and its arguments, without the options that every command takes.

    Example:
        >>> as_meant(["help", "run"]), as_meant(["list", "losses", "--json"]), as_meant(["train", "mnist"])
        (['run', '--help'], ['list-losses', '--json'], None)
    """
    first, *rest = words
    if first == "version" and not rest:
        return ["--version"]
    if first == "help":
        return [*rest[:1], "--help"]
    if first == "list" and rest and rest[0] in _LISTS:
        return [_LISTS[rest[0]], *rest[1:]]
    return None


def instead(words: Sequence[str]) -> str:
    """Return what to type in place of a command that there is not, as a sentence; an empty text where nobody knows.

    Args:
        words: The command and its arguments.
    """
    first, *rest = words
    if first == "list":
        listed = ", ".join(f"`kzoo {name}`" for name in OWN_COMMANDS if name.startswith("list-"))
        return f"`kzoo list` does not say of what. There are {listed}, and `kzoo runs` for what was trained here."
    if first == "resume":
        return f"A run is resumed by `{command_line('kzoo', 'run', '--resume', *(rest or ['last']))}`."
    if first not in _NAMES:
        return ""
    return f"There is no command `{first}`. What it is called here: `{command_line('kzoo', _NAMES[first], *rest)}`."
