"""Lines of text from wherever a user has them, each looked at before anything is learned; and those of the sample."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.arrays import npz_arrays
from kzoo.data.decoding import UnreadableImageError, opened, read_image
from kzoo.data.images import TEST_FRACTION
from kzoo.data.labelled_arrays import checked_images
from kzoo.data.splits import Dataset
from kzoo.errors import DataError, in_short
from kzoo_zoo.transcription.labels import labelled
from kzoo_zoo.transcription.lines import Line, LineSplit, Lines, fitted, held, width_at
from kzoo_zoo.transcription.sample import digit_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from kzoo.data.splits import Reading
    from kzoo_zoo.transcription.settings import LineSettings, SampleSettings

__all__ = ["Form", "read", "sample"]

_WIDEST = 512
"""The columns that lines get at most where nobody says how many."""
_MULTIPLE = 8
"""Widths are multiples of it, so that a step has as many columns as any other."""
_FEWEST_ROWS = 8
_MOST_NAMED = 20
_MOST_PIXELS = 10**9  # of the pictures of an npz, resized
_LOOKED_AT = 24  # pictures that are looked at for colours
_GRAY_SPREAD = 6  # the channels of a gray JPEG differ by no more
_TURNED = (5, 6, 7, 8)  # EXIF's orientations of which rows become columns
_ORIENTATION = 0x0112
_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Form:
    """What a trained network takes: None where data is read to train one.

    Attributes:
        shape: Height, width and channels.
        alphabet: The symbols that it knows.
        case: ``keep``, ``lower`` or ``upper``: what was made of capitals and small letters.
    """

    shape: tuple[int, int, int]
    alphabet: str
    case: str


def read(path: Path, settings: LineSettings, reading: Reading, form: Form | None = None) -> Dataset:
    """Read lines of text, see `kzoo_zoo.transcription.labels.LAYOUT`.

    All pictures are decoded once and all texts looked at: what cannot be used is named with its file. The alphabet is
    that of the texts to train on, in the order of Unicode, unless the settings or a trained network say it; a symbol in
    other texts that is not in it is named. Without a test split the validation split is the test; where there is
    neither, 20 % of the lines are kept for it, always the same for the same lines.

    Raises:
        DataError: There are no pictures or texts, or some of them cannot be used.
    """
    if path.is_file() and path.suffix.lower() == ".npz":
        return _of_arrays(path, settings, reading, form)
    found = labelled(path, settings)
    root = path if path.is_dir() else path.parent
    case = settings.case if form is None else form.case
    total, faults = len(found.lines) + len(found.faults), list(found.faults)
    lines = _written(found.lines, case, faults)
    sizes = _sizes(lines, faults)
    lines = [line for line, size in zip(lines, sizes, strict=True) if size]
    sizes = [size for size in sizes if size]
    lines = _divided(root, lines, whole=reading.whole)
    kept, alphabet, notes = _known(root, lines, settings.alphabet if form is None else form.alphabet, faults, form)
    sizes = [sizes[number] for number in kept]
    lines = [lines[number] for number in kept]
    shape = form.shape if form else _shape(settings, lines, sizes)
    rows, squeezed, failures = held([line.path for line in lines if line.path], shape)
    faults += [f"{lines[number].name}: {why}" for number, why in failures.items()]
    notes = [*found.notes, *notes, *_report(root, faults, total, skip=settings.unreadable == "skip")]
    notes += _squeezed(lines, squeezed, shape)
    store = Lines(lines, shape, alphabet, rows)
    good = [number for number in range(len(lines)) if number not in failures]
    how = "" if any(line.split for line in found.lines) else f"; {TEST_FRACTION:.0%} kept for the test"
    declares = any(line.split in ("validation", "test") for line in found.lines)
    what = f"from {path.name}, {found.how}{'' if declares or reading.whole else how}"
    return _dataset(path, store, good, reading, notes, what, declares=declares, case=case)


def sample(settings: SampleSettings, form: Form | None = None) -> Dataset:
    """Return lines of scikit-learn's handwritten digits, see `kzoo_zoo.transcription.sample.digit_lines`."""
    drawn = digit_lines(settings.lines, settings.seed, settings.digits, test=False)
    tested = digit_lines(settings.lines // 4, settings.seed, settings.digits, test=True)
    pictures = [picture for picture, _ in (*drawn, *tested)]
    sizes = [(picture.shape[0], picture.shape[1]) for picture in pictures]
    lines = [
        Line(f"{split}-{number:05d}", text, None, split)
        for split, own in (("train", drawn), ("test", tested))
        for number, (_, text) in enumerate(own)
    ]
    gray = replace(settings, channels=1) if settings.channels == "auto" else settings
    shape = form.shape if form else _shape(gray, lines, sizes)
    rows, notes = _fitted(pictures, lines, shape)
    alphabet = form.alphabet if form else "0123456789"
    kinds = f"{settings.digits[0]} to {settings.digits[1]} handwritten digits of scikit-learn"
    what = f"of {kinds} side by side, those of the test drawn another time"
    store = Lines(lines, shape, alphabet, rows)
    return _dataset(None, store, range(len(lines)), None, notes, what, declares=True, case="keep")


def _of_arrays(path: Path, settings: LineSettings, reading: Reading, form: Form | None) -> Dataset:
    """Read pictures and texts of an npz file, in the layout of Keras."""
    arrays = npz_arrays(path, whole=reading.whole)
    case = settings.case if form is None else form.case
    pairs = {"train": ("train",), "validation": ("validation", "val"), "test": ("test",)}
    lines: list[Line] = []
    pictures: list[np.ndarray] = []
    for split, endings in pairs.items():
        ending = next((one for one in endings if {f"x_{one}", f"y_{one}"} <= set(arrays)), None)
        if ending is None or (reading.whole and split != "test" and {"x_test", "y_test"} <= set(arrays)):
            continue
        x, y = checked_images(arrays[f"x_{ending}"], f"`x_{ending}` in {path}"), arrays[f"y_{ending}"]
        if y.dtype.kind not in "US" or y.shape != (len(x),):
            message = (
                f"`y_{ending}` in {path} has type {y.dtype} and shape {y.shape}, and `x_{ending}` has {len(x):,} "
                "pictures: expected a text for each, as np.array([...], dtype=str)."
            )
            raise DataError(message)
        texts = [text.decode(errors="replace") if isinstance(text, bytes) else text for text in y.tolist()]
        lines += [Line(f"x_{ending}[{number}]", text, None, split) for number, text in enumerate(texts)]
        pictures += list(x)
    faults: list[str] = []
    total = len(lines)
    places = {line.name: number for number, line in enumerate(lines)}
    lines = _written(lines, case, faults)
    kept, alphabet, notes = _known(path, lines, settings.alphabet if form is None else form.alphabet, faults, form)
    lines = [lines[number] for number in kept]
    pictures = [pictures[places[line.name]] for line in lines]
    notes += _report(path, faults, total, skip=settings.unreadable == "skip")
    sizes = [(picture.shape[0], picture.shape[1]) for picture in pictures]
    own = 3 if any(picture.shape[-1] > 1 for picture in pictures) else 1
    chosen = replace(settings, channels=own) if settings.channels == "auto" else settings
    shape = form.shape if form else _shape(chosen, lines, sizes)
    rows, squeezed = _fitted(pictures, lines, shape)
    if reading.whole:
        lines = [replace(line, split="test") for line in lines]
    store = Lines(lines, shape, alphabet, rows)
    declares = any(line.split == "test" for line in lines)
    return _dataset(path, store, range(len(lines)), reading, [*notes, *squeezed], f"from {path.name}", declares=declares, case=case)


def _written(lines: Iterable[Line], case: str, faults: list[str]) -> list[Line]:
    """Return the lines with their texts as they are learned; what has none is a fault."""
    found = []
    for line in lines:
        text = unicodedata.normalize("NFC", line.text.strip())
        text = {"lower": text.lower, "upper": text.upper, "keep": lambda text=text: text}[case]()
        if not text:
            faults.append(f"{line.name}: it has no text")
        elif not text.isprintable():
            odd = next(symbol for symbol in text if not symbol.isprintable())
            faults.append(f"{line.name}: its text {in_short(ascii(text))} has the control character U+{ord(odd):04X}")
        else:
            found.append(replace(line, text=text))
    return found


def _sizes(lines: Sequence[Line], faults: list[str]) -> list[tuple[int, int] | None]:
    """Return rows and columns of each picture by its header; None for one that cannot be used, which is a fault."""
    found: list[tuple[int, int] | None] = []
    for line in lines:
        assert line.path is not None, "those in memory have their sizes"
        try:
            with opened(line.path) as image:
                columns, rows = image.size
                if image.getexif().get(_ORIENTATION) in _TURNED:
                    columns, rows = rows, columns
        except Exception:  # noqa: BLE001 - a damaged file can make a decoder fail with anything; it is decoded to say why
            size = _decoded_size(line, faults)
        else:
            size = (rows, columns)
        if size and size[0] < _FEWEST_ROWS:
            faults.append(f"{line.name}: it has {size[1]} x {size[0]} pixels, too few rows to read anything")
            size = None
        found.append(size)
    return found


def _decoded_size(line: Line, faults: list[str]) -> tuple[int, int] | None:
    assert line.path is not None
    try:
        pixels = read_image(line.path)
    except UnreadableImageError as error:
        faults.append(f"{line.name}: {error.reason}")
        return None
    return pixels.shape[0], pixels.shape[1]


def _divided(root: Path, lines: list[Line], *, whole: bool) -> list[Line]:
    """Return the lines each with its split."""
    there = {line.split for line in lines}
    if whole:
        return [replace(line, split="test") for line in lines if "test" not in there or line.split == "test"]
    lines = [replace(line, split=line.split or "train") for line in lines]
    there = {line.split for line in lines}
    if lines and "train" not in there:
        message = f"{root} has lines to test on and none to train on: name a folder or a list `train`."
        raise DataError(message)
    if "test" not in there and "validation" in there:
        return [replace(line, split="test") if line.split == "validation" else line for line in lines]
    if "test" not in there and lines:
        count = max(1, round(len(lines) * TEST_FRACTION))
        if count >= len(lines):
            message = f"{root} has a single line to use: one is needed to learn from and another to test on."
            raise DataError(message)
        for number in np.random.default_rng([0x7E57, 0]).permutation(len(lines))[:count]:
            lines[number] = replace(lines[number], split="test")
    return lines


def _known(
    root: Path, lines: Sequence[Line], given: str, faults: list[str], form: Form | None
) -> tuple[list[int], str, list[str]]:
    """Return the numbers of the lines whose symbols are all known, the alphabet, and what must be said of it."""
    given = unicodedata.normalize("NFC", given)
    learned = {symbol for line in lines if line.split == "train" for symbol in line.text}
    alphabet = given or "".join(sorted(learned))
    known, kept = set(alphabet), []
    whose = "the network knows" if form else "`data.alphabet` has" if given else "any text to train on has"
    for number, line in enumerate(lines):
        strange = [symbol for symbol in dict.fromkeys(line.text) if symbol not in known]
        if not strange:
            kept.append(number)
            continue
        symbols = " ".join(strange[:_MOST_NAMED])
        faults.append(f"{line.name}: its text {in_short(line.text)!r} has {symbols}, which is no symbol that {whose}")
    notes = []
    if not form and given and (absent := "".join(symbol for symbol in given if symbol not in learned)):
        notes.append(
            f"`data.alphabet` has {len(absent)} symbol(s) that no text to train on in {root} has, and a network never "
            f"says what it has not learned: {in_short(absent)}"
        )
    return kept, alphabet, notes


def _shape(
    settings: SampleSettings, lines: Sequence[Line], sizes: Sequence[tuple[int, int]]
) -> tuple[int, int, int]:
    """Return the height, width and channels that lines to train on ask for."""
    learned = [number for number, line in enumerate(lines) if line.split == "train"]
    widest = max((width_at(sizes[number], settings.height) for number in learned), default=1)
    width = settings.width or min(_WIDEST, widest)
    width = max(2, -(-width // _MULTIPLE)) * _MULTIPLE
    if settings.channels != "auto":
        return settings.height, width, settings.channels
    chosen = [lines[number] for number in learned]
    spread = np.unique(np.linspace(0, len(chosen) - 1, min(_LOOKED_AT, len(chosen))).astype(int)) if chosen else []
    return settings.height, width, 3 if any(_coloured(chosen[int(at)]) for at in spread) else 1


def _coloured(line: Line) -> bool:
    assert line.path is not None
    try:
        pixels = read_image(line.path).astype(np.int16)
    except UnreadableImageError:
        return False  # it is reported where all are decoded
    return bool((pixels.max(axis=-1) - pixels.min(axis=-1)).max() > _GRAY_SPREAD)


def _fitted(
    pictures: Sequence[np.ndarray], lines: Sequence[Line], shape: tuple[int, int, int]
) -> tuple[np.ndarray, list[str]]:
    """Return pictures that are in memory as a network takes them, and what must be said of those squeezed."""
    rows = np.empty((len(pictures), *shape), np.uint8)
    squeezed = {}
    for number, picture in enumerate(pictures):
        rows[number], left = fitted(picture, shape)
        if left < 1:
            squeezed[number] = left
    return rows, _squeezed(lines, squeezed, shape)


def _squeezed(lines: Sequence[Line], squeezed: Mapping[int, float], shape: tuple[int, int, int]) -> list[str]:
    if not squeezed:
        return []
    worst = min(squeezed, key=lambda number: squeezed[number])
    return [
        f"{len(squeezed):,} of {len(lines):,} lines are wider than {shape[1]} columns at a height of {shape[0]} and "
        f"are squeezed, {lines[worst].name} most, to {squeezed[worst]:.0%} of its width. With a larger data.width "
        "they are not, and all takes longer."
    ]


def _report(root: Path, faults: Sequence[str], total: int, *, skip: bool) -> list[str]:
    """Return the note that names what is left out; raise `DataError` where nothing may be, or nothing is left."""
    if not faults:
        return []
    listed = "; ".join(faults[:_MOST_NAMED])
    listed += f"; and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
    if skip and len(faults) < total:
        return [f"{len(faults)} of {total} lines of {root} cannot be used and are left out. {listed}."]
    other = "" if skip else ", or leave them out with -o data.unreadable=skip"
    message = f"{len(faults)} of {total} lines of {root} cannot be used; mend or remove them{other}. {listed}."
    raise DataError(message)


def _dataset(
    path: Path | None,
    store: Lines,
    good: Sequence[int],
    reading: Reading | None,
    notes: Sequence[str],
    what: str,
    *,
    declares: bool,
    case: str,
) -> Dataset:
    rows = np.asarray(good, np.int64)
    names = np.array([store.lines[number].split for number in rows])
    parts = {split: LineSplit(store, rows[names == split]) for split in _SPLITS}
    whole = bool(reading and reading.whole)
    for split in ("test",) if whole else ("train", "test"):
        if not len(parts[split]):
            message = f"{path} has no line of the {split} split that can be used."
            raise DataError(message)
    counts = ", ".join(f"{len(own):,} {name}" for name, own in parts.items() if len(own))
    height, width, channels = store.shape
    symbols = Counter(symbol for line in store.lines for symbol in line.text)
    return Dataset(
        train=parts["train"],
        validation=parts["validation"] if len(parts["validation"]) and not whole else None,
        test=parts["test"],
        class_names=(),
        description=(
            f"{counts} lines of text in {len(symbols)} symbols {what}, at {height}x{width}x{channels}"
        ),
        location="" if path is None else str(path),
        notes=tuple(notes),
        schema={"alphabet": store.alphabet, "case": case},
        declares_test=declares,
    )
