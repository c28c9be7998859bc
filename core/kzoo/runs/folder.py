"""The run directory and its manifest, ``run.json``.

A run lives in ``<root>/<pipeline>/<UTC time>-<label>-s<seed>/`` and is never overwritten. Every file in it is
written whole.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kzoo.errors import KzooError, UsageError
from kzoo.files import write_json, write_text
from kzoo.runs.config import RunConfig, read_toml
from kzoo.runs.manifest import SCHEMA_VERSION, Manifest

__all__ = ["DEFAULT_ROOT", "Run", "create_run", "find_run", "list_runs"]

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
    def name(self) -> str:
        """Pipeline and folder name, which `find_run` finds again."""
        return f"{self.path.parent.name}/{self.path.name}"

    def manifest(self) -> Manifest:
        """Return what ``run.json`` holds; raise `KzooError` where it is missing, broken or from a newer kzoo."""
        try:
            found = json.loads(self.manifest_path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            message = f"{self.path} is not a run: it holds no run.json."
            raise KzooError(message) from error
        except (OSError, ValueError) as error:
            message = f"{self.manifest_path} cannot be read: {error}."
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

    def update(self, **changes: Any) -> Manifest:
        """Change fields of the manifest, write it whole and return it."""
        manifest = replace(self.manifest(), **changes)
        write_json(self.manifest_path, manifest.to_dict())
        return manifest

    def config(self) -> RunConfig:
        """Return the run's settings; raise `KzooError` where its ``config.toml`` is missing or broken."""
        stored = read_toml(self.config_path)
        try:
            return RunConfig.merge([(str(self.config_path), stored)])
        except UsageError as error:
            message = f"The settings of the run {self.path}, in its config.toml, are damaged: {error}"
            raise KzooError(message) from error

    def saved_model(self) -> Path:
        """Return the final model, or the best one of a run that did not end; raise `KzooError` if there is none."""
        if self.model_path.exists():
            return self.model_path
        status = self.manifest().status
        if self.best_path.exists():
            if status == "done":
                message = (
                    f"The final model of the run, {self.model_path}, is gone. The model of its best epoch is still "
                    f"there: name {self.best_path} to use that."
                )
                raise KzooError(message)
            return self.best_path
        why = "no model has been saved yet, or it was killed before" if status == "running" else "none was saved"
        message = f"The run {self.path} holds no model: its status is `{status}`, and {why}."
        raise KzooError(message)


def create_run(root: Path, config: RunConfig, manifest: Manifest) -> Run:
    """Make a new run directory with its settings and its manifest, status ``running``."""
    started = dt.datetime.now(dt.UTC)
    label = re.sub(r"[^A-Za-z0-9.]+", "-", config.label).strip("-")[:60]
    stem = f"{started:%Y%m%dT%H%M%SZ}-{label}-s{config.seed}"
    folder = root / config.pipeline
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = _new_folder(folder, stem)
        run = Run(path)
        write_text(run.config_path, config.to_toml())
        whole = replace(
            manifest,
            status="running",
            pipeline=config.pipeline,
            recipe=config.recipe,
            seed=config.seed,
            label=config.label,
            started=started.isoformat(timespec="seconds"),
        )
        write_json(run.manifest_path, whole.to_dict())
    except OSError as error:
        message = f"The run's folder under {folder} cannot be written: {error.strerror}. Choose another with --out DIR."
        raise KzooError(message) from error
    return run


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
    """Return the runs under ``root``, oldest first."""
    found = [Run(path.parent) for path in root.glob(f"{pipeline or '*'}/*/run.json")]
    return sorted(found, key=lambda run: run.path.name)


def find_run(text: str, root: Path = DEFAULT_ROOT) -> Run:
    """Return the run that ``text`` means: its folder, a file in it, ``last``, or the start of its name under ``root``.

    Raises:
        UsageError: Nothing fits, or several runs do.
    """
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
