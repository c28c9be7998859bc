"""Pictures in folders, one for each kind, at any depth; and which of them are for testing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kzoo.data.class_folders import left_out_note
from kzoo.data.decoding import IMAGE_SUFFIXES
from kzoo.data.split_names import one_too_many, split_folders, split_of
from kzoo.data.walking import own_files, sample_of, subfolders, walk
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["LAYOUT", "Kinds", "kinds_in"]

LAYOUT = (
    "a folder of images for each kind, at any depth (root/cup/1.jpg, root/Greek/character01/1.png), or such folders "
    "inside train, validation and test, which need not have the same kinds"
)
_OF_OMNIGLOT = {"images_background": "train", "images_evaluation": "test"}
_FEWEST = 2


@dataclass(frozen=True)
class Kinds:
    """Pictures by split and kind.

    Attributes:
        images: For each split, ``train`` where the folders say none, the files of each kind by its name.
        notes: What was left out.
    """

    images: dict[str, dict[str, list[Path]]]
    notes: tuple[str, ...] = ()

    @property
    def declares_test(self) -> bool:
        """Whether the folders say which pictures are for testing."""
        return "test" in self.images


def kinds_in(roots: Sequence[Path], *, whole: bool = False) -> Kinds:
    """Return the pictures of a folder, or of several that are called as splits are, by split and kind.

    Every folder that holds pictures itself is a kind, named by its path. The folders of Omniglot's authors,
    ``images_background`` and ``images_evaluation``, are known as those for training and testing.

    Args:
        roots: The folders.
        whole: Whether the pictures are only measured on: then none is needed to learn from.

    Raises:
        DataError: They are not laid out so, or hold too little to learn or to measure.
    """
    parts, notes = _parts(roots)
    if "train" not in parts and not whole:
        named = ", ".join(f"`{folder.name}`" for folder in parts.values())
        message = f"{roots[0]} has {named} but no `train`. Expected {LAYOUT}."
        raise DataError(message)
    images = {}
    for split, root in parts.items():
        images[split], said = _kinds(root)
        notes += said
    learned = images.get("train", {})
    if not whole and len(learned) < _FEWEST:
        only = f"only the kind `{next(iter(learned))}`" if learned else "no folder of images"
        message = f"{parts['train']} holds {only}. Expected {LAYOUT}; at least two kinds to learn from."
        raise DataError(message)
    for split, root in parts.items():
        if split != "train" or whole:
            _check_measurable(root, images[split])
    return Kinds(images, tuple(notes))


def _parts(roots: Sequence[Path]) -> tuple[dict[str, Path], list[str]]:
    """Return the folder of each split, and what is to be said of folders beside them."""
    for root in roots:
        if not root.is_dir():
            message = f"{root} is not a folder. Pictures are read from {LAYOUT}, or from a zip or tar archive of it."
            raise DataError(message)
    return _parts_of_one(roots[0]) if len(roots) == 1 else (_parts_of_several(roots), [])


def _parts_of_several(roots: Sequence[Path]) -> dict[str, Path]:
    """Return folders by the splits that they, or the only folders in them, are called as."""
    parts: dict[str, Path] = {}
    for root in roots:
        inner = subfolders(root)
        if len(inner) == 1 and _split_of(inner[0]) is not None and not _pictures(inner[0]):
            root = inner[0]  # noqa: PLW2901 - an archive often holds a folder around all
        split = _split_of(root)
        if split is None:
            message = f"The name of {root} says no split: of several folders each must be called train, test, ..."
            raise DataError(message)
        if split in parts:
            raise one_too_many(root.parent, split, parts[split], root)
        parts[split] = root
    return parts


def _parts_of_one(root: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the folders of splits in a folder, or all of it as that to learn from, and what is left out."""
    inside = subfolders(root)
    while len(inside) == 1 and _split_of(inside[0]) is None and not _pictures(inside[0]) and not _pictures(root):
        root, inside = inside[0], subfolders(inside[0])  # an archive often holds a folder around all
    found = split_folders(root, [folder for folder in inside if _OF_OMNIGLOT.get(folder.name) is None])
    found = {split: folder for split, folder in found.items() if not _pictures(folder)}
    for folder in inside:
        if split := _OF_OMNIGLOT.get(folder.name):
            if split in found:
                raise one_too_many(root, split, found[split], folder)
            found[split] = folder
    if not found:
        return {"train": root}, []
    beside = [folder for folder in inside if folder not in found.values()]
    notes = [
        f"The folder `{folder.name}` in {root} is left out with its {len(images)} image(s): its name speaks of no "
        "split (train, validation, test)."
        for folder in beside
        if (images := walk(folder).named(IMAGE_SUFFIXES))
    ]
    return found, notes


def _split_of(folder: Path) -> str | None:
    return _OF_OMNIGLOT.get(folder.name) or split_of(folder.name)


def _pictures(folder: Path) -> list[Path]:
    return [path for path in own_files(folder) if path.suffix.lower() in IMAGE_SUFFIXES]


def _kinds(root: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """Return the pictures below a folder by the folder that each is in, and what is left out."""
    tree = walk(root)
    kinds: dict[str, list[Path]] = {}
    strays = []
    for path in tree.named(IMAGE_SUFFIXES):
        folder = path.parent.relative_to(root).as_posix()
        if folder == ".":
            strays.append(path)
        else:
            kinds.setdefault(folder, []).append(path)
    notes = [note] if (note := left_out_note(tree.files, root)) else []
    if strays:
        notes.append(
            f"{len(strays)} image(s) in {root} are in no folder of a kind and are left out: {sample_of(strays, root)}."
        )
    if tree.unfollowed:
        links = sample_of(tree.unfollowed, root)
        notes.append(f"Links that lead to a folder above {root} are not followed: {links}.")
    return dict(sorted(kinds.items())), notes


def _check_measurable(root: Path, kinds: dict[str, list[Path]]) -> None:
    """Raise `DataError` where no picture has another one of its kind to be found."""
    if any(len(paths) >= _FEWEST for paths in kinds.values()):
        return
    what = f"{len(kinds)} kind(s) of a single picture each" if kinds else "no folder of images"
    message = (
        f"{root} holds {what}, so there is nothing to find: measuring asks with each picture for the others of its "
        f"kind. Expected {LAYOUT}; two pictures of a kind at least."
    )
    raise DataError(message)
