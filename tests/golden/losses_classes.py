"""Losses between classes, from torch, torchvision, timm, pytorch_optimizer and optax, or by hand in torch's float64."""

import functools
import importlib.metadata

import jax
import numpy as np
import optax
import timm.loss
import torch
import torchvision
from agreement.case import Case
from losses_segmentation import float64, only

[po_bi_tempered, po_ldam] = only("pytorch_optimizer", "loss.bi_tempered", "loss.ldam")

TORCH = f"torch {torch.__version__}"
HAND = f"{TORCH}, float64, by the definition"
TORCHVISION = f"torchvision {torchvision.__version__} sigmoid_focal_loss"
TIMM = f"timm {timm.__version__}"
OPTAX = f"optax {optax.__version__}"
PO = f"pytorch_optimizer {importlib.metadata.version('pytorch_optimizer')}"

# Samples, positions ..., classes.
SHAPES = [(6, 4), (1, 2), (2, 60), (2, 3, 5)]
FORMS = ("indices", "column", "one-hot", "soft")
CERTAIN = np.array([[30, -30, 0, 0], [-30, 30, 0, 0], [12, 11, 10, 9], [0, 0, 0, 0], [1000, 0, 0, -1000]], "float32")


def labels_of(shape, seed, form):
    rng = np.random.default_rng(seed)
    indices = rng.integers(0, shape[-1], shape[:-1])
    if form == "soft":
        return rng.dirichlet(np.ones(shape[-1]), shape[:-1]).astype("float32")
    hot = np.eye(shape[-1], dtype="float32")[indices]
    return {"indices": indices, "column": indices[..., None], "one-hot": hot}[form]


def logits_of(shape, seed):
    return (np.random.default_rng(seed + 100).normal(size=shape) * 2).astype("float32")


def dense(y_true, y_pred):
    """Return labels as distributions in float64."""
    if y_true.shape == y_pred.shape and y_true.dtype.kind == "f":
        return y_true.astype("float64")
    return np.eye(y_pred.shape[-1])[y_true.reshape(y_pred.shape[:-1])]


def case(component, reference, y_true, y_pred, function, *, labels=None, **more):
    """Return the case of ``function(labels, predictions)``, in torch's float64."""
    at = torch.tensor(y_pred.astype("float64"), requires_grad=True)
    with float64():
        value = function(torch.tensor(dense(y_true, y_pred) if labels is None else labels), at)
        [slope] = torch.autograd.grad(value.sum(), at)
    return Case(
        kind="loss",
        component=component,
        reference=reference,
        inputs={"y_true": y_true, "y_pred": y_pred},
        expected={"value": without_noise(value), "gradient": without_noise(slope).astype("float32")},
        **more,
    )


def without_noise(tensor):
    """Return float64's rounding of 0 as 0: where nothing else is expected, the difference is relative to it."""
    found = tensor.detach().numpy()
    return np.where(abs(found) < 1e-14, 0.0, found)


def text(name, **arguments):
    values = (f"{key}={str(value).lower()}" for key, value in arguments.items())
    return f"{name}:{','.join(values)}" if arguments else name


def turns(grid):
    """Yield a number, a shape and arguments: the first arguments for all shapes, the others for two each."""
    found = [(shape, grid[0]) for shape in SHAPES]
    found += [(SHAPES[(at + more) % 4], arguments) for at, arguments in enumerate(grid[1:]) for more in (0, 2)]
    for turn, (shape, arguments) in enumerate(found):
        yield turn, shape, arguments


def of_logits(name, reference, function, grid, forms=FORMS, *, softmax=False):
    """Yield cases of a loss of logits, and if asked for of their softmax, whose logarithm the reference gets."""
    for turn, shape, arguments in turns(grid):
        y_true, y_pred = labels_of(shape, turn, forms[turn % len(forms)]), logits_of(shape, turn)
        of = functools.partial(function, **arguments)
        yield case(text(name, **arguments, from_logits=True), reference, y_true, y_pred, of)
        if softmax:
            y_pred = torch.softmax(torch.tensor(y_pred), -1).numpy()
            yield case(text(name, **arguments), reference, y_true, y_pred, lambda y, p, of=of: of(y, p.log()))
    y_true, y_pred = np.repeat(np.arange(4), len(CERTAIN)), np.tile(CERTAIN, (4, 1))
    of = functools.partial(function, **grid[0])
    note = "certain, near and equal logits"
    yield case(text(name, **grid[0], from_logits=True), reference, y_true, y_pred, of, note=note)


def by_definition(name, function, grid):
    """Yield cases of a loss by its definition on probabilities: some that do not sum to 1, and those of logits."""
    for turn, shape, arguments in turns(grid):
        y_true = labels_of(shape, turn, FORMS[turn % 4])
        of = functools.partial(function, **arguments)
        y_pred = np.random.default_rng(turn).uniform(0.001, 0.999, shape).astype("float32")
        yield case(text(name, **arguments), HAND, y_true, y_pred, of)
        y_pred = logits_of(shape, turn)
        through = lambda y, z, of=of: of(y, torch.softmax(z, -1))  # noqa: E731 - one line says it
        yield case(text(name, **arguments, from_logits=True), HAND, y_true, y_pred, through)


