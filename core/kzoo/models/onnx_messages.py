"""The messages of an ONNX file: its nodes, weights, inputs and metadata, and what among them no file may have."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.models.archive import CARD, MAX_JSON, ModelFileError
from kzoo.models.network import MAX_CALLS
from kzoo.models.onnx_shapes import OPERATORS, Node, Tensor
from kzoo.models.protobuf import Message, WireError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["AGAIN", "OF_OTHERS", "Gathered", "gathered"]

MAX_WEIGHTS = 50_000
"""Arrays of weights."""
MAX_ENTRIES = 100
"""Entries of metadata, each of which is as long as a card at most."""
MAX_ATTRIBUTES = 64
"""Attributes of one node."""

_SIZES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8}
"""Bytes of a number by ONNX's type: float, uint8, int8, uint16, int16, int32, int64, bool, float16, double."""
_INT64 = 7
_NUMBERS = {4: 4, 10: 8}
"""Fields of a tensor with numbers of a fixed length; those of a varint are 5, 7 and 11."""
_SMALL = 64
"""Constants of so many whole numbers are kept: sides, places and widths."""

AGAIN = "Export it anew with `kzoo export`, or get it from where it came from again."
OF_OTHERS = "kzoo opens what `kzoo export` writes. Use the program that the file was made for."


@dataclass(eq=False)
class Gathered:
    """What a file holds, by ONNX's own names.

    Attributes:
        producer: The program that wrote it.
        version: The version of that.
        entries: The metadata.
        nodes: The nodes of the network.
        weights: Its arrays of weights.
        inputs: Its inputs, among which weights may be named too.
        graphs: How many networks there are.
    """

    producer: str = ""
    version: str = ""
    entries: dict[str, Message] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)
    inputs: list[Tensor] = field(default_factory=list)
    graphs: int = 0


def gathered(path: Path, model: Message) -> Gathered:
    """Return what a file holds.

    Raises:
        ModelFileError: It holds what is not opened.
        WireError: It is no ONNX file.
    """
    found = Gathered()
    for number, value in model.fields():
        if number in (20, 25):
            what = "steps of a training" if number == 20 else "functions of its own"  # noqa: PLR2004 - ONNX's number
            raise ModelFileError(path, f"it brings {what} with it", OF_OTHERS)
        if isinstance(value, int):
            continue
        if number == 2:  # noqa: PLR2004 - this and the next are ONNX's numbers of fields
            found.producer = value.text()[:100]
        elif number == 3:  # noqa: PLR2004
            found.version = value.text()[:100]
        elif number == 7:  # noqa: PLR2004
            found.graphs += 1
            _gather_graph(path, value, found)
        elif number == 14:  # noqa: PLR2004
            _gather_entry(path, value, found)
    if found.graphs != 1:
        message = "it holds no network" if not found.graphs else "it holds several networks"
        raise WireError(message)
    return found


def _gather_entry(path: Path, entry: Message, found: Gathered) -> None:
    parts = {number: value for number, value in entry.fields() if isinstance(value, Message)}
    if len(found.entries) >= MAX_ENTRIES or any(len(part) > MAX_JSON[CARD] for part in parts.values()):
        fault = f"it has more than {MAX_ENTRIES} entries of metadata, or one of more than {MAX_JSON[CARD]:,} bytes"
        raise ModelFileError(path, fault, AGAIN)
    if 1 in parts and 2 in parts:  # noqa: PLR2004 - key and value
        found.entries[parts[1].text()] = parts[2]


def _gather_graph(path: Path, graph: Message, found: Gathered) -> None:
    for number, value in graph.fields():
        if isinstance(value, int):
            continue
        if number == 1:
            found.nodes.append(_node(path, value))
        elif number == 5:  # noqa: PLR2004 - this and the next are ONNX's numbers of fields
            tensor = _tensor(path, value)
            found.weights[tensor.name] = tensor
        elif number == 11:  # noqa: PLR2004
            found.inputs.append(_value_info(value))
        elif number == 15:  # noqa: PLR2004
            raise ModelFileError(path, "it has sparse weights, which kzoo does not write", OF_OTHERS)
        for what, count, limit in (
            ("nodes", len(found.nodes), MAX_CALLS),
            ("arrays of weights", len(found.weights), MAX_WEIGHTS),
            ("inputs", len(found.inputs), MAX_WEIGHTS),
        ):
            if count > limit:
                raise ModelFileError(path, f"it has more than {limit:,} {what}, which is the limit", AGAIN)


def _node(path: Path, node: Message) -> Node:
    sources: list[str] = []
    made: list[str] = []
    texts = {4: "", 7: ""}
    attributes: dict[str, Any] = {}
    for number, value in node.fields():
        if isinstance(value, int):
            continue
        if number in (1, 2):
            (sources if number == 1 else made).append(value.text())
        elif number in texts:
            texts[number] = value.text()
        elif number == 5:  # noqa: PLR2004 - ONNX's number of the field
            if len(attributes) >= MAX_ATTRIBUTES:
                raise ModelFileError(path, f"a node has more than {MAX_ATTRIBUTES} attributes", AGAIN)
            name, content = _attribute(path, value)
            attributes[name] = content
    operator, domain = texts[4], texts[7]
    if operator not in OPERATORS or domain not in ("", "ai.onnx"):
        named = f"{domain}.{operator}" if domain else operator
        raise ModelFileError(path, f"it has the operator {named[:80]!r}, which kzoo's networks do not have", OF_OTHERS)
    return Node(operator, tuple(sources), tuple(made), attributes)


