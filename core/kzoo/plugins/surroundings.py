"""What belongs to the whole process and a plugin's import may change: noted before, and put back after."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Surroundings"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Surroundings:
    """The process as it was at one moment.

    Plugins are imported for every list, whether one of their components is used or not. What such an import does to the
    working folder, to the variables that TensorFlow reads or to Ctrl-C would hold for everybody's runs.
    """

    folder: str | None
    variables: dict[str, str]
    path: list[str]
    arguments: list[str]
    streams: tuple[Any, Any, Any]
    filters: list[Any]
    logs: tuple[int, int, list[Any]]
    handlers: tuple[Any, ...]

    @classmethod
    def now(cls) -> Surroundings:
        """Return what the process is like now."""
        root = logging.getLogger()
        return cls(
            _folder(),
            dict(os.environ),
            list(sys.path),
            list(sys.argv),
            (sys.stdin, sys.stdout, sys.stderr),
            list(warnings.filters),
            (root.level, logging.root.manager.disable, list(root.handlers)),
            tuple(map(signal.getsignal, _SIGNALS)),
        )

    def put_back(self) -> list[str]:
        """Make the process again what it was; return what was changed, in words."""
        return list(self._restored())

    def _restored(self) -> Iterator[str]:
        yield from self._restored_system()
        yield from self._restored_messages()
        if tuple(map(signal.getsignal, _SIGNALS)) != self.handlers:
            if threading.current_thread() is threading.main_thread():
                for number, handler in zip(_SIGNALS, self.handlers, strict=True):
                    if handler is not None:  # which is not Python's to set
                        signal.signal(number, handler)
            yield "what Ctrl-C and SIGTERM do"

    def _restored_system(self) -> Iterator[str]:
        """Put back where the process is, what it was called with and where it writes."""
        if self.folder is not None and _folder() != self.folder:
            os.chdir(self.folder)
            yield "the working folder"
        names = sorted(k for k in {*self.variables, *os.environ} if self.variables.get(k) != os.environ.get(k))
        if names:
            for name in names:
                if name in self.variables:
                    os.environ[name] = self.variables[name]
                else:
                    del os.environ[name]
            yield f"the environment ({', '.join(names)})"
        if sys.path != self.path:
            sys.path[:] = self.path
            yield "sys.path"
        if sys.argv != self.arguments:
            sys.argv[:] = self.arguments
            yield "sys.argv"
        if (sys.stdin, sys.stdout, sys.stderr) != self.streams:
            sys.stdin, sys.stdout, sys.stderr = self.streams
            yield "the standard streams"

    def _restored_messages(self) -> Iterator[str]:
        """Put back what decides which warnings and which lines of all logs are shown."""
        # A library that hides one warning of its own is no matter; one filter for all of them is everybody's.
        broad = [one for one in warnings.filters if one not in self.filters and _is_broad(one)]
        if broad or any(one not in warnings.filters for one in self.filters):
            kept = [one for one in warnings.filters if one not in self.filters and not _is_broad(one)]
            warnings.filters[:] = [*kept, *self.filters]  # type: ignore[index]
            yield "the filters of all warnings"
        root = logging.getLogger()
        level, disabled, handlers = self.logs
        if (root.level, logging.root.manager.disable, list(root.handlers)) != self.logs:
            root.setLevel(level)
            logging.disable(disabled)
            root.handlers[:] = handlers
            yield "the logging of everybody"


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - a path's text is all that is compared
    except OSError:  # it was deleted
        return None


def _is_broad(one: Any) -> bool:
    """Return whether a filter of `warnings` is for every message of every module."""
    _, message, category, module, line = one
    return message is None and module is None and category is Warning and not line
