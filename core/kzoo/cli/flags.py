"""The flags that a pipeline adds to a command: ``kzoo run yolov3 --fix clip`` for ``-o data.fix=clip``."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

__all__ = ["off_switch", "options_of", "own_flags", "parted", "settings_of"]


def parted(arguments: Sequence[str], switches: Container[str] = ()) -> tuple[list[str], list[tuple[str, str | None]]]:
    """Return the words among the arguments, and the flags with their values: ``--key value`` or ``--key=value``.

    Args:
        arguments: All that the command line did not know.
        switches: Flags that take no following word as their value, with their dashes.

    Returns:
        The words, and pairs of flag and value, in their order; None is the value of a flag that has none.

    Raises:
        UsageError: ``true`` or ``false`` follows one of the switches, as if it were its value.
    """
    words: list[str] = []
    flags: list[tuple[str, str | None]] = []
    rest = iter(arguments)
    before = ""
    for argument in rest:
        if before in switches and argument.lower() in ("true", "false"):
            raise UsageError(_no_word(before, argument))
        before = argument
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
) -> list[tuple[str, str]]:
    """Return flags with the settings that they mean, ``("--fix", "data.fix=clip")``.

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
        found.append((flag, f"{setting}={value}"))
    return found


def own_flags(
    flags: Sequence[tuple[str, str | None]], pipeline: str | None, *, command: str, own: Iterable[str]
) -> list[tuple[str, str]]:
    """Return the flags that a pipeline adds to a command that trains, each with the setting that it gives.

    Args:
        flags: The flags with their values, as `parted` returns them.
        pipeline: The pipeline; None where the command line names none.
        command: The command, for the error message.
        own: The command's own options, likewise.

    Raises:
        UsageError: No pipeline is named, it has no such flag, or the flag has no value.
    """
    from kzoo.plugins.registry import get_registry

    if not flags:
        return []
    if pipeline is None:
        message = f"{flags[0][0]} may be a flag of a pipeline: name that first, as in kzoo {command} regression."
        raise UsageError(message)
    return options_of(flags, get_registry().pipeline(pipeline).spec.flags, pipeline=pipeline, own=own)


def settings_of(
    arguments: Sequence[str], table: type, *, whose: str, own: Iterable[str]
) -> tuple[list[str], dict[str, Any]]:
    """Return the words among the arguments, and the settings that ``--key value``, ``--key=value`` and others give.

    Args:
        arguments: All that the command line did not know.
        table: The settings that there are, a class made by `kzoo.settings.settings`. Where a default is False or True,
            ``--key`` alone sets True and ``--no-key`` False.
        whose: Whose settings these are, for the error message.
        own: The command's own options, for the error message.

    Raises:
        UsageError: There is no such setting, or it has no value, or one that it cannot take.
    """
    from kzoo.plugins.reference import parse_value
    from kzoo.settings import defaults_of

    known = defaults_of(table)
    switches = {f"--{name}" for key, value in known.items() if isinstance(value, bool) for name in _spellings(key)}
    offs = {key: flag for key in known if (flag := off_switch(key, known))}
    off = {f"--{name}": key for key in offs for name in _spellings(f"no_{key}")}
    words, flags = parted(arguments, switches | off.keys())
    given: dict[str, Any] = {}
    for flag, value in flags:
        if flag in off:
            if value is not None:
                on = f"--{_spellings(off[flag])[-1]}"
                message = f"{flag} takes no value, not `{value}`: write {flag} for false, {on} for true."
                raise UsageError(message)
            given[off[flag]] = False
            continue
        key = flag.removeprefix("--").replace("-", "_")
        if not flag.startswith("--") or key not in known:
            names = [f"--{_spellings(name)[-1]}" for name in known]
            near = difflib.get_close_matches(flag, [*own, *names, *offs.values()], n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            message = f"There is no option `{flag}`.{hint} Settings of {whose}: {', '.join(names) or 'none'}."
            raise UsageError(message)
        if value is None and flag not in switches:
            message = f"{flag} needs a value."
            raise UsageError(message)
        given[key] = True if value is None else parse_value(value)
    return words, given


def off_switch(key: str, known: Mapping[str, Any]) -> str:
    """Return the flag that turns a setting off, ``--no-key``; an empty text where the setting is not true or false.

    Args:
        key: The setting.
        known: All settings beside it with their defaults; one that has the flag's very name keeps it.
    """
    if not isinstance(known[key], bool) or f"no_{key}" in known:
        return ""
    return f"--{_spellings(f'no_{key}')[-1]}"


def _no_word(switch: str, word: str) -> str:
    """Return what to say of ``--key false``, which would make a source of the word."""
    name = switch.removeprefix("--").replace("_", "-")
    if name.startswith("no-"):
        instead = f"`--{name}` alone"
    else:
        instead = f"`--no-{name}` or `--{name}=false`" if word.lower() == "false" else f"`--{name}` alone"
    return (
        f"`{switch} {word}`: {switch} takes no word after it as its value; write {instead}. A file of the name "
        f"`{word}` is `./{word}`."
    )


def _spellings(key: str) -> tuple[str, str]:
    return key, key.replace("_", "-")