def _attribute(path: Path, attribute: Message) -> tuple[str, Any]:
    """Return an attribute's name and its whole numbers or text; a floating-point number is no size, and is None."""
    name = ""
    found: int | str | None = None
    ints: list[int] = []
    for number, value in attribute.fields():
        if number in (5, 6, 10, 11, 22, 23):
            raise ModelFileError(path, "a node has a network or an array inside", OF_OTHERS)
        if number == 1 and isinstance(value, Message):
            name = value.text()
        elif number == 3 and isinstance(value, int):  # noqa: PLR2004 - this and the next are ONNX's numbers of fields
            found = _signed(value)
        elif number == 4 and isinstance(value, Message):  # noqa: PLR2004
            found = value.text()
        elif number == 8:  # noqa: PLR2004
            ints += [_signed(value)] if isinstance(value, int) else map(_signed, value.numbers())
    return name, ints or found


def _tensor(path: Path, tensor: Message) -> Tensor:
    """Return an array of weights; refuse one that lies elsewhere, or is not as long as it says."""
    name, dtype = "", 0
    dims: list[int] = []
    parts: list[tuple[int, int | Message]] = []
    for number, value in tensor.fields():
        if number in (3, 6, 13) or (number == 14 and value):  # noqa: PLR2004 - segments, texts, data elsewhere
            fault = "its weights lie in other files, or are no numbers; a model is read from one file alone"
            raise ModelFileError(path, fault, "Export it anew with `kzoo export`.")
        if number == 1:
            dims += [_signed(value)] if isinstance(value, int) else map(_signed, value.numbers())
        elif number == 2 and isinstance(value, int):  # noqa: PLR2004 - ONNX's number of the field
            dtype = value
        elif number == 8 and isinstance(value, Message):  # noqa: PLR2004 - ONNX's number of the field
            name = value.text()
        else:
            parts.append((number, value))
    length, numbers, floats = _numbers_in(parts, dtype)
    if dtype not in _SIZES or min(dims, default=0) < 0 or math.prod(dims) * _SIZES[dtype] != length:
        message = f"the weights `{name[:80]}` are not as many as their shape says"
        raise WireError(message)
    return Tensor(name, dtype, tuple(dims), numbers, floats)


def _numbers_in(
    parts: Sequence[tuple[int, int | Message]], dtype: int
) -> tuple[int, tuple[int, ...], tuple[float, ...]]:
    """Return how many bytes the numbers of an array take, and these where they are a few sides, places or scales."""
    length, size = 0, _SIZES.get(dtype, 0)
    whole: list[int] = []
    floats: tuple[float, ...] = ()
    for number, value in parts:
        if number == 9 and isinstance(value, Message):  # noqa: PLR2004 - the bytes as they are
            length += len(value)
            if dtype == _INT64 and len(value) <= size * _SMALL:
                raw = value.read()
                whole += [int.from_bytes(raw[at : at + 8], "little", signed=True) for at in range(0, len(raw), 8)]
            elif dtype == 1 and len(value) <= size * _SMALL and not len(value) % 4:
                floats = struct.unpack(f"<{len(value) // 4}f", value.read())
        elif number in (5, 7, 11):  # numbers of any length
            counted = [value] if isinstance(value, int) else value.numbers()
            length += len(counted) * size
            whole += map(_signed, counted) if dtype == _INT64 else ()
        elif number in _NUMBERS and isinstance(value, Message):
            length += len(value) // _NUMBERS[number] * size
    return length, tuple(whole[:_SMALL]), floats


def _value_info(info: Message) -> Tensor:
    """Return an input's name, type and sides; one of any length is -1."""
    name, dtype, dims = "", 0, []
    for number, value in info.fields():
        if number == 1 and isinstance(value, Message):
            name = value.text()
        elif number == 2 and isinstance(value, Message):  # noqa: PLR2004 - ONNX's number of the field
            for inner, tensor in value.fields():
                if inner != 1 or not isinstance(tensor, Message):
                    message = "an input is no array of numbers"
                    raise WireError(message)
                for part, what in tensor.fields():
                    if part == 1 and isinstance(what, int):
                        dtype = what
                    elif part == 2 and isinstance(what, Message):  # noqa: PLR2004 - ONNX's number of the field
                        dims = [_side(dim) for _, dim in what.fields() if isinstance(dim, Message)]
    return Tensor(name, dtype, tuple(dims))


def _side(dim: Message) -> int:
    known = [_signed(value) for number, value in dim.fields() if number == 1 and isinstance(value, int)]
    if known and known[0] < 0:
        message = "an input has a negative side"
        raise WireError(message)
    return known[0] if known else -1


def _signed(value: int) -> int:
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value
