"""Metrics between classes and of probabilities, from scikit-learn."""

import warnings

import numpy as np
import sklearn
from sklearn import metrics

from agreement.case import Case

SKLEARN = f"scikit-learn {sklearn.__version__}"


def samples(seed, size, classes):
    """Return class indices, probabilities that know something of them, and weights, all exact in float32."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, size)
    scores = rng.normal(size=(size, classes)) + 1.5 * np.eye(classes)[labels]
    soft = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    return labels, soft.astype("float32"), rng.integers(0, 5, size).astype("float32") / 4


def case(component, function, y_true, y_pred, expected, *, weight=None, note="", batches=None, **more):
    """Return the case of a metric; ``function`` names scikit-learn's."""
    inputs = {"y_true": y_true, "y_pred": y_pred}
    if weight is not None:
        inputs["sample_weight"] = weight
    if batches is not None:
        inputs["batches"] = batches
    return Case(
        kind="metric",
        component=component,
        reference=f"{SKLEARN} {function}",
        inputs=inputs,
        expected={"value": expected},
        note=note,
        **more,
    )


def of_predicted_classes(true, pred, classes, weight):
    """Yield a component, the name of scikit-learn's function and what that gives, for predicted class indices."""
    given = {"sample_weight": weight}
    yield "mcc", "matthews_corrcoef", metrics.matthews_corrcoef(true, pred, **given)
    for weights, text in ((None, "null"), ("linear", "linear"), ("quadratic", "quadratic")):
        kappa = metrics.cohen_kappa_score(true, pred, weights=weights, labels=range(classes), **given)
        yield f"cohen_kappa:weights={text}", "cohen_kappa_score", kappa
    for adjusted in (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says so where a class is predicted that does not occur
            score = metrics.balanced_accuracy_score(true, pred, adjusted=adjusted, **given)
        yield f"balanced_accuracy:adjusted={str(adjusted).lower()}", "balanced_accuracy_score", score
    yield "hamming_loss", "hamming_loss", metrics.hamming_loss(true, pred, **given)


def of_matrices(true, pred, classes, weight):
    """Yield the same for what needs every class to have its row."""
    given = {"labels": range(classes), "sample_weight": weight}
    for normalize, by in ((None, None), ("rows", "true"), ("columns", "pred"), ("all", "all")):
        matrix = metrics.confusion_matrix(true, pred, normalize=by, **given)
        text = f"confusion_matrix:normalize={normalize}" if normalize else "confusion_matrix"
        yield text, "confusion_matrix", matrix
    each = metrics.multilabel_confusion_matrix(true, pred, **given)
    (right, falsely), (missed, _) = each[:, 0].T, each[:, 1].T
    for name, others in (("specificity", right + falsely), ("npv", right + missed)):
        yield f"{name}:average=null", "multilabel_confusion_matrix", right / others
        yield f"{name}:average=micro", "multilabel_confusion_matrix", right.sum() / others.sum()
        yield f"{name}:average=macro", "multilabel_confusion_matrix", (right / others).mean()


def cases():
    found = []
    for seed, (size, classes) in enumerate([(40, 3), (200, 10), (13, 2), (600, 257)]):
        labels, soft, weights = samples(seed, size, classes)
        pred, batches = soft.argmax(-1), [size - size // 3 * 2, size // 3, size // 3]
        for weight in (None, weights):
            known = list(of_predicted_classes(labels, pred, classes, weight))
            known += list(of_matrices(labels, pred, classes, weight)) if classes < 257 else []
            for true in (labels, np.eye(classes, dtype="float32")[labels]):
                found += [case(*named, true, soft, value, weight=weight, batches=batches) for *named, value in known]
            wide = soft.astype("float64") / soft.astype("float64").sum(-1, keepdims=True)
            brier = metrics.brier_score_loss(
                labels, wide, labels=range(classes), scale_by_half=False, sample_weight=weight
            )
            found.append(case("brier", "brier_score_loss", labels, soft, brier, weight=weight, batches=batches))
    return [*found, *_of_single_columns(), *_multilabel(), *_at_edges()]


def _of_single_columns():
    labels, soft, weights = samples(11, 30, 2)
    column, pred = soft[:, 1:], (soft[:, 1] > 0.5).astype(int)
    for weight in (None, weights):
        known = list(of_predicted_classes(labels, pred, 2, weight))
        known.append(
            ("confusion_matrix", "confusion_matrix", metrics.confusion_matrix(labels, pred, sample_weight=weight))
        )
        brier = metrics.brier_score_loss(labels, column[:, 0].astype("float64"), sample_weight=weight)
        known.append(("brier", "brier_score_loss", brier))
        specificity = metrics.recall_score(labels, pred, pos_label=0, sample_weight=weight)
        known.append(("specificity", "recall_score of class 0", specificity))
        npv = metrics.precision_score(labels, pred, pos_label=0, sample_weight=weight)
        known.append(("npv", "precision_score of class 0", npv))
        for true in (labels, labels[:, None].astype("float32")):
            yield from (case(*named, true, column, value, weight=weight) for *named, value in known)
    strict = (column[:, 0] > 0.8).astype(int)
    yield case("mcc:threshold=0.8", "matthews_corrcoef", labels, column, metrics.matthews_corrcoef(labels, strict))


def _multilabel():
    rng = np.random.default_rng(12)
    labels, soft = rng.integers(0, 2, (25, 4)), rng.uniform(size=(25, 4)).astype("float32")
    weight = rng.integers(0, 5, 25).astype("float32")
    pred = (soft > 0.5).astype(int)
    for given in (None, weight):
        loss = metrics.hamming_loss(labels, pred, sample_weight=given)
        yield case("hamming_loss:multilabel=true", "hamming_loss", labels, soft, loss, weight=given, batches=[20, 5])
        matrix = metrics.multilabel_confusion_matrix(labels, pred, sample_weight=given)
        text = "confusion_matrix:multilabel=true"
        yield case(text, "multilabel_confusion_matrix", labels, soft, matrix, weight=given, batches=[20, 5])


def _at_edges():
    for note, true, pred in (
        ("all right", [0, 1, 2, 2], [0, 1, 2, 2]),
        ("all wrong", [0, 1, 2, 2], [1, 2, 0, 0]),
        ("one class predicted", [0, 1, 2, 2], [1, 1, 1, 1]),
        ("a class without samples", [0, 1, 1, 0], [0, 2, 1, 1]),
        ("a rare class", [0] * 500 + [1] + [0] * 500, [0] * 501 + [1] + [0] * 499),
    ):
        soft = np.eye(3, dtype="float32")[pred]
        known = of_predicted_classes(np.array(true), np.array(pred), 3, None)
        near_chance = {"tolerance": 1e-4, "reason": "the small rest of a difference of larger numbers"}
        for *named, value in known:
            more = near_chance if abs(value) < 0.01 else {}
            yield case(*named, np.array(true), soft, value, note=note, **more)
