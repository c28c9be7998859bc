"""Callbacks that keep what a run must not lose: its log, and its best model."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

import keras

from kzoo.files import write_text
from kzoo.training.unfreezing import Phase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["BestEpoch", "EarlyStopping", "LogFile", "StopOnNaN"]


class LogFile(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the logs of all epochs to a CSV file, whole after every epoch; values with several parts as JSON."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._rows: list[dict[str, Any]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add one row."""
        self._rows.append({"epoch": epoch + 1, **(logs or {})})
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
        state: The variables of its optimizer, from which training would go on.
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
        self.state: list[Any] = []
        self._save, self._compile = save, compile
        self._phase: Phase | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare, and keep the model where it is better."""
        value = (logs or {}).get(self.monitor)
        if value is None:  # an epoch that was cut short has no validation
            return
        better = value < self.value if self.direction == "min" else value > self.value
        if better or (self.weights is None and not math.isnan(value)):
            self.value, self.epoch = value, epoch + 1
            self.weights, self._phase = self.model.get_weights(), Phase.of(self.model)
            self.state = [keras.ops.convert_to_numpy(variable) for variable in self.model.optimizer.variables]
            self._save(self.model)

    def restore(self) -> None:
        """Put the best epoch's weights into the model, and what its optimizer kept beside them."""
        assert self._phase is not None, "there is a best epoch"
        if self._compile and self._phase.optimizer is not self.model.optimizer:
            self._phase.freeze(self.model)
            self._compile(self._phase.optimizer)
        self.model.set_weights(self.weights)
        for variable, value in zip(self.model.optimizer.variables, self.state, strict=True):
            variable.assign(value)


class EarlyStopping(keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """As Keras's, for a value that is not logged after every epoch: ``patience`` counts epochs all the same."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare the value, where there is one."""
        if self.monitor in (logs or {}):
            super().on_epoch_end(epoch, logs)
        else:
            self.wait += 1


class StopOnNaN(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends the training at the first loss that is not a number, since no later step can mend it.

    Attributes:
        where: The epoch and step, as text; empty while all is well.
        cause: Which logged parts of the loss are no numbers either, as a sentence; empty where none are logged.
    """

    def __init__(self) -> None:
        super().__init__()
        self.where = ""
        self.cause = ""
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch."""
        del logs
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss", 0.0)
        if isinstance(loss, float) and not math.isfinite(loss) and not self.where:
            self.where = f"epoch {self._epoch}, by step {batch + 1}"
            self.cause = _cause(self.model, logs or {})
            self.model.stop_training = True


def _cause(model: Any, logs: dict[str, Any]) -> str:
    """Return which parts of the loss, or else which weights, are no finite numbers."""
    parts = {name: logs[name] for name in getattr(model.loss, "part_names", ()) if isinstance(logs.get(name), float)}
    if bad := [name for name, value in parts.items() if not math.isfinite(value)]:
        sound = [f"`{name}` is {value:.4g}" for name, value in parts.items() if name not in bad]
        rest = f"; {', '.join(sound)}" if sound else ""
        return f" Its part {', '.join(f'`{name}` is {parts[name]}' for name in bad)}{rest}."
    return ""
