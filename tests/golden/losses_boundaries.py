"""Losses of skeletons and boundaries of masks, from MONAI, and from SciPy's distances with torch's float64."""

import itertools
from dataclasses import replace

import monai.losses
import numpy as np
import scipy
import torch
from losses_segmentation import HAND, MONAI, activate, case, labels_of, predictions_of, text
from scipy.ndimage import distance_transform_edt

SCIPY = f"SciPy {scipy.__version__} distance_transform_edt, and {HAND}"
# Samples, positions ..., classes.
SHAPES = [(2, 12, 15, 3), (1, 6, 7, 5, 2), (2, 9, 8, 1)]


def blobs(shape, seed):
    """Return labels in which each class is a region: each position has the class of the nearest of some points."""
    rng = np.random.default_rng(seed)
    classes = max(shape[-1], 2)
    grid = np.stack(np.meshgrid(*(np.arange(side) for side in shape[1:-1]), indexing="ij"), -1)
    points = rng.uniform(0, shape[1:-1], (shape[0], 2 * classes, len(shape) - 2))
    apart = ((grid[None, ..., None, :] - points.reshape(shape[0], *[1] * (len(shape) - 2), 2 * classes, -1)) ** 2).sum(
        -1
    )
    return apart.argmin(-1) % classes


def near(labels, shape, seed):
    """Return probabilities that say the labels moved by one position, not too surely; exact in float32."""
    moved = np.roll(labels, 1, 1)
    hot = moved[..., None] * 2.0 - 1 if shape[-1] == 1 else np.eye(shape[-1])[moved] * 3
    noise = np.random.default_rng(seed).normal(size=shape)
    return activate(torch.tensor((hot + noise).astype("float32"))).numpy()


def channels_first(loss):
    """Return a function of masks and predictions, channels last, from one of MONAI's with a value for each class."""

    def function(y, p):
        values = [
            loss(p[..., c : c + 1].movedim(-1, 1), y[..., c : c + 1].movedim(-1, 1)).reshape(len(y))
            for c in range(y.shape[-1])
        ]
        return torch.stack(values, -1)

    return function


def mean_of(function, *, from_logits=False, weight=None):
    """Return the (weighted) mean over the classes."""

    def of(y, p):
        values = function(y, activate(p) if from_logits else p)
        weights = torch.ones(values.shape[-1], dtype=values.dtype) if weight is None else torch.tensor(weight)
        return (values * weights).sum(-1) / weights.sum()

    return of


def cldice_of(iterations, smooth):
    # Its third constant is in no formula, and as good as 0 here.
    loss = monai.losses.SoftclDiceLoss(
        iter_=iterations, smooth_nr=smooth, smooth_dr=smooth, smooth=1e-300, reduction="none"
    )
    return channels_first(loss)


def cldice():
    for turn, (shape, iterations, from_logits) in enumerate(itertools.product(SHAPES, (0, 3, 6), (False, True))):
        labels = blobs(shape, turn)
        y_pred = predictions_of(shape, turn, from_logits=from_logits) if turn % 3 else near(labels, shape, turn)
        smooth = (1.0, 0.01)[turn % 2]
        named = {"iterations": iterations} if iterations != 3 else {}
        named |= {"smooth": smooth} if smooth != 1 else {}
        named |= {"from_logits": True} if from_logits else {}
        of = mean_of(cldice_of(iterations, smooth), from_logits=from_logits)
        yield case(text("cldice", named), f"{MONAI} SoftclDiceLoss of each class", labels, y_pred, of)
    shape = (2, 10, 9, 2)
    labels = blobs(shape, 50)
    of = mean_of(cldice_of(3, 1.0), weight=[0.0, 1.0])
    weighted = {"name": "cldice", "class_weight": [0, 1]}
    yield case(weighted, f"{MONAI} SoftclDiceLoss", labels, near(labels, shape, 50), of, note="without the background")


