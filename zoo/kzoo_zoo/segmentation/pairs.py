"""Folders of pictures and folders of masks: which mask belongs to which picture, and of which split they are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.data.decoding import IMAGE_SUFFIXES
from kzoo.data.split_names import split_of
from kzoo.data.texts import reason_of, text_of
from kzoo.data.walking import own_files, sample_of
from kzoo.errors import DataError
from kzoo_zoo.segmentation.pictures import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.data.walking import Tree

__all__ = ["LAYOUT", "Pairs", "find_pairs", "find_voc", "is_voc"]

LAYOUT = (
    "a folder `images` and a folder `masks` whose files are called alike (images/1.jpg, masks/1.png), both in train, "
    "val and test, or with these inside, or without them; VOC's JPEGImages and SegmentationClass; or COCO's json"
)

_IMAGES = frozenset({"images", "image", "imgs", "img", "jpegimages", "photos", "leftimg8bit", "input", "inputs", "rgb"})
_MASKS = frozenset(
    {
        "masks",
        "mask",
        "labels",
        "label",
        "segmentationclass",
        "segmentation",
        "segmentations",
        "trimaps",
        "gt",
        "gtfine",
    }
    | {"groundtruth", "ground_truth", "targets", "target", "semantic"}
)
_OTHERS = frozenset({"segmentationobject", "instances", "xmls"})
_ENDINGS = (
    "_mask", "_masks", "_label", "_labels", "_seg", "_segmentation", "_gt", "_l", "-mask", "_labelids", "_gtfine",
    "_leftimg8bit", "_image", "_img",
)  # fmt: skip
_SETS = ("train", "val", "test")


@dataclass
class Pairs:
    """Pictures with their masks.

    Attributes:
        found: What belongs together.
        faults: What is wrong, each with its file.
        notes: What was left out.
    """

    found: list[Found] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_pairs(tree: Tree) -> Pairs | None:
    """Return the pictures and masks below a folder, by the names of folders and files; None where there are no masks.

    A file in a folder called ``masks``, ``labels`` or the like is a mask; one in ``images`` or the like, or in no such
    folder where there are masks, is a picture. They belong together where all other folders and the names are the same;
    endings as in ``1_mask.png`` do not count.
    """
    images: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    masks: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    for path in tree.named(IMAGE_SUFFIXES):
        parts = path.relative_to(tree.root).parts[:-1]
        kinds = {part.lower() for part in parts}
        if kinds & _OTHERS:
            continue
        is_mask = bool(kinds & _MASKS) and not kinds & _IMAGES
        key = (
            *(part for part in parts if part.lower() not in _IMAGES | _MASKS | {"annotations"}),
            _stem(path, mask=is_mask),
        )
        (masks if is_mask else images)[key].append(path)
    if not masks or not images:
        return None
    pairs = Pairs()
    for key in sorted(images.keys() | masks.keys()):
        _pair(tree.root, key, images.get(key, []), masks.get(key, []), pairs)
    splits = {found.split for found in pairs.found}
    if splits - {""} and "" in splits:
        strays = [found.image for found in pairs.found if not found.split]
        pairs.found = [found for found in pairs.found if found.split]
        pairs.notes.append(
            f"{len(strays)} picture(s) in {tree.root} are in no folder of a split and are left out: "
            f"{sample_of(strays, tree.root)}."
        )
    return pairs


def _pair(root: Path, key: tuple[str, ...], images: Sequence[Path], masks: Sequence[Path], pairs: Pairs) -> None:
    names = {path: path.relative_to(root).as_posix() for path in (*images, *masks)}
    if not masks:
        pairs.faults += [
            f"{names[path]}: it has no mask; none is called `{key[-1]}` in a folder of masks" for path in images
        ]
    elif not images:
        pairs.faults += [f"{names[path]}: the mask has no picture; none is called `{key[-1]}`" for path in masks]
    elif len(images) > 1 or len(masks) > 1:
        several = images if len(images) > 1 else masks
        listed = " and ".join(names[path] for path in several)
        pairs.faults.append(f"{listed}: they are called alike, and which one is meant is not said")
    else:
        parts = images[0].relative_to(root).parts[:-1]
        split = next((found for part in parts if (found := split_of(part)) is not None), "")
        pairs.found.append(Found(images[0], masks[0], name=names[images[0]], split=split))


def _stem(path: Path, *, mask: bool) -> str:
    """Return what a picture and its mask are both called."""
    stem = path.stem
    for _ in range(2):  # Cityscapes: aachen_000000_000019_gtFine_labelIds
        ending = next((end for end in _ENDINGS if stem.lower().endswith(end) and len(stem) > len(end)), "")
        if not ending or (not mask and ending not in ("_leftimg8bit", "_image", "_img")):
            break
        stem = stem[: -len(ending)]
    return stem


def is_voc(root: Path) -> bool:
    """Return whether a folder is laid out as VOC's: its pictures, its masks by class."""
    return (root / "SegmentationClass").is_dir() and (root / "JPEGImages").is_dir()


def find_voc(root: Path) -> Pairs:
    """Return the pictures and masks of a folder as VOC's, whose lists say which are of which split.

    Without lists in ``ImageSets/Segmentation`` all masks with their pictures are taken; most of VOC's pictures have
    none.

    Raises:
        DataError: A list cannot be read, or names a picture twice.
    """
    pairs, folder = Pairs(), root / "ImageSets" / "Segmentation"
    images, masks = (
        {path.stem: path for path in own_files(root / name) if path.suffix.lower() in IMAGE_SUFFIXES}
        for name in ("JPEGImages", "SegmentationClass")
    )
    lists = {name: folder / f"{name}.txt" for name in _SETS if (folder / f"{name}.txt").is_file()}
    if not lists and (folder / "trainval.txt").is_file():
        lists = {"train": folder / "trainval.txt"}
    if not lists:
        chosen = [("", name, root / "SegmentationClass") for name in masks]
    else:
        chosen = [(split_of(split) or "", name, path) for split, path in lists.items() for name in _listed(path)]
    seen: dict[str, Path] = {}
    for split, name, path in chosen:
        if name in seen:
            message = f"{path} names {name}, which {seen[name]} has too: a picture is of one split."
            raise DataError(message)
        seen[name] = path
        if split == "test" and name not in masks:
            continue  # VOC keeps the masks of its test to itself
        if name not in images or name not in masks:
            where = "JPEGImages" if name not in images else "SegmentationClass"
            pairs.faults.append(f"{name}: {path.name} names it, and {where} has no file of that name")
            continue
        pairs.found.append(Found(images[name], masks[name], name=images[name].name, split=split))
    return pairs


def _listed(path: Path) -> list[str]:
    try:
        lines = [line.split()[0] for line in text_of(path).splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        message = f"The list {path} cannot be read: {reason_of(error)}."
        raise DataError(message) from error
    return [Path(line).stem if line.lower().endswith(tuple(IMAGE_SUFFIXES)) else line for line in lines]
