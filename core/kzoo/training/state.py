"""All that a training goes on from, taken out of live objects and put back: variables, random states, callbacks.

A callback that keeps something between epochs has two methods, and a plugin's may have them as well:

- ``state()`` returns a dictionary of what JSON has and of NumPy arrays, nested as it likes;
- ``restore(state)`` takes it back, after ``on_train_begin`` and before the next step.
"""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kzoo.runs.state import OtherStateError, SavedState
from kzoo.training.averaged_weights import parts_of_optimizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Place", "gather", "put_back", "variables_of", "weights_digest"]

_COUNTED = re.compile(r"_\d+")  # Keras counts names up in a process; a resumed run may count from elsewhere
_ARRAY = "__array__"


@dataclass
class Place:
    """Where a training is.

    Attributes:
        epoch: The epoch, from 0; the number of epochs where all were gone through.
        step: The steps taken in it. With all of them taken, what comes next is the validation.
        logs: The logs of the last step, where steps of the epoch were taken.
        finished: Whether a callback ended the training.
        history: The logs of each epoch that was gone through to its end.
        steps: Steps taken in all.
        examples: Training examples seen.
        seconds: Time in training steps.
    """

    epoch: int = 0
    step: int = 0
    logs: dict[str, Any] = field(default_factory=dict)
    finished: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)
    steps: int = 0
    examples: int = 0
    seconds: float = 0.0


def gather(model: Any, place: Place, callbacks: Sequence[Any] = (), **more: Any) -> SavedState:
    """Return copies of all that decides how the training of a compiled, built model goes on.

    Args:
        model: The model, with the weights in it that training goes on from.
        place: Where it is.
        callbacks: Those with ``state`` are asked for it.
        **more: What else JSON has, for the reader of the state.
    """
    tensors = {name: np.array(keras.ops.convert_to_numpy(one)) for name, one in variables_of(model)}
    beside: dict[str, np.ndarray] = {}
    keys = []
    kept: dict[str, Any] = {}
    for name, callback in _named(callbacks):
        found = callback.state()
        key = getattr(callback, "state_key", None)
        kept[name] = _without_arrays(found, f"callback/{name}", tensors if key is None else beside)
        keys += [] if key is None else [f"{name}:{key}"]
    data = {**more, "place": asdict(place), "callbacks": kept, "random": _random_states()}
    return SavedState(data, tensors, beside, " ".join(keys))


def put_back(state: SavedState, model: Any, callbacks: Sequence[Any] = ()) -> Place:
    """Give model and callbacks what `gather` took from others like them; return the place.

    Raises:
        OtherStateError: The variables or the callbacks are not those of the state; nothing was changed.
    """
    expected = [name for name in state.tensors if not name.startswith("callback/")]
    there = list(variables_of(model))
    _check_variables(expected, there, state)
    arrays = {**state.tensors, **state.beside}
    named = dict(_named(callbacks))
    if set(named) != set(state.data["callbacks"]):
        message = (
            f"The state has what {_listed(state.data['callbacks'])} keep, and the callbacks of this training that keep "
            f"something are {_listed(named)}. A program gives them as `callbacks` of kzoo.run."
        )
        raise OtherStateError(message)
    for (_, variable), name in zip(there, sorted(expected), strict=True):
        variable.assign(state.tensors[name])
    for name, callback in named.items():
        callback.restore(_with_arrays(state.data["callbacks"][name], arrays))
    _put_back_random_states(state.data["random"])
    return Place(**state.data["place"])


def weights_digest(model: Any) -> str:
    """Return the SHA-256 of a model's own variables in their order, the states of its random layers among them."""
    found = hashlib.sha256()
    for variable in model.variables:
        array = np.asarray(keras.ops.convert_to_numpy(variable), order="C")
        found.update(f"{array.dtype.name}\0{array.shape}\0".encode())
        found.update(array.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def variables_of(model: Any) -> Iterator[tuple[str, Any]]:
    """Yield each variable once with a name that sorts in this order: those of model, optimizer and metrics."""
    seen: set[int] = set()
    number = 0
    optimizer = getattr(model, "optimizer", None)
    generator = keras.src.backend.common.global_state.get_global_attribute("global_seed_generator")
    for part, variables in (
        ("model", model.variables),
        ("optimizer", optimizer.variables if optimizer is not None else []),
        ("optimizer", [one for inner in parts_of_optimizer(optimizer) for one in _held(inner)]),
        ("metrics", model.metrics_variables),
        ("metrics", [one for metric in model.metrics for one in _held(metric)]),
        ("keras", [generator.state] if generator is not None else []),
    ):
        for variable in variables:
            if id(variable) not in seen:
                seen.add(id(variable))
                yield f"{number:06d}/{part}/{variable.path}", variable
                number += 1


def _held(owner: Any) -> Iterator[Any]:
    """Yield the variables that an object has as attributes, in case it lists not all: Keras's Nadam lacks one."""
    for name in sorted(vars(owner)):
        value = vars(owner)[name]
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(one, keras.Variable):
                yield one


def _check_variables(expected: Sequence[str], there: Sequence[tuple[str, Any]], state: SavedState) -> None:
    for name, (own, variable) in zip(sorted(expected), there, strict=False):
        array = state.tensors[name]
        kinds = [(_COUNTED.sub("", path), shape, kind) for path, shape, kind in _forms(name, array, own, variable)]
        if kinds[0] != kinds[1]:
            message = (
                f"The state is of another network or optimizer: it has `{name}` of shape {array.shape}, {array.dtype}, "
                f"where this training has `{own}` of shape {tuple(variable.shape)}, {variable.dtype}."
            )
            raise OtherStateError(message)
    if len(expected) != len(there):
        counts = f"it has {len(expected)} variables, and this training has {len(there)}"
        message = f"The state is of another network or optimizer: {counts}."
        raise OtherStateError(message)


def _forms(name: str, array: np.ndarray, own: str, variable: Any) -> tuple[tuple[str, Any, str], ...]:
    kind = keras.backend.standardize_dtype(variable.dtype)
    return (name, array.shape, array.dtype.name), (own, tuple(variable.shape), kind)


def _named(callbacks: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    for number, callback in enumerate(one for one in callbacks if hasattr(one, "state") and hasattr(one, "restore")):
        yield f"{number}-{type(callback).__name__}", callback


def _listed(names: Any) -> str:
    return ", ".join(f"`{name.partition('-')[2]}`" for name in names) or "none"


def _without_arrays(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """Return a value with a name in the place of each array in it, which goes to ``arrays``."""
    if isinstance(value, dict):
        return {key: _without_arrays(one, f"{name}/{key}", arrays) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(one, f"{name}/{at:06d}", arrays) for at, one in enumerate(value)]
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {_ARRAY: name}
    return value.item() if isinstance(value, np.generic) else value


def _with_arrays(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(value, dict):
        if set(value) == {_ARRAY}:
            return arrays[value[_ARRAY]]
        return {key: _with_arrays(one, arrays) for key, one in value.items()}
    return [_with_arrays(one, arrays) for one in value] if isinstance(value, list) else value


def _random_states() -> dict[str, Any]:
    """Return the states of Python's and NumPy's generators, which a component may draw from between steps."""
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - the global one is what is asked for
    return {"python": random.getstate(), "numpy": [kind, np.asarray(keys).tolist(), *rest]}


def _put_back_random_states(states: Mapping[str, Any]) -> None:
    version, keys, following = states["python"]
    random.setstate((version, tuple(keys), following))
    kind, numbers, *rest = states["numpy"]
    np.random.set_state((kind, np.array(numbers, np.uint32), *rest))  # noqa: NPY002 - see above
