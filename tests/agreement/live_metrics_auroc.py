"""The area under the ROC curve of each class, from scikit-learn."""

import numpy as np
import sklearn
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from agreement.case import metric_case as case

REFERENCE = f"scikit-learn {sklearn.__version__} roc_auc_score"
NAME = "auroc_per_class"


def _scores(seed, count, classes):
    """Return labels, one-hot labels, scores of two digits that follow them somewhat, and weights."""
    rng = np.random.default_rng(seed)
    y_true = np.concatenate([np.arange(classes), rng.integers(0, classes, count - classes)])
    rng.shuffle(y_true)
    hot = np.eye(classes)[y_true]
    y_pred = np.round(softmax(rng.normal(size=(count, classes)) + hot, axis=-1), 2).astype("float32")
    return y_true, hot, y_pred, rng.integers(1, 5, count).astype("float32") / 2


def _of_classes():
    for seed, (count, classes) in enumerate([(60, 3), (40, 10), (30, 2)]):
        y_true, hot, y_pred, weights = _scores(seed, count, classes)
        for weight in (None, weights):
            for average in (None, "macro", "weighted"):
                value = roc_auc_score(hot, y_pred, average=average, sample_weight=weight)
                component = {"name": NAME, "average": average}
                yield case(component, REFERENCE, y_true, y_pred, value, weight)
                yield case(component, REFERENCE, hot.astype("float32"), y_pred, value, weight, "one-hot labels")
        areas, weight = roc_auc_score(hot, y_pred, average=None), np.arange(1, classes + 1)
        component = {"name": NAME, "average": "macro", "class_weight": weight.tolist()}
        yield case(component, f"{REFERENCE}, NumPy average", y_true, y_pred, np.average(areas, weights=weight))
        each = weight[y_true].astype("float32")
        for average in (None, "weighted"):
            value = roc_auc_score(hot, y_pred, average=average, sample_weight=each)
            component = {"name": NAME, "average": average, "class_weight": weight.tolist()}
            yield case(component, REFERENCE, y_true, y_pred, value, note="class weights as sample weights")
        ignored = y_true.copy()
        ignored[::4] = 255
        kept = ignored != 255
        value = roc_auc_score(hot[kept], y_pred[kept], average=None)
        yield case({"name": NAME, "ignore_class": 255}, REFERENCE, ignored, y_pred, value, note="an ignored class")
        # Of so many bins no two of these scores share one.
        logits = (np.random.default_rng(seed).normal(size=(count, classes)) * 3 + hot).astype("float32")
        component = {"name": NAME, "from_logits": True, "n_bins": 2**17}
        value = roc_auc_score(hot, softmax(logits.astype("float64"), axis=-1), average=None)
        yield case(component, REFERENCE, y_true, logits, value, note="logits")


def _of_answers():
    for seed, count in enumerate((50, 20)):
        y_true, _, y_pred, weights = _scores(seed, count, 2)
        yes = y_pred[:, 1:]
        for weight in (None, weights):
            value = roc_auc_score(y_true, yes[:, 0], sample_weight=weight)
            for form in (y_true[:, None], y_true):
                yield case(NAME, REFERENCE, form, yes, value, weight, note="a single column")
        logits = np.round(np.random.default_rng(seed).normal(size=(count, 1)) * 8) / 4
        component = {"name": NAME, "from_logits": True}
        value = roc_auc_score(y_true, logits)
        yield case(component, REFERENCE, y_true, logits.astype("float32"), value, note="a single column of logits")
        answers = (np.random.default_rng(seed).random((count, 4)) < 0.4).astype("float32")
        scores = np.round(np.random.default_rng(seed + 9).random((count, 4)) * 0.6 + 0.4 * answers, 2).astype("float32")
        for weight in (None, weights):
            for average in (None, "macro", "weighted"):
                value = roc_auc_score(answers, scores, average=average, sample_weight=weight)
                component = {"name": NAME, "multilabel": True, "average": average}
                yield case(component, REFERENCE, answers, scores, value, weight, note="several labels")


def cases():
    return [*_of_classes(), *_of_answers()]
