"""Which pictures there are and which text stands in each: by lists, by files beside them, or by their names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.data.decoding import IMAGE_SUFFIXES
from kzoo.data.image_index import ImageIndex, split_in
from kzoo.data.labels_of_lists import LIST_SUFFIXES, ImageTable, is_table
from kzoo.data.split_names import split_of
from kzoo.data.texts import LONGEST, reason_of, text_of
from kzoo.data.walking import own_files, sample_of, subfolders, walk
from kzoo.errors import DataError, in_short
from kzoo_zoo.transcription.lines import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kzoo_zoo.transcription.settings import LineSettings

__all__ = ["LAYOUT", "Labelled", "labelled"]

LAYOUT = (
    "a folder of pictures with a CSV (image,text) or a labels.txt (a name and a text in each line), with a .txt of the "
    "same name beside each picture, or with -o data.labels=names pictures that are called as their text; in folders "
    "train, val and test or without; or an .npz with x_train, y_train, x_test and y_test"
)

_LISTS = frozenset(
    {"labels", "label", "list", "gt", "groundtruth", "ground_truth", "annotation", "annotations", "texts"}
    | {"transcripts", "transcriptions", "words"}
)
"""How a text file is called that lists pictures with their texts, but for the names of splits."""
_TEXT_COLUMNS = frozenset(
    {"text", "texts", "label", "labels", "word", "words", "transcript", "transcription", "string", "groundtruth", "gt"}
    | {"plate", "number", "code", "value", "captcha", "target", "class"}
)
_QUOTES = 2
_BESIDE = (".gt.txt", ".txt")
_ENDING = "|".join(re.escape(suffix) for suffix in sorted(IMAGE_SUFFIXES, key=len, reverse=True))
_NAMED = re.compile(rf"(?i)(.*?(?:{_ENDING}))(?:(\s*,\s*)|\s+)(.*)")
_MJSYNTH = re.compile(r"\d+_(.+)_(\d+)")
"""MJSynth's pictures are called by a number, the word and its place in a lexicon, which its lists repeat."""


@dataclass
class Labelled:
    """The lines of a folder.

    Attributes:
        lines: Each with its text as it is written.
        faults: What is wrong, each with its file.
        notes: What must be said.
        how: Where the texts stand, in words.
    """

    lines: list[Line] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    how: str = ""


def labelled(root: Path, settings: LineSettings) -> Labelled:
    """Return the lines of a folder, or of a list.

    Raises:
        DataError: There are no pictures, or nothing says what stands in them; or a list cannot be read.
    """
    if root.is_file():
        if root.suffix.lower() not in LIST_SUFFIXES:
            message = f"{root} is no list of pictures and their texts. Lines of text are read from {LAYOUT}."
            raise DataError(message)
        return _of_lists(root.parent, [root])
    pictures = walk(root).named(IMAGE_SUFFIXES)
    if not pictures:
        message = f"{root} holds no pictures. Lines of text are read from {LAYOUT}."
        raise DataError(message)
    if settings.labels == "names":
        return _of_names(root, pictures, re.compile(settings.pattern))
    lists = [] if settings.labels == "beside" else _lists_of(root)
    if lists:
        return _of_lists(root, lists)
    beside = {path: _beside(path) for path in pictures}
    if settings.labels == "list" or not any(beside.values()):
        what = {"list": "no list", "beside": "no .txt beside a picture"}.get(settings.labels, "nothing")
        message = (
            f"{root} has {len(pictures):,} pictures ({sample_of(pictures, root)}) and {what} that says what stands in "
            f"them. Lines of text are read from {LAYOUT}."
        )
        raise DataError(message)
    return _of_files(root, beside)


def _lists_of(root: Path) -> list[Path]:
    """Return the lists in a folder, or where there are none those in the folders of its splits."""
    return _lists_in(root) or [
        path for folder in subfolders(root) if split_of(folder.name) for path in _lists_in(folder)
    ]


def _lists_in(folder: Path) -> list[Path]:
    files = own_files(folder)
    pictures = {path.stem for path in files if path.suffix.lower() in IMAGE_SUFFIXES}
    found = []
    for path in files:
        if path.suffix.lower() not in LIST_SUFFIXES or path.stem in pictures:
            continue
        named = path.stem.lower() in _LISTS or split_of(path.stem) is not None
        if named or (is_table(path) and _names_pictures(path)):
            found.append(path)
    return found


def _names_pictures(path: Path) -> bool:
    """Return whether a table of any name has a column of pictures that are there."""
    try:
        return ImageTable.open(path, ImageIndex(walk(path.parent)).has).image is not None
    except DataError:
        return False


@dataclass(frozen=True)
class _Row:
    line: int
    name: str
    text: str
    split: str | None = None


