"""The flags that a pipeline adds to ``kzoo run``: ``--fix clip`` for ``-o data.fix=clip``."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["options_of", "parted"]


def parted(arguments: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the words among the arguments, and the flags with their values: ``--key value`` or ``--key=value``.

    Raises:
        UsageError: A flag has no value.
    """
    words: list[str] = []
    flags: list[tuple[str, str]] = []
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-") or argument == "-":
            words.append(argument)
            continue
        name, equals, value = argument.partition("=")
        if not equals:
            following = next(rest, None)
            if following is None:
                message = f"There is no option `{name}`, or it needs a value: {name} VALUE."
                raise UsageError(message)
            value = following
        flags.append((name, value))
    return words, flags


def options_of(
    flags: Iterable[tuple[str, str]], known: Mapping[str, str], *, pipeline: str, own: Iterable[str]
) -> list[str]:
    """Return flags as settings, ``data.fix=clip``.

    Args:
        flags: The flags with their values, ``("--fix", "clip")``.
        known: The pipeline's flags without dashes, with the setting of each.
        pipeline: Its name.
        own: The command's own options, for the error message.

    Raises:
        UsageError: The pipeline has no such flag.
    """
    found = []
    for flag, value in flags:
        setting = known.get(flag.removeprefix("--").replace("_", "-")) if flag.startswith("--") else None
        if setting is None:
            names = [f"--{name}" for name in known]
            near = difflib.get_close_matches(flag, [*own, *names], n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            listed = f"`{pipeline}` adds {', '.join(names)}" if names else f"`{pipeline}` adds none of its own"
            message = f"There is no option `{flag}`.{hint} {listed}; `kzoo run --help` shows the others."
            raise UsageError(message)
        found.append(f"{setting}={value}")
    return found
