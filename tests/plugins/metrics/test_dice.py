"""The Dice score of masks against scikit-learn's F1 score of each image's positions."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from kzoo_plugins.metrics.images import DiceScore

RNG = np.random.default_rng(3)
N, K = 5, 4
SHAPE = (N, 6, 7)
LABELS = RNG.integers(0, K, SHAPE)
LABELS[0][LABELS[0] == 2] = 1  # an image without class 2
SCORES = (RNG.dirichlet(np.ones(K), SHAPE) + 0.5 * np.eye(K)[LABELS]).astype("float32")
WEIGHT = np.array([1, 0, 2, 1, 3], "float32")


def result(y_true, y_pred, weight=None, **arguments):
    metric = DiceScore(**arguments)
    metric.update_state(y_true[:2], y_pred[:2], None if weight is None else weight[:2])
    metric.update_state(y_true[2:], y_pred[2:], None if weight is None else weight[2:])
    return float(metric.result())


def expected(labels, weight=None, *, ignored=None, by_class=(1.0,) * K, ignore_empty=True):
    """Return the mean over images of the mean over classes of scikit-learn's F1 score, by their weights."""
    images, weights = [], []
    for image, scores, own in zip(labels, SCORES, np.ones(N) if weight is None else weight, strict=True):
        kept = image != ignored
        true, pred = image[kept], scores[kept].argmax(-1)
        if not kept.any():
            continue
        shown = np.isin(np.arange(K), true)
        present = np.isin(np.arange(K), pred) | shown
        each = f1_score(true, pred, labels=range(K), average=None, zero_division=0)
        each = np.where(present, each, 1.0)
        counts = np.array(by_class) * (shown if ignore_empty else 1)
        if counts.sum():
            images.append(np.average(each, weights=counts))
            weights.append(own)
    return np.average(images, weights=weights)


@pytest.mark.long_but_first(5)
@pytest.mark.parametrize("ignore_empty", [True, False])
@pytest.mark.parametrize("ignored", [None, 0, 2, -1, 255])
@pytest.mark.parametrize("by_class", [None, (0.5, 2.0, 1.0, 0.0)])
def test_ignored_classes_and_weights_of_classes(ignored, by_class, ignore_empty):
    labels = LABELS.copy()
    if ignored in (-1, 255):
        labels[RNG.uniform(size=SHAPE) < 0.3] = ignored
        labels[3] = ignored  # an image of which nothing is left
    right = expected(labels, WEIGHT, ignored=ignored, by_class=by_class or (1.0,) * K, ignore_empty=ignore_empty)
    kept = (labels != ignored)[..., None]
    scores = np.where(kept, SCORES, np.nan)
    hot = np.eye(K)[np.clip(labels, 0, K - 1)] * (kept if ignored in (-1, 255) else 1)
    for y_true in (labels, labels[..., None], hot):
        saw = result(y_true, scores, WEIGHT, ignore_class=ignored, class_weight=by_class, ignore_empty=ignore_empty)
        assert saw == pytest.approx(right, rel=1e-5)


def test_no_background_is_a_background_of_weight_0():
    saw = result(LABELS, SCORES, include_background=False)
    assert saw == pytest.approx(expected(LABELS, by_class=(0, 1, 1, 1)), rel=1e-6)
    assert saw == pytest.approx(result(LABELS, SCORES, class_weight=[0, 1, 1, 1]), rel=1e-6)


def test_one_mask_of_yes_and_no():
    labels, scores = (LABELS > 1).astype("float32"), SCORES[..., 2:].sum(-1, keepdims=True) / 2
    labels[RNG.uniform(size=SHAPE) < 0.3] = -1
    each = []
    for true, one in zip(labels, scores[..., 0] > 0.5, strict=True):
        each.append(f1_score(true[true != -1], one[true != -1]))
    for y_true in (labels, labels[..., None]):
        assert result(y_true, scores, ignore_class=-1, class_weight=[2.0]) == pytest.approx(np.mean(each), rel=1e-5)
    first = np.moveaxis(scores, -1, 1)
    for y_true in (labels, labels[:, None]):
        assert result(y_true, first, ignore_class=-1, axis=1) == pytest.approx(np.mean(each), rel=1e-5)


def test_where_everything_is_ignored_there_is_no_score():
    assert result(np.full(SHAPE, 255), SCORES, ignore_class=255) == 0
    assert result(np.full(SHAPE, 255), SCORES, ignore_class=255, ignore_empty=False) == 0
