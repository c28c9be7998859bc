"""The YOLOv3 pipeline: objects in pictures, by a Darknet network or one trained on the user's own boxes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from kzoo.data.class_names import read_names
from kzoo.errors import UsageError
from kzoo.pipeline import DataSource, FromPath, FromSample, Pipeline
from kzoo_zoo.yolov3.data_settings import BoxSettings, SampleSettings, read, sample
from kzoo_zoo.yolov3.settings import AugmentSettings, Decisions, DetectorSettings, NetworkSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from kzoo.data.splits import Split
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import BuildSettings, Built, Problem, Reader
    from kzoo_zoo.yolov3.detecting import Loaded
    from kzoo_zoo.yolov3.result_files import CocoResults, YoloText

__all__ = ["Yolo"]

_CLASSES = "classification"
"""The task in the card of a classifier of Darknet's."""


class Yolo(Pipeline):
    """Finds objects in pictures: what they are and where."""

    name = "yolov3"
    preprocessing: ClassVar[str] = (
        "RGB from 0 to 1, fitted to the input with its shape kept and the rest gray (0.5); outputs are raw, before "
        "any sigmoid, for the anchors in the card"
    )
    model_settings: ClassVar[type] = NetworkSettings
    augment_settings: ClassVar[type | None] = AugmentSettings
    reader_settings: ClassVar[type] = DetectorSettings
    # Average precision needs the unsure ones too; COCO's rules take the best 100 of each class themselves.
    evaluation_settings: ClassVar[Mapping[str, Any]] = {"threshold": 0.001, "max_detections": 10_000}

    def source(self, card: Mapping[str, Any] | None = None) -> DataSource:
        """Return annotated images in VOC's, COCO's or YOLO's format, and drawn scenes of shapes."""
        if card is not None and card.get("task") == _CLASSES:
            message = (
                "This network of Darknet's tells what a whole picture shows, and here it can only predict: "
                "`kzoo predict FILE.keras SOURCE`. What is measured on data or exported to other formats are detectors."
            )
            raise UsageError(message)
        return DataSource(
            path=FromPath(read, BoxSettings),
            sample=FromSample(sample, SampleSettings),
            without_real="It learns from your boxes: name them with --data PATH (VOC's, COCO's or YOLO's format).",
        )

    def build(self, problem: Problem, train: Split, settings: BuildSettings) -> Built:
        """Return the network for these classes, its heads side by side in one output (batch, places, 5 + classes)."""
        from kzoo_zoo.yolov3.training import build

        return build(problem, train, settings.model, settings.augment, settings.start)

    def reader(self, card: Mapping[str, Any], forward: Forward | None, settings: DetectorSettings) -> Reader:
        """Return what finds objects in frames, with a trained network or one of Darknet's files.

        Of an imported classifier it returns what tells the class of whole pictures.
        """
        if forward is not None and card.get("task") == _CLASSES:
            from kzoo_zoo.yolov3.classifying import DarknetClassReader

            return DarknetClassReader(card, forward, settings)
        from kzoo_zoo.yolov3.detecting import DetectorReader
        from kzoo_zoo.yolov3.result_files import CocoResults, YoloText

        given = [f"--{name}" for name in ("weights", "network", "size") if getattr(settings, name)]
        if forward is None and not settings.weights:
            message = (
                "`yolov3` is a pipeline, and it needs a network to predict: a run (`kzoo predict last SOURCE`), an "
                "imported .keras file, or Darknet's weights: `--weights FILE --network CFG --names FILE`, or "
                "`--weights yolov3`, `yolov3-tiny` or `yolov3-spp`, which are downloaded."
            )
            raise UsageError(message)
        if forward is not None and given:
            message = (
                f"{', '.join(given)}: the network named before the sources has its own. For Darknet's files write "
                "`kzoo predict yolov3 SOURCE --weights FILE`."
            )
            raise UsageError(message)

        def network() -> Loaded:
            return _from_darknet(settings) if forward is None else _trained(forward, card, settings)

        files: list[CocoResults | YoloText] = []
        if settings.coco:
            files.append(CocoResults(Path(settings.coco).expanduser()))
        if settings.txt:
            files.append(YoloText(Path(settings.txt).expanduser(), scores=settings.txt_scores))
        reader = DetectorReader(network, files, settings.batch)
        if forward is not None:
            _decided(card, settings)  # what does not fit the network is said before it is loaded
        return reader


