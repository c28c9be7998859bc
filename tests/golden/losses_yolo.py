"""YOLOv3's loss, place by place from the paper: crossentropies from torch, box losses from torchvision."""

import functools

import numpy as np
import torch
import torchvision
from agreement.case import Case
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from torchvision.ops import (
    box_iou,
    complete_box_iou_loss,
    distance_box_iou_loss,
    generalized_box_iou_loss,
    sigmoid_focal_loss,
)

REFERENCE = f"torchvision {torchvision.__version__}, torch {torch.__version__}, place by place"
LIBRARY = {"giou": generalized_box_iou_loss, "diou": distance_box_iou_loss, "ciou": complete_box_iou_loss}
ANCHORS = {32: [(0.5, 0.4), (0.3, 0.6)], 16: [(0.1, 0.15), (0.2, 0.1)]}


def labels(images, classes, *, seed, scale=1.0, size=(64, 96), taken=0.2):
    """Return y_true as the loss takes it: places with random boxes in them, some that do not count."""
    rng = np.random.default_rng(seed)
    height, width = size
    rows = []
    for stride, anchors in ANCHORS.items():
        for row in range(height // stride):
            for column in range(width // stride):
                for anchor in anchors:
                    grid = (width // stride, height // stride)
                    place = [column, row, *grid, *anchor, scale]
                    for image in range(images):
                        state = rng.choice([1, 0, -1], p=[taken, 0.9 - taken, 0.1])
                        box, hot = np.zeros(4), np.zeros(classes)
                        if state == 1:
                            box[:2] = (np.array([column, row]) + rng.uniform(0.05, 0.95, 2)) / grid
                            box[2:] = np.array(anchor) * rng.uniform(0.5, 2, 2)
                            hot[rng.integers(classes)] = 1
                        rows.append((image, [*box, state, *hot, *place]))
    return np.array([[row for at, row in rows if at == image] for image in range(images)], "float32")


def corners(x, y, w, h):
    """Return x1, y1, x2, y2."""
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2])


def with_bins(true, bins):
    """Return labels of places that say sides by bins, the boxes cut to what these reach, as a pipeline cuts them."""
    column, row, across, down = (true[..., at] for at in (-7, -6, -5, -4))
    cut = true.copy()
    for centre, side, cell, cells in ((0, 2, column, across), (1, 3, row, down)):
        low, high = ((true[..., centre] + end * true[..., side]) * cells for end in (-0.5, 0.5))
        low, high = np.clip(low, cell + 2.001 - bins, cell + 0.999), np.clip(high, cell + 0.001, cell + bins - 1.001)
        held = true[..., 4] == 1
        cut[..., centre] = np.where(held, (low + high) / 2 / cells, 0)
        cut[..., side] = np.where(held, (high - low) / cells, 0)
    return np.concatenate([cut, np.full((*true.shape[:-1], 1), 3, true.dtype)], -1)


def side_means(logits):
    """Return the distances of left, top, right and bottom from the cell's centre: bins begin half a cell beyond it."""
    numbers = torch.arange(logits.shape[-1], dtype=logits.dtype)
    return (torch.softmax(logits, -1) * (numbers - 0.5)).sum(-1)


def distribution_focal(true, logits):
    """Return the mean of two crossentropies for each side, as in the authors' program; ``true`` in bins."""
    left = true.floor().long()
    near, far = (cross_entropy(logits, at, reduction="none") for at in (left, left + 1))
    return (near * (left + 1 - true) + far * (true - left)).mean()


def parts_of_bins(true, pred, *, bins, box="ciou", ignore=0.5, sides=""):
    """Return the parts of one image's loss, whose places say the sides of boxes by bins."""
    zero, one = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)
    found = dict.fromkeys(("box", "sides", "objectness", "class"), zero)
    held = [t for t in true if t[4] == 1]
    for t, p in zip(true, pred, strict=True):
        column, row, across, down = t[-8:-4]
        logits, objectness, classes = p[: 4 * bins].reshape(4, bins), p[4 * bins], p[4 * bins + 1 :]
        x, y = column + 0.5, row + 0.5
        l, u, r, d = side_means(logits)  # noqa: E741 - as in the paper
        said = torch.stack([torch.minimum(x - l, x + r), torch.minimum(y - u, y + d),
                            torch.maximum(x - l, x + r), torch.maximum(y - u, y + d)])  # fmt: skip
        there = corners(t[0] * across, t[1] * down, t[2] * across, t[3] * down)
        if t[4] == 1:
            weight = 2 - t[2] * t[3]
            found["box"] = found["box"] + weight * LIBRARY[box](said[None], there[None])[0]
            if sides:
                lengths = torch.stack([x - there[0], y - there[1], there[2] - x, there[3] - y]) + 0.5
                found["sides"] = found["sides"] + 0.2 * weight * distribution_focal(lengths, logits)
            found["class"] = found["class"] + binary_cross_entropy_with_logits(classes, t[5:-8], reduction="sum")
            label = one
        elif t[4] == 0:
            others = [corners(k[0] * across, k[1] * down, k[2] * across, k[3] * down) for k in held]
            if others and box_iou(said.detach()[None], torch.stack(others)).max() > ignore:
                continue
            label = zero
        else:
            continue
        found["objectness"] = found["objectness"] + binary_cross_entropy_with_logits(objectness, label)
    return found


