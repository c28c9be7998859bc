"""Numbers: predicted beside true ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kzoo.tasks.task import Measured, Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

__all__ = ["Regression", "ValueOutcome", "predicted_values"]


@dataclass(frozen=True)
class ValueOutcome:
    """Numbers on a test split.

    Attributes:
        true: Shape (N, D).
        predicted: Shape (N, D).
        names: The D names.
        inputs: Shape (N,) where there is a single input to draw the outputs over, else None.
        input_name: Its name.
    """

    true: np.ndarray
    predicted: np.ndarray
    names: Sequence[str]
    inputs: np.ndarray | None = None
    input_name: str = ""

    def metrics(self) -> dict[str, float]:
        """Return nothing: the metrics of numbers are those that the model was compiled with."""
        return {}

    def measures(self) -> dict[str, float]:
        """Return root mean squared error, mean absolute error, and R², the mean of those of several outputs."""
        wrong = np.asarray(self.predicted, np.float64) - self.true
        spread = np.square(self.true - self.true.mean(axis=0)).sum(axis=0)
        r2 = 1 - np.square(wrong).sum(axis=0) / np.where(spread > 0, spread, np.nan)
        return {
            "rmse": float(np.sqrt(np.square(wrong).mean())),
            "mae": float(np.abs(wrong).mean()),
            "r2_score": float(r2.mean()),
        }

    def per_class(self) -> dict[str, dict[str, Any]]:
        """Return nothing: there are no classes."""
        return {}

    def confusion(self) -> None:
        """Return None: there are no classes."""
        return

    def figures(self) -> dict[str, Figure]:
        """Return predicted against true values."""
        from kzoo.tasks.value_figures import values

        return {"values": values(self)}

    def files(self) -> dict[str, str]:
        """Return nothing."""
        return {}


class Regression(Task):
    """Numbers; networks give one for each output, or a mean and a variance."""

    name: ClassVar[str] = "regression"
    predicts: ClassVar[str] = "values"
    quality: ClassVar[str] = "r2_score"
    compared: ClassVar[Mapping[str, str]] = {"rmse": "lower", "mae": "lower", "r2_score": "higher"}
    pictures: ClassVar[Mapping[str, str]] = {"values": "Predicted and true values of the test split"}

    def measure(self, measured: Measured) -> ValueOutcome | None:
        """Return the numbers predicted of every example, beside the true ones; None where they have no names."""
        from kzoo.engine.outputs import outputs_of

        split, names = measured.test, measured.output_names
        if not names:
            return None
        predicted = predicted_values(outputs_of(measured.forward, split, measured.batch_size), len(names))
        true = np.asarray(split.labels).reshape(len(split), len(names))
        if len(measured.input_names) != 1:
            return ValueOutcome(true, predicted, names)
        inputs, _ = split.examples(np.arange(len(split)))
        return ValueOutcome(true, predicted, names, np.asarray(inputs).reshape(-1), measured.input_names[0])


def predicted_values(outputs: Any, num_values: int) -> np.ndarray:
    """Return the predicted numbers, shape (N, D), from a model's outputs: of means and variances, the means."""
    return np.asarray(outputs)[:, :num_values]
