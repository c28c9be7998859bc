"""Which images are of which class and split: a folder of images for each class, in folders of the splits or without."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kzoo.data.class_names import are_numbers, number_of
from kzoo.data.decoding import HEIF_SUFFIXES, IMAGE_SUFFIXES
from kzoo.data.split_names import split_folders, split_of
from kzoo.data.walking import Tree, counted, own_files, sample_of, subfolders, walk
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["ClassFolders", "are_known", "case_notes", "classes_in", "left_out_note", "unknown", "with_names"]

_LAYOUT = "one folder of images for each class (root/cat/1.jpg), or such folders inside train, validation and test"
_PLAIN_NAMES = frozenset({"image", "images", "img", "imgs", "jpegimages", "photo", "photos", "picture", "pictures"})
"""A class folder may keep its images in one such folder, as those of Tiny ImageNet do."""
_MOST_LISTED = 10
_PICTURES = frozenset(
    {".avif", ".heic", ".heif", ".hif", ".jxl", ".jp2", ".psd", ".svg", ".dng", ".cr2", ".nef", ".arw", ".raw"}
)


@dataclass
class ClassFolders:
    """What was found.

    Attributes:
        class_names: The names of the classes: those of their folders, sorted.
        images: By split, the images of each class in the order of the names.
        notes: What was left out.
    """

    class_names: tuple[str, ...] = ()
    images: dict[str, list[list[Path]]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def classes_in(root: Path, *, alone: bool = False, known: Collection[str] = ()) -> ClassFolders:
    """Return the images of a folder by split and class; without folders of splits, all are of the split ``train``.

    What a split is called says `split_of`. A folder that holds images itself is a class even if it is called so, unless
    the folders beside it are splits. Folders around the class folders that hold nothing else are gone through.

    Args:
        root: The folder.
        alone: Whether the images are only measured on: then any split may be there alone, and of several the test
            alone is looked at.
        known: The classes of the model that is measured, of which the folder may hold a single one, or the images of
            one by itself.

    Raises:
        DataError: The folders are not laid out so, or it stays open what is a class and what a split.
    """
    if not root.is_dir():
        message = f"{root} is not a folder. Images are read from {_LAYOUT}."
        raise DataError(message)
    inside = subfolders(root)
    if alone and root.name in known and not inside and _holds_images(root):
        return _single(root)
    folders = _splits(root, inside, alone=alone)
    beside = [walk(folder) for folder in inside if folders and folder not in folders.values()]
    _check_beside(root, folders, beside)
    if alone and "test" in folders:
        folders = {"test": folders["test"]}
    around = [root]
    for name, folder in folders.items():
        around.append(folder)
        while (inner := _only_wrapped(folders[name])) is not None:
            folders[name] = inner
            around.append(inner)
    folders = folders or {"train": root}
    found = ClassFolders(_class_names(folders, known if alone else ()))
    trees: list[Tree] = []
    for name, folder in folders.items():
        own = [walk(folder / class_name) for class_name in found.class_names]
        found.images[name] = [tree.named(IMAGE_SUFFIXES) for tree in own]
        trees += own
    for tree in trees:
        _check_class(tree)
    strays = [path for folder in around for path in own_files(folder)]
    found.notes = (*case_notes(root, found.class_names), *_notes(root, trees, beside, strays))
    return found


def with_names(
    found: ClassFolders,
    root: Path,
    class_names: Sequence[str] = (),
    known: Sequence[str] = (),
    *,
    other: bool = True,
) -> ClassFolders:
    """Return the images with their classes called as the user or the model says, where either does.

    What a folder or a list calls a class is its name or its number, as in ``00003``.

    Args:
        found: The images by the names that folders or lists give their classes.
        root: Where they are from.
        class_names: The names of the classes by their numbers; or none. Their order is that of the classes.
        known: The classes of the model that is measured on them; ``class_names`` is then not asked.
        other: Whether it is other data than the model's own, so that what its numbers mean must be said.

    Raises:
        DataError: A class is called as none of ``class_names`` is, two are the same one, or one of them has no image.
    """
    if known:
        called = _called_as_known(found.class_names, known)
        if not set(called) <= set(known):
            return found
        order = sorted(range(len(called)), key=lambda place: known.index(called[place]))
        images = {split: [classes[place] for place in order] for split, classes in found.images.items()}
        notes = found.notes
        if other and called != found.class_names and not are_numbers(known):
            listed = ", ".join(f"`{found.class_names[place]}` is `{called[place]}`" for place in order)
            notes = (*notes, f"The classes of {root} are taken as the numbers of the model's: {listed}.")
        return ClassFolders(tuple(called[place] for place in order), images, notes)
    if not class_names:
        return found
    places = []
    for name in found.class_names:
        number = number_of(name)
        if name not in class_names and (number is None or number >= len(class_names)):
            message = (
                f"{root} has the class `{name}`, which is none of those that `data.classes` names "
                f"(`{'`, `'.join(class_names)}`) and no number of one."
            )
            raise DataError(message)
        places.append(class_names.index(name) if name in class_names or number is None else number)
    if lacking := [name for place, name in enumerate(class_names) if places.count(place) != 1]:
        fault = "has no images" if class_names.index(lacking[0]) not in places else "is there twice"
        message = f"`data.classes` names the class `{lacking[0]}`, which {fault} in {root}."
        raise DataError(message)
    images = {split: [classes[places.index(n)] for n in range(len(places))] for split, classes in found.images.items()}
    return ClassFolders(tuple(class_names), images, found.notes)


def _called_as_known(names: tuple[str, ...], known: Sequence[str]) -> tuple[str, ...]:
    """Return names of classes as a model calls them, where all are names or all are numbers of its classes."""
    if set(names) <= set(known):
        return names
    numbers = [number_of(name) for name in names]
    places = [number_of(name) for name in known] if are_numbers(known) else list(range(len(known)))
    called = tuple(known[places.index(number)] for number in numbers if number is not None and number in places)
    return called if len(called) == len(names) == len(set(called)) else names


def are_known(names: Collection[str], known: Collection[str]) -> bool:
    """Return whether there are names of classes, and all of them are names or numbers of a model's classes."""
    return bool(names) and set(_called_as_known(tuple(names), tuple(known))) <= set(known)


