"""Sums of losses: values of different ranks, weights, masks, parts, and what is refused."""

import json

import keras
import numpy as np
import pytest
from gradients import with_gradient
from keras import ops

import kzoo
from kzoo.component import ClassLoss, Loss
from kzoo.errors import UsageError
from kzoo.testing import check_loss
from kzoo.wrappers.loss_parts import parts_of
from kzoo_plugins.losses.mixture import Mixture
from kzoo_plugins.losses.overlap import SoftDice

RNG = np.random.default_rng(5)
K = 3
LABELS = RNG.integers(0, K, (4, 5, 6))
MASKS = np.eye(K, dtype="float32")[LABELS]
PRED = RNG.dirichlet(np.ones(K), (4, 5, 6)).astype("float32")
IGNORED = LABELS.copy()
IGNORED[RNG.uniform(size=IGNORED.shape) < 0.3] = 255
IGNORED[2] = 255
WEIGHTS = np.array([0.5, 2, 0, 1], "float32")
CROSSENTROPY = keras.losses.CategoricalCrossentropy()
SPARSE = keras.losses.SparseCategoricalCrossentropy


class Certainty(ClassLoss):
    """One minus the probability of the true class: a loss over positions that knows an ignored class."""

    def per_sample(self, y_true, y_pred):
        return 1 - ops.sum(y_true * y_pred, axis=-1)


class Spread(Loss):
    """A value for each sample, of the predictions alone."""

    def align(self, y_true, y_pred):
        return y_true, y_pred

    def per_sample(self, y_true, y_pred):
        return ops.mean(ops.square(y_pred), axis=(1, 2, 3))


class Hiding(keras.losses.Loss):
    """A loss that shows no NaN."""

    def call(self, y_true, y_pred):
        apart = ops.mean(ops.abs(y_true - y_pred), axis=-1)
        return ops.where(ops.isnan(apart), ops.zeros_like(apart), apart)


# --- values


@pytest.mark.parametrize("weight", [None, WEIGHTS, WEIGHTS[:, None]])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", None])
def test_losses_with_the_same_axes_add_up_as_they_are(weight, reduction):
    y_true, y_pred = RNG.normal(size=(2, 4, 3)).astype("float32")
    made = [keras.losses.MeanSquaredError, keras.losses.MeanAbsoluteError]
    given = None if weight is None else weight.reshape(-1)
    one, other = (loss(reduction=reduction)(y_true, y_pred, sample_weight=given) for loss in made)
    mixture = Mixture([loss() for loss in made], weights=[2, 0.25], reduction=reduction)
    np.testing.assert_allclose(mixture(y_true, y_pred, sample_weight=weight), 2 * one + 0.25 * other, rtol=1e-6)


def test_positions_stay_where_all_losses_have_them():
    mixture = Mixture([CROSSENTROPY, keras.losses.MeanSquaredError()], reduction=None)
    expected = CROSSENTROPY.call(MASKS, PRED) + keras.losses.MeanSquaredError().call(MASKS, PRED)
    np.testing.assert_allclose(mixture(MASKS, PRED), expected, rtol=1e-6)


@pytest.mark.parametrize("turned", [False, True])
def test_positions_are_averaged_where_another_loss_has_one_value_for_each_sample(turned):
    losses, weights = [SoftDice(), CROSSENTROPY], [1, 0.5]
    mixture = Mixture(losses[::-1], weights[::-1]) if turned else Mixture(losses, weights)
    each = np.asarray(SoftDice(reduction=None)(MASKS, PRED)) + 0.5 * np.asarray(CROSSENTROPY.call(MASKS, PRED)).mean(
        (1, 2)
    )
    np.testing.assert_allclose(mixture.call(MASKS, PRED), each, rtol=1e-6)
    assert float(mixture(MASKS, PRED, sample_weight=WEIGHTS)) == pytest.approx((each * WEIGHTS).mean(), rel=1e-6)


