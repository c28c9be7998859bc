"""How a YOLOv3 network is built to learn: its weights, anchors, labels and changes at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.command import find_model
from kzoo.errors import UsageError
from kzoo.pipeline import Built, Started
from kzoo_zoo.yolov3.anchors import find_anchors, mean_iou, shape_iou
from kzoo_zoo.yolov3.assignment import assign
from kzoo_zoo.yolov3.augment import augment_boxes
from kzoo_zoo.yolov3.darknet import read_cfg
from kzoo_zoo.yolov3.darknet.heads import bins_of
from kzoo_zoo.yolov3.examples import DetectionSplit
from kzoo_zoo.yolov3.scales import draw_size, of_size, sizes_between
from kzoo_zoo.yolov3.transfer import freeze, layer_number, start_from, trainable_network, widened

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from kzoo.data.splits import Split
    from kzoo.engine.batches import Moment
    from kzoo.pipeline import Problem
    from kzoo_zoo.yolov3.darknet import Network
    from kzoo_zoo.yolov3.settings import AugmentSettings, NetworkSettings

__all__ = ["build"]

_MOMENTUM = 0.97


def build(
    problem: Problem,
    train: Split,
    chosen: NetworkSettings,
    changes: AugmentSettings | None,
    start: Path | None = None,
) -> Built:
    """Return a network whose one output has a row for each place where it can see a box.

    Raises:
        UsageError: The loss is not one of places, or a setting does not fit the network.
        DataError: The cfg or the weights cannot be read.
    """
    if problem.predicts != "places":
        message = (
            "The loss of a detector says what belongs at every place of its grids: `--loss yolo`. A loss between "
            "boxes is a part of it, as in `--loss yolo:box=giou` (mse, giou, diou, ciou, siou or wiou), and so is that "
            "of a head whose sides have bins: `--loss yolo:sides=dfl -o model.bins=16`."
        )
        raise UsageError(message)
    if chosen.weights.endswith(".keras"):
        message = f"`model.weights` takes Darknet's weights. A trained model is named so: --from {chosen.weights}."
        raise UsageError(message)
    weights = str(start) if start else chosen.weights
    if chosen.frozen and not weights:
        message = "`model.frozen` keeps layers as they are, so it needs weights to keep: set model.weights, or --from."
        raise UsageError(message)
    height, width, channels = problem.input_shape
    source = widened(read_cfg(chosen.network), chosen.width)
    if not source.heads:
        message = (
            f"`model.network`: {chosen.network} has no [yolo] or [region], so it is no detector that can be trained."
        )
        raise UsageError(message)
    network = source.adapted(classes=problem.outputs).resized(width, height)
    if chosen.bins:
        network = _with_bins(network, chosen.bins)
    assert isinstance(train, DetectionSplit)
    network, note = _with_anchors(network, train, chosen.anchors)
    sizes = sizes_between(changes.scales if changes else (), problem.input_shape, network.heads)
    shape = (None, None, channels) if sizes else problem.input_shape
    model = trainable_network(network, shape, problem.regularizer, momentum=_MOMENTUM)
    taken: set[int] = set()
    bins = 0
    if weights:
        weights_cfg = read_cfg(chosen.weights_cfg) if chosen.weights_cfg else source
        card = find_model(str(start)).card if start else None
        classes = card.class_names if card else ()
        others = bool(classes) and tuple(classes) != problem.class_names
        bins = bins_of(card.own) if card else 0
        taken = start_from(model, network, weights, weights_cfg, others=others, bins=bins)
    freeze(model, network, chosen.frozen, taken)
    return Built(
        model=model,
        augment=None if changes is None else _augmentation(changes, sizes),
        encode=_encoder(network, sizes, chosen.match),
        card={
            "heads": [head.to_dict() for head in network.heads],
            "darknet": {"name": network.name, "cfg": network.text},
        },
        notes=(note, *_reach(network, train)),
        started=None if start is None else _started(start, model, taken, same_boxes=bins == network.bins),
    )


def _started(start: Path, model: Any, taken: Collection[int], *, same_boxes: bool) -> Started:
    """Return what was taken from a trained model; of a head for other classes or bins a part is."""
    weighted = [layer.name for layer in model.layers if layer.weights]
    whole = tuple(name for name in weighted if layer_number(name) in taken)
    why = "other shapes or classes; of a head, what says where boxes are is kept"
    if not same_boxes:
        why = "other shapes, classes or bins; of a head, only what says whether there is a box is kept"
    return Started(path=start, taken=whole, anew=tuple(f"`{name}` ({why})" for name in weighted if name not in whole))


def _with_bins(network: Network, bins: int) -> Network:
    """Return the network with sides as distributions over so many bins.

    Raises:
        UsageError: Its heads are not of YOLOv3's kind.
    """
    other = next((head.kind for head in network.heads if head.kind not in ("yolo", "bins")), "")
    if other:
        message = (
            f"`model.bins` is for heads of YOLOv3's kind, and those of {network.name} are of the kind {other}. Leave "
            "model.bins out, or choose another network."
        )
        raise UsageError(message)
    return network.adapted(bins=bins)


def _reach(network: Network, train: DetectionSplit) -> list[str]:
    """Return what is to be said of how far bins reach, and of boxes beyond; nothing where sides have none."""
    if not (bins := network.bins):
        return []
    anchors = np.array([anchor for head in network.heads for anchor in head.anchors])
    strides = np.array([head.stride for head in network.heads for _ in head.anchors])
    reach = 2 * (bins - 1.5) * strides[shape_iou(train.sides, anchors).argmax(-1)]
    beyond = int((train.sides.max(-1) > reach).sum())
    listed = ", ".join(f"{(bins - 1.5) * head.stride:g}" for head in network.heads)
    cut = f" {beyond:,} of {len(reach):,} boxes are larger, and learned as far as that." if beyond else ""
    return [
        f"Each side is a distribution over {bins} bins, which reach {listed} pixels from the centre of a cell.{cut}"
    ]


def _with_anchors(network: Network, train: DetectionSplit, anchors: str) -> tuple[Network, str]:
    """Return the network, with anchors from the training data's boxes where that is wanted, and what fits how well."""
    old = np.array(_all_anchors(network))
    before = mean_iou(train.sides, old)
    if anchors == "cfg":
        return network, f"Anchors of the cfg; the mean IoU of the boxes with the best one is {before:.3f}."
    new = np.maximum(np.round(find_anchors(train.sides, len(old)), 1), 1.0)
    listed = ", ".join(f"{w:g}x{h:g}" for w, h in new)
    after = mean_iou(train.sides, new)
    note = f"Anchors from the boxes: {listed}; mean IoU {after:.3f} (with the cfg's {before:.3f})."
    return network.adapted(anchors=[(float(w), float(h)) for w, h in new]), note


