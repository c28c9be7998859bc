"""Softmax losses with an angular margin, from pytorch-metric-learning, and by hand in torch's float64."""

import math

import numpy as np
import torch
from agreement.case import Case
from losses_embedding import HAND, PML, case
from pytorch_metric_learning import losses, reducers


class Cosines:
    """Takes what it is given as the cosines, where the library would multiply embeddings with its own weights."""

    def get_cosine(self, cosines):
        return cosines


class ArcFaceLoss(Cosines, losses.ArcFaceLoss):
    """ArcFace on cosines."""


class CosFaceLoss(Cosines, losses.CosFaceLoss):
    """CosFace on cosines."""


def pml(made, margin, scale):
    """Return a function of labels and cosines; the library takes angles in degrees."""
    given = math.degrees(margin) if made is ArcFaceLoss else margin

    def function(labels, cosines):
        loss = made(
            num_classes=cosines.shape[-1],
            embedding_size=cosines.shape[-1],
            margin=given,
            scale=scale,
            reducer=reducers.DoNothingReducer(),
        )
        return loss(cosines, labels)["loss"]["losses"]

    return function


def by_hand(name, margin, scale):
    """Return a function of class indices and cosines: sample by sample, the angle written out."""

    def smaller(cosine):
        if name == "cosface":
            return cosine - margin
        angle = torch.acos(cosine)
        return torch.cos(angle + margin) if angle <= math.pi - margin else cosine - margin * math.sin(margin)

    def function(labels, cosines):
        found = []
        for label, row in zip(labels, cosines, strict=True):
            own = torch.exp(scale * smaller(row[label]))
            others = sum(torch.exp(scale * row[k]) for k in range(len(row)) if k != label)
            found.append(-torch.log(own / (own + others)))
        return torch.stack(found)

    return function


def cases():
    for name, made, margins in (("arcface", ArcFaceLoss, (0.5, 0.0, 1.2)), ("cosface", CosFaceLoss, (0.35, 0.0, 1.0))):
        for seed, (samples, classes) in enumerate([(6, 4), (1, 2), (3, 100), (20, 7)]):
            rng = np.random.default_rng(seed)
            y_pred = rng.uniform(-0.99, 0.99, (samples, classes)).astype("float32")
            y_true = rng.integers(0, classes, samples)
            for margin in margins:
                for scale in (64.0, 5.0):
                    component = f"{name}:margin={margin},scale={scale}"
                    reference = f"{PML} {made.__name__}"
                    yield case(component, reference, y_true, y_pred, pml(made, margin, scale))
            known = case(name, HAND, y_true, y_pred, by_hand(name, margins[0], 64.0))
            yield known
            for form in (np.eye(classes, dtype="float32")[y_true], y_true[:, None]):
                yield Case(**{**vars(known), "inputs": {"y_true": form, "y_pred": y_pred}, "note": "other labels"})
        # At a cosine of 1 the slope of the angle is infinite, so values alone are compared.
        y_pred = np.array([[1, -1, 0], [-1, 1, 0], [1, 1, 1], [0, 0, 0], [-1, -1, -1]], "float32")
        y_true, of = np.array([0, 0, 1, 2, 1]), by_hand(name, margins[0], 8.0)
        component = f"{name}:scale=8.0"
        yield case(component, HAND, y_true, y_pred, of, note="cosines of 1, 0 and -1", gradient=False)
        if name == "arcface":
            near = np.cos(math.pi - 0.5) + np.array([-1e-3, -1e-5, 1e-5, 1e-3])
            y_pred = np.stack([near, np.zeros(4)], -1).astype("float32")
            y_true = np.zeros(4, "int64")
            yield case(component, HAND, y_true, y_pred, of, note="on both sides of pi - margin")
