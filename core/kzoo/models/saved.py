"""A trained model on the disk: the file, its card, its run and its pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.arguments import path_text
from kzoo.errors import KzooError
from kzoo.models.saving import read_card
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target
from kzoo.runs.folder import DEFAULT_ROOT, Run, find_run
from kzoo.tasks import task_named

if TYPE_CHECKING:
    from kzoo.models.card import ModelCard
    from kzoo.pipeline import Pipeline
    from kzoo.tasks import Task

__all__ = ["SavedModel", "find_model", "find_pipeline"]

_MODEL = "a run (its folder, its name, or `last`) or a .keras file that kzoo saved"


@dataclass(frozen=True)
class SavedModel:
    """A model on the disk and what is known of it.

    Attributes:
        path: The ``.keras`` file.
        card: What kzoo stored inside it.
        run: The run it belongs to, or None.
    """

    path: Path
    card: ModelCard
    run: Run | None

    def pipeline(self) -> Pipeline:
        """Return the pipeline that reads its inputs; raise `KzooError` where the file does not say which."""
        if not self.card.pipeline:
            message = (
                f"{self.path} was not saved by kzoo: it does not say which pipeline its inputs belong to. Load it with "
                "kzoo.load_model in Python instead."
            )
            raise KzooError(message)
        return find_pipeline(self.card.pipeline)

    def task(self) -> Task:
        """Return the task it was trained for."""
        return task_named(self.card.task or get_registry().pipeline(self.card.pipeline).spec.task)


def find_model(text: str, root: Path = DEFAULT_ROOT) -> SavedModel:
    """Return the model that ``text`` means: a ``.keras`` file, or a run as `kzoo.runs.folder.find_run` finds it."""
    path = Path(path_text(text, "model", expected=_MODEL)).expanduser()
    if path.suffix == ".keras":
        run = Run(path.parent) if (path.parent / "run.json").exists() else None
    else:
        run = find_run(text, root)
        path = run.saved_model()
    return SavedModel(path, read_card(path), run)


def find_pipeline(name: str) -> Pipeline:
    """Return a pipeline by its name.

    Raises:
        UsageError: There is none of that name.
        KzooError: It cannot be imported.
    """
    pipeline: Pipeline = load_target(get_registry().pipeline(name))()
    return pipeline
