"""Losses that weigh all pairs of a batch, from pytorch-metric-learning, and by hand in torch's float64."""

import numpy as np
import torch
from agreement.case import Case
from losses_embedding import ALONE, BATCHES, HAND, PML, batch, case, distance, of_anchors, pml_pairs, shares
from pytorch_metric_learning import distances, losses, miners, reducers, regularizers

PRODUCTS = distances.DotProductSimilarity(normalize_embeddings=False)
PLAIN = distances.LpDistance(normalize_embeddings=False)


def multi_similarity(alpha, beta, base, epsilon=None):
    def function(labels, vectors):
        unit = vectors / torch.linalg.norm(vectors, dim=-1, keepdim=True)

        def anchor(_, a, positives, negatives):
            near = [unit[a] @ unit[p] for p in positives]
            away = [unit[a] @ unit[n] for n in negatives]
            if epsilon is not None:
                lowest = min((s.item() for s in near), default=np.inf)
                highest = max((s.item() for s in away), default=-np.inf)
                near = [s for s in near if s.item() - epsilon < highest]
                away = [s for s in away if s.item() + epsilon > lowest]
            pull = sum(torch.exp(-alpha * (s - base)) for s in near)
            push = sum(torch.exp(beta * (s - base)) for s in away)
            return torch.log1p(pull + 0 * unit.sum()) / alpha + torch.log1p(push + 0 * unit.sum()) / beta

        return of_anchors(anchor)(labels, vectors)

    return function


def pml_multi_similarity(alpha, beta, base, epsilon=None):
    loss = losses.MultiSimilarityLoss(alpha=alpha, beta=beta, base=base)
    if epsilon is None:
        return pml_pairs(loss)
    miner = miners.MultiSimilarityMiner(epsilon=epsilon)
    return lambda labels, vectors: loss(vectors, labels, miner(vectors, labels))


def multi_similarity_cases():
    for seed, (note, (labels, width)) in enumerate((BATCHES | ALONE).items()):
        y_true, y_pred = batch(labels, width, seed + 50)
        for given in ((2.0, 50.0, 0.5), (1.0, 10.0, 0.2), (2.0, 50.0, 0.5, 0.1)):
            named = [
                f"{name}={value}" for name, value in zip(("alpha", "beta", "base", "epsilon"), given, strict=False)
            ]
            component = f"multi_similarity:{','.join(named)}"
            yield case(component, HAND, y_true, y_pred, multi_similarity(*given), note=note)
            if note not in ALONE:
                of = pml_multi_similarity(*given)
                yield case(component, f"{PML} MultiSimilarityLoss", y_true, y_pred, of, note=note)
    y_true, y_pred = batch([0, 0, 1, 1, 1], 3, 60, scale=0.3)
    plain = losses.MultiSimilarityLoss(distance=PRODUCTS)
    component = "multi_similarity:normalize=false"
    yield case(component, f"{PML} MultiSimilarityLoss", y_true, y_pred, pml_pairs(plain), note="products")


def npairs(labels, vectors):
    """Return each anchor's loss times N over the number of pairs: first of a class against second."""
    members = [np.flatnonzero(labels.numpy() == label)[:2] for label in np.unique(labels.numpy())]
    pairs = [pair for pair in members if len(pair) > 1]
    found = [0 * vectors.sum() for _ in labels]
    for a, p in pairs:
        rest = [torch.exp(vectors[a] @ vectors[q] - vectors[a] @ vectors[p]) for b, q in pairs if b != a]
        found[a] = found[a] + torch.log(1 + sum(rest) + 0 * vectors.sum()) * (len(labels) / len(pairs))
    return torch.stack(found)


