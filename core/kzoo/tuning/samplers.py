"""Optuna's samplers and pruners by name, with their arguments as of any component: ``tpe:n_startup_trials=5``."""

from __future__ import annotations

import importlib.util
import inspect
import warnings
import zlib
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError, UsageError
from kzoo.plugins.reference import Reference
from kzoo.settings.reading import unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.tuning.space import Axis

__all__ = ["PRUNERS", "SAMPLERS", "grid_of_axes", "load_optuna", "pruner_of", "sampler_of"]

SAMPLERS = {
    "tpe": "TPESampler",
    "random": "RandomSampler",
    "gp": "GPSampler",
    "cmaes": "CmaEsSampler",
    "qmc": "QMCSampler",
    "grid": "GridSampler",
}
"""What proposes settings, by its name here, and in Optuna."""

PRUNERS = {
    "median": "MedianPruner",
    "percentile": "PercentilePruner",
    "hyperband": "HyperbandPruner",
    "successive_halving": "SuccessiveHalvingPruner",
    "patient": "PatientPruner",
    "threshold": "ThresholdPruner",
    "none": "NopPruner",
}
"""What ends trials before their last epoch, likewise."""

_NEEDS = {"gp": "torch", "cmaes": "cmaes"}
_NOT_TEXT = {"seed", "search_space", "gamma", "weights", "constraints_func", "independent_sampler", "source_trials"}
"""Arguments that kzoo gives, or that nobody can write on a command line."""

_SEED_STAYS = ("qmc", "grid")
"""Samplers that count through a sequence: another seed would be another sequence."""


def load_optuna() -> Any:
    """Return Optuna, which says nothing but warnings; raise `KzooError` where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        message = (
            f"kzoo tune searches with Optuna, which cannot be imported: {error}. Install it with "
            "`pip install 'kzoo[tune]'`."
        )
        raise KzooError(message) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def sampler_of(text: str, axes: Sequence[Axis], *, seed: int, number: int) -> Any:
    """Return a sampler for one trial.

    It is made anew for each, seeded by the study and the trial: one that is made after a kill, or in another process,
    does not begin its random numbers from the start and propose the same settings again.

    Args:
        text: Its reference.
        axes: What is searched.
        seed: The seed of the study.
        number: The number of the trial.

    Raises:
        UsageError: There is none of this name, or it does not take its arguments or what is searched.
        KzooError: It needs a package that is not installed.
    """
    reference, cls = _found(text, SAMPLERS, load_optuna().samplers, "sampler")
    name = reference.name
    arguments = dict(reference.kwargs)
    if name == "grid":
        arguments["search_space"] = grid_of_axes(axes)
        cls = _grid_sampler(cls)
    elif name == "cmaes" and all(axis.choices for axis in axes):
        message = "The sampler `cmaes` searches ranges, and only lists of values are given. Take `tpe` or `grid`."
        raise UsageError(message)
    package = _NEEDS.get(name)
    if package and importlib.util.find_spec(package) is None:  # which Optuna would only say when it proposes something
        message = f"The sampler `{reference}` needs `{package}`: `pip install {package}`, or take `tpe`."
        raise KzooError(message)
    drawn = seed if name in _SEED_STAYS else zlib.crc32(f"{seed}/{number}".encode())
    if name == "qmc":
        arguments.setdefault("scramble", True)
        arguments.setdefault("warn_asynchronous_seeding", False)
    if name in ("gp", "cmaes", "qmc"):
        arguments.setdefault("warn_independent_sampling", False)
    return _made(cls, {**arguments, "seed": drawn}, reference, "sampler")


def pruner_of(text: str, *, epochs: int) -> Any:
    """Return a pruner.

    Args:
        text: Its reference; ``patient`` waits with the median rule, or with what its argument ``of`` names.
        epochs: The epochs of a trial.

    Raises:
        UsageError: There is none of this name, or it does not take its arguments.
    """
    reference, cls = _found(text, PRUNERS, load_optuna().pruners, "pruner")
    arguments = dict(reference.kwargs)
    if reference.name == "patient":
        inner = arguments.pop("of", "median")
        arguments["wrapped_pruner"] = pruner_of(str(Reference.read(inner)), epochs=epochs)
    elif reference.name == "hyperband":
        arguments.setdefault("max_resource", max(epochs, 1))
    elif reference.name == "percentile":
        arguments.setdefault("percentile", 25.0)
    return _made(cls, arguments, reference, "pruner")


def grid_of_axes(axes: Sequence[Axis]) -> dict[str, list[Any]]:
    """Return all values of what is searched; raise `UsageError` where a range has any number of them."""
    for axis in axes:
        if axis.values() is None:
            message = (
                f"The sampler `grid` takes every combination, and `{axis}` has no end of values. List them, "
                f"{axis.key}=A,B,C, or give the range a step: {axis.key}=LOW..HIGH:step=NUMBER."
            )
            raise UsageError(message)
    return {axis.key: axis.values() or [] for axis in axes}


def _found(text: str, known: Mapping[str, str], room: Any, what: str) -> tuple[Reference, Any]:
    """Return a reference and the class that it means, its arguments' names checked."""
    reference = Reference.parse(text)
    if reference.name not in known:
        message = f"There is no {what} `{reference.name}`. There are: {', '.join(known)}."
        raise UsageError(message)
    cls = getattr(room, known[reference.name])
    takes = [name for name in inspect.signature(cls).parameters if name not in _NOT_TEXT]
    if reference.name == "patient":
        takes = ["of", *(name for name in takes if name != "wrapped_pruner")]
    for name in reference.kwargs:
        if name not in takes:
            raise UsageError(unknown_name(name, takes, whose=f"The {what} `{reference.name}`"))
    return reference, cls


def _made(cls: Any, arguments: Mapping[str, Any], reference: Reference, what: str) -> Any:
    try:
        with warnings.catch_warnings():  # that a sampler is experimental is Optuna's matter
            warnings.simplefilter("ignore")
            return cls(**arguments)
    except (TypeError, ValueError) as error:
        message = f"The {what} `{reference}` is refused by Optuna: {str(error).rstrip('.')}."
        raise UsageError(message) from error


def _grid_sampler(cls: Any) -> Any:
    """Return the class of a grid that does not end the study: that is ended by who counts its trials."""

    class Grid(cls):  # type: ignore[misc]
        """Optuna's grid, for trials that are asked for one by one."""

        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            """Do nothing; Optuna's own would stop `Study.optimize`, in which nobody is."""

    return Grid