def test_the_gradient_is_the_sum_of_gradients():
    dice, positions = SoftDice(reduction="sum"), 5 * 6
    _, of_dice = with_gradient(dice)(MASKS, PRED)
    _, of_crossentropy = with_gradient(keras.losses.CategoricalCrossentropy(reduction="sum"))(MASKS, PRED)
    _, found = with_gradient(Mixture([SoftDice(), CROSSENTROPY], [1, 2], reduction="sum"))(MASKS, PRED)
    np.testing.assert_allclose(found, of_dice + 2 * of_crossentropy / positions, rtol=1e-5, atol=1e-7)


def test_predictions_of_one_axis_are_samples():
    y_true, y_pred = np.array([0.0, 1, 2], "float32"), np.array([1.0, 1, 4], "float32")
    for true, pred in ((y_true, y_pred), (y_true[:, None], y_pred[:, None]), (y_true, y_pred[:, None])):
        mixture = Mixture([keras.losses.MeanSquaredError(), keras.losses.MeanAbsoluteError()])
        np.testing.assert_allclose(mixture.call(true, pred), [2, 0, 6])
    np.testing.assert_allclose(mixture.call(np.array([0, 1, 2]), np.array([1, 1, 4])), [2, 0, 6])


def test_a_loss_of_weight_0_is_only_logged():
    class Unbounded(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return 1 / ops.mean(ops.abs(y_true - y_pred), axis=-1)

    y_pred = np.array([[0.0, 1.0]], "float32")
    mixture = Mixture([keras.losses.MeanSquaredError(), Unbounded(name="unbounded")], [1, 0])
    value, slope = with_gradient(mixture)(y_pred, y_pred)
    assert (float(value), np.asarray(slope).tolist()) == (0, [[0, 0]])
    assert [float(values[0]) for values in mixture.parts(y_pred, y_pred).values()] == [0, float("inf")]


def test_half_precision_is_raised_and_double_is_kept():
    y_true, y_pred = np.array([[0.0]]), np.array([[1 + 1e-12]])
    for dtype, wide in (("float16", "float32"), ("bfloat16", "float32"), ("float64", "float64")):
        parts = [keras.losses.MeanAbsoluteError(dtype=dtype), keras.losses.MeanSquaredError(dtype="float16")]
        value = Mixture(parts, dtype=dtype).call(y_true, y_pred)
        assert keras.backend.standardize_dtype(value.dtype) == wide
        assert abs(float(value[0]) - 2 - 3e-12 * (wide == "float64")) < 1e-13


# --- ignored positions and masks


def _kept_mean(values, kept):
    return np.array([v[k].mean() if k.any() else 0 for v, k in zip(np.asarray(values), kept, strict=True)])


@pytest.mark.parametrize("made", [SPARSE, Certainty])
def test_an_ignored_position_is_in_no_mean_over_positions(made):
    loss, plain = made(ignore_class=255), made(reduction=None)
    kept = IGNORED != 255
    each = _kept_mean(plain(np.where(kept, IGNORED, 0), PRED), kept)
    mixture = Mixture([Spread(), loss], [1, 0.5])
    np.testing.assert_allclose(mixture.call(IGNORED, PRED), (PRED**2).mean((1, 2, 3)) + 0.5 * each, rtol=1e-5)
    assert mixture.kept(IGNORED, PRED) is None  # the other loss ignores nothing


def test_dice_and_crossentropy_of_masks_with_an_ignored_class():
    """The mean is over the samples in which either has something to count."""
    dice, kept = SoftDice(ignore_class=255, reduction=None), IGNORED != 255
    each = _kept_mean(SPARSE(reduction=None)(np.where(kept, IGNORED, 0), PRED), kept)
    expected = (np.asarray(dice(IGNORED, PRED)) + 0.5 * each)[[0, 1, 3]].mean()
    mixture = kzoo.loss(
        "mixture:losses=[soft_dice(ignore_class=255),sparse_categorical_crossentropy(ignore_class=255)],weights=[1,.5]"
    )
    np.testing.assert_array_equal(mixture.kept(IGNORED, PRED), [True, True, False, True])
    assert float(mixture(IGNORED, PRED)) == pytest.approx(expected, rel=1e-5)
    for metric, alone in zip(parts_of(mixture), (np.asarray(dice(IGNORED, PRED)), each), strict=True):
        metric.update_state(IGNORED, PRED)
        assert float(metric.result()) == pytest.approx(alone[[0, 1, 3]].mean(), rel=1e-5)


@pytest.mark.parametrize("weight", [None, WEIGHTS])
def test_what_all_losses_ignore_is_not_in_the_mean_of_the_batch(weight):
    alone = SPARSE(ignore_class=255)
    expected = float(
        alone(IGNORED, PRED, sample_weight=None if weight is None else np.ones(IGNORED.shape) * weight[:, None, None])
    )
    assert float(Mixture([alone], [2])(IGNORED, PRED, sample_weight=weight)) == pytest.approx(2 * expected, rel=1e-5)
    both = Mixture([alone, Certainty(ignore_class=255)], [2, 3])
    certainty = float(Certainty(ignore_class=255)(IGNORED, PRED, sample_weight=weight))
    assert float(both(IGNORED, PRED, sample_weight=weight)) == pytest.approx(2 * expected + 3 * certainty, rel=1e-5)


@pytest.mark.parametrize("weight", [None, WEIGHTS])
@pytest.mark.parametrize("masked", [False, True])
def test_what_only_some_ignore_is_left_out_of_their_own_mean_alone(weight, masked):
    """The value is the sum of what each loss gives by itself, a mixture inside a mixture among them."""
    pred = keras.ops.convert_to_tensor(PRED)
    if masked:
        keep = np.ones(IGNORED.shape, bool)
        keep[:, 1:3, 0] = False
        keras.src.backend.set_keras_mask(pred, keras.ops.convert_to_tensor(keep))
    labels = np.where(IGNORED == 255, 1, IGNORED)
    first, second, third = Certainty(ignore_class=1), SPARSE(ignore_class=2), Certainty()
    each = [float(one(labels, pred, sample_weight=weight)) for one in (first, Certainty(ignore_class=2), third)]
    mixture = Mixture([first, Mixture([Certainty(ignore_class=2), third], [2, 3])], [1, 0.5])
    expected = each[0] + 0.5 * (2 * each[1] + 3 * each[2])
    assert float(mixture(labels, pred, sample_weight=weight)) == pytest.approx(expected, rel=1e-5)
    if not masked:  # Keras's own has the shape of its mask alone
        spread = None if weight is None else np.ones(IGNORED.shape) * weight[:, None, None]
        expected = each[0] + float(second(labels, pred, sample_weight=spread))
        assert float(Mixture([first, second])(labels, pred, sample_weight=weight)) == pytest.approx(expected, rel=1e-5)


def test_without_a_reduction_a_loss_adds_0_where_it_ignores_a_position():
    labels = np.where(IGNORED == 255, 1, IGNORED)
    parts = Certainty(ignore_class=1), Certainty()
    expected = np.where(labels == 1, 0, Certainty(reduction=None)(labels, PRED)) + Certainty(reduction=None)(
        labels, PRED
    )
    np.testing.assert_allclose(Mixture(parts, reduction=None)(labels, PRED), expected, rtol=1e-6)
    apart = Mixture([Certainty(ignore_class=1), Certainty(ignore_class=2)])
    assert np.asarray(apart.kept(labels, PRED)).all()


def test_a_sample_that_is_ignored_whole_counts_nothing():
    labels, y_pred = IGNORED[:, :, 0], PRED[:, :, 0]
    mixture = Mixture([SPARSE(ignore_class=255), Certainty(ignore_class=255)])
    kept = np.asarray(mixture.kept(labels, y_pred))
    np.testing.assert_array_equal(kept, labels != 255)
    _, slope = with_gradient(mixture)(labels, y_pred)
    assert (np.asarray(slope)[2] == 0).all()
    assert np.isfinite(slope).all()


# --- NaN


def test_nan_is_shown_whatever_the_losses_make_of_it():
    y_true, y_pred = RNG.normal(size=(2, 3, 2)).astype("float32")
    y_pred[1, 0] = np.nan
    value, slope = with_gradient(lambda true, pred: Mixture([Hiding(), Hiding()]).call(true, pred))(y_true, y_pred)
    np.testing.assert_array_equal(np.isnan(value), [False, True, False])
    np.testing.assert_array_equal(np.isnan(slope).any(-1), [False, True, False])


# --- parts


def test_each_loss_is_a_metric_without_its_weight():
    mixture = Mixture([SoftDice(), CROSSENTROPY, SPARSE(name="dice_loss"), SoftDice(smooth=1)], [1, 0.5, 1, 1])
    assert mixture.part_names == (
        "soft_dice_loss",
        "categorical_crossentropy_loss",
        "dice_loss",
        "soft_dice_loss_2",
    )
    mixture = Mixture([SoftDice(), CROSSENTROPY], [1, 0.5])
    dice, crossentropy = parts_of(mixture)
    for metric, alone in ((dice, SoftDice()), (crossentropy, CROSSENTROPY)):
        for at in (slice(0, 1), slice(1, None)):
            metric.update_state(MASKS[at], PRED[at])
        assert float(metric.result()) == pytest.approx(float(alone(MASKS, PRED)), rel=1e-6)
    assert dice.name == "soft_dice_loss"
    total = float(dice.result()) + 0.5 * float(crossentropy.result())
    assert float(mixture(MASKS, PRED)) == pytest.approx(total, rel=1e-6)


def test_the_metric_of_a_loss_leaves_out_what_it_ignores():
    metric = parts_of(Mixture([SPARSE(ignore_class=255)]))[0]
    metric.update_state(IGNORED, PRED)
    expected = float(SPARSE(ignore_class=255)(IGNORED, PRED))
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)


