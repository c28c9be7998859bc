"""Pictures with masks from wherever a user has them, checked one by one before anything is learned from them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.annotations.coco import find_coco
from kzoo.data.decoding import UnreadableImageError, read_image
from kzoo.data.images import TEST_FRACTION
from kzoo.data.splits import Dataset
from kzoo.data.walking import walk
from kzoo.errors import DataError, UsageError
from kzoo.tasks.mask_measures import NO_CLASS
from kzoo_zoo.picture_files import left_out
from kzoo_zoo.segmentation import coco, pets
from kzoo_zoo.segmentation.legend import Legend, Seen, legend_of
from kzoo_zoo.segmentation.mask_files import COLOURS, NUMBERS, RawMask, read_mask
from kzoo_zoo.segmentation.naming import Named, named_in
from kzoo_zoo.segmentation.pairs import LAYOUT, Pairs, find_pairs, find_voc, is_voc
from kzoo_zoo.segmentation.pictures import Found, Picture, size_fault
from kzoo_zoo.segmentation.shapes import SHAPES, draw_scenes
from kzoo_zoo.segmentation.split import MaskSplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kzoo.data.splits import Reading
    from kzoo_zoo.segmentation.settings import MaskSettings, SampleSettings

__all__ = ["VOC_CLASSES", "read", "sample"]

VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
"""The classes of Pascal VOC, by their numbers in its masks."""

_SAMPLE = {"train": (240, 0), "validation": (40, 1), "test": (60, 2)}  # count and seed


@dataclass(frozen=True, eq=False)
class _Checked:
    """A picture that was looked at.

    Attributes:
        found: The picture.
        size: Height and width.
        values: The values in its mask, each once, or of one that is drawn the class indices; None where it is wrong.
        fault: Why it cannot be used, or an empty text.
    """

    found: Found
    size: tuple[int, int] = (0, 0)
    values: RawMask | None = None
    fault: str = ""


def read(path: Path, settings: MaskSettings, reading: Reading) -> Dataset:
    """Read pictures with masks, see `LAYOUT`, or the archive of the published pets.

    All of them are opened before the data set is returned: a picture without a mask or the reverse, one of another size
    than its mask, a file that cannot be read and a value that is no class are named, each with its file.

    Without a test split the validation split is the test; where there is neither, 20 % of the pictures are kept for it,
    always the same for the same names.

    Args:
        path: The folder, a COCO json file, or the archive.
        settings: How.
        reading: What it is read for: where the pictures are only measured on and no split is declared, all of them are
            the test.

    Raises:
        DataError: Nothing of that form is there, or some of it is wrong.
    """
    root = pets.unpacked(path, reading.say) if pets.is_archive(path) else path
    form, pairs, named, where = _found(root, settings)
    if not pairs.found and not pairs.faults:
        message = f"{root} holds no pictures with masks. They are read from {LAYOUT}."
        raise DataError(message)
    checked, seen = _looked_at(pairs)
    good, faults = (
        [one for one in checked if not one.fault],
        [*pairs.faults, *(one.fault for one in checked if one.fault)],
    )
    total = len(checked) + len(pairs.faults)
    notes = [
        *pairs.notes,
        *left_out("pictures in", root, faults, total, skip=settings.fix == "skip", option="data.fix=skip"),
    ]
    if form == "coco":
        colours = np.asarray(_palette(len(named)))
        legend = Legend(tuple(one.name for one in named), NUMBERS, tuple(range(len(named))), frozenset(), colours)
    else:
        legend = legend_of(
            seen,
            settings,
            named,
            where,
            known=reading.known,
            whole=reading.whole,
            rim=pets.RIM if form == "pets" else (),
        )
        notes += legend.notes
    pictures = [_picture(one, legend) for one in good]
    return _dataset(root, form, pictures, [one.found.split for one in good], legend, settings, reading, notes)


def _palette(count: int) -> np.ndarray:
    from kzoo.tasks.mask_drawing import palette_of

    return palette_of(count)


def _found(root: Path, settings: MaskSettings) -> tuple[str, Pairs, Sequence[Named], str]:
    """Return the form of the data, its pictures, and its classes with who names them."""
    form = settings.format
    if root.is_file():
        if root.suffix.lower() != ".json" or form not in ("", "coco"):
            message = f"{root} is no folder and no COCO json. Pictures with masks are read from {LAYOUT}."
            raise DataError(message)
        return ("coco", *_of_coco(root.parent, [root], settings))
    if form in ("", "masks") and pets.is_pets(root):
        named, where = named_in(root, settings)
        return "pets", pets.find(root), named or pets.CLASSES, where or "the data set"
    if form == "voc" or (not form and is_voc(root)):
        if not is_voc(root):
            message = f"{root} is not laid out as VOC: it lacks the folder JPEGImages or SegmentationClass."
            raise DataError(message)
        named, where = named_in(root, settings)
        return "voc", find_voc(root), named or [Named(n, i) for i, n in enumerate(VOC_CLASSES)], where or "VOC"
    tree = walk(root)
    if form in ("", "masks") and (pairs := find_pairs(tree)) is not None:
        return ("masks", pairs, *named_in(root, settings, [one.mask for one in pairs.found if one.mask]))
    files = find_coco(tree) if form in ("", "coco") else []
    if files:
        return ("coco", *_of_coco(root, files, settings))
    looked = f" of the form {form}" if form else ""
    others = [path.name for path in tree.named({".json"})] if form in ("", "coco") else []
    no_coco = f" {others[0]} is no COCO json: it has no images and annotations." if others else ""
    message = f"{root} holds no pictures with masks{looked}.{no_coco} They are read from {LAYOUT}."
    raise DataError(message)


def _of_coco(root: Path, files: Sequence[Path], settings: MaskSettings) -> tuple[Pairs, Sequence[Named], str]:
    if settings.classes:
        message = "`data.classes` is for masks in files; COCO's json names its categories itself."
        raise UsageError(message)
    pairs, named = coco.read_coco(walk(root), files)
    return pairs, named, files[0].name


def _looked_at(pairs: Pairs) -> tuple[list[_Checked], Seen]:
    """Open all pictures and masks; Pillow decodes outside the interpreter lock, so threads help."""
    seen = Seen()

    def look(found: Found) -> _Checked:
        try:
            size = read_image(found.image).shape[:2]
            if found.drawn is not None:
                return _Checked(found, size, RawMask(np.unique(found.drawn(size)), NUMBERS))
            assert found.mask is not None, "a mask is in a file or drawn"
            mask = read_mask(found.mask)
            values = mask.seen()
        except UnreadableImageError as error:
            which = "" if error.path == found.image else f"its mask {error.path.name}: "
            return _Checked(found, fault=f"{found.name}: {which}{error.reason}")
        except DataError as error:
            return _Checked(found, fault=f"{found.name}: {str(error).rstrip('.')}")
        if mask.values.shape != size:
            fault = size_fault(found.mask.name, mask.values.shape, found.image.name, size)
            return _Checked(found, fault=f"{found.name}: {fault}")
        return _Checked(found, size, values)

    checked = []
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for one in pool.map(look, pairs.found):
            if one.values is not None and one.found.mask is not None:
                seen.add(one.values, one.found.mask.name)
            checked.append(one)
    return checked, seen


def _picture(one: _Checked, legend: Legend) -> Picture:
    found = one.found
    assert one.values is not None, "it is not wrong"
    values = one.values.in_colours().values if legend.kind == COLOURS else one.values.values
    present = tuple(np.flatnonzero(np.isin(legend.values, values)).tolist())
    if found.drawn is not None:
        return Picture(found.name, one.size, found.image, drawn=found.drawn, legend=legend, present=present)
    return Picture(found.name, one.size, found.image, found.mask, legend, present=present)


def _dataset(
    root: Path,
    form: str,
    pictures: Sequence[Picture],
    splits: Sequence[str],
    legend: Legend,
    settings: MaskSettings,
    reading: Reading,
    notes: Sequence[str],
) -> Dataset:
    parts: dict[str, list[Picture]] = {"train": [], "validation": [], "test": []}
    for picture, split in zip(pictures, splits, strict=True):
        parts[split or "train"].append(picture)
    declared, how = bool(parts["test"] or parts["validation"]), ""
    if not parts["test"] and parts["validation"]:
        parts["test"], parts["validation"], how = parts["validation"], [], "; its validation split is the test"
    elif not parts["test"]:
        if reading.whole:
            parts["train"], parts["test"] = [], parts["train"]
        else:
            parts["train"], parts["test"] = _keep_for_test(root, parts["train"])
            how = f"; {TEST_FRACTION:.0%} kept for the test"
    if not parts["train"] and not reading.whole:
        message = f"{root} has pictures to test on and none to train on: name a folder `train`."
        raise DataError(message)
    if parts["train"] and not any(picture.present for picture in parts["train"]):
        message = (
            f"No pixel of the {len(parts['train'])} pictures to train on in {root} has a class: all have values that "
            f"mean none, by `data.ignore` ({settings.ignore}). Set another -o data.ignore=VALUE, or [] for none."
        )
        raise DataError(message)
    sizes = {picture.size for picture in pictures}
    box = settings.sides(next(iter(sizes)) if len(sizes) == 1 else None)
    classes = len(legend.class_names)
    made = {name: MaskSplit(own, box, settings.channels, classes) for name, own in parts.items()}
    counts = ", ".join(f"{len(own):,} {name}" for name, own in parts.items() if own)
    return Dataset(
        train=made["train"],
        validation=made["validation"] if parts["validation"] else None,
        test=made["test"],
        class_names=legend.class_names,
        description=(
            f"{counts} pictures with masks of {classes} classes from {root.name} ({form}) at {box[0]}x{box[1]}{how}"
        ),
        location=str(root),
        notes=tuple(notes),
        schema=_schema(legend.colours),
        declares_test=declared,
    )


def _schema(colours: np.ndarray) -> Mapping[str, Any]:
    return {"colours": np.asarray(colours).tolist()}


def _keep_for_test(root: Path, pictures: list[Picture]) -> tuple[list[Picture], list[Picture]]:
    count = max(1, round(len(pictures) * TEST_FRACTION))
    if count >= len(pictures):
        message = f"{root} has a single picture with a mask: one is needed to learn from and another to test on."
        raise DataError(message)
    kept = set(np.random.default_rng([0x7E57, 0]).permutation(len(pictures))[:count].tolist())
    return (
        [picture for number, picture in enumerate(pictures) if number not in kept],
        [picture for number, picture in enumerate(pictures) if number in kept],
    )


def sample(settings: SampleSettings) -> Dataset:
    """Return drawn shapes on texture with their exact masks: the same bytes on every call with the same size."""
    box = settings.sides((96, 128))
    made = {}
    for name, (count, seed) in _SAMPLE.items():
        pixels, masks = draw_scenes(count, seed, box)
        own = [
            Picture(
                f"scene-{number:03}",
                box,
                arrays=(image, mask),
                present=tuple(np.setdiff1d(np.unique(mask), [NO_CLASS]).tolist()),
            )
            for number, (image, mask) in enumerate(zip(pixels, masks, strict=True))
        ]
        made[name] = MaskSplit(own, box, settings.channels, len(SHAPES))
    counts = ", ".join(f"{count} {name}" for name, (count, _) in _SAMPLE.items())
    return Dataset(
        train=made["train"],
        validation=made["validation"],
        test=made["test"],
        class_names=SHAPES,
        description=f"{counts} drawn scenes with masks of {len(SHAPES)} classes at {box[0]}x{box[1]}",
        schema=_schema(_palette(len(SHAPES))),
    )
