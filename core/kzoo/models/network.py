"""The description of a network in a model file: which objects it is made of, and what in it no file may ask for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.models.archive import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["NetworkObject", "check_network", "faults_of", "input_shape_of", "objects_of", "outputs_in"]

MAX_NUMBER = 10_000_000
"""The largest whole number that may stand where a size could: more units, filters or thresholds fill the memory."""
MAX_INPUT = 2**25
"""The most numbers that one input may have: an image of 3,340 x 3,340 pixels in colour."""
MAX_LAYERS, MAX_CALLS = 5_000, 20_000
"""The most layers, and places where one is called: each takes a millisecond or two to build."""
MAX_STEPS = 10_000
"""The same for a network with a recurrent layer that is unrolled, which repeats it so often when it is built."""

_NO_SIZES = ("seed", "shared_object_id", "steps", "iterations", "mask_value", "value", "code", "epoch")
"""Keys that hold large numbers without taking room for them, as ends of their names."""

_CODE = {
    "__lambda__": "a Python lambda",
    "TFSMLayer": "a SavedModel of TensorFlow",
    "TorchModuleWrapper": "a pickled module of PyTorch",
    "JaxLayer": "a function of JAX",
    "FlaxLayer": "a module of Flax",
}
"""The classes of Keras that run what stands in the file or beside it."""

_KERAS = frozenset({"keras", "keras_hub", "keras_cv", "keras_nlp"})
_MODELLING = frozenset(
    {"activations", "constraints", "dtype_policies", "initializers", "layers", "losses", "metrics", "models", "ops"}
    | {"optimizers", "quantizers", "random", "regularizers"}
)
"""The rooms of Keras that networks are made of; in others there are functions that read, write and download."""
_INNER = _MODELLING | {"backend", "trainers"}


@dataclass(frozen=True)
class NetworkObject:
    """An object in the description of a network.

    Attributes:
        class_name: Its class.
        module: The module of that; empty where none is said.
        registered_name: The name that it was registered with, `package>Class`; empty where there is none.
        where: The key it stands under.
    """

    class_name: str
    module: str
    registered_name: str
    where: str

    @property
    def foreign(self) -> str:
        """Its name as `package>Class` where it is not Keras's own, else an empty text."""
        if ">" in self.registered_name:
            return self.registered_name
        package = self.module.partition(".")[0]
        if not package or package in _KERAS or package == "builtins":
            return ""
        return f"{package}>{self.class_name}"


def objects_of(config: Any, key: str = "") -> list[NetworkObject]:
    """Return the objects in a saved description, in the order in which they stand there."""
    return [
        NetworkObject(node["class_name"], node.get("module") or "", node.get("registered_name") or "", where)
        for where, node in _walk(config, key)
        if all(isinstance(node.get(name) or "", str) for name in ("class_name", "module", "registered_name"))
    ]


def check_network(path: Path, config: Any) -> None:
    """Refuse a description that is none, brings code with it, or asks for what no network needs.

    Args:
        path: The file, for messages.
        config: What its ``config.json`` holds.

    Raises:
        ModelFileError: It is refused.
    """
    for fault, advice in faults_of(config):
        raise ModelFileError(path, fault, advice)


