"""What the package offers to Python: components by name, runs, and trained models."""

from __future__ import annotations

import contextlib
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.arguments import described, items_of, json_text, path_text, text
from kzoo.errors import UsageError
from kzoo.plugins.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kzoo.data.frames import Item
    from kzoo.inference.evaluation import Evaluation
    from kzoo.inference.opened import OpenedModel
    from kzoo.models.saved import SavedModel
    from kzoo.pipeline import Prediction
    from kzoo.plugins.listed import Listing
    from kzoo.runs.folder import Run
    from kzoo.training.run import RunResult

__all__ = [
    "evaluate",
    "list_losses",
    "list_metrics",
    "list_optimizers",
    "list_pipelines",
    "list_plugins",
    "list_regularizers",
    "list_trackers",
    "loss",
    "metric",
    "open",
    "optimizer",
    "predict",
    "regularizer",
    "run",
    "schedule",
]

_DATA = "`real`, `sample`, `auto` or the path of a file or folder"
_NO_ARRAYS = "Arrays are saved as a file that the pipeline reads."
_RUN = "a run that was stopped or killed: its folder, its name, `last`, or what kzoo.run returned"
_MODEL = "a run (its folder, its name, or `last`), what kzoo.run returned, or a .keras file"
_SOURCE = "a file, a folder, a pattern, the number of a camera or a URL"
_OPENED = "Arrays, PIL images, rows and lists are for kzoo.open(...).predict."


def loss(name: str, /, **kwargs: Any) -> Any:
    """Return a Keras loss by name.

    Args:
        name: A component reference: ``emd``, ``focal:gamma=2``, ``kzoo-example-loss:example``.
        **kwargs: Arguments of its constructor.

    Raises:
        UsageError: An unknown name or argument, or a name that is no text.

    Example:
        >>> import kzoo
        >>> kzoo.loss("emd", p=1).get_config()["p"]
        1
    """
    return _component("loss", name, kwargs)


def metric(name: str, /, **kwargs: Any) -> Any:
    """Return a Keras metric by name; see `loss`."""
    return _component("metric", name, kwargs)


def optimizer(name: str, /, **kwargs: Any) -> Any:
    """Return a Keras optimizer by name; see `loss`."""
    return _component("optimizer", name, kwargs)


def regularizer(name: str, /, **kwargs: Any) -> Any:
    """Return a Keras regularizer by name; see `loss`."""
    return _component("regularizer", name, kwargs)


def schedule(name: str, /, **kwargs: Any) -> Any:
    """Return a Keras learning-rate schedule by name; see `loss`.

    Example:
        >>> import kzoo
        >>> rate = kzoo.schedule("warmup_cosine", max_learning_rate=0.1, warmup_steps=10, total_steps=100)
        >>> optimizer = kzoo.optimizer("adam", learning_rate=rate)
    """
    return _component("schedule", name, kwargs)


def list_losses(*, task: str | None = None, search: str | None = None) -> Listing:
    """Return the losses that are installed, as ``kzoo list-losses`` shows them; none of them is imported.

    It shows itself as a list of names and sentences. Each row has what ``--json`` has as attributes: ``name``,
    ``shown`` (the shortest name that finds it), ``summary``, ``tasks``, ``aliases``, ``distribution``, ``version``.

    Args:
        task: Only what is for this task, such as ``classification``.
        search: Only what has these words in its name or its summary.

    Raises:
        UsageError: There is no such task.

    Example:
        >>> import kzoo
        >>> kzoo.list_losses(search="earth mover").names
        ['emd']
    """
    return _listing(("loss",), task, search)


def list_metrics(*, task: str | None = None, search: str | None = None) -> Listing:
    """Return the metrics that are installed; see `list_losses`."""
    return _listing(("metric",), task, search)


def list_optimizers(*, task: str | None = None, search: str | None = None) -> Listing:
    """Return the optimizers and learning-rate schedules, told apart by their ``kind``; see `list_losses`."""
    return _listing(("optimizer", "schedule"), task, search)


def list_regularizers(*, task: str | None = None, search: str | None = None) -> Listing:
    """Return the regularizers that are installed; see `list_losses`."""
    return _listing(("regularizer",), task, search)


def list_trackers(*, task: str | None = None, search: str | None = None) -> Listing:
    """Return the trackers of runs that are installed; see `list_losses`."""
    return _listing(("tracker",), task, search)


