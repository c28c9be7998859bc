"""Where other people's code is called: what it raises becomes one paragraph that says whose it is and where.

A run holds the code of several authors, and most of it is called by Keras: a loss inside a compiled step, a metric when
an epoch ends. Whose fault an exception is, is read from its traceback, from the objects that Keras was working with,
and from the files that TensorFlow names in its messages.
"""

from __future__ import annotations

import contextlib
import inspect
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.engine.interrupt import came_from_a_signal
from kzoo.errors import REPORT_AT, ComponentError, KzooError
from kzoo.plugins.registry import get_registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kzoo.plugins.registry import Entry

__all__ = [
    "calling",
    "is_nobodys_fault",
    "owner_of",
    "place_of",
    "reason_of",
    "watching",
    "written_at",
    "wrong_answer",
]

_MOST_SHOWN = 600
"""The most letters of somebody's own message that are shown."""

_NOT_THEIRS = frozenset({"keras", "tensorflow", "numpy", "kzoo"})
"""Packages whose classes are published by others: a frame in their files says nothing of who is at fault."""

_IN_TEXT = re.compile(r'File "([^"\n]+)", line (\d+)')
_HEADINGS = ("Graph execution error", "Detected at node", "Traceback (most recent", "<stack traces")
_NAMED = re.compile(r"[A-Z]\w*(Error|Exception|Exit|Interrupt): ")
_ESCAPES = re.compile(r"\x1b\[[\d;]*m")
_DEFINED = re.compile(r"\s*(async\s+def|def|class)\s")
_NODES = re.compile(r"\{\{[^}]*\}\}\s*|\[\[\{\{.*", re.DOTALL)


@contextlib.contextmanager
def calling(entry: Entry, doing: str) -> Iterator[None]:
    """Call the code of one component: what it raises is its fault, unless that came from another one inside of it.

    Args:
        entry: The component, or the pipeline.
        doing: When, as the end of a sentence: "when it was called".

    Raises:
        ComponentError: Whatever was raised, but for errors of kzoo's own and a person's wish to stop.
    """
    try:
        yield
    except BaseException as error:
        if is_nobodys_fault(error):
            raise
        place = _place(error, [entry])
        raise _failed(place.entry or entry if place else entry, doing, error, place) from error


@contextlib.contextmanager
def watching(entries: Sequence[Entry], doing: str) -> Iterator[None]:
    """Do what calls the code of several components: what one of them raises becomes a `ComponentError`.

    Where nobody's fault can be seen, the error stays what it was.

    Args:
        entries: What is used: the pipeline and all components.
        doing: When, as the end of a sentence: "in the training".
    """
    try:
        yield
    except BaseException as error:
        if is_nobodys_fault(error):
            raise
        place = _place(error, entries)
        if place is None:
            raise
        raise _failed(place.entry, doing, error, place) from error


def wrong_answer(entry: Entry, what: str, function: Any = None) -> ComponentError:
    """Return the error to raise for a component that returned what it must not.

    Args:
        entry: The component.
        what: The rest of a sentence about it.
        function: Of its functions the one that returned it, whose file and line are named; by default the component's.
    """
    return ComponentError(f"{_who(entry)} {what}{written_at(function) or _home(entry)}. {_mend(entry)}")


def written_at(function: Any) -> str:
    """Return the file and the line in which a function or class begins, in brackets; empty where nobody can tell.

    What decorates it is passed over: the line of a decorator, or the file of one that wraps, is not where to look.
    """
    own: Any = function if inspect.isclass(function) or not callable(function) else inspect.unwrap(function)
    with contextlib.suppress(OSError, TypeError):
        lines, first = inspect.getsourcelines(own)
        before = next((at for at, line in enumerate(lines) if _DEFINED.match(line)), 0)
        return f" ({inspect.getsourcefile(own)}, line {first + before})"
    return ""


