"""The weighted kappa loss: what weights, small batches and full agreement make of it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import with_gradient
from sklearn.metrics import cohen_kappa_score

from kzoo_plugins.losses.kappa import WeightedKappa, weighted_kappa

RNG = np.random.default_rng(6)
K = 4
LABELS = RNG.integers(0, K, 12)
PRED = RNG.dirichlet(np.ones(K), 12).astype("float32")
GUESSES = RNG.integers(0, K, 12)
CERTAIN = np.eye(K, dtype="float32")[GUESSES]
LOSS = WeightedKappa()


def value_and_slope(y_true, y_pred, **arguments):
    return with_gradient(lambda y: LOSS(y_true, y, **arguments))(y_pred)


def test_every_sample_has_the_loss_of_the_batch():
    values = np.asarray(WeightedKappa(reduction=None)(LABELS, PRED))
    assert values.shape == (12,)
    assert set(values) == {np.float32(LOSS(LABELS, PRED))}


def test_one_sample_says_nothing():
    value, slope = value_and_slope(LABELS[:1], PRED[:1])
    assert value == pytest.approx(1e-6, rel=1e-3)
    np.testing.assert_allclose(slope, 0, atol=1e-6)


def test_full_agreement():
    match = np.eye(K, dtype="float32")[LABELS]
    assert float(LOSS(LABELS, match)) == pytest.approx(np.log(1e-6), rel=1e-5)
    # Of one class alone nothing else is expected either.
    alone = np.eye(K, dtype="float32")[np.zeros(5, int)]
    value, slope = value_and_slope(np.zeros(5, int), alone)
    assert value == pytest.approx(np.log(1e-6), rel=1e-5)
    assert np.isfinite(slope).all()


def test_predictions_that_do_not_depend_on_the_label_are_chance():
    same = np.tile(np.array([0.1, 0.2, 0.3, 0.4], "float32"), (12, 1))
    assert float(WeightedKappa(epsilon=1e-12)(LABELS, same)) == pytest.approx(0, abs=1e-7)


@pytest.mark.long
def test_both_sides_of_the_change_of_formula_meet():
    # Kappa from 0 to 1 along predictions that get better; the loss falls by small steps and so does its slope.
    match, chance = np.eye(K, dtype="float64")[LABELS], np.full((12, K), 0.25)
    found = [
        float(WeightedKappa(dtype="float64")(LABELS, (1 - t) * chance + t * match)) for t in np.linspace(0.3, 0.7, 401)
    ]
    steps = np.diff(found)
    assert (steps < 0).all()
    assert np.abs(np.diff(steps)).max() < 1e-4


class TestWeights:
    WEIGHTS = RNG.uniform(0.5, 2, 12).astype("float32")

    def test_a_sample_of_weight_0_has_no_part(self):
        weights = self.WEIGHTS.copy()
        weights[[2, 7]] = 0
        kept = weights > 0
        for reduction, scale in (("sum", 1.0), ("sum_over_batch_size", 10 / 12), ("mean_with_sample_weight", 1.0)):
            loss = WeightedKappa(reduction=reduction)
            found = float(loss(LABELS, PRED, sample_weight=weights))
            alone = float(loss(LABELS[kept], PRED[kept], sample_weight=weights[kept]))
            assert found == pytest.approx(alone * scale, rel=1e-5)
        _, slope = value_and_slope(LABELS, PRED, sample_weight=weights)
        np.testing.assert_array_equal(slope[[2, 7]], 0)

    def test_a_weight_of_2_is_the_sample_twice(self):
        weights = np.ones(12)
        weights[3] = 2
        twice = [*range(12), 3]
        found = float(WeightedKappa(reduction="sum")(LABELS, PRED, sample_weight=weights))
        assert found == pytest.approx(float(WeightedKappa(reduction="sum")(LABELS[twice], PRED[twice])), rel=1e-5)

    def test_weights_alone_do_not_change_it_where_all_are_equal(self):
        for same in (3.0, np.full(12, 3.0), np.full((12, 1), 3.0), tf.fill((12,), 3)):
            found = float(LOSS(LABELS, PRED, sample_weight=same))
            assert found == pytest.approx(3 * float(LOSS(LABELS, PRED)), rel=1e-5)

    def test_it_is_scikit_learns_weighted_score(self):
        score = cohen_kappa_score(LABELS, GUESSES, weights="quadratic", sample_weight=self.WEIGHTS)
        loss = WeightedKappa(reduction="mean_with_sample_weight")
        found = float(loss(LABELS, CERTAIN, sample_weight=self.WEIGHTS))
        assert found == pytest.approx(np.log(1 - score + 1e-6), rel=1e-5)

    def test_no_weight_at_all(self):
        value, slope = value_and_slope(LABELS, PRED, sample_weight=np.zeros(12))
        assert value == 0
        np.testing.assert_array_equal(slope, 0)

    @pytest.mark.parametrize("weights", [np.ones(11), np.ones((12, K)), np.ones((1, 12))])
    def test_other_shapes_are_refused(self, weights):
        with pytest.raises(ValueError, match="one weight for each sample"):
            LOSS(LABELS, PRED, sample_weight=weights)

    def test_keras_hands_them_on(self):
        model = keras.Sequential([keras.layers.Identity()])
        model.compile(loss=WeightedKappa())
        found = model.evaluate(PRED, LABELS, sample_weight=self.WEIGHTS, batch_size=12, verbose=0)
        assert found == pytest.approx(float(LOSS(LABELS, PRED, sample_weight=self.WEIGHTS)), rel=1e-5)


def test_steps_are_refused():
    with pytest.raises(ValueError, match=r"y_pred of shape \(samples, classes\), not \(3, 4, 4\)"):
        LOSS(LABELS.reshape(3, 4), PRED.reshape(3, 4, K))


@pytest.mark.parametrize("make", [WeightedKappa, lambda **arguments: weighted_kappa(LABELS, PRED, **arguments)])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [({"weights": "cubic"}, "'quadratic', 'linear', not 'cubic'"), ({"epsilon": 0}, "`epsilon` must be a finite")],
)
def test_wrong_arguments_are_refused(make, arguments, says):
    with pytest.raises(ValueError, match=says):
        make(**arguments)