def boundary_cases():
    boundary = monai.losses.BoundaryLoss(reduction="none")
    hausdorff = {alpha: monai.losses.HausdorffDTLoss(alpha=alpha, reduction="none") for alpha in (2.0, 0.5)}
    for turn, (shape, from_logits) in enumerate(itertools.product(SHAPES, (False, True))):
        logits = {"from_logits": True} if from_logits else {}
        for labels, note in (
            (blobs(shape, turn), ""),
            (labels_of(shape, turn, missing=True), "classes that are absent"),
        ):
            y_pred = predictions_of(shape, turn + 20, from_logits=from_logits)
            if not from_logits and not note:
                y_pred = near(labels, shape, turn)
            of = mean_of(channels_first(boundary), from_logits=from_logits)
            yield case(text("boundary", logits), f"{MONAI} BoundaryLoss", labels, y_pred, of, note=note)
            for alpha, loss in hausdorff.items():
                named = {**({"alpha": alpha} if alpha != 2 else {}), **logits}
                of = mean_of(channels_first(loss), from_logits=from_logits)
                yield case(text("hausdorff", named), f"{MONAI} HausdorffDTLoss", labels, y_pred, of, note=note)
    shape = (2, 8, 9, 3)
    labels = blobs(shape, 60)
    y_pred = near(labels, shape, 60)
    weight = [0.0, 1.0, 3.0]
    for name, loss in (("boundary", boundary), ("hausdorff", hausdorff[2.0])):
        weighted = {"name": name, "class_weight": [0, 1, 3]}
        of = mean_of(channels_first(loss), weight=weight)
        yield case(weighted, f"{MONAI} {type(loss).__name__}", labels, y_pred, of, note="classes that weigh more")
    full = np.zeros(shape[:-1], "int64")
    for name, loss in (("boundary", boundary), ("hausdorff", hausdorff[2.0])):
        of = mean_of(channels_first(loss))
        yield case(name, f"{MONAI} {type(loss).__name__}", full, y_pred, of, note="one class is everywhere")


def nearest(at, seeds):
    """Return how far the positions `at` are from the nearest of the seeds; 0 elsewhere, and if there are no seeds."""
    return np.where(at & seeds.any(), distance_transform_edt(~seeds), 0.0)


def sides(mask, kept):
    return nearest(mask & kept, ~mask & kept), nearest(~mask & kept, mask & kept)


def boundary_by_hand(y, p, kept):
    within, beyond = sides(y.numpy() > 0.5, kept)
    return (p * torch.tensor(beyond - np.maximum(within - 1, 0))).sum() / kept.sum()


def hausdorff_by_hand(y, p, kept):
    far = sum(side**2 for mask in (y, p) for side in sides(mask.detach().numpy() > 0.5, kept))
    return (torch.tensor(far * kept) * (p - y) ** 2).sum() / kept.sum()


def ignored():
    """Yield cases with positions that do not count: they are on no side of a boundary."""
    for turn, shape in enumerate([(2, 9, 8, 3), (1, 4, 5, 6, 2), (2, 7, 6, 1)]):
        labels = blobs(shape, turn + 70)
        y_pred = near(labels, shape, turn + 70)
        kept = np.random.default_rng(turn).uniform(size=labels.shape) > 0.25
        for name, one in (("boundary", boundary_by_hand), ("hausdorff", hausdorff_by_hand)):

            def of(y, p, one=one, kept=kept):
                values = [
                    torch.stack([one(y[at, ..., c], p[at, ..., c], kept[at]) for c in range(y.shape[-1])]).mean()
                    for at in range(len(y))
                ]
                return torch.stack(values)

            # The reference takes the masks of the labels before some are ignored: it looks at none of those.
            known = case(
                text(name, {"ignore_class": 255}), SCIPY, labels, y_pred, of, note="positions that do not count"
            )
            yield replace(known, inputs={"y_true": np.where(kept, labels, 255), "y_pred": y_pred})


def cases():
    yield from cldice()
    yield from boundary_cases()
    yield from ignored()
