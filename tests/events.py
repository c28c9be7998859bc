"""What TensorBoard itself reads from event files."""

import logging
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

__all__ = ["pictures", "scalars"]


def scalars(folder):
    """Return, for each folder of a run's ``tb``, the steps and values of every curve."""
    return {split: {tag: _points(found, tag) for tag in found.Tags()["scalars"]} for split, found in _read(folder)}


def pictures(folder):
    """Return, for each folder of a run's ``tb``, step, width and height of every picture."""
    return {
        split: {tag: [(one.step, one.width, one.height) for one in found.Images(tag)] for tag in found.Tags()["images"]}
        for split, found in _read(folder)
    }


def _read(folder):
    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # of the end that a killed process had not written whole
    for path in sorted(Path(folder).iterdir()):
        found = EventAccumulator(str(path), size_guidance={"scalars": 0, "images": 0})
        yield path.name, found.Reload()


def _points(found, tag):
    return [(one.step, one.value) for one in found.Scalars(tag)]
