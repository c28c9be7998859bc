"""Pictures from wherever a user has them, each looked at before anything is learned; and those of the sample."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.class_folders import left_out_note
from kzoo.data.decoding import IMAGE_SUFFIXES, UnreadableImageError, read_image
from kzoo.data.images import TEST_FRACTION
from kzoo.data.splits import Dataset
from kzoo.data.walking import walk
from kzoo.errors import DataError, UsageError
from kzoo_zoo.picture_files import left_out
from kzoo_zoo.restoration.damage import damage_of
from kzoo_zoo.restoration.pairs import LAYOUT, Files, Found, files_in
from kzoo_zoo.restoration.settings import SMALLEST_PATCH
from kzoo_zoo.restoration.shelf import InMemory, Shelf
from kzoo_zoo.restoration.split import Form, PatchSplit, Picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from kzoo.data.splits import Reading
    from kzoo_zoo.restoration.settings import PictureSettings, SampleSettings
    from kzoo_zoo.restoration.shelf import Held

__all__ = ["DEFAULT_DAMAGE", "read", "sample"]

DEFAULT_DAMAGE = "noise:sigma=25"

_LEAST_PATCH, _PATCH = 32, 64
_SCALES = (1, 2, 3, 4)
_PHOTOS = ("china.jpg", "flower.jpg")
_BLOCK = (105, 128)  # of a photo of 427 x 640 there are 4 x 5


@dataclass(frozen=True, eq=False)
class _Seen:
    """A picture that was looked at.

    Attributes:
        found: Its files.
        true: The true picture, or None where there is a fault.
        worn: The damaged one, where there is one.
        fault: Why it cannot be used, or an empty text.
    """

    found: Found
    true: Held | None = None
    worn: Held | None = None
    fault: str = ""

    @property
    def gray(self) -> bool:
        """Whether all of it is."""
        return all(one is None or one.shape[-1] == 1 for one in (self.true, self.worn))


def read(path: Path, settings: PictureSettings, reading: Reading) -> Dataset:
    """Read pictures, or pairs of damaged and true ones, see `LAYOUT`.

    All of them are decoded once: one that cannot be read or is smaller than a patch, and a pair of sizes that do not
    belong together, are named, each with its file. Without a test split the validation split is the test; where there
    is neither, 20 % of the pictures are kept for it, always the same for the same names.

    Args:
        path: The folder.
        settings: How.
        reading: What it is read for: where the pictures are only measured on and no split is declared, all are the
            test.

    Raises:
        DataError: There are no pictures, or some of them cannot be used.
        UsageError: The damage is none, or one is named for pairs, which have their own.
    """
    damage = damage_of(settings.damage or DEFAULT_DAMAGE)
    if path.is_file():
        message = f"{path} is a file. Pictures to restore are read from {LAYOUT}."
        raise DataError(message)
    tree = walk(path)
    files = files_in(path, tree.named(IMAGE_SUFFIXES))
    left = left_out_note(list(tree.files), path)
    if not files.found and not files.faults:
        message = f"{path} holds no pictures. They are read from {LAYOUT}. {left}".rstrip()
        raise DataError(message)
    if files.pairs and settings.damage:
        message = (
            f"`data.damage` is `{settings.damage}`, and {path} has damaged pictures of its own, in pairs with the true "
            "ones. Leave out the damage, or name the folder of the true pictures alone."
        )
        raise UsageError(message)
    seen = list(_looked_at(files.found))
    scale = _scale_of(seen, path) if files.pairs else damage.scale
    gray = all(one.gray for one in seen if not one.fault)
    channels = (1 if gray else 3) if settings.channels == "auto" else settings.channels
    patch = settings.patch or _patch_for(one.true.shape for one in seen if one.true)
    form = Form(patch, channels, None if files.pairs else damage, scale)
    way = _smaller((one.true.shape for one in seen if one.true), form)
    seen = [_checked(one, form) for one in seen]
    good = [one for one in seen if not one.fault]
    faults = [*files.faults, *(one.fault for one in seen if one.fault)]
    skip = settings.unreadable == "skip"
    notes = [
        *filter(None, [left]),
        *left_out("pictures in", path, faults, len(seen) + len(files.faults), skip=skip, way=way),
    ]
    pictures = [Picture(one.found.name, one.true, form, one.worn, one.found.clean) for one in good if one.true]
    return _dataset(path, files, pictures, [one.found.split for one in good], form, reading, notes, settings)


def _looked_at(found: Sequence[Found]) -> Iterator[_Seen]:
    """Decode all pictures; Pillow does it outside the interpreter lock, so threads help."""
    shelf = Shelf()

    def look(one: Found) -> tuple[Found, list[tuple[Path, np.ndarray]], str]:
        paths = [path for path in (one.clean, one.damaged) if path is not None]
        try:
            return one, [(path, _plain(read_image(path))) for path in paths], ""
        except UnreadableImageError as error:
            where = one.name if error.path == one.clean else error.path.name
            return one, [], f"{where}: {error.reason}"

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for first in range(0, len(found), 256):  # so that not all of them are in memory at once
            for one, pixels, fault in pool.map(look, found[first : first + 256]):
                true, worn, *_ = (*(shelf.put(array, path) for path, array in pixels), None, None)
                yield _Seen(one, true, worn, fault)


def _plain(pixels: np.ndarray) -> np.ndarray:
    """Return a picture with one channel where it is gray."""
    gray = (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all()
    return np.ascontiguousarray(pixels[..., :1]) if gray else pixels


def _scale_of(seen: Sequence[_Seen], root: Path) -> int:
    """Return how many times as long the sides of the true pictures are in most of the pairs."""
    counts: dict[int, int] = {}
    for one in seen:
        if one.true and one.worn and (scale := _ratio(one.true, one.worn)):
            counts[scale] = counts.get(scale, 0) + 1
    if counts:
        return max(counts, key=lambda scale: counts[scale])
    first = next((one for one in seen if one.true and one.worn), None)
    example = f" The first: {first.found.name}, {_pair(first)}." if first else ""
    message = (
        f"In none of the pairs in {root} the true picture is as large as the damaged one, or 2, 3 or 4 times as "
        f"large, whole pixels over whole pixels.{example}"
    )
    raise DataError(message)


def _ratio(true: Held, worn: Held) -> int:
    """Return how many times as long the sides of a true picture are; 0 where it is no whole number known here."""
    scale = true.shape[0] // max(1, worn.shape[0])
    fits = scale in _SCALES and all(
        whole // scale == small for whole, small in zip(true.shape[:2], worn.shape[:2], strict=True)
    )
    return scale if fits else 0


def _patch_for(shapes: Iterable[tuple[int, int, int]]) -> int:
    """Return the side of a patch: 64, or a smaller one that all pictures have, a multiple of 8 from 32 on."""
    least = min((side for height, width, _ in shapes for side in (height, width)), default=_PATCH)
    return int(np.clip(least // 8 * 8, _LEAST_PATCH, _PATCH))


def _smaller(shapes: Iterable[tuple[int, int, int]], form: Form) -> str:
    """Return what to do about pictures that are smaller than a patch; an empty text where there are none."""
    sides = [side for height, width, _ in shapes if (side := min(height, width)) < form.side]
    patches = [patch for side in sides if (patch := side // form.block * form.block) >= SMALLEST_PATCH]
    if patches:
        return f" For small pictures take smaller patches: -o data.patch={min(patches)}."
    return f" No patch is smaller than {SMALLEST_PATCH} x {SMALLEST_PATCH}." if sides else ""


def _checked(one: _Seen, form: Form) -> _Seen:
    """Return a picture with its fault, if there is one that the others tell."""
    if one.fault or one.true is None:
        return one
    height, width = one.true.shape[:2]
    name = one.found.name
    if one.worn is not None and _ratio(one.true, one.worn) != form.scale:
        times = "as large" if form.scale == 1 else f"{form.scale} times as large"
        return _Seen(one.found, fault=f"{name}: {_pair(one)}, and in the other pairs the true one is {times}")
    if min(height, width) // form.scale * form.scale < form.side:
        fault = f"{name}: it has {width} x {height} pixels, and patches have {form.side} x {form.side}"
        return _Seen(one.found, fault=fault)
    return one


def _pair(one: _Seen) -> str:
    assert one.true is not None
    assert one.worn is not None
    true, worn = one.true.shape, one.worn.shape
    return f"the true picture has {true[1]} x {true[0]} pixels and the damaged one {worn[1]} x {worn[0]}"


def _dataset(
    root: Path,
    files: Files,
    pictures: Sequence[Picture],
    splits: Sequence[str],
    form: Form,
    reading: Reading,
    notes: list[str],
    settings: PictureSettings,
) -> Dataset:
    parts: dict[str, list[Picture]] = {"train": [], "validation": [], "test": []}
    declared = bool(set(splits) & {"validation", "test"})
    for picture, split in zip(pictures, splits, strict=True):
        parts[split or "train"].append(picture)
    how = ""
    if not parts["test"] and parts["validation"]:
        parts["test"], parts["validation"], how = parts["validation"], [], "; its validation split is the test"
    elif not parts["test"] and reading.whole:
        parts["train"], parts["test"] = [], parts["train"]
    elif not parts["test"]:
        parts["train"], parts["test"] = _keep_for_test(root, parts["train"])
        how = f"; {TEST_FRACTION:.0%} kept for the test"
    if not parts["train"] and not reading.whole:
        message = f"{root} has pictures to test on and none to train on: name a folder `train`."
        raise DataError(message)
    counts = ", ".join(f"{len(own):,} {name}" for name, own in parts.items() if own)
    what = f"in pairs{f', {form.scale} times as large' if form.scale > 1 else ''}" if files.pairs else ""
    what = what or f"with the damage {settings.damage or DEFAULT_DAMAGE}"
    made = {name: PatchSplit(own, form) for name, own in parts.items()}
    return Dataset(
        train=made["train"],
        validation=made["validation"] if parts["validation"] else None,
        test=made["test"],
        class_names=(),
        description=f"{counts} pictures from {root.name} {what}{how}",
        location=str(root),
        notes=tuple(notes),
        schema={"scale": form.scale},
        declares_test=declared,
    )


def _keep_for_test(root: Path, pictures: list[Picture]) -> tuple[list[Picture], list[Picture]]:
    count = max(1, round(len(pictures) * TEST_FRACTION))
    if count >= len(pictures):
        message = f"{root} has a single picture to use: one is needed to learn from and another to test on."
        raise DataError(message)
    kept = set(np.random.default_rng([0x7E57, 0]).permutation(len(pictures))[:count].tolist())
    return (
        [picture for number, picture in enumerate(pictures) if number not in kept],
        [picture for number, picture in enumerate(pictures) if number in kept],
    )


def _split_of(row: int, column: int) -> str:
    """Return the split of a piece of a photo: of each row one is tested on, and of every other one validated on."""
    if column == (row + 1) % 4:
        return "test"
    return "validation" if row % 2 and column == (row + 3) % 4 else "train"


def sample(settings: SampleSettings) -> Dataset:
    """Return the two photos that scikit-learn ships, cut into 40 pieces: 28 to learn from, 4 and 8 to measure on.

    Raises:
        UsageError: Patches are larger than the pieces.
    """
    from sklearn.datasets import load_sample_image

    damage = damage_of(settings.damage or DEFAULT_DAMAGE)
    channels = 3 if settings.channels == "auto" else settings.channels
    form = Form(settings.patch or _PATCH, channels, damage, damage.scale)
    if form.side > min(side // form.scale * form.scale for side in _BLOCK):
        message = f"`data.patch` is {form.patch}, and the pieces of the sample's photos have 128 x 105 pixels."
        raise UsageError(message)
    parts: dict[str, list[Picture]] = {"train": [], "validation": [], "test": []}
    for photo in _PHOTOS:
        pixels = load_sample_image(photo)
        for row in range(4):
            for column in range(5):
                top, left = row * _BLOCK[0], column * _BLOCK[1]
                piece = np.ascontiguousarray(pixels[top : top + _BLOCK[0], left : left + _BLOCK[1]])
                split = _split_of(row, column)
                name = f"{photo.removesuffix('.jpg')}-{row + 1}-{column + 1}"
                parts[split].append(Picture(name, InMemory(piece), form))
    counts = ", ".join(f"{len(own)} {name}" for name, own in parts.items())
    return Dataset(
        train=PatchSplit(parts["train"], form),
        validation=PatchSplit(parts["validation"], form),
        test=PatchSplit(parts["test"], form),
        class_names=(),
        description=f"{counts} pieces of two photos with the damage {settings.damage or DEFAULT_DAMAGE}",
        schema={"scale": form.scale},
    )
