"""Folders walked: the visible files below one in their order, within a limit, and what was left out, in words."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MOST_ENTRIES", "Tree", "counted", "is_hidden", "own_files", "sample_of", "subfolders", "walk"]

MOST_ENTRIES = 2_000_000
"""A folder with more files and folders in it and below is refused: it is a disk and not a data set."""

_HIDDEN = (".", "__MACOSX", "__pycache__", "@eaDir", "$RECYCLE.BIN", "System Volume Information")
_HIDDEN_BY_WINDOWS = frozenset({"thumbs.db", "desktop.ini"})
_NAMED, _KINDS = 3, 12


@dataclass(frozen=True)
class Tree:
    """What is below a folder.

    Attributes:
        root: The folder.
        files: All that is visible and no folder, sorted by path; links that lead nowhere, pipes and devices are among
            them, so that whoever wants to read one can say why it cannot.
        unfollowed: Links to a folder that holds the root itself.
    """

    root: Path
    files: tuple[Path, ...]
    unfollowed: tuple[Path, ...] = ()

    def named(self, suffixes: Iterable[str]) -> list[Path]:
        """Return the files whose names end so; the suffixes in small letters."""
        wanted = frozenset(suffixes)
        return [path for path in self.files if path.suffix.lower() in wanted]


def is_hidden(name: str) -> bool:
    """Return whether a file or folder of this name is no part of a data set: hidden, or the droppings of a system.

    macOS puts a ``._name.jpg`` beside every file of a zip; Jupyter and editors keep old copies in hidden folders.
    """
    return name.startswith(_HIDDEN) or name.lower() in _HIDDEN_BY_WINDOWS


def subfolders(folder: Path) -> list[Path]:
    """Return the visible folders in a folder, sorted; links to folders among them.

    Raises:
        DataError: The folder cannot be listed.
    """
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name))
    except OSError as error:
        raise _unlisted(folder, error) from error


def own_files(folder: Path) -> list[Path]:
    """Return the visible files in a folder itself, sorted.

    Raises:
        DataError: The folder cannot be listed.
    """
    try:
        return sorted(path for path in folder.iterdir() if not is_hidden(path.name) and not path.is_dir())
    except OSError as error:
        raise _unlisted(folder, error) from error


def walk(root: Path) -> Tree:
    """Return what is below a folder.

    Links to folders are followed, each folder once, but not those that lead to a folder above: that is a circle.

    Raises:
        DataError: It is the root of the file system, has more than `MOST_ENTRIES` files and folders, or one of its
            folders cannot be listed.
    """
    walked = _Walk(root)
    while walked.folders or walked.links:
        # Real folders first: what is there by itself and by a link as well goes by its own name.
        folder = walked.folders.pop() if walked.folders else walked.links.pop()
        try:
            walked.list(folder)
        except OSError as error:
            raise _unlisted(Path(folder), error) from error
        walked.links.sort(reverse=True)
    return Tree(root, tuple(sorted(map(Path, walked.files))), tuple(sorted(map(Path, walked.unfollowed))))


class _Walk:
    """What a walk has found, as texts: a Path takes several times the room."""

    def __init__(self, root: Path) -> None:
        real = Path(os.path.realpath(root))
        if real == real.parent:
            message = f"{root} is the root of the file system, not the folder of a data set. Name the folder itself."
            raise DataError(message)
        self.root, self.count = root, 0
        self.above = {str(folder) for folder in (real, *real.parents)}
        # And the folders that it is seen in, where it is a link itself: a class may be one, and lead back to the set.
        self.above |= {os.path.realpath(folder) for folder in Path(os.path.abspath(root)).parents}  # noqa: PTH100
        self.folders, self.links = [str(root)], list[str]()
        self.files, self.unfollowed = list[str](), list[str]()
        self.seen: set[tuple[int, int]] = set()

    def list(self, folder: str) -> None:
        """Take in what is in one folder, unless it was taken in by another name."""
        state = os.stat(folder)  # noqa: PTH116 - a text
        if (state.st_dev, state.st_ino) in self.seen:
            return
        self.seen.add((state.st_dev, state.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                if not is_hidden(entry.name):
                    self.take(entry)

    def take(self, entry: os.DirEntry[str]) -> None:
        """Take in one file or folder."""
        self.count += 1
        if self.count > MOST_ENTRIES:
            message = (
                f"{self.root} holds more than {MOST_ENTRIES:,} files and folders, which is the limit: it is a disk "
                "rather than a data set. Name the folder of the data."
            )
            raise DataError(message)
        if entry.is_dir(follow_symlinks=False):
            self.folders.append(entry.path)
        elif not entry.is_symlink() or not os.path.isdir(entry.path):  # noqa: PTH112 - a text
            self.files.append(entry.path)
        elif os.path.realpath(entry.path) in self.above:
            self.unfollowed.append(entry.path)
        else:
            self.links.append(entry.path)


def counted(files: Iterable[Path], root: Path) -> str:
    """Return how many files there are of each suffix, with the names of some, the most first.

    Example:
        >>> counted([Path("a/1.heic"), Path("a/2.heic"), Path("a/LICENSE")], Path("a"))
        '2 .heic (1.heic, 2.heic), 1 without a suffix (LICENSE)'
    """
    kinds: dict[str, list[Path]] = {}
    for path in files:
        kind = path.suffix.lower().encode(errors="backslashreplace").decode()
        kinds.setdefault(kind or "without a suffix", []).append(path)
    order = sorted(kinds, key=lambda kind: (-len(kinds[kind]), kind))
    texts = [f"{len(kinds[kind]):,} {kind} ({sample_of(kinds[kind], root)})" for kind in order[:_KINDS]]
    if rest := order[_KINDS:]:
        texts.append(f"{sum(len(kinds[kind]) for kind in rest):,} of {len(rest)} other kinds")
    return ", ".join(texts)


def sample_of(files: Iterable[Path], root: Path, most: int = _NAMED) -> str:
    """Return the names of the first files, from the root."""
    names = [path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path) for path in files]
    listed = ", ".join(names[:most]) + (", ..." if len(names) > most else "")
    return listed.encode(errors="backslashreplace").decode()  # a name need not be text


def _unlisted(folder: Path, error: OSError) -> DataError:
    return DataError(f"The folder {folder} cannot be listed: {error.strerror or error}.")
