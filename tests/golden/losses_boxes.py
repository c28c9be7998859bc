"""Losses between boxes, from torchvision and by hand in torch's float64."""

import math

import numpy as np
import torch
import torchvision
from agreement.case import Case
from torchvision.ops import complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss

TORCHVISION = f"torchvision {torchvision.__version__}"
HAND = f"torch {torch.__version__}, float64, by the definition"
CROSSENTROPY = f"torch {torch.__version__} cross_entropy of the two bins, float64"
LIBRARY = {"giou": generalized_box_iou_loss, "diou": distance_box_iou_loss, "ciou": complete_box_iou_loss}

BASE = [10.0, 20.0, 50.0, 40.0]
PAIRS = {
    "one holds the other": ([12.0, 22.0, 30.0, 39.0], BASE),
    "one is in the other": ([5.0, 10.0, 64.0, 70.0], BASE),
    "apart along x": ([60.0, 21.0, 90.0, 39.0], BASE),
    "apart along both": ([60.0, 55.0, 90.0, 139.0], BASE),
    "corners that overlap": ([30.0, 30.0, 90.0, 139.0], BASE),
    "a wide one against a tall one": ([0.0, 27.0, 100.0, 31.0], [45.0, 0.0, 49.0, 90.0]),
}
# Where edges meet, the slope has a corner, and libraries choose among its sides. One batch: the loss of an exact match
# alone, `eps` over its area, is less than float32 can tell from 0.
TOUCHING = {
    "an exact match": (BASE, BASE),
    "edges that touch": ([50.0, 20.0, 70.0, 40.0], BASE),
    "a box without height": ([12.0, 30.0, 30.0, 30.0], BASE),
    "a box without width": ([12.0, 22.0, 12.0, 30.0], BASE),
    "a point": ([12.0, 30.0, 12.0, 30.0], BASE),
    "two boxes without height": ([12.0, 30.0, 30.0, 30.0], [12.0, 30.0, 40.0, 30.0]),
    "a point twice": ([12.0, 30.0, 12.0, 30.0], [12.0, 30.0, 12.0, 30.0]),
}


def boxes(shape, seed, scale):
    """Return boxes with sides above 0, exact in float32."""
    rng = np.random.default_rng(seed)
    corner, sides = rng.uniform(0, 0.6, (*shape, 2)), rng.uniform(0.1, 0.4, (*shape, 2))
    return (np.concatenate([corner, corner + sides], -1) * scale).astype("float32")


def by_hand(name, eps):
    """Return a function of one pair of boxes: the paper's formula, number by number."""

    def function(true, pred):
        (a, b, c, d), (e, f, g, h) = true.unbind(), pred.unbind()
        inter = torch.relu(torch.minimum(c, g) - torch.maximum(a, e)) * torch.relu(
            torch.minimum(d, h) - torch.maximum(b, f)
        )
        union = (c - a) * (d - b) + (g - e) * (h - f) - inter
        wide = torch.maximum(c, g) - torch.minimum(a, e)
        high = torch.maximum(d, h) - torch.minimum(b, f)
        apart = 1 - inter / (union + eps)
        if name == "giou":
            return apart + (wide * high - union) / (wide * high + eps)
        centres = ((a + c) / 2 - (e + g) / 2) ** 2 + ((b + d) / 2 - (f + h) / 2) ** 2
        value = apart + centres / (wide**2 + high**2 + eps)
        if name == "diou":
            return value
        v = 4 / math.pi**2 * (_angle(c - a, d - b) - _angle(g - e, h - f)) ** 2
        return value + (v / (apart + v + eps)).detach() * v

    return lambda true, pred: torch.stack([function(t, p) for t, p in zip(true, pred, strict=True)])


def siou_of(theta=4.0, eps=1e-7):
    """Return a function of pairs of boxes: the paper's formula with its angle, number by number."""

    def function(true, pred):
        (a, b, c, d), (e, f, g, h) = true.unbind(), pred.unbind()
        across, down = (a + c) / 2 - (e + g) / 2, (b + d) / 2 - (f + h) / 2
        far = torch.sqrt(across**2 + down**2)
        sine = torch.minimum(abs(across), abs(down)) / far
        angle = 1 - 2 * torch.sin(torch.arcsin(sine) - math.pi / 4) ** 2
        # Against kzoo's `eps` in the denominator, which the paper does not have.
        angle = angle * far**2 / (far**2 + eps)
        wide = torch.maximum(c, g) - torch.minimum(a, e)
        high = torch.maximum(d, h) - torch.minimum(b, f)
        gamma = 2 - angle
        distance = 2 - torch.exp(-gamma * across**2 / (wide**2 + eps)) - torch.exp(-gamma * down**2 / (high**2 + eps))
        shape = 0
        for one, other in ((c - a, g - e), (d - b, h - f)):
            wrong = abs(one - other) / (torch.maximum(one, other) + math.sqrt(eps))
            shape = shape + (1 - torch.exp(-wrong)) ** theta
        shared = torch.relu(torch.minimum(c, g) - torch.maximum(a, e))
        shared = shared * torch.relu(torch.minimum(d, h) - torch.maximum(b, f))
        union = (c - a) * (d - b) + (g - e) * (h - f) - shared
        return 1 - shared / (union + eps) + (distance + shape) / 2

    return lambda true, pred: torch.stack([function(t, p) for t, p in zip(true, pred, strict=True)])