def list_pipelines(*, task: str | None = None, search: str | None = None) -> Listing:
    """Return the pipelines of the zoo, with their ``task`` and ``recipes``; see `list_losses`."""
    return _listing(("pipeline",), task, search)


def list_plugins(*, search: str | None = None) -> Listing:
    """Return the installed plugins: ``distribution``, ``version``, ``entry_point``, ``publishes`` and ``status``."""
    from kzoo.plugins.listed import plugin_listing

    return plugin_listing(_words(search, "search", "the words to look for"))


def run(
    pipeline: str | None = None,
    *,
    loss: str | None = None,
    metrics: str | Iterable[str] = (),
    optimizer: str | None = None,
    regularizer: str | None = None,
    track: str | Iterable[str] | None = None,
    recipe: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    seed: int | None = None,
    data: str | Path | None = None,
    limit: int | None = None,
    start_from: str | Path | Run | RunResult | None = None,
    config: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    out: str | Path = "runs",
    strategy: Any = None,
    resume: str | Path | Run | RunResult | None = None,
    force: bool = False,
    verbose: int | str = "auto",
    callbacks: Iterable[Any] | None = None,
    profile: bool = False,
    **flags: Any,
) -> RunResult:
    """Train and test a pipeline, as ``kzoo run`` does, and return what came of it.

    Args:
        pipeline: The pipeline's name.
        loss: A component reference, in place of the recipe's.
        metrics: References of metrics beside the recipe's; a text by itself is one of them.
        optimizer: A component reference, in place of the recipe's.
        regularizer: Likewise; ``none`` for none.
        track: Trackers that are told what is logged: ``["tensorboard", "mlflow:uri=sqlite:///mine.db"]``, or a text
            with commas between them; ``none`` for none. By default those of the settings.
        recipe: One of the pipeline's recipes.
        epochs: How often to go through the data.
        batch_size: Examples in one step.
        seed: The seed of everything random.
        data: ``auto``, ``real``, ``sample``, or the path of your own data.
        limit: At most this many examples of each split.
        start_from: A trained model, as for `open`, whose weights to begin with as far as its layers fit. Its classes
            may be others.
        config: A settings file, such as the ``config.toml`` of a run.
        options: Further settings by dotted key: ``{"train.steps_per_execution": 8}``.
        out: The folder that runs go to.
        strategy: A `tf.distribute.Strategy` to train under.
        resume: A run that was stopped or killed, to go on with in place of a new one: its folder, its name under
            ``out``, ``last``, or a `Run` or `RunResult`. Its settings hold; ``epochs`` may be more.
        force: With ``resume``: go on also where data, versions or settings differ from those that it began with.
        verbose: As in Keras's ``fit``: 0 shows nothing, 1 a bar, 2 a line an epoch; ``auto`` is 1 in a terminal or a
            notebook, and 2 elsewhere. It goes to stderr, in a notebook to the output of the cell.
        callbacks: Keras callbacks, called where ``fit`` calls them. One that has ``state()`` and ``restore(state)``
            goes on where it was in a run that is resumed.
        profile: Whether to look where the time goes: a table and a trace, in the folder ``profile`` of the run.
        **flags: Those that the pipeline adds to ``kzoo run``, such as ``target`` of ``regression``.

    Raises:
        KzooError: What was asked for does not exist, does not fit or cannot be read; `UsageError` among them, also for
            an argument of a wrong type.
        KeyboardInterrupt: Ctrl-C or SIGTERM stopped it; the model so far is saved, and ``resume`` goes on with it.
    """
    from kzoo.engine.cluster import VARIABLE, cluster_of
    from kzoo.engine.runtime import unannounced
    from kzoo.runs.configure import configure
    from kzoo.training.listeners import listener_for
    from kzoo.training.run import train

    listener = listener_for(verbose)
    if (cluster := cluster_of()) is not None:
        message = (
            f"{VARIABLE} names {cluster.count} workers that train together, and `kzoo.run` trains with this process "
            f"alone. `kzoo run` takes part in such a training; unset {VARIABLE} for one of its own."
        )
        raise UsageError(message)
    if pipeline is not None:
        text(pipeline, "pipeline", expected="the name of a pipeline")
    if strategy is not None and not hasattr(strategy, "scope"):
        message = f"`strategy` must be a tf.distribute.Strategy, not {described(strategy)}."
        raise UsageError(message)
    example = '{"train.steps_per_execution": 8}'
    root = Path(path_text(out, "out", expected="the path of a folder"))
    asked: dict[str, Any] = {
        "recipe": None if recipe is None else text(recipe, "recipe", expected="the name of a recipe"),
        "file": None if config is None else Path(path_text(config, "config", expected="the path of a settings file")),
        "loss": loss,
        "metrics": _references(metrics, "metrics", "mcc"),
        "track": None if track is None else _references(track, "track", "tensorboard"),
        "optimizer": optimizer,
        "regularizer": regularizer,
        "options": [] if options is None else _texts(items_of(options, "options", example=example)),
        "epochs": _plain(epochs, "epochs"),
        "batch_size": _plain(batch_size, "batch_size"),
        "seed": _plain(seed, "seed"),
        "data": None if data is None else path_text(data, "data", expected=_DATA, instead=_NO_ARRAYS),
        "limit": _plain(limit, "limit"),
        "start_from": None if start_from is None else _model_file(start_from, root),
    }
    going_on = None
    if resume is not None:
        from kzoo.training.resuming import Resume, run_to_resume

        going_on = Resume(
            run_to_resume(_place_of(resume, "resume", _RUN), root, asked["file"], asked["recipe"]), force=bool(force)
        )
        asked["file"] = going_on.run.config_path
    elif force:
        message = "`force` goes with `resume`: a new run overwrites nothing."
        raise UsageError(message)
    settings = configure(pipeline, **asked)
    if flags:
        settings = configure(pipeline, own_flags=_own_flags(settings.pipeline, flags), **asked)
    called = _callbacks(callbacks)
    with contextlib.nullcontext() if verbose else unannounced():
        result = train(
            settings,
            root=root,
            strategy=strategy,
            resume=going_on,
            listener=listener,
            callbacks=called,
            profile=bool(profile),
        )
    assert result is not None  # only a dry run has no result
    if result.status == "interrupted":  # a program that trains one model after the other is to end, too
        again = f"kzoo.run(resume={str(result.run.path)!r})"
        message = f"The training was stopped; the model so far is {result.run.model_path}, and {again} goes on with it."
        raise KeyboardInterrupt(message)
    return result


