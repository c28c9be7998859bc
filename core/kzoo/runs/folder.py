"""The run directory and its manifest, ``run.json``.

A run lives in ``<root>/<pipeline>/<UTC time>-<label>-s<seed>/`` and is never overwritten. Every file in it is
written whole.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.arguments import command_line
from kzoo.errors import KzooError, UsageError
from kzoo.files import inside, read_regular, sha256_of, write_json, write_text
from kzoo.runs.config import RunConfig, read_toml
from kzoo.runs.lock import is_held
from kzoo.runs.manifest import SCHEMA_VERSION, Manifest
from kzoo.runs.toml import revised

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kzoo.runs.state import StateFolder

__all__ = ["DEFAULT_ROOT", "Run", "create_run", "find_run", "list_runs"]

_LONGEST_RECORD = 64 * 2**20

DEFAULT_ROOT = Path("runs")
"""Where runs go when nobody says otherwise, relative to the current folder."""


@dataclass(frozen=True)
class Run:
    """One run on the disk."""

    path: Path

    @property
    def manifest_path(self) -> Path:
        """Its ``run.json``."""
        return self.path / "run.json"

    @property
    def config_path(self) -> Path:
        """Its ``config.toml``, which ``kzoo run -c`` replays."""
        return self.path / "config.toml"

    @property
    def model_path(self) -> Path:
        """The final model."""
        return self.path / "model.keras"

    @property
    def best_path(self) -> Path:
        """The model of the best epoch so far."""
        return self.path / "best.keras"

    @property
    def profile_path(self) -> Path:
        """The folder of its profile, where it was profiled."""
        return self.path / "profile"

    @property
    def state(self) -> StateFolder:
        """The state that its training goes on from, where it has not ended."""
        from kzoo.runs.state import StateFolder  # not with the module: runs are listed without NumPy

        return StateFolder(inside(self.path / "state", self.path))

    def _again(self) -> str:
        """Return a sentence that says how a run whose record is lost is trained again, where its settings are there."""
        if not self.config_path.is_file():
            return ""
        return f" Its settings are there: `{command_line('kzoo', 'run', '-c', self.config_path)}` trains it again."

    @property
    def name(self) -> str:
        """Pipeline and folder name, which `find_run` finds again."""
        return f"{self.path.parent.name}/{self.path.name}"

    def manifest(self) -> Manifest:
        """Return what ``run.json`` holds; raise `KzooError` where it is missing, broken or from a newer kzoo."""
        try:
            found = json.loads(read_regular(inside(self.manifest_path, self.path), _LONGEST_RECORD))
        except FileNotFoundError as error:
            message = f"{self.path} is not a run: it holds no run.json.{self._again()}"
            raise KzooError(message) from error
        except (OSError, ValueError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or error
            message = f"{self.manifest_path} cannot be read: {reason}.{self._again()}"
            raise KzooError(message) from error
        if not isinstance(found, dict) or not isinstance(found.get("schema_version"), int):
            message = f"{self.manifest_path} is not the manifest of a kzoo run."
            raise KzooError(message)
        if found["schema_version"] > SCHEMA_VERSION:
            message = (
                f"{self.manifest_path} was written by a newer kzoo (its schema is {found['schema_version']}, this kzoo "
                f"reads up to {SCHEMA_VERSION}). Upgrade with `pip install --upgrade kzoo`."
            )
            raise KzooError(message)
        try:
            return Manifest.from_dict(found)
        except ValueError as error:
            message = f"{self.manifest_path} is damaged: {error}."
            raise KzooError(message) from error

    def number(self) -> int | None:
        """Return the how-many-th run of its folder of runs it is; None where its ``run.json`` does not say."""
        import msgspec

        try:
            found = msgspec.json.decode(self.manifest_path.read_bytes(), type=dict[str, Any]).get("number")
        except (OSError, ValueError, RecursionError):
            return None  # `manifest` says what is wrong with it
        return found if type(found) is int and found > 0 else None

    def caution(self) -> str:
        """Return what to know before its model is used: that the run did not come to its end; empty where it did."""
        try:
            manifest = self.manifest()
        except KzooError as error:
            return f"What became of the run {self.name} cannot be told. {error}"
        training = manifest.training
        if manifest.status == "running" and not is_held(self.path):
            return f"The run {self.name} was killed before its end. `kzoo run --resume` goes on with it."
        came = f"after {training.epochs} whole epochs" if training else "and says not how far it came"
        if manifest.status == "running" and training is None:
            what = "is still training. Its model may be that of an early epoch"
        elif manifest.status == "running":
            what = "was trained, and is still being tested"
        elif manifest.status == "interrupted" and "trained" in manifest.completed:
            what = f"was trained and not tested: it was stopped by {manifest.signal or 'somebody'}"
        elif manifest.status == "interrupted":
            what = f"was stopped by {manifest.signal or 'somebody'} {came}"
        elif manifest.status == "failed":
            what = f"failed: {manifest.error.rstrip('.') or 'nobody wrote why'}"
        elif manifest.status == "pruned":
            what = f"was given up {came}: {manifest.error.rstrip('.') or 'nobody wrote why'}"
        else:
            return ""
        return f"The run {self.name} {what}."

    def status(self, manifest: Manifest | None = None) -> str:
        """Return what became of it: the status of its record, ``killed`` where that is ``running`` and nobody trains.

        Args:
            manifest: Its record, where that was read already.

        Raises:
            KzooError: The record cannot be read.
        """
        status = (manifest or self.manifest()).status
        return "killed" if status == "running" and not is_held(self.path) else status

    def epochs(self) -> str:
        """Return how many epochs of a run that has not ended were gone through, of how many: ``3/10``."""
        try:
            total = str(self.config().train.epochs)
        except KzooError:
            total = "?"
        try:
            rows = max(len((self.path / "metrics.csv").read_text("utf-8").splitlines()) - 1, 0)
        except (OSError, UnicodeDecodeError):
            rows = 0
        return f"{rows}/{total}"

    def update(self, **changes: Any) -> Manifest:
        """Change fields of the manifest, write it whole and return it.

        At the end of the run, where `status` becomes another than ``running``, it also gets the SHA-256 of the models.
        """
        if changes.get("status", "running") != "running":
            models = [path for path in (self.model_path, self.best_path) if path.exists()]
            changes["models"] = {path.name: sha256_of(path) for path in models}
        manifest = replace(self.manifest(), **changes)
        write_json(self.manifest_path, manifest.to_dict())
        return manifest

    def discard(self) -> None:
        """Remove the folder of a run that could not begin; what the disk keeps from being removed stays."""
        shutil.rmtree(self.path, ignore_errors=True)

    def texts(self) -> dict[Path, str]:
        """Return its settings and its record as they stand, by path, to be written again."""
        return {path: path.read_text("utf-8") for path in (self.config_path, self.manifest_path)}

    def begin_again(self, config: RunConfig, resumption: Mapping[str, Any]) -> None:
        """Record that the run goes on, with these settings; raise `KzooError` where its folder cannot be written."""
        try:
            before = self.config_path.read_text("utf-8")
            if (now := revised(before, config.values)) != before:
                write_text(self.config_path, now)
            resumed = [*self.manifest().resumed, dict(resumption)]
            self.update(status="running", signal="", error="", completed=[], models={}, measures={}, resumed=resumed)
        except OSError as error:
            message = f"The run's folder {self.path} cannot be written: {error.strerror or error}."
            raise KzooError(message) from error

    def config(self) -> RunConfig:
        """Return the run's settings; raise `KzooError` where its ``config.toml`` is missing or broken."""
        stored = read_toml(inside(self.config_path, self.path))
        try:
            return RunConfig.merge([(str(self.config_path), stored)])
        except UsageError as error:
            message = f"The settings of the run {self.path}, in its config.toml, are damaged: {error}"
            raise KzooError(message) from error

    def has_model(self) -> bool:
        """Return whether `saved_model` has something to return."""
        return self.model_path.exists() or (self.best_path.exists() and self.status() != "done")

    def saved_model(self) -> Path:
        """Return the final model, or the best one of a run that did not end; raise `KzooError` if there is none."""
        if self.model_path.exists():
            return self.model_path
        status = self.status()
        if self.best_path.exists():
            if status == "done":
                message = (
                    f"The final model of the run, {self.model_path}, is gone. The model of its best epoch is still "
                    f"there: name {self.best_path} to use that."
                )
                raise KzooError(message)
            return self.best_path
        why = {"running": "none has been saved yet", "killed": "that came before one was saved"}.get(
            status, "none was saved"
        )
        message = f"The run {self.path} holds no model: its status is `{status}`, and {why}."
        raise KzooError(message)


