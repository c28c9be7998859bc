"""Darknet's files of weights as numbers, checked against what a network needs. Needs no Keras.

A header (three int32: major, minor, revision; then the images seen in training, int64, before version 0.2 int32), and
for each convolution in the cfg's order, little-endian float32: with batch normalization beta, gamma, mean, variance,
kernel; without it bias, kernel. The file ends there.
"""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from kzoo.errors import DataError
from kzoo.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from kzoo_zoo.yolov3.darknet.network import Network

__all__ = ["EPSILON", "FLOAT", "Block", "Contents", "Header", "blocks_of", "read_weights"]

FLOAT = np.dtype("<f4")

EPSILON = 1e-6
"""Darknet divides by sqrt(variance) + 1e-6 on the CPU; OpenCV has 1e-6 under the root, and so has this."""

_SHORT, _LONG = 16, 20
"""The bytes of the two headers."""
_NEWEST = 1000
"""Higher version numbers are not Darknet's, which takes such files for transposed ones."""
_MOST_NAMED = 4


@dataclass(frozen=True)
class Header:
    """The head of a file of weights.

    Attributes:
        major: The first number of the version that wrote it.
        minor: The second; from 0.2 on `seen` has eight bytes.
        revision: The third.
        seen: The images that the network was trained on.
    """

    major: int = 0
    minor: int = 2
    revision: int = 5
    seen: int = 0

    @property
    def wide(self) -> bool:
        """Whether `seen` has eight bytes."""
        return self.major * 10 + self.minor >= 2  # noqa: PLR2004 - the version that changed it

    @property
    def size(self) -> int:
        """The number of its bytes."""
        return _LONG if self.wide else _SHORT

    def pack(self) -> bytes:
        """Return it as it stands in the file."""
        return struct.pack("<iii" + ("q" if self.wide else "i"), self.major, self.minor, self.revision, self.seen)

    def to_dict(self) -> dict[str, int]:
        """Return it as plain data, for a model's card."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, int]) -> Header:
        """Return the header that `to_dict` made plain; raise `ValueError` where it did not."""
        header = msgspec.convert(data, cls)
        try:
            header.pack()
        except struct.error as error:
            message = f"{error}"
            raise ValueError(message) from error
        return header


@dataclass(frozen=True)
class Block:
    """What a file holds for one convolution.

    Attributes:
        number: The layer's number in Darknet.
        parts: The names and sizes of its arrays, in the file's order.
    """

    number: int
    parts: tuple[tuple[str, int], ...]

    @property
    def count(self) -> int:
        """The number of its values."""
        return sum(count for _, count in self.parts)


@dataclass(frozen=True, eq=False)
class Contents:
    """A file that was found right.

    Attributes:
        header: Its header.
        arrays: For each convolution that it is used for, the layer's number, and its arrays by name, each flat.
    """

    header: Header
    arrays: tuple[tuple[int, Mapping[str, np.ndarray]], ...]


def blocks_of(network: Network) -> list[Block]:
    """Return what a whole file for this network holds."""
    found = []
    for layer in network.convolutions:
        names = ("beta", "gamma", "mean", "variance") if layer.batch_normalize else ("bias",)
        parts = (*((name, layer.filters) for name in names), ("kernel", layer.kernel_count))
        found.append(Block(layer.index, parts))
    return found


def read_weights(
    path: Path, blocks: Sequence[Block], *, layers: int | None = None, partial: bool = False, trust: bool = False
) -> Contents:
    """Return what a file holds, if it is right to the last byte.

    Args:
        path: The file.
        blocks: What it should hold.
        layers: Take only the layers of Darknet with a smaller number, whatever follows in the file.
        partial: The file may end early, but only between two convolutions.
        trust: Take numbers, too, that no network can have.

    Raises:
        DataError: The file cannot be read, is none of Darknet's, or does not fit; says by how much.
    """
    if layers is not None:
        blocks = [block for block in blocks if block.number < layers]
    if not blocks:
        message = "There is no convolution to read weights for."
        raise DataError(message)
    try:
        with open_regular(path) as file:
            raw = np.fromfile(file, dtype=np.uint8)
    except OSError as error:
        message = f"The weights {path} cannot be read: {error.strerror or error}."
        raise DataError(message) from error
    header = _header(raw[:_LONG].tobytes(), path)
    wanted = sum(block.count for block in blocks)
    found = (raw.size - header.size) / FLOAT.itemsize
    if partial and found < wanted:
        blocks = _whole(blocks, found, path)
    elif found < wanted or (found > wanted and layers is None):
        raise DataError(_misfit(path, raw.size, header.size, blocks))
    count = sum(block.count for block in blocks)
    values = raw[header.size :][: count * FLOAT.itemsize].view(FLOAT)
    arrays = tuple(_split(values, blocks))
    if not trust:
        _refuse_nonsense(arrays, path)
    return Contents(header, arrays)


def _split(values: np.ndarray, blocks: Sequence[Block]) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    start = 0
    for block in blocks:
        named = {}
        for name, count in block.parts:
            named[name] = values[start : start + count]
            start += count
        yield block.number, named


def _header(raw: bytes, path: Path) -> Header:
    if len(raw) < _SHORT:
        message = f"{path} is no file of Darknet weights: it has {len(raw)} bytes, fewer than the header."
        raise DataError(message)
    major, minor, revision = struct.unpack_from("<iii", raw)
    if not all(0 <= number < _NEWEST for number in (major, minor)):  # the revision tells nothing, and may be any number
        message = (
            f"{path} is no file of Darknet weights: its first bytes would be version {major}.{minor}.{revision}. Was "
            "it saved by another program, or is it a web page?"
        )
        raise DataError(message)
    wide = Header(major, minor).wide
    if wide and len(raw) < _LONG:
        message = f"{path} is no file of Darknet weights: it ends within the header."
        raise DataError(message)
    (seen,) = struct.unpack_from("<q" if wide else "<i", raw, 12)
    return Header(major, minor, revision, seen)


def _misfit(path: Path, size: int, start: int, blocks: Sequence[Block]) -> str:
    """Say by how much a file is too short or too long, and after which layer it ends."""
    full = start + sum(block.count for block in blocks) * FLOAT.itemsize
    text = (
        f"{path} does not fit the network: it has {size:,} bytes, and the {len(blocks)} convolutions need {full:,}, so "
        f"{abs(size - full):,} bytes {'are missing' if size < full else 'are left over'}."
    )
    if size > full:
        return f"{text} It belongs to another cfg, or to this one with other classes or channels."
    held, values = 0.0, (size - start) / FLOAT.itemsize
    for block in blocks:
        if held + block.count > values:
            break
        held += block.count
    if held == values and held:
        return (
            f"{text} It ends before layer {block.number}: if it holds the first layers only, as darknet53.conv.74 "
            "does, import it as partial. Otherwise it belongs to another cfg."
        )
    return f"{text} It ends within layer {block.number}: it was cut off on its way here, or belongs to another cfg."


def _whole(blocks: Sequence[Block], found: float, path: Path) -> list[Block]:
    """Return the blocks that a file of so many values holds, if it ends between two of them."""
    held: list[Block] = []
    count = 0
    for block in blocks:
        if count + block.count > found:
            break
        held.append(block)
        count += block.count
    if not held or count != found:
        rest = round((found - count) * FLOAT.itemsize)
        message = (
            f"{path} does not hold the first layers of this network: after {len(held)} of its {len(blocks)} "
            f"convolutions {rest:,} bytes are left over, too few for the next one."
        )
        raise DataError(message)
    return held


def _refuse_nonsense(arrays: Sequence[tuple[int, Mapping[str, np.ndarray]]], path: Path) -> None:
    """Refuse numbers that no network has: they tell of a wrong header, another cfg or a damaged file.

    What can be computed with is a number: denormal ones, and variances a little below 0, as sums in float32 leave them;
    their root is taken after `EPSILON` was added.
    """
    wrong, total, first, where = 0, 0, "", []
    for number, named in arrays:
        for name, values in named.items():
            bad: Any = ~np.isfinite(values)
            if name == "variance":
                bad |= ~(values > -EPSILON)
            wrong, total = wrong + int(bad.sum()), total + values.size
            if bad.any():
                where.append(f"{int(bad.sum()):,} in the {name} of layer {number}")
                at = f"would be {float(values[bad][0]):g} at place {int(bad.argmax())}"
                first = first or f"the {name} of layer {number} {at}"
    if wrong:
        listed = ", ".join(where[:_MOST_NAMED]) + (", ..." if len(where) > _MOST_NAMED else "")
        count = f"{wrong:,} of its {total:,} numbers cannot be a network's: {listed}. The first: " if wrong > 1 else ""
        message = (
            f"{path} does not hold the weights of this network: {count}{first}. The file is damaged, or it belongs to "
            "another cfg of the same size. Where it is known to be right, `kzoo import-darknet ... --trust-weights` "
            "takes the numbers as they are."
        )
        raise DataError(message)
