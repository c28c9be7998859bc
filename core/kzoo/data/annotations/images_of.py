"""Which image file an annotation means, and which split it is of; two that may be meant are never chosen between."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from kzoo.data.decoding import IMAGE_SUFFIXES
from kzoo.data.split_names import splits_in
from kzoo.data.walking import counted, sample_of
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kzoo.data.annotations.records import FoundImage
    from kzoo.data.walking import Tree

__all__ = ["ImageFinder", "Match", "by_split", "split_between", "unused_notes"]

_IMAGE_FOLDERS = frozenset({"images", "jpegimages", "imgs", "img"})


@dataclass(frozen=True)
class Match:
    """What was found for a name.

    Attributes:
        path: The image; None where there is none, or it stays open which one.
        split: The split that its folders speak of, or an empty text.
        fault: Why it stays open, as a sentence on the image; or an empty text.
    """

    path: Path | None = None
    split: str = ""
    fault: str = ""


def split_between(root: Path, path: Path) -> str:
    """Return the split that the folders between a root and a file speak of; an empty text where none does.

    Raises:
        DataError: Two of them speak of different ones.
    """
    folders = path.relative_to(root).parts[:-1]
    found = splits_in(folders)
    if len(found) > 1:
        message = (
            f"{path} is in folders that speak of {' and '.join(sorted(found))}: which split is it of? Name the folder "
            "of one data set with --data, or give the folders other names."
        )
        raise DataError(message)
    return found.pop() if found else ""


class ImageFinder:
    """Finds the images that annotations name, among the files below a folder.

    Args:
        tree: The folder.
    """

    def __init__(self, tree: Tree) -> None:
        self.root = tree.root
        self.images = tree.named(IMAGE_SUFFIXES)
        self._known = frozenset(self.images)
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        for path in self.images:
            self._by_name[path.name.lower()].append(path)
            self._by_stem[path.stem].append(path)

    def find(self, name: str, near: Path, *, split: str = "", stem: str = "") -> Match:
        """Return the image that ``name`` means in a file of the folder ``near``.

        A path with folders means the file there, seen from ``near`` or the root. Else all images of the name may be
        meant, whatever the folders of another machine: first those of the annotation's own split, then those of none,
        of these the ones with most folders in common with the name, and then the nearest to ``near``.

        Args:
            name: A name or a path, as an annotation has it.
            near: The folder of the file that names it.
            split: The split of the annotation, or an empty text.
            stem: What the file that names it is called without its ending, where it is of one image alone: an image
                called so is looked for where there is none of that name, and may not be another one.
        """
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if len(parts) > 1 and (stated := self._stated(parts, near)) is not None:
            return Match(stated, split or split_between(self.root, stated))
        named = self._best(self._named(parts, stem=bool(stem)), parts, near, split)
        own = self._best(self._by_stem.get(stem, []), (), near, split) if stem else []
        found = named or own
        if len(found) > 1:
            return Match(fault=f"it may mean {self._listed(found)}: which of them, its place does not say")
        if named and own and all(path.stem != named[0].stem for path in own):
            return Match(fault=f"it names {named[0].name}, and {self._listed(own)} is called as it is itself")
        if not found:
            return Match()
        splits = splits_in(found[0].relative_to(self.root).parts[:-1])
        return Match(found[0], split if split in splits else split_between(self.root, found[0]))

    def _stated(self, parts: Sequence[str], near: Path) -> Path | None:
        for folder in (near, self.root):
            path = Path(os.path.normpath(folder.joinpath(*parts)))
            if path in self._known:
                return path
        return None

    def _named(self, parts: Sequence[str], *, stem: bool) -> list[Path]:
        if not parts:
            return []
        same = [path for path in self._by_name.get(parts[-1].lower(), []) if path.name == parts[-1]]
        # A name in capitals or without its ending is how some programs write it.
        same = same or self._by_name.get(parts[-1].lower(), [])
        return same or (self._by_stem.get(parts[-1], []) if stem else [])

    def _best(self, paths: Sequence[Path], parts: Sequence[str], near: Path, split: str) -> list[Path]:
        """Return the likeliest images; more than one where nothing tells them apart."""
        if len(paths) < 2:  # noqa: PLR2004 - nothing to choose between
            return list(paths)
        ranks = {path: self._rank(path, parts, near, split) for path in paths}
        least = min(ranks.values())
        return [path for path in paths if ranks[path] == least]

    def _rank(self, path: Path, parts: Sequence[str], near: Path, split: str) -> tuple[int, ...]:
        folders = path.relative_to(self.root).parts[:-1]
        splits = splits_in(folders)
        other = bool(split and split not in splits)
        common = _common(reversed(folders), reversed(parts[:-1]))
        place = near.relative_to(self.root).parts if near.is_relative_to(self.root) else ()
        distance = len(place) + len(folders) - 2 * _common(place, folders)
        return other + (other and bool(splits)), -common, distance, path.parent.name.lower() not in _IMAGE_FOLDERS

    def _listed(self, paths: Sequence[Path]) -> str:
        return " or ".join(path.relative_to(self.root).as_posix() for path in paths[:5])


def by_split(images: Sequence[FoundImage], root: Path) -> tuple[dict[str, list[FoundImage]], list[str]]:
    """Return the images of each split, and what must be said of how they were divided.

    An image is of the split of its annotation, else of that of its folders, else of ``train``. Where the two differ, it
    is taken for the annotation's only if the other split has annotations that do not speak of it: then the images of
    both are kept in one folder. Otherwise it has but the name of one that is missing.
    """
    taken: dict[str, set[Path]] = defaultdict(set)
    found: dict[str, list[FoundImage]] = defaultdict(list)
    for image in images:
        if image.path is not None and not _is_strange(image):
            taken[image.split or image.folder_split or "train"].add(image.path)
    elsewhere = []
    for image in images:
        if image.path is not None and _is_strange(image):
            if image.path in taken[image.folder_split] or not taken[image.folder_split]:
                other = sample_of([image.path], root)
                image.fault = f"the image {image.name} is missing: {other} is one of {image.folder_split}"
                image.path = None
            else:
                elsewhere.append(image.path)
        found[image.split or image.folder_split or "train"].append(image)
    note = (
        f"{len(elsewhere)} image(s) in {root} are in folders of another split than their annotations, and none of that "
        f"split's names them; they are of the split of their annotations: {sample_of(elsewhere, root)}."
    )
    return dict(found), [note] if elsewhere else []


def unused_notes(tree: Tree, images: Iterable[FoundImage], read: Iterable[Path], why: str = "") -> list[str]:
    """Return what must be said of the files below a folder that nothing was made of.

    Args:
        tree: The folder.
        images: The images that were found.
        read: The files that were read.
        why: Why an image is left out, as the end of a sentence; empty where all images are read.
    """
    used = {image.path for image in images} | {*read}
    unused = [path for path in tree.files if path not in used]
    pictures = [path for path in unused if path.suffix.lower() in IMAGE_SUFFIXES]
    others = [path for path in unused if path.suffix.lower() not in IMAGE_SUFFIXES]
    notes = []
    if pictures and why:
        notes.append(f"{len(pictures)} image(s) in {tree.root} {why} and are left out: {counted(pictures, tree.root)}.")
    if others:
        listed = counted(others, tree.root)
        notes.append(
            f"{len(others)} file(s) in {tree.root} are neither images nor annotations that are read: {listed}."
        )
    if tree.unfollowed:
        listed = sample_of(tree.unfollowed, tree.root)
        notes.append(f"Links that lead to a folder above {tree.root} are not followed: {listed}.")
    return notes


def _is_strange(image: FoundImage) -> bool:
    return bool(image.split and image.folder_split and image.split != image.folder_split)


def _common(one: Iterable[str], other: Iterable[str]) -> int:
    """Return how many names two paths have in common from their beginning."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
