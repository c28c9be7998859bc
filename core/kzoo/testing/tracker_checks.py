"""The checks of a tracker, in the order in which they run."""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import math
import os
import signal
import socket
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError
from kzoo.testing import surroundings
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.tracked import EPOCHS, RESULTS, MadeUpRun, in_a_folder, track
from kzoo.tracker import Tracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kzoo.testing.subject import Subject

__all__ = ["CHECKS"]

_UNUSUAL: tuple[dict[str, float], ...] = (
    {"loss": math.nan, "val_loss": math.inf, "lower": -math.inf, "zero": 0.0, "minus": -0.0},
    {"loss": 1e300, "val_loss": 1e-300, "whole": 3, "large": 2**40},
    {
        "loss": 0.5,
        "recall/0": 0.25,
        "recall/1": 1.0,
        "ece_n_bins_10": 0.1,
        "F1 (macro), %": 50.0,
        "Verlust für alle": 1.0,
    },
    {"loss": 0.25},
)
"""Values that runs have: what diverges, metrics by class, names with arguments, and those that come and go."""

_OWN_MACHINE = ("127.", "localhost", "::1", "0.0.0.0", "::")  # noqa: S104 - to be compared


def right_base(subject: Subject) -> None:
    """It is made without arguments (or with those of its spec), and is a `kzoo.tracker.Tracker`."""
    made = _made(subject)
    if not isinstance(made, Tracker):
        message = f"saw {type(made).__mro__[:2]}, expected a subclass of kzoo.tracker.Tracker"
        raise CheckFailure(message)


def made_without_trace(subject: Subject) -> None:
    """To make it leaves no file and no environment variable behind: a run that is refused makes one, too."""
    with in_a_folder() as (_,):
        files, variables = _files(), dict(os.environ)
        _made(subject)
        if more := _files() - files:
            message = f"made, before any run: saw the files {sorted(more)}, expected none before `start`"
            raise CheckFailure(message)
        if changed := [name for name in {**os.environ, **variables} if os.environ.get(name) != variables.get(name)]:
            message = f"made, before any run: saw other environment variables {sorted(changed)}, expected none"
            raise CheckFailure(message)


def whole_run(subject: Subject) -> None:
    """It goes through a run of three epochs with files and results, and names its tracked run with text or None."""
    with in_a_folder() as (run,):
        found = track(_made(subject), run)
    if not (found is None or (isinstance(found, str) and found)):
        message = f"`start`: saw {found!r}, expected a text by which it finds its tracked run again, or None"
        raise CheckFailure(message)


def any_values(subject: Subject) -> None:
    """It takes NaN, infinity, very large and whole numbers, names with signs in them, and values that come and go."""
    with in_a_folder() as (run,):
        tracker = _made(subject)
        tracker.start(run.manifest())
        for step, values in enumerate(_UNUSUAL, 1):
            for name, value in values.items():
                _as_it_is(tracker, step, name, value)
        tracker.finish("done", {"loss": math.nan, "recall/0": 0.5})


def _as_it_is(tracker: Any, step: int, name: str, value: float) -> None:
    try:
        tracker.log(step, {name: value})
    except Exception as error:
        message = f"`log` of {name!r} = {value!r}: saw {type(error).__name__}: {error}, expected that it is taken"
        raise CheckFailure(message) from error


def any_status(subject: Subject) -> None:
    """It takes the end of a run that was interrupted or failed, without results and files, also before any epoch."""
    for status in ("interrupted", "failed"):
        for epochs in (EPOCHS[:1], ()):
            with in_a_folder() as (run,):
                tracker = _made(subject)
                tracker.start(run.manifest())
                for step, values in enumerate(epochs, 1):
                    tracker.log(step, dict(values))
                try:
                    tracker.finish(status, {})
                except Exception as error:
                    after = f"`finish` with {status!r} after {len(epochs)} epochs"
                    message = f"{after}: saw {type(error).__name__}: {error}, expected that it is taken"
                    raise CheckFailure(message) from error


