"""Which image file an annotation means, and which split a file belongs to by its name."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

from kzoo.data.images import find_images

__all__ = ["ImageFinder", "split_of"]

_SPLITS = {
    "train": "train", "training": "train", "trainval": "train",
    "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip


def split_of(name: str) -> str | None:
    """Return the split that a file's or folder's name speaks of; None where it speaks of none.

    Example:
        >>> [split_of(name) for name in ("instances_val2017", "Train", "raccoon-1", "test")]
        ['validation', 'train', None, 'test']
    """
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if word]
    found = {_SPLITS[word] for word in words if word in _SPLITS}
    return found.pop() if len(found) == 1 else None


class ImageFinder:
    """Finds the images that annotations name, in a folder and those below it.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def images(self) -> list[Path]:
        """All images, sorted."""
        return find_images(self.root)

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in self.images:
            found.setdefault(path.name, []).append(path)
        return found

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in self.images:
            found.setdefault(path.stem, []).append(path)
        return found

    def find(self, name: str, near: Path, *, stem: str = "") -> Path | None:
        """Return the image that ``name`` means in a file of the folder ``near``; None where there is none.

        Args:
            name: A name or a path, as an annotation has it. Paths of another machine are taken by their last part.
            near: The folder of the file that names it.
            stem: The name without its ending to look for where there is none of that name.
        """
        name = name.replace("\\", "/")
        for folder in (near, self.root, self.root / "images"):
            if name and (folder / name).is_file():
                return folder / name
        for found in (self._by_name.get(Path(name).name, []), self._by_stem.get(stem, [])):
            if found:
                return min(found, key=lambda path: (not _same_split(path, near), len(path.parts), str(path)))
        return None


def _same_split(path: Path, near: Path) -> bool:
    return bool({split_of(part) for part in path.parts[:-1]} & ({split_of(part) for part in near.parts} - {None}))
