"""An ONNX file as it lies on the disk: its card, its nodes and what no file may ask for, read without ONNX's library.

A file may come from a stranger. It is looked at from its first byte to its last before ONNX Runtime sees it: one whose
weights lie in other files, that brings functions of its own, or that has an operator which kzoo's networks do not have,
is refused, and so is what would fill the memory.
"""

from __future__ import annotations

import contextlib
import math
import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from kzoo.errors import KzooError
from kzoo.models.archive import CARD, ModelFileError, regular, too_branched
from kzoo.models.card import ModelCard, damaged
from kzoo.models.network import MAX_INPUT
from kzoo.models.onnx_messages import AGAIN, OF_OTHERS, gathered
from kzoo.models.onnx_shapes import ShapeError, largest
from kzoo.models.protobuf import Message, WireError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from kzoo.models.onnx_messages import Gathered
    from kzoo.models.onnx_shapes import Tensor

__all__ = ["EXPORT", "OnnxFile", "read_onnx"]

EXPORT = "kzoo.export.json"
"""The entry that says how the file was made, beside the card under `kzoo.models.archive.CARD`."""

MAX_FILE = 2**31 - 1
"""Bytes of a file: what a message of Protocol Buffers can have."""
MAX_ACTIVATION = 2**27
"""The most numbers that one node may make of one input, as in `kzoo.models.rehearsal`."""

_DTYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 11: "float64"}


@dataclass(frozen=True, eq=False)
class OnnxFile:
    """What an ONNX file says of itself.

    Attributes:
        path: The file.
        card: What kzoo stored in it; an empty card where it did not write it.
        made: How it was exported, as plain data; empty where kzoo did not write it.
        producer: The program that wrote it, with its version.
        input_shape: The shape of one input, None for a side of any length.
        dtype: The type of its inputs' numbers.
        nodes: How many nodes it has.
        arrays: How many arrays of weights.
        numbers: How many numbers its weights have.
    """

    path: Path
    card: ModelCard
    made: Mapping[str, Any]
    producer: str
    input_shape: tuple[int | None, ...]
    dtype: str
    nodes: int
    arrays: int
    numbers: int


def read_onnx(path: Path) -> OnnxFile:
    """Return what an ONNX file says of itself.

    Raises:
        KzooError: There is no such file; `ModelFileError` where it is none, or one that is not opened; or its card is
            damaged or does not belong to its network.
    """
    with _content(path) as content:
        try:
            return _read(path, content)
        except WireError as error:
            fault = f"it is no ONNX file, or it is damaged: {error}"
            raise ModelFileError(path, fault, AGAIN) from error
        except ShapeError as error:
            raise ModelFileError(path, str(error), AGAIN) from error


@contextlib.contextmanager
def _content(path: Path) -> Iterator[memoryview]:
    with regular(path) as file:
        size = file.seek(0, 2)
        if not size:
            raise ModelFileError(path, "the file is empty", AGAIN)
        if size > MAX_FILE:
            raise ModelFileError(path, f"it has {size:,} bytes, and the limit is {MAX_FILE:,}", "")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as content:
            yield content


def _read(path: Path, content: memoryview) -> OnnxFile:
    found = gathered(path, Message(content))
    given = [one for one in found.inputs if one.name not in found.weights]
    if len(given) != 1 or not given[0].dims:
        raise ModelFileError(path, f"it has {len(given)} inputs, and networks of kzoo have one", OF_OTHERS)
    (image,) = given
    shape = tuple(None if side < 0 else side for side in image.dims[1:])
    card = _card(path, found, shape, image)
    size = math.prod(side or 1 for side in _one_input(shape, card))
    if size > MAX_INPUT:
        raise ModelFileError(path, f"one input of its network has {size:,} numbers, and the limit is {MAX_INPUT:,}", "")
    most, node = largest(found.nodes, found.weights, image.name, (1, *_one_input(shape, card)))
    if most > MAX_ACTIVATION:
        fault = f"its node `{node}` would make {most:,} numbers of one input, and the limit is {MAX_ACTIVATION:,}"
        raise ModelFileError(path, fault, "No network needs that: whoever made the file wants to fill your memory.")
    return OnnxFile(
        path=path,
        card=card,
        made=_entry(path, found, EXPORT) or {},
        producer=f"{found.producer} {found.version}".strip(),
        input_shape=shape,
        dtype=_DTYPES.get(image.dtype, f"type {image.dtype}"),
        nodes=len(found.nodes),
        arrays=len(found.weights),
        numbers=sum(math.prod(one.dims) for one in found.weights.values()),
    )


def _one_input(shape: tuple[int | None, ...], card: ModelCard) -> tuple[int, ...]:
    """Return the shape of an input; a side of any length is the card's, which was compared with it."""
    if None not in shape:
        return tuple(side or 0 for side in shape)
    return card.input_shape if len(card.input_shape) == len(shape) else tuple(side or 1 for side in shape)


def _card(path: Path, found: Gathered, shape: tuple[int | None, ...], image: Tensor) -> ModelCard:
    """Return the card, compared with the network that it stands beside."""
    stored = _entry(path, found, CARD)
    if stored is None:
        return ModelCard()
    if "schema_version" not in stored:
        raise ModelFileError(path, f"its entry {CARD} holds a card that kzoo did not write", AGAIN)
    card = ModelCard.from_dict(stored, str(path))
    card.check_against(shape, str(path))
    if image.dtype not in _DTYPES:
        raise ModelFileError(path, f"its input is of ONNX's type {image.dtype}, which kzoo does not write", AGAIN)
    return card


def _entry(path: Path, found: Gathered, name: str) -> dict[str, Any] | None:
    """Return an entry of the metadata that holds a table as JSON, None where there is none."""
    if name not in found.entries:
        return None
    try:
        stored = msgspec.json.decode(found.entries[name].read())
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise KzooError(damaged(str(path), f"it is no JSON ({error})")) from error
    if not isinstance(stored, dict):
        raise KzooError(damaged(str(path), f"{name} is no table"))
    if fault := too_branched(stored):
        raise ModelFileError(path, f"its entry {name} {fault}", AGAIN)
    return stored
