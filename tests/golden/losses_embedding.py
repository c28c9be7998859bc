"""Losses between embeddings, from pytorch-metric-learning, optax, and by hand in torch's float64."""

import importlib.metadata

import jax
import numpy as np
import optax
import torch
from agreement.case import Case
from pytorch_metric_learning import distances, losses, miners, reducers

jax.config.update("jax_enable_x64", True)

PML = f"pytorch-metric-learning {importlib.metadata.version('pytorch-metric-learning')}"
OPTAX = f"optax {optax.__version__}"
HAND = f"torch {torch.__version__}, float64, anchor by anchor"

BATCHES = {
    "two of each class": ([0, 0, 1, 1, 2, 2, 3, 3], 5),
    "classes of several sizes, and one sample alone": ([4, 7, 4, 9, 7, 4, 7, 4, 7, 2, 9], 12),
    "two classes, two dimensions": ([1, 0, 1, 1, 0, 0, 1], 2),
    "24 samples of 5 classes": (np.random.default_rng(5).integers(0, 5, 24), 8),
}
ALONE = {
    "no two of a class": ([0, 1, 2], 3),
    "one class": ([3, 3, 3], 4),
    "one sample": ([1], 3),
}
METRICS = {
    "squared_l2": distances.LpDistance(normalize_embeddings=False, power=2),
    "l2": distances.LpDistance(normalize_embeddings=False),
    "angular": None,
}


def batch(labels, width, seed, scale=0.4):
    """Return labels, and embeddings exact in float32."""
    rng = np.random.default_rng(seed)
    return np.asarray(labels), (rng.normal(size=(len(labels), width)) * scale).astype("float32")


def case(component, reference, y_true, y_pred, function, *, note="", gradient=True):
    """Return the case of a function in torch of labels and embeddings."""
    wide = torch.tensor(np.asarray(y_pred, "float64"), requires_grad=True)
    value = function(torch.tensor(y_true), wide)
    expected = {"value": value.detach().numpy()}
    if gradient:
        total = value.sum()
        slope = torch.autograd.grad(total, wide)[0] if total.requires_grad else torch.zeros_like(wide)
        expected["gradient"] = slope.numpy()
    inputs = {"y_true": y_true, "y_pred": y_pred}
    return Case(kind="loss", component=component, reference=reference, inputs=inputs, expected=expected, note=note)


def distance(metric, a, b):
    """Return the distance of two vectors by definition."""
    if metric == "angular":
        return 1 - a @ b / torch.sqrt(a @ a) / torch.sqrt(b @ b)
    squared = ((a - b) ** 2).sum()
    return squared if metric == "squared_l2" else torch.sqrt(squared)


def of_anchors(function):
    """Return a function of labels and embeddings that asks for each anchor with what is of its class and what not."""

    def by_anchor(labels, vectors):
        found = []
        for a, label in enumerate(labels):
            positives = [p for p in range(len(labels)) if p != a and labels[p] == label]
            negatives = [n for n in range(len(labels)) if labels[n] != label]
            found.append(function(vectors, a, positives, negatives) + 0 * vectors.sum())
        return torch.stack(found)

    return by_anchor


def shares(function):
    """Return the same, each anchor's value times the number of samples over the number of ordered pairs."""
    sums = of_anchors(function)

    def by_anchor(labels, vectors):
        pairs = sum(int((labels == label).sum()) - 1 for label in labels)
        return sums(labels, vectors) * (len(labels) / max(pairs, 1))

    return by_anchor


def semihard(metric="squared_l2", margin=1.0):
    def anchor(vectors, a, positives, negatives):
        total = torch.zeros((), dtype=vectors.dtype)
        away = [distance(metric, vectors[a], vectors[n]) for n in negatives]
        for p in positives if negatives else []:
            near = distance(metric, vectors[a], vectors[p])
            beyond = [d for d in away if d > near]
            total = total + torch.relu(near - (min(beyond) if beyond else max(away)) + margin)
        return total

    return shares(anchor)


