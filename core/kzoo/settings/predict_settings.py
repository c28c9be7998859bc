"""The settings of a pipeline's predictor: the keyword-only arguments of its method `predictor`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kzoo.pipeline import Pipeline

__all__ = ["check_settings", "predict_settings"]


def predict_settings(pipeline: Pipeline) -> dict[str, Any]:
    """Return the settings of the pipeline's predictor by name, with their defaults."""
    parameters = inspect.signature(pipeline.predictor).parameters.values()
    return {p.name: None if p.default is p.empty else p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def check_settings(pipeline: Pipeline, settings: Iterable[str]) -> None:
    """Raise `UsageError` for a setting that the pipeline's predictor does not have."""
    known = predict_settings(pipeline)
    for name in settings:
        if name not in known:
            listed = f"It has: {', '.join(known)}." if known else "It has none."
            message = f"Predicting with the pipeline `{pipeline.name}` has no setting `{name}`. {listed}"
            raise UsageError(message)
