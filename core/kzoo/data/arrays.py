"""Arrays of labelled images from files: NumPy's npz in the layout of Keras, and MNIST's own idx files."""

from __future__ import annotations

import gzip
import math
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.cache import readable_size
from kzoo.data.limits import MAX_ARRAY_BYTES, check_regular, growth_fault
from kzoo.data.splits import ArraySplit, Dataset
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["checked_images", "checked_labels", "dataset", "is_idx_folder", "read_idx_folder", "read_npz"]

MAX_CLASSES = 1000
_MOST_NAMED = 10
MAX_MEMBERS = 1000
"""The most arrays that an npz file may hold, those included that nobody asks for."""

_KEYS = ("x_train", "y_train", "x_test", "y_test")
_VALIDATION_KEYS = (("x_validation", "y_validation"), ("x_val", "y_val"))
_GZIP_MAGIC = b"\x1f\x8b"
# Magic numbers of the idx format: two zeros, 8 for unsigned bytes, the number of dimensions.
_IDX_MAGIC = {"images": 0x00000803, "labels": 0x00000801}
_IDX_DIMENSIONS = {"images": 3, "labels": 1}
_IDX_SPLITS = {"train": ("train",), "test": ("t10k", "test")}


def read_npz(path: Path, *, class_names: Sequence[str] | None = None) -> Dataset:
    """Read an npz file with the arrays ``x_train``, ``y_train``, ``x_test`` and ``y_test``, as Keras publishes them.

    Images are uint8 of shape (N, H, W), (N, H, W, 1) or (N, H, W, 3); labels are integers of shape (N,) or (N, 1).
    ``x_validation`` and ``y_validation`` (or ``x_val``, ``y_val``) become the validation split. Nothing in the file is
    ever unpickled.

    Args:
        path: The file.
        class_names: The names of the classes; used if the file has exactly as many classes, else they are numbered.

    Returns:
        Images uint8 of shape (N, H, W, C); labels int64 of shape (N,).

    Raises:
        DataError: The file is no npz or damaged, or an array is missing or has a wrong shape, type or value.
    """
    arrays = _npz_arrays(path)
    pairs = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}
    for pair in _VALIDATION_KEYS:
        if set(pair) <= set(arrays):
            pairs["validation"] = pair
    splits = {
        name: (checked_images(arrays[x], f"`{x}` in {path}"), checked_labels(arrays[y], f"`{y}` in {path}"))
        for name, (x, y) in pairs.items()
    }
    return dataset(path, splits, class_names)


def is_idx_folder(folder: Path) -> bool:
    """Return whether a folder holds a file that is named as MNIST names its idx files."""
    return any(_idx_file(folder, split, kind) is not None for split in _IDX_SPLITS for kind in _IDX_MAGIC)


def read_idx_folder(folder: Path, *, class_names: Sequence[str] | None = None) -> Dataset:
    """Read MNIST's four idx files (``train-images-idx3-ubyte`` and so on, with or without ``.gz``) from a folder.

    Args:
        folder: The folder; fits EMNIST, Fashion-MNIST and KMNIST too, which come in the same files.
        class_names: The names of the classes; used if the files have exactly as many classes, else they are numbered.

    Returns:
        Images uint8 of shape (N, H, W, 1); labels int64 of shape (N,).

    Raises:
        DataError: A file is missing, is no idx file, or holds fewer or more bytes than it says.
    """
    splits = {}
    for split in _IDX_SPLITS:
        arrays = {}
        for kind in _IDX_MAGIC:
            path = _idx_file(folder, split, kind)
            if path is None:
                message = (
                    f"{folder} lacks the {kind} of the {split} split: no file "
                    f"{_IDX_SPLITS[split][0]}-{kind}-idx{_IDX_DIMENSIONS[kind]}-ubyte, with or without .gz."
                )
                raise DataError(message)
            arrays[kind] = _read_idx(path, kind)
        images = checked_images(arrays["images"], f"{split} images in {folder}")
        splits[split] = (images, checked_labels(arrays["labels"], f"{split} labels in {folder}"))
    return dataset(folder, splits, class_names)


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
    path: Path, splits: Mapping[str, tuple[np.ndarray, np.ndarray]], class_names: Sequence[str] | None
) -> Dataset:
    """Return checked images and labels as a `Dataset`, if they fit together.

    Args:
        path: Where they came from.
        splits: Images and labels of ``train``, ``test`` and perhaps ``validation``.
        class_names: The names of the classes; used if there are exactly as many classes, else they are numbered: those
            labels that occur are the classes, so that labels from 1 on, or with gaps, leave none without an example.

    Raises:
        DataError: A split has unequally many images and labels, or the splits' images differ in shape.
    """
    shape = splits["train"][0].shape[1:]
    for name, (x, y) in splits.items():
        if len(x) != len(y):
            message = f"The {name} split of {path} has {len(x)} images but {len(y)} labels."
            raise DataError(message)
        if x.shape[1:] != shape:
            message = f"{path} has training images of shape {shape} and {name} images of shape {x.shape[1:]}."
            raise DataError(message)
    splits, names, notes = _named(path, splits, class_names)
    count = len(names)
    parts = {name: ArraySplit(x, y) for name, (x, y) in splits.items()}
    counts = ", ".join(f"{len(parts[name]):,} {name}" for name in ("train", "validation", "test") if name in parts)
    return Dataset(
        train=parts["train"],
        validation=parts.get("validation"),
        test=parts["test"],
        class_names=names,
        description=f"{counts} images of {count} classes from {path.name}, {'x'.join(map(str, shape))}",
        location=str(path),
        notes=notes,
    )


