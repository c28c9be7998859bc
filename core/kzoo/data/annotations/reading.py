"""From a path to checked annotations: the format is found by looking, and nothing wrong goes through in silence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kzoo.data.annotations.checking import Checked, Fault, check, class_names_of
from kzoo.data.annotations.coco import find_coco, read_coco
from kzoo.data.annotations.data_yaml import STATED_SUFFIXES, find_stated, read_stated
from kzoo.data.annotations.records import Annotations, AnnotationSets, FoundSet
from kzoo.data.annotations.split_dirs import LEARNED_FROM
from kzoo.data.annotations.voc import find_voc, read_voc
from kzoo.data.annotations.yolo_txt import find_labels, read_yolo
from kzoo.data.class_folders import case_notes
from kzoo.data.walking import own_files, sample_of, subfolders, walk
from kzoo.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["read_annotations"]

MOST_NAMED = 50
"""At most this many faults are named in one message."""
_LONGEST = 300  # letters of one of them
_FORMS = ("voc", "coco", "yolo")
_MEASURED = ("validation", "test")
_FIXES = ("stop", "clip", "skip")
_ANNOTATION_FOLDERS = frozenset({"annotation", "annotations"})
_LOOKED_FOR = (
    "VOC (an .xml file for each image), COCO (a .json with images, annotations and categories) or YOLO (a .txt file of "
    "the same name for each image, a data.yaml or an obj.data)"
)


def read_annotations(
    path: Path, *, form: str = "", fix: str = "stop", outside: bool = False, whole: bool = False
) -> AnnotationSets:
    """Read the annotations of a folder, a ``data.yaml``, Darknet's ``obj.data`` or a COCO json file.

    Args:
        path: The folder or the file.
        form: ``voc``, ``coco`` or ``yolo``; found by looking where it is empty.
        fix: What to do about what is wrong: ``stop`` and name it all; ``clip`` boxes to the image, turn reversed ones
            and leave out what cannot be mended; ``skip`` leaves out every box and image that is wrong.
        outside: Whether a ``data.yaml`` may name files that are neither below its own folder nor below the one above.
        whole: Whether the images are only measured on: the test split alone is looked at, where there is none the
            validation split, and where there is neither all of them, which are then the training split.

    Raises:
        DataError: Nothing that can be read is there, or something is wrong and ``fix`` is ``stop``.
        UsageError: ``form`` or ``fix`` is no such word.
    """
    if form and form not in _FORMS:
        message = f"`data.format` must be voc, coco or yolo, not {form!r}."
        raise UsageError(message)
    if fix not in _FIXES:
        message = f"`data.fix` must be stop, clip or skip, not {fix!r}."
        raise UsageError(message)
    found = _found(path, form, outside=outside)
    root = path if path.is_dir() else path.parent
    class_names = class_names_of(found)
    if not class_names:
        message = f"{path} was read as {found.form}, and no image in it has a box that says its class."
        if faults := [fault for images in found.images.values() for fault in check(images, (), None, fix, root).faults]:
            message += f" {_named(faults, root)}."
        raise DataError(message)
    if twice := [name for name in dict.fromkeys(class_names) if class_names.count(name) > 1]:
        message = f"The list of classes of {path} has {', '.join(map(repr, twice))} twice."
        raise DataError(message)
    measured = next((split for split in ("test", "validation") if split in found.images), None) if whole else None
    checked = {
        split: check(images, class_names, found.class_numbers, fix, root)
        for split, images in found.images.items()
        if measured in (None, split)
    }
    parts = {split: one.annotations for split, one in checked.items()}
    faults = [fault for one in checked.values() for fault in one.faults]
    notes = [
        *(note.replace(LEARNED_FROM, "are not measured") if measured else note for note in found.notes),
        *case_notes(path, class_names),
        *_shared_notes(path, parts),
        *_crowd_notes(path, parts, whole=whole),
        *_turned_notes(path, list(checked.values())),
        *_report(path, faults, fix),
    ]
    if measured:
        parts = {"train": Annotations(()), **parts}
    elif "train" not in parts:
        if len(parts) > 1:
            message = f"{path} has {' and '.join(parts)} but nothing to train on."
            raise DataError(message)
        parts = {"train": next(iter(parts.values()), Annotations(()))}
    needed = parts[measured or "train"]
    if not needed.box_count:
        message = (
            f"{path} was read as {found.form}, and there is no box to {'measure on' if whole else 'learn from'} in its "
            f"{len(needed)} images. {' '.join(_report(path, faults, fix))}"
        ).rstrip()
        raise DataError(message)
    numbers = found.class_numbers or {}
    return AnnotationSets(
        parts["train"],
        parts.get("validation"),
        parts.get("test"),
        class_names,
        found.form,
        tuple(notes),
        tuple(sorted(numbers, key=numbers.__getitem__)),
    )


def _found(path: Path, form: str, *, outside: bool) -> FoundSet:
    if path.is_file():
        if path.suffix.lower() in STATED_SUFFIXES:
            return read_stated(path, outside=outside)
        if path.suffix.lower() == ".json":
            return read_coco(walk(_root_of(path)), [path])
        message = f"{path} is neither a data.yaml nor a json file of COCO. Looked for {_LOOKED_FOR}."
        raise DataError(message)
    tree = walk(_unwrapped(path))
    xml = find_voc(tree) if form in ("", "voc") else []
    json = find_coco(tree) if form in ("", "coco") else []
    stated = (find_stated(path) or find_stated(tree.root)) if form in ("", "yolo") else None
    text = find_labels(tree) if form in ("", "yolo") and stated is None else []
    there = {"yolo": bool(stated or text), "coco": bool(json), "voc": bool(xml)}
    # A data.yaml states what the data set is. Then json before text: it knows the names of its classes.
    order = ["yolo", "coco", "voc"] if stated else ["coco", "voc", "yolo"]
    present = [name for name in order if there[name]]
    if not present:
        wanted = f"annotations in the format {form}" if form else "annotations"
        message = f"{path} holds no {wanted}. Looked for {_LOOKED_FOR}."
        raise DataError(message)
    if present[0] == "voc":
        found = read_voc(tree, xml)
    elif present[0] == "coco":
        found = read_coco(tree, json)
    else:
        found = read_stated(stated, outside=outside) if stated else read_yolo(tree)
    if len(present) > 1:
        others = " and ".join(present[1:])
        found.notes.append(
            f"{path} holds annotations as {present[0]} and as {others}: {present[0]} is read; -o data.format="
            f"{present[1]} reads the other."
        )
    return found


def _unwrapped(folder: Path) -> Path:
    """Return the folder that holds more than one folder, going down: what is around it says nothing of splits."""
    while folder.is_dir():
        inside = subfolders(folder)
        if len(inside) != 1 or own_files(folder):
            break
        folder = inside[0]
    return folder


def _root_of(path: Path) -> Path:
    """Return the folder of a json file's images: in COCO itself they are beside the folder ``annotations``."""
    beside = path.parent.name.lower() in _ANNOTATION_FOLDERS and path.parent.parent != path.parent.parent.parent
    return path.parent.parent if beside else path.parent


