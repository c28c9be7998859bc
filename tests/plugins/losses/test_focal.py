"""The focal losses: the paper's own numbers, Keras's losses of the same purpose, exact matches, arguments."""

import keras
import numpy as np
import pytest
from gradients import with_gradient

from kzoo_plugins.losses.focal import Focal, SigmoidFocal, focal, sigmoid_focal

RNG = np.random.default_rng(3)
PRED = RNG.dirichlet(np.ones(4), 6).astype("float32")
LABELS = np.array([0, 3, 1, 1, 2, 0])
HOT = np.eye(4, dtype="float32")[LABELS]


@pytest.mark.parametrize(("p", "less"), [(0.9, 100), (0.9683772, 1000)])
def test_the_paper_says_how_much_less_an_easy_sample_weighs(p, less):
    ours = float(focal([0], [[p, 1 - p]], gamma=2)[0])
    assert ours * less == pytest.approx(-np.log(p), rel=1e-4)
    assert float(sigmoid_focal([1.0], [p], alpha=None, gamma=2)[0]) == pytest.approx(ours, rel=1e-4)


@pytest.mark.parametrize("gamma", [0.0, 2.0, 0.5])
def test_keras_has_the_same_values_where_it_clips_nothing(gamma):
    keras_own = keras.losses.CategoricalFocalCrossentropy(gamma=gamma, alpha=0.25)
    assert float(Focal(gamma=gamma, alpha=0.25)(LABELS, PRED)) == pytest.approx(float(keras_own(HOT, PRED)), rel=1e-5)
    keras_own = keras.losses.BinaryFocalCrossentropy(gamma=gamma, alpha=0.25, apply_class_balancing=True)
    found = float(SigmoidFocal(gamma=gamma, alpha=0.25)(HOT, PRED))
    assert found == pytest.approx(float(keras_own(HOT, PRED)), rel=1e-5)


def test_keras_s_clipping_is_not_here():
    certain = np.array([[1e-12, 1.0]], "float32")
    assert float(keras.losses.CategoricalFocalCrossentropy(alpha=1.0)(np.eye(2, dtype="float32")[:1], certain)) < 17
    assert float(Focal()([0], certain)) == pytest.approx(-np.log(1e-12), rel=1e-5)


def test_each_class_has_its_own_weight():
    alpha = [0.5, 1.0, 0.0, 2.0]
    expected = np.asarray(focal(LABELS, PRED)) * np.array(alpha)[LABELS]
    np.testing.assert_allclose(focal(LABELS, PRED, alpha=alpha), expected, rtol=1e-6)
    loss = Focal(alpha=np.array(alpha))
    assert loss.get_config()["alpha"] == alpha
    assert float(Focal.from_config(loss.get_config())(LABELS, PRED)) == pytest.approx(expected.mean(), rel=1e-6)


def test_alpha_of_the_sigmoid_weighs_yes_and_its_complement_no():
    bare = sigmoid_focal([1.0, 0.0], [0.5, 0.5], alpha=None)
    np.testing.assert_allclose(sigmoid_focal([1.0, 0.0], [0.5, 0.5], alpha=0.25), np.asarray(bare) * [0.25, 0.75])


@pytest.mark.long_but_first(2)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("jit", [False, True])
def test_certain_predictions_spoil_no_other(gamma, jit):
    y_true = np.array([0, 0, 0])
    y_pred = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], "float32")
    value, slope = with_gradient(lambda y: focal(y_true, y, gamma=gamma), jit=jit)(y_pred)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    assert value[0] == 0
    # d/dp of -(1 - p)^gamma log p at p = 1/2.
    expected = gamma * 0.5 ** (gamma - 1) * np.log(0.5) - 2 * 0.5**gamma
    np.testing.assert_allclose(slope[2], [expected, 0], rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (SigmoidFocal, {"alpha": 1.5}, "`alpha` must be between 0 and 1, not 1.5"),
        (SigmoidFocal, {"gamma": -1}, "`gamma` must be a finite number of at least 0, not -1"),
        (Focal, {"gamma": float("nan")}, "`gamma` must be"),
        (Focal, {"alpha": [0.5, -1.0]}, "`alpha` must hold finite numbers of at least 0"),
    ],
)
def test_arguments_without_meaning_are_refused(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)
    function = sigmoid_focal if make is SigmoidFocal else focal
    with pytest.raises(ValueError, match=message):
        function(HOT, PRED, **arguments)


def test_weights_for_another_number_of_classes_and_other_shapes_are_refused():
    with pytest.raises(ValueError, match="`alpha` has 2 weights, and `y_pred` has 4 classes"):
        Focal(alpha=[1, 2])(LABELS, PRED)
    with pytest.raises(ValueError, match="`focal` got y_true of shape"):
        focal(HOT[:, :3], PRED)
    with pytest.raises(ValueError, match="`sigmoid_focal` got y_true of shape"):
        sigmoid_focal(np.ones((6, 1)), PRED)