def faults_of(config: Any) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a description, and what can be done about it."""
    if fault := _misshapen(config):
        yield fault, _ELSEWHERE
        return
    for fault in dict.fromkeys(_code_in(one) or _outside(one) for one in objects_of(config)):
        if fault:
            yield fault, _CODE_ADVICE
    if fault := _too_large(config):
        yield fault, _TOO_LARGE


def _misshapen(config: Any) -> str:
    """Return why this describes no model, or an empty text."""
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        return "its config.json describes no model of Keras: `class_name` is missing"
    if not isinstance(config.get("config"), dict):
        return "its config.json describes no model of Keras: `config` is missing"
    for where, node in _walk(config, ""):
        for name in ("class_name", "module", "registered_name"):
            if not isinstance(node.get(name), (str, type(None))):
                return f"its config.json is damaged: the `{name}` of an object under `{where}` is no text"
    return ""


def _too_large(config: dict[str, Any]) -> str:
    """Return which number in a description would fill the memory, or an empty text."""
    objects = objects_of(config)
    for what, limit, number in (
        ("layers", MAX_LAYERS, sum(one.where == "layers" for one in objects)),
        ("calls of layers", MAX_CALLS, sum(one.class_name == "__keras_tensor__" for one in objects)),
    ):
        if number > limit:
            return f"its network has {number:,} {what}, and the limit is {limit:,}"
    limit = MAX_STEPS if any(table.get("unroll") is True for table in _tables(config)) else MAX_NUMBER
    for key, number in _numbers(config):
        if abs(number) > limit:
            return f"its config.json has {key} = {_short(number)}, and the limit is {limit:,}"
    for shape in _input_shapes(config):
        if (size := math.prod(shape)) > MAX_INPUT:
            return f"one input of its network has {size:,} numbers, and the limit is {MAX_INPUT:,}"
    return ""


def input_shape_of(config: Any) -> tuple[int | None, ...] | None:
    """Return the shape of one input of a network, None where it has not exactly one that is said."""
    layers = config["config"].get("layers") if not _misshapen(config) else None
    shapes = [
        shape[1:]
        for layer in (layers if isinstance(layers, list) else ())
        if isinstance(layer, dict) and layer.get("class_name") == "InputLayer" and isinstance(layer.get("config"), dict)
        if isinstance(shape := layer["config"].get("batch_shape"), list)
        if all(size is None or type(size) is int for size in shape)
    ]
    return tuple(shapes[0]) if len(shapes) == 1 else None


def outputs_in(config: Any) -> int | None:
    """Return how many numbers a network gives for an example, None where it does not end in a dense layer."""
    layers = config["config"].get("layers") if not _misshapen(config) else None
    known = [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    if known and "output_layers" in config["config"]:
        last = config["config"]["output_layers"]
        last = last[0] if isinstance(last, list) and len(last) == 1 else last  # one output, in a list of them
        name = last[0] if isinstance(last, list) and last else None
        end = [layer for layer in known if isinstance(name, str) and layer.get("name") == name]
    else:
        end = known[-1:]  # of a row of layers
    layer = end[0] if len(end) == 1 else {}
    inner = layer.get("config")
    units = inner.get("units") if layer.get("class_name") == "Dense" and isinstance(inner, dict) else None
    return units if type(units) is int else None


_ELSEWHERE = "Take the model from where it came from again: copy it anew, or train or import it anew."
_TOO_LARGE = "No network needs that: whoever made the file wants to fill your memory, or it is damaged."
_CODE_ADVICE = (
    "kzoo never runs code from a model file. Whoever made the model can replace it by a layer of Keras, or publish the "
    "layer in a package that you install."
)


def _code_in(one: NetworkObject) -> str:
    """Return what code an object brings, or an empty text."""
    what = "" if one.foreign else _CODE.get(one.class_name, "")
    return what and f"it brings code with it, {what} under `{one.where or 'model'}`"


def _outside(one: NetworkObject) -> str:
    """Return what is wrong with an object of Keras that no network is made of, or an empty text."""
    package, _, room = one.module.partition(".")
    if package != "keras" or not room or ">" in one.registered_name:
        return ""
    first, _, rest = room.partition(".")
    inner = rest.partition(".")[0]
    if first in _MODELLING or (first == "src" and inner in _INNER):
        return ""
    return f"it asks for {one.module}.{one.class_name} of Keras, which is no part of a network"


def _walk(node: Any, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if "class_name" in node:
            yield key, node
        for inner, value in node.items():
            yield from _walk(value, key if inner == "config" else inner)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value, key)


def _tables(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    inner: Iterable[Any] = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for value in inner:
        yield from _tables(value)


def _numbers(node: Any, key: str = "") -> Iterator[tuple[str, int]]:
    """Yield the whole numbers in a description that could be sizes, each with its key."""
    if isinstance(node, dict):
        for inner, value in node.items():
            yield from _numbers(value, inner)
    elif isinstance(node, list):
        for value in node:
            yield from _numbers(value, key)
    elif isinstance(node, int) and not key.endswith(_NO_SIZES):
        yield key, node
    elif isinstance(node, float) and key.endswith(("units", "filters", "shape", "_dim")) and not node < MAX_NUMBER:
        yield key, MAX_NUMBER + 1  # 1e300 is a whole number to Keras, and NaN no size at all


def _input_shapes(config: dict[str, Any]) -> Iterator[list[int]]:
    for table in _tables(config):
        shape = table.get("batch_shape")
        if isinstance(shape, list):
            yield [size for size in shape[1:] if type(size) is int and size > 0]


def _short(number: int) -> str:
    return f"{number:,}" if abs(number) < 10**15 else f"{float(number):.3g}" if abs(number) < 10**300 else "a giant"
