"""The settings of a run from what was asked: recipe, file, options."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from kzoo.arguments import described
from kzoo.errors import KzooError, UsageError
from kzoo.plugins.called_pipeline import called_pipeline
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry
from kzoo.plugins.several import references_in
from kzoo.runs.config import DEFAULTS, RunConfig, layer_from_options, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["configure"]

_FLAGS = {
    "epochs": ("train", "epochs"),
    "batch_size": ("train", "batch_size"),
    "data": ("data", "source"),
    "limit": ("data", "limit"),
    "seed": ("seed",),
    "start_from": ("train", "start_from"),
}
_SPELT = {"start_from": "from"}


def configure(
    pipeline: str | None = None,
    *,
    recipe: str | None = None,
    file: Path | None = None,
    loss: str | None = None,
    metrics: Iterable[str] = (),
    optimizer: str | None = None,
    regularizer: str | None = None,
    track: Iterable[str] | None = None,
    options: Iterable[str] = (),
    own_flags: Iterable[tuple[str, str]] = (),
    **flags: Any,
) -> RunConfig:
    """Return the settings of a run: defaults, then the recipe, then the file, then what was asked for by name.

    Args:
        pipeline: The pipeline's name; may come from the file instead.
        recipe: One of the pipeline's recipes; ``default`` if neither this nor the file names one.
        file: A TOML file in the form of a run's ``config.toml``.
        loss: A component reference, in place of the recipe's.
        optimizer: Likewise.
        regularizer: Likewise; ``none`` for none.
        metrics: References of metrics beside the recipe's.
        track: Trackers in place of those of recipe and file, each text one, or several with commas; ``none`` for none.
        options: ``KEY=VALUE`` texts, on top of everything.
        own_flags: Flags that the pipeline adds, each with the ``KEY=VALUE`` that it means.
        **flags: ``epochs``, ``batch_size``, ``seed``, ``data``, ``limit``, ``start_from``; None where not given.

    Raises:
        UsageError: A name or value that does not exist or fit.
        KzooError: A file that cannot be read.
    """
    from_file = read_toml(file) if file else {}
    for key in ("pipeline", "recipe"):
        if not isinstance(from_file.get(key, ""), str):
            message = f"`{key}` must be text, not {described(from_file[key])} (from {file})."
            raise UsageError(message)
    name = _pipeline_name(pipeline, from_file, file)
    stated = from_file.get("complete", False)
    if not isinstance(stated, bool):
        message = f"`complete` must be true or false, not {stated!r} (from {file})."
        raise UsageError(message)
    complete = stated and recipe is None
    layers: list[tuple[str, Mapping[str, Any]]] = [("default", DEFAULTS)]
    if not complete:
        recipe = recipe or from_file.get("recipe") or "default"
        layers.append((f"recipe {recipe}", _recipe(name, recipe)))
    layers.append((f"file {file}", {k: v for k, v in from_file.items() if k not in ("pipeline", "recipe", "complete")}))
    layers.append(("command line", {"pipeline": name, "recipe": recipe or from_file.get("recipe", "")}))
    for key, value in (("loss", loss), ("optimizer", optimizer), ("regularizer", regularizer)):
        if value is not None:
            table = None if key == "regularizer" and value == "none" else Reference.parse(value).to_mapping()
            layers.append((f"--{key}", {key: table}))
    if track is not None:
        layers.append(("--track", {"track": _trackers(track)}))
    layers += [
        (f"--{_SPELT.get(flag, flag).replace('_', '-')}", _nested(_FLAGS[flag], v))
        for flag, v in flags.items()
        if v is not None
    ]
    layers.append(("-o", _settings(layer_from_options(options))))
    layers += [(flag, layer_from_options([option])) for flag, option in own_flags]
    config = RunConfig.merge(layers)
    added = [str(Reference.parse(metric)) for metric in metrics]
    if added:
        have = [str(metric) for metric in config.metrics]
        merged = list(dict.fromkeys([*have, *added]))
        config = RunConfig({**config.values, "metrics": merged}, {**config.origins, "metrics": "--metric"})
        config.check()
    return config


def _trackers(texts: Iterable[str]) -> list[str]:
    """Return the references of trackers that texts name; no other may stand beside ``none``."""
    found = [str(reference) for text in texts for reference in references_in(text)]
    if "none" in found and len(found) > 1:
        message = f"--track none goes with no other tracker, and there are {', '.join(found)}."
        raise UsageError(message)
    return [] if found == ["none"] else found


def _settings(layer: dict[str, Any]) -> dict[str, Any]:
    """Return what ``-o`` gave; what is no setting, but decides which settings there are, is refused."""
    for name, instead in (("pipeline", "Name it first"), ("recipe", "Use --recipe"), ("complete", "Use -c FILE")):
        if name in layer:
            message = f"`{name}` cannot be set with -o: it says which settings are read. {instead}."
            raise UsageError(message)
    return layer


def _pipeline_name(pipeline: str | None, from_file: Mapping[str, Any], file: Path | None) -> str:
    asked = Reference.parse(pipeline).name if pipeline else None
    stored = from_file.get("pipeline")
    if asked is None and stored is None:
        known = ", ".join(get_registry().names("pipeline"))
        message = f"Name a pipeline ({known}), or a settings file that names one with -c FILE."
        raise UsageError(message)
    if asked and stored and get_registry().pipeline(asked) != get_registry().pipeline(stored):
        message = f"The pipeline is `{asked}`, but {file} is for `{stored}`."
        raise UsageError(message)
    return get_registry().shown_name(get_registry().pipeline(asked or str(stored)))


def _recipe(pipeline: str, recipe: str) -> dict[str, Any]:
    entry = get_registry().pipeline(pipeline)
    recipes = called_pipeline(entry).recipes()
    name = recipe.replace("-", "_")
    if name not in recipes:
        near = difflib.get_close_matches(name, recipes, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        message = f"The pipeline `{pipeline}` has no recipe `{recipe}`.{hint} It has: {', '.join(recipes) or 'none'}."
        raise UsageError(message)
    try:
        return read_toml(recipes[name])
    except KzooError as error:
        message = f"The recipe `{recipe}` of `{pipeline}` (from {entry.origin}) is broken: {error}"
        raise KzooError(message) from error


def _nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return dict(value)
