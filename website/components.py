"""A page for each component: its spec, docstring and formula, what it computes, what it was compared with."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from kzoo.cli import docstrings
from kzoo.cli.info import read_target
from kzoo.plugin import INPUTS
from kzoo.plugins.listed import describe
from kzoo.plugins.registry import get_registry, plural
from kzoo.plugins.targets import load_target
from website import formulas
from website.places import DATA, FILES, FOLDERS, cell, prose, shell, stacked, write
from website.related import related

if TYPE_CHECKING:
    from kzoo.plugins.registry import Entry

_LABELS = {"dense": "one-hot", "sparse": "class indices"}
_BETTER = {"max": "the larger the better", "min": "the smaller the better"}
_REGULARIZED = {"weights": "weights", "activity": "what a layer puts out"}
_LEADS = {
    "loss": "Losses, by the name that `--loss` takes.",
    "metric": "Metrics, by the name that `--metric` takes.",
    "optimizer": "Optimizers, by the name that `--optimizer` takes.",
    "schedule": "Learning-rate schedules, by the name that `-o optimizer.learning_rate.name=` takes.",
    "regularizer": "Regularizers, by the name that `--regularizer` takes.",
}


def write_lists(only: list[str] | None = None) -> list[tuple[str, str]]:
    """Write the list of each kind; return the kind and the name of each page to write, of all or of these alone."""
    asked = []
    for kind, folder in FOLDERS.items():
        entries = [entry for entry in get_registry().entries(kind) if entry.first_party]
        names = [entry.name for entry in entries if only is None or entry.name in only]
        write(f"{folder}/index.md", _list(kind, entries))
        listed = "\n".join(f"* [{name}]({name}.md)" for name in names)
        write(f"{folder}/SUMMARY.md", f"* [All {plural(kind)}](index.md)\n{listed}")
        asked += [(kind, name) for name in names]
    return asked


def write_page(asked: tuple[str, str]) -> None:
    """Write the page of one component, given by its kind and name."""
    kind, name = asked
    write(f"{FOLDERS[kind]}/{name}.md", page(get_registry().component(kind, name)))


def _list(kind: str, entries: list[Entry]) -> str:
    rows = [
        f"| [`{entry.name}`]({entry.name}.md) | {cell(entry.spec.summary)} | {_tasks(entry)} |" for entry in entries
    ]
    title = {"schedule": "Learning-rate schedules"}.get(kind, plural(kind).capitalize())
    return f"# {title}\n\n{_LEADS[kind]}\n\n" + stacked(["| name | what it is | for |", "|---|---|---|", *rows])


def _tasks(entry: Entry) -> str:
    return ", ".join(sorted(entry.spec.tasks)) or "any task"


def page(entry: Entry) -> str:
    """Return the page of one component."""
    registry = get_registry()
    known = describe(entry, registry) | read_target(entry, registry)
    found = docstrings.sections(load_target(entry).__doc__ or "", fences=True)
    own = entry.spec.target.startswith("kzoo_plugins.") and not entry.entry_point.startswith("keras")
    parts = [
        f"---\ntitle: {entry.name}\ndescription: {json.dumps(entry.spec.summary)}\n---",
        f"# `{entry.name}`",
        f"*{entry.kind}* — {entry.spec.summary}",
        _facts(entry, known),
        *_admonitions(known),
        _use(known),
        _formula(entry, found),
        _plot(entry),
        _parameters(known),
        _description(found) if own else "",
        _agreement(entry, own=own),
        _where(entry),
        _others(entry),
        _tail(found) if own else "",
    ]
    return "\n\n".join(filter(None, parts))


def _facts(entry: Entry, known: dict[str, Any]) -> str:
    rows = [
        ("other names", ", ".join(f"`{alias}`" for alias in known["aliases"])),
        ("for", _tasks(entry)),
        ("given", INPUTS.get(getattr(entry.spec, "inputs", ""), "")),
        ("labels", ", ".join(_LABELS[form] for form in known.get("targets", ()))),
        ("values", _BETTER.get(known.get("direction", ""), "")),
        ("regularizes", _REGULARIZED.get(known.get("applies_to", ""), "")),
        ("class", f"`{known['target'].replace(':', '.')}`"),
        ("source", _linked(known["reference"])),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {cell(value)} |" for name, value in rows if value)])


def _linked(reference: str) -> str:
    text, comma, url = reference.rpartition(", ")
    return f"[{text}]({url})" if comma and url.startswith("http") else reference


def _admonitions(known: dict[str, Any]) -> list[str]:
    notes = [("note", "Before you choose it", known.get("note", ""))]
    notes += [("warning", task, said) for task, said in _by_caution(known.get("cautions", {})).items()]
    failures = known["expected_failures"].items()
    notes += [("failure", f"Known to fail the check `{check}`", why) for check, why in failures]
    return [f'!!! {kind} "{title}"\n\n    {said}' for kind, title, said in notes if said]


def _by_caution(cautions: dict[str, str]) -> dict[str, str]:
    """Return the cautions with the tasks that share one in one title."""
    tasks: dict[str, list[str]] = {}
    for task, said in cautions.items():
        tasks.setdefault(said, []).append(task)
    return {f"For {', '.join(names)}": said for said, names in tasks.items()}


def _use(known: dict[str, Any]) -> str:
    parts = ["## Use"]
    if known["command"]:
        parts.append(shell(known["command"]))
    if known["python"]:
        parts.append(f"```python\nimport kzoo\n\n{known['python']}\n```")
    return "\n\n".join(parts) if len(parts) > 1 else ""


def _formula(entry: Entry, found: dict[str, str]) -> str:
    section = found.get("Formula", "")
    shown = formulas.block(entry.kind, entry.name)
    if not (shown or section):
        return ""
    if not shown:
        return f"## Formula\n\n{section}"
    said = f'\n\n??? note "As text, as `kzoo info {entry.name}` has it"\n\n{_indented(section)}' if section else ""
    return f"## Formula\n\n{shown}{said}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


def _plot(entry: Entry) -> str:
    from website.plots import drawing, losses, metrics, optimizers, regularizers, schedules

    makers = {
        "loss": losses,
        "metric": metrics,
        "optimizer": optimizers,
        "schedule": schedules,
        "regularizer": regularizers,
    }
    maker = makers[entry.kind]
    panels = maker.panels(entry)
    if not panels:
        return ""
    shown = "; ".join(f"{panel.y} over {panel.x}" for panel in panels)
    picture = drawing.svg(panels, f"{entry.name}: {shown}", f"{entry.kind}-{entry.name}")
    return f"## Picture\n\n{picture}\n\n{maker.CAPTION} Computed from the component itself."


def _parameters(known: dict[str, Any]) -> str:
    if not known["parameters"]:
        return ""
    rows = []
    for one in known["parameters"]:
        default = "required" if one["required"] else f"`{cell(repr(one['default']))}`"
        rows.append(f"| `{one['name']}` | {default} | {cell(prose(one['help']))} |")
    return "## Parameters\n\n" + stacked(["| name | default | |", "|---|---|---|", *rows])


def _description(found: dict[str, str]) -> str:
    said = found.get("", "").partition("\n\n")[2]  # the first paragraph is the summary once more
    return f"## What to know\n\n{said}" if said else ""


_OF_KERAS = (
    "## Agreement\n\nIt is Keras's own class; kzoo hands it on and holds it to the [conformance "
    "checks](../guides/plugins.md#checking-a-plugin), whose findings stand above."
)


@functools.cache
def _measured() -> dict[str, Any]:
    return json.loads((DATA / "agreement.json").read_text("utf-8"))


def _agreement(entry: Entry, *, own: bool) -> str:
    measured = _measured()
    found = measured["components"].get(f"{entry.kind} {entry.name}")
    if not found:
        return "" if own else _OF_KERAS
    rows = [f"| {cell(reference)} | {count} |" for reference, count in found["references"].items()]
    gradient = f", of its gradient {found['gradient']:.1e}" if found["gradient"] is not None else ""
    wider = "".join(f"\n\nWider than 1e-5: {reason}" for reason in found["reasons"])
    said = (
        f"Compared with an independent implementation in {found['cases']} cases. Its value differs by at most "
        f"{found['value']:.1e}{gradient}, relative to the largest number of the reference.{wider}"
    )
    script = f"[`python benchmarks/agreement.py`]({FILES}benchmarks/agreement.py)"
    return "\n".join(
        [
            "## Agreement",
            "",
            said,
            "",
            "| reference | cases |",
            "|---|---|",
            *rows,
            "",
            f"Measured by {script}, {measured['measured_with']}.",
        ]
    )


def _where(entry: Entry) -> str:
    registry = get_registry()
    rows = []
    for pipeline in registry.pipelines():
        tasks = [pipeline.spec.task, *pipeline.spec.other_tasks]
        fitting = [task for task in tasks if entry.spec.fits(task)]
        if fitting:
            said = "with a caution, see above" if set(fitting) & set(entry.spec.cautions) else ""
            rows.append(f"| [`{pipeline.name}`](../pipelines/{pipeline.name}.md) | {', '.join(fitting)} | {said} |")
    if not rows:
        return (
            f"## Where it runs\n\nNone of kzoo's pipelines is for {_tasks(entry)}: use it in your own `compile()`, or "
            "in [a pipeline of your own](../guides/writing-a-pipeline.md)."
        )
    if getattr(entry.spec, "applies_to", "weights") == "activity" and not entry.spec.layer:
        return "## Where it runs\n\nIn a layer of your own network, as above; `--regularizer` is for weights."
    return "\n".join(["## Where it runs", "", "| pipeline | as | |", "|---|---|---|", *rows])


def _others(entry: Entry) -> str:
    parts = []
    if entry.spec.successor_of:
        names = ", ".join(f"`{name}`" for name in sorted(entry.spec.successor_of))
        page_of_names = "[Coming from TensorFlow Addons](../guides/from-tensorflow-addons.md)"
        parts.append(f"It takes the place of {names}: see {page_of_names}.")
    rows = [f"* [`{other.name}`]({_address(entry, other)}): {other.spec.summary}" for other in related(entry)]
    if rows:
        parts.append("\n".join(rows))
    return "\n\n".join(["## What else does the same", *parts]) if parts else ""


def _address(entry: Entry, other: Entry) -> str:
    return f"{other.name}.md" if other.kind == entry.kind else f"../{FOLDERS[other.kind]}/{other.name}.md"


def _tail(found: dict[str, str]) -> str:
    parts = []
    if example := found.get("Example", ""):
        parts.append("## Example\n\n" + (example if "```" in example else f"```pycon\n{example}\n```"))
    if references := found.get("References", ""):
        parts.append(f"## References\n\n{references}")
    return "\n\n".join(parts)
