"""Losses between masks."""

from __future__ import annotations

from kzoo.plugin import LossSpec

__all__ = ["LOSSES"]

_ABSENT = (
    "A class that a sample has none of counts as wholly wrong as soon as any of it is predicted, and has no gradient: "
    "give `smooth` above 0 so that it has one, or `count_absent=false` to leave such classes out."
)
_BATCH = (
    "There is one loss for the whole batch unless `per_image=true` is given; a sample's value is its share in it times "
    "the number of samples, so that the mean is the loss."
)
_PARTS = {
    "batches_add_up": "Unless `per_image=true` is given, it is one loss for the whole batch, not a mean over samples."
}
_MAPS = "The distance maps take time: of masks with sides of n, n times as much as a pass over them."
_TIES = {
    "precision": "Where two errors are equal in float32, the gradient is one of several, which depends on their order."
}

LOSSES: list[LossSpec] = [
    LossSpec(
        name="soft_dice",
        target="kzoo_plugins.losses.overlap:SoftDice",
        summary="Dice of each sample and class: one minus twice the overlap, relative to the sizes of both masks.",
        aliases=("dice_loss",),
        tasks={"segmentation"},
        inputs="masks",
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, 1)},
        example={"smooth": 1.0},
        note=f"{_ABSENT} Keras's `dice` is one number for all samples and classes together.",
        reference="Milletari et al. 2016, https://arxiv.org/abs/1606.04797",
    ),
    LossSpec(
        name="generalized_dice",
        target="kzoo_plugins.losses.overlap:GeneralizedDice",
        summary="One Dice over all classes, in which a class weighs the more the smaller it is.",
        aliases=("generalised_dice", "gdl"),
        tasks={"segmentation"},
        inputs="masks",
        properties={"zero_at_equality": True, "range": (0, 1)},
        note=(
            "A class that a sample has none of gets the largest weight of its other classes; `count_absent=false` "
            "leaves it out."
        ),
        expected_failures={
            "class_weight": "All classes are in one ratio, both parts of which their weights multiply: it is no mean."
        },
        reference="Sudre et al. 2017, https://arxiv.org/abs/1707.03237",
    ),
    LossSpec(
        name="tversky",
        target="kzoo_plugins.losses.tversky:Tversky",
        summary="Dice in which false positives weigh `alpha` and false negatives `beta`.",
        aliases=("tversky_loss",),
        tasks={"segmentation"},
        inputs="masks",
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, 1)},
        example={"alpha": 0.3, "beta": 0.7},
        note=f"Keras's own, `keras_tversky`, has the two weights the other way round. {_ABSENT}",
        reference="Salehi et al. 2017, https://arxiv.org/abs/1706.05721",
    ),
    LossSpec(
        name="focal_tversky",
        target="kzoo_plugins.losses.tversky:FocalTversky",
        summary="The Tversky loss of each class to a power: below 1 for the nearly right, above for the mostly wrong.",
        aliases=("focal_tversky_loss",),
        tasks={"segmentation"},
        inputs="masks",
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, 1)},
        example={"alpha": 0.3, "beta": 0.7, "gamma": 0.75},
        note=(
            "The paper's alpha weighs false negatives and its power is 1/gamma: its best, alpha=0.7, beta=0.3, "
            f"gamma=4/3, is alpha=0.3, beta=0.7, gamma=0.75 here. {_ABSENT}"
        ),
        reference="Abraham, Khan 2018, https://arxiv.org/abs/1810.07842",
    ),
    LossSpec(
        name="jaccard",
        target="kzoo_plugins.losses.overlap:Jaccard",
        summary="Soft IoU of each sample and class: one minus the intersection over the union of both masks.",
        aliases=("jaccard_loss", "soft_iou", "soft_jaccard"),
        tasks={"segmentation"},
        inputs="masks",
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, 1)},
        example={"smooth": 1.0},
        note=_ABSENT,
        reference="Rahman, Wang 2016, https://doi.org/10.1007/978-3-319-50835-1_22",
    ),
    LossSpec(
        name="lovasz_softmax",
        target="kzoo_plugins.losses.lovasz:LovaszSoftmax",
        summary="A convex stand-in for the IoU of each class, on probabilities: errors weighed by their rank.",
        aliases=("lovasz",),
        tasks={"segmentation"},
        inputs="masks",
        properties={"zero_at_equality": True, "range": (0, None)},
        example={"per_image": True},
        note=_BATCH,
        expected_failures={**_PARTS, **_TIES},
        reference="Berman et al. 2018, https://arxiv.org/abs/1705.08790",
    ),
    LossSpec(
        name="lovasz_hinge",
        target="kzoo_plugins.losses.lovasz:LovaszHinge",
        summary="A convex stand-in for the IoU of a binary mask, on logits: hinge errors weighed by their rank.",
        tasks={"segmentation"},
        inputs="masks",
        properties={"range": (0, None)},
        example={"per_image": True},
        note=f"It needs logits: a last layer without activation, one channel for each mask. {_BATCH}",
        expected_failures=_PARTS,
        reference="Berman et al. 2018, https://arxiv.org/abs/1705.08790",
    ),
    LossSpec(
        name="cldice",
        target="kzoo_plugins.losses.cldice:CenterlineDice",
        summary="Centerline Dice, for vessels and roads: how much of the skeleton of each mask is in the other one.",
        aliases=("soft_cldice", "centerline_dice"),
        tasks={"segmentation"},
        inputs="masks",
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, 1)},
        example={"iterations": 5},
        note=(
            "`iterations` is about the radius of the widest tube, in positions. Add a Dice loss to it; "
            "`class_weight=[0,1]` leaves out the background of two classes."
        ),
        reference="Shit et al. 2021, https://arxiv.org/abs/2003.07311",
    ),
    LossSpec(
        name="boundary",
        target="kzoo_plugins.losses.boundaries:Boundary",
        summary="Probabilities times the signed distance to the truth's boundary, calculated from the labels.",
        aliases=("boundary_loss", "surface_loss"),
        tasks={"segmentation"},
        inputs="masks",
        note=(
            "Its values lie below 0 near the truth. Add it to a Dice loss with a small weight; `class_weight=[0,1]` "
            f"leaves out the background of two classes. {_MAPS}"
        ),
        expected_failures={"soft_labels": "A class is where it has more than 1/2, since only that has a boundary."},
        reference="Kervadec et al. 2019, https://arxiv.org/abs/1812.07032",
    ),
    LossSpec(
        name="hausdorff",
        target="kzoo_plugins.losses.boundaries:Hausdorff",
        summary="Squared errors, each the dearer the farther it is from the boundaries of truth and prediction.",
        aliases=("hausdorff_dt", "hausdorff_loss"),
        tasks={"segmentation"},
        inputs="masks",
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, None)},
        example={"alpha": 1.0},
        note=(
            "The distances are constants to the gradient. Add it to a Dice loss with a small weight; "
            f"`class_weight=[0,1]` leaves out the background of two classes. {_MAPS}"
        ),
        expected_failures={
            "no_jumps": "Distances are to where the prediction is above 1/2, and change when a position becomes so."
        },
        reference="Karimi, Salcudean 2019, https://arxiv.org/abs/1904.10030",
    ),
]
