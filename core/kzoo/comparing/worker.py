"""A process that trains runs, one after the other, for a comparison or a study: ``python -m kzoo.comparing.worker``.

It reads a line of JSON for each run from stdin and answers with lines of JSON on stdout. When stdin ends, it ends too;
a run that is in its training then is stopped as by SIGTERM, and keeps the state that it goes on from.

Of ``more`` in such a line, ``part_of`` is what the record of the run says that it is a part of, and ``ask`` names who
is asked after each epoch whether to give it up: ``target``, the ``module:function`` that returns such a function for
`kzoo.training.run.train`, and its ``arguments``. Where it has ``check``, settings of several runs, nothing is trained:
what a run would refuse in them is the failure.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.comparing.executors import ANEW, FORCED
from kzoo.comparing.memory import peak
from kzoo.errors import KzooError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kzoo.runs.folder import Run

__all__ = ["main", "train_task"]


def main() -> int:
    """Train what is asked for until stdin ends; return the exit code."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a component prints is no answer

    def answer(event: str, **told: Any) -> None:
        with contextlib.suppress(BrokenPipeError):  # who asked is gone, and the end of stdin stops us at a good place
            answers.write(json.dumps({"event": event, **told}, default=str) + "\n")
            answers.flush()

    tasks: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    busy = threading.Event()
    threading.Thread(target=_listen, args=(tasks, busy), daemon=True).start()
    while (task := tasks.get()) is not None:
        busy.set()
        if not train_task(task, answer):
            return 130
        busy.clear()
    return 0


def _listen(tasks: queue.SimpleQueue[dict[str, Any] | None], busy: threading.Event) -> None:
    """Hand over what arrives on stdin; at its end stop the training, if there is one."""
    for line in sys.stdin:
        tasks.put(json.loads(line))
    tasks.put(None)
    if busy.is_set():
        os.kill(os.getpid(), signal.SIGTERM)


def train_task(task: Mapping[str, Any], answer: Callable[..., None]) -> bool:
    """Train one run, or go on with one; return False where it was stopped.

    Args:
        task: What `kzoo.comparing.executors.task_of` returns, and ``threads``, those that TensorFlow may take.
        answer: Called with the name of each event and what belongs to it.
    """
    from kzoo.plugins.foreign_code import reason_of

    try:
        status, path = _run(task, _Listener(answer), lambda run: answer("begun", run=str(run.path)))
    except KzooError as error:
        answer("failed", reason=str(error))
        return True
    except KeyboardInterrupt:
        answer("stopped")
        return False
    except Exception as error:
        answer("failed", reason=reason_of(error))
        return True
    if status == "interrupted":
        answer("stopped")
        return False
    answer(status, run=str(path))
    return True


def _run(task: Mapping[str, Any], listener: _Listener, begun: Callable[[Run], None]) -> tuple[str, Path]:
    """Train a run, or go on with one; return its status and its folder."""
    from kzoo.engine import runtime
    from kzoo.plugins.discovery import PluginChoice
    from kzoo.plugins.registry import set_plugin_choice
    from kzoo.runs.config import RunConfig
    from kzoo.runs.configure import configure
    from kzoo.runs.folder import Run
    from kzoo.training.checking import check_built
    from kzoo.training.resuming import Resume
    from kzoo.training.run import train

    if not _begun:
        _begun.append(True)
        chosen: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in task["plugins"].items()
        }
        set_plugin_choice(PluginChoice(**chosen))
        runtime.start()
        runtime.take_threads(task["threads"])
    import keras

    root, argv, how = Path(task["out"]), task["argv"], task["resume_as"]
    config = RunConfig(task["values"], task["origins"])
    asked = _asked(task["more"])
    if "check" in task["more"]:
        for values, origins in task["more"]["check"]:
            check_built(RunConfig(values, origins))
        return "done", root
    if task["resume"]:
        run = Run(Path(task["resume"]))
        before = len(run.manifest().resumed)
        keras.backend.clear_session()
        try:
            going_on = Resume(run, force=how == FORCED)
            as_it_was = configure(file=run.config_path) if how == ANEW else config
            result = train(as_it_was, root=root, listener=listener, argv=argv, resume=going_on, begun=begun, ask=asked)
        except KzooError as error:
            if how != ANEW or len(run.manifest().resumed) > before:  # it went on, and failed later
                raise
            listener.warn(f"{error} It is left as it is, and trained anew.")
        else:
            assert result is not None, "this was no dry run"
            return result.status, result.run.path
    keras.backend.clear_session()  # which counts the names of layers from the beginning, as a process of its own does
    part_of = task["more"].get("part_of")
    result = train(config, root=root, listener=listener, argv=argv, begun=begun, ask=asked, part_of=part_of)
    assert result is not None, "this was no dry run"
    return result.status, result.run.path


def _asked(more: Mapping[str, Any]) -> Callable[[int, Mapping[str, Any]], str] | None:
    """Return the function that is asked after each epoch, or None for nobody."""
    if "ask" not in more:
        return None
    module, _, name = more["ask"]["target"].partition(":")
    found: Callable[[int, Mapping[str, Any]], str] = getattr(importlib.import_module(module), name)(
        **more["ask"]["arguments"]
    )
    return found


_begun: list[bool] = []
"""Holds something once plugins and threads are chosen, which is for the whole process."""


class _Listener:
    """Tells who asked what happens."""

    def __init__(self, answer: Callable[..., None]) -> None:
        self._answer = answer

    def say(self, text: str) -> None:
        """Say nothing: the log of the run has it."""

    def warn(self, text: str) -> None:
        """Hand on a warning."""
        self._answer("warning", text=text)

    def download(self, done: int, total: int | None, name: str) -> None:
        """Say nothing."""

    def progress(self, *, examples: int, batch_size: int, unit: str) -> Any:
        """Return the callback that tells of each epoch."""
        del examples, batch_size, unit
        import keras

        answer = self._answer

        class Progress(keras.callbacks.Callback):  # type: ignore[misc]
            """Tells of each epoch."""

            def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
                numbers = {name: value for name, value in (logs or {}).items() if isinstance(value, (int, float))}
                answer("epoch", epoch=epoch + 1, epochs=self.params["epochs"], logs=numbers, memory=peak())

            def close(self) -> None:
                """Do nothing: there is no line to take away."""

        return Progress()


if __name__ == "__main__":
    sys.exit(main())
