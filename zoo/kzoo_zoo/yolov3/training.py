"""How a YOLOv3 network learns: the pipeline's half for `kzoo run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.errors import NetworkUnreachableError, UsageError
from kzoo.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kzoo.data.splits import Dataset, Split
    from kzoo.detection import AnnotatedSet
    from kzoo_zoo.yolov3.darknet import Head, Network

__all__ = ["DetectorTraining"]

_ANCHORS = ("cfg", "auto")
_MOMENTUM = 0.97


class DetectorTraining(Pipeline):
    """Annotated images in, a network whose one output has a row for each place where it can see a box.

    Attributes:
        network: The network that is trained, without its weights; None before it is built.
    """

    task = "detection"
    augments_labels = True
    has_real_data = False
    network: Network | None = None
    _match = 1.0
    _anchors = "cfg"
    _sizes: Sequence[tuple[int, int]] = ()

    @property
    def heads(self) -> Sequence[Head]:
        """The heads of the network that is trained."""
        assert self.network is not None, "a network is built before labels are made for it"
        return self.network.heads

    def fetch_real(self, *, download: bool, progress: Any = None) -> Path:
        """Raise: there is no data set of its own to download."""
        del download, progress
        message = "yolov3 has no data set of its own: it learns from your boxes."
        raise NetworkUnreachableError(message)

    def load_path(self, path: Path, *, image_size: Any = 416, format: str = "", fix: str = "stop") -> Dataset:  # noqa: A002 - the user's word
        """Read annotated images in VOC's, COCO's or YOLO's format; see `examples.load_path`."""
        from kzoo_zoo.yolov3 import examples

        return examples.load_path(path, image_size=image_size, format=format, fix=fix)

    def load_sample(self, *, image_size: Any = 416) -> Dataset:
        """Return drawn scenes of shapes."""
        from kzoo_zoo.yolov3 import examples

        return examples.load_sample(image_size=image_size)

    def build_model(
        self,
        input_shape: Sequence[int],
        num_classes: int,
        *,
        regularizer: Any = None,
        predicts: str = "places",
        augmented: Mapping[str, Any] | None = None,
        network: str = "yolov3-tiny",
        width: float = 1.0,
        weights: str = "",
        weights_cfg: str = "",
        frozen: int | str = 0,
        anchors: str = "cfg",
        match: float = 1.0,
    ) -> Any:
        """Return the network for these classes, its heads side by side in one output (batch, places, 5 + classes).

        Args:
            input_shape: Height, width and channels of the images.
            num_classes: The number of classes.
            regularizer: For the kernels of all convolutions, or None.
            predicts: What the loss compares with the labels; it must be ``places``.
            augmented: The settings of `augment`, of which ``scales`` asks for a network that takes images of any size.
            network: A cfg file, or the name of a built-in one: ``yolov3``, ``yolov3-tiny``, ``yolov3-spp``.
            width: What the channels of all hidden convolutions are multiplied by.
            weights: What the training begins with: a Darknet file, the name of a trained network to download, or the
                ``.keras`` file of a run or an import; random by default.
            weights_cfg: The cfg of a Darknet file; by default ``network``.
            frozen: How many of Darknet's layers, from the first, stay as they are, or ``backbone`` for as many as that
                has. ``train.frozen_epochs`` says for how long; without it to the end.
            anchors: ``cfg`` for the network's own, or ``auto`` to find them from the boxes of the training data.
            match: A box is also learned by other anchors than its best where the IoU of their sides is above this;
                1 for the best alone.

        Raises:
            UsageError: A setting has no such value.
            DataError: The cfg or the weights cannot be read.
        """
        if predicts != "places":
            message = (
                "The loss of a detector says what belongs at every place of its grids: `--loss yolo`. A loss between "
                "boxes is a part of it, as in `--loss yolo:box=giou` (mse, giou, diou, ciou or siou)."
            )
            raise UsageError(message)
        if anchors not in _ANCHORS:
            message = f"`model.anchors` must be cfg or auto, not {anchors!r}."
            raise UsageError(message)
        if not 0 < match <= 1:
            message = f"`model.match` must be above 0 and at most 1, not {match!r}."
            raise UsageError(message)
        from kzoo_zoo.yolov3.augment_settings import check_augment
        from kzoo_zoo.yolov3.darknet import read_cfg
        from kzoo_zoo.yolov3.scales import sizes_between
        from kzoo_zoo.yolov3.transfer import freeze, start_from, trainable_network, widened

        if frozen and not weights:
            message = "`model.frozen` keeps layers as they are, so it needs weights to keep: set model.weights."
            raise UsageError(message)
        check_augment(augmented or {})
        source = widened(read_cfg(network), width)
        self.network = source.adapted(classes=num_classes).resized(int(input_shape[1]), int(input_shape[0]))
        self._match, self._anchors = match, anchors
        self._sizes = sizes_between((augmented or {}).get("scales", ()), input_shape, self.heads)
        shape = (None, None, input_shape[2]) if self._sizes else input_shape
        model = trainable_network(self.network, shape, regularizer, momentum=_MOMENTUM)
        taken: set[int] = set()
        if weights:
            taken = start_from(model, self.network, weights, read_cfg(weights_cfg) if weights_cfg else source)
        freeze(model, self.network, frozen, taken)
        return model

    def adapt(self, model: Any, train: Split) -> str | None:
        """Find anchors from the boxes of the training data where that is wanted; return what fits how well."""
        import numpy as np

        from kzoo_zoo.yolov3.anchors import find_anchors, mean_iou
        from kzoo_zoo.yolov3.examples import DetectionSplit

        del model
        assert isinstance(train, DetectionSplit)
        assert self.network is not None
        old = np.array(_all_anchors(self.network))
        before = mean_iou(train.sides, old)
        if self._anchors == "cfg":
            return f"Anchors of the cfg; the mean IoU of the boxes with the best one is {before:.3f}."
        new = np.maximum(np.round(find_anchors(train.sides, len(old)), 1), 1.0)
        self.network = self.network.adapted(anchors=[(float(w), float(h)) for w, h in new])
        listed = ", ".join(f"{w:g}x{h:g}" for w, h in new)
        after = mean_iou(train.sides, new)
        return f"Anchors from the boxes: {listed}; mean IoU {after:.3f} (with the cfg's {before:.3f})."

    def augment(  # type: ignore[override]
        self,
        x: Any,
        y: Any,
        *,
        seed: Any,
        epoch: Any,
        zoom: Sequence[float] = (0.6, 1.4),
        stretch: float = 0.2,
        shift: float = 0.1,
        mirror: bool = True,
        hue: float = 0.05,
        saturation: float = 1.5,
        exposure: float = 1.5,
        mosaic: float = 0.0,
        mosaic_epochs: int = 0,
        scales: Sequence[int] = (),
        scale_steps: int = 10,
        step: Any = 0,
        run_seed: Any = (0, 0),
    ) -> tuple[Any, Any]:
        """Move, scale, mirror and colour every image, and put some together from four; see `augment_boxes`.

        With ``scales``, the smallest and the largest width of the network's input, all images of ``scale_steps`` steps
        get another size, a multiple of 32 between the two; see `draw_size`.
        """
        from kzoo_zoo.yolov3.augment import augment_boxes
        from kzoo_zoo.yolov3.scales import draw_size

        del scales  # `build_model` read them: they are the sizes that the network takes
        low, high = zoom
        return augment_boxes(
            x,
            y,
            seed=seed,
            epoch=epoch,
            zoom=(low, high),
            stretch=stretch,
            shift=shift,
            mirror=mirror,
            hue=hue,
            saturation=saturation,
            exposure=exposure,
            mosaic=mosaic,
            mosaic_epochs=mosaic_epochs,
            size=draw_size(self._sizes, run_seed, step, every=scale_steps) if self._sizes else None,
        )

    def targets(self, y: Any, x: Any) -> Any:
        """Return for each place of the network's grids what it should say of inputs of this size; see `assign`."""
        from kzoo_zoo.yolov3.scales import of_size
        from kzoo_zoo.yolov3.targets import assign

        assert self.network is not None
        classes = self.network.classes

        def assigned(shape: Sequence[int]) -> Any:
            return assign(y, self.heads, shape, classes, match=self._match)

        return of_size(x, self._sizes, assigned)

    def annotated_split(self, split: Split, class_names: Sequence[str], description: str) -> AnnotatedSet:
        """Return the pictures of a split in their own size, with their true boxes."""
        from kzoo.detection import AnnotatedSet
        from kzoo_zoo.yolov3.examples import DetectionSplit

        assert isinstance(split, DetectionSplit)
        return AnnotatedSet(split.annotated, tuple(class_names), description, split.category_ids)

    def card(self) -> dict[str, Any]:
        """Return the heads, with which the outputs are read, and the cfg, with which the weights are exported."""
        assert self.network is not None
        return {
            "heads": [head.to_dict() for head in self.heads],
            "darknet": {"name": self.network.name, "cfg": self.network.text},
        }

    def restore(self, card: Mapping[str, Any]) -> None:
        """Take up the network that a model was trained with."""
        cfg = card.get("darknet", {}).get("cfg")
        if cfg:
            from kzoo_zoo.yolov3.darknet import parse_cfg

            self.network = parse_cfg(cfg, "the model's card")


def _all_anchors(network: Network) -> list[tuple[float, float]]:
    """Return all anchors of the cfg in its order; each head shows those that its mask chooses."""
    found: dict[int, tuple[float, float]] = {}
    for head in network.heads:
        found.update(zip(head.mask, head.anchors, strict=True))
    return [found[number] for number in sorted(found)]
