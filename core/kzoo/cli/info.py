"""``kzoo info``: all that is known of one component or pipeline, its parameters read from the class itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.arguments import json_text
from kzoo.cli import completion, output
from kzoo.cli.options import JsonOption, debugging
from kzoo.errors import KzooError, UsageError
from kzoo.plugins.listed import describe
from kzoo.plugins.nested import all_specs
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kzoo.pipeline import Pipeline
    from kzoo.plugin import ComponentSpec
    from kzoo.plugins.registry import Entry, Former, Registry

__all__ = ["info", "read_target"]

_FLAGS = {
    "loss": "--loss",
    "metric": "--metric",
    "optimizer": "--optimizer",
    "regularizer": "--regularizer",
    "tracker": "--track",
}

_SHELL = frozenset(' "[]{}*?$&|;<>()')


def info(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A component or pipeline, as the lists show it; its class, keras.losses.Huber; or the name it had in "
            "another library.",
            autocompletion=completion.complete_component,
        ),
    ],
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            "-k",
            metavar="KIND",
            help="Which one, where a name is of several kinds, as emd is.",
            autocompletion=completion.complete_kind,
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Show all that is known of a component or pipeline."""
    registry = get_registry()
    name = name.partition("(")[0]  # arguments say nothing here
    former = [] if kind else _asked_former(registry, name)
    if former and not registry.known(name):
        _show_former(former, registry, as_json=as_json)
        return
    entries = _entries(registry, Reference.parse(name).name, kind)
    failures: list[KzooError] = []
    described = []
    for entry in entries:
        known = describe(entry, registry)
        if former:
            known["former"] = [answer for answer in _answers(former, registry) if entry.name in answer["is_now"]]
        try:
            known |= read_target(entry, registry)
        except KzooError as error:  # what the spec says is still worth showing
            known["error"] = str(error)
            failures.append(error)
        described.append(known)
    if as_json:
        output.emit_json(described if len(described) > 1 else described[0])
    else:
        from kzoo.cli.pages import lines

        for line in lines(described):
            output.show_painted(line)
    if failures:
        raise failures[0]


def _asked_former(registry: Registry, name: str) -> list[Former]:
    """Return the names of another library that are meant, unless ``name`` is how a component here is written.

    ``CohenKappa`` is the old name and ``cohen_kappa`` the component, though either finds it.

    Raises:
        UsageError: A dotted name that no library has.
    """
    former = registry.former(name)
    if not former and "." in name and ":" not in name and not registry.known(name):
        message = f"No library whose names kzoo knows has `{name}`."
        short = name.rpartition(".")[2]
        if registry.former(short) or registry.known(short):
            message += f" `kzoo info {short}` has something of that name."
        raise UsageError(message)
    exact = any(name == old.short for old in former) and not name.islower()
    return former if exact or not registry.known(name) else []


def _answers(former: Iterable[Former], registry: Registry) -> list[dict[str, Any]]:
    """Return what is known of old names, as the JSON output has it."""
    return [
        {
            "former_name": old.name,
            "is_now": [registry.shown_name(entry) for entry in old.successors],
            "succession": registry.succession(old),
            "answer": old.answer,
        }
        for old in former
    ]


def _show_former(former: Sequence[Former], registry: Registry, *, as_json: bool) -> None:
    """Show what replaces an old name. It imports nothing heavy: the successor's own page has its parameters."""
    entries = {(entry.kind, entry.qualified): entry for old in former for entry in old.successors}
    successors = [
        describe(entry, registry) | _usage(registry.component(*which), registry) for which, entry in entries.items()
    ]
    answers = _answers(former, registry)
    if as_json:
        output.emit_json({"former": answers, "successors": successors})
        return
    from kzoo.cli.pages import former_lines, lines

    for line in former_lines(answers):
        output.show(line)
    for known in successors:
        output.show("")
        for line in lines([known]):
            output.show_painted(line)
        output.show(f"  kzoo info {known['shown']}  (its parameters)")


def _entries(registry: Registry, name: str, kind: str) -> list[Entry]:
    from kzoo.plugin import LISTED_KINDS

    if not kind:
        return registry.find(name)
    if kind not in LISTED_KINDS:
        message = f"There is no kind `{kind}`. The kinds are {', '.join(LISTED_KINDS)}."
        raise UsageError(message)
    return [registry.get(kind, name)]


def read_target(entry: Entry, registry: Registry) -> dict[str, Any]:
    """Return what only the class itself can tell, as the JSON output has it; a component's module imports TensorFlow.

    Raises:
        KzooError: It cannot be imported, or a pipeline's recipes or settings cannot be read.
    """
    from kzoo.plugins.targets import load_target

    if entry.kind == "pipeline":
        return _of_pipeline(entry, load_target(entry), registry)
    from kzoo.cli import docstrings
    from kzoo.engine import runtime
    from kzoo.plugins.build import parameters_of

    if entry.kind != "tracker":  # which imports what it needs when it is used
        runtime.start(debug=debugging())
    target = load_target(entry)
    sections = docstrings.sections(target.__doc__ or "")
    parameters = parameters_of(target)
    help_of = docstrings.arguments_of(target)
    found: dict[str, Any] = {
        "parameters": [
            {
                "name": name,
                "required": parameter.default is parameter.empty,
                "default": None if parameter.default is parameter.empty else _plain(parameter.default),
                "help": help_of.get(name, ""),
            }
            for name, parameter in parameters.items()
        ],
        "description": sections.get("", ""),
        "formula": sections.get("Formula", ""),
        "example_code": sections.get("Example", ""),
        "references": sections.get("References", ""),
    }
    return found | _usage(registry.component(entry.kind, entry.qualified), registry)


