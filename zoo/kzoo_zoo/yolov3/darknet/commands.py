"""``kzoo import-darknet`` and ``kzoo export-darknet``: networks from Darknet's files, and their weights back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kzoo.command import JsonOption, emit, show, start_tensorflow, warn
from kzoo.errors import KzooError, UsageError
from kzoo_zoo.yolov3.darknet.heads import bins_of

__all__ = ["export_darknet", "import_darknet"]

_PIPELINE = "yolov3"


def import_darknet(
    cfg: Annotated[str, typer.Argument(metavar="CFG", help="A cfg file, or yolov3, yolov3-tiny or yolov3-spp.")],
    weights: Annotated[
        str,
        typer.Argument(
            metavar="[WEIGHTS]",
            help="A file of weights, or the name of a backbone to download (darknet53.conv.74, yolov3-tiny.conv.15); "
            "without one, those of the named network are downloaded.",
        ),
    ] = "",
    *,
    out: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The model to write, FILE.keras.")],
    names: Annotated[str, typer.Option("--names", metavar="FILE", help="A file with one class name a line.")] = "",
    size: Annotated[
        str, typer.Option("--size", metavar="SIDE", help="The input's side in pixels, or WIDTHxHEIGHT.")
    ] = "",
    partial: Annotated[
        bool, typer.Option("--partial", help="The weights are of the first layers only, as darknet53.conv.74.")
    ] = False,
    layers: Annotated[
        int | None, typer.Option("--layers", min=1, metavar="N", help="Take the weights of the first N layers only.")
    ] = None,
    trust_weights: Annotated[
        bool, typer.Option("--trust-weights", help="Take numbers, too, that no network can have, such as NaN.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Make a model of Darknet's cfg and weights.

    The model is a .keras file for `kzoo predict`, `kzoo evaluate` and Keras itself. Layers without weights stay random.
    """
    _check_output(out, ".keras")
    from kzoo.command import ModelCard, TransferLine, save_model
    from kzoo_zoo.yolov3.darknet.loading import load_network

    with TransferLine() as line:
        loaded = load_network(
            cfg,
            weights,
            names=names,
            size=size,
            partial=partial,
            layers=layers,
            trust=trust_weights,
            progress=None if json else line,
            start=start_tensorflow,
        )
    model, card = loaded.model, loaded.card
    _write(lambda: save_model(model, out, ModelCard.from_dict(card)), out)
    height, width, channels = card["input_shape"]
    row: dict[str, Any] = {
        "file": str(out),
        "network": card["darknet"]["name"],
        "input": f"{width}x{height}x{channels}",
        "classes": len(card["class_names"]),
        "parameters": model.count_params(),
        "sha256": card["darknet"]["sha256"],
    }
    if random := card["darknet"].get("random"):
        warn(f"{random} convolutions of {out} got no weights and are random: it finds nothing before a training.")
    headings = {key: key for key in ("file", "network", "input", "classes", "parameters")}
    emit([row], headings, as_json=json)


def export_darknet(
    model: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="A run (folder, name or `last`) or a .keras file.")],
    *,
    out: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write, FILE.weights.")],
    cfg: Annotated[
        Path | None, typer.Option("--cfg", metavar="FILE", help="Also write the cfg that the weights belong to.")
    ] = None,
    runs: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
) -> None:
    """Write a model's weights as a Darknet file.

    A model that was imported and not trained gives its file of weights back, byte for byte.
    """
    from kzoo.command import find_model, load_model

    _check_output(out, ".weights")
    saved = find_model(model, runs)
    for said in filter(None, (saved.caution(), saved.changed())):
        warn(said)
    pipeline = saved.card.pipeline
    if not pipeline:
        message = (
            f"{saved.path} was not saved by kzoo: it does not say which pipeline it belongs to, and only models of "
            f"`{_PIPELINE}` have a Darknet form."
        )
        raise KzooError(message)
    if pipeline != _PIPELINE:
        message = f"{saved.path} is a model of the pipeline `{pipeline}`, which has no Darknet form."
        raise UsageError(message)
    if bins := bins_of(saved.card.own):
        message = (
            f"{saved.path} says the sides of boxes as distributions over {bins} bins (`model.bins`), and Darknet has "
            f"no head that reads them. `kzoo export {model}` writes it for other programs; for Darknet, train it "
            "without model.bins."
        )
        raise UsageError(message)
    found = saved.card.own.get("darknet")
    stored = found if isinstance(found, dict) else {}
    if cfg is not None and not isinstance(stored.get("cfg"), str):
        message = f"{saved.path} does not tell the cfg that it was made from."
        raise UsageError(message)
    start_tensorflow()
    from kzoo_zoo.yolov3.darknet.weights import Header, save_weights

    try:
        header = Header.from_dict(stored["header"]) if stored.get("header") else Header()
    except ValueError as error:
        message = f"{saved.path} does not tell the head of the file it was made from: {error}."
        raise KzooError(message) from error
    save_weights(load_model(saved.path, compile=False), out, header)
    if cfg is not None:
        from kzoo.files import write_text

        _write(lambda: write_text(cfg, stored["cfg"]), cfg)
    show(f"{out}  {out.stat().st_size:,} bytes")


def _check_output(path: Path, suffix: str) -> None:
    """Refuse a file that cannot be written before any work is done."""
    if path.suffix != suffix:
        message = f"The file to write must end in {suffix}, not `{path.name}`."
        raise UsageError(message)
    if not path.absolute().parent.is_dir():
        message = f"There is no folder {path.parent} to write {path.name} to."
        raise UsageError(message)


def _write(action: Any, path: Path) -> None:
    try:
        action()
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}."
        raise KzooError(message) from error
