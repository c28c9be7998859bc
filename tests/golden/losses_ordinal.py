"""Losses between ordered classes, from coral_pytorch, dlordinal, scikit-learn and by hand in torch's float64."""

import importlib.metadata

import numpy as np
import sklearn
import torch
from agreement.case import Case
from coral_pytorch.dataset import levels_from_labelbatch
from coral_pytorch.losses import coral_loss, corn_loss
from dlordinal.losses import WKLoss
from sklearn.metrics import cohen_kappa_score

CORAL = f"coral_pytorch {importlib.metadata.version('coral_pytorch')}"
DLORDINAL = f"dlordinal {importlib.metadata.version('dlordinal')} WKLoss"
SKLEARN = f"scikit-learn {sklearn.__version__} cohen_kappa_score"
HAND = f"torch {torch.__version__}, float64, by the definition"

# Samples and classes.
MANY = 60
SHAPES = [(6, 5), (1, 4), (3, 2), (16, 10), (4, MANY)]

_NEXT_TO_CHANCE = {
    "tolerance": 5e-5,
    "reason": "labels are next to each other among 60 classes, so kappa is 0.0002 to 0.003: rounding of 1e-8 shows",
}


def case(component, reference, y_true, y_pred, function, *, note="", sample_weight=None, **more):
    """Return the case of ``function(y_pred)`` in float64."""
    at = torch.tensor(y_pred.astype("float64"), requires_grad=True)
    value = function(at)
    [slope] = torch.autograd.grad(value.sum(), at)
    expected = {"value": value.detach().numpy(), "gradient": slope.numpy()}
    inputs = {"y_true": y_true, "y_pred": y_pred}
    if sample_weight is not None:
        inputs["sample_weight"] = sample_weight
    return Case(
        kind="loss", component=component, reference=reference, inputs=inputs, expected=expected, note=note, **more
    )


def labels_in(form, labels, classes):
    """Return labels as indices, as a column of indices or as one-hot rows."""
    return (labels, labels[:, None], np.eye(classes, dtype="float32")[labels])[form]


def thresholds():
    """Yield the cases of the losses of K - 1 logits."""
    for turn, (samples, classes) in enumerate(SHAPES):
        rng = np.random.default_rng(turn)
        labels = rng.integers(0, classes, samples)
        levels = levels_from_labelbatch(labels.tolist(), classes, dtype=torch.float64)
        for spread, note in ((2.0, ""), (80.0, "nearly certain")):
            logits = (rng.normal(size=(samples, classes - 1)) * spread).astype("float32")
            y_true = labels_in(turn % 3, labels, classes)
            of = lambda z, levels=levels: coral_loss(z, levels, reduction=None)  # noqa: E731 - one line says it
            yield case("coral", f"{CORAL} coral_loss", y_true, logits, of, note=note)
            of = lambda z, y=labels, k=classes: corn_loss(z, torch.tensor(y), k)  # noqa: E731 - one line says it
            yield case("corn", f"{CORAL} corn_loss", labels_in((turn + 1) % 3, labels, classes), logits, of, note=note)
    rng = np.random.default_rng(20)
    labels, logits = rng.integers(0, 4, 5), rng.normal(size=(5, 3)).astype("float32")
    importance = [0.5, 0.0, 2.0]
    levels = levels_from_labelbatch(labels.tolist(), 4, dtype=torch.float64)
    weigh = torch.tensor(importance, dtype=torch.float64)
    yield case(
        {"name": "coral", "importance": importance},
        f"{CORAL} coral_loss",
        labels,
        logits,
        lambda z: coral_loss(z, levels, importance_weights=weigh, reduction=None),
    )
    for label, note in ((0, "all of the lowest class"), (3, "all of the highest class")):
        same = np.full(5, label)
        of = lambda z, y=same: corn_loss(z, torch.tensor(y), 4)  # noqa: E731 - one line says it
        yield case("corn", f"{CORAL} corn_loss", same, logits, of, note=note)
    yield from _soft(rng.dirichlet(np.ones(4), 5).astype("float32"), logits)
    weights = np.array([0.5, 0.0, 2.0, 1.0, 1.0], "float32")
    yield case("corn", HAND, labels, logits, _corn_of(labels, weights), note="sample weights", sample_weight=weights)


def _corn_of(labels, weights):
    def function(z):
        total, asked = 0.0, 0
        for row, label, weight in zip(z, labels.tolist(), weights.tolist(), strict=True):
            for k, logit in enumerate(row, 1):
                if label >= k - 1:
                    asked += 1
                    total = total - weight * torch.nn.functional.logsigmoid(logit if label >= k else -logit)
        return total / asked

    return function


