"""Callbacks that a program gives to `kzoo.run`: what is none is refused, and what one raises is named as its own."""

from __future__ import annotations

import contextlib
import inspect
import itertools
from typing import TYPE_CHECKING, Any

from kzoo.arguments import described
from kzoo.errors import ComponentError, UsageError
from kzoo.plugins.foreign_code import is_nobodys_fault, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["check_callbacks", "naming_callbacks", "without_state"]


def check_callbacks(callbacks: Iterable[Any]) -> None:
    """Refuse what is no Keras callback, and the one that would put another state into the model than kzoo's own.

    Raises:
        UsageError: One of them cannot be used.
    """
    import keras

    for one in callbacks:
        if isinstance(one, keras.callbacks.BackupAndRestore):
            message = (
                "A run keeps its state itself, and goes on with `kzoo.run(resume=...)`: leave out the callback "
                "BackupAndRestore, which would put other weights into the model."
            )
            raise UsageError(message)
        if not isinstance(one, keras.callbacks.Callback):
            made = f"the class {one.__name__}; make one of it: {one.__name__}()" if inspect.isclass(one) else ""
            message = f"`callbacks` must be a list of Keras callbacks, and it holds {made or described(one)}."
            raise UsageError(message)


def without_state(callbacks: Iterable[Any]) -> str:
    """Return which callbacks begin anew in a run that goes on, as a warning; an empty text for none."""
    names = [type(one).__name__ for one in callbacks if not (hasattr(one, "state") and hasattr(one, "restore"))]
    if not names:
        return ""
    return (
        f"What these callbacks had gathered before the run was stopped is not known to them now: {', '.join(names)}. "
        "One that has the methods `state()` and `restore(state)` goes on where it was."
    )


@contextlib.contextmanager
def naming_callbacks(callbacks: Sequence[Any]) -> Iterator[None]:
    """Do what calls callbacks: what one of them raises becomes a `ComponentError` that says which, when and where.

    Raises:
        ComponentError: One of the callbacks failed.
    """
    try:
        yield
    except BaseException as error:
        found = None if is_nobodys_fault(error) else _culprit(error, callbacks)
        if found is None:
            raise
        one, when, place = found
        message = (
            f"The callback `{type(one).__name__}`{_home(one)} failed in `{when}`: {reason_of(error)} ({place}). Mend "
            "it, or leave it out of `callbacks`."
        )
        raise ComponentError(message) from error


def _culprit(error: BaseException, callbacks: Sequence[Any]) -> tuple[Any, str, str] | None:
    """Return the callback that was called, its method, and the file and line where its code or what it called failed.

    Keras calls them from a loop whose variable is `callback`, as kzoo does where it asks for their state.
    """
    frames = []
    trace = error.__traceback__
    while trace:
        frames.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    for (outer, _), (inner, number) in itertools.pairwise(frames):
        called = outer.f_locals.get("callback")
        if not any(one is called for one in callbacks):
            continue
        own = inner.f_code.co_filename
        line = next((at for frame, at in reversed(frames) if frame.f_code.co_filename == own), number)
        return called, inner.f_code.co_name, f"{own}, line {line}"
    return None


def _home(callback: Any) -> str:
    """Return the distribution and version that a callback's class is of, for the middle of a sentence."""
    import importlib.metadata

    package = type(callback).__module__.partition(".")[0]
    names = importlib.metadata.packages_distributions().get(package, ())
    return f" of {names[0]} {importlib.metadata.version(names[0])}" if names else ""
