"""Pictures of many kinds, some of which are never learned: Omniglot, folders of the user's own, and digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np

from kzoo.data.decoding import UnreadableImageError, read_image
from kzoo.data.download import RemoteFile
from kzoo.data.images import read_images, unreadable_note
from kzoo.data.splits import ArraySplit, Dataset, Split
from kzoo.data.unpacking import unpacked
from kzoo.errors import DataError
from kzoo.settings import setting, settings
from kzoo_zoo.embedding.kinds import kinds_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kzoo.data.decoding import ImageMode
    from kzoo.data.splits import Reading
    from kzoo_zoo.embedding.kinds import Kinds

__all__ = ["REMOTES", "KindSettings", "KindSplit", "Pictures", "SampleSettings"]

_ADDRESS = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python"
_SUBDIR = "omniglot"

# The authors' own files, with the checksums that torchvision holds them to. In `images_background` are the 964
# characters of 30 alphabets to learn from, in `images_evaluation` the 659 characters of 20 others.
REMOTES = tuple(
    RemoteFile(
        urls=(f"{_ADDRESS}/{name}.zip", f"https://github.com/brendenlake/omniglot/raw/master/python/{name}.zip"),
        sha256="",
        md5=md5,
        size=None,
        filename=f"{name}.zip",
        subdir=_SUBDIR,
    )
    for name, md5 in (
        ("images_background", "68d2efa1b9178cc56df9314c21c6e718"),
        ("images_evaluation", "6b91aef0f799c5bb55b94e3f2daec811"),
    )
)

_SMALLEST, _LARGEST = 16, 1024
_UNSEEN_DIGITS = (7, 8, 9)
_BRIGHTEST = 16  # the digits of scikit-learn count ink in blocks of 4 x 4
_TEST_PART = 0.2
_FEWEST_KINDS = 4
"""To learn some and keep some: two of each."""
_FEWEST_OF_A_KIND = 4
"""Pictures of a kind of which some are kept for the test: there must be two to find one another."""
_LOOKED_AT, _LOOKED_AT_SIZE = 24, (24, 24)
_GRAY_SPREAD = 6
"""By so much the channels of a gray picture may differ, from the losses of JPEG."""

_Side = Annotated[int, setting("", ge=_SMALLEST, le=_LARGEST)]


@settings
class SampleSettings:
    """How the sample is made."""

    image_size: Annotated[
        _Side | tuple[_Side, _Side],
        setting("The side of the square that pictures become, in pixels, or [height, width]."),
    ] = 32

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width."""
        return (self.image_size, self.image_size) if isinstance(self.image_size, int) else self.image_size


@settings
class KindSettings(SampleSettings):
    """How folders and archives of pictures are read."""

    colour: Annotated[
        Literal["auto", "gray", "rgb"],
        setting("Whether pictures become gray; auto looks at some of them, and keeps colours where there are any."),
    ] = "auto"
    unseen: Annotated[
        float,
        setting(
            "Where the data does not say what is for testing: the part of the kinds that are kept for it, of which no "
            "picture is learned. 0 keeps pictures of every kind instead.",
            ge=0,
            lt=1,
        ),
    ] = 0.25
    unreadable: Annotated[
        Literal["stop", "skip"], setting("What to do with files that cannot be read: stop and name them, or skip them.")
    ] = "stop"


