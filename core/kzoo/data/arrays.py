"""Arrays of labelled images from files: NumPy's npz in the layout of Keras, and MNIST's own idx files."""

from __future__ import annotations

import gzip
import math
import zipfile
import zlib
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.cache import readable_size
from kzoo.data.labelled_arrays import checked_images, checked_labels, dataset
from kzoo.data.limits import MAX_ARRAY_BYTES, check_regular, growth_fault
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kzoo.data.splits import Dataset

__all__ = ["is_idx_folder", "npz_arrays", "read_idx_folder", "read_npz"]

MAX_MEMBERS = 1000
"""The most arrays that an npz file may hold, those included that nobody asks for."""

_KEYS = ("x_train", "y_train", "x_test", "y_test")
_VALIDATION_KEYS = (("x_validation", "y_validation"), ("x_val", "y_val"))
_NAME_KEYS = ("class_names", "label_names", "classes")
_GZIP_MAGIC = b"\x1f\x8b"
# Magic numbers of the idx format: two zeros, 8 for unsigned bytes, the number of dimensions.
_IDX_MAGIC = {"images": 0x00000803, "labels": 0x00000801}
_IDX_DIMENSIONS = {"images": 3, "labels": 1}
_IDX_SPLITS = {"train": ("train",), "test": ("t10k", "test")}


def read_npz(path: Path, *, class_names: Sequence[str] = (), known: Sequence[str] = (), whole: bool = False) -> Dataset:
    """Read an npz file with the arrays ``x_train``, ``y_train``, ``x_test`` and ``y_test``, as Keras publishes them.

    Images are uint8 of shape (N, H, W), (N, H, W, 1) or (N, H, W, 3); labels are integers of shape (N,) or (N, 1).
    ``x_validation`` and ``y_validation`` (or ``x_val``, ``y_val``) become the validation split. ``class_names`` (or
    ``label_names``, ``classes``), an array of texts, has the names of the classes. Nothing in the file is ever
    unpickled.

    Args:
        path: The file.
        class_names: The names of the classes by their numbers; those of the file, else the numbers, where it is empty.
        known: The classes of the model that is measured on it; see `dataset`.
        whole: Whether it is only measured on: the arrays of any split are enough.

    Returns:
        Images uint8 of shape (N, H, W, C); labels int64 of shape (N,).

    Raises:
        DataError: The file is no npz or damaged, or an array is missing or has a wrong shape, type or value.
    """
    arrays = npz_arrays(path, whole=whole)
    pairs = {
        name: pair
        for name, pair in (
            ("train", ("x_train", "y_train")),
            ("test", ("x_test", "y_test")),
            *(("validation", pair) for pair in _VALIDATION_KEYS),
        )
        if set(pair) <= set(arrays)
    }
    splits = {
        name: (checked_images(arrays[x], f"`{x}` in {path}"), checked_labels(arrays[y], f"`{y}` in {path}"))
        for name, (x, y) in pairs.items()
    }
    return dataset(path, splits, class_names or _names_in(path, arrays), known=known, whole=whole)


def is_idx_folder(folder: Path) -> bool:
    """Return whether a folder holds a file that is named as MNIST names its idx files."""
    return any(_idx_file(folder, split, kind) is not None for split in _IDX_SPLITS for kind in _IDX_MAGIC)


def read_idx_folder(
    folder: Path, *, class_names: Sequence[str] = (), known: Sequence[str] = (), whole: bool = False
) -> Dataset:
    """Read MNIST's four idx files (``train-images-idx3-ubyte`` and so on, with or without ``.gz``) from a folder.

    Args:
        folder: The folder; fits EMNIST, Fashion-MNIST and KMNIST too, which come in the same files.
        class_names: The names of the classes by their numbers; the numbers where it is empty.
        known: The classes of the model that is measured on it; see `dataset`.
        whole: Whether it is only measured on: the two files of either split are enough.

    Returns:
        Images uint8 of shape (N, H, W, 1); labels int64 of shape (N,).

    Raises:
        DataError: A file is missing, is no idx file, or holds fewer or more bytes than it says.
    """
    splits = {}
    there = [split for split in _IDX_SPLITS if any(_idx_file(folder, split, kind) for kind in _IDX_MAGIC)]
    for split in there if whole else _IDX_SPLITS:
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
    return dataset(folder, splits, class_names, known=known, whole=whole)


def _names_in(path: Path, arrays: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Return the names of the classes that a file itself has; none where it has none."""
    key = next((key for key in _NAME_KEYS if key in arrays), None)
    if key is None:
        return ()
    array = arrays[key]
    names = tuple(name.decode(errors="replace") if isinstance(name, bytes) else name for name in array.ravel().tolist())
    if array.ndim != 1 or array.dtype.kind not in "US" or len(set(names)) < len(names) or not all(names):
        message = (
            f"`{key}` in {path} has type {array.dtype} and shape {array.shape}; expected a name for each class, as "
            "texts in one row, none empty and none twice."
        )
        raise DataError(message)
    return names


def npz_arrays(path: Path, *, whole: bool) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file that are called as those that `read_npz` reads; nothing is ever unpickled.

    Args:
        path: The file.
        whole: Whether it is only measured on: the two arrays of any split are enough.

    Raises:
        DataError: The file is no npz or damaged, or an array is missing.
    """
    pairs = (_KEYS[:2], _KEYS[2:], *_VALIDATION_KEYS)
    known = {*_NAME_KEYS, *(key for pair in pairs for key in pair)}
    check_regular(path)
    try:
        with path.open("rb") as raw:
            single = raw.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX
        if single or not isinstance(file := np.load(path, allow_pickle=False), np.lib.npyio.NpzFile):
            message = f"{path} holds a single array (npy), not the arrays {', '.join(_KEYS)} (npz)."
            raise DataError(message)
        with file:
            _check_size(path, file.zip)
            missing = [key for key in _KEYS if key not in file.files]
            if missing and whole and any(set(pair) <= set(file.files) for pair in pairs):
                missing = []
            if missing:
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
