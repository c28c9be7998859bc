"""``kzoo.tune``: a study that a program asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.arguments import described, items_of, json_text, path_text, text
from kzoo.errors import UsageError
from kzoo.tuning.space import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kzoo.tuning.result import Tuned

__all__ = ["tune"]

_EXAMPLE = '{"optimizer.learning_rate": "1e-4..1e-1:log", "loss": ["emd", "focal:gamma=2"]}'


def tune(
    pipeline: str | None = None,
    *,
    search: Mapping[str, str | Iterable[Any]],
    trials: int | None = None,
    budget: str | float | None = None,
    metric: str | None = None,
    sampler: str = "tpe",
    pruner: str = "median",
    database: str | None = None,
    study: str | None = None,
    seeds: int = 5,
    seed: int = 0,
    jobs: int | None = None,
    on: str = "",
    cpus: int | None = None,
    gpus: float | None = None,
    memory: str | int | None = None,
    store: str = "",
    loss: str | None = None,
    optimizer: str | None = None,
    regularizer: str | None = None,
    recipe: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    data: str | Path | None = None,
    limit: int | None = None,
    config: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    out: str | Path = "runs",
    verbose: int | str = "auto",
) -> Tuned:
    """Search for better settings of a pipeline, and train the winner beside the default, as ``kzoo tune`` does.

    Called again with the same arguments, it goes on where it was stopped: a trial that was not finished is resumed.

    Args:
        pipeline: The pipeline's name; may come from ``config`` instead.
        search: Settings by dotted key, each with a range, ``"1e-4..1e-1:log"``, or a list of values; a text with commas
            is a list, too.
        trials: How many trials the study is to have in all; 20 by default, any number with a ``budget``.
        budget: The time after which no new trial begins: ``"30m"``, or a number of seconds.
        metric: What of each epoch is made better, such as ``val_accuracy``; by default what says most of a model.
        sampler: Optuna's sampler: ``tpe``, ``random``, ``gp``, ``cmaes``, ``qmc`` or ``grid``, with arguments.
        pruner: Optuna's pruner: ``median``, ``percentile``, ``hyperband``, ``successive_halving``, ``patient``,
            ``threshold`` or ``none``, with arguments.
        database: The address of Optuna's storage; by default a file in the study's folder.
        study: The name of the study; by default one that follows from pipeline, settings and what is searched.
        seeds: With how many new seeds the winner and the default are trained at the end; 0 for none.
        seed: The seed of all trials.
        jobs: How many runs are trained at a time; by default one on this machine, and on a cluster one for each GPU or,
            without any, for each machine.
        on: Where: empty for this machine, ``ray`` or ``ray://HOST`` for a cluster.
        cpus: Processors of each run; by default they are shared out.
        gpus: GPUs of each run on a cluster.
        memory: What each run takes of it: bytes, or a text such as ``4GB``.
        store: With ``on``: the address of a store through which runs come back, where machines share no folder.
        loss: A component reference, in place of the recipe's.
        optimizer: Likewise.
        regularizer: Likewise; ``none`` for none.
        recipe: One of the pipeline's recipes.
        epochs: How often to go through the data.
        batch_size: Examples in one step.
        data: ``auto``, ``real``, ``sample``, or the path of your own data.
        limit: At most this many examples of each split.
        config: A settings file, such as the ``config.toml`` of a run.
        options: Further settings by dotted key, the same in all trials and in the default.
        out: The folder that runs go to, and the study.
        verbose: 0 says nothing, 2 a line for each trial; ``auto`` is 2.

    Returns:
        What came of it: ``params``, ``value``, ``trials``, ``comparison``, ``summary``, ``notes``, ``to_dict()``, and
        ``folder.best_path``, the settings of the winner. In a notebook it shows itself as a table.

    Raises:
        UsageError: What was asked for does not exist or fit, or there is another study of this name.
        KzooError: No trial came to its end, or data, storage or a folder cannot be used.
        KeyboardInterrupt: Ctrl-C or SIGTERM stopped it.
    """
    from kzoo.cluster.places import place_asked
    from kzoo.comparing.progress import Progress as Comparing
    from kzoo.training.listeners import listener_for
    from kzoo.tuning.plan import Asked, plan_of
    from kzoo.tuning.progress import Progress
    from kzoo.tuning.tuning import tune_plan

    listener = listener_for(verbose)
    root = Path(path_text(out, "out", expected="the path of a folder"))
    asked = Asked(
        pipeline=None if pipeline is None else text(pipeline, "pipeline", expected="the name of a pipeline"),
        search=[f"{key}={_values(values, key)}" for key, values in items_of(search, "search", example=_EXAMPLE)],
        trials=trials,
        budget=None if budget is None else str(budget),
        metric=None if metric is None else text(metric, "metric", expected="what a run logs"),
        sampler=text(sampler, "sampler", expected="the name of a sampler"),
        pruner=text(pruner, "pruner", expected="the name of a pruner"),
        database=None if database is None else text(database, "database", expected="an address"),
        study=None if study is None else text(study, "study", expected="a name"),
        seeds=seeds,
        seed=seed,
        options=[f"{key}={json_text(value, key)}" for key, value in _items(options)],
        common={
            "recipe": None if recipe is None else text(recipe, "recipe", expected="the name of a recipe"),
            "file": None if config is None else Path(path_text(config, "config")),
            "loss": loss,
            "optimizer": optimizer,
            "regularizer": regularizer,
            "epochs": epochs,
            "batch_size": batch_size,
            "data": None if data is None else path_text(data, "data"),
            "limit": limit,
        },
    )
    place = place_asked(jobs=jobs, on=on, cpus=cpus, gpus=gpus, memory=memory, store=store)
    return tune_plan(
        plan_of(asked),
        root=root,
        place=place,
        watching=lambda one: Progress(one, say=listener.say, warn=listener.warn),
        comparing=lambda grid: Comparing(grid, say=listener.say, warn=listener.warn),
        listener=listener,
    )


def _items(options: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    return [] if options is None else items_of(options, "options", example='{"train.steps_per_execution": 8}')


def _values(given: Any, key: str) -> str:
    """Return what is searched of a setting as the command line has it."""
    if isinstance(given, str):
        return given
    if isinstance(given, dict) or not hasattr(given, "__iter__"):
        message = f"`search` must give `{key}` a range as text, or a list of values, not {described(given)}."
        raise UsageError(message)
    return ",".join(_written(value, key) for value in given)


def _written(value: Any, key: str) -> str:
    """Return one value; a text with signs that mean something in a list stands in quotes, unless it is a component."""
    if isinstance(value, str) and (key in COMPONENTS or not set(value) & set("\"'()[]{},")):
        return value
    return json_text(value, key)