def _trained(forward: Forward, card: Mapping[str, Any], settings: DetectorSettings) -> Loaded:
    """Return a trained network, as fast as it can be made where its weights will not change."""
    from kzoo.engine.forward import TENSORFLOW
    from kzoo_zoo.yolov3.detecting import Loaded
    from kzoo_zoo.yolov3.engine import compiled

    heads, names, decisions = _decided(card, settings)
    run: Callable[[np.ndarray], Any] = forward
    if not forward.changing:
        _ = forward.model  # loaded here, and not with the first picture
        run = _watched(forward.made(compiled), forward.watch) if forward.engine == TENSORFLOW else forward
    return Loaded(run, heads, tuple(card["input_shape"]), names, decisions)


def _watched(run: Callable[[np.ndarray], Any], watch: Callable[[Any], None] | None) -> Callable[[np.ndarray], Any]:
    """Return a function of inputs that shows them to ``watch`` first, as `Forward` does."""
    if watch is None:
        return run

    def watched(inputs: np.ndarray) -> Any:
        watch(inputs)
        return run(inputs)

    return watched


def _from_darknet(settings: DetectorSettings) -> Loaded:
    """Return a network of Darknet's files."""
    from kzoo.engine import runtime

    runtime.start()
    from kzoo_zoo.yolov3.darknet import load_network
    from kzoo_zoo.yolov3.darknet.pretrained import refuse_backbone
    from kzoo_zoo.yolov3.detecting import Loaded
    from kzoo_zoo.yolov3.engine import compiled

    refuse_backbone(settings.weights)
    loaded = load_network(settings.network, settings.weights, names=settings.names, size=settings.size)
    if loaded.network.classifier:
        message = (
            f"{loaded.network.name} is a classifier, not a detector. Import it, `kzoo import-darknet CFG WEIGHTS -o "
            "FILE.keras`, and predict with `kzoo predict FILE.keras SOURCE`."
        )
        raise UsageError(message)
    heads, names, decisions = _decided(loaded.card, settings)
    return Loaded(compiled(loaded.model), heads, tuple(loaded.card["input_shape"]), names, decisions)


def _table(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a table of a card, empty where it has none."""
    found = card.get(name)
    return found if isinstance(found, dict) else {}


def _decided(card: Mapping[str, Any], settings: DetectorSettings) -> tuple[list[Any], tuple[str, ...], Decisions]:
    """Return the heads that a network's card tells of, the names of its classes, and what the settings mean for it."""
    from kzoo_zoo.yolov3.darknet import Head

    if random := _table(card, "darknet").get("random"):
        message = (
            f"{random} convolutions of this network got no weights when it was imported: it finds nothing before a "
            "training. Begin one from its file of weights with -o model.weights=FILE."
        )
        raise UsageError(message)
    stored = card.get("heads") or _table(card, "schema").get("heads")
    if not stored:
        message = "The network's file does not say which anchors its heads have. Import it with `kzoo import-darknet`."
        raise UsageError(message)
    try:
        heads = [Head.from_dict(head) for head in stored]
    except (ValueError, TypeError) as error:
        message = f"The network's file does not say what its heads are: {error}. Import it with `kzoo import-darknet`."
        raise UsageError(message) from error
    names = tuple(card["class_names"])
    if settings.names:
        names = read_names(Path(settings.names).expanduser())
    if heads[0].classes != len(names):
        message = f"The network has {heads[0].classes} classes, and {len(names)} names are given for them."
        raise UsageError(message)
    return heads, names, Decisions.of(settings, names)