def open(model: str | Path | Run | RunResult, *, engine: str = "") -> OpenedModel:  # noqa: A001 - as PIL.Image.open
    """Return a trained model that stays loaded: predict pictures, arrays and rows with it, measure it on data.

    Args:
        model: A run (its folder, its name, or ``last``), what `run` returned, a ``.keras`` file that kzoo saved, or an
            address on the hub, ``hf://NAME/REPO``.
        engine: What is to run it: ``tensorflow``, ``onnxruntime``, ``openvino``, or ``auto`` for the fastest that is
            installed and can; by default what its file is for. For another one it is exported first, once.

    Raises:
        KzooError: There is no such model, or it does not say which pipeline reads its inputs.
    """
    from kzoo.inference.opened import open_model

    return open_model(_place_of(model), engine, _exported)


def evaluate(
    model: str | Path | Run | RunResult,
    data: str | Path | None = None,
    *,
    batch_size: int | None = None,
    engine: str = "",
    **settings: Any,
) -> Evaluation:
    """Measure a trained model, as ``kzoo evaluate`` does: on its own data's test split, or on other data as a whole.

    Args:
        model: As for `open`.
        data: ``real``, ``sample``, ``auto`` or a path; None for the data that its run used.
        batch_size: Examples in one step; by default that of the run.
        engine: As for `open`; another one than TensorFlow tells no loss.
        **settings: Of the pipeline's reader, where the task is measured by what that says, as that of boxes is.

    Raises:
        KzooError: The model does not exist, a component's distribution is missing, or the data cannot be used;
            `UsageError` for an argument of a wrong type, such as an array.
    """
    return open(model, engine=engine).evaluate(data, batch_size=batch_size, **settings)


