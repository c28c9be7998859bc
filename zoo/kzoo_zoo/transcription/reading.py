"""Lines of text from wherever a user has them, each looked at before anything is learned; and those of the sample."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.arrays import npz_arrays
from kzoo.data.images import TEST_FRACTION
from kzoo.data.labelled_arrays import checked_images
from kzoo.data.splits import Dataset
from kzoo.errors import DataError
from kzoo_zoo.picture_files import left_out
from kzoo_zoo.transcription.alphabet import known, written
from kzoo_zoo.transcription.labels import labelled
from kzoo_zoo.transcription.lines import Line, Lines, LineSplit, fitted, held
from kzoo_zoo.transcription.sample import digit_lines
from kzoo_zoo.transcription.sizes import shape_for, sizes_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kzoo.data.splits import Reading
    from kzoo_zoo.transcription.settings import LineSettings, SampleSettings

__all__ = ["Form", "read", "sample"]

_FEWEST = 2  # lines, one to learn from and one to test on
_SPLITS = ("train", "validation", "test")
_WHAT = "lines of"


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
    lines = written(found.lines, case, faults)
    usable = [(line, size) for line, size in zip(lines, sizes_of(lines, faults), strict=True) if size]
    lines, sizes = [line for line, _ in usable], [size for _, size in usable]
    if faults and len(lines) < _FEWEST:
        left_out(_WHAT, root, faults, total, skip=False)
    lines = _divided(root, lines, whole=reading.whole)
    given = settings.alphabet if form is None else form.alphabet
    kept, alphabet, notes = known(root, lines, given, faults, trained=form is not None)
    lines, sizes = [lines[number] for number in kept], [sizes[number] for number in kept]
    shape = form.shape if form else shape_for(settings, lines, sizes)
    rows, squeezed, failures = held([line.path for line in lines if line.path], shape)
    faults += [f"{lines[number].name}: {why}" for number, why in failures.items()]
    notes = [*found.notes, *notes, *left_out(_WHAT, root, faults, total, skip=settings.unreadable == "skip")]
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
    shape = form.shape if form else shape_for(settings, lines, sizes, channels=1)
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
    lines = written(lines, case, faults)
    given = settings.alphabet if form is None else form.alphabet
    kept, alphabet, notes = known(path, lines, given, faults, trained=form is not None)
    lines = [lines[number] for number in kept]
    pictures = [pictures[places[line.name]] for line in lines]
    notes += left_out(_WHAT, path, faults, total, skip=settings.unreadable == "skip")
    sizes = [(picture.shape[0], picture.shape[1]) for picture in pictures]
    channels = max((picture.shape[-1] for picture in pictures), default=1)
    shape = form.shape if form else shape_for(settings, lines, sizes, channels)
    rows, squeezed = _fitted(pictures, lines, shape)
    if reading.whole:
        lines = [replace(line, split="test") for line in lines]
    store = Lines(lines, shape, alphabet, rows)
    declares = any(line.split == "test" for line in lines)
    return _dataset(
        path, store, range(len(lines)), reading, [*notes, *squeezed], f"from {path.name}", declares=declares, case=case
    )


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
    return lines if "test" in there else _keep_for_test(root, lines)


def _keep_for_test(root: Path, lines: list[Line]) -> list[Line]:
    """Return the lines, a fifth of them to test on; a symbol that only one of the others has is learned, not tested."""
    count = max(1, round(len(lines) * TEST_FRACTION))
    left = Counter(symbol for line in lines for symbol in set(line.text))
    kept = set[int]()
    for number in np.random.default_rng([0x7E57, 0]).permutation(len(lines)).tolist():
        own = set(lines[number].text)
        if len(kept) < count and all(left[symbol] > 1 for symbol in own):
            kept.add(number)
            left.subtract(own)
    if not kept:
        what = "a single line to use" if len(lines) == 1 else "no line whose symbols all stand in others as well"
        message = (
            f"{root} has {what}, and no folder or list `test`: some lines are needed to learn from, and others in the "
            "same symbols to test on."
        )
        raise DataError(message)
    return [replace(line, split="test") if number in kept else line for number, line in enumerate(lines)]


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
    note = (
        f"{len(squeezed):,} of {len(lines):,} lines are wider than {shape[1]} columns at a height of {shape[0]} and "
        f"are squeezed, {lines[worst].name} most, to {squeezed[worst]:.0%} of its width. With a larger data.width "
        "they are not, and all takes longer."
    )
    return [note]


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
        description=(f"{counts} lines of text in {len(symbols)} symbols {what}, at {height}x{width}x{channels}"),
        location="" if path is None else str(path),
        notes=tuple(notes),
        schema={"alphabet": store.alphabet, "case": case},
        declares_test=declares,
    )