def goes_on(subject: Subject) -> None:
    """Another one goes on with a run whose process was killed: it is given what `start` returned, and keeps it."""
    with in_a_folder() as (run,):
        found, again = _killed_and_resumed(subject, run)
        if again[0] != found:
            message = f"`start` of the run that goes on: saw {again[0]!r}, expected {found!r}, the same tracked run"
            raise CheckFailure(message)
        tracker = again[1]
        held = tracker.logged if isinstance(tracker.logged, int) else 1
        for step, values in enumerate(EPOCHS[held:], held + 1):
            tracker.log(step, dict(values))
        for path in run.files:
            tracker.artifact(path)
        tracker.finish("done", dict(RESULTS))


def logged_is_true(subject: Subject) -> None:
    """Where a run goes on, `logged` is None or the number of epochs that the tracked run holds: it was told of two."""
    with in_a_folder() as (run,):
        _, (_, tracker) = _killed_and_resumed(subject, run)
        if tracker.logged is not None and not (type(tracker.logged) is int and 0 <= tracker.logged <= 2):  # noqa: PLR2004
            message = f"`logged`: saw {tracker.logged!r} after two epochs, expected None, 0, 1 or 2"
            raise CheckFailure(message)
        tracker.log(3, dict(EPOCHS[2]))
        tracker.finish("done", dict(RESULTS))


def _killed_and_resumed(subject: Subject, run: MadeUpRun) -> tuple[str, tuple[str, Any]]:
    """Return what `start` returned of a run that was killed after two epochs, and of the one that goes on after one."""
    killed = _made(subject)
    found = killed.start(run.manifest())
    for step, values in enumerate(EPOCHS[:2], 1):
        killed.log(step, dict(values))
    tracker = _made(subject)
    return found, (tracker.start(run.manifest({"id": found or "", "step": 1})), tracker)


def two_runs(subject: Subject) -> None:
    """Two runs of one process, one after the other, are two tracked runs."""
    with in_a_folder(2) as (one, other):
        ids = [track(_made(subject), run) for run in (one, other)]
        # One that writes into the folder of the run may find it by the same word in each.
        if ids[0] is not None and ids[0] == ids[1] and not (_own_files(one) and _own_files(other)):
            message = f"`start` of two runs: saw {ids[0]!r} twice, expected another one for the second run"
            raise CheckFailure(message)


def _own_files(run: MadeUpRun) -> set[Path]:
    """Return what lies in a run's folder beside what the run itself has."""
    return {path for path in run.folder.rglob("*") if path.is_file()} - set(run.files)


def leaves_arguments(subject: Subject) -> None:
    """It changes neither the manifest nor the values nor the results that it is given: others are given them too."""
    with in_a_folder() as (run,):
        tracker, given = _made(subject), run.manifest()
        before, values, results = copy.deepcopy(given), dict(EPOCHS[0]), dict(RESULTS)
        tracker.start(given)
        tracker.log(1, values)
        tracker.finish("done", results)
        for what, saw, expected in (
            ("manifest", given, before),
            ("values", values, EPOCHS[0]),
            ("results", results, RESULTS),
        ):
            if saw != expected:
                message = f"the {what} after it was told: saw {_text(saw)}, expected {_text(expected)}"
                raise CheckFailure(message)


def leaves_files(subject: Subject) -> None:
    """It changes and removes none of the files of the run."""
    with in_a_folder() as (run,):
        before = run.contents()
        track(_made(subject), run)
        after = run.contents()
        if changed := [name for name in before if after[name] != before[name]]:
            gone = " (gone)" if any(after[name] is None for name in changed) else ""
            message = (
                f"the files of the run afterwards: saw other contents of {', '.join(changed)}{gone}, expected none"
            )
            raise CheckFailure(message)


def global_state(subject: Subject) -> None:
    """Made and used, it leaves Keras's settings and all random seeds alone: a tracked run is any other run."""
    _made(subject)
    surroundings.global_state(subject)


