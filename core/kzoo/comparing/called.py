"""``kzoo.compare``: a comparison that a program asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.arguments import described, items_of, json_text, path_text, text
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kzoo.comparing.comparison import Comparison
    from kzoo.engine.listener import Listener
    from kzoo.runs.folder import Run
    from kzoo.training.result import RunResult

__all__ = ["compare"]

_RUN = "a run (its folder or its name), what kzoo.run returned, or the folder of a comparison or of runs"
_EXAMPLE = '{"train.batch_size": [64, 128]}'


def compare(
    what: str | Path | Sequence[str | Path | Run | RunResult] | None = None,
    *,
    loss: str | Iterable[str] = (),
    optimizer: str | Iterable[str] = (),
    regularizer: str | Iterable[str] = (),
    vary: Mapping[str, Iterable[Any]] | None = None,
    seeds: int = 5,
    seed: int = 0,
    jobs: int | None = None,
    on: str = "",
    cpus: int | None = None,
    gpus: float | None = None,
    memory: str | int | None = None,
    store: str = "",
    metrics: str | Iterable[str] = (),
    recipe: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    data: str | Path | None = None,
    limit: int | None = None,
    config: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    out: str | Path = "runs",
    verbose: int | str = "auto",
) -> Comparison:
    """Train a pipeline in several ways over the same seeds and judge them, as ``kzoo compare`` does; or judge runs.

    Called again with the same arguments, it goes on where it was stopped: what is done is used, what is not is resumed.

    Args:
        what: The name of a pipeline to train. Or what exists, and is judged as it is: a list of runs (folders, names,
            or what `kzoo.run` returned), the first of which the others are compared with, or the folder of a comparison
            or of runs.
        loss: References of losses to compare, or a single one.
        optimizer: Likewise.
        regularizer: Likewise; ``none`` for none.
        vary: Settings by dotted key, each with the values to compare: ``{"train.batch_size": [64, 128]}``.
        seeds: How many seeds each way is trained with.
        seed: The first of them.
        jobs: How many runs are trained at a time; by default one on this machine, and on a cluster one for each GPU or,
            without any, for each machine.
        on: Where: empty for this machine, ``ray`` or ``ray://HOST`` for a cluster.
        cpus: Processors of each run; by default they are shared out.
        gpus: GPUs of each run on a cluster.
        memory: What each run takes of it: bytes, or a text such as ``4GB``.
        store: With ``on``: the address of a store through which runs come back, where machines share no folder.
        metrics: References of metrics beside the recipe's; a text by itself is one of them.
        recipe: One of the pipeline's recipes.
        epochs: How often to go through the data.
        batch_size: Examples in one step.
        data: ``auto``, ``real``, ``sample``, or the path of your own data.
        limit: At most this many examples of each split.
        config: A settings file, such as the ``config.toml`` of a run.
        options: Further settings by dotted key, the same in all runs.
        out: The folder that runs go to, and the comparison.
        verbose: 0 says nothing, 2 a line for each run; ``auto`` is 2.

    Returns:
        The comparison: ``rows``, ``runs``, ``summary``, ``notes``, ``failures``, ``to_dict()``, and ``report``, its
        page. In a notebook it shows itself as a table with its intervals.

    Raises:
        UsageError: There is nothing to compare, or what was asked for does not exist or fit.
        KzooError: Runs cannot be paired, data cannot be read, or a folder cannot be written.
        KeyboardInterrupt: Ctrl-C or SIGTERM stopped it.
    """
    from kzoo.cluster.places import place_asked
    from kzoo.comparing.comparison import compare_grid
    from kzoo.comparing.grid import Asked, grid_of
    from kzoo.comparing.progress import Progress
    from kzoo.training.listeners import listener_for

    listener = listener_for(verbose)
    root = Path(path_text(out, "out", expected="the path of a folder"))
    several = {key: [json_text(value, key) for value in _several(values, key)] for key, values in _items(vary, "vary")}
    asked = Asked(
        pipeline=what if isinstance(what, str) else None,
        losses=_names(loss, "loss"),
        optimizers=_names(optimizer, "optimizer"),
        regularizers=_names(regularizer, "regularizer"),
        options=[f"{key}={json_text(value, key)}" for key, value in _items(options, "options")],
        varied=several,
        metrics=_names(metrics, "metrics"),
        seeds=seeds,
        first_seed=seed,
        common={
            "recipe": None if recipe is None else text(recipe, "recipe", expected="the name of a recipe"),
            "file": None if config is None else Path(path_text(config, "config")),
            "epochs": epochs,
            "batch_size": batch_size,
            "data": None if data is None else path_text(data, "data"),
            "limit": limit,
        },
    )
    trains = any((asked.losses, asked.optimizers, asked.regularizers, asked.varied, config))
    if not trains:
        return _of_runs(what, root, listener)
    if what is not None and not isinstance(what, str):
        message = f"`what` must be the name of a pipeline where it is to be trained, not {described(what)}."
        raise UsageError(message)
    grid = grid_of(asked)
    place = place_asked(jobs=jobs, on=on, cpus=cpus, gpus=gpus, memory=memory, store=store)
    with Progress(grid, say=listener.say, warn=listener.warn) as progress:
        return compare_grid(grid, root=root, place=place, watcher=progress, listener=listener)


def _of_runs(what: Any, root: Path, listener: Listener) -> Comparison:
    """Judge runs that exist."""
    from kzoo.comparing.comparison import compare_runs, runs_meant
    from kzoo.runs.folder import Run
    from kzoo.training.result import RunResult

    given = [what] if isinstance(what, (str, Path)) else [] if what is None else _several(what, "what")
    if not given:
        message = (
            "Name what to compare: a pipeline with `loss=[...]`, `optimizer`, `regularizer` or `vary`, a list of runs, "
            "or a folder of them."
        )
        raise UsageError(message)
    places = [one.run if isinstance(one, RunResult) else one for one in given]
    names = [path_text(one.path if isinstance(one, Run) else one, "what", expected=_RUN) for one in places]
    runs, folder = runs_meant(names, root)
    return compare_runs(runs, root=root, listener=listener, folder=folder)


def _names(given: Any, what: str) -> list[str]:
    """Return references as a list; one by itself is one of them."""
    return [given] if isinstance(given, str) else _several(given, what)


def _several(given: Any, what: str) -> list[Any]:
    if isinstance(given, (str, dict)) or not hasattr(given, "__iter__"):
        message = f"`{what}` must be a list, not {described(given)}."
        raise UsageError(message)
    return list(given)


def _items(given: Any, what: str) -> list[tuple[str, Any]]:
    return [] if given is None else items_of(given, what, example=_EXAMPLE)
