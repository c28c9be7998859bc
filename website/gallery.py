"""The gallery of pipelines, from the runs that `website/record.py` recorded, and a page for each pipeline."""

from __future__ import annotations

import functools
import json
import shutil
from typing import TYPE_CHECKING, Any

from kzoo.cli.info import read_target
from kzoo.plugins.registry import get_registry
from website.places import DATA, FILES, SOURCE, cell, prose, shell, stacked, write

if TYPE_CHECKING:
    from kzoo.plugins.registry import Entry

_GUIDES = {
    "cats_vs_dogs": "your-own-images.md",
    "regression": "regression.md",
    "fingers": "counting-fingers.md",
    "segmentation": "segmentation.md",
    "restoration": "restoration.md",
    "transcription": "transcription.md",
    "yolov3": "training-a-detector.md",
}
_TABLES = {
    "data": "Settings of the data",
    "model": "Settings of the network",
    "augment": "Settings of the changes at random",
    "predict": "Settings of `kzoo predict`",
    "capture": "Settings of `kzoo capture`",
}


def write_pages() -> int:
    """Write the gallery and the page of each pipeline; return how many there are of these."""
    entries = [entry for entry in get_registry().pipelines() if entry.first_party]
    parts = ["# Pipelines", _lead(), *(part for entry in entries for part in _section(entry))]
    write("pipelines/index.md", "\n\n".join(parts))
    for entry in entries:
        write(f"pipelines/{entry.name}.md", _page(entry))
    listed = "\n".join(f"* [{entry.name}]({entry.name}.md)" for entry in entries)
    write("pipelines/SUMMARY.md", f"* [All pipelines](index.md)\n{listed}")
    shutil.copytree(DATA / "gallery", SOURCE / "pipelines" / "gallery", dirs_exist_ok=True)
    return len(entries)


@functools.cache
def recorded() -> list[dict[str, Any]]:
    """Return the recorded runs."""
    return json.loads((DATA / "gallery.json").read_text("utf-8"))


def _lead() -> str:
    return (
        "Each one runs with the command above its results. The figures and pictures are of runs that "
        f"[`python -m website.record`]({FILES}website/record.py) made. The time is that of all cores together for the "
        "whole command, the start of TensorFlow among it. What the recipes reach with more patience is in the [table "
        "of the first page](../index.md#pipelines-and-recipes)."
    )


def _section(entry: Entry) -> list[str]:
    parts = [f"## [{entry.name}]({entry.name}.md)", entry.spec.summary]
    for run in recorded():
        if run["pipeline"] == entry.name:
            parts += [shell(run["command"]), _figures(run), _pictures(run)]
    return parts


def _figures(run: dict[str, Any]) -> str:
    numbers = {name: value for name, value in run["results"].items() if isinstance(value, (int, float))}
    results = ", ".join(f"{name} **{_number(value)}**" for name, value in numbers.items())
    sizes = ", ".join(f"{size:,} {split}" for split, size in run["sizes"].items())
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    epochs = "1 epoch" if run["epochs"] == 1 else f"{run['epochs']} epochs"
    return (
        f"{results}\n\n"
        f"{run['processor_seconds']:,.0f} s of processor time for {epochs} of {run['data'].rstrip('.')} ({sizes}), "
        f"{run['machine']}; {versions}, {run['date']}."
    )


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _pictures(run: dict[str, Any]) -> str:
    return "\n".join(
        f'![{one["caption"]}](gallery/{one["file"]}){{ width={one["width"]} loading=lazy title="{one["caption"]}" }}'
        for one in run["pictures"]
    )


def _page(entry: Entry) -> str:
    registry = get_registry()
    known = read_target(entry, registry)
    facts = [
        ("task", ", ".join([entry.spec.task, *entry.spec.other_tasks])),
        ("recipes", ", ".join(f"`{name}`" for name in entry.spec.recipes)),
        ("flags of its own", ", ".join(f"`--{flag}`" for flag in known["flags"])),
        ("formats", ", ".join(entry.spec.formats)),
    ]
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {cell(value)} |" for name, value in facts if value)])
    parts = [f"---\ntitle: {entry.name}\n---", f"# `{entry.name}`", f"*pipeline* — {entry.spec.summary}", table]
    parts += ["## Use", shell(known["command"]), f"```python\nimport kzoo\n\n{known['python']}\n```"]
    if entry.name in _GUIDES:
        title = _GUIDES[entry.name].removesuffix(".md").replace("-", " ")
        parts.append(f"The guide: [{title}](../guides/{_GUIDES[entry.name]}).")
    runs = [run for run in recorded() if run["pipeline"] == entry.name]
    parts += ["## Results"] if runs else []
    for run in runs:
        parts += [shell(run["command"]), _figures(run), _pictures(run)]
    parts += ["## What can be tried in it", _components(entry)]
    for name, title in _TABLES.items():
        if settings := known["settings_help"].get(name):
            rows = [f"| `{one['name']}` | `{_default(one)}` | {cell(prose(one['help']))} |" for one in settings]
            parts.append(f"## {title}\n\n" + stacked(["| name | default | |", "|---|---|---|", *rows]))
    for name, settings in known["recipe_settings"].items():
        parts.append(f"### Recipe `{name}`\n\n```toml\n{_toml(settings)}\n```")
    return "\n\n".join(parts)


def _default(setting: dict[str, Any]) -> str:
    return cell(json.dumps(setting["default"], default=str))


def _components(entry: Entry) -> str:
    registry = get_registry()
    rows = []
    for kind, folder in (("loss", "losses"), ("metric", "metrics")):
        fitting = [one for one in registry.fitting(kind, entry.spec.task) if one.first_party]
        names = ", ".join(f"[`{one.name}`](../{folder}/{one.name}.md)" for one in fitting)
        rows.append(f"**{folder.capitalize()}**: {names}.")
    rows.append(
        "Every [optimizer](../optimizers/index.md), [schedule](../schedules/index.md) and "
        "[regularizer](../regularizers/index.md) of weights fits."
    )
    return "\n\n".join(rows)


def _toml(settings: dict[str, Any]) -> str:
    import tomlkit

    return tomlkit.dumps(settings).strip()