def parts(true, pred, *, box="mse", objectness="crossentropy", ignore=0.5, gamma=2.0, label_smoothing=0.0):
    """Return the three parts of one image's loss."""
    said, there = [], []
    for t, p in zip(true, pred, strict=True):
        column, row, across, down, aw, ah, s = t[-7:]
        x = column + torch.sigmoid(p[0]) * s - (s - 1) / 2
        y = row + torch.sigmoid(p[1]) * s - (s - 1) / 2
        said.append((x, y, torch.exp(p[2]) * aw * across, torch.exp(p[3]) * ah * down))
        there.append((t[0] * across, t[1] * down, t[2] * across, t[3] * down))
    found = {"box": torch.zeros((), dtype=torch.float64)}
    found |= {"objectness": found["box"], "class": found["box"]}
    held = [number for number, t in enumerate(true) if t[4] == 1]
    for number, (t, p) in enumerate(zip(true, pred, strict=True)):
        one, zero = torch.ones((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
        if t[4] == 1:
            (x, y, w, h), (tx, ty, tw, th) = said[number], there[number]
            if box == "mse":
                aw, ah = t[-3], t[-2]
                error = (x - tx) ** 2 + (y - ty) ** 2
                error = (error + (p[2] - torch.log(t[2] / aw)) ** 2 + (p[3] - torch.log(t[3] / ah)) ** 2) / 2
            else:
                error = LIBRARY[box](corners(x, y, w, h)[None], corners(tx, ty, tw, th)[None])[0]
            found["box"] = found["box"] + (2 - t[2] * t[3]) * error
            hot = t[5:-7] * (1 - label_smoothing) + label_smoothing / 2
            found["class"] = found["class"] + binary_cross_entropy_with_logits(p[5:], hot, reduction="sum")
            label = one
        elif t[4] == 0:
            mine = corners(*said[number]).detach()[None]
            # The boxes of all grids are compared in the cells of the place itself: for each grid its own cells.
            across, down = t[-5], t[-4]
            others = [
                corners(true[k][0] * across, true[k][1] * down, true[k][2] * across, true[k][3] * down) for k in held
            ]
            if others and ignore < 1 and box_iou(mine, torch.stack(others)).max() > ignore:
                continue
            label = zero
        else:
            continue
        if objectness == "focal":
            loss = sigmoid_focal_loss(p[4], label, alpha=-1, gamma=gamma)
        else:
            loss = binary_cross_entropy_with_logits(p[4], label)
        found["objectness"] = found["objectness"] + loss
    return found


def _case(y_true, y_pred, *, note="", weights=(1, 1, 1), bins=0, **arguments):
    if bins:
        weights, read = (1, 1, 1, 1), functools.partial(parts_of_bins, bins=bins)
    else:
        read = parts
    true, pred = (
        torch.tensor(y_true, dtype=torch.float64),
        torch.tensor(y_pred, dtype=torch.float64, requires_grad=True),
    )
    value = torch.stack([
        sum(w * part for w, part in zip(weights, read(t, p, **arguments).values(), strict=True))
        for t, p in zip(true, pred, strict=True)
    ])  # fmt: skip
    (gradient,) = torch.autograd.grad(value.sum(), pred)
    named = (
        dict(zip(("box_weight", "objectness_weight", "class_weight"), weights, strict=True))
        if set(weights) != {1}
        else {}
    )
    return Case(
        kind="loss",
        component={"name": "yolo", **arguments, **named},
        reference=REFERENCE,
        inputs={"y_true": y_true, "y_pred": y_pred},
        expected={"value": value.detach().numpy().mean(), "gradient": gradient.numpy() / len(y_true)},
        note=note,
    )


def cases():
    """Yield every case."""
    variants = [
        {},
        {"box": "giou"},
        {"box": "diou", "objectness": "focal"},
        {"box": "ciou", "label_smoothing": 0.1},
        {"objectness": "focal", "gamma": 1.5, "ignore": 0.3},
        {"ignore": 1.0},
        {"box": "giou", "weights": (3, 0.5, 2)},
    ]
    for seed, arguments in enumerate(variants):
        y_true = labels(2, 3, seed=seed, scale=1.0 if seed % 2 else 1.25)
        y_pred = np.random.default_rng(50 + seed).normal(size=(*y_true.shape[:2], 8)).astype("float32")
        yield _case(y_true, y_pred, **arguments)
    empty = labels(1, 2, seed=1, taken=0.0)
    yield _case(empty, np.random.default_rng(9).normal(size=(1, empty.shape[1], 7)).astype("float32"), note="no boxes")
    full = labels(1, 1, seed=2, taken=0.9)
    yield _case(full, np.zeros((1, full.shape[1], 6), "float32"), box="ciou", note="a box at most places, one class")
    for seed, (bins, arguments) in enumerate([(16, {"sides": "dfl"}), (8, {"box": "giou"}), (4, {"sides": "dfl"})]):
        y_true = with_bins(labels(2, 2, seed=80 + seed), bins)
        y_pred = np.random.default_rng(90 + seed).normal(size=(*y_true.shape[:2], 4 * bins + 3)).astype("float32")
        yield _case(y_true, y_pred * 2, bins=bins, note=f"sides of {bins} bins", **arguments)
