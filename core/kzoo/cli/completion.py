"""What the shell offers when the user presses Tab: names of components, pipelines, plugins, tasks; settings, flags.

Nothing here raises or writes: a Tab must not put an error into the line being typed.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.cli.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kzoo.cli.begun import Begun
    from kzoo.plugins.registry import Entry, Registry

__all__ = [
    "Answers",
    "answer_bash",
    "begun_names",
    "begun_several",
    "complete_address",
    "complete_available",
    "complete_component",
    "complete_engine",
    "complete_flag",
    "complete_flag_value",
    "complete_kind",
    "complete_loss",
    "complete_metric",
    "complete_model",
    "complete_optimizer",
    "complete_pipeline",
    "complete_plugin",
    "complete_published_kind",
    "complete_recipe",
    "complete_regularizer",
    "complete_run",
    "complete_setting",
    "complete_task",
    "complete_track",
    "quiet",
]

Answers = list[tuple[str, str]]
"""What can stand there, each with the text that shells show beside it."""

_HELP_WIDTH = 60


def complete_loss(incomplete: str) -> Answers:
    """Return the losses whose name starts with what was typed."""
    return begun_names(("loss",), incomplete)


def complete_metric(incomplete: str) -> Answers:
    """Return the metrics whose name starts with what was typed."""
    return begun_names(("metric",), incomplete)


def complete_optimizer(incomplete: str) -> Answers:
    """Return the optimizers whose name starts with what was typed."""
    return begun_names(("optimizer",), incomplete)


def complete_regularizer(incomplete: str) -> Answers:
    """Return the regularizers of weights whose name starts with what was typed; a run takes no others."""
    return begun_names(("regularizer",), incomplete)


def complete_track(incomplete: str) -> Answers:
    """Return the trackers whose name starts with what was typed, after a comma those that may stand behind others."""
    return begun_several("tracker", incomplete)


def complete_pipeline(incomplete: str) -> Answers:
    """Return the pipelines whose name starts with what was typed."""
    return begun_names(("pipeline",), incomplete)


def complete_component(incomplete: str) -> Answers:
    """Return whatever has a name that starts with what was typed, of any kind that ``kzoo info`` shows."""
    from kzoo.plugin import LISTED_KINDS

    return begun_names(LISTED_KINDS, incomplete, arguments=False)


def complete_recipe(ctx: Any, incomplete: str) -> Answers:
    """Return the recipes of the pipeline that stands in the command line already."""
    with quiet():
        registry = _registry()
        pipeline = ctx.params.get("pipeline")
        if registry and pipeline:
            recipes = registry.pipeline(pipeline).spec.recipes
            return [(name, "") for name in recipes if name.startswith(incomplete)]
    return []


def complete_run(ctx: Any, incomplete: str) -> Answers:
    """Return ``last`` and the runs that start with what was typed, the newest first."""
    with quiet():
        from kzoo.runs.folder import DEFAULT_ROOT, list_runs

        runs = list_runs(Path(ctx.params.get("out") or DEFAULT_ROOT))[::-1]
        named = [("last", "the newest"), *((run.name, "") for run in runs)] if runs else []
        found = [(name, text) for name, text in named if name.startswith(incomplete)]
        return [*found, *complete_address(incomplete)]
    return []


def complete_address(incomplete: str) -> Answers:
    """Return the addresses on the hub, by their commits, whose files are on this machine and that fit."""
    with quiet():
        if incomplete.startswith("hf://"):
            from kzoo.hub.pulling import kept

            return [(str(one), "fetched before") for one in kept() if str(one).startswith(incomplete)]
    return []


def complete_model(ctx: Any, incomplete: str) -> Answers:
    """Return the runs and the pipelines that start with what was typed: some of these need no training."""
    return [*complete_run(ctx, incomplete), *complete_pipeline(incomplete)]


def complete_task(incomplete: str) -> Answers:
    """Return the tasks that start with what was typed."""
    from kzoo.plugin import TASKS

    return [(task, "") for task in TASKS if task.startswith(incomplete)]


def complete_engine(incomplete: str) -> Answers:
    """Return the engines that start with what was typed."""
    from kzoo.engine.engines import ENGINES, ONNX

    return [(name, "") for name in ENGINES if name.startswith(incomplete) and name != ONNX]


def complete_kind(incomplete: str) -> Answers:
    """Return the kinds that ``kzoo info`` shows and that start with what was typed."""
    from kzoo.plugin import LISTED_KINDS

    return [(kind, "") for kind in LISTED_KINDS if kind.startswith(incomplete)]


def complete_published_kind(incomplete: str) -> Answers:
    """Return the kinds of all that a plugin can publish that start with what was typed."""
    from kzoo.plugin import KINDS

    return [(kind, "") for kind in KINDS if kind.startswith(incomplete)]


def complete_plugin(incomplete: str) -> Answers:
    """Return the installed third-party plugins; imports none of them."""
    with quiet():
        from kzoo.plugins.discovery import PluginChoice, discover

        found = discover(PluginChoice(none=True)).disabled
        names = {plugin.distribution: f"version {plugin.version}" for plugin in found}
        return [(name, text) for name, text in names.items() if name.startswith(incomplete)]
    return []


def complete_available(incomplete: str) -> Answers:
    """Return the plugins of the directory that start with what was typed."""
    with quiet():
        from kzoo.plugins.directory import directory

        return [
            (one.distribution, _short(one.summary)) for one in directory() if one.distribution.startswith(incomplete)
        ]
    return []


def complete_setting(ctx: Any, incomplete: str) -> Answers:
    """Return the settings of ``-o`` that start with what was typed, or after ``=`` the values that there are.

    Where only one fits, its values or its default stand beside it: after a single answer, shells end the word.
    """
    with quiet():
        settings = ctx.command.offers(ctx.params).settings
        key, equals, begun = incomplete.partition("=")
        if equals:
            one = settings.get(key.replace("-", "_"))
            return [(f"{key}={value}", "") for value in one.values if value.startswith(begun)] if one else []
        dashes = "-" in key
        found = [
            (f"{name.replace('_', '-') if dashes else name}=", one)
            for name, one in settings.items()
            if name.startswith(key.replace("-", "_"))
        ]
        answers = [(name, _short(one.doc)) for name, one in found]
        if len(found) == 1:
            name, one = found[0]
            default = [str(one.default)] if isinstance(one.default, (int, float, str)) and one.default != "" else []
            answers += [(f"{name}{value}", "") for value in one.values or default]
        return answers
    return []


def complete_flag(ctx: Any, incomplete: str) -> Answers:
    """Return the flags that start with what was typed, of the pipeline that stands in the command line already."""
    with quiet():
        if incomplete.startswith("-") and ctx.command.offers:
            offers = ctx.command.offers(ctx.params)
            off = offers.off_switches()
            found = list(offers.flags.items())
            found += [(off[flag], one) for flag, one in found if flag in off]
            return [(flag, _short(one.doc)) for flag, one in found if flag.startswith(incomplete)]
    return []


def complete_flag_value(ctx: Any, incomplete: str) -> Answers:
    """Return the values of the flag that stands before, of a pipeline's, where these are a few words."""
    with quiet():
        words = ctx.params.get("more") or ctx.params.get("source") or ()  # what the command itself does not know
        if words and words[-1].startswith("--"):
            offers = ctx.command.offers(ctx.params)
            one = offers.flags.get(words[-1].replace("_", "-"))
            if one is None or (offers.switches and isinstance(one.default, bool)):
                return []  # the word after a flag that stands alone is not its value
            return [(value, "") for value in one.values if value.startswith(incomplete)]
    return []