def place_of(error: BaseException, entry: Entry) -> str:
    """Return file and line of a component's code that an exception came through, in brackets; empty for kzoo's own."""
    place = None if entry.first_party else _place(error, [entry])
    return place.where if place and place.file else ""


def owner_of(value: Any, entries: Sequence[Entry], otherwise: Entry) -> Entry:
    """Return which of these entries an object was made of; ``otherwise`` where that cannot be told."""
    return _of_object(value, entries, {}) or otherwise


def reason_of(error: BaseException) -> str:
    """Return what an exception says, in one line and not too long, also where asking it for its text fails."""
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r})"
    name = type(error).__name__
    if isinstance(error, KeyboardInterrupt):
        return f"it raised {name}, and nobody asked for a stop"
    try:
        text = str(error)
    except BaseException:  # the text is made by their code as well
        return f"{name}, whose text cannot be read"
    text = _ESCAPES.sub("", text).partition("Arguments received by")[0]
    if text.startswith("Graph execution error"):  # of TensorFlow, with where its nodes come from, indented
        lines = [line for line in text.splitlines() if line[:1].strip() and not line.startswith(_HEADINGS)]
        text = "\n".join(lines[:1])
    elif text.startswith("in user code:"):  # of AutoGraph, whose last line is the error itself
        text = text.rstrip().rpartition("\n")[2]
    text = text.partition("Traceback (most recent call last)")[0]  # of a function that TensorFlow called
    text = " ".join(_NODES.sub("", text).split()).rstrip(".")
    shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} ..."
    if _NAMED.match(shown):  # TensorFlow hands on what was raised as text
        return shown
    return f"{name}: {shown}" if shown else name


@dataclass(frozen=True)
class _Place:
    """Where something went wrong.

    Attributes:
        entry: The component; None where only the distribution is known.
        anyone: Some entry of that distribution.
        file: The file of theirs, or an empty text.
        line: The line in it.
    """

    entry: Entry | None
    anyone: Entry
    file: str = ""
    line: int = 0

    @property
    def where(self) -> str:
        """File and line, for the end of a message."""
        return f" ({self.file}, line {self.line})"


def _failed(entry: Entry | None, doing: str, error: BaseException, place: _Place | None = None) -> ComponentError:
    """Return the error to raise for what a component raised."""
    if entry is None:
        assert place is not None, "it was found by the place"
        mend = _mend(place.anyone, "what is theirs")
        return ComponentError(f"Code of {place.anyone.origin} failed {doing}: {reason_of(error)}{place.where}. {mend}")
    where = place.where if place and place.file else _home(entry)
    return ComponentError(f"{_who(entry)} failed {doing}: {reason_of(error)}{where}. {_mend(entry)}")


def is_nobodys_fault(error: BaseException) -> bool:
    """Return whether an exception is nobody's fault: kzoo's own words, a wish to stop, a machine that is full."""
    return isinstance(error, (KzooError, GeneratorExit, MemoryError)) or came_from_a_signal(error)


def _place(error: BaseException, entries: Sequence[Entry]) -> _Place | None:
    """Return whose code an exception came from: that of these entries, else of anything published."""
    known = [*entries, *(entry for kind in _KINDS for entry in get_registry().entries(kind))]
    packages: dict[str, list[Entry]] = {}
    for entry in known:
        packages.setdefault(_package(entry), []).append(entry)
    theirs = {name: found for name, found in packages.items() if name not in _NOT_THEIRS}
    for one in _chain(error):
        frames = list(_frames(one))
        inside = [(_package_of(file, theirs), file, line) for file, line, _ in frames]
        innermost = next((found for found in inside if found[0]), None)
        for (package, file, line), (*_, at_work) in zip(inside, frames, strict=True):
            whose = _of_object(at_work, entries, theirs) or (_at(file, line, theirs[package]) if package else None)
            if whose and (innermost is None or innermost[0] == _package(whose)):
                return _Place(whose, whose, *(innermost[1:] if innermost else ("", 0)))
        if innermost:
            published = theirs[innermost[0]]
            used = {mine.qualified: mine for mine in entries if mine in published}
            return _Place(next(iter(used.values())) if len(used) == 1 else None, published[0], *innermost[1:])
    return _of_node(error, entries)


