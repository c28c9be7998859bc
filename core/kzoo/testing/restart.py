"""Checks that a model with the component is saved, loaded and goes on as if nothing had happened."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import keras
import numpy as np

from kzoo.models.saving import load_model, save_model
from kzoo.testing import fresh
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import head, sample
from kzoo.testing.tools import close

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = ["fresh_process", "keras_file", "network", "regularizer_argument"]

_BATCH = 4
_FEATURES = 3


def keras_file(subject: Subject) -> None:
    """Saved as a `.keras` file in the middle of training and loaded, a model goes on with the same numbers."""
    with tempfile.TemporaryDirectory() as folder:
        midway = _midway(subject)
        path = midway.write(Path(folder))
        _compare(fresh.go_on(load_model(path), midway.data), midway.expected, "loaded in the same process")


def fresh_process(subject: Subject) -> None:
    """The same in a fresh process, where nobody imported the component's module."""
    if subject.entry is None and type(subject.make()).__module__.split(".")[0] != "keras":
        message = "it is not published by an installed plugin, so no fresh process can find it; check it by its name"
        raise Skip(message)
    with tempfile.TemporaryDirectory() as folder:
        midway = _midway(subject)
        path = midway.write(Path(folder))
        _compare(fresh.elsewhere(path, midway.data), midway.expected, "loaded in a fresh process")


@dataclass(frozen=True)
class _Midway:
    """A model saved in the middle of training: its file, the data of three further steps, and what they give."""

    file: bytes
    data: dict[str, Any]
    expected: dict[str, Any]

    def write(self, folder: Path) -> Path:
        """Write the file into a folder; return its path."""
        path = folder / "model.keras"
        path.write_bytes(self.file)
        return path


def _midway(subject: Subject) -> _Midway:
    """Return the saved model, which both checks begin with."""

    def trained() -> _Midway:
        model, data = network(subject)
        fresh.go_on(model, {**data, "x": data["x"][::-1], "steps": 2})
        # A model's file has no running values of metrics: a run keeps them beside it.
        held = model.metrics_variables if subject.kind == "metric" else []
        state = {f"state {at}": np.array(keras.ops.convert_to_numpy(one)) for at, one in enumerate(held)}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            save_model(model, path)
            return _Midway(path.read_bytes(), {**data, **state}, fresh.go_on(model, data))

    return cast("_Midway", subject.once("midway", trained))


def network(subject: Subject) -> tuple[Any, dict[str, Any]]:
    """Return a small compiled network that uses the component, and data to train it with."""
    x = np.random.default_rng(3).normal(size=(_BATCH, _FEATURES)).astype("float32")
    if subject.kind in ("loss", "metric"):
        y_true, y_pred = sample(subject, _BATCH)
        # Keras wants a loss to evaluate a metric: a regularizer that adds nothing is one.
        nothing = {"kernel_regularizer": keras.regularizers.L2(0.0)} if subject.kind == "metric" else {}
        model = _network(np.shape(y_pred)[1:], *head(subject), **nothing)
    else:
        y_true = np.random.default_rng(4).normal(size=(_BATCH, 2)).astype("float32")
        extra = {regularizer_argument(subject): subject.make()} if subject.kind == "regularizer" else {}
        model = _network((2,), **extra)
    made = subject.make() if subject.kind != "regularizer" else None
    # Eagerly: nothing is compiled for five steps, which makes this check quick.
    settings: dict[str, Any] = {"run_eagerly": True, "optimizer": keras.optimizers.SGD(0.05)}
    if subject.kind == "loss":
        settings["loss"] = made
    elif subject.kind == "metric":
        settings["metrics"] = [made]
    else:
        settings["loss"] = "mse"
    if subject.kind == "optimizer":
        settings["optimizer"] = made
    elif subject.kind == "schedule":
        settings["optimizer"] = keras.optimizers.SGD(made)
    model.compile(**settings)
    return model, {"x": x, "y": y_true, "steps": 3, "train": int(subject.kind != "metric")}


def regularizer_argument(subject: Subject) -> str:
    """Return the argument of a layer that takes this regularizer."""
    spec = subject.entry.spec if subject.entry else None
    of_activity = getattr(spec, "applies_to", "weights") == "activity"
    return "activity_regularizer" if of_activity else "kernel_regularizer"


def _network(
    shape: tuple[int, ...], activation: str = "linear", bias: list[float] | None = None, **options: Any
) -> Any:
    """Return a network from three features to outputs of ``shape``; the same weights every time."""
    size = int(np.prod(shape)) if shape else 1
    start = keras.initializers.RandomUniform(-0.3, 0.3, seed=1)
    last = keras.layers.Dense(size, kernel_initializer=start, **options)
    model = keras.Sequential(
        [
            keras.Input((_FEATURES,)),
            keras.layers.Dense(
                4, activation="tanh", kernel_initializer=keras.initializers.RandomUniform(-1, 1, seed=2)
            ),
            last,
            keras.layers.Reshape(shape),
            keras.layers.Activation(activation),
        ]
    )
    if bias is not None:
        last.bias.assign(np.asarray(bias))
    return model


def _compare(saw: dict[str, Any], expected: dict[str, Any], where: str) -> None:
    for name, value in expected.items():
        if name not in saw:
            message = f"{where}: saw {sorted(saw)}, expected `{name}` among them"
            raise CheckFailure(message)
        # Bit for bit: the same operations on the same numbers.
        close(saw[name], value, f"{where}, three steps further: {name}", 0.0)