def create_run(root: Path, config: RunConfig, manifest: Manifest) -> Run:
    """Make a new run directory with its settings and its manifest, status ``running``."""
    started = dt.datetime.now(dt.UTC)
    label = re.sub(r"[^A-Za-z0-9.]+", "-", config.label).strip("-")[:60].rstrip("-.")
    stem = f"{started:%Y%m%dT%H%M%SZ}-{label}-s{config.seed}"
    folder = root / config.pipeline
    run = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        run = Run(_new_folder(folder, stem))
        write_text(run.config_path, config.to_toml())
        whole = replace(
            manifest,
            status="running",
            pipeline=config.pipeline,
            recipe=config.recipe,
            seed=config.seed,
            label=config.label,
            started=started.isoformat(timespec="seconds"),
            number=_next_number([one for one in list_runs(root) if one != run]),
        )
        write_json(run.manifest_path, whole.to_dict())
    except (OSError, KzooError) as error:
        if run is not None:
            run.discard()
        if isinstance(error, KzooError):
            raise
        message = f"The run's folder under {folder} cannot be written: {error.strerror}. Choose another with --out DIR."
        raise KzooError(message) from error
    return run


def _next_number(others: Iterable[Run]) -> int:
    """Return the number of a run that is made after these, the oldest first.

    One whose record cannot be read now has taken a number, too: it has its place again when the record is back.
    """
    last = 0
    for run in others:
        last = run.number() or last + 1
    return last + 1


