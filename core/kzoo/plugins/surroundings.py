"""What belongs to the whole process and a plugin's import may change: noted before, and put back after."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Surroundings"]

_NO_LOGS: tuple[int, int, list[Any]] = (30, 0, [])
"""What `logging` is like where nobody has imported it, or nobody has done more: 30 is its WARNING."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Surroundings(NamedTuple):  # which is compared in one step
    """The process as it was at one moment.

    Plugins are imported for every list, whether one of their components is used or not. What such an import does to the
    working folder, to the variables that TensorFlow reads or to Ctrl-C would hold for everybody's runs.
    """

    folder: str | None
    variables: dict[Any, Any]
    path: list[str]
    arguments: list[str]
    streams: tuple[Any, Any, Any]
    filters: list[Any]
    logging: Any
    logs: tuple[int, int, list[Any]]
    handlers: tuple[Any, ...]

    @classmethod
    def now(cls, logging: Any = None) -> Surroundings:
        """Return what the process is like now; ``logging`` is that module where it was there before."""
        logging = logging or sys.modules.get("logging")  # to import it takes as long as a dozen plugins do
        return cls(
            _folder(),
            _variables(),
            list(sys.path),
            list(sys.argv),
            (sys.stdin, sys.stdout, sys.stderr),
            list(warnings.filters),
            logging,
            _logs(logging),
            tuple(map(signal.getsignal, _SIGNALS)),
        )

    def put_back(self) -> tuple[Surroundings, list[str]]:
        """Make the process again what it was; return what it is like then, and what was changed, in words."""
        now = Surroundings.now(self.logging)
        if now == self:  # as after nearly every import; the next one need not look again
            return self, []
        changed = list(self._restored(now.logging))
        return Surroundings.now(now.logging), changed

    def _restored(self, logging: Any) -> Iterator[str]:
        yield from self._restored_system()
        yield from self._restored_messages(logging)
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
        before, now = _as_text(self.variables), dict(os.environ)
        names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
        if names:
            for name in names:
                if name in before:
                    os.environ[name] = before[name]
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

    def _restored_messages(self, logging: Any) -> Iterator[str]:
        """Put back what decides which warnings and which lines of all logs are shown."""
        # A library that hides one warning of its own is no matter; one filter for all of them is everybody's.
        broad = [one for one in warnings.filters if one not in self.filters and _is_broad(one)]
        if broad or any(one not in warnings.filters for one in self.filters):
            kept = [one for one in warnings.filters if one not in self.filters and not _is_broad(one)]
            warnings.filters[:] = [*kept, *self.filters]  # type: ignore[index]
            yield "the filters of all warnings"
        if _logs(logging) != self.logs:
            level, disabled, handlers = self.logs
            logging.root.setLevel(level)
            logging.disable(disabled)
            logging.root.handlers[:] = handlers
            yield "the logging of everybody"


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - a path's text is all that is compared
    except OSError:  # it was deleted
        return None


def _logs(logging: Any) -> tuple[int, int, list[Any]]:
    """Return the level of all logs, the level up to which they are off, and where they go."""
    try:
        return logging.root.level, logging.root.manager.disable, list(logging.root.handlers)
    except AttributeError:  # nobody has imported it, or what goes by its name is something else
        return _NO_LOGS


def _variables() -> dict[Any, Any]:
    """Return a copy of the environment as it is held, which is in bytes where the system has it so."""
    held = getattr(os.environ, "_data", None)  # through `os.environ` each name and value is decoded, for each plugin
    return dict(held) if type(held) is dict else dict(os.environ)


def _as_text(variables: dict[Any, Any]) -> dict[str, str]:
    """Return what `_variables` returned as `os.environ` shows it."""
    return {os.fsdecode(name): os.fsdecode(value) for name, value in variables.items()}


def _is_broad(one: Any) -> bool:
    """Return whether a filter of `warnings` is for every message of every module."""
    _, message, category, module, line = one
    return message is None and module is None and category is Warning and not line