def hard(metric="squared_l2", margin=1.0, *, soft=False):
    def anchor(vectors, a, positives, negatives):
        zero = torch.zeros((), dtype=vectors.dtype)
        if not negatives:
            return zero
        far = max([distance(metric, vectors[a], vectors[p]) for p in positives], default=zero)
        near = min(distance(metric, vectors[a], vectors[n]) for n in negatives)
        return torch.log1p(torch.exp(far - near)) if soft else torch.relu(far - near + margin)

    return of_anchors(anchor)


def pml_hard(metric, margin, *, soft):
    measure = METRICS[metric]
    miner = miners.BatchHardMiner(distance=measure)
    loss = losses.TripletMarginLoss(margin=margin, smooth_loss=soft, distance=measure, reducer=reducers.MeanReducer())
    return lambda labels, vectors: loss(vectors, labels, miner(vectors, labels))


def pml_pairs(loss):
    """Return a function of labels and embeddings, the mean over all that the loss compares."""
    return lambda labels, vectors: loss(vectors, labels)


def triplet_cases():
    for seed, (note, (labels, width)) in enumerate((BATCHES | ALONE).items()):
        y_true, y_pred = batch(labels, width, seed)
        for metric in METRICS:
            named = f"distance_metric={metric}"
            yield case(f"triplet_semihard:{named}", HAND, y_true, y_pred, semihard(metric), note=note)
            yield case(f"triplet_hard:{named}", HAND, y_true, y_pred, hard(metric), note=note)
            if note in ALONE or "alone" in note or metric == "angular":
                continue
            for soft in (False, True):
                component = f"triplet_hard:{named},margin=0.3,soft={str(soft).lower()}"
                margin = 0.0 if soft else 0.3
                yield case(component, PML, y_true, y_pred, pml_hard(metric, margin, soft=soft), note=note)
        yield case("triplet_semihard:margin=0.2", HAND, y_true, y_pred, semihard(margin=0.2), note=note)
        yield case("triplet_hard:margin=0", HAND, y_true, y_pred, hard(margin=0.0), note=note)
        if note not in ALONE:
            unit = _on_unit_vectors(semihard("l2", 0.2))
            yield case("triplet_semihard:margin=0.2,distance_metric=l2,normalize=true", HAND, y_true, y_pred, unit)
            unit = _on_unit_vectors(hard(soft=True))
            yield case("triplet_hard:soft=true,normalize=true", HAND, y_true, y_pred, unit, note=note)
    # Distances between whole numbers are equal in many places: which one of them counts must not depend on rounding.
    y_true = np.array([0, 1, 0, 1, 0, 1, 2, 2])
    y_pred = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [2, 0], [0, 2], [2, 2], [0, 0]], "float32")
    for metric in ("squared_l2", "l2"):
        for component, of in ((f"triplet_semihard:distance_metric={metric}", semihard(metric)),):
            yield case(component, HAND, y_true, y_pred, of, note="equal distances", gradient=False)
    hot = np.eye(3, dtype="float32")[y_true]
    _, y_pred = batch(y_true, 4, 20)
    for component, of in (("triplet_semihard", semihard()), ("triplet_hard", hard())):
        known = case(component, HAND, y_true, y_pred, of)
        for form in (hot, y_true[:, None]):
            yield Case(**{**vars(known), "inputs": {"y_true": form, "y_pred": y_pred}, "note": f"labels {form.shape}"})


def _on_unit_vectors(function):
    return lambda labels, vectors: function(labels, vectors / torch.linalg.norm(vectors, dim=-1, keepdim=True))


