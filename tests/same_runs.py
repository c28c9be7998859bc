"""What differs between two run folders that ought to hold the same run."""

import csv
import json
import re
import zipfile
from pathlib import Path

import h5py

__all__ = ["differences"]

# What a clock, a folder's name or a second start of a process decides.
_FREE = {
    "date_saved",
    "run",
    "shared_object_id",
    "started",
    "argv",
    "timings",
    "resumed",
    "images_per_second",
    "models",
    "environment",
    "host",
    "location",
    "description",
}
_OF_TIME = re.compile(
    r"<h2>(Time|Command|Settings)</h2>.*?(?=<h2>|</body>)|<tr><th>(?:date|machine)</th>.*?</tr>", re.DOTALL
)


def differences(one: Path, other: Path) -> list[str]:
    """Return a line for each file that differs, the state and the lock left out."""
    names = [{str(path.relative_to(folder)) for path in _files(folder)} for folder in (one, other)]
    found = [f"{name} is only in one" for name in sorted(names[0] ^ names[1])]
    for name in sorted(names[0] & names[1]):
        read = _READERS.get(Path(name).suffix, Path.read_bytes)
        a, b = read(one / name), read(other / name)
        if a != b:
            found.append(f"{name} differs{_where(a, b)}")
    return found


def _files(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".training.lock" and path.relative_to(folder).parts[0] != "state"
    ]


def _model(path: Path) -> dict[str, object]:
    """Return all that a model file holds but the day on which it was written and the run that it names."""
    found: dict[str, object] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".h5"):
                with archive.open(name) as raw, h5py.File(raw, "r") as file:
                    file.visititems(lambda key, item: _note(found, key, item))
            elif name.endswith(".json"):
                found[name] = _without(json.loads(archive.read(name)))
            else:
                found[name] = archive.read(name)
    return found


def _note(found, key, item):
    if isinstance(item, h5py.Dataset):
        found[key] = (str(item.dtype), item.shape, item[()].tobytes())


def _record(path: Path) -> dict[str, object]:
    return _without(json.loads(path.read_text("utf-8")))


def _without(value):
    if isinstance(value, dict):
        return {key: _without(item) for key, item in value.items() if key not in _FREE and not key.startswith("sha")}
    return [_without(item) for item in value] if isinstance(value, list) else value


def _log(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text("utf-8").splitlines()))


def _page(path: Path) -> str:
    return _OF_TIME.sub("", path.read_text("utf-8")).replace(path.parent.name, "RUN")


def _where(one, other) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [key for key in {**one, **other} if one.get(key) != other.get(key)]
        deeper = _where(one.get(keys[0]), other.get(keys[0])) if len(keys) == 1 else ""
        return f" in {', '.join(map(str, keys[:5]))}{deeper}"
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        at = next(at for at, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1])
        return f" in {at}{_where(one[at], other[at])}"
    return f": {one!r:.80} and {other!r:.80}" if isinstance(one, str | int | float) else ""


_READERS = {".keras": _model, ".json": _record, ".csv": _log, ".html": _page}
