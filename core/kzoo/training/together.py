"""What several workers compare before and during a training, so that nobody trains something else unnoticed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kzoo.errors import KzooError
from kzoo.training.state import variables_of, weights_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kzoo.engine.workers import Workers
    from kzoo.runs.config import RunConfig
    from kzoo.runs.manifest import Manifest
    from kzoo.runs.state import SavedState
    from kzoo.training.assembly import Assembly

__all__ = ["align", "check_alike"]

_FAR = 1e-2
"""Of the largest weight: processors round in other ways, which no training makes this large in an epoch."""


def check_alike(
    workers: Workers, config: RunConfig, record: Manifest, parts: Assembly, begin: SavedState | None
) -> None:
    """Raise `KzooError` in all processes where one of them is about to train something else than the chief.

    Args:
        workers: The processes.
        config: The settings.
        record: What is recorded of them here.
        parts: The model and the data.
        begin: What the training goes on from, or None.
    """
    place = None if begin is None else begin.data["place"]
    own = {
        "settings": _digest(config.values),
        "data": _digest(dict(record.data.fingerprint)),
        "components": _digest({what: dict(one) for what, one in record.plugins.items()}),
        "versions": _digest(record.environment["versions"]),
        "first weights": weights_digest(parts.model),
        "state to go on from": _digest(place),
    }
    told: list[Mapping[str, str]] = [json.loads(text) for text in workers.all_texts(json.dumps(own))]
    for number, other in enumerate(told):
        if bad := [what for what in own if other[what] != told[0][what]]:
            message = (
                f"Worker {number} of {workers.count} has other {' and '.join(bad)} than the chief, so they cannot train "
                "one model. Start all of them with the same command, and with the same kzoo, data and run folder."
            )
            raise KzooError(message)


def align(workers: Workers, model: Any) -> float:
    """Give all processes the chief's variables where theirs are not the same; return how far apart these were.

    All take the same steps, so they are the same to the bit on processors of one kind. Where they are not, the
    difference is a part of the largest number in the variable that has it.

    Raises:
        KzooError: They are further apart than rounding explains.
    """
    variables = [variable for _, variable in variables_of(model)]
    values = [np.asarray(keras.ops.convert_to_numpy(one)) for one in variables]
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in values)).hexdigest()
    if len(set(workers.all_texts(digest))) == 1:
        return 0.0
    apart = 0.0
    for variable, own, chief in zip(variables, values, workers.chiefs(values), strict=True):
        if own.dtype.kind in "fiu" and own.size:
            most = float(np.abs(chief.astype(float)).max()) or 1.0
            apart = max(apart, float(np.abs(own.astype(float) - chief.astype(float)).max()) / most)
        variable.assign(chief)
    apart = max(float(text) for text in workers.all_texts(repr(apart)))
    if not apart < _FAR:
        message = (
            f"The weights of the {workers.count} workers went apart by {apart:.2g} of the largest in one epoch, though "
            "all take the same steps: a layer or a component computes something else in each of them. Train this "
            "network with one worker."
        )
        raise KzooError(message)
    return apart


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