def answer_bash(command: Any) -> None:
    """Answer bash's request for completions.

    Bash takes ``:`` and ``=`` as ends of words, so ``kzoo-foo:em`` reaches us in three pieces, and it replaces only
    the last of them. The pieces are put together again here, and the part that bash keeps is cut off the answers.
    """
    words, position = _joined(os.environ.get("COMP_WORDS", ""), int(os.environ.get("COMP_CWORD", "0")))
    incomplete = words[position] if position < len(words) else ""
    os.environ["COMP_WORDS"] = "\n".join(map(shlex.quote, words))
    os.environ["COMP_CWORD"] = str(position)
    answer = io.StringIO()
    with contextlib.redirect_stdout(answer), contextlib.suppress(SystemExit):
        command.main([], prog_name="kzoo")
    kept = max(incomplete.rfind(":"), incomplete.rfind("=")) + 1
    for line in answer.getvalue().splitlines():
        if line:
            print(visible(line[kept:] if line.startswith(incomplete[:kept]) else line))  # noqa: T201 - the answer to the shell


def _joined(text: str, position: int) -> tuple[list[str], int]:
    """Return the words of bash's line with those joined again that it split at ``:`` or ``=``, and the position."""
    pieces = text.split("\n")
    words: list[str] = []
    joins = False
    new_position = 0
    for number, piece in enumerate(pieces):
        separator = piece in {":", "=", "::"}
        if words and (separator or joins) and not (separator and words[-1].startswith("--") and piece == "="):
            words[-1] += piece
            joins = separator
        elif separator and piece == "=":
            joins = False  # `--loss=emd`: the option and its value are two words
            if number != position:
                continue
            words.append("")
        else:
            words.append(piece)
            joins = False
        if number == position:
            new_position = len(words) - 1
    return words, new_position