@pytest.mark.long
def test_in_keras_alone():
    model = keras.Sequential([keras.layers.Input((5, 6, 2)), keras.layers.Conv2D(K, 1, activation="softmax")])
    loss = Mixture([SoftDice(smooth=1), CROSSENTROPY], [1, 0.5])
    model.compile("sgd", loss, metrics=parts_of(loss))
    x = RNG.normal(size=(4, 5, 6, 2)).astype("float32")
    logs = model.fit(x, MASKS, sample_weight=WEIGHTS, verbose=0).history
    assert {"loss", "soft_dice_loss", "categorical_crossentropy_loss"} == set(logs)
    assert np.isfinite([logs[name][0] for name in logs]).all()


# --- from references


def test_references_objects_and_tables():
    text = "mixture:losses=[soft_dice(smooth=1),categorical_crossentropy],weights=[1,0.5]"
    expected = float(Mixture([SoftDice(smooth=1), CROSSENTROPY], [1, 0.5])(MASKS, PRED))
    made = [
        kzoo.loss(text),
        kzoo.loss('mixture:losses=[{"name":"soft_dice","smooth":1},"categorical_crossentropy"],weights=[1,0.5]'),
        kzoo.loss("mixture", losses=["soft_dice:smooth=1", CROSSENTROPY], weights=np.array([1, 0.5])),
        kzoo.loss("mixture", losses=[{"name": "soft_dice", "smooth": 1}, "categorical_crossentropy"], weights=(1, 0.5)),
    ]
    for loss in made:
        assert float(loss(MASKS, PRED)) == pytest.approx(expected, rel=1e-6)
        again = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(loss))))
        assert float(again(MASKS, PRED)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.long
@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ("masks", "mixture:losses=[soft_dice(smooth=1),crossentropy],weights=[1,0.5]"),
        ("classes", "mixture:losses=[squared_emd,focal(gamma=2)]"),
        ("images", "mixture:losses=[ssim,mean_absolute_error],weights=[0.84,0.16]"),
        ("boxes", "mixture:losses=[giou,mean_absolute_error]"),
    ],
)
def test_it_conforms_for_other_tasks(inputs, text):
    check_loss(text, inputs=inputs).raise_if_failed()