def unknown(where: str, name: str, known: Collection[str]) -> str:
    """Return that the only class of some data is none of the model's.

    Args:
        where: What has only that class, as ``list.csv has only the label``.
        name: The class.
        known: The classes of the model.
    """
    listed = ", ".join(list(known)[:_MOST_LISTED])
    more = f" and {len(known) - _MOST_LISTED} more" if len(known) > _MOST_LISTED else ""
    return (
        f"{where} `{name}`, which the model does not know: its classes are {listed}{more}. Give data with the same "
        "classes."
    )


def _single(root: Path) -> ClassFolders:
    """Return the images of a folder that is that of one class itself."""
    tree = walk(root)
    notes = [note] if (note := left_out_note(tree.files, root)) else []
    return ClassFolders((root.name,), {"train": [tree.named(IMAGE_SUFFIXES)]}, tuple(notes))


def _notes(root: Path, trees: Sequence[Tree], beside: Sequence[Tree], strays: Sequence[Path]) -> Iterator[str]:
    """Yield what must be said of what is left out.

    Args:
        root: The folder.
        trees: The class folders.
        beside: The folders beside those of the splits.
        strays: The files around the class folders.
    """
    if note := left_out_note([*strays, *(path for tree in (*trees, *beside) for path in tree.files)], root):
        yield note
    if lost := [path for path in strays if _is_image(path)]:
        yield f"{len(lost)} image(s) in {root} are in no class folder and are left out: {sample_of(lost, root)}."
    for tree in beside:
        if images := tree.named(IMAGE_SUFFIXES):
            yield (
                f"The folder `{tree.root.name}` in {root} is left out with its {len(images)} image(s): its name speaks "
                "of no split (train, validation, test)."
            )
    if links := [link for tree in (*trees, *beside) for link in tree.unfollowed]:
        yield f"Links that lead to a folder above {root} are not followed: {sample_of(links, root)}."


