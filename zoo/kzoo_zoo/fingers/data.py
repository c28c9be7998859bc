"""Pictures of hands in folders 0 to 5 and none, from one place or several; and the drawn sample."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from kzoo.data.class_folders import left_out_note
from kzoo.data.decoding import UnreadableImageError, read_image
from kzoo.data.images import IMAGE_SUFFIXES, find_images
from kzoo.data.split_names import split_folders
from kzoo.data.splits import ArraySplit, Dataset
from kzoo.data.walking import own_files, sample_of, subfolders, walk
from kzoo.errors import DataError
from kzoo.settings import setting, settings
from kzoo_zoo.fingers.bursts import bursts, keep_apart
from kzoo_zoo.fingers.folding import folded_hands
from kzoo_zoo.fingers.framing import framed
from kzoo_zoo.fingers.hands import draw_hands
from kzoo_zoo.fingers.other_forms import arrays_of, listed_of
from kzoo_zoo.fingers.scenes import draw_scenes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.data.splits import Reading

__all__ = ["CLASS_NAMES", "IMAGE_SIZE", "NONE", "HandSettings", "SampleSettings", "read", "read_backgrounds", "sample"]

NONE = "none"
CLASS_NAMES = (NONE, "0", "1", "2", "3", "4", "5")
"""No hand, then the counts in their order."""

IMAGE_SIZE = (96, 96)

_NONE_NAMES = frozenset({NONE, "background", "backgrounds", "empty", "no_hand", "nothing"})
_TEST_FRACTION, _VALIDATION_FRACTION = 0.2, 0.1
_MOST_NAMED = 20
_MOST_BACKGROUNDS = 2000
_PLAIN = 4.0  # levels; a wall with nothing before it differs less from a smooth surface
_LAYOUT = (
    "folders named 0 to 5 and, if there are pictures without a hand, none; either in the folder itself or in train and "
    "test inside it; or pictures with a list of their counts (a CSV with `image` and `label`), or an npz. A folder of "
    "pictures alone is that of its name, or of pictures without a hand"
)

Part = tuple[np.ndarray, np.ndarray]


@settings
class HandSettings:
    """How folders of pictures are read."""

    also: Annotated[str | tuple[str, ...], setting("Further folders, read with the one that --data names.")] = ()
    drawn: Annotated[int, setting("How many drawn hands of each count are added to the training pictures.", ge=0)] = 200
    folded: Annotated[
        int,
        setting(
            "How many hands of each count from 0 to 4 are made for training by taking fingers from those of more.", ge=0
        ),
    ] = 200
    unreadable: Annotated[
        Literal["stop", "skip"], setting("What to do with files that cannot be read: stop and name them, or skip them.")
    ] = "stop"
    outside: Annotated[
        bool,
        setting(
            "Whether a list of labels may name files that are neither below its own folder nor beside it. Only for "
            "lists that you trust."
        ),
    ] = False


@settings
class SampleSettings:
    """How the sample is drawn."""

    per_class: Annotated[
        int, setting("Training pictures of each of the seven classes; a fifth as many are for the test.", ge=1)
    ] = 300


def read(paths: Sequence[Path], settings: HandSettings, reading: Reading) -> Dataset:
    """Read one or several folders of pictures, and draw what they lack.

    Without a test split in a folder, a fifth of the pictures of each class is kept for the test, and without a
    validation split a tenth of the rest for that: whole bursts of near-duplicates, so that no frame of one moment is
    learned from and tested on. A picture in the folder 0 on which there is nothing at all counts as none. Where there
    are few pictures without a hand, drawn scenes are added to the training pictures.

    Args:
        paths: The folders.
        settings: How.
        reading: What they are read for; where they are only measured on, nothing is kept aside, nothing drawn and no
            further folder read.

    Raises:
        DataError: A folder is laid out otherwise, or files cannot be read: all of them are found first.
    """
    further = (settings.also,) if isinstance(settings.also, str) else settings.also
    if reading.whole:
        further = ()  # they belong to what a model learned from, and what is measured is another place
    roots = [*paths, *(Path(name).expanduser().resolve() for name in further)]
    gathered: dict[str, list[Part]] = {"train": [], "validation": [], "test": []}
    emptied, notes, declares_test = 0, [], False
    for root in roots:
        parts, moved, note = _read(root, settings, whole=reading.whole)
        emptied += moved
        notes += note
        declares_test |= "test" in parts
        for name, part in (_to_measure(parts) if reading.whole else _divided(parts, seed=0)).items():
            gathered[name].append(part)
    joined = {name: _joined(parts) for name, parts in gathered.items() if parts}
    for name in ("test",) if reading.whole else ("train", "test"):
        if name not in joined or not len(joined[name][1]):
            message = f"{_listed(roots)} holds no pictures to {name}. Expected {_LAYOUT}."
            raise DataError(message)
    counts = ", ".join(f"{len(joined[name][1]):,} {name}" for name in joined)
    description = f"{counts} pictures of hands from {', '.join(root.name for root in roots)} at 96x96"
    if emptied:
        description += f"; {emptied} empty picture(s) in 0 taken as none"
    if reading.whole:
        x, y = joined["test"]
        joined["train"] = x[:0], y[:0]
    elif not reading.measured:
        joined["train"], added = _completed(joined["train"], settings)
        description += "".join(f"; {number} {what} ones added to train" for what, number in added.items() if number)
    return Dataset(
        train=ArraySplit(*joined["train"]),
        validation=ArraySplit(*joined["validation"]) if "validation" in joined else None,
        test=ArraySplit(*joined["test"]),
        class_names=CLASS_NAMES,
        description=description,
        location=",".join(map(str, roots)),
        notes=tuple(notes),
        declares_test=declares_test,
    )


def read_backgrounds(folders: Sequence[Path]) -> np.ndarray:
    """Return all pictures in folders and below, uint8 of shape (N, 96, 96, 3), at most 2,000 of each folder.

    Raises:
        DataError: A folder holds none, or one of them cannot be read.
    """
    found = []
    for folder in folders:
        paths = find_images(folder) if folder.is_dir() else []
        if not paths:
            message = f"`augment.backgrounds` names {folder}, which is no folder with pictures."
            raise DataError(message)
        if len(paths) > _MOST_BACKGROUNDS:  # evenly over all folders inside
            paths = [paths[place] for place in np.linspace(0, len(paths) - 1, _MOST_BACKGROUNDS).astype(int)]
        for path, decoded in zip(paths, _decoded(paths), strict=True):
            if isinstance(decoded, UnreadableImageError):
                message = f"`augment.backgrounds`: {path} cannot be read: {decoded.reason}. Mend or remove it."
                raise DataError(message)
            found.append(decoded)
    return np.stack(found)


def sample(settings: SampleSettings) -> Dataset:
    """Return drawn hands, the same bytes on every call."""
    per_class = settings.per_class
    train = draw_hands(per_class, size=IMAGE_SIZE[0], seed=0, easy=True)
    test = draw_hands(max(1, per_class // 5), size=IMAGE_SIZE[0], seed=1, easy=True)
    return Dataset(
        train=ArraySplit(*train),
        test=ArraySplit(*test),
        class_names=CLASS_NAMES,
        description=(
            f"{len(train[1]):,} train, {len(test[1]):,} test images: drawn hands of 0 to 5 fingers and none, 96x96"
        ),
    )


def _completed(train: Part, settings: HandSettings) -> tuple[Part, dict[str, int]]:
    """Return the training pictures with drawn and folded hands, and with drawn scenes where few are without a hand."""
    x, y = train
    added: list[Part] = []
    folded = 0
    if settings.folded:
        hands, counts = folded_hands(x[y > 0], y[y > 0] - 1, settings.folded, seed=4)
        added.append((hands, counts + 1))
        folded = len(counts)
    if settings.drawn:
        hands, labels = draw_hands(settings.drawn, size=IMAGE_SIZE[0], seed=2)
        added.append((hands[labels > 0], labels[labels > 0]))
    missing = int(np.bincount(y[y > 0], minlength=7)[1:].mean()) - int((y == 0).sum())
    if missing > 0:
        added.append((draw_scenes(missing, size=IMAGE_SIZE[0], seed=3), np.zeros(missing, np.int64)))
    drawn = sum(len(labels) for _, labels in added) - folded
    return _joined([(x, y), *added]), {"drawn": drawn, "folded": folded}


def _to_measure(parts: Mapping[str, Part]) -> dict[str, Part]:
    """Return the test split alone, or all pictures as one where there is none."""
    return {"test": parts["test"] if "test" in parts else _joined(list(parts.values()))}


def _divided(parts: Mapping[str, Part], seed: int) -> dict[str, Part]:
    """Return train, validation and test; what is missing is kept aside from the training pictures, whole bursts."""
    found = dict(parts)
    for name, fraction in (("test", _TEST_FRACTION), ("validation", _VALIDATION_FRACTION)):
        if name in found or "train" not in found:
            continue
        x, y = found["train"]
        kept = np.zeros(len(y), dtype=bool)
        for label in np.unique(y):
            members = np.flatnonzero(y == label)
            kept[members] = keep_apart(bursts(x[members]), fraction, seed=seed)
        found["train"], found[name] = (x[~kept], y[~kept]), (x[kept], y[kept])
    return {name: part for name, part in found.items() if len(part[1])}


def _joined(parts: Sequence[Part]) -> Part:
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def _read(root: Path, settings: HandSettings, *, whole: bool) -> tuple[dict[str, Part], int, list[str]]:
    """Return the pictures of one place by split, how many of the folder 0 are empty, and what was left out."""
    skip = settings.unreadable == "skip"
    if (arrays := arrays_of(root, CLASS_NAMES[1:], IMAGE_SIZE, whole=whole)) is not None:
        parts, note = arrays
        return {name: (x, y + 1) for name, (x, y) in parts.items()}, 0, note
    listed = None
    if not _has_counts(root):
        listed = listed_of(root, CLASS_NAMES, NONE, _NONE_NAMES, outside=settings.outside, skip=skip)
    return _decode(root, *(_in_folders(root) if listed is None else listed), skip=skip)


def _has_counts(root: Path) -> bool:
    """Return whether there are folders of counts in a folder, or in one in it, so that these say the labels."""
    inside = subfolders(root) if root.is_dir() else []
    named = [folder.name.lower() for one in (inside, *map(subfolders, inside)) for folder in one]
    return any(name in CLASS_NAMES or name in _NONE_NAMES for name in named)


def _in_folders(root: Path) -> tuple[dict[str, dict[str, list[Path]]], list[str]]:
    """Return the pictures of one folder by split and class, and what was left out."""
    if not root.is_dir():
        message = f"{root} is not a folder. Expected {_LAYOUT}."
        raise DataError(message)
    inside = subfolders(root)
    splits = split_folders(root, inside)
    if splits and (others := [folder.name for folder in inside if folder not in splits.values()]):
        message = (
            f"{root} has `{'`, `'.join(others)}` beside the splits `{'`, `'.join(f.name for f in splits.values())}`: "
            f"move them away or into a split. Expected {_LAYOUT}."
        )
        raise DataError(message)
    listed = {name: _classes(folder) for name, folder in (splits or {"train": root}).items()}
    paths = {path for part in listed.values() for files in part.values() for path in files}
    return listed, _left_out(root, [*splits.values()], paths)


def _decode(
    root: Path, listed: Mapping[str, Mapping[str, Sequence[Path]]], notes: Sequence[str], *, skip: bool
) -> tuple[dict[str, Part], int, list[str]]:
    """Return the pictures by split, how many of the class 0 are empty, and what must be said."""
    paths = [path for part in listed.values() for files in part.values() for path in files]
    decoded = dict(zip(paths, _decoded(paths), strict=True))
    note = _report(root, [one for one in decoded.values() if isinstance(one, UnreadableImageError)], len(paths), skip)
    note += notes
    found, emptied = {}, 0
    for name, everything in listed.items():
        part = {label: [f for f in files if isinstance(decoded[f], np.ndarray)] for label, files in everything.items()}
        if not any(part.values()):
            continue
        x = np.stack([decoded[file] for files in part.values() for file in files])
        y = np.concatenate([np.full(len(files), CLASS_NAMES.index(label), np.int64) for label, files in part.items()])
        empty = np.array([label == 1 and _is_plain(image) for image, label in zip(x, y, strict=True)])
        y[empty] = 0
        emptied += int(empty.sum())
        found[name] = x, y
    return found, emptied, note


def _left_out(root: Path, splits: Sequence[Path], read: set[Path]) -> list[str]:
    """Return what must be said of the files in a folder that are not read."""
    around = [path for folder in (root, *splits) for path in own_files(folder)]
    inside = [path for folder in splits or [root] for one in subfolders(folder) for path in walk(one).files]
    notes = [left_out_note([*around, *inside], root, "pictures")]
    if lost := [path for path in around if path.suffix.lower() in IMAGE_SUFFIXES and path not in read]:
        listed = sample_of(lost, root)
        notes.append(f"{len(lost)} picture(s) in {root} are in no folder of a count and are left out: {listed}.")
    return [note for note in notes if note]


def _classes(folder: Path) -> dict[str, list[Path]]:
    """Return the pictures of each class in a folder."""
    found: dict[str, list[Path]] = {}
    for inside in subfolders(folder):
        name = inside.name.lower()
        label = NONE if name in _NONE_NAMES else name
        if label not in CLASS_NAMES:
            message = f"{inside} is no count of fingers. Expected {_LAYOUT}."
            raise DataError(message)
        found.setdefault(label, []).extend(find_images(inside))
    if not found:
        own = folder.name.lower()
        found[own if own in CLASS_NAMES else NONE] = find_images(folder)
    if not any(found.values()):
        message = f"{folder} holds no pictures. Expected {_LAYOUT}."
        raise DataError(message)
    return found


def _decoded(paths: Sequence[Path]) -> list[Any]:
    """Return the pixels of each file, or the error that says why there are none."""

    def read(path: Path) -> np.ndarray | UnreadableImageError:
        try:
            return framed(read_image(path), IMAGE_SIZE)
        except UnreadableImageError as error:
            return error

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(read, paths))


def _report(root: Path, failures: Sequence[UnreadableImageError], count: int, skip: bool) -> list[str]:  # noqa: FBT001
    """Return what is left out, as at most one sentence; raise `DataError` where nothing may be."""
    if not failures:
        return []
    folder = root if root.is_dir() else root.parent
    lines = [f"{sample_of([failure.path], folder)}: {failure.reason}" for failure in failures[:_MOST_NAMED]]
    if len(failures) > _MOST_NAMED:
        lines.append(f"and {len(failures) - _MOST_NAMED} more")
    listed = "; ".join(lines)
    if skip:
        return [f"{len(failures)} of {count} pictures in {root} cannot be read and are left out. {listed}."]
    message = (
        f"{len(failures)} of {count} pictures in {root} cannot be read; mend or remove them, or leave them out with "
        f"-o data.unreadable=skip. {listed}."
    )
    raise DataError(message)


def _is_plain(image: np.ndarray) -> bool:
    """Return whether a picture is one smooth surface, such as a wall."""
    gray = image.mean(axis=2)
    gray = gray.reshape(24, gray.shape[0] // 24, 24, -1).mean(axis=(1, 3))
    rows, columns = (axis.ravel() / 12 - 1 for axis in np.indices(gray.shape))
    design = np.stack([np.ones_like(rows), rows, columns, rows**2, columns**2, rows * columns], axis=1)
    smooth = design @ np.linalg.lstsq(design, gray.ravel(), rcond=None)[0]
    return bool(np.sqrt(np.mean((gray.ravel() - smooth) ** 2)) < _PLAIN)


def _listed(roots: Sequence[Path]) -> str:
    return ", ".join(map(str, roots))