def leaves_process(subject: Subject) -> None:
    """It leaves working folder, handlers of Ctrl-C and SIGTERM, streams, hooks, filters and the root logger alone."""
    with in_a_folder() as (run,), _put_back():
        before = _process()
        track(_made(subject), run)
        for name, value in _process().items():
            if value != before[name]:
                message = (
                    f"after a run: saw {name} {value!r}, expected {before[name]!r}, which is not a tracker's to set"
                )
                raise CheckFailure(message)


def stays_local(subject: Subject) -> None:
    """Without arguments it asks no other machine for anything; what its child processes do is not seen."""
    asked: list[str] = []
    with in_a_folder() as (run,), _watched(asked):
        try:
            track(_made(subject), run)
        except OSError:
            if not asked:
                raise
    if asked:
        message = f"saw requests to {', '.join(dict.fromkeys(asked))}, expected none unless an argument asks for it"
        raise CheckFailure(message)


def _made(subject: Subject) -> Any:
    """Return a new one; skip the check where what it needs is not installed."""
    try:
        return subject.make()
    except KzooError as error:
        if type(error) is not KzooError:  # an argument that is refused, or something else than a tracker
            raise
        raise Skip(str(error)) from error


def _files() -> set[str]:
    return {str(path) for path in Path.cwd().rglob("*")}


def _text(value: Any) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) < 200 else f"{text[:200]}..."  # noqa: PLR2004 - enough to see it


def _process() -> dict[str, Any]:
    return {
        "the working folder": os.getcwd(),  # noqa: PTH109 - as text
        "the handler of SIGINT": signal.getsignal(signal.SIGINT),
        "the handler of SIGTERM": signal.getsignal(signal.SIGTERM),
        "stdout": sys.stdout,
        "stderr": sys.stderr,
        "sys.excepthook": sys.excepthook,
        "sys.exit": sys.exit,
        "the filters of warnings": list(warnings.filters),
        "the level of the root logger": logging.getLogger().level,
        "the handlers of the root logger": list(logging.getLogger().handlers),
    }


@contextlib.contextmanager
def _put_back() -> Iterator[None]:
    """Put back afterwards what `_process` looks at."""
    root, handlers = logging.getLogger(), list(logging.getLogger().handlers)
    level, folder = root.level, Path.cwd()
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    streams, hooks = (sys.stdout, sys.stderr), (sys.excepthook, sys.exit)
    with warnings.catch_warnings():
        try:
            yield
        finally:
            os.chdir(folder)
            root.setLevel(level)
            root.handlers[:] = handlers
            (sys.stdout, sys.stderr), (sys.excepthook, sys.exit) = streams, hooks
            for number, handler in signals.items():
                with contextlib.suppress(ValueError):  # not in the main thread, where nobody can have changed it
                    signal.signal(number, handler)


@contextlib.contextmanager
def _watched(asked: list[str]) -> Iterator[None]:
    """Note in ``asked`` whom this process looks for or connects to, and refuse it, unless it is this machine."""
    real = socket.getaddrinfo

    def look(host: Any, *given: Any, **more: Any) -> Any:
        _refuse(host, asked)
        return real(host, *given, **more)

    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse(address[0], asked)
        return super(socket.socket, self).connect(address)

    socket.getaddrinfo = look
    socket.socket.connect = connect  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        socket.getaddrinfo = real
        del socket.socket.connect  # that of the class below is found again


def _refuse(host: Any, asked: list[str]) -> None:
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if not name.startswith(_OWN_MACHINE):
        asked.append(name)
        message = f"the conformance kit lets nobody ask {name}"
        raise ConnectionRefusedError(message)


CHECKS: dict[str, Callable[[Any], None]] = {
    "right_base": right_base,
    "made_without_trace": made_without_trace,
    "whole_run": whole_run,
    "any_values": any_values,
    "any_status": any_status,
    "goes_on": goes_on,
    "logged_is_true": logged_is_true,
    "two_runs": two_runs,
    "leaves_arguments": leaves_arguments,
    "leaves_files": leaves_files,
    "global_state": global_state,
    "leaves_process": leaves_process,
    "stays_local": stays_local,
}
"""By name; the first sentence of each function's docstring is what the check says."""
