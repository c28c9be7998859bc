"""A network built without its weights: how much room it would take, known before any of it is taken.

A description is short and a network need not be: a layer of 100,000 units after another one is 40 GB in two lines.
Keras has a scope in which variables get their shapes and no values; what is built there is measured, and thrown away.
"""

from __future__ import annotations

import contextlib
import math
import random
import threading
from typing import TYPE_CHECKING, Any

from kzoo.models.archive import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from kzoo.models.weights import StoredWeights

__all__ = ["rehearse"]

SPARE = 2**20
"""Numbers that a network may have beyond those in the file: metrics, the state of random layers."""
MAX_ACTIVATION = 2**27
"""The most numbers that one layer may make of one input: 512 MB."""

_NO_VALUE_HERE = "in a stateless scope"


def rehearse(path: Path, config: dict[str, Any], stored: StoredWeights, custom_objects: Mapping[str, Any]) -> None:
    """Build a network and its metrics without values, and refuse what would take more room than its file explains.

    Args:
        path: The file, for messages.
        config: Its ``config.json``; it is not used afterwards, because Keras changes it.
        stored: The weights in the file.
        custom_objects: As for Keras.

    Raises:
        ModelFileError: It is refused.
        Exception: Keras cannot build it; whatever it raises.
    """
    compiled = config.get("compile_config") or {}
    config["compile_config"] = None
    found: list[BaseException | None] = []

    def build() -> None:
        try:
            _measure(path, config, compiled.get("metrics"), stored, custom_objects)
        except BaseException as error:  # raised again in the thread that waits
            found.append(error)
        else:
            found.append(None)

    # Keras keeps a list of the variables that have no values yet, for each thread, and gives them values at the next
    # occasion: in a thread of its own it is forgotten with it.
    drawn = random.getstate()
    thread = threading.Thread(target=build, name="kzoo-rehearsal", daemon=True)
    thread.start()
    thread.join()
    random.setstate(drawn)  # layers without a seed draw one, and must not take it from those that follow
    if found[0] is not None:
        raise found[0]


def _measure(
    path: Path, config: dict[str, Any], metrics: Any, stored: StoredWeights, custom_objects: Mapping[str, Any]
) -> None:
    import keras

    with keras.StatelessScope(initialize_variables=False):
        try:
            model = keras.saving.deserialize_keras_object(config, custom_objects=custom_objects, safe_mode=True)
        except ValueError as error:
            if _NO_VALUE_HERE in str(error):  # a layer whose weights begin with given values, which are in the file
                return
            raise
        measures: Any = ()
        with contextlib.suppress(Exception):  # what is wrong with a metric is said where it is compiled
            measures = keras.saving.deserialize_keras_object(metrics, custom_objects=custom_objects, safe_mode=True)
    numbers = sum(math.prod(variable.shape) for variable in [*_variables(model), *_metric_variables(measures)])
    if numbers > stored.network + SPARE:
        fault = (
            f"its config.json describes a network and metrics of {numbers:,} numbers, but its weights are only "
            f"{stored.network:,}"
        )
        raise ModelFileError(path, fault)
    for name, shape in _outputs(model):
        if (size := math.prod(side or 1 for side in shape)) > MAX_ACTIVATION:
            fault = f"its layer `{name}` would make {size:,} numbers of one input, and the limit is {MAX_ACTIVATION:,}"
            raise ModelFileError(path, fault, "No network needs that: whoever made the file wants to fill your memory.")


def _variables(model: Any) -> list[Any]:
    return list(getattr(model, "variables", ()))


def _metric_variables(found: Any) -> Iterator[Any]:
    """Yield the variables of metrics, which stand in lists and tables as the model's outputs do."""
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, (list, tuple)):
        for inner in found:
            yield from _metric_variables(inner)
    else:
        yield from getattr(found, "variables", ())


def _outputs(model: Any) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    """Yield the shapes that the layers of a network make, without the first axis, with their names."""
    for layer in [*getattr(model, "operations", ()), *getattr(model, "layers", ())]:
        try:
            made = layer.output
        except (AttributeError, ValueError):  # not called, or in several places
            made = ()
        for one in made if isinstance(made, (list, tuple)) else [made]:
            if shape := getattr(one, "shape", None):
                yield getattr(layer, "name", ""), tuple(shape)[1:]
        if layer is not model and hasattr(layer, "layers"):
            yield from _outputs(layer)
