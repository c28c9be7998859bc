"""A trained model on the disk: the file, its card, its run and its pipeline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.arguments import command_line, path_text
from kzoo.engine import runtime
from kzoo.engine.engines import AUTO, ONNX, engine_named, engine_shown, engines_installed, forward_of_onnx
from kzoo.engine.forward import TENSORFLOW, Forward
from kzoo.errors import KzooError, UsageError
from kzoo.files import sha256_of
from kzoo.hub.address import is_address
from kzoo.models.archive import EXPORTED, opened
from kzoo.models.card import damaged
from kzoo.models.onnx_file import read_onnx
from kzoo.models.saving import load_model, read_card
from kzoo.plugins.called_pipeline import called_pipeline
from kzoo.plugins.registry import get_registry
from kzoo.runs.folder import DEFAULT_ROOT, Run, find_run, list_runs
from kzoo.tasks import task_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.models.card import ModelCard
    from kzoo.pipeline import Pipeline
    from kzoo.plugin import PipelineSpec
    from kzoo.plugins.registry import Entry
    from kzoo.tasks import Task

__all__ = ["SavedModel", "find_model", "find_pipeline", "locate_model", "model_to_start_from"]

_MODEL = (
    "a run (its folder, its name, or `last`), a .keras file that kzoo saved, an .onnx file that it exported or an "
    "address on the hub (hf://NAME/REPO)"
)

_ONNX = ".onnx"

_OF_OTHERS = EXPORTED | {".h5", ".hdf5", ".pkl", ".pickle", ".pb", ".pt", ".pth", ".zip", ".npz"}
"""How the names of models of other programs end, and of older versions of Keras."""


@dataclass(frozen=True)
class SavedModel:
    """A model on the disk and what is known of it.

    Attributes:
        path: The ``.keras`` file, or the ``.onnx`` file that ``kzoo export`` made of one.
        card: What kzoo stored inside it.
        run: The run it belongs to, or None.
        skipped: The names of newer runs that hold no model, where the newest was asked for.
        exported: What was exported from it, which an engine other than TensorFlow runs in its place, or None.
        run_by: What runs that, or an ``.onnx`` file.
        left_out: Why faster engines do not run it, a sentence each, where the fastest was asked for.
    """

    path: Path
    card: ModelCard
    run: Run | None
    skipped: tuple[str, ...] = ()
    exported: Path | None = None
    run_by: str = ONNX
    left_out: tuple[str, ...] = ()

    @property
    def engine(self) -> str:
        """What runs it: `kzoo.engine.forward.TENSORFLOW`, or one of `kzoo.engine.engines` for exported models."""
        return self.run_by if self.exported or self.path.suffix == _ONNX else TENSORFLOW

    def pipeline(self) -> Pipeline:
        """Return the pipeline that reads its inputs.

        Raises:
            KzooError: The file does not say which, or it is not installed, or classes have no names.
        """
        if not self.card.pipeline:
            message = (
                f"{self.path} was not saved by kzoo: it does not say which pipeline its inputs belong to. Load it with "
                f"{'kzoo.load_model in Python' if self.engine == TENSORFLOW else 'ONNX Runtime itself'} instead."
            )
            raise KzooError(message)
        entry = self._entry()
        if self.task().names_classes and not self.card.class_names:
            missing = "`class_names` is missing or empty, so it cannot say which class it finds"
            raise KzooError(damaged(str(self.path), missing))
        return called_pipeline(entry)

    def caution(self) -> str:
        """Return what to know before it is used: that its run did not come to its end; empty where it did."""
        told = self.run.caution() if self.run else ""
        if told and self.run and self.path.name == self.run.best_path.name:
            told = f"{told} This is the model of its best epoch so far, {self.path}."
        if self.skipped and self.run:
            newer = f"{self.skipped[0]} holds" if len(self.skipped) == 1 else f"{len(self.skipped)} newer runs hold"
            told = f"{newer} no model: `last` is {self.run.name}. {told}".rstrip()
        return told

    def origin(self) -> str:
        """Return the address on the hub that always means this file; empty where it did not come from there."""
        from kzoo.hub.record import recorded

        record = recorded(self.path.parent)
        return str(record.address) if record and self.path.name in record.files else ""

    def sample_only(self) -> str:
        """Return that it learned from the embedded sample alone, where it did; else an empty text."""
        trained_on = self.card.trained_on or (self.run.manifest().data.used if self.run else "")
        if trained_on != "sample":
            return ""
        return (
            "This model was trained on the embedded sample alone: what it says of anything else means little. Train "
            f"one on the real data, or on your own: `kzoo run {self.card.pipeline} --data PATH`."
        )

    def forward(self) -> Forward:
        """Return it as a function, without its loss and optimizer; its engine and the file wait until it is called."""
        from kzoo.models.input_ranges import InputRanges, Watch  # with NumPy, which the command line starts without

        def load() -> Any:
            runtime.start()
            return load_model(self.path, compile=False)

        ranges = InputRanges.from_dict(self.card.inputs)
        watch = None if ranges is None else Watch(ranges)
        if self.engine == TENSORFLOW:
            return Forward(load=load, watch=watch)
        return forward_of_onnx(self.exported or self.path, self.engine, watch)

    def task(self) -> Task:
        """Return the task it was trained for; raise `KzooError` where kzoo does not know it."""
        name = self.card.task or self._entry().spec.task
        try:
            return task_named(name)
        except KzooError as error:
            message = f"{self.path} was trained for the task `{name}`. {error}"
            raise KzooError(message) from error

    def changed(self) -> str:
        """Return that the file is not the one that its run saved, as a warning; an empty text where it is, or no run.

        A run that did not end has not recorded its models, and has nothing to say of them.
        """
        recorded = self.run.manifest().models.get(self.path.name) if self.run else None
        if recorded is None or (now := sha256_of(self.path)) == recorded:
            return ""
        return (
            f"{self.path} is not the model that its run saved: its SHA-256 is {now}, and run.json has {recorded}. It "
            "was changed or replaced since, so what the run says of its results is not said of it."
        )

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


def find_model(
    text: str,
    root: Path = DEFAULT_ROOT,
    engine: str = "",
    export: Callable[[SavedModel, str], Path] | None = None,
) -> SavedModel:
    """Return the model that ``text`` means: a ``.keras`` or an ``.onnx`` file, or a run as `find_run` finds it.

    ``last`` is the newest run that holds a model. What an address on the hub means is fetched, checked against its
    hash and kept, see `kzoo.hub.pulling`; from there it is read as any file of a stranger.

    Args:
        text: A file, a run or an address on the hub.
        root: The folder that runs are in.
        engine: What is to run it, one of `kzoo.engine.engines.ENGINES`; by default what its file is for. For the engine
            ``onnx`` of a ``.keras`` file, what ``kzoo export`` made of it beside it is taken, if that is there. With
            ``auto`` it is the fastest that is installed and can run it.
        export: Returns what an engine runs of a ``.keras`` file beside which nothing is.

    Raises:
        UsageError: There is no such model or engine, or none that this engine runs.
        KzooError: The file cannot be read, or what was exported is of another one.
    """
    engine = engine_named(engine)
    path, run = locate_model(text, root)
    skipped = tuple(_newer(run, root)) if run and _is_last(text) else ()
    if path.suffix == _ONNX:
        if engine == TENSORFLOW:
            message = f"{path} is an ONNX file, which TensorFlow does not run. Name the run or .keras file it is of."
            raise UsageError(message)
        if engine == AUTO:
            engine = next(iter(engines_installed()))
        # Where neither is installed, the first call says what is missing.
        return SavedModel(path, read_onnx(path).card, run, run_by=ONNX if engine in ("", TENSORFLOW) else engine)
    saved = SavedModel(path, read_card(path), run, skipped)
    if engine in ("", TENSORFLOW):
        return saved
    if engine != AUTO:
        return _run_by(saved, engine, export)
    left_out = []
    for installed in engines_installed():
        try:
            found = saved if installed == TENSORFLOW else _run_by(saved, installed, export)
        except KzooError as error:
            left_out.append(f"{engine_shown(installed)} does not run it: {error}")
        else:
            return replace(found, left_out=tuple(left_out))
    return saved


def _run_by(saved: SavedModel, engine: str, export: Callable[[SavedModel, str], Path] | None) -> SavedModel:
    """Return a ``.keras`` file as another engine than TensorFlow runs it."""
    path = saved.path
    exported = _exported_beside(path, needed=export is None) if engine == ONNX or export is None else None
    if exported is None:
        assert export is not None, "it was refused where nothing is there"
        exported = export(saved, engine)
    return replace(saved, exported=exported, run_by=engine)


def _exported_beside(path: Path, *, needed: bool) -> Path | None:
    """Return what was exported from a model to the file beside it, which must be of that very model."""
    exported, export = path.with_suffix(_ONNX), command_line("kzoo", "export", str(path))
    if not exported.exists():
        if not needed:
            return None
        message = f"The engine runs what is exported from a model, and there is no {exported}: run `{export}`."
        raise UsageError(message)
    if dict(read_onnx(exported).made).get("source_sha256") != sha256_of(path):
        message = f"{exported} was not exported from {path} as it is now. Run `{export}` again."
        raise KzooError(message)
    return exported


def locate_model(text: str, root: Path = DEFAULT_ROOT) -> tuple[Path, Run | None]:
    """Return the file that ``text`` means, as for `find_model`, and its run; the file is not looked into."""
    if is_address(text):
        from kzoo.hub.pulling import pulled

        found = pulled(text)
        whole = {"run.json", "config.toml"} <= set(found.record.files)
        return found.model, Run(found.folder) if whole else None
    path = Path(path_text(text, "model", expected=_MODEL)).expanduser()
    if path.suffix in (".keras", _ONNX):
        return path, Run(path.parent) if (path.parent / "run.json").exists() else None
    if path.suffix.lower() in _OF_OTHERS and path.exists():
        with opened(path):
            pass  # says what the file is instead
        message = f"{path} is not a .keras model by its name. Give it a name that ends in .keras if it is one."
        raise UsageError(message)
    run = find_run(text, root)
    if _is_last(text):
        run = next((one for one in reversed(list_runs(root)) if one.has_model()), run)
    return run.saved_model(), run


def model_to_start_from(text: str, root: Path = DEFAULT_ROOT) -> str:
    """Return the absolute path of the model that a new run is to begin with; as for `find_model`.

    Raises:
        UsageError: There is none, or it was exported and has no weights to train.
    """
    path, _ = locate_model(text, root)
    if path.suffix == _ONNX:
        message = f"{path} is an ONNX file, from which nothing can be trained. Name the run or .keras file it is of."
        raise UsageError(message)
    if not path.is_file():
        message = f"--from: there is no file {path}."
        raise UsageError(message)
    return str(path.absolute())


def _is_last(text: str) -> bool:
    return text == "last" and not Path(text).exists()


def _newer(run: Run, root: Path) -> list[str]:
    """Return the names of the runs that were made after this one, the newest last."""
    names = [one.name for one in list_runs(root)]
    return names[names.index(run.name) + 1 :]


def find_pipeline(name: str) -> Pipeline:
    """Return a pipeline by its name.

    Raises:
        UsageError: There is none of that name.
        KzooError: It cannot be imported.
    """
    return called_pipeline(get_registry().pipeline(name))
