"""Arrays of images and of labels: checked, and put together as a data set whose classes have names."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.class_names import are_numbers, number_of
from kzoo.data.splits import ArraySplit, Dataset
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["checked_images", "checked_labels", "dataset"]

MAX_CLASSES = 1000
_MOST_NAMED = 10


def checked_images(array: Any, where: str) -> np.ndarray:
    """Return images as uint8 of shape (N, H, W, C), or refuse them.

    Args:
        array: What was found.
        where: What to call it in an error.

    Raises:
        DataError: Not uint8, empty, not of shape (N, H, W), (N, H, W, 1) or (N, H, W, 3), or with no value above 1.
    """
    shape, dtype = array.shape, array.dtype
    expected = "expected images of type uint8 and shape (N, H, W), (N, H, W, 1) or (N, H, W, 3)"
    if dtype != np.uint8:
        hint = " If its values lie in [0, 1], save (255 * x).round().astype('uint8')." if dtype.kind == "f" else ""
        message = f"{where} has type {dtype} and shape {shape}; {expected}.{hint}"
        raise DataError(message)
    if len(shape) == 3:  # noqa: PLR2004 - gray images without an axis for their only channel
        array, shape = array[..., np.newaxis], (*shape, 1)
    if len(shape) != 4 or shape[-1] not in (1, 3) or 0 in shape:  # noqa: PLR2004 - N, H, W, C
        channels_first = len(shape) == 4 and shape[1] in (1, 3)  # noqa: PLR2004
        hint = " The channels come first: save x.transpose(0, 2, 3, 1)." if channels_first else ""
        message = f"{where} has shape {shape}; {expected}.{hint}"
        raise DataError(message)
    if array.max() == 1:  # also black and white on purpose: 1 is as good as black among 256 levels
        message = (
            f"{where} has no value above 1, and pixels are read as 0 (black) to 255 (white): all of it would be black. "
            "Save (255 * x).astype('uint8')."
        )
        raise DataError(message)
    return np.ascontiguousarray(array)


def checked_labels(array: Any, where: str) -> np.ndarray:
    """Return class labels as int64 of shape (N,), or refuse them.

    Args:
        array: What was found.
        where: What to call it in an error.

    Raises:
        DataError: Not integers, negative, 1000 or more, or not of shape (N,) or (N, 1).
    """
    shape, dtype = array.shape, array.dtype
    if len(shape) == 2 and shape[1] == 1:  # noqa: PLR2004 - a column, as Keras ships CIFAR-10
        array = array[:, 0]
    if array.ndim != 1 or dtype.kind not in "iu":
        one_hot = len(shape) == 2 and shape[1] > 1  # noqa: PLR2004
        hint = " If they are one-hot, save y.argmax(axis=1)." if one_hot else ""
        if dtype.kind == "b" or (dtype.kind == "f" and np.array_equal(array, np.floor(array))):
            hint = hint or " They are whole numbers all the same: save y.astype('int64')."
        message = f"{where} has type {dtype} and shape {shape}; expected one integer label for each image.{hint}"
        raise DataError(message)
    if array.size and (array.min() < 0 or array.max() >= MAX_CLASSES):
        hint = " If -1 marks what has no label, leave these examples out." if array.min() == -1 else ""
        message = (
            f"{where} has labels from {array.min()} to {array.max()}; expected class indices from 0 to at most "
            f"{MAX_CLASSES - 1}.{hint}"
        )
        raise DataError(message)
    return np.asarray(array, dtype=np.int64)


def dataset(
    path: Path,
    splits: Mapping[str, tuple[np.ndarray, np.ndarray]],
    class_names: Sequence[str] = (),
    *,
    known: Sequence[str] = (),
    whole: bool = False,
) -> Dataset:
    """Return checked images and labels as a `Dataset`, if they fit together.

    Without names the classes are called by their numbers: those labels that occur are the classes, so that labels from
    1 on, or with gaps, leave none without an example.

    Args:
        path: Where they came from.
        splits: Images and labels of ``train`` and ``test`` and perhaps ``validation``; of any of them to measure on.
        class_names: The names of the classes by their numbers, at least as many as there are; or none.
        known: The classes of the model that is measured on it. Labels are the classes of these names where all are
            called so, and else their numbers, which is said; ``class_names`` is then not asked.
        whole: Whether it is only measured on: the test split alone, or all of it where there is none.

    Raises:
        DataError: A split has unequally many images and labels, the splits' images differ in shape, or there are more
            classes than names.
    """
    first, shape = next((name, x.shape[1:]) for name, (x, _) in splits.items())
    for name, (x, y) in splits.items():
        if len(x) != len(y):
            message = f"The {name} split of {path} has {len(x)} images but {len(y)} labels."
            raise DataError(message)
        if x.shape[1:] != shape:
            called = "training" if first == "train" else first
            message = f"{path} has {called} images of shape {shape} and {name} images of shape {x.shape[1:]}."
            raise DataError(message)
    declares_test = "test" in splits
    if whole and declares_test:
        splits = {"test": splits["test"]}
    splits, names, notes = _named(path, splits, class_names, known, other=whole)
    parts = {name: ArraySplit(x, y) for name, (x, y) in splits.items()}
    if whole:
        everything = functools.reduce(lambda one, other: one.join(other), parts.values())
        parts = {"train": everything.take(np.arange(0)), "test": everything}
    counts = ", ".join(
        f"{len(parts[name]):,} {name}" for name in ("train", "validation", "test") if len(parts.get(name, ()))
    )
    return Dataset(
        train=parts["train"],
        validation=parts.get("validation"),
        test=parts["test"],
        class_names=names,
        description=f"{counts} images of {len(names)} classes from {path.name}, {'x'.join(map(str, shape))}",
        location=str(path),
        notes=notes,
        declares_test=declares_test,
    )


def _named(
    path: Path,
    splits: Mapping[str, tuple[np.ndarray, np.ndarray]],
    class_names: Sequence[str],
    known: Sequence[str],
    *,
    other: bool,
) -> tuple[Mapping[str, tuple[np.ndarray, np.ndarray]], tuple[str, ...], tuple[str, ...]]:
    """Return the splits with class indices that leave none out, the names of the classes, and what must be said."""
    occurring = np.unique(np.concatenate([y for _, y in splits.values()]))
    count = 1 + int(occurring.max())
    if known:
        numbered = {number_of(name): index for index, name in enumerate(known)}
        if all(int(label) in numbered for label in occurring):
            places = np.asarray([numbered[int(label)] for label in occurring])
            return _renumbered(splits, occurring, places), tuple(known), _absent(path, known, set(places.tolist()))
        if not are_numbers(known) and count <= len(known):
            listed = ", ".join(f"{number} is `{name}`" for number, name in enumerate(known[:_MOST_NAMED]))
            more = ", ..." if len(known) > _MOST_NAMED else ""
            note = f"The labels of {path} are taken as the numbers of the model's classes: {listed}{more}."
            said = (note,) if other and tuple(class_names) != tuple(known) else ()
            return splits, tuple(known), (*said, *_absent(path, known, set(occurring.tolist())))
    elif class_names:
        if count > len(class_names):
            message = (
                f"{path} has labels up to {count - 1}, and {len(class_names)} names are given for its classes "
                f"({_listed(class_names)}): there must be one for each number from 0 on."
            )
            raise DataError(message)
        return splits, tuple(class_names), _absent(path, class_names, set(occurring.tolist()))
    names = tuple(map(str, range(count)))
    if len(occurring) == count:
        return splits, names, ()
    # Labels that begin at 1, or leave some out, would be classes of which there is nothing to learn.
    absent = _listed(np.setdiff1d(np.arange(count), occurring).tolist())
    note = (
        f"The labels of {path} are {_listed(occurring.tolist())} and leave out {absent}: the classes are those "
        f"{len(occurring)} that occur, named by their labels."
    )
    moved = _renumbered(splits, occurring, np.arange(len(occurring)))
    return moved, tuple(map(str, occurring.tolist())), (note,)


def _renumbered(
    splits: Mapping[str, tuple[np.ndarray, np.ndarray]], occurring: np.ndarray, places: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the splits with another number in the place of each label that occurs."""
    return {name: (x, places[np.searchsorted(occurring, y)].astype(np.int64)) for name, (x, y) in splits.items()}


def _absent(path: Path, names: Sequence[str], present: set[int]) -> tuple[str, ...]:
    """Return what must be said of classes without an example."""
    absent = [name for number, name in enumerate(names) if number not in present]
    if not absent:
        return ()
    return (f"{path} has no example of {len(absent)} of the {len(names)} classes: {_listed(absent)}.",)


def _listed(items: Sequence[Any]) -> str:
    return f"{', '.join(map(str, items[:_MOST_NAMED]))}{', ...' * (len(items) > _MOST_NAMED)}"
