"""A trained model -> the file of another program: written, replayed, measured, and only then put in its place."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo._version import __version__
from kzoo.engine import runtime
from kzoo.engine.forward import TENSORFLOW, Forward
from kzoo.errors import KzooError, UsageError
from kzoo.export.formats import format_named
from kzoo.export.replay import TOLERANCE, Comparison, Recorder, replayed
from kzoo.files import sha256_of
from kzoo.inference.evaluation import measured_with
from kzoo.inference.test_data import load_test_data
from kzoo.models.archive import CARD
from kzoo.models.onnx_file import EXPORT
from kzoo.models.precision import in_float32
from kzoo.models.saving import load_model
from kzoo.settings import defaults_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo.data.splits import Split, Splits
    from kzoo.engine.listener import Listener
    from kzoo.export.formats import Format
    from kzoo.models.saved import SavedModel

__all__ = ["Exported", "Request", "export", "refuse_differing", "texts_of"]

_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for.

    Attributes:
        format: The name of the format.
        out: The file or folder to write; None for one beside the model.
        data: What is replayed and measured on, as for ``kzoo evaluate``; None for the data of the model's run.
        inputs: How many test inputs are replayed.
        int8: Whether to make whole numbers of 8 bits of it.
        calibrate: For that: how many training inputs the ranges are told from.
        max_drop: For that: how much of the task's figure may be lost.
    """

    format: str = "onnx"
    out: Path | None = None
    data: str | None = None
    inputs: int = 16
    int8: bool = False
    calibrate: int = 128
    max_drop: float = 0.01


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What came of it.

    Attributes:
        path: The file or folder.
        format: The format.
        bytes: What it takes on the disk, with all that belongs to it.
        seconds: What writing it took.
        replay: Original and export beside each other; of a model in 8 bits they are as far apart as they are.
        quality: The name of the figure that was measured, empty where none was.
        before: The figure of the original.
        after: That of the export.
    """

    path: Path
    format: str
    bytes: int
    seconds: float
    replay: Sequence[Comparison]
    quality: str = ""
    before: float | None = None
    after: float | None = None

    @property
    def difference(self) -> float:
        """The largest difference of the replay."""
        return max(one.difference for one in self.replay)


@dataclass(eq=False)
class _Work:
    saved: SavedModel
    request: Request
    format: Format
    splits: Splits
    original: Forward
    real: list[np.ndarray] = field(default_factory=list)


def export(saved: SavedModel, request: Request, listener: Listener) -> Exported:
    """Export a model; what differs from it is not left on the disk.

    Args:
        saved: The model, a ``.keras`` file.
        request: How.
        listener: Who is told what happens.

    Raises:
        UsageError: There is no such format, the model is none of Keras's, or the place is taken by a folder.
        KzooError: A part of the network is not written, what the format needs is not installed, the export says
            something else than the original, or loses more than it may.
    """
    form = format_named(request.format, int8=request.int8)
    if saved.engine != TENSORFLOW:
        message = f"{saved.path} is exported already. Name the run or the .keras file that it was made of."
        raise UsageError(message)
    out = request.out or saved.path.with_name(f"{saved.path.stem}{'-int8' * request.int8}{form.suffix}")
    _check_place(out, form)
    form.check_installed()
    runtime.start()
    writer = form.writer()
    if request.int8:
        saved.task().check_measurable()
    splits = load_test_data(saved, request.data, listener)
    work = _Work(saved, request, form, splits, Forward(in_float32(load_model(saved.path, compile=False))))
    work.real = _inputs(work, splits.test, request.inputs, "to replay")
    calibration = _calibration(work, listener) if request.int8 else None
    with tempfile.TemporaryDirectory(prefix=".kzoo-export-", dir=out.absolute().parent) as folder:
        made = Path(folder) / out.name
        began = time.perf_counter()
        texts = texts_of(saved, work.original.model, form.name, int8=request.int8)
        writer.write(work.original.model, made, texts, calibration)
        seconds = time.perf_counter() - began
        exported = writer.opened(made)
        comparisons = replayed(work.original, exported, work.real)
        told: dict[str, Any] = {}
        if request.int8:
            told = _measured(work, exported)
        else:
            refuse_differing(saved.path, comparisons)
        size = sum(one.stat().st_size for one in Path(folder).rglob("*") if one.is_file())
        for one in Path(folder).iterdir():
            one.replace(out.with_name(one.name))
    return Exported(path=out, format=form.name, bytes=size, seconds=seconds, replay=comparisons, **told)


def _check_place(out: Path, form: Format) -> None:
    """Refuse a place that cannot be written to, before any work is done."""
    if form.suffix.startswith(".") and out.suffix != form.suffix:
        message = f"A file of the format {form.name} is to end in {form.suffix}, not `{out.name}`."
        raise UsageError(message)
    if not out.absolute().parent.is_dir():
        message = f"There is no folder {out.parent} to write {out.name} to."
        raise UsageError(message)
    if out.is_dir() or (out.exists() and not form.suffix.startswith(".")):
        message = f"{out} is there already, and a folder is not written over. Remove it, or name another place with -o."
        raise UsageError(message)


def _inputs(work: _Work, examples: Split, count: int, what: str) -> list[np.ndarray]:
    """Return inputs as they reach the network when a pipeline reads these examples, spread over them."""
    if not len(examples):
        message = f"There is no example {what} in {work.splits.provenance.description}. Name other data with --data."
        raise KzooError(message)
    chosen = np.unique(np.linspace(0, len(examples) - 1, min(count, len(examples))).astype(int))
    recorder, some = Recorder(work.original), examples.take(chosen)
    work.saved.task().measure(measured_with(work.saved, recorder, work.splits, some, batch_size=_AT_ONCE))
    if recorder.inputs:
        return recorder.inputs
    parts = np.split(np.arange(len(some)), range(_AT_ONCE, len(some), _AT_ONCE))
    return [some.examples(part)[0] for part in parts]  # of a task that had nothing to measure


def _calibration(work: _Work, listener: Listener) -> list[np.ndarray]:
    """Return the inputs that ranges are told from: of the training, or where there is none of the test."""
    train, count = work.splits.train, work.request.calibrate
    if not len(train):
        listener.warn("The data has no examples to learn from: the ranges for 8 bits are told from those of the test.")
        train = work.splits.test
    return _inputs(work, train, count, "to calibrate with")


def refuse_differing(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Raise `KzooError` where what was made of a model says something else than the model."""
    worst = max(comparisons, key=lambda one: one.difference)
    if not worst.difference <= TOLERANCE:
        message = (
            f"{path} is not exported: on {worst.inputs} what was made of it differs by "
            f"{worst.difference:.2g} from what the model says, and {TOLERANCE:g} is the limit. Another --format may do "
            "better; where none does, please report it with the model."
        )
        raise KzooError(message)


