"""What a split is called: one rule for folders of images, annotation files, lists and keys."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["SPLITS", "one_too_many", "split_folders", "split_of", "split_word", "splits_in"]

SPLITS = ("train", "validation", "test")

_WORDS = {
    "train": "train", "training": "train", "trainval": "train",
    "val": "validation", "valid": "validation", "validate": "validation", "validation": "validation",
    "minival": "validation", "dev": "validation", "devel": "validation", "eval": "validation",
    "evaluation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
_ENDINGS = re.compile("(sets?|splits?|data|images?|imgs?|folder)$")
# Two words that together mean one split: all that is not for the test, and the part of COCO's test for development.
_PAIRS = {("train", "val"): "train", ("train", "validation"): "train", ("test", "dev"): "test"}


def split_word(word: str) -> str | None:
    """Return the split that a whole name is the word for; None for all else.

    Example:
        >>> [split_word(word) for word in ("Valid", "testset", "dev", "cat_train")]
        ['validation', 'test', 'validation', None]
    """
    word = word.lower()
    return _WORDS.get(word) or _WORDS.get(_ENDINGS.sub("", word))


def split_of(name: str) -> str | None:
    """Return the split that a word in the name of a file or folder speaks of; None where none does, or two differ.

    Words end at digits, signs, and capitals after small letters.

    Example:
        >>> [split_of(name) for name in ("instances_val2017", "Train", "seg_test", "TrainingSet", "dev", "contest")]
        ['validation', 'train', 'test', 'train', 'validation', None]
        >>> [split_of(name) for name in ("test-dev2017", "train_val", "train_test", "raccoon-1")]
        ['test', 'train', None, None]
    """
    words = re.findall(r"[^\W\d_]+", name.lower())
    for pair in itertools.pairwise(words):
        if pair in _PAIRS:
            return _PAIRS[pair]
    words += re.findall("[A-Z]?[a-z]+", name)
    found = {split for word in words if (split := split_word(word)) is not None}
    return found.pop() if len(found) == 1 else None


def splits_in(parts: Iterable[str]) -> set[str]:
    """Return the splits that the names of folders speak of, those of one path."""
    return {split for part in parts if (split := split_of(part)) is not None}


def one_too_many(root: Path, split: str, one: Path, other: Path) -> DataError:
    """Return the error of two folders below a root that speak of the same split, such as an old copy."""
    names = " and ".join(f"`{folder.relative_to(root).as_posix()}`" for folder in (one, other))
    message = (
        f"{root} has both {names}: one {split} split too many. Put together what belongs together, and move the other "
        "away or give it a name that speaks of no split."
    )
    return DataError(message)


def split_folders(root: Path, folders: Sequence[Path]) -> dict[str, Path]:
    """Return the folders whose names speak of a split, by split.

    Raises:
        DataError: Two speak of the same.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        split = split_of(folder.name)
        if split is None:
            continue
        if split in found:
            raise one_too_many(root, split, found[split], folder)
        found[split] = folder
    return found