def focal(y, p, *, gamma=2.0, alpha=1.0):
    return -(alpha * y * (1 - p) ** gamma * p.log()).sum(-1)


def generalized(y, p, *, q=0.7):
    return (y * (1 - p**q)).sum(-1) / q


def symmetric(y, p, *, alpha=0.1, beta=1.0, log_zero=-4.0):
    reverse = torch.where(y > 0, y, torch.ones_like(y)).log().clamp_min(log_zero)
    reverse = torch.where(y > 0, reverse, torch.full_like(y, log_zero))
    return -alpha * (y * p.log()).sum(-1) - beta * (p * reverse).sum(-1)


def smoothed_by_hand(y, p, *, label_smoothing=0.1):
    return -(((1 - label_smoothing) * y + label_smoothing / p.shape[-1]) * p.log()).sum(-1)


def poly1_by_hand(y, p, *, epsilon=2.0):
    return (y * (epsilon * (1 - p) - p.log())).sum(-1)


def smoothed(y, z, *, label_smoothing=0.1):
    loss = torch.nn.CrossEntropyLoss(label_smoothing=label_smoothing, reduction="none")
    return loss(z.reshape(-1, z.shape[-1]), y.reshape(-1, z.shape[-1])).reshape(z.shape[:-1])


def poly1(y, z, *, epsilon=2.0):
    loss = timm.loss.PolyCrossEntropy(epsilon=epsilon, reduction="none")
    return loss(z, y)


def bi_tempered(y, z, *, t1=0.8, t2=1.2):
    # As many iterations as its fixed point needs; its own 5 are up to 0.04 from it for 100 classes.
    return po_bi_tempered.bi_tempered_logistic_loss(z, y, t1, t2, num_iters=2000, reduction="none")


def bi_tempered_module(y, z, *, t1=0.8, t2=1.2):
    return po_bi_tempered.BiTemperedLogisticLoss(t1, t2, reduction="none")(z, y)


def sparsemax(y, z):
    """The paper's two steps, sample by sample: find the support, then the loss as a difference of two energies."""
    found = []
    for labels, row in zip(y.reshape(-1, z.shape[-1]), z.reshape(-1, z.shape[-1]), strict=True):
        ranked = row.sort(descending=True).values
        size = max(k for k in range(1, len(row) + 1) if 1 + k * ranked[k - 1] > ranked[:k].sum())
        threshold = (ranked[:size].sum() - 1) / size
        energy = ((ranked[:size] ** 2 - threshold**2).sum() + 1) / 2
        found.append(energy - (labels * row).sum() + (labels**2).sum() / 2 - 0.5)
    return torch.stack(found).reshape(z.shape[:-1])


def ldam(y, z, *, class_counts, max_margin=0.5, scale=30.0):
    loss = po_ldam.LDAMLoss(class_counts, max_m=max_margin, s=scale)
    loss.m_list = torch.tensor(margins(class_counts, max_margin))[None]  # its own are rounded to float32
    return torch.stack([loss(row[None], label.argmax()[None]) for label, row in zip(y, z, strict=True)])


def margins(class_counts, max_margin):
    found = 1 / np.asarray(class_counts, "float64") ** 0.25
    return found * (max_margin / found.max())


def from_optax(component, reference, y_true, y_pred, function):
    """Return the case of optax's ``function(logits)``, in jax's float64."""
    with jax.enable_x64(True):
        wide = y_pred.astype("float64")
        value, slope = function(wide), jax.grad(lambda z: function(z).sum())(wide)
        return Case(
            kind="loss",
            component=component,
            reference=f"{OPTAX} {reference}",
            inputs={"y_true": y_true, "y_pred": y_pred},
            expected={"value": np.asarray(value), "gradient": np.asarray(slope, "float32")},
        )


def cases():
    """Yield the cases of all these losses."""
    yield from by_definition("focal", focal, [{}, {"gamma": 0.5}, {"gamma": 0}, {"gamma": 3.5, "alpha": 0.25}])
    yield from _two_classes()
    grid = [{}, {"label_smoothing": 0.5}]
    yield from of_logits("smoothed_crossentropy", f"{TORCH} CrossEntropyLoss", smoothed, grid)
    yield from by_definition("smoothed_crossentropy", smoothed_by_hand, grid)
    grid = [{}, {"epsilon": -1.0}, {"epsilon": 0.0}]
    yield from of_logits("poly1", f"{TIMM} PolyCrossEntropy", poly1, grid)
    yield from by_definition("poly1", poly1_by_hand, grid)
    yield from by_definition("generalized_crossentropy", generalized, [{}, {"q": 0.05}, {"q": 1}])
    grid = [{}, {"alpha": 6.0, "beta": 0.1}, {"log_zero": -9.0}]
    yield from by_definition("symmetric_crossentropy", symmetric, grid)
    grid = [{}, {"t1": 0.5, "t2": 1.5}, {"t1": 0.0, "t2": 1.05}, {"t1": 0.9, "t2": 1.0}, {"t1": 1.0, "t2": 1.3}]
    reference = f"{PO} bi_tempered_logistic_loss, 2000 iterations"
    yield from of_logits("bi_tempered", reference, bi_tempered, grid, FORMS[:3], softmax=True)
    yield from _bi_tempered_as_it_comes()
    yield from of_logits("sparsemax", HAND, sparsemax, [{}], softmax=True)
    yield from _from_optax()
    yield from _ldam()
    yield from _ignored_and_weighed()


