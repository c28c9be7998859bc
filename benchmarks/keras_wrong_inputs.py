"""Print what every loss and metric of Keras's own, by its kzoo name, makes of inputs that are wrong.

    python benchmarks/keras_wrong_inputs.py

A column is the result for one input, all else being right; `error` stands for whatever is raised. For labels of classes
-1, K and 255 are that class index, or that number in a one-hot row. `one output` is that of `Dense(1)` with answers 0
and 1, and its second number is the result for the opposite answers: where the two are equal, the answers do not count.
What is said of these in `kzoo info` is in plugins/kzoo_plugins/keras_builtins/hidden_faults.py.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: TID253 - a script that is nothing without it

from kzoo.plugins.build import build
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry

if TYPE_CHECKING:
    from kzoo.plugin import LossSpec, MetricSpec

CLASSES = 3
IDS = np.array([0, 1, 2, 0])
SOFTMAX = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3]], "float32")
SIGMOID = np.array([[0.9], [0.2], [0.6], [0.4]], "float32")
ANSWERS = np.array([[1.0], [0.0], [0.0], [1.0]], "float32")
NUMBERS = np.array([[1.2], [2.4], [0.3], [4.0]], "float32")
TARGETS = np.array([[1.0], [2.0], [0.5], [3.0]], "float32")

COLUMNS = ("right", "NaN", "inf", "-1", "K", "255", "one output", "ints", "bools", "empty")


def right_inputs(spec: LossSpec | MetricSpec) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and predictions as the component wants them."""
    if spec.inputs == "signs":
        return 2 * ANSWERS - 1, NUMBERS - 2
    if "classification" in spec.tasks and spec.inputs != "positive":
        return (IDS if set(spec.targets) == {"sparse"} else np.eye(CLASSES, dtype="float32")[IDS]), SOFTMAX
    return (TARGETS, NUMBERS) if "regression" in spec.tasks else (ANSWERS, SIGMOID)


def result(spec: LossSpec | MetricSpec, y_true: np.ndarray, y_pred: np.ndarray, **more: Any) -> str:
    """Return the value of a loss or a metric as text, or `error`."""
    arguments = {**spec.example, **({"num_classes": CLASSES} if "num_classes" in spec.example else {}), **more}
    try:
        component = build(spec.kind, Reference(spec.name, arguments))
        if spec.kind == "loss":
            value = np.asarray(component(y_true, y_pred))
        else:
            component.update_state(y_true, y_pred)
            value = np.asarray(component.result())
    except Exception:  # a table of what happens
        return "error"
    return f"{float(value):.4g}" if value.ndim == 0 else f"shape {value.shape}"


def row(spec: LossSpec | MetricSpec) -> list[str]:
    """Return the results for each input."""
    true, pred = right_inputs(spec)
    cells = [result(spec, true, pred)]
    for number in (np.nan, np.inf):
        wrong = pred.copy()
        wrong[0, 0] = number
        cells.append(result(spec, true, wrong))
    for label in (-1, CLASSES, 255):
        wrong = true.copy()
        wrong[(1, 1) if true.ndim > 1 and true.shape[1] > 1 else 1] = label
        cells.append(result(spec, wrong, pred))
    if pred is SOFTMAX:
        answers = ANSWERS if true.ndim > 1 else ANSWERS[:, 0].astype(int)
        cells.append(f"{result(spec, answers, SIGMOID)} {result(spec, 1 - answers, SIGMOID)}")
    else:
        cells.append("-")
    whole = (pred > np.median(pred)).astype("int32")
    return [*cells, result(spec, true, whole), result(spec, true, whole.astype(bool)), result(spec, true[:0], pred[:0])]


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    print(f"{'':<46}" + "".join(f"{column:>20}" if column == "one output" else f"{column:>12}" for column in COLUMNS))
    for kind in ("loss", "metric"):
        for entry in get_registry().entries(kind):
            if entry.first_party and entry.spec.target.startswith("keras."):
                cells = zip(COLUMNS, row(entry.spec), strict=True)
                text = "".join(f"{cell:>20}" if column == "one output" else f"{cell:>12}" for column, cell in cells)
                print(f"{kind:<7}{entry.name:<39}{text}", flush=True)


if __name__ == "__main__":
    main()
