"""The weights in a model file, HDF5: looked at before Keras reads them, so that what is not there takes no room."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from kzoo.models.archive import MAX_GROWTH, SMALL, WEIGHTS, ModelFileError, regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["StoredWeights", "check_weights_file", "read_weights"]

MAX_OBJECTS = 50_000
"""Groups and arrays: the deepest networks of `keras.applications` have 10,000."""
MAX_DEPTH = 64
MAX_RANK = 16

_LONGEST_REASON = 200


@dataclass(frozen=True)
class StoredWeights:
    """What a file of weights holds.

    Attributes:
        arrays: How many arrays.
        numbers: How many numbers in all of them.
        network: How many of them belong to the network, and not to its optimizer.
    """

    arrays: int
    numbers: int
    network: int


class _Count:
    """Counts what arrays hold, up to what a file of this size may."""

    def __init__(self, size: int) -> None:
        self.arrays = self.numbers = self.network = 0
        self._size, self._bytes = size, 0

    def add(self, where: str, array: Any) -> str:
        """Count an array; return what is wrong with the file now, or an empty text."""
        numbers = math.prod(array.shape)
        self.arrays, self.numbers = self.arrays + 1, self.numbers + numbers
        self.network += 0 if where.startswith("optimizer/") else numbers
        self._bytes += numbers * array.dtype.itemsize
        if self._bytes <= max(SMALL, MAX_GROWTH * self._size):
            return ""
        return (
            f"says that it holds {self._bytes:,} bytes or more in its {self._size:,}; {MAX_GROWTH} times is the limit"
        )


def read_weights(path: Path, file: IO[bytes], size: int, *, name: str = WEIGHTS) -> StoredWeights:
    """Return what a file of weights holds; nothing of it is read but its structure.

    Args:
        path: The file of the model, for messages.
        file: The weights.
        size: Their bytes.
        name: What they are called in messages.

    Raises:
        ModelFileError: It is damaged, says that it holds more than it does, leads to other files, or has arrays of what
            is no number.
    """
    import h5py

    count = _Count(size)
    fault = advice = ""
    try:
        with h5py.File(file, "r") as opened:
            for where, found in _objects(opened):
                if fault := found if isinstance(found, str) else _fault_of(found):
                    fault = f"has `{where}`, which {fault}"
                    break
                if isinstance(found, h5py.Dataset) and (fault := count.add(where, found)):
                    break
            if fault:
                advice = "No model needs that: whoever made the file wants to fill your memory, or it is damaged."
    except Exception as error:  # HDF5 reports damage with whatever error its own code has nearest to it
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelFileError(path, f"its weights, {name}, are damaged: {reason[:_LONGEST_REASON]}") from error
    if fault:
        raise ModelFileError(path, f"its weights, {name}, are refused: it {fault}", advice)
    return StoredWeights(count.arrays, count.numbers, count.network)


def check_weights_file(path: Path) -> None:
    """Refuse a file of weights by itself, an ``.h5``, that is damaged or says that it holds more than it does.

    Raises:
        ModelFileError: It is refused.
    """
    with regular(path) as file:
        read_weights(path, file, path.stat().st_size, name=path.name)


def _objects(root: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is in a file of HDF5 with its path, each group once; in its place what is wrong with it, as text."""
    import h5py

    waiting, seen, count = [("", root, 0)], set(), 0
    while waiting:
        where, group, depth = waiting.pop()
        for name in group:
            count += 1
            inside = f"{where}{name}"
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                yield inside, "leads to another place or another file"
                return
            if count > MAX_OBJECTS or depth > MAX_DEPTH:
                yield inside, f"is one of more than {MAX_OBJECTS:,} objects, or more than {MAX_DEPTH} levels deep"
                return
            found = group[name]
            address = h5py.h5o.get_info(found.id).addr
            if address in seen and isinstance(found, h5py.Group):
                yield inside, "is there twice, or holds itself"
                return
            seen.add(address)
            if isinstance(found, h5py.Group):
                waiting.append((f"{inside}/", found, depth + 1))
            yield inside, found


def _fault_of(array: Any) -> str:
    """Return what is wrong with an array of HDF5 by what it says of itself, or an empty text; groups have no faults."""
    if not hasattr(array, "dtype"):
        return ""
    if array.dtype.kind not in "fiub" or array.shape is None or len(array.shape) > MAX_RANK:
        return f"holds no weights, but {array.dtype} of shape {array.shape}"
    with contextlib.suppress(AttributeError):
        if array.is_virtual or array.external:
            return "lies in another file"
    wanted = math.prod(array.shape) * array.dtype.itemsize
    stored = array.id.get_storage_size()
    if wanted > max(SMALL, MAX_GROWTH * stored):
        return f"says that it holds {wanted:,} bytes, and only {stored:,} are there; {MAX_GROWTH} times is the limit"
    if array.chunks is None and stored < wanted:
        return f"is cut off: it says that it holds {wanted:,} bytes, and only {stored:,} are there"
    return ""