def _new_folder(folder: Path, stem: str) -> Path:
    """Make a folder that did not exist: runs that start in the same second get a number."""
    number = 1
    while True:
        path = folder / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def list_runs(root: Path, pipeline: str | None = None) -> list[Run]:
    """Return the runs under ``root``, oldest first: in the order in which they were made, whatever the clock said.

    One that tells no number has its place by the time in its name, after the run before it.

    Raises:
        KzooError: The folder cannot be searched, so nobody knows what is in it.
    """
    found = sorted(map(Run, _folders(root)), key=lambda run: run.path.name)
    placed, number = [], 0
    for run in found:
        number = run.number() or number
        placed.append((number, run.path.name, run))
    ordered = [run for *_, run in sorted(placed, key=lambda place: place[:2])]
    return [run for run in ordered if pipeline in (None, run.path.parent.name)]


def _folders(root: Path) -> list[Path]:
    """Return the folders two levels down that have a record; `Path.glob` would pass over what cannot be searched."""
    found = []
    try:
        pipelines = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
        for folder in pipelines:
            found += [path for path in folder.iterdir() if (path / "run.json").is_file()]
    except OSError as error:
        message = f"The runs in {root} cannot be listed: {error.filename or root}: {error.strerror or error}."
        raise KzooError(message) from error
    return found


def find_run(text: str, root: Path = DEFAULT_ROOT) -> Run:
    """Return the run that ``text`` means: its folder, a file in it, ``last``, or the start of its name under ``root``.

    Raises:
        UsageError: Nothing fits, or several runs do.
    """
    if not text.strip():
        message = (
            "An empty text names no run, perhaps from a variable that is not set. Give its folder, its name, or "
            "`last`; `kzoo runs` lists them."
        )
        raise UsageError(message)
    path = Path(text).expanduser()
    if path.is_file() and (path.parent / "run.json").exists():
        return Run(path.parent)
    if path.is_dir() and (path / "run.json").exists():
        return Run(path)
    if path.exists():
        what = "it holds no run.json" if path.is_dir() else "it is a file, and neither a .keras model nor one of a run"
        message = f"{path} is not a run: {what}. `kzoo runs` lists the runs of this folder, `last` is the newest."
        raise UsageError(message)
    runs = list_runs(root)
    if text == "last" and runs:
        return runs[-1]
    named = [run for run in runs if run.path.name.startswith(text) or run.name.startswith(text)]
    if len(named) == 1:
        return named[0]
    if named:
        message = (
            f"`{text}` could mean several runs: {', '.join(run.name for run in named[-5:])}. Give more of the name."
        )
        raise UsageError(message)
    there = root.absolute()
    where = f"of the {len(runs)} run(s) in {there} none has that name" if runs else f"there are no runs in {there}"
    message = f"There is no run `{text}`: it is no folder, and {where}. `kzoo runs` lists them; `last` is the newest."
    raise UsageError(message)