class KindSplit(Split):
    """A split whose kinds have names, also those that are not learned.

    Args:
        split: The pictures; their labels are numbers of kinds.
        kinds: The name of each kind.
    """

    def __init__(self, split: Split, kinds: Sequence[str]) -> None:
        self._split, self._kinds = split, tuple(kinds)

    @property
    def kinds(self) -> Sequence[str]:
        """The name of each label."""
        return self._kinds

    def __len__(self) -> int:
        return len(self._split)

    def fetch(self, indices: Any) -> tuple[Any, Any]:
        """Return pictures and labels at ``indices``."""
        return self._split.fetch(indices)

    def examples(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pictures and labels at ``indices``."""
        return self._split.examples(indices)

    @property
    def labels(self) -> np.ndarray:
        """The labels of all pictures, in their order."""
        return self._split.labels

    def take(self, indices: np.ndarray) -> KindSplit:
        """Return the split of the pictures at ``indices``."""
        return KindSplit(self._split.take(indices), self._kinds)

    def join(self, other: Self) -> KindSplit:
        """Return the split of both."""
        return KindSplit(self._split.join(other._split), self._kinds)

    def digest(self) -> str:
        """Return the SHA-256 of the pictures and their labels."""
        return self._split.digest()


@dataclass(frozen=True)
class Pictures:
    """Reads pictures as a network takes them.

    Attributes:
        shape: Height, width and channels that a trained network takes; None where the settings say it.
    """

    shape: tuple[int, ...] | None = None

    def read(self, paths: Sequence[Path], settings: KindSettings, reading: Reading) -> Dataset:
        """Read folders of pictures, or archives of such, see `kzoo_zoo.embedding.kinds.kinds_in`.

        The kinds that are learned have the first numbers, in the order of their names; those that are only tested come
        after them, and `Dataset.class_names` does not have them.

        Returns:
            Pictures uint8 of shape (N, H, W, C), C being 1 or 3; labels int64 of shape (N,).

        Raises:
            DataError: The folders are not laid out so, a file is damaged, or there is too little of them.
        """
        roots = [path if path.is_dir() else unpacked(path, _SUBDIR, reading.say) for path in paths]
        found = kinds_in(roots, whole=reading.whole)
        parts = _for_measuring(found) if reading.whole else _for_learning(paths[0], found, settings.unseen)
        names, files, labels, ends = _numbered(parts)
        size = settings.sides if self.shape is None else self.shape[:2]
        mode = self._mode(settings, files)
        everything, failures = read_images(paths[0], files, labels, size, mode, reading.say)
        notes = (*found.notes, *unreadable_note(paths[0], files, failures, skip=settings.unreadable == "skip"))
        whole = KindSplit(everything, names)
        rows = np.setdiff1d(np.arange(len(files)), list(failures))
        splits = {name: whole.take(rows[(rows >= first) & (rows < last)]) for name, (first, last) in ends.items()}
        for name, split in splits.items():
            if len(parts[name]) and not len(split):
                message = f"No picture of the {name} split of {paths[0]} can be read."
                raise DataError(message)
        empty = whole.take(np.zeros(0, int))
        counts = ", ".join(f"{len(split):,} {name}" for name, split in splits.items() if len(split))
        learned = len(parts.get("train", ()))
        unseen = len(set(parts["test"]) - set(parts.get("train", ())))
        kinds = f"{unseen:,} kinds" if reading.whole else f"{learned:,} kinds, {unseen:,} of the test never learned,"
        return Dataset(
            train=splits.get("train", empty),
            validation=splits.get("validation"),
            test=splits["test"],
            class_names=names[:learned] or names,
            description=f"{counts} pictures of {kinds} from {paths[0].name} at {size[0]}x{size[1]} {mode}",
            location=str(paths[0]),
            notes=notes,
            declares_test=found.declares_test,
            paired=True,
        )

    def sample(self, settings: SampleSettings) -> Dataset:
        """Return scikit-learn's handwritten digits, of which 7, 8 and 9 are never learned: the same on every call.

        Returns:
            1,264 pictures of seven digits to learn from and 533 of three to test on, uint8 of shape (N, H, W, 1), or
            with the three channels of a trained network.
        """
        from PIL import Image
        from sklearn.datasets import load_digits

        digits = load_digits()
        height, width = settings.sides if self.shape is None else self.shape[:2]
        channels = 1 if self.shape is None else self.shape[2]
        pixels = np.empty((len(digits.target), height, width, channels), np.uint8)
        for number, digit in enumerate(digits.images):
            ink = Image.fromarray((digit * (255 / _BRIGHTEST)).astype(np.float32))
            large = np.asarray(ink.resize((width, height), Image.Resampling.BICUBIC))
            pixels[number] = np.rint(np.clip(large, 0, 255))[..., None]
        unseen = np.isin(digits.target, _UNSEEN_DIGITS)
        whole = KindSplit(ArraySplit(pixels, digits.target.astype(np.int64)), tuple("0123456789"))
        train, test = whole.take(np.flatnonzero(~unseen)), whole.take(np.flatnonzero(unseen))
        return Dataset(
            train=train,
            test=test,
            class_names=tuple("0123456"),
            description=(
                f"{len(train):,} train pictures of the digits 0 to 6, {len(test):,} test pictures of 7, 8 and 9, never "
                f"learned: scikit-learn's 8x8 handwritten digits, enlarged to {height}x{width}x{channels}"
            ),
            paired=True,
        )

    def _mode(self, settings: KindSettings, files: Sequence[Path]) -> ImageMode:
        if self.shape is not None:
            return "L" if self.shape[2] == 1 else "RGB"
        if settings.colour != "auto":
            return "L" if settings.colour == "gray" else "RGB"
        return "RGB" if _coloured(files) else "L"


def _coloured(files: Sequence[Path]) -> bool:
    """Return whether one of some pictures, spread over all, has colours; what cannot be read has none."""
    for place in np.unique(np.linspace(0, len(files) - 1, min(_LOOKED_AT, len(files))).astype(int)):
        try:
            pixels = read_image(files[int(place)], size=_LOOKED_AT_SIZE).astype(int)
        except UnreadableImageError:
            continue  # it is reported where all are read
        if (pixels.max(axis=-1) - pixels.min(axis=-1)).max() > _GRAY_SPREAD:
            return True
    return False


_Parts = dict[str, dict[str, list["Path"]]]


def _for_measuring(found: Kinds) -> _Parts:
    """Return as test what the folders say is for testing, else all."""
    if "test" in found.images:
        return {"test": found.images["test"]}
    joined: dict[str, list[Path]] = {}
    for kinds in found.images.values():
        for name, files in kinds.items():
            joined.setdefault(name, []).extend(files)
    return {"test": joined}


def _for_learning(root: Path, found: Kinds, unseen: float) -> _Parts:
    """Return the splits; where the folders do not say what is for testing, it is taken from what there is to learn."""
    if found.declares_test:
        return dict(found.images)
    train = found.images["train"]
    kept = _unseen_kinds(root, train, unseen) if unseen else _kept_pictures(root, train)
    learned = {name: [path for path in files if path not in kept.get(name, ())] for name, files in train.items()}
    return {**found.images, "train": {name: files for name, files in learned.items() if files}, "test": kept}


def _unseen_kinds(root: Path, train: Mapping[str, list[Path]], part: float) -> dict[str, list[Path]]:
    """Return some kinds with all of their pictures; which ones depends on the names of the kinds alone."""
    if len(train) < _FEWEST_KINDS:
        message = (
            f"{root} has {len(train)} kinds and no `test` folder, too few to learn some and to keep others for the "
            f"test: that takes {_FEWEST_KINDS}. Keep pictures of every kind instead (-o data.unseen=0), or add kinds."
        )
        raise DataError(message)
    count = min(max(2, round(part * len(train))), len(train) - 2)
    names = list(train)
    chosen = np.random.default_rng([0x07E57, len(names)]).permutation(len(names))[:count]
    kept = {names[place]: train[names[place]] for place in sorted(chosen.tolist())}
    if not any(len(files) > 1 for files in kept.values()):
        message = (
            f"The kinds of {root} that were chosen for the test ({', '.join(kept)}) have a single picture each, and "
            "measuring asks with a picture for another of its kind. Add pictures, or a `test` folder."
        )
        raise DataError(message)
    return kept


def _kept_pictures(root: Path, train: Mapping[str, list[Path]]) -> dict[str, list[Path]]:
    """Return of each kind a fifth of its pictures, two at least; of one with fewer than four none is kept."""
    kept = {}
    for number, (name, files) in enumerate(train.items()):
        if len(files) < _FEWEST_OF_A_KIND:
            continue
        count = max(2, round(_TEST_PART * len(files)))
        chosen = np.random.default_rng([0x7E57, number]).permutation(len(files))[:count]
        kept[name] = [files[place] for place in sorted(chosen.tolist())]
    if not kept:
        message = (
            f"No kind in {root} has {_FEWEST_OF_A_KIND} pictures: there is no `test` folder, so two of a kind are "
            "needed to learn from and two to test on. Add pictures, or a `test` folder."
        )
        raise DataError(message)
    return kept


def _numbered(parts: _Parts) -> tuple[tuple[str, ...], list[Path], np.ndarray, dict[str, tuple[int, int]]]:
    """Return the names of the kinds, all files with the number of each one's kind, and where each split is of them."""
    learned = list(parts.get("train", ()))
    others = sorted({name for kinds in parts.values() for name in kinds} - set(learned))
    numbers = {name: number for number, name in enumerate([*learned, *others])}
    files: list[Path] = []
    labels: list[int] = []
    ends = {}
    for split, kinds in parts.items():
        first = len(files)
        for name, own in kinds.items():
            files += own
            labels += [numbers[name]] * len(own)
        ends[split] = (first, len(files))
    return tuple(numbers), files, np.asarray(labels, np.int64), ends
