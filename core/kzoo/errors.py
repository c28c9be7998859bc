"""Errors that kzoo shows to people: one clear paragraph each, and the exit code that goes with it."""

from __future__ import annotations

__all__ = [
    "REPORT_AT",
    "ComponentError",
    "DataError",
    "KzooError",
    "NetworkUnreachableError",
    "UsageError",
    "in_short",
    "words_of",
]

REPORT_AT = "https://github.com/kzoo-dev/kzoo/issues"
"""Where faults of kzoo itself are reported."""

_SHORT = 100  # characters of a cell or a line that make it found again


class KzooError(Exception):
    """Something a person can mend: the message says what, which, why, and what to do next."""

    exit_code = 1


class UsageError(KzooError):
    """The request itself is wrong: an unknown name, a keyword that does not exist, a value out of range."""

    exit_code = 2


class ComponentError(KzooError):
    """A component or a pipeline that fails when it is called, or returns what it must not; the message says whose."""


class DataError(KzooError):
    """Data that cannot be used: a wrong checksum, a corrupt archive, a folder without images."""


class NetworkUnreachableError(DataError):
    """No connection to the host could be made; the only failure after which ``--data auto`` may use the sample."""


def in_short(text: str) -> str:
    r"""Return text from a file as a message shows it: in one line, and the beginning alone where it is long.

    Example:
        >>> in_short("one\n  two"), in_short("x" * 10_000) == "x" * 100 + "..."
        ('one two', True)
    """
    line = " ".join(text[: 10 * _SHORT].split())
    return f"{line[:_SHORT]}..." if len(line) > _SHORT or len(text) > 10 * _SHORT else line


def words_of(error: BaseException) -> str:
    r"""Return what an exception says, in one line; an empty text where it says nothing.

    Those of a plugin may have a ``__str__`` of their own, which may raise whatever it likes: that is said instead.

    Example:
        >>> words_of(ValueError("one\n  two"))
        'one two'
    """
    try:
        return " ".join(str(error).split())
    except KeyboardInterrupt:
        raise
    except BaseException as inner:
        return f"(its text cannot be shown: its __str__ raises {type(inner).__name__})"
