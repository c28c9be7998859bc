"""What the classes in masks are called, and their colours: as the user says, or a file beside the data."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.data.class_names import stated_names
from kzoo.data.texts import reason_of, text_of
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kzoo_zoo.segmentation.settings import MaskSettings

__all__ = ["CLASS_FILES", "Named", "colour_in", "named_in", "parse_names"]

CLASS_FILES = ("classes.txt", "labels.txt", "class_dict.csv", "label_colors.txt", "codes.txt", "names.txt")
"""Files beside the data that name the classes, the first that is there."""

_LARGEST = 255
_COLOUR = re.compile(r"#([0-9a-fA-F]{6})")
_THREE = 3


@dataclass(frozen=True)
class Named:
    """A class as a file or the user names it.

    Attributes:
        name: Its name.
        value: Its number in masks.
        colour: Its colour as 0xRRGGBB; None where none is said.
    """

    name: str
    value: int
    colour: int | None = None


def colour_in(text: str) -> int | None:
    """Return the colour that a text as ``#804000`` is, as 0xRRGGBB; None for any other text."""
    match = _COLOUR.fullmatch(text)
    return None if match is None else int(match[1], 16)


def named_in(root: Path, settings: MaskSettings, masks: Iterable[Path] = ()) -> tuple[list[Named], str]:
    """Return the classes as the user or a file beside the data names them, and where; none where nobody does.

    Args:
        root: The folder of the data, or a file in it.
        settings: What the user says.
        masks: The masks: a ``classes.txt`` may stand among them, as ``kzoo predict --masks`` writes it.

    Raises:
        UsageError: The setting names a file that is not there.
        DataError: The file cannot be read, or is no list of classes; or there are two with other classes.
    """
    stated = settings.classes
    if isinstance(stated, str) and stated and "," not in stated:
        path = Path(stated).expanduser()
        if not path.is_file():
            stated_names(stated)  # which says why not
        return parse_names(path), str(path)
    if stated:
        names = stated_names(stated)
        return [Named(name, number) for number, name in enumerate(names)], "`data.classes`"
    folder = root if root.is_dir() else root.parent
    beside = [folder / name for name in CLASS_FILES if (folder / name).is_file()][:1]
    own = {place for parent in {mask.parent for mask in masks} for place in (parent, *parent.parents)}
    among = sorted(place / CLASS_FILES[0] for place in own if folder in place.parents)
    files = {path: parse_names(path) for path in (*beside, *filter(Path.is_file, among))}
    if not files:
        return [], ""
    first, *others = files
    for other in others:
        _check_alike(folder, first, other, files)
    return files[first], first.relative_to(folder).as_posix()


def _check_alike(folder: Path, first: Path, other: Path, files: Mapping[Path, Sequence[Named]]) -> None:
    """Raise `DataError` where two files name other classes; one of them may leave out the colours."""
    for one, its in itertools.zip_longest(files[first], files[other]):
        if one and its and one.name == its.name and (None in (one.colour, its.colour) or one.colour == its.colour):
            continue
        names = [path.relative_to(folder).as_posix() for path in (first, other)]
        shown = [f"`{named.name}`{_written(named.colour)}" if named else "none" for named in (one, its)]
        value = (one or its).value
        message = (
            f"{' and '.join(names)} in {folder} name other classes: of the number {value}, {shown[0]} and {shown[1]}. "
            "Remove the one that does not belong to these masks."
        )
        raise DataError(message)


def _written(colour: int | None) -> str:
    return "" if colour is None else f" #{colour:06x}"


def parse_names(path: Path) -> list[Named]:
    """Return the classes in a file: one a line, a name, or a name and its colour before or behind it.

    A colour is three numbers from 0 to 255 or as in ``#804000``. Commas, tabs and spaces are alike; a first line that
    names columns, as in ``name,r,g,b``, is left out, and so is what follows ``//``.

    Raises:
        DataError: The file cannot be read, or a line is none of this.
    """
    try:
        lines = text_of(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"The file of class names {path} cannot be read: {reason_of(error)}."
        raise DataError(message) from error
    found: list[Named] = []
    for number, line in enumerate(lines, start=1):
        text = line.partition("//")[0].strip()
        if not text or (not found and re.fullmatch(r"name\W+r\w*\W+g\w*\W+b\w*", text.lower())):
            continue
        name, colour = _name_and_colour(text)
        if not name or any(one.name == name for one in found):
            what = f"has the name {name!r} twice" if name else "has no name"
            message = f"{path}, line {number}: it {what}. The file must have one class in each line."
            raise DataError(message)
        if colour is not None and any(one.colour == colour for one in found):
            message = f"{path}, line {number}: another class has the colour #{colour:06x} already."
            raise DataError(message)
        found.append(Named(name, len(found), colour))
    if not found:
        message = f"{path} names no class: it is empty. It must have one in each line."
        raise DataError(message)
    if any(one.colour is None for one in found) and any(one.colour is not None for one in found):
        lacking = next(one.name for one in found if one.colour is None)
        message = f"{path} gives colours to some classes, and none to `{lacking}`."
        raise DataError(message)
    return found


def _name_and_colour(text: str) -> tuple[str, int | None]:
    parts = [part for part in re.split(r"[\s,;:=()\[\]]+", text) if part]
    for rest, numbers in ((parts[:-_THREE], parts[-_THREE:]), (parts[_THREE:], parts[:_THREE])):
        if rest and len(numbers) == _THREE and all(n.isdecimal() and int(n) <= _LARGEST for n in numbers):
            red, green, blue = map(int, numbers)
            return " ".join(rest), (red << 16) | (green << 8) | blue
    for rest, last in ((parts[:-1], parts[-1]), (parts[1:], parts[0])):
        if rest and (colour := colour_in(last)) is not None:
            return " ".join(rest), colour
    return text, None