def case_notes(path: Path, names: Sequence[str]) -> list[str]:
    """Return what must be said of classes whose names differ in capitals, or blanks around them, alone."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.strip().casefold(), []).append(name)
    listed = "; ".join(" and ".join(map(repr, same)) for same in alike.values() if len(same) > 1)
    return [f"Classes of {path} differ in capitals or blanks alone and are kept apart: {listed}."] if listed else []


def left_out_note(files: Sequence[Path], root: Path, what: str = "images") -> str:
    """Return the sentence on files that are left out because of their names, images not counted; or an empty text.

    Args:
        files: The files.
        root: The folder that they are named from.
        what: What they are not named like.
    """
    files = [path for path in files if not _is_image(path)]
    if not files:
        return ""
    note = f"{len(files)} file(s) in {root} are left out, as they are not named like {what}: {counted(files, root)}."
    kinds = {path.suffix.lower() for path in files}
    if kinds & HEIF_SUFFIXES:
        note += ' `pip install "kzoo[heif]"` lets kzoo read HEIC.'
    if kinds & _PICTURES - HEIF_SUFFIXES:
        note += " Pictures of other formats can be saved as JPEG or PNG."
    return note


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES


def _holds_images(folder: Path) -> bool:
    return any(_is_image(path) for path in own_files(folder))


def _only_wrapped(folder: Path) -> Path | None:
    """Return the folder that a folder only wraps, as in ``seg_train/seg_train/sea``: it holds folders itself."""
    inside = subfolders(folder)
    if len(inside) != 1 or _holds_images(folder) or _holds_images(inside[0]) or inside[0].name.lower() in _PLAIN_NAMES:
        return None
    return inside[0] if subfolders(inside[0]) else None


def _splits(root: Path, inside: Sequence[Path], *, alone: bool) -> dict[str, Path]:
    """Return the folders of the splits, by split; none where all folders are classes."""
    called = [folder for folder in inside if split_of(folder.name) is not None]
    if not called:
        return {}
    if all(map(_holds_images, called)):
        if len(called) < len(inside):
            return {}  # a vehicle `train` beside `bus` and `car`
        names = "`, `".join(folder.name for folder in called)
        message = f"`{names}` in {root} hold images themselves and no class folders. Expected {_LAYOUT}."
        raise DataError(message)
    folders = split_folders(root, called)
    if "train" not in folders and not alone:
        message = f"{root} has `{'`, `'.join(folder.name for folder in inside)}` but no `train`. Expected {_LAYOUT}."
        raise DataError(message)
    return folders


def _class_names(folders: dict[str, Path], known: Collection[str]) -> tuple[str, ...]:
    """Return the names of the classes, the same in every split."""
    names = {name: tuple(folder.name for folder in subfolders(path)) for name, path in folders.items()}
    first = next(name for name in ("train", "test", "validation") if name in names)
    expected = names[first]
    if len(expected) < 2 and not are_known(expected, known):  # noqa: PLR2004 - nothing to tell apart
        inner = folders[first] / expected[0] if expected else None
        if inner and known and not subfolders(inner):
            raise DataError(unknown(f"{folders[first]} holds only the folder", expected[0], known))
        found = f"only the folder `{expected[0]}`" if expected else "no folders"
        message = f"{folders[first]} holds {found}. Expected {_LAYOUT}; at least two classes."
        if inner and subfolders(inner):
            message += f" Did you mean {inner}?"
        raise DataError(message)
    for name, classes in names.items():
        only_there = sorted(set(classes) - set(expected))
        missing = sorted(set(expected) - set(classes))
        if only_there or missing:
            differences = [f"lacks `{'`, `'.join(missing)}`"] if missing else []
            differences += [f"has `{'`, `'.join(only_there)}` besides"] if only_there else []
            message = (
                f"The classes in {folders[name]} differ from those in {folders[first]}: it "
                f"{' and '.join(differences)}. Every split needs a folder for each class, named alike."
            )
            raise DataError(message)
    return expected


def _check_beside(root: Path, folders: Mapping[str, Path], beside: Sequence[Tree]) -> None:
    """Raise `DataError` where a single folder is called as a split is, and others beside it hold images too."""
    unclear = [tree.root.name for tree in beside if tree.named(IMAGE_SUFFIXES)]
    if len(folders) != 1 or not unclear:
        return
    split, folder = next(iter(folders.items()))
    message = (
        f"{root} has `{folder.name}` and beside it `{'`, `'.join(unclear)}`, which hold images too. Is `{folder.name}` "
        f"the {split} split, or a class as they are? As a split, name {folder} with --data or move the others away; as "
        "a class, it must hold its images itself, not in folders."
    )
    raise DataError(message)


def _check_class(tree: Tree) -> None:
    """Raise `DataError` for a class folder without images, or with folders alone, which may be splits or classes."""
    folder, images = tree.root, tree.named(IMAGE_SUFFIXES)
    if not images:
        message = f"The class folder {folder} holds no images. Add some, or remove the folder."
        raise DataError(message)
    if any(path.parent == folder for path in images):
        return
    inside = subfolders(folder)
    if len(inside) == 1 and inside[0].name.lower() in _PLAIN_NAMES:
        return
    message = (
        f"The class folder {folder} holds only folders (`{'`, `'.join(path.name for path in inside)}`) and no image "
        f"itself, so it is open what the classes are. Expected {_LAYOUT}. If those are the classes, name {folder} with "
        "--data; if the folders around them are splits, call them train, validation and test."
    )
    raise DataError(message)
