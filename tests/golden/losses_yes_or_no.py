"""Losses of independent yes-or-no questions, from torchvision and timm; every element has a value."""

import functools

import numpy as np
import torch
from losses_classes import TIMM, TORCHVISION, case, logits_of, text
from losses_segmentation import SMP, smp
from timm.loss import AsymmetricLossMultiLabel
from torchvision.ops import sigmoid_focal_loss

LARGE = np.array([[-90, 90, 0], [12, -12, 40], [-40, 1e-3, -1e-3]], "float32")
SHAPES = [(5, 3), (1, 1), (4, 1), (2, 3, 4), (6,)]
FOCAL = [{"alpha": 0.25, "gamma": 2.0}, {"alpha": "null", "gamma": 0.0}, {"alpha": 0.9, "gamma": 0.5}]
ASYMMETRIC = [{}, {"gamma_neg": 2.0, "gamma_pos": 0.0, "clip": 0.2}, {"gamma_neg": 1.5, "clip": 0.0}]


def focal(y, x, *, from_logits, alpha, gamma):
    alpha = -1 if alpha == "null" else alpha
    return sigmoid_focal_loss(x if from_logits else torch.logit(x), y, alpha=alpha, gamma=gamma)


def asymmetric(y, x, *, from_logits, **arguments):
    # Its own lower limit for logarithms is 1e-8, which is not in the paper.
    loss = AsymmetricLossMultiLabel(**arguments, eps=1e-45, reduction="none")
    return loss(x if from_logits else torch.logit(x), y)


def cases():
    """Yield cases of logits and of their sigmoid, of labels 0 and 1 and between."""
    for turn, shape in enumerate(SHAPES):
        rng = np.random.default_rng(turn)
        hard, soft = rng.integers(0, 2, shape).astype("float32"), rng.uniform(size=shape).astype("float32")
        for from_logits in (True, False):
            logits = logits_of(shape, turn)
            y_pred = logits if from_logits else torch.sigmoid(torch.tensor(logits)).numpy()
            for arguments in FOCAL if turn == 0 else FOCAL[:1]:
                yield _case("sigmoid_focal", TORCHVISION, focal, hard, y_pred, from_logits, arguments)
                yield _case("sigmoid_focal", TORCHVISION, focal, soft, y_pred, from_logits, arguments, "soft labels")
            for arguments in ASYMMETRIC if turn == 0 else ASYMMETRIC[:1]:
                yield _case(
                    "asymmetric", f"{TIMM} AsymmetricLossMultiLabel", asymmetric, hard, y_pred, from_logits, arguments
                )
    y_true, y_pred = np.repeat([[0], [1]], 3, 0) * np.ones(3, "float32"), np.tile(LARGE, (2, 1))
    for arguments in FOCAL[:2]:
        yield _case("sigmoid_focal", TORCHVISION, focal, y_true, y_pred, True, arguments, "large and small logits")
    # Beyond, its 1 - sigmoid(x) loses all digits of float64.
    y_pred = np.clip(y_pred, -12, 12)
    for arguments in ASYMMETRIC:
        reference = f"{TIMM} AsymmetricLossMultiLabel"
        yield _case("asymmetric", reference, asymmetric, y_true, y_pred, True, arguments, "large and small logits")

    yield from _ignored()


def _ignored():
    """Yield cases of answers that do not count: the mean is over the others."""
    for turn, (shape, gamma, alpha) in enumerate([((6, 3), 2.0, 0.25), ((9, 1), 0.5, 0.9)]):
        rng = np.random.default_rng(turn + 70)
        y_true, y_pred = rng.integers(-1, 2, shape).astype("float32"), logits_of(shape, turn + 70)
        loss = smp.FocalLoss(mode="binary", alpha=alpha, gamma=gamma, ignore_index=-1)
        component = text("sigmoid_focal", alpha=alpha, gamma=gamma, ignore_class=-1, from_logits=True)
        labels, note = y_true.astype("float64"), "some answers are ignored"
        # Its arguments come in the other order.
        of = lambda y, x, loss=loss: loss(x, y)  # noqa: E731 - one line says it
        yield case(component, f"{SMP} FocalLoss with ignore_index", y_true, y_pred, of, labels=labels, note=note)


def _case(name, reference, function, y_true, y_pred, from_logits, arguments, note=""):
    of = functools.partial(function, from_logits=from_logits, **arguments)
    component = text(name, **arguments, from_logits=from_logits)
    return case(component, reference, y_true, y_pred, of, labels=y_true.astype("float64"), note=note)