def wiou_of(eps=1e-7):
    """Return a function of pairs of boxes: the paper's formula of version 1, number by number."""

    def function(true, pred):
        (a, b, c, d), (e, f, g, h) = true.unbind(), pred.unbind()
        centres = ((a + c) / 2 - (e + g) / 2) ** 2 + ((b + d) / 2 - (f + h) / 2) ** 2
        wide = torch.maximum(c, g) - torch.minimum(a, e)
        high = torch.maximum(d, h) - torch.minimum(b, f)
        weight = torch.exp(centres / (wide**2 + high**2 + eps).detach())
        shared = torch.relu(torch.minimum(c, g) - torch.maximum(a, e))
        shared = shared * torch.relu(torch.minimum(d, h) - torch.maximum(b, f))
        union = (c - a) * (d - b) + (g - e) * (h - f) - shared
        return weight * (1 - shared / (union + eps))

    return lambda true, pred: torch.stack([function(t, p) for t, p in zip(true, pred, strict=True)])


def dfl_of(true, logits):
    """Return the mean of two crossentropies for each number, as in the paper's authors' program."""
    bins = logits.numel() // true.numel()
    flat, logits = true.flatten(), logits.reshape(-1, bins)
    left = flat.floor().clamp(max=bins - 2).long()
    near, far = (torch.nn.functional.cross_entropy(logits, at, reduction="none") for at in (left, left + 1))
    return (near * (left + 1 - flat) + far * (flat - left)).reshape(true.shape).mean(-1)


def bins_cases():
    for seed, (shape, sides, bins) in enumerate(
        [((1,), 4, 16), ((6,), 4, 2), ((2, 5), 4, 17), ((3,), 1, 8), ((4,), 3, 5)]
    ):
        rng = np.random.default_rng(seed)
        y_true = rng.uniform(0, bins - 1, (*shape, sides)).astype("float32")
        y_pred = (rng.normal(size=(*shape, sides * bins)) * 3).astype("float32")
        yield case("dfl", CROSSENTROPY, y_true, y_pred, dfl_of)
        yield case("dfl", CROSSENTROPY, y_true, y_pred.reshape(*shape, sides, bins), dfl_of, note="an axis of bins")
        whole = rng.integers(0, bins, (*shape, sides)).astype("float32")
        whole.flat[:2] = [0, bins - 1][: whole.size]
        yield case("dfl", CROSSENTROPY, whole, y_pred, dfl_of, note="whole numbers, the first bin and the last")


def _angle(width, height):
    if height.item() == 0:
        return torch.tensor(math.pi / 2 if width.item() else math.pi / 4, dtype=width.dtype)
    return torch.atan(width / height)


def case(component, reference, y_true, y_pred, function, *, note="", gradient=True):
    at = torch.tensor(y_pred.astype("float64"), requires_grad=True)
    value = function(torch.tensor(y_true.astype("float64")), at)
    expected = {"value": value.detach().numpy()}
    if gradient:
        [slope] = torch.autograd.grad(value.sum(), at)
        expected["gradient"] = slope.numpy()
    inputs = {"y_true": y_true, "y_pred": y_pred}
    return Case(kind="loss", component=component, reference=reference, inputs=inputs, expected=expected, note=note)


def cases():
    for name, loss in LIBRARY.items():
        reference = f"{TORCHVISION} {loss.__name__}"

        def of(true, pred, loss=loss, **arguments):
            flat = loss(pred.reshape(-1, 4), true.reshape(-1, 4), **arguments)
            return flat.reshape(pred.shape[:-1])

        for seed, (shape, scale) in enumerate([((1,), 100), ((7,), 1), ((40,), 640), ((2, 3, 4), 32)]):
            y_true, y_pred = boxes(shape, seed, scale), boxes(shape, seed + 10, scale)
            yield case(name, reference, y_true, y_pred, of)
        y_true, y_pred = boxes((6,), 20, 1), boxes((6,), 21, 1)
        # torchvision's `eps` reaches only a part of its complete loss.
        of_eps = by_hand("ciou", 0.05) if name == "ciou" else (lambda t, p, of=of: of(t, p, eps=0.05))
        yield case(f"{name}:eps=0.05", HAND if name == "ciou" else reference, y_true, y_pred, of_eps)
        for note, (pred, true) in PAIRS.items():
            y_true, y_pred = np.array([true], "float32"), np.array([pred], "float32")
            yield case(name, reference, y_true, y_pred, of, note=note)
        pred, true = (np.array(side, "float32") for side in zip(*TOUCHING.values(), strict=True))
        yield case(name, HAND, true, pred, by_hand(name, 1e-7), note=", ".join(TOUCHING), gradient=False)
    for seed, (count, scale) in enumerate([(1, 100), (7, 1), (40, 640)]):
        y_true, y_pred = boxes((count,), seed + 30, scale), boxes((count,), seed + 40, scale)
        for arguments in ({}, {"theta": 2.0}, {"theta": 5.5, "eps": 0.01}):
            text = ",".join(f"{key}={value}" for key, value in arguments.items())
            yield case(f"siou:{text}".rstrip(":"), HAND, y_true, y_pred, siou_of(**arguments))
    for note, (pred, true) in PAIRS.items():
        yield case("siou", HAND, np.array([true], "float32"), np.array([pred], "float32"), siou_of(), note=note)
    for seed, (count, scale) in enumerate([(1, 100), (7, 1), (40, 640)]):
        y_true, y_pred = boxes((count,), seed + 50, scale), boxes((count,), seed + 60, scale)
        yield case("wiou", HAND, y_true, y_pred, wiou_of())
        yield case("wiou:eps=0.01", HAND, y_true, y_pred, wiou_of(0.01))
    for note, (pred, true) in PAIRS.items():
        yield case("wiou", HAND, np.array([true], "float32"), np.array([pred], "float32"), wiou_of(), note=note)
    pred, true = (np.array(side, "float32") for side in zip(*TOUCHING.values(), strict=True))
    yield case("wiou", HAND, true, pred, wiou_of(), note=", ".join(TOUCHING), gradient=False)
    yield from bins_cases()