def _measured(work: _Work, exported: Callable[[Any], Any]) -> dict[str, Any]:
    """Measure original and export on the test data; refuse the export where it loses more than it may."""
    name = work.saved.task().quality
    before, after = (_figure(work, forward, name) for forward in (work.original, exported))
    if not before - after <= work.request.max_drop:
        message = (
            f"{work.saved.path} is not exported: {name} is {before:.4f}, in 8 bits it is {after:.4f}, and --max-drop "
            f"{work.request.max_drop:g} is the most that may be lost. Calibrate on more inputs (--calibrate), allow a "
            "larger drop, or leave out --int8."
        )
        raise KzooError(message)
    return {"quality": name, "before": before, "after": after}


def _figure(work: _Work, forward: Callable[[Any], Any], name: str) -> float:
    passing = Recorder(forward, keep=False)
    outcome = work.saved.task().measure(measured_with(work.saved, passing, work.splits, work.splits.test))
    if outcome is None:
        message = f"{work.saved.path} cannot be measured: its data has no names of outputs. Leave out --int8."
        raise KzooError(message)
    return outcome.measures()[name]


def texts_of(saved: SavedModel, model: Any, form: str, *, int8: bool = False) -> dict[str, str]:
    """Return what is stored in an exported file: the model's card, and how the file was made.

    Args:
        saved: The model.
        model: The Keras model that was loaded from it.
        form: The name of the format.
        int8: Whether its numbers are made whole numbers of 8 bits.
    """
    pipeline = saved.pipeline()
    (given,) = model.inputs
    made = {
        "kzoo": __version__,
        "format": form,
        "numbers": "int8" if int8 else "as in the source",
        "source": saved.path.name,
        "source_sha256": sha256_of(saved.path),
        "input": {"shape": ["N", *given.shape[1:]], "dtype": given.dtype, "channels": "last"},
        "preprocessing": pipeline.preprocessing_of(saved.card.for_reader()),
        "reader": _plain(defaults_of(pipeline.reader_settings)),
    }
    return {CARD: json.dumps(saved.card.to_dict(), indent=2), EXPORT: json.dumps(made, indent=2)}


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
