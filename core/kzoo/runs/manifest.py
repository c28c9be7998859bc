"""The record of a run, ``run.json``, in types."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec reads the types
from dataclasses import dataclass, field, fields
from typing import Any

__all__ = ["SCHEMA_VERSION", "STAGES", "STATUSES", "DataRecord", "Manifest", "TrainingRecord"]

SCHEMA_VERSION = 1
"""The version of ``run.json``; a newer one is refused with a clear message."""

STATUSES = ("running", "done", "interrupted", "failed", "pruned")
"""What ``status`` may say. A run that was killed still says ``running``; one that a study gave up says ``pruned``."""

STAGES = ("trained", "saved", "evaluated", "reported")
"""What a run does, in order. One that is stopped in its training still saves the model so far."""


@dataclass(frozen=True, kw_only=True)
class DataRecord:
    """What a run was trained and tested on.

    Attributes:
        requested: What the user asked for: ``auto``, ``real``, ``sample`` or a path.
        used: What it became: ``real``, ``sample`` or ``path``.
        description: One line for people.
        location: The file or folder that was read; several with commas; an empty text for the sample.
        reason: Why ``auto`` fell back to the sample, or an empty text.
        sizes: The number of examples of each split.
        class_names: The name of each class index.
        schema: What the reader knows of the columns of a table.
        fingerprint: The SHA-256 of each split.
    """

    requested: str = ""
    used: str = ""
    description: str = ""
    location: str = ""
    reason: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    class_names: list[str] = field(default_factory=list)
    schema: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """What came of a training.

    Attributes:
        epochs: The epochs that were gone through to their end.
        steps: Steps taken.
        weights: Which weights the final model has.
        best_epoch: The best epoch, from 1, or None.
        images_per_second: Training examples in a second, without validation and callbacks.
        history: The logs of each epoch.
        initial_weights: The SHA-256 of the weights before the first step, random states of layers among them.
        epoch_weights: That after each epoch; of the averaged weights where the optimizer averages.
        final_weights: That of the final model.
    """

    epochs: int = 0
    steps: int = 0
    weights: str = "last"
    best_epoch: int | None = None
    images_per_second: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    initial_weights: str = ""
    epoch_weights: list[str] = field(default_factory=list)
    final_weights: str = ""

    def kept(self, name: str) -> float | None:
        """Return what was logged by this name after the epoch whose weights the model has; None where nothing was.

        What is not measured after every epoch is that of the last one in which it was.
        """
        last = self.best_epoch if self.weights.startswith("best") else None
        found = [logs[name] for logs in self.history[:last] if isinstance(logs.get(name), (int, float))]
        return float(found[-1]) if found else None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All that a run says of itself.

    Attributes:
        schema_version: The version of this form.
        status: One of `STATUSES`; ``done`` once it is evaluated.
        completed: Which of `STAGES` came to their end, whatever became of the run afterwards.
        pipeline: The pipeline's name.
        recipe: The recipe's name.
        seed: The seed of everything random.
        label: A short text that tells runs of one pipeline apart.
        started: When, in UTC, by the machine's clock.
        number: The how-many-th run of its folder of runs it is, from 1, which no clock changes; 0 where nobody counted.
        argv: The command line.
        environment: Host, versions, platform, processor, flags, threads and devices; each a key of its own in the file.
        plugins: The distribution and version of each component that was asked for.
        callbacks: The classes of the callbacks that a program gave it.
        part_of: What it is a part of, such as a study and its trial; empty where it stands by itself.
        trackers: By the qualified name of each tracker its version, the ``id`` of the tracked run, and where it failed
            or was left out ``logged``, the last epoch that it took.
        data: What it was trained and tested on.
        task: The task.
        model: Parameters, shapes, optimizer and loss.
        models: The SHA-256 of each model in the folder, by the name of its file; empty before the run's end.
        results: Loss and metrics by the name of the split; None before the test.
        measures: What the task measures without the loss, by the name of the split; empty where no report was drawn.
        timings: Seconds by part of the run.
        training: What came of the training; None before its end.
        error: Why it failed or was pruned, or an empty text.
        signal: Which signal stopped it, or its report, or an empty text.
    """

    schema_version: int = SCHEMA_VERSION
    status: str = "unknown"
    completed: list[str] = field(default_factory=list)
    pipeline: str = ""
    recipe: str = ""
    seed: int | None = None
    label: str = ""
    started: str = ""
    number: int = 0
    argv: list[str] = field(default_factory=list)
    environment: Mapping[str, Any] = field(default_factory=dict)
    plugins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    callbacks: list[str] = field(default_factory=list)
    part_of: Mapping[str, Any] = field(default_factory=dict)
    trackers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    data: DataRecord = field(default_factory=DataRecord)
    task: str = ""
    model: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, Mapping[str, Any]] | None = None
    measures: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    training: TrainingRecord | None = None
    error: str = ""
    signal: str = ""
    resumed: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Manifest:
        """Return what `to_dict` told; what this version has no field for is kept in `environment`.

        Raises:
            ValueError: A field is missing without which the rest means nothing, or one is of another type.
        """
        import msgspec  # not with the module: the command line starts without it

        missing = [name for name in ("status", "pipeline", "data") if data.get(name) is None]
        if missing:
            message = f"it holds no `{missing[0]}`"
            raise ValueError(message)
        names = {item.name for item in fields(cls)} - {"environment"}
        known = {name: _without_nulls(value) for name, value in data.items() if name in names and value is not None}
        known["environment"] = {name: value for name, value in data.items() if name not in names}
        return msgspec.convert(known, cls)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, as ``run.json`` has it."""
        found: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name == "environment":
                found |= value
            elif isinstance(value, (DataRecord, TrainingRecord)):
                whole = {inner.name: getattr(value, inner.name) for inner in fields(value)}
                found[item.name] = {name: one for name, one in whole.items() if one or name not in _ONLY_WHERE_SAID}
            elif value is not None and not (item.name in _ONLY_WHERE_SAID and not value):
                found[item.name] = value
        return found

    @property
    def test_results(self) -> Mapping[str, Any]:
        """Loss and metrics on the test split; empty before the test."""
        return (self.results or {}).get("test", {})


_ONLY_WHERE_SAID = frozenset(
    {
        "completed",
        "resumed",
        "number",
        "timings",
        "error",
        "signal",
        "task",
        "model",
        "models",
        "plugins",
        "callbacks",
        "part_of",
    }
    | {"trackers", "measures"}
    | {"argv", "initial_weights", "epoch_weights", "final_weights"}
)


def _without_nulls(value: Any) -> Any:
    """Return a part of the record without what is null in it, which says the same as a key that is not there."""
    return {name: part for name, part in value.items() if part is not None} if isinstance(value, dict) else value