def of_similarities(labels, scores):
    """Return the crossentropy of each row; labels are sets of classes, given as rows of 0 and 1, or class indices."""
    sets = [set(np.flatnonzero(row)) if np.ndim(row) else {int(row)} for row in labels.numpy()]
    found = []
    for own, row in zip(sets, scores, strict=True):
        common = [len(own & other) for other in sets]
        chances = torch.exp(row) / torch.exp(row).sum()
        logs = [weight * torch.log(chance) for weight, chance in zip(common, chances, strict=True) if weight]
        found.append(-sum(logs) / max(sum(common), 1) + 0 * row.sum())
    return torch.stack(found)


def npairs_cases():
    for seed, (note, (labels, width)) in enumerate((BATCHES | ALONE).items()):
        y_true, y_pred = batch(labels, width, seed + 70)
        yield case("npairs", HAND, y_true, y_pred, npairs, note=note)
        if note in ALONE:
            continue
        short = {"embedding_regularizer": regularizers.LpRegularizer(p=2, power=2), "embedding_reg_weight": 0.02}
        for component, loss in (
            ("npairs", losses.NPairsLoss(distance=PRODUCTS)),
            ("npairs:l2=0.02", losses.NPairsLoss(distance=PRODUCTS, **short)),
            ("npairs:normalize=true", losses.NPairsLoss()),
        ):
            yield case(component, f"{PML} NPairsLoss", y_true, y_pred, pml_pairs(loss), note=note)
    for samples in (1, 2, 7):
        rng = np.random.default_rng(samples)
        scores = rng.normal(size=(samples, samples)).astype("float32") * 3
        sets = rng.integers(0, 2, (samples, 4)).astype("float32")
        sets[0] = 0
        component = "npairs:from_similarities=true"
        for note, labels in (
            ("similarities, one pair of each class", np.arange(samples)),
            ("similarities, classes twice", np.arange(samples) // 2),
            ("similarities, several classes", sets),
        ):
            yield case(component, HAND, labels, scores, of_similarities, note=note)


def lifted_struct(margin):
    def anchor(vectors, a, positives, negatives):
        total = torch.zeros((), dtype=vectors.dtype)
        for p in positives if negatives else []:
            push = sum(torch.exp(margin - distance("l2", vectors[i], vectors[n])) for i in (a, p) for n in negatives)
            total = total + torch.relu(torch.log(push) + distance("l2", vectors[a], vectors[p])) ** 2 / 2
        return total

    return shares(anchor)


def lifted_struct_cases():
    for seed, (note, (labels, width)) in enumerate((BATCHES | ALONE).items()):
        y_true, y_pred = batch(labels, width, seed + 80, scale=1.5)
        for margin in (1.0, 0.0):
            component = f"lifted_struct:margin={margin}"
            yield case(component, HAND, y_true, y_pred, lifted_struct(margin), note=note)
            if note not in ALONE:
                pml = losses.LiftedStructureLoss(neg_margin=margin, distance=PLAIN, reducer=reducers.MeanReducer())
                yield case(component, f"{PML} LiftedStructureLoss", y_true, y_pred, pml_pairs(pml), note=note)
        if note not in ALONE:
            unit = losses.LiftedStructureLoss(distance=distances.LpDistance(), reducer=reducers.MeanReducer())
            component = "lifted_struct:normalize=true"
            yield case(component, f"{PML} LiftedStructureLoss", y_true, y_pred, pml_pairs(unit))


def label_form_cases():
    y_true, y_pred = batch([0, 1, 2, 0, 1, 1], 4, 90)
    for component, of in (
        ("multi_similarity", multi_similarity(2.0, 50.0, 0.5)),
        ("npairs", npairs),
        ("lifted_struct", lifted_struct(1.0)),
    ):
        known = case(component, HAND, y_true, y_pred, of)
        for form in (np.eye(3, dtype="float32")[y_true], y_true[:, None]):
            yield Case(**{**vars(known), "inputs": {"y_true": form, "y_pred": y_pred}, "note": f"labels {form.shape}"})


def cases():
    yield from multi_similarity_cases()
    yield from npairs_cases()
    yield from lifted_struct_cases()
    yield from label_form_cases()
