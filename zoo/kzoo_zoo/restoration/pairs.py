"""Which files are pictures, which of them belong together as damaged and true, and of which split they are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kzoo.data.split_names import split_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["LAYOUT", "Files", "Found", "files_in"]

LAYOUT = (
    "a folder of pictures, in folders of any names, or in train, val and test; or pairs, in a folder `damaged` and a "
    "folder `clean` whose files are called alike (damaged/1.jpg, clean/1.png)"
)

_CLEAN = frozenset({"clean", "true", "truth", "gt", "groundtruth", "ground_truth", "target", "targets", "hr", "sharp"})
_DAMAGED = frozenset({"damaged", "noisy", "degraded", "input", "inputs", "lr", "blur", "blurry", "compressed"})
_NAMES = dict.fromkeys(_CLEAN, "clean") | dict.fromkeys(_DAMAGED, "damaged")


@dataclass(frozen=True)
class Found:
    """A picture.

    Attributes:
        clean: The file of the true picture.
        damaged: The file of the damaged one, or None where damage is done to the true one.
        name: What it is called: where it is below the data's folder.
        split: ``train``, ``validation``, ``test``, or an empty text.
    """

    clean: Path
    damaged: Path | None
    name: str
    split: str


@dataclass
class Files:
    """The pictures of a folder.

    Attributes:
        found: The pictures.
        faults: What is wrong, each with its file.
        pairs: Whether damaged pictures came with the true ones.
    """

    found: list[Found] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    pairs: bool = False


def files_in(root: Path, paths: Sequence[Path]) -> Files:
    """Return what the files below a folder are: pairs where there are both sorts of folders, else true pictures."""
    kinds = {path: _kind(path.relative_to(root).parts[:-1]) for path in paths}
    if set(kinds.values()) >= {"clean", "damaged"}:
        return _pairs(root, kinds)
    found = []
    for path in paths:
        inside = path.relative_to(root)
        found.append(Found(path, None, inside.as_posix(), _split(inside.parts[:-1])))
    return Files(found)


def _pairs(root: Path, kinds: dict[Path, str]) -> Files:
    files = Files(pairs=True)
    sides: dict[tuple[str, ...], dict[str, list[Path]]] = defaultdict(lambda: {"clean": [], "damaged": []})
    for path, kind in kinds.items():
        inside = path.relative_to(root)
        if not kind:
            files.faults.append(f"{inside.as_posix()}: it is neither in a folder `clean` nor in one `damaged`")
            continue
        key = (*(part for part in inside.parts[:-1] if part.lower() not in _NAMES), path.stem)
        sides[key][kind].append(path)
    for key in sorted(sides):
        clean, damaged = sides[key]["clean"], sides[key]["damaged"]
        names = [path.relative_to(root).as_posix() for path in (*clean, *damaged)]
        if not clean or not damaged:
            missing = "clean" if not clean else "damaged"
            files.faults += [f"{name}: none in a folder `{missing}` is called `{key[-1]}` too" for name in names]
        elif len(clean) > 1 or len(damaged) > 1:
            files.faults.append(f"{' and '.join(names)}: they are called alike, and which is meant is not said")
        else:
            split = _split(clean[0].relative_to(root).parts[:-1])
            files.found.append(Found(clean[0], damaged[0], names[0], split))
    return files


def _kind(parts: Sequence[str]) -> str:
    """Return which side of a pair the folders of a file speak of: ``clean``, ``damaged``, or an empty text."""
    return next((_NAMES[part.lower()] for part in reversed(parts) if part.lower() in _NAMES), "")


def _split(parts: Sequence[str]) -> str:
    return next((split for part in parts if (split := split_of(part)) is not None), "")
