"""Losses between masks, from segmentation_models_pytorch, MONAI, pytorch_optimizer and by hand in torch's float64."""

import contextlib
import importlib
import importlib.metadata
import importlib.util
import itertools
import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from agreement.case import Case


def only(package, *modules):
    """Return modules of a package without running its ``__init__``, which needs much that the losses do not."""
    if package not in sys.modules:
        found = types.ModuleType(package)
        found.__path__ = [str(Path(importlib.util.find_spec(package).origin).parent)]
        sys.modules[package] = found
    return [importlib.import_module(f"{package}.{module}") for module in modules]


[smp] = only("segmentation_models_pytorch", "losses")
[po_tversky] = only("pytorch_optimizer", "loss.tversky")
import monai.losses

SMP = f"segmentation_models_pytorch {importlib.metadata.version('segmentation_models_pytorch')}"
MONAI = f"MONAI {importlib.metadata.version('monai')}"
PO = f"pytorch_optimizer {importlib.metadata.version('pytorch_optimizer')}"
HAND = f"torch {torch.__version__}, float64, by the definition"

# Samples, positions ..., classes.
SHAPES = [(1, 4, 5, 3), (3, 6, 4, 5), (2, 2, 3, 2, 4), (1, 16, 15), (1, 3, 3, 1), (4, 3, 5, 1)]
WEIGHTS = [(0.5, 0.5), (0.3, 0.7), (1.0, 0.1)]
POWERS = [0.75, 2.0]


@contextlib.contextmanager
def float64():
    """Let ``Tensor.float`` keep float64: the references call it on labels, and would calculate in float32."""
    as_float32 = torch.Tensor.float
    torch.Tensor.float = torch.Tensor.double
    try:
        yield
    finally:
        torch.Tensor.float = as_float32


def labels_of(shape, seed, *, missing=False):
    """Return labels of shape ``shape`` without the classes; every class is in every sample where there is room."""
    rng = np.random.default_rng(seed)
    classes, positions = shape[-1], int(np.prod(shape[1:-1]))
    found = rng.integers(0, max(classes, 2), (shape[0], positions))
    if not missing:
        for row in found:
            row[rng.permutation(positions)[: max(classes, 2)]] = np.arange(max(classes, 2))[:positions]
    else:
        found[found == 1] = 0
    return found.reshape(shape[:-1])


def one_hot(labels, classes):
    return labels[..., None].astype("float32") if classes == 1 else np.eye(classes, dtype="float32")[labels]


def activate(logits):
    return torch.sigmoid(logits) if logits.shape[-1] == 1 else torch.softmax(logits, -1)


def predictions_of(shape, seed, *, from_logits):
    """Return logits, or probabilities; both exact in float32."""
    logits = (np.random.default_rng(seed + 100).normal(size=shape) * 2).astype("float32")
    return logits if from_logits else activate(torch.tensor(logits)).numpy()


def case(component, reference, y_true, y_pred, function, *, note="", gradient=True, **more):
    """Return the case of ``function(masks, probabilities or logits)``, both channels last and float64."""
    masks = y_true
    if y_true.shape != y_pred.shape or y_true.dtype.kind == "i":
        masks = one_hot(y_true.reshape(y_pred.shape[:-1]), y_pred.shape[-1])
    at = torch.tensor(y_pred.astype("float64"), requires_grad=True)
    with float64():
        value = function(torch.tensor(masks.astype("float64")), at)
    expected = {"value": value.detach().numpy()}
    if gradient:
        [slope] = torch.autograd.grad(value.sum(), at)
        expected["gradient"] = slope.numpy().astype("float32")  # far within the tolerance, and half the file
    inputs = {"y_true": y_true, "y_pred": y_pred, **more}
    return Case(kind="loss", component=component, reference=reference, inputs=inputs, expected=expected, note=note)


def text(name, arguments):
    if not arguments:
        return name
    values = (f"{key}={str(value).lower()}" for key, value in arguments.items())
    return f"{name}:{','.join(values)}"


def by_sample(function):
    """Return a function of whole batches from one of single samples, which keep their first axis."""

    def batch(masks, predictions):
        pairs = zip(masks.split(1), predictions.split(1), strict=True)
        return torch.stack([function(y, p) for y, p in pairs])

    return batch


def by_class(function):
    """Return a function of samples from one of two flat masks, as the mean over the classes; the labels choose none."""
    return by_sample(lambda y, p: torch.stack([function(y[..., c], p[..., c]) for c in range(y.shape[-1])]).mean())