def _ignored_and_weighed():
    """Yield cases of torch's ``ignore_index``, whose mean is over what is left, and of its weights of the classes."""
    for turn, shape in enumerate([(7, 4), (3, 5, 3)]):
        rng = np.random.default_rng(turn + 40)
        classes, y_pred = shape[-1], logits_of(shape, turn + 40)
        labels = labels_of(shape, turn + 40, "indices")
        given = np.where(rng.uniform(size=labels.shape) < 0.3, -1, labels)
        weights = [0.5, 0.0, 3.0, 1.25][:classes]
        for smoothing, name in ((0.1, "smoothed_crossentropy"), (0.0, "focal")):
            own = {"label_smoothing": smoothing} if smoothing else {"gamma": 0}

            def of(_, z, smoothing=smoothing, given=given, **more):
                loss = torch.nn.CrossEntropyLoss(ignore_index=-1, label_smoothing=smoothing, **more)
                found = loss(z.reshape(-1, z.shape[-1]), torch.tensor(given).flatten())
                return found.reshape(given.shape) if found.ndim else found

            yield case(
                text(name, **own, ignore_class=-1, from_logits=True),
                f"{TORCH} CrossEntropyLoss with ignore_index",
                given,
                y_pred,
                of,
                labels=np.zeros(1),
                note="some labels are ignored",
            )
            # What torch weighs of smoothed labels is each of their parts, not the label's class.
            own = {"label_smoothing": 0} if smoothing else own
            yield case(
                {"name": name, **own, "ignore_class": -1, "class_weight": weights, "from_logits": True},
                f"{TORCH} CrossEntropyLoss with ignore_index and weight",
                given,
                y_pred,
                functools.partial(
                    of, smoothing=0.0, reduction="none", weight=torch.tensor(weights, dtype=torch.float64)
                ),
                labels=np.zeros(1),
                note="some labels are ignored, and classes weigh more",
            )


def _two_classes():
    """Yield cases of the focal loss of two classes, which is the sigmoid's of the difference of their logits."""
    for turn, gamma in enumerate((2.0, 0.0, 1.5)):
        y_true, y_pred = labels_of((7, 2), turn, "indices"), logits_of((7, 2), turn)

        def function(y, z, gamma=gamma):
            return torchvision.ops.sigmoid_focal_loss(z[:, 1] - z[:, 0], y[:, 1], alpha=-1, gamma=gamma)

        yield case(text("focal", gamma=gamma, from_logits=True), TORCHVISION, y_true, y_pred, function)


def _bi_tempered_as_it_comes():
    """Yield cases of the module with its own 5 iterations, where they are enough: two classes, a light tail."""
    for turn in range(3):
        y_true, y_pred = labels_of((5, 2), turn, "indices"), logits_of((5, 2), turn)
        reference = f"{PO} BiTemperedLogisticLoss"
        yield case("bi_tempered:from_logits=true", reference, y_true, y_pred, bi_tempered_module)


def _from_optax():
    for turn, shape in enumerate([(6, 4), (1, 2), (2, 60)]):
        y_true, y_pred = labels_of(shape, turn, "indices"), logits_of(shape, turn)
        hot = np.eye(shape[-1])[y_true]
        for epsilon in (2.0, -1.0):
            poly = functools.partial(optax.losses.poly_loss_cross_entropy, labels=hot, epsilon=epsilon)
            component = text("poly1", epsilon=epsilon, from_logits=True)
            yield from_optax(component, "poly_loss_cross_entropy", y_true, y_pred, poly)
        sparse = functools.partial(optax.losses.multiclass_sparsemax_loss, labels=y_true)
        component = "sparsemax:from_logits=true"
        yield from_optax(component, "multiclass_sparsemax_loss", y_true, y_pred, sparse)


def _ldam():
    for turn, classes in enumerate((4, 2, 20)):
        rng = np.random.default_rng(turn)
        counts = rng.integers(1, 5000, classes).tolist()
        cosines = rng.uniform(-1, 1, (6, classes)).astype("float32")
        y_true = labels_of(cosines.shape, turn, FORMS[turn])
        for given in ({"class_counts": counts}, {"class_counts": counts, "max_margin": 0.8, "scale": 1.0}, {}):
            of = functools.partial(ldam, **{"class_counts": [1] * classes, **given})
            name = {"name": "ldam", **given}
            yield case({**name, "from_logits": True}, f"{PO} LDAMLoss", y_true, cosines, of)
            p = torch.softmax(torch.tensor(cosines), -1).numpy()
            yield case(name, f"{PO} LDAMLoss", y_true, p, lambda y, p, of=of: of(y, p.log()))
