"""The YOLOv3 pipeline: objects in pictures, by a Darknet network or one trained on the user's own boxes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from kzoo.errors import UsageError
from kzoo_zoo.yolov3.darknet.exchange import DarknetExchange
from kzoo_zoo.yolov3.training import DetectorTraining

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from kzoo.detection import AnnotatedSet
    from kzoo.pipeline import Forward, Prediction, Predictor
    from kzoo_zoo.yolov3.result_files import CocoResults, YoloText

__all__ = ["Yolo"]


class Yolo(DarknetExchange, DetectorTraining):
    """Finds objects in pictures: what they are and where.

    `predictor` says how a network is used, `DetectorTraining` how it learns, `DarknetExchange` where Darknet's files
    come in and go out.
    """

    name = "yolov3"
    task = "detection"
    loads_networks = True
    # Average precision needs the unsure ones too; COCO's rules take the best 100 of each class themselves.
    evaluation_settings: ClassVar[Mapping[str, Any]] = {"threshold": 0.001, "max_detections": 10_000}

    def prepare(self, frame: np.ndarray, input_shape: Sequence[int]) -> np.ndarray:
        """Return the frame as the network sees it, float32 in [0, 1], padded with gray to its shape."""
        from kzoo_zoo.yolov3.letterbox import Letterbox

        return Letterbox.of(frame.shape, input_shape).apply(frame, int(input_shape[2]))

    def decode(self, outputs: np.ndarray, class_names: Sequence[str]) -> Sequence[Prediction]:
        """Raise: boxes are meant in pixels of the frame, which outputs alone do not tell; `predictor` knows it."""
        del outputs, class_names
        message = "A detector's outputs are decoded by its predictor, which knows the frames' sizes."
        raise TypeError(message)

    def draw(self, frame: np.ndarray, prediction: Prediction) -> np.ndarray:
        """Return the frame with boxes, names and scores, a colour for each class."""
        from kzoo_zoo.yolov3.detections import Detections
        from kzoo_zoo.yolov3.drawing import draw

        assert isinstance(prediction, Detections)
        return draw(frame, prediction)

    def predictor(
        self,
        forward: Forward | None,
        card: Mapping[str, Any],
        *,
        threshold: float = 0.25,
        iou: float = 0.45,
        max_detections: int = 300,
        classes: str = "",
        soft_nms: bool = False,
        agnostic: bool = False,
        resize: str = "letterbox",
        weights: str = "",
        network: str = "",
        names: str = "",
        size: str = "",
        coco: str = "",
        txt: str = "",
        txt_scores: bool = False,
        batch: int = 8,
    ) -> Predictor:
        """Return what finds objects in frames.

        Args:
            forward: A trained network; None to read one from Darknet's files.
            card: What is stored with it.
            threshold: Objects of a lower score are left out.
            iou: A box that overlaps a surer one of its class by more (intersection over union) is left out.
            max_detections: The most objects in one picture.
            classes: The only classes that are wanted, by name or index, separated by commas.
            soft_nms: Lower the score of an overlapping box instead of leaving it out.
            agnostic: Let boxes of different classes leave each other out.
            resize: ``letterbox`` keeps a picture's shape, ``stretch`` does not.
            weights: Without a trained network: a file of Darknet's weights, or the name of a network to download.
            network: Its cfg, or the name of a built-in one; by default that of the weights.
            names: A file with the names of the classes.
            size: The side of the network's input, or ``WIDTHxHEIGHT``; by default the cfg's.
            coco: A file to which all objects are also written, in COCO's results format.
            txt: A folder to which they are also written, a text file for each picture, as YOLO's labels.
            txt_scores: Whether these get the scores too.
            batch: The most pictures that go through the network at once.
        """
        from kzoo_zoo.yolov3.engine import compiled
        from kzoo_zoo.yolov3.predictor import YoloPredictor
        from kzoo_zoo.yolov3.result_files import CocoResults, YoloText
        from kzoo_zoo.yolov3.settings import Settings

        if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
            message = f"`batch` must be a whole number of at least 1, not {batch!r}."
            raise UsageError(message)
        if forward is None:
            if not weights:
                message = (
                    "`yolov3` is a pipeline, and it needs a network to predict: a run (`kzoo predict last SOURCE`), an "
                    "imported .keras file, or Darknet's weights: `--weights FILE --network CFG --names FILE`, or "
                    "`--weights yolov3`, `yolov3-tiny` or `yolov3-spp`, which are downloaded."
                )
                raise UsageError(message)
            model, card = self._darknet(str(weights), str(network), str(names), str(size))
        elif given := [name for name, value in (("weights", weights), ("network", network), ("size", size)) if value]:
            message = (
                f"{', '.join(f'--{name}' for name in given)}: the network named before the sources has its own. For "
                "Darknet's files write `kzoo predict yolov3 SOURCE --weights FILE`."
            )
            raise UsageError(message)
        else:
            model = getattr(forward, "model", None)
            if names:
                from kzoo_zoo.yolov3.names import read_names

                card = {**card, "class_names": read_names(Path(str(names)).expanduser())}
        if random := card.get("darknet", {}).get("random"):
            message = (
                f"{random} convolutions of this network got no weights when it was imported: it finds nothing before a "
                "training. Begin one from its file of weights with -o model.weights=FILE."
            )
            raise UsageError(message)
        heads, class_names = _heads(card), tuple(card["class_names"])
        if heads[0].classes != len(class_names):
            message = f"The network has {heads[0].classes} classes, and {len(class_names)} names are given for them."
            raise UsageError(message)
        settings = Settings.checked(
            class_names,
            threshold=threshold,
            iou=iou,
            max_detections=max_detections,
            classes=classes,
            soft_nms=soft_nms,
            agnostic=agnostic,
            resize=resize,
        )
        files: list[CocoResults | YoloText] = [CocoResults(Path(str(coco)).expanduser())] if coco else []
        files += [YoloText(Path(str(txt)).expanduser(), scores=bool(txt_scores))] if txt else []
        run = forward if model is None else compiled(model)
        assert run is not None
        return YoloPredictor(self, run, heads, card["input_shape"], class_names, settings, files, batch)

    def annotated(self, source: str | Path, settings: Mapping[str, Any], *, whole: bool = False) -> AnnotatedSet:
        """Return the pictures and true boxes that a network is measured on."""
        from kzoo_zoo.yolov3.examples import annotated_from

        return annotated_from(source, whole=whole, **settings)

    def _darknet(self, weights: str, cfg: str, names: str, size: str) -> tuple[Any, Mapping[str, Any]]:
        """Return a network from Darknet's files, and its card."""
        from kzoo_zoo.yolov3.darknet import load_network
        from kzoo_zoo.yolov3.darknet.pretrained import refuse_backbone

        refuse_backbone(weights)
        loaded = load_network(cfg, weights, names=names, size=size)
        return loaded.model, loaded.card


def _heads(card: Mapping[str, Any]) -> list[Any]:
    """Return the heads that a network's card tells of."""
    from kzoo_zoo.yolov3.darknet import Head

    stored = card.get("heads") or card.get("schema", {}).get("heads")
    if not stored:
        message = "The network's file does not say which anchors its heads have. Import it with `kzoo import-darknet`."
        raise UsageError(message)
    return [Head.from_dict(head) for head in stored]
