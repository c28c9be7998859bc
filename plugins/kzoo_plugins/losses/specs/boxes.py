"""Losses between boxes."""

from __future__ import annotations

import math

from kzoo.plugin import LossSpec

__all__ = ["LOSSES"]

_CORNERS = "Boxes are corners x1, y1, x2, y2, in any unit much larger than `eps`."

LOSSES: list[LossSpec] = [
    LossSpec(
        name="giou",
        target="kzoo_plugins.losses.boxes:GIoU",
        summary="One minus the IoU of two boxes, plus the empty share of the smallest box around both.",
        aliases=("giou_loss", "generalized_iou", "generalized_box_iou_loss"),
        tasks={"detection"},
        targets=frozenset(),
        inputs="boxes",
        within={"yolo": "box"},
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, 2)},
        note=(
            f"{_CORNERS} TensorFlow Addons took y1, x1, y2, x2: such boxes give the same value here. Its mode `iou` "
            "has no counterpart."
        ),
        successor_of=("tfa.losses.GIoULoss", "tfa.losses.giou_loss"),
        reference="Rezatofighi et al. 2019, https://arxiv.org/abs/1902.09630",
    ),
    LossSpec(
        name="diou",
        target="kzoo_plugins.losses.boxes:DIoU",
        summary="One minus the IoU of two boxes, plus the squared distance of their centres.",
        aliases=("diou_loss", "distance_iou", "distance_box_iou_loss"),
        tasks={"detection"},
        targets=frozenset(),
        inputs="boxes",
        within={"yolo": "box"},
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, 2)},
        note=f"{_CORNERS} The distance is measured in diagonals of the smallest box around both.",
        reference="Zheng et al. 2020, https://arxiv.org/abs/1911.08287",
    ),
    LossSpec(
        name="ciou",
        target="kzoo_plugins.losses.boxes:CIoU",
        summary="The distance IoU loss of two boxes, plus a penalty on a wrong ratio of width to height.",
        aliases=("ciou_loss", "complete_iou", "complete_box_iou_loss"),
        tasks={"detection"},
        targets=frozenset(),
        inputs="boxes",
        within={"yolo": "box"},
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, 2.5)},
        note=f"{_CORNERS} The weight of its last term is a constant to the gradient.",
        expected_failures={"gradient": "The weight of its last term is a constant to the gradient, as in torchvision."},
        reference="Zheng et al. 2020, https://arxiv.org/abs/1911.08287",
    ),
    LossSpec(
        name="siou",
        target="kzoo_plugins.losses.siou:SIoU",
        summary="One minus the IoU of two boxes, plus costs of the centres' distance and direction and of wrong sides.",
        aliases=("siou_loss", "scylla_iou"),
        tasks={"detection"},
        targets=frozenset(),
        inputs="boxes",
        within={"yolo": "box"},
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, 2.5)},
        example={"theta": 4},
        note=_CORNERS,
        reference="Gevorgyan 2022, https://arxiv.org/abs/2205.12740",
    ),
    LossSpec(
        name="wiou",
        target="kzoo_plugins.losses.wiou:WIoU",
        summary="One minus the IoU of two boxes, times a weight that grows with the distance of their centres.",
        aliases=("wiou_loss", "wise_iou"),
        tasks={"detection"},
        targets=frozenset(),
        inputs="boxes",
        within={"yolo": "box"},
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, math.e)},
        note=f"{_CORNERS} It is version 1; versions 2 and 3 keep a running mean of losses, and a loss has no state.",
        expected_failures={"gradient": "The box around the two is a constant to the gradient, as in the paper."},
        reference="Tong et al. 2023, https://arxiv.org/abs/2301.10051",
    ),
    LossSpec(
        name="dfl",
        target="kzoo_plugins.losses.distribution:DistributionFocal",
        summary="Crossentropy of the two bins around a number, for networks that say a side as a distribution.",
        aliases=("distribution_focal", "distribution_focal_loss"),
        tasks={"detection"},
        targets=frozenset(),
        inputs="bins",
        within={"yolo": "sides"},
        settings={"model.bins": 16},
        properties={"range": (0, None)},
        note=(
            "Logits, the bins of one side after those of another: (N, 4 * B) for labels (N, 4). A label beyond "
            "the last bin gives NaN: clip it where labels are made, as the pipeline `yolov3` does."
        ),
        reference="Li et al. 2020, https://arxiv.org/abs/2006.04388",
    ),
    LossSpec(
        name="yolo",
        target="kzoo_plugins.losses.yolo:YOLO",
        summary="YOLOv3's loss: the error of the boxes, and crossentropies of their presence and of their classes.",
        aliases=("yolo_loss",),
        tasks={"detection"},
        targets=frozenset(),
        inputs="places",
        example={"box": "giou", "objectness": "focal"},
        note=(
            "Labels and predictions have a row for each place of a detector's grids; the pipeline `yolov3` makes them. "
            "The parts are sums over an image. `sides=dfl` is for a network with bins, `model.bins=16`."
        ),
        expected_failures={
            "no_jumps": "A place whose box overlaps with a true one by more than `ignore` is left out, as in the paper."
        },
        reference="Redmon, Farhadi 2018, https://arxiv.org/abs/1804.02767",
    ),
]
