"""The Lovasz losses, from segmentation_models_pytorch, pytorch_optimizer and by hand in torch's float64."""

import itertools

import numpy as np
import torch
from losses_segmentation import (
    HAND,
    PO,
    SHAPES,
    SMP,
    activate,
    by_sample,
    case,
    ignoring,
    kept_of,
    labels_of,
    one_hot,
    only,
    predictions_of,
    text,
    with_255,
)

[smp_lovasz] = only("segmentation_models_pytorch", "losses.lovasz")
[po_lovasz] = only("pytorch_optimizer", "loss.lovasz")


def lovasz_softmax_of(*, classes="present", from_logits=False):
    def function(y, p):
        p = activate(p) if from_logits else p
        # Positions in a plane: it takes a batch with one axis of positions for one without channels.
        y, p = (value.reshape(len(value), -1, 1, value.shape[-1]).movedim(-1, 1) for value in (y, p))
        if p.shape[1] > 1:
            return smp_lovasz._lovasz_softmax(p, y.argmax(1), classes=classes)
        # It takes a single channel only for a class of number 0; here the mask is that of class 1.
        return smp_lovasz._lovasz_softmax(torch.cat([1 - p, p], 1), y[:, 0], classes=[1])

    return function


def cases():
    """Yield the cases of the Lovasz losses: of the batch one number, of images one for each."""
    softmax, hinge = SMP + " _lovasz_softmax", SMP + " _lovasz_hinge"
    for turn, (shape, per_image) in enumerate(itertools.product([*SHAPES, (2, 1, 1, 2)], (False, True))):
        missing = turn % 3 == 0
        labels = labels_of(shape, turn + 50, missing=missing)
        y_true = (labels, labels[..., None], one_hot(labels, shape[-1]))[turn % 3]
        note = "classes that are absent" if missing else ""
        per = by_sample if per_image else (lambda function: function)
        named = {"per_image": True} if per_image else {}
        for classes, from_logits in itertools.product(("present", "all"), (False, True)):
            if shape[-1] == 1 and (missing or classes == "present"):
                continue
            y_pred = predictions_of(shape, turn + 50, from_logits=from_logits)
            arguments = {**({} if classes == "present" else {"classes": classes}), **named}
            arguments |= {"from_logits": True} if from_logits else {}
            of = per(lovasz_softmax_of(classes=classes, from_logits=from_logits))
            yield case(text("lovasz_softmax", arguments), softmax, y_true, y_pred, of, note=note)
        y_pred = predictions_of(shape, turn + 50, from_logits=True)
        yield case(text("lovasz_hinge", named), hinge, y_true, y_pred, per(_hinge), note=note)
    shape = (3, 4, 4, 1)
    y_true, y_pred = labels_of(shape, 70), predictions_of(shape, 70, from_logits=True)
    of_batch = lambda y, p: po_lovasz.LovaszHingeLoss(per_image=False)(p, y)  # noqa: E731 - one line says it
    yield case("lovasz_hinge", PO + " LovaszHingeLoss", y_true, y_pred, of_batch)
    yield case("lovasz_hinge:per_image=true", PO + " LovaszHingeLoss", y_true, y_pred, by_sample(of_batch))
    empty = np.zeros(shape, "float32")
    yield case("lovasz_hinge", hinge, empty, y_pred, _hinge, note="an empty mask")
    yield case(
        "lovasz_softmax:classes=all,from_logits=true",
        softmax,
        empty,
        y_pred,
        lovasz_softmax_of(from_logits=True),
        note="an empty mask",
    )
    yield from _weighted(shape, y_true, y_pred)
    # Ties: the value is one whatever their order, the gradient is not.
    shape = (2, 4, 3, 3)
    labels = labels_of(shape, 71)
    for note, y_pred in (("an exact match", one_hot(labels, 3)), ("certain and wrong", one_hot((labels + 1) % 3, 3))):
        yield case("lovasz_softmax", softmax, labels, y_pred, lovasz_softmax_of(), note=note, gradient=False)
    yield from ignored()


def parts(labels, predictions, *, per_image):
    """Return the pairs that have a loss of their own: of each image, or of the batch."""
    size = 1 if per_image else len(labels)
    return zip(labels.split(size), predictions.split(size), strict=True)


def ignored():
    """Yield cases of an ignored label, of a batch and of images."""
    for turn, shape in enumerate([(3, 4, 5, 3), (2, 5, 4, 1)]):
        labels = labels_of(shape, turn + 80)
        kept = kept_of(labels, max(shape[-1], 2), turn)
        for per_image in (False, True):

            def softmax(y, p, kept, per_image=per_image):
                samples = parts(with_255(y, kept), p.movedim(-1, 1), per_image=per_image)
                return torch.stack([smp_lovasz._lovasz_softmax(p, y, ignore=255) for y, p in samples]).squeeze()

            def hinge(y, p, kept, per_image=per_image):
                samples = parts(with_255(y, kept), p[..., 0], per_image=per_image)
                found = [smp_lovasz._lovasz_hinge(p, y, per_image=False, ignore=255) for y, p in samples]
                return torch.stack(found).squeeze()

            named = {"ignore_class": 255, **({"per_image": True} if per_image else {})}
            name, of = ("lovasz_hinge", hinge) if shape[-1] == 1 else ("lovasz_softmax", softmax)
            y_pred = predictions_of(shape, turn + 80, from_logits=shape[-1] == 1)
            yield ignoring(text(name, named), f"{SMP} _{name} with ignore", labels, kept, y_pred, of)


def _hinge(y, p):
    channels = [smp_lovasz._lovasz_hinge(p[..., c], y[..., c], per_image=False) for c in range(p.shape[-1])]
    return torch.stack(channels).mean()


def _weighted(shape, y_true, y_pred):
    """Yield a case of the batch's loss with sample weights: the weighted sum of what each position adds to it."""
    weights = np.array([0.5, 0.0, 2.0], "float32")

    def function(y, p):
        flat, errors = y.flatten(), (1 - (2 * y - 1) * p).flatten()
        total, seen = torch.zeros((), dtype=p.dtype), torch.zeros_like(flat)
        before = 0.0
        for at in errors.argsort(descending=True).tolist():
            seen[at] = 1
            predicted = flat * (1 - seen) + (1 - flat) * seen  # what the errors up to here make of the mask
            shared = float((flat * predicted).sum())
            loss = 1 - shared / float(flat.sum() + predicted.sum() - shared)
            total = total + float(weights[at // int(np.prod(shape[1:]))]) * errors[at].clamp_min(0) * (loss - before)
            before = loss
        return total

    yield case("lovasz_hinge", HAND, y_true, y_pred, function, note="sample weights", sample_weight=weights)
