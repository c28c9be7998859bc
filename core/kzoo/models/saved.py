"""A trained model on the disk: the file, its card, its run and its pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.arguments import path_text
from kzoo.engine import runtime
from kzoo.engine.forward import Forward
from kzoo.errors import KzooError, UsageError
from kzoo.models.card import damaged
from kzoo.models.saving import load_model, read_card
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target
from kzoo.runs.folder import DEFAULT_ROOT, Run, find_run
from kzoo.tasks import task_named

if TYPE_CHECKING:
    from kzoo.models.card import ModelCard
    from kzoo.pipeline import Pipeline
    from kzoo.plugin import PipelineSpec
    from kzoo.plugins.registry import Entry
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
        """Return the pipeline that reads its inputs.

        Raises:
            KzooError: The file does not say which, or it is not installed, or classes have no names.
        """
        if not self.card.pipeline:
            message = (
                f"{self.path} was not saved by kzoo: it does not say which pipeline its inputs belong to. Load it with "
                "kzoo.load_model in Python instead."
            )
            raise KzooError(message)
        entry = self._entry()
        if self.task().names_classes and not self.card.class_names:
            missing = "`class_names` is missing or empty, so it cannot say which class it finds"
            raise KzooError(damaged(str(self.path), missing))
        return _pipeline_of(entry)

    def forward(self) -> Forward:
        """Return it as a function, without its loss and optimizer; TensorFlow and the file wait until it is called."""

        def load() -> Any:
            runtime.start()
            return load_model(self.path, compile=False)

        return Forward(load=load)

    def task(self) -> Task:
        """Return the task it was trained for; raise `KzooError` where kzoo does not know it."""
        name = self.card.task or self._entry().spec.task
        try:
            return task_named(name)
        except KzooError as error:
            message = f"{self.path} was trained for the task `{name}`. {error}"
            raise KzooError(message) from error

    def _entry(self) -> Entry[PipelineSpec]:
        """Return the entry of its pipeline."""
        name = self.card.pipeline
        try:
            return get_registry().pipeline(name)
        except UsageError as error:
            made = f"{self.path} was made by the pipeline `{name}`, which reads its inputs and cannot be used here."
            distribution, _, version = self.card.plugin.partition("==")
            if not distribution:
                distribution = name.rpartition(":")[0]
            if not distribution:
                how = "The file does not say which plugin has it; install the one it was made with."
            else:
                from_where = f"{distribution} {version}".strip()
                how = f"It came from {from_where}: install that with `pip install {self.card.plugin or distribution}`."
            message = f"{made} {how} {error}"
            raise KzooError(message) from error


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
    return _pipeline_of(get_registry().pipeline(name))


def _pipeline_of(entry: Entry[PipelineSpec]) -> Pipeline:
    pipeline: Pipeline = load_target(entry)()
    return pipeline
