"""From a path to checked annotations: the format is found by looking, and nothing wrong goes through in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.data.annotations.checking import Fault, check, class_names_of
from kzoo.data.annotations.coco import find_coco, read_coco
from kzoo.data.annotations.records import AnnotationSets, FoundSet
from kzoo.data.annotations.voc import find_voc, read_voc
from kzoo.data.annotations.yolo_txt import find_labels, find_yaml, read_yaml, read_yolo
from kzoo.errors import DataError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_annotations"]

MOST_NAMED = 50
"""At most this many faults are named in one message."""
_FORMS = ("voc", "coco", "yolo")
_FIXES = ("stop", "clip", "skip")
_LOOKED_FOR = (
    "VOC (an .xml file for each image), COCO (a .json with images, annotations and categories) or YOLO (a .txt file of "
    "the same name for each image, or a data.yaml)"
)


def read_annotations(path: Path, *, form: str = "", fix: str = "stop") -> AnnotationSets:
    """Read the annotations of a folder, a ``data.yaml`` or a COCO json file.

    Args:
        path: The folder or the file.
        form: ``voc``, ``coco`` or ``yolo``; found by looking where it is empty.
        fix: What to do about what is wrong: ``stop`` and name it all; ``clip`` boxes to the image, turn reversed ones
            and leave out what cannot be mended; ``skip`` leaves out every box and image that is wrong.

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
    found = _found(path, form)
    class_names = class_names_of(found)
    if not class_names:
        message = f"{path} was read as {found.form}, and no image in it has a box that says its class."
        if faults := [fault for images in found.images.values() for fault in check(images, (), None, fix)[1]]:
            message += f" {_named(faults)}."
        raise DataError(message)
    if twice := [name for name in dict.fromkeys(class_names) if class_names.count(name) > 1]:
        message = f"The list of classes of {path} has {', '.join(map(repr, twice))} twice."
        raise DataError(message)
    parts, faults = {}, []
    for split, images in found.images.items():
        parts[split], wrong = check(images, class_names, found.class_numbers, fix)
        faults += wrong
    notes = [*found.notes, *_report(path, faults, fix)]
    if "train" not in parts:
        if len(parts) > 1:
            message = f"{path} has {' and '.join(parts)} but nothing to train on."
            raise DataError(message)
        parts = {"train": next(iter(parts.values()))}
    if not parts["train"].box_count:
        message = (
            f"{path} was read as {found.form}, and there is no box to learn from in its {len(parts['train'])} images."
        )
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


def _found(path: Path, form: str) -> FoundSet:
    if path.is_file():
        if path.suffix in (".yaml", ".yml"):
            return read_yaml(path)
        if path.suffix == ".json":
            return read_coco(path.parent, [path])
        message = f"{path} is neither a data.yaml nor a json file of COCO. Looked for {_LOOKED_FOR}."
        raise DataError(message)
    xml = find_voc(path) if form in ("", "voc") else []
    json = find_coco(path) if form in ("", "coco") else []
    yaml = find_yaml(path) if form in ("", "yolo") else None
    text = find_labels(path) if form in ("", "yolo") and yaml is None else []
    there = {"yolo": bool(yaml or text), "coco": bool(json), "voc": bool(xml)}
    # A data.yaml states what the data set is. Then json before text: it knows the names of its classes.
    order = ["yolo", "coco", "voc"] if yaml else ["coco", "voc", "yolo"]
    present = [name for name in order if there[name]]
    if not present:
        wanted = f"annotations in the format {form}" if form else "annotations"
        message = f"{path} holds no {wanted}. Looked for {_LOOKED_FOR}."
        raise DataError(message)
    if present[0] == "voc":
        found = read_voc(path, xml)
    elif present[0] == "coco":
        found = read_coco(path, json)
    else:
        found = read_yaml(yaml) if yaml else read_yolo(path)
    if len(present) > 1:
        others = " and ".join(present[1:])
        found.notes.append(
            f"{path} holds annotations as {present[0]} and as {others}: {present[0]} is read; -o data.format="
            f"{present[1]} reads the other."
        )
    return found


def _report(path: Path, faults: list[Fault], fix: str) -> list[str]:
    """Return the note that says what was mended or left out; raise `DataError` where that was not asked for."""
    if not faults:
        return []
    if fix == "stop":
        message = (
            f"{len(faults)} annotation(s) or image(s) of {path} are wrong. {_named(faults)}. Mend them, or let "
            "-o data.fix=clip cut boxes at the image's edges and leave out what cannot be mended, or -o data.fix=skip "
            "leave out all of them."
        )
        raise DataError(message)
    count = sum(fault.mended == "mended" for fault in faults)
    left = sum(fault.mended == "left out" for fault in faults)
    summary = f"{len(faults)} annotation(s) or image(s) of {path} are wrong: {count} mended, {left} left out."
    return [f"{summary} {_named(faults)}."]


def _named(faults: list[Fault]) -> str:
    lines = [str(fault) for fault in faults[:MOST_NAMED]]
    if len(faults) > MOST_NAMED:
        lines.append(f"and {len(faults) - MOST_NAMED} more")
    return "; ".join(lines)