def contrastive_cases():
    def of(margin):
        def function(labels, apart):
            found = [d**2 if y == 1 else max(margin - d, 0 * d) ** 2 for y, d in zip(labels, apart, strict=True)]
            return torch.stack(found)

        return function

    for samples in (1, 2, 9, 50):
        rng = np.random.default_rng(samples)
        y_true, y_pred = rng.integers(0, 2, samples), rng.uniform(0, 2, samples).astype("float32")
        for margin in (1.0, 0.5, 3.0):
            yield case(f"contrastive:margin={margin}", HAND, y_true, y_pred, of(margin))
    y_true, y_pred = np.array([1, 0, 0, 1, 0]), np.array([0.0, 0.0, 1.0, 5000.0, 5000.0], "float32")
    yield case("contrastive", HAND, y_true, y_pred, of(1.0), note="a distance of 0, at the margin, of thousands")


def supcon(temperature):
    def function(labels, vectors):
        unit = vectors / torch.linalg.norm(vectors, dim=-1, keepdim=True)

        def anchor(_, a, positives, negatives):
            total = sum(torch.exp(unit[a] @ unit[i] / temperature) for i in (*positives, *negatives))
            logs = [torch.log(torch.exp(unit[a] @ unit[p] / temperature) / total) for p in positives]
            return -sum(logs) / len(logs) if logs else torch.zeros((), dtype=vectors.dtype)

        some = sum(int((labels == label).sum()) > 1 for label in labels)
        return of_anchors(anchor)(labels, vectors) * (len(labels) / max(some, 1))

    return function


def ntxent(temperature):
    def function(labels, vectors):
        unit = vectors / torch.linalg.norm(vectors, dim=-1, keepdim=True)

        def anchor(_, a, positives, negatives):
            rest = sum((torch.exp(unit[a] @ unit[n] / temperature) for n in negatives), torch.zeros(()))
            total = torch.zeros((), dtype=vectors.dtype)
            for p in positives:
                own = torch.exp(unit[a] @ unit[p] / temperature)
                total = total - torch.log(own / (own + rest))
            return total

        return shares(anchor)(labels, vectors)

    return function


def optax_ntxent(component, y_true, y_pred, note, **arguments):
    """Return the case of optax's NT-Xent, whose value is the mean over all pairs."""
    wide = jax.numpy.asarray(y_pred, "float64")
    labels = jax.numpy.asarray(y_true)
    value, slope = jax.value_and_grad(lambda vectors: optax.losses.ntxent(vectors, labels, **arguments))(wide)
    return Case(
        kind="loss",
        component=component,
        reference=f"{OPTAX} ntxent",
        inputs={"y_true": y_true, "y_pred": y_pred},
        expected={"value": np.asarray(value), "gradient": np.asarray(slope)},
        note=note,
    )


def softmax_cases():
    for seed, (note, (labels, width)) in enumerate((BATCHES | ALONE).items()):
        y_true, y_pred = batch(labels, width, seed + 30)
        for temperature in (0.1, 1.0):
            named = f"supcon:temperature={temperature}"
            yield case(named, HAND, y_true, y_pred, supcon(temperature), note=note)
            if note not in ALONE:
                of = pml_pairs(losses.SupConLoss(temperature=temperature))
                yield case(named, f"{PML} SupConLoss", y_true, y_pred, of, note=note)
        for temperature in (0.07, 0.5):
            named = f"ntxent:temperature={temperature}"
            yield case(named, HAND, y_true, y_pred, ntxent(temperature), note=note)
            if note not in ALONE:
                of = pml_pairs(losses.NTXentLoss(temperature=temperature))
                yield case(named, f"{PML} NTXentLoss", y_true, y_pred, of, note=note)
                yield optax_ntxent(named, y_true, y_pred, note, temperature=temperature)
        if note in ALONE:
            continue
        products = distances.DotProductSimilarity(normalize_embeddings=False)
        for component, made in (("supcon", losses.SupConLoss), ("ntxent", losses.NTXentLoss)):
            of = pml_pairs(made(temperature=0.5, distance=products))
            named = f"{component}:temperature=0.5,normalize=false"
            yield case(named, f"{PML} {made.__name__}", y_true, y_pred, of, note=note)


def cases():
    yield from triplet_cases()
    yield from contrastive_cases()
    yield from softmax_cases()