def begun_names(kinds: Sequence[str], incomplete: str, *, arguments: bool = True, **fields: str) -> Answers:
    """Return the names that start with what was typed, also of a component that is an argument of another one.

    After the name of a component they are those of its arguments, unless no arguments can stand there.
    """
    with quiet():
        registry = _registry()
        if registry is None:
            return []
        if "=" not in incomplete:
            entries = [entry for kind in kinds for entry in registry.entries(kind)]
            entries = [e for e in entries if all(getattr(e.spec, name) == value for name, value in fields.items())]
            found = dict(_offers(registry, entries, incomplete))
            if found or not re.search("[:(]", incomplete):
                return [*found.items()]
        from kzoo.cli.begun import begun_argument, begun_inside

        begun = begun_inside(registry, kinds, incomplete)
        if begun is not None:
            inner = _offers(registry, registry.entries(begun.kind), begun.word)
            return [(begun.before + name, text) for name, text in inner]
        begun = begun_argument(registry, kinds, incomplete)
        offered = _arguments(registry, begun) if begun is not None and arguments else []
        known = "=" in incomplete or _known(registry, kinds, re.split("[:(]$", incomplete)[0])
        return offered or ([(incomplete, "")] if known else [])
    return []


def begun_several(kind: str, incomplete: str) -> Answers:
    """Return the components whose name starts with what was typed, after a comma those that may stand behind others."""
    from kzoo.plugins.several import begun_references

    ways = begun_references(incomplete)
    found = {before + name: text for before, begun in ways for name, text in begun_names((kind,), begun)}
    # What was typed stands for itself only where nothing else can.
    return [(name, text) for name, text in found.items() if text or name != incomplete or len(found) == 1]


def _arguments(registry: Registry, begun: Begun) -> Answers:
    """Return the arguments of a component that start with what was typed; it is not imported for that.

    Where only one fits, its default stands beside it: after a single answer, shells end the word.
    """
    from kzoo.plugins.signatures import arguments_of

    target = registry.component(begun.kind, begun.name).spec.target
    found = [one for one in arguments_of(target) if one.name.startswith(begun.word) and one.name not in begun.given]
    empty = ("", "''")
    answers = [
        (f"{begun.before}{one.name}=", "" if one.default in empty else f"{one.default} by default") for one in found
    ]
    if len(found) == 1 and found[0].default not in (*empty, "None"):
        answers.append((f"{answers[0][0]}{found[0].default}", ""))
    return answers


def _offers(registry: Registry, entries: Iterable[Entry], incomplete: str) -> Iterable[tuple[str, str]]:
    """Yield names in the spelling in which the user has begun: ``cats-vs`` is answered by ``cats-vs-dogs``."""
    for entry in entries:
        shown = registry.shown_name(entry)
        names = [entry.qualified] if ":" in incomplete else [shown]
        if incomplete and not any(name.startswith(incomplete.replace("-", "_")) for name in names):
            names += entry.spec.aliases
        for name in names:
            for spelling in (name, name.replace("_", "-")):
                if spelling.startswith(incomplete):
                    yield spelling, _short(entry.spec.summary)
                    break


def _short(text: str) -> str:
    """Return what fits beside a name on one line, safe from typer, which takes ``[this]`` for markup and wraps."""
    cut = text if len(text) <= _HELP_WIDTH else f"{text[:_HELP_WIDTH].rpartition(' ')[0]} ..."
    return re.sub(r"\[(?=[a-z#/@])", r"\\[", cut)


def _known(registry: Registry, kinds: Sequence[str], name: str) -> bool:
    for kind in kinds:
        with contextlib.suppress(Exception):
            return bool(registry.get(kind, name))
    return False


def _registry() -> Registry | None:
    from kzoo.plugins.registry import get_registry

    return get_registry()


@contextlib.contextmanager
def quiet() -> Any:
    """Let nothing out: neither an exception nor what a plugin writes."""
    with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
        yield
