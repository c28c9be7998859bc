"""Ordered classes as thresholds: labels in, classes out; what a sample's value is; test_agreement.py has the values."""

import keras
import numpy as np
import pytest
from scipy.special import expit

from kzoo_plugins.losses.coral import Coral, coral
from kzoo_plugins.losses.corn import Corn, corn
from kzoo_plugins.losses.thresholds import threshold_labels, threshold_probabilities

RNG = np.random.default_rng(5)
LOGITS = (RNG.normal(size=(8, 4)) * 2).astype("float32")
LABELS = np.array([0, 4, 2, 3, 1, 0, 4, 2])
BOTH = pytest.mark.parametrize("conditional", [False, True], ids=["coral", "corn"])


class TestClasses:
    # The examples in the documentation of coral_pytorch 1.4.0: proba_to_label and corn_label_from_logits.
    def test_labels_of_coral(self):
        above = [[0.934, 0.861, 0.323, 0.492, 0.295], [0.496, 0.485, 0.267, 0.124, 0.058]]
        above += [[0.985, 0.967, 0.920, 0.819, 0.506]]
        logits = np.log(above) - np.log1p(-np.array(above))
        assert np.array(threshold_labels(logits)).tolist() == [2, 0, 5]

    def test_labels_of_corn(self):
        logits = [[14.152, -6.1942, 0.47710, 0.96850], [65.667, 0.303, 11.500, -4.524]]
        assert np.array(threshold_labels(logits, conditional=True)).tolist() == [1, 3]

    @BOTH
    def test_probabilities_are_a_distribution_whatever_the_logits(self, conditional):
        extreme = np.concatenate([LOGITS, [[90, -90, 90, -90], [0, 0, 0, 0], [-300, 300, 300, 300]]]).astype("float32")
        found = np.asarray(threshold_probabilities(extreme, conditional=conditional))
        assert found.shape == (11, 5)
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-6)

    def test_probabilities_of_thresholds_in_order_are_the_differences(self):
        falling = -np.sort(-LOGITS, -1)
        above = np.pad(expit(falling.astype("float64")), [(0, 0), (1, 1)], constant_values=(1, 0))
        above[:, -1] = 0
        np.testing.assert_allclose(threshold_probabilities(falling), -np.diff(above), atol=1e-6)

    def test_a_threshold_likelier_than_the_one_before_counts_as_that(self):
        crossed = np.array([[0.0, 3.0, -1.0]], "float32")
        level = np.array([[0.0, 0.0, -1.0]], "float32")
        np.testing.assert_allclose(threshold_probabilities(crossed), threshold_probabilities(level), atol=1e-7)

    @BOTH
    def test_the_loss_is_least_at_the_probabilities_of_the_labels(self, conditional):
        # One set of logits for all samples: its best probabilities are the shares of the classes.
        shares = np.bincount(LABELS) / len(LABELS)
        above = 1 - np.cumsum(shares)[:-1]
        best = above / np.concatenate([[1], above[:-1]]) if conditional else above
        logits = np.log(best / (1 - best)).astype("float32")
        np.testing.assert_allclose(threshold_probabilities(logits, conditional=conditional), shares, atol=1e-6)
        loss = Corn() if conditional else Coral()
        at = keras.Variable(np.tile(logits, (len(LABELS), 1)))
        lowest = float(loss(LABELS, at))
        for step in RNG.normal(size=(10, 4)).astype("float32") * 0.1:
            assert float(loss(LABELS, at + step)) > lowest


@pytest.mark.parametrize("function", [coral, corn])
class TestLabels:
    def test_every_form_gives_the_same(self, function):
        expected = function(LABELS, LOGITS)
        for same in (LABELS[:, None], np.eye(5)[LABELS], LABELS.astype("float32")):
            np.testing.assert_allclose(function(same, LOGITS), expected, rtol=1e-6)

    def test_positions_are_samples_too(self, function):
        expected = np.reshape(function(LABELS, LOGITS), (2, 4))
        np.testing.assert_allclose(function(LABELS.reshape(2, 4), LOGITS.reshape(2, 4, 4)), expected, rtol=1e-6)

    @pytest.mark.parametrize("label", [-1, 5])
    def test_a_class_that_does_not_exist_shows(self, function, label):
        assert np.isnan(function([label], LOGITS[:1])).all()

    @pytest.mark.parametrize("labels", [np.eye(4)[[0, 1]], np.zeros((2, 6)), np.zeros(3)], ids=["K-1", "K+1", "N+1"])
    def test_other_shapes_are_refused(self, function, labels):
        with pytest.raises(ValueError, match=r"a logit for each of the K - 1 thresholds"):
            function(labels, LOGITS[:2])


def test_two_classes_are_the_binary_crossentropy():
    labels, logits = np.array([0, 1, 1]), LOGITS[:3, :1]
    expected = keras.losses.binary_crossentropy(labels[:, None].astype("float32"), logits, from_logits=True)
    np.testing.assert_allclose(coral(labels, logits), expected, rtol=1e-6)
    np.testing.assert_allclose(corn(labels, logits), expected, rtol=1e-6)


def test_corn_is_the_mean_over_the_questions_that_were_asked():
    labels = np.array([0, 1, 4])  # one, two and four questions
    parts = [float(Corn()(labels[i : i + 1], LOGITS[i : i + 1])) for i in range(3)]
    whole = (1 * parts[0] + 2 * parts[1] + 4 * parts[2]) / 7
    assert float(Corn()(labels, LOGITS[:3])) == pytest.approx(whole, rel=1e-6)
    np.testing.assert_allclose(corn(labels, LOGITS[:3]), 3 * np.array([1, 2, 4]) * parts / 7, rtol=1e-6)


def test_corn_does_not_ask_about_thresholds_further_up():
    changed = LOGITS.copy()
    changed[0, 1:], changed[2, 3:] = 50, -50  # of classes 0 and 2
    np.testing.assert_allclose(corn(LABELS, changed), corn(LABELS, LOGITS), rtol=1e-6)


def test_corn_weighs_the_share_of_a_sample():
    weights = np.array([0.0, 1, 2, 0, 1, 1, 3, 0.5])
    shares = np.asarray(corn(LABELS, LOGITS)) / len(LABELS)
    weighted = float(Corn()(LABELS, LOGITS, sample_weight=weights))
    assert weighted == pytest.approx((weights * shares).sum(), rel=1e-6)


def test_an_importance_of_0_leaves_a_threshold_out():
    changed = LOGITS.copy()
    changed[:, 2] = 7
    for logits in (LOGITS, changed):
        found = coral(LABELS, logits, importance=[1, 1, 0, 1])
        thrice = coral(LABELS, LOGITS) - coral(LABELS, LOGITS, importance=[0, 0, 1, 0])
        np.testing.assert_allclose(found, thrice, rtol=1e-5)


@pytest.mark.parametrize(
    ("importance", "says"),
    [([1.0, 2.0], "2 thresholds, and `y_pred` has 4"), ([1, -1, 1, 1], "at least 0"), ([1, np.nan, 1, 1], "finite")],
)
def test_wrong_importance_is_refused(importance, says):
    with pytest.raises(ValueError, match=says):
        Coral(importance=importance)(LABELS, LOGITS)
    with pytest.raises(ValueError, match=says):
        coral(LABELS, LOGITS, importance=importance)
