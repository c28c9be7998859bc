"""Circle loss, from pytorch-metric-learning, and by hand in torch's float64."""

import torch
from losses_embedding import ALONE, BATCHES, HAND, PML, batch, case, of_anchors
from pytorch_metric_learning import losses

REFERENCE = f"{PML} CircleLoss"


def pml(margin=0.4, gamma=80, dropped=None):
    """Return a function of labels and embeddings, scaled to length 1; it leaves out the samples of a class."""

    def function(labels, vectors):
        kept = labels != dropped if dropped is not None else torch.ones_like(labels, dtype=torch.bool)
        return losses.CircleLoss(m=margin, gamma=gamma)(vectors[kept], labels[kept])

    return function


def by_hand(margin, gamma):
    """Return a function of labels and embeddings: anchor by anchor, by the paper's formula."""

    def anchor(vectors, a, positives, negatives):
        if not (positives and negatives):
            return torch.zeros((), dtype=vectors.dtype)

        def cosine(other):
            return (
                vectors[a]
                @ vectors[other]
                / torch.sqrt(vectors[a] @ vectors[a])
                / torch.sqrt(vectors[other] @ vectors[other])
            )

        def term(weight, distance):
            return torch.exp(gamma * torch.clamp(weight.detach(), min=0) * distance)

        pull = sum(term(1 + margin - cosine(p), 1 - margin - cosine(p)) for p in positives)
        push = sum(term(cosine(n) + margin, cosine(n) - margin) for n in negatives)
        return torch.log(1 + pull * push)

    each = of_anchors(anchor)

    def function(labels, vectors):
        values = each(labels, vectors)
        return values * len(values) / max(int((values > 0).sum()), 1)

    return function


def cases():
    for seed, (note, (labels, width)) in enumerate(BATCHES.items()):
        y_true, y_pred = batch(labels, width, seed)
        for margin, gamma in ((0.4, 80.0), (0.25, 256.0), (0.1, 4.0)):
            yield case(
                f"circle:margin={margin},gamma={gamma}", REFERENCE, y_true, y_pred, pml(margin, gamma), note=note
            )
        dropped = int(y_true[0])
        yield case(f"circle:ignore_class={dropped}", REFERENCE, y_true, y_pred, pml(dropped=dropped), note=note)
        yield case("circle:margin=0.3,gamma=10", HAND, y_true, y_pred, by_hand(0.3, 10), note=note)
    for seed, (note, (labels, width)) in enumerate(ALONE.items()):
        y_true, y_pred = batch(labels, width, seed)
        yield case("circle", HAND, y_true, y_pred, by_hand(0.4, 80), note=note)
