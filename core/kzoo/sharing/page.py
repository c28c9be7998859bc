"""The page of a published model, its README.md: metadata that the hub reads, and what people need to know."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from kzoo._version import __version__
from kzoo.streams import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kzoo.hub.address import Address
    from kzoo.models.inspection import Inspection, Need
    from kzoo.runs.manifest import Manifest

__all__ = ["Subject", "page_of"]

_HUB_TASKS = {
    "classification": "image-classification",
    "binary": "image-classification",
    "ordinal": "image-classification",
    "multilabel": "image-classification",
    "distribution": "image-classification",
    "detection": "object-detection",
    "segmentation": "image-segmentation",
    "restoration": "image-to-image",
    "transcription": "image-to-text",
    "regression": "tabular-regression",
}
"""What the hub calls the tasks that it has a name for, as far as kzoo's pipelines have them."""

_INPUTS = {"regression": "table.csv"}
_MOST_CLASSES = 40


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What the page is of.

    Attributes:
        address: Where it is put.
        model: What the file says of itself.
        manifest: The run's record as it goes out; None for a model without a run.
        files: What goes out, by name: the size in bytes.
        license: An identifier such as ``apache-2.0``; empty where none is given.
        choices: What was chosen for loss, optimizer and so on, as references.
    """

    address: Address
    model: Inspection
    manifest: Manifest | None
    files: Mapping[str, int]
    license: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def measures(self) -> dict[str, float]:
        """Loss and metrics on the test data that are one finite number each."""
        results = self.manifest.test_results if self.manifest else {}
        return {name: value for name, value in results.items() if _is_number(value)}

    @property
    def needs(self) -> list[Need]:
        """The distributions that the model was made with, kzoo itself left out."""
        return [one for one in self.model.needs if one.distribution not in ("kzoo", "")]


def page_of(subject: Subject) -> str:
    """Return the whole page."""
    metadata = yaml.safe_dump(_metadata(subject), sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{metadata}---\n\n" + "\n\n".join(_parts(subject)) + "\n"


def _metadata(subject: Subject) -> dict[str, Any]:
    """Return what the hub reads, in the form of its model cards."""
    card = subject.model.card
    found: dict[str, Any] = {"library_name": "kzoo"}
    if subject.license:
        found["license"] = subject.license
    if card.task in _HUB_TASKS:
        found["pipeline_tag"] = _HUB_TASKS[card.task]
    found["tags"] = ["kzoo", "keras", *filter(None, dict.fromkeys((card.pipeline.rpartition(":")[2], card.task)))]
    if subject.measures and subject.manifest and card.task in _HUB_TASKS:
        found["model-index"] = [
            {
                "name": subject.address.name,
                "results": [
                    {
                        "task": {"type": _HUB_TASKS[card.task]},
                        "dataset": {"name": _data(subject.manifest), "type": "other", "split": "test"},
                        "metrics": [
                            {"type": name, "name": name, "value": value} for name, value in subject.measures.items()
                        ],
                    }
                ],
            }
        ]
    return found


def _parts(subject: Subject) -> Iterator[str]:
    """Yield the parts of the page for people."""
    card, manifest = subject.model.card, subject.manifest
    what = f"A network for the task *{card.task}*" if card.task else "A network"
    of = f" of the pipeline `{card.pipeline}`" if card.pipeline else ""
    yield f"# {subject.address.name}\n\n{what}{of}, trained with [kzoo](https://github.com/kzoo-dev/kzoo)."
    if card.trained_on == "sample":
        yield (
            "**It was trained on kzoo's embedded sample alone**, to try things out: what it says of anything else "
            "means little."
        )
    yield _results(subject)
    yield _use(subject)
    if manifest:
        yield _training(manifest, subject)
    if card.class_names:
        names = [_code(name) for name in card.class_names[:_MOST_CLASSES]]
        more = f" and {len(card.class_names) - _MOST_CLASSES:,} more" * (len(card.class_names) > _MOST_CLASSES)
        yield f"## Classes\n\n{', '.join(names)}{more}."
    yield _files(subject)


def _results(subject: Subject) -> str:
    if not subject.manifest or not subject.measures:
        return "## Results\n\nNone are recorded with this file. `kzoo evaluate` measures it on your data."
    rows = [(f"`{name}`", f"{value:.5g}") for name, value in subject.measures.items()]
    table = _table(("measure", "test"), rows)
    count = subject.manifest.data.sizes.get("test")
    examples = "the test examples" if count is None else f"{count:,} test example{'s' * (count != 1)}"
    return f"## Results\n\nOn {examples} of this data: {_plain(_data(subject.manifest))}.\n\n{table}"


def _use(subject: Subject) -> str:
    card = subject.model.card
    source = _INPUTS.get(card.task, "photo.jpg")
    lines = ['pip install "kzoo[hub]"']
    lines += [f"kzoo install {_requirement(need)}" for need in subject.needs]
    lines += [f"kzoo predict {subject.address} {source}", f"kzoo evaluate {subject.address} --data PATH"]
    text = f"## Use\n\n```sh\n{chr(10).join(lines)}\n```\n\n"
    text += f'```python\nimport kzoo\n\nmodel = kzoo.open("{subject.address}")\nmodel.predict("{source}")\n```\n\n'
    text += (
        f"The address means the newest state. `{subject.address}@COMMIT`, with the hash of a commit, always means the "
        "same files; kzoo says which one it has read."
    )
    if subject.needs:
        rows = [(_code(one.distribution), _code(one.version or "?"), ", ".join(map(_code, one.provides)))
                for one in subject.needs]  # fmt: skip
        text += (
            "\n\nIt was made with these plugins. A plugin is code of its authors: look at it before you install it.\n\n"
            + _table(("distribution", "version", "for"), rows)
        )
    return text


def _training(manifest: Manifest, subject: Subject) -> str:
    """Return how it came about, and how to do it again."""
    training, versions = manifest.training, manifest.environment.get("versions") or {}
    rows = [("data", _plain(_data(manifest)))]
    if manifest.data.sizes:
        rows.append(("examples", ", ".join(f"{count:,} {name}" for name, count in manifest.data.sizes.items())))
    rows.append(("recipe", f"`{manifest.recipe}`, seed {manifest.seed}"))
    rows += [(what, _code(reference)) for what, reference in subject.choices.items() if reference]
    if training:
        rows.append(("epochs", f"{training.epochs}, {training.steps:,} steps"))
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in versions.items() if version)))
    text = f"## Training\n\n{_table(('what', ''), [row for row in rows if row[1]])}"
    if "config.toml" in subject.files:
        own = " --data PATH" if manifest.data.used == "path" else ""
        text += f"\n\n`config.toml` has every setting: `kzoo run -c config.toml{own}` trains it again."
    return text


def _files(subject: Subject) -> str:
    rows = [(f"`{name}`", f"{size:,}") for name, size in subject.files.items()]
    return (
        f"## Files\n\n{_table(('file', 'bytes'), rows)}\n\nSHA-256 of `{subject.model.path.name}`: "
        f"`{subject.model.sha256}`.\n\nWritten by kzoo {__version__}."
    )


def _data(manifest: Manifest) -> str:
    return manifest.data.description or ("own data" if manifest.data.used == "path" else manifest.data.used)


def _requirement(need: Need) -> str:
    return f"{need.distribution}=={need.version}" if need.version else need.distribution


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _code(text: str) -> str:
    """Return a text as code, whatever signs of Markdown are in it."""
    text = visible(text, one_line=True)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{text}{fence}" if fence == "`" else f"{fence} {text} {fence}"


def _plain(text: str) -> str:
    """Return a text in which no sign is one of Markdown or HTML; a table sees to its own."""
    return re.sub(r"([\\`*_{}\[\]<>#])", r"\\\1", visible(text, one_line=True))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")
