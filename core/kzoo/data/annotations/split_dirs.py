"""Folders of splits: one for each, and what lies beside them is left out, as for folders of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.data.split_names import one_too_many, split_of
from kzoo.data.walking import sample_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kzoo.data.annotations.records import FoundImage

__all__ = ["LEARNED_FROM", "without_strays"]

LEARNED_FROM = "are learned from"
"""What is said of images in no folder of a split; whoever only measures says otherwise."""


def without_strays(images: Sequence[FoundImage], root: Path) -> tuple[list[FoundImage], list[FoundImage], list[str]]:
    """Return the images to take, those that are in no folder of a split though others are, and what must be said.

    Without a folder that speaks of ``train``, the images of no split are what there is to learn from.

    Args:
        images: Images whose splits nothing but folders say.
        root: The folder below which they are.

    Raises:
        DataError: Two folders speak of the same split, such as ``train`` and ``train_old``.
    """
    _check_one_each(images, root)
    splits = {split for image in images if image.path is not None and (split := image.split or image.folder_split)}
    unsure = [image for image in images if not (image.split or image.folder_split)]
    if not splits or not unsure:
        return list(images), [], []
    if "train" not in splits:
        listed = sample_of(map(_place, unsure), root)
        note = (
            f"No folder in {root} speaks of train: the {len(unsure)} image(s) that are in no folder of a split "
            f"{LEARNED_FROM}: {listed}."
        )
        return list(images), [], [note]
    around = {
        folder
        for image in images
        if image.split or image.folder_split
        for path in _files(image)
        for folder in path.parents
    }
    apart: dict[int, Path] = {}
    strays: list[FoundImage] = []
    for image in unsure:
        folder = next((found for path in _files(image) if (found := _outermost(path, around))), None)
        if image.fault and image.path is None:
            continue  # it may be one of a split: whoever checks it says what is wrong
        if folder is None and image.path is None:
            continue  # an annotation among those of the splits, whose image is missing
        strays.append(image)
        if folder is not None:
            apart[id(image)] = folder
    left = {id(image) for image in strays}
    return [image for image in images if id(image) not in left], strays, list(_notes(strays, apart, root))


def _notes(strays: Sequence[FoundImage], apart: dict[int, Path], root: Path) -> Iterator[str]:
    """Yield what must be said of images that are left out.

    Args:
        strays: The images.
        apart: By the identity of an image, the folder that holds nothing of a split.
        root: The folder that all are named from.
    """
    for folder in sorted(set(apart.values())):
        count = sum(one == folder for one in apart.values())
        yield (
            f"The folder `{folder.relative_to(root).as_posix()}` in {root} is left out with its {count} image(s): its "
            "name speaks of no split (train, validation, test)."
        )
    if alone := [_place(image) for image in strays if id(image) not in apart]:
        yield f"{len(alone)} image(s) in {root} are in no folder of a split and are left out: {sample_of(alone, root)}."


def _check_one_each(images: Sequence[FoundImage], root: Path) -> None:
    """Raise `DataError` where images, or annotations, of one split are in two folders that speak of it."""
    found: dict[tuple[str, bool], Path] = {}
    for image in images:
        for path in (image.path, image.place.file if _is_own(image) else None):
            if path is None or (called := _called(path, root)) is None:
                continue
            split, folder = called
            if (first := found.setdefault((split, path == image.path), folder)) != folder:
                raise one_too_many(root, split, first, folder)


def _called(path: Path, root: Path) -> tuple[str, Path] | None:
    """Return the split that the outermost folder of a file that speaks of one does, and that folder."""
    folder = root
    for part in path.relative_to(root).parts[:-1]:
        folder /= part
        if (split := split_of(part)) is not None:
            return split, folder
    return None


def _is_own(image: FoundImage) -> bool:
    """Return whether an image's annotation is a file of its own that says its split; texts lie where images do."""
    return image.place.file.suffix.lower() == ".xml"


def _files(image: FoundImage) -> list[Path]:
    """Return the files that show which folder an image is in: itself and, where that is of it alone, its annotation."""
    own = [image.place.file] if image.place.file.suffix.lower() in {".xml", ".txt"} else []
    return ([image.path] if image.path is not None else []) + own


def _place(image: FoundImage) -> Path:
    return image.path or image.place.file


def _outermost(path: Path, around: set[Path]) -> Path | None:
    """Return the outermost folder of a file that is not around one of a split."""
    return next((folder for folder in reversed(path.parents) if folder not in around), None)
