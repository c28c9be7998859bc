"""What a run is worth by measures that its loss has no part in: as its record says, else measured from its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.comparing.gathering import SECONDS
from kzoo.errors import KzooError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kzoo.comparing.gathering import Entry, Gathered
    from kzoo.engine.listener import Listener

__all__ = ["measures_of", "values_of"]


def values_of(
    gathered: Gathered, directions: Mapping[str, str], listener: Listener, *, logged: Collection[str] = ()
) -> dict[str, dict[str, dict[int, float]]]:
    """Return, by way to train and measure, the value of each seed; what a run does not have is left out.

    Args:
        gathered: The runs.
        directions: The measures.
        listener: Who is told of runs that are measured.
        logged: Those of them that are no measures of the test, but logged after each epoch: of the one whose weights
            the model has.

    Raises:
        KzooError: A run without recorded measures cannot be measured.
    """
    found: dict[str, dict[str, dict[int, float]]] = {cell: {} for cell in gathered.cells}
    for entry in gathered.entries:
        own = measures_of(entry, listener)
        for measure in directions:
            value = _kept(entry, measure) if measure in logged else own.get(measure)
            if value is not None:
                found[entry.cell].setdefault(measure, {})[entry.seed] = value
    return found


def _kept(entry: Entry, name: str) -> float | None:
    return entry.record.training.kept(name) if entry.record.training else None


def measures_of(entry: Entry, listener: Listener) -> dict[str, float]:
    """Return the measures of one run by name, and the seconds of its training where that was in one go.

    Raises:
        KzooError: Nothing is recorded, and its model or its data is gone or not what it was.
    """
    recorded = entry.record.measures.get("test")
    found = _measured(entry, listener) if recorded is None else {k: v for k, v in recorded.items() if v is not None}
    seconds = entry.record.timings.get("train")
    if seconds is not None and not entry.record.resumed:  # of a run that was resumed, it is that of the last part
        found[SECONDS] = float(seconds)
    return found


def _measured(entry: Entry, listener: Listener) -> dict[str, float]:
    """Return what the model of a run says of its test split; this starts TensorFlow."""
    from kzoo.engine import runtime
    from kzoo.inference.evaluation import measured_with
    from kzoo.inference.test_data import load_test_data
    from kzoo.models.saved import find_model

    saved = find_model(str(entry.run.model_path))
    if changed := saved.changed():
        raise KzooError(changed)
    task = saved.task()
    task.check_measurable()
    listener.say(f"Measuring {entry.run.name}, which has no measures in its record.")
    runtime.start()
    splits = load_test_data(saved, None, listener)
    if splits.fingerprint.get("test") != entry.record.data.fingerprint.get("test"):
        message = (
            f"The run {entry.run.name} has no measures in its record, and cannot be measured now: its test data has "
            "changed since."
        )
        raise KzooError(message)
    size = entry.run.config().train.batch_size
    outcome = task.measure(measured_with(saved, saved.forward(), splits, splits.test, batch_size=size))
    return dict(outcome.measures()) if outcome else {}
