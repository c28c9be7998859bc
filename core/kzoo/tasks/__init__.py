"""Tasks: what labels and outputs are, what is measured of them, and how predictions are written."""

from kzoo.tasks.predictions import ClassPrediction, LabelsPrediction, Prediction, SharesPrediction, ValuePrediction
from kzoo.tasks.task import Confusion, Measured, Outcome, Task, task_named

__all__ = [
    "ClassPrediction",
    "Confusion",
    "LabelsPrediction",
    "Measured",
    "Outcome",
    "Prediction",
    "SharesPrediction",
    "Task",
    "ValuePrediction",
    "task_named",
]
