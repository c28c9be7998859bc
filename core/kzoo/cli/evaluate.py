"""``kzoo evaluate``: measure a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.cli import completion, options, output
from kzoo.cli.options import names_of_options, read_from
from kzoo.errors import KzooError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.inference.evaluation import Evaluation
    from kzoo.tasks import Task

__all__ = ["evaluate"]

_MORE = "Files of the test for other programs, such as --coco FILE for boxes."


def evaluate(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN|MODEL",
            help="A run (folder, name or `last`), a .keras or .onnx file, or hf://NAME/REPO.",
            autocompletion=completion.complete_run,
        ),
    ],
    more: Annotated[list[str] | None, typer.Argument(metavar="[--NAME FILE]...", help=_MORE)] = None,
    *,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            "-d",
            metavar="SOURCE",
            help="Other data than the run's, measured as a whole: real, sample, a file or folder.",
        ),
    ] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", "-b", help="Examples in one step.")] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="DIR", help="Also draw the pictures of the test into this folder.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="KEY=VALUE",
            help="How files are read (data.KEY); of a detector also a setting, as for `kzoo predict`.",
        ),
    ] = None,
    engine: options.EngineOption = "",
    out: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
    json: options.JsonOption = False,
) -> None:
    """Test a trained model: loss and metrics, and for each class how well it is told or found."""
    from kzoo.cli.engines import exporting, run_by
    from kzoo.cli.flags import parted
    from kzoo.models.saved import find_model
    from kzoo.runs.config import layer_from_options

    words, flags = parted([model, *(more or ())])
    if len(words) != 1:
        named = f", not {' and '.join(f'`{word}`' for word in words)}" if words else ", and none is named"
        message = f"One model is tested at a time{named}: kzoo evaluate RUN."
        raise UsageError(message)
    saved = find_model(words[0], out, engine, exporting(quiet=json))
    saved.pipeline()  # says where the file does not tell what reads its inputs
    if caution := saved.caution():
        output.warn(caution)
    if told := read_from(words[0], saved):
        output.say(told)
    files = _files(flags, saved.task(), names_of_options(context))
    from kzoo.cli.listening import Terminal
    from kzoo.engine import runtime
    from kzoo.engine.forward import TENSORFLOW
    from kzoo.inference.evaluation import evaluate as measure

    if saved.engine == TENSORFLOW:
        runtime.start()
    given = layer_from_options(settings or ())
    reading = given.pop("data", {})
    found = measure(
        saved,
        data=data,
        listener=Terminal(quiet=json),
        batch_size=batch_size,
        settings=given,
        data_settings=reading if isinstance(reading, dict) else {"source": reading},
    )
    _write(found, save, files)
    if json:
        output.emit_json({"model": str(saved.path), "engine": saved.engine, **found.to_dict()})
        return
    _show(found)
    if engine:
        output.show(run_by(saved))


def _files(flags: Sequence[tuple[str, str | None]], task: Task, own: Sequence[str]) -> dict[str, Path]:
    """Return where the task's files for other programs go, by their names."""
    import difflib

    found: dict[str, Path] = {}
    for flag, value in flags:
        name = flag.removeprefix("--")
        if name not in task.files or not flag.startswith("--"):
            near = difflib.get_close_matches(flag, [*own, *(f"--{known}" for known in task.files)], n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            listed = ", ".join(f"--{known}" for known in task.files) or "none"
            message = f"There is no option `{flag}`.{hint} Files of the task {task.name}: {listed}."
            raise UsageError(message)
        if value is None:
            message = f"{flag} needs the name of a file."
            raise UsageError(message)
        found[name] = Path(value)
    return found


def _write(found: Evaluation, save: Path | None, files: dict[str, Path]) -> None:
    """Write the pictures and the files for other programs, where they are asked for."""
    from kzoo.files import write_text

    try:
        if save:
            from kzoo.report import write_pictures  # with what draws, which an exported model is measured without

            for path in write_pictures(save, found.outcome):
                output.say(f"Saved {path}.")
        texts = found.outcome.files() if files and found.outcome else {}
        for name, path in files.items():
            write_text(path, texts[name])
            output.say(f"Saved {path}.")
    except OSError as error:
        message = f"{error.filename or save} cannot be written: {error.strerror or error}."
        raise KzooError(message) from error


def _show(found: Evaluation) -> None:
    rows = [{"metric": name, "test": value} for name, value in found.metrics.items()]
    output.emit(rows, {"metric": "metric", "test": "test"}, as_json=False)
    if found.per_class:
        output.show()
        table: list[dict[str, Any]] = [{found.rows: name, **values} for name, values in found.per_class.items()]
        output.emit(table, {key: key for key in table[0]}, as_json=False)
    confusion = found.confusion
    if confusion is not None and (confusion.most_shown is None or len(confusion.names) <= confusion.most_shown):
        output.show()
        columns = {str(number): name for number, name in enumerate(confusion.names)}  # a class may be called `true`
        counts = zip(confusion.names, confusion.counts.tolist(), strict=True)
        matrix: list[dict[str, Any]] = [{"true": n, **dict(zip(columns, row, strict=True))} for n, row in counts]
        output.emit(matrix, {"true": "true \\ predicted", **columns}, as_json=False, spelled=columns)
    output.show()
    output.show(f"data  {found.data}; {found.size:,} test examples, {found.measured}")


evaluate.context_settings = {"ignore_unknown_options": True}  # type: ignore[attr-defined] # the task's files
