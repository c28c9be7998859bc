"""Proxy anchor loss, from pytorch-metric-learning."""

import dataclasses

import numpy as np
import torch
from losses_embedding import PML, case
from pytorch_metric_learning import losses

REFERENCE = f"{PML} ProxyAnchorLoss"


class Anchors(losses.ProxyAnchorLoss):
    """Proxy anchor on cosines, where the library would multiply embeddings with its own proxies."""

    def get_logits(self, embeddings):
        return embeddings


def pml(margin=0.1, alpha=32.0, dropped=None):
    """Return a function of labels and cosines, which leaves the samples of one class out."""

    def function(labels, cosines):
        kept = labels != dropped if dropped is not None else torch.ones_like(labels, dtype=torch.bool)
        made = Anchors(num_classes=cosines.shape[-1], embedding_size=2, margin=margin, alpha=alpha)
        return made(cosines[kept], labels[kept])

    return function


def cases():
    for seed, (samples, classes) in enumerate([(6, 4), (2, 2), (3, 50), (24, 7)]):
        rng = np.random.default_rng(seed)
        y_pred = rng.uniform(-0.99, 0.99, (samples, classes)).astype("float32")
        y_true = rng.integers(0, classes, samples)
        for margin, alpha in ((0.1, 32.0), (0.0, 4.0), (0.5, 16.0)):
            component = f"proxy_anchor:margin={margin},alpha={alpha}"
            yield case(component, REFERENCE, y_true, y_pred, pml(margin, alpha))
        known = case({"name": "proxy_anchor"}, REFERENCE, y_true, y_pred, pml())
        for form in (np.eye(classes, dtype="float32")[y_true], y_true[:, None]):
            inputs = {"y_true": form, "y_pred": y_pred}
            yield dataclasses.replace(known, inputs=inputs, note="other labels")
        dropped = int(y_true[0])
        if (y_true != dropped).any():
            component = {"name": "proxy_anchor", "ignore_class": dropped}
            yield case(component, REFERENCE, y_true, y_pred, pml(dropped=dropped), note="an ignored class")
    same = np.zeros(5, "int64")
    y_pred = np.random.default_rng(9).uniform(-1, 1, (5, 3)).astype("float32")
    yield case("proxy_anchor", REFERENCE, same, y_pred, pml(), note="all of one class")
