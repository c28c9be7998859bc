"""The flags that a pipeline adds to a command: ``kzoo run yolov3 --fix clip`` for ``-o data.fix=clip``."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

__all__ = ["options_of", "parted"]


def parted(arguments: Sequence[str], switches: Container[str] = ()) -> tuple[list[str], list[tuple[str, str | None]]]:
    """Return the words among the arguments, and the flags with their values: ``--key value`` or ``--key=value``.

    Args:
        arguments: All that the command line did not know.
        switches: Flags that take no following word as their value, with their dashes.

    Returns:
        The words, and pairs of flag and value, in their order; None is the value of a flag that has none.
    """
    words: list[str] = []
    flags: list[tuple[str, str | None]] = []
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-") or argument == "-":
            words.append(argument)
            continue
        name, equals, value = argument.partition("=")
        if equals:
            flags.append((name, value))
        else:
            flags.append((name, None if name in switches else next(rest, None)))
    return words, flags


def options_of(
    flags: Iterable[tuple[str, str | None]], known: Mapping[str, str], *, pipeline: str, own: Iterable[str]
) -> list[str]:
    """Return flags as settings, ``data.fix=clip``.

    Args:
        flags: The flags with their values, ``("--fix", "clip")``.
        known: The pipeline's flags without dashes, with the setting of each.
        pipeline: Its name.
        own: The command's own options, for the error message.

    Raises:
        UsageError: The pipeline has no such flag, or it has no value.
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
        if value is None:
            message = f"{flag} needs a value: {flag} VALUE."
            raise UsageError(message)
        found.append(f"{setting}={value}")
    return found