def _of_lists(root: Path, lists: Sequence[Path]) -> Labelled:
    """Return what lists say; a row's split is what a column says, or its list's name, or the picture's folder."""
    found = Labelled(how=f"texts by {' and '.join(path.relative_to(root).as_posix() for path in lists)}")
    texts: dict[Path, str] = {}
    again = 0
    for path in lists:
        index = ImageIndex(walk(path.parent))
        rows = list(_table_rows(path, index.has) if is_table(path) else _text_rows(path))
        rows = _named_words(path, rows, found)
        stem = split_of(path.stem)
        split = stem if len(lists) > 1 or stem == "test" else None
        for row in rows:
            where = f"line {row.line} of {path.relative_to(root).as_posix()}"
            said = row.split or split
            picture = index.find(row.name, said)
            if picture is None or picture.suffix.lower() not in IMAGE_SUFFIXES:
                found.faults.append(f"{where}: there is no picture {in_short(row.name)}{_hint(row, index)}")
            elif picture in texts:
                again += 1
                if texts[picture] != row.text:
                    name = picture.relative_to(root).as_posix()
                    found.faults.append(f"{where}: {name} has the text {in_short(texts[picture])!r} already")
            else:
                texts[picture] = row.text
                said = said or split_in(picture, root) or ""
                found.lines.append(Line(picture.relative_to(root).as_posix(), row.text, picture, said))
    if again:
        found.notes.append(f"{again:,} row(s) of the lists of {root} name a picture that is there already.")
    if lost := [path for path in walk(root).named(IMAGE_SUFFIXES) if path not in texts]:
        found.notes.append(
            f"{len(lost):,} picture(s) in {root} are in no list and are left out: {sample_of(lost, root)}."
        )
    if not found.lines and not found.faults:
        message = f"{' and '.join(map(str, lists))} names no picture. Lines of text are read from {LAYOUT}."
        raise DataError(message)
    return found


def _hint(row: _Row, index: ImageIndex) -> str:
    """Return what may be wrong with a row whose picture is not there, in brackets; an empty text where nobody knows."""
    if row.name.startswith(("..", "/")):
        return " (pictures are looked for in the folder of the list and below)"
    name, sign, _ = row.name.partition(";")
    if sign and index.has(name):
        return " (a blank, a tab or a comma stands between a picture and its text)"
    return ""


def _table_rows(path: Path, is_there: Callable[[str], bool]) -> Iterator[_Row]:
    table = ImageTable.open(path, is_there)
    text = _text_column(table)
    if table.image is None or text is None:
        columns = ", ".join(f"`{name}`" for name in table.file.header)
        what = "names of pictures that are there" if table.image is None else "their texts"
        message = (
            f"No column of {path} has {what}; it has {in_short(columns)}. Call the columns `image` and `text`; "
            "pictures are looked for in the folder of the table and below."
        )
        raise DataError(message)
    for line, cells in table.rows():
        yield _Row(line, cells[table.image].strip(), cells[text], table.split_of(cells))


def _text_column(table: ImageTable) -> int | None:
    """Return the column that is called as texts are, or the other one of two."""
    others = table.others if any(table.header) else tuple(n for n in range(len(table.header)) if n != table.image)
    called = [place for place in others if re.sub("[^a-z]", "", table.header[place].lower()) in _TEXT_COLUMNS]
    if called:
        return called[0]
    return others[0] if len(others) == 1 else None


def _text_rows(path: Path) -> Iterator[_Row]:
    """Yield the lines of a text file: a picture, then blanks, a tab or a comma, and its text to the end.

    A text after a comma may be in quotes, as those of the ICDAR competitions are.
    """
    try:
        text = text_of(path, 32 * LONGEST)
    except (OSError, UnicodeDecodeError) as error:
        message = f"The list {path} cannot be read: {reason_of(error)}."
        raise DataError(message) from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        if (found := _NAMED.fullmatch(line.strip())) is not None:
            name, comma, said = found.groups()
            quoted = comma and len(said) >= _QUOTES and said[0] == said[-1] == '"'
            yield _Row(number, name, said[1:-1].replace(r"\"", '"') if quoted else said)
        else:
            name, _, said = line.strip().replace("\t", " ", 1).partition(" ")
            yield _Row(number, name if said else line.strip(), said)


def _named_words(path: Path, rows: list[_Row], found: Labelled) -> list[_Row]:
    """Return the rows with the words in the names of their pictures, where all say a place in MJSynth's lexicon."""
    matches = [_MJSYNTH.fullmatch(Path(row.name).stem) for row in rows]
    if not rows or not all(m and m[2] == row.text.strip() for m, row in zip(matches, rows, strict=True)):
        return rows
    found.notes.append(
        f"The lists of {path.parent} say numbers of a lexicon, as MJSynth's do: texts are the words in the names."
    )
    return [_Row(row.line, row.name, m[1], row.split) for row, m in zip(rows, matches, strict=True) if m]


def _beside(picture: Path) -> Path | None:
    return next((text for end in _BESIDE if (text := picture.with_suffix(end)).is_file()), None)


def _of_files(root: Path, beside: dict[Path, Path | None]) -> Labelled:
    found = Labelled(how="texts by a .txt beside each picture")
    for picture, file in beside.items():
        name = picture.relative_to(root).as_posix()
        if file is None:
            found.faults.append(f"{name}: there is no {picture.stem}.txt beside it")
            continue
        try:
            text = text_of(file).strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            found.faults.append(f"{name}: {file.name} cannot be read: {reason_of(error)}")
            continue
        if len(lines := text.splitlines()) > 1:
            found.faults.append(f"{name}: {file.name} has {len(lines)} lines, and a picture is one line of text")
            continue
        found.lines.append(Line(name, text, picture, split_in(picture, root) or ""))
    return found


def _of_names(root: Path, pictures: Sequence[Path], pattern: re.Pattern[str]) -> Labelled:
    found = Labelled(how="texts by the names of the pictures")
    for picture in pictures:
        name = picture.relative_to(root).as_posix()
        matched = pattern.fullmatch(picture.stem)
        if matched is None:
            found.faults.append(f"{name}: its name is not of the form `{pattern.pattern}`")
        else:
            found.lines.append(Line(name, matched[1] or "", picture, split_in(picture, root) or ""))
    return found