def _report(path: Path, faults: list[Fault], fix: str) -> list[str]:
    """Return the note that says what was mended or left out; raise `DataError` where that was not asked for."""
    if not faults:
        return []
    root = path if path.is_dir() else path.parent
    if fix == "stop":
        message = (
            f"{len(faults)} annotation(s) or image(s) of {path} are wrong. {_named(faults, root)}. Mend them, or let "
            "-o data.fix=clip cut boxes at the image's edges and leave out what cannot be mended, or -o data.fix=skip "
            "leave out all of them."
        )
        raise DataError(message)
    count = sum(fault.mended == "mended" for fault in faults)
    left = sum(fault.mended == "left out" for fault in faults)
    summary = f"{len(faults)} annotation(s) or image(s) of {path} are wrong: {count} mended, {left} left out."
    return [f"{summary} {_named(faults, root)}."]


def _shared_notes(path: Path, parts: Mapping[str, Annotations]) -> list[str]:
    """Return what must be said of images that are learned from and measured on."""
    root = path if path.is_dir() else path.parent
    images = {split: {image.path for image in part} for split, part in parts.items()}
    shared = {split: sorted(images.get("train", set()) & images.get(split, set())) for split in _MEASURED}
    notes = [
        f"{len(both)} of {len(images[split])} images of the {split} split are learned from as well; what is measured "
        f"on them says nothing of new images: {sample_of(both, root)}."
        for split, both in shared.items()
        if both
    ]
    if both := sorted(images.get("test", set()) & images.get("validation", set())):
        notes.append(
            f"{len(both)} of {len(images['test'])} images of the test split are in the validation split as well; where "
            f"that chooses what is kept, the test says too much of it: {sample_of(both, root)}."
        )
    return notes


def _crowd_notes(path: Path, parts: Mapping[str, Annotations], *, whole: bool) -> list[str]:
    """Return what must be said of boxes around crowds."""
    counts = {split: sum(int(image.crowd.sum()) for image in part) for split, part in parts.items()}
    if not any(counts.values()):
        return []
    listed = ", ".join(f"{count} of {split}" for split, count in counts.items() if count)
    learned = "" if whole else "they are not learned from, and "
    note = (
        f"{sum(counts.values())} box(es) of {path} are around crowds (`iscrowd`): {learned}what is found in them is "
        f"not counted ({listed})."
    )
    return [note]


def _turned_notes(path: Path, checked: Sequence[Checked]) -> list[str]:
    """Return what must be said of images that EXIF turns."""
    root = path if path.is_dir() else path.parent
    turned = [image for one in checked for image in one.turned]
    unsure = [image for one in checked for image in one.unsure]
    notes = []
    if turned:
        notes.append(
            f"{len(turned)} image(s) of {path} are turned by their EXIF data, and their annotations give the sides as "
            f"they were before: the boxes are turned with them: {sample_of(turned, root)}."
        )
    if unsure:
        notes.append(
            f"{len(unsure)} image(s) of {path} are turned or mirrored by their EXIF data, and their annotations do not "
            f"show whether the boxes are; they are taken as of the image as it is seen: {sample_of(unsure, root)}."
        )
    return notes


def _named(faults: list[Fault], root: Path) -> str:
    """Return the first faults in words; what several images or boxes share is said once, with their number."""
    counts = Counter(fault.seen_from(root) for fault in faults)
    named = list(counts.items())[:MOST_NAMED]
    lines = [
        (text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...") + (f" ({count} times)" if count > 1 else "")
        for text, count in named
    ]
    if more := len(faults) - sum(count for _, count in named):
        lines.append(f"and {more} more")
    return "; ".join(lines)
