"""From a spec's ``"module:attribute"`` to the object that it names, or to an error that says whose it is."""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError

if TYPE_CHECKING:
    from kzoo.plugins.registry import Entry

__all__ = ["load_target"]


def load_target(entry: Entry, *, variant: str | None = None) -> Any:
    """Import and return the class or factory that an entry publishes.

    What its module writes to stdout goes to stderr: stdout is for results.

    Args:
        entry: The entry.
        variant: Another ``"module:attribute"`` of the same spec to take instead of its ``target``.

    Raises:
        KzooError: It cannot be imported, does not exist or cannot be called; names the distribution and its version.
    """
    target = variant or entry.spec.target
    module_name, _, path = target.partition(":")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            found = importlib.import_module(module_name)
            for attribute in path.split("."):
                found = getattr(found, attribute)
    except (Exception, SystemExit) as error:
        raise KzooError(_failure(entry, target, _reason(error))) from error
    if not callable(found):
        raise KzooError(_failure(entry, target, f"it is {found!r}, not a class or function"))
    return found


def _failure(entry: Entry, target: str, reason: str) -> str:
    mend = (
        "Reinstall kzoo, or report it to its authors"
        if entry.first_party
        else f"Install what is missing, upgrade {entry.distribution}, or report it to its authors"
    )
    return (
        f"The {entry.kind} `{entry.name}` of {entry.origin} could not be loaded: its target `{target}` failed: "
        f"{reason}. {mend}."
    )


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, (ImportError, AttributeError)) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
