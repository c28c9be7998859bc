"""``kzoo run --workers N``: as many processes on this machine, started, looked after and ended as one."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from kzoo.arguments import command_line
from kzoo.cli.options import debugging
from kzoo.engine import parent
from kzoo.engine.cluster import LOCAL_WORKER, VARIABLE, cluster_of, config_of, is_local_worker
from kzoo.errors import KzooError, UsageError
from kzoo.processor import share_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kzoo.engine.cluster import Cluster

__all__ = ["asked_for", "place_in", "train_together"]

_PATIENCE = 20.0
"""Seconds that the others have to end by themselves once one has: the chief records what became of the run."""
_EVERY = 0.1


def asked_for(workers: int | None) -> tuple[int, Cluster | None]:
    """Return how many processes are to be started here, 0 for none, and the cluster that this process is a part of.

    Args:
        workers: What ``--workers`` says, or None.

    Raises:
        UsageError: ``TF_CONFIG`` says something else.
    """
    cluster = cluster_of()
    if cluster is None:
        return (workers if workers is not None and workers > 1 else 0), None
    if workers not in (None, cluster.count):
        message = (
            f"--workers {workers} contradicts {VARIABLE}, which names {cluster.count} workers. Leave out --workers to "
            f"take part in that training, or unset {VARIABLE} to train on this machine."
        )
        raise UsageError(message)
    return 0, cluster


def place_in(workers: int | None, run: str, root: Path, *, profile: bool = False) -> Cluster | None:
    """Return the cluster that this process is a part of, or None; where it is to start the processes, do that and exit.

    Args:
        workers: What ``--workers`` says, or None.
        run: The run that goes on, or ``last``, for what is said where a process is killed.
        root: The folder that runs go to.
        profile: Whether to look where the time goes, which one process alone can.

    Raises:
        Exit: The processes were started here, and have ended; with their exit code.
        UsageError: As `asked_for`.
    """
    count, cluster = asked_for(workers)
    if profile and (count or cluster):
        message = "--profile looks at one process: leave out --workers, or train without --profile."
        raise UsageError(message)
    if count:
        again = command_line("kzoo", "run", "--resume", run, "--out", root, "--workers", str(count))
        raise typer.Exit(train_together(count, sys.argv[1:], again))
    if is_local_worker():
        parent.listen()
    return cluster


def train_together(count: int, arguments: Sequence[str], again: str) -> int:
    """Run the same command in several processes on this machine until all have ended; return the exit code.

    The first is the chief: it has the terminal, writes the run, and its exit code is that of all.

    Args:
        count: How many.
        arguments: Those of the command, after ``kzoo``.
        again: The command that goes on with the run where a process is killed.

    Raises:
        KzooError: A process cannot be started, or the chief was killed.
    """
    addresses = [f"localhost:{port}" for port in _free_ports(count)]
    threads = share_of(count)
    with contextlib.ExitStack() as held:
        members: list[_Member] = []
        held.callback(_end_all, members)
        wish = held.enter_context(_wishes())
        for index in range(count):  # one by one: where one cannot be started, those before it are ended
            members += [_begin(index, addresses, arguments, threads, held)]
        _watch(members, wish)
    chief = members[0].process.returncode
    if chief < 0 and not wish:
        message = (
            f"The first of {count} workers was ended by {_name(-chief)}{_short_of_memory(-chief)}, and with it the "
            f"training. Where the run has a state, `{again}` goes on from it; `kzoo runs` shows how far it came."
        )
        raise KzooError(message)
    return 130 if chief < 0 else chief


@dataclass
class _Member:
    """One process.

    Attributes:
        process: It.
        said: The file that takes what it writes to stderr; None for the chief, which has the terminal.
    """

    process: subprocess.Popen[str]
    said: Any

    def tell(self, text: str) -> None:
        """Tell it why another one is gone."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(text + "\n")
            self.process.stdin.flush()


def _begin(
    index: int, addresses: Sequence[str], arguments: Sequence[str], threads: int, held: contextlib.ExitStack
) -> _Member:
    # What TensorFlow says of a worker that is gone, each of the others says, too, and in a sentence.
    quiet = {} if debugging() else {"TF_CPP_MIN_LOG_LEVEL": "3"}
    environment = {**quiet, **os.environ, VARIABLE: config_of(addresses, index), LOCAL_WORKER: str(threads)}
    said = None if index == 0 else held.enter_context(_words())
    try:
        process = subprocess.Popen(  # noqa: S603 - this very command
            [sys.executable, "-P", "-m", "kzoo", *arguments],
            stdin=subprocess.PIPE,
            stdout=None if index == 0 else subprocess.DEVNULL,
            stderr=said,
            text=True,
            encoding="utf-8",
            env=environment,
            start_new_session=True,  # Ctrl-C in a terminal is for us, who hand it on once
        )
    except OSError as error:
        message = f"No process could be started to train in: {error.strerror or error}."
        raise KzooError(message) from error
    return _Member(process, said)


def _words() -> Any:
    return tempfile.TemporaryFile("w+", encoding="utf-8")


def _watch(members: Sequence[_Member], wish: list[int]) -> None:
    """Wait until all have ended: hand wishes on, and where one is gone, tell the others why, and end those that stay.

    A worker that has ended well waits for nobody; one that has not takes the others with it.
    """
    handed, told = 0, False
    deadline: float | None = None
    while True:
        running = [one for one in members if one.process.poll() is None]
        if not running:
            return
        for number in wish[handed:]:
            handed += 1
            for one in running:
                one.process.send_signal(number)
        if handed > 1 and deadline is None:  # who asks twice does not wait for what hears nothing
            deadline = time.monotonic() + _PATIENCE
        gone = next((at for at, one in enumerate(members) if one.process.returncode not in (None, 0)), None)
        if gone is not None and not told:
            deadline, told = deadline or time.monotonic() + _PATIENCE, True
            for one in running:
                one.tell(_why(gone, members[gone]))
        if deadline is not None and time.monotonic() > deadline:
            for one in running:
                one.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            running[0].process.wait(_EVERY)


def _why(index: int, member: _Member) -> str:
    """Return what became of a worker, for the others: its own words where it has some."""
    code = member.process.returncode
    if code < 0:
        return f"worker {index} was ended by {_name(-code)}{_short_of_memory(-code)}"
    if member.said is None:
        return "the first worker ended"
    member.said.seek(0)
    lines = [line.strip() for line in member.said.read().splitlines() if line.startswith("error: ")]
    return (
        f"worker {index} ended: {lines[-1].removeprefix('error: ').rstrip('.')}" if lines else f"worker {index} ended"
    )


def _name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def _short_of_memory(number: int) -> str:
    return ", as the system does where memory is short" if number == getattr(signal, "SIGKILL", 9) else ""


def _end_all(members: Sequence[_Member]) -> None:
    """End what still runs, after an error here."""
    for one in members:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
        with contextlib.suppress(OSError):
            if one.process.stdin is not None:
                one.process.stdin.close()


@contextlib.contextmanager
def _wishes() -> Iterator[list[int]]:
    """Yield a list to which Ctrl-C and SIGTERM are added as they come, in place of ending us."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def note(number: int, frame: Any) -> None:
        del frame
        came.append(number)

    before = {one: signal.signal(one, note) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens at now."""
    with contextlib.ExitStack() as held:
        found = []
        for _ in range(count):
            one = held.enter_context(socket.socket())
            one.bind(("localhost", 0))
            found.append(one.getsockname()[1])
        return found