_KINDS = ("loss", "metric", "optimizer", "schedule", "regularizer", "pipeline")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it came from."""
    seen: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in seen:
        seen.append(one)
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _frames(error: BaseException) -> Iterator[tuple[str, int, Any]]:
    """Yield file, line and the object that was at work, the innermost first; also what a message alone tells of."""
    frames = []
    trace = error.__traceback__
    while trace:
        at_work = next((trace.tb_frame.f_locals[n] for n in ("self", "obj") if n in trace.tb_frame.f_locals), None)
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno, at_work))
        trace = trace.tb_next
    translated = getattr(getattr(error, "ag_error_metadata", None), "translated_stack", None) or ()
    for frame in translated:  # AutoGraph calls copies of functions, in files of its own
        yield frame.filename, frame.lineno, None
    yield from reversed(frames)
    with contextlib.suppress(Exception):  # the text is made by their code as well
        for file, line in reversed(_IN_TEXT.findall(str(error))):
            yield file, int(line), None


def _of_object(value: Any, entries: Sequence[Entry], theirs: dict[str, list[Entry]]) -> Entry | None:
    """Return the entry whose class an object is of, or None."""
    if value is None:
        return None
    kind = type(value)
    for entry in entries:
        if _target(entry) is kind:
            return entry
    for entry in theirs.get(kind.__module__.partition(".")[0], ()):
        if _target(entry) is kind:
            return entry
    return None


def _of_node(error: BaseException, entries: Sequence[Entry]) -> _Place | None:
    """Return the component that a node of a compiled step is named after, as Keras does with losses and metrics."""
    with contextlib.suppress(Exception):  # the text is made by their code as well
        for node in re.findall(r"Detected at node (\S+)", str(error)):
            for one in entries:
                if one.name in node.split("/"):
                    return _Place(one, one)
    return None


def _at(file: str, line: int, published: Sequence[Entry]) -> Entry | None:
    """Return the entry whose class or function has this line, or None."""
    for entry in published:
        target = _target(entry)
        for part in (target.__mro__ if inspect.isclass(target) else (target,)) if target is not None else ():
            with contextlib.suppress(OSError, TypeError):
                lines, first = inspect.getsourcelines(part)
                if inspect.getsourcefile(part) == file and first <= line < first + len(lines):
                    return entry
    return None


def _package(entry: Entry) -> str:
    """Return the import package that an entry's target is in."""
    return entry.spec.target.partition(":")[0].partition(".")[0]


def _package_of(file: str, theirs: dict[str, list[Entry]]) -> str:
    """Return the package that a file is in, of those that publish components; an empty text for none."""
    for name in theirs:
        module = sys.modules.get(name)
        if module is None:
            continue
        folders = [str(folder) for folder in getattr(module, "__path__", ())]
        if file == getattr(module, "__file__", None) or any(Path(file).is_relative_to(folder) for folder in folders):
            return name
    return ""


def _target(entry: Entry) -> Any:
    """Return an entry's class or function where it was imported already, or None."""
    name, _, path = entry.spec.target.partition(":")
    found: Any = sys.modules.get(name)
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


def _home(entry: Entry) -> str:
    """Return where an entry's class or function begins, for the end of a message."""
    return written_at(_target(entry))


def _who(entry: Entry) -> str:
    return f"The {entry.kind} `{entry.written}` of {entry.origin}"


def _mend(entry: Entry, instead: str = "") -> str:
    if entry.first_party:
        return f"Please report it at {REPORT_AT}; --debug shows the traceback."
    do_without = f"do without {instead}" if instead else f"take another {entry.kind}"
    return f"Report it to the authors of {entry.distribution}, or {do_without}; --debug shows the traceback."
