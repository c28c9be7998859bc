"""Folders between machines that share none: in a store that all of them reach, by fsspec, such as ``s3://bucket/place``.

A worker puts there what changes in the folder that it fills; whoever asked for the work takes it from there.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError, words_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Storage"]


class Storage:
    """A place in a store of files.

    Args:
        url: Its address, as fsspec has it.

    Raises:
        KzooError: There is no such kind of store, or the package for it is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            import fsspec
        except ImportError as error:
            message = f"--store needs fsspec, which cannot be imported: {words_of(error)}. `pip install 'kzoo[ray]'`."
            raise KzooError(message) from error
        self._files, self._root = self._told("opened", lambda: fsspec.core.url_to_fs(self.url))
        self._put: dict[str, tuple[int, int]] = {}

    def put(self, folder: Path, name: str) -> None:
        """Put a folder into the store under a name: files that have changed since, and none that are gone.

        Raises:
            KzooError: The store refuses.
        """
        there = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                with_state = path.stat()
                there[path.relative_to(folder).as_posix()] = with_state.st_mtime_ns, with_state.st_size
        for part, now in there.items():
            if self._put.get(f"{name}/{part}") == now:
                continue
            self._told("written", partial(self._file_there, folder / part, f"{self._root}/{name}/{part}"))
            self._put[f"{name}/{part}"] = now
        for gone in [key for key in self._put if key.startswith(f"{name}/") and key[len(name) + 1 :] not in there]:
            self._told("written", partial(self._files.rm, f"{self._root}/{gone}"))
            del self._put[gone]

    def get(self, name: str, folder: Path) -> bool:
        """Make a folder as it is in the store under a name, whole or not at all; return whether there is one.

        Raises:
            KzooError: The store or the disk refuses.
        """
        if not self._told("read", lambda: self._files.exists(f"{self._root}/{name}")):
            return False
        new = folder.with_name(f".{folder.name}.coming")
        try:
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            for path in self._told("read", lambda: self._files.find(f"{self._root}/{name}")):
                to = new / Path(path).relative_to(Path(self._root) / name)
                to.parent.mkdir(parents=True, exist_ok=True)
                self._told("read", partial(self._files.get_file, path, str(to)))
            if folder.exists():
                shutil.rmtree(folder)
            new.rename(folder)
        except OSError as error:
            message = f"{folder} cannot be written: {error.strerror or error}."
            raise KzooError(message) from error
        return True

    def remove(self, name: str) -> None:
        """Take a folder out of the store, where it is there."""
        if self._told("read", lambda: self._files.exists(f"{self._root}/{name}")):
            self._told("written", lambda: self._files.rm(f"{self._root}/{name}", recursive=True))

    def names(self, mark: str) -> list[str]:
        """Return the names of all folders in the store that hold a file of a name."""
        if not self._told("read", lambda: self._files.exists(self._root)):
            return []
        found = [Path(path) for path in self._told("read", lambda: self._files.find(self._root))]
        return sorted(path.parent.relative_to(self._root).as_posix() for path in found if path.name == mark)

    def _file_there(self, path: Path, to: str) -> None:
        self._files.makedirs(to.rpartition("/")[0], exist_ok=True)
        try:
            self._files.put_file(str(path), to)
        except FileNotFoundError:
            if path.exists():
                raise  # else it was replaced or removed meanwhile, and is seen to the next time

    def _told(self, what: str, do: Callable[[], Any]) -> Any:
        """Return what a call returns; say in one paragraph what the store says where it fails."""
        try:
            return do()
        except KzooError:
            raise
        except Exception as error:
            message = f"The store {self.url} cannot be {what}: {words_of(error)}."
            raise KzooError(message) from error