def predict(
    model: str | Path | Run | RunResult,
    source: str | Path | int,
    *,
    every: int = 1,
    start: float = 0.0,
    end: float | None = None,
    max_frames: int | None = None,
    engine: str = "",
    **settings: Any,
) -> Iterator[tuple[Item, Prediction | None]]:
    """Predict images, a video, what a camera sees or the rows of a table, one after the other.

    Args:
        model: As for `open`, or the name of a pipeline that needs no training.
        source: What `kzoo.data.frames.open_sources` takes: a file, folder, pattern, camera number or URL. Arrays and
            PIL images are for what `open` returns.
        every: Take one frame of this many.
        start: Seconds to leave out.
        end: Seconds at which to stop.
        max_frames: Stop after this many inputs.
        engine: As for `open`.
        **settings: Of the pipeline's reader.

    Yields:
        Each input (``.pixels``, ``.index``, ``.time``, ``.path``) and its prediction; for one that cannot be read a
        `kzoo.data.frames.Failure` and None.

    Raises:
        KzooError: The model or the source does not exist, or a setting is unknown; `UsageError` for an argument of a
            wrong type.
    """
    from kzoo.data.frames import Part
    from kzoo.inference.predicting import find_predicting, predict_source

    part = Part(every=every, start=start, end=end, max_frames=max_frames)
    if isinstance(source, int) and not isinstance(source, bool) and source >= 0:
        named = str(source)  # a camera
    else:
        named = path_text(source, "source", expected=_SOURCE, instead=_OPENED)
    reader = find_predicting(_place_of(model), engine=engine, export=_exported).reader(settings)
    sources = reader.open(named, part)
    reader.load()

    def results() -> Iterator[tuple[Item, Prediction | None]]:
        with contextlib.closing(reader):
            for each in sources:
                yield from ((found.item, found.prediction) for found in predict_source(reader, each))

    return results()


def _place_of(model: str | Path | Run | RunResult, what: str = "model", expected: str = _MODEL) -> str:
    """Return the text that a model, or another argument that means a run, is found by."""
    if not isinstance(model, (str, Path)):
        from kzoo.runs.folder import Run
        from kzoo.training.run import RunResult

        model = model.run if isinstance(model, RunResult) else model
        model = model.path if isinstance(model, Run) else model
    return path_text(model, what, expected=expected)


def _exported(saved: SavedModel, engine: str) -> Path:
    """Return what an engine runs of a model."""
    from kzoo.engine.listener import Silent
    from kzoo.export.kept import kept_export

    return kept_export(saved, engine, Silent())


def _model_file(model: str | Path | Run | RunResult, root: Path) -> str:
    """Return the path of the file that a model is in."""
    from kzoo.models.saved import model_to_start_from

    return model_to_start_from(_place_of(model), root)


def _references(given: str | Iterable[str], what: str, example: str) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    if not hasattr(given, "__iter__"):
        message = f"`{what}` must be a list of names such as ['{example}'], or one name, not {described(given)}."
        raise UsageError(message)
    return tuple(given)


def _callbacks(callbacks: Any) -> list[Any]:
    """Return callbacks as a list; one by itself, and Keras's own list of them, are taken as well."""
    found = () if callbacks is None else getattr(callbacks, "callbacks", callbacks)
    if isinstance(found, str) or (not hasattr(found, "__iter__") and not hasattr(found, "set_model")):
        message = f"`callbacks` must be a list of Keras callbacks, not {described(callbacks)}."
        raise UsageError(message)
    return list(found) if hasattr(found, "__iter__") else [found]


def _plain(number: Any, what: str) -> Any:
    """Return a number as Python has it, also where it is one of NumPy's; its range is for the settings to check."""
    if isinstance(number, Integral) and not isinstance(number, bool):
        return int(number)
    json_text(number, what)
    return number


def _texts(options: Iterable[tuple[str, Any]]) -> list[str]:
    return [f"{key}={json_text(value, key)}" for key, value in options]


def _own_flags(pipeline: str, given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the flags that a pipeline adds, each with the setting that it gives."""
    from kzoo.plugins.registry import get_registry

    known = get_registry().pipeline(pipeline).spec.flags
    found = []
    for name, value in given.items():
        flag = name.replace("_", "-")
        if flag not in known:
            listed = ", ".join(sorted(known)) or "none"
            message = f"kzoo.run has no argument `{name}`. Those that the pipeline `{pipeline}` adds: {listed}."
            raise UsageError(message)
        found.append((f"{name}=", f"{known[flag]}={json_text(value, name)}"))
    return found


def _listing(kinds: tuple[str, ...], task: str | None, search: str | None) -> Listing:
    from kzoo.plugins.listed import listing

    return listing(kinds, _words(task, "task", "the name of a task"), _words(search, "search", "the words to look for"))


def _words(value: Any, what: str, expected: str) -> str:
    return "" if value is None else text(value, what, expected=expected)


def _component(kind: str, name: str, kwargs: Mapping[str, Any]) -> Any:
    from kzoo.engine import runtime
    from kzoo.plugins.build import build

    runtime.start()
    reference = Reference.parse(name)
    return build(kind, Reference(reference.name, {**reference.kwargs, **kwargs}))
