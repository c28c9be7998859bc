"""Settings, curves and files of a run for Weights & Biases, by default on this machine alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from kzoo.errors import UsageError
from kzoo.tracker import Tracker
from kzoo_plugins.trackers.needs import need

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["WandB"]

_MODES = ("offline", "online")
_CODES = {"done": 0, "interrupted": 255, "failed": 1}  # 255 is how W&B says that somebody stopped a run


class WandB(Tracker):
    """Hands a run on to Weights & Biases: its settings, each epoch's values, its results as the summary, its files.

    What is written lies in ``wandb/`` of the run until ``wandb sync`` uploads it. A run that goes on writes another
    folder there, with the same id, and its steps go on.

    Args:
        project: The name of the project; by default that of the pipeline.
        mode: ``offline``, or ``online`` to upload while the run goes on.
        models: Whether the model is copied too.

    Raises:
        KzooError: W&B is not installed.
        UsageError: There is no such mode.
    """

    _open: ClassVar[dict[str, Any]] = {}

    def __init__(self, project: str = "", mode: str = "offline", models: bool = True) -> None:  # noqa: FBT001, FBT002 - by name
        if mode not in _MODES:
            message = f"`mode` must be one of {', '.join(_MODES)}, not {mode!r}."
            raise UsageError(message)
        need("wandb", "Weights & Biases")
        self.project, self.models = project, models
        self.mode: Any = mode
        self._run: Any = None

    def start(self, manifest: Mapping[str, Any]) -> str:
        """Begin a run of W&B, or go on with the one of before."""
        os.environ["WANDB_ERROR_REPORTING"] = "false"  # read when it is imported
        import wandb

        tracked = manifest["tracked"]
        with _own_hooks():
            if tracked and tracked["id"] in self._open:  # in this process it failed, and nobody ended it
                self._open.pop(tracked["id"]).finish(exit_code=_CODES["interrupted"])
            self._run = wandb.init(
                project=self.project or manifest["pipeline"],
                name=manifest["name"].rpartition("/")[2],
                id=(tracked["id"] or None) if tracked else None,
                resume="allow" if tracked and self.mode == "online" else None,  # offline, W&B does not know of it
                dir=manifest["folder"],
                config=manifest["settings"],
                mode=self.mode,
                reinit="create_new",
                settings=wandb.Settings(
                    silent=True,
                    console="off",
                    disable_git=True,
                    disable_code=True,
                    x_disable_stats=True,
                    x_disable_meta=True,
                    x_disable_machine_info=True,
                    x_save_requirements=False,
                    x_transaction_log_flush_interval=1.0,  # seconds that a crash of the machine may cost
                ),
            )
        self._open[self._run.id] = self._run
        return str(self._run.id)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write an epoch."""
        self._run.log(dict(values), step=step, commit=True)

    def artifact(self, path: Path) -> None:
        """Copy a file."""
        if self.models or path.suffix != ".keras":
            # W&B would link to it, and warn of that.
            copy = Path(self._run.dir) / (f"plots/{path.name}" if path.parent.name == "plots" else path.name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            self._run.save(str(copy), base_path=self._run.dir, policy="now")

    def finish(self, status: str, results: Mapping[str, float]) -> None:
        """Write the results, and end the run."""
        for name, value in results.items():
            self._run.summary[f"test/{name}"] = value
        self._open.pop(self._run.id, None)
        with _own_hooks():
            self._run.finish(exit_code=_CODES.get(status, 1))


@contextlib.contextmanager
def _own_hooks() -> Iterator[None]:
    """Put back what W&B hangs itself into: how Python ends, and how it shows an exception."""
    before = sys.exit, sys.excepthook
    try:
        yield
    finally:
        sys.exit, sys.excepthook = before
