"""What a command line may set beside the command's own options: settings, and the flags that a pipeline adds.

Help pages and shell completion have them from the tables that the values are read into. A command says what it has with
its attribute ``offers``, a function of its arguments by name, such as those below.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.cli.flags import off_switch, parted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kzoo.pipeline import Pipeline
    from kzoo.settings import Described

__all__ = ["Offers", "each_once", "of_capture", "of_demo", "of_predict", "of_run", "tables_of", "write"]

_SHOWN = ("", "data", "train")

_RECIPES = "A recipe has values of its own in place of these."


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What may be set.

    Attributes:
        pipeline: The name of the pipeline; empty where the line names none.
        settings: What ``-o`` takes, by full name: ``train.epochs``.
        flags: What may stand on the line as ``--flag VALUE``, and the setting that each gives.
        switches: Whether the flag of a setting that is true or false may stand without a value.
        shown: The settings that the help page shows; the others are left to ``kzoo info``.
        more: What the help page says at the end.
    """

    pipeline: str = ""
    settings: Mapping[str, Described] = field(default_factory=dict)
    flags: Mapping[str, Described] = field(default_factory=dict)
    switches: bool = False
    shown: frozenset[str] = frozenset()
    more: str = ""

    def off_switches(self) -> dict[str, str]:
        """Return the flags of settings that are true or false, each with the one that turns it off, ``--no-flag``."""
        if not self.switches:
            return {}
        known = {one.name: one.default for one in self.flags.values()}
        return {flag: off for flag, one in self.flags.items() if (off := off_switch(one.name, known))}


def of_run(arguments: Mapping[str, Any]) -> Offers:
    """Return what ``kzoo run`` offers: the settings of every run, and of the pipeline that its arguments name.

    Raises:
        UsageError: There is no such pipeline.
        KzooError: It cannot be imported.
    """
    from kzoo.models.saved import find_pipeline
    from kzoo.plugins.registry import get_registry
    from kzoo.runs.config import DataSettings, RunSettings, TrainSettings

    first = arguments.get("pipeline")
    words, _ = parted([*([first] if first else []), *(arguments.get("more") or ())])
    tables: dict[str, list[type]] = {"": [RunSettings], "data": [DataSettings], "train": [TrainSettings]}
    own = tables_of(find_pipeline(words[0])) if words else {}
    tables["data"] += own.get("data", [])
    tables |= {name: own[name] for name in ("model", "augment") if name in own}
    described = {table: each_once(several) for table, several in tables.items()}
    settings = {f"{t}.{one.name}" if t else one.name: one for t, several in described.items() for one in several}
    shown = frozenset(name for name in settings if name.rpartition(".")[0] in _SHOWN)
    if not words:
        return Offers(
            settings=settings, shown=shown, more=f"{_RECIPES} `kzoo run PIPELINE --help` adds what the pipeline has."
        )
    entry = get_registry().pipeline(words[0])
    flags = {f"--{flag}": settings[name] for flag, name in entry.spec.flags.items() if name in settings}
    more = f"{_RECIPES} `kzoo info {entry.name}` has them, and the settings of the network and its changes at random."
    return Offers(pipeline=entry.name, settings=settings, flags=flags, shown=shown, more=more)


def of_predict(arguments: Mapping[str, Any]) -> Offers:
    """Return what ``kzoo predict`` offers: the settings of the reader; no model is loaded or fetched for it.

    Raises:
        UsageError: What is named is neither a pipeline nor a run nor a model.
        KzooError: Its pipeline cannot be imported.
    """
    from kzoo.hub.address import is_address
    from kzoo.hub.pulling import kept
    from kzoo.inference.predicting import find_predicting
    from kzoo.runs.folder import DEFAULT_ROOT

    named = arguments.get("model")
    if not named or named.startswith("-") or (is_address(named) and named not in map(str, kept())):
        return Offers(more="`kzoo predict PIPELINE --help` shows the settings of a pipeline's reader.")
    pipeline = find_predicting(named, Path(arguments.get("out") or DEFAULT_ROOT)).pipeline
    return _of_table(pipeline, pipeline.reader_settings)


def of_demo(arguments: Mapping[str, Any]) -> Offers:
    """Return what ``kzoo demo`` offers: what `of_predict` does."""
    named = arguments.get("model")
    if not named or named.startswith("-"):
        return Offers(more="`kzoo demo PIPELINE --help` shows the settings of a pipeline's reader.")
    return of_predict(arguments)


def of_capture(arguments: Mapping[str, Any]) -> Offers:
    """Return what ``kzoo capture`` offers: what the pipeline keeps of a frame.

    Raises:
        UsageError: There is no such pipeline.
        KzooError: It cannot be imported.
    """
    from kzoo.models.saved import find_pipeline
    from kzoo.pipeline import Recordable

    named = arguments.get("pipeline")
    if not named or named.startswith("-"):
        return Offers(more="`kzoo capture PIPELINE --help` shows the settings of what a pipeline keeps.")
    pipeline = find_pipeline(named)
    return _of_table(pipeline, pipeline.record_settings) if isinstance(pipeline, Recordable) else Offers()


def tables_of(pipeline: Pipeline) -> dict[str, list[type]]:
    """Return the tables of settings that a pipeline has: those of a recipe, of `kzoo predict` and of `kzoo capture`."""
    from kzoo.pipeline import Recordable
    from kzoo.runs.config import AugmentSettings

    source = pipeline.source()
    found: dict[str, list[type]] = {
        "data": [source.path.settings, source.sample.settings],
        "model": [pipeline.model_settings],
        "augment": [AugmentSettings, pipeline.augment_settings] if pipeline.augment_settings else [],
        "predict": [pipeline.reader_settings],
    }
    return {**found, "capture": [pipeline.record_settings]} if isinstance(pipeline, Recordable) else found


def each_once(tables: Iterable[type]) -> list[Described]:
    """Return the settings of several tables in words; one that is in two of them once."""
    from kzoo.settings import described

    return list({one.name: one for table in tables for one in described(table)}.values())


def write(offers: Offers, formatter: Any) -> None:
    """Write the sections of a help page, with the formatter of the command line library."""
    settings = [(name, one) for name, one in offers.settings.items() if name in offers.shown]
    off = offers.off_switches()
    flags = []
    for flag, one in offers.flags.items():
        alone = f"{flag} / {off[flag]}" if flag in off else flag
        flags.append((alone if offers.switches and isinstance(one.default, bool) else f"{flag} VALUE", one))
    for heading, rows in (("Settings", settings), (f"Flags of {offers.pipeline}", flags)):
        if rows:
            with formatter.section(heading):
                formatter.write_dl([(name, _in_words(one)) for name, one in rows])
    if offers.more:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(offers.more)


def _of_table(pipeline: Pipeline, table: type) -> Offers:
    """Return what a command offers whose ``-o KEY=VALUE`` and ``--KEY VALUE`` give the settings of one table."""
    settings = {one.name: one for one in each_once([table])}
    flags = {f"--{name.replace('_', '-')}": one for name, one in settings.items()}
    return Offers(pipeline=pipeline.name, settings=settings, flags=flags, switches=True)


def _in_words(one: Described) -> str:
    """Return what a help page says of a setting, with the facts in brackets that the sentence and each other leave."""
    facts = []
    if one.default not in (None, ""):
        default = one.default if isinstance(one.default, str) else json.dumps(one.default, default=str)
        facts.append(f"default: {default}")
    if one.allowed != "text" and not isinstance(one.default, bool):
        facts.append(one.allowed)
    return f"{one.doc}  [{'; '.join(facts)}]".strip() if facts else one.doc