def smp_of(loss, *, present_only=False, each_class=False, **arguments):
    """Return one of segmentation_models_pytorch's losses as a function of masks and predictions, channels last."""

    def function(y, p):
        classes = y.shape[-1]
        channels = p.movedim(-1, 1)
        if classes == 1:
            return loss(mode="binary", **arguments)(channels, y.movedim(-1, 1))
        labels = y.argmax(-1)
        chosen = sorted(set(labels.flatten().tolist())) if present_only else list(range(classes))
        if each_class:  # its power is that of the mean over the classes, and the paper's that of each class
            losses = [loss(mode="multiclass", classes=[c], **arguments)(channels, labels) for c in chosen]
            return torch.stack(losses).mean()
        return loss(mode="multiclass", classes=chosen, **arguments)(channels, labels)

    return by_sample(function)


def overlap():
    """Yield the cases of what is one loss for each sample."""
    for turn, (shape, from_logits) in enumerate(itertools.product(SHAPES, (False, True))):
        labels = labels_of(shape, turn)
        y_true = (labels, labels[..., None], one_hot(labels, shape[-1]))[turn % 3]
        y_pred = predictions_of(shape, turn, from_logits=from_logits)
        logits = {"from_logits": True} if from_logits else {}
        for smooth in (0.0, 1.5):
            named = {**({"smooth": smooth} if smooth else {}), **logits}
            # Its `smooth` goes with half of the sums of Dice's formula.
            of = smp_of(smp.DiceLoss, smooth=smooth / 2, from_logits=from_logits)
            yield case(text("soft_dice", named), f"{SMP} DiceLoss", y_true, y_pred, of)
            of = smp_of(smp.JaccardLoss, smooth=smooth, from_logits=from_logits)
            yield case(text("jaccard", named), f"{SMP} JaccardLoss", y_true, y_pred, of)
            alpha, beta = WEIGHTS[(turn // 2 + bool(smooth)) % 3]
            gamma = POWERS[turn % 2]
            weights = {"alpha": alpha, "beta": beta}
            common = {**weights, "smooth": smooth, "from_logits": from_logits}
            of = smp_of(smp.TverskyLoss, **common)
            yield case(text("tversky", {**weights, **named}), f"{SMP} TverskyLoss", y_true, y_pred, of)
            of = smp_of(smp.TverskyLoss, each_class=True, gamma=gamma, **common)
            arguments = {**weights, **({} if gamma == POWERS[0] else {"gamma": gamma}), **named}
            yield case(text("focal_tversky", arguments), f"{SMP} TverskyLoss of each class", y_true, y_pred, of)
        of = _squared(from_logits=from_logits)
        yield case(text("soft_dice", {"squared": True, **logits}), f"{MONAI} DiceLoss", y_true, y_pred, of)
        of = _generalized(from_logits=from_logits)
        yield case(text("generalized_dice", logits), f"{MONAI} GeneralizedDiceLoss", y_true, y_pred, of)
    yield from _po_tversky()


def _squared(*, from_logits):
    def function(y, p):
        p = activate(p) if from_logits else p
        loss = monai.losses.DiceLoss(squared_pred=True, smooth_nr=0.0, smooth_dr=0.0, reduction="none")
        return loss(p.movedim(-1, 1), y.movedim(-1, 1)).flatten(1).mean(-1)

    return function


def _generalized(*, from_logits):
    def function(y, p):
        p = activate(p) if from_logits else p
        loss = monai.losses.GeneralizedDiceLoss(smooth_nr=0.0, smooth_dr=0.0, reduction="none")
        return loss(p.movedim(-1, 1), y.movedim(-1, 1)).flatten()

    return function


def _po_tversky():
    shape = (2, 4, 3, 1)
    y_true, y_pred = labels_of(shape, 7), predictions_of(shape, 7, from_logits=True)
    of = by_sample(lambda y, p: po_tversky.TverskyLoss(alpha=0.2, beta=0.9, smooth=0.5)(p, y))
    named = {"alpha": 0.2, "beta": 0.9, "smooth": 0.5, "from_logits": True}
    yield case(text("tversky", named), PO + " TverskyLoss", y_true, y_pred, of)


def dice_of(smooth=0.0):
    return lambda y, p: 1 - (2 * (y * p).sum() + smooth) / (y.sum() + p.sum() + smooth)


def jaccard_of(smooth=0.0):
    return lambda y, p: 1 - ((y * p).sum() + smooth) / (y.sum() + p.sum() - (y * p).sum() + smooth)


def tversky_of(alpha=0.5, beta=0.5, smooth=0.0, gamma=1.0):
    def function(y, p):
        right, too_much, too_little = (y * p).sum(), ((1 - y) * p).sum(), (y * (1 - p)).sum()
        return (1 - (right + smooth) / (right + alpha * too_much + beta * too_little + smooth)) ** gamma

    return function


def _generalized_by_hand(*, count_absent):
    def function(y, p):
        sizes = [float(y[..., c].sum()) for c in range(y.shape[-1])]
        known = [1 / size**2 for size in sizes if size]
        otherwise = max(known, default=1.0) if count_absent else 0.0
        above, below = torch.zeros((), dtype=p.dtype), torch.zeros((), dtype=p.dtype)
        for c, size in enumerate(sizes):
            weight = 1 / size**2 if size else otherwise
            above = above + weight * (y[..., c] * p[..., c]).sum()
            below = below + weight * (y[..., c].sum() + p[..., c].sum())
        return 1 - 2 * above / below

    return by_sample(function)


def absent():
    """Yield cases with classes that a sample has none of, and with an empty mask."""
    for seed, shape in enumerate([(2, 4, 3, 4), (2, 1, 1, 2)]):
        y_true = labels_of(shape, seed + 20, missing=True)
        y_pred = predictions_of(shape, seed + 20, from_logits=False)
        note = "classes that are absent"
        for smooth in (0.0, 2.0)[: 2 - seed]:
            named = {"smooth": smooth} if smooth else {}
            left_out = {**named, "count_absent": False}
            yield case(text("soft_dice", named), HAND, y_true, y_pred, by_class(dice_of(smooth)), note=note)
            yield case(text("jaccard", named), HAND, y_true, y_pred, by_class(jaccard_of(smooth)), note=note)
            yield case(text("tversky", named), HAND, y_true, y_pred, by_class(tversky_of(smooth=smooth)), note=note)
            of = by_class(tversky_of(smooth=smooth, gamma=0.75))
            yield case(text("focal_tversky", named), HAND, y_true, y_pred, of, note=note)
            for name, loss, more in (
                ("soft_dice", smp.DiceLoss, {"smooth": smooth / 2}),
                ("jaccard", smp.JaccardLoss, {"smooth": smooth}),
                ("tversky", smp.TverskyLoss, {"smooth": smooth}),
                ("focal_tversky", smp.TverskyLoss, {"smooth": smooth, "each_class": True, "gamma": 0.75}),
            ):
                of = smp_of(loss, from_logits=False, present_only=True, **more)
                yield case(text(name, left_out), f"{SMP} {loss.__name__}", y_true, y_pred, of, note=note)
        of = _generalized(from_logits=False)
        yield case("generalized_dice", MONAI + " GeneralizedDiceLoss", y_true, y_pred, of, note=note)
        of = _generalized_by_hand(count_absent=False)
        yield case("generalized_dice:count_absent=false", HAND, y_true, y_pred, of, note=note)
    shape, note = (2, 3, 2, 1), "an empty mask"
    y_true, y_pred = np.zeros(shape, "float32"), predictions_of(shape, 30, from_logits=False)
    yield case("soft_dice", HAND, y_true, y_pred, by_class(dice_of()), note=note)
    yield case("soft_dice:smooth=0.1", HAND, y_true, y_pred, by_class(dice_of(0.1)), note=note)
    yield case("jaccard", HAND, y_true, y_pred, by_class(jaccard_of()), note=note)
    yield case("tversky:smooth=0.1", HAND, y_true, y_pred, by_class(tversky_of(smooth=0.1)), note=note)
    yield case("generalized_dice", HAND, y_true, y_pred, _generalized_by_hand(count_absent=True), note=note)


def edges():
    """Yield cases with certain predictions, right and wrong, and with soft labels."""
    shape = (2, 4, 3, 3)
    labels = labels_of(shape, 40)
    masks, wrong = one_hot(labels, 3), one_hot((labels + 1) % 3, 3)
    nearly = masks.copy()
    nearly[0, 0, 0] = [0.25, 0.5, 0.25]
    named = (
        ("soft_dice", dice_of()),
        ("jaccard", jaccard_of()),
        ("tversky:alpha=0.2,beta=0.7", tversky_of(0.2, 0.7)),
        ("focal_tversky", tversky_of(gamma=0.75)),
    )
    for component, function in named:
        of = by_class(function)
        # At an exact match the power's slope is infinite; what kzoo makes of it is in its own tests.
        smooth = not component.startswith("focal")
        yield case(component, HAND, labels, masks, of, note="an exact match", gradient=smooth)
        yield case(component, HAND, labels, wrong, of, note="certain and wrong")
        yield case(component, HAND, labels, nearly, of, note="one position is wrong", gradient=smooth)
    for note, y_pred in (("an exact match", masks), ("certain and wrong", wrong), ("one position is wrong", nearly)):
        yield case("generalized_dice", HAND, labels, y_pred, _generalized_by_hand(count_absent=True), note=note)
    soft = predictions_of(shape, 41, from_logits=False)
    y_pred = predictions_of(shape, 42, from_logits=False)
    for component, function in named:
        yield case(component, HAND, soft, y_pred, by_class(function), note="soft labels")
    yield case("generalized_dice", HAND, soft, y_pred, _generalized_by_hand(count_absent=True), note="soft labels")


def ignoring(component, reference, labels, kept, y_pred, function, note="positions that are ignored"):
    """Return the case of ``function(masks, predictions, kept)``, which kzoo is to find from labels of 255."""
    # The masks are those of the labels before some are ignored; the function sees to it that it looks at none of those.
    known = case(component, reference, labels, y_pred, lambda y, p: function(y, p, kept), note=note)
    return replace(known, inputs={"y_true": np.where(kept, labels, 255), "y_pred": y_pred})


def kept_of(labels, classes, seed):
    """Return which positions count: most, and some of each class in each sample."""
    for more in range(100):
        kept = np.random.default_rng(seed + 1000 * more).uniform(size=labels.shape) < 0.7
        if all(set(np.unique(row[on])) == set(range(classes)) for row, on in zip(labels, kept, strict=True)):
            return kept
    raise AssertionError(labels.shape)


def with_255(masks, kept):
    """Return class indices of masks (N, ..., K), with the label 255 where a position is ignored."""
    labels = masks[..., 0] if masks.shape[-1] == 1 else masks.argmax(-1)
    return torch.where(torch.tensor(kept), labels, 255)


def smp_ignoring(loss, **arguments):
    """Return one of segmentation_models_pytorch's losses that ignores the label 255, sample by sample."""
    mode = {1: "binary"}

    def function(y, p, kept):
        made = loss(mode=mode.get(y.shape[-1], "multiclass"), ignore_index=255, **arguments)
        samples = zip(with_255(y, kept).split(1), p.movedim(-1, 1).split(1), strict=True)
        return torch.stack([made(channels, labels) for labels, channels in samples])

    return function


def ignored_and_weighed():
    """Yield cases of an ignored label, and of weights of the classes."""
    for turn, shape in enumerate([(3, 6, 5, 3), (2, 3, 4, 3, 2), (2, 5, 4, 1)]):
        labels = labels_of(shape, turn + 60)
        kept = kept_of(labels, max(shape[-1], 2), turn)
        from_logits = turn % 2 == 1
        y_pred = predictions_of(shape, turn + 60, from_logits=from_logits)
        named = {"ignore_class": 255, **({"from_logits": True} if from_logits else {})}
        for name, loss, own, theirs in (
            ("soft_dice", smp.DiceLoss, {}, {}),
            ("soft_dice", smp.DiceLoss, {"smooth": 1.5}, {"smooth": 0.75}),
            ("jaccard", smp.JaccardLoss, {"smooth": 1.5}, {"smooth": 1.5}),
            ("tversky", smp.TverskyLoss, {"alpha": 0.3, "beta": 0.7}, {"alpha": 0.3, "beta": 0.7}),
        ):
            of = smp_ignoring(loss, from_logits=from_logits, **theirs)
            reference = f"{SMP} {loss.__name__} with ignore_index"
            yield ignoring(text(name, {**own, **named}), reference, labels, kept, y_pred, of)
    shape, weights = (3, 6, 5, 4), [0.5, 0.0, 3.0, 1.0]
    labels, y_pred = labels_of(shape, 80), predictions_of(shape, 80, from_logits=False)
    for name, loss in (("soft_dice", smp.DiceLoss), ("jaccard", smp.JaccardLoss), ("tversky", smp.TverskyLoss)):
        of = smp_of(loss, from_logits=False, class_weights=weights)
        weighed = {"name": name, "class_weight": weights}
        yield case(weighed, f"{SMP} {loss.__name__} with class_weights", labels, y_pred, of, note="weights of classes")
        moved = {"name": name, "class_weight": weights, "axis": 1}
        known = case(name, f"{SMP} {loss.__name__} with class_weights", labels, y_pred, of, note="channels first")
        first = {
            key: np.moveaxis(value, -1, 1) for key, value in (("y_pred", y_pred), ("g", known.expected["gradient"]))
        }
        expected = {**known.expected, "gradient": first["g"]}
        yield replace(known, component=moved, inputs={"y_true": labels, "y_pred": first["y_pred"]}, expected=expected)


def cases():
    yield from overlap()
    yield from absent()
    yield from edges()
    yield from ignored_and_weighed()