def _usage(entry: Entry[ComponentSpec], registry: Registry) -> dict[str, Any]:
    """Return how the component is written on the command line and in Python."""
    example = Reference(registry.shown_name(entry), dict(entry.spec.example))
    reference, specs = str(example), all_specs(entry.kind, example, registry)
    pipelines = registry.pipelines()
    fitting = [pipeline for pipeline in pipelines if all(spec.fits(pipeline.spec.task) for spec in specs)]
    # The order is kept: those without a caution first.
    fitting.sort(key=lambda pipeline: any(pipeline.spec.task in spec.cautions for spec in specs))
    within = getattr(entry.spec, "within", {})
    # What compares boxes and is a part of no loss that a pipeline takes has none.
    alone = bool(within) or getattr(entry.spec, "inputs", "") not in ("boxes", "bins")
    run = f"kzoo run {registry.shown_name(fitting[0])}" if fitting and alone else ""
    named = next((str(Reference(outer, {argument: entry.name})) for outer, argument in within.items()), reference)
    text = f"'{named}'" if set(named) & _SHELL else named
    if entry.kind == "schedule":
        arguments = dict(entry.spec.example)
        arguments.pop(getattr(entry.spec, "steps_argument", ""), None)  # kzoo fills it in
        settings = {"name": registry.shown_name(entry), **arguments}
        written = " ".join(_option(f"optimizer.learning_rate.{key}", value) for key, value in settings.items())
        return {"command": run and f"{run} {written}", "python": ""}
    python = f'kzoo.{entry.kind}("{reference}")' if '"' not in reference else f"kzoo.{entry.kind}('{reference}')"
    if entry.kind == "tracker":
        python = (
            f'kzoo.run("{registry.shown_name(fitting[0])}", track=[{json_text(reference, "track")}])' if run else ""
        )
    if getattr(entry.spec, "applies_to", "weights") == "activity":
        run = run if getattr(entry.spec, "layer", "") else ""
        command = run and f"{run} {_FLAGS[entry.kind]} {text}"
        return {"command": command, "python": f"keras.layers.Dense(64, activity_regularizer={python})"}
    if run and entry.kind == "metric" and getattr(entry.spec, "inputs", "") == "gaussians":
        # A mean and a variance are there to be measured where a loss trains a network that predicts both.
        both = [loss for loss in registry.entries("loss") if getattr(loss.spec, "inputs", "") == "gaussians"]
        run = f"{run} --loss {registry.shown_name(both[0])}" if both else ""
    options = "".join(f" {_option(key, value)}" for key, value in getattr(entry.spec, "settings", {}).items())
    return {"command": run and f"{run} {_FLAGS[entry.kind]} {text}{options}", "python": python}


def _option(key: str, value: Any) -> str:
    """Return a setting as the command line takes it; in quotes where a shell would read something into it."""
    import json

    text = f"{key}={value if isinstance(value, str) else json.dumps(value)}"
    return f"-o '{text}'" if set(text) & _SHELL else f"-o {text}"


def _of_pipeline(entry: Entry, target: Any, registry: Registry) -> dict[str, Any]:
    """Return a pipeline's recipes and the settings that its reader, its network and its augmentation take."""
    from kzoo.cli.offers import each_once, tables_of

    try:
        pipeline: Pipeline = target()
        recipes = {name: _read(Path(file)) for name, file in pipeline.recipes().items()}
        tables = {table: each_once(several) for table, several in tables_of(pipeline).items()}
    except KzooError:
        raise
    except Exception as error:
        message = f"The pipeline `{entry.name}` of {entry.origin} could not be read: {type(error).__name__}: {error}."
        raise KzooError(message) from error
    name = registry.shown_name(entry).replace("_", "-")
    return {
        "settings": {table: {one.name: _plain(one.default) for one in several} for table, several in tables.items()},
        "settings_help": {
            table: [
                {"name": one.name, "allowed": one.allowed, "default": _plain(one.default), "help": one.doc}
                for one in several
            ]
            for table, several in tables.items()
        },
        "flags": dict(registry.pipeline(entry.qualified).spec.flags),
        "recipe_settings": recipes,
        "command": f"kzoo run {name}",
        "python": f'kzoo.run("{registry.shown_name(entry)}")',
    }


def _read(file: Path) -> Mapping[str, Any]:
    import tomllib

    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        message = f"The recipe {file} cannot be read: {error}."
        raise KzooError(message) from error


def _plain(value: Any) -> Any:
    """Return a default as JSON can hold it: numbers, texts and lists as they are, anything else as Python shows it."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return getattr(value, "__name__", None) or repr(value)
