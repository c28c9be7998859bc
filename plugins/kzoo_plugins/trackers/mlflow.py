"""Settings, curves and files of a run in MLflow 3, by default in an SQLite file of the working folder."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
from typing import TYPE_CHECKING, Any

from kzoo.tracker import Tracker
from kzoo_plugins.trackers.mlflow_place import alone, check, kept, place_of_new, place_to_go_on
from kzoo_plugins.trackers.needs import need

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["MLflow"]

_STATUSES = {"done": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
_TEST = "test/"
_NO_NAME = re.compile(r"[^\w./ :-]")
_LONGEST_NAME, _LONGEST_VALUE, _AT_ONCE = 250, 6000, 100


class MLflow(Tracker):
    """Hands a run on to MLflow: its settings as parameters, each epoch's values as metrics, its files as artifacts.

    A run that goes on goes on in the same run of MLflow, from whatever folder: where that is is kept with the run,
    unless the address holds a password. Results of the test are metrics whose names begin with
    ``test/``.

    Args:
        uri: Where to: ``sqlite:///mlflow.db``, ``http://localhost:5000``, or what else MLflow takes. By default what
            the environment variable ``MLFLOW_TRACKING_URI`` says, and without it the file ``mlflow.db`` in the working
            folder, which ``mlflow ui`` shows. With a database, the files of runs go to ``mlruns`` in the folder where
            their experiment was begun. For a run that goes on, by default where it was begun.
        experiment: The name of the experiment; by default that of the pipeline.
        models: Whether the model is copied to MLflow too.

    Raises:
        KzooError: MLflow is not installed, or has no store of this kind.
    """

    def __init__(self, uri: str = "", experiment: str = "", models: bool = True) -> None:  # noqa: FBT001, FBT002 - by name
        need("mlflow", "MLflow")
        check(uri)
        self.logged: int | None = None
        self.uri, self.experiment, self.models = uri, experiment, models
        self._client: Any = None
        self._id = ""
        self._step = 0

    def start(self, manifest: Mapping[str, Any]) -> str:
        """Begin a run of MLflow, or go on with the one of before."""
        client, tracked = _client_class(), manifest["tracked"]  # importing it sets the levels of its loggers
        if tracked is None:
            uri = place_of_new(self.uri)
        else:
            self._id, uri = place_to_go_on(tracked["id"], self.uri)
        with _quiet(), alone(uri):
            self._client = client(tracking_uri=uri)
            if tracked is None:
                self._id = self._new(manifest)
            else:
                self._client.update_run(self._id, status="RUNNING")
                self.logged = self._step = self._last_step()
        return kept(self._id, uri, self.uri)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write an epoch, in one transaction."""
        self._write(step, values)
        self._step = step

    def artifact(self, path: Path) -> None:
        """Copy a file."""
        if self.models or path.suffix != ".keras":
            self._client.log_artifact(self._id, str(path), "plots" if path.parent.name == "plots" else None)

    def finish(self, status: str, results: Mapping[str, float]) -> None:
        """Write the results, and end the run."""
        measured = {f"{_TEST}{name}": value for name, value in results.items()}
        held = {metric.step for metric in self._history(_name(next(iter(measured))))} if measured else set()
        if self._step not in held:  # the report alone may have been missing
            self._write(self._step, measured)
        self._client.set_terminated(self._id, _STATUSES.get(status, "FAILED"))

    def _new(self, manifest: Mapping[str, Any]) -> str:
        from mlflow.entities import Param

        client, name = self._client, self.experiment or manifest["pipeline"]
        found = client.get_experiment_by_name(name)
        experiment = client.create_experiment(name) if found is None else found.experiment_id
        run = client.create_run(experiment, run_name=manifest["name"], tags={"kzoo.folder": manifest["folder"]})
        params = [Param(_name(key), str(value)[:_LONGEST_VALUE]) for key, value in _flat(manifest["settings"])]
        for at in range(0, len(params), _AT_ONCE):
            client.log_batch(run.info.run_id, params=params[at : at + _AT_ONCE])
        return str(run.info.run_id)

    def _write(self, step: int, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(_name(name), float(value), now, step) for name, value in values.items()]
        self._client.log_batch(self._id, metrics=metrics)

    def _last_step(self) -> int:
        """Return the last epoch that the run of MLflow holds."""
        names = self._client.get_run(self._id).data.metrics
        steps = [metric.step for name in names if not name.startswith(_TEST) for metric in self._history(name)]
        return max(steps, default=0)

    def _history(self, name: str) -> list[Any]:
        return list(self._client.get_metric_history(self._id, name))


def _client_class() -> Any:
    """Import MLflow's client of a store; what it reports home by itself is switched off before."""
    for variable in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ[variable] = "true"
    from mlflow import MlflowClient

    return MlflowClient


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _name(name: str) -> str:
    """Return a name as MLflow takes it: without other signs, and without parts that are empty, ``.`` or ``..``."""
    parts = [part for part in _NO_NAME.sub("_", name).split("/") if part not in ("", ".", "..")]
    return "/".join(parts)[:_LONGEST_NAME].rstrip("/") or "_"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what MLflow says of the tables that it makes in a new database."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
