"""The area under the ROC curve beyond its reference: the bound of its bins, what is not defined, faults, refusals."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import roc_auc_score

from kzoo_plugins.metrics.auroc import AUROCPerClass, MultilabelAUROC


def area(y_true, y_pred, weight=None, **arguments):
    metric = AUROCPerClass(**arguments)
    metric.update_state(y_true, y_pred, sample_weight=weight)
    return np.asarray(metric.result())


def shared(y_true, scores, n_bins):
    """Return the share of pairs of a sample of the class and one of another that lie in one bin."""
    with np.errstate(divide="ignore"):
        odds = np.log(scores) - np.log1p(-scores)
    bins = np.clip(np.floor((odds + 24) / 48 * n_bins), 0, n_bins - 1)
    return np.mean(bins[y_true == 1][:, None] == bins[y_true == 0])


@pytest.mark.parametrize("n_bins", [16, 256, 4096])
@pytest.mark.parametrize("spread", [0.5, 3.0, 6.0])
def test_it_is_off_by_at_most_half_of_the_pairs_that_share_a_bin(n_bins, spread):
    rng = np.random.default_rng(n_bins)
    y_true = rng.integers(0, 2, 2000)
    scores = expit(spread * (rng.normal(size=2000) + y_true - 1.5)).astype("float32")
    exact = roc_auc_score(y_true, scores)
    apart = abs(float(area(y_true[:, None], scores[:, None], n_bins=n_bins)) - exact)
    assert apart <= shared(y_true, scores.astype("float64"), n_bins) / 2 + 1e-6
    if n_bins == 4096:
        assert apart < 1e-4


def test_scores_near_0_are_told_apart():
    y_true, scores = np.array([[0], [0], [1], [1]]), np.array([[1e-9], [2e-9], [4e-9], [1e-8]], "float32")
    assert float(area(y_true, scores)) == 1.0


def test_a_class_without_samples_or_without_others_is_nan_and_left_out_of_the_mean():
    y_true, y_pred = np.array([0, 0, 1]), np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3]], "float32")
    np.testing.assert_allclose(area(y_true, y_pred), [0.5, 0.5, np.nan])
    assert float(area(y_true, y_pred, average="macro")) == 0.5
    assert np.isnan(area(y_true[:2], y_pred[:2])).all()
    assert np.isnan(area(y_true[:2], y_pred[:2], average="weighted"))


@pytest.mark.parametrize("fault", ["a NaN", "no class", "no probability"])
def test_a_fault_shows_unless_its_weight_is_0(fault):
    y_true, y_pred = np.array([0.0, 1.0, 2.0, 1.0]), softmax(np.random.default_rng(1).normal(size=(4, 3)), axis=-1)
    if fault == "no class":
        y_true[3] = 3
    else:
        y_pred[3, 0] = np.nan if fault == "a NaN" else -0.5
    assert np.isnan(area(y_true, y_pred)).all()
    weight = np.array([1.0, 1, 1, 0])
    np.testing.assert_allclose(area(y_true, y_pred, weight), area(y_true[:3], y_pred[:3]))


def test_an_answer_that_is_not_known_is_left_out_where_it_stands():
    y_true = np.array([[1, -1], [0, 1], [-1, 0], [1, 0]], "float32")
    y_pred = np.array([[0.9, 0.9], [0.8, 0.3], [0.1, 0.2], [0.4, np.nan]], "float32")
    y_true[3, 1] = -1
    metric = MultilabelAUROC(ignore_class=-1)
    metric.update_state(y_true, y_pred)
    np.testing.assert_allclose(metric.result(), [0.5, 1.0])


def test_positions_of_masks_with_classes_first():
    rng = np.random.default_rng(3)
    y_true, y_pred = rng.integers(0, 3, (2, 4, 5)), softmax(rng.normal(size=(2, 4, 5, 3)), axis=-1).astype("float32")
    first = area(y_true, np.moveaxis(y_pred, -1, 1), axis=1)
    np.testing.assert_array_equal(first, area(y_true.reshape(-1), y_pred.reshape(-1, 3)))


@pytest.mark.parametrize(
    ("arguments", "words"), [({"n_bins": 1}, "`n_bins` must"), ({"average": "micro"}, "`average` must be one of")]
)
def test_arguments_out_of_range(arguments, words):
    with pytest.raises(ValueError, match=words):
        AUROCPerClass(**arguments)


def test_class_weights_for_another_number_of_classes_are_refused():
    with pytest.raises(ValueError, match="numbers, and"):
        area(np.array([0, 1, 2]), np.eye(3, dtype="float32"), class_weight=[1, 2], average="macro")
