"""``kzoo predict``: what a trained model says of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.cli import options, output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kzoo.prediction import ImagePrediction

__all__ = ["predict"]


def predict(
    model: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="A run (folder, name or `last`) or a .keras file.")],
    source: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="Images: files, folders or globs.")],
    *,
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="How many classes to show for each image.")] = 3,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Also write all probabilities here.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
    json: options.JsonOption = False,
) -> None:
    """Predict the class of images, with its probability.

    An image that cannot be read is reported and the rest go on; the exit code is then 1.
    """
    from kzoo.data.images import expand
    from kzoo.evaluation import find_model

    saved = find_model(model, out)
    paths = [path for text in source for path in expand(text)]
    from kzoo.prediction import predict_images
    from kzoo.training import runtime

    runtime.start(debug=options.debugging())
    results = list(_reporting(predict_images(saved, paths)))
    good = [result for result in results if result.prediction is not None]
    if csv:
        _write_csv(csv, good, saved.card["class_names"])
    if json:
        output.emit_json([_plain(result, top) for result in results])
    else:
        rows = [{"image": str(r.path), **r.prediction.columns(top)} for r in good if r.prediction is not None]
        output.emit(rows, {name: name for name in rows[0]} if rows else {}, as_json=False)
    if len(good) < len(results):
        output.say(f"{len(results) - len(good)} of {len(results)} images could not be read.")
        raise typer.Exit(1)


def _reporting(results: Iterable[ImagePrediction]) -> Iterable[ImagePrediction]:
    for result in results:
        if result.error:
            output.error(result.error)
        yield result


def _plain(result: ImagePrediction, top: int) -> dict[str, Any]:
    if result.prediction is None:
        return {"image": str(result.path), "error": result.error}
    return {"image": str(result.path), **result.prediction.to_dict(top)}


def _write_csv(path: Path, results: Iterable[ImagePrediction], class_names: Iterable[str]) -> None:
    """Write one line for each image: path, class, probability, and the probability of every class."""
    import csv
    import io

    from kzoo.errors import KzooError
    from kzoo.files import write_text
    from kzoo.pipeline import ClassPrediction

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "class", "probability", *class_names])
    for result in results:
        found = result.prediction
        assert isinstance(found, ClassPrediction)
        writer.writerow([result.path, found.label, found.probability, *found.probabilities.values()])
    try:
        write_text(path, text.getvalue())
    except OSError as error:
        message = f"--csv {path} cannot be written: {error.strerror}."
        raise KzooError(message) from error