def _named(
    path: Path, splits: Mapping[str, tuple[np.ndarray, np.ndarray]], class_names: Sequence[str] | None
) -> tuple[Mapping[str, tuple[np.ndarray, np.ndarray]], tuple[str, ...], tuple[str, ...]]:
    """Return the splits with class indices that leave none out, the names of the classes, and what must be said."""
    occurring = np.unique(np.concatenate([y for _, y in splits.values()]))
    count = 1 + int(occurring.max())
    known = class_names is not None and len(class_names) == count
    names = tuple(class_names) if class_names is not None and known else tuple(map(str, range(count)))
    if len(occurring) == count:
        return splits, names, ()
    missing = np.setdiff1d(np.arange(count), occurring).tolist()
    absent = _listed([names[label] for label in missing])
    if known:
        note = f"{path} has no example of {len(missing)} of the {count} classes: {absent}."
        return splits, names, (note,)
    # Labels that begin at 1, or leave some out, would be classes of which there is nothing to learn.
    moved = {name: (x, np.searchsorted(occurring, y).astype(np.int64)) for name, (x, y) in splits.items()}
    note = (
        f"The labels of {path} are {_listed(occurring.tolist())} and leave out {absent}: the classes are those "
        f"{len(occurring)} that occur, named by their labels."
    )
    return moved, tuple(map(str, occurring.tolist())), (note,)


def _listed(items: Sequence[Any]) -> str:
    return f"{', '.join(map(str, items[:_MOST_NAMED]))}{', ...' * (len(items) > _MOST_NAMED)}"


def _npz_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file that have a known name."""
    known = {*_KEYS, *(key for pair in _VALIDATION_KEYS for key in pair)}
    check_regular(path)
    try:
        with path.open("rb") as raw:
            single = raw.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX
        if single or not isinstance(file := np.load(path, allow_pickle=False), np.lib.npyio.NpzFile):
            message = f"{path} holds a single array (npy), not the arrays {', '.join(_KEYS)} (npz)."
            raise DataError(message)
        with file:
            _check_size(path, file.zip)
            if missing := [key for key in _KEYS if key not in file.files]:
                found = ", ".join(sorted(file.files)) or "nothing"
                message = f"{path} lacks the array(s) {', '.join(missing)}; it holds: {found}."
                raise DataError(message)
            return {key: file[key] for key in file.files if key in known}
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        if "allow_pickle" in str(error) or "pickle" in str(error).lower():
            reason = "it is not an npz file, or holds Python objects, which are never loaded because they can run code"
        else:
            reason = f"it is damaged or not an npz file ({str(error).splitlines()[0] if str(error) else 'no content'})"
        message = f"{path} cannot be read: {reason}."
        raise DataError(message) from error
    except (OSError, MemoryError) as error:
        message = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}."
        raise DataError(message) from error


def _check_size(path: Path, archive: zipfile.ZipFile | None) -> None:
    """Refuse an npz file by what it says of itself, before anything of it is unpacked."""
    members = archive.infolist() if archive is not None else []
    if len(members) > MAX_MEMBERS:
        message = f"{path} is refused: it holds {len(members):,} arrays, and the limit is {MAX_MEMBERS:,}."
        raise DataError(message)
    total = sum(member.file_size for member in members)
    if fault := growth_fault(path.stat().st_size, total, MAX_ARRAY_BYTES):
        message = f"{path} is refused: {fault}. Keep what is larger as a folder of images for each class."
        raise DataError(message)


def _idx_file(folder: Path, split: str, kind: str) -> Path | None:
    """Return the file of a split, under any of the names in use, or None."""
    for prefix in _IDX_SPLITS[split]:
        for separator in ("-", "."):
            for suffix in ("", ".gz"):
                path = folder / f"{prefix}-{kind}{separator}idx{_IDX_DIMENSIONS[kind]}-ubyte{suffix}"
                if path.is_file():
                    return path
    return None


def _read_idx(path: Path, kind: str) -> np.ndarray:
    """Return the content of an idx file, uint8; exactly as many bytes as its header says."""
    check_regular(path)
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP_MAGIC  # by content: browsers unpack a .gz and keep its name
        with gzip.open(path) if packed else path.open("rb") as file:
            head = file.read(4 + 4 * _IDX_DIMENSIONS[kind])
            numbers = np.frombuffer(head[: len(head) // 4 * 4], dtype=">u4").tolist()
            if len(numbers) != 1 + _IDX_DIMENSIONS[kind] or numbers[0] != _IDX_MAGIC[kind]:
                message = f"{path} is not an idx file of {kind}: it begins with {head[:8].hex(' ') or 'nothing'}."
                raise DataError(message)
            shape = tuple(numbers[1:])
            length = math.prod(shape)
            held = path.stat().st_size
            if fault := growth_fault(held, length, MAX_ARRAY_BYTES):
                message = f"{path} claims a size of {shape} and is refused: {fault}."
                raise DataError(message)
            if not packed and length > held:
                message = (
                    f"{path} should hold {readable_size(length)} for shape {shape} and is {readable_size(held)} in all."
                    " Get it again."
                )
                raise DataError(message)
            body = file.read(length + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"{path} cannot be read: {reason}. If it is damaged, get it again."
        raise DataError(message) from error
    if len(body) != length:
        found = "more" if len(body) > length else f"{len(body)}"
        message = f"{path} should hold {length} bytes for shape {shape} and holds {found}. Get it again."
        raise DataError(message)
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)