# --- refused


@pytest.mark.parametrize(
    ("losses", "more", "said"),
    [
        ([], {}, "at least one loss"),
        (CROSSENTROPY, {}, "not one, `categorical_crossentropy`"),
        (["mse"], {}, "must hold objects"),
        ([keras.losses.mean_squared_error], {}, "must hold objects"),
        ([CROSSENTROPY], {"weights": [1, 2]}, "each of the 1 losses"),
        ([CROSSENTROPY], {"weights": [float("nan")]}, "finite number"),
        ([CROSSENTROPY], {"weights": ["1"]}, "finite number"),
        ([CROSSENTROPY], {"weights": [True]}, "finite number"),
        ([CROSSENTROPY], {"weights": [0]}, "not all of them 0"),
        ([CROSSENTROPY], {"weights": 1}, "must be a list"),
        ([keras.losses.Huber(0.3), keras.losses.Huber(0.3, name="h")], {"weights": [0.3, -0.3]}, "0.3 x huber.* is 0 "),
        ([SoftDice()] * 3, {"weights": [0.1, 0.2, -0.3]}, "the sum is 0 whatever is predicted"),
        ([keras.losses.Dice()], {}, "`dice` is one number for the whole batch.*`soft_dice` has one"),
        ([keras.losses.Tversky()], {}, "`tversky` has one"),
        ([keras.losses.MeanSquaredError(reduction="sum")], {}, "`reduction` to the mixture"),
    ],
)
def test_what_is_no_list_of_losses_is_refused(losses, more, said):
    with pytest.raises(ValueError, match=said):
        Mixture(losses, **more)