def _soft(soft, logits):
    """Yield cases of soft labels: CORAL's is linear in the label, so it is the mean over the classes."""
    wide = torch.tensor(soft.astype("float64"))

    def coral(z):
        of_classes = [
            coral_loss(z, levels_from_labelbatch([k] * len(z), 4, dtype=torch.float64), reduction=None)
            for k in range(4)
        ]
        return (torch.stack(of_classes, -1) * wide).sum(-1)

    def corn(z):  # one sum over samples and classes, and one over what was asked
        ones = [corn_loss(z[i : i + 1], torch.tensor([k]), 4) for i in range(len(z)) for k in range(4)]
        asked = torch.tensor([min(k + 1, 3) for k in range(4)], dtype=torch.float64)
        return (torch.stack(ones).reshape(-1, 4) * asked * wide).sum() / (asked * wide).sum()

    yield case("coral", f"{CORAL} coral_loss, each class by its share", soft, logits, coral, note="soft labels")
    yield case("corn", f"{CORAL} corn_loss, each class by its share", soft, logits, corn, note="soft labels")


def kappa():
    """Yield the cases of the weighted kappa."""
    for turn, (samples, classes) in enumerate(SHAPES):
        if samples == 1:
            continue
        rng = np.random.default_rng(turn + 40)
        labels = np.arange(samples) % classes
        y_true = labels_in(turn % 3, labels, classes)
        logits = (rng.normal(size=(samples, classes)) * 2).astype("float32")
        # Shares of 4096: rows add up to 1 in float32 too.
        counts = rng.multinomial(4096, rng.dirichlet(np.ones(classes), samples))
        probabilities = (counts / 4096).astype("float32")
        for weights in ("quadratic", "linear"):
            for y_pred, from_logits in ((probabilities, False), (logits, True)):
                # It adds epsilon to the denominator as well, which 1e-10 does not show.
                text = f"weighted_kappa:weights={weights},epsilon=1e-10,from_logits={str(from_logits).lower()}"
                of = _wk_of(labels, classes, weights, from_logits=from_logits)
                yield case(text, DLORDINAL, y_true, y_pred, of, **(_NEXT_TO_CHANCE if classes == MANY else {}))
        epsilons = (1e-6, 0.01)
        for epsilon in epsilons:
            text = "weighted_kappa" if epsilon == epsilons[0] else f"weighted_kappa:epsilon={epsilon}"
            of = _kappa_of(np.eye(classes)[labels], np.ones(samples), epsilon)
            yield case(text, HAND, y_true, probabilities, of)
    rng = np.random.default_rng(60)
    labels, guesses = rng.integers(0, 5, 40), rng.integers(0, 5, 40)
    certain = np.eye(5, dtype="float32")[guesses]
    weighted = rng.uniform(0, 3, 40).astype("float32")
    for weights in ("quadratic", "linear"):
        for sample_weight in (None, weighted):
            given = {} if sample_weight is None else {"sample_weight": sample_weight}
            score = cohen_kappa_score(labels, guesses, weights=weights, **given)
            value = np.log(1 - score + 1e-6) * (1.0 if sample_weight is None else sample_weight.mean(dtype="float64"))
            yield Case(
                kind="loss",
                component=f"weighted_kappa:weights={weights}",
                reference=SKLEARN,
                inputs={"y_true": labels, "y_pred": certain, **given},
                expected={"value": np.float64(value)},
                note="certain predictions" + (", sample weights" if given else ""),
            )
    soft = rng.dirichlet(np.ones(5), 40).astype("float32")
    of = _kappa_of(rng.dirichlet(np.ones(5), 40).astype("float32"), weighted, 1e-6)
    yield case("weighted_kappa", HAND, of.y_true, soft, of, note="soft labels, sample weights", sample_weight=weighted)
    match = np.eye(5, dtype="float32")[labels]
    yield case("weighted_kappa", HAND, labels, match, _kappa_of(match, np.ones(40), 1e-6), note="an exact match")


def _wk_of(labels, classes, weights, *, from_logits):
    def function(z):
        # It makes labels float32, and takes one-hot rows as they are; its first call checks and then keeps the matrix.
        loss = WKLoss(classes, weights, epsilon=1e-10, use_logits=from_logits, use_logarithm=True)
        as_float32, torch.Tensor.float = torch.Tensor.float, torch.Tensor.double
        default = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            return loss(z, torch.tensor(labels))
        finally:
            torch.Tensor.float = as_float32
            torch.set_default_dtype(default)

    return function


def _kappa_of(y_true, sample_weight, epsilon):
    """Return the quadratic loss by the definition, times the mean weight."""
    true, s = torch.tensor(y_true.astype("float64")), torch.tensor(sample_weight.astype("float64"))

    def function(p):
        classes = range(p.shape[-1])
        observed = sum((s * true[:, j] * p[:, k]).sum() * (j - k) ** 2 for j in classes for k in classes)
        expected = sum((s * true[:, j]).sum() * (s * p[:, k]).sum() * (j - k) ** 2 for j in classes for k in classes)
        return torch.log(observed / (expected / s.sum()) + epsilon) * s.mean()

    function.y_true = y_true
    return function


def cases():
    """Yield all cases of this family."""
    yield from thresholds()
    yield from kappa()
