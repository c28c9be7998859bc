"""A run's settings and record without what belongs to the machine that it was trained on.

Of the record only what is named here goes out: where it was trained, by which command line and from which folder is
nobody's matter, and a field that a later version adds stays here until somebody adds it to the list.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from kzoo.runs.config import RunConfig
from kzoo.runs.manifest import DataRecord, Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OWN_DATA", "cleaned_config", "cleaned_manifest"]

OWN_DATA = "NAME-YOUR-DATA"
"""What stands for the path of a publisher's data: it is no file, so that it is not taken for one."""

_WORDS = ("auto", "real", "sample")
_KEPT = (
    "schema_version", "status", "completed", "pipeline", "recipe", "seed", "label", "started", "plugins", "callbacks",
    "task", "model", "results", "measures", "timings", "training",
)  # fmt: skip
_PATH = re.compile(r"[/\\]|^~")


def cleaned_config(config: RunConfig) -> tuple[str, list[str]]:
    """Return the settings as a TOML file without paths and origins, and the settings that held a path.

    Of a path the name of its file stays; that of the data becomes `OWN_DATA`.
    """
    changed: list[str] = []
    values = _without_paths(config.values, "", changed)
    source = config.data.source
    if source not in _WORDS:
        values = {**values, "data": {**values["data"], "source": OWN_DATA}}
        changed = [key for key in changed if key != "data.source"] + ["data.source"]
    return RunConfig(values).to_toml(origins=False), changed


def _without_paths(value: Any, key: str, changed: list[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without_paths(one, f"{key}.{name}".lstrip("."), changed) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_paths(one, key, changed) for one in value]
    if not isinstance(value, str) or not _PATH.search(value):
        return value
    changed.append(key)
    return _last(value)


def _last(path: str) -> str:
    return PureWindowsPath(PurePosixPath(path).name).name


def cleaned_manifest(manifest: Manifest, models: Mapping[str, str]) -> Manifest:
    """Return what of a run's record goes out.

    Args:
        manifest: The record.
        models: The SHA-256 of the models that go with it, by the names of their files.
    """
    data = manifest.data
    own = data.used == "path"
    versions = manifest.environment.get("versions")
    return Manifest(
        **{name: getattr(manifest, name) for name in _KEPT},
        models=dict(models),
        environment={"versions": versions} if isinstance(versions, dict) else {},
        data=DataRecord(
            requested="path" if own else data.requested,
            used=data.used,
            description=_described(data) if own else data.description,
            sizes=data.sizes,
            class_names=data.class_names,
            schema=data.schema,
            fingerprint=data.fingerprint,
        ),
    )


def _described(data: DataRecord) -> str:
    """Return the line that describes own data, without the names of the folders and files that it was read from."""
    text = data.description
    for place in {data.location, *data.location.split(",")}:
        for name in filter(None, (place, Path(place).name)):
            text = re.sub(rf"( from)? {re.escape(name)}(?![\w.-])", "", text)
    return text
