"""The published CIFAR-10 files: five training batches and a test batch, pickled, in a tar archive or a folder."""

from __future__ import annotations

import io
import pickle
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.archives import read_members
from kzoo.data.cache import readable_size
from kzoo.data.labelled_arrays import checked_labels, dataset
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from kzoo.data.splits import Dataset

__all__ = ["FOLDER", "find_batch_folder", "read_archive", "read_batch_folder"]

FOLDER = "cifar-10-batches-py"
"""The folder inside the archive."""

_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_TEST = "test_batch"
_PIXELS = 3 * 32 * 32
_MAX_BYTES = 400 * 10**6
"""The whole of CIFAR-10 is 186 MB, which is read into memory at once."""


def read_archive(path: Path, *, class_names: Sequence[str], known: Sequence[str] = (), whole: bool = False) -> Dataset:
    """Read ``cifar-10-python.tar.gz``, in memory: nothing is unpacked to the disk.

    Args:
        path: The archive.
        class_names: The names of the ten classes.
        known: The classes of the model that is measured on it; see `kzoo.data.labelled_arrays.dataset`.
        whole: Whether it is only measured on: the test batch alone is enough.

    Returns:
        Images uint8 of shape (N, 32, 32, 3); labels int64 of shape (N,).

    Raises:
        DataError: It is damaged, lacks a batch, or has one that holds something else than images and labels.
    """
    members = read_members(path, lambda name: PurePosixPath(name).name in {*_TRAIN, _TEST}, max_bytes=_MAX_BYTES)
    files = {PurePosixPath(name).name: content for name, content in members.items()}
    return _assembled(path, files, class_names, known, whole=whole)


def find_batch_folder(path: Path) -> Path | None:
    """Return the folder of batch files that ``path`` is or contains, or None."""
    # Keras unpacks the archive into a folder of its own, one more level down.
    for folder in (path, path / FOLDER, path / f"{FOLDER}-target" / FOLDER):
        if any((folder / name).is_file() for name in (*_TRAIN, _TEST)):
            return folder
    return None


def read_batch_folder(
    folder: Path, *, class_names: Sequence[str], known: Sequence[str] = (), whole: bool = False
) -> Dataset:
    """Read the unpacked archive: the folder that holds ``data_batch_1`` to ``data_batch_5`` and ``test_batch``.

    Args:
        folder: The folder, as `find_batch_folder` found it.
        class_names: The names of the ten classes.
        known: The classes of the model that is measured on it; see `kzoo.data.labelled_arrays.dataset`.
        whole: Whether it is only measured on: the test batch alone is enough.

    Returns:
        Images uint8 of shape (N, 32, 32, 3); labels int64 of shape (N,).

    Raises:
        DataError: A batch is missing or holds something else than images and labels.
    """
    try:
        paths = {name: folder / name for name in (*_TRAIN, _TEST) if (folder / name).is_file()}
        if (total := sum(path.stat().st_size for path in paths.values())) > _MAX_BYTES:
            message = (
                f"{folder} is refused: its batches take {readable_size(total)}, and the limit is "
                f"{readable_size(_MAX_BYTES)}. Those of CIFAR-10 take 186 MB; get them again."
            )
            raise DataError(message)
        files = {name: path.read_bytes() for name, path in paths.items()}
    except OSError as error:
        message = f"{error.filename} cannot be read: {error.strerror}."
        raise DataError(message) from error
    return _assembled(folder, files, class_names, known, whole=whole)


def _assembled(
    path: Path, files: Mapping[str, bytes], class_names: Sequence[str], known: Sequence[str], *, whole: bool
) -> Dataset:
    needed = (_TEST,) if whole and _TEST in files else (*_TRAIN, _TEST)
    if missing := [name for name in needed if name not in files]:
        message = f"{path} is not the whole of CIFAR-10: it lacks {', '.join(missing)}. Get it again."
        raise DataError(message)
    splits = {"test": _batch(files[_TEST], f"{_TEST} in {path}")}
    if len(needed) > 1:
        batches = [_batch(files[name], f"{name} in {path}") for name in _TRAIN]
        train = np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches])
        splits = {"train": train, **splits}
    return dataset(path, splits, class_names, known=known, whole=whole)


def _batch(content: bytes, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of one pickled batch."""
    try:
        batch = _BatchUnpickler(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # bytes that are no pickle can make the unpickler fail with anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"{where} cannot be read: {reason}. It is damaged or no batch of CIFAR-10; get it again."
        raise DataError(message) from error
    if not isinstance(batch, dict):
        message = f"{where} holds a {type(batch).__name__}, not the data and labels of a batch."
        raise DataError(message)
    # Python 2 wrote the keys as bytes; files written again by Python 3 have texts.
    fields = {key.decode("latin1") if isinstance(key, bytes) else key: value for key, value in batch.items()}
    data, labels = fields.get("data"), fields.get("labels")
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (_PIXELS,) or len(data) == 0:
        found = f"{data.dtype} of shape {data.shape}" if isinstance(data, np.ndarray) else type(data).__name__
        message = f"`data` of {where} should be uint8 of shape (N, {_PIXELS}) and is {found}."
        raise DataError(message)
    if not isinstance(labels, list | np.ndarray) or len(labels) != len(data):
        found = f"{len(labels)} labels" if isinstance(labels, list | np.ndarray) else "no labels"
        message = f"{where} has {len(data)} images but {found}."
        raise DataError(message)
    images = data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)  # stored one colour after the other
    return np.ascontiguousarray(images), checked_labels(_array_of(labels), f"`labels` of {where}")


def _array_of(labels: Any) -> np.ndarray:
    try:
        return np.asarray(labels)
    except ValueError:  # lists of different lengths; `checked_labels` refuses objects
        return np.asarray([None])


class _BatchUnpickler(pickle.Unpickler):
    """An unpickler that can make arrays and nothing else: a pickle may name any function, and would have it called."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a batch may name; everything else is refused before it is even imported."""
        if (module, name) in _ADMITTED:
            return _ADMITTED[module, name]
        message = f"it asks for `{module}.{name}`, which no batch of images needs and which could run any code"
        raise pickle.UnpicklingError(message)


def _encoded(text: str, encoding: str) -> bytes:
    """Return a text as bytes; Python 3 writes bytes so in the older pickle protocols, always as latin1."""
    if not re.fullmatch("latin[-_]?1", encoding):
        message = f"it asks for the encoding `{encoding}`"
        raise pickle.UnpicklingError(message)
    return text.encode("latin1")


def _admitted() -> dict[tuple[str, str], Callable[..., Any] | type]:
    # Taken from a pickled array itself, so that no private module of NumPy has to be imported by name.
    reconstruct = np.empty(0).__reduce__()[0]
    from_buffer = np.empty(1).__reduce_ex__(5)[0]
    admitted: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _encoded,
    }
    for package in ("numpy.core", "numpy._core"):  # NumPy 1 and 2
        admitted[f"{package}.multiarray", "_reconstruct"] = reconstruct
        admitted[f"{package}.numeric", "_frombuffer"] = from_buffer
    return admitted


_ADMITTED = _admitted()
