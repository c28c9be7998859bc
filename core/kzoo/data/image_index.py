"""Images below a folder, found by what a list calls them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.data.decoding import IMAGE_SUFFIXES
from kzoo.data.split_names import split_of

if TYPE_CHECKING:
    from kzoo.data.walking import Tree

__all__ = ["ImageIndex", "split_in"]


class ImageIndex:
    """The files below a folder by what a list may call them: by path, by name, or by name without its suffix."""

    def __init__(self, tree: Tree) -> None:
        self.root = tree.root
        self._names: dict[str, list[str]] = {}
        self._stems: dict[str, list[str]] = {}
        for path in tree.files:
            name = path.relative_to(tree.root).as_posix()
            last = name.rpartition("/")[2]
            self._names.setdefault(last, []).append(name)
            stem, _, suffix = last.rpartition(".")
            if f".{suffix.lower()}" in IMAGE_SUFFIXES:
                self._stems.setdefault(stem, []).append(name)

    def has(self, text: str) -> bool:
        """Return whether there is one that is called so."""
        return self.find(text) is not None

    def find(self, text: str, split: str | None = None) -> Path | None:
        """Return the file that is meant; of several of one name the one of the split, and None for any other case."""
        wanted = text.strip().replace("\\", "/").removeprefix("./")
        last = wanted.rpartition("/")[2]
        found = self._names.get(last) or self._stems.get(last, [])
        if wanted in found:
            return self.root / wanted
        if "/" in wanted:
            folders = wanted.rpartition("/")[0]
            found = [name for name in found if _same_end(folders, name.rpartition("/")[0])]
        if len(found) > 1 and split:
            found = [name for name in found if split_in(Path(name), Path()) == split] or found
        return self.root / found[0] if len(found) == 1 else None


def _same_end(folders: str, others: str) -> bool:
    """Return whether one of two paths of folders ends with the other, as where they are seen from elsewhere."""
    return f"/{folders}".endswith(f"/{others}".rstrip("/") or "/") or f"/{others}".endswith(f"/{folders}")


def split_in(path: Path, root: Path) -> str | None:
    """Return the split that the outermost folder of a file speaks of, below a root."""
    parts = path.relative_to(root).parts[:-1] if path.is_relative_to(root) else ()
    return next((split for part in parts if (split := split_of(part)) is not None), None)
