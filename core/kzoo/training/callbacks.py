"""Callbacks that keep what a run must not lose: its log, and its best model."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

import keras

from kzoo.errors import KzooError
from kzoo.files import csv_cell, write_text
from kzoo.training.state import weights_digest
from kzoo.training.unfreezing import Phase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["BestEpoch", "EarlyStopping", "LogFile", "StaysFinite", "WeightDigests", "check_weights"]


class LogFile(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the logs of all epochs to a CSV file, whole after every epoch; values with several parts as JSON."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._rows: list[dict[str, Any]] = []

    def state(self) -> dict[str, Any]:
        """Return the rows so far."""
        return {"rows": list(self._rows)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on after these rows; later ones, of steps that are taken anew, leave the file."""
        self._rows = list(state["rows"])
        if self._rows:
            self._write()
        else:
            self._path.unlink(missing_ok=True)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add one row."""
        self._rows.append({"epoch": epoch + 1, **{csv_cell(name): value for name, value in (logs or {}).items()}})
        self._write()

    def _write(self) -> None:
        columns = list(dict.fromkeys(name for row in self._rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
        writer.writeheader()
        for row in self._rows:
            writer.writerow({k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()})
        write_text(self._path, text.getvalue())


class BestEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Remembers the weights of the best epoch and saves that model.

    Args:
        monitor: The logged value to compare.
        direction: ``min`` or ``max``: which way is better.
        save: Called with the model when it is the best so far.
        compile: Called with an optimizer to have the model trained by that one, where another one took its place since
            the best epoch.

    Attributes:
        epoch: The best epoch, from 1; 0 before the first.
        value: Its value of ``monitor``.
        weights: Its weights.
        optimizer_state: The variables of its optimizer, from which training would go on.
    """

    def __init__(
        self,
        monitor: str,
        direction: str,
        save: Callable[[Any], None],
        compile: Callable[[Any], None] | None = None,  # noqa: A002 - Keras's word
    ) -> None:
        super().__init__()
        self.monitor = monitor
        self.direction = direction
        self.epoch = 0
        self.value = math.inf if direction == "min" else -math.inf
        self.weights: list[Any] | None = None
        self.optimizer_state: list[Any] = []
        self._save, self._compile = save, compile
        self._phases: list[Phase] = []
        self._phase = 0
        self._steps = 0

    @property
    def state_key(self) -> str:
        """What tells the weights of one best epoch from those of the next."""
        return str(self.epoch)

    def state(self) -> dict[str, Any]:
        """Return which epoch is best, with its weights and its optimizer's variables."""
        arrays = {"weights": self.weights or [], "optimizer": self.optimizer_state}
        return {"epoch": self.epoch, "value": self.value, "phase": self._phase, "steps": self._steps, **arrays}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on as after that epoch."""
        self._note_phase()
        self.epoch, self.value, self._phase = state["epoch"], state["value"], state["phase"]
        self._steps = state["steps"]  # all of them, where the training was stopped before the validation
        self.weights = state["weights"] if self.epoch else None
        self.optimizer_state = state["optimizer"]

    def on_train_begin(self, logs: Any = None) -> None:
        """Note what is trained, and by which optimizer."""
        del logs
        self._note_phase()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Note how far the epoch is."""
        del logs
        self._steps = batch + 1

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare, and keep the model where it is better."""
        value = (logs or {}).get(self.monitor)
        if value is None or self._steps < (self.params or {}).get("steps", 0):  # an epoch that was cut short
            return
        better = value < self.value if self.direction == "min" else value > self.value
        if better or (self.weights is None and not math.isnan(value)):
            self._note_phase()
            self.value, self.epoch, self._phase = value, epoch + 1, len(self._phases) - 1
            self.weights = self.model.get_weights()
            self.optimizer_state = [keras.ops.convert_to_numpy(v) for v in self.model.optimizer.variables]
            self._save(self.model)

    def put_in(self) -> None:
        """Put the best epoch's weights into the model, and what its optimizer kept beside them."""
        assert self.weights is not None, "there is a best epoch"
        phase = self._phases[self._phase]
        if self._compile and phase.optimizer is not self.model.optimizer:
            phase.freeze(self.model)
            self._compile(phase.optimizer)
        self.model.set_weights(self.weights)
        for variable, value in zip(self.model.optimizer.variables, self.optimizer_state, strict=True):
            variable.assign(value)

    def _note_phase(self) -> None:
        phase = Phase.of(self.model)
        if not self._phases or self._phases[-1].optimizer is not phase.optimizer:
            self._phases.append(phase)