def _augmentation(changes: AugmentSettings, sizes: Sequence[tuple[int, int]]) -> Any:
    """Return what moves, scales, mirrors and colours every image, and puts some together from four.

    With several sizes, all images of ``scale_steps`` steps get another one; see `draw_size`.
    """

    def augment(x: Any, y: Any, moment: Moment) -> tuple[Any, Any]:
        size = draw_size(sizes, moment.run_seed, moment.step, every=changes.scale_steps) if sizes else None
        return augment_boxes(
            x,
            y,
            seed=moment.seed,
            epoch=moment.epoch,
            zoom=changes.zoom,
            stretch=changes.stretch,
            shift=changes.shift,
            mirror=changes.mirror,
            hue=changes.hue,
            saturation=changes.saturation,
            exposure=changes.exposure,
            mosaic=changes.mosaic,
            mosaic_epochs=changes.mosaic_epochs,
            size=size,
        )

    return augment


def _encoder(network: Network, sizes: Sequence[tuple[int, int]], match: float) -> Any:
    """Return what says for each place of the network's grids what it should say of inputs of this size."""
    heads, classes = network.heads, network.classes

    def encode(y: Any, x: Any) -> Any:
        return of_size(x, sizes, lambda shape: assign(y, heads, shape, classes, match=match))

    return encode


def _all_anchors(network: Network) -> list[tuple[float, float]]:
    """Return all anchors of the cfg in its order; each head shows those that its mask chooses."""
    found: dict[int, tuple[float, float]] = {}
    for head in network.heads:
        found.update(zip(head.mask, head.anchors, strict=True))
    return [found[number] for number in sorted(found)]
