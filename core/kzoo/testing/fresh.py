"""A process that knows nothing of the component: it loads a saved model and goes on training.

Importing TensorFlow takes seconds, so on Linux one process imports it once and forks for every model; a fork has
imported no component. Elsewhere each model gets a process of its own.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from kzoo.testing.report import CheckFailure

__all__ = ["elsewhere", "go_on"]

_FORKS = sys.platform == "linux"
_LIMIT = 300.0
"""Seconds after which a process that does not answer is given up."""


def go_on(model: Any, data: dict[str, Any]) -> dict[str, Any]:
    """Train (or measure) for ``data["steps"]`` batches; return what was logged and the weights, as arrays.

    What metrics hold goes on from batch to batch where nothing is trained, and begins with ``data["state 0"]``, and so
    on, where there is any.
    """
    model.run_eagerly = True
    found: dict[str, Any] = {}
    batch = data["x"], data["y"]
    if "state 0" in data:
        model.test_step(batch)  # some make their variables with the first batch
        for at, variable in enumerate(model.metrics_variables):
            variable.assign(data[f"state {at}"])
    for at in range(int(data["steps"])):
        logs = model.train_on_batch(*batch, return_dict=True) if int(data["train"]) else model.test_step(batch)
        for name, value in logs.items():
            found[f"{name} of step {at + 1}"] = np.asarray(value)
    for at, weight in enumerate(model.weights):
        found[f"weight {at}"] = np.asarray(weight.value)
    return found


def elsewhere(path: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Do what `go_on` does with a saved model, in a process that has imported no component.

    Raises:
        CheckFailure: The model could not be loaded or trained there.
    """
    folder = path.parent
    np.savez(folder / "data.npz", **data)
    job = json.dumps(
        {"model": str(path), "data": str(folder / "data.npz"), "out": str(folder / "out.npz"), "path": _path()}
    )
    if _FORKS:
        _Server.get().run(job)
    else:
        _alone(job)
    failure = folder / "out.txt"
    if failure.exists():
        message = f"in a fresh process: saw {failure.read_text(encoding='utf-8')}, expected the model to load and train"
        raise CheckFailure(message)
    if not (folder / "out.npz").exists():
        message = "in a fresh process: it ended without a word, expected the model to load and train"
        raise CheckFailure(message)
    with np.load(folder / "out.npz") as file:
        return {name: file[name] for name in file.files}


def _command() -> list[str]:
    return [sys.executable, "-m", "kzoo.testing.fresh"]


def _path() -> list[str]:
    """Return where this process imports from, which is where the fresh one has to find the component."""
    return [path for path in sys.path if path]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(_path())}


def _alone(job: str) -> None:
    subprocess.run(  # noqa: S603 - this interpreter and this module
        _command(), input=job, env=_environment(), text=True, check=False, timeout=_LIMIT, capture_output=True
    )


class _Server:
    """The process that forks for every model."""

    _running: _Server | None = None

    @classmethod
    def get(cls) -> _Server:
        """Return the one that runs, starting it the first time."""
        if cls._running is None or cls._running.process.poll() is not None:
            cls._running = cls()
        return cls._running

    def __init__(self) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self.process = subprocess.Popen(  # noqa: S603 - this interpreter and this module
            _command(),
            env=_environment(),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
        )
        atexit.register(self.stop)

    def run(self, job: str) -> None:
        """Have one job done."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(job + "\n")
        self.process.stdin.flush()
        while (line := self.process.stdout.readline()) != "done\n":
            if not line:
                self.errors.seek(0)
                said = self.errors.read().decode(errors="replace").strip()[-800:]
                message = f"The process that loads saved models ended: {said}"
                raise RuntimeError(message)

    def stop(self) -> None:
        """End the process."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(timeout=_LIMIT)


def _work(job: str) -> None:
    """Do one job; write the result, or the reason why there is none."""
    places = json.loads(job)
    try:
        # Behind the current folder. The server may have begun with another path, or before its folders were filled.
        sys.path[1:] = places["path"]
        importlib.invalidate_caches()
        from kzoo.models.saving import load_model

        with np.load(places["data"]) as file:
            data = {name: file[name] for name in file.files}
        np.savez(places["out"], **go_on(load_model(places["model"]), data))
    except BaseException as error:  # whatever it is, it is the answer
        text = "".join(traceback.format_exception_only(error))
        Path(places["out"]).with_suffix(".txt").write_text(" ".join(text.split())[:800], encoding="utf-8")


def _serve() -> None:
    """Answer the jobs that come in, one line each."""
    for job in sys.stdin:
        if _FORKS:
            child = os.fork()
            if not child:
                _work(job)
                os._exit(0)
            os.waitpid(child, 0)
        else:
            _work(job)
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf  # noqa: F401 - imported once, before the first fork

    import kzoo.models.saving  # noqa: F401 - the same

    _serve()