def test_weights_below_0_are_taken_where_something_is_left():
    y_true, y_pred = np.zeros((2, 3), "float32"), np.full((2, 3), 0.5, "float32")
    huber = keras.losses.Huber
    assert float(Mixture([huber(1.0), huber(0.25)], [1, -1])(y_true, y_pred)) == pytest.approx(0.125 - 0.09375)
    assert float(Mixture([huber(1.0), huber(1.0)], [1, -0.5])(y_true, y_pred)) == pytest.approx(0.0625)


def test_values_that_cannot_be_added_are_refused():
    class Whole(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(y_true - y_pred)

    class EachClass(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(y_true - y_pred, axis=(0, 1, 2))

    class Rows(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(y_true - y_pred, axis=(1, 3))

    for loss, said in (
        (Whole(name="whole"), "`whole` is one number for the whole batch.*has a value for each sample"),
        (EachClass(name="each"), r"`each` has values of shape \(3,\) for predictions of shape \(4, 5, 6, 3\)"),
    ):
        with pytest.raises(ValueError, match=said):
            Mixture([SoftDice(), loss])(MASKS, PRED)
    columns = keras.losses.Dice(axis=(2, 3), name="columns")
    with pytest.raises(ValueError, match=r"different positions: rows \(4, 6\), columns \(4, 5\)"):
        Mixture([Rows(name="rows"), columns])(MASKS, PRED)


@pytest.mark.parametrize("shape", [(1, 3), (4, 1), (4, 2), (3, 3)])
def test_labels_that_would_be_broadcast_are_refused(shape):
    for losses in ([keras.losses.MeanSquaredError(), CROSSENTROPY], [Hiding()]):
        if shape[0] != 4 or len(losses) == 2:
            with pytest.raises(ValueError, match=r"y_true of shape \(\d, \d\) and y_pred of shape \(4, 3\)"):
                Mixture(losses)(np.zeros(shape, "float32"), np.zeros((4, 3), "float32"))


def test_what_stands_inside_is_checked_by_name():
    with pytest.raises(UsageError, match=r"No loss named `soft_dise`. Did you mean `soft_dice`"):
        kzoo.loss("mixture:losses=[soft_dise]")
    with pytest.raises(UsageError, match=r"`focal` .*has no argument `gama`. It takes: gamma"):
        kzoo.loss("mixture:losses=[crossentropy,focal(gama=2)]")
    with pytest.raises(UsageError, match=r"`mixture:losses=\[crossentropy,dice\]`.*`soft_dice` has one"):
        kzoo.loss("mixture:losses=[crossentropy,dice]")
    with pytest.raises(UsageError, match=r"needs `losses`, as in `mixture:losses=\["):
        kzoo.loss("mixture")
