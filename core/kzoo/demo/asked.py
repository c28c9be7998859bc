"""What a demo is asked for: a trained model, or a pipeline, of which the newest run is meant where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.inference.predicting import find_predicting
from kzoo.plugins.registry import get_registry
from kzoo.runs.folder import DEFAULT_ROOT, list_runs

if TYPE_CHECKING:
    from kzoo.inference.predicting import Predicting

__all__ = ["find_shown"]


def find_shown(text: str, root: Path = DEFAULT_ROOT, engine: str = "") -> tuple[Predicting, str]:
    """Return what ``text`` means, and what is to be said of that where it does not say it itself.

    Args:
        text: A run or the file of a model, or a pipeline by its name: of that its newest run that holds a model, or
            where there is none the pipeline without one.
        root: The folder that runs are in.
        engine: What is to run a model, as for `kzoo.models.saved.find_model`.

    Raises:
        UsageError: There is nothing of that name, or the engine is for another thing.
    """
    if Path(text).exists() or not get_registry().known(text, "pipeline"):
        return find_predicting(text, root, engine), ""
    asked = find_predicting(text, root)
    runs = list_runs(root, asked.pipeline.name)
    with_model = [run for run in runs if run.has_model()]
    if not with_model:
        return find_predicting(text, root, engine), ""
    newest = with_model[-1]
    passed = len(runs) - 1 - runs.index(newest)
    said = f"The newest run of `{asked.pipeline.name}` that holds a model is {newest.name}."
    if passed:
        said = f"{said} {passed} newer {'one holds' if passed == 1 else 'ones hold'} none."
    return find_predicting(str(newest.path), root, engine), said
