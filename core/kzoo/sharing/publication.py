"""What of a run is published: a folder of files, put together and looked through before anything leaves the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kzoo.engine.engines import ONNX
from kzoo.errors import KzooError, UsageError
from kzoo.files import write_json, write_text
from kzoo.models.inspection import inspect
from kzoo.models.onnx_file import read_onnx
from kzoo.models.saved import find_model
from kzoo.sharing.cleaned import cleaned_config, cleaned_manifest
from kzoo.sharing.page import Subject, page_of
from kzoo.sharing.traces import markers, trace_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kzoo.hub.address import Address
    from kzoo.models.inspection import Inspection
    from kzoo.models.saved import SavedModel
    from kzoo.runs.config import RunConfig
    from kzoo.runs.manifest import Manifest

__all__ = ["Publication", "prepare"]

_MODEL, _EXPORT = "model.keras", "model.onnx"


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What goes out.

    Attributes:
        address: Where to.
        saved: The model that it is of.
        files: The files, by the names that they get there.
        left_out: What was taken out of them, in words.
        notes: What to think of before they go.
    """

    address: Address
    saved: SavedModel
    files: dict[str, Path]
    left_out: Sequence[str]
    notes: Sequence[str]


def prepare(model: str, address: Address, folder: Path, *, root: Path, license: str = "") -> Publication:  # noqa: A002
    """Put together what is published of a run or a model file.

    Args:
        model: The run or the ``.keras`` file.
        address: Where it goes.
        folder: An empty folder, for the files that are written for it.
        root: The folder that runs are in.
        license: An identifier such as ``apache-2.0``; empty where none is given.

    Raises:
        UsageError: There is no such model, or it is an exported one.
        KzooError: The run did not come to its end, the model is damaged or not that of its run, or something of this
            machine stands in what would go out.
    """
    saved = find_model(model, root)
    inspection = _fit(saved)
    manifest, files, left_out, choices = None, {}, [], {}
    if saved.run:
        manifest = cleaned_manifest(saved.run.manifest(), {_MODEL: inspection.sha256})
        config = saved.run.config()
        choices = _choices(config)
        settings, changed = cleaned_config(config)
        files = {"run.json": folder / "run.json", "config.toml": folder / "config.toml"}
        write_json(files["run.json"], manifest.to_dict())
        write_text(files["config.toml"], settings)
        left_out = ["run.json: command line, machine, and where the data was"]
        left_out += [f"config.toml: the folder of {key}" for key in changed]
    models = {_MODEL: saved.path}
    if export := _export(saved, inspection):
        models[_EXPORT] = export
    files = {**models, **files}
    page = folder / "README.md"
    subject = Subject(
        address=address,
        model=inspection,
        manifest=manifest,
        files={name: path.stat().st_size for name, path in files.items()},
        license=license,
        choices=choices,
    )
    write_text(page, page_of(subject))
    files = {"README.md": page, **files}
    _refuse_traces(saved, files)
    return Publication(
        address=address,
        saved=saved,
        files=files,
        left_out=left_out,
        notes=[*_notes(saved, inspection, manifest, license)],
    )


def _choices(config: RunConfig) -> dict[str, str]:
    """Return the components of a run by what they are for, as references."""
    found = {"loss": str(config.loss), "optimizer": str(config.optimizer)}
    found["regularizer"] = str(config.regularizer or "")
    return {**found, "metrics": ", ".join(map(str, config.metrics))}


def _fit(saved: SavedModel) -> Inspection:
    """Return what a model file says of itself; refuse one that nobody should be given."""
    if saved.engine == ONNX:
        message = (
            f"{saved.path} is exported. Name the run or the .keras file that it was made of; an export beside that "
            "goes with it."
        )
        raise UsageError(message)
    if caution := saved.caution():
        message = f"{saved.path} is not published: {caution} Only the model of a run that came to its end is."
        raise KzooError(message)
    inspection = inspect(saved.path)
    if faults := [*inspection.faults, *filter(None, [saved.changed()])]:
        message = f"{saved.path} is not published: {faults[0].rstrip('.')}."
        raise KzooError(message)
    if not inspection.card.pipeline:
        message = f"{saved.path} is not published: it was not saved by kzoo, and nobody could predict with it."
        raise KzooError(message)
    return inspection


def _export(saved: SavedModel, inspection: Inspection) -> Path | None:
    """Return what was exported to ONNX beside a model, where it is of that very model."""
    path = saved.path.with_suffix(".onnx")
    if not path.exists():
        return None
    same = dict(read_onnx(path).made).get("source_sha256") == inspection.sha256
    return path if same else None


def _refuse_traces(saved: SavedModel, files: dict[str, Path]) -> None:
    places = [str(saved.path.absolute().parent)]
    if saved.run:
        places += [one for one in saved.run.manifest().data.location.split(",") if one]
    known = markers(*places)
    for path in files.values():
        if trace := trace_in(path, known):
            message = (
                f"Nothing was uploaded: {trace}. That would be everybody's to read. Where it is in the model, train "
                "or save it again without it."
            )
            raise KzooError(message)


def _notes(saved: SavedModel, inspection: Inspection, manifest: Manifest | None, license: str) -> Sequence[str]:  # noqa: A002
    notes = []
    if not license:
        notes.append("No license is given, so nobody may use it: name one with --license, as in --license apache-2.0.")
    if told := saved.sample_only():
        notes.append(told.partition(": ")[0] + ", and its page says so.")
    if saved.path.with_suffix(".onnx").exists() and _export(saved, inspection) is None:
        notes.append(f"{saved.path.with_suffix('.onnx').name} beside it is of another model and stays here.")
    if manifest is None:
        notes.append("It belongs to no run, so its page tells no results.")
    if (names := inspection.card.class_names) and inspection.card.trained_on == "path":
        notes.append(f"The names of its {len(names)} classes can be read by everybody who gets the model.")
    return notes