class EarlyStopping(keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """As Keras's, for a value that is not logged after every epoch: ``patience`` counts epochs all the same."""

    def state(self) -> dict[str, Any]:
        """Return the best value, and how long ago it was."""
        best = None if self.best is None else float(self.best)
        return {"wait": self.wait, "stopped_epoch": self.stopped_epoch, "best": best, "best_epoch": self.best_epoch}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on counting from there."""
        for name, value in state.items():
            setattr(self, name, value)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare the value, where there is one."""
        if self.monitor in (logs or {}):
            super().on_epoch_end(epoch, logs)
        else:
            self.wait += 1


class WeightDigests(keras.callbacks.Callback):  # type: ignore[misc]
    """Takes the SHA-256 of the weights before the training and after every epoch, for whoever repeats the run.

    Attributes:
        initial: That of the weights before the first step.
        epochs: That after each epoch; the averaged weights, where an optimizer averages.
    """

    def __init__(self) -> None:
        super().__init__()
        self.initial = ""
        self.epochs: list[str] = []

    def state(self) -> dict[str, Any]:
        """Return all of them."""
        return {"initial": self.initial, "epochs": list(self.epochs)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on after these."""
        self.initial, self.epochs = state["initial"], list(state["epochs"])

    def on_train_begin(self, logs: Any = None) -> None:
        """Take the first."""
        del logs
        self.initial, self.epochs = weights_digest(self.model), []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Take that of the epoch."""
        del epoch, logs
        self.epochs.append(weights_digest(self.model))


class StaysFinite(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends the training with an error where a loss or a weight is not a finite number, since no later step mends it.

    The last step of an epoch has a loss from before its update, so what that did to the weights shows only in these.

    Args:
        advice: What to try, as a sentence.

    Raises:
        KzooError: In the hooks below; says where, and which parts of the loss or which weights it is.
    """

    def __init__(self, advice: str) -> None:
        super().__init__()
        self._advice = advice
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch."""
        del logs
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss."""
        if not _is_finite((logs or {}).get("loss")):
            where = f"The loss stopped being a finite number in epoch {self._epoch}, by step {batch + 1}."
            message = f"{where}{_cause(self.model, logs or {})} {self._advice}"
            raise KzooError(message)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the weights and at the loss of the validation."""
        check_weights(self.model, f"after epoch {epoch + 1}", self._advice)
        if not _is_finite((logs or {}).get("val_loss")):
            where = f"The loss of the validation data is not a finite number in epoch {epoch + 1}."
            message = f"{where}{_cause(self.model, logs or {}, 'val_')} {self._advice}"
            raise KzooError(message)


def check_weights(model: Any, when: str, advice: str) -> None:
    """Raise `KzooError` where a weight of the model is not a finite number.

    Args:
        model: The model.
        when: The end of the sentence that says so.
        advice: What to try, as a sentence.
    """
    floating = [v for v in model.weights if keras.backend.is_float_dtype(v.dtype)]
    finite = [keras.ops.all(keras.ops.isfinite(variable)) for variable in floating]
    bad = [v.path for v, sound in zip(floating, finite, strict=True) if not bool(sound)]
    if bad:
        named = ", ".join(f"`{path}`" for path in bad[:3]) + (", ..." if len(bad) > 3 else "")  # noqa: PLR2004
        message = f"{len(bad)} of {len(floating)} weights of the model are not finite numbers {when}: {named}. {advice}"
        raise KzooError(message)


def _is_finite(value: Any) -> bool:
    """Return whether a logged value is no number at all, or a finite one."""
    return not isinstance(value, float) or math.isfinite(value)


def _cause(model: Any, logs: dict[str, Any], prefix: str = "") -> str:
    """Return which parts of the loss are no finite numbers either; an empty text where none are logged."""
    names = [f"{prefix}{name}" for name in getattr(model.loss, "part_names", ())]
    parts = {name: logs[name] for name in names if isinstance(logs.get(name), float)}
    if bad := [name for name, value in parts.items() if not math.isfinite(value)]:
        sound = [f"`{name}` is {value:.4g}" for name, value in parts.items() if name not in bad]
        rest = f"; {', '.join(sound)}" if sound else ""
        return f" Its part {', '.join(f'`{name}` is {parts[name]}' for name in bad)}{rest}."
    return ""
