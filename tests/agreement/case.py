"""One comparison with a reference, and the file that holds many; needs NumPy and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parents[1] / "golden"
PLACES = ("inputs", "expected")


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a reference says of one component for one set of inputs.

    Attributes:
        kind: ``loss``, ``metric``, ``optimizer``, ``schedule`` or ``regularizer``.
        component: The component with its arguments, as on the command line or as a table (for nested arguments):
            ``"focal:gamma=2"``.
        reference: Library, version and function that gave the expected values.
        note: What is special about the inputs, such as ``"an exact match"``.
        inputs: Arrays. A loss: ``y_true``, ``y_pred`` and perhaps ``sample_weight``. A metric: the same, in one array
            for all batches, and perhaps ``batches``, the number of samples in each. An optimizer: ``start0``,
            ``start1``, ... and ``gradients0`` with one row for each step; where there is ``rows0`` too, its gradients
            are of rows, which it names for each step. A schedule: ``steps``. A regularizer:
            ``weights``. Floats should be exact in float32, so that both sides see the same numbers.
        expected: Arrays. A loss: ``value`` (one for each sample, or a scalar: what the loss returns with its default
            reduction) and ``gradient`` of the sum of ``value`` by ``y_pred``. A metric: ``value``. An optimizer:
            ``steps`` (the numbers of the steps recorded, from 1) and ``weights0``, ``weights1``, ... with one row for
            each of them. A schedule: ``value``, one for each step. A regularizer: ``value`` and ``gradient``.
        tolerance: The relative difference allowed in float32.
        reason: Why `tolerance` is wider than 1e-5.
    """

    kind: str
    component: str | dict
    reference: str
    inputs: dict = field(repr=False)
    expected: dict = field(repr=False)
    note: str = ""
    tolerance: float = 1e-5
    reason: str = ""

    @property
    def name(self):
        """The component's name without arguments."""
        return self.component["name"] if isinstance(self.component, dict) else self.component.partition(":")[0]

    def __str__(self):
        return f"{self.kind} {self.component}" + (f" ({self.note})" if self.note else "")


def metric_case(component, reference, y_true, y_pred, expected, weight=None, note=""):
    """Return the case of a metric that sees its samples in two batches."""
    first = len(y_true) // 2
    inputs = {"y_true": y_true, "y_pred": y_pred, "batches": [first, len(y_true) - first]}
    if weight is not None:
        inputs["sample_weight"] = weight
    return Case(
        kind="metric",
        component=component,
        reference=reference,
        inputs=inputs,
        expected={"value": np.asarray(expected, "float64")},
        note=note,
    )


def write(path, cases):
    """Write cases to one ``.npz`` file: the arrays, and a JSON text with the rest."""
    arrays, table = {}, []
    for at, case in enumerate(cases):
        plain = {name: value for name, value in vars(case).items() if name not in PLACES}
        table.append(plain)
        for place in PLACES:
            for name, value in getattr(case, place).items():
                arrays[f"{at}/{place}/{name}"] = np.asarray(value)
    np.savez_compressed(path, cases=np.array(json.dumps(table)), **arrays)


def read(path):
    """Return the cases of one file."""
    with np.load(path, allow_pickle=False) as file:
        table = json.loads(str(file["cases"]))
        places = [{place: {} for place in PLACES} for _ in table]
        for key in file.files:
            if key != "cases":
                at, place, name = key.split("/")
                places[int(at)][place][name] = file[key]
    return [Case(**plain, **arrays) for plain, arrays in zip(table, places, strict=True)]
